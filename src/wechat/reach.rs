//! The way to WeChat, one step after the other: for whoever wants to know at which it ends.
//!
//! Hides sockets and how TLS names its troubles. Sends no secret, no token and no appid: the last step asks
//! `/cgi-bin/token` without any, to which WeChat answers that the appid is missing. Promises an end within the timeouts
//! of two calls, and that a proxy's password is in nothing it says.

mod barrier;

pub use barrier::{Barrier, BarrierKind};

use super::{
    BuildError, Connections,
    http::{Cargo, Http, Way, is_loopback},
    wire,
};
use barrier::{barrier, met, tls_trouble, unnamed, unreached, words};
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{Response, Url, header::DATE};
use secrecy::{ExposeSecret, SecretString};
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, timeout},
};

/// WeChat's answer is one short object.
const ANSWER_MAX_BYTES: usize = 64 * 1024;
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;

/// Where to, and how.
#[derive(Debug, Clone)]
pub struct Journey {
    /// As in [`Settings`](super::Settings).
    pub base_url: String,
    /// Whether nothing secret is ever sent there: then it may be plain http.
    pub tokenless: bool,
    /// As in [`Settings`](super::Settings).
    pub proxy: Option<SecretString>,
    /// As in [`Settings`](super::Settings).
    pub ca_pem: Option<Arc<[u8]>>,
    /// For one call.
    pub timeout: Duration,
}

/// How far the way leads, and what time it is there.
#[derive(Debug, Clone)]
pub struct Reached {
    /// Every step in its order, also those that were not taken.
    pub steps: Vec<(Leg, Passage)>,
    /// The clock of whoever answered.
    pub clock: Option<Clock>,
}

/// A step of the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leg {
    /// Our own set-up of TLS: the certificates that are trusted.
    Certificates,
    /// To the proxy.
    Proxy,
    /// From the name to addresses.
    Name,
    /// To the address.
    Connection,
    /// Whether it is who it should be.
    Tls,
    /// Whether WeChat answers there.
    Answer,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passage {
    /// It was taken; what was met there.
    Open(String),
    /// It was taken, and this is odd.
    Odd(String),
    /// The way ends here.
    Barred(Barrier),
    /// It was not taken, and why.
    Spared(&'static str),
}

/// Another clock, as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// What it showed, in whole seconds.
    pub shown: Timestamp,
    /// What ours showed when it was asked.
    pub asked: Timestamp,
    /// How long the answer took.
    pub took: Duration,
}

impl Journey {
    /// Goes as far as it leads.
    pub async fn travel(&self) -> Reached {
        let mut reached = Reached { steps: Vec::new(), clock: None };
        let way = Way {
            proxy: self.proxy.as_ref().map(ExposeSecret::expose_secret),
            ca_pem: self.ca_pem.as_deref(),
            timeout: self.timeout,
            connections: &Connections::default(),
        };
        let cargo = if self.tokenless { Cargo::Plain } else { Cargo::Secret };
        let http = Http::new(&self.base_url, cargo, &way);
        let Ok(base) = Url::parse(&self.base_url) else {
            // The configuration lets none in.
            reached.steps.push((Leg::Name, barred(BarrierKind::SetUp, "base_url is no address")));
            return reached;
        };
        let proxy = way.proxy.filter(|_| !is_loopback(&base)).and_then(|proxy| Url::parse(proxy).ok());
        reached.steps.push((Leg::Certificates, certificates(http.as_ref().err(), &base, self.ca_pem.is_some())));
        let open = match &proxy {
            Some(proxy) => self.to_proxy(proxy, &mut reached).await,
            None => self.directly(&base, &mut reached).await,
        };
        match http {
            Ok(http) if open => self.ask(&http, &base, proxy.is_some(), &mut reached).await,
            Ok(_) => spare(&mut reached, "no connection came about"),
            Err(_) => spare(&mut reached, "TLS cannot be set up here"),
        }
        reached
    }

