//! How a decision stands and which moves are legal; whether it was meant to be carried out; what became of a call.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How a decision stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Recorded, not settled yet.
    Planned,
    /// WeChat took it, or the list shows the application where we wanted it.
    Done,
    /// It had left "pending" otherwise before our call.
    Overtaken,
    /// Verdict hold, or a brake.
    Held,
    /// Decided in shadow mode.
    Shadow,
    /// Given up for this pass; a later pass may try again on the same row.
    Failed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 6] =
        [Outcome::Planned, Outcome::Done, Outcome::Overtaken, Outcome::Held, Outcome::Shadow, Outcome::Failed];

    /// The word used in the audit log.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Planned => "planned",
            Outcome::Done => "done",
            Outcome::Overtaken => "overtaken",
            Outcome::Held => "held",
            Outcome::Shadow => "shadow",
            Outcome::Failed => "failed",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|outcome| outcome.word() == word)
    }

    /// Whether a decision that stands like this may be settled as `next`.
    ///
    /// `Done` may still become `Failed`: WeChat said ok, and the list says otherwise.
    /// `Failed` may be planned again (the retry), and becomes `Done` or `Overtaken` when the list shows that the
    /// call whose answer was lost had worked, or that somebody else was faster. `Overtaken` becomes `Done` where
    /// the application was missing from the list, and a later one shows it where our call wanted it. `Held` and `Shadow` are final.
    pub fn may_become(self, next: Outcome) -> bool {
        use Outcome::*;
        matches!(
            (self, next),
            (Planned, Done | Overtaken | Failed)
                | (Failed, Planned | Done | Overtaken)
                | (Done, Failed)
                | (Overtaken, Done)
        )
    }

    /// Whether a decision without anything to send may begin (and end) like this.
    pub fn is_final_at_once(self) -> bool {
        matches!(self, Outcome::Held | Outcome::Shadow)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Whether verdicts are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Decide, record and act.
    Live,
    /// Decide and record, never act.
    Shadow,
}

impl Mode {
    /// The word used in configuration and audit log.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Live => "live",
            Mode::Shadow => "shadow",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Mode> {
        [Mode::Live, Mode::Shadow].into_iter().find(|mode| mode.word() == word)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// WeChat answered ok.
    Accepted,
    /// WeChat answered no: it did nothing.
    Rejected,
    /// No answer that could be trusted came back; WeChat may have done it.
    Lost,
    /// Nothing left this machine.
    Unsent,
}

impl Fate {
    /// Every one of them.
    pub const ALL: [Fate; 4] = [Fate::Accepted, Fate::Rejected, Fate::Lost, Fate::Unsent];

    /// The word used in the audit log.
    pub fn word(self) -> &'static str {
        match self {
            Fate::Accepted => "accepted",
            Fate::Rejected => "rejected",
            Fate::Lost => "lost",
            Fate::Unsent => "unsent",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Fate> {
        Fate::ALL.into_iter().find(|fate| fate.word() == word)
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
