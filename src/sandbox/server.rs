//! The world over HTTP/1.1, on loopback.
//!
//! Hides connections: this face can answer, but also reset, hang, close and cut short, which is why it stands on
//! hyper's connection itself. Promises that nothing but loopback is listened on, that requests are bounded, and that
//! after [`Server::stop`] no task of it runs.

use super::answer::{Delivery, Reply};
use super::control;
use super::request::Request;
use super::world::World;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderValue, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// The largest request body that is read.
const REQUEST_BYTES: usize = 1 << 20;
/// How long a stopping server waits for answers under way.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// Piece by piece, a huge answer takes no memory.
const PIECE_BYTES: u64 = 64 << 10;

/// A world that listens. Dropping it ends it at once; [`Server::stop`] lets answers under way finish.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    stopping: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Serves `world` on `addr`; port 0 takes any free one.
    ///
    /// # Errors
    /// The address is not a loopback address, or cannot be listened on.
    pub async fn start(world: World, addr: SocketAddr) -> io::Result<Server> {
        if !addr.ip().is_loopback() {
            let words = format!("the sandbox listens on loopback addresses only, not on {}", addr.ip());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
        }
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let (stopping, stop) = watch::channel(false);
        Ok(Server { addr, stopping, accepting: tokio::spawn(accept(listener, world, stop)) })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Takes no more connections, lets answers under way finish (for five seconds), ends the ones that hang, and returns when
    /// all is done.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        // It ends by itself now; a panic in it has been reported by the runtime.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

type Stop = watch::Receiver<bool>;

async fn accept(listener: TcpListener, world: World, stop: Stop) {
    let mut connections = JoinSet::new();
    let mut stopping = stop.clone();
    loop {
        tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next() => {}
            Ok((stream, _)) = listener.accept() => {
                connections.spawn(converse(stream, world.clone(), stop.clone()));
            }
        }
    }
    drop(listener);
    // Whoever is left then (a request half sent, a very slow answer) is dropped with the set.
    let _ = tokio::time::timeout(STOP_PATIENCE, async { while connections.join_next().await.is_some() {} }).await;
}

/// One connection, from its first request to its end.
async fn converse(stream: TcpStream, world: World, mut stop: Stop) {
    // Without it small answers wait for the client's acknowledgement; an error shows at the first write.
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let service = service_fn(|request| Box::pin(answer(request, world.clone(), stop.clone(), Arc::clone(&reset))));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut ending = stop.clone();
    let mut stopped = pin!(ending.wait_for(|stop| *stop));
    let mut asked = false;
    let _ = poll_fn(|context| {
        if !asked && stopped.as_mut().poll(context).is_ready() {
            asked = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        connection.poll_without_shutdown(context)
    })
    .await;
    let stream = connection.into_parts().io.into_inner();
    if reset.load(Ordering::Relaxed) {
        // Closing then sends a reset; where the system refuses, the client sees an ordinary close.
        let _ = stream.set_zero_linger();
    }
    stop.mark_unchanged();
}

/// Why a connection ends without an answer.
#[derive(Debug, Error)]
enum NoAnswer {
    #[error("the connection ends here, as a fault asks")]
    Asked,
    #[error("the request broke off")]
    BrokenOff,
}

async fn answer(
    request: hyper::Request<Incoming>,
    world: World,
    stop: Stop,
    reset: Arc<AtomicBool>,
) -> Result<Response<Out>, NoAnswer> {
    let Some(request) = read(request).await? else {
        return Ok(whole(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", Vec::new()));
    };
    if request.path.starts_with("/sandbox/") {
        let (status, body) = control::answer(&world, &request);
        return Ok(whole(status_of(status), "application/json; charset=utf-8", body.into_bytes()));
    }
    let reply = world.handle(&request);
    if !reply.delay.is_zero() {
        tokio::time::sleep(reply.delay).await;
    }
    send(reply, stop, &reset).await
}

/// `None` if the body is too long.
async fn read(request: hyper::Request<Incoming>) -> Result<Option<Request>, NoAnswer> {
    let (head, body) = request.into_parts();
    let mut read = Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        body: Vec::new(),
        chunked: head.headers.contains_key(TRANSFER_ENCODING),
    };
    if read.chunked {
        return Ok(Some(read));
    }
    if body.size_hint().lower() > REQUEST_BYTES as u64 {
        return Ok(None);
    }
    match Limited::new(body, REQUEST_BYTES).collect().await {
        Ok(body) => read.body = body.to_bytes().to_vec(),
        Err(err) if err.is::<LengthLimitError>() => return Ok(None),
        Err(_) => return Err(NoAnswer::BrokenOff),
    }
    Ok(Some(read))
}

async fn send(reply: Reply, mut stop: Stop, reset: &AtomicBool) -> Result<Response<Out>, NoAnswer> {
    let status = status_of(reply.status);
    match reply.delivery {
        Delivery::Whole => Ok(dated(whole(status, &reply.content_type, reply.body), reply.ahead_secs)),
        Delivery::Truncated => {
            let length = reply.body.len();
            let half = Bytes::from(reply.body).slice(..length / 2);
            let mut response = response(status, &reply.content_type, Out::Half(Some(half), false));
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
            Ok(response)
        }
        Delivery::Huge(bytes) => Ok(response(status, &reply.content_type, Out::Huge(bytes))),
        Delivery::Reset => {
            reset.store(true, Ordering::Relaxed);
            Err(NoAnswer::Asked)
        }
        Delivery::Lost => Err(NoAnswer::Asked),
        Delivery::Hang => {
            // Ends with the server, or is dropped when the client goes away.
            let _ = stop.wait_for(|stop| *stop).await;
            Err(NoAnswer::Asked)
        }
    }
}

fn whole(status: StatusCode, content_type: &str, body: Vec<u8>) -> Response<Out> {
    response(status, content_type, Out::Whole(Some(body.into())))
}

fn response(status: StatusCode, content_type: &str, body: Out) -> Response<Out> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Ok(kind) = HeaderValue::from_str(content_type)
        && !content_type.is_empty()
    {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}

/// With a `Date` of its own, where a fault asks for one; the server adds the right one to every other answer.
fn dated(mut response: Response<Out>, ahead_secs: Option<i64>) -> Response<Out> {
    let shown =
        ahead_secs.and_then(|secs| jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_secs(secs)).ok());
    let text = shown.map(|at| at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    if let Some(date) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(DATE, date);
    }
    response
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A body that may not be what its head says.
enum Out {
    Whole(Option<Bytes>),
    /// What is sent of it, and whether that has had time to leave.
    Half(Option<Bytes>, bool),
    /// So many bytes are left.
    Huge(u64),
}

impl Body for Out {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let sent = |bytes: Bytes| Poll::Ready(Some(Ok(Frame::data(bytes))));
        match self.get_mut() {
            Out::Whole(bytes) => bytes.take().filter(|bytes| !bytes.is_empty()).map_or(Poll::Ready(None), sent),
            Out::Half(half, left) => match (half.take(), *left) {
                (Some(half), _) => sent(half),
                (None, false) => {
                    *left = true;
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                (None, true) => Poll::Ready(Some(Err(io::Error::other("cut short, as a fault asks")))),
            },
            Out::Huge(0) => Poll::Ready(None),
            Out::Huge(left) => {
                let piece = PIECE_BYTES.min(*left);
                *left -= piece;
                sent(Bytes::from(vec![b'['; usize::try_from(piece).expect("a piece is small")]))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Out::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Out::Half(..) | Out::Huge(_) => SizeHint::default(),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Out::Whole(None) | Out::Huge(0))
    }
}