    async fn to_proxy(&self, proxy: &Url, reached: &mut Reached) -> bool {
        let passage = match self.addresses(proxy).await {
            Ok(addresses) => self.connect(&addresses).await,
            Err(barrier) => Passage::Barred(barrier),
        };
        let open = matches!(passage, Passage::Open(_));
        let named = match passage {
            Passage::Open(_) => Passage::Open(format!("{} can be reached", place(proxy))),
            Passage::Barred(barrier) => {
                let detail = format!("{}: {}", place(proxy), barrier.detail);
                Passage::Barred(Barrier { detail, ..barrier })
            }
            other => other,
        };
        reached.steps.push((Leg::Proxy, named));
        reached.steps.push((Leg::Name, Passage::Spared("the proxy looks names up")));
        reached.steps.push((Leg::Connection, Passage::Spared("the proxy connects")));
        open
    }

    async fn directly(&self, base: &Url, reached: &mut Reached) -> bool {
        let addresses = match self.addresses(base).await {
            Ok(addresses) => addresses,
            Err(barrier) => {
                reached.steps.push((Leg::Name, Passage::Barred(barrier)));
                reached.steps.push((Leg::Connection, Passage::Spared("there is no address to connect to")));
                return false;
            }
        };
        let host = base.host_str().unwrap_or_default();
        let list = addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ");
        let is_address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
        let words = if is_address { format!("{host} is an address") } else { format!("{host} is {list}") };
        reached.steps.push((Leg::Name, Passage::Open(words)));
        let passage = self.connect(&addresses).await;
        let open = matches!(passage, Passage::Open(_));
        reached.steps.push((Leg::Connection, passage));
        open
    }

    async fn addresses(&self, url: &Url) -> Result<Vec<std::net::SocketAddr>, Barrier> {
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port_or_known_default().unwrap_or(1080);
        match timeout(self.timeout, lookup_host((host.as_str(), port))).await {
            Err(_) => Err(barrier(BarrierKind::NoNameServer, &format!("{host}: no name server answers in time"))),
            Ok(Err(error)) => Err(unnamed(&host, &error)),
            Ok(Ok(found)) => {
                let mut found: Vec<_> = found.collect();
                found.dedup();
                found.truncate(ADDRESSES_MAX);
                match found.is_empty() {
                    true => Err(barrier(BarrierKind::NoSuchName, &format!("{host} has no address"))),
                    false => Ok(found),
                }
            }
        }
    }

    /// To the first address that lets us in.
    async fn connect(&self, addresses: &[std::net::SocketAddr]) -> Passage {
        let mut last = barrier(BarrierKind::Unreachable, "there is no address");
        let each = self.timeout / u32::try_from(addresses.len().max(1)).unwrap_or(1);
        for address in addresses {
            last = match timeout(each, TcpStream::connect(address)).await {
                Ok(Ok(_)) => return Passage::Open(format!("{address} lets us in")),
                Ok(Err(error)) => barrier(unreached(&error), &format!("{address}: {}", words(&error))),
                Err(_) => {
                    barrier(BarrierKind::Silent, &format!("{address}: no answer within {} s", each.as_secs().max(1)))
                }
            };
        }
        Passage::Barred(last)
    }

    /// TLS, and whether it is WeChat.
    async fn ask(&self, http: &Http, base: &Url, proxied: bool, reached: &mut Reached) {
        let (asked, start) = (Timestamp::now(), Instant::now());
        let answered = http.knock(wire::CLASSIC_TOKEN, self.timeout).await;
        let took = start.elapsed();
        let plain = || match base.scheme() {
            "https" => Passage::Open("the certificate is good".to_owned()),
            _ => Passage::Spared("plain http, without TLS"),
        };
        match answered {
            Ok(response) => {
                reached.clock = shown(&response).map(|shown| Clock { shown, asked, took });
                reached.steps.push((Leg::Tls, plain()));
                reached.steps.push((Leg::Answer, spoken(response).await));
            }
            Err(error) => {
                let found = met(&error, proxied);
                let at_tls = tls_trouble(&error).is_some();
                let first =
                    if at_tls { Passage::Barred(found.clone()) } else { Passage::Spared("it did not come to that") };
                let late = matches!(found.kind, BarrierKind::Silent | BarrierKind::Broken) && !error.is_connect();
                reached.steps.push((Leg::Tls, if late { plain() } else { first }));
                let second = if at_tls { Passage::Spared("TLS was refused") } else { Passage::Barred(found) };
                reached.steps.push((Leg::Answer, second));
            }
        }
    }
}

