//! The writing side: one connection, every write one `BEGIN IMMEDIATE … COMMIT`.
//!
//! A connection that failed in the middle of a write is thrown away and replaced
//! at the next one: after a refused COMMIT neither SQLite's nor sqlx's idea of
//! the transaction can be trusted.

use super::{
    Answered, CallRecord, Doing, Intended, NewDecision, NewIntent, Outcome, Reader, StoreError,
    announce::Announced,
    chain::{self, Marks, Words},
    file,
    mark::Advance,
    read::{millis, word},
    redact, sql,
};
use crate::policy::{Action, AppId};
use jiff::Timestamp;
use sqlx::{
    ConnectOptions, Connection, Row,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};
use std::{ops::Deref, path::Path};
use tokio::sync::{Mutex, MutexGuard};

/// The audit log, open for writing. Reads as a [`Reader`].
#[derive(Debug)]
pub struct Store {
    reader: Reader,
    settings: SqliteConnectOptions,
    /// Empty while a write is under way, and after one that failed.
    writer: Mutex<Option<SqliteConnection>>,
}

impl Deref for Store {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl Store {
    /// Opens the audit log at `path`, making or migrating it. What a crash left in its log files is recovered.
    ///
    /// # Errors
    /// The directory is missing or not ours, the disk refuses, or the file is damaged, of a newer menshen or of another program.
    pub async fn open(path: &Path) -> Result<Store, StoreError> {
        let mut conn = file::open_for_writing(path).await?;
        if planted_bug!("limit-forgotten-at-restart") {
            let _ = sqlx::query(sql::FORGET_LIMITS).execute(&mut conn).await;
        }
        let reader = Reader::over(path, file::readers(path));
        Ok(Store { reader, settings: file::writing(path), writer: Mutex::new(Some(conn)) })
    }

    /// The reading side.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Closes every connection and folds the log files back into the database. Not needed for safety.
    pub async fn close(self) {
        self.reader.close().await;
        if let Some(conn) = self.writer.into_inner() {
            // A failure here loses nothing: the next open recovers.
            drop(conn.close().await);
        }
    }

    /// Keeps the effective rules under their hash; nothing happens if they are kept already.
    ///
    /// # Errors
    /// They could not be written, or `spec_json` is no JSON.
    pub async fn keep_ruleset(
        &self,
        hash: &str,
        engine: &str,
        spec_json: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut writing = self.begin(Doing::Record).await?;
        let statement =
            sqlx::query(sql::KEEP_RULESET).bind(hash).bind(engine).bind(spec_json).bind(at.as_millisecond());
        writing.run(statement).await?;
        writing.commit().await
    }

    /// Records decisions with nothing to send (held or shadow), all or none. Gives their ids in order.
    ///
    /// # Errors
    /// They could not be written, or one has an outcome other than held or shadow.
    pub async fn record(&self, rows: &[NewDecision]) -> Result<Vec<i64>, StoreError> {
        if let Some(wrong) = rows.iter().find(|row| !row.outcome.is_final_at_once()) {
            return Err(StoreError::IllegalBeginning(wrong.outcome));
        }
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut writing = self.begin(Doing::Record).await?;
        let mut ids = Vec::with_capacity(rows.len());
        for row in rows {
            let id = writing.decide(row).await?;
            writing.settle(id, row.at, row.outcome, 0, None).await?;
            ids.push(id);
        }
        fault_point!("record.commit");
        writing.commit().await?;
        fault_point!("record.committed");
        Ok(ids)
    }

    /// Records what is about to be sent, counting the limits; all in one transaction, answers in order.
    ///
    /// # Errors
    /// It, or the mark that a restored backup is told by, could not be made durable, or one asks for a retry of a row that has not failed. Then no intent exists,
    /// and nothing may be sent.
    pub async fn intend(&self, wanted: Vec<NewIntent>) -> Result<Vec<Intended>, StoreError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let mut writing = self.begin(Doing::Intend).await?;
        let mut announced = Vec::with_capacity(wanted.len());
        for one in wanted {
            announced.push(writing.announce(one).await?);
        }
        fault_point!("intend.commit");
        let last = writing.last_settlement().await?;
        if planted_bug!("call-before-intent") {
            writing.leave_open();
        } else {
            writing.commit().await?;
        }
        fault_point!("intend.committed");
        if announced.iter().any(|one| matches!(one, Announced::Ready { .. })) {
            self.put_mark(last, Advance::Forward).await?;
        }
        // Only here do intents come into being: every row is on the disk.
        Ok(announced.into_iter().map(Announced::released).collect())
    }

