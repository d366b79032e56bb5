//! `audit list`, `show`, `stats`: the record, for people and machines.

use super::args::{AuditCommand, Format, Global, RowFilter};
use super::print::{self, Align, Csv, Table, Tone, visible};
use super::setup::{Ground, Purpose};
use super::{DONE, FAILED, Wrong};
use crate::policy::{
    AppId, Application, Brake, Category, CreateTime, ENGINE_VERSION, History, Moment, Outcome, RuleSet,
};
use crate::service::PassReport;
use crate::store::{AuditRow, Filter, Reader, RecordedVerdict, Shown, StatsFilter, StatsRow};
use anyhow::{Error, anyhow};
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use std::borrow::Cow;
use std::ops::ControlFlow;

/// Rows of a pass printed after `run --once`, at most.
const ROWS_OF_A_PASS: u32 = 200;

/// Reads the audit log.
pub(super) async fn audit(global: &Global, what: AuditCommand) -> Result<u8, Error> {
    let ground = Ground::lay(global, Purpose::Record).await?;
    let timezone = ground.config.service.timezone.clone();
    // Before the log is looked for: what was typed wrong is wrong, whatever is there.
    let what = Wanted::of(what, &timezone)?;
    let log = open(&ground).await?;
    match what {
        Wanted::List(filter) => list(&log, global.format, &filter, &timezone).await,
        Wanted::Show(id) => show(&log, global.format, id).await,
        Wanted::Stats(filter) => stats(&log, global.format, &filter).await,
    }
}

/// What was asked for, understood.
enum Wanted {
    List(Filter),
    Show(i64),
    Stats(StatsFilter),
}

impl Wanted {
    fn of(what: AuditCommand, timezone: &TimeZone) -> Result<Wanted, Error> {
        Ok(match what {
            AuditCommand::List(asked) => Wanted::List(filter(&asked.rows, asked.limit, timezone)?),
            AuditCommand::Show { id } => Wanted::Show(id),
            AuditCommand::Stats(filter) => Wanted::Stats(StatsFilter {
                since: filter.since.as_deref().map(|text| day(text, timezone)).transpose()?,
                until: filter.until.as_deref().map(|text| day(text, timezone)).transpose()?,
                account: filter.account,
            }),
        })
    }
}

/// The log on this ground, for reading.
pub(super) async fn open(ground: &Ground) -> Result<Reader, Error> {
    let path = ground.config.service.state_dir.join("menshen.db");
    let log = Reader::open(&path).await?;
    log.ok_or_else(|| anyhow!("there is no audit log yet at {}; the first pass creates it", path.display()))
}

const COLUMNS: [&str; 21] = [
    "id",
    "decided_at",
    "account",
    "appid",
    "create_time",
    "nickname",
    "reason",
    "categories",
    "verdict",
    "rule",
    "message",
    "mode",
    "actor",
    "brake",
    "outcome",
    "errcode",
    "errmsg",
    "attempts",
    "settled_at",
    "pass",
    "ruleset",
];

/// What was typed, as the log is asked.
pub(super) fn filter(rows: &RowFilter, limit: u64, timezone: &TimeZone) -> Result<Filter, Error> {
    Ok(Filter {
        account: rows.account.clone(),
        appid: rows.appid.as_ref().map(AppId::new),
        verdict: rows.verdict.as_deref().and_then(RecordedVerdict::from_word),
        rule: rows.rule.clone(),
        outcome: rows.outcome.as_deref().and_then(Outcome::from_word),
        brake: rows.brake.as_deref().and_then(Brake::from_word),
        since: rows.since.as_deref().map(|text| instant(text, timezone)).transpose()?,
        until: rows.until.as_deref().map(|text| instant(text, timezone)).transpose()?,
        limit: (limit > 0).then(|| u32::try_from(limit).unwrap_or(u32::MAX)),
        pass: None,
    })
}

async fn list(log: &Reader, format: Format, filter: &Filter, timezone: &TimeZone) -> Result<u8, Error> {
    match format {
        Format::Human => list_table(log, filter, timezone).await?,
        Format::Json => each(log, filter, |row| print::json(&row)).await?,
        Format::Csv => {
            let mut csv = Csv::begin(&COLUMNS)?;
            each(log, filter, |row| csv.row(cells(&row))).await?;
            csv.end()?;
        }
    }
    Ok(DONE)
}

