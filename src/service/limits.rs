//! What `[limits]` and the limits of rules leave, and since when places count.
//!
//! Hides the calendar: a day is one of `service.timezone`, of whatever length it
//! is there. The store counts instants, the plan counts places.

use super::account::Account;
use crate::policy::{Action, Full, Limited, Places, Room, RuleLimit, RuleSpec};
use crate::store::{Cap, Capped, NewPlace, Reader, Spent, StoreError};
use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use std::collections::BTreeMap;

/// The store's instants are whole milliseconds.
const ONE_MS: SignedDuration = SignedDuration::from_millis(1);

impl Account {
    /// The place an act takes at an instant, with the limits that must have room for it.
    pub(crate) fn place(&self, action: Action, rule: Option<usize>, at: Timestamp) -> NewPlace {
        let per_day = match action {
            Action::Agree => self.limits.agree_per_day,
            Action::Refuse => self.limits.refuse_per_day,
            Action::Delete => None,
        };
        let rule = rule.and_then(|index| self.rules.spec().rules[index].limit);
        NewPlace {
            at,
            day: per_day.map(|max| Cap { max, since: days_began(&self.timezone, at, 1) }),
            rule: rule.map(|limit| Cap { max: limit.max, since: counted_since(&self.timezone, &limit, at) }),
        }
    }

    /// What may still be done at an instant.
    pub(super) async fn room(&self, log: &Reader, at: Timestamp) -> Result<Room, StoreError> {
        let spent = log.spent(&self.appid, days_began(&self.timezone, at, 1)).await?;
        let limited: Vec<(usize, &RuleSpec, RuleLimit)> = self.limited_rules().collect();
        let asked: Vec<(&str, Timestamp)> = limited
            .iter()
            .map(|(_, rule, limit)| (rule.name.as_str(), counted_since(&self.timezone, limit, at)))
            .collect();
        let taken = log.spent_by_rules(&self.appid, &asked).await?;
        let places = limited.iter().zip(taken);
        let rules = places.map(|((index, _, limit), taken)| (*index, Places { max: limit.max, taken })).collect();
        Ok(self.room_of(spent, rules))
    }

    /// What may be done where there is no log yet.
    pub(super) fn room_at_first(&self) -> Room {
        let rules = self.limited_rules().map(|(index, _, limit)| (index, Places { max: limit.max, taken: 0 }));
        self.room_of(Spent::default(), rules.collect())
    }

    /// The limits that last beyond a pass, with the places taken of them.
    pub(super) fn lasting(&self, room: &Room) -> Vec<(Limited, Places)> {
        let days = [(Action::Agree, room.agree), (Action::Refuse, room.refuse)];
        let days = days.into_iter().filter_map(|(action, places)| Some((Limited::Day(action), places?)));
        let rules = self.limited_rules().filter_map(|(index, rule, limit)| {
            Some((Limited::Rule { name: rule.name.clone(), per: limit.per }, *room.rules.get(&index)?))
        });
        days.chain(rules).collect()
    }

    /// The limit the store found full when it was to write the intent of an act.
    pub(super) fn full(&self, action: Action, rule: Option<usize>, by: Capped, places: Places) -> Full {
        let rule = rule.map(|index| &self.rules.spec().rules[index]);
        let own = rule.and_then(|rule| Some((rule.name.clone(), rule.limit?.per)));
        let limit = match (by, own) {
            (Capped::Rule, Some((name, per))) => Limited::Rule { name, per },
            _ => Limited::Day(action),
        };
        Full { limit, places }
    }

    fn room_of(&self, spent: Spent, rules: BTreeMap<usize, Places>) -> Room {
        let places = |max: Option<u32>, taken| max.map(|max| Places { max, taken });
        Room {
            agree: places(self.limits.agree_per_day, spent.agree),
            refuse: places(self.limits.refuse_per_day, spent.refuse),
            per_pass: places(self.limits.per_pass, 0),
            rules,
        }
    }

    fn limited_rules(&self) -> impl Iterator<Item = (usize, &RuleSpec, RuleLimit)> {
        self.rules.spec().rules.iter().enumerate().filter_map(|(index, rule)| Some((index, rule, rule.limit?)))
    }
}

/// Since when the places of a rule's limit count.
pub(super) fn counted_since(zone: &TimeZone, limit: &RuleLimit, at: Timestamp) -> Timestamp {
    match limit.days() {
        Some(days) => days_began(zone, at, days),
        // What is exactly as old as the window no longer counts.
        None => at.checked_sub(limit.per).and_then(|since| since.checked_add(ONE_MS)).unwrap_or(Timestamp::MIN),
    }
}

/// When so many calendar days began, of which the last is the one of `at`.
pub(super) fn days_began(zone: &TimeZone, at: Timestamp, days: u32) -> Timestamp {
    let today = at.to_zoned(zone.clone()).date();
    let first = today.checked_sub(i64::from(days.max(1) - 1).days());
    let began = first.and_then(|first| first.to_zoned(zone.clone()));
    began.map_or(Timestamp::MIN, |midnight| midnight.timestamp())
}

#[cfg(test)]
#[expect(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_one_of_the_calendar_of_its_zone() {
        let cases = [
            ("Asia/Shanghai", "2026-11-22T15:59:59.999Z", 1, "2026-11-21T16:00:00Z"),
            ("Asia/Shanghai", "2026-11-22T16:00:00Z", 1, "2026-11-22T16:00:00Z"),
            ("Asia/Shanghai", "2026-11-22T16:00:00Z", 7, "2026-11-16T16:00:00Z"),
            ("UTC", "2026-03-01T00:00:00Z", 2, "2026-02-28T00:00:00Z"),
            // 23 hours, and 25.
            ("Europe/Paris", "2026-03-29T21:59:59Z", 1, "2026-03-28T23:00:00Z"),
            ("Europe/Paris", "2026-03-29T22:00:00Z", 1, "2026-03-29T22:00:00Z"),
            ("Europe/Paris", "2026-10-25T22:59:59Z", 1, "2026-10-24T22:00:00Z"),
            ("Europe/Paris", "2026-10-26T00:00:00Z", 2, "2026-10-24T22:00:00Z"),
            // Midnight is left out: the day begins at one o'clock.
            ("America/Asuncion", "2023-10-01T12:00:00Z", 1, "2023-10-01T04:00:00Z"),
            // The last hour of the day before comes twice; midnight comes once.
            ("America/Asuncion", "2024-03-24T12:00:00Z", 1, "2024-03-24T04:00:00Z"),
            ("America/Asuncion", "2024-03-24T03:30:00Z", 1, "2024-03-23T03:00:00Z"),
            // A whole day is left out: yesterday was the day before.
            ("Pacific/Apia", "2011-12-30T11:00:00Z", 1, "2011-12-30T10:00:00Z"),
        ];
        for (zone, at, days, expected) in cases {
            let began = days_began(&TimeZone::get(zone).unwrap(), at.parse().unwrap(), days);
            assert_eq!(began, expected.parse().unwrap(), "{zone} {at} {days}");
        }
    }
}
