//! Access tokens: where they come from, how long they live, what a rejection means.
//!
//! Hides every kind of token behind [`Tokens::get`] and [`Tokens::renew`].
//! Promises that only one refresh is under way at a time, that a late
//! rejection of an old token does not cost a newer one, that force is used
//! rarely and spaced, and that a token goes to its own base URL only. A token
//! lives in memory alone, in a string that is wiped when dropped.

use super::{
    AppId, Error, Settings, TokenSource,
    http::Http,
    wire::{self, Grant, Mode},
};
use secrecy::{ExposeSecret, SecretString};
use std::{
    collections::VecDeque,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::{sync::Mutex, time::Instant};

/// WeChat hands out the next token in the last five minutes of the old one, and both work meanwhile.
const MARGIN_SECS_MAX: u64 = 300;
/// Of a short life, no more than this part is given away as margin.
const MARGIN_PART: u64 = 4;
/// A longer life is not believed: WeChat's is two hours, and a sum of instants must not overflow.
const LIFE_SECS_MAX: u64 = 7 * 86_400;
/// A shorter life is not believed either: a token "for 0 seconds" would be asked for anew before every call.
const LIFE_SECS_MIN: u64 = 1;
/// Forced refreshes we allow ourselves in 24 hours; WeChat allows 20 to all systems of the appid together.
const FORCES_PER_DAY: usize = 3;
const DAY: Duration = Duration::from_secs(86_400);
/// WeChat wants 30 s between two; less has no effect.
const FORCE_SPACING: Duration = Duration::from_secs(60);
/// A rejected token that is handed out again after this long gets another chance: a rejection may have been a slip.
const SAME_TOKEN_REST: Duration = Duration::from_secs(60);
/// No token answer is longer.
const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// What later commands may know of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenState {
    /// The kind of its source, as in the configuration: `stable`.
    pub kind: &'static str,
    /// How long ago it was fetched.
    pub age: Duration,
    /// What is left of its life.
    pub remaining: Duration,
}

/// A token to call with.
#[derive(Clone)]
pub(super) struct Token {
    text: SecretString,
    /// Counts the tokens of this client: tells a rejection of this one from one of another.
    generation: u64,
}

impl Token {
    /// Only for the query of a call to its own base URL, and for cleaning WeChat's words of it.
    pub(super) fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

/// The tokens of one account.
pub(super) struct Tokens {
    appid: AppId,
    source: TokenSource,
    timeout: Duration,
    /// Held while a token is fetched: that is the single flight.
    keeper: Mutex<Keeper>,
    /// Fetches that came to an end, good or bad.
    fetches: AtomicU64,
}

impl Tokens {
    pub(super) fn new(settings: &Settings) -> Tokens {
        Tokens {
            appid: settings.appid.clone(),
            source: settings.token.clone(),
            timeout: settings.timeout,
            keeper: Mutex::new(Keeper::default()),
            fetches: AtomicU64::new(0),
        }
    }

    /// The token to call with; fetched if there is none or it is about to expire.
    ///
    /// Who waited while another one's fetch failed gets that failure and does not try again.
    pub(super) async fn get(&self, http: &Http) -> Result<Token, Error> {
        let before = self.fetches.load(Ordering::Acquire);
        let mut keeper = self.keeper.lock().await;
        if let Some(token) = keeper.fresh(Instant::now()) {
            return Ok(token);
        }
        if let Some(error) = keeper.failure.clone().filter(|_| self.fetches.load(Ordering::Acquire) != before) {
            return Err(error);
        }
        let fetched = self.fetch(http, &mut keeper).await;
        keeper.failure = fetched.as_ref().err().cloned();
        self.fetches.fetch_add(1, Ordering::Release);
        fetched
    }

    /// Notes that WeChat rejected this token.
    pub(super) async fn reject(&self, token: &Token) {
        self.keeper.lock().await.reject(token.generation, Instant::now());
    }

    /// Another token after this one was rejected.
    pub(super) async fn renew(&self, http: &Http, rejected: &Token) -> Result<Token, Error> {
        self.reject(rejected).await;
        self.get(http).await
    }

    /// Kind, age and remaining life of the token in use.
    pub(super) async fn state(&self) -> Option<TokenState> {
        let TokenSource::Stable { .. } = self.source;
        let now = Instant::now();
        let keeper = self.keeper.lock().await;
        let held = keeper.current.as_ref()?;
        let remaining = held.expires.saturating_duration_since(now);
        Some(TokenState { kind: "stable", age: now.saturating_duration_since(held.fetched), remaining })
    }

