//! The audit log, read by plain SQL: none of menshen's own code is asked what stands in it.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions, Connection, Row as _};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// One decision with everything that was recorded of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) appid: String,
    pub(crate) create_time: Option<String>,
    pub(crate) verdict: String,
    pub(crate) mode: String,
    pub(crate) actor: String,
    pub(crate) brake: Option<String>,
    pub(crate) pass: String,
    pub(crate) ruleset: String,
    /// How it stood, each time that changed.
    pub(crate) outcomes: Vec<String>,
    /// What became of its calls.
    pub(crate) fates: Vec<String>,
    /// It holds a place of a limit.
    pub(crate) place: bool,
}

impl Row {
    pub(crate) fn outcome(&self) -> &str {
        self.outcomes.last().map_or("", String::as_str)
    }

    pub(crate) fn announced(&self) -> usize {
        self.outcomes.iter().filter(|outcome| *outcome == "planned").count()
    }
}

/// A brake that was pulled.
#[derive(Debug, Clone)]
pub(crate) struct Brake {
    pub(crate) kind: String,
    pub(crate) action: Option<String>,
    pub(crate) why: String,
    pub(crate) lifted: bool,
}

/// Everything that stands in the log.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) rows: Vec<Row>,
    pub(crate) brakes: Vec<Brake>,
    /// Rule sets by hash, as they are kept.
    pub(crate) rulesets: BTreeMap<String, String>,
    /// Places of limits that are taken, by action.
    pub(crate) places: BTreeMap<String, i64>,
    /// What `audit verify` finds, what SQLite says of the file, and whether the roll-up went along.
    pub(crate) troubles: Vec<String>,
}

/// Opens the log for reading; `None` if there is none yet. Nothing is created, nothing folded back.
async fn open(path: &Path) -> Option<SqliteConnection> {
    if !path.exists() {
        return None;
    }
    let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(Duration::from_secs(5));
    options.connect().await.ok()
}

/// What the log says of a change that is asked for.
pub(crate) enum Announced {
    /// The newest row that says this of this applicant stands planned: its id, and how often it was announced.
    Standing(i64, i64),
    /// None stands planned, but the record of this one says that a call was sent and its answer did not come in time: what is
    /// looked at now may be that call, held up on its way.
    Lost(i64, i64),
    /// Neither; with what stands there instead.
    Not(String),
}

/// Which row announces a change, if one does.
pub(crate) async fn announced(path: &Path, appid: &str, verdict: &str) -> Announced {
    let Some(mut log) = open(path).await else { return Announced::Not("the log cannot be opened".to_owned()) };
    let query = "SELECT d.id, (SELECT count(*) FROM settlements s WHERE s.decision_id = d.id AND s.outcome = 'planned'), \
                 (SELECT s.outcome FROM settlements s WHERE s.decision_id = d.id ORDER BY s.id DESC LIMIT 1), \
                 (SELECT c.fate FROM calls c WHERE c.decision_id = d.id ORDER BY c.id DESC LIMIT 1) \
                 FROM decisions d WHERE d.appid = ?1 AND d.verdict = ?2 ORDER BY d.id DESC";
    let rows = sqlx::query(query).bind(appid).bind(verdict).fetch_all(&mut log).await;
    let _ = log.close().await;
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => return Announced::Not(error.to_string()),
    };
    let word = |row: &SqliteRow, at: usize| row.get::<Option<String>, _>(at).unwrap_or_default();
    if let Some(row) = rows.iter().find(|row| word(row, 2) == "planned") {
        return Announced::Standing(row.get(0), row.get(1));
    }
    if let Some(row) = rows.iter().find(|row| word(row, 3) == "lost") {
        return Announced::Lost(row.get(0), row.get(1));
    }
    let told = rows.iter().map(|row| format!("row {} {} {}", row.get::<i64, _>(0), word(row, 2), word(row, 3)));
    Announced::Not(told.collect::<Vec<_>>().join(", "))
}

/// Whether no transaction ever made tables in it.
async fn is_empty(log: &mut SqliteConnection) -> bool {
    let tables = sqlx::query("SELECT 1 FROM sqlite_schema WHERE name = 'decisions'").fetch_all(log).await;
    tables.map_or(true, |tables| tables.is_empty())
}

