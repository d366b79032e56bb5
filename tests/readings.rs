//! Stories of readings that disagree: a list whose pages lag behind one another, so that it tells now this and now that.
//!
//! What one reading has shown to have ended has ended, and what the log knows of an
//! application is not forgotten because a list shows it late.

mod support;

use menshen::sandbox::Order;
use menshen::sandbox::{Application, Moved, Options, Status, World};
use menshen::service::{PassReport, Stage, Watch};
use std::sync::atomic::{AtomicBool, Ordering};
use support::Scene;
use support::process::{Running, until};

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

fn calls(scene: &Scene, action: &str) -> usize {
    scene.world.calls(action).len()
}

/// One application on each page, the oldest on the first: a page that lags is an application that lags.
async fn a_page_each(applications: impl IntoIterator<Item = Application>) -> Scene {
    let options = Options { num_cap: 1, order: Order::OldestFirst, ..Options::empty() };
    let scene = Scene::of(World::in_memory(options)).await;
    applications.into_iter().for_each(|application| scene.arrive(application));
    scene
}

/// One pass, during which something happens once, after an answer and before the list is read again.
async fn pass_with(scene: &Scene, happens: impl Fn() + Sync) -> PassReport {
    let service = scene.service().await;
    let done = AtomicBool::new(false);
    let tell = |stage| {
        if matches!(stage, Stage::Acting { .. }) && !done.swap(true, Ordering::Relaxed) {
            happens();
        }
    };
    let report = service.accounts()[0].pass(service.store(), &Watch::default(), &tell).await;
    assert!(done.into_inner(), "it never came to that");
    report
}

async fn sorted_story(scene: &Scene) -> Vec<String> {
    let mut story = scene.story().await;
    story.sort();
    story
}

async fn told_elsewhere(scene: &Scene) -> Vec<String> {
    scene.sql("SELECT appid FROM audit_log WHERE actor = 'elsewhere'").await
}

#[tokio::test]
async fn what_a_person_had_decided_before_the_pass_is_no_stranger_when_one_reading_lags() {
    let scene = a_page_each([ask("wx-person", 1), good("wx-one", 2), good("wx-two", 3)]).await;
    assert_eq!(scene.world.person_agrees("wx-person"), Moved::Moved);
    // Approved in the first reading, pending in the one after the first agree, approved in the last.
    scene.fault("dev_apply_list@page=1:behind=60000:#2");
    let report = scene.pass().await;
    assert_eq!((report.brake.as_deref(), report.agreed), (None, 2), "{report:#?}");
    scene.end();
}

#[tokio::test]
async fn what_we_did_in_this_pass_is_no_stranger_when_one_reading_lags() {
    let scene = a_page_each([ask("wx-ask", 1), good("wx-one", 2), good("wx-two", 3), bad("wx-bad", 4)]).await;
    // The first agree is seen, then lags in the reading after the first refusal.
    scene.fault("dev_apply_list@page=2:behind=60000:#3");
    let report = scene.pass().await;
    assert_eq!((report.brake.as_deref(), report.agreed, report.refused), (None, 2, 1), "{report:#?}");
    assert_eq!(report.undecided, 1, "one waits, and one was shown late: {report:#?}");
    scene.end();
}

