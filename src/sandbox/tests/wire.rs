//! A client that sees the bytes: one connection, requests as text.

use super::Server;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Got {
    Answer {
        status: u16,
        content_type: String,
        body: Vec<u8>,
        whole: bool,
    },
    /// The connection closed without an answer.
    Closed,
    Reset,
}

impl Got {
    pub(super) fn status(&self) -> u16 {
        let Got::Answer { status, .. } = self else { panic!("no answer: {self:?}") };
        *status
    }

    pub(super) fn text(&self) -> String {
        let Got::Answer { body, .. } = self else { panic!("no answer: {self:?}") };
        String::from_utf8(body.clone()).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap_or_else(|err| panic!("{err}: {}", self.text()))
    }

    pub(super) fn errcode(&self) -> i64 {
        self.json()["errcode"].as_i64().unwrap()
    }
}

pub(super) struct Wire {
    stream: TcpStream,
}

pub(super) fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: api.weixin.qq.com\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

pub(super) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: api.weixin.qq.com\r\n\r\n")
}

impl Wire {
    pub(super) async fn to(server: &Server) -> Wire {
        Wire { stream: TcpStream::connect(server.addr()).await.unwrap() }
    }

    pub(super) async fn post(&mut self, path: &str, body: &str) -> Got {
        self.send(&post(path, body)).await;
        self.receive().await
    }

    pub(super) async fn get(&mut self, path: &str) -> Got {
        self.send(&get(path)).await;
        self.receive().await
    }

    pub(super) async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads one answer, by Content-Length or in chunks.
    pub(super) async fn receive(&mut self) -> Got {
        let mut bytes = Vec::new();
        loop {
            if let Some(answer) = complete(&bytes, false) {
                return answer;
            }
            match self.stream.read_buf(&mut bytes).await {
                Ok(0) => return complete(&bytes, true).unwrap_or(Got::Closed),
                Ok(_) => {}
                Err(_) => return complete(&bytes, true).unwrap_or(Got::Reset),
            }
        }
    }
}

/// The answer in `bytes`, if it is all there or the connection `ended`.
fn complete(bytes: &[u8], ended: bool) -> Option<Got> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned()));
    let headers: std::collections::HashMap<String, String> = headers.by_ref().collect();
    let content_type = headers.get("content-type").cloned().unwrap_or_default();
    let body = &bytes[end + 4..];
    let (body, whole) = match headers.get("content-length").map(|length| length.parse::<usize>().unwrap()) {
        Some(length) => (body[..length.min(body.len())].to_vec(), body.len() >= length),
        None => dechunk(body),
    };
    (whole || ended).then_some(Got::Answer { status, content_type, body, whole })
}

fn dechunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        let chunk = &rest[end + 2..];
        if size == 0 {
            return (body, true);
        }
        if chunk.len() < size + 2 {
            break;
        }
        body.extend_from_slice(&chunk[..size]);
        rest = &chunk[size + 2..];
    }
    (body, false)
}