/// The brakes that were pulled, oldest first.
pub(crate) async fn brakes(path: &Path) -> Vec<Brake> {
    let Some(mut log) = open(path).await else { return Vec::new() };
    let found = if is_empty(&mut log).await { Vec::new() } else { read_brakes(&mut log).await };
    let _ = log.close().await;
    found
}

async fn read_brakes(log: &mut SqliteConnection) -> Vec<Brake> {
    let query = "SELECT kind, action, ifnull(why, ''), EXISTS (SELECT 1 FROM brakes l WHERE l.lifts = b.id) \
                 FROM brakes b WHERE event = 'set' ORDER BY id";
    let rows = sqlx::query(query).fetch_all(log).await.expect("brakes");
    let one = |row: &sqlx::sqlite::SqliteRow| Brake {
        kind: row.get(0),
        action: row.get(1),
        why: row.get(2),
        lifted: row.get(3),
    };
    rows.iter().map(one).collect()
}

/// What `audit verify` finds.
async fn verify(path: &Path) -> Vec<String> {
    let log = match menshen::store::Reader::open(path).await {
        Ok(Some(log)) => log,
        Ok(None) => return Vec::new(),
        Err(error) => return vec![format!("the log cannot be opened: {error}")],
    };
    let found = match log.verify(None, &|_| ()).await {
        Ok(verified) => verified.findings.iter().map(|finding| format!("audit verify: {finding}")).collect(),
        Err(error) => vec![format!("audit verify failed: {error}")],
    };
    log.close().await;
    found
}

/// Reads everything.
pub(crate) async fn read(path: &Path) -> Log {
    let Some(mut log) = open(path).await else { return Log::default() };
    if is_empty(&mut log).await {
        return Log::default();
    }
    let mut rows: BTreeMap<i64, Row> = BTreeMap::new();
    let query = "SELECT id, appid, create_time, verdict, mode, actor, brake, pass, ruleset, \
                 EXISTS (SELECT 1 FROM allowance a WHERE a.decision_id = d.id) FROM decisions d";
    for row in sqlx::query(query).fetch_all(&mut log).await.expect("decisions") {
        let one = Row {
            id: row.get(0),
            appid: row.get(1),
            create_time: row.get(2),
            verdict: row.get(3),
            mode: row.get(4),
            actor: row.get(5),
            brake: row.get(6),
            pass: row.get(7),
            ruleset: row.get(8),
            place: row.get(9),
            ..Row::default()
        };
        rows.insert(one.id, one);
    }
    for row in sqlx::query("SELECT decision_id, outcome FROM settlements ORDER BY id")
        .fetch_all(&mut log)
        .await
        .expect("settlements")
    {
        rows.entry(row.get(0)).or_default().outcomes.push(row.get(1));
    }
    for row in sqlx::query("SELECT decision_id, fate FROM calls ORDER BY id").fetch_all(&mut log).await.expect("calls")
    {
        rows.entry(row.get(0)).or_default().fates.push(row.get(1));
    }
    let rulesets = sqlx::query("SELECT hash, spec FROM rulesets").fetch_all(&mut log).await.expect("rulesets");
    let places = sqlx::query("SELECT action, count(*) FROM allowance GROUP BY action");
    let places = places.fetch_all(&mut log).await.expect("places");
    let mut troubles = verify(path).await;
    let says: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut log).await.expect("a check");
    if says != "ok" {
        troubles.push(format!("integrity_check says {says}"));
    }
    let same: bool =
        sqlx::query_scalar("SELECT (SELECT ifnull(sum(n), 0) FROM rollup) = (SELECT count(*) FROM decisions)")
            .fetch_one(&mut log)
            .await
            .expect("a comparison");
    if !same {
        troubles.push("the roll-up does not count every decision".to_owned());
    }
    let brakes = read_brakes(&mut log).await;
    let _ = log.close().await;
    Log {
        rows: rows.into_values().collect(),
        brakes,
        rulesets: rulesets.iter().map(|row| (row.get(0), row.get(1))).collect(),
        places: places.iter().map(|row| (row.get(0), row.get(1))).collect(),
        troubles,
    }
}
