//! `api`: one WeChat call by hand, named as WeChat names it.

mod list;
mod plugin;
mod token;

use super::Wrong;
use super::args::Global;
use super::hand::{Asked, chosen, decide_by_hand};
use super::print::visible;
use super::setup::{Ground, Purpose, cut_nobody_off};
use crate::policy::{Action, PluginUse, Status};
use crate::sandbox::Server;
use crate::service::{Account, Words};
use crate::wechat;
use anyhow::{Error, anyhow};
use clap::{Args, Subcommand};
use jiff::tz::TimeZone;

const DECIDE_EXAMPLES: &str = "\
Examples:
  menshen api dev_agree wx0123456789abcdef
  menshen api dev_refuse wx0123456789abcdef --reason \"类目与插件用途不符，请修改后重新申请。\"
  menshen api dev_delete wx0123456789abcdef --account express --yes";

const LIST_EXAMPLES: &str = "\
Examples:
  menshen api dev_apply_list                              the first page, as WeChat orders it
  menshen api dev_apply_list --page 2 --num 20
  menshen api dev_apply_list --all --status pending --format csv > pending.csv";

const USE_EXAMPLES: &str = "\
Examples:
  menshen api apply wxabcdef0123456789 --reason \"用于查询快递\"
  menshen api update wxabcdef0123456789 --user-version 2.2.46
  menshen api unbind wxabcdef0123456789 --account shop --yes
  menshen api list                                        where every plugin stands
  menshen audit uses                                      who asked for what, and what WeChat answered";

/// One call.
#[derive(Debug, Subcommand)]
pub(super) enum ApiCommand {
    /// A page of the list of applications, or all of it
    #[command(name = "dev_apply_list", after_help = LIST_EXAMPLES)]
    DevApplyList(list::ListArgs),
    /// Let a pending application in
    #[command(name = "dev_agree", after_help = DECIDE_EXAMPLES)]
    DevAgree(Target),
    /// Turn a pending application away
    #[command(name = "dev_refuse", after_help = DECIDE_EXAMPLES)]
    DevRefuse {
        #[command(flatten)]
        target: Target,
        /// What the applicant is told
        #[arg(long)]
        reason: String,
    },
    /// Take an application that was refused or timed out off the list
    #[command(name = "dev_delete", after_help = DECIDE_EXAMPLES)]
    DevDelete(Target),
    /// Ask for a plugin this mini program wants to use
    #[command(after_help = USE_EXAMPLES)]
    Apply {
        #[command(flatten)]
        plugin: Plugin,
        /// What the plugin's owner is told
        #[arg(long)]
        reason: String,
    },
    /// The plugins this mini program uses or asked for
    #[command(after_help = USE_EXAMPLES)]
    List(Here),
    /// Stop using a plugin
    #[command(after_help = USE_EXAMPLES)]
    Unbind(Plugin),
    /// Go over to another version of a plugin in use
    #[command(after_help = USE_EXAMPLES)]
    Update {
        #[command(flatten)]
        plugin: Plugin,
        /// The version, as 2.2.46
        #[arg(long, value_name = "VERSION")]
        user_version: String,
    },
    /// Kind, source, age and remaining life of the access token; never the token
    #[command(after_help = "Examples:\n  menshen api token\n  menshen api token --account express --format json")]
    Token(Here),
    /// What is left of today's calls
    #[command(
        after_help = "Examples:\n  menshen api quota\n  menshen api quota --path /cgi-bin/stable_token --account express"
    )]
    Quota {
        #[command(flatten)]
        here: Here,
        /// The interface, by its path
        #[arg(long, default_value = "/wxa/devplugin", value_parser = list::interface)]
        path: String,
    },
    /// What WeChat recorded of a call: the rid stands in its error messages and in `audit show`
    #[command(after_help = "Example:\n  menshen api rid 61725984-6126f6f9-040f19c4")]
    Rid {
        /// The request id
        rid: String,
        #[command(flatten)]
        here: Here,
    },
}

