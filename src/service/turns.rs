//! Which accounts are worked at the same time, and when each begins.
//!
//! Promises that no more accounts are walked at once than is asked for, that one
//! which does nothing but wait (for WeChat, its minute, the lock of a person's
//! hand) lets another one work meanwhile, and that a tick over many accounts does
//! not begin them all in the same instant.

use super::account::Account;
use super::pass::Watch;
use crate::config;
use crate::wechat::{Bound, Connections, Lane, Stay};
use std::pin::pin;
use std::sync::{Arc, atomic::Ordering};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};

/// A pass without a page or an answer for so long keeps no other account from its turn.
const QUIET: Duration = Duration::from_secs(2);
/// How often waiting for a turn counts as a sign of life: whoever holds it is watched himself.
const SIGN: Duration = Duration::from_secs(10);
/// The longest time between the beginnings of two accounts …
const SPACING_MOST: Duration = Duration::from_millis(50);
/// … and the part of the time to the next tick in which all have begun.
const SPREAD_PART: u32 = 2;

/// What the accounts of one service share.
#[derive(Debug)]
pub(crate) struct Turns {
    passes: Arc<Bound>,
    calls: Arc<Bound>,
    pub(super) connections: Connections,
}

impl Turns {
    /// The bounds of a configuration.
    pub(super) fn new(service: &config::Service) -> Arc<Turns> {
        let passes = Arc::new(Bound::new(service.max_accounts_at_once));
        Arc::new(Turns {
            passes,
            calls: Arc::new(Bound::new(service.max_calls_at_once)),
            connections: Connections::default(),
        })
    }

    /// The bounds of another configuration, from now on.
    pub(super) fn resize(&self, service: &config::Service) {
        self.passes.resize(service.max_accounts_at_once);
        self.calls.resize(service.max_calls_at_once);
    }

    /// One account's way to its passes.
    pub(super) fn of_passes(&self) -> Arc<Lane> {
        Lane::into_bound(&self.passes)
    }

    /// One account's way to its calls.
    pub(super) fn of_calls(&self) -> Arc<Lane> {
        Lane::into_bound(&self.calls)
    }
}

impl Account {
    /// Waits for the account's turn and works; `None` when told to stop before it came. Nothing is made before the turn comes.
    pub(super) async fn in_turn<T, F: Future<Output = T>>(&self, watch: &Watch, work: impl FnOnce() -> F) -> Option<T> {
        let stay = watch.wait(self.lane.place()).await?;
        // Apart from what waits: thousands of accounts may, and this is a thousand times larger.
        Some(keeping(stay, watch, Box::pin(work())).await)
    }
}

/// Works with a place in hand, and lends it whenever there is no sign of life.
async fn keeping<T>(mut stay: Stay, watch: &Watch, mut work: impl Future<Output = T> + Unpin) -> T {
    let mut look = interval_at(Instant::now() + QUIET, QUIET);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut beats = watch.beats.load(Ordering::Relaxed);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            _ = look.tick() => {
                let before = std::mem::replace(&mut beats, watch.beats.load(Ordering::Relaxed));
                if before == beats { stay.lend() } else { stay.was_quick() }
            }
        }
    }
}

impl Watch {
    /// Waits for what gives no sign of life itself; `None` when told to stop.
    pub(super) async fn wait<T>(&self, event: impl Future<Output = T>) -> Option<T> {
        let mut event = pin!(event);
        let mut sign = interval(SIGN);
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                came = &mut event => return Some(came),
                _ = sign.tick() => self.beat(),
            }
        }
    }
}

/// How long after a tick the account at this place begins, of so many, when the next tick is so far away.
pub(super) fn begins_after(place: usize, accounts: usize, next: Duration) -> Duration {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let spacing = (next / SPREAD_PART / count(accounts).max(1)).min(SPACING_MOST);
    spacing * count(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn accounts_begin_one_after_the_other_within_half_of_the_interval() {
        let two_minutes = Duration::from_secs(120);
        let cases = [
            (0, 1, two_minutes, 0),
            (1, 2, two_minutes, 50),
            (99, 100, two_minutes, 4_950),
            (1_000, 2_000, two_minutes, 30_000),
            (1_999, 2_000, two_minutes, 59_970),
            (1, 2, Duration::from_millis(100), 25),
            (1, 2, Duration::ZERO, 0),
            (1_999, 2_000, Duration::from_secs(86_400), 99_950),
            (0, 0, two_minutes, 0),
        ];
        for (place, accounts, next, expected_ms) in cases {
            let after = begins_after(place, accounts, next);
            assert_eq!(after, Duration::from_millis(expected_ms), "{place} of {accounts}");
        }
    }

    /// So many passes on a bound of two; those below `hanging` never show a sign of life. Gives who ended within a minute.
    async fn ended(passes: usize, hanging: usize) -> usize {
        let bound = Arc::new(Bound::new(2));
        let ended = Arc::new(AtomicUsize::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for pass in 0..passes {
            let (lane, ended) = (Lane::into_bound(&bound), Arc::clone(&ended));
            tasks.spawn(async move {
                let watch = Watch::default();
                let stay = watch.wait(lane.place()).await.expect("not stopped");
                let work = Box::pin(async {
                    if pass < hanging {
                        std::future::pending::<()>().await;
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    watch.beat();
                });
                keeping(stay, &watch, work).await;
                ended.fetch_add(1, Ordering::Relaxed);
            });
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        ended.load(Ordering::Relaxed)
    }

    #[tokio::test(start_paused = true)]
    async fn passes_that_hang_keep_no_other_account_from_its_turn() {
        for hanging in [0, 1, 2, 5, 8] {
            assert_eq!(ended(100, hanging).await, 100 - hanging, "{hanging} hang");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_is_a_sign_of_life_and_ends_with_the_service() {
        let watch = Watch::default();
        let stop = watch.stop.clone();
        let waiting = tokio::spawn({
            let watch = watch.clone();
            async move { watch.wait(std::future::pending::<()>()).await }
        });
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        assert!(watch.beats.load(Ordering::Relaxed) >= 360);
        stop.cancel();
        assert_eq!(waiting.await.expect("no panic"), None);
    }
}