/// Hands every row over; the first error ends it.
async fn each(log: &Reader, filter: &Filter, mut take: impl FnMut(AuditRow) -> Result<(), Error>) -> Result<(), Error> {
    let mut failure = None;
    log.list(filter, |row| match take(row) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
    })
    .await?;
    failure.map_or(Ok(()), Err)
}

fn cells(row: &AuditRow) -> [Cow<'_, str>; 21] {
    let text = |text: &Option<String>| Cow::from(text.clone().unwrap_or_default());
    let number = |number: Option<i64>| Cow::from(number.map(|n| n.to_string()).unwrap_or_default());
    [
        row.id.to_string().into(),
        format!("{:.3}", row.decided_at).into(),
        Cow::from(&row.account),
        Cow::from(&row.appid),
        number(row.create_time),
        text(&row.nickname),
        text(&row.reason),
        serde_json::to_string(&row.categories).unwrap_or_default().into(),
        row.verdict.word().into(),
        text(&row.rule),
        text(&row.message),
        row.mode.word().into(),
        Cow::from(&row.actor),
        row.brake.map(Brake::word).unwrap_or_default().into(),
        row.outcome.word().into(),
        number(row.errcode),
        text(&row.errmsg),
        row.attempts.to_string().into(),
        row.settled_at.map(|at| format!("{at:.3}")).unwrap_or_default().into(),
        Cow::from(&row.pass),
        Cow::from(&row.ruleset),
    ]
}

async fn list_table(log: &Reader, filter: &Filter, timezone: &TimeZone) -> Result<(), Error> {
    let mut table = Table::new(&[
        ("id", Align::Right),
        ("decided", Align::Left),
        ("account", Align::Left),
        ("nickname", Align::Left),
        ("appid", Align::Left),
        ("verdict", Align::Left),
        ("rule", Align::Left),
        ("outcome", Align::Left),
        ("note", Align::Left),
    ]);
    let mut rows = 0_usize;
    each(log, filter, |row| {
        rows += 1;
        table.row(vec![
            (row.id.to_string(), Tone::Faint),
            (local(row.decided_at, timezone), Tone::Faint),
            (row.account.clone(), Tone::Plain),
            (visible(row.nickname.as_deref().unwrap_or("(redacted)")), Tone::Plain),
            (visible(&row.appid), Tone::Plain),
            (row.verdict.word().to_owned(), Tone::of(row.verdict.word())),
            (row.rule.clone().unwrap_or_else(|| "–".to_owned()), Tone::Plain),
            (row.outcome.word().to_owned(), Tone::of(row.outcome.word())),
            (note(&row), Tone::Plain),
        ]);
        Ok(())
    })
    .await?;
    if rows == 0 {
        return print::line("no decision matches");
    }
    print::line(&table.text())
}

/// What keeps it back, what was said to the applicant, what WeChat said.
fn note(row: &AuditRow) -> String {
    let mut notes = Vec::new();
    if row.actor != "rules" {
        notes.push(format!("by {}", row.actor));
    }
    if let Some(brake) = row.brake {
        notes.push(format!("brake {brake}"));
    }
    if let Some(errcode) = row.errcode.filter(|errcode| *errcode != 0) {
        notes.push(format!("errcode {errcode}"));
    }
    if row.attempts > 1 {
        notes.push(format!("{} attempts", row.attempts));
    }
    if let Some(message) = row.message.as_deref() {
        notes.push(visible(message));
    }
    notes.join(", ")
}

