//! What a client is built from.

use super::{AppId, Connections, Lane, PAGE_CEILING, Platform};
use secrecy::SecretString;
use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

/// What a [`Client`](super::Client) is built from: one account. The configuration has checked it; the client checks what it must not get wrong.
#[derive(Clone)]
pub struct Settings {
    /// The account's own appid.
    pub appid: AppId,
    /// Where its access token comes from.
    pub token: TokenSource,
    /// `https://api.weixin.qq.com`, or where it is simulated. Plain http is taken for loopback, and without any token for `api.weixin.qq.com`.
    pub base_url: String,
    /// `num`: entries asked for on a page.
    pub page_size: u32,
    /// Calls of this account under way at once.
    pub max_in_flight: usize,
    /// Calls of this account in any sixty seconds; calls for tokens are not counted.
    pub calls_per_minute: u32,
    /// For one call, from connecting to the last byte.
    pub timeout: Duration,
    /// `http://`, `https://` or `socks5://`. Never used for loopback. `HTTP_PROXY` and its kin are not looked at: a token goes the way the configuration says.
    /// It may hold a password.
    pub proxy: Option<SecretString>,
    /// Further root certificates, PEM.
    pub ca_pem: Option<Arc<[u8]>>,
    /// A list of more pages does not end; [`PAGE_CEILING`] by default.
    pub page_ceiling: u32,
    /// This account's way into the bound on the calls of all accounts together.
    pub in_flight_total: Option<Arc<Lane>>,
    /// Connections, shared with whoever goes the same way; its own by default.
    pub connections: Connections,
}

impl Settings {
    /// The defaults of the configuration.
    pub fn new(appid: AppId, token: TokenSource) -> Settings {
        Settings {
            appid,
            token,
            base_url: "https://api.weixin.qq.com".into(),
            page_size: 50,
            max_in_flight: 4,
            calls_per_minute: 300,
            timeout: Duration::from_secs(10),
            proxy: None,
            ca_pem: None,
            page_ceiling: PAGE_CEILING,
            in_flight_total: None,
            connections: Connections::default(),
        }
    }
}

/// Where access tokens come from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TokenSource {
    /// `cgi-bin/stable_token`: separate from `cgi-bin/token`, disturbs nobody else's token.
    Stable {
        /// The AppSecret.
        secret: SecretString,
    },
    /// `cgi-bin/token`: each token ends the one before it within five minutes, whoever holds that.
    Classic {
        /// The AppSecret.
        secret: SecretString,
    },
    /// A token somebody else keeps fresh: read again, never renewed.
    External {
        /// Where it is handed out.
        place: Place,
        /// It is used no longer than this without being read again; a file is read for every call.
        max_age: Duration,
    },
    /// The token file of WeChat's cloud hosting: read for every call, sent as `cloudbase_access_token`.
    Cloudbase {
        /// The mounted file.
        file: PathBuf,
    },
    /// No token at all: the side-car of WeChat's cloud hosting adds one.
    None,
    /// A third-party platform acts for the account.
    Authorizer {
        /// Shared by all accounts of the platform.
        platform: Arc<Platform>,
    },
}

impl TokenSource {
    /// The word of the configuration.
    pub fn kind(&self) -> &'static str {
        match self {
            TokenSource::Stable { .. } => "stable",
            TokenSource::Classic { .. } => "classic",
            TokenSource::External { .. } => "external",
            TokenSource::Cloudbase { .. } => "cloudbase",
            TokenSource::None => "none",
            TokenSource::Authorizer { .. } => "authorizer",
        }
    }
}

/// Where somebody else hands out a token or a ticket.
#[derive(Clone)]
#[non_exhaustive]
pub enum Place {
    /// What a program prints.
    Command(Command),
    /// What stands in a file.
    File(PathBuf),
    /// What a service answers to GET.
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

/// A program and its arguments; run without a shell.
#[derive(Clone)]
pub struct Command {
    /// The program: a path, or a name sought in `PATH`.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// After this it is killed, with everything it started.
    pub timeout: Duration,
}

impl fmt::Debug for Command {
    /// Without the arguments: one may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("program", &self.program).finish_non_exhaustive()
    }
}

/// A header with a secret in it.
#[derive(Debug, Clone)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its whole value.
    pub value: SecretString,
}

/// What a [`Platform`] is built from.
#[derive(Debug, Clone)]
pub struct PlatformSettings {
    /// `component_appid`.
    pub appid: AppId,
    /// `component_appsecret`.
    pub secret: SecretString,
    /// Where the platform's own receiver puts `component_verify_ticket`.
    pub ticket: Place,
    /// As [`Settings::base_url`]; tokens of the platform go there alone.
    pub base_url: String,
    /// For one call.
    pub timeout: Duration,
    /// As [`Settings::proxy`].
    pub proxy: Option<SecretString>,
    /// As [`Settings::ca_pem`].
    pub ca_pem: Option<Arc<[u8]>>,
    /// The directory refresh tokens are kept in; made when needed, for us alone.
    pub refresh_tokens: PathBuf,
}

/// Why a client cannot be built. Holds no secret; a proxy's address may hold one and is not repeated.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BuildError {
    /// The base URL is none.
    #[error("base_url {url:?}: {problem}")]
    BaseUrl {
        /// As given.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The address of a token service is none, or not safe.
    #[error("url: {problem}")]
    Url {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The header for a token service cannot be sent.
    #[error("header {name:?} cannot be sent: its name or its value holds what no header may hold")]
    Header {
        /// Its name.
        name: String,
    },
    /// The proxy's address is none.
    #[error("proxy: {problem}")]
    Proxy {
        /// What is wrong with it.
        problem: String,
    },
    /// The certificates cannot be read.
    #[error("ca_file: {problem}")]
    CaFile {
        /// What is wrong with it.
        problem: String,
    },
    /// TLS cannot be set up, as on a machine without root certificates.
    #[error("TLS: {problem}; install the package ca-certificates or set ca_file")]
    Tls {
        /// What is wrong with it.
        problem: String,
    },
    /// A bound of 0.
    #[error("{key} must be greater than 0")]
    Zero {
        /// Which one, named as in the configuration.
        key: &'static str,
    },
}
