//! Chat robots on loopback, as strict as the real ones: each checks shape, size, signature, keyword and rate, and says
//! HTTP 200 when it refuses. Written from their documentation, not from our code.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Which robot it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    Wecom,
    Feishu,
    Dingtalk,
    Webhook,
}

/// What it insists on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    pub(crate) secret: Option<&'static str>,
    pub(crate) keyword: Option<&'static str>,
    /// Messages it takes altogether; then it says that it is too much.
    pub(crate) takes: Option<usize>,
    /// Answers this HTTP status to everything.
    pub(crate) status: Option<u16>,
    /// How it answers what it does not refuse.
    pub(crate) manner: Manner,
}

/// How it answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As its documentation says.
    #[default]
    Well,
    /// Never.
    Hangs,
    /// Takes the message, and never says so.
    TakesAndHangs,
    /// Takes the message, and says so half a second later.
    Slowly,
    /// A byte now and then, without end.
    Trickles,
    /// With 200 MB.
    Huge,
    /// With something else.
    Says(&'static str),
    /// With the very message.
    Echoes,
    /// Not at all: the connection ends.
    Cuts,
    /// Go there instead.
    Redirects,
}

/// A robot that listens.
pub(crate) struct RobotServer {
    pub(crate) addr: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

struct State {
    model: Model,
    rules: Rules,
    asked: usize,
    taken: Vec<Value>,
    refused: Vec<Value>,
}

impl Drop for RobotServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RobotServer {
    pub(crate) async fn start(model: Model, rules: Rules) -> RobotServer {
        RobotServer::at(([127, 0, 0, 1], 0).into(), model, rules).await
    }

    pub(crate) async fn at(addr: SocketAddr, model: Model, rules: Rules) -> RobotServer {
        let listener = TcpListener::bind(addr).await.expect("loopback");
        let addr = listener.local_addr().expect("bound");
        let state = Arc::new(Mutex::new(State { model, rules, asked: 0, taken: Vec::new(), refused: Vec::new() }));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    let answer = service_fn(move |request| answer(Arc::clone(&state), request));
                    let _ =
                        http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
        RobotServer { addr, state, task }
    }

    /// The address a configuration names.
    pub(crate) fn url(&self) -> String {
        url_at(self.addr, self.state.lock().expect("no panic").model)
    }

    /// Changes what it insists on.
    pub(crate) fn rules(&self, rules: Rules) {
        self.state.lock().expect("no panic").rules = rules;
    }

    /// How many messages came, whatever became of them.
    pub(crate) fn asked(&self) -> usize {
        self.state.lock().expect("no panic").asked
    }

    /// The bodies it took.
    pub(crate) fn taken(&self) -> Vec<Value> {
        self.state.lock().expect("no panic").taken.clone()
    }

    /// The texts it took.
    pub(crate) fn texts(&self) -> Vec<String> {
        let model = self.state.lock().expect("no panic").model;
        self.taken().iter().map(|body| text(model, body).unwrap_or_default().to_owned()).collect()
    }

