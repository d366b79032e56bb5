//! A bound that many accounts share, and that no account can fill.
//!
//! Hides the queue. Promises that accounts take turns (each has one wait in the
//! queue, however much it wants), that no more than five times the bound is ever
//! under way, and that whoever takes long gives its place to the others: it goes
//! on in a room apart, which is four times as large, and its account enters by
//! that room until something of it goes quickly again. So accounts that hang wait
//! for each other and for nobody else. Knows neither calls nor passes.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    time::sleep,
};

/// Places of the room apart for each one of the bound.
const APART: usize = 4;
/// The largest bound.
const MOST: usize = 100_000;

/// A bound on what all accounts together have under way.
#[derive(Debug)]
pub struct Bound {
    quick: Room,
    slow: Room,
}

/// Places, and how many of those in use are to vanish when they come back.
#[derive(Debug)]
struct Room {
    places: Arc<Semaphore>,
    size: AtomicUsize,
    owed: Arc<AtomicUsize>,
}

/// One account's way into a bound.
#[derive(Debug)]
pub struct Lane {
    bound: Arc<Bound>,
    /// Held by the one of the account that waits in the queue.
    turn: Mutex<()>,
    slow: AtomicBool,
}

/// A place in a bound, held until it is dropped.
#[derive(Debug)]
pub struct Stay {
    lane: Arc<Lane>,
    place: Option<OwnedSemaphorePermit>,
    owed: Arc<AtomicUsize>,
    lent: bool,
}

impl Bound {
    /// A bound of so many, at least one.
    pub fn new(size: usize) -> Bound {
        let size = size.clamp(1, MOST);
        Bound { quick: Room::new(size), slow: Room::new(size * APART) }
    }

    /// Another size from now on. What is under way beyond a smaller one comes to its end.
    pub fn resize(&self, size: usize) {
        let size = size.clamp(1, MOST);
        self.quick.resize(size);
        self.slow.resize(size * APART);
    }
}

impl Room {
    fn new(size: usize) -> Room {
        Room { places: Arc::new(Semaphore::new(size)), size: AtomicUsize::new(size), owed: Arc::default() }
    }

    fn resize(&self, size: usize) {
        let before = self.size.swap(size, Ordering::AcqRel);
        for _ in before..size {
            if !forgiven(&self.owed) {
                self.places.add_permits(1);
            }
        }
        let fewer = before.saturating_sub(size);
        self.owed.fetch_add(fewer - self.places.forget_permits(fewer), Ordering::AcqRel);
    }

    async fn enter(&self) -> OwnedSemaphorePermit {
        self.places.clone().acquire_owned().await.expect("the rooms of a bound are never closed")
    }
}

/// Takes one off what is owed, if anything is.
fn forgiven(owed: &AtomicUsize) -> bool {
    owed.fetch_update(Ordering::AcqRel, Ordering::Acquire, |owed| owed.checked_sub(1)).is_ok()
}

impl Lane {
    /// A lane of its own for one account.
    pub fn into_bound(bound: &Arc<Bound>) -> Arc<Lane> {
        Arc::new(Lane { bound: Arc::clone(bound), turn: Mutex::new(()), slow: AtomicBool::new(false) })
    }

    /// Waits for a place. Cancel-safe: a dropped wait leaves nothing behind.
    pub async fn place(self: &Arc<Lane>) -> Stay {
        let _turn = self.turn.lock().await;
        let slow = self.slow.load(Ordering::Relaxed);
        let room = if slow { &self.bound.slow } else { &self.bound.quick };
        let place = Some(room.enter().await);
        Stay { lane: Arc::clone(self), place, owed: Arc::clone(&room.owed), lent: slow }
    }
}

impl Stay {
    /// Goes on apart if there is room, and lets somebody else have the place. The account is slow from now on.
    pub fn lend(&mut self) {
        self.lane.slow.store(true, Ordering::Relaxed);
        let room = &self.lane.bound.slow;
        if !self.lent
            && let Ok(apart) = Arc::clone(&room.places).try_acquire_owned()
        {
            let owed = std::mem::replace(&mut self.owed, Arc::clone(&room.owed));
            give_back(self.place.replace(apart), &owed);
            self.lent = true;
        }
    }

    /// Holds the place while something is done; lends it when that takes longer than `quick`.
    pub(super) async fn during<T>(stay: Option<Stay>, quick: Duration, done: impl Future<Output = T>) -> T {
        let Some(mut stay) = stay else { return done.await };
        let mut done = pin!(done);
        tokio::select! {
            biased;
            result = &mut done => {
                stay.was_quick();
                result
            }
            () = sleep(quick) => {
                stay.lend();
                done.await
            }
        }
    }

