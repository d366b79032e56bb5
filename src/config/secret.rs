//! Secrets: where they come from, and reading them without ever showing them.

use super::{Need, Surroundings, files};
use crate::document::{Table, Value};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A secret and where it comes from. Prints as its origin.
#[derive(Debug, Clone)]
pub struct Secret {
    origin: Origin,
    value: Option<SecretString>,
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An environment variable.
    Env(String),
    /// A file.
    File(PathBuf),
    /// A file in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

/// The same words from the same place.
impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        let words = |secret: &Secret| secret.value.as_ref().map(|value| value.expose_secret().to_owned());
        self.origin == other.origin && words(self) == words(other)
    }
}

impl Eq for Secret {}

impl Secret {
    /// The secret; `None` unless the configuration was loaded with [`Need::Secrets`].
    pub fn value(&self) -> Option<&SecretString> {
        self.value.as_ref()
    }

    /// Where it comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Looks whether it can be had now; it is read and forgotten. Gives the permissions of the file that `file` names.
    ///
    /// # Errors
    /// Why not, and what to do; the secret is not in it.
    pub fn look(&self, surroundings: &Surroundings) -> Result<Option<u32>, Unread> {
        let read = fetch(&self.origin, surroundings).and_then(tidy);
        read.map_err(|(why, help)| Unread { why, help })?;
        Ok(match &self.origin {
            Origin::File(path) => std::fs::metadata(path).ok().map(|found| found.permissions().mode() & 0o7777),
            Origin::Env(_) | Origin::Credential(_) => None,
        })
    }
}

/// A secret that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// What is wrong.
    pub why: String,
    /// What would be right.
    pub help: String,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Env(name) => write!(f, "environment variable {name}"),
            Origin::File(path) => write!(f, "file {}", path.display()),
            Origin::Credential(name) => write!(f, "credential {name}"),
        }
    }
}

const WAYS: &str = "write { env = \"NAME\" }, { file = \"PATH\" } or { credential = \"NAME\" }";

/// A secret's table. `path` is the file that names it.
pub(super) fn read(value: &Value<'_>, path: &Path, surroundings: &Surroundings, need: Need) -> Option<Secret> {
    if value.is_text() || value.is_whole() {
        value.reading().mask(value.spot());
        value.wrong("secret", "a secret must not stand in the configuration itself", WAYS);
        return None;
    }
    let table = value.table("`secret`")?.confidential();
    let origin = origin(&table, path);
    table.finish();
    let (origin, named) = origin?;
    if need != Need::Secrets {
        return Some(Secret { origin, value: None });
    }
    match fetch(&origin, surroundings).and_then(tidy) {
        Ok(value) => Some(Secret { origin, value: Some(value) }),
        Err((why, help)) => {
            named.wrong("secret", why, help);
            None
        }
    }
}

/// Exactly one of the three.
fn origin<'a>(table: &Table<'a>, path: &Path) -> Option<(Origin, Value<'a>)> {
    let mut ways: Vec<(&str, Value<'a>)> =
        ["env", "file", "credential"].into_iter().filter_map(|key| Some((key, table.optional(key)?))).collect();
    if ways.len() != 1 {
        let message = match ways.len() {
            0 => "the secret does not say where it comes from",
            _ => "the secret says more than one place it comes from",
        };
        for (_, value) in &ways {
            table.reading().mask(value.spot());
        }
        table.reading().report_help("secret", table.spot(), message, WAYS);
        return None;
    }
    let (key, value) = ways.pop()?;
    let text = value.words()?;
    if key != "file" && looks_secret(text) {
        table.reading().mask(value.spot());
        value.wrong("secret", format!("`{key}` wants a name, and this looks like the secret itself"), WAYS);
        return None;
    }
    let origin = match key {
        "env" => Origin::Env(text.to_owned()),
        "file" => Origin::File(path.parent().unwrap_or(Path::new("")).join(text)),
        _ if text.contains('/') || text == ".." => {
            value.wrong("secret", "a credential is a plain name", "for a path write { file = \"PATH\" }");
            return None;
        }
        _ => Origin::Credential(text.to_owned()),
    };
    Some((origin, value))
}

/// An AppSecret is 32 hexadecimal digits.
fn looks_secret(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

type Trouble = (String, String);

fn fetch(origin: &Origin, surroundings: &Surroundings) -> Result<Zeroizing<String>, Trouble> {
    match origin {
        Origin::Env(name) => match (surroundings.env)(name).map(|v| text_of(v.into_encoded_bytes())) {
            Some(Some(value)) => Ok(value),
            Some(None) => Err((format!("the environment variable {name} is not UTF-8"), "set it again".to_owned())),
            None => Err((
                format!("the environment variable {name} is not set"),
                format!("set it for the service, e.g. in an EnvironmentFile, or: export {name}=…"),
            )),
        },
        Origin::File(path) => from_file(path, surroundings),
        Origin::Credential(name) => match &surroundings.credentials_dir {
            Some(dir) => from_file(&dir.join(name), surroundings),
            None => Err((
                format!("credential {name}: $CREDENTIALS_DIRECTORY is not set"),
                format!(
                    "systemd gives it to the service alone: sudo menshen-as-service COMMAND, with LoadCredential={name}:PATH in the unit; elsewhere use env or file"
                ),
            )),
        },
    }
}

fn from_file(path: &Path, surroundings: &Surroundings) -> Result<Zeroizing<String>, Trouble> {
    files::read_secret(path, surroundings).map_err(|why| {
        let help = why.help.unwrap_or_else(|| "the file holds the secret and nothing else".to_owned());
        (format!("{}: {}", path.display(), why.message), help)
    })
}

/// What is no text is wiped, too.
fn text_of(bytes: Vec<u8>) -> Option<Zeroizing<String>> {
    let bytes = Zeroizing::new(bytes);
    std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}

/// White space around it goes; what is left must be one word.
fn tidy(text: Zeroizing<String>) -> Result<SecretString, Trouble> {
    let word = text.trim_start_matches('\u{feff}').trim();
    if word.is_empty() {
        return Err(("the secret is empty".to_owned(), "it was looked for here and nothing is in it".to_owned()));
    }
    if word.chars().any(|c| c.is_whitespace() || c.is_control()) {
        let why = "the secret is more than one word".to_owned();
        return Err((why, "the secret stands alone, on one line".to_owned()));
    }
    Ok(SecretString::from(word))
}
