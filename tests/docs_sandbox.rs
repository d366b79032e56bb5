//! `docs/sandbox.md` and the simulated WeChat belong together: every option, call, fault, errcode and control it shows
//! is tried, and none that exists is missing. What it says of other clients is held by `tests/clients`.

mod support;

use menshen::sandbox::{Account, Application, Clock, Fault, Moved, Options, RefuseWithoutAppid, Server, Status, World};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;
use support::page::{code, read, table};
use support::process::finish;
use support::wechat::{Seen, WeChat, ask, request};

const PAGE: &str = "docs/sandbox.md";
/// A moment, for a world whose clock stands still.
const START_SECS: i64 = 1_790_003_600;
/// How long a client listens to one that never answers; all else is told at once.
const SILENCE: Duration = Duration::from_millis(300);

fn still() -> Options {
    Options { clock: Clock::Manual, start_ms: Some(START_SECS * 1000), ..Options::empty() }
}

/// A world with these waiting, the first for the longest time.
fn waiting(options: Options, appids: &[&str]) -> World {
    let world = World::in_memory(options);
    for (place, appid) in (0..).zip(appids) {
        assert_eq!(world.arrive(Application::new(*appid).created_at(START_SECS - 3_600 + place)), Moved::Moved);
    }
    world
}

/// `/wxa/devplugin` with a good token.
fn devplugin(world: &World) -> String {
    format!("/wxa/devplugin?access_token={}", world.stable_token(Account::DEFAULT_APPID))
}

fn answer(world: &World, method: &str, address: &str, body: &str) -> Value {
    let (_, body) = world.ask(method, address, body.as_bytes());
    serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{address}: {error}"))
}

// ---- starting it ----

