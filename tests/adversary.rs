//! Stories an adversary would tell: bad luck at the worst moment, and one bad application among good ones.
//!
//! Each was a way to make menshen brake falsely, forget what it did, act against a
//! pause, or leave good applications waiting for ever.

mod support;

use menshen::policy::{Brake, Outcome};
use menshen::sandbox::Application;
use menshen::service::{Pace, PassReport, Service, StateLock, Surroundings, Watch};
use menshen::store::{BrakeKind, BrakeScope, NewBrake, Store};
use std::time::Duration;
use support::Scene;

/// A create_time well within the pending window.
fn at(second: i64) -> i64 {
    jiff::Timestamp::now().as_second() - 3_600 + second
}

fn good(appid: &str, second: i64) -> Application {
    Application::new(appid).created_at(at(second))
}

fn calls(scene: &Scene, action: &str) -> usize {
    scene.world.calls(action).len()
}

fn agrees_of(scene: &Scene, appid: &str) -> usize {
    scene.world.calls("dev_agree").iter().filter(|call| call.appid.as_deref() == Some(appid)).count()
}

/// A service whose readings are far enough apart for something to happen between them.
async fn spaced(scene: &Scene, space: Duration) -> Service {
    let config = scene.config();
    let lock = StateLock::take(&config.service.state_dir).expect("nobody else");
    let pace = Pace { readings: vec![space; 4], readings_after_loss: 2 };
    let around = Surroundings { pace, ..Surroundings::default() };
    Service::open(config, around, lock).await.expect("a service")
}

async fn pass(service: &Service, watch: &Watch) -> PassReport {
    service.accounts()[0].pass(service.store(), watch, &|_| ()).await
}

async fn until(what: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not come about");
}

#[tokio::test]
async fn a_stop_between_two_readings_pulls_no_brake() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-good", 1));
    scene.fault("dev_agree:lag=4:1");
    let service = spaced(&scene, Duration::from_millis(300)).await;
    let watch = Watch::default();
    let stop = async {
        until(|| calls(&scene, "dev_agree") == 1).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        watch.stop.cancel();
    };
    let (report, ()) = tokio::join!(pass(&service, &watch), stop);
    assert_eq!(report.brake, None, "one reading right after the call proves nothing: {report:#?}");
    drop(service);
    let next = scene.pass().await;
    assert_eq!(next.brake, None, "{next:#?}");
    assert_eq!(scene.story().await, ["wx-good agree done"]);
    assert_eq!(calls(&scene, "dev_agree"), 1);
    scene.end();
}

#[tokio::test]
async fn readings_that_fail_after_a_lagging_one_pull_no_brake() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-good", 1));
    scene.fault("dev_agree:lag=3:1");
    let service = spaced(&scene, Duration::from_millis(200)).await;
    let watch = Watch::default();
    let storm = async {
        until(|| calls(&scene, "dev_agree") == 1).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        scene.fault("dev_apply_list:http=500:always");
    };
    let (report, ()) = tokio::join!(pass(&service, &watch), storm);
    assert_eq!(report.brake, None, "only one reading could be had: {report:#?}");
    assert!(report.failed(), "what was done could not be verified");
    drop(service);
    scene.calm();
    let next = scene.pass().await;
    assert_eq!(next.brake, None, "{next:#?}");
    assert_eq!(scene.story().await, ["wx-good agree done"]);
    scene.end();
}

#[tokio::test]
async fn what_was_confirmed_once_stays_confirmed() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-first", 1));
    scene.pass().await;
    scene.arrive(good("wx-a", 2));
    scene.arrive(good("wx-b", 3));
    scene.fault("dev_agree@appid=wx-b:lag=4:1");
    // One reading of the pass itself and four that verify show wx-a; the fifth, which shows wx-b at last, hides it.
    scene.fault("dev_apply_list@appid=wx-a:malformed=appid-missing:#6");
    let report = scene.pass().await;
    assert_eq!(report.brake, None, "every target was seen where we wanted it: {report:#?}");
    assert!(scene.story().await.iter().all(|line| line.ends_with("agree done")), "{:?}", scene.story().await);
    scene.end();
}

