//! Notices, as those who get them see them: the real service and the real log, and robots on loopback that check what
//! the real ones check.

mod support;

use jiff::{SignedDuration, Timestamp};
use menshen::sandbox::Application;
use menshen::store::{BrakeKind, BrakeScope, NewBrake};
use rustix::process::Signal;
use serde_json::Value;
use support::Scene;
use support::desk::{Desk, held, hours_ago, later, told, wecom};
use support::process::{Running, until};
use support::robots::{Model, RobotServer, Rules, url_at};

const FEISHU_SECRET: &str = "canary-feishu-secret";

#[tokio::test]
async fn what_is_held_is_told_once_in_one_message() {
    let (scene, robot) = wecom("events = [\"held\"]").await;
    for number in 0..3 {
        scene.arrive(held(number));
    }
    let mut desk = Desk::open(&scene).await;
    desk.pass().await;
    assert_eq!(desk.tell(later(0)).await, (1, vec![]));
    desk.pass().await;
    assert_eq!(desk.tell(later(1)).await, (0, vec![]), "nothing is told twice");
    let texts = robot.texts();
    assert_eq!(texts.len(), 1, "{texts:?}");
    for part in [
        "3 个申请待人工审核",
        "店铺0",
        "wx-00",
        "店铺2",
        "express",
        "类目：物流服务/查件",
        "理由：想谈合作，请联系",
        "规则：ask a person",
        "剩余 2",
        "menshen review show wx-01",
    ] {
        assert!(texts[0].contains(part), "no {part:?} in:\n{}", texts[0]);
    }
    scene.arrive(held(7));
    desk.pass().await;
    desk.tell(later(2)).await;
    assert!(robot.texts()[1].contains("1 个申请待人工审核"), "{:?}", robot.texts());
    desk.close().await;
    scene.end();
}

#[tokio::test]
async fn what_the_next_passes_may_do_is_told_as_held_when_they_have_not() {
    let (mut scene, robot) = wecom("events = [\"held\"]").await;
    scene.settings = format!("limits = {{ per_pass = 1 }}\n{}", scene.settings);
    for number in 0..3 {
        scene.arrive(Application::new(format!("wx-{number:02}")).created_at(hours_ago(1) + number));
    }
    let mut desk = Desk::open(&scene).await;
    assert_eq!(desk.pass().await.braked, 2);
    assert_eq!(desk.tell(later(0)).await, (0, vec![]));
    desk.pass().await;
    assert_eq!(desk.tell(later(14)).await, (0, vec![]));
    assert_eq!(desk.tell(later(16)).await, (1, vec![]), "one still waits");
    assert!(robot.texts()[0].contains("1 个申请待人工审核"), "{:?}", robot.texts());
    desk.pass().await;
    assert_eq!(desk.tell(later(17)).await, (0, vec![]));
    desk.close().await;
    scene.end();
}

#[tokio::test]
async fn every_robot_takes_what_is_sent() {
    let feishu_rules = Rules { secret: Some(FEISHU_SECRET), keyword: Some("门神"), ..Rules::default() };
    let dingtalk_rules = Rules { secret: Some("SECcanary"), keyword: Some("门神"), ..Rules::default() };
    let webhook_rules = Rules { secret: Some("canary-webhook"), ..Rules::default() };
    let wecom = RobotServer::start(Model::Wecom, Rules::default()).await;
    let feishu = RobotServer::start(Model::Feishu, feishu_rules).await;
    let dingtalk = RobotServer::start(Model::Dingtalk, dingtalk_rules).await;
    let webhook = RobotServer::start(Model::Webhook, webhook_rules).await;
    let mut scene = Scene::empty().await;
    for (name, secret) in [("feishu", FEISHU_SECRET), ("dingtalk", "SECcanary"), ("webhook", "canary-webhook")] {
        std::fs::write(scene.dir.path().join(format!("{name}.secret")), secret).expect("a file");
    }
    let more = |name: &str, more: &str| format!("secret = {{ file = \"{name}.secret\" }}\nevents = [\"held\"]\n{more}");
    scene.settings = [
        told(&scene, "wecom", "wecom", &wecom.url(), "events = [\"held\"]"),
        told(&scene, "feishu", "feishu", &feishu.url(), &more("feishu", "keyword = \"门神\"")),
        told(
            &scene,
            "dingtalk",
            "dingtalk",
            &dingtalk.url(),
            &more("dingtalk", "keyword = \"门神\"\nlanguage = \"en\""),
        ),
        told(&scene, "webhook", "webhook", &webhook.url(), &more("webhook", "")),
    ]
    .concat();
    // Far more than fits, each as long as can be, and of characters that grow in JSON.
    for number in 0..120 {
        scene.arrive(held(number).nickname("\"\\店".repeat(60)).reason(format!("合作{}", "\"长\n".repeat(150))));
    }
    let mut desk = Desk::open(&scene).await;
    desk.pass().await;
    assert_eq!(desk.tell(later(0)).await, (4, vec![]));
    for (robot, more) in [(&wecom, "……还有"), (&feishu, "……还有"), (&dingtalk, "more")] {
        assert!(robot.refused().is_empty(), "{:?}", robot.refused());
        let text = robot.texts().pop().expect("a message");
        assert!(text.contains(more) && text.contains("120"), "{text}");
    }
    assert_eq!(dingtalk.taken()[0]["at"]["isAtAll"], false);
    let body = webhook.taken().pop().expect("a message");
    assert_eq!(body["version"], 1);
    assert_eq!(body["event"], "held");
    assert_eq!(body["count"], 120);
    assert_eq!(body["accounts"]["express"], 120);
    assert_eq!(body["applications"].as_array().map(Vec::len), Some(120));
    assert_eq!(body["applications"][0]["rule"], "ask a person");
    desk.close().await;
    scene.end();
}

