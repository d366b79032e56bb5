//! The numbers and the health over HTTP/1.1.
//!
//! Hides connections. Promises that they are bounded in number, in time and in what is read of them, that whoever comes
//! while too many are open is answered and the oldest is let go instead (a client that is served takes milliseconds),
//! that the page is made at most once a second however often it is asked for, and that after [`Face::close`] the address
//! is free.

use super::board::Board;
use super::health::Condition;
use super::request::{self, Wanted};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

/// Connections open at once: a monitoring system or two, and a person.
const CONNECTIONS: usize = 32;
/// How long a client may take to say what it wants.
const HEAD_PATIENCE: Duration = Duration::from_secs(5);
/// How long it may take for everything. A page of some megabytes over a slow line takes seconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most that is read of a client; hyper takes no less.
const HEAD_BYTES: usize = 8 * 1024;
/// Lines of a head.
const HEADERS: usize = 64;
/// How long a page is good for.
const PAGE_AGE: Duration = Duration::from_secs(1);
/// After an error of the system (no more open files) it is tried again this much later.
const ACCEPT_REST: Duration = Duration::from_millis(200);

/// An address that is ours and answers nobody yet.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    addr: SocketAddr,
}

impl Door {
    /// Takes the address; port 0 takes any free one.
    ///
    /// # Errors
    /// It is taken, or not of this machine.
    pub async fn open(addr: SocketAddr) -> io::Result<Door> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        Ok(Door { listener, addr })
    }
}

/// Somebody who answers. Dropping it ends it.
#[derive(Debug)]
pub struct Face {
    addr: SocketAddr,
    answering: JoinHandle<()>,
}

impl Face {
    /// Answers with what stands on the board.
    pub fn show(door: Door, board: Arc<Board>) -> Face {
        let Door { listener, addr } = door;
        let shown = Arc::new(Shown { board, local: addr.ip().is_loopback(), page: Mutex::default() });
        Face { addr, answering: tokio::spawn(answer_all(listener, shown)) }
    }

    /// Where.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers nobody any more, and gives the address free.
    pub async fn close(mut self) {
        self.answering.abort();
        // It was told to end; how it did says nothing.
        let _ = (&mut self.answering).await;
    }
}

impl Drop for Face {
    fn drop(&mut self) {
        self.answering.abort();
    }
}

/// What connections share.
struct Shown {
    board: Arc<Board>,
    /// Only this machine is listened to.
    local: bool,
    page: Mutex<Option<(Instant, Bytes)>>,
}

async fn answer_all(listener: TcpListener, shown: Arc<Shown>) {
    let mut connections = JoinSet::new();
    let mut open: VecDeque<AbortHandle> = VecDeque::with_capacity(CONNECTIONS);
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    open.retain(|connection| !connection.is_finished());
                    if open.len() >= CONNECTIONS && let Some(oldest) = open.pop_front() {
                        oldest.abort();
                    }
                    open.push_back(connections.spawn(converse(stream, Arc::clone(&shown))));
                }
                Err(_) => tokio::time::sleep(ACCEPT_REST).await,
            },
        }
    }
}

/// One connection: one question, one answer.
async fn converse(stream: TcpStream, shown: Arc<Shown>) {
    let service = service_fn(|request| {
        let answer = shown.answer(&request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // A client that goes away, or is too slow, is its own affair.
    let _ = tokio::time::timeout(PATIENCE, connection).await;
}

impl Shown {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        match request::wanted(request, self.local) {
            Ok(Wanted::Numbers) => request::numbers(self.page()),
            Ok(Wanted::Health) => {
                let (condition, line) = self.board.health().line(Instant::now());
                request::health(condition != Condition::Overdue, line)
            }
            Err(response) => *response,
        }
    }

    fn page(&self) -> Bytes {
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match &*page {
            Some((made, text)) if now.saturating_duration_since(*made) < PAGE_AGE => text.clone(),
            _ => {
                let text = Bytes::from(self.board.page(Timestamp::now(), now));
                *page = Some((now, text.clone()));
                text
            }
        }
    }
}
