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

/// What the supervisor remembers between two looks.
#[derive(Debug)]
pub(super) struct Supervisor {
    wall: Timestamp,
    monotonic: Instant,
    due: Option<Timestamp>,
    beats: u64,
    last_beat: Instant,
}

/// What a look found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    /// The wall clock jumped by this much against the monotonic one; negative = back.
    pub(super) jump: Option<SignedDuration>,
    /// The clock jumped over a tick, as it does when a machine wakes up: that pass is late.
    pub(super) missed: bool,
    /// A tick was due and did not come.
    pub(super) silent: bool,
    /// A pass runs and shows no sign of life.
    pub(super) stuck: bool,
}

impl Findings {
    /// The watchdog may be fed.
    pub(super) fn healthy(&self) -> bool {
        !self.stuck
    }
}

impl Supervisor {
    /// Starts watching; `due` is the next tick by the schedule.
    pub(super) fn new(wall: Timestamp, monotonic: Instant, due: Option<Timestamp>) -> Supervisor {
        Supervisor { wall, monotonic, due, beats: 0, last_beat: monotonic }
    }

    /// A tick came, or the schedule was made anew: the next one is due then.
    pub(super) fn expect(&mut self, due: Option<Timestamp>) {
        self.due = due;
    }

    /// Looks at the clocks, the schedule and the passes' signs of life, which may be `patience` apart.
    pub(super) fn look(
        &mut self,
        wall: Timestamp,
        monotonic: Instant,
        beats: u64,
        running: bool,
        patience: Duration,
    ) -> Findings {
        let jump = self.jump(wall, monotonic);
        if beats != self.beats || !running {
            self.beats = beats;
            self.last_beat = monotonic;
        }
        self.wall = wall;
        self.monotonic = monotonic;
        Findings {
            jump,
            missed: jump.is_some() && self.due.is_some_and(|due| wall >= due),
            silent: jump.is_none() && self.due.is_some_and(|due| wall.duration_since(due) > GRACE),
            stuck: running && monotonic.duration_since(self.last_beat) > patience,
        }
    }

    fn jump(&self, wall: Timestamp, monotonic: Instant) -> Option<SignedDuration> {
        let by_wall = wall.duration_since(self.wall);
        let by_monotonic = SignedDuration::try_from(monotonic.duration_since(self.monotonic)).ok()?;
        let difference = by_wall - by_monotonic;
        (difference.unsigned_abs() > JUMP).then_some(difference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(300);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("a plain instant")
    }

    /// Each look: seconds of wall clock, of monotonic clock, beats, running; and what it finds.
    fn check(due: i64, looks: &[(i64, u64, u64, bool, Findings)]) {
        let start = Instant::now();
        let mut supervisor = Supervisor::new(at(0), start, Some(at(due)));
        for (number, (wall, monotonic, beats, running, expected)) in looks.iter().enumerate() {
            let found = supervisor.look(at(*wall), start + Duration::from_secs(*monotonic), *beats, *running, PATIENCE);
            assert_eq!(&found, expected, "look {number}");
        }
    }

    #[test]
    fn a_quiet_hour_finds_nothing() {
        check(120, &[(1, 1, 0, false, Findings::default()), (100, 100, 0, false, Findings::default())]);
    }

    #[test]
    fn a_tick_that_does_not_come_is_noticed() {
        let silent = Findings { silent: true, ..Findings::default() };
        check(120, &[(135, 135, 0, false, Findings::default()), (136, 136, 0, false, silent)]);
    }

    #[test]
    fn a_clock_that_jumps_is_noticed_and_is_no_silence() {
        let back = Findings { jump: Some(SignedDuration::from_secs(-3600)), ..Findings::default() };
        check(120, &[(1, 1, 0, false, Findings::default()), (-3598, 2, 0, false, back)]);
        let ahead = Findings { jump: Some(SignedDuration::from_secs(86_400)), ..Findings::default() };
        check(90_000, &[(86_402, 2, 0, false, ahead)]);
    }

    #[test]
    fn a_tick_the_clock_jumped_over_is_missed() {
        let late = Findings { jump: Some(SignedDuration::from_secs(86_400)), missed: true, ..Findings::default() };
        check(120, &[(86_402, 2, 0, false, late)]);
    }

    #[test]
    fn a_pass_without_a_sign_of_life_is_stuck() {
        let stuck = Findings { stuck: true, ..Findings::default() };
        check(
            100_000,
            &[
                (10, 10, 1, true, Findings::default()),
                (300, 300, 1, true, Findings::default()),
                (311, 311, 1, true, stuck),
                (312, 312, 2, true, Findings::default()),
                (900, 900, 2, false, Findings::default()),
            ],
        );
    }
}
