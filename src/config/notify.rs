//! `[[notify]]`: who is told of what.

use super::account::{self, CaFile};
use super::proxy::ProxyAddress;
use super::secret::{self, Secret};
use super::token::cover_arguments;
use super::{Need, Surroundings, writers};
use crate::document::{Table, Value, suggest};
use jiff::civil::Time;
use secrecy::ExposeSecret;
use std::path::Path;
use url::Url;

/// One chat robot, webhook or command.
#[derive(Debug, Clone)]
pub struct Notify {
    /// Ours; unique.
    pub name: String,
    /// What it is, and where.
    pub kind: NotifyKind,
    /// What it is told of.
    pub events: Vec<NotifyEvent>,
    /// Of which accounts; empty = every one.
    pub accounts: Vec<String>,
    /// Whether applicants' words go there.
    pub content: NotifyContent,
    /// Comes first in every message.
    pub keyword: Option<String>,
    /// The language of messages.
    pub language: NotifyLanguage,
    /// When the digest of the day before is due, in `service.timezone`.
    pub digest_at: Time,
    /// An HTTP or SOCKS proxy on the way to its address. Its own: that of `[wechat]` may let nothing but WeChat through,
    /// and a webhook of the house must not go out through it.
    pub proxy: Option<ProxyAddress>,
    /// Certificates to trust beside the machine's own.
    pub ca_file: Option<CaFile>,
}

/// What is told, and where. The address is a secret.
#[derive(Debug, Clone)]
pub enum NotifyKind {
    /// A group robot of WeCom.
    Wecom {
        /// Its address.
        url: Secret,
    },
    /// A custom robot of Feishu.
    Feishu {
        /// Its address.
        url: Secret,
        /// Its signing secret.
        secret: Option<Secret>,
    },
    /// A custom robot of DingTalk.
    Dingtalk {
        /// Its address.
        url: Secret,
        /// Its signing secret.
        secret: Option<Secret>,
    },
    /// Anything that takes our JSON.
    Webhook {
        /// Its address.
        url: Secret,
        /// The signing secret it shares with us.
        secret: Secret,
    },
    /// A program that reads our JSON.
    Command {
        /// The program and its arguments.
        argv: Vec<String>,
    },
}

/// What may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotifyEvent {
    /// Applications wait for a person.
    Held,
    /// They soon time out.
    Deadline,
    /// They timed out undecided.
    TimedOut,
    /// A brake or pause.
    Brake,
    /// An account cannot be worked.
    Failing,
    /// A day.
    Digest,
}

/// Whether applicants' words go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotifyContent {
    /// Nickname, reason, categories and so on.
    Full,
    /// Numbers alone.
    Counts,
}

/// The language of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotifyLanguage {
    /// Chinese.
    Zh,
    /// English.
    En,
}

const KINDS: [(&str, Word); 5] = [
    ("wecom", Word::Wecom),
    ("feishu", Word::Feishu),
    ("dingtalk", Word::Dingtalk),
    ("webhook", Word::Webhook),
    ("command", Word::Command),
];
const EVENTS: [(&str, NotifyEvent); 6] = [
    ("held", NotifyEvent::Held),
    ("deadline", NotifyEvent::Deadline),
    ("timed_out", NotifyEvent::TimedOut),
    ("brake", NotifyEvent::Brake),
    ("failing", NotifyEvent::Failing),
    ("digest", NotifyEvent::Digest),
];
const CONTENTS: [(&str, NotifyContent); 2] = [("full", NotifyContent::Full), ("counts", NotifyContent::Counts)];
const LANGUAGES: [(&str, NotifyLanguage); 2] = [("zh", NotifyLanguage::Zh), ("en", NotifyLanguage::En)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Wecom,
    Feishu,
    Dingtalk,
    Webhook,
    Command,
}

/// Where the tables stand.
pub(super) struct Around<'a> {
    pub(super) path: &'a Path,
    pub(super) surroundings: &'a Surroundings,
    pub(super) need: Need,
    /// The names of all accounts.
    pub(super) accounts: &'a [String],
}

