//! `rules backtest`: everything recorded, decided again with the rules at hand or with others.
//!
//! Shows the changed applications as they are met, then what was counted. Changes
//! nothing: it reads the log beside a running service.

use crate::cli::args::{Format, Global, RowFilter};
use crate::cli::print::{self, Csv, visible};
use crate::cli::progress::Progress;
use crate::cli::setup::{Ground, Purpose, rules_file};
use crate::cli::{DONE, audit};
use crate::policy::{Brake, PolicySpec, Why};
use crate::service::{self, Backtested, Changed, Question};
use anyhow::Error;
use clap::Args;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::PathBuf;

mod counts;

pub(super) const EXAMPLES: &str = "\
Examples:
  menshen rules backtest                                 what the rules at hand would have done
  menshen rules backtest --rules new.toml --since 30d    before they are put in force
  menshen rules backtest --verdict refuse --format json | jq 'select(.new.verdict == \"agree\")'

An application is one appid and one create_time to one account. Its newest row by the rules is the old verdict, and
the options choose by that row (--until leaves out whatever was decided later). Age conditions count to the moment of
that row. An account is known by its appid, else by its name; an application to an account that the configuration no
longer has is decided with the rules for all accounts.";

/// Characters of a reason shown to people.
const REASON_SHOWN: usize = 80;

/// Which applications, and with which rules.
#[derive(Debug, Args)]
pub(in crate::cli) struct BacktestArgs {
    /// Rules to try instead of the configuration's: a configuration, or a file of [policy], [lists] and [[rule]]
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    #[command(flatten)]
    rows: RowFilter,
    /// At most so many applications, the newest; 0 = all
    #[arg(long, default_value_t = 0)]
    limit: u64,
    /// Show at most so many changed applications, the newest; 0 = all. JSON and CSV hold all of them
    #[arg(long, value_name = "N", default_value_t = 50)]
    show: usize,
}

/// Decides everything recorded again.
pub(super) async fn backtest(global: &Global, args: &BacktestArgs) -> Result<u8, Error> {
    let ground = Ground::lay(global, Purpose::Record).await?;
    let timezone = &ground.config.service.timezone;
    let filter = audit::filter(&args.rows, args.limit, timezone)?;
    let policy = &policy(global, &ground, args)?;
    let log = audit::open(&ground).await?;
    let newest = (global.format == Format::Human && args.show > 0).then_some(args.show);
    let question = Question { filter, policy, accounts: &ground.config.accounts, newest };

    let mut shown = Shown::begin(global.format, timezone)?;
    let progress = Progress::new();
    let mut failure = None;
    let mut each = |changed: Changed| match progress.aside(|| shown.changed(&changed)) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
    };
    let counted = service::backtest(&log, question, &mut each, &|done, of| progress.tell_again(done, of)).await;
    drop(progress);
    if let Some(error) = failure {
        return Err(error);
    }
    shown.end(&counted?, policy)?;
    Ok(DONE)
}

/// The rules to decide with. The ground's own configuration was read for its accounts and state directory alone, unless
/// the sandbox laid it.
fn policy(global: &Global, ground: &Ground, args: &BacktestArgs) -> Result<PolicySpec, Error> {
    Ok(match &args.rules {
        Some(file) => rules_file(file)?.policy.spec,
        None if global.sandbox => ground.config.policy.spec.clone(),
        None => rules_file(&ground.config.path)?.policy.spec,
    })
}

/// Where results go, in the form that was asked for.
enum Shown<'a> {
    Human { timezone: &'a TimeZone, changed: u64 },
    Json,
    Csv(Box<Csv>),
}

impl<'a> Shown<'a> {
    fn begin(format: Format, timezone: &'a TimeZone) -> Result<Shown<'a>, Error> {
        Ok(match format {
            Format::Human => Shown::Human { timezone, changed: 0 },
            Format::Json => Shown::Json,
            Format::Csv => Shown::Csv(Box::new(Csv::begin(&COLUMNS)?)),
        })
    }

    fn changed(&mut self, changed: &Changed) -> Result<(), Error> {
        match self {
            Shown::Human { timezone, changed: shown } => {
                if *shown == 0 {
                    print::line("decided otherwise now, oldest first:\n")?;
                }
                *shown += 1;
                print::line(&in_words(changed, timezone))
            }
            Shown::Json => print::json(&Line::of(changed)),
            Shown::Csv(csv) => csv.row(cells(&Line::of(changed))),
        }
    }

    fn end(self, counted: &Backtested, policy: &PolicySpec) -> Result<(), Error> {
        match self {
            Shown::Human { changed, .. } => print::line(&counts::report(counted, policy, changed)),
            Shown::Json => print::json(&Last { summary: counts::Summary::of(counted) }),
            Shown::Csv(csv) => csv.end(),
        }
    }
}

/// The last line of JSON.
#[derive(Serialize)]
struct Last<'a> {
    summary: counts::Summary<'a>,
}

