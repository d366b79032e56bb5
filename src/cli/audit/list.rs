//! `audit list`: decisions, for people and machines; the cells others print them with.

use super::times::{instant, local};
use crate::cli::DONE;
use crate::cli::args::{Format, RowFilter};
use crate::cli::print::{self, Align, Csv, Table, Tone, visible};
use crate::policy::{AppId, Brake, Outcome};
use crate::store::{AuditRow, Filter, Reader, RecordedVerdict};
use anyhow::Error;
use jiff::tz::TimeZone;
use std::borrow::Cow;
use std::ops::ControlFlow;

/// The columns of the view `audit_log`.
pub(super) const COLUMNS: [&str; 21] = [
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
pub(in crate::cli) fn filter(rows: &RowFilter, limit: u64, timezone: &TimeZone) -> Result<Filter, Error> {
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

/// Prints the decisions that match.
pub(in crate::cli) async fn list(
    log: &Reader,
    format: Format,
    filter: &Filter,
    timezone: &TimeZone,
) -> Result<u8, Error> {
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
    log.list(filter, |row| go_on(take(row), &mut failure)).await?;
    failure.map_or(Ok(()), Err)
}

/// Whether to go on, with the error that ends it put aside.
pub(super) fn go_on(taken: Result<(), Error>, failure: &mut Option<Error>) -> ControlFlow<()> {
    match taken {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            *failure = Some(error);
            ControlFlow::Break(())
        }
    }
}

/// A decision as the cells of a CSV.
pub(super) fn cells(row: &AuditRow) -> [Cow<'_, str>; 21] {
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
    let columns = [
        ("id", Align::Right),
        ("decided", Align::Left),
        ("account", Align::Left),
        ("nickname", Align::Left),
        ("appid", Align::Left),
    ];
    let cells = |row: &AuditRow| {
        vec![
            (row.id.to_string(), Tone::Faint),
            (local(row.decided_at, timezone), Tone::Faint),
            (row.account.clone(), Tone::Plain),
            (visible(row.nickname.as_deref().unwrap_or("(redacted)")), Tone::Plain),
            (visible(&row.appid), Tone::Plain),
        ]
    };
    match print_table(log, filter, &columns, cells).await? {
        0 => print::line("no decision matches"),
        _ => Ok(()),
    }
}

/// Prints a table of decisions, if there are any, and gives their number. `columns` say which applications they are of;
/// what became of each follows.
pub(super) async fn print_table(
    log: &Reader,
    filter: &Filter,
    columns: &[(&str, Align)],
    cells: impl Fn(&AuditRow) -> Vec<(String, Tone)>,
) -> Result<u32, Error> {
    let became = ["verdict", "rule", "outcome", "note"].map(|name| (name, Align::Left));
    let mut table = Table::new(&[columns, &became].concat());
    let mut rows = 0_u32;
    each(log, filter, |row| {
        rows += 1;
        let mut cells = cells(&row);
        cells.extend([
            (row.verdict.word().to_owned(), Tone::of(row.verdict.word())),
            (row.rule.as_deref().map_or_else(|| "–".to_owned(), visible), Tone::Plain),
            (row.outcome.word().to_owned(), Tone::of(row.outcome.word())),
            (note(&row), Tone::Plain),
        ]);
        table.row(cells);
        Ok(())
    })
    .await?;
    if rows > 0 {
        print::line(&table.text())?;
    }
    Ok(rows)
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
