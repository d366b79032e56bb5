//! `token = { ... }` of an account, and `[platform]`: how access tokens are got.
//!
//! Promises that what a kind needs is there, that what it has no use for is
//! told, and that a program is one that can be run and that others may not write.

use super::account::{self, Defaults};
use super::files;
use super::secret::{self, Secret};
use super::{Need, Surroundings};
use crate::document::{Table, Value};
use crate::policy::AppId;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How an access token is got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// `stable_token` with the AppSecret.
    Stable {
        /// The AppSecret.
        secret: Secret,
    },
    /// `cgi-bin/token` with the AppSecret: ends the token other systems hold.
    Classic {
        /// The AppSecret.
        secret: Secret,
    },
    /// Somebody else keeps it fresh.
    External {
        /// Where he hands it out.
        place: Place,
        /// It is used no longer than this without being read again.
        max_age: Duration,
    },
    /// The token file of WeChat's cloud hosting.
    Cloudbase {
        /// The mounted file.
        file: PathBuf,
    },
    /// None: the side-car of WeChat's cloud hosting adds it.
    None,
    /// Through `[platform]`.
    Authorizer,
}

impl Token {
    /// The word of the configuration.
    pub fn kind(&self) -> &'static str {
        match self {
            Token::Stable { .. } => "stable",
            Token::Classic { .. } => "classic",
            Token::External { .. } => "external",
            Token::Cloudbase { .. } => "cloudbase",
            Token::None => "none",
            Token::Authorizer => "authorizer",
        }
    }
}

/// Where somebody else hands out a token or a ticket.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// What a program prints.
    Command(Command),
    /// What stands in a file.
    File(PathBuf),
    /// What a service answers.
    Url {
        /// `https://`, or `http://` on this machine.
        url: String,
        /// Sent along.
        header: Option<Header>,
    },
}

/// Without arguments and query: a secret may stand there.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Command(command) => command.fmt(f),
            Place::File(path) => f.debug_tuple("File").field(path).finish(),
            Place::Url { url, header } => {
                let url = url.split(['?', '#']).next();
                f.debug_struct("Url").field("url", &url).field("header", header).finish()
            }
        }
    }
}

/// A program and its arguments.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// Its path; as written unless loaded with [`Need::Secrets`].
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Then it is killed.
    pub timeout: Duration,
}

impl fmt::Debug for Command {
    /// Without the arguments: one may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("program", &self.program).finish_non_exhaustive()
    }
}

/// A header with a secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// What stands before the secret, e.g. `Bearer `.
    pub prefix: String,
    /// The secret.
    pub secret: Secret,
}

impl Header {
    /// The whole value; `None` unless loaded with [`Need::Secrets`].
    pub fn value(&self) -> Option<SecretString> {
        let secret = self.secret.value()?;
        // Of its size from the start: a text that grows leaves copies behind.
        let mut value = String::with_capacity(self.prefix.len() + secret.expose_secret().len());
        value.push_str(&self.prefix);
        value.push_str(secret.expose_secret());
        Some(SecretString::from(value))
    }
}

/// `[platform]`: the third-party platform that acts for accounts with `kind = "authorizer"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// `component_appid`.
    pub appid: AppId,
    /// `component_appsecret`.
    pub secret: Secret,
    /// Where its receiver puts `component_verify_ticket`.
    pub ticket: Place,
}

/// Where WeChat's cloud hosting mounts the token.
const CLOUDBASE_FILE: &str = "/.tencentcloudbase/wx/cloudbase_access_token";
const SECOND: Duration = Duration::from_secs(1);

/// The kinds, before their keys are read.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Stable,
    Classic,
    External,
    Cloudbase,
    None,
    Authorizer,
}

const KINDS: [(&str, Kind); 6] = [
    ("stable", Kind::Stable),
    ("classic", Kind::Classic),
    ("external", Kind::External),
    ("cloudbase", Kind::Cloudbase),
    ("none", Kind::None),
    ("authorizer", Kind::Authorizer),
];

