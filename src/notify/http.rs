//! One POST of JSON to an address that is itself a secret.
//!
//! Promises that no redirect is followed, that nothing is sent twice by the layers below, that an answer never takes
//! more memory than its limit, and that no error names the address.

use super::answer::Undelivered;
use super::robot::BuildError;
use reqwest::{Client, Url, header, redirect, retry};
use std::time::Duration;

/// One message, from connecting to the last byte.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Robots answer a line.
const ANSWER_BYTES: usize = 64 << 10;
/// Characters of a cause that are kept.
const DETAIL_MAX_CHARS: usize = 200;

/// The way to one robot.
#[derive(Clone)]
pub(super) struct Http {
    client: Client,
    url: Url,
}

impl Http {
    /// `url` is what the configuration's secret holds: https, or http on this machine.
    pub(super) fn new(url: &str) -> Result<Http, BuildError> {
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
            .timeout(TIMEOUT)
            .connect_timeout(TIMEOUT / 2);
        // Without TLS there is no need for root certificates, and a machine may have none.
        let builder = if url.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
        let client = builder.build().map_err(|error| BuildError::Tls { problem: cause(error) })?;
        Ok(Http { client, url })
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
        let broke = |error| Undelivered::Unreachable { problem: cause(error) };
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

/// The innermost cause, without the address.
fn cause(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", TIMEOUT.as_secs());
    }
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string().chars().filter(|c| !c.is_control()).take(DETAIL_MAX_CHARS).collect()
}
