//! What monitoring reads of the running service: numbers right after what they count, health when WeChat hangs, an
//! address that is taken as a whole or not at all, and clients that mean no good.

mod support;

use menshen::sandbox::{Application, Options, World};
use rustix::process::Signal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;
use support::Scene;
use support::exposition::Exposition;
use support::process::{Done, Running, until};

const EVERY_SECOND: &str = "mode = \"live\"\nschedule = \"* * * * * *\"";
const NEVER: &str = "mode = \"live\"\nschedule = \"0 0 3 1 1 *\"";
const ANYWHERE: &str = "[metrics]\nlisten = \"127.0.0.1:0\"\n";

async fn scene(service: &str, settings: &str) -> Scene {
    scene_of(service, settings, Options::empty()).await
}

async fn scene_of(service: &str, settings: &str, options: Options) -> Scene {
    let mut scene = Scene::of(World::in_memory(options)).await.settings(settings);
    scene.service = service.to_owned();
    scene
}

fn hours_ago(hours: i64) -> i64 {
    jiff::Timestamp::now().as_second() - hours * 3_600
}

fn parcel(appid: &str) -> Application {
    Application::new(appid).created_at(hours_ago(1))
}

/// A service and where it tells its numbers.
struct Watched {
    service: Running,
    addr: SocketAddr,
}

fn start(scene: &Scene) -> Watched {
    let service = Running::start(&mut scene.menshen(["run"]));
    service.line("menshen works", 1);
    let addr = served(&service, 1);
    Watched { service, addr }
}

/// The address of the n-th line that tells one.
#[track_caller]
fn served(service: &Running, nth: usize) -> SocketAddr {
    let line = service.line("/metrics and /healthz are served", nth);
    let addr = line.split("addr=").nth(1).and_then(|rest| rest.split_whitespace().next());
    addr.and_then(|addr| addr.parse().ok()).unwrap_or_else(|| panic!("no address: {line}"))
}

impl Watched {
    #[track_caller]
    fn numbers(&self) -> Exposition {
        let answer = get(self.addr, "/metrics");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        Exposition::read(&answer.body)
    }

    /// Waits until a number of the one account is this.
    #[track_caller]
    fn until(&self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<(&str, &str)> = [("account", "express")].into_iter().chain(labels.iter().copied()).collect();
        until(&format!("{name}{labels:?} = {value}"), || self.numbers().value(name, &labels) == Some(value));
    }

    #[track_caller]
    fn health(&self) -> (u16, Value) {
        let answer = get(self.addr, "/healthz");
        assert_eq!(answer.body.lines().count(), 1, "one line: {:?}", answer.body);
        (answer.status, serde_json::from_str(&answer.body).expect("JSON"))
    }

    fn stop(self) -> Done {
        self.service.signal(Signal::TERM);
        self.service.wait().exits(0)
    }
}

/// An answer, as it came.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

