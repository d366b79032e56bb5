//! How long the client keeps still after WeChat has asked for it. Pure.

use jiff::{SignedDuration, Timestamp, ToSpan, tz};
use std::{fmt, time::Duration};
use tokio::time::Instant;

/// No pause asks for more; also keeps the sum of instants from overflowing.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The client sends nothing before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// When calling may go on.
    pub until: Timestamp,
    /// Why: 45009, 45011, 89506 or 89507.
    pub errcode: i64,
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "paused until {} after WeChat answered {}", self.until, self.errcode)
    }
}

impl Pause {
    /// The pause an errcode asks for, if it asks for one.
    pub(crate) fn after(errcode: i64, now: Timestamp) -> Option<Pause> {
        let until = match errcode {
            45009 => day_end(now),
            45011 => later(now, 60),
            89506 => later(now, 24 * 3600),
            89507 => later(now, 3600),
            _ => return None,
        };
        Some(Pause { until, errcode })
    }

    /// Of two pauses, the one that lasts longer.
    pub(crate) fn longer(self, other: Option<Pause>) -> Pause {
        match other {
            Some(other) if other.until > self.until => other,
            _ => self,
        }
    }
}

/// A pause the client keeps. A clock that jumps back must not make a minute of quiet last for years, so it is
/// over when the wall clock says so or when as much time has passed as it was to last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pause: Pause,
    ends: Instant,
}

impl Kept {
    /// Begins now, by both clocks.
    pub(super) fn begin(pause: Pause, now: Timestamp, at: Instant) -> Kept {
        let lasts = Duration::try_from(pause.until.duration_since(now)).unwrap_or_default();
        Kept { pause, ends: at + lasts.min(LONGEST) }
    }

    /// What is left of it.
    pub(super) fn left(self, now: Timestamp, at: Instant) -> Option<Pause> {
        (now < self.pause.until && at < self.ends).then_some(self.pause)
    }
}

/// WeChat counts its quotas by the Beijing day, +08:00 all year.
fn day_end(now: Timestamp) -> Timestamp {
    let beijing = tz::TimeZone::fixed(tz::offset(8));
    let today = now.to_zoned(beijing).start_of_day();
    let midnight = today.and_then(|start| start.checked_add(1.day()));
    midnight.map_or_else(|_| later(now, 24 * 3600), |zoned| zoned.timestamp())
}

fn later(now: Timestamp, secs: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(secs)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[expect(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pauses_end_when_wechat_says() {
        let cases = [
            (45009, "2026-11-21T10:00:00Z", Some("2026-11-21T16:00:00Z")),
            (45009, "2026-11-21T15:59:59Z", Some("2026-11-21T16:00:00Z")),
            (45009, "2026-11-21T16:00:00Z", Some("2026-11-22T16:00:00Z")),
            (45009, "2026-12-31T20:00:00Z", Some("2027-01-01T16:00:00Z")),
            (45011, "2026-11-21T10:00:00Z", Some("2026-11-21T10:01:00Z")),
            (89506, "2026-11-21T10:00:00Z", Some("2026-11-22T10:00:00Z")),
            (89507, "2026-11-21T10:00:00Z", Some("2026-11-21T11:00:00Z")),
            (40001, "2026-11-21T10:00:00Z", None),
            (0, "2026-11-21T10:00:00Z", None),
        ];
        for (errcode, now, until) in cases {
            let until = until.map(|text| text.parse::<Timestamp>().unwrap());
            let pause = Pause::after(errcode, now.parse().unwrap());
            assert_eq!(pause.map(|p| p.until), until, "{errcode} at {now}");
        }
    }

    #[test]
    fn the_end_of_the_calendar_is_survived() {
        for errcode in [45009, 45011, 89506] {
            assert!(Pause::after(errcode, Timestamp::MAX).unwrap().until <= Timestamp::MAX);
        }
    }

    #[test]
    fn a_clock_that_jumps_does_not_make_a_pause_last() {
        let (now, at): (Timestamp, _) = ("2030-01-01T00:00:00Z".parse().unwrap(), Instant::now());
        let kept = Kept::begin(Pause::after(45011, now).unwrap(), now, at);
        let after = |wall: &str, secs| kept.left(wall.parse().unwrap(), at + Duration::from_secs(secs)).is_some();
        assert!(after("2030-01-01T00:00:59Z", 59));
        assert!(!after("2030-01-01T00:01:00Z", 60));
        assert!(after("2026-11-22T00:00:30Z", 30), "set back: it lasts as long as it was to last");
        assert!(!after("2026-11-22T00:01:00Z", 60));
        assert!(!after("2030-01-01T08:00:00Z", 1), "after a sleep the wall clock knows better");
    }

    #[test]
    fn a_short_pause_does_not_end_a_long_one() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let day = Pause::after(45009, now).unwrap();
        let minute = Pause::after(45011, now).unwrap();
        assert_eq!(minute.longer(Some(day)), day);
        assert_eq!(day.longer(Some(minute)), day);
        assert_eq!(minute.longer(None), minute);
    }
}
