//! `api token`, `api quota`, `api rid`: what WeChat lets this account do, and what it saw.

use super::{Caller, Here, explained};
use crate::cli::DONE;
use crate::cli::args::{Format, Global};
use crate::cli::print::{self, Csv, visible};
use crate::wechat::RateLimit;
use anyhow::Error;
use jiff::Timestamp;
use serde::Serialize;
use std::borrow::Cow;

/// One record of names and values, for people and machines.
fn show(format: Format, record: &impl Serialize) -> Result<u8, Error> {
    let serde_json::Value::Object(fields) = serde_json::to_value(record)? else {
        unreachable!("records here are structs");
    };
    let word = |value: &serde_json::Value| match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    print::wanted(match format {
        Format::Json => print::json(record),
        Format::Csv => {
            let mut csv = Csv::begin(&fields.keys().map(String::as_str).collect::<Vec<_>>())?;
            csv.row(fields.values().map(|value| Cow::from(word(value).unwrap_or_default())))?;
            csv.end()
        }
        Format::Human => {
            let width = fields.keys().map(String::len).max().unwrap_or_default();
            fields.iter().try_for_each(|(name, value)| {
                let value = word(value).map_or_else(|| "–".to_owned(), |text| visible(&text));
                print::line(&format!("{name:width$}  {value}"))
            })
        }
    })?;
    Ok(DONE)
}

/// What may be known of a token.
#[derive(Serialize)]
struct Token<'a> {
    account: &'a str,
    kind: &'a str,
    source: &'a str,
    obtained_at: Option<String>,
    age_secs: Option<i64>,
    expires_at: Option<String>,
    remaining_secs: Option<i64>,
}

pub(super) async fn token(global: &Global, here: &Here) -> Result<u8, Error> {
    let caller = Caller::open(global, here).await?;
    let state = caller.account.client.obtain_token().await.map_err(|error| explained(&error))?;
    let now = Timestamp::now();
    let text = |at: Option<Timestamp>| at.map(|at| format!("{at:.0}"));
    show(
        global.format,
        &Token {
            account: caller.account.name(),
            kind: state.kind,
            source: &state.source,
            obtained_at: text(state.obtained_at),
            age_secs: state.obtained_at.map(|at| now.duration_since(at).as_secs()),
            expires_at: text(state.expires_at),
            remaining_secs: state.expires_at.map(|at| at.duration_since(now).as_secs()),
        },
    )
}

/// What is left of today.
#[derive(Serialize)]
struct Quota<'a> {
    account: &'a str,
    cgi_path: &'a str,
    daily_limit: Option<i64>,
    used: Option<i64>,
    remain: Option<i64>,
    rate_limit: Option<String>,
    component_rate_limit: Option<String>,
}

pub(super) async fn quota(global: &Global, here: &Here, path: &str) -> Result<u8, Error> {
    let caller = Caller::open(global, here).await?;
    let quota = caller.account.client.quota_of(path).await.map_err(|error| explained(&error))?;
    let rate = |rate: RateLimit| format!("{} calls in {} s", rate.calls, rate.refresh_secs);
    show(
        global.format,
        &Quota {
            account: caller.account.name(),
            cgi_path: path,
            daily_limit: quota.daily_limit,
            used: quota.used,
            remain: quota.remain,
            rate_limit: quota.rate_limit.map(rate),
            component_rate_limit: quota.component_rate_limit.map(rate),
        },
    )
}

/// A call as WeChat recorded it; tokens and secrets are covered.
#[derive(Serialize)]
struct Recorded<'a> {
    account: &'a str,
    rid: &'a str,
    invoked_at: Option<String>,
    cost_ms: Option<i64>,
    client_ip: String,
    request_url: String,
    request_body: String,
    response_body: String,
}

pub(super) async fn rid(global: &Global, here: &Here, rid: &str) -> Result<u8, Error> {
    let caller = Caller::open(global, here).await?;
    let call = caller.account.client.call_record(rid).await.map_err(|error| explained(&error))?;
    show(
        global.format,
        &Recorded {
            account: caller.account.name(),
            rid,
            invoked_at: call.invoked_at.map(|at| at.to_string()),
            cost_ms: call.cost_ms,
            client_ip: call.client_ip,
            request_url: call.request_url,
            request_body: call.request_body,
            response_body: call.response_body,
        },
    )
}