/// Every `[[notify]]`, as far as it is right.
pub(super) fn read(value: Option<Value<'_>>, around: &Around<'_>) -> Vec<Notify> {
    let tables = value.and_then(|v| v.list()).unwrap_or_default();
    let mut names = account::Unique::new("name", "[[notify]]");
    tables.iter().filter_map(|value| one(value, around, &mut names)).collect()
}

fn one(value: &Value<'_>, around: &Around<'_>, names: &mut account::Unique) -> Option<Notify> {
    let table = value.table("[[notify]]")?.confidential();
    let name = table.required("name").and_then(|v| names.take(&v));
    let word = table.required("kind").and_then(|v| v.one_of(&KINDS));
    let kind = kind(&table, word, around);
    let way = way(&table, word, around);
    let events = match table.optional("events") {
        None => Some(EVENTS.map(|(_, event)| event).to_vec()),
        Some(events) => events.filled_list().map(|list| list.iter().filter_map(|v| v.one_of(&EVENTS)).collect()),
    };
    let accounts = table.optional("accounts").map_or(Some(Vec::new()), |v| accounts(&v, around));
    let keyword = table.optional("keyword").and_then(|v| short(&v));
    let content = table.optional("content").map_or(Some(NotifyContent::Full), |v| v.one_of(&CONTENTS));
    let language = table.optional("language").map_or(Some(NotifyLanguage::Zh), |v| v.one_of(&LANGUAGES));
    let digest_at = table.optional("digest_at").map_or(Some(Time::constant(9, 0, 0, 0)), |v| time_of_day(&v));
    table.finish();
    let (name, kind, events) = (name?, kind?, events?);
    Some(Notify {
        name,
        kind,
        events,
        accounts: accounts?,
        content: content?,
        keyword,
        language: language?,
        digest_at: digest_at?,
        proxy: way.0,
        ca_file: way.1,
    })
}

/// How its address is reached: proxy and certificates, which a command has no use for.
fn way(table: &Table<'_>, word: Option<Word>, around: &Around<'_>) -> (Option<ProxyAddress>, Option<CaFile>) {
    let (proxy, ca_file) = (table.optional("proxy"), table.optional("ca_file"));
    if word == Some(Word::Command) {
        for value in [&proxy, &ca_file].into_iter().flatten() {
            value.wrong("kind", "this kind has no use for the key", "a command finds its own way");
        }
        return (None, None);
    }
    let ca_file = ca_file.and_then(|v| account::ca_file(&v, around.path, around.surroundings, around.need));
    (proxy.and_then(|v| account::proxy(&v)), ca_file)
}

/// The keys that a kind needs; those it has no use for are errors.
fn kind(table: &Table<'_>, word: Option<Word>, around: &Around<'_>) -> Option<NotifyKind> {
    let (url, secret, command) = (table.optional("url"), table.optional("secret"), table.optional("command"));
    // Without a kind they are looked at all the same: what is wrong in them is told at once.
    let address = url.as_ref().map(|v| address(v, around));
    let signing = secret.as_ref().map(|v| secret::read(v, around.path, around.surroundings, around.need));
    let argv = command.as_ref().map(|v| argv(v, around));
    let word = word?;
    let unused = match word {
        Word::Wecom => [&secret, &command],
        Word::Feishu | Word::Dingtalk | Word::Webhook => [&command, &None],
        Word::Command => [&url, &secret],
    };
    for value in unused.into_iter().flatten() {
        let help = "wecom needs `url`; feishu and dingtalk `url` and perhaps `secret`; webhook `url` and `secret`; command `command`";
        value.wrong("kind", "this kind has no use for the key", help);
    }
    let missing = |key: &str, help: &str| {
        table.reading().report_help("missing", table.spot(), format!("`{key}` is missing in [[notify]]"), help);
    };
    if word == Word::Command && argv.is_none() {
        missing("command", "command = [\"/usr/local/bin/tell-us\"]");
    }
    if word != Word::Command && address.is_none() {
        missing("url", "the address is a secret: url = { env = \"NAME\" }");
    }
    if word == Word::Webhook && signing.is_none() {
        missing("secret", "what is sent is signed with it: secret = { env = \"NAME\" }");
    }
    match word {
        Word::Wecom => Some(NotifyKind::Wecom { url: address?? }),
        Word::Feishu => Some(NotifyKind::Feishu { url: address??, secret: given(signing)? }),
        Word::Dingtalk => Some(NotifyKind::Dingtalk { url: address??, secret: given(signing)? }),
        Word::Webhook => Some(NotifyKind::Webhook { url: address??, secret: signing?? }),
        Word::Command => Some(NotifyKind::Command { argv: argv?? }),
    }
}

