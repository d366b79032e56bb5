//! `[[account]]` with its overrides, `[wechat]` and `[limits]`.

use super::proxy::ProxyAddress;
use super::token::{self, Token};
use super::{Need, Surroundings, files};
use crate::document::{Spot, Table, Value};
use crate::policy::AppId;
use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// One plugin owner whose applications are decided.
#[derive(Debug, Clone)]
pub struct Account {
    /// Ours; unique.
    pub name: String,
    /// WeChat's; unique.
    pub appid: AppId,
    /// How it gets its access token.
    pub token: Token,
    /// `[wechat]`, with the account's own keys over it.
    pub wechat: Wechat,
    /// `[limits]`, with the account's own keys over it.
    pub limits: Limits,
}

/// `[wechat]`: how WeChat is talked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wechat {
    /// Without a slash at its end.
    pub base_url: String,
    /// Entries asked for on one page (`num`).
    pub page_size: u32,
    /// Calls at the same time, per account.
    pub max_in_flight: usize,
    /// Calls in a minute, per account.
    pub calls_per_minute: u32,
    /// For one call.
    pub timeout: Duration,
    /// An HTTP or SOCKS proxy.
    pub proxy: Option<ProxyAddress>,
    /// Further trusted certificates.
    pub ca_file: Option<CaFile>,
}

/// A file of trusted certificates. Two are equal when what is in them is: a renewed one makes a new client at a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaFile {
    /// Where it is.
    pub path: PathBuf,
    /// What is in it (PEM); empty unless the configuration was loaded with [`Need::Secrets`].
    pub pem: Arc<[u8]>,
}

/// `[limits]`: how much may be done by rules; `None` = no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Agreed in one calendar day.
    pub agree_per_day: Option<u32>,
    /// Refused in one calendar day.
    pub refuse_per_day: Option<u32>,
    /// Agreed and refused in one pass.
    pub per_pass: Option<u32>,
}

impl Default for Wechat {
    fn default() -> Wechat {
        Wechat {
            base_url: "https://api.weixin.qq.com".to_owned(),
            page_size: 50,
            max_in_flight: 4,
            calls_per_minute: 300,
            timeout: Duration::from_secs(10),
            proxy: None,
            ca_file: None,
        }
    }
}

/// What every account starts from.
#[derive(Clone)]
pub(super) struct Defaults<'d> {
    pub(super) wechat: Wechat,
    pub(super) written: Written<'d>,
    pub(super) limits: Limits,
    pub(super) has_platform: bool,
    /// The file the account stands in.
    pub(super) path: &'d Path,
    pub(super) surroundings: &'d Surroundings,
    pub(super) need: Need,
}

/// The `base_url` as it is written, if it is: what is wrong with it depends on the kind of token.
pub(super) type Written<'d> = Option<Value<'d>>;

/// Plain http goes to this host only where no token is sent: WeChat's cloud hosting wants it so.
const SIDECAR_HOST: &str = "api.weixin.qq.com";
/// Where calls go that a side-car is to meet.
const SIDECAR: &str = "http://api.weixin.qq.com";

/// Reads `[wechat]`.
pub(super) fn wechat<'d>(
    value: Option<Value<'d>>,
    path: &Path,
    surroundings: &Surroundings,
    need: Need,
) -> (Wechat, Written<'d>) {
    let mut wechat = Wechat::default();
    let table = value.and_then(|v| v.table("[wechat]"));
    let written = table.as_ref().and_then(|table| table.optional("base_url"));
    if let Some(table) = table {
        wechat.fill(&table, path, surroundings, need);
        table.finish();
    }
    (wechat, written)
}

/// Reads `[limits]`, or an account's own `limits` over it.
pub(super) fn limits(value: Option<Value<'_>>, name: &str, base: Limits) -> Limits {
    let mut limits = base;
    if let Some(table) = value.and_then(|v| v.table(name)) {
        let most = |key| table.optional(key).and_then(|v| v.whole(0..=u64::from(u32::MAX))).map(|n| n as u32);
        limits = Limits {
            agree_per_day: most("agree_per_day").or(base.agree_per_day),
            refuse_per_day: most("refuse_per_day").or(base.refuse_per_day),
            per_pass: most("per_pass").or(base.per_pass),
        };
        table.finish();
    }
    limits
}

