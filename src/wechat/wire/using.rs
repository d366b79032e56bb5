//! What the using side says (`/wxa/plugin`), and the questions about quota and calls.
//!
//! Shapes: developers.weixin.qq.com, api_manageplugin; api_getapiquota
//! (`/cgi-bin/openapi/quota/get`), api_getridinfo (`/cgi-bin/openapi/rid/get`).
//! What WeChat repeats of a call is shown without the tokens and secrets in it.

use super::{Error, Field, Fields, Head, appid_of, clean, status_of, unreadable, with_fields, without};
use crate::policy::{AppId, PluginUse, Status, UseIntent};
use jiff::Timestamp;
use regex::Regex;
use serde_json::json;
use std::sync::LazyLock;

/// `POST` here, the action in the body.
pub(crate) const PLUGIN: &str = "/wxa/plugin";
/// `POST` here for the quota of an interface.
pub(crate) const QUOTA: &str = "/cgi-bin/openapi/quota/get";
/// `POST` here for what is known of a call.
pub(crate) const RID: &str = "/cgi-bin/openapi/rid/get";

/// A plugin this mini program uses or asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginInUse {
    /// The plugin's appid.
    pub appid: AppId,
    /// Where the application stands; `None` if that cannot be read.
    pub status: Option<Status>,
    /// The plugin's name; empty if WeChat sent none.
    pub nickname: String,
    /// The address of its picture.
    pub headimgurl: Option<String>,
}

/// What is left of an interface's quota. Numbers WeChat does not send are `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Calls a day; the day is Beijing's.
    pub daily_limit: Option<i64>,
    /// Made today.
    pub used: Option<i64>,
    /// Left today.
    pub remain: Option<i64>,
    /// Per time, for the account.
    pub rate_limit: Option<RateLimit>,
    /// Per time, for a third-party platform that acts for it.
    pub component_rate_limit: Option<RateLimit>,
}

/// So many calls in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Calls.
    pub calls: i64,
    /// Seconds.
    pub refresh_secs: i64,
}

/// What WeChat recorded of one call. Tokens and secrets are covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// When it was made.
    pub invoked_at: Option<Timestamp>,
    /// How long it took at WeChat.
    pub cost_ms: Option<i64>,
    /// Its query, as WeChat keeps it.
    pub request_url: String,
    /// What was sent.
    pub request_body: String,
    /// What was answered.
    pub response_body: String,
    /// The address WeChat saw.
    pub client_ip: String,
}

/// The body that carries out an intent of the using side.
pub(crate) fn use_request(intent: &UseIntent) -> Vec<u8> {
    let plugin = intent.plugin().as_str();
    let body = match intent.what() {
        PluginUse::Apply { reason } => json!({ "action": "apply", "plugin_appid": plugin, "reason": reason }),
        PluginUse::Unbind => json!({ "action": "unbind", "plugin_appid": plugin }),
        PluginUse::Update { user_version } => {
            json!({ "action": "update", "plugin_appid": plugin, "user_version": user_version })
        }
    };
    body.to_string().into_bytes()
}

/// The body that asks for the plugins in use.
pub(crate) fn plugins_request() -> Vec<u8> {
    json!({ "action": "list" }).to_string().into_bytes()
}

/// The body of `quota/get`.
pub(crate) fn quota_request(cgi_path: &str) -> Vec<u8> {
    json!({ "cgi_path": cgi_path }).to_string().into_bytes()
}

/// The body of `rid/get`.
pub(crate) fn rid_request(rid: &str) -> Vec<u8> {
    json!({ "rid": rid }).to_string().into_bytes()
}

/// Reads the plugins in use; an entry without a readable appid is an error of the whole, for there are at most a few.
pub(crate) fn read_plugins(body: &[u8], secrets: &[&str]) -> Result<Vec<PluginInUse>, Error> {
    asked(body, secrets, |fields| {
        if fields.is_doubled(&["plugin_list", "pluginList"]) {
            return Err(unreadable("plugin_list stands there twice"));
        }
        let Some(list) = fields.get(&["plugin_list", "pluginList"]) else { return Ok(Vec::new()) };
        let entries = list.entries().ok_or_else(|| unreadable(format!("plugin_list is {}", list.kind().word())))?;
        let one = |entry: Field<'_>| {
            let fields = entry.fields().ok_or_else(|| unreadable(format!("an entry is {}", entry.kind().word())))?;
            Ok(PluginInUse {
                appid: appid_of(&fields).map_err(unreadable)?,
                status: status_of(&fields).ok(),
                nickname: text(&fields, "nickname"),
                headimgurl: fields.get(&["headimgurl"]).and_then(Field::text),
            })
        };
        entries.into_iter().map(one).collect()
    })
}

