//! Stories of passes: the real client and a real audit log against the sandbox, over HTTP.
//!
//! Each story ends with what always holds: no injected fault was left unused, and
//! WeChat never accepted two changes of one application.

mod support;

use menshen::policy::{Brake, Outcome};
use menshen::sandbox::{Application, Moved, Options, World};
use menshen::service::{PassReport, Stage, Watch};
use menshen::store::RecordedVerdict;
use support::Scene;

/// Agreed, refused and held by the usual rules, in the order of their age.
async fn three(scene: &Scene) {
    scene.arrive(Application::new("wx-good").created_at(an_hour_ago() + 1));
    scene.arrive(Application::new("wx-bad").created_at(an_hour_ago() + 2).reason("博 彩 平台引流"));
    scene.arrive(Application::new("wx-ask").created_at(an_hour_ago() + 3).reason("希望合作，请联系"));
}

/// A create_time well within the pending window.
fn an_hour_ago() -> i64 {
    jiff::Timestamp::now().as_second() - 3_600
}

const THREE: [&str; 3] = ["wx-good agree done", "wx-bad refuse done", "wx-ask hold held"];

fn sorted(mut story: Vec<String>) -> Vec<String> {
    story.sort();
    story
}

async fn check_story(scene: &Scene, expected: &[&str]) {
    let mut expected: Vec<String> = expected.iter().map(|line| (*line).to_owned()).collect();
    expected.sort();
    assert_eq!(sorted(scene.story().await), expected);
}

fn calls(scene: &Scene, action: &str) -> usize {
    scene.world.calls(action).len()
}

fn assert_clean(report: &PassReport) {
    assert!(!report.failed(), "{report:#?}");
}

#[tokio::test]
async fn the_main_job() {
    let scene = Scene::empty().await;
    three(&scene).await;
    let report = scene.pass().await;
    assert_clean(&report);
    assert_eq!((report.agreed, report.refused, report.held, report.pending), (1, 1, 1, 3));
    check_story(&scene, &THREE).await;
    let rows = scene.rows().await;
    let refused = rows.iter().find(|row| row.verdict == RecordedVerdict::Refuse).expect("one was refused");
    assert_eq!(refused.rule.as_deref(), Some("gambling words"));
    assert_eq!(refused.message.as_deref(), Some("申请说明含有「博彩」，请修改后重新申请。"));
    assert_eq!((refused.errcode, refused.attempts), (Some(0), 1));
    assert!(
        scene.world.calls("dev_refuse").iter().all(|call| call.appid.as_deref() == Some("wx-bad") && call.has_reason)
    );
    scene.end();
}

/// What a pass says of its end: whether it is complete, who is still undecided, and since when the oldest of them waits.
#[tokio::test]
async fn a_report_tells_what_is_left() {
    let oldest = jiff::Timestamp::from_second(an_hour_ago() + 3).expect("an instant");
    let scene = Scene::empty().await;
    three(&scene).await;
    let report = scene.pass().await;
    assert_eq!((report.complete, report.pending, report.undecided), (true, 3, 1));
    assert!(report.oldest.is_some_and(|found| found.duration_since(oldest).as_secs().abs() <= 1), "{report:?}");
    let again = scene.pass().await;
    assert_eq!((again.complete, again.undecided, again.oldest), (true, 1, report.oldest), "known ones count");
    scene.end();

    let shadow = Scene::empty().await.shadow();
    three(&shadow).await;
    let report = shadow.pass().await;
    assert_eq!((report.complete, report.undecided), (true, 3));

    let limited = Scene::empty().await.settings("limits = { agree_per_day = 0 }");
    three(&limited).await;
    assert_eq!(limited.pass().await.undecided, 2, "one is held, one kept back");

    let refused = Scene::empty().await;
    three(&refused).await;
    refused.fault("dev_agree:errcode=40013:always");
    let report = refused.pass().await;
    assert_eq!((report.failed > 0 || !report.troubles.is_empty(), report.complete, report.undecided), (true, true, 2));

    let torn = Scene::empty().await;
    three(&torn).await;
    torn.fault("dev_apply_list@page=2:html:always");
    assert!(!torn.pass().await.complete, "a list with a gap");

    let (stopped, watch) = (Scene::empty().await, Watch::default());
    watch.stop.cancel();
    let service = stopped.service().await;
    let report = service.accounts()[0].pass(service.store(), &watch, &|_| ()).await;
    assert_eq!((report.complete, report.stopped), (false, true));

    let unverified = Scene::empty().await;
    three(&unverified).await;
    let service = unverified.service().await;
    let once = std::sync::Once::new();
    let no_list_after_acting = |stage| {
        if matches!(stage, Stage::Acting { .. }) {
            once.call_once(|| unverified.fault("dev_apply_list:http=500:always"));
        }
    };
    let report = service.accounts()[0].pass(service.store(), &Watch::default(), &no_list_after_acting).await;
    assert_eq!((report.agreed, report.undecided), (1, 2), "what WeChat accepted is decided: {report:#?}");
}