/// Every `[[account]]` of these files, as far as it is right; and the name of every one, right or wrong.
pub(super) fn read(files: &[(&Path, Vec<Value<'_>>)], defaults: &Defaults<'_>) -> (Vec<Account>, Vec<String>) {
    let mut names = Unique::new("name", "account");
    let mut appids = Unique::new("appid", "account");
    let mut inherit = Inherit::Nobody;
    let mut accounts = Vec::new();
    for (path, tables) in files {
        let here = Defaults { path, ..defaults.clone() };
        accounts.extend(tables.iter().filter_map(|value| account(value, &here, &mut names, &mut appids, &mut inherit)));
    }
    if let Some(written) = defaults.written.as_ref().filter(|_| inherit != Inherit::Tokenless) {
        refuse_without_tls(&defaults.wechat.base_url, written);
    }
    (accounts, names.seen)
}

/// Who takes `base_url` from `[wechat]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inherit {
    Nobody,
    /// Only accounts that send no token.
    Tokenless,
    WithToken,
}

/// Only the names, nothing reported: for whoever needs the rules alone.
pub(super) fn names(tables: &[Value<'_>]) -> Vec<String> {
    let name = |value: &Value<'_>| value.table_quietly()?.optional("name")?.text_quietly().map(str::to_owned);
    tables.iter().filter_map(name).collect()
}

fn account(
    value: &Value<'_>,
    defaults: &Defaults<'_>,
    names: &mut Unique,
    appids: &mut Unique,
    inherit: &mut Inherit,
) -> Option<Account> {
    let table = value.table("[[account]]")?.confidential();
    let name = table.required("name").and_then(|v| names.take(&v));
    let appid = table.required("appid").and_then(|v| appids.take(&v));
    let token = table.required("token").and_then(|v| token::read(&v, defaults));
    let mut wechat = defaults.wechat.clone();
    wechat.fill(&table, defaults.path, defaults.surroundings, defaults.need);
    let written = table.optional("base_url");
    match (&token, &written) {
        (Some(Token::None), None) if defaults.written.is_none() => SIDECAR.clone_into(&mut wechat.base_url),
        (Some(Token::None), None) if *inherit == Inherit::Nobody => *inherit = Inherit::Tokenless,
        (Some(Token::None), _) => {}
        (_, Some(own)) => refuse_without_tls(&wechat.base_url, own),
        (_, None) => *inherit = Inherit::WithToken,
    }
    let limits = limits(table.optional("limits"), "`limits`", defaults.limits);
    table.finish();
    Some(Account { name: name?, appid: AppId::new(appid?), token: token?, wechat, limits })
}

/// Reports plain http to another machine, where a token would go.
fn refuse_without_tls(base_url: &str, written: &Value<'_>) {
    let plain = Url::parse(base_url).is_ok_and(|url| url.scheme() == "http" && !is_loopback(&url));
    if plain {
        let message = "plain http:// would send the secret and the token readable by everybody on the way";
        let help = "use https://; http:// is accepted for this machine only (127.0.0.1, localhost), and for api.weixin.qq.com \
                    where token.kind is \"none\"";
        written.wrong("insecure", message, help);
    }
}

/// Values of a key that no two may share.
pub(super) struct Unique {
    key: &'static str,
    of: &'static str,
    seen: Vec<String>,
    places: HashMap<String, Spot>,
}

impl Unique {
    /// `of` = what has the key.
    pub(super) fn new(key: &'static str, of: &'static str) -> Unique {
        Unique { key, of, seen: Vec::new(), places: HashMap::new() }
    }

    pub(super) fn take(&mut self, value: &Value<'_>) -> Option<String> {
        let text = value.words()?;
        if text.chars().any(|c| c.is_control()) || text.trim() != text {
            let message = format!("`{}` has white space at an end or a control character in it", self.key);
            value.reading().report("value", value.spot(), message);
            return None;
        }
        if let Some(first) = self.places.get(text) {
            let (file, (line, _)) = (value.reading().name(first.file), value.reading().position(*first));
            let message = format!("another {} has the {} `{text}`: {file}:{line}", self.of, self.key);
            value.reading().report("duplicate", value.spot(), message);
        }
        self.places.entry(text.to_owned()).or_insert_with(|| value.spot());
        self.seen.push(text.to_owned());
        Some(text.to_owned())
    }
}

impl Wechat {
    /// Takes every key of `[wechat]` that is there.
    fn fill(&mut self, table: &Table<'_>, path: &Path, surroundings: &Surroundings, need: Need) {
        set(&mut self.base_url, table.optional("base_url").and_then(|v| base_url(&v)));
        let whole = |key, range| table.optional(key).and_then(|v| v.whole(range));
        set(&mut self.page_size, whole("page_size", 1..=1_000).map(|n| n as u32));
        set(&mut self.max_in_flight, whole("max_in_flight", 1..=256).map(|n| n as usize));
        set(&mut self.calls_per_minute, whole("calls_per_minute", 1..=1_000_000).map(|n| n as u32));
        let timeout = table.optional("timeout");
        let range = Duration::from_secs(1)..=Duration::from_secs(600);
        set(&mut self.timeout, timeout.and_then(|v| v.duration(range)));
        self.proxy = table.optional("proxy").and_then(|v| proxy(&v)).or(self.proxy.take());
        let ca_file = table.optional("ca_file").and_then(|v| ca_file(&v, path, surroundings, need));
        self.ca_file = ca_file.or(self.ca_file.take());
    }
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

/// A file of certificates, read where calls are going to be made.
pub(super) fn ca_file(value: &Value<'_>, path: &Path, surroundings: &Surroundings, need: Need) -> Option<CaFile> {
    const HELP: &str = "name a file of certificates in PEM form, readable by the user of the service";
    let path = path.parent().unwrap_or(Path::new("")).join(value.words()?);
    if need != Need::Secrets {
        return Some(CaFile { path, pem: Arc::default() });
    }
    match files::read_certificates(&path, surroundings) {
        Ok(pem) if is_pem(&pem) => Some(CaFile { path, pem: pem.into() }),
        Ok(_) => {
            value.wrong("unreadable", format!("{}: there is no certificate in it", path.display()), HELP);
            None
        }
        Err(why) => {
            let help = why.help.unwrap_or_else(|| HELP.to_owned());
            value.wrong(why.code, format!("{}: {}", path.display(), why.message), help);
            None
        }
    }
}

fn is_pem(bytes: &[u8]) -> bool {
    let begin = b"-----BEGIN CERTIFICATE-----";
    bytes.windows(begin.len()).any(|part| part == begin)
}

/// An address calls go to: `https`, or `http` on this machine.
fn base_url(value: &Value<'_>) -> Option<String> {
    const EXAMPLE: &str = "write https:// and a host, e.g. \"https://api.weixin.qq.com\"";
    let text = value.words()?;
    let Some(url) = Url::parse(text).ok().filter(|url| url.host().is_some()) else {
        value.wrong("url", "`base_url` is no address", EXAMPLE);
        return None;
    };
    let extras = url.query().is_some() || url.fragment().is_some() || !url.username().is_empty();
    if extras || url.password().is_some() {
        value.wrong("url", "`base_url` holds more than scheme, host, port and path", EXAMPLE);
        return None;
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        // Whether a token would go there is seen with the account.
        "http" if url.host_str() == Some(SIDECAR_HOST) => {}
        "http" => {
            let message = "plain http:// would send the secret and the token readable by everybody on the way";
            value.wrong(
                "insecure",
                message,
                "use https://; http:// is accepted for this machine only (127.0.0.1, localhost)",
            );
            return None;
        }
        _ => {
            value.wrong("url", format!("`base_url` cannot be {}://", url.scheme()), EXAMPLE);
            return None;
        }
    }
    Some(url.as_str().trim_end_matches('/').to_owned())
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => Ipv4Addr::is_loopback(&ip),
        Some(Host::Ipv6(ip)) => Ipv6Addr::is_loopback(&ip),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// The address of a proxy.
pub(super) fn proxy(value: &Value<'_>) -> Option<ProxyAddress> {
    let text = value.words()?;
    let url = Url::parse(text).ok().filter(|url| url.host().is_some());
    let known = |url: &Url| ["http", "https", "socks5", "socks5h"].contains(&url.scheme());
    if !url.as_ref().is_some_and(known) {
        value.wrong(
            "url",
            "`proxy` is no address of a proxy",
            "e.g. \"http://10.0.0.1:3128\" or \"socks5h://10.0.0.1:1080\"",
        );
        return None;
    }
    Some(ProxyAddress::new(text))
}
