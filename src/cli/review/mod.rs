//! `review`: what is held, and deciding it by hand.

mod list;
mod next;
mod picture;
mod show;

use super::args::Global;
use super::hand::{Asked, decide_by_hand};
use super::print::visible;
use super::setup::{Ground, Purpose};
use super::{Wrong, audit};
use crate::config::Config;
use crate::policy::{Action, AppId};
use crate::service::{Words, may_wait_since};
use crate::store::{Reader, Waiting, WaitingFilter};
use anyhow::Error;
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};

const LIST_EXAMPLES: &str = "\
Examples:
  menshen review list                         what is held, the most urgent first
  menshen review list --account express --format csv > held.csv
  menshen review list --all                   also what shadow mode would do, and what failed";

const DECIDE_EXAMPLES: &str = "\
Examples:
  menshen review agree wx0123456789abcdef wxfedcba9876543210
  menshen review refuse wx0123456789abcdef --reason \"类目与插件用途不符，请修改后重新申请。\"
  menshen review refuse wx0123456789abcdef --message-of \"gambling words\" --yes";

/// What a reviewer does.
#[derive(Debug, Subcommand)]
pub(super) enum ReviewCommand {
    /// What is held, the most urgent first
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// Name of an account
        #[arg(long)]
        account: Option<String>,
        /// Also what shadow mode decided, what failed and is tried again, and what is under way
        #[arg(long)]
        all: bool,
    },
    /// All there is about a held application: every condition, pictures, earlier decisions
    #[command(
        after_help = "Examples:\n  menshen review show wx0123456789abcdef\n  menshen review show wx0123456789abcdef --picture"
    )]
    Show {
        /// Appid of the applicant
        appid: String,
        /// Name of the account
        #[arg(long)]
        account: Option<String>,
        /// Fetch the mini program code from WeChat and draw it, where the terminal can (kitty, ghostty, iTerm2, WezTerm, mintty)
        #[arg(long)]
        picture: bool,
    },
    /// Let applications in
    #[command(after_help = DECIDE_EXAMPLES)]
    Agree(Targets),
    /// Turn applications away
    #[command(after_help = DECIDE_EXAMPLES)]
    Refuse {
        #[command(flatten)]
        targets: Targets,
        /// What the applicants are told
        #[arg(long, required_unless_present = "message_of", conflicts_with = "message_of")]
        reason: Option<String>,
        /// Tell them what this refuse rule would
        #[arg(long, value_name = "RULE")]
        message_of: Option<String>,
    },
    /// One after the other, at the keyboard: agree, refuse, skip, quit
    #[command(after_help = "Example:\n  menshen review next --account express --picture")]
    Next {
        /// Name of an account
        #[arg(long)]
        account: Option<String>,
        /// Fetch each mini program code from WeChat and draw it, where the terminal can
        #[arg(long)]
        picture: bool,
    },
}

