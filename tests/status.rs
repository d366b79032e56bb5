//! `menshen status` as a person, a script and a watch meet it: beside the running service, and with it dead.

mod support;

use menshen::sandbox::{Account, Application, Options, World};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use support::Scene;
use support::process::{Running, until};

const EVERY_SECOND: &str = "mode = \"live\"\nschedule = \"* * * * * *\"";
const HOUR: i64 = 3_600;

fn ago(secs: i64) -> i64 {
    jiff::Timestamp::now().as_second() - secs
}

/// Agreed, refused and held by the usual rules; the held one has waited longest.
async fn three(service: &str) -> Scene {
    let mut scene = Scene::empty().await;
    scene.service = service.to_owned();
    scene.arrive(Application::new("wx-ask").created_at(ago(5 * HOUR)).reason("希望合作，请联系"));
    scene.arrive(Application::new("wx-good").created_at(ago(HOUR)));
    scene.arrive(Application::new("wx-bad").created_at(ago(HOUR) + 1).nickname("某店").reason("博 彩 平台引流"));
    scene
}

fn start(scene: &Scene) -> Running {
    let service = Running::start(&mut scene.menshen(["run"]));
    service.line("menshen works", 1);
    service
}

/// The status of the one account.
fn status(scene: &Scene) -> Value {
    let mut lines = scene.run("status --format json").exits(0).json();
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

/// The status, once it says what is waited for.
#[track_caller]
fn status_when(scene: &Scene, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let mut found = Value::Null;
    until(what, || {
        found = status(scene);
        holds(&found)
    });
    found
}

fn file(scene: &Scene) -> PathBuf {
    scene.state_dir().join("menshen.status")
}

/// What the file says, changed.
fn rewrite(scene: &Scene, change: impl Fn(&mut Value)) {
    let text = fs::read_to_string(file(scene)).expect("the service wrote it");
    let mut sheet: Value = serde_json::from_str(&text).expect("JSON");
    change(&mut sheet);
    fs::write(file(scene), sheet.to_string()).expect("our own directory");
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// Calls for the quota.
fn questions(scene: &Scene) -> usize {
    scene.world.ledger().iter().filter(|call| call.endpoint == "quota_get").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_the_running_service() {
    let limits = "limits = { agree_per_day = 500 }";
    let limited =
        support::RULES.replacen("action  = \"agree\"", "action  = \"agree\"\nlimit   = { max = 20, per = \"1d\" }", 1);
    let scene = three(EVERY_SECOND).await.settings(limits).rules(&limited);
    let service = start(&scene);
    let account = status_when(&scene, "a complete pass and a quota", |account| {
        account["pending"] == 1 && account["quota"]["remain"].is_number() && account["service"]["next_tick"].is_string()
    });
    assert_eq!((&account["account"], &account["appid"]), (&json!("express"), &json!(Account::DEFAULT_APPID)));
    assert_eq!(account["service"]["running"], true);
    assert_eq!(account["service"]["pid"], json!(service.id().to_string()));
    let version = account["service"]["version"].as_str().expect("a text");
    assert!(version.starts_with(env!("CARGO_PKG_VERSION")), "{version}");
    assert_eq!(account["service"]["mode"], "live");
    assert!(account["silent_secs"].as_i64().is_some_and(|secs| (0..60).contains(&secs)), "{account}");
    let waits = account["oldest_secs"].as_i64().expect("a number");
    assert!((5 * HOUR..5 * HOUR + 90).contains(&waits), "{account}");
    // Each is cut to whole seconds.
    let left = account["oldest_left_secs"].as_i64().expect("a number");
    assert!((24 * HOUR - 1..=24 * HOUR).contains(&(left + waits)), "{account}");
    assert_eq!((&account["held"], &account["urgent"], &account["brakes"]), (&json!(1), &json!(0), &json!([])));
    let limits = json!([
        { "action": "agree", "rule": null, "used": 1, "of": 500, "per_secs": 86_400 },
        { "action": "refuse", "rule": null, "used": 1, "of": null, "per_secs": 86_400 },
        { "action": null, "rule": "known trades", "used": 1, "of": 20, "per_secs": 86_400 },
    ]);
    assert_eq!(account["limits"], limits);
    let ruleset = scene.sql("SELECT DISTINCT ruleset FROM audit_log").await;
    assert_eq!(account["rules"]["hash"], json!(ruleset[0]));
    assert!(account["rules"]["since"].is_string(), "{account}");
    assert_eq!(
        keys(&account),
        [
            "account",
            "appid",
            "brakes",
            "failed",
            "held",
            "known_since",
            "last_complete_pass",
            "last_pass",
            "limits",
            "oldest",
            "oldest_due",
            "oldest_left_secs",
            "oldest_secs",
            "pending",
            "quota",
            "rules",
            "service",
            "silent_secs",
            "timed_out_7d",
            "timed_out_today",
            "troubles",
            "unreadable",
            "urgent"
        ]
    );
    assert_eq!(keys(&account["service"]), ["heard_at", "mode", "next_tick", "pid", "running", "started_at", "version"]);
    let quota = &account["quota"];
    assert_eq!(keys(quota), ["asked_at", "daily_limit", "remain", "used"]);
    assert_eq!(
        quota["remain"].as_i64(),
        Some(quota["daily_limit"].as_i64().unwrap_or_default() - quota["used"].as_i64().unwrap_or_default())
    );
    scene.run("status --max-oldest 20h --max-silence 30m").exits(0);
    let human = scene.run("status").exits(0).says(&format!("menshen {version} works on ")).says("next pass in ");
    let human = human.says("express (wx").says("1, the oldest for 5 h 00 min: WeChat waits 18 h 59 min more");
    human.says("1; decide: menshen review next").says("1 of 500 agreed today").says(" calls left today");
    assert_eq!(questions(&scene), 1, "once an hour");
    service.signal(Signal::TERM);
    service.wait().exits(0);

    let account = status(&scene);
    assert_eq!(account["service"]["running"], false);
    assert_eq!((&account["service"]["pid"], &account["service"]["next_tick"]), (&Value::Null, &Value::Null));
    assert_eq!((&account["pending"], &account["held"]), (&json!(1), &json!(1)));
    scene.run("status").exits(0).says("NO SERVICE RUNS on ").says("1, the oldest for 5 h");
    // What was asked within the hour is not asked again by the next service.
    let service = start(&scene);
    let passes = || scene.world.calls("dev_apply_list").len();
    let before = passes();
    until("more passes", || passes() > before + 4);
    assert_eq!(questions(&scene), 1);
    service.signal(Signal::TERM);
    service.wait().exits(0);
    scene.end();
}

/// A person is counted by a limit and not bound by it.
#[tokio::test(flavor = "multi_thread")]
async fn with_more_agreed_than_the_rules_may() {
    let scene = three("mode = \"live\"").await.settings("limits = { agree_per_day = 1 }");
    scene.run("run --once").exits(0);
    scene.run("status").exits(0).says("1 of 1 agreed today, 1 refused today\n");
    scene.run("review agree wx-ask --yes").exits(0);
    scene.run("status").exits(0).says("2 of 1 agreed today (by hand included), 1 refused today\n");
    scene.end();
}

/// Nobody tells anybody that it died; the file and the log are still there.
#[tokio::test(flavor = "multi_thread")]
async fn with_the_service_dead() {
    let scene = three(EVERY_SECOND).await;
    let service = start(&scene);
    status_when(&scene, "a complete pass", |account| account["pending"] == 1);
    service.kill();
    let account = status(&scene);
    assert_eq!(
        (&account["service"]["running"], &account["pending"], &account["held"]),
        (&json!(false), &json!(1), &json!(1))
    );

    scene.run("status --max-oldest 6h").exits(0);
    scene
        .run("status --max-oldest 4h")
        .exits(1)
        .complains("menshen: express: an application is pending for 5 h 00 min; no service runs");
    scene.run("status --max-silence 30m").exits(0);
    // As if it had died yesterday, with nobody waiting: who has come since is not known.
    let long_ago = jiff::Timestamp::from_second(ago(21 * HOUR)).expect("an instant").to_string();
    rewrite(&scene, |sheet| {
        sheet["accounts"][0]["last_complete"]["ended_at"] = json!(long_ago);
        sheet["accounts"][0]["last_complete"]["oldest"] = Value::Null;
    });
    for args in ["--max-oldest 20h", "--max-silence 30m", "--max-oldest 20h --max-silence 22h"] {
        let done = scene.run(&format!("status {args}")).exits(1);
        assert_eq!(done.err, "menshen: express: no complete pass for 21 h 00 min; no service runs", "{args}");
    }
    scene.run("status --max-oldest 22h").exits(0);
    scene.run("status").exits(0).says("21 h 00 min ago");

    // A pass of the next service is the mending.
    scene.run("run --once").exits(0);
    scene.run("status --max-oldest 20h --max-silence 30m").exits(0);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_used_is_said() {
    let scene = three("mode = \"live\"").await;
    scene.run("run --once").exits(0);
    let whole = fs::read_to_string(file(&scene)).expect("a single round leaves its word");
    let newer = whole.replace("\"menshen_status\":1", "\"menshen_status\":2");
    for (text, said) in [
        (&whole[..whole.len() / 2], "is torn, or no status of menshen"),
        ("", "is torn, or no status of menshen"),
        ("{\"name\": \"somebody else's\"}", "is torn, or no status of menshen"),
        (newer.as_str(), "was written by a newer menshen"),
    ] {
        fs::write(file(&scene), text).expect("our own directory");
        // What the log knows is known all the same.
        scene.run("status").exits(0).says(said).says("none is known").says("1; decide: menshen review next");
        let json = scene.run("status --format json").exits(0).complains(said).json();
        assert_eq!((&json[0]["held"], &json[0]["pending"], &json[0]["rules"]), (&json!(1), &Value::Null, &Value::Null));
        scene
            .run("status --max-oldest 20h")
            .exits(1)
            .complains("menshen: express: no complete pass is known; no service runs");
    }
    scene.run("run --once").exits(0);
    scene.run("status --max-oldest 20h").exits(0);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_pass_and_of_a_dry_run_nothing_is_written() {
    let scene = three("mode = \"live\"").await;
    for _ in 0..2 {
        scene.run("status").exits(0).says("NO SERVICE RUNS").says("no pass has ended yet").says("no audit log yet");
        scene.run("status --max-oldest 20h").exits(1).complains("express: no complete pass is known; no service runs");
        assert!(!scene.state_dir().exists(), "looking makes nothing");
        scene.run("run --dry-run").exits(0);
    }
    scene.run("status --max-oldest soon").exits(2).complains("write a whole number and s, m, h or d");
    scene.run("status --max-silence 0s").exits(2);
    scene.run("status --account nobody").exits(2).complains("no account is named \"nobody\"; known: express");
}

/// A brake is loud wherever one looks, with its reason and how to end it.
#[tokio::test(flavor = "multi_thread")]
async fn a_brake_and_a_pause_are_loud() {
    let scene = three("mode = \"live\"").await;
    scene.fault("dev_refuse:hits=none:1");
    scene.run("run --once").exits(1);
    let human = scene.run("status").exits(0);
    let line =
        human.out.lines().find(|line| line.contains("BRAKE")).unwrap_or_else(|| panic!("{}", human.out)).to_owned();
    for part in [
        "verification: nothing is sent since",
        "by service: WeChat answered ok to refuse wx-bad",
        "menshen resume --account express",
    ] {
        assert!(line.contains(part), "{part:?} in {line}");
    }
    assert_eq!(human.out.lines().nth(3), Some(line.as_str()), "before everything else");
    let brakes = &status(&scene)["brakes"];
    assert_eq!(
        (&brakes[0]["kind"], &brakes[0]["own"], &brakes[0]["who"]),
        (&json!("verification"), &json!(true), &json!("service"))
    );

    scene.run("resume --account express").exits(0);
    let why = ["pause", "--action", "agree", "--why", "rules under\u{202e} review"];
    support::process::finish(&mut scene.menshen(why)).exits(0);
    let paused = scene.run("status").exits(0).says("PAUSED").says("no agree is sent for any account since");
    let paused = paused.says("by cli:tester: rules under\\u{202e} review; end it with: menshen resume --why");
    assert!(!paused.out.contains("BRAKE"), "{}", paused.out);
    let brakes = &status(&scene)["brakes"];
    assert_eq!((brakes.as_array().map(Vec::len), &brakes[0]["action"]), (Some(1), &json!("agree")));
    scene.run("resume").exits(0);
    assert_eq!(status(&scene)["brakes"], json!([]));
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_is_named_until_it_is_over() {
    let scene = three("mode = \"live\"").await;
    scene.fault("stable_token:errcode=40164:always");
    scene.run("run --once").exits(1);
    scene.run("status").exits(0).says("list (errcode 40164), ").says("none is known");
    let account = status(&scene);
    assert_eq!(account["troubles"], json!([{ "during": "list", "errcode": 40164 }]));
    // Taken in a moment ago, and nobody waits that is known of.
    scene.run("status --max-silence 30m").exits(0);
    scene.run("status --max-oldest 20h").exits(1);
    scene.calm();
    scene.run("run --once").exits(0);
    assert_eq!((&status(&scene)["troubles"], &status(&scene)["pending"]), (&json!([]), &json!(1)));
    let shown = scene.run("status").exits(0);
    assert!(!shown.out.contains("trouble"), "{}", shown.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_timed_out_while_held_is_counted() {
    let scene = three("mode = \"live\"").await;
    scene.run("run --once").exits(0);
    scene.world.advance(Duration::from_secs(80_000));
    scene.run("run --once").exits(0);
    let account = status(&scene);
    let counts = ["timed_out_today", "timed_out_7d", "held", "pending"].map(|key| account[key].as_i64());
    assert_eq!(counts, [Some(1), Some(1), Some(0), Some(0)]);
    scene.run("status").exits(0).says("1 today, 1 in 7 days, undecided");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_accounts_are_a_table_and_the_one_in_need_comes_first() {
    let names: Vec<String> = (1..=7).map(|number| format!("店-{number}")).collect();
    let appid = |name: &str| format!("wx-{}", name.trim_start_matches("店-"));
    let options = names
        .iter()
        .fold(Options::empty(), |options, name| options.account(Account::plugin(appid(name), Account::DEFAULT_SECRET)));
    let mut scene = Scene::of(World::in_memory(options)).await;
    scene.settings = names
        .iter()
        .map(|name| {
            format!(
                "[[account]]\nname = \"{name}\"\nappid = \"{}\"\ntoken = {{ secret = {{ env = \"SECRET\" }} }}\nbase_url = \"{}\"\n",
                appid(name),
                scene.base_url
            )
        })
        .collect();
    scene.fault("devplugin@account=wx-5:errcode=48001:always");
    scene.run("run --once").exits(1);
    let table = scene.run("status").exits(0).out;
    let rows: Vec<&str> = table.lines().skip_while(|line| !line.contains("needs a look")).collect();
    assert_eq!(rows.len(), 2 + 8, "{table}");
    assert!(rows[2].trim_start().starts_with("店-5") && rows[2].contains("list (errcode 48001)"), "{table}");
    let csv = scene.run("status --format csv").exits(0).out;
    assert_eq!(csv.lines().count(), 9, "{csv}");
    assert!(csv.starts_with("account,appid,service_running,service_pid,next_tick,last_complete_pass,"), "{csv}");
    assert_eq!(scene.run("status --format json --account 店-3").exits(0).json()[0]["account"], "店-3");
    let late = scene.run("status --max-oldest 20h").exits(1);
    assert_eq!(late.err, "menshen: 店-5: no complete pass is known; no service runs");
}

/// A file that cannot be written is said once, and passes go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written_disturbs_nothing() {
    let scene = three(EVERY_SECOND).await;
    fs::create_dir_all(scene.state_dir().join("menshen.status.new")).expect("our own directory");
    let service = start(&scene);
    service.line("1 agreed, 1 refused", 1);
    let passes = || scene.world.calls("dev_apply_list").len();
    let before = passes();
    until("more passes", || passes() > before + 6);
    assert_eq!(service.count("what `menshen status` shows cannot be written"), 1);
    fs::remove_dir(scene.state_dir().join("menshen.status.new")).expect("our own directory");
    service.line("what `menshen status` shows is written again", 1);
    service.signal(Signal::TERM);
    service.wait().exits(0);
    assert_eq!(status(&scene)["pending"], 1);
    scene.end();
}

/// Asking for the quota disturbs no pass, whatever comes of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_cannot_be_had_is_unknown() {
    for fault in ["quota_get:html:1", "quota_get:errcode=45009:1", "quota_get:hang:1", "quota_get:http=500:1"] {
        let scene = three(EVERY_SECOND).await;
        scene.fault(fault);
        let service = start(&scene);
        until("it was asked", || questions(&scene) > 0);
        let passes = || scene.world.calls("dev_apply_list").len();
        let before = passes();
        until("passes go on", || passes() > before + 4);
        scene.arrive(Application::new("wx-late").created_at(ago(60)));
        service.line("1 agreed", 2);
        service.signal(Signal::TERM);
        service.wait().exits(0);
        scene.run("status").exits(0).says("quota");
        scene.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_in_trouble_is_not_asked_for_its_quota() {
    let scene = three(EVERY_SECOND).await;
    scene.fault("dev_apply_list:http=500:always");
    let service = start(&scene);
    status_when(&scene, "a pass in trouble", |account| account["troubles"][0]["during"] == "list");
    assert_eq!(questions(&scene), 0);
    service.signal(Signal::TERM);
    service.wait().exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_sandbox() {
    let scene = Scene::empty().await;
    let run = |args: &str| {
        let mut command = support::menshen(scene.dir.path());
        support::process::finish(command.args(args.split_whitespace()))
    };
    run("run --once --sandbox").exits(0);
    run("status --sandbox").exits(0).says("NO SERVICE RUNS on menshen-sandbox").says("menshen review next --sandbox");
    run("status --sandbox --max-oldest 900d --max-silence 30m").exits(0);
    run("run --once --sandbox --fresh").exits(0);
    run("status --sandbox --fresh").exits(2);
}
