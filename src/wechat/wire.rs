//! WeChat's words on the wire, and nowhere else: request bodies and the reading of answers.
//!
//! Promises to read leniently and to doubt honestly: optional and null fields,
//! numbers in strings, unknown keys and statuses, camelCase answers (WeChat's
//! cloud calls) are all read; a field of a wrong kind is named; an answer that
//! is no answer is an error and never an empty page. Shape of the list:
//! developers.weixin.qq.com, api_managepluginapplication.

use super::{
    Error, Unreadable,
    json::{Field, Fields, Kind, mend, text_of, whole},
};
use crate::policy::{Action, AppId, Application, Category, CreateTime, Identity, Intent, Status};
use secrecy::zeroize::Zeroizing;
use serde_json::json;
use std::{
    borrow::Cow,
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
};

mod tokens;
mod using;

pub(crate) use tokens::*;
pub(crate) use using::*;
pub use using::{CallRecord, PluginInUse, Quota, RateLimit};

/// `POST` here, the action in the body.
pub(crate) const DEVPLUGIN: &str = "/wxa/devplugin";
/// The action that reads the list.
pub(crate) const LIST: &str = "dev_apply_list";

/// Characters of WeChat's own words that are kept; the longest known message has some 120.
const ERRMSG_MAX_CHARS: usize = 300;
/// Bytes a character of one takes at most in JSON: `\u001f`.
const ESCAPED_MAX: usize = 6;

// ---- requests ----

/// The body of `dev_apply_list`.
pub(crate) fn list_request(page: u32, page_size: u32) -> Vec<u8> {
    json!({ "action": LIST, "page": page, "num": page_size }).to_string().into_bytes()
}

/// WeChat's name for an action.
pub(crate) fn action_name(action: Action) -> &'static str {
    match action {
        Action::Agree => "dev_agree",
        Action::Refuse => "dev_refuse",
        Action::Delete => "dev_delete",
    }
}

/// The body that carries out an intent. Refuse and delete name the appid, too:
/// WeChat's page shows it for agree only, but there is no other way to say who is meant.
pub(crate) fn intent_request(intent: &Intent) -> Result<Vec<u8>, Error> {
    let appid = intent.appid().as_str();
    let action = action_name(intent.action());
    let body = match (intent.action(), intent.reason()) {
        (Action::Refuse, Some(reason)) => json!({ "action": action, "appid": appid, "reason": reason }),
        (Action::Refuse, None) => return Err(Error::Request { problem: "a refusal without a reason" }),
        (Action::Agree | Action::Delete, _) => json!({ "action": action, "appid": appid }),
    };
    Ok(body.to_string().into_bytes())
}

// ---- answers ----

/// What an answer begins with: WeChat's verdict on the call.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Head {
    errcode: Option<i64>,
    errmsg: String,
}

impl Head {
    fn of(fields: &Fields<'_>) -> Result<Head, Error> {
        if fields.is_doubled(&["errcode", "errCode"]) {
            return Err(unreadable("errcode stands there twice"));
        }
        let errcode = match fields.get(&["errcode", "errCode"]) {
            None => None,
            Some(field) => Some(
                field.whole().ok_or_else(|| unreadable(format!("errcode is {}, no number", field.kind().word())))?,
            ),
        };
        let errmsg = fields.get(&["errmsg", "errMsg"]).and_then(Field::text).unwrap_or_default();
        Ok(Head { errcode, errmsg })
    }

    /// The error in it, if it is one.
    fn refusal(&self, secrets: &[&str]) -> Option<Error> {
        let errcode = self.errcode.filter(|code| *code != 0)?;
        Some(Error::Api { errcode, errmsg: clean(&self.errmsg, secrets), rid: rid(&self.errmsg) })
    }
}

/// WeChat's yes to a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ack {
    /// Its words, cleaned and cut.
    pub(crate) errmsg: String,
    /// The request id, if it sent one.
    pub(crate) rid: Option<String>,
}