#[tokio::test]
async fn a_second_pass_does_nothing_and_records_nothing_new() {
    let scene = Scene::empty().await;
    three(&scene).await;
    scene.pass().await;
    let (agrees, refusals, rows) = (calls(&scene, "dev_agree"), calls(&scene, "dev_refuse"), scene.rows().await);
    let report = scene.pass().await;
    assert_clean(&report);
    assert!(!report.acted());
    assert_eq!(report.known, 1);
    assert_eq!((calls(&scene, "dev_agree"), calls(&scene, "dev_refuse")), (agrees, refusals));
    assert_eq!(scene.rows().await, rows);
    scene.end();
}

#[tokio::test]
async fn shadow_mode_decides_and_never_acts() {
    let scene = Scene::empty().await.shadow();
    three(&scene).await;
    let report = scene.pass().await;
    assert_clean(&report);
    assert_eq!((report.shadow, report.agreed, report.refused), (3, 0, 0));
    check_story(&scene, &["wx-good agree shadow", "wx-bad refuse shadow", "wx-ask hold shadow"]).await;
    assert_eq!(calls(&scene, "dev_agree") + calls(&scene, "dev_refuse"), 0);
    let again = scene.pass().await;
    assert_eq!((again.known, again.shadow), (3, 0), "nothing changed, so nothing is written");
    scene.end();
}

#[tokio::test]
async fn the_first_of_each_action_goes_alone() {
    let scene = Scene::empty().await;
    for number in 0..6 {
        scene.arrive(Application::new(format!("wx-good-{number}")).created_at(an_hour_ago() + number));
        scene.arrive(
            Application::new(format!("wx-bad-{number}")).created_at(an_hour_ago() + 100 + number).reason("赌博"),
        );
    }
    assert_clean(&scene.pass().await);
    let actions: Vec<String> = scene.world.ledger().iter().filter_map(|call| call.action.clone()).collect();
    let first_agree = actions.iter().position(|action| action == "dev_agree").expect("an agree");
    let first_refuse = actions.iter().position(|action| action == "dev_refuse").expect("a refusal");
    assert_eq!(actions[first_agree + 1], "dev_apply_list", "read again before anything else: {actions:?}");
    assert_eq!(actions[first_refuse + 1], "dev_apply_list", "read again before anything else: {actions:?}");
    assert_eq!((calls(&scene, "dev_agree"), calls(&scene, "dev_refuse")), (6, 6));
    scene.end();
}

#[tokio::test]
async fn a_lost_answer_is_read_before_it_is_repeated() {
    for (fault, calls_expected) in [
        ("dev_agree:lost-after:1", 1),
        ("dev_agree:reset-after:1", 1),
        ("dev_agree:http-after=502:1", 1),
        ("dev_agree:busy-after:1", 1),
        ("dev_agree:truncated:1", 1),
        ("dev_agree:html-after:1", 1),
        ("dev_agree:empty-after:1", 1),
        ("dev_agree:hang-after:1", 1),
        ("dev_agree:lost:1", 2),
        ("dev_agree:busy:1", 2),
        ("dev_agree:http=503:1", 2),
    ] {
        let scene = Scene::empty().await;
        scene.arrive(Application::new("wx-good"));
        scene.fault(fault);
        scene.pass().await;
        scene.pass().await;
        check_story(&scene, &["wx-good agree done"]).await;
        assert_eq!(calls(&scene, "dev_agree"), calls_expected, "{fault}");
        let rows = scene.rows().await;
        assert_eq!(rows[0].attempts as usize, calls_expected, "{fault}");
        scene.end();
    }
}

