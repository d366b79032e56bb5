//! How often a robot may be spoken to.
//!
//! Half of what each allows: what was sent before a restart is not known, and others may speak through the same robot.
//! It asks no clock; a clock that was set back only forgets.

use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};
use std::collections::VecDeque;
use std::time::Duration;

const MINUTE: SignedDuration = SignedDuration::from_secs(60);
/// Feishu is crowded when an hour and a half begins; so long it is left alone.
const CROWDED_SECS: i8 = 20;

/// Messages sent, and how many may be.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    per_minute: usize,
    gap: SignedDuration,
    avoids_half_hours: bool,
    sent: VecDeque<Timestamp>,
    wait: Option<Wait>,
    failures: u32,
}

/// Until when nothing goes.
#[derive(Debug, Clone, Copy)]
struct Wait {
    until: Timestamp,
    whose: Whose,
}

/// Who wants it so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// We, because it failed.
    Ours,
    /// The robot.
    Theirs,
}

impl Pace {
    /// At most so many in any minute, and never two within `gap`.
    pub(super) fn new(per_minute: usize, gap: Duration, avoids_half_hours: bool) -> Pace {
        let gap = SignedDuration::try_from(gap).unwrap_or(MINUTE);
        Pace { per_minute, gap, avoids_half_hours, sent: VecDeque::new(), wait: None, failures: 0 }
    }

    /// The earliest instant, from `now` on, at which one may go.
    pub(super) fn next(&self, now: Timestamp) -> Timestamp {
        let minute = self.sent.len().checked_sub(self.per_minute).and_then(|first| self.sent.get(first));
        let minute = minute.filter(|at| **at <= now).map(|at| *at + MINUTE);
        let gap = self.sent.iter().rfind(|at| **at <= now).map(|at| *at + self.gap);
        let earliest =
            [Some(now), minute, gap, self.wait.map(|wait| wait.until)].into_iter().flatten().max().unwrap_or(now);
        if self.avoids_half_hours { uncrowded(earliest) } else { earliest }
    }

    /// One goes now.
    pub(super) fn goes(&mut self, now: Timestamp) {
        self.sent.retain(|at| *at <= now && *at + MINUTE > now);
        self.sent.push_back(now);
    }

    /// The one that went was taken.
    pub(super) fn taken(&mut self) {
        self.failures = 0;
        self.wait = None;
    }

    /// The one that went was not taken; nothing goes before `wait` is over, which is told how often in a row it had failed.
    pub(super) fn failed(&mut self, now: Timestamp, whose: Whose, wait: impl FnOnce(u32) -> Duration) {
        self.wait = now.checked_add(wait(self.failures)).ok().map(|until| Wait { until, whose });
        self.failures = self.failures.saturating_add(1);
    }

    /// What made it fail may be mended: it is tried again at once, unless the robot asked for a pause.
    pub(super) fn forgive(&mut self) {
        self.wait = self.wait.filter(|wait| wait.whose == Whose::Theirs);
        self.failures = 0;
    }
}

/// Past the beginning of an hour and a half hour.
fn uncrowded(at: Timestamp) -> Timestamp {
    // Half hours are the same in every zone that whole hours are counted in; the robots' is Beijing's.
    let time: Time = at.to_zoned(TimeZone::UTC).time();
    if time.minute() % 30 == 0 && time.second() < CROWDED_SECS {
        return at + SignedDuration::from_secs(i64::from(CROWDED_SECS - time.second()));
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("a plain instant")
    }

    #[test]
    fn never_more_than_allowed_in_any_minute() {
        let mut pace = Pace::new(10, Duration::ZERO, false);
        let mut now = at(0);
        let mut sent = Vec::new();
        for _ in 0..100 {
            now = pace.next(now);
            pace.goes(now);
            sent.push(now);
        }
        for window in sent.windows(11) {
            assert!(window[10].duration_since(window[0]) >= MINUTE, "{window:?}");
        }
        assert_eq!(sent[99].duration_since(sent[0]), SignedDuration::from_secs(9 * 60));
    }

    #[test]
    fn gaps_crowds_failures_and_clocks() {
        let mut pace = Pace::new(50, Duration::from_millis(500), true);
        // 1_800_000_000 is 08:00:00 UTC.
        assert_eq!(pace.next(at(0)), at(20));
        assert_eq!(pace.next(at(20)), at(20));
        assert_eq!(pace.next(at(1_801)), at(1_820));
        pace.goes(at(30));
        assert_eq!(pace.next(at(30)), at(30) + SignedDuration::from_millis(500));
        pace.failed(at(30), Whose::Ours, |failures| Duration::from_secs(15 << failures));
        assert_eq!(pace.next(at(31)), at(45));
        pace.failed(at(45), Whose::Ours, |failures| Duration::from_secs(15 << failures));
        assert_eq!(pace.next(at(46)), at(75));
        pace.taken();
        assert_eq!(pace.next(at(76)), at(76));
        pace.goes(at(76));
        assert_eq!(pace.next(at(40)), at(40), "the clock was set back");
        for (whose, next) in [(Whose::Ours, at(200)), (Whose::Theirs, at(260))] {
            pace.failed(at(200), whose, |_| Duration::from_secs(60));
            pace.forgive();
            assert_eq!(pace.next(at(200)), next, "{whose:?}");
        }
    }
}
