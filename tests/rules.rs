//! `rules test` and `rules explain` with the real binary: what is printed, for people and machines, and how it exits.

mod support;

use menshen::sandbox::Application;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use support::{Scene, menshen};

const RULES: &str = r#"
[[rule]]
name    = "gambling <words>"
action  = "refuse"
message = "申请说明含有「{keyword}」"
when    = { reason = { any = ["博彩", "赌博"] } }

[[rule]]
name   = "medicine"
action = "hold"
when   = { category = { any = ["医疗"] } }

[[rule]]
name   = "trades"
action = "agree"
when   = { category = { all = ["物流服务"] } }
"#;

const GOOD: &str = r#"
[[case]]
name   = "gambling is refused"
given  = { reason = "要博 彩", categories = ["物流服务/查件"] }
expect = "refuse"
rule   = "gambling <words>"

[[case]]
name   = "parcels are let in"
given  = { reason = "查件", categories = ["物流服务/查件"] }
expect = "agree"
"#;

/// Verdict as expected, by another rule; a message with what XML must escape, and a control character.
const BAD: &str = r#"
[[case]]
name    = "the right verdict by the wrong rule"
given   = { reason = "要博 彩", categories = ["医疗/药房"] }
expect  = "refuse"
rule    = "medicine"
message = "<\"&\u0007>"
"#;

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).expect("a file");
    }
    directory
}