/// Reads the answer to agree, refuse and delete: yes only if it says `errcode` 0.
pub(crate) fn read_ack(body: &[u8], secrets: &[&str]) -> Result<Ack, Error> {
    with_fields(body, |fields| {
        let head = Head::of(fields)?;
        match (head.errcode, head.refusal(secrets)) {
            (_, Some(error)) => Err(error),
            (None, None) => Err(unreadable("no errcode")),
            (Some(_), None) => Ok(Ack { errmsg: clean(&head.errmsg, secrets), rid: rid(&head.errmsg) }),
        }
    })
}

/// One page of the list, read entry by entry.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Page {
    /// Entries on it, readable or not.
    pub entries: usize,
    /// The pending ones.
    pub pending: Vec<Application>,
    /// The others: only what the list keeps of them.
    pub others: Vec<(Identity, Status)>,
    /// Those whose appid or status could not be read.
    pub unreadable: Vec<Unreadable>,
}

/// Reads one page of `dev_apply_list` from the bytes of the answer; `page` only goes into [`Unreadable`].
///
/// Total: any bytes give a page or an error. Public so that it can be fuzzed.
///
/// # Errors
/// [`Error::Api`] when WeChat answered with an errcode; [`Error::Unreadable`] when it is no answer to this call.
pub fn read_page(body: &[u8], page: u32) -> Result<Page, Error> {
    read_page_without(body, page, &[])
}

/// [`read_page`], with the secrets that must not come back in an error's text.
pub(crate) fn read_page_without(body: &[u8], page: u32, secrets: &[&str]) -> Result<Page, Error> {
    with_fields(body, |fields| {
        let head = Head::of(fields)?;
        if let Some(error) = head.refusal(secrets) {
            return Err(error);
        }
        if fields.is_doubled(&["apply_list", "applyList"]) {
            return Err(unreadable("apply_list stands there twice"));
        }
        match fields.get(&["apply_list", "applyList"]) {
            Some(list) => {
                let entries = list.entries().ok_or_else(|| unreadable(list_problem(list)))?;
                Ok(page_of(&entries, page))
            }
            None if head.errcode == Some(0) => Ok(Page::default()),
            None if fields.has(&["apply_list", "applyList"]) => Err(unreadable("no errcode and apply_list is null")),
            None => Err(unreadable("neither errcode nor apply_list")),
        }
    })
}

fn list_problem(list: Field<'_>) -> String {
    format!("apply_list is {}, no list", list.kind().word())
}

fn page_of(entries: &[Field<'_>], number: u32) -> Page {
    let mut page = Page { entries: entries.len(), ..Page::default() };
    let mut alike: HashMap<&str, u32> = HashMap::new();
    for (index, entry) in entries.iter().enumerate() {
        match entry_of(*entry) {
            Ok(Entry::Pending(application)) => page.pending.push(application),
            Ok(Entry::Other(identity, status)) => page.others.push((identity, status)),
            Err(Broken { problem, appid }) => {
                let nth = alike.entry(entry.raw()).or_default();
                *nth += 1;
                let mark = mark(entry.raw(), *nth);
                page.unreadable.push(Unreadable { page: number, position: index + 1, problem, appid, mark });
            }
        }
    }
    page
}

/// Tells one unreadable entry from another: they have no identity.
///
/// On one page even equal ones are several; on another page, the n-th of them is the same again.
fn mark(raw: &str, nth: u32) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one((raw, nth))
}

/// An entry, as far as it matters.
enum Entry {
    Pending(Application),
    Other(Identity, Status),
}

/// Why an entry cannot be read, and whose it is as far as it says.
struct Broken {
    problem: String,
    appid: Option<AppId>,
}

/// Reads one entry, or says why it cannot be read.
fn entry_of(entry: Field<'_>) -> Result<Entry, Broken> {
    let nameless = |problem| Broken { problem, appid: None };
    let Some(fields) = entry.fields() else {
        return Err(nameless(match entry.kind() {
            Kind::Object => "the entry is broken".into(),
            kind => format!("the entry is {}", kind.word()),
        }));
    };
    let appid = appid_of(&fields).map_err(nameless)?;
    let status = status_of(&fields).map_err(|problem| Broken {
        problem: if plain(&appid) { format!("{problem} ({appid})") } else { problem },
        appid: Some(appid.clone()),
    })?;
    if status != Status::Pending {
        // Most of a long list: its words are not even read.
        let create_time = create_time_of(&fields);
        return Ok(Entry::Other(Identity { appid, create_time }, status));
    }
    Ok(Entry::Pending(application_of(&fields, appid)))
}

