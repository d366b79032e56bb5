//! From a row to its fingerprint.
//!
//! Promises that two different records never give the same bytes: every name and
//! value goes in with its length and type. NULL columns are left out, so that a
//! column that a later schema adds, and older rows do not have, changes none of
//! their fingerprints. The number of a row is not part of it: that stands in the
//! chain's entry.

use super::{Fingerprint, RecordKind};
use crate::store::sql;
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest, Sha256};
use sqlx::{Column, Row, TypeInfo, ValueRef, sqlite::SqliteRow};
use std::io;

/// Random bytes that go into a seal, so that short words cannot be guessed back from it.
pub(in crate::store) type Salt = [u8; 16];

/// One record, read to be chained or verified.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub(super) id: i64,
    pub(super) content: Fingerprint,
}

/// Everything an applicant wrote and we wrote with it, as it stands in `words`: bytes, since who edited a text may have
/// left one that is none.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Words<'a>([Option<&'a [u8]>; WORDS.len()]);

/// The columns of `words`, in the order they are sealed.
const WORDS: [&str; 6] = ["nickname", "reason", "message", "why", "headimgurl", "apply_url"];

impl<'a> Words<'a> {
    /// In the order of the table.
    pub(in crate::store) fn new(words: [Option<&'a str>; WORDS.len()]) -> Words<'a> {
        Words(words.map(|text| text.map(str::as_bytes)))
    }

    /// Those of a row, from `column` on.
    pub(super) fn of(row: &'a SqliteRow, column: usize) -> Result<Words<'a>, sqlx::Error> {
        let mut words = Words([None; WORDS.len()]);
        for (at, text) in words.0.iter_mut().enumerate() {
            *text = row.try_get_unchecked(column + at)?;
        }
        Ok(words)
    }

    pub(super) fn are_erased(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

/// A new salt.
///
/// # Errors
/// The kernel gives no random bytes.
pub(in crate::store) fn salt() -> io::Result<Salt> {
    let mut salt = Salt::default();
    // So few bytes come whole, or not at all: https://man7.org/linux/man-pages/man2/getrandom.2.html
    getrandom(&mut salt, GetRandomFlags::empty())?;
    Ok(salt)
}

/// What a decision commits to its words by.
pub(in crate::store) fn seal(salt: &Salt, words: &Words<'_>) -> Fingerprint {
    let mut hash = Sha256::new();
    hash.update(b"menshen words 1\n");
    hash.update(salt);
    for (name, text) in WORDS.iter().zip(words.0) {
        if let Some(text) = text {
            field(&mut hash, name, b't', text);
        }
    }
    hash.finalize().into()
}

/// The row of a record: its number first, then every column.
pub(super) fn record(kind: RecordKind, row: &SqliteRow) -> Result<Record, sqlx::Error> {
    let mut hash = Sha256::new();
    hash.update(b"menshen record 1\n");
    field(&mut hash, "", b't', kind.word().as_bytes());
    for column in &row.columns()[1..] {
        let (at, name) = (column.ordinal(), column.name());
        let value = row.try_get_raw(at)?;
        if value.is_null() {
            continue;
        }
        match value.type_info().name() {
            "INTEGER" => field(&mut hash, name, b'i', &row.try_get_unchecked::<i64, _>(at)?.to_be_bytes()),
            // As bytes: who edited a text may have left one that is none.
            "TEXT" => field(&mut hash, name, b't', row.try_get_unchecked::<&[u8], _>(at)?),
            "BLOB" => field(&mut hash, name, b'b', row.try_get_unchecked::<&[u8], _>(at)?),
            other => field(&mut hash, name, b'?', other.as_bytes()),
        }
    }
    Ok(Record { id: row.try_get(0)?, content: hash.finalize().into() })
}

/// The statement for records of a kind between two numbers.
pub(super) fn records(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Decisions => sql::DECISION_RECORDS,
        RecordKind::Calls => sql::CALL_RECORDS,
        RecordKind::Settlements => sql::SETTLEMENT_RECORDS,
        RecordKind::Brakes => sql::BRAKE_RECORDS,
        RecordKind::Proofs => sql::PROOF_RECORDS,
        RecordKind::Rulesets => sql::RULESET_RECORDS,
        RecordKind::Redactions => sql::REDACTION_RECORDS,
        RecordKind::Uses => sql::USE_RECORDS,
    }
}

fn field(hash: &mut Sha256, name: &str, kind: u8, value: &[u8]) {
    hash.update((name.len() as u64).to_be_bytes());
    hash.update(name);
    hash.update([kind]);
    hash.update((value.len() as u64).to_be_bytes());
    hash.update(value);
}
