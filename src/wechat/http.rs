//! One call, bounded in time and size, to one base URL.
//!
//! Hides reqwest and TLS. Promises that a body goes out with its
//! Content-Length (WeChat answers 412 to chunks), that nothing is ever sent
//! twice by the layers below, that no redirect is followed, that an answer
//! never takes more memory than its limit, and that no error names an address.

use super::connections::{Connections, SameWay, Tls};
use super::{BuildError, Error, Header};
use bytes::Bytes;
use reqwest::{
    Certificate, Client, NoProxy, Proxy, RequestBuilder, Response, Url,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
    redirect, retry,
};
use secrecy::{ExposeSecret, zeroize::Zeroizing};
use std::{net::IpAddr, sync::Arc, time::Duration};

/// A connection nobody uses is closed by us before a server or firewall drops it under a call of ours.
const IDLE_MAX: Duration = Duration::from_secs(15);
/// Connections kept while nobody uses them, for all accounts that go the same way.
const IDLE_CONNECTIONS_MAX: usize = 256;
/// Characters of a cause that are kept.
const DETAIL_MAX_CHARS: usize = 200;
/// The one host beside loopback that plain http may go to: WeChat's cloud hosting wants it so, and nothing secret is sent.
const SIDECAR_HOST: &str = "api.weixin.qq.com";

/// How a base URL is reached.
pub(super) struct Way<'a> {
    pub(super) proxy: Option<&'a str>,
    pub(super) ca_pem: Option<&'a [u8]>,
    pub(super) timeout: Duration,
    /// Shared by whoever goes the same way.
    pub(super) connections: &'a Connections,
}

/// Whether anything secret goes to a base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cargo {
    /// Tokens or secrets: plain http is for loopback.
    Secret,
    /// None: somebody on the way adds the token.
    Plain,
}

/// The way to one base URL.
pub(super) struct Http {
    client: Arc<Client>,
    base: Url,
}

/// What came back: a 2xx answer, complete and still unread.
pub(super) struct Reply {
    pub(super) status: u16,
    /// Wiped when dropped: it may hold a token.
    body: Zeroizing<Vec<u8>>,
}

impl Reply {
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }
}

impl Http {
    pub(super) fn new(base_url: &str, cargo: Cargo, way: &Way<'_>) -> Result<Http, BuildError> {
        Http::to(base(base_url, cargo)?, way)
    }

    /// The way to a service that hands out tokens.
    pub(super) fn to_service(address: &str, way: &Way<'_>) -> Result<Http, BuildError> {
        Http::to(service(address)?, way)
    }

    fn to(base: Url, way: &Way<'_>) -> Result<Http, BuildError> {
        let proxy = way.proxy.filter(|_| !is_loopback(&base));
        let tls = if proxy.is_none() && base.scheme() == "http" { Tls::Without } else { Tls::With };
        let same = SameWay::new(proxy, way.ca_pem, way.timeout, tls);
        let client = way.connections.along(same, || client(proxy, way.ca_pem, way.timeout, tls))?;
        Ok(Http { client, base })
    }

    /// Posts a JSON body ([`wiped`] if it holds a secret); the token goes into the query as WeChat wants it, under the name it wants.
    pub(super) async fn post(
        &self,
        path: &str,
        token: Option<(&str, &str)>,
        body: Bytes,
        timeout: Duration,
        limit: usize,
    ) -> Result<Reply, Error> {
        let url = self.url(path, token.as_slice());
        let request = self.client.post(url).header(CONTENT_TYPE, "application/json").body(body);
        send(request, timeout, limit).await
    }

    /// Gets an answer of WeChat; the query may hold a secret.
    pub(super) async fn get(
        &self,
        path: &str,
        query: &[(&str, &str)],
        timeout: Duration,
        limit: usize,
    ) -> Result<Reply, Error> {
        send(self.client.get(self.url(path, query)), timeout, limit).await
    }

    /// Gets what the service at this very address answers.
    pub(super) async fn get_here(
        &self,
        header: Option<&SecretHeader>,
        timeout: Duration,
        limit: usize,
    ) -> Result<Reply, Error> {
        let mut request = self.client.get(self.base.clone());
        if let Some(SecretHeader { name, value }) = header {
            request = request.header(name, value);
        }
        send(request, timeout, limit).await
    }

    /// Asks with neither token nor body; what comes back, whatever its status.
    pub(super) async fn knock(&self, path: &str, timeout: Duration) -> Result<Response, reqwest::Error> {
        self.client.get(self.url(path, &[])).timeout(timeout).send().await
    }

