//! How much may be under way: calls at once, and calls in any minute.
//!
//! Promises that no sixty seconds, wherever they begin, see more than
//! `calls_per_minute` calls sent, and that a [`Slot`] given back unused costs
//! nothing. Does not know what a call is; token calls are not counted.

use super::bound::{Lane, Stay};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

/// WeChat counts calls by the minute (45011).
const WINDOW: Duration = Duration::from_secs(60);

/// Room for one call. Dropping it gives the room back.
pub struct Slot {
    seat: Seat,
    _own: OwnedSemaphorePermit,
    shared: Option<Stay>,
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Slot")
    }
}

impl Slot {
    /// The call goes out now.
    pub(crate) fn sent(&mut self) {
        self.seat.sent();
    }

    /// The place among the calls of all accounts, to be held while the call is under way.
    pub(crate) fn shared(&mut self) -> Option<Stay> {
        self.shared.take()
    }

    /// Room for a second call in this place: true if there is some now. Waiting would outlast the call.
    pub(crate) fn again(&mut self) -> bool {
        let seat = self.seat.gate.take();
        seat.map(|seat| self.seat = seat).is_ok()
    }
}

/// The bounds of one client.
#[derive(Debug)]
pub(crate) struct Rate {
    own: Arc<Semaphore>,
    shared: Option<Arc<Lane>>,
    gate: Arc<Gate>,
}

impl Rate {
    pub(crate) fn new(max_in_flight: usize, calls_per_minute: u32, shared: Option<Arc<Lane>>) -> Rate {
        let own = Arc::new(Semaphore::new(max_in_flight.clamp(1, Semaphore::MAX_PERMITS)));
        Rate { own, shared, gate: Arc::new(Gate::new(calls_per_minute)) }
    }

    /// Waits for room. Cancel-safe: a dropped wait leaves nothing behind.
    ///
    /// The place shared with other accounts is taken last and given back when
    /// the minute has filled meanwhile: an account that waits keeps nobody else waiting.
    pub(crate) async fn slot(&self) -> Slot {
        let own = permit(&self.own).await;
        loop {
            self.gate.room().await;
            let shared = match &self.shared {
                Some(lane) => Some(lane.place().await),
                None => None,
            };
            if let Ok(seat) = self.gate.take() {
                return Slot { seat, _own: own, shared };
            }
        }
    }
}

async fn permit(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    semaphore.clone().acquire_owned().await.expect("the semaphores of a client are never closed")
}

/// A place in the minute: reserved until it is sent or dropped.
#[derive(Debug)]
struct Seat {
    gate: Arc<Gate>,
    state: SeatState,
}

#[derive(Debug, PartialEq, Eq)]
enum SeatState {
    Reserved,
    Sent,
}

impl Seat {
    fn sent(&mut self) {
        if self.state == SeatState::Reserved {
            self.gate.minute().sent(Instant::now());
            self.state = SeatState::Sent;
            self.gate.moved.notify_waiters();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.state == SeatState::Reserved {
            self.gate.minute().give_back();
            self.gate.moved.notify_waiters();
        }
    }
}

/// The minute, and a bell that rings when something about it changes.
#[derive(Debug)]
struct Gate {
    minute: Mutex<Minute>,
    moved: Notify,
}

impl Gate {
    fn new(limit: u32) -> Gate {
        Gate { minute: Mutex::new(Minute::new(limit)), moved: Notify::new() }
    }

    fn minute(&self) -> MutexGuard<'_, Minute> {
        self.minute.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(self: &Arc<Self>) -> Result<Seat, Full> {
        self.minute().reserve(Instant::now())?;
        Ok(Seat { gate: self.clone(), state: SeatState::Reserved })
    }

    /// Returns when there is room, without taking it.
    async fn room(&self) {
        loop {
            let mut moved = std::pin::pin!(self.moved.notified());
            moved.as_mut().enable();
            let full = self.minute().full(Instant::now());
            match full {
                None => return,
                Some(Full::Until(at)) => tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    () = moved => {}
                },
                Some(Full::Reserved) => moved.await,
            }
        }
    }
}

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Full {
    /// There will be some at this instant.
    Until(Instant),
    /// Everything is reserved and nothing sent yet.
    Reserved,
}

/// The sliding minute. Pure: time is an argument.
#[derive(Debug)]
struct Minute {
    limit: usize,
    reserved: usize,
    sent: VecDeque<Instant>,
}

impl Minute {
    fn new(limit: u32) -> Minute {
        Minute { limit: limit.max(1) as usize, reserved: 0, sent: VecDeque::new() }
    }

