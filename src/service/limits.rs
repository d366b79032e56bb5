//! What `[limits]` and the limits of rules leave, and since when places count.
//!
//! Hides the calendar: a day is one of `service.timezone`, of whatever length it
//! is there. The store counts instants, the plan counts places.

use super::account::Account;
use crate::policy::{Action, Full, Limited, Places, Room, RuleLimit, RuleSpec};
use crate::store::{Cap, Capped, NewPlace, Reader, Spent, StoreError};
use jiff::{SignedDuration, Timestamp, ToSpan};
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
            day: per_day.map(|max| Cap { max, since: self.days_began(at, 1) }),
            rule: rule.map(|limit| Cap { max: limit.max, since: self.counted_since(&limit, at) }),
        }
    }

    /// What may still be done at an instant.
    pub(super) async fn room(&self, log: &Reader, at: Timestamp) -> Result<Room, StoreError> {
        let spent = log.spent(&self.appid, self.days_began(at, 1)).await?;
        let limited: Vec<(usize, &RuleSpec, RuleLimit)> = self.limited_rules().collect();
        let asked: Vec<(&str, Timestamp)> =
            limited.iter().map(|(_, rule, limit)| (rule.name.as_str(), self.counted_since(limit, at))).collect();
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

    fn counted_since(&self, limit: &RuleLimit, at: Timestamp) -> Timestamp {
        match limit.days() {
            Some(days) => self.days_began(at, days),
            // What is exactly as old as the window no longer counts.
            None => at.checked_sub(limit.per).and_then(|since| since.checked_add(ONE_MS)).unwrap_or(Timestamp::MIN),
        }
    }

    /// When so many calendar days began in the service's time zone, of which the last is the one of `at`.
    fn days_began(&self, at: Timestamp, days: u32) -> Timestamp {
        let today = at.to_zoned(self.timezone.clone()).date();
        let first = today.checked_sub(i64::from(days.max(1) - 1).days());
        let began = first.and_then(|first| first.to_zoned(self.timezone.clone()));
        began.map_or(Timestamp::MIN, |midnight| midnight.timestamp())
    }
}
