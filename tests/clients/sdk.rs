//! Getting the SDKs, and talking to them.
//!
//! A client is a process that asks what it is given, a JSON question a line, and says what the SDK made of the answer.

use crate::support::wechat::WeChat;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;
use tempfile::TempDir;

/// The longest an installation may take, in seconds.
const INSTALL_SECS: &str = "180";
/// Far beyond what an answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Wechatpy,
    EasyWechat,
}

impl Kind {
    pub(crate) const ALL: [Kind; 2] = [Kind::Wechatpy, Kind::EasyWechat];

    /// Which cell of a row of the page is about it.
    pub(crate) fn column(self) -> usize {
        match self {
            Kind::Wechatpy => 1,
            Kind::EasyWechat => 2,
        }
    }

    /// The SDK, installed if it was not yet; `None` where that cannot be, which is said once.
    pub(crate) fn installed(self) -> Option<Sdk> {
        static KNOWN: [OnceLock<Option<PathBuf>>; 2] = [OnceLock::new(), OnceLock::new()];
        let dir = KNOWN[self as usize].get_or_init(|| match self.install() {
            Ok(dir) => Some(dir),
            Err(why) => {
                // Past the test harness, which hides what passing tests print.
                let words = format!("\n!!!! SKIPPED: {self:?} is not held against the sandbox: {why}\n\n");
                std::io::stderr().write_all(words.as_bytes()).expect("standard error is open");
                None
            }
        });
        dir.clone().map(|dir| Sdk { kind: self, dir })
    }

    fn install(self) -> Result<PathBuf, String> {
        let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
        fs::create_dir_all(&all).map_err(|error| error.to_string())?;
        // One test run at a time; given back when it is closed.
        let lock = File::create(all.join("lock")).map_err(|error| error.to_string())?;
        lock.lock().map_err(|error| error.to_string())?;
        let dir = all.join(format!("{self:?}"));
        let (wanted, mark) = (self.pins(), dir.join("installed"));
        if fs::read_to_string(&mark).is_ok_and(|there| there == wanted) {
            return Ok(dir);
        }
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).map_err(|error| error.to_string())?;
        match self {
            Kind::Wechatpy => install_wechatpy(&dir)?,
            Kind::EasyWechat => install_easywechat(&dir)?,
        }
        fs::write(&mark, wanted).map_err(|error| error.to_string())?;
        Ok(dir)
    }

    /// What is to be installed.
    fn pins(self) -> String {
        match self {
            Kind::Wechatpy => ours("requirements.txt"),
            Kind::EasyWechat => ours("package.json") + &ours("package-lock.json"),
        }
    }
}

fn install_wechatpy(dir: &Path) -> Result<(), String> {
    fs::write(dir.join("requirements.txt"), ours("requirements.txt")).map_err(|error| error.to_string())?;
    bounded(dir, &["python3", "-m", "venv", "."])?;
    let pip = "bin/python -m pip install --quiet --disable-pip-version-check --no-input --retries 1 --timeout 15 \
               --only-binary :all: -r requirements.txt";
    bounded(dir, &pip.split_whitespace().collect::<Vec<_>>())?;
    bounded(dir, &["bin/python", "-c", "import wechatpy"])
}

fn install_easywechat(dir: &Path) -> Result<(), String> {
    for file in ["package.json", "package-lock.json"] {
        fs::write(dir.join(file), ours(file)).map_err(|error| error.to_string())?;
    }
    let npm = "npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=1 --fetch-timeout=20000";
    bounded(dir, &npm.split_whitespace().collect::<Vec<_>>())?;
    bounded(dir, &["node", "-e", "require('node-easywechat')"])
}

