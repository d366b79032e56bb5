//! The chain over all records: who edits, removes, inserts or reorders one is found out.
//!
//! Hides how a record becomes a fingerprint and a fingerprint an entry. Promises
//! that every record written through [`Store`](super::Store) gets its entry in the
//! transaction that writes it, whatever method wrote it, and that records of older
//! schemas get theirs in the transaction of the migration. The chain is no
//! signature: whoever may write the file can make it anew as a whole, which only a
//! head that was kept elsewhere shows.

mod append;
mod content;
mod cursor;
mod finding;
mod folds;
mod verify;

pub(super) use append::{Marks, adopt, extend};
pub(super) use content::{Words, salt, seal};
pub use finding::Finding;
pub use verify::{Stage, Verified};

use super::{Reader, StoreError, record::words, sql};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};
use sqlx::{Row, sqlite::SqliteRow};
use std::{fmt, str::FromStr};

/// SHA-256 of something.
pub(super) type Fingerprint = [u8; 32];

/// Rows and entries read or written at once: bounds memory, whatever the length of the log.
const ROWS_A_PAGE: i64 = 1_000;

/// What a record is about; its word is the table's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordKind {
    /// What was decided.
    Decisions,
    /// What was sent.
    Calls,
    /// How a decision stood.
    Settlements,
    /// Brakes pulled and lifted.
    Brakes,
    /// Actions that were seen to do what they should.
    Proofs,
    /// Effective rules.
    Rulesets,
    /// Words that were erased.
    Redactions,
    /// What was asked of plugins in use, and what was answered.
    #[serde(rename = "plugin_uses")]
    Uses,
}
words!(RecordKind {
    Decisions = "decisions",
    Calls = "calls",
    Settlements = "settlements",
    Brakes = "brakes",
    Proofs = "proofs",
    Rulesets = "rulesets",
    Redactions = "redactions",
    Uses = "plugin_uses",
});

impl RecordKind {
    /// One of them, in a sentence.
    pub fn one(self) -> &'static str {
        match self {
            RecordKind::Decisions => "decision",
            RecordKind::Calls => "call",
            RecordKind::Settlements => "settlement",
            RecordKind::Brakes => "brake",
            RecordKind::Proofs => "proof",
            RecordKind::Rulesets => "ruleset",
            RecordKind::Redactions => "redaction",
            RecordKind::Uses => "plugin use",
        }
    }

    /// Its place in [`RecordKind::ALL`].
    fn place(self) -> usize {
        self as usize
    }
}

/// The newest entry of the chain. Kept elsewhere, it tells later whether anything before it was cut off or made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// How many entries there are up to it.
    pub sequence: i64,
    /// Its hash, over itself and all before it.
    pub hash: [u8; 32],
}

impl Head {
    /// Before the first entry.
    pub const NONE: Head = Head { sequence: 0, hash: [0; 32] };

    /// The head after one more entry.
    fn then(&self, sequence: i64, kind: &str, record: i64, content: &Fingerprint) -> Head {
        let mut hash = Sha256::new();
        hash.update(b"menshen chain 1\n");
        hash.update(self.hash);
        hash.update(sequence.to_be_bytes());
        hash.update((kind.len() as u64).to_be_bytes());
        hash.update(kind);
        hash.update(record.to_be_bytes());
        hash.update(content);
        Head { sequence, hash: hash.finalize().into() }
    }
}

impl fmt::Display for Head {
    /// `SEQUENCE:HASH`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.sequence)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Head {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A head somebody kept; the sequence may have been left off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptHead {
    /// How many entries there were.
    pub sequence: Option<i64>,
    /// Its hash.
    pub hash: [u8; 32],
}

impl FromStr for KeptHead {
    type Err = NotAHead;

    fn from_str(text: &str) -> Result<KeptHead, NotAHead> {
        let (sequence, hash) = match text.trim().split_once(':') {
            Some((sequence, hash)) => (Some(sequence.parse().map_err(|_| NotAHead)?), hash),
            None => (None, text.trim()),
        };
        if hash.len() != 64 || !hash.is_ascii() {
            return Err(NotAHead);
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hash[2 * at..2 * at + 2], 16).map_err(|_| NotAHead)?;
        }
        Ok(KeptHead { sequence, hash: bytes })
    }
}

/// A text is no head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a head of the audit log: write it as `menshen audit head` prints it, NUMBER:64 hexadecimal digits")]
pub struct NotAHead;

impl Reader {
    /// The newest entry of the chain; [`Head::NONE`] of an empty log.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn head(&self) -> Result<Head, StoreError> {
        let row = sqlx::query(sql::HEAD).fetch_optional(self.pool()).await.map_err(|error| self.unread(error))?;
        self.read(row.as_ref().map_or(Ok(Head::NONE), |row| head(row, 0)))
    }
}

/// A sequence at `column` and a hash behind it.
fn head(row: &SqliteRow, column: usize) -> Result<Head, sqlx::Error> {
    Ok(Head { sequence: row.try_get(column)?, hash: fingerprint(row, column + 1)? })
}

/// A fingerprint; one of a wrong length is none anybody made.
fn fingerprint(row: &SqliteRow, column: usize) -> Result<Fingerprint, sqlx::Error> {
    Ok(row.try_get::<&[u8], _>(column)?.try_into().unwrap_or_default())
}
