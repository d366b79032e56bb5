//! Tests of the sandbox, all over real HTTP where an answer is concerned.
#![expect(clippy::unwrap_used)]

mod documented;
mod durable;
mod faults;
mod generator;
mod ledger;
mod platform;
mod tokens;
mod wire;

use super::{Account, Application, Clock, Moved, Options, Server, Status, World};
use serde_json::{Value, json};
use std::time::Duration;
use wire::{Got, Wire};

/// A world without generated applications whose time stands still.
fn quiet() -> Options {
    Options { clock: Clock::Manual, ..Options::empty() }
}

/// A served world and a client with a token.
struct Rig {
    world: World,
    server: Server,
    token: String,
}

impl Rig {
    async fn start(options: Options) -> Rig {
        Rig::serve(World::in_memory(options)).await
    }

    async fn serve(world: World) -> Rig {
        let server = Server::start(world.clone(), ([127, 0, 0, 1], 0).into()).await.unwrap();
        let token = token_of(&server, Account::DEFAULT_APPID).await;
        Rig { world, server, token }
    }

    /// One pending application of each appid, to the default plugin, created a minute apart.
    async fn with(appids: &[&str]) -> Rig {
        let rig = Rig::start(quiet()).await;
        let start_secs = rig.world.start_ms() / 1000;
        for (place, appid) in (0_i64..).zip(appids) {
            let application = Application::new(*appid).created_at(start_secs - 3600 + place * 60);
            assert_eq!(rig.world.arrive(application), Moved::Moved);
        }
        rig
    }

    async fn devplugin(&self, body: Value) -> Got {
        self.post(&format!("/wxa/devplugin?access_token={}", self.token), &body.to_string()).await
    }

    async fn post(&self, path: &str, body: &str) -> Got {
        Wire::to(&self.server).await.post(path, body).await
    }

    async fn agree(&self, appid: &str) -> Got {
        self.devplugin(json!({ "action": "dev_agree", "appid": appid })).await
    }

    async fn refuse(&self, appid: &str) -> Got {
        self.devplugin(json!({ "action": "dev_refuse", "appid": appid, "reason": "不合适" })).await
    }

    async fn list(&self, page: u32, num: u32) -> Vec<Value> {
        let got = self.devplugin(json!({ "action": "dev_apply_list", "page": page, "num": num })).await;
        got.json()["apply_list"].as_array().cloned().unwrap_or_default()
    }

    async fn appids(&self, page: u32, num: u32) -> Vec<String> {
        self.list(page, num).await.iter().map(|item| item["appid"].as_str().unwrap_or("?").to_owned()).collect()
    }
}

async fn token_of(server: &Server, appid: &str) -> String {
    let got = ask_token(server, appid, Account::DEFAULT_SECRET, false).await;
    got.json()["access_token"].as_str().unwrap().to_owned()
}