/// What an entry says beside appid and status.
pub(super) fn application_of(fields: &Fields<'_>, appid: AppId) -> Application {
    let mut malformed = Malformed::default();
    if fields.is_doubled(&["create_time", "createTime"]) {
        malformed.add("create_time");
    }
    Application {
        create_time: create_time_of(fields),
        nickname: malformed.text(fields, &["nickname"]).unwrap_or_default(),
        reason: malformed.text(fields, &["reason"]).unwrap_or_default(),
        categories: categories_of(fields, &mut malformed),
        headimgurl: malformed.text(fields, &["headimgurl"]),
        apply_url: malformed.text(fields, &["apply_url", "applyUrl"]),
        malformed: malformed.0,
        appid,
    }
}

pub(super) fn appid_of(fields: &Fields<'_>) -> Result<AppId, String> {
    if fields.is_doubled(&["appid"]) {
        return Err("appid stands there twice".into());
    }
    let field = fields.get(&["appid"]).ok_or("appid is missing")?;
    match field.text() {
        Some(text) if text.trim().is_empty() => Err("appid is empty".into()),
        Some(text) => Ok(AppId::new(text)),
        None => Err(format!("appid is {}", field.kind().word())),
    }
}

pub(super) fn status_of(fields: &Fields<'_>) -> Result<Status, String> {
    if fields.is_doubled(&["status"]) {
        return Err("status stands there twice".into());
    }
    let field = fields.get(&["status"]).ok_or("status is missing")?;
    match field.whole() {
        Some(code) => Ok(Status::from_code(code)),
        None if field.kind() == Kind::Number => Err("status is no whole number".into()),
        None => Err(format!("status is {}", field.kind().word())),
    }
}

