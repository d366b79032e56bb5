//! What was decided without us: which applications the log leaves open, and how they ended.
//!
//! A row written here announces nothing and asks for nothing; it says what the list showed. Written once
//! for an application, whatever crashes or writes in between.

use super::{
    Doing, Mode, NewDecision, Outcome, Reader, RecordedVerdict, Store, StoreError,
    read::{identity, list, word},
    sql,
};
use crate::policy::{AppId, Application, Category, Identity};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use sqlx::{Row, sqlite::SqliteRow};
use std::collections::HashMap;

/// The newest row of an application that is neither done by us nor seen to be decided elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Whose application.
    pub identity: Identity,
    /// Its newest row.
    pub id: i64,
    /// What that row wanted.
    pub verdict: RecordedVerdict,
    /// Live or shadow.
    pub mode: Mode,
    /// `Held`, `Shadow`, `Failed` or `Overtaken`.
    pub outcome: Outcome,
}

/// How an application ended without us.
#[derive(Debug, Clone)]
pub struct NewElsewhere {
    /// The row: `Done` with what was decided, or `Overtaken` where nothing was.
    pub decision: NewDecision,
    /// The row of [`Open`] it answers; nothing is written if there is a newer one by now.
    pub after: i64,
    /// A note for readers.
    pub note: String,
}

impl Reader {
    /// The open applications of the account whose newest row was decided after `since` and of which
    /// `has_ended` is true, in the order of these rows.
    ///
    /// Only those that have ended are looked at closely: as many as are pending cost little.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn open_but_ended(
        &self,
        account: &AppId,
        since: Timestamp,
        has_ended: impl Fn(&Identity) -> bool,
    ) -> Result<Vec<Open>, StoreError> {
        let query = sqlx::query(sql::OPEN).bind(account.as_str()).bind(since.as_millisecond());
        let mut rows = query.fetch(self.pool());
        let mut ended = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(|error| self.unread(error))? {
            let open = self.read(one_open(&row))?;
            if has_ended(&open.identity) {
                ended.push(open);
            }
        }
        drop(rows);
        let identities: Vec<Identity> = ended.iter().map(|open| open.identity.clone()).collect();
        let past = self.past(account, &identities).await?;
        let newest =
            |open: &Open| past.get(&open.identity).is_some_and(|row| row.id == open.id && row.accepted.is_none());
        ended.retain(newest);
        ended.sort_by_key(|open| open.id);
        Ok(ended)
    }

    /// The applications these decisions were about, as they were then; texts are empty once redacted. Decisions the log
    /// does not know are left out.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn as_decided(&self, decisions: &[i64]) -> Result<HashMap<i64, Application>, StoreError> {
        let ids = serde_json::to_string(decisions).expect("numbers always serialise");
        let rows = sqlx::query(sql::AS_DECIDED).bind(ids).fetch_all(self.pool()).await;
        rows.map_err(|error| self.unread(error))?.iter().map(|row| self.read(one_application(row))).collect()
    }

    /// How many applications WeChat timed out while nobody had decided them, by account, from `day` (as `2026-11-22`) on.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn timed_out(&self, day: &str) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = sqlx::query(sql::TIMED_OUT).bind(day).fetch_all(self.pool()).await;
        let rows = rows.map_err(|error| self.unread(error))?;
        let one = |row: &SqliteRow| Ok((row.try_get(0)?, row.try_get::<i64, _>(1)?.unsigned_abs()));
        rows.iter().map(|row| self.read(one(row))).collect()
    }
}

impl Store {
    /// Records how applications ended without us, all or none; gives how many were news.
    ///
    /// # Errors
    /// They could not be written, or one has an outcome other than done or overtaken.
    pub async fn found_elsewhere(&self, found: &[NewElsewhere]) -> Result<usize, StoreError> {
        let outcomes = found.iter().map(|one| one.decision.outcome);
        if let Some(wrong) = outcomes.into_iter().find(|outcome| !matches!(outcome, Outcome::Done | Outcome::Overtaken))
        {
            return Err(StoreError::IllegalBeginning(wrong));
        }
        if found.is_empty() {
            return Ok(0);
        }
        let mut writing = self.begin(Doing::Record).await?;
        let mut news = 0;
        for NewElsewhere { decision, after, note } in found {
            let newest = sqlx::query_scalar(sql::NEWEST)
                .bind(decision.application.appid.as_str())
                .bind(decision.account_appid.as_str())
                .bind(decision.application.create_time.text());
            let newest: Option<i64> =
                newest.fetch_one(&mut writing.conn).await.map_err(|error| writing.failed(error))?;
            if newest == Some(*after) {
                let id = writing.decide(decision).await?;
                writing.settle(id, decision.at, decision.outcome, 0, Some(note)).await?;
                news += 1;
            }
        }
        writing.commit().await?;
        Ok(news)
    }
}

fn one_application(row: &SqliteRow) -> Result<(i64, Application), sqlx::Error> {
    let Identity { appid, create_time } = identity(row, 1)?;
    let application = Application {
        appid,
        create_time,
        nickname: row.try_get::<Option<String>, _>(3)?.unwrap_or_default(),
        reason: row.try_get::<Option<String>, _>(4)?.unwrap_or_default(),
        categories: list(row, 5)?.iter().map(|text| Category::from_text(text)).collect(),
        headimgurl: row.try_get(6)?,
        apply_url: row.try_get(7)?,
        malformed: list(row, 8)?,
    };
    Ok((row.try_get(0)?, application))
}

fn one_open(row: &SqliteRow) -> Result<Open, sqlx::Error> {
    Ok(Open {
        identity: identity(row, 0)?,
        id: row.try_get(2)?,
        verdict: word(row, 3, RecordedVerdict::from_word)?,
        mode: word(row, 4, Mode::from_word)?,
        outcome: word(row, 5, Outcome::from_word)?,
    })
}