fn spare(reached: &mut Reached, why: &'static str) {
    reached.steps.push((Leg::Tls, Passage::Spared(why)));
    reached.steps.push((Leg::Answer, Passage::Spared(why)));
}

fn certificates(problem: Option<&BuildError>, base: &Url, own: bool) -> Passage {
    match problem {
        Some(problem) => barred(BarrierKind::SetUp, &problem.to_string()),
        None if base.scheme() == "http" => Passage::Spared("plain http needs none"),
        None if own => Passage::Open("the system's and those of ca_file can be used".to_owned()),
        None => Passage::Open("the system's can be used".to_owned()),
    }
}

/// Whether whoever answers talks like WeChat.
async fn spoken(mut response: Response) -> Passage {
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        if body.len() + chunk.len() > ANSWER_MAX_BYTES {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    match (response_is_wechats(&body), status) {
        (true, 200..300) => Passage::Open("WeChat answers".to_owned()),
        _ => Passage::Odd(format!("what answers (HTTP {status}) does not talk like WeChat")),
    }
}

fn response_is_wechats(body: &[u8]) -> bool {
    wire::refusal(body, &[]).is_some()
}

fn shown(response: &Response) -> Option<Timestamp> {
    let text = response.headers().get(DATE)?.to_str().ok()?;
    rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

fn barred(kind: BarrierKind, detail: &str) -> Passage {
    Passage::Barred(barrier(kind, detail))
}

/// Scheme, host and port of a proxy; its password is not said.
fn place(proxy: &Url) -> String {
    let host = proxy.host_str().unwrap_or_default();
    match proxy.port() {
        Some(port) => format!("{}://{host}:{port}", proxy.scheme()),
        None => format!("{}://{host}", proxy.scheme()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_password_is_not_said() {
        for (proxy, said) in [
            ("http://someone:hunter2@10.0.0.1:3128", "http://10.0.0.1:3128"),
            ("socks5h://a:b@proxy:1080", "socks5h://proxy:1080"),
        ] {
            assert_eq!(place(&Url::parse(proxy).expect("an address")), said);
        }
    }

    #[tokio::test]
    async fn who_does_not_speak_tls_is_told_from_who_is_not_there() {
        use tokio::io::AsyncWriteExt;
        let journey = |base_url: String| Journey {
            base_url,
            tokenless: false,
            proxy: None,
            ca_pem: None,
            timeout: Duration::from_secs(20),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        let answers = tokio::spawn(async move {
            // The first connection is only looked at.
            let (_first, _) = listener.accept().await.expect("a visitor");
            let (mut second, _) = listener.accept().await.expect("a visitor");
            second.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("written");
            (_first, second)
        });
        let passage = |reached: &Reached, wanted: Leg| {
            reached.steps.iter().find(|(leg, _)| *leg == wanted).map(|(_, passage)| passage.clone())
        };
        let kind = |passage: Option<Passage>| match passage {
            Some(Passage::Barred(barrier)) => Some(barrier.kind),
            _ => None,
        };
        let reached = journey(format!("https://{address}")).travel().await;
        assert_eq!(kind(passage(&reached, Leg::Tls)), Some(BarrierKind::NoTls), "{reached:?}");
        drop(answers.await.expect("no panic"));
        let reached = journey(format!("https://{address}")).travel().await;
        assert_eq!(kind(passage(&reached, Leg::Connection)), Some(BarrierKind::Refused), "{reached:?}");
        assert!(matches!(passage(&reached, Leg::Answer), Some(Passage::Spared(_))), "{reached:?}");
        let reached = journey("https://no-such-host.invalid".to_owned()).travel().await;
        let found = kind(passage(&reached, Leg::Name));
        assert!(matches!(found, Some(BarrierKind::NoSuchName | BarrierKind::NoNameServer)), "{reached:?}");
    }
}
