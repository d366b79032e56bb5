//! Deciding by hand, as `api dev_*` and `review` share it: asked first, recorded, sent, read again, shown.

use super::args::{Format, Global};
use super::print::{self, visible};
use super::progress::Progress;
use super::setup::{Ground, Purpose};
use super::{DONE, FAILED, Wrong, audit, brakes, confirm};
use crate::config::{self, Config};
use crate::policy::{Action, AppId};
use crate::sandbox::Server;
use crate::service::{Account, Obstacle, PassReport, Seen, Stage, Watch, Wish, Words, make_state_dir};
use crate::store::{Filter, Store};
use anyhow::Error;
use jiff::tz::TimeZone;
use std::sync::Arc;

/// What is to be done to whom.
pub(super) struct Asked<'a> {
    pub(super) account: Option<&'a str>,
    pub(super) action: Action,
    pub(super) appids: &'a [String],
    pub(super) words: Words,
    pub(super) yes: bool,
}

/// Asks, does it, and shows what became of it.
pub(super) async fn decide_by_hand(global: &Global, asked: Asked<'_>) -> Result<u8, Error> {
    let ground = Ground::lay(global, Purpose::Hand).await?;
    let name = chosen(&ground.config, asked.account)?.name.clone();
    if !confirm::confirmed(&question(&ground.config, &name, &asked), asked.yes)? {
        print::line("nothing was sent")?;
        return Ok(DONE);
    }
    let desk = Desk::open(ground, &name).await?;
    let progress = Progress::new();
    let (report, obstacles) =
        desk.decide(asked.action, asked.appids, asked.words, None, &|stage| progress.tell(stage)).await?;
    drop(progress);
    desk.show(global.format, &global.again(), &report, &obstacles).await?;
    desk.close().await;
    Ok(if obstacles.is_empty() && !report.failed() && report.braked == 0 { DONE } else { FAILED })
}

/// The account that is meant: the one named, or the only one.
pub(super) fn chosen<'c>(config: &'c Config, name: Option<&str>) -> Result<&'c config::Account, Error> {
    let names = || config.accounts.iter().map(|account| account.name.as_str()).collect::<Vec<_>>().join(", ");
    match (name, config.accounts.as_slice()) {
        (None, [only]) => Ok(only),
        (None, _) => Err(wrong(format!("there are several accounts; choose one with --account: {}", names()))),
        (Some(name), accounts) => accounts
            .iter()
            .find(|account| account.name == name)
            .ok_or_else(|| wrong(format!("no account is named {name:?}; known: {}", names()))),
    }
}

fn wrong(message: String) -> Error {
    Error::new(Wrong(format!("menshen: {message}")))
}

fn question(config: &Config, account: &str, asked: &Asked<'_>) -> String {
    let whom = asked.appids.iter().map(|appid| visible(appid)).collect::<Vec<_>>().join(", ");
    let words = match &asked.words {
        Words::None => String::new(),
        Words::Text(text) => format!(", saying 「{}」", visible(text)),
        Words::OfRule(rule) => format!(", with the message of rule {rule:?}"),
    };
    let site = chosen(config, Some(account)).map_or("", |account| account.wechat.base_url.as_str());
    format!("{} {whom} for account {account} at {site}{words}?", asked.action.word())
}

/// Everything a decision by hand needs.
pub(super) struct Desk {
    store: Arc<Store>,
    account: Account,
    timezone: TimeZone,
    watch: Watch,
    sandbox: Option<Server>,
}

impl Desk {
    pub(super) async fn open(ground: Ground, account: &str) -> Result<Desk, Error> {
        let dir = &ground.config.service.state_dir;
        make_state_dir(dir)?;
        let store = Arc::new(Store::open(&dir.join("menshen.db")).await?);
        let accounts = Account::all(&ground.config, &ground.around, &[])?;
        let account = accounts.into_iter().find(|known| known.name() == account).expect("it was chosen among them");
        let watch = Watch::default();
        let stop = watch.stop.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.cancel();
            }
        });
        Ok(Desk { store, account, timezone: ground.config.service.timezone.clone(), watch, sandbox: ground.sandbox })
    }

    pub(super) async fn decide(
        &self,
        action: Action,
        appids: &[String],
        words: Words,
        seen: Option<Seen>,
        tell: &(dyn Fn(Stage) + Sync),
    ) -> Result<(PassReport, Vec<(AppId, Obstacle)>), Error> {
        let appids = appids.iter().map(AppId::new).collect();
        let wish = Wish { who: brakes::who(), action, appids, words, seen };
        Ok(self.account.by_hand(&self.store, &self.watch, &wish, tell).await?)
    }

    /// The rows that were written, and why others were not.
    pub(super) async fn show(
        &self,
        format: Format,
        again: &str,
        report: &PassReport,
        obstacles: &[(AppId, Obstacle)],
    ) -> Result<(), Error> {
        let filter = Filter { pass: Some(report.pass.clone()), since: Some(report.started), ..Filter::default() };
        print::wanted(match format {
            Format::Human => audit::print_by_hand(&self.store, report, again).await,
            Format::Json | Format::Csv => audit::list(&self.store, format, &filter, &self.timezone).await.map(drop),
        })?;
        for (appid, obstacle) in obstacles {
            anstream::eprintln!("menshen: {} was left alone: {obstacle}", visible(appid.as_str()));
        }
        Ok(())
    }

    pub(super) async fn close(self) {
        if let Some(store) = Arc::into_inner(self.store) {
            store.close().await;
        }
        drop(self.sandbox);
    }
}
