//! Robots that hang, lie or are behind a proxy, reloads while letters wait, and menshen killed in between: the real binary or
//! the real service, real sockets. What a robot in good order gets stands in `tests/notify.rs`.

mod support;

use menshen::sandbox::Application;
use rustix::process::Signal;
use serde_json::Value;
use support::Scene;
use support::desk::{Desk, held, later, told, wecom};
use support::faults_page;
use support::process::{Running, side_by_side, until};
use support::robots::{Manner, Model, RobotServer, Rules};
use support::tunnel::{CERTIFICATE, HOST, Tunnel};

const EVERY_SECOND: &str = "mode = \"live\"\nschedule = \"* * * * * *\"";
const NEVER: &str = "mode = \"live\"\nschedule = \"0 0 3 1 1 *\"";
const FAULT: &str = "A robot that fails, hangs or is full";

fn behaving(manner: Manner) -> Rules {
    Rules { manner, ..Rules::default() }
}

/// Known trades: menshen agrees to it by itself.
fn good(appid: &str) -> Application {
    Application::new(appid).categories([("物流服务", "查件")])
}

/// Waits until a query finds nothing any more.
async fn gone(scene: &Scene, query: &'static str) {
    let began = std::time::Instant::now();
    while !scene.sql(query).await.is_empty() {
        assert!(began.elapsed().as_secs() < 60, "{query}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_robot_that_hangs_delays_no_pass() {
    let (mut scene, robot) = wecom("events = [\"held\"]").await;
    robot.rules(behaving(Manner::Hangs));
    scene.service = EVERY_SECOND.to_owned();
    scene.arrive(held(1));
    let service = Running::start(&mut scene.menshen(["run"]));
    until("the robot is told", || robot.asked() > 0);
    for appid in ["wx-good-1", "wx-good-2"] {
        scene.arrive(good(appid));
        until("a pass agrees", || {
            scene.world.calls("dev_agree").iter().any(|call| call.appid.as_deref() == Some(appid))
        });
    }
    assert_eq!(service.count("a notice was not delivered"), 0, "two passes while the robot is waited for");
    service.line("a notice was not delivered", 1);
    robot.rules(Rules::default());
    service.line("notices are delivered again", 1);
    assert_eq!(robot.texts().len(), 1, "{:?}", robot.texts());
    // And one that hangs keeps nobody from stopping.
    robot.rules(behaving(Manner::Hangs));
    let asked = robot.asked();
    scene.arrive(held(2));
    until("the robot is told", || robot.asked() > asked);
    service.signal(Signal::TERM);
    let done = service.wait().exits(0);
    faults_page::told(FAULT, &done.err);
    assert!(!done.err.contains("canary") && !done.err.contains("店铺"), "{}", done.err);
    scene.end();
}

#[test]
fn whatever_a_robot_does_the_letter_is_kept_and_told_later() {
    let cases = [
        (Manner::Hangs, "it did not answer within 10 s"),
        (Manner::Trickles, "it did not answer within 10 s"),
        (Manner::Huge, "its answer cannot be understood"),
        (Manner::Says("<html>gateway</html>"), "its answer cannot be understood"),
        (Manner::Says("{\"errcode\":\"0\",\"code\":\"0\"}"), "its answer cannot be understood"),
        (Manner::Says("{\"errcode\":4711,\"code\":4711,\"errmsg\":\"店铺1\"}"), "refuses it (code 4711)"),
        (Manner::Says(""), "its answer cannot be understood"),
        (Manner::Echoes, "its answer cannot be understood"),
        (Manner::Cuts, "it cannot be reached: "),
        (Manner::Redirects, "it answered HTTP 302"),
    ];
    let kinds = [(Model::Wecom, "wecom"), (Model::Feishu, "feishu"), (Model::Dingtalk, "dingtalk")];
    let cases = cases.into_iter().flat_map(|case| kinds.map(|kind| (case, kind)));
    side_by_side(cases, async |((manner, expected), (model, kind))| {
        let robot = RobotServer::start(model, behaving(manner)).await;
        let well = RobotServer::start(Model::Wecom, Rules::default()).await;
        let mut scene = Scene::empty().await;
        scene.settings = [
            told(&scene, "robot", kind, &robot.url(), "events = [\"held\"]"),
            told(&scene, "well", "wecom", &well.url(), "events = [\"held\"]"),
        ]
        .concat();
        scene.arrive(held(1));
        let mut desk = Desk::open(&scene).await;
        desk.pass().await;
        let start = later(0);
        let (_, failed) = desk.tell(start).await;
        assert!(failed.len() == 1 && failed[0].contains(expected), "{kind} {manner:?}: {failed:?}");
        assert!(!failed[0].contains("canary") && !failed[0].contains("店铺"), "{failed:?}");
        assert_eq!(robot.asked(), 1, "{kind} {manner:?}: nothing is repeated by itself");
        assert_eq!(well.texts().len(), 1, "the other is told meanwhile");
        robot.rules(Rules::default());
        assert_eq!(desk.tell(start).await, (0, vec![]));
        assert_eq!(robot.texts().len(), 0, "not at once");
        assert_eq!(desk.tell(later(40)).await, (0, vec![]));
        assert_eq!((robot.texts().len(), well.texts().len()), (1, 1), "{kind} {manner:?}");
        assert_eq!(scene.sql("SELECT target FROM letters").await, [""; 0]);
        desk.close().await;
        scene.end();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_adds_changes_and_removes_who_is_told_while_letters_wait() {
    let (mut scene, moved) = wecom("").await;
    let out = Rules { status: Some(503), ..Rules::default() };
    let [stays, leaves, comes, moved_to] = [Model::Wecom; 4].map(|model| RobotServer::start(model, Rules::default()));
    let (stays, leaves, comes, moved_to) = tokio::join!(stays, leaves, comes, moved_to);
    for robot in [&stays, &leaves, &moved] {
        robot.rules(out.clone());
    }
    let table = |name: &str, robot: &RobotServer| told(&scene, name, "wecom", &robot.url(), "events = [\"held\"]");
    let before = [table("stays", &stays), table("leaves", &leaves), table("moves", &moved)].concat();
    scene.settings = before;
    scene.service = EVERY_SECOND.to_owned();
    scene.arrive(held(1));
    let service = Running::start(&mut scene.menshen(["run"]));
    service.line("a notice was not delivered", 3);
    let table = |name: &str, robot: &RobotServer| told(&scene, name, "wecom", &robot.url(), "events = [\"held\"]");
    let after = [table("comes", &comes), table("stays", &stays), table("moves", &moved_to)].concat();
    scene.settings = after;
    stays.rules(Rules::default());
    leaves.rules(Rules::default());
    scene.write_config();
    service.signal(Signal::HUP);
    service.line("the configuration was read again", 1);
    for (name, robot) in [("comes", &comes), ("stays", &stays), ("moves", &moved_to)] {
        until(name, || !robot.texts().is_empty());
    }
    gone(&scene, "SELECT target FROM letters").await;
    service.signal(Signal::TERM);
    service.wait().exits(0);
    for robot in [&comes, &stays, &moved_to] {
        assert!(robot.texts().len() == 1 && robot.texts()[0].contains("店铺1"), "{:?}", robot.texts());
    }
    assert_eq!((leaves.texts().len(), moved.texts().len()), (0, 0), "who is not named any more is told nothing");
    assert_eq!(scene.sql("SELECT DISTINCT target FROM told WHERE target = 'leaves'").await, [""; 0]);
    scene.end();
}

#[tokio::test]
async fn a_letter_that_waited_is_told_as_the_configuration_says_by_then() {
    let (mut scene, robot) = wecom("events = [\"held\", \"deadline\"]").await;
    robot.rules(Rules { status: Some(503), ..Rules::default() });
    scene.arrive(held(1).created_at(support::desk::hours_ago(20)));
    let mut desk = Desk::open(&scene).await;
    desk.pass().await;
    let (kept, failed) = desk.tell(later(0)).await;
    assert_eq!((kept, failed.len()), (2, 1));
    robot.rules(Rules::default());
    scene.settings = told(&scene, "reviewers", "wecom", &robot.url(), "events = [\"held\"]\ncontent = \"counts\"");
    let mut desk = desk.reload(&scene).await;
    // At once: what kept it from being told may be what the reload mended.
    assert_eq!(desk.tell(later(0)).await, (0, vec![]));
    let texts = robot.texts();
    assert_eq!(texts.len(), 1, "of deadlines it is told nothing any more: {texts:?}");
    assert!(texts[0].contains("express：1 个") && !texts[0].contains("店铺1"), "{texts:?}");
    assert_eq!(scene.sql("SELECT target FROM letters").await, [""; 0]);
    desk.close().await;
    scene.end();
}

/// A webhook whose letters can be told apart.
async fn webhook(manner: Manner) -> (Scene, RobotServer) {
    let robot = RobotServer::start(Model::Webhook, Rules { secret: Some("canary-webhook"), ..behaving(manner) }).await;
    let mut scene = Scene::empty().await;
    std::fs::write(scene.dir.path().join("hook.secret"), "canary-webhook").expect("a file");
    let more = "secret = { file = \"hook.secret\" }\nevents = [\"held\"]";
    scene.settings = told(&scene, "hook", "webhook", &robot.url(), more);
    scene.service = EVERY_SECOND.to_owned();
    (scene, robot)
}

fn ids(robot: &RobotServer) -> Vec<Value> {
    robot.taken().iter().map(|body| body["id"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_sending_and_deleting_it_tells_again_with_the_same_id() {
    let (scene, robot) = webhook(Manner::TakesAndHangs).await;
    scene.arrive(held(1));
    let service = Running::start(&mut scene.menshen(["run"]));
    until("the letter was taken", || !robot.taken().is_empty());
    service.kill();
    robot.rules(Rules { secret: Some("canary-webhook"), ..Rules::default() });
    let service = Running::start(&mut scene.menshen(["run"]));
    until("the letter was taken again", || robot.taken().len() > 1);
    gone(&scene, "SELECT target FROM letters").await;
    service.signal(Signal::TERM);
    service.wait().exits(0);
    let ids = ids(&robot);
    assert!(ids.len() == 2 && ids[0] == ids[1] && ids[0].is_string(), "{ids:?}");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_while_a_robot_answers_it_hears_the_answer() {
    let (scene, robot) = webhook(Manner::Slowly).await;
    for end in [Signal::HUP, Signal::TERM] {
        let (asked, number) = (robot.asked(), robot.asked() as i64 + 10);
        scene.arrive(held(number));
        let service = Running::start(&mut scene.menshen(["run"]));
        until("a letter under way", || robot.asked() > asked);
        service.signal(end);
        if end == Signal::HUP {
            service.line("the configuration was read again", 1);
            gone(&scene, "SELECT target FROM letters").await;
            service.signal(Signal::TERM);
        }
        service.wait().exits(0);
        assert_eq!(scene.sql("SELECT target FROM letters").await, [""; 0], "{end:?}");
    }
    let ids = ids(&robot);
    let distinct: std::collections::HashSet<String> = ids.iter().map(ToString::to_string).collect();
    assert_eq!(ids.len(), distinct.len(), "nothing is told twice: {ids:?}");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_robot_behind_a_proxy_that_opens_tls() {
    let tunnel = Tunnel::open();
    let mut scene = Scene::empty().await;
    std::fs::write(scene.dir.path().join("corp.pem"), CERTIFICATE).expect("a file");
    let url = format!("https://{HOST}/cgi-bin/webhook/send?key=canary-robot-key");
    let proxy = format!("proxy = \"http://someone:hunter2@{}\"", tunnel.addr);
    scene.settings = told(&scene, "reviewers", "wecom", &url, &format!("{proxy}\nca_file = \"corp.pem\""));
    scene.run("notify test").exits(0).says("reviewers: delivered");
    let head = &tunnel.heads()[0];
    assert!(head.starts_with(&format!("CONNECT {HOST}:443 HTTP/1.1\r\n")), "{head}");
    assert!(head.to_ascii_lowercase().contains("proxy-authorization: basic c29tzw9uztpodw50zxiy"), "{head}");
    assert!(!head.contains("canary"), "the proxy learns the name alone: {head}");
    let told_of = &tunnel.told()[0];
    assert!(told_of.starts_with("POST /cgi-bin/webhook/send?key=canary-robot-key HTTP/1.1\r\n"), "{told_of}");
    assert!(told_of.contains("测试通知"), "{told_of}");
    // Without its certificate nobody is believed, and without the proxy nobody is found; neither address is told.
    let settings = told(&scene, "reviewers", "wecom", &url, &proxy);
    for (settings, expected) in
        [(settings, "cannot be reached: "), (told(&scene, "reviewers", "wecom", &url, ""), "`proxy`")]
    {
        scene.settings = settings;
        let done = scene.run("notify test").exits(1).says(expected);
        let all = done.out + &done.err;
        assert!(!["canary", "hunter2", HOST].iter().any(|secret| all.contains(secret)), "{all}");
    }
    // This machine is spoken to without the proxy.
    let robot = RobotServer::start(Model::Wecom, Rules::default()).await;
    scene.settings = told(&scene, "reviewers", "wecom", &robot.url(), "proxy = \"http://127.0.0.1:9\"");
    scene.run("notify test").exits(0);
    assert_eq!(robot.texts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_cannot_be_told_is_named() {
    let (mut scene, robot) = wecom("ca_file = \"corp.pem\"").await;
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(scene.dir.path().join("corp.pem"), pem).expect("a file");
    scene.service = NEVER.to_owned();
    let url = robot.url().replace("http://", "https://");
    scene.settings = told(&scene, "reviewers", "wecom", &url, "ca_file = \"corp.pem\"");
    for args in ["run", "notify test"] {
        let done = scene.run(args).exits(1).complains("[[notify]] \"reviewers\"").complains("ca_file: ");
        assert!(!done.err.contains("canary"), "{}", done.err);
    }
}

/// Feishu wants a moment between two messages, and none when an hour begins.
#[tokio::test(flavor = "multi_thread")]
async fn a_single_round_waits_until_a_robot_may_be_told_more() {
    let robot = RobotServer::start(Model::Feishu, Rules::default()).await;
    let mut scene = Scene::empty().await;
    let more = "events = [\"held\", \"digest\"]\ndigest_at = \"00:00\"";
    scene.settings = told(&scene, "reviewers", "feishu", &robot.url(), more);
    scene.arrive(held(1));
    scene.run("run --once").exits(0);
    assert_eq!(robot.texts().len(), 2, "{:?}", robot.texts());
    scene.end();
}
