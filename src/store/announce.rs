//! Announcing: an attempt is written down, with its place in every limit, before there is an intent to send.
//!
//! Promises: the limits are counted in the transaction that announces; a retry uses the place its row has; an
//! [`Intent`] is made of nothing but what was committed. When to commit is `write`'s.

use super::{
    Capped, Intended, NewDecision, NewIntent, NewPlace, Outcome, StoreError,
    mark::{Mark, one_mark},
    read::word,
    sql,
    write::Writing,
};
use crate::policy::{Action, AppId, Intent};
use jiff::Timestamp;
use sqlx::Row;

impl Writing<'_> {
    /// Writes down one that is to be sent, or says why it is not.
    pub(super) async fn announce(&mut self, wanted: NewIntent) -> Result<Announced, StoreError> {
        let (row, action, appid, reason, place) = match wanted {
            NewIntent::First { decision, action, place } => return self.announce_first(decision, action, place).await,
            NewIntent::Again { row, action, appid, reason, place } => (row, action, appid, reason, place),
        };
        let found = self.retried(row, action, &appid).await?;
        if !found.has_place {
            let rule = found.rule.as_deref();
            if let Some((by, limit, spent)) = self.full(&found.account, action, rule, &place).await? {
                let wanted = Box::new(NewIntent::Again { row, action, appid, reason, place });
                return Ok(Announced::Not(Intended::LimitReached { wanted, by, limit, spent }));
            }
            self.take_place(row, &found.account, action, rule, place.at).await?;
        }
        let attempt = found.attempt + 1;
        self.settle(row, place.at, Outcome::Planned, attempt, None).await?;
        Ok(Announced::Ready { id: row, attempt, action, appid, reason: reason.filter(|_| action == Action::Refuse) })
    }

    async fn announce_first(
        &mut self,
        decision: NewDecision,
        action: Action,
        place: NewPlace,
    ) -> Result<Announced, StoreError> {
        if let Some(underway) = self.underway(&decision).await? {
            let wanted = Box::new(NewIntent::First { decision, action, place });
            return Ok(Announced::Not(Intended::Underway { wanted, decision: underway }));
        }
        let full = self.full(&decision.account_appid, action, decision.rule.as_deref(), &place).await?;
        if let Some((by, limit, spent)) = full {
            let wanted = Box::new(NewIntent::First { decision, action, place });
            return Ok(Announced::Not(Intended::LimitReached { wanted, by, limit, spent }));
        }
        let id = self.decide(&decision).await?;
        self.settle(id, decision.at, Outcome::Planned, 1, None).await?;
        self.take_place(id, &decision.account_appid, action, decision.rule.as_deref(), place.at).await?;
        let NewDecision { application, message, .. } = decision;
        let reason = message.filter(|_| action == Action::Refuse);
        Ok(Announced::Ready { id, attempt: 1, action, appid: application.appid, reason })
    }

    /// What the mark will name once this is durable.
    pub(super) async fn last_settlement(&mut self) -> Result<Option<Mark>, StoreError> {
        let found = sqlx::query(sql::LAST_SETTLEMENT).fetch_optional(&mut self.conn).await;
        let found = found.map_err(|error| self.failed(error))?;
        found.as_ref().map(one_mark).transpose().map_err(|error| self.failed(error))
    }

    /// Another planned row of the same application.
    async fn underway(&mut self, decision: &NewDecision) -> Result<Option<i64>, StoreError> {
        let query = sqlx::query_scalar(sql::UNDERWAY)
            .bind(decision.application.appid.as_str())
            .bind(decision.account_appid.as_str())
            .bind(decision.application.create_time.text())
            .bind(&decision.base_url);
        query.fetch_optional(&mut self.conn).await.map_err(|error| self.failed(error))
    }

    /// The limit without a place left, its size and what is spent of it.
    async fn full(
        &mut self,
        account: &AppId,
        action: Action,
        rule: Option<&str>,
        place: &NewPlace,
    ) -> Result<Option<(Capped, u32, u32)>, StoreError> {
        let day = place.day.map(|cap| (Capped::Day, sql::TAKEN, action.word(), cap));
        let rule = place.rule.zip(rule).map(|(cap, rule)| (Capped::Rule, sql::TAKEN_BY_RULE, rule, cap));
        for (by, statement, of, cap) in day.into_iter().chain(rule) {
            let query = sqlx::query_scalar(statement).bind(account.as_str()).bind(of).bind(cap.since.as_millisecond());
            let spent: u32 = query.fetch_one(&mut self.conn).await.map_err(|error| self.failed(error))?;
            if spent >= cap.max {
                return Ok(Some((by, cap.max, spent)));
            }
        }
        Ok(None)
    }

    async fn take_place(
        &mut self,
        decision: i64,
        account: &AppId,
        action: Action,
        rule: Option<&str>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let statement = sqlx::query(sql::TAKE_PLACE)
            .bind(decision)
            .bind(account.as_str())
            .bind(action.word())
            .bind(at.as_millisecond())
            .bind(rule);
        self.run(statement).await.map(drop)
    }

    /// The row of a retry, if it may be retried like that.
    async fn retried(&mut self, row: i64, action: Action, appid: &AppId) -> Result<Retried, StoreError> {
        let query = sqlx::query(sql::RETRIED).bind(row).bind(appid.as_str()).bind(action.word());
        let found = query.fetch_optional(&mut self.conn).await.map_err(|error| self.failed(error))?;
        let found = found.ok_or(StoreError::Gone(row))?;
        let read = || -> Result<(Outcome, Retried), sqlx::Error> {
            let retried = Retried {
                account: AppId::new(found.try_get::<&str, _>(0)?),
                rule: found.try_get(1)?,
                attempt: found.try_get(3)?,
                has_place: found.try_get(4)?,
            };
            Ok((word(&found, 2, Outcome::from_word)?, retried))
        };
        match read().map_err(|error| self.failed(error))? {
            (from, retried) if from.may_become(Outcome::Planned) => Ok(retried),
            (from, _) => Err(StoreError::Illegal { decision: row, from, to: Outcome::Planned }),
        }
    }
}

/// What a retry needs to know of its row.
struct Retried {
    account: AppId,
    rule: Option<String>,
    attempt: u32,
    has_place: bool,
}

/// Written, not yet committed: no intent yet.
pub(super) enum Announced {
    Ready { id: i64, attempt: u32, action: Action, appid: AppId, reason: Option<String> },
    Not(Intended),
}

impl Announced {
    /// Call it after the commit, and only then.
    pub(super) fn released(self) -> Intended {
        match self {
            Announced::Ready { id, attempt, action, appid, reason } => {
                Intended::Ready(Intent::recorded(id, attempt, action, appid, reason))
            }
            Announced::Not(intended) => intended,
        }
    }
}
