//! Who watches the scheduler, the clock and the passes.
//!
//! Pure: times go in, what to do comes out. The scheduler reads the wall clock;
//! when that jumps back its next tick may lie hours away, and a paused machine
//! may have killed it. A watchdog fed by a bare timer would notice neither.

use jiff::{SignedDuration, Timestamp};
use std::time::{Duration, Instant};

/// How far wall clock and monotonic clock may drift apart between two looks before it is called a jump.
const JUMP: Duration = Duration::from_secs(5);
/// How late a tick may be before the scheduler is called silent.
const GRACE: SignedDuration = SignedDuration::from_secs(15);
/// How far apart two looks may be before we ourselves are said to have stood still.
const STILL: Duration = Duration::from_secs(10);
/// How long a pass may show no sign of life before the watchdog is no longer fed, at least …
const STUCK: Duration = Duration::from_secs(300);
/// … and in timeouts of one call: a page is tried three times, each after two calls for a token.
const CALLS_A_BEAT: u32 = 10;

/// What the supervisor remembers between two looks.
#[derive(Debug)]
pub(super) struct Supervisor {
    wall: Timestamp,
    monotonic: Instant,
    due: Option<Timestamp>,
}

/// What a look found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    /// The wall clock jumped by this much against the monotonic one; negative = back.
    pub(super) jump: Option<SignedDuration>,
    /// Nobody looked for so long: the process was stopped, or starved.
    pub(super) still: Option<Duration>,
    /// The clock jumped over a tick, as it does when a machine wakes up, or we slept through one: that pass is late.
    pub(super) missed: bool,
    /// A tick was due and did not come.
    pub(super) silent: bool,
}

impl Supervisor {
    /// Starts watching; `due` is the next tick by the schedule.
    pub(super) fn new(wall: Timestamp, monotonic: Instant, due: Option<Timestamp>) -> Supervisor {
        Supervisor { wall, monotonic, due }
    }

    /// A tick came, or the schedule was made anew: the next one is due then.
    pub(super) fn expect(&mut self, due: Option<Timestamp>) {
        self.due = due;
    }

    /// The next tick should have come by now.
    pub(super) fn is_due(&self, wall: Timestamp) -> bool {
        self.due.is_some_and(|due| wall >= due)
    }

    /// Looks at the clocks and the schedule.
    pub(super) fn look(&mut self, wall: Timestamp, monotonic: Instant) -> Findings {
        let jump = self.jump(wall, monotonic);
        let still = Some(monotonic.duration_since(self.monotonic)).filter(|gap| *gap > STILL);
        self.wall = wall;
        self.monotonic = monotonic;
        let disturbed = jump.is_some() || still.is_some();
        Findings {
            jump,
            still,
            missed: disturbed && self.is_due(wall),
            silent: !disturbed && self.due.is_some_and(|due| wall.duration_since(due) > GRACE),
        }
    }

    fn jump(&self, wall: Timestamp, monotonic: Instant) -> Option<SignedDuration> {
        let by_wall = wall.duration_since(self.wall);
        let by_monotonic = SignedDuration::try_from(monotonic.duration_since(self.monotonic)).ok()?;
        let difference = by_wall - by_monotonic;
        (difference.unsigned_abs() > JUMP).then_some(difference)
    }
}

/// How long a pass that makes calls of this timeout may show no sign of life.
pub(super) fn patience(timeout: Duration) -> Duration {
    STUCK.max(timeout * CALLS_A_BEAT)
}

/// The signs of life of one pass: a lively one says nothing about another.
#[derive(Debug)]
pub(super) struct Pulse {
    beats: u64,
    looked: Instant,
    quiet: Duration,
    patience: Duration,
}

impl Pulse {
    /// A pass begins.
    pub(super) fn new(monotonic: Instant, patience: Duration) -> Pulse {
        Pulse { beats: 0, looked: monotonic, quiet: Duration::ZERO, patience }
    }

    /// It may be quiet for at least so long.
    pub(super) fn has_patience(&mut self, patience: Duration) {
        self.patience = self.patience.max(patience);
    }

