//! One POST of JSON to an address that is itself a secret.
//!
//! Promises that no redirect is followed, that nothing is sent twice by the layers below, that an answer never takes
//! more memory or time than its limit, that this machine is spoken to without the proxy, and that no error names the
//! address or the proxy's.

use super::answer::Undelivered;
use super::robot::BuildError;
use reqwest::{Certificate, Client, NoProxy, Proxy, Url, header, redirect, retry};
use std::time::Duration;

/// One message, from connecting to the last byte.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Robots answer a line.
const ANSWER_BYTES: usize = 64 << 10;
/// A robot is told one thing after another, so one connection is enough; it is closed by us before a server or firewall
/// drops it under a message of ours.
const IDLE_MAX: Duration = Duration::from_secs(15);
const IDLE_CONNECTIONS_MAX: usize = 1;
/// Characters of a cause that are kept.
const DETAIL_MAX_CHARS: usize = 200;

/// The way to one robot.
#[derive(Clone)]
pub(super) struct Http {
    client: Client,
    url: Url,
}

impl Http {
    /// `url` is what the configuration's secret holds: https, or http on this machine. `proxy` may hold a password;
    /// `ca_pem` are certificates to trust beside the machine's.
    pub(super) fn new(url: &str, proxy: Option<&str>, ca_pem: Option<&[u8]>) -> Result<Http, BuildError> {
        let url = Url::parse(url).map_err(|_| BuildError::Url)?;
        // Fails only where a provider is installed already, and then there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("menshen/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .retry(retry::never())
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .timeout(TIMEOUT)
            .connect_timeout(TIMEOUT / 2);
        let builder = match proxy {
            Some(proxy) => builder.proxy(proxy_to(proxy)?),
            None => builder,
        };
        let client = match ca_pem {
            // Without TLS there is no need for root certificates, and a machine may have none.
            _ if url.scheme() == "http" => builder.tls_certs_only([]).build().map_err(without_tls),
            Some(pem) => {
                let built = builder.tls_certs_merge(certificates(pem)?).build();
                built.map_err(|error| BuildError::CaFile { problem: cause(error) })
            }
            None => builder.build().map_err(without_tls),
        };
        Ok(Http { client: client?, url })
    }

    /// Posts a body, with these further parameters in the query and headers; gives what a 2xx answer says.
    pub(super) async fn post(
        &self,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Undelivered> {
        let mut url = self.url.clone();
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.client.post(url).header(header::CONTENT_TYPE, "application/json; charset=utf-8").body(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let mut response = request.send().await.map_err(broke)?;
        let status = response.status();
        if !status.is_success() {
            let wait = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            return Err(Undelivered::Status { status: status.as_u16(), wait: wait.map(Duration::from_secs) });
        }
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broke)? {
            if answer.len() + chunk.len() > ANSWER_BYTES {
                return Err(Undelivered::Unreadable);
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

fn proxy_to(address: &str) -> Result<Proxy, BuildError> {
    let proxy = Proxy::all(address).map_err(|error| BuildError::Proxy { problem: cause(error) })?;
    Ok(proxy.no_proxy(NoProxy::from_string("localhost,127.0.0.0/8,::1")))
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, BuildError> {
    let read = Certificate::from_pem_bundle(pem).map_err(|error| BuildError::CaFile { problem: cause(error) })?;
    match read.is_empty() {
        true => Err(BuildError::CaFile { problem: "no certificate in it (PEM is expected)".to_owned() }),
        false => Ok(read),
    }
}

fn without_tls(error: reqwest::Error) -> BuildError {
    BuildError::Tls { problem: cause(error) }
}

/// Tells one that cannot be reached from one that does not answer: the latter may have taken the message.
fn broke(error: reqwest::Error) -> Undelivered {
    match error.is_timeout() && !error.is_connect() {
        true => Undelivered::Silent { after: TIMEOUT },
        false => Undelivered::Unreachable { problem: cause(error) },
    }
}

/// The innermost cause, without the address.
fn cause(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no connection within {} s", (TIMEOUT / 2).as_secs());
    }
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string().chars().filter(|c| !c.is_control()).take(DETAIL_MAX_CHARS).collect()
}
