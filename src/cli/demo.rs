//! What `--sandbox` brings along: example rules, and what to look at next.

use super::args::Global;
use super::print;
use crate::service::PassReport;
use anyhow::Error;
use std::io;
use std::path::Path;

/// Rules for who has none yet.
pub(super) const RULES: &str = include_str!("demo.toml");

/// What a sandbox's world is kept in; a state directory of a real service has none.
const WORLD: &str = "world.json";
/// The audit log, SQLite's files beside it, the mark of how far it had come, and what `status` shows.
const LOG: [&str; 6] =
    ["menshen.db", "menshen.db-wal", "menshen.db-shm", "menshen.db-journal", "menshen.mark", "menshen.status"];

/// Whether the directory holds an audit log that no sandbox wrote.
pub(super) fn is_real(dir: &Path) -> bool {
    dir.join(LOG[0]).exists() && !dir.join(WORLD).exists()
}

/// Deletes a sandbox's database, and nothing else; its world starts itself over.
pub(super) fn forget(dir: &Path) -> io::Result<()> {
    for name in LOG {
        match std::fs::remove_file(dir.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
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
