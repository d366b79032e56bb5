//! `pause` and `resume`: stop acting and let it go on, recorded with who, when and why; and what is stopped now.

use super::args::{Format, Global, PauseArgs, Scope};
use super::print::{self, Align, Csv, Table, Tone, visible};
use super::setup::{Ground, Purpose};
use super::{DONE, Wrong, audit};
use crate::config::Config;
use crate::policy::{Action, AppId};
use crate::service::make_state_dir;
use crate::store::{ActiveBrake, BrakeKind, BrakeScope, NewBrake, Pulled, Reader, Store};
use anyhow::Error;
use jiff::Timestamp;
use serde::Serialize;
use std::borrow::Cow;

/// Stops acting; evaluation goes on. Or shows what is stopped.
pub(super) async fn pause(global: &Global, args: &PauseArgs) -> Result<u8, Error> {
    if args.list {
        return list(global).await;
    }
    let scope = &args.scope;
    let (config, store, wanted) = open(global, scope).await?;
    let (at, who) = (Timestamp::now(), who());
    let brake = NewBrake { at, kind: BrakeKind::Pause, scope: wanted, why: scope.why.clone(), who };
    let pulled = store.pull_brake(&brake).await?;
    store.close().await;
    let NewBrake { at, kind, scope: on, why, who } = brake;
    let (state, active) = match pulled {
        Pulled::New(id) => (State::Paused, ActiveBrake { id, at, kind, scope: on, why, who }),
        Pulled::Already(active) => (State::Already, active),
    };
    print(global.format, &config, &[(state, &active)], |_, active| match state {
        State::Already => print::line(&format!(
            "already paused: {}, {}. It stays so, and nothing new was recorded.",
            words(scope),
            since(&config, active)
        )),
        _ => print::line(&format!(
            "paused: {}. Evaluation goes on; let acting go on with `menshen resume{}`.",
            words(scope),
            global.again()
        )),
    })?;
    Ok(DONE)
}

/// Lifts pauses and brakes; without arguments every one.
pub(super) async fn resume(global: &Global, scope: &Scope) -> Result<u8, Error> {
    let (config, store, wanted) = open(global, scope).await?;
    let lifted = store.lift_brakes(&wanted, &who(), scope.why.as_deref(), Timestamp::now()).await?;
    let left = store.brakes().await?;
    store.close().await;
    if lifted.is_empty() && global.format == Format::Human {
        print::line(&match (&scope.account, &scope.action) {
            (None, None) => "nothing to resume: no brake or pause is active".to_owned(),
            _ => format!("nothing to resume: no brake or pause is on exactly {}", words(scope)),
        })?;
    }
    let lifted = lifted.iter().map(|brake| (State::Lifted, brake));
    let told: Vec<_> = lifted.chain(left.iter().map(|brake| (State::Active, brake))).collect();
    print(global.format, &config, &told, |state, brake| {
        let line = format!("{}: {}, {}", brake.kind, scope_words(&config, &brake.scope), since(&config, brake));
        print::line(&match state {
            State::Active => format!("still active: {line}"),
            _ => format!("lifted: {line}"),
        })
    })?;
    Ok(DONE)
}

/// What is paused and which brakes are pulled.
async fn list(global: &Global) -> Result<u8, Error> {
    let ground = Ground::lay(global, Purpose::Record).await?;
    let log = Reader::peek(&ground.config.service.state_dir.join("menshen.db")).await?;
    let active = match &log {
        Some(log) => log.brakes().await?,
        None => Vec::new(),
    };
    let told: Vec<_> = active.iter().map(|brake| (State::Active, brake)).collect();
    if global.format != Format::Human {
        print(global.format, &ground.config, &told, |_, _| Ok(()))?;
    } else if active.is_empty() {
        print::line("nothing is paused and no brake is pulled")?;
    } else {
        print::line(&table(&ground.config, &active))?;
    }
    Ok(DONE)
}

fn table(config: &Config, active: &[ActiveBrake]) -> String {
    let columns = ["since", "kind", "stops", "who", "why"];
    let mut table = Table::new(&columns.map(|name| (name, Align::Left)));
    for brake in active {
        let tone = if brake.kind == BrakeKind::Verification { Tone::Bad } else { Tone::Wait };
        table.row(vec![
            (audit::local(brake.at, &config.service.timezone), Tone::Plain),
            (brake.kind.to_string(), tone),
            (visible(&scope_words(config, &brake.scope)), Tone::Plain),
            (visible(&brake.who), Tone::Plain),
            (visible(brake.why.as_deref().unwrap_or_default()), Tone::Plain),
        ]);
    }
    table.text()
}

