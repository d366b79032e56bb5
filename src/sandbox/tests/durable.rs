//! A world in a directory outlives its process.

use super::{Account, Application, Clock, Moved, Rig, Status};
use crate::sandbox::{By, OpenError, Options, World};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

fn options() -> Options {
    Options { clock: Clock::Manual, applications: Some(30), pending: Some(10), ..Options::default() }
}

fn open(dir: &Path) -> World {
    World::open(dir, options()).unwrap()
}

fn pending(world: &World) -> Vec<Application> {
    let all = world.applications(Account::DEFAULT_APPID);
    all.into_iter().filter(|application| application.status == Status::Pending).collect()
}

#[tokio::test]
async fn everything_is_as_it_was_left() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::serve(open(dir.path())).await;
    let appids: Vec<String> = pending(&rig.world).into_iter().map(|application| application.appid).collect();
    rig.agree(&appids[0]).await;
    rig.refuse(&appids[1]).await;
    let _ = rig.world.person_refuses(&appids[2]);
    let _ = rig.world.withdraw(&appids[3]);
    let newcomer = Application::new("wxnew").sent_as("nickname", serde_json::Value::Null).without("reason");
    let _ = rig.world.arrive(newcomer);
    rig.world.advance(Duration::from_secs(23 * 3600));
    let (all, changes) = (rig.world.applications(Account::DEFAULT_APPID), rig.world.changes());
    let (start_ms, now_ms) = (rig.world.start_ms(), rig.world.now_ms());
    let acted: Vec<_> = rig.world.ledger().into_iter().filter(|call| call.changed).collect();
    let Rig { world, server, .. } = rig;
    server.stop().await;
    drop(world);

    let again = open(dir.path());
    assert_eq!(again.applications(Account::DEFAULT_APPID), all);
    assert_eq!(again.changes(), changes);
    assert_eq!((again.start_ms(), again.now_ms()), (start_ms, now_ms));
    assert_eq!(again.ledger(), acted, "calls that act are kept");
    let rig = Rig::serve(again).await;
    assert_eq!(rig.agree(&appids[0]).await.errcode(), 89240);
    assert!(rig.world.ledger().is_sorted_by(|a, b| a.seq < b.seq));
}

#[test]
fn a_line_cut_short_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    let appid = pending(&world)[0].appid.clone();
    assert_eq!(world.person_agrees(&appid), Moved::Moved);
    drop(world);
    let journal = dir.path().join("journal.jsonl");
    let whole = std::fs::read(&journal).unwrap();
    for cut in [&b"{\"op\":\"change\",\"at\":17"[..], b"\xe5\x8d", b"{}"] {
        std::fs::OpenOptions::new().append(true).open(&journal).unwrap().write_all(cut).unwrap();
        let world = open(dir.path());
        assert_eq!(world.status(&appid), Some(Status::Approved));
        drop(world);
        assert_eq!(std::fs::read(&journal).unwrap(), whole);
    }
}

#[test]
fn every_prefix_of_a_journal_is_a_world() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    let appids: Vec<String> = pending(&world).into_iter().map(|application| application.appid).collect();
    for appid in &appids {
        assert_eq!(world.person_agrees(appid), Moved::Moved);
    }
    drop(world);
    let journal = dir.path().join("journal.jsonl");
    let whole = std::fs::read(&journal).unwrap();
    for length in (0..=whole.len()).rev().step_by(397) {
        std::fs::write(&journal, &whole[..length]).unwrap();
        let lines = whole[..length].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(pending(&open(dir.path())).len(), appids.len() - lines, "after {length} bytes");
    }
}

#[test]
fn a_line_broken_in_the_middle_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    for (text, broken) in [("{}\n", 1), ("{\"op\":\"advance\",\"ms\":5}\nnonsense\n", 2)] {
        std::fs::write(dir.path().join("journal.jsonl"), text).unwrap();
        let err = World::open(dir.path(), options()).unwrap_err();
        assert!(matches!(err, OpenError::Broken { line, .. } if line == broken), "{err}");
    }
}

#[test]
fn one_process_at_a_time_but_anybody_may_look() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    let appid = pending(&world)[0].appid.clone();
    let _ = world.person_agrees(&appid);
    assert!(matches!(World::open(dir.path(), options()).unwrap_err(), OpenError::InUse { .. }));
    let copy = World::peek(dir.path(), options()).unwrap();
    assert_eq!(copy.status(&appid), Some(Status::Approved));
    let other = pending(&copy)[0].appid.clone();
    let _ = copy.person_agrees(&other);
    assert_eq!(world.status(&other), Some(Status::Pending));
}

#[test]
fn another_seed_is_refused_and_fresh_starts_over() {
    let dir = tempfile::tempdir().unwrap();
    let world = open(dir.path());
    let appid = pending(&world)[0].appid.clone();
    let _ = world.person_agrees(&appid);
    drop(world);
    let other = Options { seed: Some(2), ..options() };
    let err = World::open(dir.path(), other.clone()).unwrap_err();
    assert!(matches!(err, OpenError::Differs { what: "seed", kept: 1, asked: 2 }), "{err}");
    let silent = Options { applications: None, pending: None, ..options() };
    assert_eq!(World::open(dir.path(), silent).unwrap().applications(Account::DEFAULT_APPID).len(), 30);
    let fresh = World::open(dir.path(), Options { fresh: true, ..other }).unwrap();
    assert_eq!((fresh.seed(), fresh.status(&appid)), (2, None));
    assert_eq!(fresh.changes(), []);
}

#[tokio::test]
async fn a_change_that_cannot_be_recorded_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::serve(open(dir.path())).await;
    let appid = pending(&rig.world)[0].appid.clone();
    let read_only = std::fs::File::open(dir.path().join("journal.jsonl")).unwrap();
    rig.world.journal_to(read_only);
    assert_eq!(rig.world.person_agrees(&appid), Moved::NotRecorded);
    assert_eq!(rig.world.arrive(Application::new("wxnew")), Moved::NotRecorded);
    assert_eq!(rig.agree(&appid).await.status(), 500);
    assert_eq!((rig.world.status(&appid), rig.world.status("wxnew")), (Some(Status::Pending), None));
    assert_eq!(
        rig.world.changes().iter().flat_map(|c| &c.changes).filter(|change| change.by != By::TimeOut).count(),
        0
    );
}
