//! What `--sandbox` brings along: example rules, and what to look at next.

use super::args::Global;
use super::print;
use crate::service::PassReport;
use anyhow::Error;
use std::io;
use std::path::Path;

/// Rules for who has none yet.
pub(super) const RULES: &str = include_str!("demo.toml");

/// Deletes a sandbox's database, and nothing else; its world starts itself over.
pub(super) fn forget(dir: &Path) -> io::Result<()> {
    let ours = |name: &str| name.starts_with("menshen.db");
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(ours) && entry.file_type()?.is_file() {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A word on what can be looked at now.
pub(super) fn what_next(global: &Global, reports: &[PassReport]) -> Result<(), Error> {
    let dir = match &global.state_dir {
        Some(dir) => format!(" --state-dir {}", dir.display()),
        None => String::new(),
    };
    if reports.iter().all(|report| !report.acted()) {
        print::line(&format!(
            "\nNothing new: every application is decided. Start over with: menshen run --once --sandbox --fresh{dir}"
        ))?;
    }
    print::line(&format!(
        "\nThe record:     menshen audit list --sandbox{dir}\nOne decision:   menshen audit show 1 --sandbox{dir}\nWith sqlite3:   sqlite3 {}/menshen.db 'SELECT * FROM audit_log'",
        global.state_dir.as_deref().unwrap_or(Path::new("menshen-sandbox")).display()
    ))
}
