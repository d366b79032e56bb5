//! `audit export`: every decision that matches, as JSON lines or CSV, however many there are.

use super::list::{COLUMNS, cells, go_on};
use crate::cli::DONE;
use crate::cli::args::Format;
use crate::cli::print::{self, Csv};
use crate::store::{Filter, Reader};
use anyhow::Error;

/// Prints the decisions that match; without `--format csv` as JSON lines.
pub(super) async fn export(log: &Reader, format: Format, filter: &Filter) -> Result<u8, Error> {
    let mut failure = None;
    match format {
        Format::Human | Format::Json => {
            log.export(filter, |row| go_on(print::json(&row), &mut failure)).await?;
        }
        Format::Csv => {
            let mut csv = Csv::begin(&COLUMNS)?;
            log.export(filter, |row| go_on(csv.row(cells(&row)), &mut failure)).await?;
            csv.end()?;
        }
    }
    failure.map_or(Ok(DONE), Err)
}
