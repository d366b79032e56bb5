//! What a pass did, printed after `run --once`.

use super::list::print_table;
use crate::cli::print::{self, Align, Tone, visible};
use crate::service::{PassReport, Trouble};
use crate::store::{AuditRow, Filter, Reader};
use anyhow::Error;

/// Rows of a pass printed after `run --once`, at most.
const ROWS_OF_A_PASS: u32 = 200;

/// What a pass wrote, after `run --once`; `again` is what a command must be given to look at the same.
pub(in crate::cli) async fn print_pass(log: &Reader, report: &PassReport, again: &str) -> Result<(), Error> {
    if print_rows(log, report).await? == ROWS_OF_A_PASS {
        print::line(&format!("(the newest {ROWS_OF_A_PASS}; all of them with `menshen audit list --limit 0{again}`)"))?;
    }
    print::line(&summary(report, again))
}

/// What a person's own calls wrote.
pub(in crate::cli) async fn print_by_hand(log: &Reader, report: &PassReport, again: &str) -> Result<(), Error> {
    print_rows(log, report).await?;
    for line in troubles(report).into_iter().chain(brake(report, again)) {
        print::line(line.trim_start())?;
    }
    Ok(())
}

/// The rows of a pass; gives their number.
async fn print_rows(log: &Reader, report: &PassReport) -> Result<u32, Error> {
    let filter = Filter {
        pass: Some(report.pass.clone()),
        since: Some(report.started),
        limit: Some(ROWS_OF_A_PASS),
        ..Filter::default()
    };
    let columns = [("id", Align::Right), ("nickname", Align::Left), ("categories", Align::Left)];
    let cells = |row: &AuditRow| {
        vec![
            (row.id.to_string(), Tone::Faint),
            (visible(row.nickname.as_deref().unwrap_or_default()), Tone::Plain),
            (visible(&row.categories.join(", ")), Tone::Plain),
        ]
    };
    print_table(log, &filter, &columns, cells).await
}

fn summary(report: &PassReport, again: &str) -> String {
    let mut parts = vec![
        format!("{} agreed", report.agreed),
        format!("{} refused", report.refused),
        format!("{} held for a person", report.held),
    ];
    let more = [
        (report.deleted, "deleted from the list"),
        (report.braked, "kept back by a brake"),
        (report.shadow, "decided in shadow mode"),
        (report.overtaken, "decided elsewhere before us"),
        (report.elsewhere, "decided in the console"),
        (report.timed_out, "timed out by WeChat undecided"),
        (report.failed, "failed"),
        (report.known, "known already"),
        (report.waiting, "waiting for a complete list"),
        (report.recovered, "settled from an earlier pass"),
        (report.unreadable, "unreadable"),
    ];
    parts.extend(more.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    let mut text =
        format!("{}: {} pending of {} entries; {}", report.account, report.pending, report.entries, parts.join(", "));
    text.extend(troubles(report));
    for line in report.brake_lines() {
        text.push_str(&format!("\n  {line}"));
    }
    if report.urgent > 0 {
        text.push_str(&format!("\n  {} of those nobody has decided will soon be timed out by WeChat", report.urgent));
    }
    if report.stopped {
        text.push_str("\n  stopped before its end; the next pass goes on");
    }
    text.extend(brake(report, again));
    text
}

/// What went wrong, each on a line of its own.
fn troubles(report: &PassReport) -> Vec<String> {
    let line = |trouble: &Trouble| format!("\n  failed ({}): {}", trouble.during, trouble.message);
    report.troubles.iter().map(line).collect()
}

/// The brake this pass pulled.
fn brake(report: &PassReport, again: &str) -> Option<String> {
    let why = report.brake.as_ref()?;
    Some(format!(
        "\n  BRAKE verification: {why}\n  Nothing more is sent for this account. Look at the console, then: menshen resume --why \"…\"{again}"
    ))
}
