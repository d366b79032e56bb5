//! `menshen sandbox` as a process, and plain HTTP to it: what a client of any kind sees of an answer, or instead of one.

use menshen::sandbox::Account;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Far beyond what an answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A simulated WeChat of its own. Ends when dropped.
pub(crate) struct WeChat {
    process: Child,
    /// Kept open: what is printed there later must find somebody.
    _stdout: BufReader<ChildStdout>,
    addr: SocketAddr,
}

impl WeChat {
    /// `menshen sandbox ARGS` on a free port of loopback.
    pub(crate) fn start(args: &str) -> WeChat {
        let mut process = Command::new(env!("CARGO_BIN_EXE_menshen"))
            .args(["sandbox", "--listen", "127.0.0.1:0"])
            .args(args.split_whitespace())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary");
        let mut stdout = BufReader::new(process.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("standard output");
        let addr = line.trim().strip_prefix("base_url = \"http://").and_then(|rest| rest.strip_suffix('"'));
        let addr = addr.and_then(|addr| addr.parse().ok()).unwrap_or_else(|| panic!("no address in {line:?}"));
        WeChat { process, _stdout: stdout, addr }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What the control surface answers; anything but HTTP 200 fails the test.
    #[track_caller]
    pub(crate) fn control(&self, path: &str, body: Option<&Value>) -> Value {
        let path = format!("/sandbox/{path}");
        match body {
            Some(body) => self.post(&path, body),
            None => self.send(&request("GET", &path, "")),
        }
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        self.send(&request("POST", path, &body.to_string()))
    }

    #[track_caller]
    fn send(&self, request: &str) -> Value {
        match ask(self.addr, request, PATIENCE) {
            Seen::Answer { status: 200, body, .. } => serde_json::from_slice(&body).expect("JSON"),
            other => panic!("{request}: {other:?}"),
        }
    }

    /// The plugin's list, as it is on the wire.
    pub(crate) fn list(&self) -> Value {
        let (appid, secret) = (Account::DEFAULT_APPID, Account::DEFAULT_SECRET);
        let asked = json!({ "grant_type": "client_credential", "appid": appid, "secret": secret });
        let token = self.post("/cgi-bin/stable_token", &asked)["access_token"].as_str().expect("a token").to_owned();
        let asked = json!({ "action": "dev_apply_list", "page": 1, "num": 50 });
        self.post(&format!("/wxa/devplugin?access_token={token}"), &asked)["apply_list"].clone()
    }

    /// Every call so far, oldest first.
    pub(crate) fn ledger(&self) -> Vec<Value> {
        self.control("ledger", None)["calls"].as_array().expect("calls").clone()
    }
}

impl Drop for WeChat {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    Answer {
        status: u16,
        content_type: String,
        date: String,
        body: Vec<u8>,
    },
    /// A part of an answer, then the connection closed.
    CutShort,
    Closed,
    Reset,
    /// Nothing for as long as we waited.
    Silence,
}

/// A request with a Content-Length.
pub(crate) fn request(method: &str, path: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends a request as it is written, and waits so long for whatever comes.
pub(crate) fn ask(addr: SocketAddr, request: &str, patience: Duration) -> Seen {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    stream.set_read_timeout(Some(patience)).expect("a timeout");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) if bytes.is_empty() => Seen::Closed,
        Ok(_) => answer(&bytes).unwrap_or(Seen::CutShort),
        Err(error) if error.kind() == ErrorKind::ConnectionReset && bytes.is_empty() => Seen::Reset,
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Seen::Silence,
        Err(_) => Seen::CutShort,
    }
}

/// `None` if it is not whole.
fn answer(bytes: &[u8]) -> Option<Seen> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let (head, body) = (std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 4..]);
    let field = |name: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let body = match field("content-length") {
        Some(length) if length.parse() != Ok(body.len()) => return None,
        Some(_) => body.to_vec(),
        None => pieces(body)?,
    };
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let text = |name: &str| field(name).unwrap_or_default().to_owned();
    Some(Seen::Answer { status, content_type: text("content-type"), date: text("date"), body })
}

/// A chunked body put together.
fn pieces(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        let piece = rest.get(end + 2..end + 2 + size)?;
        if piece.is_empty() {
            return Some(whole);
        }
        whole.extend_from_slice(piece);
        rest = rest.get(end + 2 + size + 2..)?;
    }
}