    /// The secrets that must not come back in any text.
    pub(super) fn secret(&self) -> &str {
        let TokenSource::Stable { secret } = &self.source;
        secret.expose_secret()
    }

    /// Normal mode first; by force only when the token just rejected comes back, and once.
    async fn fetch(&self, http: &Http, keeper: &mut Keeper) -> Result<Token, Error> {
        let grant = self.ask(http, Mode::Normal).await?;
        match keeper.offered(grant, Mode::Normal, Instant::now()) {
            Offer::Use(token) => return Ok(token),
            Offer::Hopeless => return Err(Error::TokenRejected(None)),
            Offer::Force => keeper.forced.push_back(Instant::now()),
        }
        let grant = self.ask(http, Mode::Force).await?;
        match keeper.offered(grant, Mode::Force, Instant::now()) {
            Offer::Use(token) => Ok(token),
            Offer::Force | Offer::Hopeless => Err(Error::TokenRejected(None)),
        }
    }

    async fn ask(&self, http: &Http, mode: Mode) -> Result<Grant, Error> {
        let secret = self.secret();
        let body = wire::token_request(&self.appid, secret, mode);
        let answer = http.post(wire::STABLE_TOKEN, None, body, self.timeout, ANSWER_MAX_BYTES).await;
        let grant = answer.and_then(|reply| wire::read_grant(reply.body(), &[secret]));
        grant.map_err(|error| Error::Token(Box::new(error)))
    }
}

/// What is held, what was rejected, and what force was used. Pure: time is an argument.
#[derive(Default)]
struct Keeper {
    current: Option<Held>,
    rejected: Option<Rejected>,
    forced: VecDeque<Instant>,
    generation: u64,
    failure: Option<Error>,
}

struct Held {
    token: Token,
    fetched: Instant,
    /// When to ask again.
    stale: Instant,
    expires: Instant,
}

struct Rejected {
    text: SecretString,
    at: Instant,
}

/// What to do with a token WeChat offers.
enum Offer {
    Use(Token),
    /// It is the one just rejected: ask by force.
    Force,
    /// It is the one just rejected, and force did not help or is not allowed now.
    Hopeless,
}

impl Keeper {
    fn fresh(&self, now: Instant) -> Option<Token> {
        let held = self.current.as_ref().filter(|held| now < held.stale)?;
        Some(held.token.clone())
    }

    /// Drops the token of that generation; a newer one stays.
    fn reject(&mut self, generation: u64, now: Instant) {
        if let Some(held) = self.current.take_if(|held| held.token.generation == generation) {
            self.rejected = Some(Rejected { text: held.token.text, at: now });
        }
    }

    fn offered(&mut self, grant: Grant, mode: Mode, now: Instant) -> Offer {
        let text = SecretString::from(grant.token);
        match (self.just_rejected(&text, now), mode) {
            (false, _) => Offer::Use(self.hold(text, grant.expires_in_secs, now)),
            (true, Mode::Normal) if self.may_force(now) => Offer::Force,
            (true, _) => Offer::Hopeless,
        }
    }

    fn just_rejected(&self, text: &SecretString, now: Instant) -> bool {
        self.rejected.as_ref().is_some_and(|rejected| {
            rejected.text.expose_secret() == text.expose_secret()
                && now.saturating_duration_since(rejected.at) < SAME_TOKEN_REST
        })
    }

    fn may_force(&mut self, now: Instant) -> bool {
        while self.forced.front().is_some_and(|first| now.saturating_duration_since(*first) >= DAY) {
            self.forced.pop_front();
        }
        let spaced = self.forced.back().is_none_or(|last| now.saturating_duration_since(*last) >= FORCE_SPACING);
        spaced && self.forced.len() < FORCES_PER_DAY
    }

    fn hold(&mut self, text: SecretString, life_secs: u64, now: Instant) -> Token {
        self.generation += 1;
        let life = life_secs.clamp(LIFE_SECS_MIN, LIFE_SECS_MAX);
        let margin = MARGIN_SECS_MAX.min(life / MARGIN_PART);
        let token = Token { text, generation: self.generation };
        self.current = Some(Held {
            token: token.clone(),
            fetched: now,
            stale: now + Duration::from_secs(life - margin),
            expires: now + Duration::from_secs(life),
        });
        token
    }
}

#[cfg(test)]
mod tests;
