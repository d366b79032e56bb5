//! What goes back to a client: JSON in WeChat's order of fields, and how it is delivered.
//!
//! Hides the words WeChat puts to an errcode and the `rid` at their end. `serde_json` sorts keys and cannot
//! write a lone surrogate, so answers are put together here.

use serde_json::Value;
use std::time::Duration;

/// JSON whose fields keep their order and whose text may be anything.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    /// Already JSON text, or deliberately not.
    Raw(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(super) fn value(value: &Value) -> Json {
        Json::Raw(value.to_string())
    }

    pub(super) fn text(text: &str) -> Json {
        Json::value(&Value::from(text))
    }

    pub(super) fn null() -> Json {
        Json::Raw("null".to_owned())
    }

    pub(super) fn object<const N: usize>(fields: [(&str, Json); N]) -> Json {
        Json::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    pub(super) fn write(&self, out: &mut String) {
        match self {
            Json::Raw(text) => out.push_str(text),
            Json::List(items) => {
                out.push('[');
                for (place, item) in items.iter().enumerate() {
                    out.push_str(if place == 0 { "" } else { "," });
                    item.write(out);
                }
                out.push(']');
            }
            Json::Object(fields) => {
                out.push('{');
                for (place, (name, value)) in fields.iter().enumerate() {
                    out.push_str(if place == 0 { "\"" } else { ",\"" });
                    out.push_str(name);
                    out.push_str("\":");
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// The names the cloud-call variant uses (`errCode`, `applyList`, `createTime`).
    pub(super) fn in_camel_case(self) -> Json {
        match self {
            Json::Raw(_) => self,
            Json::List(items) => Json::List(items.into_iter().map(Json::in_camel_case).collect()),
            Json::Object(fields) => {
                Json::Object(fields.into_iter().map(|(name, value)| (camel(&name), value.in_camel_case())).collect())
            }
        }
    }
}

/// An answer before it is delivered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    /// `None` for the success of a token call, which has no errcode.
    pub(super) errcode: Option<i64>,
    pub(super) json: Json,
}

impl Answer {
    /// `{"errcode":0,"errmsg":"ok"}`.
    pub(super) fn ok() -> Answer {
        Answer { errcode: Some(0), json: Json::object([("errcode", number(0)), ("errmsg", Json::text("ok"))]) }
    }

    /// An error in WeChat's words, with a `rid`.
    pub(super) fn error(code: i64, rid: &str) -> Answer {
        let words = format!("{} rid: {rid}", words_for(code));
        Answer { errcode: Some(code), json: Json::object([("errcode", number(code)), ("errmsg", Json::text(&words))]) }
    }

    /// Changes a field that is there.
    pub(super) fn set(&mut self, field: &str, value: Json) {
        if let Json::Object(fields) = &mut self.json
            && let Some((_, known)) = fields.iter_mut().find(|(name, _)| name == field)
        {
            *known = value;
        }
    }

    /// Ok, and one more field.
    pub(super) fn ok_with(field: &str, value: Json) -> Answer {
        let mut answer = Answer::ok();
        if let Json::Object(fields) = &mut answer.json {
            fields.push((field.to_owned(), value));
        }
        answer
    }
}

/// How an answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    Whole,
    /// Content-Length says more than is sent, then the connection closes.
    Truncated,
    /// This many bytes instead of the body, streamed.
    Huge(u64),
    /// TCP reset, no answer.
    Reset,
    /// The connection closes, no answer.
    Lost,
    /// No answer, ever.
    Hang,
}

/// What the HTTP face has to do.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
    pub(super) delay: Duration,
    /// What its `Date` says beyond the time it is; `None` = as it is.
    pub(super) ahead_secs: Option<i64>,
    pub(super) delivery: Delivery,
}

pub(super) fn number(number: i64) -> Json {
    Json::Raw(number.to_string())
}

/// WeChat's words: documented where known, else in their style.
fn words_for(code: i64) -> &'static str {
    match code {
        -1 => "system error",
        40001 => "invalid credential, access_token is invalid or not latest",
        40002 => "invalid grant_type",
        40013 => "invalid appid",
        40014 => "invalid access_token",
        40066 => "invalid url",
        40097 => "invalid args",
        40101 => "missing parameter",
        40125 => "invalid appsecret",
        40164 => "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist",
        41001 => "access_token missing",
        41002 => "appid missing",
        41004 => "appsecret missing",
        42001 => "access_token expired",
        43002 => "require POST method",
        44002 => "empty post data",
        45009 => "reach max api daily quota limit",
        45011 => "api minute-quota reach limit must slower retry next minute",
        47001 => "data format error",
        48001 => "api unauthorized",
        61003 => "component is not authorized by this account",
        61005 => "component ticket is expired",
        61006 => "component ticket is invalid",
        61011 => "invalid component",
        61014 => "must use component token for component api",
        61023 => "refresh_token is invalid",
        76001 => "rid not found",
        76002 => "rid is error",
        76003 => "cgi_path not found or no permission",
        61007 => "api is unauthorized to component",
        80067 => "plugin not found",
        89236 => "the plugin can not be applied for",
        89237 => "the plugin has been added",
        89238 => "the number of plugins applied for or in use reaches the limit",
        89239 => "the plugin does not exist",
        89240 => "only applying status can be agreed or refused",
        89241 => "only refused status can be deleted, please refused first",
        89242 => "appid is not in the apply list, please make sure appid is right",
        89243 => "applying status can not be deleted, please agree or refuse first",
        89258 => "a gray release is under way, quick update is not allowed",
        89257 => "this plugin version does not support quick update",
        _ => "error",
    }
}

fn camel(name: &str) -> String {
    match name {
        "errcode" => return "errCode".to_owned(),
        "errmsg" => return "errMsg".to_owned(),
        _ => {}
    }
    let mut parts = name.split('_');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}