    /// Records calls and how their rows stand now, all or none.
    ///
    /// # Errors
    /// They could not be written, a row does not exist, or may not be settled like that.
    pub async fn answer(&self, answers: Vec<Answered>) -> Result<(), StoreError> {
        if answers.is_empty() {
            return Ok(());
        }
        let mut writing = self.begin(Doing::Answer).await?;
        for answered in &answers {
            writing.take_answer(answered).await?;
        }
        fault_point!("answer.commit");
        writing.commit().await?;
        fault_point!("answer.committed");
        Ok(())
    }

    /// Records that the first `action` of an account did what it should; the first proof stays.
    ///
    /// # Errors
    /// It could not be written, or there is no such decision.
    pub async fn prove(
        &self,
        account: &AppId,
        base_url: &str,
        action: Action,
        decision: i64,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut writing = self.begin(Doing::Record).await?;
        let statement = sqlx::query(sql::PROVE)
            .bind(account.as_str())
            .bind(base_url)
            .bind(action.word())
            .bind(decision)
            .bind(at.as_millisecond());
        writing.run(statement).await?;
        writing.commit().await
    }

    /// Starts a write; waits for the one before it, and up to 5 s for other processes.
    pub(super) async fn begin(&self, doing: Doing) -> Result<Writing<'_>, StoreError> {
        let (slot, conn) = self.connection(doing).await?;
        let mut writing = Writing { path: self.reader.path(), doing, slot, conn, before: None };
        if planted_bug!("call-before-intent") {
            // What was left open becomes durable with the write after it: too late.
            let _ = sqlx::query(sql::COMMIT).execute(&mut writing.conn).await;
        }
        writing.run(sqlx::query(sql::BEGIN)).await?;
        // Only now: another process may have written until the transaction began.
        let before = Marks::read(&mut writing.conn).await;
        writing.before = Some(before.map_err(|error| writing.failed(error))?);
        Ok(writing)
    }

    /// The writing connection, and where it is put back when nothing went wrong with it.
    async fn connection(&self, doing: Doing) -> Result<(Slot<'_>, SqliteConnection), StoreError> {
        let mut slot = self.writer.lock().await;
        let conn = match slot.take() {
            Some(conn) => conn,
            None => self.settings.connect().await.map_err(|error| self.reader.failed(doing, error))?,
        };
        Ok((slot, conn))
    }

    /// Folds the write-ahead log into the database and empties it; false if somebody reads for longer than we wait.
    pub(super) async fn empty_log(&self, doing: Doing) -> Result<bool, StoreError> {
        let (mut slot, mut conn) = self.connection(doing).await?;
        let busy: bool = sqlx::query_scalar(sql::EMPTY_LOG)
            .fetch_one(&mut conn)
            .await
            .map_err(|error| self.reader.failed(doing, error))?;
        *slot = Some(conn);
        Ok(!busy)
    }

    /// The writing connection, for tests that must spoil it.
    #[cfg(test)]
    pub(super) fn writer(&self) -> &Mutex<Option<SqliteConnection>> {
        &self.writer
    }
}

type Slot<'a> = MutexGuard<'a, Option<SqliteConnection>>;

/// One write under way. Dropped without [`Writing::commit`] it takes its connection along, and so is undone.
pub(super) struct Writing<'a> {
    path: &'a Path,
    doing: Doing,
    slot: Slot<'a>,
    pub(super) conn: SqliteConnection,
    /// How far the log reached when it began; `None` before that.
    before: Option<Marks>,
}

type Statement<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

