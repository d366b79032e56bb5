//! Access tokens: where they come from, how long they live, what a rejection means.
//!
//! Hides every kind of token behind [`Tokens::get`] and [`Tokens::renew`].
//! Promises that only one refresh is under way at a time, that a late
//! rejection of an old token does not cost a newer one, that force is used
//! rarely and spaced, that a token somebody else keeps fresh is read again and
//! never renewed, that we stay out of a fight over tokens that end each other,
//! and that a token goes to its own base URL only. A token lives in memory
//! alone, in a string that is wiped when dropped.

mod command;
mod flight;
mod keeper;
mod outside;
mod platform;
mod refresh_tokens;

pub(super) use keeper::Token;
pub use platform::Platform;

use super::{
    AppId, BuildError, Error, Place, Settings, TokenSource,
    calls::Tally,
    http::{Http, wiped},
    wire::{self, Grant, Mode},
};
use flight::Flight;
use jiff::{SignedDuration, Timestamp};
use keeper::{Keeper, Life, Offer};
use outside::{Outside, way_of};
use secrecy::{ExposeSecret, SecretString};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// No token answer is longer.
const ANSWER_MAX_BYTES: usize = 64 * 1024;
/// The name a token has in JSON.
const TOKEN_NAMES: [&str; 1] = ["access_token"];

/// What may be known of an account's token. Never the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenState {
    /// The kind of its source, as in the configuration: `stable`.
    pub kind: &'static str,
    /// Where it comes from, e.g. `POST /cgi-bin/stable_token`, `file /run/wx/token`, `url https://tokens.example`.
    pub source: String,
    /// When the token in use was got; `None` before the first call and where there is no token.
    pub obtained_at: Option<Timestamp>,
    /// When it ends, if that is known.
    pub expires_at: Option<Timestamp>,
}

/// The tokens of one account.
pub(super) struct Tokens {
    appid: AppId,
    kind: Kind,
    timeout: Duration,
    flight: Flight,
    calls: Arc<Tally>,
}

enum Kind {
    Stable(SecretString),
    Classic(SecretString),
    External { outside: Outside, max_age: Duration },
    Cloudbase(Outside),
    None,
    Authorizer(Arc<Platform>),
}

impl Tokens {
    pub(super) fn new(settings: &Settings, calls: Arc<Tally>) -> Result<Tokens, BuildError> {
        let outside = |place: &Place| Outside::new(place, "token", &way_of(settings));
        let mut parameter = "access_token";
        let kind = match &settings.token {
            TokenSource::Stable { secret } => Kind::Stable(secret.clone()),
            TokenSource::Classic { secret } => Kind::Classic(secret.clone()),
            TokenSource::External { place, max_age } => Kind::External { outside: outside(place)?, max_age: *max_age },
            TokenSource::Cloudbase { file } => {
                parameter = "cloudbase_access_token";
                Kind::Cloudbase(outside(&Place::File(file.clone()))?)
            }
            TokenSource::None => Kind::None,
            TokenSource::Authorizer { platform } => Kind::Authorizer(Arc::clone(platform)),
        };
        let flight = Flight::new(Keeper::new(parameter));
        Ok(Tokens { appid: settings.appid.clone(), kind, timeout: settings.timeout, flight, calls })
    }

    /// The token to call with; fetched if there is none or it is about to expire.
    pub(super) async fn get(&self, http: &Http) -> Result<Token, Error> {
        match self.kind {
            Kind::None => Ok(Token::none()),
            _ => self.flight.get(async |keeper| self.fetch(http, keeper).await).await,
        }
    }

    /// Notes that WeChat rejected this token.
    pub(super) async fn reject(&self, token: &Token) {
        self.flight.reject(token).await;
    }

    /// Another token after this one was rejected.
    pub(super) async fn renew(&self, http: &Http, rejected: &Token) -> Result<Token, Error> {
        if let Kind::None = self.kind {
            return Err(Error::Sidecar);
        }
        self.reject(rejected).await;
        self.get(http).await
    }

    /// What an error of a call says here: WeChat misses a token only where none was sent.
    pub(super) fn understood(&self, error: Error) -> Error {
        match (&self.kind, error.errcode()) {
            (Kind::None, Some(41001)) => Error::Sidecar,
            _ => error,
        }
    }

    /// Whether the next call will fetch a token that ends the one other systems hold.
    pub(super) async fn would_cut_off_others(&self) -> bool {
        matches!(self.kind, Kind::Classic(_)) && !self.flight.is_fresh().await
    }

    /// Kind, source and times of the token in use.
    pub(super) async fn state(&self) -> TokenState {
        let times = self.flight.times().await;
        let now = Timestamp::now();
        let ago = |age| now.saturating_sub(signed(age)).unwrap_or(Timestamp::MIN);
        let ahead = |left| now.saturating_add(signed(left)).unwrap_or(Timestamp::MAX);
        TokenState {
            kind: self.kind_word(),
            source: self.source(),
            obtained_at: times.map(|times| ago(times.age)),
            expires_at: times.and_then(|times| times.remaining).map(ahead),
        }
    }

    /// The secret that must not come back in any text; empty if there is none.
    pub(super) fn secret(&self) -> &str {
        match &self.kind {
            Kind::Stable(secret) | Kind::Classic(secret) => secret.expose_secret(),
            Kind::Authorizer(platform) => platform.secret(),
            Kind::External { .. } | Kind::Cloudbase(_) | Kind::None => "",
        }
    }

