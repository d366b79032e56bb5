//! From the configuration's way to get a token to WeChat's client's, and one platform for all who act through it.

use super::account::{Account, SetupError};
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

impl Acting {
    /// Whether it can act for an account with these settings: its tokens go to one address, by one way.
    fn serves(&self, settings: &config::Platform, way: &config::Wechat) -> bool {
        let same_way = self.way.base_url == way.base_url
            && self.way.proxy == way.proxy
            && self.way.ca_file == way.ca_file
            && self.way.timeout == way.timeout;
        same_way && self.settings == *settings
    }

    /// Whether it is the very same, with its tokens.
    pub(super) fn is(&self, other: &Acting) -> bool {
        Arc::ptr_eq(&self.platform, &other.platform)
    }

    /// The platform an account acts through: one that is there already, or a new one.
    pub(super) fn of(
        config: &Config,
        source: &config::Account,
        ca_pem: impl FnOnce() -> Result<Option<Vec<u8>>, SetupError>,
        known: &mut Vec<Acting>,
    ) -> Result<Option<Acting>, SetupError> {
        let Some(settings) = config.platform.as_ref().filter(|_| source.token == config::Token::Authorizer) else {
            return Ok(None);
        };
        if let Some(acting) = known.iter().find(|acting| acting.serves(settings, &source.wechat)) {
            return Ok(Some(acting.clone()));
        }
        let built = Platform::new(PlatformSettings {
            appid: settings.appid.clone(),
            secret: settings.secret.value().expect("loaded with its secrets").clone(),
            ticket: place(&settings.ticket),
            base_url: source.wechat.base_url.clone(),
            timeout: source.wechat.timeout,
            proxy: source.wechat.proxy.clone(),
            ca_pem: ca_pem()?,
            refresh_tokens: config.service.state_dir.join(REFRESH_TOKENS),
        });
        let platform =
            built.map_err(|error| SetupError::Client { account: source.name.clone(), source: error })?.into();
        known.push(Acting { settings: settings.clone(), way: source.wechat.clone(), platform });
        Ok(known.last().cloned())
    }
}

/// Each platform once.
pub(super) fn distinct<'a>(all: impl Iterator<Item = &'a Acting>) -> Vec<Acting> {
    let mut found: Vec<Acting> = Vec::new();
    for acting in all {
        if !found.iter().any(|known| known.is(acting)) {
            found.push(acting.clone());
        }
    }
    found
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
