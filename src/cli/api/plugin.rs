//! The side that uses plugins: `api apply`, `list`, `unbind`, `update`.

use super::list::tone;
use super::{Caller, Here, Plugin, explained, in_words, status_name, status_word, wrong};
use crate::cli::args::{Format, Global};
use crate::cli::hand::chosen;
use crate::cli::print::{self, Align, Csv, Table, Tone, visible};
use crate::cli::setup::{Ground, Purpose};
use crate::cli::{DONE, FAILED, audit, brakes, confirm, with_causes};
use crate::policy::{AppId, Fate, PluginUse, Status};
use crate::service::{Account, UseError, Used, Watch, make_state_dir};
use crate::store::{Store, UseFilter};
use crate::wechat::PluginInUse;
use anyhow::{Context, Error};
use serde::Serialize;
use std::borrow::Cow;

/// A line for machines.
#[derive(Serialize)]
struct Record<'a> {
    account: &'a str,
    appid: &'a str,
    status: Option<i64>,
    status_name: &'static str,
    nickname: &'a str,
    headimgurl: Option<&'a str>,
}

/// The plugins this mini program uses or asked for.
pub(super) async fn list(global: &Global, here: &Here) -> Result<u8, Error> {
    let caller = Caller::open(global, here).await?;
    let plugins = caller.account.client.plugins_in_use().await.map_err(|error| explained(&error))?;
    let account = caller.account.name();
    let record = |plugin| Record::of(account, plugin);
    print::wanted(match global.format {
        Format::Human => table(&plugins),
        Format::Json => plugins.iter().try_for_each(|plugin| print::json(&record(plugin))),
        Format::Csv => {
            let mut csv = Csv::begin(&["account", "appid", "status", "status_name", "nickname", "headimgurl"])?;
            for record in plugins.iter().map(record) {
                csv.row([
                    Cow::from(record.account),
                    Cow::from(record.appid),
                    record.status.map(|code| code.to_string()).unwrap_or_default().into(),
                    Cow::from(record.status_name),
                    Cow::from(record.nickname),
                    Cow::from(record.headimgurl.unwrap_or_default()),
                ])?;
            }
            csv.end()
        }
    })?;
    Ok(DONE)
}

impl<'a> Record<'a> {
    fn of(account: &'a str, plugin: &'a PluginInUse) -> Record<'a> {
        Record {
            account,
            appid: plugin.appid.as_str(),
            status: plugin.status.map(Status::code),
            status_name: status_word(plugin.status),
            nickname: &plugin.nickname,
            headimgurl: plugin.headimgurl.as_deref(),
        }
    }
}

fn table(plugins: &[PluginInUse]) -> Result<(), Error> {
    if plugins.is_empty() {
        return print::line("no plugin is in use or asked for");
    }
    let mut table = Table::new(&[("plugin", Align::Left), ("status", Align::Left), ("name", Align::Left)]);
    for plugin in plugins {
        table.row(vec![
            (visible(plugin.appid.as_str()), Tone::Plain),
            (status_name(plugin.status), tone(plugin.status)),
            (visible(&plugin.nickname), Tone::Plain),
        ]);
    }
    print::line(&table.text())
}

/// Asks the person, records it, sends it, shows what WeChat answered.
pub(super) async fn ask(global: &Global, plugin: &Plugin, what: PluginUse) -> Result<u8, Error> {
    let what = checked(what)?;
    let appid = plugin.plugin_appid.trim();
    if appid.is_empty() {
        return Err(wrong("the plugin's appid is empty"));
    }
    let ground = Ground::lay(global, Purpose::Hand).await?;
    let source = chosen(&ground.config, plugin.account.as_deref())?;
    let (name, site) = (source.name.clone(), source.wechat.base_url.clone());
    if !confirm::confirmed(&question(&what, appid, &name, &site), plugin.yes)? {
        print::line("nothing was sent")?;
        return Ok(DONE);
    }
    let dir = &ground.config.service.state_dir;
    make_state_dir(dir)?;
    let store = Store::open(&dir.join("menshen.db")).await?;
    let accounts = Account::all(&ground.config, &ground.around, &[])?;
    let account = accounts.into_iter().find(|account| account.name() == name).expect("it was chosen among them");
    let watch = Watch::default();
    let stop = watch.stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.cancel();
        }
    });
    let verb = what.word();
    let used = account.use_plugin(&store, &watch, AppId::new(appid), what, &brakes::who()).await;
    let used = used.map_err(|error| match error {
        UseError::NoCall(cause) => explained(&cause).context("nothing was sent"),
        error => Error::new(error),
    })?;
    let status = show(global.format, &store, verb, appid, used).await;
    store.close().await;
    status
}

/// What cannot be meant is not sent.
fn checked(what: PluginUse) -> Result<PluginUse, Error> {
    match &what {
        PluginUse::Apply { reason } if reason.trim().is_empty() => {
            Err(wrong("--reason is empty: it is what the plugin's owner decides by"))
        }
        PluginUse::Update { user_version } if user_version.trim().is_empty() => {
            Err(wrong("--user-version is empty: write a version, as 2.2.46"))
        }
        _ => Ok(what),
    }
}

fn question(what: &PluginUse, plugin: &str, account: &str, site: &str) -> String {
    let plugin = visible(plugin);
    let asked = match what {
        PluginUse::Apply { reason } => format!("apply for plugin {plugin}, saying 「{}」,", visible(reason)),
        PluginUse::Unbind => format!("unbind plugin {plugin}, which ends its use at once,"),
        PluginUse::Update { user_version } => format!("update plugin {plugin} to version {}", visible(user_version)),
    };
    format!("{asked} for account {account} at {site}?")
}

/// The record as it stands now, and what it means.
async fn show(format: Format, store: &Store, verb: &str, plugin: &str, used: Used) -> Result<u8, Error> {
    let filter = UseFilter { plugin: Some(AppId::new(plugin)), ..UseFilter::default() };
    let mut rows = store.uses(&filter).await.context("it was sent; reading its record back failed")?;
    rows.retain(|row| row.id == used.record);
    let (answer, plugin) = (&used.answer, visible(plugin));
    print::wanted(match format {
        Format::Human if answer.fate == Fate::Accepted => {
            print::line(&format!("{verb} {plugin}: WeChat took it (recorded as #{})", used.record))
        }
        Format::Human => Ok(()),
        Format::Json | Format::Csv => audit::print_uses(&rows, format),
    })?;
    if let Some(error) = &answer.error {
        let record = used.record;
        let end = match answer.fate {
            Fate::Lost => {
                "the answer was lost, so nobody knows whether WeChat did it; look with `menshen api list` before you try again"
            }
            Fate::Accepted | Fate::Rejected => "WeChat did not do it",
            Fate::Unsent => "it was not sent",
        };
        anstream::eprintln!("menshen: {verb} {plugin}: {end} (recorded as #{record})\n  {}", in_words(error));
    }
    let done = answer.fate == Fate::Accepted && used.unrecorded.is_none();
    if let Some(error) = used.unrecorded {
        anstream::eprintln!("menshen: {}", with_causes(&Error::new(error)));
    }
    Ok(if done { DONE } else { FAILED })
}
