//! A time zone as the scheduler's calendar wants it, out of the one database of zones we carry.
//!
//! Hides that schedules are reckoned in chrono and everything else in jiff. chrono's own database would be a
//! second one, a megabyte of it in memory from the start, and might know other zones than ours.

use chrono::{Datelike, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

/// A zone of jiff's, spoken to as one of chrono's.
#[derive(Debug, Clone)]
pub(super) struct Zone(pub(super) TimeZone);

/// How far a zone is from UTC at some instant.
#[derive(Debug, Clone)]
pub(super) struct FromUtc {
    zone: Zone,
    offset: FixedOffset,
}

impl chrono::Offset for FromUtc {
    fn fix(&self) -> FixedOffset {
        self.offset
    }
}

impl Zone {
    fn beside_utc(&self, offset: Offset) -> FromUtc {
        let offset = FixedOffset::east_opt(offset.seconds()).expect("no zone is a day away from UTC");
        FromUtc { zone: self.clone(), offset }
    }
}

impl chrono::TimeZone for Zone {
    type Offset = FromUtc;

    fn from_offset(offset: &FromUtc) -> Zone {
        offset.zone.clone()
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<FromUtc> {
        self.offset_from_local_datetime(&local.and_time(NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<FromUtc> {
        let Some(local) = civil(local) else { return MappedLocalTime::None };
        match self.0.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => MappedLocalTime::Single(self.beside_utc(offset)),
            AmbiguousOffset::Gap { .. } => MappedLocalTime::None,
            AmbiguousOffset::Fold { before, after } => {
                MappedLocalTime::Ambiguous(self.beside_utc(before), self.beside_utc(after))
            }
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> FromUtc {
        self.offset_from_utc_datetime(&utc.and_time(NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> FromUtc {
        let instant = Timestamp::from_second(utc.and_utc().timestamp()).unwrap_or(Timestamp::MAX);
        self.beside_utc(self.0.to_offset(instant))
    }
}

/// `None` beyond jiff's calendar.
fn civil(local: &NaiveDateTime) -> Option<DateTime> {
    let small = |number: u32| i8::try_from(number).ok();
    let (date, time) = (local.date(), local.time());
    DateTime::new(
        i16::try_from(date.year()).ok()?,
        small(date.month())?,
        small(date.day())?,
        small(time.hour())?,
        small(time.minute())?,
        small(time.second())?,
        // A leap second is more than a second of nanoseconds in chrono, and none in jiff.
        i32::try_from(time.nanosecond().min(999_999_999)).ok()?,
    )
    .ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used)]
mod tests {
    use super::*;
    use chrono::{TimeZone as _, Utc};

    #[test]
    fn local_times_are_where_the_zone_puts_them() {
        let cases = [
            ("Asia/Shanghai", "2026-11-22T08:00:00", "2026-11-22T00:00:00Z"),
            ("UTC", "2026-11-22T08:00:00", "2026-11-22T08:00:00Z"),
            ("Europe/Paris", "2026-07-01T02:00:00", "2026-07-01T00:00:00Z"),
            ("Europe/Paris", "2026-12-01T01:00:00", "2026-12-01T00:00:00Z"),
            ("Asia/Kathmandu", "2026-12-01T05:45:00", "2026-12-01T00:00:00Z"),
            ("America/St_Johns", "2026-12-01T00:00:00", "2026-12-01T03:30:00Z"),
            // The hour that is left out, and the one that comes twice.
            ("Europe/Paris", "2026-03-29T02:30:00", "none"),
            ("Europe/Paris", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z or 2026-10-25T01:30:00Z"),
        ];
        for (zone, local, expected) in cases {
            let zone = Zone(TimeZone::get(zone).unwrap());
            let at = zone.from_local_datetime(&local.parse().unwrap());
            let utc = |time: chrono::DateTime<Zone>| time.with_timezone(&Utc).format("%Y-%m-%dT%H:%M:%SZ").to_string();
            let found = match at {
                MappedLocalTime::None => "none".to_owned(),
                MappedLocalTime::Single(one) => utc(one),
                MappedLocalTime::Ambiguous(first, second) => format!("{} or {}", utc(first), utc(second)),
            };
            assert_eq!(found, expected, "{zone:?} {local}");
            if let Some(one) = at_most_one(expected) {
                let there = one.with_timezone(&zone);
                assert_eq!(there.naive_local(), local.parse().unwrap(), "{zone:?} and back");
            }
        }
    }

    fn at_most_one(expected: &str) -> Option<chrono::DateTime<Utc>> {
        expected.parse().ok()
    }
}
