//! `rules backtest` with the real binary, over logs that real passes wrote.

mod support;

use menshen::policy::{AppId, Application as Applicant, CreateTime, Mode, Outcome, Why};
use menshen::sandbox::Application;
use menshen::store::{NewDecision, RecordedVerdict, Store};
use serde_json::{Value, json};
use std::process::Output;
use support::{Scene, menshen};

/// Other rules than those of the scenes: nothing is a gambling word, cooperation is refused, the trade must be known.
const STRICTER: &str = r#"
[[rule]]
name    = "no cooperation"
action  = "refuse"
message = "暂不合作"
when    = { reason = { any = ["合作"] } }

[[rule]]
name    = "known trades"
action  = "agree"
when    = { category = { all = ["物流服务"] } }

[[rule]]
name    = "young"
action  = "hold"
when    = { age = { max = "1s" } }

[[rule]]
name    = "would wait"
action  = "hold"
mode    = "shadow"
when    = { always = true }
"#;

/// A scene after one pass: agreed, refused, held, malformed, and one appid twice.
async fn recorded() -> Scene {
    let scene = Scene::empty().await;
    let then = jiff::Timestamp::now().as_second() - 3_600;
    scene.arrive(Application::new("wx-good").created_at(then + 1));
    scene.arrive(Application::new("wx-bad").created_at(then + 2).reason("博 彩 平台\u{202e}引流"));
    scene.arrive(Application::new("wx-ask").created_at(then + 3).reason("希望合作，请联系"));
    scene.arrive(Application::new("wx-odd").created_at(then + 4));
    scene.arrive(Application::new("wx-twice").created_at(then + 5));
    scene.arrive(Application::new("wx-twice").created_at(then + 6));
    scene.fault("dev_apply_list@appid=wx-odd:malformed=nickname-number:always");
    scene.pass().await;
    scene
}