#[tokio::test]
async fn a_refusal_that_hits_another_pulls_the_brake() {
    for fault in
        ["dev_refuse:hits=oldest:1", "dev_refuse:hits=all:1", "dev_refuse:hits=none:1", "dev_refuse:hits=other:1"]
    {
        let scene = Scene::empty().await;
        scene.arrive(Application::new("wx-ask").created_at(an_hour_ago() + 1).reason("合作"));
        scene.arrive(Application::new("wx-bad-1").created_at(an_hour_ago() + 2).reason("赌博"));
        scene.arrive(Application::new("wx-bad-2").created_at(an_hour_ago() + 3).reason("赌博"));
        scene.fault(fault);
        let report = scene.pass().await;
        assert!(report.failed() && report.brake.is_some(), "{fault}: {report:#?}");
        assert_eq!(calls(&scene, "dev_refuse"), 1, "{fault}: nothing more is sent");
        let next = scene.pass().await;
        assert_eq!(calls(&scene, "dev_refuse"), 1, "{fault}: not in the next pass either");
        assert_eq!(next.agreed + next.refused, 0);
        let braked: Vec<_> =
            scene.rows().await.into_iter().filter(|row| row.brake == Some(Brake::Verification)).collect();
        assert!(braked.iter().all(|row| row.outcome == Outcome::Held), "{fault}");
        assert_eq!(braked.is_empty(), fault.contains("hits=all"), "{fault}: who is still pending is held by the brake");
        assert!(scene.world.unused_faults().is_empty());
    }
}

#[tokio::test]
async fn a_list_that_lags_is_no_mismatch() {
    let scene = Scene::empty().await;
    three(&scene).await;
    scene.fault("dev_agree:lag=2:always");
    let report = scene.pass().await;
    assert_clean(&report);
    check_story(&scene, &THREE).await;
    scene.end();
}

#[tokio::test]
async fn a_token_that_dies_is_asked_for_again_once() {
    let scene = Scene::empty().await;
    three(&scene).await;
    scene.fault("dev_agree:token-dies:1");
    assert_clean(&scene.pass().await);
    check_story(&scene, &THREE).await;
    scene.end();
}

#[tokio::test]
async fn a_list_that_breaks_off_decides_what_was_read_and_fails() {
    let options = Options { num_cap: 2, ..Options::empty() };
    let scene = Scene::of(World::in_memory(options)).await;
    for number in 0..6 {
        scene.arrive(Application::new(format!("wx-good-{number}")).created_at(an_hour_ago() + number));
    }
    scene.fault("dev_apply_list@page=2:http=500:8");
    let report = scene.pass().await;
    assert!(report.failed());
    assert!(report.agreed >= 1 || !report.troubles.is_empty(), "{report:#?}");
    scene.calm();
    scene.pass().await;
    assert!(scene.story().await.iter().all(|line| line.ends_with("agree done")), "{:?}", scene.story().await);
}