    fn kind_word(&self) -> &'static str {
        match self.kind {
            Kind::Stable(_) => "stable",
            Kind::Classic(_) => "classic",
            Kind::External { .. } => "external",
            Kind::Cloudbase(_) => "cloudbase",
            Kind::None => "none",
            Kind::Authorizer(_) => "authorizer",
        }
    }

    fn source(&self) -> String {
        match &self.kind {
            Kind::Stable(_) => format!("POST {}", wire::STABLE_TOKEN),
            Kind::Classic(_) => format!("GET {}", wire::CLASSIC_TOKEN),
            Kind::Authorizer(_) => format!("POST {}", wire::AUTHORIZER_TOKEN),
            Kind::External { outside, .. } | Kind::Cloudbase(outside) => outside.source(),
            Kind::None => "the side-car".to_owned(),
        }
    }

    async fn fetch(&self, http: &Http, keeper: &mut Keeper) -> Result<Token, Error> {
        let fetched = match &self.kind {
            Kind::Stable(secret) => return self.fetch_stable(http, secret, keeper).await,
            Kind::Classic(secret) => self.fetch_fresh(keeper, self.ask_classic(http, secret)).await,
            Kind::Authorizer(platform) => self.fetch_fresh(keeper, self.ask_platform(platform)).await,
            Kind::External { outside, max_age } => {
                let use_for = if outside.is_file() { Duration::ZERO } else { *max_age };
                return self.read(outside, use_for, keeper).await;
            }
            Kind::Cloudbase(outside) => return self.read(outside, Duration::ZERO, keeper).await,
            Kind::None => return Ok(Token::none()),
        };
        let grant = fetched?;
        match keeper.taken(grant.token, Life::Lives(grant.expires_in_secs), Instant::now()) {
            Offer::Use(token) => Ok(token),
            Offer::Force | Offer::Hopeless => Err(Error::TokenRejected(None)),
        }
    }

    /// Normal mode first; by force only when the token just rejected comes back, and once.
    async fn fetch_stable(&self, http: &Http, secret: &SecretString, keeper: &mut Keeper) -> Result<Token, Error> {
        for mode in [Mode::Normal, Mode::Force] {
            let body = wiped(wire::token_request(&self.appid, secret.expose_secret(), mode));
            let answer = http.post(wire::STABLE_TOKEN, None, body, self.timeout, ANSWER_MAX_BYTES).await;
            let grant = answer.and_then(|reply| wire::read_grant(reply.body(), &[secret.expose_secret()]));
            self.calls.note("stable_token", &grant);
            let grant = grant.map_err(no_token)?;
            match keeper.offered(grant.token, grant.expires_in_secs, mode, Instant::now()) {
                Offer::Use(token) => return Ok(token),
                Offer::Hopeless => break,
                Offer::Force => keeper.force(Instant::now()),
            }
        }
        Err(Error::TokenRejected(None))
    }

    /// A token each fetch of which may end another holder's: not while there is a fight over it.
    async fn fetch_fresh(
        &self,
        keeper: &Keeper,
        ask: impl Future<Output = Result<Grant, Error>>,
    ) -> Result<Grant, Error> {
        match keeper.fight(Instant::now()) {
            Some(wait) => Err(Error::TokenFight { kind: self.kind_word(), wait }),
            None => ask.await.map_err(no_token),
        }
    }

    async fn ask_classic(&self, http: &Http, secret: &SecretString) -> Result<Grant, Error> {
        let secret = secret.expose_secret();
        let query = [("grant_type", "client_credential"), ("appid", self.appid.as_str()), ("secret", secret)];
        let answer = http.get(wire::CLASSIC_TOKEN, &query, self.timeout, ANSWER_MAX_BYTES).await;
        let grant = answer.and_then(|reply| wire::read_grant(reply.body(), &[secret]));
        self.calls.note("token", &grant);
        grant
    }

    /// In a task of its own: once WeChat has handed out a refresh token it is kept, whether anybody waits for it or not.
    async fn ask_platform(&self, platform: &Arc<Platform>) -> Result<Grant, Error> {
        let (platform, appid) = (Arc::clone(platform), self.appid.clone());
        let asked = tokio::spawn(async move { platform.authorizer_token(&appid).await }).await;
        let grant = asked.unwrap_or(Err(Error::Request { problem: "the fetch of a token was stopped" }));
        self.calls.note("api_authorizer_token", &grant);
        grant
    }

    async fn read(&self, outside: &Outside, use_for: Duration, keeper: &mut Keeper) -> Result<Token, Error> {
        let found = outside.read(&self.appid, &TOKEN_NAMES).await.map_err(no_token)?;
        let life = Life::Kept { use_for, expires_in_secs: found.expires_in_secs };
        match keeper.taken(found.text, life, Instant::now()) {
            Offer::Use(token) => Ok(token),
            Offer::Force | Offer::Hopeless => Err(Error::TokenKept { origin: outside.origin(), rejected: None }),
        }
    }
}

/// The token in what somebody hands out, as [`Outside`] reads it.
pub(super) fn read_handed_out(bytes: &[u8]) -> Result<SecretString, String> {
    outside::found(bytes, &TOKEN_NAMES).map(|found| found.text)
}

fn no_token(error: Error) -> Error {
    Error::Token(Box::new(error))
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