/// An appid that can be shown without looking twice.
fn plain(appid: &AppId) -> bool {
    let text = appid.as_str();
    text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// WeChat's names of the fields that were of a wrong kind, each once.
#[derive(Default)]
struct Malformed(Vec<String>);

impl Malformed {
    fn add(&mut self, name: &str) {
        if !self.0.iter().any(|known| known == name) {
            self.0.push(name.into());
        }
    }

    /// A text, or `None` if it is absent, null or (then noted under its first name) something else. One that stands
    /// there twice is noted as well.
    fn text(&mut self, fields: &Fields<'_>, names: &[&str]) -> Option<String> {
        if fields.is_doubled(names) {
            self.add(names[0]);
        }
        let field = fields.get(names)?;
        let text = field.text();
        if text.is_none() {
            self.add(names[0]);
        }
        text
    }
}

/// The text as received; a number in its decimal form, so that `1536305096` and `"1536305096"` are one time. Whatever
/// else it is cannot be read as a time, and is no reason to call the entry malformed.
fn create_time_of(fields: &Fields<'_>) -> CreateTime {
    let Some(field) = fields.get(&["create_time", "createTime"]) else { return CreateTime::ABSENT };
    match (field.kind(), field.text()) {
        (Kind::Number, _) => match whole(field.raw()) {
            Some(number) => CreateTime::received(number.to_string()),
            None => CreateTime::received(field.raw()),
        },
        (_, Some(text)) => CreateTime::received(text),
        (_, None) => CreateTime::received(field.raw()),
    }
}

fn categories_of(fields: &Fields<'_>, malformed: &mut Malformed) -> Vec<Category> {
    const NAME: &str = "categories";
    if fields.is_doubled(&[NAME]) {
        malformed.add(NAME);
    }
    let Some(field) = fields.get(&[NAME]) else { return Vec::new() };
    let Some(entries) = field.entries() else {
        malformed.add(NAME);
        return Vec::new();
    };
    let read: Vec<Option<Category>> = entries.into_iter().map(category_of).collect();
    if read.iter().any(Option::is_none) {
        malformed.add(NAME);
    }
    read.into_iter().flatten().collect()
}

/// A category, or `None` if it is none.
fn category_of(entry: Field<'_>) -> Option<Category> {
    let fields = entry.fields()?;
    if fields.is_doubled(&["first"]) || fields.is_doubled(&["second"]) {
        return None;
    }
    let part = |name: &str| match fields.get(&[name]) {
        None => Some(None),
        Some(field) => field.text().map(|text| Some(text).filter(|text| !text.trim().is_empty())),
    };
    Some(Category { first: part("first")?, second: part("second")? })
}

// ---- shared ----

pub(super) fn unreadable(problem: impl Into<String>) -> Error {
    Error::Unreadable { problem: problem.into() }
}

/// Splits an answer into its fields and reads it by them. Copies are wiped: it may be the answer with the token.
pub(super) fn with_fields<T>(body: &[u8], read: impl FnOnce(&Fields<'_>) -> Result<T, Error>) -> Result<T, Error> {
    match text_of(body) {
        Cow::Borrowed(text) => with_fields_of(text, read),
        Cow::Owned(text) => with_fields_of(&Zeroizing::new(text), read),
    }
}

fn with_fields_of<T>(text: &str, read: impl FnOnce(&Fields<'_>) -> Result<T, Error>) -> Result<T, Error> {
    if let Some(fields) = Fields::of(text) {
        return read(&fields);
    }
    let mended = Zeroizing::new(mend(text));
    match Fields::of(&mended) {
        Some(fields) => read(&fields),
        None => Err(unreadable(what_it_is(text))),
    }
}

/// What stands in an answer's place, without repeating any of it.
fn what_it_is(text: &str) -> &'static str {
    match text.as_bytes().first() {
        None => "it is empty",
        Some(b'<') => "it is HTML or XML, no JSON",
        Some(b'{') => "it is broken or cut off",
        Some(b'[' | b'"') => "it is JSON, but no object",
        Some(_) => "it is no JSON",
    }
}

/// WeChat's words for people and records: no secret of ours, no control characters, not too long.
fn clean(errmsg: &str, secrets: &[&str]) -> String {
    let text = without(errmsg, secrets);
    let plain = |c: char| if c.is_control() || is_bidi(c) { ' ' } else { c };
    text.trim().chars().map(plain).take(ERRMSG_MAX_CHARS).collect()
}

/// A text with these secrets covered, however they are spelt.
fn without(text: &str, secrets: &[&str]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(text.to_owned());
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        for spelling in spellings(secret) {
            text = Zeroizing::new(text.replace(&*spelling, "***"));
        }
    }
    text
}

/// A secret as somebody who repeats what we sent may write it: as it is, as in the query, in either case of hexadecimal
/// digits, and as in JSON. The longer ones first, so that no piece of one is left.
fn spellings(secret: &str) -> [Zeroizing<String>; 4] {
    let query: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = Zeroizing::new(serde_json::Value::from(secret).to_string());
    let lower = lower_escapes(&query);
    [
        Zeroizing::new(query),
        Zeroizing::new(lower),
        Zeroizing::new(json[1..json.len() - 1].to_owned()),
        Zeroizing::new(secret.to_owned()),
    ]
}

/// `%2F` as `%2f`; what stands beside the escapes keeps its case.
fn lower_escapes(query: &str) -> String {
    let mut digits = 0_u8;
    let lower = |c: char| match digits {
        _ if c == '%' => {
            digits = 2;
            c
        }
        0 => c,
        _ => {
            digits -= 1;
            c.to_ascii_lowercase()
        }
    };
    query.chars().map(lower).collect()
}

/// Characters that turn the direction of the text after them.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// The request id WeChat ends its message with: `rid: 61725984-6126f6f9-040f19c4`.
fn rid(errmsg: &str) -> Option<String> {
    let tail = errmsg.rsplit_once("rid:")?.1.trim_start();
    let end = tail.find(|c: char| !c.is_ascii_hexdigit() && c != '-').unwrap_or(tail.len());
    let rid = &tail[..end];
    let groups = rid.split('-').filter(|group| !group.is_empty()).count();
    (groups == 3 && rid.len() <= 64).then(|| rid.to_owned())
}

#[cfg(test)]
mod tests;
