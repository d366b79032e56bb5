//! How much may be done: the limit of a rule, and a limit that was found full.
//!
//! Counting is the store's, the calendar the service's; here stand only the
//! numbers and the words for them.

use super::{Action, trace::span};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

const DAY_SECS: u64 = 86_400;

/// `limit = { max = 20, per = "1d" }`: how often a rule may be carried out, counted for each account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleLimit {
    /// So often at most …
    pub max: u32,
    /// … in so long: calendar days when it is whole days, otherwise a window that ends now.
    pub per: Duration,
}

impl RuleLimit {
    /// How many calendar days it spans, today included; `None` = a window that ends now.
    pub fn days(&self) -> Option<u32> {
        let secs = self.per.as_secs();
        let whole = secs > 0 && secs.is_multiple_of(DAY_SECS);
        whole.then(|| u32::try_from(secs / DAY_SECS).unwrap_or(u32::MAX))
    }
}

impl fmt::Display for RuleLimit {
    /// `20 in 1d`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.max, span(self.per))
    }
}

/// The places of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// How many there are.
    pub max: u32,
    /// How many are taken; more than there are, when the limit was lowered.
    pub taken: u32,
}

impl Places {
    /// None is left.
    pub fn is_full(self) -> bool {
        self.taken >= self.max
    }
}

/// Which limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limited {
    /// `agree_per_day` or `refuse_per_day` of `[limits]`.
    Day(Action),
    /// `per_pass` of `[limits]`.
    Pass,
    /// A rule's own.
    Rule {
        /// Its name.
        name: String,
        /// In how long.
        per: Duration,
    },
}

/// A limit without a free place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Full {
    /// Which one.
    pub limit: Limited,
    /// As it was found.
    pub places: Places,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Places { max, taken } = self.places;
        match &self.limit {
            Limited::Day(action) => {
                write!(f, "{}_per_day of [limits] is reached: {taken} of {max} today", action.word())
            }
            Limited::Pass => write!(f, "per_pass of [limits] is reached: {taken} of {max}"),
            Limited::Rule { name, per } => {
                write!(f, "the limit of rule {name:?} is reached: {taken} of {max} in {}", span(*per))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_days_are_days_of_the_calendar() {
        let cases = [
            (60, None, "5 in 1m"),
            (3_600, None, "5 in 1h"),
            (86_399, None, "5 in 23h 59m"),
            (86_400, Some(1), "5 in 1d"),
            (129_600, None, "5 in 1d 12h"),
            (7 * 86_400, Some(7), "5 in 7d"),
        ];
        for (secs, days, words) in cases {
            let limit = RuleLimit { max: 5, per: Duration::from_secs(secs) };
            assert_eq!((limit.days(), limit.to_string().as_str()), (days, words));
        }
    }
}
