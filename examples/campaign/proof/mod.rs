//! The proof: runs by seed, each a world, a log and some lives of the real binary under faults, each checked.
//!
//! Hides processes, the proxy in front of the sandbox, and the reading of ledger and log. Promises that a run does
//! the same from the same seed, as far as a race of processes allows, and that nothing of menshen's own code is asked
//! whether menshen is right. It mends nothing and explains nothing: a violation comes with its seed.

mod check;
mod log;
mod process;
mod rules;
mod script;
mod stage;
mod tally;
mod wire;
mod witness;

pub(crate) use process::{build, state};
pub(crate) use script::Script;
pub(crate) use stage::Ground;
pub(crate) use tally::{RUNS_FOR_ENOUGH, Tally};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How far a campaign goes.
#[derive(Debug, Clone)]
pub(crate) struct Extent {
    /// The first seed, and how many from there.
    pub(crate) seed: u64,
    pub(crate) runs: u64,
    pub(crate) workers: usize,
    /// Ends at the first violation.
    pub(crate) until_caught: bool,
    /// Begins no further run after this long.
    pub(crate) time: Duration,
}

/// Plays the runs, several at a time. `tell` hears of each.
pub(crate) async fn campaign(ground: Ground, extent: Extent, tell: fn(&Tally, u64)) -> Tally {
    let began = Instant::now();
    let tally = Arc::new(Mutex::new(Tally::default()));
    let (next, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..extent.workers {
        let (ground, extent, tally) = (ground.clone(), extent.clone(), Arc::clone(&tally));
        let (next, over) = (Arc::clone(&next), Arc::clone(&over));
        workers.spawn(async move {
            while !over.load(Ordering::SeqCst) {
                let number = next.fetch_add(1, Ordering::SeqCst);
                if number >= extent.runs || began.elapsed() > extent.time {
                    break;
                }
                let played = stage::play(&ground, Script::of(extent.seed + number)).await;
                let violations = check::violations(&played);
                over.fetch_or(extent.until_caught && !violations.is_empty(), Ordering::SeqCst);
                let mut tally = tally.lock().await;
                tally.take(&played, violations);
                tell(&tally, extent.seed + number);
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.expect("a worker goes on to its end");
    }
    Arc::into_inner(tally).expect("every worker has ended").into_inner()
}
