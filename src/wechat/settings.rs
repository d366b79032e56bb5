//! What a client is built from.

use super::{AppId, Connections, Lane, PAGE_CEILING};
use secrecy::SecretString;
use std::{sync::Arc, time::Duration};

/// What a [`Client`](super::Client) is built from: one account. The configuration has checked it; the client checks what it must not get wrong.
#[derive(Clone)]
pub struct Settings {
    /// The account's own appid.
    pub appid: AppId,
    /// Where its access token comes from.
    pub token: TokenSource,
    /// `https://api.weixin.qq.com`, or where it is simulated. Plain http is taken for loopback only.
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