fn backtest(scene: &Scene, args: &[&str]) -> Output {
    scene.write_config();
    let mut command = menshen(scene.dir.path());
    command.args(["-c", "menshen.toml", "rules", "backtest"]).args(args).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Standard output of a run that did all it should.
fn done(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// The changed applications and the summary.
fn json_of(scene: &Scene, args: &[&str]) -> (Vec<Value>, Value) {
    let out = done(&backtest(scene, &[args, &["--format", "json"]].concat()));
    let mut lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let last = lines.pop().expect("a summary");
    (lines, last["summary"].clone())
}

/// `appid old → new` of every changed application.
fn story(changed: &[Value]) -> Vec<String> {
    let side = |side: &Value| match side["brake"].as_str() {
        Some(brake) => format!("{} ({brake})", side["verdict"].as_str().unwrap_or_default()),
        None => side["verdict"].as_str().unwrap_or_default().to_owned(),
    };
    let line = |line: &Value| {
        format!("{} {} → {}", line["appid"].as_str().unwrap_or_default(), side(&line["old"]), side(&line["new"]))
    };
    changed.iter().map(line).collect()
}

#[tokio::test]
async fn the_same_rules_change_nothing() {
    let scene = recorded().await;
    let (changed, summary) = json_of(&scene, &[]);
    assert_eq!(story(&changed), [""; 0]);
    assert_eq!((&summary["applications"], &summary["decided"]), (&json!(6), &json!(3)));
    assert_eq!(
        (&summary["changed"], &summary["other_rule"], &summary["other_message"]),
        (&json!(0), &json!(0), &json!(0))
    );
    assert_eq!(summary["matrix"], json!({ "agree": { "agree": 1 }, "refuse": { "refuse": 1 }, "hold": { "hold": 1 } }));
    assert_eq!(summary["not_decided"], json!({ "redacted": 0, "malformed": 1, "ambiguous": 2, "bare": 0 }));
    assert_eq!(summary["never_fired"], json!([]));
    scene.end();
}

#[tokio::test]
async fn other_rules_are_compared_with_both_reasons() {
    let scene = recorded().await.rules(STRICTER);
    let (changed, summary) = json_of(&scene, &[]);
    assert_eq!(story(&changed), ["wx-ask hold → refuse", "wx-bad refuse → agree"]);
    let bad = &changed[1];
    assert_eq!((&bad["old"]["rule"], &bad["new"]["rule"]), (&json!("gambling words"), &json!("known trades")));
    assert!(bad["old"]["why"]["sentence"].as_str().is_some_and(|why| why.contains("contains 博彩")), "{bad}");
    assert!(bad["new"]["why"]["sentence"].as_str().is_some_and(|why| why.starts_with("agree: ")), "{bad}");
    assert_eq!(changed[0]["new"]["message"], json!("暂不合作"));
    assert_eq!(
        summary["matrix"],
        json!({ "agree": { "agree": 1 }, "refuse": { "agree": 1 }, "hold": { "refuse": 1 } })
    );
    assert_eq!(summary["never_fired"], json!(["young"]));
    let would = summary["rules"].as_array().and_then(|rules| rules.iter().find(|rule| rule["rule"] == "would wait"));
    assert_eq!(would.map(|rule| (&rule["fired"], &rule["decided"])), Some((&json!(3), &json!(0))));
    scene.end();
}

#[tokio::test]
async fn people_read_a_matrix_and_the_changed_ones() {
    let scene = recorded().await.rules(STRICTER);
    let out = done(&backtest(&scene, &[]));
    let lines: Vec<&str> = out.lines().map(str::trim_end).collect();
    for expected in [
        " then \\ now   agree   refuse   hold",
        " agree            1        –      –",
        " refuse           1        –      –",
        " hold             –        1      –",
        "rules that never fired:",
        "6 applications: 3 decided again, 2 of them otherwise than then",
        "1 cannot be decided again: a field was of a wrong kind, so no rule was asked",
        "2 cannot be decided again: another pending entry carried the same appid, so no rule was asked",
    ] {
        assert!(lines.contains(&expected), "{expected:?} is not in\n{out}");
    }
    assert!(out.contains("then  refuse: rule \"gambling words\""), "{out}");
    assert!(out.contains("now   agree: rule \"known trades\""), "{out}");
    let one = done(&backtest(&scene, &["--show", "1"]));
    assert!(one.contains("(the newest 1 of 2; all of them with --show 0)"), "{one}");
    assert!(one.contains("wx-bad") && !one.contains("wx-ask"), "{one}");
    assert!(one.contains("wrote 博 彩 平台\\u{202e}引流"), "what an applicant wrote is shown, not obeyed: {one}");
    scene.end();
}

#[tokio::test]
async fn csv_holds_the_changed_ones_and_is_safe_to_open() {
    let scene = recorded().await.rules(STRICTER);
    let out = done(&backtest(&scene, &["--format", "csv"]));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 3, "{out}");
    assert!(lines[0].starts_with("id,decided_at,account,appid,create_time,nickname,reason,categories,old_verdict"));
    assert!(lines[2].contains(",refuse,gambling words,") && lines[2].contains(",agree,known trades,"), "{out}");
    scene.end();
}

#[tokio::test]
async fn options_choose_by_the_row_that_stands_for_an_application() {
    let scene = recorded().await.rules(STRICTER);
    for (args, expected) in [
        (["--verdict", "refuse"], 1),
        (["--verdict", "agree"], 1),
        (["--account", "nobody"], 0),
        (["--appid", "wx-ask"], 1),
        (["--rule", "ask a person"], 1),
        (["--outcome", "held"], 4),
        (["--brake", "ambiguous"], 2),
        (["--until", "1h"], 0),
        (["--since", "1h"], 6),
        (["--limit", "2"], 2),
    ] {
        assert_eq!(json_of(&scene, &args).1["applications"], json!(expected), "{args:?}");
    }
    assert_eq!(done(&backtest(&scene, &["--account", "nobody"])), "no recorded application matches\n");
    scene.end();
}

#[tokio::test]
async fn other_rules_may_be_tried_from_a_file() {
    let scene = recorded().await;
    let file = scene.dir.path().join("try/new.toml");
    std::fs::create_dir(scene.dir.path().join("try")).expect("a directory");
    std::fs::write(scene.dir.path().join("try/words.txt"), "合作\n").expect("a list");
    let rules = "[policy]\ndefault = \"agree\"\n[lists]\nwords = { file = \"words.txt\" }\n[[rule]]\nname = \"w\"\naction = \"hold\"\nwhen = { reason = { any = [\"@words\"] } }\n";
    std::fs::write(&file, rules).expect("rules");
    let (changed, summary) = json_of(&scene, &["--rules", "try/new.toml"]);
    assert_eq!(story(&changed), ["wx-bad refuse → agree"]);
    assert_eq!(summary["other_rule"], json!(2), "the default agrees, and another rule holds");
    // A whole configuration serves as well.
    assert_eq!(json_of(&scene, &["--rules", "menshen.toml"]).1["changed"], json!(0));

    std::fs::write(&file, rules.replace("@words", "@wrods")).expect("rules");
    let wrong = backtest(&scene, &["--rules", "try/new.toml"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong.stderr));
    assert!(text(&wrong.stderr).contains("words"), "the nearest name is offered: {}", text(&wrong.stderr));
    assert_eq!(backtest(&scene, &["--rules", "nowhere.toml"]).status.code(), Some(2));
    scene.end();
}

#[tokio::test]
async fn what_is_wrong_is_told_by_the_exit_status() {
    let scene = Scene::empty().await;
    std::fs::create_dir_all(scene.state_dir()).expect("a directory");
    let output = backtest(&scene, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("there is no audit log yet"), "{}", text(&output.stderr));
    for wrong in [&["--verdict", "maybe"][..], &["--since", "yesterday"], &["--show", "-1"], &["--no-such"]] {
        assert_eq!(backtest(&scene, wrong).status.code(), Some(2), "{wrong:?}");
    }
}

fn row(appid: &str, actor: &str, verdict: RecordedVerdict) -> NewDecision {
    NewDecision {
        at: jiff::Timestamp::now(),
        day: "2026-11-22".into(),
        account: "express".into(),
        account_appid: AppId::new(menshen::sandbox::Account::DEFAULT_APPID),
        base_url: "http://127.0.0.1:1".into(),
        application: Applicant {
            appid: AppId::new(appid),
            create_time: CreateTime::received("1767000000"),
            nickname: "某店".into(),
            reason: "查件".into(),
            categories: vec![menshen::policy::Category::from_text("物流服务/查件")],
            headimgurl: None,
            apply_url: None,
            malformed: vec![],
        },
        verdict,
        rule: None,
        message: None,
        mode: Mode::Live,
        actor: actor.into(),
        brake: None,
        unknown: vec![],
        why: Why::default(),
        pass: "p".into(),
        ruleset: String::new(),
        outcome: Outcome::Held,
    }
}

/// A log of these rows alone.
async fn log_of(rows: &[NewDecision]) -> Scene {
    let scene = Scene::empty().await;
    std::fs::create_dir_all(scene.state_dir()).expect("a directory");
    let store = Store::open(&scene.state_dir().join("menshen.db")).await.expect("a log");
    store.record(rows).await.expect("rows");
    store.close().await;
    scene
}

#[tokio::test]
async fn ages_count_to_the_moment_of_the_decision() {
    let mut young = row("wx-young", "rules", RecordedVerdict::Hold);
    young.at = jiff::Timestamp::from_second(1_767_000_000 + 30).expect("an instant");
    let mut old = row("wx-old", "rules", RecordedVerdict::Hold);
    old.at = jiff::Timestamp::from_second(1_767_000_000 + 90).expect("an instant");
    let rule = "[[rule]]\nname = \"young\"\naction = \"agree\"\nwhen = { age = { max = \"1m\" } }\n";
    let scene = log_of(&[young, old]).await.rules(rule);
    assert_eq!(story(&json_of(&scene, &[]).0), ["wx-young hold → agree"]);
}

/// Of earlier applications a backtest knows what was known at the moment of the decision, and nothing later.
#[tokio::test]
async fn earlier_applications_count_as_of_then() {
    let scene = Scene::empty().await;
    let then = jiff::Timestamp::now().as_second() - 3_600;
    scene.arrive(Application::new("wx-shady").created_at(then + 1).reason("博 彩 平台"));
    scene.pass().await;
    scene.arrive(Application::new("wx-shady").created_at(then + 2));
    scene.arrive(Application::new("wx-other").created_at(then + 3));
    scene.pass().await;
    let mut so_far = scene.story().await;
    so_far.sort();
    assert_eq!(so_far, ["wx-other agree done", "wx-shady agree done", "wx-shady refuse done"]);

    let rules = "[[rule]]\nname = \"again\"\naction = \"hold\"\nwhen = { previous = { refused = 1, within = \"1d\" } }\n\
                 [[rule]]\nname = \"rest\"\naction = \"agree\"\nwhen = { always = true }\n";
    let scene = scene.rules(rules);
    let (changed, summary) = json_of(&scene, &[]);
    assert_eq!(story(&changed), ["wx-shady refuse → agree", "wx-shady agree → hold"]);
    let words = changed[1]["new"]["why"]["rules"][0]["conditions"][0]["words"].as_str().unwrap_or_default();
    assert_eq!(words, "refused 1 time within 1d, at least 1");
    assert_eq!(summary["matrix"], json!({ "agree": { "agree": 1, "hold": 1 }, "refuse": { "agree": 1 } }));
    scene.end();
}

#[tokio::test]
async fn people_and_accounts_that_are_gone() {
    use RecordedVerdict::{Agree, Hold, Refuse};
    let gone = |mut row: NewDecision| {
        (row.account, row.account_appid) = ("old-shop".into(), AppId::new("wx-old-shop"));
        row
    };
    let renamed = |mut row: NewDecision| {
        row.account = "parcels".into();
        row
    };
    let mut bare = row("wx-bare", "cli:ann", Agree);
    (bare.application.nickname, bare.application.reason) = (String::new(), String::new());
    bare.application.categories.clear();
    let rows = [
        row("wx-1", "rules", Hold),
        row("wx-1", "cli:ann", Agree),
        row("wx-2", "elsewhere", Refuse),
        bare,
        gone(row("wx-3", "rules", Hold)),
        renamed(row("wx-4", "rules", Hold)),
    ];
    let limited =
        support::RULES.replace("name    = \"known trades\"", "name    = \"known trades\"\naccounts = [\"express\"]");
    let scene = log_of(&rows).await.rules(&limited);
    let (changed, summary) = json_of(&scene, &[]);
    assert_eq!(story(&changed), ["wx-1 hold → agree", "wx-4 hold → agree"], "by its appid the renamed one is known");
    assert_eq!(changed[0]["person"], json!("agree"));
    assert_eq!(summary["people"]["agree"], json!({ "same": 1, "opposite": 0, "would_ask": 0 }));
    assert_eq!(summary["people"]["refuse"], json!({ "same": 0, "opposite": 1, "would_ask": 0 }));
    assert_eq!(summary["not_decided"]["bare"], json!(1));
    assert_eq!(summary["accounts_gone"], json!({ "old-shop": 1 }));
    assert_eq!(summary["matrix"]["none"], json!({ "agree": 1 }), "a person's alone is no change");
    let out = done(&backtest(&scene, &[]));
    assert!(out.contains("people agreed to 1: the rules say the same of 1"), "{out}");
    assert!(out.contains("because the configuration has their account no longer: old-shop (1)"), "{out}");
    assert!(out.contains("a person decided: agree"), "{out}");
}
