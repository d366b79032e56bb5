//! Asking before something is changed.

use super::Wrong;
use anyhow::Error;
use std::io::{self, BufRead, IsTerminal, Write};

/// Whether to go on: `yes` answers for scripts, else a person at the terminal is asked.
///
/// # Errors
/// There is nobody to ask: exit status 2, and nothing is done.
pub(super) fn confirmed(question: &str, yes: bool) -> Result<bool, Error> {
    if yes {
        return Ok(true);
    }
    someone_to_ask("this changes something, and there is no terminal to ask on; --yes answers for scripts")?;
    Ok(matches!(answer(&format!("{question} [y/N] "))?.as_deref(), Some("y" | "Y" | "yes" | "是")))
}

/// Fails unless both what is asked and what is answered pass through a terminal.
pub(super) fn someone_to_ask(otherwise: &str) -> Result<(), Error> {
    match io::stdin().is_terminal() && io::stderr().is_terminal() {
        true => Ok(()),
        false => Err(Error::new(Wrong(format!("menshen: {otherwise}")))),
    }
}

/// A line typed in answer, trimmed; `None` at the end of input.
pub(super) fn answer(question: &str) -> Result<Option<String>, Error> {
    anstream::eprint!("{question}");
    io::stderr().flush()?;
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line)? {
        0 => Ok(None),
        _ => Ok(Some(line.trim().to_owned())),
    }
}
