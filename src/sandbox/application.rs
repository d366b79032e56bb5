//! An application as this world keeps it, and as WeChat writes it on the wire.
//!
//! Hides the documented item of `apply_list`: its fields, their order and their odd types (`create_time` is a
//! string). Promises that a field can be replaced or left out, for entries that are not as documented.

use super::answer::Json;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Where an application stands (`status` on the wire).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// 1: waits for a decision.
    Pending,
    /// 2: approved.
    Approved,
    /// 3: refused.
    Refused,
    /// 4: nobody decided within the window.
    TimedOut,
}

impl Status {
    /// WeChat's number.
    pub fn code(self) -> u8 {
        match self {
            Status::Pending => 1,
            Status::Approved => 2,
            Status::Refused => 3,
            Status::TimedOut => 4,
        }
    }

    pub(super) fn from_code(code: u64) -> Option<Status> {
        [Status::Pending, Status::Approved, Status::Refused, Status::TimedOut]
            .into_iter()
            .find(|status| u64::from(status.code()) == code)
    }
}

/// One application to a plugin.
#[derive(Debug, Clone, PartialEq)]
pub struct Application {
    /// The mini program that applies.
    pub appid: String,
    /// Where it stands.
    pub status: Status,
    /// Its name.
    pub nickname: String,
    /// The applicant's own words.
    pub reason: String,
    /// `(first, second)`, in WeChat's order.
    pub categories: Vec<(String, String)>,
    /// Unix seconds; `None` means "when it arrives".
    pub created_secs: Option<i64>,
    /// Fields of the wire that are not as documented: another value, or `None` for a field left out.
    pub sent_as: BTreeMap<String, Option<Value>>,
}

impl Application {
    /// A pending application with an ordinary nickname and reason.
    pub fn new(appid: impl Into<String>) -> Application {
        Application {
            appid: appid.into(),
            status: Status::Pending,
            nickname: "顺达快递".to_owned(),
            reason: "我们是快递公司，希望在小程序里使用查件功能。".to_owned(),
            categories: vec![("物流服务".to_owned(), "查件".to_owned())],
            created_secs: None,
            sent_as: BTreeMap::new(),
        }
    }

    /// With this status.
    pub fn status(self, status: Status) -> Application {
        Application { status, ..self }
    }

    /// With this name.
    pub fn nickname(self, nickname: impl Into<String>) -> Application {
        Application { nickname: nickname.into(), ..self }
    }

    /// With these words.
    pub fn reason(self, reason: impl Into<String>) -> Application {
        Application { reason: reason.into(), ..self }
    }

    /// With these categories instead of the ordinary one.
    pub fn categories<'a>(self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Application {
        let categories = pairs.into_iter().map(|(first, second)| (first.to_owned(), second.to_owned())).collect();
        Application { categories, ..self }
    }

    /// Made at this time, in Unix seconds.
    pub fn created_at(self, secs: i64) -> Application {
        Application { created_secs: Some(secs), ..self }
    }

    /// Sends `value` for the wire's `field`, whatever it is.
    pub fn sent_as(mut self, field: &str, value: Value) -> Application {
        self.sent_as.insert(field.to_owned(), Some(value));
        self
    }

    /// Leaves the wire's `field` out.
    pub fn without(mut self, field: &str) -> Application {
        self.sent_as.insert(field.to_owned(), None);
        self
    }

    /// The item of `apply_list`, in the documented order, as if it stood at `shown`.
    pub(super) fn item(&self, shown: Status) -> Vec<(String, Json)> {
        let documented = [
            ("appid", json!(self.appid)),
            ("status", json!(shown.code())),
            ("nickname", json!(self.nickname)),
            ("headimgurl", json!(self.picture("mmhead"))),
            ("reason", json!(self.reason)),
            ("apply_url", json!(self.picture("mmopen/wxacode"))),
            ("create_time", json!(self.created_secs.unwrap_or_default().to_string())),
        ];
        let mut item: Vec<(String, Json)> =
            documented.into_iter().map(|(field, value)| (field.to_owned(), Json::value(&value))).collect();
        item.push(("categories".to_owned(), self.categories_on_the_wire()));
        for (field, replacement) in &self.sent_as {
            replace(&mut item, field, replacement.as_ref().map(Json::value));
        }
        item
    }

    /// For the journal: everything, in our own words.
    pub(super) fn to_record(&self) -> Value {
        let sent_as: Vec<Value> = self.sent_as.iter().map(|(field, value)| json!([field, value])).collect();
        let absent: Vec<&String> = self.sent_as.iter().filter(|(_, value)| value.is_none()).map(|(f, _)| f).collect();
        json!({
            "appid": self.appid, "status": self.status.code(), "nickname": self.nickname, "reason": self.reason,
            "categories": self.categories, "created_secs": self.created_secs, "sent_as": sent_as, "absent": absent,
        })
    }

    /// Reads [`Application::to_record`]; `None` if it is not one.
    pub(super) fn from_record(record: &Value) -> Option<Application> {
        let text = |field: &str| record.get(field)?.as_str().map(str::to_owned);
        let absent = record.get("absent")?.as_array()?;
        let mut sent_as = BTreeMap::new();
        for pair in record.get("sent_as")?.as_array()? {
            let field = pair.get(0)?;
            let value = (!absent.contains(field)).then(|| pair.get(1).cloned()).flatten();
            sent_as.insert(field.as_str()?.to_owned(), value);
        }
        Some(Application {
            appid: text("appid")?,
            status: Status::from_code(record.get("status")?.as_u64()?)?,
            nickname: text("nickname")?,
            reason: text("reason")?,
            categories: categories_of(record.get("categories")?)?,
            created_secs: record.get("created_secs")?.as_i64(),
            sent_as,
        })
    }

    fn categories_on_the_wire(&self) -> Json {
        let one = |(first, second): &(String, String)| {
            let mut pair = vec![("first".to_owned(), Json::text(first))];
            pair.push(("second".to_owned(), Json::text(second)));
            Json::Object(pair)
        };
        Json::List(self.categories.iter().map(one).collect())
    }

    /// Addresses of pictures are made from the appid: a hundred thousand of them take no memory.
    fn picture(&self, kind: &str) -> String {
        format!("http://wx.qlogo.cn/{kind}/{}/0", self.appid.strip_prefix("wx").unwrap_or(&self.appid))
    }
}

/// Reads categories as `"first/second"`, `[first, second]` or `{"first", "second"}`.
pub(super) fn categories_of(value: &Value) -> Option<Vec<(String, String)>> {
    let one = |category: &Value| match category {
        Value::String(text) => {
            let (first, second) = text.split_once('/').unwrap_or((text, ""));
            Some((first.to_owned(), second.to_owned()))
        }
        Value::Array(pair) => Some((pair.first()?.as_str()?.to_owned(), pair.get(1)?.as_str()?.to_owned())),
        Value::Object(pair) => Some((word(pair, "first"), word(pair, "second"))),
        _ => None,
    };
    value.as_array()?.iter().map(one).collect()
}

/// Puts `value` in the place of a field, or takes the field out.
pub(super) fn replace(item: &mut Vec<(String, Json)>, field: &str, value: Option<Json>) {
    let place = item.iter().position(|(name, _)| name == field);
    match (place, value) {
        (Some(place), Some(value)) => item[place].1 = value,
        (Some(place), None) => drop(item.remove(place)),
        (None, Some(value)) => item.push((field.to_owned(), value)),
        (None, None) => {}
    }
}

fn word(object: &Map<String, Value>, field: &str) -> String {
    object.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}
