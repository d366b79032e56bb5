//! The command line as a person or a script meets it: the real binary, a simulated WeChat, loopback only.

mod support;

use menshen::sandbox::{Account, Application, Options, Status, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use support::process::{Done, Running, finish, side_by_side};
use support::{Scene, menshen};

const HOUR: i64 = 3_600;

fn an_hour_ago() -> i64 {
    jiff::Timestamp::now().as_second() - HOUR
}

/// Agreed, refused and held by the usual rules, in the order of their age.
async fn three() -> Scene {
    let scene = Scene::empty().await;
    scene.arrive(Application::new("wx-good").created_at(an_hour_ago() + 1));
    scene.arrive(Application::new("wx-bad").created_at(an_hour_ago() + 2).nickname("某店").reason("博 彩 平台引流"));
    scene.arrive(Application::new("wx-ask").created_at(an_hour_ago() + 3).reason("希望合作，请联系"));
    scene
}

fn changes(scene: &Scene) -> usize {
    ["dev_agree", "dev_refuse", "dev_delete"].into_iter().map(|action| scene.world.calls(action).len()).sum()
}

/// Every file below a directory with its bytes.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let Ok(entries) = std::fs::read_dir(dir) else { return found };
    for entry in entries.map(|entry| entry.expect("an entry")) {
        let name = entry.path().display().to_string();
        if entry.file_type().expect("a type").is_dir() {
            found.insert(name, Vec::new());
            found.extend(files(&entry.path()));
        } else {
            found.insert(name, std::fs::read(entry.path()).expect("a file"));
        }
    }
    found
}

/// The state directory without SQLite's table of readers, which is no part of the log.
fn database(scene: &Scene) -> BTreeMap<String, Vec<u8>> {
    files(&scene.state_dir()).into_iter().filter(|(name, _)| !name.ends_with("-shm")).collect()
}

#[track_caller]
fn assert_same(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let changed: Vec<_> = before.iter().filter(|(name, bytes)| after[*name] != **bytes).map(|(name, _)| name).collect();
    assert!(changed.is_empty(), "{changed:?}");
}

// ---- exit statuses ----

#[tokio::test(flavor = "multi_thread")]
async fn done_is_0() {
    let scene = three().await;
    for args in ["--dry-run", "run --dry-run", "run --once", "run --once", "audit list", "audit show 1", "audit stats"]
    {
        scene.run(args).exits(0);
    }
    for settings in ["limits = { agree_per_day = 0 }", "limits = { refuse_per_day = 0 }"] {
        three().await.settings(settings).run("run --once").exits(0);
    }
    three().await.shadow().run("run --once").exits(0);
    let scene = three().await;
    scene.run("pause").exits(0);
    scene.run("run --once").exits(0);
    assert_eq!(changes(&scene), 0);
    let scene = three().await;
    scene.fault("dev_agree:overtaken:1");
    scene.run("run --once").exits(0);
    scene.end();
    Scene::empty().await.run("run --once").exits(0);
}