    /// What it answered to those it did not take.
    pub(crate) fn refused(&self) -> Vec<Value> {
        self.state.lock().expect("no panic").refused.clone()
    }
}

pub(crate) fn url_at(addr: SocketAddr, model: Model) -> String {
    match model {
        Model::Wecom => format!("http://{addr}/cgi-bin/webhook/send?key=canary-robot-key"),
        Model::Feishu => format!("http://{addr}/open-apis/bot/v2/hook/canary-robot-key"),
        Model::Dingtalk => format!("http://{addr}/robot/send?access_token=canary-robot-key"),
        Model::Webhook => format!("http://{addr}/hook/canary-robot-key"),
    }
}

/// An answer of any length and pace.
type Answer = Response<BoxBody<Bytes, std::io::Error>>;

async fn answer(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Result<Answer, std::io::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let manner = {
        let mut state = state.lock().expect("no panic");
        state.asked += 1;
        state.rules.manner
    };
    match manner {
        Manner::Well => Ok(whole(&judged(&state, &parts, &body))),
        Manner::Hangs => std::future::pending().await,
        Manner::TakesAndHangs => {
            judged(&state, &parts, &body);
            std::future::pending().await
        }
        Manner::Slowly => {
            let answer = judged(&state, &parts, &body);
            tokio::time::sleep(Duration::from_millis(500)).await;
            Ok(whole(&answer))
        }
        Manner::Trickles => Ok(pieces(stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Some((Ok(Frame::data(Bytes::from_static(b" "))), ()))
        }))),
        Manner::Huge => {
            let piece = Bytes::from(vec![b' '; 1_000_000]);
            Ok(pieces(stream::repeat_with(move || Ok(Frame::data(piece.clone()))).take(200)))
        }
        Manner::Says(words) => Ok(whole(&Response::new(Bytes::from_static(words.as_bytes())))),
        Manner::Echoes => Ok(whole(&Response::new(body))),
        Manner::Cuts => Err(std::io::ErrorKind::ConnectionReset.into()),
        Manner::Redirects => {
            let mut answer = Response::new(Bytes::from(format!("see {}", parts.uri)));
            *answer.status_mut() = StatusCode::FOUND;
            let location = format!("{}&again=1", parts.uri).parse().expect("a header");
            answer.headers_mut().insert(hyper::header::LOCATION, location);
            Ok(whole(&answer))
        }
    }
}

fn whole(answer: &Response<Bytes>) -> Answer {
    answer.clone().map(|body| Full::new(body).map_err(|never| match never {}).boxed())
}

fn pieces(pieces: impl Stream<Item = Result<Frame<Bytes>, std::io::Error>> + Send + Sync + 'static) -> Answer {
    Response::new(BodyExt::boxed(StreamBody::new(pieces)))
}

