//! One fetch at a time, whoever asks.

use super::{
    super::Error,
    keeper::{Keeper, Times, Token},
};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::{sync::Mutex, time::Instant};

/// A keeper that many ask at once.
pub(super) struct Flight {
    /// Held while a token is fetched: that is the single flight.
    held: Mutex<Inside>,
    /// Fetches that came to an end, good or bad.
    fetches: AtomicU64,
}

struct Inside {
    keeper: Keeper,
    failure: Option<Error>,
}

impl Flight {
    pub(super) fn new(keeper: Keeper) -> Flight {
        Flight { held: Mutex::new(Inside { keeper, failure: None }), fetches: AtomicU64::new(0) }
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
        if let Some(error) = inside.failure.clone().filter(|_| self.fetches.load(Ordering::Acquire) != before) {
            return Err(error);
        }
        let fetched = fetch(&mut inside.keeper).await;
        inside.failure = fetched.as_ref().err().cloned();
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