async fn ask_token(server: &Server, appid: &str, secret: &str, force: bool) -> Got {
    let body = json!({
        "grant_type": "client_credential", "appid": appid, "secret": secret, "force_refresh": force,
    });
    Wire::to(server).await.post("/cgi-bin/stable_token", &body.to_string()).await
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let err = Server::start(World::in_memory(quiet()), ([0, 0, 0, 0], 0).into()).await.unwrap_err();
    assert_eq!(err.kind(), std::io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_stopped_server_ends_even_what_hangs() {
    let rig = Rig::with(&["wxa"]).await;
    rig.world.inject(super::Fault::parse("dev_agree:hang:always").unwrap());
    let mut wire = Wire::to(&rig.server).await;
    let path = format!("/wxa/devplugin?access_token={}", rig.token);
    wire.send(&wire::post(&path, r#"{"action":"dev_agree","appid":"wxa"}"#)).await;
    while rig.world.calls("dev_agree").is_empty() {
        tokio::task::yield_now().await;
    }
    rig.server.stop().await;
    assert_eq!(wire.receive().await, Got::Closed);
}

/// The steps of one application, as far as calls can take it.
#[tokio::test]
async fn states_follow_wechats_rules() {
    let start = [Status::Pending, Status::Approved, Status::Refused, Status::TimedOut];
    let expected = [
        ("dev_agree", [0, 89240, 89240, 89240]),
        ("dev_refuse", [0, 89240, 89240, 89240]),
        ("dev_delete", [89243, 89241, 0, 0]),
    ];
    for (action, codes) in expected {
        for (status, code) in start.into_iter().zip(codes) {
            let rig = Rig::start(quiet()).await;
            let _ = rig.world.arrive(Application::new("wxa").status(status));
            let got = rig.devplugin(json!({ "action": action, "appid": "wxa", "reason": "r" })).await;
            assert_eq!(got.errcode(), code, "{action} of a {status:?} one");
            let after = match (action, code) {
                ("dev_agree", 0) => Some(Status::Approved),
                ("dev_refuse", 0) => Some(Status::Refused),
                ("dev_delete", 0) => None,
                _ => Some(status),
            };
            assert_eq!(rig.world.status("wxa"), after, "{action} of a {status:?} one");
        }
    }
}

#[tokio::test]
async fn pending_ones_time_out_by_the_worlds_clock() {
    let rig = Rig::start(quiet()).await;
    let _ = rig.world.arrive(Application::new("wxa"));
    rig.world.advance(Duration::from_secs(24 * 3600 - 1));
    assert_eq!(rig.world.status("wxa"), Some(Status::Pending));
    rig.world.advance(Duration::from_secs(1));
    assert_eq!(rig.world.status("wxa"), Some(Status::TimedOut));
    assert_eq!(rig.agree("wxa").await.errcode(), 42001, "the token aged too");
    let again = Rig::serve(rig.world.clone()).await;
    assert_eq!(again.agree("wxa").await.errcode(), 89240);
}

#[tokio::test]
async fn a_refuse_that_names_nobody_is_rejected_or_hits_the_oldest() {
    let body = json!({ "action": "dev_refuse", "reason": "refuse reason" });
    let rig = Rig::with(&["wxold", "wxnew"]).await;
    assert_eq!(rig.devplugin(body.clone()).await.errcode(), 40097);
    let options = Options { refuse_without_appid: super::RefuseWithoutAppid::Oldest, ..quiet() };
    let rig = Rig::start(options).await;
    let start_secs = rig.world.start_ms() / 1000;
    for (appid, age) in [("wxnew", 10), ("wxold", 20)] {
        let _ = rig.world.arrive(Application::new(appid).created_at(start_secs - age));
    }
    assert_eq!(rig.devplugin(body).await.errcode(), 0);
    assert_eq!(rig.world.status("wxold"), Some(Status::Refused));
    assert_eq!(rig.world.status("wxnew"), Some(Status::Pending));
}

#[tokio::test]
async fn every_order_shows_every_application_once() {
    use super::Order::{ChangedFirst, NewestFirst, OldestFirst, PendingFirst, Scattered};
    for order in [NewestFirst, OldestFirst, PendingFirst, ChangedFirst, Scattered] {
        let options =
            Options { applications: Some(95), pending: Some(40), order, clock: Clock::Manual, ..Options::default() };
        let rig = Rig::start(options).await;
        let victim = rig.world.applications(Account::DEFAULT_APPID).into_iter().find(|a| a.status == Status::Pending);
        let victim = victim.unwrap().appid;
        assert_eq!(rig.agree(&victim).await.errcode(), 0);
        let mut seen = Vec::new();
        for page in 1..=10 {
            seen.extend(rig.world_page(page).await);
        }
        let listed = rig.world.applications(Account::DEFAULT_APPID);
        assert_eq!(seen, listed.iter().map(|a| a.appid.clone()).collect::<Vec<_>>(), "{order:?}");
        assert_eq!(seen.iter().collect::<std::collections::BTreeSet<_>>().len(), 95, "{order:?}");
        let first = &listed[0];
        match order {
            NewestFirst => assert!(listed.is_sorted_by(|a, b| a.created_secs >= b.created_secs)),
            OldestFirst => assert!(listed.is_sorted_by(|a, b| a.created_secs <= b.created_secs)),
            PendingFirst => assert!(listed[..39].iter().all(|a| a.status == Status::Pending)),
            ChangedFirst => assert_eq!(first.appid, victim),
            Scattered => assert!(!listed.is_sorted_by(|a, b| a.created_secs >= b.created_secs)),
        }
    }
}

impl Rig {
    /// As lenient as WeChat: an entry whose appid is odd is shown as `?`.
    async fn world_page(&self, page: u32) -> Vec<String> {
        self.appids(page, 10).await
    }
}

/// Two plugins in one world: each its own list, secret, tokens and faults.
#[tokio::test]
async fn accounts_know_nothing_of_each_other() {
    let options = Options { applications: Some(20), pending: Some(20), clock: Clock::Manual, ..Options::default() };
    let rig = Rig::start(options.account(Account::plugin("wxsecond", Account::DEFAULT_SECRET))).await;
    let (first, second) = (rig.world.applications(Account::DEFAULT_APPID), rig.world.applications("wxsecond"));
    assert_eq!((first.len(), second.len()), (20, 20));
    assert!(first.iter().all(|one| second.iter().all(|other| one.appid != other.appid)));
    rig.world.inject(super::Fault::parse("dev_apply_list@account=wxsecond:busy:always").unwrap());
    let own = first[0].appid.clone();
    let other = Rig { token: token_of(&rig.server, "wxsecond").await, ..rig };
    assert_eq!(other.agree(&own).await.errcode(), 89242);
    assert_eq!(other.devplugin(json!({ "action": "dev_apply_list" })).await.errcode(), -1);
    assert_eq!(other.agree(&second[0].appid).await.errcode(), 0);
    other.world.revoke_tokens("wxsecond");
    assert_eq!(other.agree(&second[1].appid).await.errcode(), 40001);
    let rig = Rig { token: token_of(&other.server, Account::DEFAULT_APPID).await, ..other };
    assert_eq!(rig.list(1, 10).await.len(), 10);
}

/// Delays are what the HTTP face is told to wait; no test waits for them.
#[test]
fn latency_is_the_worlds_the_endpoints_or_the_actions() {
    let ms = Duration::from_millis;
    let latency_of = [("stable_token".to_owned(), ms(5)), ("dev_agree".to_owned(), ms(7))].into_iter().collect();
    let options = Options { latency: ms(30), latency_of, content_type: "text/plain".to_owned(), ..quiet() };
    let world = World::in_memory(options.fault(super::Fault::parse("dev_refuse:slow=900").unwrap()));
    let cases = [
        ("/cgi-bin/stable_token", "{}", 5),
        ("/wxa/devplugin", r#"{"action":"dev_agree"}"#, 7),
        ("/wxa/devplugin", r#"{"action":"dev_delete"}"#, 30),
        ("/wxa/devplugin", r#"{"action":"dev_refuse"}"#, 900),
    ];
    for (path, body, expected) in cases {
        let (method, path, body) = ("POST".to_owned(), path.to_owned(), body.as_bytes().to_vec());
        let request = super::request::Request { method, path, body, ..Default::default() };
        let reply = world.handle(&request);
        assert_eq!((reply.delay, reply.content_type.as_str()), (ms(expected), "text/plain"));
    }
}

#[tokio::test]
async fn a_request_too_long_is_not_read() {
    let rig = Rig::start(quiet()).await;
    let mut wire = Wire::to(&rig.server).await;
    let (address, length) = (format!("/wxa/devplugin?access_token={}", rig.token), 2 << 20);
    wire.send(&format!("POST {address} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n")).await;
    assert_eq!(wire.receive().await.status(), 413);
}

#[tokio::test]
async fn a_hundred_thousand_are_paged_and_capped() {
    let options = Options { applications: Some(100_000), pending: Some(3_000), ..Options::default() };
    let rig = Rig::start(options).await;
    let mut seen = std::collections::BTreeSet::new();
    for page in 1_990..=2_001 {
        seen.extend(rig.appids(page, 1_000).await);
    }
    assert_eq!(seen.len(), 11 * 50, "the cap is 50 and page 2001 is empty");
}
