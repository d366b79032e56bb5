//! Stories of limits, pauses and the brake `verification`: what is kept back, by what, and until when.

mod support;

use menshen::sandbox::{Application, Server};
use menshen::service::PassReport;
use rustix::process::Signal;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use support::process::{Done, Running, finish, until};
use support::{RULES, Scene};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

const EVERY_SECOND: &str = "mode = \"live\"\nschedule = \"* * * * * *\"";

fn good(appid: &str, number: i64) -> Application {
    Application::new(appid).created_at(jiff::Timestamp::now().as_second() - 3_600 + number)
}

fn bad(appid: &str, number: i64) -> Application {
    good(appid, number).reason("赌博")
}

fn calls(scene: &Scene, action: &str) -> usize {
    scene.world.calls(action).len()
}

/// The usual rules; the one that agrees may do so as often as `limit` says.
fn limited(limit: &str) -> String {
    RULES.replace("name    = \"known trades\"", &format!("name    = \"known trades\"\nlimit   = {limit}"))
}

async fn crowd(limit: &str, count: i64) -> Scene {
    let scene = Scene::empty().await.rules(&limited(limit));
    for number in 0..count {
        scene.arrive(good(&format!("wx-{number}"), number));
    }
    scene
}

fn sorted(mut story: Vec<String>) -> Vec<String> {
    story.sort();
    story
}