    /// It took no longer than it should: the account is not slow, or not any more.
    pub fn was_quick(&self) {
        self.lane.slow.store(false, Ordering::Relaxed);
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        give_back(self.place.take(), &self.owed);
    }
}

fn give_back(place: Option<OwnedSemaphorePermit>, owed: &AtomicUsize) {
    if let Some(place) = place
        && forgiven(owed)
    {
        place.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    /// So many accounts on a bound.
    fn lanes<const N: usize>(size: usize) -> (Arc<Bound>, [Arc<Lane>; N]) {
        let bound = Arc::new(Bound::new(size));
        let lanes = std::array::from_fn(|_| Lane::into_bound(&bound));
        (bound, lanes)
    }

    #[tokio::test(start_paused = true)]
    async fn accounts_take_turns_however_much_one_wants() {
        let (_bound, [greedy, modest]) = lanes(1);
        let held = greedy.place().await;
        let mut greedy_waits: Vec<_> = (0..10).map(|_| Box::pin(greedy.place())).collect();
        assert!(greedy_waits.iter_mut().all(|wait| wait.as_mut().now_or_never().is_none()));
        let mut modest_wait = std::pin::pin!(modest.place());
        assert!(modest_wait.as_mut().now_or_never().is_none());
        drop(held);
        let first = greedy_waits[0].as_mut().now_or_never().expect("it waited first");
        assert!(greedy_waits[1].as_mut().now_or_never().is_none(), "the turn is the other's");
        drop(first);
        assert!(modest_wait.now_or_never().is_some(), "before nine others of the first account");
    }

    #[tokio::test(start_paused = true)]
    async fn who_hangs_keeps_nobody_waiting() {
        let (_bound, [hangs, works]) = lanes(2);
        let mut hanging: Vec<Stay> = vec![hangs.place().await, hangs.place().await];
        assert!(works.place().now_or_never().is_none(), "the bound is full");
        hanging.iter_mut().for_each(Stay::lend);
        let held = [works.place().await, works.place().await];
        hanging.push(hangs.place().now_or_never().expect("by the room apart"));
        drop(hanging);
        drop(held);
        let back = hangs.place().await;
        assert!(back.lent);
        back.was_quick();
        drop(back);
        assert!(!hangs.place().await.lent, "it went quickly: it is like the others again");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_five_times_the_bound_is_under_way() {
        let (_bound, [hangs, works]) = lanes(2);
        let mut stays = Vec::new();
        while let Some(mut stay) = hangs.place().now_or_never() {
            stay.lend();
            stays.push(stay);
        }
        while let Some(mut stay) = works.place().now_or_never() {
            stay.lend();
            stays.push(stay);
        }
        assert_eq!(stays.len(), 2 + 2 * APART - 1, "one is slow by now, and waits apart");
        let (_bound, lanes) = lanes::<20>(2);
        let enter = |lane: &Arc<Lane>| {
            let mut stay = lane.place().now_or_never()?;
            stay.lend();
            Some(stay)
        };
        assert_eq!(lanes.iter().filter_map(enter).collect::<Vec<_>>().len(), 2 + 2 * APART);
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_lent_when_it_takes_long_and_only_then() {
        let (_bound, [lane]) = lanes(1);
        for (takes, slow) in [(10, false), (999, false), (1_001, true), (10, false)] {
            let done = sleep(Duration::from_millis(takes));
            let stay = lane.place().await;
            Stay::during(Some(stay), Duration::from_secs(1), done).await;
            assert_eq!(lane.slow.load(Ordering::Relaxed), slow, "{takes} ms");
        }
    }

    #[test]
    fn the_size_changes_under_way() {
        let free = |bound: &Bound| bound.quick.places.available_permits();
        let (bound, [lane]) = lanes(3);
        let mut held: Vec<Stay> = (0..3).map(|_| lane.place().now_or_never().expect("room")).collect();
        bound.resize(1);
        held.pop();
        held.pop();
        assert_eq!(free(&bound), 0, "two of three places are gone");
        bound.resize(2);
        assert_eq!(free(&bound), 1);
        held.pop();
        assert_eq!(free(&bound), 2);
        let held: Vec<Stay> = (0..2).map(|_| lane.place().now_or_never().expect("room")).collect();
        bound.resize(1);
        bound.resize(4);
        assert_eq!(free(&bound), 2);
        drop(held);
        assert_eq!(free(&bound), 4);
    }
}