    /// Whether it shows no sign of life any more. Time in which we ourselves stood still does not count against it.
    pub(super) fn is_stuck(&mut self, beats: u64, monotonic: Instant) -> bool {
        let since = monotonic.duration_since(self.looked).min(STILL);
        self.looked = monotonic;
        self.quiet = if beats == self.beats { self.quiet + since } else { Duration::ZERO };
        self.beats = beats;
        self.quiet > self.patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;
    const DAY: i64 = 24 * HOUR;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("a plain instant")
    }

    /// A service that is looked at every second until `looks`; then the wall clock jumps by `jump` and the process stands
    /// still for `still` seconds before the next look.
    fn check(due: i64, looks: u64, jump: i64, still: u64, expected: Findings) {
        let start = Instant::now();
        let mut supervisor = Supervisor::new(at(0), start, Some(at(due)));
        for second in 1..=looks {
            let found = supervisor.look(at(second.cast_signed()), start + Duration::from_secs(second));
            assert_eq!(found, Findings::default(), "second {second}");
        }
        let last = looks + 1 + still;
        let found = supervisor.look(at(last.cast_signed() + jump), start + Duration::from_secs(last));
        assert_eq!(found, expected, "due {due}, {looks} looks, jump {jump}, still {still}");
    }

    #[test]
    fn a_quiet_hour_finds_nothing() {
        check(3_700, 3_600, 0, 0, Findings::default());
    }

    #[test]
    fn a_tick_that_does_not_come_is_noticed() {
        check(120, 134, 0, 0, Findings::default());
        check(120, 135, 0, 0, Findings { silent: true, ..Findings::default() });
    }

    fn jumped(seconds: i64) -> Findings {
        Findings { jump: Some(SignedDuration::from_secs(seconds)), ..Findings::default() }
    }

    #[test]
    fn a_clock_set_back_an_hour_is_noticed_and_is_no_silence() {
        check(120, 10, -HOUR, 0, jumped(-HOUR));
    }

    #[test]
    fn a_clock_set_forward_a_day_is_noticed_and_so_is_the_tick_it_jumped_over() {
        check(2 * DAY, 10, DAY, 0, jumped(DAY));
        check(120, 10, DAY, 0, Findings { missed: true, ..jumped(DAY) });
    }

    #[test]
    fn a_minute_stopped_is_no_silent_scheduler() {
        let still = Findings { still: Some(Duration::from_secs(61)), ..Findings::default() };
        check(600, 10, 0, 60, still);
        let still = Findings { still: Some(Duration::from_secs(61)), missed: true, ..Findings::default() };
        check(30, 10, 0, 60, still);
    }

    /// Each look: its second, the beats by then, and whether the pass is stuck.
    fn check_pulse(timeout: u64, looks: impl IntoIterator<Item = (u64, u64, bool)>) {
        let start = Instant::now();
        let mut pulse = Pulse::new(start, patience(Duration::from_secs(timeout)));
        for (second, beats, stuck) in looks {
            assert_eq!(
                pulse.is_stuck(beats, start + Duration::from_secs(second)),
                stuck,
                "second {second}, beats {beats}"
            );
        }
    }

    #[test]
    fn a_pass_without_a_sign_of_life_is_stuck() {
        let quiet =
            |from: u64, until: u64, beats: u64, stuck: bool| (from..=until).map(move |second| (second, beats, stuck));
        check_pulse(10, quiet(1, 300, 0, false).chain(quiet(301, 310, 0, true)).chain(quiet(311, 600, 1, false)));
    }

    #[test]
    fn a_slow_call_is_not_taken_for_a_stuck_pass() {
        // A page tried three times, each after two calls for a token, all of the longest timeout there is.
        check_pulse(600, (1..=9 * 600).map(|second| (second, 0, false)));
    }

    #[test]
    fn a_stopped_process_has_no_stuck_passes() {
        check_pulse(10, [(1, 1, false), (4_000, 1, false), (4_001, 1, false)]);
    }
}
