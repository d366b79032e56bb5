//! What this mini program asked of plugins it uses: recorded before it is sent, and answered after.
//!
//! Two records a use, neither ever changed. Promises that a [`UseIntent`] exists
//! only for a durable record, and that a use without an answer is told as one
//! whose end nobody knows.

use super::{
    Doing, Fate, Reader, Store, StoreError,
    read::{instant, millis, optional_word},
    sql,
};
use crate::policy::{AppId, PluginUse, UseIntent};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::{Row, sqlite::SqliteRow};

/// A use to be announced.
#[derive(Debug, Clone)]
pub struct NewUse {
    /// When.
    pub at: Timestamp,
    /// Our name of the mini program.
    pub account: String,
    /// WeChat's.
    pub account_appid: AppId,
    /// Where WeChat is.
    pub base_url: String,
    /// The plugin.
    pub plugin: AppId,
    /// What is asked for.
    pub what: PluginUse,
    /// Who: `cli:USER`.
    pub who: String,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct UseAnswer {
    /// When.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What became of the call.
    pub fate: Fate,
    /// HTTP status, if one was received.
    pub http_status: Option<u16>,
    /// WeChat's errcode; 0 is ok.
    pub errcode: Option<i64>,
    /// WeChat's words for it, or ours when there was no answer.
    pub errmsg: Option<String>,
    /// WeChat's request id.
    pub rid: Option<String>,
}

/// Which uses, and how many.
#[derive(Debug, Clone, Default)]
pub struct UseFilter {
    /// Of an account, by our name.
    pub account: Option<String>,
    /// Of a plugin.
    pub plugin: Option<AppId>,
    /// At most so many, the newest.
    pub limit: Option<u32>,
}

/// What became of a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UseOutcome {
    /// WeChat took it.
    Done,
    /// WeChat did not, or it was not sent.
    Failed,
    /// The answer was lost, or was never recorded.
    Unknown,
}

impl UseOutcome {
    /// The word in the record.
    pub fn word(self) -> &'static str {
        match self {
            UseOutcome::Done => "done",
            UseOutcome::Failed => "failed",
            UseOutcome::Unknown => "unknown",
        }
    }
}

impl From<Option<Fate>> for UseOutcome {
    fn from(fate: Option<Fate>) -> UseOutcome {
        match fate {
            Some(Fate::Accepted) => UseOutcome::Done,
            Some(Fate::Rejected | Fate::Unsent) => UseOutcome::Failed,
            Some(Fate::Lost) | None => UseOutcome::Unknown,
        }
    }
}

/// One use, as the view `plugin_use_log` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginUseRow {
    /// Its id.
    pub id: i64,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Our name of the mini program.
    pub account: String,
    /// The plugin.
    pub plugin_appid: String,
    /// `apply`, `unbind` or `update`.
    pub action: String,
    /// Our words to the plugin's owner.
    pub reason: Option<String>,
    /// The version asked for.
    pub user_version: Option<String>,
    /// Who asked.
    pub actor: String,
    /// What became of it.
    pub outcome: UseOutcome,
    /// WeChat's errcode.
    pub errcode: Option<i64>,
    /// WeChat's words, or ours when there was no answer.
    pub errmsg: Option<String>,
    /// WeChat's request id.
    pub rid: Option<String>,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
}

impl Reader {
    /// What was asked of plugins, newest last.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn uses(&self, filter: &UseFilter) -> Result<Vec<PluginUseRow>, StoreError> {
        let query = sqlx::query(sql::USES)
            .bind(&filter.account)
            .bind(filter.plugin.as_ref().map(AppId::as_str))
            .bind(filter.limit.map_or(-1, i64::from));
        let rows = query.fetch_all(self.pool()).await.map_err(|error| self.unread(error))?;
        rows.iter().map(|row| self.read(one_use(row))).collect()
    }
}

impl Store {
    /// Records what is about to be asked of a plugin; only then is there an intent.
    ///
    /// # Errors
    /// It could not be made durable; then nothing may be sent.
    pub async fn intend_use(&self, wanted: NewUse) -> Result<UseIntent, StoreError> {
        let (reason, user_version) = match &wanted.what {
            PluginUse::Apply { reason } => (Some(reason.as_str()), None),
            PluginUse::Unbind => (None, None),
            PluginUse::Update { user_version } => (None, Some(user_version.as_str())),
        };
        let mut writing = self.begin(Doing::Intend).await?;
        let statement = sqlx::query(sql::ASK_USE)
            .bind(wanted.at.as_millisecond())
            .bind(&wanted.account)
            .bind(wanted.account_appid.as_str())
            .bind(&wanted.base_url)
            .bind(wanted.what.word())
            .bind(wanted.plugin.as_str())
            .bind(reason)
            .bind(user_version)
            .bind(&wanted.who);
        let id = writing.run(statement).await?;
        writing.commit().await?;
        Ok(UseIntent::recorded(id, wanted.what, wanted.plugin))
    }

    /// Records what WeChat answered to the use with this record.
    ///
    /// # Errors
    /// It could not be written, or was written before.
    pub async fn answer_use(&self, record: i64, answer: &UseAnswer) -> Result<(), StoreError> {
        let mut writing = self.begin(Doing::AnswerUse).await?;
        let statement = sqlx::query(sql::ANSWER_USE)
            .bind(answer.at.as_millisecond())
            .bind(record)
            .bind(millis(answer.took_ms))
            .bind(answer.fate.word())
            .bind(answer.http_status)
            .bind(answer.errcode)
            .bind(&answer.errmsg)
            .bind(&answer.rid);
        writing.run(statement).await?;
        writing.commit().await
    }
}

fn one_use(row: &SqliteRow) -> Result<PluginUseRow, sqlx::Error> {
    let answered: Option<i64> = row.try_get(12)?;
    Ok(PluginUseRow {
        id: row.try_get(0)?,
        asked_at: instant(row, 1)?,
        account: row.try_get(2)?,
        plugin_appid: row.try_get(3)?,
        action: row.try_get(4)?,
        reason: row.try_get(5)?,
        user_version: row.try_get(6)?,
        actor: row.try_get(7)?,
        outcome: optional_word(row, 8, Fate::from_word)?.into(),
        errcode: row.try_get(9)?,
        errmsg: row.try_get(10)?,
        rid: row.try_get(11)?,
        answered_at: answered.map(|_| instant(row, 12)).transpose()?,
    })
}
