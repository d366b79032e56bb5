//! What waits for a person: the newest row of an application, where it is held.
//!
//! Promises each application once, with what a reviewer needs beside it: the note
//! of the rule that held it, its pictures, and how earlier applications of the
//! same applicant ended. Whether WeChat still shows it pending is not known here.

use super::{AuditRow, Outcome, Reader, RecordedVerdict, StoreError, audit::one_row, read::*, sql};
use crate::policy::{AppId, Why};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::{Row, sqlite::SqliteRow};

/// One application that nobody has decided.
#[derive(Debug, Clone, Serialize)]
pub struct Waiting {
    /// Its newest row.
    #[serde(flatten)]
    pub row: AuditRow,
    /// WeChat's name for the account.
    pub account_appid: AppId,
    /// The evidence; `None` once redacted.
    pub why: Option<Why>,
    /// The note for reviewers of the rule that held it, as the rule was then.
    pub note: Option<String>,
    /// The applicant's picture.
    pub headimgurl: Option<String>,
    /// The applicant's mini program code.
    pub apply_url: Option<String>,
    /// How earlier applications of the applicant ended, the newest first, at most five.
    pub earlier: Vec<EarlierRow>,
}

/// The newest row of an earlier application of the same applicant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EarlierRow {
    /// The row.
    pub id: i64,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// What was wanted.
    pub verdict: RecordedVerdict,
    /// How it stands.
    pub outcome: Outcome,
    /// Who decided.
    pub actor: String,
}

/// Which rows wait.
#[derive(Debug, Clone, Default)]
pub struct WaitingFilter {
    /// Our name for the account.
    pub account: Option<String>,
    /// The applicant.
    pub appid: Option<AppId>,
    /// Decided no earlier: what is older was timed out by WeChat long ago.
    pub since: Option<Timestamp>,
    /// Also what shadow mode decided, what failed and is tried again, and what is under way.
    pub all: bool,
}

impl Reader {
    /// What waits for a person, oldest row first. Rows a person's own attempt left `failed` wait, too.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn waiting(&self, filter: &WaitingFilter) -> Result<Vec<Waiting>, StoreError> {
        let since = filter.since.map_or(i64::MIN, |since| since.as_millisecond());
        let query = sqlx::query(sql::WAITING)
            .bind(since)
            .bind(&filter.account)
            .bind(filter.appid.as_ref().map(AppId::as_str))
            .bind(filter.all);
        let rows = query.fetch_all(self.pool()).await.map_err(|error| self.unread(error))?;
        rows.iter().map(|row| self.read(one_waiting(row))).collect()
    }
}

fn one_waiting(row: &SqliteRow) -> Result<Waiting, sqlx::Error> {
    let why: Option<&str> = row.try_get(22)?;
    let earlier: &str = row.try_get(26)?;
    let earlier: Vec<(i64, i64, String, String, String)> =
        serde_json::from_str(earlier).map_err(|_| unreadable(26, "not what the statement makes"))?;
    Ok(Waiting {
        row: one_row(row)?,
        account_appid: AppId::new(row.try_get::<&str, _>(21)?),
        why: why.map(serde_json::from_str).transpose().map_err(|_| unreadable(22, "not the evidence we write"))?,
        headimgurl: row.try_get(23)?,
        apply_url: row.try_get(24)?,
        note: row.try_get(25)?,
        earlier: earlier.into_iter().map(one_earlier_row).collect::<Result<_, _>>()?,
    })
}

fn one_earlier_row(
    (id, at, verdict, outcome, actor): (i64, i64, String, String, String),
) -> Result<EarlierRow, sqlx::Error> {
    Ok(EarlierRow {
        id,
        decided_at: Timestamp::from_millisecond(at).map_err(|_| unreadable(26, "no instant"))?,
        verdict: RecordedVerdict::from_word(&verdict).ok_or_else(|| unreadable(26, "no verdict"))?,
        outcome: Outcome::from_word(&outcome).ok_or_else(|| unreadable(26, "no outcome"))?,
        actor,
    })
}
