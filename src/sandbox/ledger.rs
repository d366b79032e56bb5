//! What happened: every call in order, and every change of every application with who made it.
//!
//! Promises never to hold a token, a secret or an applicant's words.

use super::fault::Fault;
use super::roster::Roster;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// One call that reached this WeChat.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its place in the order of all calls, from 1.
    pub seq: u64,
    /// When, in Unix milliseconds of the world's clock.
    pub at_ms: i64,
    /// `stable_token`, `token`, `devplugin`, `plugin` or `unknown`.
    pub endpoint: String,
    /// `dev_agree` and so on; for token calls `force_refresh` if it was asked for.
    pub action: Option<String>,
    /// The account that called, if it could be told.
    pub account: Option<String>,
    /// The applicant (or plugin) the call named.
    pub appid: Option<String>,
    /// The page asked for.
    pub page: Option<u32>,
    /// The `num` asked for.
    pub num: Option<u32>,
    /// Whether a reason was given.
    pub has_reason: bool,
    /// Which token it carried or was handed, by number; never the token.
    pub token_generation: Option<u64>,
    /// HTTP status, or `None` if no answer went out.
    pub http_status: Option<u16>,
    /// The errcode that went out; `None` for a token call that succeeded, and where the answer had none.
    pub errcode: Option<i64>,
    /// The faults that struck it, as text.
    pub faults: Vec<String>,
    /// Whether it changed any application.
    pub changed: bool,
}

/// What became of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// Approved.
    Agreed,
    /// Refused.
    Refused,
    /// Deleted from the list.
    Deleted,
    /// Taken back by the applicant.
    Withdrawn,
    /// Not decided in time.
    TimedOut,
}

/// Who made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    /// The call with this [`Call::seq`].
    Call(u64),
    /// Somebody in WeChat's console.
    Person,
    /// The applicant.
    Applicant,
    /// The end of the window.
    TimeOut,
}

/// One change of one application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// When, in Unix milliseconds of the world's clock.
    pub at_ms: i64,
    /// What.
    pub what: What,
    /// By whom.
    pub by: By,
}

/// An application and everything that was done to it, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The plugin.
    pub account: String,
    /// The applicant.
    pub appid: String,
    /// When it applied, in Unix seconds.
    pub created_secs: i64,
    /// What was done.
    pub changes: Vec<Change>,
}

/// An application that more than one call changed, with the calls' numbers. See [`super::World::accepted_twice`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The plugin.
    pub account: String,
    /// The applicant.
    pub appid: String,
    /// When it applied, in Unix seconds.
    pub created_secs: i64,
    /// The calls, in order.
    pub calls: Vec<u64>,
}

/// All calls, oldest forgotten first beyond a bound.
#[derive(Debug)]
pub(super) struct Ledger {
    calls: VecDeque<Call>,
    most: usize,
    next_seq: u64,
}

impl Ledger {
    pub(super) fn new(most: usize) -> Ledger {
        Ledger { calls: VecDeque::new(), most, next_seq: 1 }
    }

    /// The number of the call that is now looked at.
    pub(super) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    pub(super) fn push(&mut self, call: Call) {
        self.reached(call.seq);
        if self.calls.len() >= self.most {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    /// A call with this number is known to have been.
    pub(super) fn reached(&mut self, seq: u64) {
        self.next_seq = self.next_seq.max(seq + 1);
    }

    pub(super) fn calls(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter()
    }
}

/// Everything that changed in one roster.
pub(super) fn changes_in<'a>(account: &'a str, roster: &'a Roster) -> impl Iterator<Item = Changes> + 'a {
    let changed = roster.entries().iter().filter(|entry| !entry.changes.is_empty());
    changed.map(|entry| Changes {
        account: account.to_owned(),
        appid: entry.application.appid.clone(),
        created_secs: entry.created_ms / 1000,
        changes: entry.changes.clone(),
    })
}

/// The calls among the changes, if there are two or more.
pub(super) fn accepted_twice(changes: Changes) -> Option<Accepted> {
    let by_call = |change: &Change| if let By::Call(seq) = change.by { Some(seq) } else { None };
    let calls: Vec<u64> = changes.changes.iter().filter_map(by_call).collect();
    let Changes { account, appid, created_secs, .. } = changes;
    (calls.len() > 1).then_some(Accepted { account, appid, created_secs, calls })
}

impl Call {
    /// As JSON, for the control surface and the journal.
    pub(super) fn to_record(&self) -> Value {
        json!({
            "seq": self.seq, "at_ms": self.at_ms, "endpoint": self.endpoint, "action": self.action,
            "account": self.account, "appid": self.appid, "page": self.page, "num": self.num,
            "has_reason": self.has_reason, "token_generation": self.token_generation,
            "http_status": self.http_status, "errcode": self.errcode, "faults": self.faults, "changed": self.changed,
        })
    }

    /// Reads [`Call::to_record`]; `None` if it is not one.
    pub(super) fn from_record(record: &Value) -> Option<Call> {
        let text = |field: &str| record.get(field).and_then(Value::as_str).map(str::to_owned);
        let number = |field: &str| record.get(field).and_then(Value::as_u64);
        let small = |field: &str| number(field).and_then(|number| u32::try_from(number).ok());
        let flag = |field: &str| record.get(field).and_then(Value::as_bool);
        let faults = record.get("faults")?.as_array()?.iter().filter_map(Value::as_str);
        Some(Call {
            seq: number("seq")?,
            at_ms: record.get("at_ms")?.as_i64()?,
            endpoint: text("endpoint")?,
            action: text("action"),
            account: text("account"),
            appid: text("appid"),
            page: small("page"),
            num: small("num"),
            has_reason: flag("has_reason")?,
            token_generation: number("token_generation"),
            http_status: number("http_status").and_then(|status| u16::try_from(status).ok()),
            errcode: record.get("errcode").and_then(Value::as_i64),
            faults: faults.map(str::to_owned).collect(),
            changed: flag("changed")?,
        })
    }
}

impl What {
    pub(super) const ALL: [(What, &'static str); 5] = [
        (What::Agreed, "agreed"),
        (What::Refused, "refused"),
        (What::Deleted, "deleted"),
        (What::Withdrawn, "withdrawn"),
        (What::TimedOut, "timed out"),
    ];

    pub(super) fn name(self) -> &'static str {
        What::ALL.iter().find(|(what, _)| *what == self).map_or("", |(_, name)| name)
    }

    pub(super) fn from_name(name: &str) -> Option<What> {
        What::ALL.iter().find(|(_, known)| *known == name).map(|(what, _)| *what)
    }
}

impl By {
    pub(super) fn to_record(self) -> Value {
        match self {
            By::Call(seq) => json!({ "call": seq }),
            By::Person => json!("person"),
            By::Applicant => json!("applicant"),
            By::TimeOut => json!("time-out"),
        }
    }

    pub(super) fn from_record(record: &Value) -> Option<By> {
        match record.as_str() {
            Some("person") => Some(By::Person),
            Some("applicant") => Some(By::Applicant),
            Some("time-out") => Some(By::TimeOut),
            Some(_) => None,
            None => record.get("call")?.as_u64().map(By::Call),
        }
    }
}

/// The faults of a call, in words.
pub(super) fn words(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(Fault::to_string).collect()
}
