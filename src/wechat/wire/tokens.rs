//! What is said about tokens: the requests for them, and the answers.
//!
//! Shapes: developers.weixin.qq.com, api_getstableaccesstoken, getAccessToken,
//! and of the third-party platform api_component_token, api_authorizer_token,
//! api_get_authorizer_list, api_start_push_ticket.

use super::{ESCAPED_MAX, Error, Field, Fields, Head, unreadable, with_fields};
use crate::policy::AppId;
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use serde::Serialize;
use serde_json::json;

/// `POST` here for a stable token.
pub(crate) const STABLE_TOKEN: &str = "/cgi-bin/stable_token";
/// `GET` here for a classic one.
pub(crate) const CLASSIC_TOKEN: &str = "/cgi-bin/token";
/// `POST` here for the token of a third-party platform.
pub(crate) const COMPONENT_TOKEN: &str = "/cgi-bin/component/api_component_token";
/// `POST` here for a mini program's token through its platform.
pub(crate) const AUTHORIZER_TOKEN: &str = "/cgi-bin/component/api_authorizer_token";
/// `POST` here for the mini programs that authorized the platform.
pub(crate) const AUTHORIZER_LIST: &str = "/cgi-bin/component/api_get_authorizer_list";
/// `POST` here so that tickets are sent.
pub(crate) const START_PUSH_TICKET: &str = "/cgi-bin/component/api_start_push_ticket";

/// Bytes the names and the rest of such a body take at most.
const NAMES_MAX_BYTES: usize = 128;

/// How a stable token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The same token while it is valid.
    Normal,
    /// A new one; ends the old one at once. 20 a day.
    Force,
}

/// The body of `stable_token`.
pub(crate) fn token_request(appid: &AppId, secret: &str, mode: Mode) -> Vec<u8> {
    #[derive(Serialize)]
    struct Asked<'a> {
        grant_type: &'a str,
        appid: &'a str,
        secret: &'a str,
        force_refresh: bool,
    }
    let (appid, force_refresh) = (appid.as_str(), mode == Mode::Force);
    written(&Asked { grant_type: "client_credential", appid, secret, force_refresh }, appid.len() + secret.len())
}

/// The body of `api_component_token`.
pub(crate) fn component_token_request(component: &AppId, secret: &str, ticket: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Asked<'a> {
        component_appid: &'a str,
        component_appsecret: &'a str,
        component_verify_ticket: &'a str,
    }
    let component_appid = component.as_str();
    let asked = Asked { component_appid, component_appsecret: secret, component_verify_ticket: ticket };
    written(&asked, component_appid.len() + secret.len() + ticket.len())
}

/// The body of `api_authorizer_token`.
pub(crate) fn authorizer_token_request(component: &AppId, authorizer: &AppId, refresh_token: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Asked<'a> {
        component_appid: &'a str,
        authorizer_appid: &'a str,
        authorizer_refresh_token: &'a str,
    }
    let (component_appid, authorizer_appid) = (component.as_str(), authorizer.as_str());
    let asked = Asked { component_appid, authorizer_appid, authorizer_refresh_token: refresh_token };
    written(&asked, component_appid.len() + authorizer_appid.len() + refresh_token.len())
}

/// The body of `api_get_authorizer_list`; offset and count are those of the documentation.
pub(crate) fn authorizer_list_request(component: &AppId, offset: u32, count: u32) -> Vec<u8> {
    json!({ "component_appid": component.as_str(), "offset": offset, "count": count }).to_string().into_bytes()
}

/// The body of `api_start_push_ticket`.
pub(crate) fn start_push_request(component: &AppId, secret: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Asked<'a> {
        component_appid: &'a str,
        component_secret: &'a str,
    }
    let component_appid = component.as_str();
    written(&Asked { component_appid, component_secret: secret }, component_appid.len() + secret.len())
}

/// A body with secrets, their texts `bytes` long together. Written once into room for all of it, escaped at its
/// longest: a JSON tree, or a buffer that grows, would leave copies of a secret behind.
fn written(asked: &impl Serialize, bytes: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(NAMES_MAX_BYTES + ESCAPED_MAX * bytes);
    serde_json::to_writer(&mut body, asked).expect("texts and a truth value are JSON, and memory does not fail");
    body
}

/// A token as it comes from WeChat.
pub(crate) struct Grant {
    /// The token.
    pub(crate) token: SecretString,
    /// Its remaining life.
    pub(crate) expires_in_secs: u64,
}