/// What may be absent, but not wrong.
fn given<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        None => Some(None),
        Some(None) => None,
        Some(Some(value)) => Some(Some(value)),
    }
}

/// A secret that holds an address. What is wrong with it is told without it.
fn address(value: &Value<'_>, around: &Around<'_>) -> Option<Secret> {
    const HELP: &str = "copy the robot's address from its settings: https:// and all";
    let secret = secret::read(value, around.path, around.surroundings, around.need)?;
    let Some(text) = secret.value() else { return Some(secret) };
    let url = Url::parse(text.expose_secret()).ok().filter(|url| url.host().is_some());
    match url {
        Some(url) if url.scheme() == "https" || (url.scheme() == "http" && account::is_loopback(&url)) => Some(secret),
        Some(url) if url.scheme() == "http" => {
            value.wrong(
                "insecure",
                "plain http:// would send notices readable by everybody on the way",
                "use https://; http:// is accepted for this machine only (127.0.0.1, localhost)",
            );
            None
        }
        _ => {
            value.wrong("url", "the secret holds no address", HELP);
            None
        }
    }
}

fn argv(value: &Value<'_>, around: &Around<'_>) -> Option<Vec<String>> {
    cover_arguments(value);
    let words: Vec<Option<String>> = value
        .filled_list()?
        .iter()
        .enumerate()
        .map(|(at, v)| if at == 0 { v.words() } else { v.text() }.map(str::to_owned))
        .collect();
    let words: Vec<String> = words.into_iter().collect::<Option<_>>()?;
    if !Path::new(&words[0]).is_absolute() || words.iter().any(|word| word.contains('\0')) {
        value.wrong(
            "value",
            "the command is not named by its whole path",
            "command = [\"/usr/local/bin/tell-us\", \"reviewers\"]",
        );
        return None;
    }
    if around.surroundings.root && around.need == Need::Secrets {
        let program = Path::new(&words[0]);
        let checked = match std::fs::metadata(program) {
            Ok(file) => writers::check_file(&file).and_then(|()| writers::check_way(program)),
            // Not there yet: it is told when it is run.
            Err(_) => Ok(()),
        };
        if let Err(why) = checked {
            value.wrong(why.code, format!("{}: {}", program.display(), why.message), why.help.unwrap_or_default());
            return None;
        }
    }
    Some(words)
}

fn accounts(value: &Value<'_>, around: &Around<'_>) -> Option<Vec<String>> {
    let named: Vec<_> = value.filled_list()?;
    let mut accounts = Vec::new();
    for value in &named {
        let Some(name) = value.words() else { continue };
        if !around.accounts.iter().any(|known| known == name) && around.need != Need::Policy {
            let help = suggest(name, around.accounts.iter().map(String::as_str), "accounts");
            value.wrong("unknown-name", format!("there is no account `{name}`"), help);
            continue;
        }
        accounts.push(name.to_owned());
    }
    (accounts.len() == named.len()).then_some(accounts)
}

/// The longest keyword: it comes first in every message, and WeCom's hold 4096 bytes.
const KEYWORD_CHARS: usize = 50;

fn short(value: &Value<'_>) -> Option<String> {
    let text = value.words()?.trim();
    if text.chars().count() > KEYWORD_CHARS || text.chars().any(char::is_control) {
        value.wrong(
            "value",
            "the keyword is longer than 50 characters, or on more than one line",
            "name one of the robot's keywords",
        );
        return None;
    }
    Some(text.to_owned())
}

fn time_of_day(value: &Value<'_>) -> Option<Time> {
    let text = value.words()?;
    let time = Time::strptime("%H:%M", text).ok();
    if time.is_none() {
        value.wrong("value", format!("`{text}` is no time of day"), "write hours and minutes, e.g. \"09:00\"");
    }
    time
}
