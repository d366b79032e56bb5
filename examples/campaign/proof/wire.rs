//! A little HTTP of our own: the sandbox's control surface, read without the client under test.

use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What `GET path` answers.
pub(crate) async fn get(addr: SocketAddr, path: &str) -> Value {
    ask(addr, &format!("GET {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\n\r\n")).await
}

async fn ask(addr: SocketAddr, request: &str) -> Value {
    let mut stream = TcpStream::connect(addr).await.expect("the sandbox listens");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("it answers");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    serde_json::from_slice(&answer[end..]).expect("JSON")
}

/// Reads the list as any client does, to the end of its first pages; what lags has then been shown.
pub(crate) async fn list(addr: SocketAddr, appid: &str, secret: &str) -> Value {
    let body = format!("{{\"grant_type\":\"client_credential\",\"appid\":\"{appid}\",\"secret\":\"{secret}\"}}");
    let token = post(addr, "/cgi-bin/stable_token", &body).await;
    let path = format!("/wxa/devplugin?access_token={}", token["access_token"].as_str().unwrap_or_default());
    let mut page = 1;
    loop {
        let body = format!("{{\"action\":\"dev_apply_list\",\"page\":{page},\"num\":50}}");
        let answer = post(addr, &path, &body).await;
        if page >= 30 || answer["apply_list"].as_array().is_none_or(Vec::is_empty) {
            return answer;
        }
        page += 1;
    }
}

async fn post(addr: SocketAddr, path: &str, body: &str) -> Value {
    let length = body.len();
    ask(addr, &format!("POST {path} HTTP/1.1\r\nhost: sandbox\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")).await
}
