//! From the configuration's way to get a token to WeChat's client's, and one platform for all who act through it.

use super::account::{self, Account, SetupError};
use crate::config::{self, Config};
use crate::wechat::{self, Platform, PlatformSettings, TokenSource};
use std::sync::Arc;

/// What is said at the start about accounts with `kind = "classic"`.
pub(super) const CUTS_OFF: &str = "token kind \"classic\": every token fetched here ends the one that other systems hold for this appid, \
     within five minutes, and theirs ends ours; kind = \"stable\" disturbs nobody";

/// Where refresh tokens are kept in the state directory.
const REFRESH_TOKENS: &str = "refresh_tokens";

/// A platform, and what it was built from.
#[derive(Debug, Clone)]
pub(super) struct Acting {
    settings: config::Platform,
    way: config::Wechat,
    platform: Arc<Platform>,
}

/// The platforms of a configuration while its accounts are made.
pub(super) struct Platforms {
    /// Those of the configuration before: one whose settings stayed the same keeps its token.
    earlier: Vec<Acting>,
    current: Vec<Acting>,
}

impl Platforms {
    pub(super) fn after(earlier: &[Account]) -> Platforms {
        let mut found: Vec<Acting> = Vec::new();
        for acting in earlier.iter().filter_map(|account| account.acting.as_ref()) {
            if !found.iter().any(|known| known.is(acting)) {
                found.push(acting.clone());
            }
        }
        Platforms { earlier: found, current: Vec::new() }
    }

    /// The platform an account acts through: one for all that call the same WeChat, for its tokens may end each other.
    pub(super) fn of(&mut self, config: &Config, source: &config::Account) -> Result<Option<Acting>, SetupError> {
        let Some(settings) = config.platform.as_ref().filter(|_| source.token == config::Token::Authorizer) else {
            return Ok(None);
        };
        let way = &source.wechat;
        if let Some(acting) = self.current.iter().find(|acting| acting.way.base_url == way.base_url) {
            return Ok(Some(acting.clone()));
        }
        let kept = self.earlier.iter().find(|acting| acting.way == *way && acting.settings == *settings);
        let acting = match kept {
            Some(acting) => acting.clone(),
            None => Acting::new(config, settings, source)?,
        };
        self.current.push(acting.clone());
        Ok(Some(acting))
    }
}

impl Acting {
    /// Whether it is the very same, with its tokens.
    pub(super) fn is(&self, other: &Acting) -> bool {
        Arc::ptr_eq(&self.platform, &other.platform)
    }

    fn new(config: &Config, settings: &config::Platform, source: &config::Account) -> Result<Acting, SetupError> {
        let built = Platform::new(PlatformSettings {
            appid: settings.appid.clone(),
            secret: settings.secret.value().expect("loaded with its secrets").clone(),
            ticket: place(&settings.ticket),
            base_url: source.wechat.base_url.clone(),
            timeout: account::timeout(source.wechat.timeout),
            proxy: account::proxy(&source.wechat),
            ca_pem: account::ca_pem(&source.wechat),
            refresh_tokens: config.service.state_dir.join(REFRESH_TOKENS),
        });
        let failed = |error| SetupError::Client { account: source.name.clone(), source: error };
        let platform = Arc::new(built.map_err(failed)?);
        Ok(Acting { settings: settings.clone(), way: source.wechat.clone(), platform })
    }
}

/// Where the client gets its token.
pub(super) fn source(token: &config::Token, acting: Option<&Acting>) -> TokenSource {
    let secret = |secret: &config::Secret| secret.value().expect("loaded with its secrets").clone();
    match token {
        config::Token::Stable { secret: of } => TokenSource::Stable { secret: secret(of) },
        config::Token::Classic { secret: of } => TokenSource::Classic { secret: secret(of) },
        config::Token::External { place: at, max_age } => TokenSource::External { place: place(at), max_age: *max_age },
        config::Token::Cloudbase { file } => TokenSource::Cloudbase { file: file.clone() },
        config::Token::None => TokenSource::None,
        config::Token::Authorizer => {
            let acting = acting.expect("a configuration with an authorizer has a platform");
            TokenSource::Authorizer { platform: Arc::clone(&acting.platform) }
        }
    }
}

fn place(place: &config::Place) -> wechat::Place {
    match place {
        config::Place::Command(config::Command { program, args, timeout }) => {
            wechat::Place::Command(wechat::Command { program: program.clone(), args: args.clone(), timeout: *timeout })
        }
        config::Place::File(path) => wechat::Place::File(path.clone()),
        config::Place::Url { url, header } => wechat::Place::Url {
            url: url.clone(),
            header: header.as_ref().map(|header| wechat::Header {
                name: header.name.clone(),
                value: header.value().expect("loaded with its secrets"),
            }),
        },
    }
}

/// Logs what is worth knowing of the accounts' tokens.
pub(super) fn warn(accounts: &[Account]) {
    for account in accounts {
        if let Some(warning) = account.token_warning() {
            tracing::warn!(account = account.name(), "{warning}");
        }
    }
}

impl Account {
    /// What is worth knowing about how it gets its token, before anything is fetched.
    pub fn token_warning(&self) -> Option<&'static str> {
        matches!(self.source.token, config::Token::Classic { .. }).then_some(CUTS_OFF)
    }

    /// Whether talking to WeChat now would end the token other systems hold for this appid.
    pub async fn would_cut_off_others(&self) -> bool {
        self.client.would_cut_off_others().await
    }
}