#[tokio::test]
async fn a_broken_entry_takes_no_other_with_it() {
    for (kind, unreadable, held) in [
        ("categories-string", 0, 1),
        ("nickname-number", 0, 1),
        ("reason-object", 0, 1),
        ("status-string", 0, 0),
        ("appid-number", 1, 0),
        ("appid-missing", 1, 0),
        ("appid-empty", 1, 0),
        ("entry-string", 1, 0),
        ("status-missing", 1, 0),
        ("create-time-number", 0, 0),
        ("create-time-text", 0, 0),
        ("create-time-missing", 0, 0),
        ("lone-surrogate", 0, 0),
    ] {
        let scene = Scene::empty().await;
        scene.arrive(Application::new("wx-good"));
        scene.arrive(Application::new("wx-broken"));
        scene.fault(&format!("dev_apply_list@appid=wx-broken:malformed={kind}:always"));
        let report = scene.pass().await;
        assert_eq!((report.unreadable > 0, report.held), (unreadable > 0, held), "{kind}: {report:#?}");
        let story = scene.story().await;
        assert!(story.contains(&"wx-good agree done".to_owned()), "{kind}: {story:?}");
        if held > 0 {
            assert!(story.contains(&"wx-broken hold (malformed) held".to_owned()), "{kind}: {story:?}");
        }
        scene.end();
    }
}

#[tokio::test]
async fn two_pending_entries_of_one_appid_are_held() {
    let scene = Scene::empty().await;
    scene.arrive(Application::new("wx-twice").created_at(an_hour_ago() + 1));
    scene.arrive(Application::new("wx-twice").created_at(an_hour_ago() + 2));
    scene.arrive(Application::new("wx-good").created_at(an_hour_ago() + 3));
    assert_clean(&scene.pass().await);
    check_story(&scene, &["wx-twice hold (ambiguous) held", "wx-twice hold (ambiguous) held", "wx-good agree done"])
        .await;
    scene.end();
}

#[tokio::test]
async fn limits_hold_what_is_beyond_them() {
    let scene = Scene::empty().await.settings("limits = { agree_per_day = 2 }");
    for number in 0..5 {
        scene.arrive(Application::new(format!("wx-{number}")).created_at(an_hour_ago() + number));
    }
    let report = scene.pass().await;
    assert_clean(&report);
    assert_eq!((report.agreed, report.braked), (2, 3));
    let again = scene.pass().await;
    assert_eq!((again.agreed, again.known), (0, 3), "the limit survives, and nothing new is written");
    scene.end();
}

#[tokio::test]
async fn a_quota_that_is_used_up_pauses_the_account() {
    let scene = Scene::empty().await;
    for number in 0..40 {
        scene.arrive(Application::new(format!("wx-{number:02}")).created_at(an_hour_ago() + number));
    }
    scene.fault("dev_agree:errcode=45009:always");
    let report = scene.pass().await;
    assert!(report.failed());
    assert!(report.troubles.iter().any(|trouble| trouble.errcode == Some(45009)), "{report:#?}");
    assert!(calls(&scene, "dev_agree") <= 5, "{}", calls(&scene, "dev_agree"));
    scene.calm();
    scene.pass().await;
    assert!(scene.story().await.iter().all(|line| line.ends_with("agree done")), "{:?}", scene.story().await);
}

#[tokio::test]
async fn somebody_else_was_faster() {
    let scene = Scene::empty().await;
    scene.arrive(Application::new("wx-good"));
    scene.fault("dev_agree:overtaken:1");
    let report = scene.pass().await;
    assert_eq!((report.agreed, report.overtaken), (0, 1), "{report:#?}");
    assert!(report.brake.is_none());
    check_story(&scene, &["wx-good agree overtaken"]).await;
    scene.end();
}

#[tokio::test]
async fn an_application_withdrawn_in_between_is_overtaken() {
    let scene = Scene::empty().await;
    scene.arrive(Application::new("wx-good"));
    scene.fault("dev_agree:withdrawn:1");
    let report = scene.pass().await;
    assert!(report.brake.is_none(), "{report:#?}");
    check_story(&scene, &["wx-good agree overtaken"]).await;
    scene.end();
}

#[tokio::test]
async fn changed_rules_decide_anew() {
    let scene = Scene::empty().await.rules("[[rule]]\nname = \"wait\"\naction = \"hold\"\nwhen = { always = true }\n");
    scene.arrive(Application::new("wx-good"));
    scene.pass().await;
    let scene = scene.rules(support::RULES);
    scene.pass().await;
    assert_eq!(scene.story().await, ["wx-good hold held", "wx-good agree done"]);
    scene.end();
}

