//! Stories of answers that never came and of a WeChat that lies: what pulls the brake, what must not, and what was
//! decided by others.
//!
//! The sandbox's own ledger is the judge: none of WeChat's applications is ever changed twice by us.

mod support;

use menshen::policy::{Brake, Outcome};
use menshen::sandbox::{Application, Moved, Options, Status, World};
use menshen::service::{PassReport, Stage, Watch};
use menshen::store::{AuditRow, BrakeKind, BrakeScope, Store};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use support::Scene;

/// A create_time well within the pending window.
fn at(second: i64) -> i64 {
    jiff::Timestamp::now().as_second() - 3_600 + second
}

fn good(appid: &str, second: i64) -> Application {
    Application::new(appid).created_at(at(second))
}

fn bad(appid: &str, second: i64) -> Application {
    good(appid, second).reason("赌博")
}

fn ask(appid: &str, second: i64) -> Application {
    good(appid, second).reason("希望合作")
}

/// It does not matter whether there was anything to move.
fn ignore(_: Moved) {}

fn calls(scene: &Scene, action: &str) -> usize {
    scene.world.calls(action).len()
}

async fn sorted_story(scene: &Scene) -> Vec<String> {
    let mut story = scene.story().await;
    story.sort();
    story
}

/// One pass, during which something happens once, as soon as `when` holds.
async fn pass_while(scene: &Scene, when: impl Fn(Stage) -> bool + Sync, happens: impl Fn() + Sync) -> PassReport {
    let service = scene.service().await;
    let done = AtomicBool::new(false);
    let tell = |stage| {
        if when(stage) && !done.swap(true, Ordering::Relaxed) {
            happens();
        }
    };
    let report = service.accounts()[0].pass(service.store(), &Watch::default(), &tell).await;
    assert!(done.into_inner(), "it never came to that");
    report
}

/// After the first reading, before anything is sent.
fn reading(stage: Stage) -> bool {
    matches!(stage, Stage::Reading { pending, .. } if pending > 0)
}

/// After an answer, before the list is read again.
fn acting(stage: Stage) -> bool {
    matches!(stage, Stage::Acting { .. })
}

async fn brakes(scene: &Scene) -> Vec<String> {
    let log = Store::open(&scene.database()).await.expect("the log");
    let brakes = log.brakes().await.expect("brakes");
    log.close().await;
    brakes.into_iter().map(|brake| brake.why.unwrap_or_default()).collect()
}

async fn resume(scene: &Scene) {
    let log = Store::open(&scene.database()).await.expect("the log");
    let now = jiff::Timestamp::now();
    let lifted = log.lift_brakes(&BrakeScope::default(), "cli:tester", Some("looked"), now).await.expect("lifted");
    assert!(lifted.iter().any(|brake| brake.kind == BrakeKind::Verification));
    log.close().await;
}

async fn elsewhere(scene: &Scene) -> Vec<AuditRow> {
    scene.rows().await.into_iter().filter(|row| row.actor == "elsewhere").collect()
}

// ---- lost answers ----

