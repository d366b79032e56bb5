//! Progress on long work: on a terminal, on standard error, and only when it takes long.

use crate::service::Stage;
use crate::store::Stage as Verifying;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Work that is done sooner shows nothing.
const SHOW_AFTER: Duration = Duration::from_millis(700);

/// A line that tells how far a pass is.
pub(super) struct Progress {
    bar: ProgressBar,
    began: Instant,
}

impl Progress {
    /// Hidden where standard error is no terminal.
    pub(super) fn new() -> Progress {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(8)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        Progress { bar, began: Instant::now() }
    }

    /// Shows a stage.
    pub(super) fn tell(&self, stage: Stage) {
        self.say(|| match stage {
            Stage::Reading { pages, pending } => format!("reading the list: {pages} pages, {pending} pending"),
            Stage::Acting { done, of } => format!("acting: {done} of {of}"),
            Stage::Verifying { pages } => format!("reading again to verify: {pages} pages"),
        });
    }

    /// Shows how much of the log is decided again.
    pub(super) fn tell_again(&self, done: u64, at_most: u64) {
        self.say(|| format!("deciding again: {done} of at most {at_most} applications"));
    }

    /// Shows how far a verification is.
    pub(super) fn tell_verifying(&self, stage: Verifying) {
        self.say(|| match stage {
            Verifying::Entries { done, of } => format!("verifying the chain: {done} of {of} entries"),
            Verifying::Words { done, of } => format!("verifying the words: {done} of {of} decisions"),
            Verifying::Folds { done, of } => format!("counting again: {done} of {of} decisions"),
            Verifying::File => {
                "SQLite checks the file; until it is done the write-ahead log of a running service grows".to_owned()
            }
        });
    }

    /// Shows how many decisions have lost their words.
    pub(super) fn tell_erasing(&self, done: u64, of: u64) {
        self.say(|| format!("erasing words: {done} of {of} decisions"));
    }

    /// Prints a result without the line in its way.
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    fn say(&self, words: impl FnOnce() -> String) {
        if self.began.elapsed() < SHOW_AFTER {
            return;
        }
        self.bar.set_message(words());
        self.bar.tick();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
