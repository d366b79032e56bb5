//! What is asked for, and what is answered. Pure: no connection is known here.

use super::exposition::CONTENT_TYPE as EXPOSITION;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use std::net::IpAddr;

/// What somebody wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// `/metrics`
    Numbers,
    /// `/healthz`
    Health,
}

/// What is wanted, or why that is not answered. `local`: only this machine is listened to.
pub(super) fn wanted<B>(request: &Request<B>, local: bool) -> Result<Wanted, Box<Response<Full<Bytes>>>> {
    // A page of the web may have its own name point to 127.0.0.1: what is meant for this machine then has another Host.
    if local && !names_this_machine(request.headers()) {
        let words = "only this machine is listened to: ask by its address, or by the name localhost\n";
        return Err(plain(StatusCode::FORBIDDEN, words).into());
    }
    let wanted = match request.uri().path() {
        "/metrics" => Wanted::Numbers,
        "/healthz" => Wanted::Health,
        _ => return Err(plain(StatusCode::NOT_FOUND, "there are /metrics and /healthz\n").into()),
    };
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "GET or HEAD\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Err(response.into());
    }
    Ok(wanted)
}

/// The page of numbers.
pub(super) fn numbers(page: Bytes) -> Response<Full<Bytes>> {
    response(StatusCode::OK, EXPOSITION, page)
}

/// The line about health.
pub(super) fn health(well: bool, line: String) -> Response<Full<Bytes>> {
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    response(status, "application/json", line.into())
}

fn plain(status: StatusCode, words: &'static str) -> Response<Full<Bytes>> {
    response(status, "text/plain; charset=utf-8", Bytes::from_static(words.as_bytes()))
}

fn response(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An address or `localhost`, with or without a port; or no Host at all, which no browser sends.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST) else { return true };
    let host = host.to_str().unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, path: &str, host: Option<&str>) -> Result<Wanted, u16> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        wanted(&request.body(()).expect("a request"), true).map_err(|response| response.status().as_u16())
    }

    #[test]
    fn two_paths_are_read_and_nothing_else() {
        let cases = [
            ("GET", "/metrics", Ok(Wanted::Numbers)),
            ("HEAD", "/metrics", Ok(Wanted::Numbers)),
            ("GET", "/metrics?name=x", Ok(Wanted::Numbers)),
            ("GET", "/healthz", Ok(Wanted::Health)),
            ("HEAD", "/healthz", Ok(Wanted::Health)),
            ("POST", "/metrics", Err(405)),
            ("DELETE", "/healthz", Err(405)),
            ("OPTIONS", "/healthz", Err(405)),
            ("BREW", "/healthz", Err(405)),
            ("GET", "/", Err(404)),
            ("GET", "/metrics/", Err(404)),
            ("GET", "//metrics", Err(404)),
            ("GET", "/Metrics", Err(404)),
            ("POST", "/other", Err(404)),
        ];
        for (method, path, expected) in cases {
            assert_eq!(asked(method, path, Some("127.0.0.1:9870")), expected, "{method} {path}");
        }
    }

    #[test]
    fn a_name_that_was_bent_to_this_machine_is_not_answered() {
        let cases = [
            (None, true),
            (Some("127.0.0.1:9870"), true),
            (Some("127.0.0.1"), true),
            (Some("[::1]:9870"), true),
            (Some("[::1]"), true),
            (Some("LocalHost:9870"), true),
            (Some("localhost"), true),
            (Some("evil.example:9870"), false),
            (Some("evil.example"), false),
            (Some("localhost.evil.example"), false),
            (Some("127.0.0.1.evil.example"), false),
            (Some(""), false),
        ];
        for (host, answered) in cases {
            assert_eq!(asked("GET", "/healthz", host).is_ok(), answered, "{host:?}");
        }
    }
}