/// What a robot in good order answers.
fn judged(state: &Mutex<State>, parts: &hyper::http::request::Parts, body: &[u8]) -> Response<Bytes> {
    let mut state = state.lock().expect("no panic");
    if let Some(status) = state.rules.status {
        let mut answer = Response::new(Bytes::from_static(b"<html>out of order</html>"));
        *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
        return answer;
    }
    let (status, said) = match state.judge(parts, body) {
        Ok(message) => {
            state.taken.push(message);
            let ok = match state.model {
                Model::Wecom | Model::Dingtalk => json!({ "errcode": 0, "errmsg": "ok" }),
                Model::Feishu => json!({ "code": 0, "msg": "success", "data": {} }),
                Model::Webhook => json!({}),
            };
            (StatusCode::OK, ok)
        }
        Err(said) => {
            state.refused.push(said.clone());
            let status = if state.model == Model::Webhook { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
            (status, said)
        }
    };
    let mut answer = Response::new(Bytes::from(said.to_string()));
    *answer.status_mut() = status;
    answer
}

impl State {
    fn judge(&self, parts: &hyper::http::request::Parts, body: &[u8]) -> Result<Value, Value> {
        let message: Value = serde_json::from_slice(body).map_err(|_| self.says(Trouble::Shape))?;
        let query: HashMap<String, String> =
            url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let address = match self.model {
            Model::Wecom => query.get("key").cloned(),
            Model::Dingtalk => query.get("access_token").cloned(),
            Model::Feishu | Model::Webhook => parts.uri.path().rsplit('/').next().map(ToOwned::to_owned),
        };
        assert_eq!(address.as_deref(), Some("canary-robot-key"), "{}", parts.uri);
        assert!(parts.headers["content-type"].to_str().expect("ASCII").starts_with("application/json"));
        self.signed(&message, &query, parts, body).map_err(|()| self.says(Trouble::Signature))?;
        if self.model != Model::Webhook {
            let text = text(self.model, &message).ok_or_else(|| self.says(Trouble::Shape))?;
            let fits = match self.model {
                Model::Wecom => text.len() <= 4_096,
                Model::Feishu => body.len() <= 20 << 10,
                _ => body.len() <= 20_000,
            };
            if !fits || text.is_empty() {
                return Err(self.says(Trouble::Shape));
            }
            if self.rules.keyword.is_some_and(|keyword| !text.contains(keyword)) {
                return Err(self.says(Trouble::Keyword));
            }
        }
        if self.rules.takes.is_some_and(|most| self.taken.len() >= most) {
            return Err(self.says(Trouble::Rate));
        }
        Ok(message)
    }

    fn signed(
        &self,
        message: &Value,
        query: &HashMap<String, String>,
        parts: &hyper::http::request::Parts,
        body: &[u8],
    ) -> Result<(), ()> {
        let Some(secret) = self.rules.secret else { return Ok(()) };
        let (timestamp, sign, expected) = match self.model {
            Model::Wecom => return Ok(()),
            Model::Feishu => {
                let timestamp = message["timestamp"].as_str().ok_or(())?.to_owned();
                let expected = STANDARD.encode(mac(format!("{timestamp}\n{secret}").as_bytes(), b""));
                (timestamp, message["sign"].as_str().ok_or(())?.to_owned(), expected)
            }
            Model::Dingtalk => {
                let timestamp = query.get("timestamp").ok_or(())?.clone();
                let expected = STANDARD.encode(mac(secret.as_bytes(), format!("{timestamp}\n{secret}").as_bytes()));
                (timestamp[..timestamp.len() - 3].to_owned(), query.get("sign").ok_or(())?.clone(), expected)
            }
            Model::Webhook => {
                let header = |name| Some(parts.headers.get(name)?.to_str().ok()?.to_owned());
                let timestamp: String = header("x-menshen-timestamp").ok_or(())?;
                let signed = [timestamp.as_bytes(), b".", body].concat();
                let hex: String = mac(secret.as_bytes(), &signed).iter().map(|b| format!("{b:02x}")).collect();
                (timestamp, header("x-menshen-signature").ok_or(())?, format!("v1={hex}"))
            }
        };
        let age = jiff::Timestamp::now().as_second() - timestamp.parse::<i64>().map_err(drop)?;
        if age.abs() < 3_600 && sign == expected { Ok(()) } else { Err(()) }
    }

    fn says(&self, trouble: Trouble) -> Value {
        let (code, words) = match (self.model, trouble) {
            (Model::Wecom, Trouble::Rate) => (45009, "api freq out of limit"),
            (Model::Wecom, _) => (40058, "invalid parameter"),
            (Model::Feishu, Trouble::Rate) => (11232, "frequency limited"),
            (Model::Feishu, Trouble::Signature) => (19021, "sign match fail or timestamp is not within one hour"),
            (Model::Feishu, Trouble::Keyword) => (19024, "Key Words Not Found"),
            (Model::Feishu, Trouble::Shape) => (9499, "Bad Request"),
            (Model::Dingtalk, Trouble::Rate) => (130101, "send too fast, exceed 20 times per minute"),
            (Model::Dingtalk, _) => (310000, "sign not match"),
            (Model::Webhook, _) => (401, "no"),
        };
        match self.model {
            Model::Feishu => json!({ "code": code, "msg": words }),
            _ => json!({ "errcode": code, "errmsg": words }),
        }
    }
}

#[derive(Clone, Copy)]
enum Trouble {
    Shape,
    Signature,
    Keyword,
    Rate,
}

/// The text of a message that has the shape its robot asks for.
fn text(model: Model, message: &Value) -> Option<&str> {
    match (model, message["msgtype"].as_str().or(message["msg_type"].as_str())?) {
        (Model::Wecom, "markdown") => message["markdown"]["content"].as_str(),
        (Model::Wecom | Model::Dingtalk, "text") => message["text"]["content"].as_str(),
        (Model::Feishu, "text") => message["content"]["text"].as_str(),
        _ => None,
    }
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key");
    mac.update(message);
    mac.finalize().into_bytes().into()
}
