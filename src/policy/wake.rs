//! Which rules an application can concern at all: the others need not be looked at.
//!
//! Hides, for every rule, the cheapest sign without which its `when` is false: a
//! keyword, a category, an appid. Promises never to leave out a rule that is true
//! or unknown; a rule without such a sign is always looked at. Does not decide.

use super::{
    check::{Check, Facts, Field, NumberLists},
    keywords::{Marks, Numbers},
};
use std::collections::{HashMap, HashSet};

/// For each sign the rules it wakes.
#[derive(Debug)]
pub(super) struct Wake {
    reason: Table,
    nickname: Table,
    category: Table,
    appid: HashMap<String, Vec<u32>>,
    /// Rules woken by a category: while the categories are unknown, so are they.
    by_category: Vec<u32>,
    /// Rules without a sign.
    always: Vec<u32>,
    rules: usize,
}

/// The signs that could wake a rule: one of them is there, or its `when` is false.
#[derive(Debug, Default)]
struct Signs {
    reason: HashSet<u32>,
    nickname: HashSet<u32>,
    category: HashSet<u32>,
    appid: HashSet<String>,
}

impl Wake {
    /// From the `when` of every rule, by the number of the rule.
    pub(super) fn new<'a>(rules: impl Iterator<Item = &'a [Check]>) -> Wake {
        let (mut reason, mut nickname, mut category) = (Vec::new(), Vec::new(), Vec::new());
        let mut wake = Wake::empty();
        for (rule, when) in (0u32..).zip(rules) {
            wake.rules += 1;
            let Some(signs) = signs_of_all(when) else {
                wake.always.push(rule);
                continue;
            };
            if !signs.category.is_empty() {
                wake.by_category.push(rule);
            }
            reason.extend(signs.reason.into_iter().map(|sign| (sign, rule)));
            nickname.extend(signs.nickname.into_iter().map(|sign| (sign, rule)));
            category.extend(signs.category.into_iter().map(|sign| (sign, rule)));
            for appid in signs.appid {
                wake.appid.entry(appid).or_default().push(rule);
            }
        }
        Wake { reason: Table::new(reason), nickname: Table::new(nickname), category: Table::new(category), ..wake }
    }

    fn empty() -> Wake {
        Wake {
            reason: Table::default(),
            nickname: Table::default(),
            category: Table::default(),
            appid: HashMap::new(),
            by_category: Vec::new(),
            always: Vec::new(),
            rules: 0,
        }
    }

    /// Names every rule the facts wake, each once, in no order.
    pub(super) fn each(&self, facts: &Facts<'_>, marks: &mut Marks, mut look: impl FnMut(u32)) {
        marks.begin(self.rules);
        self.always.iter().for_each(|rule| look(*rule));
        let mut wake = |rules: &[u32]| rules.iter().filter(|rule| marks.mark(**rule)).for_each(|rule| look(*rule));
        facts.reason.hits.all().iter().for_each(|hit| wake(self.reason.rules(hit.number)));
        facts.nickname.hits.all().iter().for_each(|hit| wake(self.nickname.rules(hit.number)));
        match facts.categories.known() {
            Some(_) => facts.categories.numbers().for_each(|number| wake(self.category.rules(number))),
            None => wake(&self.by_category),
        }
        if !self.appid.is_empty() {
            self.appid.get(facts.application.appid.as_str()).into_iter().for_each(|rules| wake(rules));
        }
    }
}

/// Of the signs of its tests those that wake a rule least often.
fn signs_of_all(checks: &[Check]) -> Option<Signs> {
    checks.iter().filter_map(signs_of).min_by_key(Signs::cost)
}

fn signs_of(check: &Check) -> Option<Signs> {
    match check {
        Check::Always | Check::Age { .. } | Check::Previous(_) | Check::Not(_) => None,
        Check::Appid { any, .. } => Some(Signs { appid: any.clone()?, ..Signs::default() }),
        Check::Category(lists) => {
            let list = lists.any.as_ref().or(lists.all.as_ref())?;
            Some(Signs { category: numbers(list), ..Signs::default() })
        }
        Check::Text(text) => {
            let found = keyword_signs(&text.keywords)?;
            Some(match text.field {
                Field::Reason => Signs { reason: found, ..Signs::default() },
                Field::Nickname => Signs { nickname: found, ..Signs::default() },
            })
        }
        Check::AnyOf(branches) => {
            let mut all = Signs::default();
            for branch in branches {
                all.join(signs_of_all(branch)?);
            }
            Some(all)
        }
    }
}

/// One keyword of `all` says as much as all of them: each must be there.
fn keyword_signs(lists: &NumberLists) -> Option<HashSet<u32>> {
    match (&lists.all, &lists.any) {
        (Some(all), _) if all.len() > 0 => Some(all.iter().take(1).map(|(number, _)| number).collect()),
        (_, Some(any)) => Some(numbers(any)),
        _ => None,
    }
}

fn numbers(list: &Numbers) -> HashSet<u32> {
    list.iter().map(|(number, _)| number).collect()
}

impl Signs {
    /// Seldom first: an appid, then words (fewer before more), then categories, which also may be unknown.
    fn cost(&self) -> (usize, usize) {
        (self.category.len(), self.reason.len() + self.nickname.len())
    }

    fn join(&mut self, other: Signs) {
        self.reason.extend(other.reason);
        self.nickname.extend(other.nickname);
        self.category.extend(other.category);
        self.appid.extend(other.appid);
    }
}

/// The rules of each sign, in two flat vectors.
#[derive(Debug, Default)]
struct Table {
    /// Where the rules of a sign start; one more than there are signs.
    starts: Vec<u32>,
    rules: Vec<u32>,
}

impl Table {
    fn new(mut pairs: Vec<(u32, u32)>) -> Table {
        pairs.sort_unstable();
        let signs = pairs.last().map_or(0, |last| last.0 + 1);
        let mut starts = Vec::with_capacity(signs as usize + 1);
        let mut at = 0u32;
        for sign in 0..=signs {
            while pairs.get(at as usize).is_some_and(|pair| pair.0 < sign) {
                at += 1;
            }
            starts.push(at);
        }
        Table { starts, rules: pairs.into_iter().map(|pair| pair.1).collect() }
    }

    fn rules(&self, sign: u32) -> &[u32] {
        let sign = sign as usize;
        match (self.starts.get(sign), self.starts.get(sign + 1)) {
            (Some(start), Some(end)) => &self.rules[*start as usize..*end as usize],
            _ => &[],
        }
    }
}
