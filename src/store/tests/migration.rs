//! Every migration, on a database with data: one dump for each schema there was, written by the menshen of then.

use super::*;
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use std::path::Path;

/// The schemas there were, and a log of each.
const FORMER: [(i64, &str); 5] = [
    (1, include_str!("schema-0001.sql")),
    (2, include_str!("schema-0002.sql")),
    (3, include_str!("schema-0003.sql")),
    (4, include_str!("schema-0004.sql")),
    (5, include_str!("schema-0005.sql")),
];

/// What users rely on of every row.
const VIEW: &str = "SELECT json_array(id, decided_at, account, appid, create_time, nickname, reason, categories, verdict, rule, \
                    message, mode, actor, brake, outcome, errcode, errmsg, attempts, settled_at, pass, ruleset) FROM audit_log";

async fn made_of(dump: &str, path: &Path) {
    let mut conn = SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(dump.to_owned())).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

async fn all(path: &Path, sql: &str) -> Vec<String> {
    let mut conn = SqliteConnectOptions::new().filename(path).read_only(true).connect().await.unwrap();
    let found = sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_all(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    found
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.ends_with("-wal") && !name.ends_with("-shm"));
    names.sort();
    names
}

#[test]
fn there_is_a_log_of_every_former_schema() {
    let former: Vec<i64> = FORMER.iter().map(|(schema, _)| *schema).collect();
    assert_eq!(former, (1..file::KNOWN).collect::<Vec<_>>(), "a migration needs a dump of the schema before it");
}

#[tokio::test]
async fn what_was_recorded_stays_is_copied_before_and_verifies() {
    for (schema, dump) in FORMER {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("menshen.db");
        made_of(dump, &path).await;
        let before = all(&path, VIEW).await;
        assert!(before.len() > 15, "a log worth migrating");
        assert!(matches!(Reader::open(&path).await, Err(StoreError::Older { found, .. }) if found == schema));

        let store = Store::open(&path).await.unwrap();
        let verified = store.verify(None, &|_| ()).await.unwrap();
        assert_eq!(verified.findings, [], "schema {schema}");
        let erased = all(&path, "SELECT d.id || '' FROM decisions d WHERE NOT EXISTS (SELECT 1 FROM words w WHERE w.decision_id = d.id AND w.salt IS NOT NULL)").await;
        assert_eq!((verified.decisions, verified.redacted), (before.len() as i64, erased.len() as i64));
        let row = store.record(&[hold("wxnew")]).await.unwrap()[0];
        assert_eq!(row, before.len() as i64 + 1);
        assert_eq!(store.verify(None, &|_| ()).await.unwrap().findings, []);
        assert_eq!(store.brakes().await.unwrap().len(), 1);
        store.close().await;
        assert_eq!(all(&path, VIEW).await[..before.len()], before[..]);

        let copy = dir.path().join(format!("menshen.db.before-{:04}", schema + 1));
        assert_eq!(all(&copy, VIEW).await, before);
        assert_eq!(all(&copy, "SELECT user_version || '' FROM pragma_user_version").await, [schema.to_string()]);
        assert_eq!(names(dir.path()), ["menshen.db", copy.file_name().unwrap().to_str().unwrap()]);
        // Put back, it is migrated again; the copy that is there stays.
        std::fs::copy(&copy, &path).unwrap();
        Store::open(&path).await.unwrap().close().await;
        assert_eq!(names(dir.path()).len(), 3, "{:?}", names(dir.path()));
    }
}

#[tokio::test]
async fn where_there_is_nothing_yet_nothing_is_copied() {
    let dir = TempDir::new().unwrap();
    Store::open(&dir.path().join("menshen.db")).await.unwrap().close().await;
    assert_eq!(names(dir.path()), ["menshen.db"]);
    for (_, dump) in FORMER {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("menshen.db");
        let empty: String = dump
            .split_inclusive(";\n")
            .filter(|statement| !statement.starts_with("INSERT INTO") || statement.contains("_sqlx_migrations"))
            .collect();
        made_of(&empty, &path).await;
        Store::open(&path).await.unwrap().close().await;
        assert_eq!(names(dir.path()), ["menshen.db"]);
    }
}

#[tokio::test]
async fn no_migration_without_its_copy() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("menshen.db");
    made_of(FORMER[0].1, &path).await;
    let before = std::fs::read(&path).unwrap();
    // Where the copy would be made stands something that cannot be taken away.
    std::fs::create_dir(dir.path().join("menshen.db.before-0002.part")).unwrap();
    let refused = Store::open(&path).await.map(drop);
    assert!(matches!(refused, Err(StoreError::Other(..))), "{refused:?}");
    let after = all(&path, "SELECT user_version || '' FROM pragma_user_version").await;
    assert_eq!(after, ["1"]);
    let tables = |bytes: &[u8]| bytes.windows(14).any(|window| window == b"TABLE redactio");
    assert!(!tables(&std::fs::read(&path).unwrap()) && !tables(&before));
}