    /// Scheme and host, for people.
    pub(super) fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

async fn send(request: RequestBuilder, timeout: Duration, limit: usize) -> Result<Reply, Error> {
    let broke = |error| broken(error, timeout);
    let mut response = request.timeout(timeout).send().await.map_err(broke)?;
    let status = response.status();
    if !status.is_success() {
        return Err(Error::Http { status: status.as_u16() });
    }
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(broke)? {
        if body.len() + chunk.len() > limit {
            return Err(Error::TooLarge { limit });
        }
        add(&mut body, &chunk);
    }
    Ok(Reply { status: status.as_u16(), body })
}

/// A header whose value is never shown.
pub(super) struct SecretHeader {
    name: HeaderName,
    value: HeaderValue,
}

impl SecretHeader {
    pub(super) fn new(header: &Header) -> Result<SecretHeader, BuildError> {
        let wrong = || BuildError::Header { name: header.name.clone() };
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| wrong())?;
        let bytes = wiped(header.value.expose_secret().as_bytes().to_vec());
        let mut value = HeaderValue::from_maybe_shared(bytes).map_err(|_| wrong())?;
        value.set_sensitive(true);
        Ok(SecretHeader { name, value })
    }
}

fn client(proxy: Option<&str>, ca_pem: Option<&[u8]>, timeout: Duration, tls: Tls) -> Result<Client, BuildError> {
    // Fails only where a provider is installed already, and then there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("menshen/", env!("CARGO_PKG_VERSION")))
        // One call per connection at a time: what became of a call is then as plain as it can be.
        .http1_only()
        .retry(retry::never())
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .tcp_nodelay(true)
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .timeout(timeout)
        // Below the timeout, so that a connection that does not come about is told from an answer that does not.
        .connect_timeout(timeout / 2);
    let builder = match proxy {
        Some(proxy) => builder.proxy(proxy_to(proxy)?),
        None => builder,
    };
    match (tls, ca_pem) {
        // There is no need for root certificates, and a machine may have none.
        (Tls::Without, _) => {
            builder.tls_certs_only([]).build().map_err(|error| BuildError::Tls { problem: cause(error) })
        }
        (Tls::With, Some(pem)) => {
            let built = builder.tls_certs_merge(certificates(pem)?).build();
            built.map_err(|error| BuildError::CaFile { problem: cause(error) })
        }
        (Tls::With, None) => builder.build().map_err(|error| BuildError::Tls { problem: cause(error) }),
    }
}

/// A body that may hold a secret: wiped when the last of its readers lets go of it.
pub(super) fn wiped(body: Vec<u8>) -> Bytes {
    Bytes::from_owner(Zeroizing::new(body))
}

/// Grows by copying, and wipes what it leaves behind: a vector by itself would not.
fn add(body: &mut Zeroizing<Vec<u8>>, chunk: &[u8]) {
    let needed = body.len() + chunk.len();
    if needed > body.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * body.capacity())));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(chunk);
}

/// Checks a base URL: where secrets go has to be plain to see, and encrypted unless it is this machine.
fn base(text: &str, cargo: Cargo) -> Result<Url, BuildError> {
    let wrong = |problem| BuildError::BaseUrl { url: text.into(), problem };
    let url = Url::parse(text).map_err(|_| wrong("is no URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        // Not repeated: there is a password in it.
        return Err(BuildError::BaseUrl { url: String::new(), problem: "must not hold a user name or password" });
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" if cargo == Cargo::Plain && url.host_str() == Some(SIDECAR_HOST) => {}
        "http" => return Err(wrong("plain http is for loopback only: it would send the secret in the clear")),
        _ => return Err(wrong("must begin with https://")),
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("must not hold a query or fragment"));
    }
    Ok(url)
}

/// Checks the address of a token service; a query is the service's own business.
fn service(text: &str) -> Result<Url, BuildError> {
    let wrong = |problem| BuildError::Url { problem };
    let url = Url::parse(text).map_err(|_| wrong("is no URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not hold a user name or password; use a header"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(wrong("plain http is for loopback only: it would send the token in the clear")),
        _ => Err(wrong("must begin with https://")),
    }
}

pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|ip| ip.to_canonical().is_loopback())
}