#[tokio::test]
async fn entries_that_move_between_pages_are_decided_once() {
    let options = Options { num_cap: 3, applications: Some(40), pending: Some(20), ..Options::default() };
    let scene = Scene::of(World::in_memory(options)).await;
    scene.fault("dev_apply_list:drift=1:every/3");
    for _ in 0..3 {
        scene.pass().await;
    }
    let rows = scene.rows().await;
    let mut done: Vec<&str> =
        rows.iter().filter(|row| row.outcome == Outcome::Done).map(|row| row.appid.as_str()).collect();
    done.sort_unstable();
    let once = done.len();
    done.dedup();
    assert_eq!(done.len(), once, "nobody is decided twice");
    scene.end();
}

/// What became of the applicant before decides: refused once, a person is asked; and who was let in stays welcome.
const LOOKING_BACK: &str = r#"
[[rule]]
name    = "gambling words"
action  = "refuse"
message = "申请说明含有「{keyword}」"
when    = { reason = { any = ["博彩"] } }

[[rule]]
name    = "refused again and again"
action  = "refuse"
message = "多次被拒，请联系客服"
when    = { previous = { refused = 2, within = "30d" } }

[[rule]]
name   = "refused before"
action = "hold"
when   = { previous = { refused = 1 } }
unless = { previous = { refused = 2 } }

[[rule]]
name   = "let in before"
action = "agree"
when   = { previous = { agreed = 1 } }

[[rule]]
name   = "known trades"
action = "agree"
when   = { category = { all = ["物流服务"] } }
"#;

#[tokio::test]
async fn earlier_applications_of_the_same_applicant_decide() {
    let scene = Scene::empty().await.rules(LOOKING_BACK);
    let apply = |appid: &str, minute: i64, reason: &str| {
        scene.arrive(Application::new(appid).created_at(an_hour_ago() + minute * 60).reason(reason));
    };
    // How an applicant's newest row reads, and how many rows there are.
    let decided = async |appid: &str| {
        let rows = scene.rows().await;
        let row = rows.iter().rfind(|row| row.appid == appid).expect("a row");
        (rows.len(), format!("{} {}: {}", row.verdict, row.rule.as_deref().unwrap_or_default(), row.outcome))
    };
    apply("wx-shady", 1, "博 彩 平台");
    apply("wx-other", 2, "查件");
    assert_clean(&scene.pass().await);
    assert_eq!(decided("wx-shady").await, (2, "refuse gambling words: done".to_owned()));
    assert_eq!(decided("wx-other").await, (2, "agree known trades: done".to_owned()));

    // Clean words now, but refused before; nobody else is held for it, nor is it told of its own row.
    apply("wx-shady", 3, "查件");
    apply("wx-third", 4, "查件");
    assert_clean(&scene.pass().await);
    assert_eq!(decided("wx-shady").await, (4, "hold refused before: held".to_owned()));
    assert_eq!(decided("wx-third").await, (4, "agree known trades: done".to_owned()));
    let again = scene.pass().await;
    assert_eq!((again.known, scene.rows().await.len()), (1, 4), "the held one is no earlier application of itself");

    // Bad words again, and after that it is refused whatever it says.
    assert_eq!(scene.world.withdraw("wx-shady"), Moved::Moved);
    apply("wx-shady", 5, "赌博，博彩");
    assert_clean(&scene.pass().await);
    assert_eq!(decided("wx-shady").await, (5, "refuse gambling words: done".to_owned()));
    apply("wx-shady", 6, "查件");
    assert_clean(&scene.pass().await);
    assert_eq!(decided("wx-shady").await, (6, "refuse refused again and again: done".to_owned()));

    // Whoever was let in may come back with another category.
    scene.arrive(Application::new("wx-other").created_at(an_hour_ago() + 420).categories([("餐饮", "点餐")]));
    assert_clean(&scene.pass().await);
    assert_eq!(decided("wx-other").await, (7, "agree let in before: done".to_owned()));
    scene.end();
}
