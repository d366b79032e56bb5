//! The audit log kept honest, by the real binary: verified, replayed, redacted, exported, copied.

mod support;

use menshen::sandbox::Application;
use rustix::process::Signal;
use serde_json::Value;
use std::path::Path;
use support::Scene;
use support::process::{Running, finish};

fn an_hour_ago() -> i64 {
    jiff::Timestamp::now().as_second() - 3_600
}

/// Held, agreed and refused, in this order, in a log of one pass.
async fn three() -> Scene {
    let scene = Scene::empty().await;
    scene.arrive(Application::new("wx-good").created_at(an_hour_ago() + 1).nickname("甲店"));
    scene.arrive(Application::new("wx-bad").created_at(an_hour_ago() + 2).nickname("=某店").reason("博 彩 平台引流"));
    scene.arrive(Application::new("wx-ask").created_at(an_hour_ago() + 3).reason("希望合作，请联系"));
    scene.run("run --once").exits(0);
    scene
}

/// Runs SQL with nothing in its way, as somebody who may write the file can.
async fn tamper(scene: &Scene, sql: &'static str) {
    let triggers = scene.sql("SELECT 'DROP TRIGGER ' || name FROM sqlite_schema WHERE type = 'trigger'").await;
    let mut conn = scene.connect().await;
    for statement in triggers.iter().map(String::as_str).chain([sql]) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut conn).await.expect("SQL");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_passes_verifies_and_replays() {
    let scene = three().await;
    scene.run("pause --why night").exits(0);
    scene.run("resume").exits(0);
    scene.run("run --once").exits(0);
    scene.run("audit verify").exits(0).says("none was edited, removed, inserted or reordered");
    scene
        .run("audit verify --replay")
        .exits(0)
        .says("replayed: 3 decisions by the recorded rules; all came out as recorded");
    let told = scene.run("audit verify --replay --format json").exits(0).json();
    assert_eq!(
        (&told[0]["verified"], &told[0]["decisions"], &told[0]["replay"]["decided"]),
        (&true.into(), &3.into(), &3.into())
    );
    let head = scene.run("audit head").exits(0).out.trim().to_owned();
    assert_eq!(told[0]["head"], head.as_str());
    scene.run("pause").exits(0);
    scene
        .run(&format!("audit verify --head {head}"))
        .exits(0)
        .says("that head is in the chain; 1 records came after it");
    let hash = head.split_once(':').expect("number and hash").1;
    scene.run(&format!("audit verify --head {hash}")).exits(0);
    let wrong = hash.replace(['0', '1'], "2");
    scene.run(&format!("audit verify --head {wrong}")).exits(1).says("the chain never had that head");
    scene.run(&format!("audit verify --head 9999:{hash}")).exits(1).says("the chain was cut off: it had 9999 entries");
    scene.run("audit verify --head nonsense").exits(2).complains("not a head of the audit log");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_to_the_log_is_said_and_is_exit_status_1() {
    let cases = [
        ("UPDATE decisions SET verdict = 'hold' WHERE appid = 'wx-bad'", "decision 3 was edited"),
        ("DELETE FROM calls WHERE id = 1", "call 1 was removed"),
        ("UPDATE words SET reason = '正经生意' WHERE decision_id = 3", "the words of decision 3 were edited"),
        (
            "UPDATE rollup SET n = n + 1 WHERE verdict = 'agree' AND outcome = 'done'",
            "rollup disagrees with the records",
        ),
    ];
    for (sql, expected) in cases {
        let scene = three().await;
        tamper(&scene, sql).await;
        scene.run("audit verify").exits(1).says(expected).says("NOT VERIFIED");
        let told = scene.run("audit verify --format json").exits(1).json();
        let found = told[0]["findings"].as_array().expect("a list");
        assert!(
            found.iter().any(|one| one["words"].as_str().is_some_and(|words| words.contains(expected))),
            "{told:?}"
        );
        scene.run("audit verify --format csv").exits(1).says(expected);
        scene.run("audit list").exits(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_finds_what_the_recorded_rules_do_not_say() {
    let scene = three().await;
    tamper(&scene, "UPDATE decisions SET verdict = 'refuse', rule = 'gambling words' WHERE appid = 'wx-good'").await;
    scene
        .run("audit verify --replay")
        .exits(1)
        .says("decision 2 is recorded as refuse by rule \"gambling words\"; the recorded rules say agree by rule \"known trades\"")
        .says("NOT AS RECORDED: 1 of 3");
    let scene = three().await;
    tamper(&scene, "UPDATE rulesets SET engine = '0'").await;
    scene.run("audit verify --replay").exits(1).says("not replayable: 3, decided by another version");
}

/// Rules that look back see what the log held then, not what it holds now.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_knows_the_history_of_then() {
    let rules = "[[rule]]\nname = \"again\"\naction = \"refuse\"\nmessage = \"{appid}\"\nwhen = { previous = { refused = 1 } }\n\
                 [[rule]]\nname = \"gambling\"\naction = \"refuse\"\nmessage = \"{keyword}\"\nwhen = { reason = { any = [\"博彩\"] } }\n\
                 [[rule]]\nname = \"all\"\naction = \"agree\"\nwhen = { always = true }\n";
    let scene = Scene::empty().await.rules(rules);
    for (round, reason) in ["博彩", "物流查询", "物流查询"].into_iter().enumerate() {
        let created = an_hour_ago() + i64::try_from(round).expect("small");
        scene.arrive(Application::new("wx-keen").created_at(created).reason(reason));
        scene.arrive(Application::new(format!("wx-other-{round}")).created_at(created).reason("物流查询"));
        scene.run("run --once").exits(0);
    }
    let rules = scene.sql("SELECT rule FROM decisions WHERE appid = 'wx-keen' ORDER BY id").await;
    assert_eq!(rules, ["gambling", "again", "again"]);
    scene.run("audit verify --replay").exits(0).says("replayed: 6 decisions");
}

/// True if any file below a directory holds the text.
fn is_in_any_file(dir: &Path, text: &str) -> bool {
    let entries = std::fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.into_iter().any(|path| match path.is_dir() {
        true => is_in_any_file(&path, text),
        false => {
            let bytes = std::fs::read(&path).expect("a file");
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn redacted_words_are_gone_and_the_records_stand() {
    let scene = three().await;
    let tomorrow = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24)).to_string();
    scene.run(&format!("audit redact --before {tomorrow}")).exits(2).complains("--yes");
    assert!(is_in_any_file(&scene.state_dir(), "平台引流"), "the search finds it");
    scene.run("audit redact --before 30d --yes").exits(0).says("nothing to erase");
    scene.run("audit redact --before sometime --yes").exits(2).complains("is no time");
    scene.run(&format!("audit redact --before {tomorrow} --yes")).exits(0).says("erased the words of 3 decisions");
    for words in ["平台引流", "希望合作", "甲店", "申请说明含有"] {
        // The rules are kept, and name their own keywords and messages; nothing of an applicant stands there.
        let expected = words == "申请说明含有";
        assert_eq!(is_in_any_file(&scene.state_dir(), words), expected, "{words}");
    }
    scene.run("audit list").exits(0).says("(redacted)");
    let done = scene.run("audit verify --replay").exits(0);
    done.says("redacted: the words of 3 decisions were erased").says("not replayable: 3, redacted");
    let who = scene.sql("SELECT who FROM redactions").await;
    assert!(who.len() == 1 && who[0].starts_with("cli:"), "{who:?}");
    scene.run("run --once").exits(0);
    scene.run("audit verify").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_the_whole_list() {
    let scene = three().await;
    let all = |command: &str| -> Vec<Value> { scene.run(command).exits(0).json() };
    let exported = all("audit export");
    assert_eq!(exported, all("audit list --limit 0 --format json"));
    assert_eq!(exported, all("audit export --format json"));
    assert_eq!(exported.len(), 3);
    assert_eq!(all("audit export --verdict refuse --limit 5"), [exported[2].clone()]);
    let csv = scene.run("audit export --format csv").exits(0).out;
    assert_eq!(csv, scene.run("audit list --limit 0 --format csv").exits(0).out);
    assert!(csv.contains(",'=某店,"), "no formula in a spreadsheet: {csv}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_beside_the_service_verifies_on_its_own() {
    let scene = three().await;
    let service = Running::start(&mut scene.menshen(["run"]));
    let head = service.line("the head of the audit log", 1);
    let copy = scene.dir.path().join("copy.db");
    let backup = format!("audit backup {}", copy.display());
    let made = scene.run(&backup).exits(0);
    let told =
        made.out.split("head ").nth(1).and_then(|rest| rest.lines().next()).expect("it says the head").to_owned();
    assert!(head.contains(&told), "{head} is not {told}");
    scene.run("audit verify").exits(0);
    scene.run(&backup).exits(1).complains("there is something already");
    service.signal(Signal::TERM);
    service.wait().exits(0);
    // Without a configuration, as on another machine.
    let verify = ["audit", "verify", "copy.db", "--head", told.as_str()];
    finish(support::menshen(scene.dir.path()).args(verify)).exits(0).says("0 records came after it");
    finish(support::menshen(scene.dir.path()).args(["audit", "verify", "no.db"])).exits(1).complains("no audit log");
}
