//! The chain: any history verifies, and whatever is done to it afterwards is found and named.

use super::laws::one_step;
use super::*;
use proptest::prelude::*;
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use std::{path::Path, sync::OnceLock};

/// Takes away what would refuse to change records, as somebody who may write the file can.
const DISARM: &str = "SELECT 'DROP TRIGGER ' || name FROM sqlite_schema WHERE type = 'trigger'";

/// A closed audit log with a history of some of everything.
async fn history(seed: u64, steps: u32) -> TempDir {
    let desk = Desk::new().await;
    let mut random = fastrand::Rng::with_seed(seed);
    desk.store.keep_ruleset("r1", "1", "{}", at(0)).await.unwrap();
    desk.store.keep_ruleset("r1", "1", "{}", at(1)).await.unwrap();
    desk.store.keep_ruleset("r2", "1", "{}", at(1)).await.unwrap();
    for step in 0..steps {
        one_step(&desk, &mut random, step).await;
    }
    let mut row = 0;
    for appid in ["wxa", "wxb", "wxc", "wxlast"] {
        row = desk.planned(appid).await;
        let done = Answered { call: Some(call(1, Fate::Accepted, Some(0))), ..settled(row, Outcome::Done) };
        desk.store.answer(vec![done]).await.unwrap();
    }
    desk.store.prove(&account(), BASE, Action::Agree, row, at(20)).await.unwrap();
    desk.store.prove(&account(), BASE, Action::Agree, row, at(21)).await.unwrap();
    for _ in 0..2 {
        let scope = BrakeScope::default();
        let brake =
            NewBrake { at: at(0), kind: BrakeKind::Pause, scope, why: Some("why".into()), who: "cli:me".into() };
        desk.store.pull_brake(&brake).await.unwrap();
    }
    desk.store.lift_brakes(&BrakeScope::default(), "cli:me", None, at(30)).await.unwrap();
    let Desk { dir, store } = desk;
    store.close().await;
    dir
}

async fn tamper(path: &Path, sql: &str) {
    let mut conn = SqliteConnectOptions::new().filename(path).foreign_keys(false).connect().await.unwrap();
    let triggers: Vec<String> = sqlx::query_scalar(DISARM).fetch_all(&mut conn).await.unwrap();
    for statement in triggers.iter().map(String::as_str).chain([sql]) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut conn).await.unwrap();
    }
    conn.close().await.unwrap();
}

async fn verified(path: &Path, kept: Option<KeptHead>) -> Verified {
    let log = Reader::open(path).await.unwrap().unwrap();
    let verified = log.verify(kept, &|_| ()).await.unwrap();
    log.close().await;
    verified
}

