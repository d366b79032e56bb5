//! The schema: every statement fits it, records stay, other databases are left alone.

use super::*;
use sqlx::{ConnectOptions, Connection, Executor, SqlSafeStr, sqlite::SqliteConnectOptions};
use std::os::unix::fs::PermissionsExt;

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let desk = Desk::new().await;
    let mut conn = desk.store.reader().pool().acquire().await.unwrap();
    for (name, statement) in sql::ALL {
        if let Err(error) = (&mut *conn).prepare(statement.into_sql_str()).await {
            panic!("{name}: {error}");
        }
    }
}

#[tokio::test]
async fn the_view_has_the_columns_of_the_contract() {
    let desk = Desk::new().await;
    let columns: String = desk.ask("SELECT group_concat(name, ' ') FROM pragma_table_info('audit_log')").await;
    assert_eq!(
        columns,
        "id decided_at account appid create_time nickname reason categories verdict rule message mode actor brake \
         outcome errcode errmsg attempts settled_at pass ruleset"
    );
}

#[tokio::test]
async fn records_cannot_be_changed_deleted_or_replaced() {
    let desk = Desk::new().await;
    let row = desk.planned("wx1").await;
    desk.store
        .answer(vec![Answered { call: Some(call(1, Fate::Accepted, Some(0))), ..settled(row, Outcome::Done) }])
        .await
        .unwrap();
    desk.store.prove(&account(), BASE, Action::Agree, row, at(20)).await.unwrap();
    desk.store.keep_ruleset("r1", "1", "{}", at(0)).await.unwrap();
    let scope = BrakeScope::default();
    let brake = NewBrake { at: at(0), kind: BrakeKind::Pause, scope, why: None, who: "cli:me".into() };
    desk.store.pull_brake(&brake).await.unwrap();

    let asked = desk.store.intend_use(super::uses::apply("wxplugin")).await.unwrap();
    desk.store.answer_use(asked.record(), &super::uses::answer(Fate::Accepted)).await.unwrap();

    for table in ["decisions", "calls", "settlements", "brakes", "proofs", "rulesets", "chain", "plugin_uses"] {
        for forbidden in [format!("UPDATE {table} SET rowid = rowid"), format!("DELETE FROM {table}")] {
            let refused = desk.run(&forbidden).await.unwrap_err();
            assert!(refused.to_string().contains("append-only"), "{forbidden}: {refused}");
        }
    }
    for table in ["decisions", "calls", "settlements", "brakes", "proofs", "rulesets", "chain", "plugin_uses", "words"]
    {
        let forbidden = format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table}");
        assert!(desk.run(&forbidden).await.is_err(), "{forbidden}");
    }
    for forbidden in [
        "DELETE FROM words",
        "UPDATE words SET nickname = 'x'",
        "UPDATE words SET why = NULL",
        "UPDATE words SET seal = NULL",
    ] {
        assert!(desk.run(forbidden).await.is_err(), "{forbidden}");
    }
    desk.run("UPDATE words SET nickname = NULL, reason = NULL, message = NULL, why = NULL, salt = NULL").await.unwrap();
    assert_eq!(desk.store.show(row).await.unwrap().unwrap().why, None, "words can be erased");
}

#[tokio::test]
async fn the_file_is_for_the_service_and_its_group() {
    let desk = Desk::new().await;
    desk.planned("wx1").await;
    for name in ["menshen.db", "menshen.db-wal", "menshen.db-shm"] {
        let mode = desk.dir.path().join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "{name}");
    }
}

/// What opening says of a database that `sql` was run on.
async fn opened_after(sql: &str) -> (Result<(), StoreError>, Result<bool, StoreError>) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("menshen.db");
    if !sql.starts_with("CREATE") {
        Store::open(&path).await.unwrap().close().await;
    }
    let mut conn = SqliteConnectOptions::new().filename(&path).create_if_missing(true).connect().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let reading = Reader::open(&path).await.map(|found| found.is_some());
    let writing = Store::open(&path).await.map(drop);
    assert_eq!(before, std::fs::read(&path).unwrap(), "{sql}: was written to");
    (writing, reading)
}

#[tokio::test]
async fn a_database_of_somebody_else_is_refused_and_left_alone() {
    let (writing, reading) = opened_after("PRAGMA user_version = 99").await;
    assert!(matches!(writing, Err(StoreError::Newer { found: 99, known: file::KNOWN, .. })), "{writing:?}");
    assert!(matches!(reading, Err(StoreError::Newer { .. })), "{reading:?}");
    assert!(writing.unwrap_err().to_string().contains("newer menshen"));
    let (writing, reading) = opened_after("CREATE TABLE theirs (a)").await;
    assert!(matches!(writing, Err(StoreError::Foreign { .. })), "{writing:?}");
    assert!(matches!(reading, Err(StoreError::Foreign { .. })), "{reading:?}");
    let (writing, reading) = opened_after(&format!("PRAGMA user_version = {}", file::KNOWN)).await;
    assert!(writing.is_ok() && reading.unwrap(), "the control: an untouched one opens");
}

#[tokio::test]
async fn a_damaged_or_absent_file_is_told_apart() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("menshen.db");
    assert!(Reader::open(&path).await.unwrap().is_none());
    assert!(!path.exists(), "reading made a file");
    std::fs::write(&path, "").unwrap();
    assert!(Reader::open(&path).await.unwrap().is_none(), "an empty file is no log yet");
    std::fs::write(&path, "not a database, but long enough to look like one".repeat(100)).unwrap();
    assert!(matches!(Store::open(&path).await, Err(StoreError::Corrupt(..))));
    assert!(matches!(Reader::open(&path).await, Err(StoreError::Corrupt(..))));
    let nowhere = Store::open(&dir.path().join("no/menshen.db")).await;
    assert!(matches!(nowhere, Err(StoreError::Missing(..))), "{nowhere:?}");
}

#[tokio::test]
async fn two_may_open_it_at_once() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("menshen.db");
    let (one, two) = tokio::join!(Store::open(&path), Store::open(&path));
    let (one, two) = (one.unwrap(), two.unwrap());
    one.record(&[hold("wx1")]).await.unwrap();
    two.record(&[hold("wx2")]).await.unwrap();
    let ids = [application("wx1").identity(), application("wx2").identity()];
    assert_eq!(one.past(&account(), &ids).await.unwrap().len(), 2);
}
