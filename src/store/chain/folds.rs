//! What is folded, counted again from the records.

use super::{Finding, Marks, ROWS_A_PAGE, RecordKind, Stage, verify::MOST_FINDINGS};
use crate::store::{Reader, StoreError, sql};
use sqlx::{Row, sqlite::SqliteConnection, sqlite::SqliteRow};
use std::collections::BTreeMap;

/// Day (or month), account, verdict, rule, outcome.
type Cell = [String; 5];

/// The folded tables as they stood when the verification began.
pub(super) struct Folded {
    rollup: BTreeMap<Cell, i64>,
    months: BTreeMap<Cell, i64>,
}

impl Folded {
    pub(super) async fn read(log: &Reader, conn: &mut SqliteConnection) -> Result<Folded, StoreError> {
        let rollup = cells(log, conn, sql::ROLLUP).await?;
        let months = cells(log, conn, sql::ROLLUP_MONTHS).await?;
        Ok(Folded { rollup, months })
    }

    /// The months are the days, added up.
    fn compare_months(&self) -> Vec<Finding> {
        let mut differences = self.months.clone();
        for ([day, rest @ ..], n) in &self.rollup {
            let [account, verdict, rule, outcome] = rest.clone();
            // As `substr(day, 1, 7)`.
            let month = day.chars().take(7).collect();
            *differences.entry([month, account, verdict, rule, outcome]).or_default() -= n;
        }
        let wrong = differences.into_iter().filter(|(_, difference)| *difference != 0).take(MOST_FINDINGS);
        wrong.map(|(cell, more)| Finding::Fold { table: "rollup_months", of: in_words(&cell, more) }).collect()
    }

    /// Counts again and tells what differs.
    pub(super) async fn compare(
        self,
        log: &Reader,
        marks: &Marks,
        tell: &(dyn Fn(Stage) + Sync),
    ) -> Result<Vec<Finding>, StoreError> {
        let mut findings = self.compare_months();
        let mut differences = self.rollup;
        let (last, settled) = (marks.last[RecordKind::Decisions.place()], marks.last[RecordKind::Settlements.place()]);
        let mut after = 0;
        while after < last {
            tell(Stage::Folds { done: after, of: last });
            let query = sqlx::query(sql::FOLDED).bind(after).bind(last).bind(ROWS_A_PAGE).bind(settled);
            let rows = query.fetch_all(log.pool()).await.map_err(|error| log.unread(error))?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                let one = log.read(One::of(row))?;
                after = one.id;
                if let Some(cell) = one.cell {
                    *differences.entry(cell).or_default() -= 1;
                }
                let wrong = [(one.standing, "standing"), (one.place, "allowance")];
                let wrong = wrong.into_iter().filter(|(right, _)| !right && findings.len() < MOST_FINDINGS);
                let wrong: Vec<Finding> =
                    wrong.map(|(_, table)| Finding::Fold { table, of: format!("decision {}", one.id) }).collect();
                findings.extend(wrong);
            }
        }
        let wrong = differences.into_iter().filter(|(_, difference)| *difference != 0);
        findings.extend(wrong.map(|(cell, more)| Finding::Fold { table: "rollup", of: in_words(&cell, more) }));
        Ok(findings)
    }
}

async fn cells(
    log: &Reader,
    conn: &mut SqliteConnection,
    statement: &'static str,
) -> Result<BTreeMap<Cell, i64>, StoreError> {
    let rows = sqlx::query(statement).fetch_all(&mut *conn).await.map_err(|error| log.unread(error))?;
    rows.iter().map(|row| log.read(counted(row))).collect()
}

/// SQLite's own checks.
pub(super) async fn file(log: &Reader) -> Result<Vec<Finding>, StoreError> {
    let lines: Vec<String> =
        sqlx::query_scalar(sql::INTEGRITY).fetch_all(log.pool()).await.map_err(|error| log.unread(error))?;
    let damaged = lines.into_iter().filter(|line| line != "ok").map(|words| Finding::Damaged { words });
    let rows = sqlx::query(sql::ORPHANS).bind(MOST_FINDINGS as i64).fetch_all(log.pool()).await;
    let rows = rows.map_err(|error| log.unread(error))?;
    let orphan = |row: &SqliteRow| {
        let id: Option<i64> = row.try_get(1)?;
        Ok(Finding::Orphan { table: row.try_get(0)?, id: id.unwrap_or_default(), parent: row.try_get(2)? })
    };
    let orphans: Vec<Finding> = rows.iter().map(|row| log.read(orphan(row))).collect::<Result<_, _>>()?;
    Ok(damaged.chain(orphans).collect())
}

/// One decision, as the folded tables and the records tell of it.
struct One {
    id: i64,
    /// Where the roll-up counts it; `None` = nowhere, it was not settled yet.
    cell: Option<Cell>,
    standing: bool,
    place: bool,
}

impl One {
    fn of(row: &SqliteRow) -> Result<One, sqlx::Error> {
        let outcome: Option<String> = row.try_get(5)?;
        let cell = match outcome {
            Some(outcome) => Some([row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?, outcome]),
            None => None,
        };
        let yes = |column: usize| row.try_get::<Option<bool>, _>(column).map(|yes| yes == Some(true));
        Ok(One { id: row.try_get(0)?, cell, standing: yes(6)?, place: yes(7)? })
    }
}

fn counted(row: &SqliteRow) -> Result<(Cell, i64), sqlx::Error> {
    let cell = [row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?];
    Ok((cell, row.try_get(5)?))
}

fn in_words([day, account, verdict, rule, outcome]: &Cell, more: i64) -> String {
    let rule = if rule.is_empty() { String::new() } else { format!(" by rule {rule:?}") };
    let (count, too) = (more.unsigned_abs(), if more > 0 { "many" } else { "few" });
    format!("{day}, {account}, {verdict}{rule}, {outcome}: {count} too {too}")
}