#[tokio::test]
async fn a_hostile_applicant_writes_text() {
    let (scene, wecom) = wecom("events = [\"held\"]").await;
    scene.arrive(
        Application::new("wx-00")
            .nickname("<@all> [领奖](https://evil.example) **粗**")
            .reason("合作\n> 引用\n# 标题 @13800138000 <at user_id=\"all\">所有人</at> <font color=\"info\">绿</font>")
            .categories([("物流服务", "查件")])
            .created_at(hours_ago(1)),
    );
    let mut desk = Desk::open(&scene).await;
    desk.pass().await;
    desk.tell(later(0)).await;
    let text = wecom.texts().pop().expect("a message");
    let theirs = text.lines().skip(1).collect::<Vec<_>>().join("\n");
    for markup in ["<", "[", "](", "@", "https://", "evil.example", "# ", "**"] {
        assert!(!theirs.contains(markup), "{markup:?} in {theirs}");
    }
    assert!(!theirs.lines().any(|line| line.starts_with(['>', '#', '-'])), "{theirs}");
    assert!(text.contains("＜＠all＞") && text.contains("＠13800138000"), "{text}");
    desk.close().await;
    scene.end();
}

#[tokio::test]
async fn counts_leave_every_word_out() {
    let (scene, robot) = wecom("events = [\"held\", \"deadline\"]\ncontent = \"counts\"").await;
    scene.arrive(held(1).nickname("不该出现").created_at(hours_ago(20)));
    let mut desk = Desk::open(&scene).await;
    desk.pass().await;
    assert_eq!(desk.tell(later(0)).await, (2, vec![]));
    for text in robot.texts() {
        assert!(text.contains("express：1 个") && !text.contains("不该出现") && !text.contains("wx-01"), "{text}");
    }
    let kept = scene.sql("SELECT count(*) || '' FROM letters").await;
    assert_eq!(kept, ["0"], "delivered is gone");
    desk.close().await;
    scene.end();
}

#[tokio::test]
async fn too_much_is_waited_out() {
    for (model, kind, wait, code) in [
        (Model::Wecom, "wecom", 2, "45009"),
        (Model::Feishu, "feishu", 2, "11232"),
        (Model::Dingtalk, "dingtalk", 12, "130101"),
    ] {
        let robot = RobotServer::start(model, Rules { takes: Some(0), ..Rules::default() }).await;
        let mut scene = Scene::empty().await;
        scene.settings = told(&scene, "reviewers", kind, &robot.url(), "events = [\"held\"]");
        scene.arrive(held(1));
        let mut desk = Desk::open(&scene).await;
        desk.pass().await;
        let start = later(0);
        let (_, failed) = desk.tell(start).await;
        assert!(failed[0].contains(code) && !failed[0].contains("canary"), "{failed:?}");
        robot.rules(Rules::default());
        assert_eq!(desk.tell(start + SignedDuration::from_secs(30)).await, (0, vec![]));
        assert_eq!(robot.texts().len(), 0, "{kind} is left alone while it wants no more");
        let after = later(wait);
        assert_eq!(desk.tell(after).await, (0, vec![]));
        assert_eq!(robot.texts().len(), 1, "{kind}");
        desk.close().await;
        scene.end();
    }
}