/// Reads `token`.
pub(super) fn read(value: &Value<'_>, defaults: &Defaults<'_>) -> Option<Token> {
    if value.is_text() {
        value.reading().mask(value.spot());
    }
    let table = value.table("`token`")?.confidential();
    let written = table.optional("kind");
    let kind = match &written {
        None => Some(Kind::Stable),
        Some(written) => written.one_of(&KINDS),
    };
    let Some(kind) = kind else {
        // Which keys it needs is not known then; none of them is wrong, but a secret must not be shown.
        let secret = table.optional("secret");
        secret.and_then(|v| secret::read(&v, defaults.path, defaults.surroundings, defaults.need));
        table.optional("command").iter().for_each(cover_arguments);
        for key in ["timeout", "file", "url", "header", "max_age"] {
            table.optional(key);
        }
        table.finish();
        return None;
    };
    let token = of_kind(kind, &table, defaults);
    if matches!(kind, Kind::Authorizer) && !defaults.has_platform {
        let help = "name the third-party platform: [platform] with appid, secret and ticket";
        written.unwrap_or(value.clone()).wrong(
            "missing",
            "there is no [platform] that could act for this account",
            help,
        );
    }
    table.finish();
    token
}

fn of_kind(kind: Kind, table: &Table<'_>, defaults: &Defaults<'_>) -> Option<Token> {
    let secret = || secret_in(table, defaults);
    Some(match kind {
        Kind::Stable => Token::Stable { secret: secret()? },
        Kind::Classic => Token::Classic { secret: secret()? },
        Kind::External => {
            let max_age = table.optional("max_age");
            let max_age = max_age.map_or(Some(300 * SECOND), |v| v.duration(SECOND..=7200 * SECOND));
            Token::External { place: place(table, defaults)?, max_age: max_age? }
        }
        Kind::Cloudbase => {
            let file = table.optional("file").map_or(Some(CLOUDBASE_FILE), |v| v.words());
            Token::Cloudbase { file: beside(defaults.path, file?) }
        }
        Kind::None => Token::None,
        Kind::Authorizer => Token::Authorizer,
    })
}

/// Reads `[platform]`.
pub(super) fn platform(value: &Value<'_>, defaults: &Defaults<'_>) -> Option<Platform> {
    let table = value.table("[platform]")?.confidential();
    let appid = table.required("appid").and_then(|v| v.words().map(str::to_owned));
    let secret = secret_in(&table, defaults);
    let ticket = table.required("ticket").and_then(|v| {
        if v.is_text() {
            // The ticket itself, it seems.
            v.reading().mask(v.spot());
        }
        let table = v.table("`ticket`")?.confidential();
        let place = place(&table, defaults);
        table.finish();
        place
    });
    table.finish();
    Some(Platform { appid: AppId::new(appid?.trim()), secret: secret?, ticket: ticket? })
}

fn secret_in(table: &Table<'_>, defaults: &Defaults<'_>) -> Option<Secret> {
    let value = table.required("secret")?;
    secret::read(&value, defaults.path, defaults.surroundings, defaults.need)
}

/// Exactly one of `command`, `file` and `url`.
fn place(table: &Table<'_>, defaults: &Defaults<'_>) -> Option<Place> {
    const WAYS: &str = "write command = [\"PROGRAM\", \"ARGUMENT\"], file = \"PATH\" or url = \"https://…\"";
    let ways = ["command", "file", "url"].map(|key| table.optional(key));
    let timeout = table.optional("timeout").filter(|_| ways[0].is_some());
    let header = table.optional("header").filter(|_| ways[2].is_some());
    match ways {
        [Some(command), None, None] => {
            let timeout = timeout.map_or(Some(10 * SECOND), |v| v.duration(SECOND..=600 * SECOND));
            let (program, args) = command_line(&command, defaults)?;
            Some(Place::Command(Command { program, args, timeout: timeout? }))
        }
        [None, Some(file), None] => Some(Place::File(beside(defaults.path, file.words()?))),
        [None, None, Some(url)] => {
            let header = header.map(|v| self::header(&v, defaults));
            let url = address(&url)?;
            Some(Place::Url { url, header: header.map_or(Some(None), |read| read.map(Some))? })
        }
        [None, None, None] => {
            let message = "it is not said where the token is handed out";
            table.reading().report_help("missing", table.spot(), message, WAYS);
            None
        }
        _ => {
            let message = "it is said twice where the token is handed out";
            table.reading().report_help("value", table.spot(), message, WAYS);
            None
        }
    }
}

