//! `dev_apply_list`: one page, as WeChat writes it or as a fault bends it.
//!
//! Promises that a page costs what is on it, however long the list is.

use super::answer::{Answer, Json};
use super::application::{Status, replace};
use super::fault::{Effect, Fault, Malformation, Moment};
use super::roster::{Entry, EntryId};
use super::state::{State, Stop, Visit, millis};
use serde_json::{Value, json};

/// `num` when the call gives none; every example of the documentation uses it.
const DEFAULT_NUM: i64 = 10;

/// A page as it is asked for, after the faults had their say.
struct Asked {
    page: usize,
    num: usize,
    /// How many entries too early it begins.
    drift: i64,
    list: Shape,
    behind_ms: i64,
}

/// How `apply_list` itself is written.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Whole,
    Null,
    Absent,
}

impl State {
    pub(super) fn dev_apply_list(&mut self, visit: &mut Visit, account: &str) -> Result<Answer, Stop> {
        let page = number(visit, "page", 1)?.max(1);
        let num = number(visit, "num", DEFAULT_NUM)?;
        if num < 1 {
            return Err(Stop::Errcode(40097));
        }
        visit.subject.page = Some(u32::try_from(page).unwrap_or(u32::MAX));
        let asked = self.bend(visit, account, page, num)?;
        let start = (asked.page - 1).saturating_mul(asked.num);
        let start = start.saturating_add_signed(isize::try_from(-asked.drift).unwrap_or_default());
        let ids = self.roster(account)?.slice(start, asked.num);
        match asked.list {
            Shape::Null => Ok(Answer::ok_with("apply_list", Json::null())),
            Shape::Absent => Ok(Answer::ok()),
            Shape::Whole => Ok(Answer::ok_with("apply_list", self.items(visit, account, &ids, asked.behind_ms)?)),
        }
    }

    /// Lets the faults of this call change what is asked for.
    fn bend(&mut self, visit: &mut Visit, account: &str, page: i64, num: i64) -> Result<Asked, Stop> {
        let mut cap = self.options.num_cap;
        let mut page = usize::try_from(page).unwrap_or(usize::MAX);
        let (mut drift, mut list, mut behind_ms) = (0, Shape::Whole, 0);
        for fault in self.strike(Moment::List, visit) {
            match fault.effect {
                Effect::Cap(most) => cap = cap.min(most),
                Effect::Drift(by) => drift = by,
                Effect::RepeatPage(last) => page = page.min(last as usize),
                Effect::Behind(time) => behind_ms = millis(time),
                Effect::Arrives(count) => self.new_arrivals(account, count)?,
                Effect::NullList => list = Shape::Null,
                Effect::NoList => list = Shape::Absent,
                _ => {}
            }
        }
        let num = usize::try_from(num).unwrap_or(usize::MAX).min(cap.max(1) as usize);
        Ok(Asked { page, num, drift, list, behind_ms })
    }

    fn items(&mut self, visit: &mut Visit, account: &str, ids: &[EntryId], behind_ms: i64) -> Result<Json, Stop> {
        let now_ms = self.now_ms();
        let roster = self.roster_mut(account)?;
        let mut items = Vec::with_capacity(ids.len());
        visit.subject.listed.clear();
        for id in ids {
            let Some(entry) = roster.entry_mut(*id) else { continue };
            let changed_since = entry.changes.iter().any(|change| change.at_ms > now_ms - behind_ms);
            let shown = match changed_since && behind_ms > 0 {
                true => Status::Pending,
                false => shown_status(entry, now_ms),
            };
            items.push(Json::Object(entry.application.item(shown)));
            visit.subject.listed.push(entry.application.appid.clone());
        }
        for fault in self.strike(Moment::Entries, visit) {
            malform(&mut items, &visit.subject.listed, &fault);
        }
        Ok(Json::List(items))
    }
}

/// What a lagging list shows; each showing counts as one reading.
fn shown_status(entry: &mut Entry, now_ms: i64) -> Status {
    let status = entry.application.status;
    let Some(stale) = entry.stale.as_mut().filter(|stale| stale.readings_left > 0 || now_ms < stale.until_ms) else {
        return status;
    };
    stale.readings_left = stale.readings_left.saturating_sub(1);
    stale.status
}

fn malform(items: &mut [Json], appids: &[String], fault: &Fault) {
    let Effect::Malformed { kind, every } = &fault.effect else { return };
    for (place, (item, appid)) in items.iter_mut().zip(appids).enumerate() {
        let concerned = match (&fault.on.appid, every) {
            (Some(named), _) => named == appid,
            (None, Some(step)) => (place + 1).is_multiple_of((*step).max(1) as usize),
            (None, None) => place == 0,
        };
        if concerned {
            *item = malformed(item.clone(), *kind);
        }
    }
}

fn malformed(item: Json, kind: Malformation) -> Json {
    let Json::Object(mut fields) = item else { return item };
    let value = |value: Value| Some(Json::value(&value));
    let (field, replacement) = match kind {
        Malformation::CategoriesString => ("categories", value(json!("物流服务"))),
        Malformation::CategoriesNull => ("categories", value(json!(null))),
        Malformation::NicknameNumber => ("nickname", value(json!(12345))),
        Malformation::ReasonObject => ("reason", value(json!({ "text": "查件" }))),
        Malformation::StatusString => ("status", quoted(&fields, "status")),
        Malformation::StatusMissing => ("status", None),
        Malformation::StatusUnknown => ("status", value(json!(9))),
        Malformation::AppidNumber => ("appid", value(json!(12345))),
        Malformation::AppidMissing => ("appid", None),
        Malformation::AppidEmpty => ("appid", value(json!(""))),
        Malformation::CreateTimeNumber => ("create_time", unquoted(&fields, "create_time")),
        Malformation::CreateTimeMissing => ("create_time", None),
        Malformation::CreateTimeText => ("create_time", value(json!("yesterday"))),
        Malformation::LoneSurrogate => ("nickname", Some(Json::Raw(r#""\ud83d小店""#.to_owned()))),
        Malformation::ReasonTwice => return twice(fields, "reason", Json::text("博彩")),
        Malformation::StatusTwice => return twice(fields, "status", Json::value(&json!(2))),
        Malformation::EntryString => return Json::text("wx0000000000000000"),
    };
    replace(&mut fields, field, replacement);
    Json::Object(fields)
}

fn twice(mut fields: Vec<(String, Json)>, field: &str, second: Json) -> Json {
    fields.push((field.to_owned(), second));
    Json::Object(fields)
}

fn quoted(fields: &[(String, Json)], field: &str) -> Option<Json> {
    raw(fields, field).map(|text| Json::text(text.trim_matches('"')))
}

fn unquoted(fields: &[(String, Json)], field: &str) -> Option<Json> {
    raw(fields, field).map(|text| Json::Raw(text.trim_matches('"').to_owned()))
}

fn raw<'a>(fields: &'a [(String, Json)], field: &str) -> Option<&'a str> {
    fields.iter().find(|(name, _)| name == field).and_then(|(_, value)| match value {
        Json::Raw(text) => Some(text.as_str()),
        Json::List(_) | Json::Object(_) => None,
    })
}

/// A whole number of the body, or its default; anything else is 47001.
fn number(visit: &Visit, field: &str, default: i64) -> Result<i64, Stop> {
    match visit.subject.field(field) {
        None => Ok(default),
        Some(value) => value.as_i64().ok_or(Stop::Errcode(47001)),
    }
}