fn output(command: &mut Command, stdin: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().expect("piped").write_all(stdin.as_bytes()).ok();
    child.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Runs a command line in a directory; `said` must stand on standard output or (after `!`) on standard error.
#[track_caller]
fn check_in(directory: &Path, line: &[&str], stdin: &str, status: i32, said: &[&str]) -> String {
    let output = output(menshen(directory).args(line), stdin);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{line:?}\n{out}\n{err}");
    for words in said {
        match words.strip_prefix('!') {
            Some(words) => assert!(err.contains(words), "{line:?} says {words:?}?\n{err}"),
            None => assert!(out.contains(words), "{line:?} says {words:?}?\n{out}\n{err}"),
        }
    }
    assert!(!out.contains('\u{1b}'), "no terminal, no colour: {out}");
    out
}

#[track_caller]
fn check_test(cases: &str, line: &[&str], status: i32, said: &[&str]) -> String {
    let directory = directory(&[("menshen.toml", &format!("{RULES}{cases}")), ("bad.toml", BAD), ("good.toml", GOOD)]);
    check_in(directory.path(), &[&["rules", "test"], line].concat(), "", status, said)
}

#[test]
fn cases_pass_or_fail() {
    check_test(GOOD, &[], 0, &["✓ gambling is refused", "2 cases: 2 passed, 0 failed"]);
    check_test(&format!("{GOOD}{BAD}"), &[], 1, &["✓ parcels", "✗ the right", "3 cases: 2 passed, 1 failed"]);
    check_test("", &["good.toml"], 0, &["2 cases: 2 passed"]);
    check_test(BAD, &["good.toml"], 0, &["2 cases: 2 passed"]);
    check_test(GOOD, &["good.toml", "bad.toml"], 1, &["3 cases: 2 passed, 1 failed"]);
    check_test(GOOD, &["menshen.toml", "bad.toml"], 1, &["3 cases: 2 passed, 1 failed"]);
    check_test("", &[], 1, &["!there is no [[case]] to run"]);
    check_test("", &["--format", "json"], 1, &["\"cases\":0", "!there is no [[case]]"]);
    check_test("[[case]]\nname = 1\n", &[], 2, &["!menshen.toml:18:8", "!`name` is a whole number"]);
    check_test("", &["gone.toml"], 2, &["!gone.toml", "!there is no such file"]);
    check_test("", &["--nonsense"], 2, &["!--nonsense"]);
    check_test(
        "[[case]]\nname = 'x'\ngiven = {}\nexpect = 'agree'\nrule = 'trade'",
        &[],
        2,
        &["!did you mean `trades`?"],
    );
}

#[test]
fn a_failure_tells_what_differed_and_why() {
    check_test(
        BAD,
        &[],
        1,
        &[
            "✗ the right verdict by the wrong rule (./menshen.toml:18)",
            "rule        expected \"medicine\", found \"gambling <words>\"",
            "message     expected \"<\"&\\u{7}>\", found \"申请说明含有「博彩」\"",
            "because     refuse: rule \"gambling <words>\" (./menshen.toml:2): reason contains 博彩",
            "✓ when.reason.any: contains 博彩\n            要博 彩\n              ^^^^^\n",
            "✓ hold \"medicine\"",
            "✗ when.category.all: 医疗/药房 does not match 物流服务",
        ],
    );
    check_test(BAD, &["--format", "csv"], 1, &["name,place,passed,verdict,rule,message,brake,why\n"]);
}

#[test]
fn json_has_a_line_per_case_and_a_summary() {
    let out = check_test(&format!("{GOOD}{BAD}"), &["--format", "json", "--coverage"], 1, &[]);
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!((&lines[0]["name"], &lines[0]["passed"]), (&"gambling is refused".into(), &true.into()));
    assert_eq!(lines[2]["passed"], false);
    assert_eq!(lines[2]["expected"]["rule"], "medicine");
    assert_eq!(lines[2]["actual"]["rule"], "gambling <words>");
    assert_eq!(lines[2]["differences"][0]["what"], "rule");
    assert_eq!(lines[2]["why"]["rules"].as_array().map(Vec::len), Some(3));
    assert_eq!(lines[3]["summary"], serde_json::json!({ "cases": 3, "passed": 2, "failed": 1 }));
    assert_eq!(lines[3]["coverage"]["rules"][0]["fired"], true);
}

#[test]
fn coverage_names_rules_and_conditions() {
    let said = [
        "coverage: 2 of 3 rules fired; 1 of 3 conditions were both true and false",
        "\"medicine\" (./menshen.toml:8): never fired\n    when.category.any: never true\n",
        "\"trades\" (./menshen.toml:13)\n    when.category.all: never false\n",
    ];
    check_test(GOOD, &["--coverage"], 0, &said);
    let all = format!("{GOOD}{BAD}").replace("\nrule    = \"medicine\"\nmessage = \"<\\\"&\\u0007>\"", "");
    let out = check_test(&all, &["--coverage"], 0, &["coverage: 3 of 3 rules fired; 3 of 3 conditions"]);
    assert!(!out.contains("never"), "{out}");
}

#[test]
fn junit_is_well_formed_whatever_the_words() {
    let xml = check_test(&format!("{GOOD}{BAD}"), &["--junit", "-"], 1, &[]);
    let document = roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{error}\n{xml}"));
    let root = document.root_element();
    assert_eq!((root.attribute("tests"), root.attribute("failures")), (Some("3"), Some("1")));
    let all = |name: &'static str| document.descendants().filter(move |node| node.has_tag_name(name));
    assert_eq!((all("testsuite").count(), all("testcase").count(), all("failure").count()), (1, 3, 1));
    let failure = all("failure").next().expect("counted");
    assert_eq!(failure.parent().and_then(|case| case.attribute("name")), Some("the right verdict by the wrong rule"));
    assert_eq!(failure.attribute("type"), Some("rule,message"));
    assert!(failure.attribute("message").is_some_and(|message| message.contains("\"gambling <words>\"")), "{xml}");
    let words = failure.text().expect("a trace");
    assert!(
        words.contains("expected \"medicine\"") && words.contains("true when.reason.any: contains 博彩"),
        "{words}"
    );
    check_test(GOOD, &["--junit", "-", "--format", "json"], 2, &["!both want standard output"]);
}

#[test]
fn junit_goes_to_a_file_beside_the_report() {
    let directory = directory(&[("menshen.toml", &format!("{RULES}{GOOD}")), ("bad.toml", BAD)]);
    let line = ["rules", "test", "--junit", "out.xml", "menshen.toml", "bad.toml"];
    check_in(directory.path(), &line, "", 1, &["3 cases: 2 passed, 1 failed"]);
    let xml = std::fs::read_to_string(directory.path().join("out.xml")).expect("the report");
    let document = roxmltree::Document::parse(&xml).expect("well-formed");
    let suites: Vec<_> =
        document.descendants().filter(|node| node.has_tag_name("testsuite")).map(|s| s.attribute("name")).collect();
    assert_eq!(suites, [Some("./menshen.toml"), Some("bad.toml")]);
    check_in(directory.path(), &["rules", "test", "--junit", "no/out.xml"], "", 1, &["!no/out.xml cannot be written"]);
}

#[test]
fn the_built_in_rules_have_cases_that_pass() {
    let directory = directory(&[]);
    check_in(directory.path(), &["rules", "test", "--sandbox"], "", 0, &["4 cases: 4 passed, 0 failed"]);
    assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 0, "looking leaves nothing behind");
}

