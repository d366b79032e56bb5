//! The nouns everything else speaks of: an application, who sent it, and how it stands.
//!
//! Hides how WeChat writes them on the wire (that is `wechat`'s). Promises that
//! two values with the same [`Identity`] are the same application, and that an
//! identity is small enough to keep a hundred thousand of them in memory.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::fmt;

/// An appid as WeChat writes it (`wx` and sixteen hexadecimal digits as a rule; any text is accepted).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppId(SmolStr);

impl AppId {
    /// Takes the text as it is; WeChat publishes no grammar for appids.
    pub fn new(text: impl AsRef<str>) -> AppId {
        AppId(SmolStr::new(text))
    }

    /// The appid as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// When an application was made: WeChat's `create_time`, kept as received.
///
/// The text is part of an application's identity; [`CreateTime::seconds`] reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CreateTime(Option<SmolStr>);

impl CreateTime {
    /// WeChat sent none.
    pub const ABSENT: CreateTime = CreateTime(None);

    /// The text as received; a number is given in its decimal form.
    pub fn received(text: impl AsRef<str>) -> CreateTime {
        CreateTime(Some(SmolStr::new(text)))
    }

    /// The text as received, or `None` if WeChat sent none.
    pub fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Unix seconds, or `None` when it is absent or no whole number.
    pub fn seconds(&self) -> Option<i64> {
        self.0.as_deref()?.trim().parse().ok()
    }

    /// The instant, or `None` when it is absent, no whole number or beyond what a calendar can hold.
    pub fn instant(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.seconds()?).ok()
    }
}

/// Tells one application to one account from another: the same appid may apply again later.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// The mini program that applies.
    pub appid: AppId,
    /// When it applied, as received.
    pub create_time: CreateTime,
}

/// Where an application stands at WeChat (`status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// 1: waits for a decision.
    Pending,
    /// 2: approved.
    Approved,
    /// 3: refused.
    Refused,
    /// 4: nobody decided in time.
    TimedOut,
    /// A number WeChat has not documented; never treated as pending.
    Other(i64),
}

impl Status {
    /// Reads WeChat's number.
    pub fn from_code(code: i64) -> Status {
        match code {
            1 => Status::Pending,
            2 => Status::Approved,
            3 => Status::Refused,
            4 => Status::TimedOut,
            other => Status::Other(other),
        }
    }

    /// WeChat's number.
    pub fn code(self) -> i64 {
        match self {
            Status::Pending => 1,
            Status::Approved => 2,
            Status::Refused => 3,
            Status::TimedOut => 4,
            Status::Other(other) => other,
        }
    }
}

/// One category of the applying mini program. Either part may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Category {
    /// First level, e.g. `物流服务`.
    pub first: Option<String>,
    /// Second level, e.g. `查件`.
    pub second: Option<String>,
}

impl Category {
    /// Reads what `Display` writes: split at the first `/`; an empty part is missing.
    pub fn from_text(text: &str) -> Category {
        let part = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        match text.split_once('/') {
            Some((first, second)) => Category { first: part(first), second: part(second) },
            None => Category { first: part(text), second: None },
        }
    }
}

impl fmt::Display for Category {
    /// `first/second`, or `first` alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.first.as_deref().unwrap_or_default())?;
        match &self.second {
            Some(second) => write!(f, "/{second}"),
            None => Ok(()),
        }
    }
}

/// A pending application, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The mini program that applies.
    pub appid: AppId,
    /// When it applied.
    pub create_time: CreateTime,
    /// Its name; empty when WeChat sent none.
    pub nickname: String,
    /// The applicant's own words; empty when WeChat sent none.
    pub reason: String,
    /// Its categories, in WeChat's order. An empty second (or first) is `None`.
    pub categories: Vec<Category>,
    /// Address of its picture.
    pub headimgurl: Option<String>,
    /// Address of its mini program code.
    pub apply_url: Option<String>,
    /// WeChat's names of the fields that were of a wrong kind. Not empty means: hold, brake `malformed`.
    pub malformed: Vec<String>,
}

impl Application {
    /// What tells this application from any other to the same account.
    pub fn identity(&self) -> Identity {
        Identity { appid: self.appid.clone(), create_time: self.create_time.clone() }
    }
}
