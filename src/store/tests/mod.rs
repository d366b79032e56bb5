//! The audit log on real files.

mod backup;
mod chain;
mod disk;
mod elsewhere;
mod examine;
mod laws;
mod letters;
mod limits;
mod listing;
mod migration;
mod recorded;
mod redact;
mod schema;
mod story;
mod uses;

use super::*;
use crate::policy::{Action, AppId, Application, Category, CreateTime, Intent, Why};
use jiff::Timestamp;
use std::path::PathBuf;
use tempfile::TempDir;

pub(super) const BASE: &str = "https://api.weixin.qq.com";
pub(super) const DAY: &str = "2026-11-22";

/// A directory with an audit log in it.
pub(super) struct Desk {
    pub(super) dir: TempDir,
    pub(super) store: Store,
}

impl Desk {
    pub(super) async fn new() -> Desk {
        let dir = TempDir::new().unwrap();
        let store = Store::open(&dir.path().join("menshen.db")).await.unwrap();
        Desk { dir, store }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("menshen.db")
    }

    pub(super) async fn first(&self, decision: NewDecision, limit: Option<u32>) -> Intended {
        let action = action_of(&decision);
        let place = place_on(0, limit);
        self.store.intend(vec![NewIntent::First { decision, action, place }]).await.unwrap().remove(0)
    }

    /// Plans an agreement and gives its row.
    pub(super) async fn planned(&self, appid: &str) -> i64 {
        ready(self.first(agree(appid), None).await).decision()
    }

    pub(super) async fn settle(&self, decision: i64, outcome: Outcome) -> Result<(), StoreError> {
        self.store.answer(vec![settled(decision, outcome)]).await
    }

    /// One value, asked for in plain SQL.
    pub(super) async fn ask<T>(&self, sql: &str) -> T
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + Unpin,
    {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(self.store.reader().pool()).await.unwrap()
    }

    /// Runs SQL the way a person with `sqlite3` would.
    pub(super) async fn run(&self, sql: &str) -> Result<(), sqlx::Error> {
        let mut writing = self.store.begin(Doing::Record).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut writing.conn).await?;
        writing.commit().await.unwrap();
        Ok(())
    }

    pub(super) async fn rows(&self, filter: &Filter) -> Vec<AuditRow> {
        let mut rows = Vec::new();
        self.store
            .list(filter, |row| {
                rows.push(row);
                std::ops::ControlFlow::Continue(())
            })
            .await
            .unwrap();
        rows
    }
}

pub(super) fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + secs).unwrap()
}

/// A place on a day, counted from 0, in the middle of which it is taken.
pub(super) fn place_on(day: i64, limit: Option<u32>) -> NewPlace {
    let cap = limit.map(|max| Cap { max, since: began(day) });
    NewPlace { at: at(day * 86_400 + 40_000), day: cap, rule: None }
}

/// When a day began.
pub(super) fn began(day: i64) -> Timestamp {
    at(day * 86_400)
}

pub(super) fn account() -> AppId {
    AppId::new("wxaccount")
}

pub(super) fn application(appid: &str) -> Application {
    Application {
        appid: AppId::new(appid),
        create_time: CreateTime::received("1794990000"),
        nickname: "某店".into(),
        reason: "我们需要查询快递".into(),
        categories: vec![Category { first: Some("物流服务".into()), second: Some("查件".into()) }],
        headimgurl: None,
        apply_url: None,
        malformed: vec![],
    }
}

pub(super) fn decision(appid: &str, verdict: RecordedVerdict, outcome: Outcome) -> NewDecision {
    NewDecision {
        at: at(0),
        day: DAY.into(),
        account: "express".into(),
        account_appid: account(),
        base_url: BASE.into(),
        application: application(appid),
        verdict,
        rule: Some("known trades".into()),
        message: (verdict == RecordedVerdict::Refuse).then(|| "请修改".into()),
        mode: Mode::Live,
        actor: "rules".into(),
        brake: None,
        unknown: vec![],
        why: Why { sentence: "rule \"known trades\"".into(), rules: vec![] },
        pass: "p1".into(),
        ruleset: "r1".into(),
        outcome,
    }
}

pub(super) fn agree(appid: &str) -> NewDecision {
    decision(appid, RecordedVerdict::Agree, Outcome::Planned)
}

pub(super) fn hold(appid: &str) -> NewDecision {
    decision(appid, RecordedVerdict::Hold, Outcome::Held)
}

fn action_of(decision: &NewDecision) -> Action {
    Action::ALL.into_iter().find(|action| RecordedVerdict::from(*action) == decision.verdict).unwrap()
}

pub(super) fn ready(intended: Intended) -> Intent {
    match intended {
        Intended::Ready(intent) => intent,
        other => panic!("{other:?}"),
    }
}

pub(super) fn again(row: i64, appid: &str) -> NewIntent {
    let (appid, place) = (AppId::new(appid), NewPlace::unlimited(at(50)));
    NewIntent::Again { row, action: Action::Agree, appid, reason: None, place }
}

pub(super) fn settled(decision: i64, outcome: Outcome) -> Answered {
    Answered { decision, call: None, settle: Some((outcome, None)), give_back: false, at: at(10) }
}

pub(super) fn call(attempt: u32, fate: Fate, errcode: Option<i64>) -> CallRecord {
    CallRecord {
        attempt,
        action: Action::Agree,
        sent_at: at(5),
        took_ms: 31,
        fate,
        http_status: Some(200),
        errcode,
        errmsg: errcode.map(|code| format!("errmsg {code}")),
        rid: Some("rid-1".into()),
    }
}