// ---- limits ----

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_a_rule_holds_what_is_beyond_it() {
    for per in ["1d", "7d", "2h", "36h"] {
        let scene = crowd(&format!("{{ max = 2, per = \"{per}\" }}"), 4).await;
        scene.arrive(bad("wx-bad", 9));
        let brakes = |done: &Done| -> Vec<Value> { done.json().iter().map(|line| line["brake"].clone()).collect() };
        let preview = scene.run("--dry-run --format json").exits(0);
        assert_eq!(brakes(&preview), [Value::Null, Value::Null, "limit".into(), "limit".into(), Value::Null], "{per}");
        let why = preview.json()[3]["why"]["sentence"].as_str().expect("a sentence").to_owned();
        assert!(why.contains("held: the limit of rule \"known trades\" is reached: 2 of 2 in"), "{why}");

        let report = scene.pass().await;
        assert_eq!((report.agreed, report.refused, report.braked, report.failed()), (2, 1, 2, false), "{per}");
        let again = scene.pass().await;
        assert_eq!((again.agreed, again.braked, again.known), (0, 0, 2), "{per}: it survives, and says nothing new");
        let story = sorted(scene.story().await);
        let held = ["wx-2 agree (limit) held", "wx-3 agree (limit) held"];
        assert_eq!(story, ["wx-0 agree done", "wx-1 agree done", held[0], held[1], "wx-bad refuse done"], "{per}");
        let said =
            scene.sql("SELECT DISTINCT json_extract(why, '$.sentence') FROM words WHERE why LIKE '%held%'").await;
        assert!(said[0].contains("the limit of rule \"known trades\" is reached: 2 of 2"), "{said:?}");

        let scene = scene.rules(&limited(&format!("{{ max = 3, per = \"{per}\" }}")));
        assert_eq!(scene.pass().await.agreed, 1, "{per}: decided anew when there is room again");
        scene.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_shows_the_limit_of_a_rule() {
    let scene = crowd("{ max = 2, per = \"7d\" }", 0).await;
    let shown = scene.run("rules explain --category 物流服务").exits(0).says("✓ agree \"known trades\"");
    shown.says(", at most 2 in 7d");
    let json = scene.run("rules explain --category 物流服务 --format json").exits(0).json();
    let limits: Vec<&Value> =
        json[0]["why"]["rules"].as_array().expect("rules").iter().map(|rule| &rule["limit"]).collect();
    assert_eq!(limits, [&Value::Null, &Value::Null, &Value::from("2 in 7d")]);
    let scene = scene.rules(&limited("{ max = 2 }").replace("limit   =", "limit ="));
    scene.run("rules check").exits(2).says("missing");
}

#[tokio::test]
async fn a_window_that_is_over_leaves_room_again() {
    let scene = crowd("{ max = 1, per = \"1s\" }", 2).await;
    assert_eq!(scene.pass().await.agreed, 1);
    // As when its window is over: the place counts no longer.
    scene.sql("DELETE FROM allowance RETURNING rule").await;
    assert_eq!(scene.pass().await.agreed, 1);
    assert_eq!(sorted(scene.story().await)[0], "wx-0 agree done");
    scene.end();
}

#[tokio::test]
async fn calls_in_doubt_and_failed_ones_keep_their_place() {
    // What the first call meets; calls that were made for it and its row when the second pass is over.
    let cases = [
        ("dev_agree@appid=wx-0:lost:1", 2, "wx-0 agree done", "wx-1 agree (limit) held"),
        ("dev_agree@appid=wx-0:lost-after:1", 1, "wx-0 agree done", "wx-1 agree (limit) held"),
        ("dev_agree@appid=wx-0:errcode=89245:1", 2, "wx-0 agree done", "wx-1 agree (limit) held"),
    ];
    for (fault, made, first, second) in cases {
        let scene = crowd("{ max = 1, per = \"1d\" }", 2).await;
        scene.fault(fault);
        scene.pass().await;
        scene.pass().await;
        let story = sorted(scene.story().await);
        assert_eq!(story, [first, second], "{fault}");
        assert_eq!(calls(&scene, "dev_agree"), made, "{fault}: a retry needs no second place");
        assert_eq!(scene.sql("SELECT rule FROM allowance").await, ["known trades"], "{fault}");
        scene.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_intent_and_answer_keeps_the_place() {
    for (fault, made) in [("dev_agree:hang-after:1", 1), ("dev_agree:hang:1", 2)] {
        let scene = crowd("{ max = 1, per = \"1d\" }", 2).await;
        scene.fault(fault);
        let pass = Running::start(&mut scene.menshen(["run", "--once"]));
        until("the call", || calls(&scene, "dev_agree") == 1);
        pass.kill();
        assert_eq!(scene.sql("SELECT outcome FROM audit_log WHERE appid = 'wx-0'").await, ["planned"]);
        let preview = scene.run("--dry-run --format json").exits(0).json();
        let other = preview.iter().find(|line| line["appid"] == "wx-1").expect("it is pending");
        assert_eq!(other["brake"], "limit", "{fault}: the place is kept until the list has told");
        scene.run("run --once").exits(0);
        assert_eq!(sorted(scene.story().await).last().map(String::as_str), Some("wx-1 agree (limit) held"), "{fault}");
        assert_eq!(calls(&scene, "dev_agree"), made, "{fault}");
        assert_eq!(scene.sql("SELECT rule FROM allowance").await.len(), 1, "{fault}");
        scene.end();
    }
}

#[tokio::test]
async fn a_place_is_counted_when_it_is_taken_not_when_the_pass_began() {
    let scene = crowd("{ max = 9, per = \"1d\" }", 2).await;
    scene.fault("dev_agree@appid=wx-0:errcode=89245:1");
    for _ in 0..2 {
        // The list takes a while: at midnight it is another day when the first intent is written.
        scene.fault("dev_apply_list:slow=120:1");
        scene.pass().await;
    }
    let late =
        "SELECT d.appid FROM allowance a JOIN decisions d ON d.id = a.decision_id WHERE a.at >= d.decided_at + 120";
    assert_eq!(sorted(scene.sql(late).await), ["wx-0", "wx-1"]);
    scene.end();
}

#[tokio::test]
async fn another_time_zone_forgets_nothing_of_today() {
    // Two zones in which it is not nearly midnight, and not the same day.
    let hour = i64::from(jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).hour());
    let east = (25 - hour) % 24;
    let east = if east > 14 { east - 24 } else { east };
    let zone = |offset: i64| format!("mode = \"live\"\ntimezone = \"Etc/GMT{:+}\"", -offset);
    let mut scene = crowd("{ max = 5, per = \"1d\" }", 3).await.settings("limits = { agree_per_day = 2 }");
    scene.service = zone(east);
    assert_eq!(scene.pass().await.agreed, 2);
    scene.service = zone(east - 3);
    assert_eq!(scene.pass().await.agreed, 0, "yesterday there, and still within this day");
    scene.end();
}

// ---- a pause in the middle of a pass ----

/// Stands between menshen and the sandbox and keeps back the requests that hold a word, until told.
struct Gate {
    word: Mutex<&'static str>,
    arrived: Semaphore,
    opened: Semaphore,
}

impl Gate {
    /// A gate before the scene's WeChat that lets everything through.
    async fn before(scene: &mut Scene) -> Arc<Gate> {
        let gate =
            Arc::new(Gate { word: Mutex::new("nothing"), arrived: Semaphore::new(0), opened: Semaphore::new(0) });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let behind: SocketAddr = scene.base_url["http://".len()..].parse().expect("an address");
        scene.base_url = format!("http://{}", listener.local_addr().expect("bound"));
        let keeper = Arc::clone(&gate);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(behind).await.expect("the sandbox");
                let (from_client, mut to_client) = client.into_split();
                let (mut from_server, to_server) = server.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
                tokio::spawn(Arc::clone(&keeper).carry(from_client, to_server));
            }
        });
        gate
    }

    async fn carry(
        self: Arc<Gate>,
        mut from: tokio::net::tcp::OwnedReadHalf,
        mut to: tokio::net::tcp::OwnedWriteHalf,
    ) -> std::io::Result<()> {
        let mut bytes = vec![0; 65_536];
        loop {
            let length = from.read(&mut bytes).await?;
            if length == 0 {
                return Ok(());
            }
            let word = *self.word.lock().expect("no panic");
            if String::from_utf8_lossy(&bytes[..length]).contains(word) {
                self.arrived.add_permits(1);
                self.opened.acquire().await.expect("never closed").forget();
            }
            to.write_all(&bytes[..length]).await?;
        }
    }

    fn keep(&self, word: &'static str) {
        *self.word.lock().expect("no panic") = word;
    }

    /// Waits until so many requests are kept back.
    async fn kept(&self, count: u32) {
        self.arrived.acquire_many(count).await.expect("never closed").forget();
    }

    /// Lets so many requests through.
    fn open(&self, count: usize) {
        self.opened.add_permits(count);
    }
}