/// One changed application, as JSON shows it.
#[derive(Serialize)]
struct Line<'a> {
    id: i64,
    decided_at: String,
    account: &'a str,
    appid: &'a str,
    create_time: Option<i64>,
    nickname: &'a str,
    reason: &'a str,
    categories: Vec<String>,
    old: Side<'a>,
    new: Side<'a>,
    /// What a person decided.
    person: Option<&'static str>,
}

/// One of the two decisions.
#[derive(Serialize)]
struct Side<'a> {
    verdict: &'static str,
    rule: Option<&'a str>,
    message: Option<&'a str>,
    brake: Option<Brake>,
    why: Option<&'a Why>,
}

impl Line<'_> {
    fn of(changed: &Changed) -> Line<'_> {
        let (recorded, decision) = (&changed.recorded, &changed.decision);
        let application = &recorded.application;
        Line {
            id: recorded.id,
            decided_at: format!("{:.3}", recorded.decided_at),
            account: &recorded.account,
            appid: application.appid.as_str(),
            create_time: application.create_time.seconds(),
            nickname: &application.nickname,
            reason: &application.reason,
            categories: application.categories.iter().map(ToString::to_string).collect(),
            old: Side {
                verdict: recorded.verdict.word(),
                rule: recorded.rule.as_deref(),
                message: recorded.message.as_deref(),
                brake: recorded.brake,
                why: changed.why_then.as_ref(),
            },
            new: Side {
                verdict: decision.verdict.word(),
                rule: changed.rule.as_deref(),
                message: decision.message.as_deref(),
                brake: decision.brake,
                why: Some(&changed.why_now),
            },
            person: recorded.person.map(|verdict| verdict.word()),
        }
    }
}

const COLUMNS: [&str; 19] = [
    "id",
    "decided_at",
    "account",
    "appid",
    "create_time",
    "nickname",
    "reason",
    "categories",
    "old_verdict",
    "old_rule",
    "old_message",
    "old_brake",
    "old_why",
    "new_verdict",
    "new_rule",
    "new_message",
    "new_brake",
    "new_why",
    "person",
];

fn cells<'a>(line: &'a Line<'a>) -> impl Iterator<Item = Cow<'a, str>> {
    let first = [
        line.id.to_string().into(),
        Cow::from(&line.decided_at),
        line.account.into(),
        line.appid.into(),
        line.create_time.map(|seconds| seconds.to_string()).unwrap_or_default().into(),
        line.nickname.into(),
        line.reason.into(),
        line.categories.join("; ").into(),
    ];
    let person = line.person.unwrap_or_default().into();
    first.into_iter().chain(side(&line.old)).chain(side(&line.new)).chain([person])
}

fn side<'a>(side: &Side<'a>) -> [Cow<'a, str>; 5] {
    [
        side.verdict.into(),
        side.rule.unwrap_or_default().into(),
        side.message.unwrap_or_default().into(),
        side.brake.map(Brake::word).unwrap_or_default().into(),
        side.why.map(|why| why.sentence.as_str()).unwrap_or_default().into(),
    ]
}

/// One changed application for people: who, and both reasons.
fn in_words(changed: &Changed, timezone: &TimeZone) -> String {
    let recorded = &changed.recorded;
    let then = match &changed.why_then {
        Some(why) => visible(&why.sentence),
        None => format!("{}: its reasons were erased", recorded.verdict),
    };
    let mut text = format!(
        "  {}  {}  {} ({}, {})\n      wrote {}\n      then  {then}\n      now   {}",
        recorded.id,
        audit::local(recorded.decided_at, timezone),
        visible(&recorded.application.nickname),
        visible(recorded.application.appid.as_str()),
        recorded.account,
        beginning(&recorded.application.reason),
        visible(&changed.why_now.sentence),
    );
    if let Some(person) = recorded.person {
        text.push_str(&format!("\n      a person decided: {person}"));
    }
    text
}

/// As much of an applicant's words as fits beside the reasons.
fn beginning(text: &str) -> String {
    match text.char_indices().nth(REASON_SHOWN) {
        Some((end, _)) => format!("{}…", visible(&text[..end])),
        None => visible(text),
    }
}