/// Explains with [`RULES`] and no account.
#[track_caller]
fn check_explain(line: &[&str], stdin: &str, status: i32, said: &[&str]) -> String {
    let directory = directory(&[("menshen.toml", RULES), ("entry.json", ENTRY), ("answer.json", ANSWER)]);
    check_in(directory.path(), &[&["rules", "explain"], line].concat(), stdin, status, said)
}

const ENTRY: &str = r#"{"appid":"wx1","status":1,"create_time":"1536305096","nickname":"某店","reason":"做博 彩",
  "categories":[{"first":"物流服务","second":"查件"}]}"#;

const ANSWER: &str = r#"{"errcode":0,"errmsg":"ok","apply_list":[
  {"appid":"wx1","status":3,"create_time":"1","reason":"旧的博彩","categories":[]},
  {"appid":"wx1","status":1,"create_time":"2","reason":"查件","categories":[{"first":"物流服务"}]},
  {"appid":"wx2","status":2,"create_time":"3","reason":"查件","categories":[{"first":"物流服务"}]},
  {"appid":"wx3","status":1,"create_time":"4","reason":7,"categories":[{"first":"物流服务"}]},
  {"appid":"wx4","status":1,"create_time":"5"}, {"appid":"wx4","status":1,"create_time":"6"},
  {"status":1}]}"#;

#[test]
fn fields_on_the_command_line_are_explained() {
    let refused = ["--reason", "欢迎来到博 彩平台", "--category", "物流服务/查件", "--nickname", "某\u{202e}店"];
    check_explain(
        &refused,
        "",
        0,
        &[
            "nickname    某\\u{202e}店\n  folded    某店\n",
            "reason      欢迎来到博 彩平台\n  folded    欢迎来到博彩平台\n",
            "✓ refuse \"gambling <words>\" (./menshen.toml:2)\n    ✓ when.reason.any: contains 博彩\n        欢迎来到博 彩平台\n                ^^^^^\n",
            "✗ hold \"medicine\"",
            "✓ agree \"trades\"",
            "\nverdict     refuse\nrule        gambling <words>\nmessage     申请说明含有「博彩」\nbecause     refuse: rule",
        ],
    );
    check_explain(&["--reason", "查件"], "", 0, &["categories  –", "? agree \"trades\"", "brake       unknown"]);
    check_explain(&["--category", "物流服务", "--age", "2h"], "", 0, &["verdict     agree"]);
    let long = "快".repeat(3_000);
    let long = check_explain(&["--reason", &long], "", 0, &[&format!("{}… (3000 characters)\n", &long[..3_000])]);
    assert!(long.len() < 6_000, "a screen, not a book: {}", long.len());
    check_explain(&["--age", "2x"], "", 2, &["!no duration"]);
    check_explain(&["--create-time", "soon"], "", 0, &["applied     unreadable: soon"]);
    let at = ["--age", "2h", "--now", "2026-11-22T08:00:00Z"];
    check_explain(&at, "", 0, &["applied     2026-11-22T06:00:00Z (1795327200)", "decided     2026-11-22T08:00:00Z"]);
    check_explain(&["--now", "soon", "--reason", "x"], "", 2, &["!soon"]);
    check_explain(&[], "", 2, &["!required"]);
    check_explain(&["wx1", "--reason", "x"], "", 2, &["!cannot be used with"]);
    check_explain(&["--age", "1h", "--create-time", "5"], "", 2, &["!cannot be used with"]);
    check_explain(&["--reason", "x", "--format", "csv"], "", 0, &["account,appid,create_time"]);
}

