//! Times as people write and read them.

use crate::cli::Wrong;
use anyhow::Error;
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

/// An instant in a table for people.
pub(in crate::cli) fn local(at: Timestamp, timezone: &TimeZone) -> String {
    at.to_zoned(timezone.clone()).strftime("%m-%d %H:%M:%S").to_string()
}

/// An instant that stands alone, with its year and to the millisecond.
pub(super) fn exact(at: Timestamp, timezone: &TimeZone) -> String {
    at.to_zoned(timezone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// A duration back from now, a day, or an instant.
pub(super) fn instant(text: &str, timezone: &TimeZone) -> Result<Timestamp, Error> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Ok(at) = text.parse::<civil::DateTime>() {
        return Ok(at.to_zoned(timezone.clone())?.timestamp());
    }
    let unreadable = || {
        Error::new(Wrong(format!(
            "menshen: {text:?} is no time: write a duration back from now (2h, 7d), a day (2026-11-22) or an instant (2026-11-22T08:00:00Z)"
        )))
    };
    let back = ago(text).ok_or_else(unreadable)?;
    Timestamp::now().checked_sub(SignedDuration::from_secs(back)).map_err(|_| unreadable())
}

/// The calendar day of such a time.
pub(super) fn day(text: &str, timezone: &TimeZone) -> Result<String, Error> {
    Ok(instant(text, timezone)?.to_zoned(timezone.clone()).date().to_string())
}

/// Seconds of a duration such as `90s`, `10m`, `24h`, `30d`.
fn ago(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    number.parse::<i64>().ok().filter(|n| *n >= 0)?.checked_mul(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_write_them() {
        let zone = TimeZone::get("Asia/Shanghai").expect("bundled");
        let cases = [
            ("2026-11-22T08:00:00Z", Some("2026-11-22T08:00:00Z")),
            ("2026-11-22", Some("2026-11-21T16:00:00Z")),
            ("2026-11-22T08:00", Some("2026-11-22T00:00:00Z")),
            ("yesterday", None),
            ("-3h", None),
            ("", None),
            ("h", None),
            ("天", None),
        ];
        for (text, expected) in cases {
            let found = instant(text, &zone).ok().map(|at| at.to_string());
            assert_eq!(found.as_deref(), expected, "{text:?}");
        }
        assert_eq!(ago("7d"), Some(604_800));
    }
}
