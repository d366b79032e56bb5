//! What a pass did, as data: tests compare it, `--once` prints it, the one log line is made from it.
//!
//! Holds counts, names from the configuration and ids; never an applicant's words.

use super::endings::Decided;
use super::pass::with_sources;
use crate::policy::{Limited, Places};
use crate::wechat::Calls;
use jiff::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// The result of one pass over one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PassReport {
    /// The account's name.
    pub account: String,
    /// The pass, as in the audit log.
    pub pass: String,
    /// When it began.
    pub started: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Pages of the first reading.
    pub pages: u32,
    /// Entries of the first reading, whatever their status.
    pub entries: usize,
    /// Pending applications found.
    pub pending: usize,
    /// Applications WeChat let in at our word.
    pub agreed: usize,
    /// Applications WeChat refused at our word.
    pub refused: usize,
    /// Applications WeChat took off its list at our word.
    pub deleted: usize,
    /// New rows that leave an application for a person.
    pub held: usize,
    /// New rows that a limit, a pause or the brake verification keeps back.
    pub braked: usize,
    /// Held or kept-back applications that WeChat will soon time out (`[pending] warn_before`).
    pub urgent: usize,
    /// New rows decided in shadow mode.
    pub shadow: usize,
    /// Applications that left "pending" before our call.
    pub overtaken: usize,
    /// Known applications that turned out to be approved or refused without us: by people in WeChat's console.
    pub elsewhere: usize,
    /// Known applications that WeChat timed out before anybody had decided them.
    pub timed_out: usize,
    /// Rows given up for this pass.
    pub failed: usize,
    /// Pending applications the log knew already.
    pub known: usize,
    /// Pending applications nobody has decided when the pass ends, as far as it read: held, kept back, failed, left alone,
    /// or only looked at in shadow mode; known ones included.
    pub undecided: usize,
    /// The create_time of the oldest of these; `None` = there are none, or none has a readable one.
    pub oldest: Option<Timestamp>,
    /// Pending applications left alone until the rows of an earlier crash are settled, or the list has caught up.
    pub waiting: usize,
    /// Rows of an earlier pass that were settled by the list.
    pub recovered: usize,
    /// Entries that could not be read.
    pub unreadable: usize,
    /// The brake pulled in this pass, with the reason.
    pub brake: Option<String>,
    /// The brake `verification` was pulled before this pass and is not lifted.
    pub brake_stands: bool,
    /// What kept acting back from the beginning: pauses, and the brake of an earlier pass.
    pub stops: Vec<String>,
    /// The list was read to its end and every application on it got what this pass could do for it: no gap, no log that
    /// failed, not stopped.
    pub complete: bool,
    /// The pass was stopped before its end.
    pub stopped: bool,
    /// What went wrong.
    pub troubles: Vec<Trouble>,
    /// How decisions came out, by verdict.
    #[serde(skip)]
    pub decided: Decided,
    /// Calls to WeChat, by what came of them.
    #[serde(skip)]
    pub calls: Calls,
    /// Calls that did or may have done something and could not be recorded: their rows stay planned. There should be none.
    #[serde(skip)]
    pub unrecorded: usize,
    /// The limits that last beyond a pass, as it left them.
    #[serde(skip)]
    pub limits: Vec<(Limited, Places)>,
}

/// Something that went wrong in a pass, in words that help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// What was being done: `list`, `agree`, `record`, …
    pub during: &'static str,
    /// What happened and what to do.
    pub message: String,
    /// WeChat's errcode, if it named one.
    pub errcode: Option<i64>,
    /// WeChat's request id, if it gave one.
    pub rid: Option<String>,
}

impl PassReport {
    /// The empty report of a pass that begins now.
    pub(crate) fn begin(account: &str, started: Timestamp, pass: String) -> PassReport {
        PassReport { account: account.to_owned(), pass, started, ..PassReport::default() }
    }

    /// Something failed, or an earlier verification failed and nobody has lifted its brake: exit status 1.
    pub fn failed(&self) -> bool {
        self.went_wrong() || self.brake_stands
    }

    /// Something failed in this pass.
    pub(crate) fn went_wrong(&self) -> bool {
        !self.troubles.is_empty() || self.unreadable > 0 || self.failed > 0 || self.brake.is_some()
    }

    /// The pass changed something or wrote something new.
    pub fn acted(&self) -> bool {
        self.agreed
            + self.refused
            + self.deleted
            + self.held
            + self.braked
            + self.shadow
            + self.overtaken
            + self.failed
            + self.recovered
            + self.elsewhere
            + self.timed_out
            > 0
            || self.brake.is_some()
    }

    /// What keeps acting back, for people.
    pub fn brake_lines(&self) -> impl Iterator<Item = String> + '_ {
        self.stops.iter().map(|stop| format!("{}: {stop}; let acting go on with `menshen resume`", self.account))
    }

    /// Notes a trouble that has no errcode.
    pub(crate) fn trouble(&mut self, during: &'static str, message: impl Into<String>) {
        self.troubles.push(Trouble { during, message: message.into(), errcode: None, rid: None });
    }

    /// Notes what WeChat, or the way to it, said.
    pub(crate) fn wechat_trouble(&mut self, during: &'static str, error: &crate::wechat::Error) {
        let words = with_sources(error);
        let message = match error.advice() {
            Some(advice) => format!("{words}; {advice}"),
            None => words,
        };
        let trouble = Trouble { during, message, errcode: error.errcode(), rid: error.rid().map(ToOwned::to_owned) };
        if !self.troubles.contains(&trouble) {
            self.troubles.push(trouble);
        }
    }

    /// Closes the report.
    pub(crate) fn finish(&mut self, took: Duration) {
        self.took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    }
}
