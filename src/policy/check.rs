//! Conditions as they are decided: keywords and entries are numbers, the tree is the one of the file.
//!
//! Promises three-valued logic: false wins over unknown in an AND, true in an OR,
//! and what is missing is unknown, never false. Does not choose which rules to look at.

use super::{
    Application, EarlierKind, History, PreviousTest, Truth,
    category::CategoryHits,
    keywords::{Hits, Numbers},
    pattern::Patterns,
};
use jiff::{SignedDuration, Timestamp};
use std::{collections::HashSet, time::Duration};

/// A create_time this far ahead of us is a wrong clock or a wrong unit: the age is unknown. Less is an age of zero.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(10);

/// One test of a condition table; the same place in the tree as its [`Test`](super::Test).
#[derive(Debug)]
pub(super) enum Check {
    Always,
    Category(NumberLists),
    Text(TextCheck),
    Appid { any: Option<HashSet<String>>, none: Option<HashSet<String>> },
    Age { min: Option<Duration>, max: Option<Duration> },
    Previous(PreviousTest),
    AnyOf(Vec<Vec<Check>>),
    Not(Vec<Check>),
}

/// `any`, `all`, `none` by number.
#[derive(Debug, Default)]
pub(super) struct NumberLists {
    pub(super) any: Option<Numbers>,
    pub(super) all: Option<Numbers>,
    pub(super) none: Option<Numbers>,
}

/// Tests on a text.
#[derive(Debug)]
pub(super) struct TextCheck {
    pub(super) field: Field,
    pub(super) keywords: NumberLists,
    pub(super) regex: Option<Patterns>,
    pub(super) min_chars: Option<u64>,
    pub(super) max_chars: Option<u64>,
}

/// A text of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Field {
    Reason,
    Nickname,
}

/// What was found in one text.
#[derive(Debug, Default)]
pub(super) struct TextFacts {
    pub(super) hits: Hits,
    pub(super) chars: u64,
}

/// What is known about one application when its rules are looked at.
pub(super) struct Facts<'a> {
    pub(super) application: &'a Application,
    pub(super) now: Timestamp,
    pub(super) history: &'a History,
    pub(super) reason: &'a TextFacts,
    pub(super) nickname: &'a TextFacts,
    pub(super) categories: &'a CategoryHits,
}

impl Facts<'_> {
    /// What was found in this text.
    pub(super) fn text(&self, field: Field) -> &TextFacts {
        match field {
            Field::Reason => self.reason,
            Field::Nickname => self.nickname,
        }
    }

    /// This text as received.
    pub(super) fn received(&self, field: Field) -> &str {
        match field {
            Field::Reason => &self.application.reason,
            Field::Nickname => &self.application.nickname,
        }
    }

    /// How many other applications of the applicant ended like this, not longer ago than `within`.
    pub(super) fn earlier(&self, what: EarlierKind, within: Option<Duration>) -> u64 {
        let since = within.map(|within| self.now.checked_sub(within).unwrap_or(Timestamp::MIN));
        self.history.count(&self.application.appid, &self.application.create_time, what, since)
    }

    /// The time since the application was made; none when it cannot be told.
    pub(super) fn age(&self) -> Option<Duration> {
        let age = self.now.duration_since(self.application.create_time.instant()?);
        match Duration::try_from(age) {
            Ok(age) => Some(age),
            Err(_) if age >= -AHEAD_MAX => Some(Duration::ZERO),
            Err(_) => None,
        }
    }
}

/// The truth of a condition table.
pub(super) fn all_hold(checks: &[Check], facts: &Facts<'_>) -> Truth {
    and(checks.iter().map(|check| holds(check, facts)))
}

/// The truth of one test.
pub(super) fn holds(check: &Check, facts: &Facts<'_>) -> Truth {
    match check {
        Check::Always => Truth::True,
        Check::Category(lists) => category_holds(lists, facts.categories),
        Check::Text(text) => text_holds(text, facts).into(),
        Check::Appid { any, none } => {
            let listed = |list: &HashSet<String>| list.contains(facts.application.appid.as_str());
            (any.as_ref().is_none_or(listed) && !none.as_ref().is_some_and(listed)).into()
        }
        Check::Age { min, max } => match facts.age() {
            Some(age) => (min.is_none_or(|min| age >= min) && max.is_none_or(|max| age <= max)).into(),
            None => Truth::Unknown,
        },
        Check::Previous(test) => test.counts().all(|(what, least)| facts.earlier(what, test.within) >= least).into(),
        Check::AnyOf(branches) => !and(branches.iter().map(|branch| !all_hold(branch, facts))),
        Check::Not(checks) => !all_hold(checks, facts),
    }
}

fn category_holds(lists: &NumberLists, categories: &CategoryHits) -> Truth {
    if categories.known().is_none() {
        return Truth::Unknown;
    }
    let any = lists.any.as_ref().is_none_or(|list| categories.any_on_list(list));
    let all = lists.all.as_ref().is_none_or(|list| categories.all_on_list(list));
    let none = !lists.none.as_ref().is_some_and(|list| categories.any_on_list(list));
    (any && all && none).into()
}

/// What costs least comes first: a pattern is sought only where all else holds.
fn text_holds(check: &TextCheck, facts: &Facts<'_>) -> bool {
    let (lists, text) = (&check.keywords, facts.text(check.field));
    check.min_chars.is_none_or(|min| text.chars >= min)
        && check.max_chars.is_none_or(|max| text.chars <= max)
        && lists.any.as_ref().is_none_or(|list| has_any(list, &text.hits))
        && lists.all.as_ref().is_none_or(|list| has_all(list, &text.hits))
        && !lists.none.as_ref().is_some_and(|list| has_any(list, &text.hits))
        && check.regex.as_ref().is_none_or(|patterns| patterns.any_in(facts.received(check.field)))
}

/// Whether any keyword of the list was found: by whichever is shorter, the list or what was found.
pub(super) fn has_any(list: &Numbers, hits: &Hits) -> bool {
    if hits.all().len() < list.len() {
        hits.all().iter().any(|hit| list.index(hit.number).is_some())
    } else {
        list.iter().any(|(number, _)| hits.has(number))
    }
}

/// Whether every keyword of the list was found.
pub(super) fn has_all(list: &Numbers, hits: &Hits) -> bool {
    hits.all().len() >= list.len() && list.iter().all(|(number, _)| hits.has(number))
}

/// AND of three-valued truths; stops at the first that is false.
fn and(truths: impl Iterator<Item = Truth>) -> Truth {
    let mut all = Truth::True;
    for truth in truths {
        match truth {
            Truth::False => return Truth::False,
            Truth::Unknown => all = Truth::Unknown,
            Truth::True => {}
        }
    }
    all
}

impl std::ops::Not for Truth {
    type Output = Truth;

    fn not(self) -> Truth {
        match self {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Truth {
        if holds { Truth::True } else { Truth::False }
    }
}

/// `when AND NOT unless`.
pub(super) fn fires(when: &[Check], unless: Option<&[Check]>, facts: &Facts<'_>) -> Truth {
    match (all_hold(when, facts), unless) {
        (Truth::False, _) => Truth::False,
        (when, None) => when,
        (when, Some(unless)) => and([when, !all_hold(unless, facts)].into_iter()),
    }
}
