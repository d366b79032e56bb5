//! `rules explain`: every rule, every condition, what matched and where; then what comes of it.

use super::decided::{AccountRules, Decided, decide};
use super::subject::Subject;
use crate::cli::args::{Format, Global};
use crate::cli::print::{self, DecidedRecord, Tone, paint, rule_lines, visible};
use crate::cli::setup::{self, Ground, Purpose};
use crate::cli::{DONE, FAILED, Wrong};
use crate::policy::fold;
use anyhow::Error;
use clap::{ArgGroup, Args};
use jiff::Timestamp;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  menshen rules explain wx0123456789abcdef                     as recorded in the audit log, else as WeChat lists it
  menshen rules explain --application entry.json               JSON as WeChat sends it: an entry, or an answer with --appid
  menshen rules explain --reason '博 彩 平台' --category 物流服务/查件 --age 2h

The rules at hand decide, at the present time or at --now; what was decided then is in `menshen audit show`.
Exit status: 0 explained, 1 there is no such application, 2 the command line or a file is wrong.";

/// Characters of a text shown to people; JSON has all of them.
const SHOWN_CHARS: usize = 1_000;

/// Which application.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true)
    .args(["applicant", "application", "appid", "nickname", "reason", "category", "create_time", "age"])))]
pub(in crate::cli) struct ExplainArgs {
    /// Appid of an applicant: its newest application in the audit log, else in WeChat's list
    #[arg(value_name = "APPID", conflicts_with_all = ["application", "appid", "nickname", "reason", "category", "create_time", "age"])]
    applicant: Option<String>,
    /// JSON as WeChat sends it: one entry, or a whole answer
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["nickname", "reason", "category", "create_time", "age"])]
    application: Option<PathBuf>,
    #[command(flatten)]
    fields: Fields,
    /// The account it is made to
    #[arg(long, value_name = "NAME")]
    pub(super) account: Option<String>,
    /// Decide as if it were this instant, e.g. 2026-11-22T08:00:00Z
    #[arg(long, value_name = "INSTANT")]
    now: Option<Timestamp>,
}

/// An application on the command line.
#[derive(Debug, Args)]
pub(super) struct Fields {
    /// Its appid; with --application, the entry to choose
    #[arg(long)]
    pub(super) appid: Option<String>,
    /// Its name
    #[arg(long)]
    pub(super) nickname: Option<String>,
    /// The applicant's own words
    #[arg(long, allow_hyphen_values = true)]
    pub(super) reason: Option<String>,
    /// A category; may be given several times
    #[arg(long, value_name = "FIRST/SECOND")]
    pub(super) category: Vec<String>,
    /// When it was made, as WeChat writes it (Unix seconds)
    #[arg(long, value_name = "SECONDS", conflicts_with = "age", allow_hyphen_values = true)]
    pub(super) create_time: Option<String>,
    /// How long ago it was made, e.g. 2h
    #[arg(long, value_name = "DURATION")]
    pub(super) age: Option<String>,
}

/// Explains.
pub(super) async fn explain(global: &Global, args: &ExplainArgs) -> Result<u8, Error> {
    let now = args.now.unwrap_or_else(Timestamp::now);
    let decided = match &args.applicant {
        Some(appid) => recorded_or_listed(global, args, appid, now).await?,
        None => at_hand(global, args, now)?,
    };
    let Some(decided) = decided else {
        anstream::eprintln!("menshen: there is no such application");
        return Ok(FAILED);
    };
    match global.format {
        Format::Human => print::line(&decided.iter().map(in_full).collect::<Vec<_>>().join("\n\n"))?,
        Format::Json => decided.iter().try_for_each(print::json)?,
        Format::Csv => DecidedRecord::print_csv(decided.iter().map(Decided::record))?,
    }
    Ok(DONE)
}

/// By appid: from the audit log, else from WeChat.
async fn recorded_or_listed(
    global: &Global,
    args: &ExplainArgs,
    appid: &str,
    now: Timestamp,
) -> Result<Option<Vec<Decided>>, Error> {
    if appid.trim().is_empty() {
        return Err(Error::new(Wrong("menshen: the appid is empty".to_owned())));
    }
    let mut ground = Ground::lay(global, Purpose::Record).await?;
    let mut found = Subject::of_log(&ground, args, appid, now).await?;
    if found.is_some() {
        // Whoever reads the log needs no rules, so they were not read yet.
        ground.config.policy = setup::policy(global)?.policy;
    } else {
        ground = Ground::lay(global, Purpose::Look).await?;
        found = Subject::of_wechat(&ground, args, appid, now).await?;
    }
    let Some(subject) = found else { return Ok(None) };
    let mut config = ground.config;
    if let Some(name) = subject.account.as_ref().filter(|name| !config.account_names.contains(name)) {
        config.account_names.push(name.clone()); // an account of the past: the rules for all are its rules
    }
    let rules = AccountRules::of(&config, subject.account.as_deref())?;
    Ok(Some(decide(subject, &rules, now)))
}

