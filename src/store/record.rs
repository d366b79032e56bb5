//! What the service hands over to be recorded, and what it gets back.
//!
//! Plain values; the only behaviour is reading and writing their words.

use crate::policy::{Action, AppId, Application, Brake, Fate, Intent, Mode, Outcome, Verdict, Why};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Defines `word`, `from_word` and `Display` for an enum of plain variants.
macro_rules! words {
    ($kind:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $kind {
            /// Every one of them.
            pub const ALL: &'static [$kind] = &[$($kind::$variant),+];

            /// The word used in the audit log.
            pub fn word(self) -> &'static str {
                match self { $($kind::$variant => $word),+ }
            }

            /// Reads the word back.
            pub fn from_word(word: &str) -> Option<$kind> {
                $kind::ALL.iter().copied().find(|one| one.word() == word)
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}
pub(super) use words;

/// The verdict of a row: what the rules (or a person) want, or a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordedVerdict {
    /// Let it in.
    Agree,
    /// Turn it away.
    Refuse,
    /// Leave it for a person.
    Hold,
    /// Delete the application.
    Delete,
}
words!(RecordedVerdict { Agree = "agree", Refuse = "refuse", Hold = "hold", Delete = "delete" });

impl From<Verdict> for RecordedVerdict {
    fn from(verdict: Verdict) -> RecordedVerdict {
        match verdict {
            Verdict::Agree => RecordedVerdict::Agree,
            Verdict::Refuse => RecordedVerdict::Refuse,
            Verdict::Hold => RecordedVerdict::Hold,
        }
    }
}

impl From<Action> for RecordedVerdict {
    fn from(action: Action) -> RecordedVerdict {
        match action {
            Action::Agree => RecordedVerdict::Agree,
            Action::Refuse => RecordedVerdict::Refuse,
            Action::Delete => RecordedVerdict::Delete,
        }
    }
}

/// One decision to be recorded.
#[derive(Debug, Clone)]
pub struct NewDecision {
    /// When it was decided.
    pub at: Timestamp,
    /// The calendar day of `at` in the service's time zone, as `2026-11-22`; statistics count by it.
    pub day: String,
    /// Our name for the account.
    pub account: String,
    /// WeChat's.
    pub account_appid: AppId,
    /// Where WeChat is.
    pub base_url: String,
    /// What was decided upon.
    pub application: Application,
    /// What is wanted.
    pub verdict: RecordedVerdict,
    /// The deciding rule's name.
    pub rule: Option<String>,
    /// The message that goes with a refusal.
    pub message: Option<String>,
    /// Live or shadow.
    pub mode: Mode,
    /// Who decided: `rules`, `cli:USER`, …
    pub actor: String,
    /// What keeps it from being carried out.
    pub brake: Option<Brake>,
    /// Names of the rules that could not be decided.
    pub unknown: Vec<String>,
    /// The evidence.
    pub why: Why,
    /// The pass it was decided in.
    pub pass: String,
    /// Hash of the effective rules; empty when none were asked.
    pub ruleset: String,
    /// `Held` or `Shadow` for [`record`](super::Store::record); not looked at by [`intend`](super::Store::intend).
    pub outcome: Outcome,
}

/// One change that is about to be asked for.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "nearly all are first attempts")]
pub enum NewIntent {
    /// The first attempt: a new row.
    First {
        /// The row.
        decision: NewDecision,
        /// What will be asked for.
        action: Action,
        /// The place it takes.
        place: NewPlace,
    },
    /// Another attempt on a row that failed.
    Again {
        /// The row.
        row: i64,
        /// What will be asked for; must be what the row wants.
        action: Action,
        /// The applicant; must be the row's.
        appid: AppId,
        /// The reason that goes with a refusal.
        reason: Option<String>,
        /// The place it takes when the row has none any more; `at` is also when this attempt was decided upon.
        place: NewPlace,
    },
}

/// The place an intent takes, and the limits that must have room for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPlace {
    /// When it is taken.
    pub at: Timestamp,
    /// The account's limit of the action; `None` = no limit.
    pub day: Option<Cap>,
    /// The limit of the rule the row names; `None` = no limit.
    pub rule: Option<Cap>,
}

impl NewPlace {
    /// A place that no limit counts.
    pub fn unlimited(at: Timestamp) -> NewPlace {
        NewPlace { at, day: None, rule: None }
    }
}

/// At most so many places since an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    /// So many.
    pub max: u32,
    /// The first instant that counts.
    pub since: Timestamp,
}

/// Which cap of a [`NewPlace`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capped {
    /// The account's.
    Day,
    /// The rule's.
    Rule,
}

/// What became of a [`NewIntent`].
#[derive(Debug)]
pub enum Intended {
    /// It is durable and may be sent, once.
    Ready(Intent),
    /// No place is left; nothing was recorded.
    LimitReached {
        /// What was wanted, given back to be recorded as held.
        wanted: Box<NewIntent>,
        /// By which cap.
        by: Capped,
        /// The limit.
        limit: u32,
        /// How many places are taken.
        spent: u32,
    },
    /// Another row of the same application is still planned; nothing was recorded.
    /// Settle that one first: sending now could change the application twice.
    Underway {
        /// What was wanted.
        wanted: Box<NewIntent>,
        /// The planned row.
        decision: i64,
    },
}

/// News of one planned or done row.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The row.
    pub decision: i64,
    /// The call that was made, or was not.
    pub call: Option<CallRecord>,
    /// How the row stands now, with a note for readers.
    pub settle: Option<(Outcome, Option<String>)>,
    /// Nothing was sent: the place in the limit is free again.
    pub give_back: bool,
    /// When that became known.
    pub at: Timestamp,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallRecord {
    /// [`Intent::attempt`].
    pub attempt: u32,
    /// What was asked for.
    #[serde(serialize_with = "action_word")]
    pub action: Action,
    /// When it left.
    pub sent_at: Timestamp,
    /// How long the answer took, in milliseconds.
    pub took_ms: u64,
    /// What became of it.
    pub fate: Fate,
    /// HTTP status, if one was received.
    pub http_status: Option<u16>,
    /// WeChat's errcode; 0 is ok.
    pub errcode: Option<i64>,
    /// WeChat's words for it, or ours when there was no answer.
    pub errmsg: Option<String>,
    /// WeChat's request id.
    pub rid: Option<String>,
}

fn action_word<S: serde::Serializer>(action: &Action, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(action.word())
}