/// What a pass wrote, after `run --once`.
pub(super) async fn print_pass(log: &Reader, report: &PassReport) -> Result<(), Error> {
    let filter = Filter {
        pass: Some(report.pass.clone()),
        since: Some(report.started),
        limit: Some(ROWS_OF_A_PASS),
        ..Filter::default()
    };
    let mut table = Table::new(&[
        ("id", Align::Right),
        ("nickname", Align::Left),
        ("categories", Align::Left),
        ("verdict", Align::Left),
        ("rule", Align::Left),
        ("outcome", Align::Left),
        ("note", Align::Left),
    ]);
    let mut rows = 0;
    each(log, &filter, |row| {
        rows += 1;
        table.row(vec![
            (row.id.to_string(), Tone::Faint),
            (visible(row.nickname.as_deref().unwrap_or_default()), Tone::Plain),
            (visible(&row.categories.join(", ")), Tone::Plain),
            (row.verdict.word().to_owned(), Tone::of(row.verdict.word())),
            (row.rule.clone().unwrap_or_else(|| "–".to_owned()), Tone::Plain),
            (row.outcome.word().to_owned(), Tone::of(row.outcome.word())),
            (note(&row), Tone::Plain),
        ]);
        Ok(())
    })
    .await?;
    if rows > 0 {
        print::line(&table.text())?;
    }
    if rows == ROWS_OF_A_PASS {
        print::line(&format!("(the newest {ROWS_OF_A_PASS}; all of them with `menshen audit list --limit 0`)"))?;
    }
    print::line(&summary(report))
}