/// From a file or the command line: needs rules and nothing else.
fn at_hand(global: &Global, args: &ExplainArgs, now: Timestamp) -> Result<Option<Vec<Decided>>, Error> {
    let rules = AccountRules::of(&setup::policy(global)?, args.account.as_deref())?;
    let subject = match &args.application {
        Some(path) => Subject::of_file(path, args.fields.appid.as_deref())?,
        None => Some(Subject::of_fields(&args.fields, now)?),
    };
    Ok(subject.map(|subject| decide(subject, &rules, now)))
}

fn in_full(decided: &Decided) -> String {
    let mut lines = application_lines(decided);
    lines.push(String::new());
    for rule in &decided.why.rules {
        lines.extend(rule_lines(rule, &decided.application));
    }
    match decided.rules_elsewhere {
        0 => {}
        1 => lines.push("(1 rule is limited to other accounts)".to_owned()),
        more => lines.push(format!("({more} rules are limited to other accounts)")),
    }
    if decided.history_not_asked {
        lines.push("(the audit log is not asked here: `previous` counts nothing; name an APPID to ask it)".to_owned());
    }
    lines.push(String::new());
    lines.extend(verdict_lines(decided));
    lines.join("\n")
}

fn application_lines(decided: &Decided) -> Vec<String> {
    let Decided { application, now, .. } = decided;
    let mut lines = vec![format!("from        {}", decided.source)];
    lines.extend(decided.account.as_ref().map(|account| format!("account     {account}")));
    lines.push(format!("appid       {}", visible(application.appid.as_str())));
    lines.extend(decided.status.map(|status| format!("status      {status}")));
    lines.push(format!("applied     {}", applied(decided)));
    lines.push(format!("decided     {now:.0}"));
    lines.push(format!("nickname    {}", shown(&decided.nickname)));
    lines.extend(folded(&decided.nickname, &decided.nickname_folded));
    lines.push(format!("reason      {}", shown(&decided.reason)));
    lines.extend(folded(&decided.reason, &decided.reason_folded));
    let categories = decided.categories.join(", ");
    lines.push(format!("categories  {}", shown(&categories)));
    let categories_folded: Vec<String> = decided.categories.iter().map(|category| fold(category)).collect();
    lines.extend(folded(&categories, &categories_folded.join(", ")));
    if !decided.malformed.is_empty() {
        lines.push(format!("malformed   {}", decided.malformed.join(", ")));
    }
    lines
}

/// A text of an applicant, cut where it would fill screens.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}… ({} characters)", visible(&text[..end]), text.chars().count()),
        None if text.is_empty() => paint("–", Tone::Faint),
        None => visible(text),
    }
}

/// A text as keywords are sought in it, if it reads otherwise.
fn folded(text: &str, folded: &str) -> Option<String> {
    (text != folded).then(|| paint(&format!("  folded    {}", shown(folded)), Tone::Faint))
}

fn applied(decided: &Decided) -> String {
    let created = &decided.application.create_time;
    match (created.text(), created.instant()) {
        (None, _) => "no create_time".to_owned(),
        (Some(text), None) => format!("unreadable: {}", visible(text)),
        (Some(text), Some(at)) => format!("{at} ({})", visible(text.trim())),
    }
}

fn verdict_lines(decided: &Decided) -> Vec<String> {
    let tone = if decided.brake.is_some() { Tone::Wait } else { Tone::of(decided.verdict) };
    let mut lines = vec![format!("verdict     {}", paint(decided.verdict, tone))];
    lines.extend(decided.brake.map(|brake| format!("brake       {brake}")));
    lines.extend(decided.rule.as_ref().map(|rule| format!("rule        {}", visible(rule))));
    lines.extend(decided.message.as_ref().map(|message| format!("message     {}", visible(message))));
    lines.push(format!("because     {}", visible(&decided.why.sentence)));
    lines
}
