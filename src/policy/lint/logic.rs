//! Conditions as formulas of plain facts, and the ways in which a formula can be met.
//!
//! Promises that a formula is met exactly when its condition is true (or false,
//! where that was asked for) in three-valued logic: a fact about categories, or
//! about the age, says too that these are known.

use crate::policy::{
    Condition, EarlierKind, Lists, Test, TextTest,
    category::Entry,
    check::Field,
    keywords::{Keyword, KeywordCollector, KeywordSet},
};
use std::{collections::BTreeSet, time::Duration};

/// More ways than this are not followed: nothing is said about such a rule.
const WAYS_MAX: usize = 64;

/// One fact about an application.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fact {
    /// At least one of these keywords is found.
    Finds(Field, Vec<u32>),
    /// None of these keywords is found.
    Lacks(Field, Vec<u32>),
    MinChars(Field, u64),
    MaxChars(Field, u64),
    /// At least one of these patterns matches.
    Matches(Field, BTreeSet<String>),
    /// None of these patterns matches.
    Misses(Field, BTreeSet<String>),
    /// At least one category is on the list.
    SomeOn(Vec<Entry>),
    /// Every category is on the list.
    AllOn(Vec<Entry>),
    /// No category is on the list.
    NoneOn(Vec<Entry>),
    /// At least one category is off the list.
    SomeOff(Vec<Entry>),
    IdIn(BTreeSet<String>),
    IdNotIn(BTreeSet<String>),
    /// At least, and more than (`true`), this old.
    Older(Duration, bool),
    /// At most, and less than (`true`), this old.
    Younger(Duration, bool),
    /// At least so many earlier applications, within a time.
    Earlier(EarlierKind, u64, Option<Duration>),
    /// Fewer than so many.
    Fewer(EarlierKind, u64, Option<Duration>),
}

/// Facts joined by AND and OR.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Formula {
    Is(Fact),
    /// Each; none at all is always met.
    All(Vec<Formula>),
    /// One; none at all is never met.
    One(Vec<Formula>),
}

/// Puts conditions into formulas; numbers their keywords on the way.
#[derive(Default)]
pub(super) struct Logic {
    collector: KeywordCollector,
    keywords: Vec<Keyword>,
}

/// Which keywords are found wherever a keyword is.
pub(super) struct Implied(Vec<Vec<u32>>);

impl Implied {
    /// The keywords found wherever this one is, itself among them.
    pub(super) fn by(&self, keyword: u32) -> &[u32] {
        &self.0[keyword as usize]
    }

    /// Whether finding `one` means to find one of `others`.
    pub(super) fn any(&self, one: u32, mut others: impl FnMut(u32) -> bool) -> bool {
        self.by(one).iter().any(|implied| others(*implied))
    }
}

impl Logic {
    /// When all conditions are read.
    pub(super) fn implied(self) -> Implied {
        let Ok(set) = self.collector.build() else {
            return Implied((0..).map(|k| vec![k]).take(self.keywords.len()).collect());
        };
        let implied = |set: &KeywordSet| self.keywords.iter().map(|keyword| set.implied(keyword)).collect();
        Implied(implied(&set))
    }

    /// Met when the condition is true; or false, if `wanted` is false.
    pub(super) fn condition(&mut self, condition: &Condition, wanted: bool) -> Formula {
        let tests = condition.tests.iter().map(|test| self.test(test, wanted)).collect();
        join(wanted, tests)
    }

    fn test(&mut self, test: &Test, wanted: bool) -> Formula {
        match test {
            Test::Always => join(wanted, Vec::new()),
            Test::Category(lists) => join(wanted, categories(lists, wanted)),
            Test::Reason(text) => self.text(Field::Reason, text, wanted),
            Test::Nickname(text) => self.text(Field::Nickname, text, wanted),
            Test::Appid(lists) => {
                let set = |list: &Vec<String>| list.iter().cloned().collect();
                let within = |list| Formula::Is(if wanted { Fact::IdIn(set(list)) } else { Fact::IdNotIn(set(list)) });
                let without = |list| Formula::Is(if wanted { Fact::IdNotIn(set(list)) } else { Fact::IdIn(set(list)) });
                join(wanted, lists.any.iter().map(within).chain(lists.none.iter().map(without)).collect())
            }
            Test::Age(age) => {
                let older = age.min.map(|min| if wanted { Fact::Older(min, false) } else { Fact::Younger(min, true) });
                let younger =
                    age.max.map(|max| if wanted { Fact::Younger(max, false) } else { Fact::Older(max, true) });
                join(wanted, older.into_iter().chain(younger).map(Formula::Is).collect())
            }
            Test::Previous(test) => {
                let fact = |(what, least)| match wanted {
                    true => Formula::Is(Fact::Earlier(what, least, test.within)),
                    false => Formula::Is(Fact::Fewer(what, least, test.within)),
                };
                join(wanted, test.counts().map(fact).collect())
            }
            Test::AnyOf(branches) => {
                let branches = branches.iter().map(|branch| self.condition(branch, wanted)).collect();
                join(!wanted, branches)
            }
            Test::Not(inner) => self.condition(inner, !wanted),
        }
    }

