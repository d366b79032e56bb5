//! `POST /cgi-bin/openapi/...`: what is left of a quota, and what became of a call.
//!
//! Source: WeChat's pages api_getapiquota and api_getridinfo. Only calls that were answered with an error have a `rid`
//! here, and as with WeChat what is kept of them holds the token they were made with: it never leaves but to its owner.

use super::answer::{Answer, Json, number};
use super::request::{Body, Endpoint, Subject};
use super::state::{State, Stop, Visit};
use serde_json::Value;
use std::collections::VecDeque;

/// A call can be looked up for so long.
const KEPT_MS: i64 = 7 * 86_400_000;
/// So many are kept.
const KEPT: usize = 1000;
const BEIJING_MS: i64 = 8 * 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// Calls that can be looked up by their `rid`.
#[derive(Debug, Default)]
pub(super) struct Answered(VecDeque<Past>);

#[derive(Debug)]
struct Past {
    rid: String,
    account: Option<String>,
    at_ms: i64,
    query: String,
    body: String,
    answer: String,
}

impl Answered {
    pub(super) fn note(&mut self, rid: &str, at_ms: i64, subject: &Subject, answer: &Answer) {
        let mut text = String::new();
        answer.json.write(&mut text);
        let query: Vec<String> = subject.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let body = match &subject.body {
            Body::Object(object) => Value::Object(object.clone()).to_string(),
            Body::Empty | Body::Unreadable => String::new(),
        };
        self.0.push_back(Past {
            rid: rid.to_owned(),
            account: subject.account.clone(),
            at_ms,
            query: query.join("&"),
            body,
            answer: text,
        });
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
    }
}

impl State {
    pub(super) fn quota_get(&mut self, visit: &Visit, account: &str) -> Result<Answer, Stop> {
        let path = visit.subject.field("cgi_path").and_then(Value::as_str).ok_or(Stop::Errcode(40101))?;
        let endpoint = Endpoint::of(path);
        if endpoint == Endpoint::Unknown {
            return Err(Stop::Errcode(76003));
        }
        let day = |at_ms: i64| (at_ms + BEIJING_MS).div_euclid(DAY_MS);
        let today = day(self.now_ms());
        let calls = self.ledger.calls().filter(|call| {
            call.endpoint == endpoint.name() && call.account.as_deref() == Some(account) && day(call.at_ms) == today
        });
        let used = i64::try_from(calls.count()).unwrap_or(i64::MAX);
        let limit = i64::from(self.options.daily_limit);
        let quota = Json::object([
            ("daily_limit", number(limit)),
            ("used", number(used)),
            ("remain", number((limit - used).max(0))),
        ]);
        let rate = || Json::object([("call_count", number(6000)), ("refresh_second", number(60))]);
        let Json::Object(mut fields) = Answer::ok().json else { return Ok(Answer::ok()) };
        fields.extend([("quota".to_owned(), quota), ("rate_limit".to_owned(), rate())]);
        fields.push(("component_rate_limit".to_owned(), rate()));
        Ok(Answer { errcode: Some(0), json: Json::Object(fields) })
    }

    pub(super) fn rid_get(&mut self, visit: &Visit, account: &str) -> Result<Answer, Stop> {
        let rid = visit.subject.field("rid").and_then(Value::as_str).ok_or(Stop::Errcode(40101))?;
        let group = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_hexdigit());
        if rid.split('-').count() != 3 || !rid.split('-').all(group) {
            return Err(Stop::Errcode(76002));
        }
        let now_ms = self.now_ms();
        let past = self.answered.0.iter().find(|past| past.rid == rid && now_ms - past.at_ms < KEPT_MS);
        let past = past.ok_or(Stop::Errcode(76001))?;
        if past.account.as_deref() != Some(account) {
            return Err(Stop::Errcode(76003));
        }
        let request = Json::object([
            ("invoke_time", number(past.at_ms.div_euclid(1000))),
            ("cost_in_ms", number(30)),
            ("request_url", Json::text(&past.query)),
            ("request_body", Json::text(&past.body)),
            ("response_body", Json::text(&past.answer)),
            ("client_ip", Json::text("127.0.0.1")),
        ]);
        Ok(Answer::ok_with("request", request))
    }
}
