//! How results look: tables for people, JSON for machines, CSV for spreadsheets.
//!
//! Promises that an applicant's text can neither move the cursor nor reorder a
//! line nor start a formula, and that columns line up under Chinese text.

mod decided;
mod table;
mod text;
mod trace;

pub(super) use decided::DecidedRecord;
pub(super) use table::{Align, Table, Tone};
pub(super) use text::{safe_cell, visible};
pub(super) use trace::{paint, rule_lines};

use anyhow::Error;
use serde::Serialize;
use std::io::{self, Write};

/// Prints one object a line.
pub(super) fn json(record: &impl Serialize) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, record)?;
    out.write_all(b"\n")?;
    Ok(())
}

/// Prints records as CSV; every cell is made safe for spreadsheets.
pub(super) struct Csv(csv::Writer<io::Stdout>);

impl Csv {
    /// Begins with the names of the columns.
    pub(super) fn begin(columns: &[&str]) -> Result<Csv, Error> {
        let mut writer = csv::Writer::from_writer(io::stdout());
        writer.write_record(columns)?;
        Ok(Csv(writer))
    }

    /// One record.
    pub(super) fn row<'a>(&mut self, cells: impl IntoIterator<Item = std::borrow::Cow<'a, str>>) -> Result<(), Error> {
        let cells: Vec<String> = cells.into_iter().map(|cell| safe_cell(&cell)).collect();
        Ok(self.0.write_record(cells)?)
    }

    /// Everything out.
    pub(super) fn end(mut self) -> Result<(), Error> {
        Ok(self.0.flush()?)
    }
}

/// Prints a line for people.
pub(super) fn line(text: &str) -> Result<(), Error> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(())
}

/// What was printed, unless somebody closed the pipe: then the rest is not wanted, and the exit status is as it would be.
pub(super) fn wanted(printed: Result<(), Error>) -> Result<(), Error> {
    printed.or_else(|error| if is_closed_pipe(&error) { Ok(()) } else { Err(error) })
}

/// Prints a text as it is, for other programs.
pub(super) fn raw(text: &str) -> Result<(), Error> {
    Ok(io::stdout().lock().write_all(text.as_bytes())?)
}

/// Somebody closed the pipe (`| head`): not worth a message.
pub(super) fn is_closed_pipe(error: &Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = || cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        let csv = || match cause.downcast_ref::<csv::Error>()?.kind() {
            csv::ErrorKind::Io(error) => Some(error.kind()),
            _ => None,
        };
        io.or_else(json).or_else(csv) == Some(io::ErrorKind::BrokenPipe)
    })
}