/// `--names` at the beginnings of lines of a help page.
fn options(command: &[&str]) -> BTreeSet<String> {
    let done = finish(Command::new(env!("CARGO_BIN_EXE_menshen")).args(command).arg("--help")).exits(0);
    let names =
        done.out.lines().filter_map(|line| line.trim_start().split_once("--").filter(|(before, _)| before.len() <= 4));
    names.map(|(_, rest)| rest.split([' ', '=']).next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_option_is_told() {
    let page = read(PAGE);
    let told: BTreeSet<String> = table(&page, "option")
        .iter()
        .flat_map(|row| code(&row[0]))
        .filter_map(|text| text.strip_prefix("--").map(|name| name.split(' ').next().unwrap_or_default().to_owned()))
        .collect();
    let (all, common) = (options(&["sandbox"]), options(&["completions"]));
    assert!(all.len() > common.len(), "{all:?}");
    let silent: Vec<_> = all.difference(&common).filter(|name| !told.contains(*name)).collect();
    assert!(silent.is_empty(), "{PAGE} does not tell of {silent:?}");
    let invented: Vec<_> = told.difference(&all).collect();
    assert!(invented.is_empty(), "{PAGE} invents {invented:?}");
}

#[test]
fn it_starts_as_the_page_says() {
    let page = read(PAGE);
    let line = page.lines().find_map(|line| line.strip_prefix("menshen sandbox --listen 127.0.0.1:8787 "));
    let wechat = WeChat::start(line.expect("the page shows how it is started"));
    let owner = &wechat.control("world", None)["accounts"][0];
    let count = |name: &str| owner[name].as_u64().expect("a count");
    let all: u64 = ["pending", "approved", "refused", "timed_out"].map(count).iter().sum();
    assert_eq!((all, count("pending")), (60, 24));
    let world = World::in_memory(Options::empty());
    let secret = &code(page.split("Everybody's secret is ").nth(1).expect("it is told"))[0];
    for row in table(&page, "who") {
        let appid = &code(&row[1])[0];
        let asked = match row[0].contains("platform") {
            true => {
                json!({ "component_appid": appid, "component_appsecret": secret, "component_verify_ticket": world.ticket() })
            }
            false => json!({ "grant_type": "client_credential", "appid": appid, "secret": secret }),
        };
        let path = if row[0].contains("platform") { "component/api_component_token" } else { "stable_token" };
        let token = answer(&world, "POST", &format!("/cgi-bin/{path}"), &asked.to_string());
        assert_eq!(token["expires_in"], 7200, "{appid}: {token}");
    }
}

// ---- what it answers ----

#[test]
fn every_endpoint_is_told_and_there() {
    let rows = table(&read(PAGE), "request | actions");
    let told: BTreeSet<(String, String)> = rows
        .iter()
        .flat_map(|row| code(&row[0]))
        .map(|text| {
            text.split_once(' ').map(|(method, path)| (path.to_owned(), method.to_owned())).expect("METHOD /path")
        })
        .collect();
    let source = read("src/sandbox/request.rs");
    let there = source.split('"').filter(|text| text.starts_with("/cgi-bin/") || text.starts_with("/wxa/"));
    assert_eq!(told.iter().map(|(path, _)| path.as_str()).collect::<BTreeSet<_>>(), there.collect());
    let world = World::in_memory(Options::empty());
    for (path, method) in &told {
        let code = &answer(&world, method, path, "{}")["errcode"];
        assert!(
            ![40066, 43002].contains(&code.as_i64().expect("nobody gets in without a token")),
            "{method} {path}: {code}"
        );
    }
    for (row, path) in rows.iter().flat_map(|row| code(&row[0]).into_iter().map(move |request| (row, request))) {
        let address = path.split_once(' ').map(|(_, path)| path.to_owned()).expect("METHOD /path");
        let address = format!("{address}?access_token={}", world.stable_token(Account::DEFAULT_APPID));
        for action in row.get(1).map(|cell| code(cell)).unwrap_or_default() {
            let code = &answer(&world, "POST", &address, &json!({ "action": action }).to_string())["errcode"];
            assert_ne!(code, 40097, "{action} is known");
        }
    }
}

/// A world as the table of calls describes it.
fn calls_world(refuse_without_appid: RefuseWithoutAppid) -> World {
    let world = waiting(Options { refuse_without_appid, ..still() }, &["C", "B", "A"]);
    assert_eq!(world.person_refuses("B"), Moved::Moved);
    world
}

/// How the three stand, as the table says it; nothing for what is as it was.
fn moved(world: &World) -> Vec<String> {
    let words = |appid: &str| match (appid, world.status(appid)) {
        ("B", Some(Status::Refused)) | ("A" | "C", Some(Status::Pending)) => None,
        (_, Some(Status::Approved)) => Some(format!("`{appid}` is approved")),
        (_, Some(Status::Refused)) => Some(format!("`{appid}` is refused")),
        (_, None) => Some(format!("`{appid}` is gone from the list")),
        (_, status) => panic!("{appid}: {status:?}"),
    };
    ["A", "B", "C"].into_iter().filter_map(words).collect()
}

/// Makes the call of a row; its errcode.
fn make(call: &str, world: &World) -> i64 {
    let good = devplugin(world);
    let list = json!({ "action": "dev_apply_list" }).to_string();
    let (method, address, body) = match call {
        "no body" => ("POST", good, String::new()),
        "a body that is no JSON object" => ("POST", good, "[]".to_owned()),
        "GET instead of POST" => ("GET", good, list),
        "another path" => ("POST", "/wxa/dance".to_owned(), list),
        "no token" => ("POST", "/wxa/devplugin".to_owned(), list),
        "a token that never was one" => ("POST", "/wxa/devplugin?access_token=abc".to_owned(), list),
        "a token that was replaced" => {
            world.revoke_tokens(Account::DEFAULT_APPID);
            ("POST", good, list)
        }
        "a token past its two hours" => {
            world.advance(Duration::from_secs(7_201));
            ("POST", good, list)
        }
        "asking for a token with a wrong secret" => {
            let asked = json!({ "grant_type": "client_credential", "appid": Account::DEFAULT_APPID, "secret": "b" });
            ("POST", "/cgi-bin/stable_token".to_owned(), asked.to_string())
        }
        _ => ("POST", good, body_of(call).to_string()),
    };
    answer(world, method, &address, &body)["errcode"].as_i64().expect("an errcode")
}

fn body_of(call: &str) -> Value {
    match call {
        "`dev_agree` of `A`" => json!({ "action": "dev_agree", "appid": "A" }),
        "`dev_agree` of `B`" => json!({ "action": "dev_agree", "appid": "B" }),
        "`dev_agree` of a stranger" => json!({ "action": "dev_agree", "appid": "D" }),
        "`dev_agree` without `appid`" => json!({ "action": "dev_agree" }),
        "`dev_refuse` of `A` with a `reason`" => json!({ "action": "dev_refuse", "appid": "A", "reason": "请修改" }),
        "`dev_refuse` of `A` without `reason`" => json!({ "action": "dev_refuse", "appid": "A" }),
        "`dev_refuse` without `appid`" | "the same with `--refuse-without-appid oldest`" => {
            json!({ "action": "dev_refuse", "reason": "请修改" })
        }
        "`dev_delete` of `B`" => json!({ "action": "dev_delete", "appid": "B" }),
        "`dev_delete` of `A`" => json!({ "action": "dev_delete", "appid": "A" }),
        "`dev_delete` without `appid`" => json!({ "action": "dev_delete" }),
        "`dev_apply_list` without `page` and `num`" => json!({ "action": "dev_apply_list" }),
        "`dev_apply_list` with `num` 0" => json!({ "action": "dev_apply_list", "page": 1, "num": 0 }),
        "`dev_apply_list` with `\"page\": \"1\"`" => json!({ "action": "dev_apply_list", "page": "1", "num": 10 }),
        "another action" => json!({ "action": "dev_dance" }),
        "no action" => json!({}),
        other => panic!("nobody knows how to make the call {other:?}"),
    }
}

#[test]
fn every_call_is_answered_as_the_page_says() {
    let rows = table(&read(PAGE), "call");
    assert!(rows.len() > 20, "{rows:?}");
    for row in rows {
        let without = if row[0].contains("oldest") { RefuseWithoutAppid::Oldest } else { RefuseWithoutAppid::Reject };
        let world = calls_world(without);
        let answered = make(&row[0], &world);
        let told = code(&row[1]);
        assert_eq!(Some(answered.to_string()), told.first().cloned(), "{}", row[0]);
        let moved = moved(&world);
        assert!(moved.iter().all(|words| row[1].contains(words)), "{}: {moved:?}", row[0]);
        assert_eq!(told.len() - 1, moved.len(), "{}: {moved:?}, {}", row[0], row[1]);
    }
    let appids: Vec<String> = (10..30).map(|n| format!("wx{n}")).collect();
    let world = waiting(still(), &appids.iter().map(String::as_str).collect::<Vec<_>>());
    let page =
        answer(&world, "POST", &devplugin(&world), &body_of("`dev_apply_list` without `page` and `num`").to_string());
    assert_eq!(page["apply_list"].as_array().map(Vec::len), Some(10));
    assert_eq!(page["apply_list"][0]["appid"], "wx29");
}

// ---- faults ----

/// What came of it, in the words of the page.
fn seen(answer: &Seen) -> String {
    let Seen::Answer { status, content_type, body, .. } = answer else {
        return match answer {
            Seen::CutShort => "cut short",
            Seen::Closed => "closed",
            Seen::Reset => "reset",
            _ => "silence",
        }
        .to_owned();
    };
    match serde_json::from_slice::<Value>(body) {
        Ok(json) => told(&json),
        Err(_) if body.is_empty() => format!("HTTP {status} empty"),
        Err(_) if content_type.starts_with("text/html") => format!("HTTP {status} text/html"),
        Err(_) => format!("HTTP {status} of {} bytes", body.len()),
    }
}

fn told(json: &Value) -> String {
    let entry = |entry: &Value| {
        let appid = entry["appid"].as_str().filter(|appid| appid.len() == 1).unwrap_or("a newcomer");
        format!("{appid} {}", if entry["status"] == 1 { "waits" } else { "does not" })
    };
    if let Some(life) = json.get("expires_in") {
        return format!("expires_in {life}");
    }
    let code = ["errcode", "errCode"].iter().find_map(|name| Some(format!("{name} {}", json.get(name)?)));
    match json.get("apply_list") {
        Some(Value::Array(list)) => list.iter().map(entry).collect::<Vec<_>>().join(", "),
        Some(_) => "apply_list is null".to_owned(),
        None => code.unwrap_or_default(),
    }
}

/// What a fault did to the three, as the page says it.
fn done(world: &World) -> String {
    let approved: Vec<&str> =
        ["a", "b", "c"].into_iter().filter(|a| world.status(a) == Some(Status::Approved)).collect();
    let gone: Vec<&str> = ["a", "b", "c"].into_iter().filter(|appid| world.status(appid).is_none()).collect();
    match (approved.as_slice(), gone.as_slice()) {
        ([], []) => String::new(),
        ([], [one]) => format!("; {one} is gone"),
        ([one], []) => format!("; {one} is approved"),
        (many, []) => format!("; {} are approved", many.join(", ")),
        other => panic!("{other:?}"),
    }
}

/// Brings the fault of a row about; what was seen.
async fn bring_about(fault: &str) -> String {
    let world = waiting(still(), &["a", "b", "c"]);
    let server = Server::start(world.clone(), ([127, 0, 0, 1], 0).into()).await.expect("loopback");
    world.inject(Fault::parse(fault).unwrap_or_else(|error| panic!("{error}")));
    let listing = fault.starts_with("dev_apply_list");
    let page = if fault.contains("@page=2") { 2 } else { 1 };
    let (address, body) = if fault.starts_with("stable_token") {
        let asked = json!({ "grant_type": "client_credential", "appid": Account::DEFAULT_APPID, "secret": Account::DEFAULT_SECRET });
        ("/cgi-bin/stable_token".to_owned(), asked)
    } else if listing {
        (devplugin(&world), json!({ "action": "dev_apply_list", "page": page, "num": 2 }))
    } else {
        (devplugin(&world), json!({ "action": "dev_agree", "appid": "b" }))
    };
    if fault.contains(":behind=") {
        assert_eq!(world.person_agrees("b"), Moved::Moved);
    }
    let patience = if fault.contains(":hang") { SILENCE } else { Duration::from_secs(60) };
    let request = request("POST", &address, &body.to_string());
    let addr = server.addr();
    let answer = tokio::task::spawn_blocking(move || ask(addr, &request, patience)).await.expect("no panic");
    assert_eq!(world.unused_faults(), Vec::<String>::new(), "{fault}");
    if let Some(kind) = fault.split("content-type=").nth(1) {
        assert!(matches!(&answer, Seen::Answer { content_type, .. } if content_type == kind), "{answer:?}");
    }
    if fault.contains(":date=600") {
        let Seen::Answer { date, .. } = &answer else { panic!("{answer:?}") };
        let told = jiff::fmt::rfc2822::parse(date).expect("a date").timestamp();
        let ahead_secs = told.as_second() - jiff::Timestamp::now().as_second();
        assert!((300..=600).contains(&ahead_secs), "{date}");
    }
    if fault.contains(":lag=2") {
        let list = json!({ "action": "dev_apply_list" }).to_string();
        let shown = || self::answer(&world, "POST", &devplugin(&world), &list)["apply_list"][1]["status"].clone();
        assert_eq!([shown(), shown(), shown()], [1, 1, 2], "{fault}");
    }
    let words = match (listing, fault.contains("null-list") || fault.contains("no-list")) {
        (true, true) if seen(&answer) == "errcode 0" => "no apply_list".to_owned(),
        (true, _) => seen(&answer),
        (false, _) => seen(&answer) + &done(&world),
    };
    server.stop().await;
    words
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_does_what_the_page_says() {
    for row in table(&read(PAGE), "fault | what happens") {
        let (fault, expected) = (&code(&row[0])[0], &code(&row[2])[0]);
        assert_eq!(&bring_about(fault).await, expected, "{fault}");
    }
}

/// The effects a mistake is answered with: those that may come before or after the work, and the others.
fn effects() -> (Vec<String>, Vec<String>) {
    let words = Fault::parse("dev_agree:nonsense").expect_err("no such effect").to_string();
    let list =
        words.split("expected one of ").nth(1).expect("the list").split(" or malformed=").next().unwrap_or_default();
    let (either, rest) = list.split_once(" (each also").expect("those that come before or after");
    let rest = rest.split_once("), ").expect("and the others").1;
    let names = |text: &str| {
        let names = text.split([',', '|']).map(|name| name.trim().split('=').next().unwrap_or_default().to_owned());
        names.filter(|name| !name.is_empty()).collect()
    };
    (names(either), names(rest))
}

#[test]
fn every_fault_is_told() {
    let page = read(PAGE);
    let rows = table(&page, "fault | what happens");
    let effect =
        |row: &Vec<String>| code(&row[0])[0].split(':').nth(1).and_then(|e| e.split('=').next()).map(str::to_owned);
    let told: BTreeSet<String> = rows.iter().filter_map(effect).collect();
    let (either, others) = effects();
    assert!(either.len() > 6 && others.len() > 15, "{either:?} {others:?}");
    // The targets of `hits=` come in the same list.
    let targets = ["all", "none", "other", "both", "malformed"];
    for name in either.iter().chain(&others).filter(|name| !targets.contains(&name.as_str())) {
        assert!(told.contains(name), "{name} is not told");
    }
    for name in either {
        assert!(told.contains(&format!("{name}-after")), "{name}-after is not told");
    }
    let words = Fault::parse("nobody:busy").expect_err("no such calls").to_string();
    let endpoints = words.split("an endpoint (").nth(1).and_then(|rest| rest.split(')').next()).expect("the endpoints");
    for name in endpoints.split(", ") {
        assert!(page.contains(&format!("`{name}`")), "{name} is not told");
    }
}

#[test]
fn every_malformation_looks_as_the_page_says() {
    let rows = table(&read(PAGE), "kind");
    for row in &rows {
        let kind = &code(&row[0])[0];
        let world = waiting(still(), &["wx1"]);
        world.inject(
            Fault::parse(&format!("dev_apply_list:malformed={kind}")).unwrap_or_else(|error| panic!("{error}")),
        );
        let (_, body) = world.ask("POST", &devplugin(&world), br#"{"action":"dev_apply_list"}"#);
        let (text, literal) = (String::from_utf8(body).expect("UTF-8"), &code(&row[1])[0]);
        match row[1].starts_with("no ") {
            true => assert!(!text.contains(&format!("\"{literal}\"")), "{kind}: {text}"),
            false => assert!(text.contains(literal), "{kind}: {text}"),
        }
        if row[1].ends_with("behind the true one") {
            let field = literal.split(':').next().expect("a field");
            assert_eq!(text.matches(field).count(), 2, "{kind}: {text}");
        }
    }
    let words = Fault::parse("dev_agree:nonsense").expect_err("no such effect").to_string();
    let kinds = words.split("KIND one of ").nth(1).expect("the kinds").split(", ");
    assert_eq!(
        rows.iter().map(|row| code(&row[0]).remove(0)).collect::<BTreeSet<_>>(),
        kinds.map(str::to_owned).collect()
    );
}

// ---- errcodes and controls ----

#[test]
fn every_errcode_has_its_words() {
    let rows = table(&read(PAGE), "errcode");
    let mut told = BTreeSet::new();
    for row in &rows {
        let code = code(&row[0])[0].parse::<i64>().expect("a number");
        let world = World::in_memory(Options::empty());
        world.inject(Fault::parse(&format!("*:errcode={code}")).expect("a fault"));
        let answer = answer(&world, "POST", "/wxa/devplugin", "{}");
        assert_eq!(answer["errcode"], code);
        let words = answer["errmsg"].as_str().and_then(|words| words.split_once(" rid: ")).expect("words and a rid").0;
        assert_eq!(words, row[1], "{code}");
        told.insert(code);
    }
    let source = read("src/sandbox/answer.rs");
    let known = source.lines().filter_map(|line| line.trim().split_once(" => \"")?.0.parse::<i64>().ok());
    assert_eq!(told, known.collect());
}

#[test]
fn every_control_is_told() {
    let rows = table(&read(PAGE), "request | does");
    let told: BTreeSet<String> =
        rows.iter().flat_map(|row| code(&row[0])).map(|text| text.replace("/sandbox/", "")).collect();
    let source = read("src/sandbox/control.rs");
    let there = source.lines().filter_map(|line| {
        let (method, path) = line.trim().strip_prefix("(\"")?.split_once("\", \"/")?;
        Some(format!("{method} {}", path.split('"').next()?))
    });
    assert_eq!(told, there.collect());
}
