//! Brakes that last: a person's pause, and the one a failed verification pulls.
//!
//! Pulling and lifting are records; a brake is active while no record lifts it.

use super::{Doing, Reader, Store, StoreError, read::*, record::words, sql, write::Writing};
use crate::policy::{Action, AppId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::{Row, sqlite::SqliteRow};
use std::fmt;

/// What pulled a brake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BrakeKind {
    /// A person.
    Pause,
    /// WeChat did something else than it was asked for.
    Verification,
}
words!(BrakeKind { Pause = "pause", Verification = "verification" });

/// What a brake holds back; [`BrakeScope::default`] is everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrakeScope {
    /// One account (its appid); `None` = every one.
    pub account: Option<AppId>,
    /// One place of WeChat; `None` = every one.
    pub base_url: Option<String>,
    /// One action; `None` = every one.
    pub action: Option<Action>,
}

impl BrakeScope {
    /// Whether it holds back this action of this account at this place.
    pub fn covers(&self, account: &AppId, base_url: &str, action: Action) -> bool {
        self.account.as_ref().is_none_or(|one| one == account)
            && self.base_url.as_deref().is_none_or(|one| one == base_url)
            && self.action.is_none_or(|one| one == action)
    }
}

/// A brake to be pulled.
#[derive(Debug, Clone)]
pub struct NewBrake {
    /// When.
    pub at: Timestamp,
    /// What pulls it.
    pub kind: BrakeKind,
    /// What it holds back.
    pub scope: BrakeScope,
    /// Why, in words.
    pub why: Option<String>,
    /// Who: `cli:USER`, or `service`.
    pub who: String,
}

/// A brake that was pulled and not lifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveBrake {
    /// Its id.
    pub id: i64,
    /// Since when.
    pub at: Timestamp,
    /// What pulled it.
    pub kind: BrakeKind,
    /// What it holds back.
    pub scope: BrakeScope,
    /// Why, in words.
    pub why: Option<String>,
    /// Who pulled it.
    pub who: String,
}

/// What came of pulling a brake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pulled {
    /// It is pulled; its id.
    New(i64),
    /// A pause of exactly the same was active already; nothing was recorded.
    Already(ActiveBrake),
}

impl Pulled {
    /// The id of the brake that is active now.
    pub fn id(&self) -> i64 {
        match self {
            Pulled::New(id) => *id,
            Pulled::Already(brake) => brake.id,
        }
    }
}

impl ActiveBrake {
    /// The brake of a log that misses what was sent: it concerns every account.
    pub fn is_of_the_log(&self) -> bool {
        self.kind == BrakeKind::Verification && self.scope == BrakeScope::default()
    }

    /// Whether `resume` with this scope lifts it: the empty scope lifts all, another one those with the same values.
    fn is_lifted_by(&self, scope: &BrakeScope) -> bool {
        scope.account.as_ref().is_none_or(|one| self.scope.account.as_ref() == Some(one))
            && scope.base_url.as_ref().is_none_or(|one| self.scope.base_url.as_ref() == Some(one))
            && scope.action.is_none_or(|one| self.scope.action == Some(one))
    }
}

impl Reader {
    /// The active brakes, oldest first.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn brakes(&self) -> Result<Vec<ActiveBrake>, StoreError> {
        let rows = sqlx::query(sql::ACTIVE).fetch_all(self.pool()).await.map_err(|error| self.unread(error))?;
        rows.iter().map(|row| self.read(one_brake(row))).collect()
    }
}

impl Store {
    /// Pulls a brake. A pause that is active already stays as it is; every mismatch pulls a brake of its own.
    ///
    /// # Errors
    /// It could not be written; then nothing is braked.
    pub async fn pull_brake(&self, brake: &NewBrake) -> Result<Pulled, StoreError> {
        let mut writing = self.begin(Doing::Brake).await?;
        let active = active(&mut writing).await?;
        let same = |active: &ActiveBrake| active.kind == BrakeKind::Pause && active.scope == brake.scope;
        if let Some(already) = active.into_iter().find(same).filter(|_| brake.kind == BrakeKind::Pause) {
            writing.commit().await?;
            return Ok(Pulled::Already(already));
        }
        let statement = sqlx::query(sql::PULL)
            .bind(brake.at.as_millisecond())
            .bind(brake.kind.word())
            .bind(brake.scope.account.as_ref().map(AppId::as_str))
            .bind(&brake.scope.base_url)
            .bind(brake.scope.action.map(Action::word))
            .bind(&brake.why)
            .bind(&brake.who);
        let id = writing.run(statement).await?;
        fault_point!("brake.commit");
        writing.commit().await?;
        fault_point!("brake.committed");
        Ok(Pulled::New(id))
    }

    /// Lifts brakes and says which. The empty scope lifts every one; a scope with values lifts those that were
    /// pulled with the same values (a pause of everything is not lifted for one account).
    ///
    /// # Errors
    /// It could not be written; then nothing is lifted.
    pub async fn lift_brakes(
        &self,
        scope: &BrakeScope,
        who: &str,
        why: Option<&str>,
        at: Timestamp,
    ) -> Result<Vec<ActiveBrake>, StoreError> {
        let mut writing = self.begin(Doing::Brake).await?;
        let mut lifted = active(&mut writing).await?;
        lifted.retain(|brake| brake.is_lifted_by(scope));
        for brake in &lifted {
            let statement = sqlx::query(sql::LIFT)
                .bind(at.as_millisecond())
                .bind(brake.id)
                .bind(brake.kind.word())
                .bind(brake.scope.account.as_ref().map(AppId::as_str))
                .bind(&brake.scope.base_url)
                .bind(brake.scope.action.map(Action::word))
                .bind(why)
                .bind(who);
            writing.run(statement).await?;
        }
        writing.commit().await?;
        if lifted.iter().any(ActiveBrake::is_of_the_log) {
            self.accept_what_is_missing().await?;
        }
        Ok(lifted)
    }
}

/// Those that are active while we write.
async fn active(writing: &mut Writing<'_>) -> Result<Vec<ActiveBrake>, StoreError> {
    let rows = sqlx::query(sql::ACTIVE).fetch_all(&mut writing.conn).await;
    let rows = rows.map_err(|error| writing.failed(error))?;
    rows.iter().map(one_brake).collect::<Result<_, _>>().map_err(|error| writing.failed(error))
}

fn one_brake(row: &SqliteRow) -> Result<ActiveBrake, sqlx::Error> {
    let account: Option<&str> = row.try_get(3)?;
    Ok(ActiveBrake {
        id: row.try_get(0)?,
        at: instant(row, 1)?,
        kind: word(row, 2, BrakeKind::from_word)?,
        scope: BrakeScope {
            account: account.map(AppId::new),
            base_url: row.try_get(4)?,
            action: optional_word(row, 5, action_from_word)?,
        },
        why: row.try_get(6)?,
        who: row.try_get(7)?,
    })
}
