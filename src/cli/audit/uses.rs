//! `audit uses`: what this mini program asked of plugins it uses.

use super::times::local;
use crate::cli::DONE;
use crate::cli::args::Format;
use crate::cli::print::{self, Align, Csv, Table, Tone, visible};
use crate::store::{PluginUseRow, Reader, UseFilter, UseOutcome};
use anyhow::Error;
use jiff::tz::TimeZone;
use std::borrow::Cow;

/// The columns of the view `plugin_use_log`.
const COLUMNS: [&str; 13] = [
    "id",
    "asked_at",
    "account",
    "plugin_appid",
    "action",
    "reason",
    "user_version",
    "actor",
    "outcome",
    "errcode",
    "errmsg",
    "rid",
    "answered_at",
];

pub(super) async fn uses(log: &Reader, format: Format, filter: &UseFilter, zone: &TimeZone) -> Result<u8, Error> {
    let rows = log.uses(filter).await?;
    print::wanted(match format {
        Format::Human => table(&rows, zone),
        Format::Json | Format::Csv => print_uses(&rows, format),
    })?;
    Ok(DONE)
}

/// For machines.
pub(in crate::cli) fn print_uses(rows: &[PluginUseRow], format: Format) -> Result<(), Error> {
    if format != Format::Csv {
        return rows.iter().try_for_each(print::json);
    }
    let mut csv = Csv::begin(&COLUMNS)?;
    for row in rows {
        let text = |text: &Option<String>| Cow::from(text.clone().unwrap_or_default());
        csv.row([
            row.id.to_string().into(),
            format!("{:.3}", row.asked_at).into(),
            Cow::from(&row.account),
            Cow::from(&row.plugin_appid),
            Cow::from(&row.action),
            text(&row.reason),
            text(&row.user_version),
            Cow::from(&row.actor),
            row.outcome.word().into(),
            row.errcode.map(|code| code.to_string()).unwrap_or_default().into(),
            text(&row.errmsg),
            text(&row.rid),
            row.answered_at.map(|at| format!("{at:.3}")).unwrap_or_default().into(),
        ])?;
    }
    csv.end()
}

fn table(rows: &[PluginUseRow], zone: &TimeZone) -> Result<(), Error> {
    if rows.is_empty() {
        return print::line("nothing was asked of a plugin");
    }
    let mut table = Table::new(&[
        ("id", Align::Right),
        ("asked", Align::Left),
        ("account", Align::Left),
        ("action", Align::Left),
        ("plugin", Align::Left),
        ("by", Align::Left),
        ("outcome", Align::Left),
        ("note", Align::Left),
    ]);
    for row in rows {
        table.row(vec![
            (row.id.to_string(), Tone::Faint),
            (local(row.asked_at, zone), Tone::Faint),
            (row.account.clone(), Tone::Plain),
            (row.action.clone(), Tone::Plain),
            (visible(&row.plugin_appid), Tone::Plain),
            (visible(&row.actor), Tone::Plain),
            (row.outcome.word().to_owned(), tone(row.outcome)),
            (note(row), Tone::Plain),
        ]);
    }
    print::line(&table.text())
}

fn tone(outcome: UseOutcome) -> Tone {
    match outcome {
        UseOutcome::Unknown => Tone::Wait,
        UseOutcome::Done | UseOutcome::Failed => Tone::of(outcome.word()),
    }
}

fn note(row: &PluginUseRow) -> String {
    let version = row.user_version.as_deref().map(|version| format!("version {}", visible(version)));
    let errcode = row.errcode.filter(|code| *code != 0).map(|code| format!("errcode {code}"));
    let lost = (row.outcome == UseOutcome::Unknown).then(|| "the answer was lost: see `menshen api list`".to_owned());
    let parts = [version, row.reason.as_deref().map(visible), errcode, lost];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