/// What a verification of a copy says after `sql`.
async fn after(dir: &TempDir, sql: &str) -> Vec<String> {
    let copy = TempDir::new().unwrap();
    let path = copy.path().join("menshen.db");
    std::fs::copy(dir.path().join("menshen.db"), &path).unwrap();
    tamper(&path, sql).await;
    verified(&path, None).await.findings.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn any_history_verifies() {
    for seed in 0..4 {
        let dir = history(seed, 120).await;
        let verified = verified(&dir.path().join("menshen.db"), None).await;
        assert_eq!(verified.findings, [], "seed {seed}");
        assert!(verified.entries > 120, "{verified:?}");
    }
}

#[tokio::test]
async fn whatever_is_done_to_a_record_is_found_and_named() {
    let dir = history(7, 60).await;
    let cases = [
        ("UPDATE decisions SET verdict = 'refuse' WHERE id = 5", "decision 5 was edited"),
        ("UPDATE decisions SET brake = 'limit' WHERE id = 5", "decision 5 was edited"),
        ("UPDATE decisions SET appid = CAST(x'ff' AS TEXT) WHERE id = 5", "decision 5 was edited"),
        ("UPDATE settlements SET note = 'x' WHERE id = 9", "settlement 9 was edited"),
        ("UPDATE calls SET errmsg = 'x' WHERE id = 2", "call 2 was edited"),
        ("UPDATE brakes SET why = NULL WHERE id = 1", "brake 1 was edited"),
        ("UPDATE proofs SET at = 1", "proof 1 was edited"),
        ("UPDATE rulesets SET spec = '[]' WHERE hash = 'r2'", "ruleset 2 was edited"),
        ("UPDATE words SET nickname = 'x' WHERE decision_id = 3", "the words of decision 3 were edited"),
        ("UPDATE words SET nickname = NULL WHERE decision_id = 3", "the words of decision 3 were edited"),
        ("DELETE FROM words WHERE decision_id = 3", "the words of decision 3 were edited"),
        (
            "UPDATE words SET (nickname, reason, message, why, salt) = (NULL, NULL, NULL, NULL, NULL) WHERE decision_id = 3",
            "the words of decision 3 were erased, and no redaction says so",
        ),
        (
            "UPDATE words SET (nickname, salt, seal) = ('x', zeroblob(16), zeroblob(32)) WHERE decision_id = 3",
            "decision 3 was edited",
        ),
        ("DELETE FROM settlements WHERE id = 4", "settlement 4 was removed"),
        ("DELETE FROM brakes WHERE id = (SELECT max(id) FROM brakes)", "brake 2 was removed"),
        ("DELETE FROM chain WHERE sequence = 6", "entry 6 of the chain was removed"),
        ("DELETE FROM chain WHERE sequence BETWEEN 6 AND 9", "entries 6 to 9 of the chain were removed"),
        ("DELETE FROM calls WHERE id = 3; DELETE FROM chain WHERE kind = 'calls' AND record = 3", "call 3 was removed"),
        (
            "DELETE FROM chain WHERE sequence = (SELECT max(sequence) FROM chain); DELETE FROM brakes WHERE id = 2",
            "brake 2 was removed",
        ),
        (
            "INSERT INTO brakes (id, at, event, kind, who) VALUES (99, 1, 'set', 'pause', 'me')",
            "brake 99 was inserted: menshen did not write it",
        ),
        (
            "INSERT INTO brakes (id, at, event, kind, who) VALUES (-1, 1, 'set', 'pause', 'me')",
            "brake -1 was inserted: menshen did not write it",
        ),
        (
            "CREATE TABLE x AS SELECT * FROM settlements WHERE id IN (4, 5); DELETE FROM settlements WHERE id IN (4, 5);
             INSERT INTO settlements SELECT 9 - id, decision_id, at, outcome, attempt, note FROM x",
            "settlement 4 and settlement 5 were reordered: they changed places",
        ),
        (
            "UPDATE chain SET sequence = -sequence WHERE kind = 'decisions' AND record IN (4, 5);
             UPDATE chain SET sequence = (SELECT -sequence FROM chain c WHERE c.kind = 'decisions' AND c.record = 9 - chain.record)
             WHERE sequence < 0 AND record = 4; UPDATE chain SET sequence = 1000000 WHERE sequence < 0",
            "of the chain was removed",
        ),
        ("UPDATE chain SET content = zeroblob(32) WHERE sequence = 6", "the chain breaks at entry 6"),
        ("UPDATE chain SET hash = zeroblob(32) WHERE sequence = 6", "the chain breaks at entry 7"),
        ("UPDATE chain SET record = 1000 WHERE sequence = 6", "the chain breaks at entry 6"),
        ("UPDATE standing SET outcome = 'overtaken' WHERE decision_id = 2", "standing disagrees with the records: decision 2"),
        ("DELETE FROM standing WHERE decision_id = 2", "standing disagrees with the records: decision 2"),
        ("UPDATE rollup SET n = n + 2 WHERE rowid_of = 1", "2 too many"),
        ("UPDATE rollup_months SET n = n + 2 WHERE verdict = 'agree'", "rollup_months disagrees with the records"),
        ("DELETE FROM allowance", "allowance disagrees with the records: decision"),
        ("UPDATE allowance SET action = 'refuse'", "allowance disagrees with the records: decision"),
    ];
    for (sql, expected) in cases {
        let sql = sql.replace("WHERE rowid_of = 1", "WHERE (day, account, verdict, rule, outcome) = (SELECT day, account, verdict, rule, outcome FROM rollup LIMIT 1)");
        let found = after(&dir, &sql).await;
        assert!(found.iter().any(|words| words.contains(expected)), "{sql}\n{expected}\n{found:#?}");
    }
}

#[tokio::test]
async fn a_kept_head_shows_what_was_cut_off_or_made_anew() {
    let dir = history(3, 40).await;
    let path = dir.path().join("menshen.db");
    let head = verified(&path, None).await.head;
    let kept: KeptHead = head.to_string().parse().unwrap();
    let bare: KeptHead = head.to_string().split_once(':').unwrap().1.parse().unwrap();
    let store = Store::open(&path).await.unwrap();
    store.record(&[hold("wxmore")]).await.unwrap();
    store.close().await;
    for kept in [kept, bare] {
        let verified = verified(&path, Some(kept)).await;
        assert_eq!((verified.findings, verified.since_kept), (vec![], Some(2)));
    }
    // As somebody would who knows how everything is made: the newest decision and all that tells of it.
    let cut = "DELETE FROM chain WHERE sequence > (SELECT max(sequence) - 4 FROM chain); \
               DELETE FROM settlements WHERE decision_id = (SELECT max(id) FROM decisions); \
               DELETE FROM brakes WHERE id > (SELECT ifnull(max(record), 0) FROM chain WHERE kind = 'brakes'); \
               DELETE FROM standing WHERE decision_id = (SELECT max(id) FROM decisions); \
               DELETE FROM words WHERE decision_id = (SELECT max(id) FROM decisions); \
               UPDATE rollup SET n = n - 1 WHERE (day, account, verdict, rule, outcome) = \
               (SELECT decided_day, account, verdict, rule, 'held' FROM decisions ORDER BY id DESC LIMIT 1); \
               UPDATE rollup_months SET n = n - 1 WHERE (month, account, verdict, rule, outcome) = \
               (SELECT substr(decided_day, 1, 7), account, verdict, rule, 'held' FROM decisions ORDER BY id DESC LIMIT 1); \
               DELETE FROM decisions WHERE id = (SELECT max(id) FROM decisions); \
               UPDATE sqlite_sequence SET seq = ifnull((SELECT max(record) FROM chain WHERE kind = name), 0) WHERE name IN ('decisions', 'settlements', 'brakes')";
    tamper(&path, cut).await;
    let without = verified(&path, None).await;
    assert_eq!(without.findings, [], "nobody can tell without a head");
    let found = verified(&path, Some(kept)).await.findings;
    assert!(matches!(found[..], [Finding::HeadUnknown { sequence: Some(n), entries }] if n > entries), "{found:?}");
    assert!(found[0].to_string().starts_with("the chain was cut off"), "{}", found[0]);
    let found = verified(&path, Some(bare)).await.findings;
    assert!(found[0].to_string().contains("made anew, cut off"), "{}", found[0]);
}

#[tokio::test]
async fn two_writers_make_one_chain() {
    let one = Desk::new().await;
    let other = Store::open(&one.path()).await.unwrap();
    for round in 0..20 {
        let (left, right) = ([hold(&format!("wxa{round}"))], [hold(&format!("wxb{round}"))]);
        let (left, right) = tokio::join!(one.store.record(&left), other.record(&right));
        left.unwrap();
        right.unwrap();
    }
    assert_eq!(verified(&one.path(), None).await.findings, []);
    other.close().await;
}

/// Something a person with `sqlite3` and no triggers in the way may do to one record or one entry.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Edit,
    Remove,
    RemoveWithEntry,
    RemoveEntry,
    Insert,
    Swap,
    SwapEntries,
}