#[test]
fn something_failed_is_1() {
    let cases = [
        ("dev_apply_list:http=500:always", "run --once"),
        ("dev_apply_list:http=500:always", "--dry-run"),
        ("dev_apply_list@page=2:html:always", "run --once"),
        ("dev_apply_list@page=2:html:always", "--dry-run"),
        ("dev_apply_list@appid=wx-ask:malformed=appid-missing:always", "run --once"),
        ("dev_apply_list@appid=wx-ask:malformed=appid-missing:always", "--dry-run"),
        ("dev_refuse:hits=none:1", "run --once"),
        ("dev_agree:errcode=40013:always", "run --once"),
        ("stable_token:errcode=40164:always", "run --once"),
        ("stable_token:errcode=40164:always", "--dry-run"),
    ];
    side_by_side(cases, async |(fault, args)| {
        let scene = three().await;
        scene.fault(fault);
        let done = scene.run(args);
        assert_eq!(done.status, Some(1), "{fault} {args}\n{}\n{}", done.out, done.err);
        assert!(scene.world.unused_faults().is_empty(), "{fault}");
        assert!(!done.err.is_empty() && !done.err.contains("panicked"), "{}", done.err);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_1() {
    let scene = three().await;
    scene.run("audit list").exits(1).complains("no audit log yet");
    scene.run("run --once").exits(0);
    scene.run("audit show 99").exits(1).complains("no decision 99");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_command_line_is_2() {
    let scene = three().await;
    for args in [
        "--nonsense",
        "run --nonsense",
        "nonsense",
        "run nonsense",
        "run --once --dry-run",
        "--format xml audit list",
        "--fresh run --once",
        "--state-dir x run --once",
        "audit",
        "audit show",
        "audit show one",
        "audit list --verdict maybe",
        "audit list --outcome maybe",
        "audit list --brake maybe",
        "audit list --since yesterday",
        "audit list --since -3h",
        "audit list --since 999999999999d",
        "audit list --until 2026-13-40",
        "audit stats --since soon",
        "audit list --limit many",
        "pause --action applaud",
        "pause --account nobody",
        "resume --account nobody",
        "completions klingon",
        "sandbox --listen nowhere",
        "sandbox --fault nonsense",
    ] {
        let done = scene.run(args);
        assert_eq!(done.status, Some(2), "{args}\n{}\n{}", done.out, done.err);
        assert!(!done.err.is_empty() && done.out.is_empty(), "{args}: {}", done.out);
    }
    assert_eq!(changes(&scene), 0);
    assert!(!scene.state_dir().exists(), "nothing was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_configuration_is_2() {
    let scene = Scene::empty().await;
    let good = std::fs::read_to_string(scene.write_config()).expect("just written");
    for (wrong, expected) in [
        (good.replace("mode =", "moode ="), ["menshen.toml:3:1", "moode = \"live\"", "`mode`"]),
        (good.replace("\"live\"", "\"alive\""), ["menshen.toml:3:8", "mode = \"alive\"", "live"]),
        (good.replace("timeout = \"2s\"", "timeout = 2"), ["menshen.toml:10:11", "timeout = 2", "\"90s\""]),
        (good.replace("env = \"SECRET\"", "env = \"NOWHERE\""), [":7", "NOWHERE", "secret"]),
        (good.replace("action  = \"hold\"", "action = \"keep\""), ["menshen.toml:21:10", "action = \"keep\"", "hold"]),
        (good.replace("[[account]]", "[[account]"), [":4", "[[account]", "]"]),
    ] {
        std::fs::write(scene.config_path(), wrong).expect("a configuration");
        for args in [&["run"][..], &["run", "--once"], &["--dry-run"]] {
            let mut command = menshen(scene.dir.path());
            let done = finish(command.args(args)).exits(2);
            expected.iter().fold(done, |done, text| done.complains(text));
        }
    }
    let both = good.replace("mode =", "mood =").replace("appid =", "apid =");
    std::fs::write(scene.config_path(), both).expect("a configuration");
    let done = finish(menshen(scene.dir.path()).arg("--dry-run")).exits(2);
    done.complains("mood").complains("apid");
    assert!(!scene.state_dir().exists(), "nothing was made");
}

#[test]
fn without_a_configuration_it_says_where_it_looked() {
    let dir = tempfile::tempdir().expect("a directory");
    let done = finish(menshen(dir.path()).arg("--dry-run")).exits(2);
    done.complains("menshen.toml").complains("/etc/menshen/menshen.toml").complains("MENSHEN_CONFIG");
    let missing = finish(menshen(dir.path()).args(["-c", "gone.toml", "--dry-run"])).exits(2);
    missing.complains("gone.toml");
    let missing = finish(menshen(dir.path()).env("MENSHEN_CONFIG", "env.toml").arg("--dry-run")).exits(2);
    missing.complains("env.toml");
    assert!(files(dir.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_found_in_order_and_named() {
    let scene = three().await;
    let near = scene.write_config();
    let text = std::fs::read_to_string(&near).expect("just written");
    for name in ["flag.toml", "env.toml"] {
        std::fs::write(scene.dir.path().join(name), &text).expect("a copy");
    }
    let run = |flag: bool, env: bool| {
        let mut command = menshen(scene.dir.path());
        if flag {
            command.args(["-c", "flag.toml"]);
        }
        if env {
            command.env("MENSHEN_CONFIG", "env.toml");
        }
        finish(command.arg("--dry-run")).exits(0)
    };
    run(true, true).complains("flag.toml");
    run(false, true).complains("env.toml");
    run(false, false).complains("menshen.toml");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_account_that_fails_stops_no_other() {
    let options = Options::empty().account(Account::plugin("wx-second-plugin", "another-secret"));
    let scene = Scene::of(World::in_memory(options)).await;
    let second = format!(
        "\n[[account]]\nname = \"aaa\"\nappid = \"wx-second-plugin\"\ntoken = {{ secret = {{ env = \"WRONG\" }} }}\n\
         base_url = \"{}\"\n",
        scene.base_url
    );
    let scene = scene.settings(&second);
    scene.arrive(Application::new("wx-good"));
    let _ = scene.world.arrive_at("wx-second-plugin", Application::new("wx-other"));
    let done = finish(scene.menshen(["run", "--once"]).env("WRONG", "not-the-secret")).exits(1);
    done.complains("40125").says("express: 1 pending");
    assert_eq!(scene.story().await, ["wx-good agree done"]);
    let done = finish(scene.menshen(["run", "--once"]).env("WRONG", "another-secret")).exits(0);
    done.says("aaa: 1 pending of 1 entries; 1 agreed");
    assert_eq!(scene.story().await, ["wx-good agree done", "wx-other agree done"]);
    scene.end();
}

// ---- the dry run ----

/// The keys of a JSON object in the order they are written.
struct Keys(Vec<String>);

impl<'de> serde::Deserialize<'de> for Keys {
    fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Keys, D::Error> {
        struct InOrder;
        impl<'de> serde::de::Visitor<'de> for InOrder {
            type Value = Keys;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        reader.deserialize_map(InOrder)
    }
}

const PREVIEWED: [&str; 11] = [
    "account",
    "appid",
    "create_time",
    "nickname",
    "reason",
    "categories",
    "verdict",
    "rule",
    "message",
    "brake",
    "why",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_in_json() {
    let scene = three().await;
    let at = an_hour_ago();
    scene.arrive(
        Application::new("wx-bare")
            .created_at(at)
            .without("nickname")
            .without("reason")
            .categories([("餐饮", ""), ("商家自营", "母婴/玩具")]),
    );
    scene.arrive(Application::new("wx-ageless").without("create_time"));
    scene.arrive(Application::new("wx-decided").status(Status::Approved));
    let done = scene.run("run --dry-run --format json").exits(0);
    for line in done.out.lines() {
        let keys: Keys = serde_json::from_str(line).expect("an object");
        assert_eq!(keys.0, PREVIEWED, "{line}");
    }
    let lines = done.json();
    let whys: Vec<&Value> = lines.iter().map(|line| &line["why"]).collect();
    assert!(whys.iter().all(|why| why["sentence"].is_string() && why["rules"].is_array()), "{whys:?}");
    let lines: Vec<Value> = lines.iter().map(without_why).collect();
    let of = |appid: &str| lines.iter().find(|line| line["appid"] == appid).expect(appid).clone();
    let order: Vec<&str> = lines.iter().filter_map(|line| line["appid"].as_str()).collect();
    assert_eq!(order[1..], ["wx-good", "wx-bad", "wx-ask", "wx-ageless"]);
    assert_eq!(order[0], "wx-bare");
    assert_eq!(
        of("wx-bare"),
        json!({
            "account": "express", "appid": "wx-bare", "create_time": at, "nickname": "", "reason": "",
            "categories": ["餐饮", "商家自营/母婴/玩具"], "verdict": "hold", "rule": null, "message": null, "brake": null,
        })
    );
    let bad = of("wx-bad");
    assert_eq!(
        (&bad["verdict"], &bad["rule"], &bad["message"], &bad["brake"]),
        (&json!("refuse"), &json!("gambling words"), &json!("申请说明含有「博彩」，请修改后重新申请。"), &Value::Null)
    );
    assert_eq!((of("wx-ask")["verdict"].clone(), of("wx-ask")["rule"].clone()), (json!("hold"), json!("ask a person")));
    assert_eq!(of("wx-ageless")["create_time"], Value::Null);
    assert_eq!(of("wx-ageless")["verdict"], "agree");
    for args in ["--dry-run --format json", "--format json --dry-run run", "--format json run --dry-run --yes"] {
        assert_eq!(scene.run(args).exits(0).out, done.out, "{args}");
    }
    assert_eq!(scene.run("--dry-run").exits(0).out, scene.run("run --dry-run").exits(0).out);
}

fn without_why(line: &Value) -> Value {
    let mut line = line.clone();
    line.as_object_mut().expect("an object").remove("why");
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_is_sorted_over_all_accounts() {
    let options = Options::empty().account(Account::plugin("wx-second-plugin", Account::DEFAULT_SECRET));
    let scene = Scene::of(World::in_memory(options)).await;
    let second = format!(
        "\n[[account]]\nname = \"aaa\"\nappid = \"wx-second-plugin\"\ntoken = {{ secret = {{ env = \"SECRET\" }} }}\n\
         base_url = \"{}\"\n",
        scene.base_url
    );
    let scene = scene.settings(&second);
    let at = an_hour_ago();
    for (plugin, appid, created) in [
        (Account::DEFAULT_APPID, "wx-3", Some(at + 5)),
        (Account::DEFAULT_APPID, "wx-1", Some(at + 5)),
        (Account::DEFAULT_APPID, "wx-5", Some(at)),
        (Account::DEFAULT_APPID, "wx-7", None),
        ("wx-second-plugin", "wx-2", Some(at + 5)),
        ("wx-second-plugin", "wx-4", Some(at + 6)),
        ("wx-second-plugin", "wx-9", None),
    ] {
        let application = Application::new(appid);
        let application = match created {
            Some(created) => application.created_at(created),
            None => application.sent_as("create_time", json!("soon")),
        };
        let _ = scene.world.arrive_at(plugin, application);
    }
    let lines = scene.run("--dry-run --format json").exits(0).json();
    let order: Vec<(&str, &str)> =
        lines.iter().filter_map(|l| Some((l["account"].as_str()?, l["appid"].as_str()?))).collect();
    assert_eq!(
        order,
        [
            ("express", "wx-5"),
            ("aaa", "wx-2"),
            ("express", "wx-1"),
            ("express", "wx-3"),
            ("aaa", "wx-4"),
            ("aaa", "wx-9"),
            ("express", "wx-7")
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_finds_the_brakes_of_a_live_pass() {
    let brakes = |done: &Done| -> Vec<String> {
        done.json().iter().map(|l| format!("{} {} {}", l["appid"], l["verdict"], l["brake"]).replace('"', "")).collect()
    };
    let scene = three().await.settings("limits = { agree_per_day = 2 }");
    for number in 4..7 {
        scene.arrive(Application::new(format!("wx-{number}")).created_at(an_hour_ago() + number));
    }
    let json = "--dry-run --format json";
    let limited = [
        "wx-good agree null",
        "wx-bad refuse null",
        "wx-ask hold null",
        "wx-4 agree null",
        "wx-5 agree limit",
        "wx-6 agree limit",
    ];
    assert_eq!(brakes(&scene.run(json).exits(0)), limited);
    scene.run("pause --action refuse").exits(0);
    let mut paused = limited;
    paused[1] = "wx-bad refuse pause";
    assert_eq!(brakes(&scene.run(json).exits(0)), paused);
    scene.run("run --once").exits(0);
    let now = ["wx-bad refuse pause", "wx-ask hold null", "wx-5 agree limit", "wx-6 agree limit"];
    assert_eq!(brakes(&scene.run(json).exits(0)), now);
    let mut story = scene.story().await;
    story.sort();
    assert_eq!(
        story,
        [
            "wx-4 agree done",
            "wx-5 agree (limit) held",
            "wx-6 agree (limit) held",
            "wx-ask hold held",
            "wx-bad refuse (pause) held",
            "wx-good agree done"
        ],
        "the pass found what the dry run had said"
    );
    scene.end();

    let scene = three().await;
    scene.arrive(Application::new("wx-old").created_at(an_hour_ago()).reason("合作"));
    scene.arrive(Application::new("wx-odd").created_at(an_hour_ago() + 9).sent_as("nickname", json!(7)));
    scene.arrive(Application::new("wx-twice").created_at(an_hour_ago() + 10));
    scene.arrive(Application::new("wx-twice").created_at(an_hour_ago() + 11));
    scene.fault("dev_refuse:hits=oldest:1");
    scene.run("run --once").exits(1).says("BRAKE verification");
    let dry = brakes(&scene.run(json).exits(0));
    let expected = [
        "wx-bad refuse verification",
        "wx-ask hold null",
        "wx-odd hold malformed",
        "wx-twice hold ambiguous",
        "wx-twice hold ambiguous",
    ];
    assert_eq!(dry[dry.len() - 5..], expected, "{dry:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_writes_nothing_and_sends_nothing() {
    let scene = three().await;
    scene.write_config();
    for format in ["human", "json", "csv"] {
        let before = files(scene.dir.path());
        scene.run(&format!("run --dry-run --format {format}")).exits(0);
        assert_same(&before, &files(scene.dir.path()));
    }
    assert_eq!(changes(&scene), 0);
    scene.run("run --once").exits(0);
    let acted = changes(&scene);
    scene.arrive(Application::new("wx-new"));
    let before = files(scene.dir.path());
    scene.run("--dry-run").exits(0).says("2 pending").says("Nothing was sent, nothing was written.");
    assert_same(&before, &files(scene.dir.path()));
    assert_eq!(changes(&scene), acted);
    // With SQLite's side files in place, as while a service runs.
    let beside = scene.connect().await;
    let before = database(&scene);
    scene.run("--dry-run").exits(0).says("2 pending");
    assert_same(&before, &database(&scene));
    drop(beside);
    scene.fault("dev_apply_list:http=500:always");
    let unread = scene.run("--dry-run").exits(1).says("0 pending");
    unread.says("NOT READ to its end, so there may be more: the list of express\n");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_no_lock_works_while_the_service_runs() {
    let mut scene = three().await;
    scene.service = "mode = \"live\"\nschedule = \"0 0 3 1 1 *\"".to_owned();
    let service = Running::start(&mut scene.menshen(["run"]));
    service.line("menshen works", 1);
    for args in ["--dry-run", "audit list", "audit stats", "pause --why later", "resume"] {
        scene.run(args).exits(0);
    }
    let second = scene.run("run --once").exits(1);
    second.complains(&format!("process {}", service.id()));
    scene.run("run").exits(1).complains(&format!("process {}", service.id()));
    assert_eq!(changes(&scene), 0);
    service.signal(rustix::process::Signal::TERM);
    let done = service.wait().exits(0);
    assert_eq!(done.out, "", "logs go to standard error");
    scene.run("run --once").exits(0);
    scene.end();
}

// ---- hostile words ----

const HOSTILE: &str = "=HYPERLINK(\"http://x\")\u{202e}evil\u{1b}[31mred\u{7}\r\nid,agree\u{200b}\u{2066}\u{9b}2J\u{0}";

#[tokio::test(flavor = "multi_thread")]
async fn hostile_words_are_shown_and_not_obeyed() {
    let scene = Scene::empty().await;
    let rules = support::RULES.replace("「{keyword}」", "「{keyword}」{nickname}");
    let scene = scene.rules(&rules);
    scene.arrive(Application::new("wx-\u{1b}[2Jgood\u{202e}").nickname(HOSTILE).reason(HOSTILE));
    scene.arrive(Application::new("wx-bad").nickname(HOSTILE).reason(format!("{HOSTILE}赌博")));
    scene.arrive(Application::new("wx-cats").categories([("\u{1b}]0;title\u{7}", "=1+1"), ("@SUM(A1)", "")]));
    let check = |args: &str, done: Done| {
        let hidden = done.out.chars().find(|c| {
            (c.is_control() && !matches!(c, '\n'))
                || matches!(*c as u32, 0x200b..=0x200f | 0x202a..=0x202e | 0x2066..=0x2069)
        });
        if !args.contains("csv") {
            assert_eq!(hidden.filter(|_| !args.contains("json")), None, "{args}\n{:?}", done.out);
        }
        let hidden = done.err.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(hidden, None, "{args}\n{:?}", done.err);
        if args.contains("csv") {
            let mut reader = csv::Reader::from_reader(done.out.as_bytes());
            let columns = reader.headers().expect("headers").len();
            for record in reader.records().map(|record| record.expect("a record")) {
                assert_eq!(record.len(), columns, "{args}");
                let formula = |cell: &str| cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
                assert!(!record.iter().any(|cell| formula(cell) && cell.parse::<f64>().is_err()), "{args}: {record:?}");
            }
        }
        if args.contains("json") {
            done.json();
        }
    };
    for args in ["--dry-run", "--dry-run --format csv", "--dry-run --format json"] {
        check(args, scene.run(args).exits(0));
    }
    check("run --once", scene.run("run --once").exits(0));
    for args in [
        "audit list",
        "audit list --format csv",
        "audit list --format json",
        "audit show 1",
        "audit show 2",
        "audit show 3",
        "audit show 2 --format csv",
        "audit stats --format csv",
    ] {
        check(args, scene.run(args).exits(0));
    }
    scene.end();

    let scene = Scene::empty().await;
    scene.arrive(Application::new("wx-\u{1b}[2J\u{202e}old").created_at(an_hour_ago()).reason("合作"));
    scene.arrive(Application::new("wx-bad").reason("赌博"));
    scene.fault("dev_refuse:hits=oldest:1");
    check("run --once", scene.run("run --once").exits(1).says("BRAKE"));
}

// ---- pipes ----

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_pipe_is_no_error() {
    let scene = three().await;
    scene.run("run --once").exits(0);
    for number in 0..30 {
        scene.arrive(Application::new(format!("wx-{number}")).reason("合作".repeat(200)));
    }
    for args in [
        "--dry-run",
        "--dry-run --format json",
        "--dry-run --format csv",
        "audit list",
        "audit list --format json",
        "audit list --format csv",
        "audit show 1",
        "audit show 1 --format json",
        "audit stats",
        "audit stats --format json",
        "pause",
        "resume",
        "run --once",
        "run --once --format json",
        "run --once --format csv",
        "completions bash",
        "completions zsh",
        "completions fish",
        "man",
        "--help",
        "--version",
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = scene.menshen(args.split_whitespace());
        command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).env("RUST_LOG", "error");
        let output = command.spawn().expect("the binary").wait_with_output().expect("its end");
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(err.is_empty(), "{args}: {err}");
        assert_eq!(output.status.code(), Some(0), "{args}");
    }
    scene.fault("dev_apply_list:http=500:always");
    for args in ["--dry-run --format json", "run --once", "run --once --format json", "run --once --format csv"] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = scene.menshen(args.split_whitespace());
        let status = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::null()).status().expect("the binary");
        assert_eq!(status.code(), Some(1), "a pass that failed failed, whoever listens: {args}");
    }
}

#[test]
fn completions_and_the_man_page_are_printed() {
    let dir = tempfile::tempdir().expect("a directory");
    let run = |args: &str| finish(menshen(dir.path()).args(args.split(' '))).exits(0);
    for shell in ["bash", "zsh", "fish"] {
        run(&format!("completions {shell}")).says("menshen").says("dry-run");
    }
    let page = run("man").says(".TH menshen 1").says("dry\\-run").says(".SH EXAMPLES\n.nf\n  menshen run ").out;
    assert!(page.contains(".fi\n.PP\nThe configuration is ") && page.contains("\n.SH VERSION\n"), "{page}");
    assert!(!page.contains("EXTRA"), "{page}");
    run("--version").says(env!("CARGO_PKG_VERSION"));
    run("--help").says("--dry-run").says("Exit status");
    assert!(files(dir.path()).is_empty());
    run("man share/man/man1");
    for page in ["menshen.1", "menshen-audit-show.1"] {
        assert!(dir.path().join("share/man/man1").join(page).exists(), "{page}: the directory is made");
    }
}

// ---- the sandbox ----

#[test]
fn the_sandbox_needs_no_configuration() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("menshen.toml"), "nonsense").expect("a file");
    let run = |args: &str| {
        let mut command = menshen(dir.path());
        finish(command.env_remove("SECRET").env("MENSHEN_CONFIG", "broken.toml").args(args.split(' ')))
    };
    run("--dry-run --sandbox").exits(0).says("24 pending");
    assert!(!dir.path().join("menshen-sandbox").exists(), "looking makes nothing");
    run("run --once --sandbox").exits(0).says("agreed").says("menshen audit list --sandbox");
    let again = run("run --once --sandbox").exits(0).says("Nothing new");
    assert!(again.out.contains("0 agreed, 0 refused, 0 held"), "{}", again.out);
    let rows = run("audit list --sandbox --limit 0 --format json").exits(0).json().len();
    run("audit show 1 --sandbox").exits(0).says("decision 1");
    run("audit stats --sandbox").exits(0).says("agree");
    let held = run("--dry-run --sandbox --format json").exits(0).json();
    assert!(!held.is_empty() && held.iter().all(|line| line["verdict"] == "hold"), "only people's work is left");
    assert!(run("--dry-run --sandbox --fresh").exits(0).out.contains("24 pending"), "another world, for once");
    assert_eq!(run("audit list --sandbox --limit 0 --format json").exits(0).json().len(), rows);
    run("run --once --sandbox --fresh").exits(0).says("24 pending");
    assert_eq!(run("audit list --sandbox --limit 0 --format json").exits(0).json().len(), rows, "the same world anew");
    run("run --once --sandbox --state-dir elsewhere").exits(0).says("24 pending").says("--state-dir elsewhere");
    assert!(dir.path().join("elsewhere/menshen.db").exists());
    run("audit list --sandbox --state-dir nowhere").exits(1).complains("no audit log yet");
    run("pause --sandbox").exits(0);
    run("resume --sandbox").exits(0).says("lifted: pause");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_configuration_the_sandbox_takes_only_rules() {
    let scene = Scene::empty()
        .await
        .rules("[[rule]]\nname = \"nobody\"\naction = \"refuse\"\nmessage = \"不\"\nwhen = { always = true }\n");
    let mut command = scene.menshen(["run", "--dry-run", "--sandbox", "--format", "json"]);
    let done = finish(command.env_remove("SECRET")).exits(0);
    assert_eq!(done.json().len(), 24);
    assert!(done.json().iter().all(|line| line["rule"] == "nobody" && line["account"] == "sandbox"));
    assert!(scene.world.ledger().is_empty(), "the account's own WeChat is not asked");
    std::fs::write(scene.config_path(), "[[rule]]\nname = 1\n").expect("a configuration");
    let mut command = menshen(scene.dir.path());
    finish(command.args(["-c", "menshen.toml", "--dry-run", "--sandbox"])).exits(2).complains("menshen.toml:2:8");
}

#[test]
fn the_sandbox_serves_until_it_is_told_to_stop() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut command = menshen(dir.path());
    command.args(["sandbox", "--listen", "127.0.0.1:0", "--applications", "3", "--latency-ms", "1"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("piped")));
    let first = lines.next().expect("a line").expect("UTF-8");
    assert!(first.starts_with("base_url = \"http://127.0.0.1:"), "{first}");
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM)
        .expect("it runs");
    assert_eq!(child.wait().expect("its end").code(), Some(0));
    let elsewhere = finish(menshen(dir.path()).args(["sandbox", "--listen", "0.0.0.0:0"]));
    elsewhere.exits(2);
}

// ---- audit ----

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_read_in_every_way() {
    let scene = three().await;
    scene.arrive(Application::new("wx-hurt").created_at(an_hour_ago() + 9));
    scene.fault("dev_agree@appid=wx-hurt:errcode=40013:1");
    scene.run("run --once").exits(1);
    let list = |filter: &str| -> Vec<String> {
        let rows = scene.run(&format!("audit list --format json {filter}")).exits(0).json();
        rows.iter().filter_map(|row| row["appid"].as_str()).map(ToOwned::to_owned).collect()
    };
    let mut all = list("");
    all.sort();
    assert_eq!(all, ["wx-ask", "wx-bad", "wx-good", "wx-hurt"]);
    for (filter, expected) in [
        ("--verdict refuse", &["wx-bad"][..]),
        ("--verdict delete", &[]),
        ("--outcome failed", &["wx-hurt"]),
        ("--outcome held", &["wx-ask"]),
        ("--appid wx-good", &["wx-good"]),
        ("--account express --verdict hold", &["wx-ask"]),
        ("--account nobody", &[]),
        ("--brake limit", &[]),
        ("--since 1h --verdict refuse", &["wx-bad"]),
        ("--since 2020-01-01 --until 2020-01-02", &[]),
        ("--until 1h", &[]),
    ] {
        assert_eq!(list(filter), expected, "{filter}");
    }
    assert_eq!(list("--limit 2").len(), 2);
    assert_eq!(list("--limit 0").len(), 4);
    let newest = list("").pop().expect("rows");
    assert_eq!(list("--limit 1"), [newest], "the newest is last and stays");
    let named = finish(&mut scene.menshen(["audit", "list", "--rule", "gambling words", "--format", "csv"])).exits(0);
    assert!(named.out.starts_with("id,decided_at,account,appid,create_time,nickname,reason,categories,verdict,rule,message,mode,actor,brake,outcome,errcode,errmsg,attempts,settled_at,pass,ruleset\n"), "{}", named.out);
    assert_eq!(named.out.lines().count(), 2);
    let human = scene.run("audit list").exits(0);
    for text in ["wx-hurt", "failed", "errcode 40013", "某店", "gambling words"] {
        assert!(human.out.contains(text), "{text}\n{}", human.out);
    }
    let rows = scene.run("audit list --format json").exits(0).json();
    let id = |appid: &str| rows.iter().find(|row| row["appid"] == appid).expect(appid)["id"].to_string();
    let shown = scene.run(&format!("audit show {}", id("wx-hurt"))).exits(0);
    shown.says("errcode 40013").says("rid ").says("call 1: agree rejected").says("known trades");
    let shown = scene.run(&format!("audit show {} --format json", id("wx-hurt"))).exits(0).json();
    assert_eq!(shown[0]["calls"][0]["errcode"], 40013, "{}", shown[0]);
    assert!(shown[0]["calls"][0]["rid"].as_str().is_some_and(|rid| !rid.is_empty()), "{}", shown[0]);
    let shown = scene.run(&format!("audit show {}", id("wx-bad"))).exits(0);
    shown.says("when.reason").says("博彩").says("message     申请说明含有「博彩」").says("errcode 0");
    let stats = scene.run("audit stats --format json").exits(0).json();
    let cell = |verdict: &str, outcome: &str| {
        stats.iter().find(|row| row["verdict"] == verdict && row["outcome"] == outcome).map(|row| row["n"].clone())
    };
    assert_eq!(cell("agree", "done"), Some(json!(1)), "{stats:?}");
    assert_eq!(cell("agree", "failed"), Some(json!(1)), "{stats:?}");
    assert_eq!(cell("refuse", "done"), Some(json!(1)), "{stats:?}");
    assert_eq!(cell("hold", "held"), Some(json!(1)), "{stats:?}");
    scene.run("audit stats").exits(0).says("gambling words");
    scene.run("audit stats --format csv --since 7d").exits(0).says("day,account,verdict,rule,outcome,n");
    assert_eq!(scene.run("audit stats --format json --until 2020-01-01").exits(0).json().len(), 0);
    let months = scene.run("audit stats --by month --format json").exits(0).json();
    assert!(months[0]["month"].as_str().is_some_and(|month| month.len() == 7), "{months:?}");
    scene.run("audit stats --by year --format csv").exits(0).says("year,account,verdict,rule,outcome,n");
    scene.end();
}

// ---- pause and resume ----

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_recorded_and_holds() {
    let scene = three().await;
    let mut pause =
        scene.menshen(["pause", "--account", "express", "--action", "agree", "--why", "rules under review"]);
    finish(&mut pause).exits(0).says("every agree for account express");
    let record = "SELECT kind || ' ' || account_appid || ' ' || action || ' ' || why || ' ' || who FROM brakes";
    assert_eq!(
        scene.sql(record).await,
        [format!("pause {} agree rules under review cli:tester", Account::DEFAULT_APPID)]
    );
    scene.run("run --once").exits(0);
    let mut story = scene.story().await;
    story.sort();
    assert_eq!(story, ["wx-ask hold held", "wx-bad refuse done", "wx-good agree (pause) held"]);
    scene.run("resume --action refuse").exits(0).says("nothing to resume");
    scene.run("run --once").exits(0);
    assert!(scene.world.calls("dev_agree").is_empty());
    let mut resume = scene.menshen(["resume", "--account", "express", "--action", "agree", "--why", "done"]);
    finish(&mut resume).exits(0).says("lifted: pause").says("rules under review").says("cli:tester");
    scene.run("run --once").exits(0);
    assert!(scene.story().await.contains(&"wx-good agree done".to_owned()));
    let lifted = "SELECT event || ' ' || why || ' ' || who FROM brakes WHERE event = 'lifted'";
    assert_eq!(scene.sql(lifted).await, ["lifted done cli:tester"]);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_without_arguments_lifts_everything() {
    let scene = three().await;
    scene.fault("dev_refuse:hits=none:1");
    scene.run("run --once").exits(1).says("menshen resume");
    scene.run("pause").exits(0);
    scene.run("pause --action agree").exits(0);
    let done = scene.run("resume").exits(0);
    assert_eq!(done.out.lines().count(), 3, "{}", done.out);
    done.says("lifted: verification").says("lifted: pause");
    scene.run("run --once").exits(0);
    let story = scene.story().await;
    assert!(story.contains(&"wx-bad refuse done".to_owned()), "{story:?}");
    scene.end();
}
