//! `pause` and `resume`: stop acting and let it go on, recorded with who, when and why.

use super::args::{Global, Scope};
use super::print;
use super::setup::{Ground, Purpose};
use super::{DONE, Wrong};
use crate::config::Config;
use crate::policy::{Action, AppId};
use crate::store::{BrakeKind, BrakeScope, NewBrake, Store};
use anyhow::Error;
use jiff::Timestamp;

/// Stops acting; evaluation goes on.
pub(super) async fn pause(global: &Global, scope: &Scope) -> Result<u8, Error> {
    let (store, wanted) = open(global, scope).await?;
    let brake =
        NewBrake { at: Timestamp::now(), kind: BrakeKind::Pause, scope: wanted, why: scope.why.clone(), who: who() };
    store.pull_brake(&brake).await?;
    store.close().await;
    print::line(&format!("paused: {}. Evaluation goes on; let acting go on with `menshen resume`.", words(scope)))?;
    Ok(DONE)
}

/// Lifts pauses and brakes; without arguments every one.
pub(super) async fn resume(global: &Global, scope: &Scope) -> Result<u8, Error> {
    let (store, wanted) = open(global, scope).await?;
    let lifted = store.lift_brakes(&wanted, &who(), scope.why.as_deref(), Timestamp::now()).await?;
    store.close().await;
    match lifted.len() {
        0 => print::line(&match (&scope.account, &scope.action) {
            (None, None) => "nothing to resume: no brake or pause is active".to_owned(),
            _ => format!("nothing to resume: no brake or pause is on exactly {}", words(scope)),
        })?,
        _ => {
            for brake in &lifted {
                let why = brake.why.as_deref().unwrap_or("no reason given");
                print::line(&format!(
                    "lifted: {} of {:.0} by {}: {}",
                    brake.kind,
                    brake.at,
                    brake.who,
                    print::visible(why)
                ))?;
            }
        }
    }
    Ok(DONE)
}

async fn open(global: &Global, scope: &Scope) -> Result<(Store, BrakeScope), Error> {
    let ground = Ground::lay(global, Purpose::Record).await?;
    let account = scope.account.as_deref().map(|name| appid(&ground.config, name)).transpose()?;
    let action = scope.action.as_deref().and_then(|word| Action::ALL.into_iter().find(|action| action.word() == word));
    let dir = &ground.config.service.state_dir;
    std::fs::create_dir_all(dir)?;
    let store = Store::open(&dir.join("menshen.db")).await?;
    Ok((store, BrakeScope { account, base_url: None, action }))
}

fn appid(config: &Config, name: &str) -> Result<AppId, Error> {
    let known = config.accounts.iter().find(|account| account.name == name);
    known.map(|account| account.appid.clone()).ok_or_else(|| {
        let names: Vec<&str> = config.accounts.iter().map(|account| account.name.as_str()).collect();
        Error::new(Wrong(format!("menshen: no account is named {name:?}; known: {}", names.join(", "))))
    })
}

/// Who types this, for the record.
pub(super) fn who() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|key| std::env::var(key).ok());
    let name = name.filter(|name| !name.is_empty());
    let uid = rustix::process::getuid();
    let nameless = || if uid.is_root() { "root".to_owned() } else { format!("uid {}", uid.as_raw()) };
    format!("cli:{}", name.unwrap_or_else(nameless))
}

fn words(scope: &Scope) -> String {
    match (&scope.account, &scope.action) {
        (None, None) => "everything".to_owned(),
        (Some(account), None) => format!("account {account}"),
        (None, Some(action)) => format!("every {action}"),
        (Some(account), Some(action)) => format!("every {action} for account {account}"),
    }
}