/// A deed on the record (or entry) that `pick` names, and what a verification must say.
async fn deed(path: &Path, deed: Deed, pick: usize) -> (String, String) {
    let mut conn = SqliteConnectOptions::new().filename(path).read_only(true).connect().await.unwrap();
    let entries: Vec<(i64, String, i64)> = sqlx::query_as("SELECT sequence, kind, record FROM chain ORDER BY sequence")
        .fetch_all(&mut conn)
        .await
        .unwrap();
    let kinds = |wanted: &[&str]| -> Vec<(i64, String, i64)> {
        entries.iter().filter(|(_, kind, _)| wanted.is_empty() || wanted.contains(&kind.as_str())).cloned().collect()
    };
    let all = match deed {
        Deed::Insert => kinds(&["decisions", "settlements", "brakes"]),
        Deed::Swap => kinds(&["decisions", "settlements"]),
        _ => kinds(&[]),
    };
    let (sequence, kind, id) = all[pick % all.len()].clone();
    let one = RecordKind::from_word(&kind).unwrap().one();
    let columns = format!("SELECT name, type FROM pragma_table_info('{kind}') WHERE name <> 'id'");
    let columns: Vec<(String, String)> =
        sqlx::query_as(sqlx::AssertSqlSafe(columns)).fetch_all(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    let last = entries.iter().filter(|(_, other, _)| *other == kind).map(|(.., id)| *id).max().unwrap();
    match deed {
        Deed::Edit => {
            let (column, of) = &columns[pick / 7 % columns.len()];
            let new = if of == "INTEGER" {
                format!("ifnull({column}, 0) + 1000")
            } else {
                format!("ifnull({column}, '') || 'x'")
            };
            (format!("UPDATE {kind} SET {column} = {new} WHERE id = {id}"), format!("{one} {id} was edited"))
        }
        Deed::Remove => (format!("DELETE FROM {kind} WHERE id = {id}"), format!("{one} {id} was removed")),
        Deed::RemoveWithEntry => (
            format!("DELETE FROM {kind} WHERE id = {id}; DELETE FROM chain WHERE sequence = {sequence}"),
            format!("{one} {id} was removed"),
        ),
        Deed::RemoveEntry => {
            (format!("DELETE FROM chain WHERE sequence = {sequence}"), format!("{one} {id} was inserted"))
        }
        Deed::Insert => {
            let names: Vec<&str> =
                columns.iter().map(|(name, _)| name.as_str()).filter(|name| *name != "lifts").collect();
            let names = names.join(", ");
            let sql = format!("INSERT INTO {kind} ({names}) SELECT {names} FROM {kind} WHERE id = {id}");
            (sql, format!("{one} {} was inserted", last + 1))
        }
        Deed::Swap => {
            let (id, other) = if id == last { (id - 1, id) } else { (id, id + 1) };
            let sql = format!(
                "UPDATE {kind} SET id = 0 WHERE id = {id}; UPDATE {kind} SET id = {id} WHERE id = {other}; \
                 UPDATE {kind} SET id = {other} WHERE id = 0"
            );
            (sql, format!("{one} {id} was edited|{one} {id} and {one} {other} were reordered"))
        }
        Deed::SwapEntries => {
            let sequence = sequence.min(entries.len() as i64 - 1);
            let next = sequence + 1;
            let sql = format!(
                "UPDATE chain SET sequence = 0 WHERE sequence = {sequence}; UPDATE chain SET sequence = {sequence} WHERE \
                 sequence = {next}; UPDATE chain SET sequence = {next} WHERE sequence = 0"
            );
            (sql, format!("the chain breaks at entry {sequence} "))
        }
    }
}

fn any_deed() -> impl Strategy<Value = (Deed, usize)> {
    use Deed::*;
    let deeds = vec![Edit, Edit, Edit, Remove, RemoveWithEntry, RemoveEntry, Insert, Swap, SwapEntries];
    (proptest::sample::select(deeds), any::<u16>().prop_map(usize::from))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_single_deed_is_found_and_named((deed, pick) in any_deed()) {
        static HISTORY: OnceLock<TempDir> = OnceLock::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let dir = HISTORY.get_or_init(|| runtime.block_on(history(11, 70)));
        let (sql, expected, found) = runtime.block_on(async {
            let (sql, expected) = self::deed(&dir.path().join("menshen.db"), deed, pick).await;
            let found = after(dir, &format!("PRAGMA ignore_check_constraints = ON; {sql}")).await;
            (sql, expected, found)
        });
        let named = |words: &String| expected.split('|').any(|expected| words.contains(expected));
        prop_assert!(found.iter().any(named), "{sql}\n{expected}\n{found:#?}");
    }
}