fn proxy_to(address: &str) -> Result<Proxy, BuildError> {
    let known = ["http://", "https://", "socks5://", "socks5h://", "socks4://", "socks4a://"];
    if !known.iter().any(|scheme| address.starts_with(scheme)) {
        return Err(BuildError::Proxy { problem: "must begin with http://, https:// or socks5://".into() });
    }
    let proxy = Proxy::all(address).map_err(|error| BuildError::Proxy { problem: cause(error) })?;
    Ok(proxy.no_proxy(NoProxy::from_string("localhost,127.0.0.0/8,::1")))
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, BuildError> {
    let read = Certificate::from_pem_bundle(pem).map_err(|error| BuildError::CaFile { problem: cause(error) })?;
    match read.is_empty() {
        true => Err(BuildError::CaFile { problem: "no certificate in it (PEM is expected)".into() }),
        false => Ok(read),
    }
}

/// Tells the failures apart by what may have happened at WeChat meanwhile.
fn broken(error: reqwest::Error, after: Duration) -> Error {
    if error.is_builder() {
        return Error::Request { problem: "the request cannot be built" };
    }
    // Before the timeout: one that is met while connecting is a connection that did not come about.
    if error.is_connect() {
        return Error::Connect { detail: cause(error) };
    }
    if error.is_timeout() {
        return Error::Timeout { after };
    }
    Error::Transport { detail: cause(error) }
}

/// The innermost cause, without the URL (it holds the token).
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string().chars().filter(|c| !c.is_control()).take(DETAIL_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        let cases = [
            ("https://api.weixin.qq.com", ""),
            ("https://api.weixin.qq.com/", ""),
            ("https://gateway.example/wechat", ""),
            ("http://127.0.0.1:8080", ""),
            ("http://localhost:8080", ""),
            ("http://[::1]:8080", ""),
            ("http://127.9.9.9", ""),
            ("http://api.weixin.qq.com", "plain http"),
            ("http://10.0.0.1", "plain http"),
            ("http://localhost.example", "plain http"),
            ("http://127.0.0.1.example", "plain http"),
            ("http://[::ffff:10.0.0.1]", "plain http"),
            ("ftp://127.0.0.1", "https://"),
            ("api.weixin.qq.com", "no URL"),
            ("", "no URL"),
            ("https://user:hunter2@api.weixin.qq.com", "password"),
            ("https://api.weixin.qq.com/?a=b", "query"),
            ("https://api.weixin.qq.com/#a", "query or fragment"),
        ];
        for (url, problem) in cases {
            let text = base(url, Cargo::Secret).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(text.contains(problem) && text.is_empty() == problem.is_empty(), "{url}: {text}");
            assert!(!text.contains("hunter2"));
        }
    }

    #[test]
    fn plain_http_without_a_token() {
        let cases = [
            ("http://api.weixin.qq.com", ""),
            ("http://127.0.0.1:8080", ""),
            ("https://gateway.example", ""),
            ("http://gateway.example", "plain http"),
            ("http://api.weixin.qq.com.example", "plain http"),
        ];
        for (url, problem) in cases {
            let text = base(url, Cargo::Plain).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(text.contains(problem) && text.is_empty() == problem.is_empty(), "{url}: {text}");
        }
    }

    #[test]
    fn token_services() {
        let cases = [
            ("https://tokens.example/wx?appid=wx1", ""),
            ("http://127.0.0.1:8080/token", ""),
            ("http://tokens.example", "plain http"),
            ("http://api.weixin.qq.com", "plain http"),
            ("https://user:hunter2@tokens.example", "password"),
            ("ftp://tokens.example", "https://"),
            ("tokens", "no URL"),
        ];
        for (url, problem) in cases {
            let text = service(url).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(text.contains(problem) && text.is_empty() == problem.is_empty(), "{url}: {text}");
            assert!(!text.contains("hunter2") && !text.contains("example"), "{text}");
        }
    }

    #[test]
    fn an_answer_grows_whole() {
        let mut body = Zeroizing::new(Vec::new());
        let all: Vec<u8> = (0..5_000_u32).map(|n| n as u8).collect();
        all.chunks(7).for_each(|chunk| add(&mut body, chunk));
        assert_eq!(*body, all);
    }

    #[test]
    fn proxies_and_certificates() {
        let build = |proxy: Option<&str>, pem: Option<&str>| {
            let connections = Connections::default();
            let (ca_pem, timeout) = (pem.map(str::as_bytes), Duration::from_secs(1));
            let way = Way { proxy, ca_pem, timeout, connections: &connections };
            let built = Http::new("https://api.weixin.qq.com", Cargo::Secret, &way);
            built.err().map(|error| error.to_string()).unwrap_or_default()
        };
        let cases = [
            (Some("10.0.0.1:3128"), None, "proxy: must begin"),
            (Some("ftp://user:hunter2@10.0.0.1"), None, "proxy: must begin"),
            (Some("http://user:hunter2@"), None, "proxy: "),
            (None, Some("no certificate"), "ca_file: no certificate in it"),
            (None, Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "ca_file: "),
            (None, Some("-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n"), "ca_file: "),
        ];
        for (proxy, pem, problem) in cases {
            let text = build(proxy, pem);
            assert!(text.starts_with(problem), "{proxy:?} {pem:?}: {text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
