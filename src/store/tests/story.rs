//! What becomes of a decision: intents, answers, settlements, brakes, proofs.

use super::*;
use crate::policy::EarlierKind;
use std::collections::BTreeSet;

#[tokio::test]
async fn a_decision_is_told_from_intent_to_outcome() {
    let desk = Desk::new().await;
    desk.store.keep_ruleset("r1", "engine 1", "{\"rules\":[]}", at(0)).await.unwrap();
    desk.store.keep_ruleset("r1", "engine 2", "{}", at(9)).await.unwrap();
    let intent = ready(desk.first(decision("wx1", RecordedVerdict::Refuse, Outcome::Planned), Some(5)).await);
    assert_eq!((intent.attempt(), intent.action(), intent.reason()), (1, Action::Refuse, Some("请修改")));

    let waiting = desk.store.planned(&account()).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].identity.clone(), waiting[0].call_recorded), (application("wx1").identity(), false));
    assert_eq!((waiting[0].action, waiting[0].attempt), (Action::Refuse, 1));
    assert!(desk.store.planned(&AppId::new("wxother")).await.unwrap().is_empty());

    let row = intent.decision();
    let lost = CallRecord { action: Action::Refuse, ..call(1, Fate::Lost, None) };
    let news = Answered { decision: row, call: Some(lost.clone()), settle: None, give_back: false, at: at(6) };
    desk.store.answer(vec![news]).await.unwrap();
    assert_eq!(desk.store.planned(&account()).await.unwrap()[0].fate, Some(Fate::Lost));

    let note = Some("the list shows it refused".to_owned());
    let news = Answered { settle: Some((Outcome::Done, note.clone())), ..settled(row, Outcome::Done) };
    desk.store.answer(vec![news]).await.unwrap();
    assert!(desk.store.planned(&account()).await.unwrap().is_empty());

    let shown = desk.store.show(row).await.unwrap().unwrap();
    assert_eq!(shown.calls, vec![lost]);
    let settlement = |secs, outcome, note| Settlement { at: at(secs), outcome, attempt: 1, note };
    assert_eq!(shown.settlements, vec![settlement(0, Outcome::Planned, None), settlement(10, Outcome::Done, note)]);
    assert_eq!(shown.engine.as_deref(), Some("engine 1"), "a ruleset is kept as it was first");
    assert_eq!(shown.why.unwrap().sentence, "rule \"known trades\"");
    assert_eq!((shown.row.attempts, shown.row.settled_at), (1, Some(at(10))));
    assert!(desk.store.show(row + 1).await.unwrap().is_none());
}

#[tokio::test]
async fn the_view_and_the_list_tell_the_same() {
    let desk = Desk::new().await;
    let row = desk.planned("wx1").await;
    let news = Answered { call: Some(call(1, Fate::Rejected, Some(89240))), ..settled(row, Outcome::Failed) };
    desk.store.answer(vec![news]).await.unwrap();
    desk.store.record(&[hold("wx2")]).await.unwrap();
    let columns: String = desk
        .ask("SELECT group_concat('''' || name || ''', ' || iif(name = 'categories', 'json(categories)', name)) FROM pragma_table_info('audit_log')")
        .await;
    let view: String = desk.ask(&format!("SELECT json_group_array(json_object({columns})) FROM audit_log")).await;
    let list = serde_json::to_value(desk.rows(&Filter::default()).await).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&view).unwrap(), list);
    assert_eq!(list[0]["decided_at"], "2026-11-18T11:06:40.000Z");
    assert_eq!((&list[0]["errcode"], &list[0]["attempts"]), (&89240.into(), &1.into()));
}