/// Reads the answer of `quota/get`.
pub(crate) fn read_quota(body: &[u8], secrets: &[&str]) -> Result<Quota, Error> {
    asked(body, secrets, |fields| {
        let quota = fields.get(&["quota"]).and_then(Field::fields).ok_or_else(|| unreadable("no quota"))?;
        let number = |name: &str| quota.get(&[name]).and_then(Field::whole);
        let rate = |name: &str| {
            let rate = fields.get(&[name])?.fields()?;
            let number = |name: &str| rate.get(&[name])?.whole();
            Some(RateLimit { calls: number("call_count")?, refresh_secs: number("refresh_second")? })
        };
        Ok(Quota {
            daily_limit: number("daily_limit"),
            used: number("used"),
            remain: number("remain"),
            rate_limit: rate("rate_limit"),
            component_rate_limit: rate("component_rate_limit"),
        })
    })
}

/// Reads the answer of `rid/get`.
pub(crate) fn read_call_record(body: &[u8], secrets: &[&str]) -> Result<CallRecord, Error> {
    asked(body, secrets, |fields| {
        let call = fields.get(&["request"]).and_then(Field::fields).ok_or_else(|| unreadable("no request"))?;
        let number = |name: &str| call.get(&[name]).and_then(Field::whole);
        let shown = |name: &str| covered(&text(&call, name), secrets);
        Ok(CallRecord {
            invoked_at: number("invoke_time").and_then(|secs| Timestamp::from_second(secs).ok()),
            cost_ms: number("cost_in_ms"),
            request_url: shown("request_url"),
            request_body: shown("request_body"),
            response_body: shown("response_body"),
            client_ip: clean(&text(&call, "client_ip"), secrets),
        })
    })
}

/// Reads an answer that says `errcode` 0.
fn asked<T>(body: &[u8], secrets: &[&str], read: impl FnOnce(&Fields<'_>) -> Result<T, Error>) -> Result<T, Error> {
    with_fields(body, |fields| {
        let head = Head::of(fields)?;
        match (head.errcode, head.refusal(secrets)) {
            (_, Some(error)) => Err(error),
            (None, None) => Err(unreadable("no errcode")),
            (Some(_), None) => read(fields),
        }
    })
}

fn text(fields: &Fields<'_>, name: &str) -> String {
    fields.get(&[name]).and_then(Field::text).unwrap_or_default()
}

/// A text without the values of whatever is called a token, secret or ticket, in a query or in JSON.
fn covered(text: &str, secrets: &[&str]) -> String {
    static NAMED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?i)((?:token|secret|ticket)(?:\\*")?\s*[=:]\s*(?:\\*")?)[^"&\s,}\\]+"#)
            .expect("a pattern of ours")
    });
    NAMED.replace_all(&without(text, secrets), "${1}***").into_owned()
}

