//! Erasing applicants' words. The records stay, and the chain over them too.
//!
//! Promises that the erasing is recorded before the first word goes; that a
//! running service is not held up (small transactions, with room between them);
//! and that afterwards neither the database nor its write-ahead log holds the
//! words: those of notices that wait for their delivery are erased with them. Copies made earlier keep theirs.

use super::{Doing, Reader, Store, StoreError, sql};
use jiff::Timestamp;
use sqlx::Row;
use std::time::Instant;

/// Decisions whose words are erased in one transaction.
const ROWS_A_TRANSACTION: u16 = 500;
/// Shorter texts are no quotation: one character stands in any error.
const QUOTED_CHARS: usize = 2;

/// What a redaction would erase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasable {
    /// Decisions whose words go.
    pub decisions: u64,
    /// Those that keep them for now: their outcome is not known yet, and needs them.
    pub planned: u64,
}

/// What a redaction has erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redacted {
    /// Its record; `None` = there was nothing to erase.
    pub record: Option<i64>,
    /// Decisions whose words are gone.
    pub decisions: u64,
    /// The write-ahead log, which held them too, was emptied. If not, somebody was reading: run it again.
    pub log_emptied: bool,
}

impl Reader {
    /// What a redaction of the decisions before an instant would erase.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn erasable(&self, before: Timestamp) -> Result<Erasable, StoreError> {
        let row = sqlx::query(sql::TO_REDACT).bind(before.as_millisecond()).fetch_one(self.pool()).await;
        let row = row.map_err(|error| self.unread(error))?;
        let count = |column: usize| self.read(row.try_get::<i64, _>(column)).map(i64::unsigned_abs);
        Ok(Erasable { decisions: count(0)?, planned: count(1)? })
    }
}

impl Store {
    /// Erases the words of decisions before an instant; recorded with who and when. `tell` hears how many are done.
    ///
    /// # Errors
    /// It could not be written; what was erased until then stays erased.
    pub async fn redact(
        &self,
        before: Timestamp,
        who: &str,
        at: Timestamp,
        tell: &(dyn Fn(u64) + Sync),
    ) -> Result<Redacted, StoreError> {
        let (mut record, mut decisions) = (None, 0);
        self.erase_letters(before).await?;
        let mut after = (i64::MIN, i64::MIN);
        loop {
            let began = Instant::now();
            let mut writing = self.begin(Doing::Redact).await?;
            let query = sqlx::query_as(sql::REDACTABLE).bind(before.as_millisecond()).bind(after.0).bind(after.1);
            let rows = query.bind(ROWS_A_TRANSACTION).fetch_all(&mut writing.conn).await;
            let rows: Vec<(i64, i64)> = rows.map_err(|error| writing.failed(error))?;
            let Some(last) = rows.last() else {
                writing.commit().await?;
                break;
            };
            after = *last;
            if record.is_none() {
                let statement =
                    sqlx::query(sql::REDACTION).bind(at.as_millisecond()).bind(who).bind(before.as_millisecond());
                record = Some(writing.run(statement).await?);
            }
            let ids: Vec<i64> = rows.iter().map(|(_, id)| *id).collect();
            let ids = serde_json::to_string(&ids).expect("numbers always serialise");
            writing.run(sqlx::query(sql::ERASE).bind(ids)).await?;
            writing.commit().await?;
            decisions += rows.len() as u64;
            tell(decisions);
            if rows.len() < usize::from(ROWS_A_TRANSACTION) {
                break;
            }
            // SQLite does not queue its writers: a service that waits gets as much time as was taken from it.
            tokio::time::sleep(began.elapsed()).await;
        }
        // Once more: one may have been written meanwhile.
        self.erase_letters(before).await?;
        let log_emptied = self.empty_log(Doing::Redact).await?;
        Ok(Redacted { record, decisions, log_emptied })
    }

    /// Notices that are not delivered yet lose the words, too; they are told without them.
    async fn erase_letters(&self, before: Timestamp) -> Result<(), StoreError> {
        let mut writing = self.begin(Doing::Redact).await?;
        writing.run(sqlx::query(sql::ERASE_LETTERS).bind(before.as_millisecond())).await?;
        writing.commit().await
    }
}

/// An error without the words it quotes; the longest first, or a shorter one would hide its beginning.
pub(super) fn unquoted(errmsg: &str, words: impl IntoIterator<Item = String>) -> String {
    let mut words: Vec<String> = words.into_iter().filter(|text| text.chars().count() >= QUOTED_CHARS).collect();
    words.sort_by_key(|text| std::cmp::Reverse(text.len()));
    words.iter().fold(errmsg.to_owned(), |errmsg, text| errmsg.replace(text.as_str(), "…"))
}