/// Runs a command in a directory, for so long and no longer.
fn bounded(dir: &Path, command: &[&str]) -> Result<(), String> {
    let mut timeout = Command::new("timeout");
    timeout.args(["-k", "5", INSTALL_SECS]).args(command).current_dir(dir).stdin(Stdio::null());
    let ran = timeout.output().map_err(|error| format!("timeout: {error}"))?;
    let said = String::from_utf8_lossy(&ran.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if ran.status.success() { Ok(()) } else { Err(format!("`{}` failed, {}: {last}", command.join(" "), ran.status)) }
}

/// A file beside this one.
fn ours(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// An SDK that can be used.
#[derive(Debug, Clone)]
pub(crate) struct Sdk {
    kind: Kind,
    dir: PathBuf,
}

impl Sdk {
    /// A client of an account, in a process of its own.
    pub(crate) fn talk(&self, wechat: &WeChat, appid: &str, secret: &str) -> Conversation {
        let cache = TempDir::new().expect("a temporary directory");
        let mut command = match self.kind {
            Kind::Wechatpy => {
                let mut command = Command::new(self.dir.join("bin/python"));
                command.arg(path("wechatpy_client.py"));
                command
            }
            Kind::EasyWechat => {
                let mut command = Command::new("node");
                command.arg(path("easywechat_client.js")).arg(self.dir.join("node_modules/node-easywechat"));
                command
            }
        };
        command.args([&wechat.base_url(), appid, secret]).arg(cache.path());
        // No proxy of whoever runs this stands between them.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("PYTHONUTF8", "1");
        let mut process = command
            .current_dir(cache.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{:?}: {error}", self.kind));
        let (line, lines) = mpsc::channel();
        let stdout = BufReader::new(process.stdout.take().expect("piped"));
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|said| line.send(said)));
        let questions = process.stdin.take().expect("piped");
        Conversation { sdk: self.clone(), process, questions, lines, _cache: cache }
    }
}

/// A client that runs. Ends when dropped.
pub(crate) struct Conversation {
    sdk: Sdk,
    process: Child,
    questions: ChildStdin,
    lines: mpsc::Receiver<String>,
    _cache: TempDir,
}

impl Conversation {
    pub(crate) fn sdk(&self) -> Sdk {
        self.sdk.clone()
    }

    pub(crate) fn kind(&self) -> Kind {
        self.sdk.kind
    }

    /// Where it gets its tokens, as the ledger names it.
    pub(crate) fn token_endpoint(&self) -> &'static str {
        match self.sdk.kind {
            Kind::Wechatpy => "token",
            Kind::EasyWechat => "stable_token",
        }
    }

    /// A call of `/wxa/devplugin`.
    pub(crate) fn post(&mut self, body: &Value) -> Said {
        self.post_to("wxa/devplugin", body)
    }

    pub(crate) fn post_to(&mut self, path: &str, body: &Value) -> Said {
        Said { kind: self.sdk.kind, value: self.ask(&json!({ "path": path, "body": body })) }
    }

    /// A good token again, for those that do not see to it themselves; then all must be well.
    #[track_caller]
    pub(crate) fn calm(&mut self, call: &Value) {
        if self.sdk.kind == Kind::EasyWechat {
            let again = self.ask(&json!({ "refresh": true }));
            assert!(again.get("raised").is_none(), "{again}");
        }
        assert_eq!(self.post(call).in_a_word(), "ok");
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.questions, "{question}").expect("it listens");
        let line = self.lines.recv_timeout(PATIENCE).expect("it says something, in time");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What an SDK made of an answer.
#[derive(Debug)]
pub(crate) struct Said {
    kind: Kind,
    value: Value,
}

impl Said {
    /// What WeChat answered, with errcode 0.
    #[track_caller]
    pub(crate) fn answer(self) -> Value {
        assert_eq!(self.in_a_word(), "ok", "{:?}", self.value);
        self.value["answer"].clone()
    }

    /// The errcode that its caller gets to see, and the words with it.
    #[track_caller]
    pub(crate) fn error(&self) -> (i64, String) {
        let told = match self.kind {
            Kind::Wechatpy => &self.value,
            Kind::EasyWechat => &self.value["answer"],
        };
        let words = told["errmsg"].as_str().unwrap_or_default().to_owned();
        (told["errcode"].as_i64().unwrap_or_else(|| panic!("no errcode: {self:?}")), words)
    }

    /// Everything it said.
    pub(crate) fn words(&self) -> String {
        self.value.to_string()
    }

    /// In the words of the page.
    pub(crate) fn in_a_word(&self) -> String {
        let text = |field: &str| self.value[field].as_str().map(str::to_owned);
        if let Some(raised) = text("raised") {
            return self.value["errcode"].as_i64().map_or(raised.clone(), |code| format!("{raised} {code}"));
        }
        if let Some(other) = text("other") {
            return other;
        }
        match (&self.value["failed"], &self.value["answer"], &self.value["answer"]["errcode"]) {
            (Value::Bool(true), _, _) => "isFailed()".to_owned(),
            (_, Value::Null, _) => "nothing".to_owned(),
            (_, _, Value::Null) => "no errcode".to_owned(),
            (_, _, code) if *code == 0 => "ok".to_owned(),
            (_, _, code) => format!("errcode {code}"),
        }
    }
}