#[tokio::test]
async fn no_robot_is_told_more_often_than_it_allows() {
    let (scene, robot) = wecom("events = [\"held\"]").await;
    let mut desk = Desk::open(&scene).await;
    let now = later(0);
    for number in 0..30 {
        scene.arrive(held(number));
        desk.pass().await;
        desk.tell(now + SignedDuration::from_secs(number)).await;
    }
    assert_eq!(robot.texts().len(), 10, "half of what WeCom takes in a minute");
    for minute in 1..4 {
        desk.tell(now + SignedDuration::from_secs(61 * minute + 30)).await;
        desk.tell(now + SignedDuration::from_secs(61 * minute + 31)).await;
    }
    assert_eq!(robot.texts().len(), 30, "and nothing is lost");
    desk.close().await;
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_robot_that_was_down_is_told_after_a_restart() {
    let (mut scene, robot) = wecom("events = [\"held\"]").await;
    scene.service = "mode = \"live\"\nschedule = \"* * * * * *\"".to_owned();
    scene.arrive(held(1));
    let addr = robot.addr;
    drop(robot);
    let service = Running::start(&mut scene.menshen(["run"]));
    service.line("a notice was not delivered", 1);
    service.signal(Signal::TERM);
    let done = service.wait().exits(0);
    assert!(!done.err.contains("canary-robot-key") && !done.err.contains("店铺1"), "{}", done.err);
    let robot = RobotServer::at(addr, Model::Wecom, Rules::default()).await;
    let service = Running::start(&mut scene.menshen(["run"]));
    until("the notice", || !robot.texts().is_empty());
    service.signal(Signal::TERM);
    service.wait().exits(0);
    assert_eq!(robot.texts().len(), 1);
    assert!(robot.texts()[0].contains("店铺1"), "{:?}", robot.texts());
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_round_tells_too_and_a_dry_run_tells_nobody() {
    let (mut scene, robot) = wecom("").await;
    scene.service = "mode = \"shadow\"".to_owned();
    scene.arrive(held(1));
    scene.run("run --dry-run").exits(0);
    assert!(robot.taken().is_empty());
    scene.run("run --once").exits(0);
    let text = robot.texts().into_iter().find(|text| text.contains("店铺1")).expect("a message");
    assert!(text.contains("试运行"), "{text}");
    scene.end();
}

#[tokio::test]
async fn deadlines_time_outs_brakes_and_failures() {
    let (scene, robot) =
        wecom("events = [\"deadline\", \"timed_out\", \"brake\", \"failing\"]\nlanguage = \"en\"").await;
    scene.arrive(held(1).created_at(hours_ago(20)));
    scene.arrive(held(2));
    let mut desk = Desk::open(&scene).await;
    desk.pass().await;
    assert_eq!(desk.tell(later(0)).await, (1, vec![]));
    assert!(robot.texts()[0].contains("1 application(s) will soon be timed out"), "{:?}", robot.texts());
    desk.pass().await;
    assert_eq!(desk.tell(later(1)).await.0, 0, "once");

    let scope = BrakeScope::default();
    let why = Some("<@all> rules under review".to_owned());
    let brake =
        NewBrake { at: Timestamp::now(), kind: BrakeKind::Pause, scope: scope.clone(), why, who: "cli:me".into() };
    desk.service.store().pull_brake(&brake).await.expect("a log");
    desk.tell(later(2)).await;
    let text = robot.texts().pop().expect("a message");
    assert!(text.contains("every account · everything · paused") && text.contains("＜＠all＞ rules"), "{text}");
    desk.service.store().lift_brakes(&scope, "cli:me", None, Timestamp::now()).await.expect("a log");
    desk.tell(later(3)).await;
    assert!(robot.texts().pop().expect("a message").contains("resumed"));
    assert_eq!(desk.tell(later(4)).await.0, 0);

    scene.fault("dev_apply_list:errcode=45009");
    desk.pass().await;
    desk.tell(later(5)).await;
    let text = robot.texts().pop().expect("a message");
    assert!(text.contains("express: WeChat's quota is used up (errcode 45009)"), "{text}");
    desk.close().await;
    // The service waits for the quota; a new one tries again.
    scene.calm();
    let mut desk = Desk::open(&scene).await;
    assert_eq!(desk.tell(later(6)).await.0, 0, "nothing is known yet");
    desk.pass().await;
    desk.tell(later(7)).await;
    assert!(robot.texts().pop().expect("a message").contains("works again"), "{:?}", robot.texts());
    desk.close().await;
    scene.end();
}

#[tokio::test]
async fn a_day_is_told_once() {
    let (scene, robot) = wecom("events = [\"digest\"]\ndigest_at = \"00:00\"").await;
    scene.arrive(held(1));
    let mut desk = Desk::open(&scene).await;
    desk.pass().await;
    let tomorrow = Timestamp::now() + SignedDuration::from_hours(24);
    assert_eq!(desk.tell(later(0)).await.0, 1);
    assert_eq!(desk.tell(later(0)).await.0, 0);
    assert_eq!(desk.tell(tomorrow).await.0, 1);
    let text = robot.texts().pop().expect("a message");
    assert!(text.contains("日报") && text.contains("express · ask a person · hold held · 1"), "{text}");
    desk.close().await;
    scene.end();
}

#[tokio::test]
async fn what_is_redacted_is_told_without_its_words() {
    let (scene, robot) = wecom("events = [\"held\"]").await;
    robot.rules(Rules { status: Some(503), ..Rules::default() });
    scene.arrive(held(1).nickname("抹除我"));
    let mut desk = Desk::open(&scene).await;
    desk.pass().await;
    assert_eq!(desk.tell(later(0)).await.1.len(), 1);
    desk.close().await;
    assert_eq!(scene.sql("SELECT count(*) || '' FROM letters WHERE words LIKE '%抹除我%'").await, ["1"]);
    std::thread::sleep(std::time::Duration::from_millis(5));
    scene.run("audit redact --before 0s --yes").exits(0);
    for file in ["menshen.db", "menshen.db-wal"] {
        let bytes = std::fs::read(scene.state_dir().join(file)).unwrap_or_default();
        let word = "抹除我".as_bytes();
        assert!(!bytes.windows(word.len()).any(|window| window == word), "in {file}");
    }
    robot.rules(Rules::default());
    let mut desk = Desk::open(&scene).await;
    desk.tell(later(0)).await;
    let text = robot.texts().pop().expect("a message");
    assert!(text.contains("express：1 个") && !text.contains("抹除我"), "{text}");
    desk.close().await;
    scene.end();
}

#[tokio::test]
async fn what_nobody_took_is_given_up_and_that_is_said() {
    let (scene, robot) = wecom("events = [\"held\"]").await;
    robot.rules(Rules { status: Some(503), ..Rules::default() });
    scene.arrive(held(1));
    let mut desk = Desk::open(&scene).await;
    desk.pass().await;
    desk.tell(later(0)).await;
    robot.rules(Rules::default());
    desk.tell(later(4 * 24 * 60)).await;
    let texts = robot.texts();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].contains("1 条通知未能送达"), "{texts:?}");
    desk.close().await;
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_reads_the_same_json() {
    let mut scene = Scene::empty().await;
    let (script, out) = (scene.dir.path().join("tell.sh"), scene.dir.path().join("told.json"));
    let text = format!("#!/bin/sh\nenv > {0}.env\ncat > {0}.part && mv {0}.part {0}\n", out.display());
    std::fs::write(&script, text).expect("a script");
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).expect("ours");
    scene.settings = format!(
        "[[notify]]\nname = \"pager\"\nkind = \"command\"\ncommand = [\"/bin/sh\", \"{}\"]\nevents = [\"held\"]\n",
        script.display()
    );
    scene.arrive(held(1));
    scene.run("run --once").exits(0);
    let body: Value = serde_json::from_slice(&std::fs::read(&out).expect("it was told")).expect("JSON");
    assert_eq!((&body["event"], &body["applications"][0]["nickname"]), (&Value::from("held"), &Value::from("店铺1")));
    let environment = std::fs::read_to_string(format!("{}.env", out.display())).expect("it ran");
    assert!(environment.contains("MENSHEN_EVENT=held") && !environment.contains("SECRET"), "{environment}");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_says_what_each_answered() {
    let (mut scene, robot) = wecom("").await;
    let nobody = RobotServer::start(Model::Feishu, Rules { keyword: Some("门神"), ..Rules::default() }).await;
    let settings = told(&scene, "others", "feishu", &nobody.url(), "");
    scene.settings.push_str(&settings);
    let done =
        scene.run("notify test").exits(1).says("reviewers: delivered").says("others: Feishu refuses it (code 19024)");
    assert!(!(done.out + &done.err).contains("canary"));
    scene.run("notify test --name reviewers").exits(0).says("reviewers: delivered");
    scene.run("notify test --name reviewer").exits(2).complains("did you mean `reviewers`");
    assert_eq!(robot.texts().len(), 2);
    assert!(robot.texts()[0].contains("测试通知"));
    std::fs::write(scene.dir.path().join("others.url"), url_at(([127, 0, 0, 1], 1).into(), Model::Feishu))
        .expect("a file");
    let done = scene.run("notify test --name others --format json").exits(1);
    assert_eq!(done.json()[0]["delivered"], false);
    assert!(!(done.out + &done.err).contains("canary"));
    scene.settings = String::new();
    scene.run("notify test").exits(2).complains("no [[notify]]");
}
