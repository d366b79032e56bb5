//! Limits: one place for one decision, whatever becomes of it.

use super::*;

/// Wants `appid` agreed on `day` under a limit of 2; says whether there was a place.
async fn wants(store: &Store, appid: &str, day: &str) -> Result<i64, (u32, u32)> {
    let decision = NewDecision { day: day.into(), ..agree(appid) };
    let wanted = NewIntent::First { decision, action: Action::Agree, limit: Some(2) };
    match store.intend(vec![wanted]).await.unwrap().remove(0) {
        Intended::Ready(intent) => Ok(intent.decision()),
        Intended::LimitReached { limit, spent, .. } => Err((limit, spent)),
        other => panic!("{other:?}"),
    }
}

async fn retries(store: &Store, row: i64, appid: &str, day: &str) -> bool {
    let NewIntent::Again { action, appid, reason, at, .. } = again(row, appid) else { unreachable!() };
    let wanted = NewIntent::Again { row, action, appid, reason, limit: Some(2), at, day: day.into() };
    matches!(store.intend(vec![wanted]).await.unwrap()[0], Intended::Ready(_))
}

#[tokio::test]
async fn a_day_has_so_many_places() {
    let desk = Desk::new().await;
    let store = &desk.store;
    wants(store, "wx1", DAY).await.unwrap();
    wants(store, "wx2", DAY).await.unwrap();
    assert_eq!(wants(store, "wx3", DAY).await, Err((2, 2)));
    assert_eq!(desk.ask::<i64>("SELECT count(*) FROM decisions").await, 2, "nothing was recorded of the third");
    wants(store, "wx3", "2026-11-23").await.unwrap();
    let refusal = decision("wx4", RecordedVerdict::Refuse, Outcome::Planned);
    ready(desk.first(refusal, Some(1)).await);
    let other = NewDecision { account_appid: AppId::new("wxother"), ..agree("wx5") };
    ready(desk.first(other, Some(1)).await);
    assert_eq!(store.spent(&account(), DAY).await.unwrap(), Spent { agree: 2, refuse: 1, delete: 0 });
    assert_eq!(store.spent(&account(), "2026-11-24").await.unwrap(), Spent::default());
}

#[tokio::test]
async fn a_batch_is_counted_within_itself() {
    let desk = Desk::new().await;
    let wanted = ["wx1", "wx2", "wx3"].map(|appid| NewIntent::First {
        decision: agree(appid),
        action: Action::Agree,
        limit: Some(2),
    });
    let intended = desk.store.intend(wanted.into()).await.unwrap();
    match &intended[..] {
        [Intended::Ready(_), Intended::Ready(_), Intended::LimitReached { wanted, limit: 2, spent: 2 }] => {
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
    let row = wants(&desk.store, "wx1", DAY).await.unwrap();
    desk.settle(row, Outcome::Failed).await.unwrap();
    wants(&desk.store, "wx2", DAY).await.unwrap();
    assert!(retries(&desk.store, row, "wx1", DAY).await, "the day is full, but this one has its place");
    desk.settle(row, Outcome::Failed).await.unwrap();
    assert!(retries(&desk.store, row, "wx1", "2026-11-23").await);
    assert_eq!(desk.store.spent(&account(), "2026-11-23").await.unwrap().agree, 0);
}

#[tokio::test]
async fn a_place_is_given_back_once_and_taken_anew() {
    let desk = Desk::new().await;
    let row = wants(&desk.store, "wx1", DAY).await.unwrap();
    let unsent = Answered { give_back: true, ..settled(row, Outcome::Failed) };
    desk.store.answer(vec![unsent]).await.unwrap();
    let twice = Answered { settle: None, give_back: true, ..settled(row, Outcome::Failed) };
    desk.store.answer(vec![twice]).await.unwrap();
    assert_eq!(desk.store.spent(&account(), DAY).await.unwrap().agree, 0);
    wants(&desk.store, "wx2", DAY).await.unwrap();
    wants(&desk.store, "wx3", DAY).await.unwrap();
    assert!(!retries(&desk.store, row, "wx1", DAY).await, "its place was given away");
    assert!(retries(&desk.store, row, "wx1", "2026-11-23").await);
    assert_eq!(desk.store.spent(&account(), "2026-11-23").await.unwrap().agree, 1);
}

#[tokio::test]
async fn a_place_is_kept_when_an_earlier_attempt_went_out() {
    for (fate, kept) in [(Fate::Lost, 1), (Fate::Rejected, 1), (Fate::Unsent, 0)] {
        let desk = Desk::new().await;
        let row = wants(&desk.store, "wx1", DAY).await.unwrap();
        let sent = Answered { call: Some(call(1, fate, None)), ..settled(row, Outcome::Failed) };
        desk.store.answer(vec![sent]).await.unwrap();
        assert!(retries(&desk.store, row, "wx1", DAY).await);
        let unsent =
            Answered { call: Some(call(2, Fate::Unsent, None)), give_back: true, ..settled(row, Outcome::Failed) };
        desk.store.answer(vec![unsent]).await.unwrap();
        assert_eq!(desk.store.spent(&account(), DAY).await.unwrap().agree, kept, "{fate}");
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
        let row = wants(&desk.store, "wx1", DAY).await.unwrap();
        assert!(desk.store.may_have_worked(row).await.unwrap(), "announced, and nothing known of it");
        for (attempt, fate) in (1..).zip(fates) {
            if attempt > 1 {
                assert!(retries(&desk.store, row, "wx1", DAY).await);
            }
            let answer = Answered { call: Some(call(attempt, fate, None)), ..settled(row, Outcome::Failed) };
            desk.store.answer(vec![answer]).await.unwrap();
        }
        assert_eq!(desk.store.may_have_worked(row).await.unwrap(), may_have_worked, "{fates:?}");
        assert_eq!(desk.store.doubtful(&account(), at(-1)).await.unwrap().len(), doubtful, "{fates:?}");
    }
}

#[tokio::test]
async fn a_place_survives_a_restart_and_a_crash_between_intent_and_call() {
    let Desk { dir, store } = Desk::new().await;
    wants(&store, "wx1", DAY).await.unwrap();
    store.close().await;
    let store = Store::open(&dir.path().join("menshen.db")).await.unwrap();
    assert_eq!(store.planned(&account()).await.unwrap().len(), 1);
    wants(&store, "wx2", DAY).await.unwrap();
    assert_eq!(wants(&store, "wx3", DAY).await, Err((2, 2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_one_limit() {
    let desk = Desk::new().await;
    let by_hand = Store::open(&desk.path()).await.unwrap();
    let ours = async {
        let mut got = 0;
        for n in 0..20 {
            got += u32::from(wants(&desk.store, &format!("wxa{n}"), DAY).await.is_ok());
        }
        got
    };
    let theirs = async {
        let mut got = 0;
        for n in 0..20 {
            got += u32::from(wants(&by_hand, &format!("wxb{n}"), DAY).await.is_ok());
        }
        got
    };
    let (ours, theirs) = tokio::join!(ours, theirs);
    assert_eq!(ours + theirs, 2);
    assert_eq!(desk.store.spent(&account(), DAY).await.unwrap().agree, 2);
}
