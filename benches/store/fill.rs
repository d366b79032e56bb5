//! Makes a log of millions of rows in minutes: in plain SQL, with indexes and folded tables made at the end.
//!
//! What comes out is what the store would have written of the same decisions, but for the chain: questions are asked of
//! it, it is not verified.

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::path::Path;

const ROWS_AT_ONCE: u32 = 1_000_000;

/// `rows` decisions in the closed log at `path`, by the same pattern as the bench's own.
pub(crate) async fn fill(path: &Path, rows: u32) -> Result<(), sqlx::Error> {
    let mut conn = SqliteConnectOptions::new().filename(path).connect().await?;
    run(&mut conn, "PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; PRAGMA foreign_keys = OFF").await?;
    let set_aside: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL",
    )
    .fetch_all(&mut conn)
    .await?;
    for (kind, name, _) in &set_aside {
        run(&mut conn, &format!("DROP {kind} {name}")).await?;
    }
    for from in (0..rows).step_by(ROWS_AT_ONCE as usize) {
        run(&mut conn, &decisions(from, rows.min(from + ROWS_AT_ONCE))).await?;
    }
    run(&mut conn, FOLDED).await?;
    for (_, _, sql) in &set_aside {
        run(&mut conn, sql).await?;
    }
    run(&mut conn, "PRAGMA wal_checkpoint(TRUNCATE)").await?;
    conn.close().await
}

async fn run(conn: &mut SqliteConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(conn).await.map(drop)
}

/// Numbers `from` to `to`, as decisions, words and settlements.
fn decisions(from: u32, to: u32) -> String {
    format!(
        "BEGIN;
         CREATE TEMP TABLE numbers AS WITH RECURSIVE n (n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM n WHERE n + 1 < {to}) SELECT n FROM n;
         INSERT INTO decisions SELECT n + 1, (1700000000 + n) * 1000, date('2020-01-01', '+' || (n / 5000) || ' days'),
           iif(n % 4 = 0, 'shop', 'express'), 'wxaccount0', 'https://api.weixin.qq.com', 'wx' || n, '' || (1700000000 + n), 1700000000 + n,
           '[\"物流服务/查件\"]', NULL, CASE n % 3 WHEN 0 THEN 'agree' WHEN 1 THEN 'hold' ELSE 'refuse' END,
           iif(n % 3 = 1, NULL, 'rule ' || (n % 20)), 'live', 'rules', iif(n % 1009 = 0, 'limit', NULL), '[]', 'pass ' || (n / 500),
           '5f3759df5f3759df5f3759df5f3759df5f3759df5f3759df5f3759df5f3759df' FROM numbers;
         INSERT INTO words SELECT n + 1, '某某快递服务', '我们是一家物流公司，需要查询快递轨迹，谢谢', NULL,
           '{{\"sentence\":\"rule \\\"rule 3\\\" (menshen.toml:31): category is 物流服务/查件\",\"rules\":[]}}', NULL, NULL,
           randomblob(16), randomblob(32) FROM numbers;
         INSERT INTO settlements SELECT n + 1, n + 1, (1700000000 + n) * 1000, iif(n % 2 = 0, 'held', 'shadow'), 0, NULL FROM numbers;
         INSERT INTO standing SELECT n + 1, (1700000000 + n) * 1000, iif(n % 2 = 0, 'held', 'shadow'), 0, 0, NULL, NULL,
           (1700000000 + n) * 1000 FROM numbers;
         DROP TABLE numbers;
         COMMIT"
    )
}

const FOLDED: &str = "INSERT INTO rollup SELECT d.decided_day, d.account, d.verdict, ifnull(d.rule, ''), s.outcome, count(*) \
                      FROM decisions d JOIN standing s ON s.decision_id = d.id GROUP BY 1, 2, 3, 4, 5; \
                      INSERT INTO rollup_months SELECT substr(day, 1, 7), account, verdict, rule, outcome, sum(n) FROM rollup GROUP BY 1, 2, 3, 4, 5";