#[tokio::test]
async fn a_lost_call_that_takes_effect_late_is_no_stranger() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-late", 1));
    scene.arrive(good("wx-next", 2));
    scene.fault("dev_agree@appid=wx-late:lost-after:1");
    scene.fault("dev_agree@appid=wx-late:lag=3:1");
    let report = scene.pass().await;
    assert_eq!(report.brake, None, "we asked for it ourselves: {report:#?}");
    scene.pass().await;
    let mut story = scene.story().await;
    story.sort();
    assert_eq!(story, ["wx-late agree done", "wx-next agree done"]);
    scene.end();
}

#[tokio::test]
async fn one_application_wechat_refuses_to_change_does_not_stop_the_others() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-forbidden", 1));
    scene.arrive(good("wx-good", 2));
    scene.fault("dev_agree@appid=wx-forbidden:errcode=89245:always");
    scene.pass().await;
    let story = scene.story().await;
    assert!(story.contains(&"wx-good agree done".to_owned()), "{story:?}");
    scene.end();
}

#[tokio::test]
async fn many_bad_applications_at_the_head_do_not_starve_the_rest() {
    for bad in [3, 12] {
        let scene = Scene::empty().await;
        for number in 0..bad {
            scene.arrive(good(&format!("wx-bad-{number}"), number));
            scene.fault(&format!("dev_agree@appid=wx-bad-{number}:errcode=89245:always"));
        }
        scene.arrive(good("wx-good", 100));
        for _ in 0..5 {
            scene.pass().await;
        }
        let story = scene.story().await;
        assert!(story.contains(&"wx-good agree done".to_owned()), "{bad} bad ones: {story:?}");
    }
}

async fn pull(scene: &Scene, kind: BrakeKind) {
    let store = Store::open(&scene.state_dir().join("menshen.db")).await.expect("the log");
    let scope = BrakeScope::default();
    let brake = NewBrake { at: jiff::Timestamp::now(), kind, scope, why: None, who: "cli:tester".to_owned() };
    store.pull_brake(&brake).await.expect("a brake");
    store.close().await;
}

#[tokio::test]
async fn a_pause_stops_a_pass_that_is_running() {
    for kind in [BrakeKind::Pause, BrakeKind::Verification] {
        let scene = Scene::empty().await.settings("max_in_flight = 1");
        scene.arrive(good("wx-first", 1));
        scene.pass().await;
        for number in 0..120 {
            scene.arrive(good(&format!("wx-{number:03}"), 2 + number));
        }
        scene.fault("dev_agree:slow=100:always");
        let service = spaced(&scene, Duration::from_millis(5)).await;
        let watch = Watch::default();
        let person = async {
            until(|| calls(&scene, "dev_agree") > 4).await;
            pull(&scene, kind).await;
        };
        let (_, ()) = tokio::join!(pass(&service, &watch), person);
        let sent = calls(&scene, "dev_agree");
        assert!(sent < 25, "{kind}: {sent} of 121 were sent");
        let rows = scene.rows().await;
        assert!(rows.iter().all(|row| row.outcome != Outcome::Planned), "{kind}: nothing is left open");
        drop(service);
        scene.pass().await;
        assert_eq!(calls(&scene, "dev_agree"), sent, "{kind}: nothing in the next pass");
        scene.end();
    }
}