fn summary(report: &PassReport) -> String {
    let mut parts = vec![
        format!("{} agreed", report.agreed),
        format!("{} refused", report.refused),
        format!("{} held for a person", report.held),
    ];
    let more = [
        (report.braked, "kept back by a brake"),
        (report.shadow, "decided in shadow mode"),
        (report.overtaken, "decided elsewhere before us"),
        (report.failed, "failed"),
        (report.known, "known already"),
        (report.waiting, "waiting for a complete list"),
        (report.recovered, "settled from an earlier pass"),
        (report.unreadable, "unreadable"),
    ];
    parts.extend(more.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    let mut text =
        format!("{}: {} pending of {} entries; {}", report.account, report.pending, report.entries, parts.join(", "));
    for trouble in &report.troubles {
        text.push_str(&format!("\n  failed ({}): {}", trouble.during, trouble.message));
    }
    for line in report.brake_lines() {
        text.push_str(&format!("\n  {line}"));
    }
    if report.urgent > 0 {
        text.push_str(&format!("\n  {} of those nobody has decided will soon be timed out by WeChat", report.urgent));
    }
    if report.stopped {
        text.push_str("\n  stopped before its end; the next pass goes on");
    }
    if let Some(why) = &report.brake {
        text.push_str(&format!(
            "\n  BRAKE verification: {why}\n  Nothing more is sent for this account. Look at the console, then: menshen resume --why \"…\""
        ));
    }
    text
}

async fn show(log: &Reader, format: Format, id: i64) -> Result<u8, Error> {
    let Some(mut shown) = log.show(id).await? else {
        anstream::eprintln!("menshen: the audit log has no decision {id}");
        return Ok(FAILED);
    };
    look_again(log, &mut shown).await?;
    match format {
        Format::Human => print::line(&in_full(&shown))?,
        Format::Json => print::json(&shown)?,
        Format::Csv => {
            let mut csv = Csv::begin(&COLUMNS)?;
            csv.row(cells(&shown.row))?;
            csv.end()?;
        }
    }
    Ok(DONE)
}

fn in_full(shown: &Shown) -> String {
    let row = &shown.row;
    let redacted = || "(redacted)".to_owned();
    let mut lines = vec![
        format!("decision {}  {:.3}  by {}  ({}, pass {})", row.id, row.decided_at, row.actor, row.mode, row.pass),
        format!("  account     {} ({})", row.account, shown.account_appid),
        format!("  applicant   {} ({})", row.nickname.as_deref().map_or_else(redacted, visible), visible(&row.appid)),
        format!("  applied     {}", applied(shown)),
        format!("  categories  {}", visible(&row.categories.join(", "))),
        format!("  reason      {}", row.reason.as_deref().map_or_else(redacted, visible)),
        format!(
            "  verdict     {}{}",
            row.verdict,
            row.brake.map(|brake| format!(", brake {brake}")).unwrap_or_default()
        ),
    ];
    if let Some(message) = &row.message {
        lines.push(format!("  message     {}", visible(message)));
    }
    lines.push(format!("  outcome     {}", row.outcome));
    if let Some(why) = &shown.why {
        lines.push(format!("  because     {}", visible(&why.sentence)));
        let application = application_of(shown);
        let rules = why.rules.iter().flat_map(|rule| print::rule_lines(rule, &application));
        lines.extend(rules.map(|line| format!("    {line}")));
    }
    lines.push(format!("  rules       {} (engine {})", row.ruleset, shown.engine.as_deref().unwrap_or("–")));
    lines.push("  what happened".to_owned());
    lines.extend(happenings(shown));
    lines.join("\n")
}

/// The log keeps the evidence of the rules that mattered; the recorded rules tell what every other one looked at.
async fn look_again(log: &Reader, shown: &mut Shown) -> Result<(), Error> {
    let application = application_of(shown);
    let Some(why) = &mut shown.why else { return Ok(()) };
    if shown.engine.as_deref() != Some(ENGINE_VERSION) {
        return Ok(());
    }
    let spec = shown.spec.as_deref().and_then(|spec| serde_json::from_str(spec).ok());
    let Some(rules) = spec.and_then(|spec| RuleSet::compile(spec).ok()) else { return Ok(()) };
    let kept = std::mem::take(&mut why.rules);
    let now = shown.row.decided_at;
    let history = match rules.needs_history() {
        true => log.earlier(&shown.account_appid, std::slice::from_ref(&application.appid), now).await?,
        false => History::default(),
    };
    let looked_at = rules.explain(&application, &Moment { now, history: &history }).rules;
    why.rules = looked_at
        .into_iter()
        .map(|rule| kept.iter().find(|kept| kept.rule == rule.rule).cloned().unwrap_or(rule))
        .collect();
    Ok(())
}

/// The application a decision was about, as it was then.
pub(super) fn application_of(shown: &Shown) -> Application {
    Application {
        appid: AppId::new(&shown.row.appid),
        create_time: shown.create_time_text.as_ref().map_or(CreateTime::ABSENT, CreateTime::received),
        nickname: shown.row.nickname.clone().unwrap_or_default(),
        reason: shown.row.reason.clone().unwrap_or_default(),
        categories: shown.row.categories.iter().map(|text| Category::from_text(text)).collect(),
        headimgurl: None,
        apply_url: None,
        malformed: shown.malformed.clone(),
    }
}

/// Settlements and calls in the order of time.
fn happenings(shown: &Shown) -> Vec<String> {
    let settled = shown.settlements.iter().map(|settlement| {
        let note = settlement.note.as_deref().map(|note| format!(": {}", visible(note))).unwrap_or_default();
        (settlement.at, format!("    {:.3}  {}{note}", settlement.at, settlement.outcome))
    });
    let called = shown.calls.iter().map(|call| {
        let answer = [
            call.http_status.map(|status| format!("HTTP {status}")),
            call.errcode.map(|errcode| format!("errcode {errcode}")),
            call.errmsg.as_deref().map(visible),
            call.rid.as_deref().map(|rid| format!("rid {}", visible(rid))),
        ];
        let answer: Vec<String> = answer.into_iter().flatten().collect();
        let (attempt, action, took) = (call.attempt, call.action.word(), call.took_ms);
        let line = format!(
            "    {:.3}  call {attempt}: {action} {} after {took} ms: {}",
            call.sent_at,
            call.fate,
            answer.join(", ")
        );
        (call.sent_at, line)
    });
    let answered = |attempt: u32| shown.calls.iter().any(|call| call.attempt == attempt);
    let planned = shown.settlements.iter().filter(|settlement| settlement.outcome == Outcome::Planned);
    let cut_off = planned.filter(|settlement| !answered(settlement.attempt) && shown.row.outcome != Outcome::Planned);
    let cut_off = cut_off.map(|settlement| {
        let (at, attempt) = (settlement.at, settlement.attempt);
        (at, format!("    {at:.3}  call {attempt}: cut off; whether it was sent is not known, no answer was recorded"))
    });
    let mut all: Vec<(Timestamp, String)> = settled.chain(called).chain(cut_off).collect();
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, line)| line).collect()
}