#[track_caller]
fn get(addr: SocketAddr, path: &str) -> Answer {
    asked(addr, &format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\n\r\n")).unwrap_or_else(|| panic!("no answer: {path}"))
}

/// Sends this and reads to the end; `None` = the connection was closed without an answer.
fn asked(addr: SocketAddr, request: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect(addr).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time");
    // A server that has heard enough may close before it has read everything.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_follow_what_happens() {
    let limits = "[limits]\nagree_per_day = 3\n[pending]\nwindow = \"24h\"\nwarn_before = \"23h\"\n";
    let scene = scene(EVERY_SECOND, &format!("{limits}{ANYWHERE}")).await;
    scene.arrive(parcel("wx-agree"));
    scene.arrive(Application::new("wx-refuse").reason("赌博").created_at(hours_ago(2)));
    scene.arrive(Application::new("wx-hold").reason("想谈合作").created_at(hours_ago(5)));
    let watched = start(&scene);
    watched.until("menshen_decisions_total", &[("verdict", "agree"), ("outcome", "agreed")], 1.0);
    watched.until("menshen_decisions_total", &[("verdict", "refuse"), ("outcome", "refused")], 1.0);
    watched.until("menshen_decisions_total", &[("verdict", "hold"), ("outcome", "held")], 1.0);
    watched.until("menshen_pending", &[], 1.0);
    watched.until("menshen_held", &[], 1.0);
    let page = watched.numbers();
    let of = |name: &str, more: &[(&str, &str)]| {
        let labels: Vec<(&str, &str)> = [("account", "express")].into_iter().chain(more.iter().copied()).collect();
        page.value(name, &labels)
    };
    let call = |action| of("menshen_calls_total", &[("action", action), ("errcode", "0")]);
    assert_eq!((call("dev_agree"), call("dev_refuse"), call("stable_token")), (Some(1.0), Some(1.0), Some(1.0)));
    assert!(call("dev_apply_list") >= Some(3.0), "read, and read again after each change: {page:#?}");
    let age = of("menshen_oldest_pending_age_seconds", &[]).expect("it waits");
    assert!((18_000.0..18_300.0).contains(&age), "five hours: {age}");
    assert_eq!(of("menshen_urgent", &[]), Some(1.0));
    assert_eq!(of("menshen_limit_max", &[("action", "agree")]), Some(3.0));
    assert_eq!(of("menshen_limit_max", &[("action", "refuse")]), None, "there is none");
    watched.until("menshen_limit_used", &[("action", "agree")], 1.0);
    for (name, expected) in [
        ("menshen_unrecorded_total", 0.0),
        ("menshen_timed_out_total", 0.0),
        ("menshen_account_overdue", 0.0),
        ("menshen_account_failing", 0.0),
        ("menshen_brake", 0.0),
    ] {
        assert_eq!(of(name, &[]), Some(expected), "{name}");
    }
    let plain = |name: &str| page.value(name, &[]).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!((plain("menshen_accounts"), plain("menshen_shadow_mode")), (1.0, 0.0));
    assert_eq!(
        (plain("menshen_pending_window_seconds"), plain("menshen_pending_warn_before_seconds")),
        (86_400.0, 82_800.0)
    );
    assert_eq!(plain("menshen_pass_duration_seconds_count"), page.sum("menshen_passes_total", &[]));
    assert!(plain("process_resident_memory_bytes") > 1e6 && plain("process_open_fds") > 3.0);
    let complete = of("menshen_last_complete_pass_timestamp_seconds", &[]).expect("there was one");
    assert!(plain("process_start_time_seconds") <= complete, "{page:#?}");
    assert_eq!(watched.health(), (200, serde_json::json!({ "status": "ok", "accounts": 1, "unwell": [] })));
    no_applicant_is_named(&page);
    // Asked for once an hour, beside the passes; the next pass shows it.
    until("the quota", || watched.numbers().value("menshen_quota_left", &[("account", "express")]) > Some(0.0));
    let page = watched.numbers();
    assert!(page.sum("menshen_quota_left", &[]) <= page.sum("menshen_quota_daily", &[]), "{page:#?}");

    // People pause, people decide elsewhere, WeChat times out.
    scene.run("pause --action agree").exits(0);
    watched.until("menshen_paused", &[("action", "agree")], 1.0);
    watched.until("menshen_paused", &[("action", "refuse")], 0.0);
    scene.arrive(parcel("wx-paused"));
    watched.until("menshen_decisions_total", &[("verdict", "agree"), ("outcome", "braked")], 1.0);
    scene.run("resume").exits(0);
    watched.until("menshen_paused", &[("action", "agree")], 0.0);
    watched.until("menshen_decisions_total", &[("verdict", "agree"), ("outcome", "agreed")], 2.0);
    watched.until("menshen_limit_used", &[("action", "agree")], 2.0);
    scene.world.advance(Duration::from_secs(20 * 3_600));
    watched.until("menshen_timed_out_total", &[], 1.0);
    watched.until("menshen_pending", &[], 0.0);
    watched.until("menshen_oldest_pending_age_seconds", &[], 0.0);
    watched.stop();
    scene.end();
}

/// Every value of a label is a name of the configuration or a word of ours.
#[track_caller]
fn no_applicant_is_named(page: &Exposition) {
    let values = page.metrics.values().flat_map(|metric| &metric.samples).flat_map(|(_, labels, _)| labels.values());
    for value in values {
        assert!(!value.contains("wx-") && !value.contains("合作") && !value.contains("赌博"), "{value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brake_shows_until_it_is_lifted() {
    let scene = scene(EVERY_SECOND, ANYWHERE).await;
    scene.arrive(Application::new("wx-bad").reason("赌博").created_at(hours_ago(1)));
    scene.fault("dev_refuse:hits=none:1");
    let watched = start(&scene);
    watched.until("menshen_brake", &[], 1.0);
    watched.until("menshen_account_failing", &[], 1.0);
    let page = watched.numbers();
    let refused = |outcome| {
        page.value("menshen_decisions_total", &[("account", "express"), ("verdict", "refuse"), ("outcome", outcome)])
    };
    assert_eq!((refused("refused"), refused("failed")), (Some(0.0), Some(1.0)), "what WeChat only said is not counted");
    assert_eq!(watched.health().0, 200, "the list is read all the same");
    scene.run("resume").exits(0);
    watched.until("menshen_brake", &[], 0.0);
    watched.until("menshen_decisions_total", &[("verdict", "refuse"), ("outcome", "refused")], 1.0);
    watched.until("menshen_account_failing", &[], 0.0);
    watched.stop();
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn health_ends_when_wechat_hangs_and_comes_back() {
    let scene = scene(EVERY_SECOND, &format!("{ANYWHERE}healthy_within = \"6s\"\n")).await;
    let watched = start(&scene);
    until("a complete pass", || watched.health().1["status"] == "ok");
    scene.fault("dev_apply_list:hang:always");
    until("no complete pass for too long", || watched.health().0 == 503);
    let (_, health) = watched.health();
    assert_eq!((&health["status"], &health["accounts"]), (&Value::from("overdue"), &Value::from(1)), "{health}");
    let unwell = &health["unwell"][0];
    assert_eq!(
        (&unwell["account"], &unwell["allowed_seconds"]),
        (&Value::from("express"), &Value::from(6)),
        "{health}"
    );
    assert!(unwell["last_complete_pass"].is_string(), "{health}");
    watched.until("menshen_account_overdue", &[], 1.0);
    until("a pass that failed", || {
        let page = watched.numbers();
        page.sum("menshen_passes_total", &[("result", "incomplete")]) > 0.0
            && page.sum("menshen_calls_total", &[("action", "dev_apply_list"), ("errcode", "timeout")]) > 0.0
    });
    scene.calm();
    until("a complete pass", || watched.health().1["status"] == "ok");
    watched.until("menshen_account_overdue", &[], 0.0);
    watched.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_pass_an_account_is_starting() {
    let scene = scene(NEVER, ANYWHERE).await;
    let watched = start(&scene);
    let (status, health) = watched.health();
    assert_eq!((status, &health["status"]), (200, &Value::from("starting")), "{health}");
    assert_eq!(health["unwell"][0]["last_complete_pass"], Value::Null);
    let page = watched.numbers();
    assert_eq!(page.value("menshen_account_overdue", &[("account", "express")]), Some(0.0));
    assert_eq!(page.value("menshen_last_complete_pass_timestamp_seconds", &[("account", "express")]), None);
    watched.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_shows_and_a_refused_one_too() {
    let scene = scene(EVERY_SECOND, ANYWHERE).await;
    let watched = start(&scene);
    let rules = |page: &Exposition| -> Vec<String> {
        let samples = &page.metrics["menshen_rules_info"].samples;
        samples.iter().map(|(_, labels, _)| labels["ruleset"].clone()).collect()
    };
    let before = watched.numbers();
    assert_eq!(before.value("menshen_config_last_reload_successful", &[]), Some(1.0));
    assert_eq!(rules(&before).len(), 1);
    let scene = scene.rules("[[rule]]\nname = \"broken\"\nwhen = { always = true }\n");
    scene.write_config();
    watched.service.signal(Signal::HUP);
    until("the reload is refused", || {
        watched.numbers().value("menshen_config_last_reload_successful", &[]) == Some(0.0)
    });
    let refused = watched.numbers();
    assert_eq!(rules(&refused), rules(&before));
    let loaded = |page: &Exposition| page.value("menshen_config_loaded_timestamp_seconds", &[]);
    assert_eq!(loaded(&refused), loaded(&before));
    let scene = scene.rules("[[rule]]\nname = \"say \\\"no\\\"\\\\\"\naction = \"hold\"\nlimit = { max = 4, per = \"1d\" }\nwhen = { always = true }\n".replace("action = \"hold\"", "action = \"agree\"").as_str());
    scene.write_config();
    watched.service.signal(Signal::HUP);
    until("the reload is taken over", || {
        watched.numbers().value("menshen_config_last_reload_successful", &[]) == Some(1.0)
    });
    let after = watched.numbers();
    assert_ne!(rules(&after), rules(&before));
    assert!(loaded(&after) > loaded(&before));
    watched.until("menshen_rule_limit_max", &[("rule", "say \"no\"\\")], 4.0);
    watched.until("menshen_rule_limit_used", &[("rule", "say \"no\"\\")], 0.0);
    watched.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_gone_is_served_no_longer() {
    let more = format!(
        "{ANYWHERE}[[account]]\nname = \"north\"\nappid = \"wx00000000000000aa\"\n\
         token = {{ secret = {{ env = \"SECRET\" }} }}\nbase_url = \"http://127.0.0.1:9\"\n"
    );
    let scene = scene(EVERY_SECOND, &more).await;
    let watched = start(&scene);
    until("both are known", || {
        let page = watched.numbers();
        page.sum("menshen_passes_total", &[("account", "north"), ("result", "incomplete")]) > 0.0
            && page.sum("menshen_calls_total", &[("account", "north"), ("errcode", "unconnected")]) > 0.0
    });
    assert_eq!(watched.health().1["unwell"][0]["account"], "north");
    let scene = scene.settings(ANYWHERE);
    scene.write_config();
    watched.service.signal(Signal::HUP);
    watched.service.line("the configuration was read again", 1);
    until("north is gone", || {
        let page = watched.numbers();
        let mut samples = page.metrics.values().flat_map(|metric| &metric.samples);
        samples.all(|(_, labels, _)| labels.get("account").is_none_or(|account| account == "express"))
    });
    until("the other is well", || watched.health().1["status"] == "ok");
    watched.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_taken_at_the_start_or_the_service_does_not() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = taken.local_addr().expect("an address");
    let scene = scene(NEVER, &format!("[metrics]\nlisten = \"{addr}\"\n")).await;
    let done = scene.run("run").exits(1);
    done.complains(&format!("[metrics] listen: {addr} cannot be listened on")).complains("name another port");
    // Only the service serves; and a dry run never listens.
    scene.run("run --once").exits(0);
    scene.run("run --dry-run").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_moves_to_another_address_or_stays_as_it_was() {
    let scene = scene(EVERY_SECOND, ANYWHERE).await;
    let watched = start(&scene);
    let first = watched.addr;
    watched.until("menshen_pending", &[], 0.0);
    let passes = watched.numbers().sum("menshen_passes_total", &[]);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let other = taken.local_addr().expect("an address");

    let hold = "[[rule]]\nname = \"wait\"\naction = \"hold\"\nwhen = { always = true }\n";
    let scene = scene.settings(&format!("[metrics]\nlisten = \"{other}\"\n")).rules(hold);
    scene.write_config();
    watched.service.signal(Signal::HUP);
    let kept = watched.service.line("the configuration stays as it was", 1);
    assert!(kept.contains(&format!("{other} cannot be listened on")), "{kept}");
    scene.arrive(parcel("wx-agree"));
    watched.until("menshen_decisions_total", &[("verdict", "agree"), ("outcome", "agreed")], 1.0);
    assert_eq!(
        watched.numbers().value("menshen_config_last_reload_successful", &[]),
        Some(0.0),
        "nothing of it counts"
    );

    drop(taken);
    watched.service.signal(Signal::HUP);
    assert_eq!(served(&watched.service, 2), other);
    until("the first address is free", || TcpStream::connect(first).is_err());
    let watched = Watched { addr: other, ..watched };
    assert!(watched.numbers().sum("menshen_passes_total", &[]) > passes, "what was counted is kept");
    scene.arrive(parcel("wx-hold"));
    watched.until("menshen_decisions_total", &[("verdict", "hold"), ("outcome", "held")], 1.0);

    let scene = scene.settings("");
    scene.write_config();
    watched.service.signal(Signal::HUP);
    watched.service.line("the configuration was read again", 2);
    until("nothing is served", || TcpStream::connect(other).is_err());
    watched.stop();
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_address_is_warned_about() {
    let scene = scene(NEVER, "[metrics]\nlisten = \"0.0.0.0:0\"\n").await;
    let checked = scene.run("rules check").exits(0);
    checked.says("open-metrics").says("without a password");
    let service = Running::start(&mut scene.menshen(["run"]));
    let warned = service.line("others than this machine may reach /metrics", 1);
    assert!(warned.contains("WARN"), "{warned}");
    let port = served(&service, 1).port();
    let asked = asked(([127, 0, 0, 1], port).into(), "GET /healthz HTTP/1.1\r\nHost: monitored.example\r\n\r\n");
    assert_eq!(asked.map(|answer| answer.status), Some(200), "by whatever name it is known");
    service.signal(Signal::TERM);
    service.wait().exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_mean_no_good_harm_nobody() {
    let scene = scene(EVERY_SECOND, ANYWHERE).await;
    let watched = start(&scene);
    let addr = watched.addr;
    let host = format!("Host: {addr}\r\n");
    let huge = "x".repeat(1 << 20);
    let many: String = (0..200).map(|number| format!("X-{number}: y\r\n")).collect();
    let cases = [
        (format!("GET / HTTP/1.1\r\n{host}\r\n"), Some(404)),
        (format!("POST /metrics HTTP/1.1\r\n{host}Content-Length: 5\r\n\r\nhello"), Some(405)),
        (format!("POST /metrics HTTP/1.1\r\n{host}Content-Length: 99999999999\r\n\r\nhello"), Some(405)),
        (format!("PUT /metrics HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nfffffff\r\n"), Some(405)),
        (format!("GET /healthz HTTP/1.1\r\n{host}Content-Length: 5\r\n\r\nhello"), None),
        ("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_owned(), Some(403)),
        (format!("GET /{huge} HTTP/1.1\r\n{host}\r\n"), Some(431)),
        (format!("GET /metrics HTTP/1.1\r\n{host}X: {huge}\r\n\r\n"), Some(431)),
        (format!("GET /metrics HTTP/1.1\r\n{host}{many}\r\n"), Some(431)),
        // No HTTP/1 at all: whatever it hears, it harms nobody.
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), None),
        ("\u{16}\u{3}\u{1}\u{2}\r\n\r\n".to_owned(), None),
    ];
    for (request, status) in cases {
        let answered = asked(addr, &request).map(|answer| answer.status);
        let shown = &request[..request.len().min(80)];
        // Whoever sends more than is read may be cut off before it hears why.
        let cut = request.len() > 8_192 && answered.is_none();
        assert!(cut || status.is_none() || answered == status, "{shown:?}: {answered:?}");
    }
    let head = asked(addr, &format!("HEAD /metrics HTTP/1.1\r\n{host}\r\n")).expect("an answer");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(head.header("content-length").is_some_and(|length| length.len() > 3), "{head:?}");
    let allow = asked(addr, &format!("DELETE /healthz HTTP/1.1\r\n{host}\r\n")).expect("an answer");
    assert_eq!(allow.header("allow"), Some("GET, HEAD"));

    // More than there is room for say hello and then nothing; some ask and never read.
    let mut slow = Vec::new();
    for number in 0..200 {
        let mut stream = TcpStream::connect(addr).expect("a connection");
        let request =
            if number % 2 == 0 { "GET /metr".to_owned() } else { format!("GET /metrics HTTP/1.1\r\n{host}\r\n") };
        // One that was let go meanwhile says so here.
        let _ = stream.write_all(request.as_bytes());
        slow.push(stream);
    }
    until("it answers all the same", || asked(addr, &format!("GET /healthz HTTP/1.1\r\n{host}\r\n")).is_some());
    let open = watched.numbers().value("process_open_fds", &[]).expect("a number");
    assert!(open < 100.0, "connections are bounded: {open}");
    scene.arrive(parcel("wx-agree"));
    watched.until("menshen_decisions_total", &[("verdict", "agree"), ("outcome", "agreed")], 1.0);
    drop(slow);
    watched.stop();
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_cannot_be_recorded_is_counted() {
    let latency_of = BTreeMap::from([("dev_agree".to_owned(), Duration::from_millis(700))]);
    let scene = scene_of(EVERY_SECOND, ANYWHERE, Options { latency_of, ..Options::empty() }).await;
    scene.arrive(parcel("wx-first"));
    let watched = start(&scene);
    watched.until("menshen_decisions_total", &[("verdict", "agree"), ("outcome", "agreed")], 1.0);
    scene.arrive(parcel("wx-second"));
    until("a call", || scene.world.calls("dev_agree").len() > 1);
    let mut tool = scene.connect().await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut tool).await.expect("a lock");
    watched.service.line("the rows stay planned until the next pass settles them", 1);
    sqlx::query("ROLLBACK").execute(&mut tool).await.expect("no lock");
    sqlx::Connection::close(tool).await.expect("closed");
    watched.until("menshen_unrecorded_total", &[], 1.0);
    // The list tells what became of it, and it counts once.
    watched.until("menshen_decisions_total", &[("verdict", "agree"), ("outcome", "agreed")], 2.0);
    watched.stop();
    assert_eq!(scene.story().await, ["wx-first agree done", "wx-second agree done"]);
    scene.end();
}