#[tokio::test]
async fn earlier_applications_are_told_as_they_stood_then() {
    use EarlierKind::*;
    let desk = Desk::new().await;
    let applied = |appid: &str, create_time: &str, mut row: NewDecision, secs| {
        row.application = application(appid);
        row.application.create_time = CreateTime::received(create_time);
        NewDecision { at: at(secs), ..row }
    };
    let refuse = decision("wx1", RecordedVerdict::Refuse, Outcome::Planned);
    desk.store.record(&[applied("wx1", "1", hold("wx1"), 0), applied("wx1", "1", hold("wx1"), 3)]).await.unwrap();
    desk.store
        .record(&[applied("wx1", "2", decision("wx1", RecordedVerdict::Agree, Outcome::Shadow), 4)])
        .await
        .unwrap();
    let row = ready(desk.first(applied("wx1", "1", agree("wx1"), 5), None).await).decision();
    desk.settle(row, Outcome::Done).await.unwrap(); // at 10
    let row = ready(desk.first(applied("wx1", "3", refuse.clone(), 20), None).await).decision();
    let overtaken = Answered { at: at(21), ..settled(row, Outcome::Overtaken) };
    desk.store.answer(vec![overtaken]).await.unwrap();
    let row = ready(desk.first(applied("wx2", "9", refuse, 20), None).await).decision();
    desk.store.answer(vec![Answered { at: at(21), ..settled(row, Outcome::Done) }]).await.unwrap();

    let known = async |account: &AppId, secs| {
        let appids = ["wx1", "wx2", "wx2", "wx3"].map(AppId::new);
        let history = desk.store.earlier(account, &appids, at(secs)).await.unwrap();
        let told = |appid: &str| {
            let of = history.of(&AppId::new(appid)).iter();
            let mut told: Vec<_> = of.map(|e| (e.create_time.text().unwrap().to_owned(), e.what, e.at)).collect();
            told.sort();
            told
        };
        (told("wx1"), told("wx2"))
    };
    let told = |create_time: &str, what, secs| (create_time.to_owned(), what, at(secs));
    assert_eq!(known(&account(), 0).await, (vec![], vec![]));
    assert_eq!(known(&account(), 2).await, (vec![told("1", Held, 0)], vec![]));
    assert_eq!(known(&account(), 9).await, (vec![told("1", Held, 3)], vec![]), "not settled yet");
    let all = vec![told("1", Agreed, 5), told("1", Held, 3)];
    assert_eq!(known(&account(), 10).await, (all.clone(), vec![]));
    assert_eq!(known(&account(), 99).await, (all, vec![told("9", Refused, 20)]));
    assert_eq!(known(&AppId::new("wxother"), 99).await, (vec![], vec![]));
}

#[tokio::test]
async fn only_legal_moves_are_recorded() {
    use Outcome::*;
    let legal = [
        (Planned, Done),
        (Planned, Overtaken),
        (Planned, Failed),
        (Failed, Planned),
        (Failed, Done),
        (Failed, Overtaken),
        (Overtaken, Done),
        (Done, Failed),
    ];
    let desk = Desk::new().await;
    for from in Outcome::ALL {
        for to in Outcome::ALL {
            assert_eq!(from.may_become(to), legal.contains(&(from, to)), "{from} → {to}");
            let row = standing_as(&desk, from, &format!("wx{from}{to}")).await;
            let settled = desk.settle(row, to).await;
            // A retry goes through `intend`, never through `answer`.
            assert_eq!(settled.is_ok(), legal.contains(&(from, to)) && to != Planned, "{from} → {to}: {settled:?}");
            let retried = desk.store.intend(vec![again(row, &format!("wx{from}{to}"))]).await;
            let now_failed = settled.is_ok() && to == Failed || settled.is_err() && from == Failed;
            assert_eq!(retried.is_ok(), now_failed, "{from} → {to} → planned: {retried:?}");
        }
    }
}

async fn standing_as(desk: &Desk, outcome: Outcome, appid: &str) -> i64 {
    if outcome.is_final_at_once() {
        // Agree with a brake: so that only the outcome forbids a retry.
        let row = NewDecision { outcome, ..agree(appid) };
        return desk.store.record(&[row]).await.unwrap()[0];
    }
    let row = desk.planned(appid).await;
    if outcome != Outcome::Planned {
        desk.settle(row, outcome).await.unwrap();
    }
    row
}

