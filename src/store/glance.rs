//! What a status asks of the log: a few numbers for every account, each with one statement, however many accounts there are.

use super::{Reader, Spent, StoreError, read::*, sql};
use crate::policy::AppId;
use jiff::Timestamp;
use sqlx::{Row, sqlite::SqliteRow};
use std::collections::HashMap;

impl Reader {
    /// How many applications wait for a person, by account (its appid): as many as [`Reader::waiting`] gives for rows
    /// decided after `since`. An account where none waits is left out.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn waiting_counts(&self, since: Option<Timestamp>) -> Result<Vec<(AppId, u64)>, StoreError> {
        let since = since.map_or(i64::MIN, |since| since.as_millisecond());
        let rows = sqlx::query(sql::WAITING_COUNTS).bind(since).fetch_all(self.pool()).await;
        let rows = rows.map_err(|error| self.unread(error))?;
        let one =
            |row: &SqliteRow| Ok((AppId::new(row.try_get::<&str, _>(0)?), row.try_get::<i64, _>(1)?.unsigned_abs()));
        rows.iter().map(|row| self.read(one(row))).collect()
    }

    /// Places taken of the limits of each account since an instant.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn spent_each(&self, accounts: &[&AppId], since: Timestamp) -> Result<HashMap<AppId, Spent>, StoreError> {
        let wanted = serde_json::to_string(accounts).expect("strings always serialise");
        let query = sqlx::query(sql::SPENT_EACH).bind(wanted).bind(since.as_millisecond());
        let rows = query.fetch_all(self.pool()).await.map_err(|error| self.unread(error))?;
        let one =
            |row: &SqliteRow| Ok(Spent { agree: row.try_get(0)?, refuse: row.try_get(1)?, delete: row.try_get(2)? });
        let spent = rows.iter().map(|row| self.read(one(row)));
        accounts.iter().zip(spent).map(|(account, spent)| Ok(((*account).clone(), spent?))).collect()
    }

    /// When the rules of this hash were first used; `None` if they are not kept.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn ruleset_first_used(&self, hash: &str) -> Result<Option<Timestamp>, StoreError> {
        let found = sqlx::query(sql::RULESET_FIRST_USED).bind(hash).fetch_optional(self.pool()).await;
        let found = found.map_err(|error| self.unread(error))?;
        found.as_ref().map(|row| self.read(instant(row, 0))).transpose()
    }
}
