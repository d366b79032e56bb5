//! The audit log: what was decided, what was sent, what became of it. The only SQL.
//!
//! Hides SQLite, its schema and its traps. Promises that a record is durable when
//! a method that writes it returns `Ok`, that an [`Intent`](crate::policy::Intent)
//! exists only for a durable row, that records are never changed, and that what
//! is derived from them (how a decision stands, the roll-up) moves in
//! the same transaction. It decides nothing, logs nothing and asks no clock: every
//! instant is an argument.

mod announce;
mod audit;
mod backup;
mod brakes;
mod chain;
mod elsewhere;
mod error;
mod examine;
mod file;
mod glance;
mod letters;
mod listing;
mod mark;
mod read;
mod record;
mod recorded;
mod redact;
mod replay;
mod sql;
mod uses;
mod waiting;
mod write;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]
mod tests;

pub use audit::{AuditRow, Filter, MOST_DAYS, Period, Settlement, Shown, StatsFilter, StatsRow, When};
pub use brakes::{ActiveBrake, BrakeKind, BrakeScope, NewBrake, Pulled};
pub use chain::{Finding, Head, KeptHead, NotAHead, RecordKind, Stage, Verified};
pub use elsewhere::{NewElsewhere, Open};
pub use error::{Doing, StoreError};
pub use examine::Integrity;
pub use letters::{KeptLetter, NewLetter};
pub use mark::{mark_after, read_mark};
pub use read::{Past, Planned, Reader, Spent};
pub use record::{Answered, CallRecord, Cap, Capped, Intended, NewDecision, NewIntent, NewPlace, RecordedVerdict};
pub use recorded::{Applications, Recorded, Stretch};
pub use redact::{Erasable, Redacted};
pub use replay::{ByRules, PassStart};
pub use uses::{NewUse, PluginUseRow, UseAnswer, UseFilter, UseOutcome};
pub use waiting::{EarlierRow, Waiting, WaitingFilter};
pub use write::Store;

use crate::policy::{Fate, Mode, Outcome};
