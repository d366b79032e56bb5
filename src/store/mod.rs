//! The audit log: what was decided, what was sent, what became of it. The only SQL.
//!
//! Hides SQLite, its schema and its traps. Promises that a record is durable when
//! a method that writes it returns `Ok`, that an [`Intent`](crate::policy::Intent)
//! exists only for a durable row, that records are never changed, and that what
//! is derived from them (how a decision stands, the roll-up, the limits) moves in
//! the same transaction. It decides nothing, logs nothing and asks no clock: every
//! instant is an argument.

mod audit;
mod brakes;
mod error;
mod file;
mod listing;
mod read;
mod record;
mod recorded;
mod sql;
mod waiting;
mod write;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]
mod tests;

pub use audit::{AuditRow, Filter, Settlement, Shown, StatsFilter, StatsRow};
pub use brakes::{ActiveBrake, BrakeKind, BrakeScope, NewBrake};
pub use error::{Doing, StoreError};
pub use read::{Past, Planned, Reader, Spent};
pub use record::{Answered, CallRecord, Intended, NewDecision, NewIntent, RecordedVerdict};
pub use recorded::{Applications, Recorded};
pub use waiting::{EarlierRow, Waiting, WaitingFilter};
pub use write::Store;

use crate::policy::{Fate, Mode, Outcome};