/// A scene whose account has agreed before, and a pass of which the first two calls of six are under way and kept.
async fn two_of_six(settings: &str) -> (Scene, Arc<Gate>) {
    let mut scene = Scene::empty().await.settings(settings);
    let gate = Gate::before(&mut scene).await;
    // Not the oldest: agreeing to that one would prove nothing.
    scene.arrive(good("wx-first", 1));
    scene.arrive(bad("wx-worst", 0));
    let report = scene.pass().await;
    assert_eq!((report.agreed, report.refused), (1, 1), "{report:#?}");
    for number in 2..8 {
        scene.arrive(good(&format!("wx-{number}"), number));
    }
    gate.keep("dev_agree");
    (scene, gate)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_pause_no_further_call_goes_out() {
    for pause in ["pause --why stop", "pause --account express", "pause --action agree"] {
        let (scene, gate) = two_of_six("max_in_flight = 2").await;
        let person = async {
            gate.kept(2).await;
            scene.run(pause).exits(0);
            gate.open(100);
        };
        let (report, ()): (PassReport, ()) = tokio::join!(scene.pass(), person);
        assert_eq!(report.agreed, 2, "{pause}: what was under way is settled: {report:#?}");
        assert_eq!(calls(&scene, "dev_agree"), 1 + 2, "{pause}: nothing more is sent");
        let planned = scene.sql("SELECT appid FROM audit_log WHERE outcome = 'planned'").await;
        assert!(planned.is_empty(), "{pause}: {planned:?}");
        assert_eq!(scene.sql("SELECT action FROM allowance").await.len(), 4, "{pause}: unsent places are given back");
        assert_eq!(scene.pass().await.braked, 4, "{pause}");
        scene.run("resume").exits(0);
        assert_eq!(scene.pass().await.agreed, 4, "{pause}");
        scene.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_something_else_stops_nothing() {
    let (scene, gate) = two_of_six("max_in_flight = 2").await;
    let person = async {
        gate.kept(2).await;
        scene.run("pause --action refuse").exits(0);
        gate.open(100);
    };
    let (report, ()): (PassReport, ()) = tokio::join!(scene.pass(), person);
    assert_eq!(report.agreed, 6, "{report:#?}");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_between_readings_stops_what_comes_after() {
    let mut scene = Scene::empty().await;
    let gate = Gate::before(&mut scene).await;
    for number in 0..4 {
        scene.arrive(good(&format!("wx-{number}"), number));
    }
    gate.keep("dev_agree");
    let person = async {
        // The first agree of an account goes alone; the list is read before the others go.
        gate.kept(1).await;
        gate.keep("dev_apply_list");
        gate.open(1);
        gate.kept(1).await;
        scene.run("pause").exits(0);
        gate.keep("nothing");
        gate.open(100);
    };
    let (report, ()): (PassReport, ()) = tokio::join!(scene.pass(), person);
    assert_eq!((report.agreed, report.braked, calls(&scene, "dev_agree")), (1, 3, 1), "{report:#?}");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_taken_while_wechat_cannot_be_reached() {
    let mut scene = Scene::empty().await;
    scene.service = EVERY_SECOND.to_owned();
    scene.arrive(good("wx-first", 1));
    let service = Running::start(&mut scene.menshen(["run"]));
    service.line("1 agreed", 1);
    let server = scene.server.take().expect("it runs");
    let addr = server.addr();
    drop(server);
    service.line("during=\"list\"", 1);
    scene.run("pause --why outage").exits(0);
    let heard = service.line("acting is paused until `menshen resume`", 1);
    assert!(heard.contains("WARN") && heard.contains("everything"), "{heard}");
    assert_eq!(service.count("outage"), 0, "a person's words stay in the record");
    scene.arrive(good("wx-second", 2));
    scene.server = Some(Server::start(scene.world.clone(), addr).await.expect("the same address"));
    service.line("1 braked", 1);
    assert_eq!(calls(&scene, "dev_agree"), 1);
    scene.run("resume").exits(0);
    service.line("lifted: acting goes on", 1);
    service.line("1 agreed", 2);
    service.signal(Signal::TERM);
    service.wait().exits(0);
    scene.end();
}

// ---- the commands ----

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paused_can_be_listed() {
    let scene = Scene::empty().await;
    scene.run("pause --list").exits(0).says("nothing is paused and no brake is pulled");
    assert!(!scene.database().exists(), "looking makes nothing");
    scene.run("pause --list --format json").exits(0);
    let mut pause =
        scene.menshen(["pause", "--account", "express", "--action", "refuse", "--why", "a\u{1b}[2Jb\u{202e}c"]);
    finish(&mut pause).exits(0).says("paused: every refuse for account express");
    scene.run("pause").exits(0).says("paused: everything");
    let listed = scene.run("pause --list").exits(0).says("every refuse for account express").says("cli:tester");
    assert!(listed.out.contains("a\\u{1b}[2Jb\\u{202e}c") && !listed.out.contains('\u{1b}'), "{}", listed.out);
    let listed = scene.run("pause --list --format json").exits(0).json();
    assert_eq!(listed.len(), 2);
    let first = &listed[0];
    assert_eq!(
        (&first["kind"], &first["account"], &first["action"]),
        (&"pause".into(), &"express".into(), &"refuse".into())
    );
    assert_eq!((&first["who"], &first["why"]), (&"cli:tester".into(), &"a\u{1b}[2Jb\u{202e}c".into()));
    assert_eq!(
        (&listed[1]["account"], &listed[1]["action"], &listed[1]["why"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(scene.run("pause --list --format csv").exits(0).out.lines().count(), 3);
    scene.run("pause --list --why not").exits(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_twice_is_one_pause() {
    let scene = Scene::empty().await;
    scene.run("pause --action agree --why first").exits(0).says("paused: every agree");
    let again = scene.run("pause --action agree --why second").exits(0).says("already paused: every agree");
    assert!(again.out.contains("by cli:tester: first"), "{}", again.out);
    assert_eq!(scene.run("pause --action agree --format json").exits(0).json()[0]["state"], "already");
    scene.run("pause").exits(0).says("paused: everything");
    assert_eq!(scene.sql("SELECT ifnull(why, '-') FROM brakes").await, ["first", "-"]);
    let lifted = scene.run("resume --action agree").exits(0).says("lifted: pause: every agree");
    assert!(lifted.out.contains("still active: pause: everything"), "{}", lifted.out);
    scene.run("resume --action agree").exits(0).says("nothing to resume").says("still active: pause: everything");
    let json = scene.run("resume --format json").exits(0).json();
    assert_eq!((json.len(), &json[0]["state"], &json[0]["kind"]), (1, &"lifted".into(), &"pause".into()));
    scene.run("resume").exits(0).says("nothing to resume: no brake or pause is active");
    scene.run("pause --action agree").exits(0).says("paused: every agree");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pulled_brake_stays_loud_until_it_is_resumed() {
    let scene = Scene::empty().await;
    scene.arrive(bad("wx-bad", 1));
    scene.arrive(good("wx-good", 2));
    scene.fault("dev_refuse:hits=none:1");
    scene.run("run --once").exits(1).says("menshen resume");
    scene.run("run --once").exits(1).complains("the brake verification is pulled").complains("ERROR");
    scene.run("--dry-run").exits(0).says("the brake verification is pulled");
    scene
        .run("resume --action refuse")
        .exits(0)
        .says("nothing to resume")
        .says("still active: verification: account express");
    scene.run("pause --action refuse").exits(0);
    scene.run("run --once").exits(1);
    let lifted =
        scene.run("resume --account express --why looked").exits(0).says("lifted: verification: account express");
    assert!(lifted.out.contains("still active: pause: every refuse"), "{}", lifted.out);
    scene.run("run --once").exits(0);
    let who = "SELECT kind || ' ' || who || ' ' || why FROM brakes WHERE event = 'lifted'";
    assert_eq!(scene.sql(who).await, ["verification cli:tester looked"]);
    scene.run("resume").exits(0);
    scene.run("run --once").exits(0);
    let story = scene.story().await;
    assert!(story.contains(&"wx-bad refuse done".to_owned()), "{story:?}");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_of_wechat_is_no_way_around_a_pulled_brake() {
    let mut scene = Scene::empty().await;
    scene.arrive(bad("wx-bad", 1));
    scene.arrive(good("wx-good", 2));
    scene.fault("dev_refuse:hits=none:1");
    scene.run("run --once").exits(1);
    let before = (calls(&scene, "dev_agree"), calls(&scene, "dev_refuse"));
    scene.base_url = scene.base_url.replace("127.0.0.1", "localhost");
    scene.write_config();
    scene.run("run --once").exits(1).complains("the brake verification is pulled");
    assert_eq!((calls(&scene, "dev_agree"), calls(&scene, "dev_refuse")), before);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_starts_under_a_brake_says_so_once() {
    let mut scene = Scene::empty().await;
    scene.arrive(bad("wx-bad", 1));
    scene.fault("dev_refuse:hits=none:1");
    scene.run("run --once").exits(1);
    scene.service = EVERY_SECOND.to_owned();
    let service = Running::start(&mut scene.menshen(["run"]));
    let said = service.line("the brake verification is pulled: nothing is sent until `menshen resume`", 1);
    assert!(said.contains("ERROR") && said.contains("account=\"express\""), "{said}");
    let listed = calls(&scene, "dev_apply_list");
    until("some passes", || calls(&scene, "dev_apply_list") > listed + 4);
    assert_eq!(service.count("the brake verification is pulled"), 1, "loud, no flood");
    scene.run("resume").exits(0);
    service.line("1 refused", 1);
    service.signal(Signal::TERM);
    service.wait().exits(0);
    scene.end();
}