#[tokio::test]
async fn a_refused_batch_leaves_nothing_behind() {
    let desk = Desk::new().await;
    let row = desk.planned("wx1").await;
    let wrong = desk.store.record(&[hold("wx2"), agree("wx3")]).await;
    assert!(matches!(wrong, Err(StoreError::IllegalBeginning(Outcome::Planned))));
    let wrong = desk.store.answer(vec![settled(row, Outcome::Done), settled(99, Outcome::Done)]).await;
    assert!(matches!(wrong, Err(StoreError::Gone(99))));
    let first = NewIntent::First { decision: agree("wx4"), action: Action::Agree, place: NewPlace::unlimited(at(0)) };
    let wrong = desk.store.intend(vec![first, again(row, "wx1")]).await;
    assert!(matches!(wrong, Err(StoreError::Illegal { from: Outcome::Planned, .. })), "{wrong:?}");
    let wrong = desk.store.intend(vec![again(row, "wx-of-another")]).await;
    assert!(matches!(wrong, Err(StoreError::Gone(_))));
    assert_eq!(desk.ask::<i64>("SELECT count(*) FROM decisions").await, 1);
    assert_eq!(desk.ask::<i64>("SELECT count(*) FROM settlements").await, 1);
    desk.settle(row, Outcome::Done).await.unwrap();
}

#[tokio::test]
async fn attempts_count_what_was_or_may_have_been_sent() {
    let desk = Desk::new().await;
    let row = desk.planned("wx1").await;
    let attempts = "SELECT attempts FROM audit_log";
    assert_eq!(desk.ask::<i64>(attempts).await, 1, "it may be on its way");
    for (attempt, fate, counted) in [(1, Fate::Unsent, 0), (2, Fate::Lost, 1), (3, Fate::Rejected, 2)] {
        if attempt > 1 {
            let intent = ready(desk.store.intend(vec![again(row, "wx1")]).await.unwrap().remove(0));
            assert_eq!(intent.attempt(), attempt, "attempts are numbered, sent or not");
        }
        let news = Answered { call: Some(call(attempt, fate, None)), ..settled(row, Outcome::Failed) };
        desk.store.answer(vec![news.clone()]).await.unwrap();
        assert_eq!(desk.ask::<i64>(attempts).await, counted, "{fate}");
    }
    assert_eq!(desk.store.show(row).await.unwrap().unwrap().calls.len(), 3);
}

#[tokio::test]
async fn the_newest_row_of_an_identity_is_its_past() {
    let desk = Desk::new().await;
    let mut without_time = hold("wx1");
    without_time.application.create_time = CreateTime::ABSENT;
    without_time.unknown = vec!["a".into(), "b".into()];
    without_time.brake = Some(crate::policy::Brake::Unknown);
    let mut elsewhere = hold("wx2");
    elsewhere.account_appid = AppId::new("wxother");
    let ids = desk.store.record(&[hold("wx1"), without_time.clone(), hold("wx1"), elsewhere]).await.unwrap();

    let asked = [hold("wx1"), without_time, hold("wx2"), hold("wx3")].map(|row| row.application.identity());
    let past = desk.store.past(&account(), &asked).await.unwrap();
    assert_eq!(past.len(), 2, "{past:?}");
    assert_eq!(past[&asked[0]].id, ids[2]);
    let unsure = &past[&asked[1]];
    assert_eq!((unsure.id, unsure.unknown.len(), unsure.brake.map(|b| b.word())), (ids[1], 2, Some("unknown")));
    assert_eq!((unsure.verdict, unsure.mode, unsure.outcome), (RecordedVerdict::Hold, Mode::Live, Outcome::Held));
}

#[tokio::test]
async fn thousands_are_looked_up_at_once() {
    let desk = Desk::new().await;
    let rows: Vec<NewDecision> = (0..2_500).map(|n| hold(&format!("wx\"{n}"))).collect();
    desk.store.record(&rows).await.unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row.application.identity()).collect();
    assert_eq!(desk.store.past(&account(), &ids).await.unwrap().len(), 2_500);
}

#[tokio::test]
async fn an_application_under_way_is_not_announced_twice() {
    let desk = Desk::new().await;
    let row = desk.planned("wx1").await;
    match desk.first(agree("wx1"), None).await {
        Intended::Underway { decision, .. } => assert_eq!(decision, row),
        other => panic!("{other:?}"),
    }
    let batch = [agree("wx2"), agree("wx2")];
    let batch =
        batch.map(|decision| NewIntent::First { decision, action: Action::Agree, place: NewPlace::unlimited(at(0)) });
    let both = desk.store.intend(batch.into()).await.unwrap();
    assert!(matches!(both[..], [Intended::Ready(_), Intended::Underway { .. }]), "{both:?}");
    let mut in_a_sandbox = agree("wx1");
    in_a_sandbox.base_url = "http://127.0.0.1:1".into();
    ready(desk.first(in_a_sandbox, None).await);
}