#[test]
fn json_is_one_object() {
    let out = check_explain(&["--application", "entry.json", "--format", "json"], "", 0, &[]);
    let found: Value = serde_json::from_str(&out).expect("one object");
    assert_eq!(out.lines().count(), 1);
    for (key, expected) in [
        ("appid", Value::from("wx1")),
        ("create_time", 1_536_305_096.into()),
        ("nickname", "某店".into()),
        ("reason", "做博 彩".into()),
        ("reason_folded", "做博彩".into()),
        ("categories", vec!["物流服务/查件"].into()),
        ("verdict", "refuse".into()),
        ("rule", "gambling <words>".into()),
        ("message", "申请说明含有「博彩」".into()),
        ("brake", Value::Null),
        ("status", "pending".into()),
    ] {
        assert_eq!(found[key], expected, "{key}");
    }
    let rules = found["why"]["rules"].as_array().expect("rules");
    assert_eq!(rules.len(), 3, "every rule, fired or not");
    let place = &rules[0]["conditions"][0]["found"][0];
    assert_eq!((&place["keyword"], &place["start"], &place["end"]), (&"博彩".into(), &3.into(), &10.into()));
}

#[test]
fn entries_are_read_as_wechat_sends_them() {
    let file = |name| ["--application", name];
    check_explain(&file("entry.json"), "", 0, &["from        entry.json", "applied     2018-09-07T07:24:56Z"]);
    check_explain(&file("-"), ENTRY, 0, &["from        standard input", "verdict     refuse"]);
    check_explain(&file("answer.json"), "", 2, &["!choose one with --appid: wx1, wx2, wx3, wx4"]);
    let of = |appid| ["--application", "answer.json", "--appid", appid];
    check_explain(&of("wx1"), "", 0, &["reason      查件", "verdict     agree", "!appid is missing"]);
    check_explain(&of("wx2"), "", 0, &["status      approved", "verdict     agree"]);
    check_explain(&of("wx3"), "", 0, &["malformed   reason", "brake       malformed"]);
    let twice = check_explain(&of("wx4"), "", 0, &["brake       ambiguous", "another pending entry"]);
    assert_eq!(twice.matches("brake       ambiguous").count(), 2);
    check_explain(&of("wx5"), "", 1, &["!there is no such application"]);
    check_explain(&file("-"), "{\"errcode\":40001,\"errmsg\":\"no\"}", 2, &["!40001"]);
    check_explain(&file("-"), "not json", 2, &["!it should be JSON as WeChat sends it"]);
    check_explain(&file("-"), "{\"appid\":7}", 2, &["!appid is a number"]);
    check_explain(&file("gone.json"), "", 2, &["!gone.json cannot be read"]);
}

#[test]
fn what_the_log_would_know_is_told_where_it_is_not_asked() {
    let rules = "[[rule]]\nname = 'again'\naction = 'hold'\nwhen = { previous = { refused = 1 } }\n";
    let directory = directory(&[("menshen.toml", rules)]);
    let line = ["rules", "explain", "--reason", "x"];
    check_in(directory.path(), &line, "", 0, &["(the audit log is not asked here: `previous` counts nothing"]);
}

#[test]
fn accounts_have_rules_of_their_own() {
    let accounts = "[[account]]\nname = 'a'\nappid = 'wxa'\n[[account]]\nname = 'b'\nappid = 'wxb'\n";
    let same = directory(&[("menshen.toml", &format!("{accounts}{RULES}"))]);
    let line = ["rules", "explain", "--reason", "博彩"];
    check_in(same.path(), &line, "", 0, &["verdict     refuse"]);
    let rules = RULES.replace("action  = \"refuse\"", "action = 'refuse'\naccounts = ['b']");
    let other = directory(&[("menshen.toml", &format!("{accounts}{rules}"))]);
    check_in(other.path(), &line, "", 2, &["!name one with --account (a, b)"]);
    let with = |name: &'static str| [line.as_slice(), &["--account", name]].concat();
    check_in(other.path(), &with("a"), "", 0, &["(1 rule is limited to other accounts)", "verdict     hold"]);
    check_in(other.path(), &with("b"), "", 0, &["account     b", "verdict     refuse"]);
    check_in(other.path(), &with("c"), "", 2, &["!no account is named \"c\"; known: a, b"]);
}

