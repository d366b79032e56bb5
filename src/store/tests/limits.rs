//! Limits: one place for one decision, whatever becomes of it.

use super::*;

/// Wants `appid` agreed on a day under a limit of 2; says whether there was a place.
async fn wants(store: &Store, appid: &str, day: i64) -> Result<i64, (u32, u32)> {
    let wanted = NewIntent::First { decision: agree(appid), action: Action::Agree, place: place_on(day, Some(2)) };
    match store.intend(vec![wanted]).await.unwrap().remove(0) {
        Intended::Ready(intent) => Ok(intent.decision()),
        Intended::LimitReached { by: Capped::Day, limit, spent, .. } => Err((limit, spent)),
        other => panic!("{other:?}"),
    }
}

async fn retries(store: &Store, row: i64, appid: &str, day: i64) -> bool {
    let NewIntent::Again { action, appid, reason, .. } = again(row, appid) else { unreachable!() };
    let wanted = NewIntent::Again { row, action, appid, reason, place: place_on(day, Some(2)) };
    matches!(store.intend(vec![wanted]).await.unwrap()[0], Intended::Ready(_))
}

/// Places taken on a day and later.
async fn agreed_since(store: &Store, day: i64) -> u32 {
    store.spent(&account(), began(day)).await.unwrap().agree
}

#[tokio::test]
async fn a_day_has_so_many_places() {
    let desk = Desk::new().await;
    let store = &desk.store;
    wants(store, "wx1", 0).await.unwrap();
    wants(store, "wx2", 0).await.unwrap();
    assert_eq!(wants(store, "wx3", 0).await, Err((2, 2)));
    assert_eq!(desk.ask::<i64>("SELECT count(*) FROM decisions").await, 2, "nothing was recorded of the third");
    wants(store, "wx3", 1).await.unwrap();
    let refusal = decision("wx4", RecordedVerdict::Refuse, Outcome::Planned);
    ready(desk.first(refusal, Some(1)).await);
    let other = NewDecision { account_appid: AppId::new("wxother"), ..agree("wx5") };
    ready(desk.first(other, Some(1)).await);
    assert_eq!(store.spent(&account(), began(0)).await.unwrap(), Spent { agree: 3, refuse: 1, delete: 0 });
    assert_eq!(store.spent(&account(), began(2)).await.unwrap(), Spent::default());
}

