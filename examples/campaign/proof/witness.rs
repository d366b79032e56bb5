//! The witness: it stands between menshen and WeChat, and looks into the log whenever a change is asked for.
//!
//! Every request passes through it byte for byte, every end of a connection as it came. Before an agree, a refusal
//! or a deletion goes on to WeChat, the witness opens the audit log itself, by plain SQL, and notes which row
//! announces it. A change that no committed row announces is a violation, whatever becomes of it.

use super::log::{self, Announced};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A change menshen asked for, and the row that announced it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// `dev_agree` and so on.
    pub(crate) action: String,
    pub(crate) appid: String,
    /// The row that announced it, and how often it had been announced by then.
    pub(crate) row: Option<(i64, i64)>,
    /// The row was settled by the time we looked: menshen had given up waiting for the answer.
    pub(crate) late: bool,
    /// What stood in the log instead of a row that announced it.
    pub(crate) instead: String,
    /// Which life of the process it was.
    pub(crate) episode: usize,
}

impl Seen {
    fn of(action: String, appid: String, announced: Announced, episode: usize, before: &[Seen]) -> Seen {
        // As often as a row was announced it may have been on its way, and no more often.
        let seen =
            |row: i64| before.iter().filter(|seen| seen.row.is_some_and(|(other, _)| other == row)).count() as i64;
        let (row, late, instead) = match announced {
            Announced::Standing(row, times) => (Some((row, times)), false, String::new()),
            Announced::Lost(row, times) if seen(row) < times => (Some((row, times)), true, String::new()),
            Announced::Lost(row, times) => {
                (None, false, format!("row {row} was announced {times} times and sent as often"))
            }
            Announced::Not(instead) => (None, false, instead),
        };
        Seen { action, appid, row, late, instead, episode }
    }
}

#[derive(Debug, Default)]
struct Notes {
    seen: Mutex<Vec<Seen>>,
    tokens: Mutex<BTreeSet<String>>,
    /// Connections that are open.
    open: AtomicU64,
    episode: AtomicU64,
}

/// See above. Ends when it is dropped.
pub(crate) struct Witness {
    pub(crate) addr: SocketAddr,
    notes: Arc<Notes>,
    /// Requests so far, and changes asked for among them.
    pub(crate) count: watch::Receiver<(u64, u64)>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Witness {
    pub(crate) async fn start(wechat: SocketAddr, database: PathBuf) -> Witness {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback");
        let addr = listener.local_addr().expect("bound");
        let notes = Arc::new(Notes::default());
        let (tell, count) = watch::channel((0, 0));
        let (about, tell) = (Arc::clone(&notes), Arc::new(tell));
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let watched =
                    Watched { notes: Arc::clone(&about), tell: Arc::clone(&tell), database: database.clone() };
                about.open.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    watched.pass(client, wechat).await;
                    watched.notes.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Witness { addr, notes, count, accepting }
    }

    /// From here on another life of the process.
    pub(crate) fn episode(&self, number: usize) {
        self.notes.episode.store(number as u64, Ordering::SeqCst);
    }

    /// Waits until everything the ended process had sent has arrived, or is lost.
    pub(crate) async fn idle(&self) {
        for _ in 0..2_000 {
            if self.notes.open.load(Ordering::SeqCst) == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.notes.seen.lock().expect("no panic").clone()
    }

    /// Every access token that passed.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.notes.tokens.lock().expect("no panic").iter().cloned().collect()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct Watched {
    notes: Arc<Notes>,
    tell: Arc<watch::Sender<(u64, u64)>>,
    database: PathBuf,
}

impl Watched {
    async fn pass(&self, client: TcpStream, wechat: SocketAddr) {
        let Ok(server) = TcpStream::connect(wechat).await else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (from_client, mut to_client) = client.into_split();
        let (mut from_server, to_server) = server.into_split();
        let reset = tokio::select! {
            reset = answers(&mut from_server, &mut to_client) => reset,
            () = self.requests(from_client, to_server) => return,
        };
        if reset && let Ok(client) = to_client.as_ref().peer_addr() {
            let _ = (client, to_client.as_ref().set_zero_linger());
        }
    }

    /// Requests one after the other, until the client goes away.
    async fn requests(&self, mut client: OwnedReadHalf, mut server: OwnedWriteHalf) {
        let mut bytes = Vec::new();
        loop {
            let Some(length) = whole(&bytes) else {
                if client.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                    return;
                }
                continue;
            };
            let rest = bytes.split_off(length);
            self.look(&bytes).await;
            if server.write_all(&bytes).await.is_err() {
                // The answers end too, and with them this connection.
                return std::future::pending().await;
            }
            bytes = rest;
        }
    }

    async fn look(&self, request: &[u8]) {
        let text = String::from_utf8_lossy(request);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        if let Some(token) = head.split("access_token=").nth(1) {
            let token = token.split(['&', ' ']).next().unwrap_or_default();
            self.notes.tokens.lock().expect("no panic").insert(token.to_owned());
        }
        let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        let action = body["action"].as_str().unwrap_or_default().to_owned();
        let changes = ["dev_agree", "dev_refuse", "dev_delete"].contains(&action.as_str());
        if changes {
            let appid = body["appid"].as_str().unwrap_or_default().to_owned();
            let announced = log::announced(&self.database, &appid, action.trim_start_matches("dev_")).await;
            let episode = usize::try_from(self.notes.episode.load(Ordering::SeqCst)).unwrap_or_default();
            let mut seen = self.notes.seen.lock().expect("no panic");
            let one = Seen::of(action, appid, announced, episode, &seen);
            seen.push(one);
        }
        self.tell.send_modify(|(requests, asked)| {
            *requests += 1;
            *asked += u64::from(changes);
        });
    }
}

/// How long the request is that stands at the beginning, if all of it is there.
fn whole(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    let end = head + length.unwrap_or(0);
    (bytes.len() >= end).then_some(end)
}

/// Passes answers on; true when the server reset the connection.
async fn answers(server: &mut OwnedReadHalf, client: &mut OwnedWriteHalf) -> bool {
    let mut bytes = vec![0; 16 << 10];
    loop {
        match server.read(&mut bytes).await {
            Ok(0) => return false,
            Ok(count) if client.write_all(&bytes[..count]).await.is_ok() => {}
            Ok(_) => return false,
            Err(_) => return true,
        }
    }
}