fn applied(shown: &Shown) -> String {
    match (shown.row.create_time, &shown.create_time_text) {
        (Some(seconds), _) => match Timestamp::from_second(seconds) {
            Ok(at) => format!("{at} ({seconds})"),
            Err(_) => seconds.to_string(),
        },
        (None, Some(text)) => format!("unreadable: {}", visible(text)),
        (None, None) => "WeChat sent no create_time".to_owned(),
    }
}

async fn stats(log: &Reader, format: Format, filter: &StatsFilter) -> Result<u8, Error> {
    let rows = log.stats(filter).await?;
    match format {
        Format::Human => stats_table(&rows)?,
        Format::Json => rows.iter().try_for_each(print::json)?,
        Format::Csv => {
            let mut csv = Csv::begin(&["day", "account", "verdict", "rule", "outcome", "n"])?;
            for row in &rows {
                csv.row([
                    Cow::from(&row.day),
                    Cow::from(&row.account),
                    row.verdict.word().into(),
                    row.rule.as_deref().unwrap_or_default().into(),
                    row.outcome.word().into(),
                    row.n.to_string().into(),
                ])?;
            }
            csv.end()?;
        }
    }
    Ok(DONE)
}

fn stats_table(rows: &[StatsRow]) -> Result<(), Error> {
    if rows.is_empty() {
        return print::line("no decision matches");
    }
    let mut table = Table::new(&[
        ("day", Align::Left),
        ("account", Align::Left),
        ("verdict", Align::Left),
        ("rule", Align::Left),
        ("outcome", Align::Left),
        ("n", Align::Right),
    ]);
    for row in rows {
        table.row(vec![
            (row.day.clone(), Tone::Plain),
            (row.account.clone(), Tone::Plain),
            (row.verdict.word().to_owned(), Tone::of(row.verdict.word())),
            (row.rule.clone().unwrap_or_else(|| "–".to_owned()), Tone::Plain),
            (row.outcome.word().to_owned(), Tone::of(row.outcome.word())),
            (row.n.to_string(), Tone::Plain),
        ]);
    }
    print::line(&table.text())
}

pub(super) fn local(at: Timestamp, timezone: &TimeZone) -> String {
    at.to_zoned(timezone.clone()).strftime("%m-%d %H:%M:%S").to_string()
}

/// A duration back from now, a day, or an instant.
fn instant(text: &str, timezone: &TimeZone) -> Result<Timestamp, Error> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Ok(at) = text.parse::<civil::DateTime>() {
        return Ok(at.to_zoned(timezone.clone())?.timestamp());
    }
    let unreadable = || {
        Error::new(Wrong(format!(
            "menshen: {text:?} is no time: write a duration back from now (2h, 7d), a day (2026-11-22) or an instant (2026-11-22T08:00:00Z)"
        )))
    };
    let back = ago(text).ok_or_else(unreadable)?;
    Timestamp::now().checked_sub(SignedDuration::from_secs(back)).map_err(|_| unreadable())
}

fn day(text: &str, timezone: &TimeZone) -> Result<String, Error> {
    Ok(instant(text, timezone)?.to_zoned(timezone.clone()).date().to_string())
}

/// Seconds of a duration such as `90s`, `10m`, `24h`, `30d`.
fn ago(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    number.parse::<i64>().ok().filter(|n| *n >= 0)?.checked_mul(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_write_them() {
        let zone = TimeZone::get("Asia/Shanghai").expect("bundled");
        let cases = [
            ("2026-11-22T08:00:00Z", Some("2026-11-22T08:00:00Z")),
            ("2026-11-22", Some("2026-11-21T16:00:00Z")),
            ("2026-11-22T08:00", Some("2026-11-22T00:00:00Z")),
            ("yesterday", None),
            ("-3h", None),
            ("", None),
            ("h", None),
            ("天", None),
        ];
        for (text, expected) in cases {
            let found = instant(text, &zone).ok().map(|at| at.to_string());
            assert_eq!(found.as_deref(), expected, "{text:?}");
        }
        assert_eq!(ago("7d"), Some(604_800));
    }
}