/// Reads the answer of a token endpoint; its success has no errcode at all.
pub(crate) fn read_grant(body: &[u8], secrets: &[&str]) -> Result<Grant, Error> {
    with_fields(body, |fields| grant_of(fields, "access_token", secrets))
}

/// Reads the answer of `api_component_token`.
pub(crate) fn read_component_grant(body: &[u8], secrets: &[&str]) -> Result<Grant, Error> {
    with_fields(body, |fields| grant_of(fields, "component_access_token", secrets))
}

/// A mini program's token, and the refresh token that came with it.
pub(crate) struct AuthorizerGrant {
    pub(crate) grant: Grant,
    /// `None` if WeChat sent none: then the old one goes on.
    pub(crate) refresh_token: Option<SecretString>,
}

/// Reads the answer of `api_authorizer_token`.
pub(crate) fn read_authorizer_grant(body: &[u8], secrets: &[&str]) -> Result<AuthorizerGrant, Error> {
    with_fields(body, |fields| {
        let grant = grant_of(fields, "authorizer_access_token", secrets)?;
        // Which of two is the right one cannot be known; the old one may be neither.
        Ok(AuthorizerGrant { grant, refresh_token: only(fields, "authorizer_refresh_token")? })
    })
}

/// A page of `api_get_authorizer_list`.
pub(crate) struct Authorizers {
    /// Entries on it, readable or not.
    pub(crate) entries: u32,
    /// How many there are in all, if WeChat says so.
    pub(crate) total: Option<i64>,
    /// Mini programs and their refresh tokens; who comes without one is passed over.
    pub(crate) refresh_tokens: Vec<(AppId, SecretString)>,
}

/// Reads a page of `api_get_authorizer_list`.
pub(crate) fn read_authorizer_list(body: &[u8], secrets: &[&str]) -> Result<Authorizers, Error> {
    with_fields(body, |fields| {
        let head = Head::of(fields)?;
        if let Some(error) = head.refusal(secrets) {
            return Err(error);
        }
        let total = fields.get(&["total_count"]).and_then(Field::whole);
        let entries = match fields.get(&["list"]) {
            Some(list) => list.entries().ok_or_else(|| unreadable(format!("list is {}", list.kind().word())))?,
            None if head.errcode == Some(0) || total.is_some() => Vec::new(),
            None => return Err(unreadable("neither errcode nor list")),
        };
        let one = |entry: &Field<'_>| {
            let fields = entry.fields()?;
            let appid = only(&fields, "authorizer_appid").ok()??;
            Some((AppId::new(appid.expose_secret()), only(&fields, "refresh_token").ok()??))
        };
        let refresh_tokens = entries.iter().filter_map(one).collect();
        Ok(Authorizers { entries: u32::try_from(entries.len()).unwrap_or(u32::MAX), total, refresh_tokens })
    })
}

/// The error an answer is, if it is one that can be read.
pub(crate) fn refusal(body: &[u8], secrets: &[&str]) -> Option<Error> {
    with_fields(body, |fields| Ok(Head::of(fields)?.refusal(secrets))).ok().flatten()
}

fn grant_of(fields: &Fields<'_>, name: &str, secrets: &[&str]) -> Result<Grant, Error> {
    if let Some(error) = Head::of(fields)?.refusal(secrets) {
        return Err(error);
    }
    let token = only(fields, name)?;
    if fields.is_doubled(&["expires_in"]) {
        return Err(twice("expires_in"));
    }
    // Whatever is written there, it is a life's length: the keeper bounds it.
    let life = fields.get(&["expires_in"]).and_then(Field::about);
    Ok(Grant {
        token: token.ok_or_else(|| unreadable(format!("no {name}")))?,
        expires_in_secs: life.ok_or_else(|| unreadable("no expires_in"))?.try_into().unwrap_or(0),
    })
}

/// A text with something in it, unless it stands there twice.
fn only(fields: &Fields<'_>, name: &str) -> Result<Option<SecretString>, Error> {
    if fields.is_doubled(&[name]) {
        return Err(twice(name));
    }
    let text = fields.get(&[name]).and_then(Field::text).map(Zeroizing::new);
    Ok(text.filter(|text| !text.is_empty()).map(|text| SecretString::from(text.as_str())))
}

fn twice(name: &str) -> Error {
    unreadable(format!("{name} stands there twice"))
}