/// Whose application, and at which account.
#[derive(Debug, Args)]
pub(super) struct Target {
    /// Appid of the applicant
    appid: String,
    /// Name of the account; needed where there are several
    #[arg(long)]
    account: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Which plugin, and for which account.
#[derive(Debug, Args)]
pub(super) struct Plugin {
    /// Appid of the plugin
    plugin_appid: String,
    /// Name of the account; needed where there are several
    #[arg(long)]
    account: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// At which account.
#[derive(Debug, Args)]
pub(super) struct Here {
    /// Name of the account; needed where there are several
    #[arg(long)]
    account: Option<String>,
    /// Do not ask before a token of kind "classic" is fetched, which ends the one other systems hold
    #[arg(long)]
    yes: bool,
}

/// Makes the call.
pub(super) async fn api(global: &Global, what: ApiCommand) -> Result<u8, Error> {
    match what {
        ApiCommand::DevApplyList(asked) => list::list(global, &asked).await,
        ApiCommand::DevAgree(target) => decide(global, target, Action::Agree, Words::None).await,
        ApiCommand::DevRefuse { target, reason } => decide(global, target, Action::Refuse, Words::Text(reason)).await,
        ApiCommand::DevDelete(target) => decide(global, target, Action::Delete, Words::None).await,
        ApiCommand::Apply { plugin, reason } => plugin::ask(global, &plugin, PluginUse::Apply { reason }).await,
        ApiCommand::List(here) => plugin::list(global, &here).await,
        ApiCommand::Unbind(plugin) => plugin::ask(global, &plugin, PluginUse::Unbind).await,
        ApiCommand::Update { plugin, user_version } => {
            plugin::ask(global, &plugin, PluginUse::Update { user_version }).await
        }
        ApiCommand::Token(here) => token::token(global, &here).await,
        ApiCommand::Quota { here, path } => token::quota(global, &here, &path).await,
        ApiCommand::Rid { rid, here } => token::rid(global, &here, &rid).await,
    }
}

async fn decide(global: &Global, target: Target, action: Action, words: Words) -> Result<u8, Error> {
    let asked = Asked { account: target.account.as_deref(), action, appids: &[target.appid], words, yes: target.yes };
    decide_by_hand(global, asked).await
}

/// An account to ask a question with.
struct Caller {
    account: Account,
    page_size: u32,
    timezone: TimeZone,
    _sandbox: Option<Server>,
}

impl Caller {
    /// Ready to call; a token that ends another system's is not fetched unasked.
    async fn open(global: &Global, here: &Here) -> Result<Caller, Error> {
        let ground = Ground::lay(global, Purpose::Look).await?;
        let chosen = chosen(&ground.config, here.account.as_deref())?;
        let (name, page_size) = (chosen.name.clone(), chosen.wechat.page_size);
        let accounts = Account::all(&ground.config, &ground.around, &[])?;
        let account = accounts.into_iter().find(|account| account.name() == name).expect("it was chosen among them");
        if !here.yes {
            cut_nobody_off([&account], "say --yes if that may be").await?;
        }
        let timezone = ground.config.service.timezone.clone();
        Ok(Caller { account, page_size, timezone, _sandbox: ground.sandbox })
    }
}

/// What went wrong at WeChat, and what to do about it.
fn explained(error: &wechat::Error) -> Error {
    anyhow!("{}", in_words(error))
}

fn in_words(error: &wechat::Error) -> String {
    let words = super::with_causes(&Error::new(error.clone()));
    match error.advice() {
        Some(advice) => format!("{}\n  what to do: {advice}", visible(&words)),
        None => visible(&words),
    }
}

/// A status in the language of the person.
fn status_name(status: Option<Status>) -> String {
    named(status, speaks_chinese(|name| std::env::var(name).ok()))
}

fn named(status: Option<Status>, chinese: bool) -> String {
    let word = |english: &str, of_wechat: &str| if chinese { of_wechat.to_owned() } else { english.to_owned() };
    match status {
        Some(Status::Pending) => word("pending", "申请中"),
        Some(Status::Approved) => word("approved", "已通过"),
        Some(Status::Refused) => word("refused", "已拒绝"),
        Some(Status::TimedOut) => word("timed out", "已超时"),
        Some(Status::Other(code)) => format!("{} {code}", word("status", "状态")),
        None => word("unknown", "未知"),
    }
}

/// A status for programs: the same in every language.
fn status_word(status: Option<Status>) -> &'static str {
    match status {
        Some(Status::Pending) => "pending",
        Some(Status::Approved) => "approved",
        Some(Status::Refused) => "refused",
        Some(Status::TimedOut) => "timed_out",
        Some(Status::Other(_)) => "other",
        None => "unknown",
    }
}

/// The first of the three that is set decides, as for every program: locale(7).
fn speaks_chinese(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    set.is_some_and(|locale| locale == "zh" || locale.starts_with("zh_") || locale.starts_with("zh."))
}

fn wrong(message: &str) -> Error {
    Error::new(Wrong(format!("menshen: {message}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_in_the_language_of_the_locale() {
        let chinese = |variables: &[(&str, &str)]| {
            speaks_chinese(|name| Some(variables.iter().find(|(known, _)| *known == name)?.1.to_owned()))
        };
        assert!(chinese(&[("LANG", "zh_CN.UTF-8")]) && chinese(&[("LC_ALL", "zh_TW")]) && chinese(&[("LANG", "zh")]));
        assert!(chinese(&[("LC_ALL", ""), ("LC_MESSAGES", "zh_CN"), ("LANG", "en_US.UTF-8")]));
        assert!(!chinese(&[("LC_ALL", "C.UTF-8"), ("LANG", "zh_CN.UTF-8")]) && !chinese(&[]));
        assert!(!chinese(&[("LANG", "zhuang")]));
        let names = [1, 2, 3, 4, 9].map(|code| named(Some(Status::from_code(code)), true));
        assert_eq!(names, ["申请中", "已通过", "已拒绝", "已超时", "状态 9"]);
        assert_eq!(named(Some(Status::TimedOut), false), "timed out");
    }
}
