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

mod calls;
mod lists;
mod quiet;
mod tokens;

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