#[cfg(test)]
#[expect(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn words(error: &Error) -> String {
        error.to_string()
    }

    #[test]
    fn requests_of_the_using_side() {
        let plugin = AppId::new("wxplugin");
        let cases = [
            (
                PluginUse::Apply { reason: "查快递".into() },
                r#"{"action":"apply","plugin_appid":"wxplugin","reason":"查快递"}"#,
            ),
            (PluginUse::Unbind, r#"{"action":"unbind","plugin_appid":"wxplugin"}"#),
            (
                PluginUse::Update { user_version: "2.2.46".into() },
                r#"{"action":"update","plugin_appid":"wxplugin","user_version":"2.2.46"}"#,
            ),
        ];
        for (what, body) in cases {
            let intent = UseIntent::recorded(1, what, plugin.clone());
            assert_eq!(String::from_utf8(use_request(&intent)).unwrap(), body);
        }
        assert_eq!(plugins_request(), br#"{"action":"list"}"#);
        assert_eq!(quota_request("/wxa/devplugin"), br#"{"cgi_path":"/wxa/devplugin"}"#);
    }

    #[test]
    fn plugins_are_read_leniently() {
        let documented = r#"{"errcode":0,"errmsg":"ok","plugin_list":[{"appid":"wx1","status":1,"nickname":"插件","headimgurl":"http://x/0"}]}"#;
        let read = read_plugins(documented.as_bytes(), &[]).unwrap();
        let expected = PluginInUse {
            appid: AppId::new("wx1"),
            status: Some(Status::Pending),
            nickname: "插件".into(),
            headimgurl: Some("http://x/0".into()),
        };
        assert_eq!(read, [expected]);
        let cases = [
            (r#"{"errcode":0}"#, Ok(vec![])),
            (r#"{"errcode":0,"plugin_list":null}"#, Ok(vec![])),
            (
                r#"{"errcode":0,"plugin_list":[{"appid":"a","status":"2"},{"appid":"b"}]}"#,
                Ok(vec![("a", Some(2)), ("b", None)]),
            ),
            (r#"{"errcode":0,"plugin_list":{}}"#, Err("the answer cannot be read: plugin_list is an object")),
            (r#"{"errcode":0,"plugin_list":[{}]}"#, Err("the answer cannot be read: appid is missing")),
            (r#"{"plugin_list":[]}"#, Err("the answer cannot be read: no errcode")),
            (r#"{"errcode":80067,"errmsg":"no"}"#, Err("WeChat answered 80067: no (the plugin in use was not found)")),
        ];
        for (body, expected) in cases {
            let read = read_plugins(body.as_bytes(), &[]);
            let read = read.as_ref().map_err(words);
            let read = read
                .map(|list| list.iter().map(|p| (p.appid.as_str(), p.status.map(Status::code))).collect::<Vec<_>>());
            assert_eq!(read, expected.map_err(str::to_owned), "{body}");
        }
    }

    #[test]
    fn quotas() {
        let body = r#"{"errcode":0,"errmsg":"ok","quota":{"daily_limit":5000,"used":12,"remain":4988},
            "rate_limit":{"call_count":600,"refresh_second":60},"component_rate_limit":{"call_count":"10"}}"#;
        let quota = read_quota(body.as_bytes(), &[]).unwrap();
        assert_eq!((quota.daily_limit, quota.used, quota.remain), (Some(5000), Some(12), Some(4988)));
        assert_eq!(quota.rate_limit, Some(RateLimit { calls: 600, refresh_secs: 60 }));
        assert_eq!(quota.component_rate_limit, None);
        assert_eq!(read_quota(br#"{"errcode":0,"quota":{}}"#, &[]).unwrap(), Quota::default());
        assert!(read_quota(br#"{"errcode":0}"#, &[]).is_err());
    }

    #[test]
    fn what_is_shown_of_a_call_holds_no_token() {
        let body = r#"{"errcode":0,"errmsg":"ok","request":{"invoke_time":1635156704,"cost_in_ms":30,
            "request_url":"access_token=T0KEN-1&component_access_token=T0KEN-2&secret=T0KEN-3&appid=wx1","request_body":
            "{\"secret\":\"T0KEN-4\",\"authorizer_refresh_token\" : \"T0KEN-5\",\"action\":\"dev_apply_list\"}",
            "response_body":"{\"access_token\":\"T0KEN-6\",\"expires_in\":7200,\"x\":\"{\\\"component_verify_ticket\\\":\\\"T0KEN-7\\\"}\", \"y\":\"OWN\"}",
            "client_ip":"1.2.3.4"}}"#;
        let call = read_call_record(body.as_bytes(), &["OWN"]).unwrap();
        assert_eq!(call.invoked_at.unwrap().as_second(), 1_635_156_704);
        assert_eq!((call.cost_ms, call.client_ip.as_str()), (Some(30), "1.2.3.4"));
        assert!(call.request_url.contains("appid=wx1") && call.request_body.contains("dev_apply_list"), "{call:?}");
        let shown = format!("{call:?}");
        assert!(!shown.contains("T0KEN") && !shown.contains("OWN"), "{shown}");
        for (code, says) in [(76001, "not found"), (76002, "format"), (76003, "permission")] {
            let error = read_call_record(format!(r#"{{"errcode":{code}}}"#).as_bytes(), &[]).unwrap_err();
            assert!(error.to_string().contains(says) && error.advice().is_some(), "{error}");
        }
    }
}
