//! What somebody else keeps fresh: read from a program, a file or a service, never renewed.
//!
//! Promises bounded time and size wherever it is read, that nothing of what was
//! read is in an error, and that what is no single plain word is never sent.

use super::super::{
    AppId, BuildError, Error, Place, Settings,
    http::{Http, Reply, SecretHeader, Way},
    json::{Field, Fields, text_of},
    settings::Command,
};
use super::command;
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use std::{
    borrow::Cow,
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::timeout;

/// A token has some hundred characters, and WeChat asks for room for 512; this is room for a signed one, too.
const TEXT_MAX_BYTES: usize = 16 * 1024;
const WORD_MAX_BYTES: usize = 8 * 1024;

/// The reader of one place.
pub(super) struct Outside {
    place: Ready,
    timeout: Duration,
    /// `token` or `ticket`: what is read, for errors.
    what: &'static str,
}

enum Ready {
    Command(Command),
    File(PathBuf),
    Url(Box<Http>, Option<SecretHeader>),
}

/// One word, and how long it lives if that was said.
pub(super) struct Found {
    pub(super) text: SecretString,
    pub(super) expires_in_secs: Option<u64>,
}

impl Outside {
    pub(super) fn new(place: &Place, what: &'static str, way: &Way<'_>) -> Result<Outside, BuildError> {
        let ready = match place {
            Place::Command(command) => Ready::Command(command.clone()),
            Place::File(path) => Ready::File(path.clone()),
            Place::Url { url, header } => {
                let header = header.as_ref().map(SecretHeader::new).transpose()?;
                Ready::Url(Box::new(Http::to_service(url, way)?), header)
            }
        };
        Ok(Outside { place: ready, timeout: way.timeout, what })
    }

    /// Reads it now. `names` are the keys it may have in a JSON answer.
    pub(super) async fn read(&self, appid: &AppId, names: &[&str]) -> Result<Found, Error> {
        let text = match &self.place {
            Ready::Command(command) => command::output(command, appid, TEXT_MAX_BYTES).await,
            Ready::File(path) => self.file(path).await,
            Ready::Url(http, header) => {
                let reply = http.get_here(header.as_ref(), self.timeout, TEXT_MAX_BYTES).await;
                let reply = reply.map_err(|error| self.refused(error))?;
                return self.understood(found(Reply::body(&reply), names));
            }
        };
        let text = text.map_err(|problem| self.wrong(problem))?;
        self.understood(found(&text, names))
    }

    /// For every call, or only now and then: a file costs nothing.
    pub(super) fn is_file(&self) -> bool {
        matches!(self.place, Ready::File(_))
    }

    /// For people: what is read and where. No argument, header or query is in it.
    pub(super) fn source(&self) -> String {
        match &self.place {
            Ready::Command(command) => format!("command {}", command.program.display()),
            Ready::File(path) => format!("file {}", path.display()),
            Ready::Url(http, _) => format!("url {}", http.origin()),
        }
    }

    /// The same in an error, where no address may stand.
    pub(super) fn origin(&self) -> &'static str {
        match &self.place {
            Ready::Command(_) => "the command",
            Ready::File(_) => "the file",
            Ready::Url(..) => "the service at `url`",
        }
    }

    async fn file(&self, path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
        let path = path.to_owned();
        let reading = tokio::task::spawn_blocking(move || read_file(&path, TEXT_MAX_BYTES));
        // A file system that hangs must not hang the pass.
        match timeout(self.timeout, reading).await {
            Ok(Ok(read)) => read.map_err(|error| io_words(&error)),
            Ok(Err(_)) => Err("it cannot be read now".into()),
            Err(_) => Err(format!("it could not be read within {} s", self.timeout.as_secs())),
        }
    }

    /// It is this service that says no, not WeChat or somebody in its place; what may pass stays as it is.
    fn refused(&self, error: Error) -> Error {
        match error {
            Error::Http { status: status @ ..500 } => self.wrong(format!("it answers with HTTP status {status}")),
            error => error,
        }
    }

    fn understood(&self, found: Result<Found, String>) -> Result<Found, Error> {
        found.map_err(|problem| self.wrong(problem))
    }

    fn wrong(&self, problem: String) -> Error {
        let place = match &self.place {
            Ready::Url(..) => "the service at `url`".to_owned(),
            _ => format!("the {}", self.source()),
        };
        Error::Outside { what: format!("the {} from {place}", self.what), problem }
    }
}

/// How a place that is no HTTP service is reached.
pub(super) fn way_of(settings: &Settings) -> Way<'_> {
    Way {
        proxy: settings.proxy.as_ref().map(ExposeSecret::expose_secret),
        ca_pem: settings.ca_pem.as_deref(),
        timeout: settings.timeout,
        connections: &settings.connections,
    }
}

/// The bytes of a regular file. Opened so that a pipe without a writer does not keep us waiting.
fn read_file(path: &Path, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    // With room from the start: a growing buffer would leave copies of a token behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    match bytes.len() > limit {
        true => Err(io::Error::other(format!("it is larger than {limit} bytes"))),
        false => Ok(bytes),
    }
}

