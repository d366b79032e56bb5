//! The client over real sockets, against a server that says what a script tells it to.
#![expect(clippy::unwrap_used)]

use super::*;
use crate::policy::{Action, AppId, Status};
use crate::wechat::TokenSource;
use futures_util::future::join_all;
use std::sync::atomic::AtomicUsize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

const SECRET: &str = "APPSECRET-0123456789";
const OK: &str = r#"{"errcode":0,"errmsg":"ok"}"#;
const EMPTY: &str = r#"{"errcode":0,"errmsg":"ok","apply_list":[]}"#;

/// A request as it stood on the wire.
#[derive(Debug, Clone)]
struct Call {
    head: String,
    body: String,
}

impl Call {
    fn path(&self) -> &str {
        self.head.split(['?', ' ']).nth(1).unwrap()
    }

    fn token(&self) -> &str {
        self.head.split_once("access_token=").map_or("", |(_, rest)| rest.split([' ', '&']).next().unwrap())
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn page(&self) -> u64 {
        self.json()["page"].as_u64().unwrap()
    }
}

/// What the server does with a call.
enum Reaction {
    /// 200 with this body.
    Json(String),
    /// These bytes, then the end of the connection.
    Raw(String),
    /// Nothing, and the end of the connection.
    Close,
    /// Nothing, ever.
    Hang,
}

fn json(body: impl Into<String>) -> Reaction {
    Reaction::Json(body.into())
}

fn errcode(errcode: i64) -> Reaction {
    let rid = errcode.unsigned_abs();
    json(format!(r#"{{"errcode":{errcode},"errmsg":"said so rid: 1-2-{rid}"}}"#))
}

fn grant(token: &str) -> Reaction {
    json(format!(r#"{{"access_token":"{token}","expires_in":7200}}"#))
}

fn status(line: &str, body: &str) -> Reaction {
    Reaction::Raw(format!("HTTP/1.1 {line}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

/// A server on loopback. The script sees every call and how many of its path came before.
struct Server {
    base_url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    most_at_once: Arc<AtomicUsize>,
}

impl Server {
    async fn new(script: impl Fn(&Call, usize) -> Reaction + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let server = Server { base_url, calls: Arc::default(), most_at_once: Arc::default() };
        let (calls, most, now) = (server.calls.clone(), server.most_at_once.clone(), Arc::new(AtomicUsize::new(0)));
        let script = Arc::new(script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (calls, most, now, script) = (calls.clone(), most.clone(), now.clone(), script.clone());
                tokio::spawn(async move {
                    let mut stream = stream;
                    while let Some(call) = read_call(&mut stream).await {
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        tokio::task::yield_now().await;
                        let before = {
                            let mut calls = calls.lock().unwrap();
                            calls.push(call.clone());
                            calls.iter().filter(|c| c.path() == call.path()).count() - 1
                        };
                        let reaction = script(&call, before);
                        now.fetch_sub(1, Ordering::SeqCst);
                        if !react(&mut stream, reaction).await {
                            break;
                        }
                    }
                });
            }
        });
        server
    }

    fn calls(&self, path: &str) -> Vec<Call> {
        self.calls.lock().unwrap().iter().filter(|call| call.path() == path).cloned().collect()
    }

    fn count(&self) -> (usize, usize) {
        (self.calls(wire::STABLE_TOKEN).len(), self.calls(wire::DEVPLUGIN).len())
    }

    fn settings(&self) -> Settings {
        let token = TokenSource::Stable { secret: SECRET.to_owned().into() };
        let settings = Settings::new(AppId::new("wxowner"), token);
        // Long, so that a slow machine fails no test; those about time set their own.
        Settings { base_url: self.base_url.clone(), timeout: Duration::from_secs(60), ..settings }
    }

    fn client(&self) -> Client {
        build(self.settings())
    }
}

fn build(settings: Settings) -> Client {
    Client::new(settings).unwrap().with_retry_pause(Duration::from_micros(100))
}

async fn read_call(stream: &mut TcpStream) -> Option<Call> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    // A GET has none.
    let length: usize = length.unwrap_or(0);
    assert!(length > 0 || head.starts_with("GET "), "a Content-Length: {head}");
    let mut body = bytes[end..].to_vec();
    while body.len() < length {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.ok().filter(|n| *n > 0)?;
        body.extend_from_slice(&buffer[..read]);
    }
    Some(Call { head, body: String::from_utf8(body).unwrap() })
}

/// Whether the connection goes on.
async fn react(stream: &mut TcpStream, reaction: Reaction) -> bool {
    match reaction {
        Reaction::Json(body) => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).await.is_ok()
        }
        Reaction::Raw(bytes) => {
            let _ = stream.write_all(bytes.as_bytes()).await;
            false
        }
        Reaction::Close => false,
        Reaction::Hang => {
            let mut nothing = [0];
            let _ = stream.read(&mut nothing).await;
            false
        }
    }
}

/// Answers token calls with T0, T1, … and everything else by the script.
async fn server(script: impl Fn(&Call, usize) -> Reaction + Send + Sync + 'static) -> Server {
    Server::new(move |call, n| match call.path() {
        wire::STABLE_TOKEN => grant(&format!("T{n}")),
        _ => script(call, n),
    })
    .await
}

fn intent(action: Action) -> Intent {
    let reason = (action == Action::Refuse).then(|| "含有「博彩」".to_owned());
    Intent::recorded(1, 1, action, AppId::new("wxapplicant"), reason)
}

async fn carry_out(client: &Client, action: Action) -> Answer {
    let slot = client.slot().await.unwrap();
    client.carry_out(slot, intent(action)).await
}

async fn list(client: &Client) -> Listing {
    client.list(&|_| {}).await
}

fn entry(appid: &str, status: i64) -> String {
    format!(r#"{{"appid":"{appid}","status":{status},"create_time":"1536305096"}}"#)
}

/// Pages of `size` entries out of `total`; every third is approved.
fn page_of(call: &Call, total: u64, size: u64) -> Reaction {
    let first = (call.page() - 1) * size;
    let entries: Vec<String> =
        (first..total.min(first + size)).map(|n| entry(&format!("wx{n:05}"), if n % 3 == 0 { 2 } else { 1 })).collect();
    json(format!(r#"{{"errcode":0,"errmsg":"ok","apply_list":[{}]}}"#, entries.join(",")))
}

#[tokio::test]
async fn requests_on_the_wire() {
    let server = server(|_, _| json(OK)).await;
    let client = server.client();
    for action in Action::ALL {
        assert_eq!(carry_out(&client, action).await.fate, Fate::Accepted);
    }
    let token = &server.calls(wire::STABLE_TOKEN)[0];
    assert!(token.head.starts_with("POST /cgi-bin/stable_token HTTP/1.1\r\n"), "no query: {}", token.head);
    let expected = serde_json::json!({
        "grant_type": "client_credential", "appid": "wxowner", "secret": SECRET, "force_refresh": false
    });
    assert_eq!(token.json(), expected);
    let calls = server.calls(wire::DEVPLUGIN);
    for call in &calls {
        let head = call.head.to_lowercase();
        assert!(call.head.starts_with("POST /wxa/devplugin?access_token=T0 HTTP/1.1\r\n"), "{}", call.head);
        assert!(head.contains("content-type: application/json\r\n") && !head.contains("transfer-encoding"), "{head}");
        assert_eq!(call.json()["appid"], "wxapplicant", "{}", call.body);
    }
    let actions: Vec<_> = calls.iter().map(|c| c.json()["action"].as_str().unwrap().to_owned()).collect();
    assert_eq!(actions, ["dev_agree", "dev_refuse", "dev_delete"]);
    assert!(calls[1].body.contains("含有「博彩」"), "{}", calls[1].body);
}

#[tokio::test]
async fn what_an_answer_says_about_the_change() {
    let cut = format!("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{OK}");
    let big = format!(r#"{{"errcode":0,"errmsg":"{}"}}"#, "x".repeat(ACK_MAX_BYTES));
    type Make = Box<dyn Fn() -> Reaction + Send + Sync>;
    type Case = (&'static str, Make, Fate, Option<i64>, Option<u16>);
    let cases: Vec<Case> = vec![
        ("ok", Box::new(|| json(OK)), Fate::Accepted, Some(0), Some(200)),
        ("ok in a string", Box::new(|| json(r#"{"errcode":"0"}"#)), Fate::Accepted, Some(0), Some(200)),
        ("not pending", Box::new(|| errcode(89240)), Fate::Rejected, Some(89240), Some(200)),
        ("withdrawn", Box::new(|| errcode(89242)), Fate::Rejected, Some(89242), Some(200)),
        ("ip", Box::new(|| errcode(40164)), Fate::Rejected, Some(40164), Some(200)),
        ("quota", Box::new(|| errcode(45009)), Fate::Rejected, Some(45009), Some(200)),
        ("minute", Box::new(|| errcode(45011)), Fate::Rejected, Some(45011), Some(200)),
        ("bad body", Box::new(|| errcode(47001)), Fate::Rejected, Some(47001), Some(200)),
        ("busy", Box::new(|| errcode(-1)), Fate::Lost, Some(-1), Some(200)),
        ("internal", Box::new(|| errcode(89247)), Fate::Lost, Some(89247), Some(200)),
        ("unheard of", Box::new(|| errcode(12345)), Fate::Lost, Some(12345), Some(200)),
        ("no errcode", Box::new(|| json(r#"{"errmsg":"ok"}"#)), Fate::Lost, None, Some(200)),
        ("empty", Box::new(|| json("")), Fate::Lost, None, Some(200)),
        ("html", Box::new(|| json("<html>ok</html>")), Fate::Lost, None, Some(200)),
        ("half", Box::new(|| json(r#"{"errcode":0,"#)), Fate::Lost, None, Some(200)),
        ("cut off", Box::new(move || Reaction::Raw(cut.clone())), Fate::Lost, None, None),
        ("closed", Box::new(|| Reaction::Close), Fate::Lost, None, None),
        ("hangs", Box::new(|| Reaction::Hang), Fate::Lost, None, None),
        ("too large", Box::new(move || json(big.clone())), Fate::Lost, None, None),
        ("502", Box::new(|| status("502 Bad Gateway", "<html>")), Fate::Lost, None, Some(502)),
        ("500", Box::new(|| status("500 Oops", OK)), Fate::Lost, None, Some(500)),
        ("412", Box::new(|| status("412 Precondition Failed", "")), Fate::Lost, None, Some(412)),
        ("302", Box::new(|| status("302 Found\r\nLocation: /wxa/elsewhere", "")), Fate::Lost, None, Some(302)),
        ("nonsense", Box::new(|| Reaction::Raw("nonsense\r\n\r\n".into())), Fate::Lost, None, None),
    ];
    for (name, make, fate, errcode, http_status) in cases {
        let server = server(move |_, _| make()).await;
        let timeout = Duration::from_millis(if name == "hangs" { 500 } else { 60_000 });
        let client = build(Settings { timeout, ..server.settings() });
        let answer = carry_out(&client, Action::Agree).await;
        assert_eq!((answer.fate, answer.errcode, answer.http_status), (fate, errcode, http_status), "{name}");
        assert_eq!(answer.error.is_none(), fate == Fate::Accepted, "{name}");
        let rid = errcode.filter(|code| *code != 0).map(|code| format!("1-2-{}", code.unsigned_abs()));
        assert_eq!(answer.rid, rid, "{name}");
        assert_eq!(server.count(), (1, 1), "{name}: a change is asked for once");
    }
}

#[tokio::test]
async fn what_never_went_out_is_unsent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);

    // The token came, then the server went away.
    let server = server(|_, _| json(OK)).await;
    let client = server.client();
    let slot = client.slot().await.unwrap();
    let gone = build(Settings { base_url: nobody, ..server.settings() });
    let error = gone.slot().await.unwrap_err();
    assert!(matches!(&error, Error::Token(inner) if matches!(**inner, Error::Connect { .. })), "{error:?}");
    let answer = gone.carry_out(slot, intent(Action::Agree)).await;
    assert_eq!((answer.fate, answer.errcode), (Fate::Unsent, None));

    // A refusal without a reason is not sent.
    let slot = client.slot().await.unwrap();
    let answer = client.carry_out(slot, Intent::recorded(1, 1, Action::Refuse, AppId::new("wxa"), None)).await;
    assert_eq!(answer.fate, Fate::Unsent);
    assert_eq!(server.count(), (1, 0));
}

#[tokio::test]
async fn an_expired_token_is_replaced_and_the_call_repeated_once() {
    for code in [40001, 40014, 42001] {
        let server = server(move |call, _| if call.token() == "T0" { errcode(code) } else { json(OK) }).await;
        let client = server.client();
        assert_eq!(carry_out(&client, Action::Refuse).await.fate, Fate::Accepted, "{code}");
        let tokens: Vec<_> = server.calls(wire::DEVPLUGIN).iter().map(|c| c.token().to_owned()).collect();
        assert_eq!(tokens, ["T0", "T1"]);
        assert_eq!(carry_out(&client, Action::Agree).await.fate, Fate::Accepted);
        assert_eq!(server.count(), (2, 3), "the new token is kept");
        assert!(server.calls(wire::STABLE_TOKEN).iter().all(|c| c.json()["force_refresh"] == false));
    }
}

#[tokio::test]
async fn a_token_that_is_rejected_twice_is_for_a_person() {
    let server = server(|_, _| errcode(40001)).await;
    let answer = carry_out(&server.client(), Action::Agree).await;
    let error = answer.error.unwrap();
    assert_eq!((answer.fate, answer.errcode, error.class()), (Fate::Rejected, Some(40001), Class::Human));
    assert_eq!(server.count(), (2, 2));
}

#[tokio::test]
async fn force_is_used_when_the_same_token_comes_back() {
    let server = Server::new(|call, _| match call.path() {
        wire::STABLE_TOKEN if call.json()["force_refresh"] == true => grant("FORCED"),
        wire::STABLE_TOKEN => grant("SAME"),
        _ if call.token() == "FORCED" => json(OK),
        _ => errcode(42001),
    })
    .await;
    let answer = carry_out(&server.client(), Action::Agree).await;
    assert_eq!(answer.fate, Fate::Accepted);
    let modes: Vec<_> = server.calls(wire::STABLE_TOKEN).iter().map(|c| c.json()["force_refresh"] == true).collect();
    assert_eq!(modes, [false, false, true]);
}

#[tokio::test]
async fn when_force_does_not_help_a_person_must() {
    let server = Server::new(|call, _| match call.path() {
        wire::STABLE_TOKEN => grant("SAME"),
        _ => errcode(40001),
    })
    .await;
    let client = server.client();
    let answer = carry_out(&client, Action::Agree).await;
    assert_eq!((answer.fate, answer.error.unwrap().class()), (Fate::Rejected, Class::Human));
    assert_eq!(server.count(), (3, 1));
    assert!(matches!(client.slot().await, Err(Error::TokenRejected(_))));
    assert_eq!(server.count(), (4, 1), "not forced again so soon, and the token not tried again");
}

#[tokio::test]
async fn a_wrong_secret_is_told_before_anything_is_recorded() {
    for code in [40001, 40125, 40164] {
        let server = Server::new(move |_, _| errcode(code)).await;
        let client = server.client();
        let error = client.slot().await.unwrap_err();
        assert_eq!((error.class(), error.errcode()), (Class::Human, Some(code)));
        assert!(error.rid().is_some() && error.advice().is_some());
        let listing = list(&client).await;
        assert_eq!(listing.gap.unwrap().class(), Class::Human);
        assert_eq!(server.calls(wire::DEVPLUGIN).len(), 0);
    }
}

#[tokio::test]
async fn many_callers_fetch_one_token_and_share_one_failure() {
    let server = server(|_, _| json(OK)).await;
    let client = build(Settings { max_in_flight: 50, ..server.settings() });
    join_all((0..50).map(|_| client.slot())).await.into_iter().for_each(|slot| drop(slot.unwrap()));
    assert_eq!(server.count().0, 1);

    let server = Server::new(|_, _| errcode(40125)).await;
    let client = build(Settings { max_in_flight: 50, ..server.settings() });
    let slots = join_all((0..50).map(|_| client.slot())).await;
    assert!(slots.iter().all(|slot| matches!(slot, Err(Error::Token(_)))));
    assert_eq!(server.count().0, 1);
}

#[tokio::test]
async fn many_calls_rejected_together_renew_the_token_once() {
    let server = server(|call, _| if call.token() == "T0" { errcode(42001) } else { json(OK) }).await;
    let client = build(Settings { max_in_flight: 20, ..server.settings() });
    let answers = join_all((0..20).map(|_| carry_out(&client, Action::Agree))).await;
    assert!(answers.iter().all(|answer| answer.fate == Fate::Accepted));
    assert_eq!(server.count().0, 2);
}

#[tokio::test]
async fn a_dropped_fetch_leaves_the_next_one_free() {
    let server = Server::new(|_, n| if n == 0 { Reaction::Hang } else { grant("T") }).await;
    let client = server.client();
    let arrived = Notify::new();
    let waiting = async {
        let slot = client.slot();
        tokio::select! { _ = slot => unreachable!("the first fetch hangs"), () = arrived.notified() => {} }
    };
    let watching = async {
        while server.count().0 == 0 {
            tokio::task::yield_now().await;
        }
        arrived.notify_one();
    };
    tokio::join!(waiting, watching);
    assert!(client.slot().await.is_ok());
}

#[tokio::test]
async fn a_token_state_is_there_once_there_is_a_token() {
    let server = server(|_, _| json(OK)).await;
    let client = server.client();
    let state = client.token_state().await;
    assert_eq!((state.kind, state.source.as_str(), state.obtained_at), ("stable", "POST /cgi-bin/stable_token", None));
    assert_eq!(server.count().0, 0, "asking about it asks for none");
    let state = client.obtain_token().await.unwrap();
    let life = state.expires_at.unwrap().duration_since(state.obtained_at.unwrap());
    assert!(life.as_secs().abs_diff(7200) <= 1, "{state:?}");
    assert_eq!(server.count().0, 1);
}

#[tokio::test]
async fn a_long_list_is_read_whole() {
    for (total, size, max_in_flight) in
        [(0, 50, 4), (1, 50, 4), (50, 50, 4), (1003, 50, 16), (1003, 20, 3), (95, 10, 1)]
    {
        let server = server(move |call, _| page_of(call, total, size)).await;
        let client = build(Settings { max_in_flight, ..server.settings() });
        let heard = Mutex::new(Vec::new());
        for reading in 0..2 {
            let listing = client.list(&|progress| heard.lock().unwrap().push(progress)).await;
            assert!(listing.gap.is_none(), "{:?}", listing.gap);
            let others = usize::try_from(total.div_ceil(3)).unwrap();
            assert_eq!(listing.pending.len() + others, usize::try_from(total).unwrap(), "reading {reading}");
            assert_eq!((listing.others.len(), u64::from(listing.pages)), (others, total.div_ceil(size)));
            assert!(listing.others.iter().all(|(_, status)| status == Status::Approved));
            let last = *heard.lock().unwrap().last().unwrap();
            assert_eq!((last.pages, last.pending), (listing.pages, listing.pending.len()));
        }
        assert!(server.most_at_once.load(Ordering::SeqCst) <= max_in_flight);
        let most = 2 * (total.div_ceil(size) + 1 + max_in_flight as u64);
        assert!(server.count().1 as u64 <= most, "{} calls, {most} at most", server.count().1);
        assert!(server.calls(wire::DEVPLUGIN).iter().all(|c| c.json()["num"] == 50));
    }
}

#[tokio::test]
async fn a_page_is_tried_three_times() {
    type Make = fn() -> Reaction;
    let faults: [(&str, Make); 5] = [
        ("busy", || errcode(-1)),
        ("502", || status("502 Bad Gateway", "")),
        ("closed", || Reaction::Close),
        ("html", || json("<html>")),
        ("no page", || json("{}")),
    ];
    for (name, fault) in faults {
        for (times, whole) in [(2, true), (1000, false)] {
            let failed = AtomicUsize::new(0);
            let server = server(move |call, _| {
                if call.page() == 2 && failed.fetch_add(1, Ordering::SeqCst) < times {
                    return fault();
                }
                page_of(call, 30, 10)
            })
            .await;
            let listing = list(&server.client()).await;
            assert_eq!(listing.gap.is_none(), whole, "{name} {times}");
            assert_eq!(listing.pending.len() + listing.others.len(), if whole { 30 } else { 20 }, "{name} {times}");
            let tries = server.calls(wire::DEVPLUGIN).iter().filter(|c| c.page() == 2).count();
            assert_eq!(tries, 3, "{name} {times}");
        }
    }
}

#[tokio::test]
async fn a_token_that_expires_between_two_pages_costs_no_page() {
    let server = server(|call, _| match call.token() {
        "T0" if call.page() > 3 => errcode(42001),
        _ => page_of(call, 100, 10),
    })
    .await;
    let client = build(Settings { max_in_flight: 8, ..server.settings() });
    let listing = list(&client).await;
    assert!(listing.gap.is_none() && listing.pending.len() + listing.others.len() == 100, "{:?}", listing.gap);
    assert_eq!(server.count().0, 2);
}

#[tokio::test]
async fn wechat_asks_for_quiet_and_gets_it() {
    for code in [45009, 45011, 89506, 89507] {
        let server = server(move |call, _| match call.json()["page"].as_u64() {
            Some(2) => errcode(code),
            Some(_) => page_of(call, 100, 10),
            None => json(OK),
        })
        .await;
        let client = build(Settings { max_in_flight: 1, ..server.settings() });
        let slot = client.slot().await.unwrap();
        drop(slot);
        let listing = list(&client).await;
        assert_eq!(listing.gap.as_ref().and_then(Error::errcode), Some(code));
        assert_eq!(listing.pending.len() + listing.others.len(), 10, "what was read is kept");
        assert_eq!(client.pause().map(|pause| pause.errcode), Some(code));
        let calls = server.count();
        assert!(matches!(client.slot().await, Err(Error::Paused(_))));
        assert!(matches!(list(&client).await.gap, Some(Error::Paused(_))));
        assert_eq!(server.count(), calls, "nothing is sent");
    }
}

#[tokio::test]
async fn a_pause_between_slot_and_call_leaves_the_change_unsent() {
    let server = server(|_, n| if n == 0 { errcode(45009) } else { json(OK) }).await;
    let client = server.client();
    let (first, second) = (client.slot().await.unwrap(), client.slot().await.unwrap());
    assert_eq!(client.carry_out(first, intent(Action::Agree)).await.fate, Fate::Rejected);
    let answer = client.carry_out(second, intent(Action::Agree)).await;
    assert_eq!((answer.fate, answer.errcode), (Fate::Unsent, None));
    assert_eq!(server.count().1, 1);
}

#[tokio::test]
async fn a_pause_wakes_who_waits_for_room() {
    let server = server(|_, _| errcode(45009)).await;
    let client = build(Settings { calls_per_minute: 1, max_in_flight: 4, ..server.settings() });
    let slot = client.slot().await.unwrap();
    let (waited, answer) = tokio::join!(client.slot(), client.carry_out(slot, intent(Action::Agree)));
    assert_eq!(answer.fate, Fate::Rejected);
    assert!(matches!(waited, Err(Error::Paused(_))), "without waiting for the minute to pass");
}

#[tokio::test]
async fn the_quota_of_the_token_endpoint_pauses_too() {
    let server = Server::new(|_, _| errcode(45009)).await;
    let client = server.client();
    assert_eq!(client.slot().await.unwrap_err().class(), Class::Pause);
    assert!(client.pause().is_some());
}

#[tokio::test]
async fn an_endless_list_meets_its_ceiling() {
    let server = server(|call, _| page_of(call, u64::MAX / 2, 2)).await;
    let client = build(Settings { page_ceiling: 7, ..server.settings() });
    let listing = list(&client).await;
    assert!(matches!(listing.gap, Some(Error::Endless { pages: 7 })), "{:?}", listing.gap);
    assert_eq!((listing.pages, server.count().1), (7, 7));
}

#[tokio::test]
async fn a_hanging_page_beyond_the_end_holds_nobody_up() {
    let server = server(|call, _| match call.page() {
        1 => page_of(call, 5, 5),
        2 => json(EMPTY),
        _ => Reaction::Hang,
    })
    .await;
    let client = build(Settings { max_in_flight: 16, timeout: Duration::from_secs(600), ..server.settings() });
    assert_eq!(list(&client).await.pages, 1);
    assert_eq!(list(&client).await.pages, 1);
}

#[tokio::test]
async fn no_text_holds_a_secret_or_an_address() {
    let echo = |call: &Call| {
        let errmsg = format!("your token {} and {SECRET} at /wxa?access_token={}", call.token(), call.token());
        json(format!(r#"{{"errcode":48001,"errmsg":"{errmsg}"}}"#))
    };
    type Script = Box<dyn Fn(&Call, usize) -> Reaction + Send + Sync>;
    let token_of = |n: usize| grant(&format!("SECRETTOKEN{n}"));
    let scripts: Vec<Script> = vec![
        Box::new(move |call, n| if call.path() == wire::STABLE_TOKEN { token_of(n) } else { echo(call) }),
        Box::new(move |call, n| if call.path() == wire::STABLE_TOKEN { token_of(n) } else { Reaction::Close }),
        Box::new(move |call, n| if call.path() == wire::STABLE_TOKEN { token_of(n) } else { Reaction::Hang }),
        Box::new(move |call, n| if call.path() == wire::STABLE_TOKEN { token_of(n) } else { errcode(40001) }),
        Box::new(move |call, _| echo(call)),
        Box::new(|_, _| Reaction::Close),
    ];
    for script in scripts {
        let server = Server::new(script).await;
        // Short for the server that hangs; any error will do here.
        let client = build(Settings { timeout: Duration::from_millis(200), ..server.settings() });
        let mut texts = format!(
            "{client:?} {:?} {:?}",
            list(&client).await,
            TokenSource::Stable { secret: SECRET.to_owned().into() }
        );
        match client.slot().await {
            Ok(slot) => {
                let answer = client.carry_out(slot, intent(Action::Agree)).await;
                texts += &format!("{answer:?} {}", chain(answer.error.as_ref().unwrap()));
            }
            Err(error) => texts += &format!("{error:?} {}", chain(&error)),
        }
        for secret in ["SECRETTOKEN", SECRET, "127.0.0.1", "access_token=SECRET"] {
            assert!(!texts.contains(secret), "{secret} in {texts}");
        }
    }
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}

#[tokio::test]
async fn a_base_url_may_have_a_path() {
    let server = Server::new(|call, _| match call.path() {
        "/gate/cgi-bin/stable_token" => grant("T"),
        "/gate/wxa/devplugin" => json(EMPTY),
        other => panic!("{other}"),
    })
    .await;
    let client = build(Settings { base_url: format!("{}/gate/", server.base_url), ..server.settings() });
    assert!(list(&client).await.gap.is_none());
}

#[tokio::test]
async fn a_proxy_is_not_used_for_loopback() {
    let server = server(|_, _| json(EMPTY)).await;
    let client = build(Settings { proxy: Some("http://127.0.0.1:9".into()), ..server.settings() });
    assert!(list(&client).await.gap.is_none());
}

#[tokio::test]
async fn a_handshake_that_fails_leaves_everything_unsent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 this is no TLS\r\n\r\n").await;
        }
    });
    let token = TokenSource::Stable { secret: SECRET.to_owned().into() };
    // A certificate of our own, so that the machine need not have any.
    let ca_pem = Some(include_bytes!("own-ca.pem").to_vec());
    let client = build(Settings {
        base_url,
        ca_pem: ca_pem.map(Into::into),
        timeout: Duration::from_secs(60),
        ..Settings::new(AppId::new("wxowner"), token)
    });
    let error = client.slot().await.unwrap_err();
    assert!(matches!(&error, Error::Token(inner) if matches!(**inner, Error::Connect { .. })), "{error:?}");
}

#[test]
fn bounds_of_nothing_are_refused() {
    let token = TokenSource::Stable { secret: SECRET.to_owned().into() };
    let good = Settings { base_url: "http://127.0.0.1:9".into(), ..Settings::new(AppId::new("wxa"), token) };
    type Spoil = fn(&mut Settings);
    let cases: [(&str, Spoil); 4] = [
        ("wechat.page_size", |s| s.page_size = 0),
        ("wechat.max_in_flight", |s| s.max_in_flight = 0),
        ("wechat.calls_per_minute", |s| s.calls_per_minute = 0),
        ("wechat.timeout", |s| s.timeout = Duration::ZERO),
    ];
    for (key, spoil) in cases {
        let mut settings = good.clone();
        spoil(&mut settings);
        assert_eq!(Client::new(settings).unwrap_err().to_string(), format!("{key} must be greater than 0"));
    }
}

// ---- other kinds of token ----

fn classic(server: &Server) -> Client {
    build(Settings { token: TokenSource::Classic { secret: SECRET.to_owned().into() }, ..server.settings() })
}

#[tokio::test]
async fn a_classic_token_is_asked_for_as_documented() {
    let server = Server::new(|call, n| match call.path() {
        wire::CLASSIC_TOKEN => grant(&format!("C{n}")),
        _ => json(OK),
    })
    .await;
    let client = classic(&server);
    assert!(client.would_cut_off_others().await);
    assert_eq!(carry_out(&client, Action::Agree).await.fate, Fate::Accepted);
    assert!(!client.would_cut_off_others().await, "it is held now");
    let calls = server.calls(wire::CLASSIC_TOKEN);
    let query = format!("GET /cgi-bin/token?grant_type=client_credential&appid=wxowner&secret={SECRET} HTTP/1.1\r\n");
    assert!(calls.len() == 1 && calls[0].head.starts_with(&query), "{calls:?}");
    assert_eq!(server.calls(wire::DEVPLUGIN)[0].token(), "C0");
    assert!(!server.client().would_cut_off_others().await, "a stable token disturbs nobody");
}

#[tokio::test]
async fn classic_tokens_are_not_fought_over() {
    let server = Server::new(|call, n| match call.path() {
        wire::CLASSIC_TOKEN => grant(&format!("C{n}")),
        _ => errcode(40001),
    })
    .await;
    let client = classic(&server);
    let answer = carry_out(&client, Action::Agree).await;
    assert_eq!((answer.fate, answer.error.unwrap().class()), (Fate::Rejected, Class::Human));
    let fetched = server.calls(wire::CLASSIC_TOKEN).len();
    assert_eq!(fetched, 2, "once more after the first rejection");
    for _ in 0..3 {
        let error = client.slot().await.unwrap_err();
        assert!(
            matches!(error, Error::TokenFight { kind: "classic", .. }) && error.class() == Class::Human,
            "{error:?}"
        );
        assert!(error.advice().unwrap().contains("stable"));
        assert!(matches!(list(&client).await.gap, Some(Error::TokenFight { .. })));
    }
    assert_eq!(server.calls(wire::CLASSIC_TOKEN).len(), fetched, "kept out of it");
}

#[tokio::test]
async fn without_a_token_none_is_sent() {
    let server = Server::new(|_, _| json(OK)).await;
    let client = build(Settings { token: TokenSource::None, ..server.settings() });
    assert_eq!(carry_out(&client, Action::Agree).await.fate, Fate::Accepted);
    assert!(server.calls(wire::DEVPLUGIN)[0].head.starts_with("POST /wxa/devplugin HTTP/1.1\r\n"));
    for code in [41001, 40001] {
        let server = Server::new(move |_, _| errcode(code)).await;
        let client = build(Settings { token: TokenSource::None, ..server.settings() });
        let answer = carry_out(&client, Action::Agree).await;
        assert!(matches!(answer.error, Some(Error::Sidecar)), "{code}: {:?}", answer.error);
        assert_eq!((answer.fate, server.calls(wire::DEVPLUGIN).len()), (Fate::Rejected, 1), "{code}");
    }
}

#[tokio::test]
async fn the_using_side_asks_as_documented() {
    use crate::policy::{PluginUse, UseIntent};
    let server = Server::new(|call, n| match call.path() {
        wire::STABLE_TOKEN => grant(&format!("T{n}")),
        wire::PLUGIN if call.json()["action"] == "list" => {
            json(r#"{"errcode":0,"errmsg":"ok","plugin_list":[{"appid":"wxp","status":2}]}"#)
        }
        wire::PLUGIN if call.json()["action"] == "update" => errcode(89258),
        wire::QUOTA => json(r#"{"errcode":0,"errmsg":"ok","quota":{"daily_limit":10,"used":3,"remain":7}}"#),
        wire::RID => errcode(76001),
        _ => json(OK),
    })
    .await;
    let client = server.client();
    let apply = UseIntent::recorded(1, PluginUse::Apply { reason: "查件".into() }, AppId::new("wxp"));
    let slot = client.slot().await.unwrap();
    assert_eq!(client.carry_out_use(slot, apply).await.fate, Fate::Accepted);
    assert_eq!(server.calls(wire::PLUGIN)[0].json()["plugin_appid"], "wxp");
    let update = UseIntent::recorded(2, PluginUse::Update { user_version: "2".into() }, AppId::new("wxp"));
    let slot = client.slot().await.unwrap();
    let answer = client.carry_out_use(slot, update).await;
    assert_eq!((answer.fate, answer.errcode), (Fate::Rejected, Some(89258)));
    assert_eq!(client.plugins_in_use().await.unwrap()[0].appid.as_str(), "wxp");
    assert_eq!(client.quota().await.unwrap().remain, Some(7));
    assert_eq!(server.calls(wire::QUOTA)[0].json()["cgi_path"], "/wxa/devplugin");
    let error = client.call_record("61725984-6126f6f9-040f19c4").await.unwrap_err();
    assert_eq!((error.errcode(), error.class()), (Some(76001), Class::Human));
}
