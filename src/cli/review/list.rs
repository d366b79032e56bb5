//! `review list`: what is held, the most urgent first.

use super::{because, due, left, waiting};
use crate::cli::DONE;
use crate::cli::args::{Format, Global};
use crate::cli::print::{self, Align, Csv, Table, Tone, visible};
use crate::cli::setup::{Ground, Purpose};
use crate::config::Config;
use crate::policy::Brake;
use crate::store::Waiting;
use anyhow::Error;
use jiff::Timestamp;
use serde::Serialize;
use std::borrow::Cow;

/// A line for machines: the row of the audit log, and what a reviewer needs beside it.
#[derive(Serialize)]
struct Record<'a> {
    #[serde(flatten)]
    waiting: &'a Waiting,
    /// When WeChat times it out, by `[pending] window`.
    due_at: Option<Timestamp>,
    /// Seconds until then; negative once past.
    left_secs: Option<i64>,
}

impl<'a> Record<'a> {
    fn of(config: &Config, waiting: &'a Waiting, now: Timestamp) -> Record<'a> {
        let due_at = due(config, waiting);
        Record { waiting, due_at, left_secs: due_at.map(|due| due.duration_since(now).as_secs()) }
    }
}

pub(super) async fn list(global: &Global, account: Option<String>, all: bool) -> Result<u8, Error> {
    let ground = Ground::lay(global, Purpose::Record).await?;
    let (_log, waiting) = waiting(&ground, account, all).await?;
    let (config, now) = (&ground.config, Timestamp::now());
    print::wanted(match global.format {
        Format::Human => table(config, &waiting, now, all, &global.again()),
        Format::Json => waiting.iter().try_for_each(|one| print::json(&Record::of(config, one, now))),
        Format::Csv => csv(config, &waiting, now),
    })?;
    Ok(DONE)
}

fn table(config: &Config, waiting: &[Waiting], now: Timestamp, all: bool, again: &str) -> Result<(), Error> {
    if waiting.is_empty() {
        return print::line("nothing is held");
    }
    let mut columns = vec![
        ("left", Align::Right),
        ("account", Align::Left),
        ("appid", Align::Left),
        ("nickname", Align::Left),
        ("categories", Align::Left),
        ("reason", Align::Left),
        ("because", Align::Left),
        ("earlier", Align::Left),
    ];
    if all {
        columns.insert(1, ("outcome", Align::Left));
    }
    let mut table = Table::new(&columns);
    for one in waiting {
        let row = &one.row;
        let due = due(config, one);
        let mut cells = vec![
            (left(due, now), tone(config, due, now)),
            (row.account.clone(), Tone::Plain),
            (visible(&row.appid), Tone::Plain),
            (visible(row.nickname.as_deref().unwrap_or("(redacted)")), Tone::Plain),
            (visible(&row.categories.join(", ")), Tone::Plain),
            (visible(row.reason.as_deref().unwrap_or("(redacted)")), Tone::Plain),
            (with_note(one), Tone::Plain),
            (earlier(one), Tone::Faint),
        ];
        if all {
            cells.insert(1, (format!("{} ({})", row.outcome, row.verdict), Tone::of(row.outcome.word())));
        }
        table.row(cells);
    }
    print::line(&table.text())?;
    print::line(&format!(
        "\n{} waiting. Decide with: menshen review next{again}, agree APPID, refuse APPID --reason \"…\"",
        waiting.len()
    ))
}

/// Loud where WeChat soon gives up waiting.
fn tone(config: &Config, due: Option<Timestamp>, now: Timestamp) -> Tone {
    let soon =
        due.is_none_or(|due| due.duration_since(now).as_secs() <= config.pending.warn_before.as_secs().cast_signed());
    if soon { Tone::of("refuse") } else { Tone::Plain }
}

fn with_note(one: &Waiting) -> String {
    match &one.note {
        Some(note) => format!("{}: {}", because(one), visible(note)),
        None => because(one),
    }
}

fn earlier(one: &Waiting) -> String {
    let word = |earlier: &crate::store::EarlierRow| format!("{} {} #{}", earlier.verdict, earlier.outcome, earlier.id);
    one.earlier.iter().map(word).collect::<Vec<_>>().join(", ")
}

fn csv(config: &Config, waiting: &[Waiting], now: Timestamp) -> Result<(), Error> {
    let mut csv = Csv::begin(&[
        "due_at",
        "left_secs",
        "account",
        "appid",
        "create_time",
        "nickname",
        "categories",
        "reason",
        "verdict",
        "rule",
        "brake",
        "outcome",
        "note",
        "earlier",
        "id",
    ])?;
    for one in waiting {
        let record = Record::of(config, one, now);
        let row = &one.row;
        let text = |text: Option<&str>| Cow::from(text.unwrap_or_default().to_owned());
        csv.row([
            Cow::from(record.due_at.map(|due| due.to_string()).unwrap_or_default()),
            record.left_secs.map(|left| left.to_string()).unwrap_or_default().into(),
            Cow::from(&row.account),
            Cow::from(&row.appid),
            row.create_time.map(|at| at.to_string()).unwrap_or_default().into(),
            text(row.nickname.as_deref()),
            serde_json::to_string(&row.categories)?.into(),
            text(row.reason.as_deref()),
            row.verdict.word().into(),
            text(row.rule.as_deref()),
            row.brake.map(Brake::word).unwrap_or_default().into(),
            row.outcome.word().into(),
            text(one.note.as_deref()),
            earlier(one).into(),
            row.id.to_string().into(),
        ])?;
    }
    csv.end()
}