#[tokio::test]
async fn brakes_hold_until_lifted() {
    let desk = Desk::new().await;
    let on = |account: Option<&str>, action| BrakeScope { account: account.map(AppId::new), base_url: None, action };
    let pull = async |kind, scope| {
        let brake = NewBrake { at: at(1), kind, scope, why: Some("why".into()), who: "cli:me".into() };
        desk.store.pull_brake(&brake).await.unwrap().id()
    };
    let everything = pull(BrakeKind::Pause, on(None, None)).await;
    let express = pull(BrakeKind::Verification, on(Some("wx1"), None)).await;
    let agreeing = pull(BrakeKind::Pause, on(None, Some(Action::Agree))).await;
    let ids = |brakes: Vec<ActiveBrake>| brakes.into_iter().map(|brake| brake.id).collect::<Vec<_>>();
    assert_eq!(ids(desk.store.brakes().await.unwrap()), [everything, express, agreeing]);

    for (scope, lifted, left) in [
        (on(Some("wx2"), None), vec![], vec![everything, express, agreeing]),
        (on(Some("wx1"), None), vec![express], vec![everything, agreeing]),
        (on(None, Some(Action::Agree)), vec![agreeing], vec![everything]),
        (on(None, None), vec![everything], vec![]),
        (on(None, None), vec![], vec![]),
    ] {
        assert_eq!(ids(desk.store.lift_brakes(&scope, "cli:me", None, at(2)).await.unwrap()), lifted, "{scope:?}");
        assert_eq!(ids(desk.store.brakes().await.unwrap()), left, "{scope:?}");
    }
    let anew = pull(BrakeKind::Verification, on(Some("wx1"), None)).await;
    assert_eq!(ids(desk.store.brakes().await.unwrap()), [anew]);
    assert_eq!(desk.ask::<i64>("SELECT count(*) FROM brakes").await, 7, "every pull and every lift is a record");
}

#[test]
fn a_scope_covers_what_it_names() {
    let scope = BrakeScope { account: Some(account()), base_url: None, action: Some(Action::Agree) };
    assert!(scope.covers(&account(), BASE, Action::Agree));
    assert!(!scope.covers(&account(), BASE, Action::Refuse));
    assert!(!scope.covers(&AppId::new("wxother"), BASE, Action::Agree));
    assert!(BrakeScope::default().covers(&account(), BASE, Action::Delete));
    assert!(!BrakeScope { base_url: Some("x".into()), ..BrakeScope::default() }.covers(
        &account(),
        BASE,
        Action::Agree
    ));
}

#[tokio::test]
async fn a_proof_is_for_one_account_place_and_action() {
    let desk = Desk::new().await;
    let row = desk.planned("wx1").await;
    desk.store.prove(&account(), BASE, Action::Agree, row, at(20)).await.unwrap();
    desk.store.prove(&account(), BASE, Action::Agree, row, at(30)).await.unwrap();
    desk.store.prove(&account(), BASE, Action::Delete, row, at(30)).await.unwrap();
    assert!(desk.store.prove(&account(), BASE, Action::Refuse, 99, at(30)).await.is_err(), "no such decision");
    let proven = async |account: &str, base| desk.store.proven(&AppId::new(account), base).await.unwrap();
    assert_eq!(proven("wxaccount", BASE).await, BTreeSet::from([Action::Agree, Action::Delete]));
    assert_eq!(proven("wxaccount", "http://127.0.0.1").await, BTreeSet::new());
    assert_eq!(proven("wxother", BASE).await, BTreeSet::new());
    assert_eq!(desk.ask::<i64>("SELECT min(at) FROM proofs").await, at(20).as_millisecond());
}

/// The service runs accounts as tasks: every future of the store must be able to move between threads.
#[tokio::test]
async fn futures_of_the_store_can_move_between_threads() {
    fn movable(_: impl Send) {}
    let Desk { store, .. } = Desk::new().await;
    movable(store.intend(vec![]));
    movable(store.answer(vec![]));
    movable(store.record(&[]));
    movable(store.past(&account(), &[]));
    movable(store.lift_brakes(&BrakeScope::default(), "", None, at(0)));
    movable(store.list(&Filter::default(), |_| std::ops::ControlFlow::Continue(())));
    movable(store.show(1));
}
