//! What is held of a token, what was rejected, and what may be asked for next. Pure: time is an argument.

use crate::wechat::wire::Mode;
use secrecy::{ExposeSecret, SecretString};
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// WeChat hands out the next token in the last five minutes of the old one, and both work meanwhile.
const MARGIN_SECS_MAX: u64 = 300;
/// Of a short life, no more than this part is given away as margin.
const MARGIN_PART: u64 = 4;
/// A longer life is not believed: WeChat's is two hours, and a sum of instants must not overflow.
pub(super) const LIFE_SECS_MAX: u64 = 7 * 86_400;
/// A shorter life is not believed either: a token "for 0 seconds" would be asked for anew before every call.
const LIFE_SECS_MIN: u64 = 1;
/// Forced refreshes we allow ourselves in 24 hours; WeChat allows 20 to all systems of the appid together.
pub(super) const FORCES_PER_DAY: usize = 3;
pub(super) const DAY: Duration = Duration::from_secs(86_400);
/// WeChat wants 30 s between two; less has no effect.
const FORCE_SPACING: Duration = Duration::from_secs(60);
/// A rejected token that is handed out again after this long gets another chance: a rejection may have been a slip.
const SAME_TOKEN_REST: Duration = Duration::from_secs(60);
/// One token that dies early is a slip; a second within this time is another holder.
const FIGHT_MEMORY: Duration = Duration::from_secs(4 * 3600);
/// How long we keep out of a fight; twice as long each further time …
const FIGHT_REST: Duration = Duration::from_secs(300);
/// … up to this many doublings: 80 minutes.
const FIGHT_DOUBLINGS_MAX: u32 = 4;

/// A token to call with.
#[derive(Clone)]
pub(in crate::wechat) struct Token {
    text: SecretString,
    /// Counts the tokens of this keeper: tells a rejection of this one from one of another.
    generation: u64,
    /// Its name in the query; none for the token that is none.
    parameter: Option<&'static str>,
}

impl Token {
    /// For calls to which somebody on the way adds a token.
    pub(super) fn none() -> Token {
        Token { text: String::new().into(), generation: 0, parameter: None }
    }

    /// The parameter of a call to its own base URL.
    pub(in crate::wechat) fn query(&self) -> Option<(&'static str, &str)> {
        Some((self.parameter?, self.text.expose_secret()))
    }

    /// Only for cleaning WeChat's words of it.
    pub(in crate::wechat) fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

/// The token in use and what is known of its like.
pub(super) struct Keeper {
    /// The name its tokens have in a query.
    parameter: &'static str,
    current: Option<Held>,
    rejected: Option<Rejected>,
    forced: VecDeque<Instant>,
    early: Option<Early>,
    generation: u64,
}

struct Held {
    token: Token,
    obtained: Instant,
    /// When to ask again.
    stale: Instant,
    expires: Option<Instant>,
}

struct Rejected {
    text: SecretString,
    at: Instant,
}

/// Tokens that died before their time.
#[derive(Clone, Copy)]
struct Early {
    count: u32,
    last: Instant,
}

/// How long a token may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// WeChat says how long it lives; a margin is kept.
    Lives(u64),
    /// It is used for `use_for` at most; how long it lives may be known all the same.
    Kept {
        /// Then it is read again; zero = for the call it was read for.
        use_for: Duration,
        expires_in_secs: Option<u64>,
    },
}

/// What to do with a token that is offered.
pub(super) enum Offer {
    Use(Token),
    /// It is the one just rejected: ask by force.
    Force,
    /// It is the one just rejected, and force did not help or is not allowed now.
    Hopeless,
}

/// The times of the token in use, as they stand now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) age: Duration,
    pub(super) remaining: Option<Duration>,
}

impl Keeper {
    pub(super) fn new(parameter: &'static str) -> Keeper {
        Keeper { parameter, current: None, rejected: None, forced: VecDeque::new(), early: None, generation: 0 }
    }