#[tokio::test]
async fn a_shadow_pass_does_not_make_an_accepted_change_forgotten() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-good", 1));
    // WeChat says ok and does nothing; whether it did cannot be read.
    scene.fault("dev_agree:hits=none:1");
    let service = spaced(&scene, Duration::from_millis(5)).await;
    let storm = async {
        until(|| calls(&scene, "dev_agree") == 1).await;
        scene.fault("dev_apply_list:http=500:always");
    };
    scene.fault("dev_agree:slow=200:1");
    let watch = Watch::default();
    tokio::join!(pass(&service, &watch), storm);
    drop(service);
    assert_eq!(scene.story().await, ["wx-good agree done"]);
    scene.calm();
    let mut scene = scene.shadow();
    scene.pass().await;
    scene.service = "mode = \"live\"".to_owned();
    let report = scene.pass().await;
    assert!(report.brake.is_some(), "WeChat took it and it is still pending: {report:#?}");
    assert_eq!(calls(&scene, "dev_agree"), 1, "never twice");
}

#[tokio::test]
async fn a_row_in_doubt_is_not_settled_by_one_reading_that_misses_it() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-good", 1));
    scene.fault("dev_agree:lost:1");
    scene.pass().await;
    assert_eq!(scene.story().await, ["wx-good agree failed"]);
    scene.fault("dev_apply_list@appid=wx-good:malformed=appid-missing:1");
    scene.pass().await;
    scene.pass().await;
    assert_eq!(scene.story().await, ["wx-good agree done"], "one row, attempted twice");
    scene.end();
}

#[tokio::test]
async fn somebody_elses_agree_is_not_ours_because_the_list_could_not_be_read() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-good", 1));
    scene.fault("dev_agree:overtaken:1");
    scene.fault("dev_agree:slow=200:1");
    let service = spaced(&scene, Duration::from_millis(5)).await;
    let storm = async {
        until(|| calls(&scene, "dev_agree") == 1).await;
        scene.fault("dev_apply_list:http=500:always");
    };
    let watch = Watch::default();
    tokio::join!(pass(&service, &watch), storm);
    drop(service);
    assert_eq!(scene.story().await, ["wx-good agree planned"]);
    scene.calm();
    scene.pass().await;
    assert_eq!(scene.story().await, ["wx-good agree overtaken", "wx-good agree done"]);
    assert_eq!(scene.rows().await[1].actor, "elsewhere");
    scene.end();
}

#[tokio::test]
async fn somebody_elses_agree_is_not_ours_because_an_earlier_try_was_rejected() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-good", 1));
    scene.fault("dev_agree:errcode=48001:1");
    scene.pass().await;
    assert_eq!(scene.story().await, ["wx-good agree failed"]);
    scene.fault("dev_agree:overtaken:1");
    scene.pass().await;
    assert_eq!(scene.story().await, ["wx-good agree overtaken"]);
    scene.end();
}

#[tokio::test]
async fn a_second_application_that_arrives_meanwhile_makes_it_ambiguous() {
    let scene = Scene::empty().await;
    // Somebody waits longer, so that the first of all is the one that goes alone.
    scene.arrive(good("wx-older", 0).reason("希望合作"));
    scene.arrive(good("wx-lone", 1));
    scene.arrive(good("wx-twice", 2));
    scene.fault("dev_agree@appid=wx-lone:slow=300:1");
    let service = spaced(&scene, Duration::from_millis(5)).await;
    let applicant = async {
        until(|| calls(&scene, "dev_agree") == 1).await;
        scene.arrive(good("wx-twice", 50));
    };
    let watch = Watch::default();
    tokio::join!(pass(&service, &watch), applicant);
    drop(service);
    assert_eq!(agrees_of(&scene, "wx-twice"), 0, "the call would not say which of the two it means");
    scene.pass().await;
    let rows = scene.rows().await;
    let held = rows.iter().filter(|row| row.appid == "wx-twice" && row.brake == Some(Brake::Ambiguous)).count();
    assert_eq!(held, 2);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_nobody_can_read_may_be_a_second_application_of_the_same_applicant() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-two", 1));
    scene.arrive(good("wx-two", 2));
    scene.arrive(good("wx-good", 3));
    scene.fault("dev_apply_list:malformed=status-missing/2:always");
    scene.pass().await;
    assert_eq!(agrees_of(&scene, "wx-two"), 0, "a call would not say which of the two it means");
    assert_eq!(agrees_of(&scene, "wx-good"), 1, "who is plain is not kept waiting");
    scene.run("review agree wx-two --yes").exits(1).complains("more than once");
    assert_eq!(agrees_of(&scene, "wx-two"), 0);
}