    fn text(&mut self, field: Field, text: &TextTest, wanted: bool) -> Formula {
        let mut parts = Vec::new();
        let lists = &text.keywords;
        if let Some(any) = &lists.any {
            let any = self.numbers(any);
            parts.push(Formula::Is(if wanted { Fact::Finds(field, any) } else { Fact::Lacks(field, any) }));
        }
        for keyword in lists.all.iter().flat_map(|all| self.numbers(all)) {
            let one = vec![keyword];
            parts.push(Formula::Is(if wanted { Fact::Finds(field, one) } else { Fact::Lacks(field, one) }));
        }
        if let Some(none) = &lists.none {
            let none = self.numbers(none);
            parts.push(Formula::Is(if wanted { Fact::Lacks(field, none) } else { Fact::Finds(field, none) }));
        }
        if let Some(patterns) = &text.regex {
            let patterns = patterns.iter().cloned().collect();
            parts.push(Formula::Is(if wanted {
                Fact::Matches(field, patterns)
            } else {
                Fact::Misses(field, patterns)
            }));
        }
        if let Some(min) = text.min_chars {
            parts.push(match (wanted, min.checked_sub(1)) {
                (true, None) => join(true, Vec::new()),
                (true, Some(_)) => Formula::Is(Fact::MinChars(field, min)),
                (false, None) => join(false, Vec::new()),
                (false, Some(less)) => Formula::Is(Fact::MaxChars(field, less)),
            });
        }
        if let Some(max) = text.max_chars {
            let more = Fact::MinChars(field, max.saturating_add(1));
            parts.push(Formula::Is(if wanted { Fact::MaxChars(field, max) } else { more }));
        }
        join(wanted, parts)
    }

    fn numbers(&mut self, list: &[String]) -> Vec<u32> {
        let mut numbers: Vec<u32> = list.iter().filter_map(|written| self.number(written)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn number(&mut self, written: &str) -> Option<u32> {
        let keyword = Keyword::read(written)?;
        let number = self.collector.number(keyword.clone());
        if number as usize == self.keywords.len() {
            self.keywords.push(keyword);
        }
        Some(number)
    }
}

/// AND for what is wanted true; false when one is false.
fn join(and: bool, parts: Vec<Formula>) -> Formula {
    if and { Formula::All(parts) } else { Formula::One(parts) }
}

fn categories(lists: &Lists, wanted: bool) -> Vec<Formula> {
    let entries = |list: &Vec<String>| list.iter().filter_map(|written| Entry::read(written)).collect::<Vec<_>>();
    let any = lists.any.as_ref().map(entries);
    let all = lists.all.as_ref().map(entries);
    let none = lists.none.as_ref().map(entries);
    let facts = match wanted {
        true => [any.map(Fact::SomeOn), all.map(Fact::AllOn), none.map(Fact::NoneOn)],
        false => [any.map(Fact::NoneOn), all.map(Fact::SomeOff), none.map(Fact::SomeOn)],
    };
    facts.into_iter().flatten().map(Formula::Is).collect()
}

impl Formula {
    /// Whether it can be met in several ways.
    pub(super) fn chooses(&self) -> bool {
        match self {
            Formula::Is(_) => false,
            Formula::All(parts) => parts.iter().any(Formula::chooses),
            Formula::One(parts) => parts.len() > 1 || parts.iter().any(Formula::chooses),
        }
    }

    /// Every way to meet it, each as facts that must all hold; none when there are too many.
    pub(super) fn ways(&self) -> Option<Vec<Vec<Fact>>> {
        match self {
            Formula::Is(fact) => Some(vec![vec![fact.clone()]]),
            Formula::All(parts) => parts.iter().try_fold(vec![Vec::new()], |ways, part| {
                let more = part.ways()?;
                let count = ways.len().checked_mul(more.len()).filter(|count| *count <= WAYS_MAX)?;
                let mut both = Vec::with_capacity(count);
                for way in &ways {
                    both.extend(more.iter().map(|facts| way.iter().chain(facts).cloned().collect::<Vec<_>>()));
                }
                Some(both)
            }),
            Formula::One(parts) => {
                let mut ways = Vec::new();
                for part in parts {
                    ways.extend(part.ways()?);
                }
                (ways.len() <= WAYS_MAX).then_some(ways)
            }
        }
    }
}
