//! The outbox of notices: what is to be told, and what was told.
//!
//! Promises that a letter and the note of what it tells are written together, so that a crash neither loses nor
//! repeats it, and that a letter is gone once it is delivered. Nothing here is a record: it is not chained, and it is
//! the only place beside `words` that may hold what applicants wrote.

use super::{Doing, Reader, Store, StoreError, sql};
use jiff::Timestamp;
use sqlx::Row;
use std::collections::HashMap;

/// A letter to be kept until it is delivered.
#[derive(Debug, Clone)]
pub struct NewLetter {
    /// When it was true.
    pub at: Timestamp,
    /// The name of whom it is for.
    pub target: String,
    /// What it is about.
    pub event: &'static str,
    /// JSON without anybody's words.
    pub notice: String,
    /// JSON of what applicants wrote, and the oldest decision it belongs to.
    pub words: Option<(String, Timestamp)>,
    /// What it tells of, and is not told again.
    pub tells: Vec<String>,
    /// What is forgotten with it: its end is what is told.
    pub forgets: Vec<String>,
}

/// A letter that is not delivered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLetter {
    /// Its number.
    pub id: i64,
    /// As in [`NewLetter`].
    pub notice: String,
    /// As in [`NewLetter`]; `None` also once redacted.
    pub words: Option<String>,
}

impl Reader {
    /// The oldest letters for one, at most so many.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn letters(&self, target: &str, most: u32) -> Result<Vec<KeptLetter>, StoreError> {
        let rows = sqlx::query(sql::LETTERS).bind(target).bind(most).fetch_all(self.pool()).await;
        let rows = rows.map_err(|error| self.unread(error))?;
        let one = |row: &sqlx::sqlite::SqliteRow| {
            Ok(KeptLetter { id: row.try_get(0)?, notice: row.try_get(1)?, words: row.try_get(2)? })
        };
        rows.iter().map(|row| self.read(one(row))).collect()
    }

    /// What one was told of: event, then key.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn told(&self, target: &str) -> Result<HashMap<(String, String), Timestamp>, StoreError> {
        let rows: Result<Vec<(String, String, i64)>, _> =
            sqlx::query_as(sql::TOLD).bind(target).fetch_all(self.pool()).await;
        let rows = rows.map_err(|error| self.unread(error))?;
        let instant = |ms| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(rows.into_iter().map(|(event, key, at)| ((event, key), instant(at))).collect())
    }
}

impl Store {
    /// Keeps letters, and notes what they tell of; all or none.
    ///
    /// # Errors
    /// They could not be written.
    pub async fn keep_letters(&self, letters: &[NewLetter]) -> Result<(), StoreError> {
        if letters.is_empty() {
            return Ok(());
        }
        let mut writing = self.begin(Doing::Record).await?;
        for letter in letters {
            let at = letter.at.as_millisecond();
            let (words, since) = match &letter.words {
                Some((words, since)) => (Some(words), Some(since.as_millisecond())),
                None => (None, None),
            };
            let keep = sqlx::query(sql::KEEP_LETTER).bind(at).bind(&letter.target).bind(letter.event);
            writing.run(keep.bind(&letter.notice).bind(words).bind(since)).await?;
            let keys = |keys: &[String]| serde_json::to_string(keys).expect("texts always serialise");
            let note = sqlx::query(sql::NOTE_TOLD).bind(&letter.target).bind(letter.event);
            writing.run(note.bind(keys(&letter.tells)).bind(at)).await?;
            let forget = sqlx::query(sql::FORGET_TOLD).bind(&letter.target).bind(letter.event);
            writing.run(forget.bind(keys(&letter.forgets))).await?;
        }
        writing.commit().await
    }

    /// Takes a letter out: it was delivered.
    ///
    /// # Errors
    /// It could not be written.
    pub async fn forget_letter(&self, id: i64) -> Result<(), StoreError> {
        let mut writing = self.begin(Doing::Record).await?;
        writing.run(sqlx::query(sql::FORGET_LETTER).bind(id)).await?;
        writing.commit().await
    }

    /// Gives up letters for one: those made before an instant, and the oldest beyond so many. Gives how many.
    ///
    /// # Errors
    /// It could not be written.
    pub async fn give_up_letters(&self, target: &str, before: Timestamp, most: u32) -> Result<u64, StoreError> {
        let any: Result<i64, _> = sqlx::query_scalar(sql::LETTERS_TO_GIVE_UP)
            .bind(target)
            .bind(before.as_millisecond())
            .bind(most)
            .fetch_one(self.pool())
            .await;
        let any = any.map_err(|error| self.unread(error))?;
        if any > 0 {
            let mut writing = self.begin(Doing::Record).await?;
            let statement = sqlx::query(sql::GIVE_UP_LETTERS).bind(target).bind(before.as_millisecond()).bind(most);
            writing.run(statement).await?;
            writing.commit().await?;
        }
        Ok(any.unsigned_abs())
    }

    /// Forgets what was told before an instant and is about events that end by themselves; letters for whom nobody is told any more.
    ///
    /// # Errors
    /// It could not be written.
    pub async fn tidy_letters(&self, targets: &[String], before: Timestamp) -> Result<(), StoreError> {
        let targets = serde_json::to_string(targets).expect("texts always serialise");
        let any = sqlx::query_scalar(sql::UNTIDY).bind(before.as_millisecond()).bind(&targets);
        let any: bool = any.fetch_one(self.pool()).await.map_err(|error| self.unread(error))?;
        if !any {
            return Ok(());
        }
        let mut writing = self.begin(Doing::Record).await?;
        writing.run(sqlx::query(sql::TIDY_TOLD).bind(before.as_millisecond()).bind(&targets)).await?;
        writing.run(sqlx::query(sql::TIDY_LETTERS).bind(&targets)).await?;
        writing.commit().await
    }
}