#[tokio::test]
async fn two_entries_of_one_identity_write_no_row_a_pass() {
    let scene = Scene::empty().await;
    let when = at(1);
    scene.arrive(Application::new("wx-twice").created_at(when).reason("一"));
    scene.arrive(Application::new("wx-twice").created_at(when).reason("二"));
    scene.fault("dev_apply_list:malformed=reason-object:always");
    scene.pass().await;
    let rows = scene.rows().await.len();
    for _ in 0..4 {
        scene.pass().await;
    }
    assert_eq!(scene.rows().await.len(), rows, "{:?}", scene.story().await);
}

#[test]
fn starting_a_sandbox_over_does_not_erase_a_real_log() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let state = dir.path().join("state");
    std::fs::create_dir(&state).expect("a directory");
    for name in ["menshen.db", "menshen.db-wal", "menshen.db.backup"] {
        std::fs::write(state.join(name), "precious").expect("a file");
    }
    let out = support::menshen(dir.path())
        .args(["run", "--once", "--sandbox", "--fresh", "--state-dir"])
        .arg(&state)
        .output()
        .expect("it runs");
    for name in ["menshen.db", "menshen.db-wal", "menshen.db.backup"] {
        assert_eq!(std::fs::read_to_string(state.join(name)).ok().as_deref(), Some("precious"), "{name}");
    }
    assert_eq!(out.status.code(), Some(2), "{}", String::from_utf8_lossy(&out.stderr));
}

#[tokio::test]
async fn a_change_the_list_shows_only_after_the_brake_is_still_ours() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-late", 1));
    scene.fault("dev_agree:lag=5:1");
    let report = scene.pass().await;
    assert!(report.brake.is_some(), "the list went on showing it pending: {report:#?}");
    assert_eq!(scene.story().await, ["wx-late agree failed"]);
    scene.run("resume").exits(0);
    scene.pass().await;
    scene.pass().await;
    assert_eq!(scene.story().await, ["wx-late agree done"], "the list shows it by now");
    assert_eq!(calls(&scene, "dev_agree"), 1);
    scene.end();
}

#[tokio::test]
async fn one_reading_that_misses_it_does_not_tell_what_became_of_a_lost_call() {
    let scene = Scene::empty().await.settings("max_in_flight = 1");
    scene.arrive(good("wx-good", 1));
    scene.fault("dev_agree:lost-after:1");
    // The first page of the first reading after the call.
    scene.fault("dev_apply_list:null-list:#3");
    scene.pass().await;
    assert_eq!(scene.story().await, ["wx-good agree done"]);
    scene.end();
}

#[tokio::test]
async fn an_entry_nobody_can_read_may_be_the_one_whose_answer_was_lost() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-good", 1));
    scene.fault("dev_agree:lost-after:1");
    for reading in 2..=5 {
        scene.fault(&format!("dev_apply_list@appid=wx-good:malformed=appid-missing:#{reading}"));
    }
    for _ in 0..3 {
        scene.pass().await;
    }
    assert_eq!(scene.story().await, ["wx-good agree done"]);
    assert_eq!(calls(&scene, "dev_agree"), 1);
}

#[tokio::test]
async fn a_row_given_up_is_not_credited_with_what_a_later_one_did() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-good", 1));
    scene.fault("dev_agree:lost:1");
    scene.pass().await;
    let mut scene = scene.shadow();
    scene.pass().await;
    scene.service = "mode = \"live\"".to_owned();
    scene.pass().await;
    scene.pass().await;
    assert_eq!(scene.story().await, ["wx-good agree failed", "wx-good agree shadow", "wx-good agree done"]);
    scene.end();
}
