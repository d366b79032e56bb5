//! The simulated WeChat: a process of its own that dies with its value.

use crate::script::Http;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

pub(super) struct WeChat {
    process: Child,
    /// Kept open: a simulation nobody listens to ends.
    _stdout: BufReader<ChildStdout>,
    addr: SocketAddr,
}

/// What the ledger says of one call.
pub(super) struct Call {
    pub(super) at_ms: i64,
    pub(super) action: String,
    /// The page asked for, if there was anything on it.
    pub(super) page_with_entries: Option<u64>,
}

impl WeChat {
    /// Port 0 takes any free one.
    pub(super) fn start(port: u16, seed: u32, applications: u32, pending: u32, latency: Duration) -> WeChat {
        let mut process = Command::new(env!("CARGO_BIN_EXE_menshen"))
            .args(["sandbox", "--listen", &format!("127.0.0.1:{port}"), "--seed", &seed.to_string()])
            .args(["--applications", &applications.to_string(), "--pending", &pending.to_string()])
            .args(["--latency-ms", &latency.as_millis().to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let addr = line.trim().trim_start_matches("base_url = \"http://").trim_end_matches('"').parse().unwrap();
        WeChat { process, _stdout: stdout, addr }
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Asks the control surface.
    pub(super) fn control(&self, path: &str, body: &Value) -> Value {
        Http::to(self.addr).post(&format!("/sandbox/{path}"), body)
    }

    pub(super) fn now_ms(&self) -> i64 {
        Http::to(self.addr).get("/sandbox/world")["now_ms"].as_i64().unwrap()
    }

    /// Every call but those for tokens, in order of arrival.
    pub(super) fn ledger(&self) -> Vec<Call> {
        let mut ledger = Http::to(self.addr).get("/sandbox/ledger");
        let world = Http::to(self.addr).get("/sandbox/world");
        let counts = &world["accounts"][0];
        let entries: u64 =
            ["pending", "approved", "refused", "timed_out"].iter().filter_map(|name| counts[name].as_u64()).sum();
        let calls = ledger["calls"].as_array_mut().map(std::mem::take).unwrap_or_default();
        calls.iter().filter(|call| call["endpoint"] == "devplugin").map(|call| Call::of(call, entries)).collect()
    }
}

impl Call {
    fn of(call: &Value, entries: u64) -> Call {
        let num = call["num"].as_u64().unwrap_or(1);
        Call {
            at_ms: call["at_ms"].as_i64().unwrap(),
            action: call["action"].as_str().unwrap_or_default().to_owned(),
            page_with_entries: call["page"].as_u64().filter(|page| (page - 1) * num < entries),
        }
    }
}

impl Drop for WeChat {
    fn drop(&mut self) {
        // It may be gone already; either way it is waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
