//! Decisions by the rules, with what the rules saw: to be decided again and compared.

use super::{Reader, RecordedVerdict, StoreError, read::*, sql};
use crate::policy::{AppId, Application, Brake, Category, History};
use jiff::Timestamp;
use sqlx::{Row, sqlite::SqliteRow};

/// Rows read at once.
const ROWS_A_PAGE: u16 = 1_000;

/// One decision by the rules.
#[derive(Debug, Clone, PartialEq)]
pub struct ByRules {
    /// Its row.
    pub id: i64,
    /// When it was decided: the instant the rules were told.
    pub decided_at: Timestamp,
    /// WeChat's appid of the account.
    pub account: AppId,
    /// The pass it was decided in.
    pub pass: String,
    /// Hash of the rules that decided.
    pub ruleset: String,
    /// The application as it was then; `None` once redacted.
    pub application: Option<Application>,
    /// Who applied.
    pub appid: AppId,
    /// The verdict.
    pub verdict: RecordedVerdict,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The message of a refusal.
    pub message: Option<String>,
    /// What kept it back.
    pub brake: Option<Brake>,
    /// Names of the rules that could not be decided.
    pub unknown: Vec<String>,
    /// Where the log ended when this was written.
    pub start: PassStart,
}

/// Where the log ended when something was written: all before it was known, nothing behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassStart {
    decision: i64,
    settlement: i64,
}

impl Reader {
    /// The newest decision's number; 0 if there is none.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn last_decision(&self) -> Result<i64, StoreError> {
        let last = sqlx::query_scalar(sql::LAST_DECISION).fetch_one(self.pool()).await;
        last.map_err(|error| self.unread(error))
    }

    /// The next decisions by the rules behind `after` and up to `to`, oldest first; empty at the end.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn by_rules(&self, after: i64, to: i64) -> Result<Vec<ByRules>, StoreError> {
        let query = sqlx::query(sql::BY_RULES).bind(after).bind(to).bind(ROWS_A_PAGE);
        let rows = query.fetch_all(self.pool()).await.map_err(|error| self.unread(error))?;
        rows.iter().map(|row| self.read(one(row))).collect()
    }

    /// Engine and rules (as JSON) of a hash; `None` if they were not kept.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn ruleset(&self, hash: &str) -> Result<Option<(String, String)>, StoreError> {
        let found = sqlx::query_as(sql::RULESET).bind(hash).fetch_optional(self.pool()).await;
        found.map_err(|error| self.unread(error))
    }

    /// As [`Reader::earlier`], of one applicant, as the log stood when a pass began to write.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn earlier_then(&self, account: &AppId, appid: &AppId, start: PassStart) -> Result<History, StoreError> {
        let query = sqlx::query(sql::EARLIER_THEN).bind(account.as_str()).bind(appid.as_str());
        let query = query.bind(start.decision).bind(start.settlement);
        let rows = query.fetch_all(self.pool()).await.map_err(|error| self.unread(error))?;
        let mut history = History::default();
        for row in &rows {
            let (appid, earlier) = self.read(one_earlier(row, 0))?;
            history.add(appid, earlier);
        }
        Ok(history)
    }
}

fn one(row: &SqliteRow) -> Result<ByRules, sqlx::Error> {
    let identity = identity(row, 5)?;
    let (nickname, reason): (Option<String>, Option<String>) = (row.try_get(13)?, row.try_get(14)?);
    let (categories, malformed) = (list(row, 7)?, list(row, 8)?);
    let appid = identity.appid.clone();
    let application = nickname.zip(reason).map(|(nickname, reason)| Application {
        appid: identity.appid,
        create_time: identity.create_time,
        nickname,
        reason,
        categories: categories.iter().map(|text| Category::from_text(text)).collect(),
        headimgurl: None,
        apply_url: None,
        malformed,
    });
    Ok(ByRules {
        id: row.try_get(0)?,
        decided_at: instant(row, 1)?,
        account: AppId::new(row.try_get::<&str, _>(2)?),
        pass: row.try_get(3)?,
        ruleset: row.try_get(4)?,
        application,
        appid,
        verdict: word(row, 9, RecordedVerdict::from_word)?,
        rule: row.try_get(10)?,
        brake: optional_word(row, 11, Brake::from_word)?,
        unknown: list(row, 12)?,
        message: row.try_get(15)?,
        start: PassStart { decision: row.try_get(0)?, settlement: row.try_get(16)? },
    })
}
