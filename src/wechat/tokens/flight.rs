//! One fetch at a time, whoever asks.

use super::{
    super::Error,
    keeper::{Keeper, Times, Token},
};
use crate::wechat::Class;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::{sync::Mutex, time::Instant};

/// A keeper that many ask at once.
pub(super) struct Flight {
    /// Held while a token is fetched: that is the single flight.
    held: Mutex<Inside>,
    /// Fetches that came to an end, good or bad.
    fetches: AtomicU64,
    /// A failure that trying again does not mend is told to whoever asks within this time.
    rest: Duration,
}

struct Inside {
    keeper: Keeper,
    failure: Option<(Error, Instant)>,
}

impl Flight {
    pub(super) fn new(keeper: Keeper) -> Flight {
        let held = Mutex::new(Inside { keeper, failure: None });
        Flight { held, fetches: AtomicU64::new(0), rest: Duration::ZERO }
    }

    /// For one that very many ask, one after the other.
    pub(super) fn resting(self, rest: Duration) -> Flight {
        Flight { rest, ..self }
    }

    /// The token in use, or the one `fetch` brings if there is none or it is about to expire.
    ///
    /// Who waited while another one's fetch failed gets that failure and does not try again.
    pub(super) async fn get(
        &self,
        fetch: impl AsyncFnOnce(&mut Keeper) -> Result<Token, Error>,
    ) -> Result<Token, Error> {
        let before = self.fetches.load(Ordering::Acquire);
        let mut inside = self.held.lock().await;
        if let Some(token) = inside.keeper.fresh(Instant::now()) {
            return Ok(token);
        }
        if let Some((error, at)) = &inside.failure {
            let waited = self.fetches.load(Ordering::Acquire) != before;
            let rests = at.elapsed() < self.rest && !matches!(error.class(), Class::Retry | Class::Refresh);
            if waited || rests {
                return Err(error.clone());
            }
        }
        let fetched = fetch(&mut inside.keeper).await;
        inside.failure = fetched.as_ref().err().map(|error| (error.clone(), Instant::now()));
        self.fetches.fetch_add(1, Ordering::Release);
        fetched
    }

    /// Notes that WeChat rejected this token.
    pub(super) async fn reject(&self, token: &Token) {
        self.held.lock().await.keeper.reject(token, Instant::now());
    }

    /// The times of the token in use.
    pub(super) async fn times(&self) -> Option<Times> {
        self.held.lock().await.keeper.times(Instant::now())
    }

    /// Whether there is a token that needs no fetch.
    pub(super) async fn is_fresh(&self) -> bool {
        self.held.lock().await.keeper.fresh(Instant::now()).is_some()
    }
}
