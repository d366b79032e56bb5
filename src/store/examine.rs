//! A short look at the health of the file itself: are its pages whole?
//!
//! Promises an end when it is told to end, however large the log is. Whether a record was changed by somebody is another
//! question, which `verify` of the chain answers.

use super::{Doing, Reader, StoreError, sql};

/// Steps of SQLite between two questions whether to go on; a step takes about a microsecond, or reads a page.
const STEPS: i32 = 1_000;
/// SQLITE_INTERRUPT: https://www.sqlite.org/rescode.html
const INTERRUPTED: &str = "9";

/// How the file is, as far as was looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Integrity {
    /// Every page is whole.
    Whole,
    /// What SQLite found, a few of it; no values are in it.
    Damaged(Vec<String>),
    /// It was told to end first; nothing was found until then.
    Unfinished,
}

impl Reader {
    /// SQLite's own look at every page of the log, as long as `go_on` says so.
    ///
    /// # Errors
    /// It could not be read at all.
    pub async fn integrity(&self, go_on: impl FnMut() -> bool + Send + 'static) -> Result<Integrity, StoreError> {
        let failed = |error| self.failed(Doing::Read, error);
        let mut conn = self.pool().acquire().await.map_err(failed)?;
        conn.lock_handle().await.map_err(failed)?.set_progress_handler(STEPS, go_on);
        let found: Result<Vec<String>, _> = sqlx::query_scalar(sql::QUICK_CHECK).fetch_all(&mut *conn).await;
        conn.lock_handle().await.map_err(failed)?.remove_progress_handler();
        match found {
            Ok(found) if found == ["ok"] => Ok(Integrity::Whole),
            Ok(found) => Ok(Integrity::Damaged(found)),
            Err(error) if code(&error).as_deref() == Some(INTERRUPTED) => Ok(Integrity::Unfinished),
            Err(error) => match failed(error) {
                StoreError::Corrupt(_, error) => Ok(Integrity::Damaged(vec![error.to_string()])),
                other => Err(other),
            },
        }
    }
}

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(Into::into)
}