#[tokio::test]
async fn a_lost_answer_is_never_answered_by_a_blind_repeat() {
    // The fault, and how many calls go out until it is done: one, if the list shows that it had worked.
    let lost = [
        ("lost", 2),
        ("lost-after", 1),
        ("reset", 2),
        ("reset-after", 1),
        ("busy", 2),
        ("busy-after", 1),
        ("errcode-after=54321", 1),
        ("errcode=54321", 2),
        ("http=500", 2),
        ("http-after=502", 1),
        ("http-after=412", 1),
        ("http-after=302", 1),
        ("http=404", 2),
        ("html", 2),
        ("html-after", 1),
        ("empty-after", 1),
        ("huge-after=100000", 1),
        ("truncated", 1),
    ];
    for (action, word) in [("dev_agree", "agree"), ("dev_refuse", "refuse")] {
        for (fault, expected) in lost {
            let scene = Scene::empty().await;
            scene.arrive(if word == "agree" { good("wx-one", 1) } else { bad("wx-one", 1) });
            scene.fault(&format!("{action}:{fault}:1"));
            let first = scene.pass().await;
            assert_eq!(calls(&scene, action), 1, "{action}:{fault}: read before anything is repeated");
            assert_eq!(first.brake, None, "{action}:{fault}");
            assert_eq!(first.agreed + first.refused, usize::from(expected == 1), "{action}:{fault}: {first:#?}");
            let next = scene.pass().await;
            assert!(!next.failed(), "{action}:{fault}: {next:#?}");
            assert_eq!(scene.story().await, [format!("wx-one {word} done")], "{action}:{fault}");
            assert_eq!(calls(&scene, action), expected, "{action}:{fault}");
            assert_eq!(scene.rows().await[0].attempts as usize, expected, "{action}:{fault}");
            scene.end();
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_again_while_the_list_is_not_complete() {
    let options = Options { num_cap: 1, ..Options::empty() };
    let scene = Scene::of(World::in_memory(options)).await;
    scene.arrive(good("wx-one", 1));
    scene.arrive(good("wx-two", 2));
    scene.fault("dev_agree:lost:1");
    let report = pass_while(&scene, acting, || scene.fault("dev_apply_list@page=1:http=500:always")).await;
    assert!(report.failed(), "{report:#?}");
    let sent = calls(&scene, "dev_agree");
    scene.pass().await;
    assert_eq!(calls(&scene, "dev_agree"), sent, "half a list proves nothing");
    scene.calm();
    scene.pass().await;
    assert!(scene.story().await.iter().all(|line| line.ends_with("agree done")), "{:?}", scene.story().await);
}

#[tokio::test]
async fn a_no_that_was_a_yes_is_seen_in_the_list() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-one", 1));
    scene.arrive(good("wx-two", 2));
    // WeChat says that it did nothing, and did it: for the one that does not go alone.
    scene.pass().await;
    scene.arrive(good("wx-three", 3));
    scene.arrive(good("wx-four", 4));
    scene.fault("dev_agree@appid=wx-three:errcode-after=48001:1");
    let report = scene.pass().await;
    assert_eq!(report.brake, None, "we named it ourselves: {report:#?}");
    scene.pass().await;
    let story = sorted_story(&scene).await;
    let expected = [
        "wx-four agree done",
        "wx-one agree done",
        "wx-three agree done",
        "wx-three agree failed",
        "wx-two agree done",
    ];
    assert_eq!(story, expected);
    scene.end();
}

// ---- lies ----

#[tokio::test]
async fn a_server_that_does_something_else_pulls_the_brake_at_once() {
    for (action, word) in [("dev_refuse", "refuse"), ("dev_agree", "agree")] {
        for fault in ["hits=oldest", "hits=all", "hits=none", "hits=other", "hits=both"] {
            for proven in [false, true] {
                let story = format!("{action}:{fault} proven {proven}");
                let scene = Scene::empty().await;
                let target = if word == "agree" { good } else { bad };
                scene.arrive(ask("wx-old", 1));
                if proven {
                    scene.arrive(target("wx-zero", 2));
                    let report = scene.pass().await;
                    assert!(!report.failed(), "{story}: {report:#?}");
                }
                scene.arrive(target("wx-one", 3));
                scene.arrive(ask("wx-new", 4));
                let sent = calls(&scene, action);
                scene.fault(&format!("{action}:{fault}:1"));
                let report = scene.pass().await;
                assert!(report.brake.is_some() && report.failed(), "{story}: {report:#?}");
                let next = scene.pass().await;
                assert_eq!(next.agreed + next.refused, 0, "{story}");
                assert_eq!(calls(&scene, action), sent + 1, "{story}: nothing more is sent");
                // A new one that the rules would let in waits for a person.
                scene.arrive(good("wx-late", 5));
                scene.pass().await;
                let late = scene.rows().await.into_iter().find(|row| row.appid == "wx-late").expect("evaluated");
                assert_eq!((late.brake, late.outcome), (Some(Brake::Verification), Outcome::Held), "{story}");
                resume(&scene).await;
                let after = scene.pass().await;
                assert_eq!(after.brake, None, "{story}: {after:#?}");
                assert_eq!(scene.world.status("wx-late"), Some(Status::Approved), "{story}");
                let wanted = if word == "agree" { Status::Approved } else { Status::Refused };
                assert_eq!(scene.world.status("wx-one"), Some(wanted), "{story}: decided anew");
                scene.end();
            }
        }
    }
}

#[tokio::test]
async fn what_hits_the_oldest_is_found_out_although_the_oldest_is_to_be_refused() {
    let scene = Scene::empty().await;
    scene.arrive(bad("wx-oldest", 1));
    scene.fault("dev_refuse:hits=oldest:always");
    let report = scene.pass().await;
    assert_eq!((report.refused, report.brake), (1, None), "nobody else was there");
    scene.arrive(ask("wx-waiting", 2));
    scene.arrive(bad("wx-second", 3));
    scene.arrive(bad("wx-third", 4));
    let report = scene.pass().await;
    assert!(report.brake.is_some(), "{report:#?}");
    assert_eq!(calls(&scene, "dev_refuse"), 2, "one more went, alone");
}

/// What may happen during a pass without anything being wrong.
#[tokio::test]
async fn people_time_and_applicants_between_two_readings_pull_no_brake() {
    type Happens = fn(&Scene);
    type When = fn(Stage) -> bool;
    let moments: [(&str, When); 2] = [("before acting", reading), ("while acting", acting)];
    let happenings: [(&str, Happens); 6] = [
        ("somebody arrives", |scene| scene.arrive(good("wx-new", 50))),
        ("a held one is withdrawn", |scene| assert_eq!(scene.world.withdraw("wx-ask"), Moved::Moved)),
        // Once we act it may be refused already, and then nothing happens.
        ("one to be refused is withdrawn", |scene| ignore(scene.world.withdraw("wx-bad-1"))),
        ("a held one is refused", |scene| assert_eq!(scene.world.person_refuses("wx-ask"), Moved::Moved)),
        ("one to be refused is agreed to", |scene| ignore(scene.world.person_agrees("wx-bad-1"))),
        ("all time out", |scene| scene.world.advance(Duration::from_secs(80_000))),
    ];
    for (when, moment) in moments {
        for (what, happens) in &happenings {
            let scene = Scene::empty().await;
            // The first of an action is proven, so that the pass sends one action only.
            scene.arrive(good("wx-first", 1));
            scene.arrive(bad("wx-bad-0", 2));
            scene.pass().await;
            let refusing = *what != "a held one is refused";
            if refusing {
                scene.arrive(bad("wx-bad-1", 3));
                scene.arrive(bad("wx-bad-2", 4));
            } else {
                scene.arrive(good("wx-good", 3));
            }
            scene.arrive(ask("wx-ask", 5));
            let report = pass_while(&scene, moment, || happens(&scene)).await;
            assert_eq!(report.brake, None, "{what} {when}: {report:#?}");
            let next = scene.pass().await;
            assert_eq!(next.brake, None, "{what} {when}: {next:#?}");
            let open = scene.rows().await.into_iter().filter(|row| row.outcome == Outcome::Planned).count();
            assert_eq!(open, 0, "{what} {when}");
            scene.end();
        }
    }
}

#[tokio::test]
async fn a_person_who_does_the_same_at_the_same_moment_is_doubt_and_the_words_say_so() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-good", 1));
    scene.arrive(ask("wx-ask", 2));
    let report = pass_while(&scene, acting, || assert_eq!(scene.world.person_agrees("wx-ask"), Moved::Moved)).await;
    let why = report.brake.clone().expect("nobody can tell this from a server that lies");
    assert!(why.contains("wx-ask") && why.contains("console") && why.contains("menshen resume"), "{why}");
    assert_eq!(brakes(&scene).await, [why]);
    assert_eq!(sorted_story(&scene).await, ["wx-ask hold held", "wx-good agree done"], "what was done is done");
    resume(&scene).await;
    let next = scene.pass().await;
    assert!(!next.failed(), "{next:#?}");
    assert_eq!(next.elsewhere, 1);
    scene.end();
}

#[tokio::test]
async fn a_list_that_tells_now_this_and_now_that_pulls_no_brake() {
    for fault in [
        "dev_apply_list@page=1:behind=60000:every/2",
        "dev_apply_list@page=1:behind=60000:every/3",
        "dev_apply_list:behind=60000:p=0.3",
        "dev_agree:lag=2:always",
    ] {
        let scene = Scene::empty().await;
        scene.arrive(good("wx-one", 1));
        scene.arrive(good("wx-two", 2));
        scene.arrive(ask("wx-ask", 3));
        scene.fault(fault);
        for round in 0..6 {
            let report = scene.pass().await;
            assert_eq!(report.brake, None, "{fault} {round}: {report:#?}");
        }
        let expected = ["wx-ask hold held", "wx-one agree done", "wx-two agree done"];
        assert_eq!(sorted_story(&scene).await, expected, "{fault}");
        assert_eq!(calls(&scene, "dev_agree"), 2, "{fault}");
        scene.end();
    }
}

#[tokio::test]
async fn one_page_that_lags_pulls_no_brake() {
    let options = Options { num_cap: 2, ..Options::empty() };
    let scene = Scene::of(World::in_memory(options)).await;
    for number in 0..6 {
        scene.arrive(good(&format!("wx-{number}"), number));
    }
    let report = pass_while(&scene, acting, || scene.fault("dev_apply_list@page=2:behind=60000:2")).await;
    assert!(!report.failed(), "{report:#?}");
    assert!(scene.story().await.iter().all(|line| line.ends_with("agree done")), "{:?}", scene.story().await);
    scene.end();
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_no_proof_of_anything() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-one", 1));
    let garble = || scene.fault("dev_apply_list@appid=wx-one:malformed=appid-number:always");
    let report = pass_while(&scene, acting, garble).await;
    assert_eq!(report.brake, None, "{report:#?}");
    assert!(report.failed(), "it could not be verified: {report:#?}");
    scene.calm();
    let report = scene.pass().await;
    assert!(!report.failed(), "{report:#?}");
    assert_eq!(scene.story().await, ["wx-one agree done"]);
    scene.end();

    let scene = Scene::empty().await;
    scene.arrive(good("wx-one", 1));
    scene.fault("dev_agree:lost:1");
    let garble = || scene.fault("dev_apply_list@appid=wx-one:malformed=entry-string:always");
    pass_while(&scene, acting, garble).await;
    assert_eq!(scene.story().await, ["wx-one agree failed"], "not overtaken: it may still be there");
    scene.pass().await;
    assert_eq!(scene.story().await, ["wx-one agree failed"]);
    assert_eq!(calls(&scene, "dev_agree"), 1);
    scene.calm();
    scene.pass().await;
    assert_eq!(scene.story().await, ["wx-one agree done"]);
    scene.end();
}

// ---- what contradicts the log ----

#[tokio::test]
async fn a_done_row_that_is_pending_later_pulls_the_brake() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-one", 1));
    scene.pass().await;
    scene.fault("dev_apply_list:behind=86400000:always");
    let report = scene.pass().await;
    assert!(report.brake.is_some(), "{report:#?}");
    assert_eq!(scene.story().await, ["wx-one agree failed"]);
    assert_eq!(calls(&scene, "dev_agree"), 1, "never twice");
    scene.calm();
    resume(&scene).await;
    let report = scene.pass().await;
    assert!(!report.failed(), "{report:#?}");
    assert_eq!(scene.story().await, ["wx-one agree done"], "it had worked after all, and it was ours");
    scene.end();
}