fn command_line(value: &Value<'_>, defaults: &Defaults<'_>) -> Option<(PathBuf, Vec<String>)> {
    cover_arguments(value);
    if value.is_text() {
        let help = "one text for each word; there is no shell: [\"/usr/local/bin/wx-token\", \"--fresh\"]";
        value.wrong("kind", "`command` is a text: expected a list of texts", help);
        return None;
    }
    let words = value.filled_list()?;
    let args = words.iter().skip(1).map(|word| word.text().map(str::to_owned)).collect::<Option<Vec<_>>>();
    let program = words.first()?;
    let name = program.words()?;
    if defaults.need != Need::Secrets {
        return Some((PathBuf::from(name), args?));
    }
    let found = find(name, defaults.path, defaults.surroundings);
    let checked = match found {
        Some(path) => files::check_program(&path, defaults.surroundings).map(|()| path),
        None => Err(files::no_program(name)),
    };
    match checked {
        Ok(path) => Some((path, args?)),
        Err(why) => {
            let help = why.help.unwrap_or_else(|| "it is run as the user of the service, without a shell".to_owned());
            program.wrong(why.code, format!("the command cannot be used: {}", why.message), help);
            None
        }
    }
}

/// What a program is told may be a secret, so no error shows it.
pub(super) fn cover_arguments(command: &Value<'_>) {
    match command.is_text() {
        true => command.reading().mask(command.spot()),
        false => command.list_quietly().iter().skip(1).for_each(|word| word.reading().mask(word.spot())),
    }
}

/// A path from the file that names it, or a name sought in `PATH`.
fn find(name: &str, path: &Path, surroundings: &Surroundings) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(beside(path, name));
    }
    let path = (surroundings.env)("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|program| program.is_file())
}

fn header(value: &Value<'_>, defaults: &Defaults<'_>) -> Option<Header> {
    let table = value.table("`header`")?.confidential();
    let name = table.required("name");
    let prefix = table.optional("prefix").map_or(Some(""), |v| v.text());
    let secret = secret_in(&table, defaults);
    table.finish();
    let (name, prefix) = (name?, prefix?);
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let text = name.words()?;
    if !text.chars().all(token) {
        name.wrong("value", format!("`{text}` is no name of a header"), "e.g. name = \"Authorization\"");
        return None;
    }
    if !prefix.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        table_wrong(value, "`prefix` holds a character no header may hold");
        return None;
    }
    Some(Header { name: text.to_owned(), prefix: prefix.to_owned(), secret: secret? })
}

fn table_wrong(value: &Value<'_>, message: &str) {
    value.wrong("value", message, "e.g. prefix = \"Bearer \"");
}

/// The address of a service that hands out tokens.
fn address(value: &Value<'_>) -> Option<String> {
    const EXAMPLE: &str = "e.g. \"https://tokens.internal/wx0123456789abcdef\"";
    let text = value.words()?;
    let Some(url) = url::Url::parse(text).ok().filter(|url| url.host().is_some()) else {
        value.wrong("url", "`url` is no address", EXAMPLE);
        return None;
    };
    if !url.username().is_empty() || url.password().is_some() {
        let help = "write header = { name = \"Authorization\", prefix = \"Bearer \", secret = { env = \"NAME\" } }";
        value.wrong("url", "`url` holds a user name or password", help);
        return None;
    }
    match url.scheme() {
        "https" => Some(text.to_owned()),
        "http" if account::is_loopback(&url) => Some(text.to_owned()),
        "http" => {
            let message = "plain http:// would send the token readable by everybody on the way";
            value.wrong("insecure", message, "use https://; http:// is accepted for this machine only");
            None
        }
        scheme => {
            value.wrong("url", format!("`url` cannot be {scheme}://"), EXAMPLE);
            None
        }
    }
}

/// Relative to the file that names it.
fn beside(path: &Path, file: &str) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).join(file)
}
