//! The side that uses plugins: applying for one, letting it go, asking for another version, at a person's word.
//!
//! Recorded before it is sent, with who asked; what WeChat answered after it. What
//! became of a call whose answer was lost is not guessed at: the list of plugins
//! in use shows it.

use super::account::Account;
use super::account_lock::AccountLock;
use super::lock::LockError;
use super::pass::{Watch, with_sources};
use crate::policy::{AppId, Fate, PluginUse};
use crate::store::{NewUse, Store, StoreError, UseAnswer};
use crate::wechat::{self, Answer};
use jiff::Timestamp;

/// What was asked for, and what came of it.
#[derive(Debug)]
pub struct Used {
    /// Its record in the audit log.
    pub record: i64,
    /// What came back.
    pub answer: Answer,
    /// Why the answer is not in the record.
    pub unrecorded: Option<StoreError>,
}

/// Nothing was asked of WeChat.
#[derive(Debug, thiserror::Error)]
pub enum UseError {
    /// The account is being worked, or the state directory cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The log failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No call could be made.
    #[error("nothing was sent")]
    NoCall(#[from] wechat::Error),
    /// Told to stop.
    #[error("stopped before anything was sent")]
    Stopped,
}

impl Account {
    /// Asks for this of a plugin, for `who`.
    ///
    /// # Errors
    /// Then nothing was asked of WeChat, and nothing was recorded.
    pub async fn use_plugin(
        &self,
        store: &Store,
        watch: &Watch,
        plugin: AppId,
        what: PluginUse,
        who: &str,
    ) -> Result<Used, UseError> {
        let lock = AccountLock::of(store, &self.appid, &watch.stop).await?;
        let Some(_lock) = lock else { return Err(UseError::Stopped) };
        // Before the record: what has no token to be sent with is not announced.
        let slot = self.client.slot().await?;
        if watch.stop.is_cancelled() {
            return Err(UseError::Stopped);
        }
        let wanted = NewUse {
            at: Timestamp::now(),
            account: self.name.clone(),
            account_appid: self.appid.clone(),
            base_url: self.site.clone(),
            plugin,
            what,
            who: who.to_owned(),
        };
        let intent = store.intend_use(wanted).await?;
        let record = intent.record();
        let answer = self.client.carry_out_use(slot, intent).await;
        let unrecorded = store.answer_use(record, &recorded(&answer)).await.err();
        Ok(Used { record, answer, unrecorded })
    }
}

fn recorded(answer: &Answer) -> UseAnswer {
    let words = || answer.error.as_ref().filter(|_| answer.fate != Fate::Accepted).map(|error| with_sources(error));
    UseAnswer {
        at: Timestamp::now(),
        took_ms: u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX),
        fate: answer.fate,
        http_status: answer.http_status,
        errcode: answer.errcode,
        errmsg: answer.errmsg.clone().or_else(words),
        rid: answer.rid.clone(),
    }
}