#[tokio::test]
async fn who_applies_again_without_a_create_time_is_left_to_a_person() {
    let scene = Scene::empty().await;
    scene.arrive(bad("wx-again", 1).without("create_time"));
    scene.pass().await;
    scene.arrive(good("wx-again", 2).without("create_time"));
    let report = scene.pass().await;
    assert_eq!(report.brake, None, "{report:#?}");
    assert_eq!(scene.story().await, ["wx-again refuse done", "wx-again hold (ambiguous) held"]);
    assert_eq!(calls(&scene, "dev_agree"), 0);
    scene.end();
}

/// The database's files, as a backup keeps them.
fn files(scene: &Scene) -> Vec<(std::path::PathBuf, Option<Vec<u8>>)> {
    let names = ["menshen.db", "menshen.db-wal", "menshen.db-shm"];
    names.map(|name| scene.state_dir().join(name)).map(|path| (path.clone(), std::fs::read(path).ok())).into()
}

fn put_back(files: &[(std::path::PathBuf, Option<Vec<u8>>)]) {
    for (path, bytes) in files {
        match bytes {
            Some(bytes) => std::fs::write(path, bytes).expect("put back"),
            None => drop(std::fs::remove_file(path)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_older_than_what_was_sent_holds_everything() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-one", 1));
    scene.arrive(ask("wx-ask", 2));
    let pass = async || {
        let service = scene.service().await;
        let report = service.accounts()[0].pass(service.store(), &Watch::default(), &|_| ()).await;
        service.close().await;
        report
    };
    pass().await;
    let backup = files(&scene);
    // The same database is no older one.
    put_back(&backup);
    assert!(!pass().await.failed());
    scene.arrive(good("wx-two", 3));
    pass().await;
    for _ in 0..2 {
        put_back(&backup);
        scene.arrive(good(&format!("wx-{}", calls(&scene, "dev_apply_list")), 4));
        let sent = calls(&scene, "dev_agree");
        let report = pass().await;
        assert!(report.failed(), "{report:#?}");
        let why = report.brake.as_deref().expect("a brake");
        support::faults_page::told("A database restored from a backup", &format!("brake verification: {why}"));
        assert_eq!(calls(&scene, "dev_agree"), sent, "nothing is sent");
        let report = pass().await;
        assert!(report.brake.is_none() && report.brake_stands, "pulled once, and still there: {report:#?}");
        assert!(report.troubles.is_empty(), "{report:#?}");
        assert!(!report.stops.is_empty());
        assert_eq!(calls(&scene, "dev_agree"), sent, "nothing is sent in the next pass either");
    }
    resume(&scene).await;
    let report = pass().await;
    assert!(!report.failed(), "{report:#?}");
    assert_eq!(report.agreed, 2, "both that waited: {report:#?}");
    assert!(!pass().await.failed(), "and that is that");
    // A dry run says it as well.
    put_back(&backup);
    let dry = scene.run("run --dry-run --format json");
    assert_eq!(dry.status, Some(0), "{}", dry.err);
    let table = scene.run("run --dry-run").out;
    assert!(table.contains("the brake verification"), "{table}");
    scene.end();
}

// ---- decided elsewhere ----

#[tokio::test]
async fn what_people_and_time_decide_is_recorded_once() {
    let scene = Scene::empty().await;
    for number in 0..4 {
        scene.arrive(ask(&format!("wx-ask-{number}"), number));
    }
    scene.arrive(ask("wx-gone", 9));
    scene.pass().await;
    assert_eq!(scene.world.person_agrees("wx-ask-0"), Moved::Moved);
    assert_eq!(scene.world.person_refuses("wx-ask-1"), Moved::Moved);
    assert_eq!(scene.world.withdraw("wx-gone"), Moved::Moved);
    // One arrives and is decided before we ever saw it: not ours to tell.
    scene.arrive(ask("wx-unknown", 10));
    assert_eq!(scene.world.person_agrees("wx-unknown"), Moved::Moved);
    let report = scene.pass().await;
    assert_eq!((report.elsewhere, report.timed_out, report.failed()), (2, 0, false), "{report:#?}");
    scene.world.advance(Duration::from_secs(86_400));
    let report = scene.pass().await;
    assert_eq!((report.elsewhere, report.timed_out), (0, 2), "{report:#?}");
    let rows = elsewhere(&scene).await;
    let told: Vec<String> =
        rows.iter().map(|row| format!("{} {} {} {}", row.appid, row.verdict, row.outcome, row.attempts)).collect();
    assert_eq!(
        told,
        ["wx-ask-0 agree done 0", "wx-ask-1 refuse done 0", "wx-ask-2 hold overtaken 0", "wx-ask-3 hold overtaken 0",]
    );
    assert!(rows.iter().all(|row| row.reason.as_deref() == Some("希望合作") && row.rule.is_none()));
    assert!(rows.iter().all(|row| row.message.is_none() && row.ruleset.is_empty() && row.brake.is_none()));
    let notes = "SELECT ifnull(note, '') FROM settlements WHERE outcome = 'overtaken'";
    assert_eq!(scene.sql(notes).await, ["timed out", "timed out"]);
    let everything = scene.rows().await;
    let report = scene.pass().await;
    assert!(!report.acted(), "{report:#?}");
    assert_eq!(scene.rows().await, everything, "once");
    let stats = scene.run("audit stats");
    assert!(stats.out.contains("2 timed out by WeChat before anybody had decided them"), "{}", stats.out);
    scene.end();
}

#[tokio::test]
async fn what_was_held_before_base_url_changed_is_told_as_well() {
    let mut scene = Scene::empty().await;
    scene.arrive(ask("wx-ask", 1));
    scene.pass().await;
    assert_eq!(scene.world.person_agrees("wx-ask"), Moved::Moved);
    scene.base_url = scene.base_url.replace("127.0.0.1", "localhost");
    let report = scene.pass().await;
    assert_eq!((report.elsewhere, report.failed()), (1, false), "{report:#?}");
    assert_eq!(scene.story().await, ["wx-ask hold held", "wx-ask agree done"]);
    scene.end();
}

#[tokio::test]
async fn what_was_decided_in_shadow_or_failed_is_told_as_well() {
    let scene = Scene::empty().await.shadow();
    scene.arrive(good("wx-shadow", 1));
    scene.pass().await;
    assert_eq!(scene.world.person_refuses("wx-shadow"), Moved::Moved);
    scene.pass().await;
    assert_eq!(scene.story().await, ["wx-shadow agree shadow", "wx-shadow refuse done"]);
    let notes = "SELECT ifnull(note, '') FROM settlements WHERE outcome = 'done'";
    assert_eq!(scene.sql(notes).await, ["refused; decided in shadow mode: agree"]);

    let scene = Scene::empty().await;
    scene.arrive(good("wx-failed", 1));
    scene.fault("dev_agree:errcode=89245:1");
    scene.pass().await;
    assert_eq!(scene.world.person_agrees("wx-failed"), Moved::Moved);
    scene.pass().await;
    assert_eq!(scene.story().await, ["wx-failed agree failed", "wx-failed agree done"]);
    assert_eq!(elsewhere(&scene).await.len(), 1);
    scene.end();
}

#[tokio::test]
async fn what_a_call_of_ours_explains_is_ours() {
    // The answer is lost, the list lags, and the row is given up; later it shows that it had worked.
    let scene = Scene::empty().await;
    scene.arrive(good("wx-late", 1));
    scene.fault("dev_agree:lost-after:1");
    scene.fault("dev_agree:lag=3:1");
    scene.pass().await;
    assert_eq!(scene.story().await, ["wx-late agree failed"]);
    scene.pass().await;
    assert_eq!(scene.story().await, ["wx-late agree done"]);
    assert_eq!(elsewhere(&scene).await, []);
    scene.end();
}

#[tokio::test]
async fn what_was_taken_for_gone_is_not_looked_for_twice_with_every_pass() {
    let scene = Scene::empty().await;
    scene.arrive(ask("wx-stays", 1));
    scene.pass().await;
    // Every reading asks for its first page once.
    let readings = || scene.world.calls("dev_apply_list").iter().filter(|call| call.page == Some(1)).count();
    let before = readings();
    scene.pass().await;
    assert_eq!(readings(), before + 1, "a pass with nothing to do reads the list once");
    // Its answer is lost, it is withdrawn, and nobody can say any more what the call did.
    scene.arrive(good("wx-gone", 2));
    scene.fault("dev_agree:lost:1");
    scene.pass().await;
    assert_eq!(sorted_story(&scene).await, ["wx-gone agree failed", "wx-stays hold held"]);
    assert_eq!(scene.world.withdraw("wx-gone"), Moved::Moved);
    let before = readings();
    scene.pass().await;
    assert_eq!(readings(), before + 2, "absence is believed when two readings agree");
    let story = ["wx-gone agree overtaken", "wx-stays hold held"];
    assert_eq!(sorted_story(&scene).await, story);
    for pass in 1..=2 {
        scene.pass().await;
        assert_eq!(readings(), before + 2 + pass, "and once believed, it is not asked for again");
    }
    assert_eq!(sorted_story(&scene).await, story);
    scene.end();
}

#[tokio::test]
async fn a_persons_decision_is_never_reversed() {
    let expect = |story: Vec<String>, expected: &[&str]| assert_eq!(story, expected);
    // Before we ever read the list.
    let scene = Scene::empty().await;
    scene.arrive(bad("wx-bad", 1));
    assert_eq!(scene.world.person_agrees("wx-bad"), Moved::Moved);
    scene.pass().await;
    expect(scene.story().await, &[]);
    assert_eq!(scene.world.status("wx-bad"), Some(Status::Approved));
    scene.end();
    // Between our reading and our call.
    let scene = Scene::empty().await;
    scene.arrive(bad("wx-bad", 1));
    let report = pass_while(&scene, reading, || assert_eq!(scene.world.person_agrees("wx-bad"), Moved::Moved)).await;
    assert_eq!((report.brake, report.overtaken, report.refused), (None, 1, 0));
    scene.pass().await;
    expect(scene.story().await, &["wx-bad refuse overtaken", "wx-bad agree done"]);
    assert_eq!(elsewhere(&scene).await.len(), 1);
    assert_eq!(scene.world.status("wx-bad"), Some(Status::Approved));
    let rows = scene.rows().await.len();
    scene.pass().await;
    assert_eq!(scene.rows().await.len(), rows);
    scene.end();
    // While it was held, before rules that would refuse it.
    let scene = Scene::empty().await.rules("[[rule]]\nname = \"wait\"\naction = \"hold\"\nwhen = { always = true }\n");
    scene.arrive(bad("wx-bad", 1));
    scene.pass().await;
    assert_eq!(scene.world.person_agrees("wx-bad"), Moved::Moved);
    let scene = scene.rules(support::RULES);
    // Even while the list still shows it pending.
    scene.fault("dev_apply_list:behind=60000:4");
    scene.pass().await;
    scene.calm();
    scene.pass().await;
    let story = scene.story().await;
    assert_eq!(story.last().map(String::as_str), Some("wx-bad agree done"), "{story:?}");
    // And when the list falls back behind what it has shown.
    scene.fault("dev_apply_list:behind=60000:always");
    let (rows, sent) = (scene.rows().await, calls(&scene, "dev_refuse"));
    let report = scene.pass().await;
    assert_eq!((report.waiting, report.brake.is_some()), (1, false), "{report:#?}");
    assert_eq!((scene.rows().await, calls(&scene, "dev_refuse")), (rows, sent));
    assert_eq!(scene.world.status("wx-bad"), Some(Status::Approved));
    scene.end();
}

#[tokio::test]
async fn an_earlier_decision_made_elsewhere_counts_for_the_rules() {
    let rules = "[[rule]]\nname = \"known\"\naction = \"agree\"\nwhen = { previous = { agreed = 1 } }\n";
    let scene = Scene::empty().await.rules(rules);
    scene.arrive(good("wx-one", 1));
    scene.pass().await;
    assert_eq!(scene.world.person_agrees("wx-one"), Moved::Moved);
    scene.arrive(good("wx-one", 60));
    let report = scene.pass().await;
    assert_eq!(report.agreed, 1, "{report:#?}");
    assert_eq!(scene.story().await, ["wx-one hold held", "wx-one agree done", "wx-one agree done"]);
    scene.end();
}