/// What an IO error says, without "(os error 2)".
pub(super) fn io_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "we may not use it".to_owned(),
        _ => error.to_string(),
    }
}

/// A plain word, or the field of a JSON object. Copies are wiped.
pub(super) fn found(bytes: &[u8], names: &[&str]) -> Result<Found, String> {
    match text_of(bytes) {
        Cow::Borrowed(text) => found_in(text, names),
        Cow::Owned(text) => found_in(&Zeroizing::new(text), names),
    }
}

fn found_in(text: &str, names: &[&str]) -> Result<Found, String> {
    if !text.starts_with('{') {
        return word(text, None);
    }
    let fields = Fields::of(text).ok_or("it is broken JSON")?;
    if let Some(name) = [names, &["expires_in"]].into_iter().find(|names| fields.is_doubled(names)) {
        return Err(format!("its JSON holds {} twice", name[0]));
    }
    let field = fields.get(names).ok_or_else(|| format!("its JSON holds no {}", names[0]))?;
    // Whatever is written there, it is a life's length: the keeper bounds it.
    let life = fields.get(&["expires_in"]).and_then(Field::about);
    let text = field.text().map(Zeroizing::new);
    let text = text.ok_or_else(|| format!("its {} is {}", names[0], field.kind().word()))?;
    word(text.trim(), life.map(|secs| u64::try_from(secs).unwrap_or(0)))
}

fn word(text: &str, expires_in_secs: Option<u64>) -> Result<Found, String> {
    match problem(text) {
        Some(problem) => Err(problem.into()),
        None => Ok(Found { text: text.into(), expires_in_secs }),
    }
}

/// Why a text can be no token or ticket.
fn problem(text: &str) -> Option<&'static str> {
    let odd = |c: char| !c.is_ascii_graphic() || matches!(c, '<' | '>' | '"' | '{' | '}' | '\\');
    match text {
        "" => Some("it is empty"),
        _ if text.len() > WORD_MAX_BYTES => Some("it is longer than any token"),
        _ if text.contains(odd) => Some("it is not one plain word"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_a_token() {
        let long = "x".repeat(512);
        let signed = "y".repeat(6000);
        let too_long = "z".repeat(9000);
        let cases = [
            ("TOKEN", Ok(("TOKEN", None))),
            ("  TOKEN\r\n", Ok(("TOKEN", None))),
            ("\u{feff}TOKEN\n", Ok(("TOKEN", None))),
            (&long, Ok((&*long, None))),
            (&signed, Ok((&*signed, None))),
            ("ticket@@@a-b_c==", Ok(("ticket@@@a-b_c==", None))),
            (r#"{"access_token":"T","expires_in":7200}"#, Ok(("T", Some(7200)))),
            (r#"{"access_token":"T","expires_in":"90"}"#, Ok(("T", Some(90)))),
            (r#"{"access_token":" T ","expires_in":-1,"more":[]}"#, Ok(("T", Some(0)))),
            (r#"{"access_token":"T","expires_in":"soon"}"#, Ok(("T", None))),
            (r#"{"access_token":"T","expires_in":7200.9}"#, Ok(("T", Some(7200)))),
            (r#"{"access_token":"T","access_token":"U"}"#, Err("its JSON holds access_token twice")),
            (r#"{"access_token":"T","expires_in":1,"expires_in":2}"#, Err("its JSON holds expires_in twice")),
            ("", Err("it is empty")),
            (" \n", Err("it is empty")),
            ("two words", Err("it is not one plain word")),
            ("two\nlines", Err("it is not one plain word")),
            ("<html>", Err("it is not one plain word")),
            ("令牌", Err("it is not one plain word")),
            (&too_long, Err("it is longer than any token")),
            (r#"{"errcode":40001,"errmsg":"T"}"#, Err("its JSON holds no access_token")),
            (r#"{"access_token":null}"#, Err("its JSON holds no access_token")),
            (r#"{"access_token":12}"#, Err("its access_token is a number")),
            (r#"{"access_token":"a b"}"#, Err("it is not one plain word")),
            (r#"{"access_token":"a"#, Err("it is broken JSON")),
        ];
        for (text, expected) in cases {
            let read = found(text.as_bytes(), &["access_token"]);
            let read = read.as_ref().map(|found| (found.text.expose_secret(), found.expires_in_secs));
            assert_eq!(read.map_err(String::as_str), expected, "{text}");
        }
    }

    #[test]
    fn files_that_are_none() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("token");
        assert_eq!(io_words(&read_file(&path, 10).expect_err("nothing there")), "there is no such file");
        std::fs::write(&path, "0123456789").expect("a file");
        assert_eq!(read_file(&path, 10).expect("ten bytes").as_slice(), b"0123456789");
        assert!(read_file(&path, 9).is_err(), "one too many");
        assert!(read_file(dir.path(), 10).is_err(), "a directory");
        assert!(read_file(Path::new("/dev/zero"), 10).is_err(), "a device");
        let pipe = dir.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
        assert!(made.success() && read_file(&pipe, 10).is_err(), "a pipe nobody writes into");
    }
}
