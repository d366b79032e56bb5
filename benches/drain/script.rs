//! What people write instead: read the pages one after another, then agree with 16 workers.
//!
//! Also the few lines of HTTP that the bench itself needs.

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Mutex,
    thread,
};

/// A kept-alive connection to the simulated WeChat, and the length of the last body; understands its answers and no others.
pub(super) struct Http(BufReader<TcpStream>, usize);

impl Http {
    pub(super) fn to(addr: SocketAddr) -> Http {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_nodelay(true).unwrap();
        Http(BufReader::new(stream), 0)
    }

    pub(super) fn get(&mut self, path: &str) -> Value {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    }

    pub(super) fn post(&mut self, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let length = body.len();
        self.ask(&format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"))
    }

    fn ask(&mut self, request: &str) -> Value {
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().unwrap();
                }
                None if line.trim().is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        self.1 = length;
        serde_json::from_slice(&body).unwrap()
    }
}

/// What the answers of one reading of the list weigh, the last empty page among them.
pub(super) fn list_bytes(addr: SocketAddr) -> usize {
    let mut http = Http::to(addr);
    let path = devplugin(&mut http);
    let mut bytes = 0;
    for page in 1.. {
        let answer = http.post(&path, &json!({ "action": "dev_apply_list", "page": page, "num": 50 }));
        bytes += http.1;
        if answer["apply_list"].as_array().unwrap().is_empty() {
            break;
        }
    }
    bytes
}

/// Where calls go, with a token.
fn devplugin(http: &mut Http) -> String {
    let token = http.post(
        "/cgi-bin/stable_token",
        &json!({ "grant_type": "client_credential", "appid": "wx5a4d424f58000001", "secret": "0123456789abcdef0123456789abcdef" }),
    );
    format!("/wxa/devplugin?access_token={}", token["access_token"].as_str().unwrap())
}

/// Agrees to everything that is pending; how many calls that took.
pub(super) fn drain(addr: SocketAddr) -> usize {
    let mut http = Http::to(addr);
    let path = devplugin(&mut http);
    let mut pending = Vec::new();
    for page in 1.. {
        let answer = http.post(&path, &json!({ "action": "dev_apply_list", "page": page, "num": 50 }));
        let list = answer["apply_list"].as_array().unwrap();
        if list.is_empty() {
            break;
        }
        pending.extend(list.iter().filter(|entry| entry["status"] == 1).map(|entry| entry["appid"].clone()));
    }
    let count = pending.len();
    let queue = Mutex::new(pending);
    thread::scope(|scope| {
        for _ in 0..super::IN_FLIGHT {
            scope.spawn(|| {
                let mut http = Http::to(addr);
                while let Some(appid) = { queue.lock().unwrap().pop() } {
                    http.post(&path, &json!({ "action": "dev_agree", "appid": appid }));
                }
            });
        }
    });
    count
}