/// Runs the binary beside a world that lives in this process.
async fn explain(scene: &Scene, line: &[&str]) -> (Option<i32>, String, String) {
    let mut command = menshen(scene.dir.path());
    command.args(["rules", "explain"]).args(line);
    let output = tokio::task::spawn_blocking(move || output(&mut command, "")).await.expect("no panic");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appid_is_sought_in_the_log_and_then_at_wechat() {
    let scene = Scene::empty().await;
    scene.arrive(Application::new("wx-bad").reason("博 彩 平台引流"));
    scene.write_config();
    let (status, out, err) = explain(&scene, &["wx-bad"]).await;
    assert_eq!(status, Some(0), "{err}");
    assert!(out.contains("from        WeChat's list") && out.contains("account     express"), "{out}");
    assert!(!scene.state_dir().join("menshen.db").exists(), "looking creates nothing");

    scene.pass().await;
    let (status, recorded, err) = explain(&scene, &["wx-bad", "--account", "express"]).await;
    assert_eq!(status, Some(0), "{err}");
    assert!(recorded.contains("from        decision 1 of the audit log"), "{recorded}");
    let because = |out: &str| out.lines().find(|line| line.starts_with("because")).map(str::to_owned);
    assert!(because(&out).is_some());
    assert_eq!(because(&out), because(&recorded), "the same sentence");
    let mut show = menshen(scene.dir.path());
    let shown = text(&show.args(["audit", "show", "1"]).output().expect("it runs").stdout);
    let found = "✓ when.reason.any: contains 博彩\n            博 彩 平台引流\n            ^^^^^";
    for told in [&out.replace("\n    ", "\n        "), &shown] {
        assert!(told.contains(found), "the same lines\n{told}");
    }

    let (status, _, err) = explain(&scene, &["wx-nobody"]).await;
    assert_eq!(status, Some(1), "{err}");
    assert!(err.contains("no such application"), "{err}");
    let (status, _, err) = explain(&scene, &["wx-bad", "--account", "expres"]).await;
    assert_eq!(status, Some(2), "{err}");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_pending_is_told() {
    let scene = Scene::empty().await;
    scene.arrive(Application::new("wx-bad").reason("博彩"));
    scene.pass().await;
    scene.write_config();
    std::fs::remove_dir_all(scene.state_dir()).expect("the log is lost");
    let (status, _, err) = explain(&scene, &["wx-bad"]).await;
    assert_eq!(status, Some(1), "{err}");
    assert!(err.contains("is refused") && err.contains("no such application"), "{err}");
    scene.end();
}

#[test]
fn the_sandbox_is_looked_at() {
    let directory = directory(&[]);
    check_in(directory.path(), &["run", "--once", "--sandbox"], "", 0, &[]);
    let out =
        check_in(directory.path(), &["audit", "list", "--sandbox", "--format", "json", "--limit", "1"], "", 0, &[]);
    let row: Value = serde_json::from_str(&out).expect("a row");
    let appid = row["appid"].as_str().expect("an appid");
    let said = [
        &format!("appid       {appid}")[..],
        "of the audit log",
        &format!("verdict     {}", row["verdict"].as_str().expect("a word")),
    ];
    check_in(directory.path(), &["rules", "explain", "--sandbox", appid], "", 0, &said);
    check_in(directory.path(), &["rules", "explain", "--sandbox", "wx-nobody"], "", 1, &["!no such application"]);
    check_in(directory.path(), &["rules", "explain", "--sandbox", "--reason", "博彩"], "", 0, &["(built-in rules:"]);
}