    fn full(&mut self, now: Instant) -> Option<Full> {
        while self.sent.front().is_some_and(|first| now.duration_since(*first) >= WINDOW) {
            self.sent.pop_front();
        }
        if self.sent.len() + self.reserved < self.limit {
            return None;
        }
        Some(self.sent.front().map_or(Full::Reserved, |first| Full::Until(*first + WINDOW)))
    }

    fn reserve(&mut self, now: Instant) -> Result<(), Full> {
        match self.full(now) {
            None => {
                self.reserved += 1;
                Ok(())
            }
            Some(full) => Err(full),
        }
    }

    fn give_back(&mut self) {
        self.reserved = self.reserved.saturating_sub(1);
    }

    fn sent(&mut self, now: Instant) {
        self.give_back();
        self.sent.push_back(now);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used)]
mod tests {
    use super::super::bound::Bound;
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn no_sixty_seconds_see_more_than_the_limit() {
        let start = Instant::now();
        let mut minute = Minute::new(3);
        let mut sent = Vec::new();
        let mut random = fastrand::Rng::with_seed(7);
        let mut now = start;
        while sent.len() < 200 {
            now += Duration::from_millis(random.u64(0..20_000));
            if minute.reserve(now).is_ok() {
                now += Duration::from_millis(random.u64(0..3_000));
                minute.sent(now);
                sent.push(now);
            }
        }
        for window in sent.windows(4) {
            assert!(window[3] - window[0] >= WINDOW, "{window:?}");
        }
    }

    #[test]
    fn a_full_minute_says_until_when() {
        let start = Instant::now();
        let mut minute = Minute::new(2);
        minute.reserve(start).unwrap();
        minute.reserve(start).unwrap();
        assert_eq!(minute.reserve(start), Err(Full::Reserved));
        minute.sent(start + Duration::from_secs(1));
        assert_eq!(minute.reserve(start), Err(Full::Until(start + Duration::from_secs(61))));
        minute.give_back();
        assert_eq!(minute.reserve(start), Ok(()), "what was not sent does not count");
        minute.sent(start + Duration::from_secs(5));
        assert!(minute.reserve(start + Duration::from_secs(60)).is_err());
        assert_eq!(minute.reserve(start + Duration::from_secs(61)), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_minute_holds_calls_back_and_lets_them_go() {
        let rate = Rate::new(100, 10, None);
        let start = Instant::now();
        let mut sent = Vec::new();
        for _ in 0..35 {
            rate.slot().await.sent();
            sent.push(start.elapsed().as_secs());
        }
        let expected: Vec<u64> = (0..35).map(|i| i / 10 * 60).collect();
        assert_eq!(sent, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn slots_bound_what_is_under_way() {
        let total = Arc::new(Bound::new(3));
        let one = Rate::new(2, 1000, Some(Lane::into_bound(&total)));
        let other = Rate::new(2, 1000, Some(Lane::into_bound(&total)));
        let a = one.slot().await;
        let _b = one.slot().await;
        assert!(one.slot().now_or_never().is_none(), "two of one account");
        let _c = other.slot().await;
        assert!(other.slot().now_or_never().is_none(), "three in all");
        drop(a);
        assert!(other.slot().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn an_unused_slot_and_a_dropped_wait_cost_nothing() {
        let rate = Rate::new(4, 2, None);
        for _ in 0..10 {
            drop(rate.slot().await);
        }
        let (first, second) = (rate.slot().await, rate.slot().await);
        for _ in 0..10 {
            assert!(rate.slot().now_or_never().is_none(), "two are reserved");
        }
        let start = Instant::now();
        let waiting = async {
            drop(rate.slot().await);
            start.elapsed()
        };
        let giving = async {
            tokio::task::yield_now().await;
            drop((first, second));
        };
        let (waited, ()) = futures_util::future::join(waiting, giving).await;
        assert_eq!(waited, Duration::ZERO, "room given back wakes who waits");
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_that_waits_for_its_minute_holds_no_shared_place() {
        let total = Arc::new(Bound::new(1));
        let slow = Rate::new(1, 1, Some(Lane::into_bound(&total)));
        let quick = Rate::new(1, 1000, Some(Lane::into_bound(&total)));
        slow.slot().await.sent();
        let mut waiting = std::pin::pin!(slow.slot());
        assert!(waiting.as_mut().now_or_never().is_none());
        for _ in 0..5 {
            quick.slot().now_or_never().expect("the shared place is free").sent();
        }
        waiting.await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_call_in_a_slot_needs_room_now() {
        let rate = Rate::new(2, 2, None);
        let mut slot = rate.slot().await;
        slot.sent();
        assert!(slot.again());
        slot.sent();
        assert!(!slot.again());
        assert!(rate.slot().now_or_never().is_none());
    }
}