    pub(super) fn fresh(&self, now: Instant) -> Option<Token> {
        let held = self.current.as_ref().filter(|held| now < held.stale)?;
        Some(held.token.clone())
    }

    /// Drops that token; a newer one stays.
    pub(super) fn reject(&mut self, token: &Token, now: Instant) {
        let Some(held) = self.current.take_if(|held| held.token.generation == token.generation) else { return };
        if held.expires.is_none_or(|end| now < end) {
            let before = self.early.filter(|early| now.saturating_duration_since(early.last) < FIGHT_MEMORY);
            self.early = Some(Early { count: before.map_or(0, |early| early.count).saturating_add(1), last: now });
        }
        self.rejected = Some(Rejected { text: held.token.text, at: now });
    }

    /// How much longer no token may be fetched that would end another holder's; nothing after a single early death.
    pub(super) fn fight(&self, now: Instant) -> Option<Duration> {
        let Early { count, last } = self.early?;
        let doublings = count.checked_sub(2)?.min(FIGHT_DOUBLINGS_MAX);
        let left = (last + FIGHT_REST * 2_u32.pow(doublings)).checked_duration_since(now)?;
        (!left.is_zero()).then_some(left)
    }

    /// A token of a kind that is never asked for by force.
    pub(super) fn taken(&mut self, text: SecretString, life: Life, now: Instant) -> Offer {
        match self.just_rejected(&text, now) {
            true => Offer::Hopeless,
            false => Offer::Use(self.hold(text, life, now)),
        }
    }

    /// A stable token, asked for in that mode.
    pub(super) fn offered(&mut self, text: SecretString, life_secs: u64, mode: Mode, now: Instant) -> Offer {
        match (self.just_rejected(&text, now), mode) {
            (false, _) => Offer::Use(self.hold(text, Life::Lives(life_secs), now)),
            (true, Mode::Normal) if self.may_force(now) => Offer::Force,
            (true, _) => Offer::Hopeless,
        }
    }

    /// Notes that a token is asked for by force now.
    pub(super) fn force(&mut self, now: Instant) {
        self.forced.push_back(now);
    }

    pub(super) fn times(&self, now: Instant) -> Option<Times> {
        let held = self.current.as_ref()?;
        let remaining = held.expires.map(|end| end.saturating_duration_since(now));
        Some(Times { age: now.saturating_duration_since(held.obtained), remaining })
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

    fn hold(&mut self, text: SecretString, life: Life, now: Instant) -> Token {
        // The same token read again is the same token: a rejection of it must find it.
        let same = self.current.as_ref().filter(|held| held.token.expose() == text.expose_secret());
        let (generation, obtained) = match same {
            Some(held) => (held.token.generation, held.obtained),
            None => {
                self.generation += 1;
                (self.generation, now)
            }
        };
        let token = Token { text, generation, parameter: Some(self.parameter) };
        let (stale, expires) = life.ends(now);
        self.current = Some(Held { token: token.clone(), obtained, stale, expires });
        token
    }
}

impl Life {
    /// When to ask again, and when it ends.
    fn ends(self, now: Instant) -> (Instant, Option<Instant>) {
        let lives = |secs: u64| Duration::from_secs(secs.clamp(LIFE_SECS_MIN, LIFE_SECS_MAX));
        let spared = |life: Duration| life - Duration::from_secs(MARGIN_SECS_MAX.min(life.as_secs() / MARGIN_PART));
        match self {
            Life::Lives(secs) => (now + spared(lives(secs)), Some(now + lives(secs))),
            Life::Kept { use_for, expires_in_secs: None } => (now + use_for, None),
            Life::Kept { use_for, expires_in_secs: Some(secs) } => {
                (now + use_for.min(spared(lives(secs))), Some(now + lives(secs)))
            }
        }
    }
}

#[cfg(test)]
mod tests;