impl Writing<'_> {
    /// Chains the records that were written, and makes everything durable.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        if let Some(before) = &self.before {
            let chained = chain::extend(&mut self.conn, before).await;
            chained.map_err(|error| self.failed(error))?;
        }
        self.run(sqlx::query(sql::COMMIT)).await?;
        *self.slot = Some(self.conn);
        Ok(())
    }

    /// The connection goes back with its transaction still open: a bug, for the campaign to find.
    fn leave_open(mut self) {
        *self.slot = Some(self.conn);
    }

    /// Runs a statement to its end; gives the id of the row it inserted.
    pub(super) async fn run(&mut self, statement: Statement<'_>) -> Result<i64, StoreError> {
        let result = statement.execute(&mut self.conn).await;
        result.map(|done| done.last_insert_rowid()).map_err(|error| self.failed(error))
    }

    pub(super) fn failed(&self, error: sqlx::Error) -> StoreError {
        StoreError::from_sqlx(self.path, self.doing, error)
    }

    pub(super) async fn decide(&mut self, row: &NewDecision) -> Result<i64, StoreError> {
        let application = &row.application;
        let categories: Vec<String> = application.categories.iter().map(ToString::to_string).collect();
        let malformed = (!application.malformed.is_empty()).then(|| json(&application.malformed));
        let statement = sqlx::query(sql::DECIDE)
            .bind(row.at.as_millisecond())
            .bind(&row.day)
            .bind(&row.account)
            .bind(row.account_appid.as_str())
            .bind(&row.base_url)
            .bind(application.appid.as_str())
            .bind(application.create_time.text())
            .bind(application.create_time.seconds())
            .bind(json(&categories))
            .bind(malformed)
            .bind(row.verdict.word())
            .bind(&row.rule)
            .bind(row.mode.word())
            .bind(&row.actor)
            .bind(row.brake.map(|brake| brake.word()))
            .bind(json(&row.unknown))
            .bind(&row.pass)
            .bind(&row.ruleset);
        let id = self.run(statement).await?;
        self.say(id, row).await?;
        Ok(id)
    }

    /// What the applicant wrote and we wrote with it, sealed.
    async fn say(&mut self, decision: i64, row: &NewDecision) -> Result<(), StoreError> {
        let why = json(&row.why);
        let application = &row.application;
        let words = [
            Some(application.nickname.as_str()),
            Some(application.reason.as_str()),
            row.message.as_deref(),
            Some(why.as_str()),
            application.headimgurl.as_deref(),
            application.apply_url.as_deref(),
        ];
        let salt = chain::salt().map_err(|error| self.failed(sqlx::Error::Io(error)))?;
        let seal = chain::seal(&salt, &Words::new(words));
        let statement =
            words.iter().fold(sqlx::query(sql::SAY).bind(decision), |statement, text| statement.bind(*text));
        let statement = statement.bind(salt.as_slice()).bind(seal.as_slice());
        self.run(statement).await.map(drop)
    }

    pub(super) async fn settle(
        &mut self,
        decision: i64,
        at: Timestamp,
        outcome: Outcome,
        attempt: u32,
        note: Option<&str>,
    ) -> Result<(), StoreError> {
        let statement = sqlx::query(sql::SETTLE)
            .bind(decision)
            .bind(at.as_millisecond())
            .bind(outcome.word())
            .bind(attempt)
            .bind(note);
        self.run(statement).await.map(drop)
    }

    async fn take_answer(&mut self, answered: &Answered) -> Result<(), StoreError> {
        let (from, attempt) = self.standing(answered.decision).await?;
        if let Some(call) = &answered.call {
            self.call(answered.decision, call).await?;
        }
        if let Some((to, note)) = &answered.settle {
            // A new attempt is announced by `intend` alone, where the limits are counted.
            if *to == Outcome::Planned || !from.may_become(*to) {
                return Err(StoreError::Illegal { decision: answered.decision, from, to: *to });
            }
            self.settle(answered.decision, answered.at, *to, attempt, note.as_deref()).await?;
        }
        if answered.give_back {
            self.run(sqlx::query(sql::GIVE_BACK).bind(answered.decision)).await?;
        }
        Ok(())
    }

    async fn standing(&mut self, decision: i64) -> Result<(Outcome, u32), StoreError> {
        let query = sqlx::query(sql::STANDING).bind(decision);
        let found = query.fetch_optional(&mut self.conn).await.map_err(|error| self.failed(error))?;
        let found = found.ok_or(StoreError::Gone(decision))?;
        let read = || Ok((word(&found, 0, Outcome::from_word)?, found.try_get(1)?));
        read().map_err(|error| self.failed(error))
    }

    /// An error of WeChat's may quote what it was sent. A record is not erased, so that goes no further.
    async fn unquoted(&mut self, decision: i64, call: &CallRecord) -> Result<Option<String>, StoreError> {
        let Some(errmsg) = &call.errmsg else { return Ok(None) };
        if call.errcode == Some(0) {
            return Ok(Some(errmsg.clone()));
        }
        let query = sqlx::query_as(sql::SAID).bind(decision).fetch_optional(&mut self.conn).await;
        let said: Option<(Option<String>, Option<String>, Option<String>)> =
            query.map_err(|error| self.failed(error))?;
        let (nickname, reason, message) = said.unwrap_or_default();
        Ok(Some(redact::unquoted(errmsg, [message, reason, nickname].into_iter().flatten())))
    }

    async fn call(&mut self, decision: i64, call: &CallRecord) -> Result<(), StoreError> {
        let errmsg = self.unquoted(decision, call).await?;
        let statement = sqlx::query(sql::CALL)
            .bind(decision)
            .bind(call.attempt)
            .bind(call.action.word())
            .bind(call.sent_at.as_millisecond())
            .bind(millis(call.took_ms))
            .bind(call.fate.word())
            .bind(call.http_status)
            .bind(call.errcode)
            .bind(errmsg)
            .bind(&call.rid);
        self.run(statement).await.map(drop)
    }
}

/// Our own values as JSON.
fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("strings, lists and plain structs always serialise")
}