#[tokio::test]
async fn a_batch_is_counted_within_itself() {
    let desk = Desk::new().await;
    let wanted = ["wx1", "wx2", "wx3"].map(|appid| NewIntent::First {
        decision: agree(appid),
        action: Action::Agree,
        place: place_on(0, Some(2)),
    });
    let intended = desk.store.intend(wanted.into()).await.unwrap();
    match &intended[..] {
        [
            Intended::Ready(_),
            Intended::Ready(_),
            Intended::LimitReached { wanted, by: Capped::Day, limit: 2, spent: 2 },
        ] => {
            assert!(
                matches!(&**wanted, NewIntent::First { decision, .. } if decision.application.appid.as_str() == "wx3")
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_retry_uses_the_place_it_has() {
    let desk = Desk::new().await;
    let row = wants(&desk.store, "wx1", 0).await.unwrap();
    desk.settle(row, Outcome::Failed).await.unwrap();
    wants(&desk.store, "wx2", 0).await.unwrap();
    assert!(retries(&desk.store, row, "wx1", 0).await, "the day is full, but this one has its place");
    desk.settle(row, Outcome::Failed).await.unwrap();
    assert!(retries(&desk.store, row, "wx1", 1).await);
    assert_eq!(agreed_since(&desk.store, 1).await, 0);
}

#[tokio::test]
async fn a_place_is_given_back_once_and_taken_anew() {
    let desk = Desk::new().await;
    let row = wants(&desk.store, "wx1", 0).await.unwrap();
    let unsent = Answered { give_back: true, ..settled(row, Outcome::Failed) };
    desk.store.answer(vec![unsent]).await.unwrap();
    let twice = Answered { settle: None, give_back: true, ..settled(row, Outcome::Failed) };
    desk.store.answer(vec![twice]).await.unwrap();
    assert_eq!(agreed_since(&desk.store, 0).await, 0);
    wants(&desk.store, "wx2", 0).await.unwrap();
    wants(&desk.store, "wx3", 0).await.unwrap();
    assert!(!retries(&desk.store, row, "wx1", 0).await, "its place was given away");
    assert!(retries(&desk.store, row, "wx1", 1).await);
    assert_eq!(agreed_since(&desk.store, 1).await, 1);
}

#[tokio::test]
async fn a_place_is_kept_when_an_earlier_attempt_went_out() {
    for (fate, kept) in [(Fate::Lost, 1), (Fate::Rejected, 1), (Fate::Unsent, 0)] {
        let desk = Desk::new().await;
        let row = wants(&desk.store, "wx1", 0).await.unwrap();
        let sent = Answered { call: Some(call(1, fate, None)), ..settled(row, Outcome::Failed) };
        desk.store.answer(vec![sent]).await.unwrap();
        assert!(retries(&desk.store, row, "wx1", 0).await);
        let unsent =
            Answered { call: Some(call(2, Fate::Unsent, None)), give_back: true, ..settled(row, Outcome::Failed) };
        desk.store.answer(vec![unsent]).await.unwrap();
        assert_eq!(agreed_since(&desk.store, 0).await, kept, "{fate}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_remembered_through_later_attempts() {
    let cases = [
        ([Fate::Lost, Fate::Unsent], true, 1),
        ([Fate::Lost, Fate::Rejected], true, 1),
        ([Fate::Rejected, Fate::Unsent], false, 0),
    ];
    for (fates, may_have_worked, doubtful) in cases {
        let desk = Desk::new().await;
        let row = wants(&desk.store, "wx1", 0).await.unwrap();
        assert!(desk.store.may_have_worked(row).await.unwrap(), "announced, and nothing known of it");
        for (attempt, fate) in (1..).zip(fates) {
            if attempt > 1 {
                assert!(retries(&desk.store, row, "wx1", 0).await);
            }
            let answer = Answered { call: Some(call(attempt, fate, None)), ..settled(row, Outcome::Failed) };
            desk.store.answer(vec![answer]).await.unwrap();
        }
        assert_eq!(desk.store.may_have_worked(row).await.unwrap(), may_have_worked, "{fates:?}");
        assert_eq!(desk.store.doubtful(&account(), at(-1)).await.unwrap().len(), doubtful, "{fates:?}");
    }
}

#[tokio::test]
async fn what_the_list_shows_late_belongs_to_one_row() {
    use Outcome::{Done, Failed, Overtaken};
    // What became of a second row after WeChat said yes to the first and did not show it: its call, if one is recorded, its
    // outcome, whether its place was given back; and which of the two may yet turn out to have worked.
    let cases = [
        (None, Some(Failed), true, Some("first")),
        (None, Some(Failed), false, Some("second")),
        (Some(Fate::Lost), Some(Failed), false, Some("second")),
        (Some(Fate::Accepted), Some(Overtaken), false, Some("second")),
        (Some(Fate::Rejected), Some(Failed), false, Some("first")),
        (Some(Fate::Unsent), Some(Failed), true, Some("first")),
        (Some(Fate::Rejected), Some(Done), false, None),
        (None, None, false, None),
    ];
    for (fate, outcome, give_back, expected) in cases {
        let desk = Desk::new().await;
        let first = wants(&desk.store, "wx1", 0).await.unwrap();
        let accepted = Answered { call: Some(call(1, Fate::Accepted, None)), ..settled(first, Failed) };
        desk.store.answer(vec![accepted]).await.unwrap();
        let second = wants(&desk.store, "wx1", 0).await.unwrap();
        if let Some(outcome) = outcome {
            let call = fate.map(|fate| call(1, fate, None));
            desk.store.answer(vec![Answered { call, give_back, ..settled(second, outcome) }]).await.unwrap();
        }
        let doubtful = desk.store.doubtful(&account(), at(-1)).await.unwrap();
        let doubtful: Vec<_> = doubtful.iter().map(|row| if row.id == first { "first" } else { "second" }).collect();
        assert_eq!(doubtful, Vec::from_iter(expected), "{fate:?} {outcome:?} {give_back}");
    }
}

#[tokio::test]
async fn a_place_survives_a_restart_and_a_crash_between_intent_and_call() {
    let Desk { dir, store } = Desk::new().await;
    wants(&store, "wx1", 0).await.unwrap();
    store.close().await;
    let store = Store::open(&dir.path().join("menshen.db")).await.unwrap();
    assert_eq!(store.planned(&account()).await.unwrap().len(), 1);
    wants(&store, "wx2", 0).await.unwrap();
    assert_eq!(wants(&store, "wx3", 0).await, Err((2, 2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_one_limit() {
    let desk = Desk::new().await;
    let by_hand = Store::open(&desk.path()).await.unwrap();
    let ours = async {
        let mut got = 0;
        for n in 0..20 {
            got += u32::from(wants(&desk.store, &format!("wxa{n}"), 0).await.is_ok());
        }
        got
    };
    let theirs = async {
        let mut got = 0;
        for n in 0..20 {
            got += u32::from(wants(&by_hand, &format!("wxb{n}"), 0).await.is_ok());
        }
        got
    };
    let (ours, theirs) = tokio::join!(ours, theirs);
    assert_eq!(ours + theirs, 2);
    assert_eq!(agreed_since(&desk.store, 0).await, 2);
}

// ---- limits of rules ----

/// Wants `appid` agreed by a rule that has two places since an instant.
async fn wants_by(store: &Store, appid: &str, rule: &str, taken_at: i64, since: i64) -> Result<i64, (u32, u32)> {
    let decision = NewDecision { rule: Some(rule.to_owned()), ..agree(appid) };
    let cap = Cap { max: 2, since: at(since) };
    let place = NewPlace { at: at(taken_at), day: None, rule: Some(cap) };
    match store.intend(vec![NewIntent::First { decision, action: Action::Agree, place }]).await.unwrap().remove(0) {
        Intended::Ready(intent) => Ok(intent.decision()),
        Intended::LimitReached { by: Capped::Rule, limit, spent, .. } => Err((limit, spent)),
        other => panic!("{other:?}"),
    }
}

async fn taken_by(store: &Store, rules: &[(&str, i64)]) -> Vec<u32> {
    let asked: Vec<(&str, Timestamp)> = rules.iter().map(|(rule, since)| (*rule, at(*since))).collect();
    store.spent_by_rules(&account(), &asked).await.unwrap()
}

#[tokio::test]
async fn a_rule_is_counted_by_its_name_and_account_in_a_window_of_its_own() {
    let desk = Desk::new().await;
    let store = &desk.store;
    wants_by(store, "wx1", "a", 100, 0).await.unwrap();
    wants_by(store, "wx2", "a", 200, 0).await.unwrap();
    assert_eq!(wants_by(store, "wx3", "a", 250, 100).await, Err((2, 2)), "since an instant, that one included");
    wants_by(store, "wx3", "a", 250, 101).await.unwrap();
    wants_by(store, "wx4", "b", 250, 0).await.unwrap();
    let elsewhere = NewDecision { account_appid: AppId::new("wxother"), rule: Some("a".into()), ..agree("wx5") };
    let place = NewPlace { rule: Some(Cap { max: 1, since: at(0) }), ..NewPlace::unlimited(at(250)) };
    ready(
        store
            .intend(vec![NewIntent::First { decision: elsewhere, action: Action::Agree, place }])
            .await
            .unwrap()
            .remove(0),
    );
    assert_eq!(taken_by(store, &[("b", 0), ("a", 0), ("a", 150), ("c", 0)]).await, [1, 3, 2, 0]);
    assert!(store.spent_by_rules(&account(), &[]).await.unwrap().is_empty());
    assert_eq!(agreed_since(store, 0).await, 4, "the account's limits count the same places");
}

#[tokio::test]
async fn a_place_of_a_rule_is_given_back_only_if_nothing_was_sent() {
    for (fate, kept) in [(Fate::Lost, 1), (Fate::Rejected, 1), (Fate::Accepted, 1), (Fate::Unsent, 0)] {
        let desk = Desk::new().await;
        let row = wants_by(&desk.store, "wx1", "a", 100, 0).await.unwrap();
        let outcome = if fate == Fate::Accepted { Outcome::Done } else { Outcome::Failed };
        let back = fate == Fate::Unsent;
        let answer = Answered { call: Some(call(1, fate, None)), give_back: back, ..settled(row, outcome) };
        desk.store.answer(vec![answer]).await.unwrap();
        assert_eq!(taken_by(&desk.store, &[("a", 0)]).await, [kept], "{fate}");
    }
}

#[tokio::test]
async fn a_retry_uses_the_place_of_its_rule_and_takes_a_new_one_only_when_it_has_none() {
    let desk = Desk::new().await;
    let store = &desk.store;
    let retry = async |row, taken_at: i64, since: i64| {
        let NewIntent::Again { action, appid, reason, .. } = again(row, "wx1") else { unreachable!() };
        let cap = Cap { max: 1, since: at(since) };
        let place = NewPlace { at: at(taken_at), day: None, rule: Some(cap) };
        store.intend(vec![NewIntent::Again { row, action, appid, reason, place }]).await.unwrap().remove(0)
    };
    let row = wants_by(store, "wx1", "known trades", 100, 0).await.unwrap();
    desk.settle(row, Outcome::Failed).await.unwrap();
    ready(retry(row, 900, 0).await);
    assert_eq!(taken_by(store, &[("known trades", 0), ("known trades", 101)]).await, [1, 0], "where it was");
    let unsent = Answered { give_back: true, ..settled(row, Outcome::Failed) };
    store.answer(vec![unsent]).await.unwrap();
    wants_by(store, "wx2", "known trades", 200, 0).await.unwrap();
    let refused = retry(row, 900, 0).await;
    assert!(matches!(refused, Intended::LimitReached { by: Capped::Rule, limit: 1, spent: 1, .. }), "{refused:?}");
    ready(retry(row, 900, 201).await);
    assert_eq!(taken_by(store, &[("known trades", 201)]).await, [1]);
}

#[tokio::test]
async fn both_limits_must_have_room_and_the_full_one_is_named() {
    let desk = Desk::new().await;
    let wanted = |appid: &str, day: u32, rule: u32| {
        let cap = |max| Some(Cap { max, since: at(0) });
        let place = NewPlace { at: at(1), day: cap(day), rule: cap(rule) };
        NewIntent::First { decision: agree(appid), action: Action::Agree, place }
    };
    let batch = vec![wanted("wx1", 1, 1), wanted("wx2", 1, 5), wanted("wx3", 5, 1), wanted("wx4", 1, 1)];
    let told: Vec<Option<Capped>> = desk.store.intend(batch).await.unwrap().iter().map(full_by).collect();
    assert_eq!(told, [None, Some(Capped::Day), Some(Capped::Rule), Some(Capped::Day)]);
    assert_eq!(desk.ask::<i64>("SELECT count(*) FROM allowance").await, 1, "who finds no room takes none");
}

fn full_by(intended: &Intended) -> Option<Capped> {
    match intended {
        Intended::LimitReached { by, .. } => Some(*by),
        _ => None,
    }
}

#[tokio::test]
async fn a_row_without_a_rule_is_counted_by_no_rule() {
    let desk = Desk::new().await;
    let by_hand = NewDecision { rule: None, actor: "cli:me".into(), ..agree("wx1") };
    let place = NewPlace { rule: Some(Cap { max: 0, since: at(0) }), ..place_on(0, Some(1)) };
    ready(
        desk.store
            .intend(vec![NewIntent::First { decision: by_hand, action: Action::Agree, place }])
            .await
            .unwrap()
            .remove(0),
    );
    assert_eq!(wants(&desk.store, "wx2", 0).await, Ok(2));
    assert_eq!(wants(&desk.store, "wx3", 0).await, Err((2, 2)), "the call by hand was counted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_the_limit_of_a_rule() {
    let desk = Desk::new().await;
    let by_hand = Store::open(&desk.path()).await.unwrap();
    let got = async |store: &Store, who: &str| {
        let mut got = 0;
        for n in 0..20 {
            got += u32::from(wants_by(store, &format!("wx{who}{n}"), "a", 100, 0).await.is_ok());
        }
        got
    };
    let (ours, theirs) = tokio::join!(got(&desk.store, "a"), got(&by_hand, "b"));
    assert_eq!(ours + theirs, 2);
    assert_eq!(taken_by(&desk.store, &[("a", 0)]).await, [2]);
}

#[tokio::test]
async fn the_place_of_a_rule_survives_a_crash_between_intent_and_call() {
    let Desk { dir, store } = Desk::new().await;
    wants_by(&store, "wx1", "a", 100, 0).await.unwrap();
    // Not closed: the process is gone, what it committed is not.
    std::mem::forget(store);
    let store = Store::open(&dir.path().join("menshen.db")).await.unwrap();
    assert_eq!(store.planned(&account()).await.unwrap().len(), 1);
    wants_by(&store, "wx2", "a", 110, 0).await.unwrap();
    assert_eq!(wants_by(&store, "wx3", "a", 120, 0).await, Err((2, 2)));
}

#[tokio::test]
async fn counting_reads_an_index_alone() {
    let desk = Desk::new().await;
    for (statement, index) in [(sql::TAKEN, "allowance_by_action"), (sql::TAKEN_BY_RULE, "allowance_by_rule")] {
        let plan = statement.replace("?1", "'a'").replace("?2", "'b'").replace("?3", "0");
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {plan}")))
                .fetch_all(desk.store.reader().pool())
                .await
                .unwrap();
        assert!(plan.iter().any(|step| step.3.contains(&format!("USING COVERING INDEX {index}"))), "{plan:?}");
    }
}

/// A database as it was before limits counted instants, with places in it.
#[tokio::test]
async fn places_taken_before_the_migration_still_count() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("menshen.db");
    let mut older = file::migrations();
    older.migrations = older.migrations.iter().filter(|one| one.version < 3).cloned().collect();
    let mut conn = {
        use sqlx::ConnectOptions as _;
        sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true).connect().await.unwrap()
    };
    older.run(&mut conn).await.unwrap();
    let decide = "INSERT INTO decisions (decided_at, decided_day, account, account_appid, base_url, appid, categories, \
                  verdict, rule, mode, actor, unknown_rules, pass, ruleset) VALUES (?1, '2026-11-22', 'express', \
                  'wxaccount', '', ?2, '[]', 'agree', 'a', 'live', 'rules', '[]', 'p', 'r')";
    for (secs, appid) in [(100, "wx1"), (200, "wx2")] {
        sqlx::query(decide).bind(at(secs).as_millisecond()).bind(appid).execute(&mut conn).await.unwrap();
    }
    // The second one was given back and taken anew the day after.
    let rest = format!(
        "INSERT INTO settlements (decision_id, at, outcome, attempt) VALUES (1, {0}, 'planned', 1), (2, {0}, 'planned', 1), \
         (2, {0}, 'failed', 1), (2, {1}, 'planned', 2); \
         INSERT INTO allowance VALUES (1, 'wxaccount', 'agree', '2026-11-22', 'a'), (2, 'wxaccount', 'agree', '2026-11-23', 'a')",
        at(100).as_millisecond(),
        at(90_000).as_millisecond()
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(rest)).execute(&mut conn).await.unwrap();
    sqlx::Connection::close(conn).await.unwrap();

    let store = Store::open(&path).await.unwrap();
    let counts = taken_by(&store, &[("a", 0), ("a", 100), ("a", 101), ("a", 90_000), ("a", 90_001)]).await;
    assert_eq!(counts, [2, 2, 1, 1, 0]);
    assert_eq!(wants_by(&store, "wx3", "a", 90_010, 0).await, Err((2, 2)));
    wants_by(&store, "wx3", "a", 90_010, 101).await.unwrap();
    assert_eq!(store.spent(&account(), at(0)).await.unwrap().agree, 3);
}