#[tokio::test]
async fn what_the_log_has_seen_to_end_is_no_stranger_when_the_first_reading_lags() {
    let scene = a_page_each([ask("wx-person", 1)]).await;
    scene.pass().await;
    assert_eq!(scene.world.person_agrees("wx-person"), Moved::Moved);
    assert_eq!(scene.pass().await.elsewhere, 1);
    scene.arrive(good("wx-one", 2));
    scene.fault("dev_apply_list@page=1:behind=60000:#1");
    let report = scene.pass().await;
    assert_eq!((report.brake.as_deref(), report.agreed), (None, 1), "{report:#?}");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_service_did_is_no_stranger_to_a_person_whose_first_reading_lags() {
    let scene = a_page_each([good("wx-one", 1), ask("wx-ask", 2)]).await;
    scene.pass().await;
    scene.fault("dev_apply_list@page=1:behind=60000:#1");
    scene.run("review agree wx-ask --yes").exits(0);
    assert_eq!(scene.sql("SELECT why FROM brakes").await, Vec::<String>::new());
    scene.end();
}

#[tokio::test]
async fn what_wechat_called_decided_is_no_stranger_when_the_list_shows_it_late() {
    // In the same pass, beside the next one that goes alone.
    let scene = a_page_each([ask("wx-ask", 1), good("wx-person", 2), good("wx-one", 3)]).await;
    assert_eq!(scene.world.person_agrees("wx-person"), Moved::Moved);
    scene.fault("dev_apply_list@page=2:behind=60000:4");
    let report = scene.pass().await;
    assert_eq!((report.brake.as_deref(), report.agreed, report.failed), (None, 1, 1), "{report:#?}");
    scene.end();
    // In the next pass, where it does not come to its turn.
    let scene = a_page_each([good("wx-person", 2)]).await.settings("limits = { per_pass = 1 }");
    assert_eq!(scene.world.person_agrees("wx-person"), Moved::Moved);
    scene.fault("dev_apply_list@page=1:behind=60000:4");
    scene.pass().await;
    assert_eq!(scene.story().await, ["wx-person agree failed"]);
    scene.arrive(good("wx-older", 1));
    scene.fault("dev_apply_list@page=2:behind=60000:1");
    let report = scene.pass().await;
    assert_eq!((report.brake.as_deref(), report.agreed), (None, 1), "{report:#?}");
    scene.pass().await;
    assert_eq!(told_elsewhere(&scene).await, ["wx-person"]);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_call_explains_is_not_told_as_made_elsewhere_by_half_a_list() {
    let scene = a_page_each([good("wx-one", 1), ask("wx-ask", 2)]).await;
    scene.fault("dev_agree:lost-after:1");
    scene.fault("dev_agree:lag=4:1");
    scene.pass().await;
    scene.run("pause").exits(0);
    scene.pass().await;
    let paused = ["wx-ask hold held", "wx-one agree (pause) held", "wx-one agree failed"];
    assert_eq!(sorted_story(&scene).await, paused);
    scene.fault("dev_apply_list@page=2:http=500:always");
    scene.pass().await;
    assert_eq!(sorted_story(&scene).await, paused, "a complete list will tell whose it was");
    scene.calm();
    scene.pass().await;
    assert_eq!(told_elsewhere(&scene).await, Vec::<String>::new());
    let done = ["wx-ask hold held", "wx-one agree (pause) held", "wx-one agree done"];
    assert_eq!(sorted_story(&scene).await, done);
    scene.end();
}

#[tokio::test]
async fn who_waits_longest_once_the_oldest_is_decided_proves_nothing() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-oldest", 1));
    scene.arrive(bad("wx-bad", 2));
    let report = scene.pass().await;
    assert_eq!((report.agreed, report.refused, report.failed()), (1, 1, false), "{report:#?}");
    // A WeChat that refuses whoever waits longest would have refused the same one.
    scene.arrive(ask("wx-waiting", 3));
    scene.arrive(bad("wx-worse", 4));
    scene.arrive(bad("wx-worst", 5));
    scene.fault("dev_refuse:hits=oldest:always");
    let report = scene.pass().await;
    assert!(report.brake.is_some(), "{report:#?}");
    assert_eq!(calls(&scene, "dev_refuse"), 2, "one more went, alone");
}

#[tokio::test]
async fn what_somebody_else_did_first_proves_nothing() {
    let scene = Scene::empty().await;
    for (number, appid) in ["wx-one", "wx-two", "wx-three"].iter().enumerate() {
        scene.arrive(good(appid, 2 + i64::try_from(number).expect("small")));
    }
    scene.arrive(ask("wx-waiting", 1));
    // A person was faster than the first agree, and whom the next ones name does not matter to WeChat.
    scene.fault("dev_agree:overtaken:1");
    scene.fault("dev_agree:hits=oldest:#2");
    let report = scene.pass().await;
    assert!(report.brake.is_some(), "{report:#?}");
    assert_eq!(calls(&scene, "dev_agree"), 2, "the second went alone, too");
}

#[tokio::test]
async fn a_create_time_that_comes_and_goes_pulls_no_brake() {
    for (first, later) in [("", "create-time-missing"), ("create-time-missing", "")] {
        let scene = Scene::empty().await;
        scene.arrive(good("wx-one", 1));
        let bent = |kind: &str| {
            scene.calm();
            if !kind.is_empty() {
                scene.fault(&format!("dev_apply_list@appid=wx-one:malformed={kind}:always"));
            }
        };
        bent(first);
        let report = pass_with(&scene, || bent(later)).await;
        assert_eq!(report.brake, None, "{first} {later}: {report:#?}");
        assert!(report.failed(), "it could not be verified: {report:#?}");
        assert_eq!(scene.story().await, ["wx-one agree done"]);
        assert_eq!(scene.world.status("wx-one"), Some(Status::Approved));
    }
}

#[tokio::test]
async fn another_entry_that_cannot_be_read_may_be_the_one_that_is_missing() {
    let scene = Scene::empty().await;
    scene.arrive(good("wx-one", 1));
    scene.arrive(ask("wx-newest", 2));
    // Whatever comes first on a page cannot be read.
    scene.fault("dev_apply_list:malformed=appid-number:always");
    let report = pass_with(&scene, || assert_eq!(scene.world.withdraw("wx-newest"), Moved::Moved)).await;
    assert_eq!(report.brake, None, "{report:#?}");
    scene.calm();
    let report = scene.pass().await;
    assert!(!report.failed(), "{report:#?}");
    assert_eq!(scene.story().await, ["wx-one agree done"]);
    scene.end();
}

#[tokio::test]
async fn who_is_refused_and_applies_again_at_once_without_a_create_time_pulls_no_brake() {
    let scene = Scene::empty().await;
    scene.arrive(bad("wx-again", 1).without("create_time"));
    let report = pass_with(&scene, || scene.arrive(good("wx-again", 2).without("create_time"))).await;
    assert_eq!((report.brake.as_deref(), report.refused), (None, 1), "{report:#?}");
    scene.pass().await;
    assert_eq!(scene.story().await, ["wx-again refuse done", "wx-again hold (ambiguous) held"]);
    assert_eq!(calls(&scene, "dev_agree"), 0);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_refused_and_applied_again_without_a_create_time_is_decided_by_a_person() {
    let scene = Scene::empty().await;
    scene.arrive(bad("wx-again", 1).without("create_time"));
    scene.pass().await;
    scene.arrive(good("wx-again", 2).without("create_time"));
    scene.pass().await;
    scene.run("review agree wx-again --yes").exits(0).says("done");
    let story = ["wx-again refuse done", "wx-again hold (ambiguous) held", "wx-again agree done"];
    assert_eq!(scene.story().await, story);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_first_of_two_readings_showed_settles_what_a_crash_left() {
    let scene = a_page_each([ask("wx-ask", 1), good("wx-zero", 2)]).await.settings("max_in_flight = 4");
    scene.pass().await;
    scene.arrive(good("wx-one", 3));
    scene.arrive(good("wx-gone", 4));
    scene.fault("dev_agree@appid=wx-one:hang-after:1");
    scene.fault("dev_agree@appid=wx-gone:hang:1");
    let pass = Running::start(&mut scene.menshen(["run", "--once"]));
    until("both calls", || calls(&scene, "dev_agree") == 3);
    pass.kill();
    assert_eq!(scene.world.withdraw("wx-gone"), Moved::Moved);
    assert_eq!(scene.world.status("wx-one"), Some(Status::Approved));
    // One is missing, so the list is read twice; the second reading lags.
    scene.fault("dev_apply_list@page=3:behind=60000:#2");
    scene.pass().await;
    assert_eq!(calls(&scene, "dev_agree"), 3, "it was seen to be done");
    let story = ["wx-ask hold held", "wx-gone agree overtaken", "wx-one agree done", "wx-zero agree done"];
    assert_eq!(sorted_story(&scene).await, story);
    scene.end();
}