/// Whose applications.
#[derive(Debug, Args)]
pub(super) struct Targets {
    /// Appids of the applicants
    #[arg(required = true, value_name = "APPID")]
    appids: Vec<String>,
    /// Name of the account; needed where the appid is held at several
    #[arg(long)]
    account: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Does what a reviewer asks for.
pub(super) async fn review(global: &Global, what: ReviewCommand) -> Result<u8, Error> {
    match what {
        ReviewCommand::List { account, all } => list::list(global, account, all).await,
        ReviewCommand::Show { appid, account, picture } => show::show(global, &appid, account, picture).await,
        ReviewCommand::Agree(targets) => decide(global, &targets, Action::Agree, Words::None).await,
        ReviewCommand::Refuse { targets, reason, message_of } => {
            let words = match (reason, message_of) {
                (Some(text), _) => Words::Text(text),
                (None, Some(rule)) => Words::OfRule(rule),
                (None, None) => Words::None,
            };
            decide(global, &targets, Action::Refuse, words).await
        }
        ReviewCommand::Next { account, picture } => next::next(global, account, picture).await,
    }
}

async fn decide(global: &Global, targets: &Targets, action: Action, words: Words) -> Result<u8, Error> {
    let account = match &targets.account {
        Some(account) => Some(account.clone()),
        None => only_account(global, &targets.appids).await?,
    };
    let asked = Asked { account: account.as_deref(), action, appids: &targets.appids, words, yes: targets.yes };
    decide_by_hand(global, asked).await
}

/// The one account where all of them wait, by the log; `None` leaves it to the configuration.
async fn only_account(global: &Global, appids: &[String]) -> Result<Option<String>, Error> {
    let ground = Ground::lay(global, Purpose::Record).await?;
    if ground.config.accounts.len() < 2 {
        return Ok(None);
    }
    let Some(log) = Reader::open(&ground.config.service.state_dir.join("menshen.db")).await? else { return Ok(None) };
    let mut accounts = Vec::new();
    for appid in appids {
        let filter = WaitingFilter { appid: Some(AppId::new(appid)), all: true, ..filter(&ground.config, None) };
        let mut found: Vec<String> = log.waiting(&filter).await?.into_iter().map(|one| one.row.account).collect();
        found.dedup();
        accounts.push(found);
    }
    match accounts.first() {
        Some(first) if first.len() == 1 && accounts.iter().all(|found| found == first) => Ok(first.first().cloned()),
        _ => Ok(None),
    }
}

/// What may still be pending.
fn filter(config: &Config, account: Option<String>) -> WaitingFilter {
    WaitingFilter { account, since: may_wait_since(config, Timestamp::now()), ..WaitingFilter::default() }
}

/// What waits at these accounts, the most urgent first; without create_time nobody can tell, so those come first of all.
async fn waiting(ground: &Ground, account: Option<String>, all: bool) -> Result<(Reader, Vec<Waiting>), Error> {
    if let Some(name) = &account {
        known(&ground.config, name)?;
    }
    let log = audit::open(ground).await?;
    let filter = WaitingFilter { all, ..filter(&ground.config, account) };
    let mut waiting = log.waiting(&filter).await?;
    waiting.sort_by_key(|one| (one.row.create_time, one.row.id));
    Ok((log, waiting))
}

fn known(config: &Config, name: &str) -> Result<(), Error> {
    super::hand::chosen(config, Some(name)).map(drop)
}

/// Until when WeChat waits, by `[pending] window`; unknown without create_time.
fn due(config: &Config, one: &Waiting) -> Option<Timestamp> {
    let applied = Timestamp::from_second(one.row.create_time?).ok()?;
    applied.checked_add(SignedDuration::try_from(config.pending.window).ok()?).ok()
}

/// Time left, for people.
fn left(due: Option<Timestamp>, now: Timestamp) -> String {
    let Some(due) = due else { return "?".to_owned() };
    let left = due.duration_since(now);
    if left.is_negative() {
        return "overdue".to_owned();
    }
    match left.as_mins() {
        minutes @ 0..60 => format!("{minutes} min"),
        minutes => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}

/// Why it waits, in a few words: the rule, the brake, or that no rule fired.
fn because(one: &Waiting) -> String {
    let mut words = Vec::new();
    if let Some(rule) = &one.row.rule {
        words.push(format!("rule \"{}\"", visible(rule)));
    }
    if let Some(brake) = one.row.brake {
        words.push(format!("brake {brake}"));
    }
    if words.is_empty() {
        words.push("no rule fired".to_owned());
    }
    words.join(", ")
}

fn nothing_waits(appid: &str) -> Error {
    let appid = visible(appid);
    Error::new(Wrong(format!(
        "menshen: nothing of {appid} waits for a person; what is decided: menshen audit list --appid {appid}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_as_people_say_it() {
        let now = Timestamp::from_second(1_800_000_000).expect("an instant");
        let cases = [
            (Some(-1), "overdue"),
            (Some(0), "0 min"),
            (Some(59 * 60 + 59), "59 min"),
            (Some(3_600), "1 h 00 min"),
            (Some(24 * 3_600 - 1), "23 h 59 min"),
            (None, "?"),
        ];
        for (secs, expected) in cases {
            let due = secs.map(|secs| now + SignedDuration::from_secs(secs));
            assert_eq!(left(due, now), expected, "{secs:?}");
        }
    }
}