/// What is said of a brake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It was pulled just now.
    Paused,
    /// It was pulled before, and is not pulled again.
    Already,
    /// It was lifted just now.
    Lifted,
    /// It is pulled.
    Active,
}

/// A brake, as JSON shows it.
#[derive(Serialize)]
struct Record<'a> {
    state: State,
    id: i64,
    kind: BrakeKind,
    /// Our name for the account; `null` = every account, or one that is no longer configured.
    account: Option<&'a str>,
    account_appid: Option<&'a str>,
    action: Option<&'static str>,
    since: Timestamp,
    who: &'a str,
    why: Option<&'a str>,
}

impl<'a> Record<'a> {
    fn of(config: &'a Config, state: State, brake: &'a ActiveBrake) -> Record<'a> {
        Record {
            state,
            id: brake.id,
            kind: brake.kind,
            account: brake.scope.account.as_ref().and_then(|appid| name(config, appid)),
            account_appid: brake.scope.account.as_ref().map(AppId::as_str),
            action: brake.scope.action.map(Action::word),
            since: brake.at,
            who: &brake.who,
            why: brake.why.as_deref(),
        }
    }
}

/// Prints records as asked for; `say` is the form for people.
fn print(
    format: Format,
    config: &Config,
    told: &[(State, &ActiveBrake)],
    say: impl Fn(State, &ActiveBrake) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut records = told.iter().map(|(state, brake)| Record::of(config, *state, brake));
    match format {
        Format::Human => told.iter().try_for_each(|(state, brake)| say(*state, brake)),
        Format::Json => records.try_for_each(|record| print::json(&record)),
        Format::Csv => csv(records),
    }
}

fn csv<'a>(records: impl Iterator<Item = Record<'a>>) -> Result<(), Error> {
    let columns = ["state", "id", "kind", "account", "account_appid", "action", "since", "who", "why"];
    let mut csv = Csv::begin(&columns)?;
    for record in records {
        let state = match record.state {
            State::Paused => "paused",
            State::Already => "already",
            State::Lifted => "lifted",
            State::Active => "active",
        };
        csv.row([
            Cow::from(state),
            Cow::from(record.id.to_string()),
            Cow::from(record.kind.word()),
            Cow::from(record.account.unwrap_or_default()),
            Cow::from(record.account_appid.unwrap_or_default()),
            Cow::from(record.action.unwrap_or_default()),
            Cow::from(record.since.to_string()),
            Cow::from(record.who),
            Cow::from(record.why.unwrap_or_default()),
        ])?;
    }
    csv.end()
}

/// Since when, by whom and why; what people typed is shown, not obeyed.
fn since(config: &Config, brake: &ActiveBrake) -> String {
    let why = brake.why.as_deref().unwrap_or("no reason given");
    let at = audit::local(brake.at, &config.service.timezone);
    format!("since {at} by {}: {}", visible(&brake.who), visible(why))
}

/// What a brake stops, in words.
fn scope_words(config: &Config, scope: &BrakeScope) -> String {
    let account = scope.account.as_ref().map(|appid| name(config, appid).unwrap_or(appid.as_str()).to_owned());
    words(&Scope { account, action: scope.action.map(|action| action.word().to_owned()), why: None })
}

fn name<'c>(config: &'c Config, appid: &AppId) -> Option<&'c str> {
    config.accounts.iter().find(|account| account.appid == *appid).map(|account| account.name.as_str())
}

async fn open(global: &Global, scope: &Scope) -> Result<(Config, Store, BrakeScope), Error> {
    let ground = Ground::lay(global, Purpose::Record).await?;
    let account = scope.account.as_deref().map(|name| appid(&ground.config, name)).transpose()?;
    let action = scope.action.as_deref().and_then(|word| Action::ALL.into_iter().find(|action| action.word() == word));
    let dir = &ground.config.service.state_dir;
    make_state_dir(dir)?;
    let store = Store::open(&dir.join("menshen.db")).await?;
    Ok((ground.config, store, BrakeScope { account, base_url: None, action }))
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
