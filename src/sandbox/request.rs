//! A request as the world sees it: which endpoint, which action, what it carries.
//!
//! Hides reading. Nothing is judged here: a broken body is kept as broken, so that the world can answer it as
//! WeChat does.

use serde_json::{Map, Value};

/// What came over the wire, before anything is known of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    /// Undecoded, without the question mark.
    pub(super) query: String,
    pub(super) body: Vec<u8>,
    /// Sent with a Transfer-Encoding, so without a Content-Length.
    pub(super) chunked: bool,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    StableToken,
    Token,
    DevPlugin,
    Plugin,
    ComponentToken,
    AuthorizerToken,
    AuthorizerList,
    StartPushTicket,
    QuotaGet,
    RidGet,
    Unknown,
}

impl Endpoint {
    pub(super) fn of(path: &str) -> Endpoint {
        match path {
            "/cgi-bin/stable_token" => Endpoint::StableToken,
            "/cgi-bin/token" => Endpoint::Token,
            "/wxa/devplugin" => Endpoint::DevPlugin,
            "/wxa/plugin" => Endpoint::Plugin,
            "/cgi-bin/component/api_component_token" => Endpoint::ComponentToken,
            "/cgi-bin/component/api_authorizer_token" => Endpoint::AuthorizerToken,
            "/cgi-bin/component/api_get_authorizer_list" => Endpoint::AuthorizerList,
            "/cgi-bin/component/api_start_push_ticket" => Endpoint::StartPushTicket,
            "/cgi-bin/openapi/quota/get" => Endpoint::QuotaGet,
            "/cgi-bin/openapi/rid/get" => Endpoint::RidGet,
            _ => Endpoint::Unknown,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Endpoint::StableToken => "stable_token",
            Endpoint::Token => "token",
            Endpoint::DevPlugin => "devplugin",
            Endpoint::Plugin => "plugin",
            Endpoint::ComponentToken => "component_token",
            Endpoint::AuthorizerToken => "authorizer_token",
            Endpoint::AuthorizerList => "authorizer_list",
            Endpoint::StartPushTicket => "start_push_ticket",
            Endpoint::QuotaGet => "quota_get",
            Endpoint::RidGet => "rid_get",
            Endpoint::Unknown => "unknown",
        }
    }
}

/// A body, as far as it can be read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Body {
    Empty,
    Unreadable,
    Object(Map<String, Value>),
}

/// A request, read: what faults match and what the work needs.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) endpoint: Endpoint,
    pub(super) post: bool,
    pub(super) chunked: bool,
    pub(super) body: Body,
    pub(super) query: Vec<(String, String)>,
    pub(super) action: Option<String>,
    /// The plugin account; filled in by the world, from the token or the token request.
    pub(super) account: Option<String>,
    pub(super) appid: Option<String>,
    pub(super) page: Option<u32>,
    pub(super) num: Option<u32>,
    pub(super) has_reason: bool,
    /// The appids on the page a list call is given; filled in by the world.
    pub(super) listed: Vec<String>,
}

impl Subject {
    pub(super) fn read(request: &Request) -> Subject {
        let body = read_body(&request.body);
        let field = |name: &str| match &body {
            Body::Object(object) => object.get(name),
            Body::Empty | Body::Unreadable => None,
        };
        let text = |name: &str| field(name).and_then(Value::as_str).map(str::to_owned);
        let small = |name: &str| field(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        let endpoint = Endpoint::of(&request.path);
        let acts = matches!(endpoint, Endpoint::DevPlugin | Endpoint::Plugin);
        let (action, page, num) = (text("action"), small("page"), small("num"));
        let appid = text("appid").or_else(|| text("plugin_appid"));
        let has_reason = field("reason").is_some();
        Subject {
            endpoint,
            post: request.method == "POST",
            chunked: request.chunked,
            action: action.filter(|_| acts),
            account: None,
            appid: appid.filter(|_| acts),
            page,
            num,
            has_reason,
            listed: Vec::new(),
            query: read_query(&request.query),
            body,
        }
    }

    /// A parameter of the address; the first if it is there twice.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        match &self.body {
            Body::Object(object) => object.get(name).filter(|value| !value.is_null()),
            Body::Empty | Body::Unreadable => None,
        }
    }
}

/// `a=b&c=d`, decoded.
pub(super) fn read_query(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(n, v)| (decode(n), decode(v))).collect()
}

fn read_body(bytes: &[u8]) -> Body {
    if bytes.is_empty() {
        return Body::Empty;
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Body::Object(object),
        Ok(_) | Err(_) => Body::Unreadable,
    }
}

fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let decoded = if *byte == b'%' { escaped(after) } else { None };
        rest = if decoded.is_some() { &after[2..] } else { after };
        out.push(decoded.unwrap_or(if *byte == b'+' { b' ' } else { *byte }));
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What the two digits behind a percent sign mean.
fn escaped(digits: &[u8]) -> Option<u8> {
    let digit = |place: usize| char::from(*digits.get(place)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}
