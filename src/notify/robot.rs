//! Whoever is told: one configured robot, webhook or command.

use super::answer::{self, Again, Undelivered};
use super::http::Http;
use super::notice::{Language, Letter};
use super::pace::{Pace, Whose};
use super::words::Reading;
use super::{command, message, sign, spoken};
use jiff::{Timestamp, tz::TimeZone};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a robot is made of. The configuration has checked it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Ours; unique.
    pub name: String,
    /// What it is, and where.
    pub kind: Kind,
    /// Comes first in every message, for robots that take only messages with it.
    pub keyword: Option<String>,
    /// The language it is written to in.
    pub language: Language,
    /// For the times in messages.
    pub timezone: TimeZone,
    /// An HTTP or SOCKS proxy on the way to its address; it may hold a password. Not used for this machine itself.
    pub proxy: Option<SecretString>,
    /// Certificates (PEM) to trust beside the machine's own.
    pub ca_pem: Option<Arc<[u8]>>,
}

/// What is told, and where. An address is a secret: who has it may write to the chat.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A group robot of WeCom (企业微信).
    Wecom {
        /// Its address.
        url: SecretString,
    },
    /// A custom robot of Feishu (飞书).
    Feishu {
        /// Its address.
        url: SecretString,
        /// Its signing secret.
        secret: Option<SecretString>,
    },
    /// A custom robot of DingTalk (钉钉).
    Dingtalk {
        /// Its address.
        url: SecretString,
        /// Its signing secret.
        secret: Option<SecretString>,
    },
    /// Anything that takes our JSON.
    Webhook {
        /// Its address.
        url: SecretString,
        /// The signing secret we share with it.
        secret: SecretString,
    },
    /// A program that reads our JSON.
    Command {
        /// The program and its arguments.
        argv: Vec<String>,
    },
}

/// Why nobody can be told. Names no address, neither the robot's nor the proxy's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The address is none.
    #[error("the secret `url` holds no address")]
    Url,
    /// TLS cannot be set up, as on a machine without root certificates.
    #[error("TLS: {problem}; install the package ca-certificates")]
    Tls {
        /// What is wrong with it.
        problem: String,
    },
    /// The certificates of `ca_file` cannot be used.
    #[error("ca_file: {problem}")]
    CaFile {
        /// What is wrong with them.
        problem: String,
    },
    /// The proxy's address is none.
    #[error("proxy: {problem}")]
    Proxy {
        /// What is wrong with it.
        problem: String,
    },
}

/// One that can be told, and how often it was.
pub struct Robot {
    settings: Settings,
    http: Option<Http>,
    pace: Pace,
}

/// First wait after a failure; doubled each time …
const SOON: Duration = Duration::from_secs(15);
/// … up to this. What a person must mend is tried so often from the beginning.
const SELDOM: Duration = Duration::from_secs(30 * 60);

impl Robot {
    /// Makes it ready; nothing is sent yet.
    ///
    /// # Errors
    /// The address or the proxy's is none, or TLS cannot be set up.
    pub fn new(settings: Settings) -> Result<Robot, BuildError> {
        let http = match &settings.kind {
            Kind::Wecom { url } | Kind::Feishu { url, .. } | Kind::Dingtalk { url, .. } | Kind::Webhook { url, .. } => {
                let proxy = settings.proxy.as_ref().map(ExposeSecret::expose_secret);
                Some(Http::new(url.expose_secret(), proxy, settings.ca_pem.as_deref())?)
            }
            Kind::Command { .. } => None,
        };
        let pace = settings.kind.pace();
        Ok(Robot { settings, http, pace })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Takes over how often another one, the same before a reload, was told. What it failed for may be mended by the reload,
    /// so that is forgotten.
    pub fn keep_pace_of(&mut self, earlier: &Robot) {
        self.pace = earlier.pace.clone();
        self.pace.forgive();
    }

    /// The earliest instant, from `now` on, at which it may be told something.
    pub fn next(&self, now: Timestamp) -> Timestamp {
        self.pace.next(now)
    }

    /// Tells it. The caller has waited for [`Robot::next`].
    ///
    /// # Errors
    /// It was not taken, or that is not known. [`Robot::next`] then says when to try again.
    pub async fn tell(&mut self, letter: &Letter, now: Timestamp) -> Result<(), Undelivered> {
        self.pace.goes(now);
        let told = self.send(letter, now).await;
        match &told {
            Ok(()) => self.pace.taken(),
            Err(error) => match error.again() {
                Again::Soon => {
                    self.pace.failed(now, Whose::Ours, |failures| (SOON * 2_u32.pow(failures.min(10))).min(SELDOM));
                }
                Again::After(wait) => self.pace.failed(now, Whose::Theirs, |_| wait),
                Again::Seldom => self.pace.failed(now, Whose::Ours, |_| SELDOM),
            },
        }
        told
    }

    async fn send(&self, letter: &Letter, now: Timestamp) -> Result<(), Undelivered> {
        let settings = &self.settings;
        let reading = Reading { language: settings.language, timezone: &settings.timezone, now };
        let keyword = settings.keyword.as_deref();
        let bytes = |value: serde_json::Value| value.to_string().into_bytes();
        match &settings.kind {
            Kind::Wecom { .. } => {
                let body = bytes(message::wecom(letter, &reading, keyword));
                answer::wecom(&self.http().post(&[], &[], body).await?)
            }
            Kind::Feishu { secret, .. } => {
                let seconds = now.as_second();
                let signature =
                    secret.as_ref().map(|s| (seconds.to_string(), sign::feishu(seconds, s.expose_secret())));
                let body = bytes(message::feishu(letter, &reading, keyword, signature));
                answer::feishu(&self.http().post(&[], &[], body).await?)
            }
            Kind::Dingtalk { secret, .. } => {
                let body = bytes(message::dingtalk(letter, &reading, keyword));
                let ms = now.as_millisecond().to_string();
                let sign = secret.as_ref().map(|s| sign::dingtalk(now.as_millisecond(), s.expose_secret()));
                let query: Vec<(&str, &str)> =
                    sign.iter().flat_map(|sign| [("timestamp", ms.as_str()), ("sign", sign)]).collect();
                answer::dingtalk(&self.http().post(&query, &[], body).await?)
            }
            Kind::Webhook { secret, .. } => {
                let body = spoken::json(letter);
                let seconds = now.as_second().to_string();
                let sign = sign::webhook(now.as_second(), &body, secret.expose_secret());
                let headers = [
                    ("x-menshen-event", letter.notice.event.word()),
                    ("x-menshen-id", &letter.id),
                    ("x-menshen-timestamp", &seconds),
                    ("x-menshen-signature", &sign),
                ];
                self.http().post(&[], &headers, body).await.map(drop)
            }
            Kind::Command { argv } => command::run(argv, letter.notice.event.word(), &spoken::json(letter)).await,
        }
    }

    fn http(&self) -> &Http {
        self.http.as_ref().expect("every kind with an address got one when it was made")
    }
}

impl Kind {
    /// Half of what each allows: WeCom and DingTalk 20 a minute, Feishu 100 a minute and 5 a second.
    fn pace(&self) -> Pace {
        match self {
            Kind::Wecom { .. } | Kind::Dingtalk { .. } => Pace::new(10, Duration::ZERO, false),
            Kind::Feishu { .. } => Pace::new(50, Duration::from_millis(400), true),
            Kind::Webhook { .. } | Kind::Command { .. } => Pace::new(60, Duration::ZERO, false),
        }
    }
}

impl fmt::Debug for Robot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Robot").field("name", &self.settings.name).finish_non_exhaustive()
    }
}
