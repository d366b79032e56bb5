//! What was decided without us: which applications are open, and that their end is written once.

use super::*;
use crate::store::{NewElsewhere, Open};

async fn open(desk: &Desk) -> Vec<Open> {
    desk.store.open_but_ended(&account(), at(-1), |_| true).await.unwrap()
}

fn ended(appid: &str, verdict: RecordedVerdict, outcome: Outcome, after: i64) -> NewElsewhere {
    let decision = NewDecision { actor: "elsewhere".into(), rule: None, ..decision(appid, verdict, outcome) };
    NewElsewhere { decision, after, note: "timed out".into() }
}

#[tokio::test]
async fn the_newest_row_says_whether_an_application_is_open() {
    let desk = Desk::new().await;
    desk.store.record(&[hold("wx-held")]).await.unwrap();
    let done = desk.planned("wx-done").await;
    desk.settle(done, Outcome::Done).await.unwrap();
    let failed = desk.planned("wx-failed").await;
    desk.settle(failed, Outcome::Failed).await.unwrap();
    desk.planned("wx-planned").await;
    // Held, then done by us: the older row is not what it stands at. And the other way round, our doing ends it.
    desk.store.record(&[hold("wx-both")]).await.unwrap();
    let both = desk.planned("wx-both").await;
    desk.settle(both, Outcome::Done).await.unwrap();
    desk.store.record(&[hold("wx-both")]).await.unwrap();
    let found: Vec<String> = open(&desk).await.iter().map(|o| format!("{} {}", o.identity.appid, o.outcome)).collect();
    assert_eq!(found, ["wx-held held", "wx-failed failed"]);
    assert_eq!(desk.store.open_but_ended(&account(), at(0), |_| true).await.unwrap(), [], "too long ago");
    assert_eq!(desk.store.open_but_ended(&account(), at(-1), |_| false).await.unwrap(), [], "still pending");
}

#[tokio::test]
async fn an_end_is_written_once_and_only_after_the_row_it_answers() {
    let desk = Desk::new().await;
    let ids = desk.store.record(&[hold("wx1"), hold("wx2")]).await.unwrap();
    let one = ended("wx1", RecordedVerdict::Agree, Outcome::Done, ids[0]);
    let two = ended("wx2", RecordedVerdict::Hold, Outcome::Overtaken, ids[1]);
    assert_eq!(desk.store.found_elsewhere(&[one.clone(), two.clone()]).await.unwrap(), 2);
    assert_eq!(desk.store.found_elsewhere(&[one, two]).await.unwrap(), 0);
    assert_eq!(open(&desk).await, []);
    assert_eq!(desk.ask::<i64>("SELECT count(*) FROM audit_log WHERE actor = 'elsewhere' AND attempts = 0").await, 2);
    assert_eq!(desk.store.timed_out(DAY).await.unwrap(), [("express".to_owned(), 1)]);
    assert_eq!(desk.store.timed_out("2026-11-23").await.unwrap(), []);
    let wrong = ended("wx1", RecordedVerdict::Hold, Outcome::Held, ids[0]);
    assert!(matches!(desk.store.found_elsewhere(&[wrong]).await, Err(StoreError::IllegalBeginning(Outcome::Held))));
}

#[tokio::test]
async fn an_application_is_given_as_it_was_decided() {
    let desk = Desk::new().await;
    let ids = desk.store.record(&[hold("wx1"), hold("wx2")]).await.unwrap();
    let as_shown = async |id| desk.store.show(id).await.unwrap().unwrap().application();
    let found = desk.store.as_decided(&[ids[1], ids[0], 999]).await.unwrap();
    assert_eq!(found.len(), 2);
    for (id, decided) in [(ids[0], hold("wx1")), (ids[1], hold("wx2"))] {
        assert_eq!(found[&id], decided.application);
        assert_eq!(found[&id], as_shown(id).await);
    }
    assert_eq!(desk.store.as_decided(&[]).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_log_that_has_forgotten_an_announcement_is_told_by_its_mark() {
    let desk = Desk::new().await;
    assert_eq!(desk.store.forgotten_since().await.unwrap(), None, "nothing was announced");
    desk.store.record(&[hold("wx-held")]).await.unwrap();
    assert!(!desk.dir.path().join("menshen.mark").exists());
    desk.planned("wx1").await;
    assert_eq!(desk.store.forgotten_since().await.unwrap(), None);
    // Another log, begun anew beside the same mark.
    let Desk { dir, store } = desk;
    store.close().await;
    std::fs::remove_file(dir.path().join("menshen.db")).unwrap();
    let desk = Desk { store: Store::open(&dir.path().join("menshen.db")).await.unwrap(), dir };
    assert_eq!(desk.store.forgotten_since().await.unwrap(), Some(at(0)));
    let brake = NewBrake {
        at: at(1),
        kind: BrakeKind::Verification,
        scope: BrakeScope::default(),
        why: None,
        who: "service".into(),
    };
    desk.store.pull_brake(&brake).await.unwrap();
    desk.store.lift_brakes(&BrakeScope::default(), "cli:tester", None, at(2)).await.unwrap();
    assert_eq!(desk.store.forgotten_since().await.unwrap(), None, "a person said to go on");
}
