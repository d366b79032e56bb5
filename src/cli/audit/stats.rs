//! `audit stats`: how many decisions of each kind a day, a month or a year brought.

use crate::cli::DONE;
use crate::cli::args::Format;
use crate::cli::print::{self, Align, Csv, Table, Tone};
use crate::policy::Outcome;
use crate::store::{Reader, RecordedVerdict, StatsFilter, StatsRow};
use anyhow::Error;
use std::borrow::Cow;

/// Prints the counts.
pub(super) async fn stats(log: &Reader, format: Format, filter: &StatsFilter) -> Result<u8, Error> {
    let rows = log.stats(filter).await?;
    match format {
        Format::Human => stats_table(&rows)?,
        Format::Json => rows.iter().try_for_each(print::json)?,
        Format::Csv => {
            let mut csv = Csv::begin(&[period(&rows), "account", "verdict", "rule", "outcome", "n"])?;
            for row in &rows {
                csv.row([
                    Cow::from(row.when.words().1),
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

/// All rows are told by the same.
fn period(rows: &[StatsRow]) -> &'static str {
    rows.first().map_or("day", |row| row.when.words().0)
}

fn stats_table(rows: &[StatsRow]) -> Result<(), Error> {
    if rows.is_empty() {
        return print::line("no decision matches");
    }
    let mut table = Table::new(&[
        (period(rows), Align::Left),
        ("account", Align::Left),
        ("verdict", Align::Left),
        ("rule", Align::Left),
        ("outcome", Align::Left),
        ("n", Align::Right),
    ]);
    for row in rows {
        table.row(vec![
            (row.when.words().1.to_owned(), Tone::Plain),
            (row.account.clone(), Tone::Plain),
            (row.verdict.word().to_owned(), Tone::of(row.verdict.word())),
            (row.rule.clone().unwrap_or_else(|| "–".to_owned()), Tone::Plain),
            (row.outcome.word().to_owned(), Tone::of(row.outcome.word())),
            (row.n.to_string(), Tone::Plain),
        ]);
    }
    print::line(&table.text())?;
    // Nothing else ends like this: see `audit list --verdict hold --outcome overtaken`.
    let undecided = rows.iter().filter(|row| (row.verdict, row.outcome) == (RecordedVerdict::Hold, Outcome::Overtaken));
    match undecided.map(|row| row.n).sum::<u64>() {
        0 => Ok(()),
        timed_out => print::line(&format!("{timed_out} timed out by WeChat before anybody had decided them")),
    }
}
