//! What follows from facts, and which facts cannot stand together.
//!
//! Promises to be sound: what it says follows does follow, what it calls
//! impossible is. For facts about keywords, categories and appids it says all
//! that follows from one fact at a time and what the others leave of it.

use super::logic::{Fact, Formula, Implied};
use crate::policy::{EarlierKind, category::Entry, check::Field};
use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

/// More pairs of category entries than this are not looked at.
const PAIRS_MAX: usize = 10_000;

/// One way to meet a formula: facts that must all hold, and what they say together.
pub(super) struct Way<'i> {
    facts: Vec<Fact>,
    pub(super) known: Known<'i>,
}

impl<'i> Way<'i> {
    pub(super) fn of(facts: Vec<Fact>, implied: &'i Implied) -> Way<'i> {
        Way { known: Known::new(&facts, implied), facts }
    }

    /// Whether a formula is met wherever these facts hold, because its contrary cannot be met beside them. That says
    /// something only where the facts know what the formula asks about: else it may be neither met nor not.
    pub(super) fn leaves_no_way(&self, holds: &Formula, fails: &Formula, implied: &Implied) -> bool {
        let beside = |facts: &Vec<Fact>| {
            let all: Vec<Fact> = self.facts.iter().chain(facts).cloned().collect();
            Known::new(&all, implied).impossible()
        };
        self.known.tells(holds) && fails.ways().is_some_and(|ways| ways.iter().all(beside))
    }
}

/// Facts that hold together.
pub(super) struct Known<'i> {
    implied: &'i Implied,
    reason: Text,
    nickname: Text,
    /// Lists of which some category is on each; narrowed by the others.
    some_on: Vec<Vec<Entry>>,
    /// What is left of the lists all categories are on.
    all_on: Option<Vec<Entry>>,
    none_on: Vec<Entry>,
    some_off: Vec<Vec<Entry>>,
    ids: Option<BTreeSet<String>>,
    not_ids: BTreeSet<String>,
    older: Option<(Duration, bool)>,
    younger: Option<(Duration, bool)>,
    earlier: Vec<(EarlierKind, u64, Option<Duration>)>,
    fewer: Vec<(EarlierKind, u64, Option<Duration>)>,
}

#[derive(Default)]
struct Text {
    /// Of each of these lists a keyword is found.
    finds: Vec<Vec<u32>>,
    lacks: HashSet<u32>,
    min: u64,
    max: Option<u64>,
    matches: Vec<BTreeSet<String>>,
    misses: BTreeSet<String>,
}

impl<'i> Known<'i> {
    /// What the facts say together.
    pub(super) fn new(facts: &[Fact], implied: &'i Implied) -> Known<'i> {
        let mut known = Known {
            implied,
            reason: Text::default(),
            nickname: Text::default(),
            some_on: Vec::new(),
            all_on: None,
            none_on: Vec::new(),
            some_off: Vec::new(),
            ids: None,
            not_ids: BTreeSet::new(),
            older: None,
            younger: None,
            earlier: Vec::new(),
            fewer: Vec::new(),
        };
        facts.iter().for_each(|fact| known.add(fact));
        known.narrow();
        known
    }

    fn add(&mut self, fact: &Fact) {
        match fact {
            Fact::Finds(field, any) => self.text_mut(*field).finds.push(any.clone()),
            Fact::Lacks(field, none) => self.text_mut(*field).lacks.extend(none),
            Fact::MinChars(field, min) => self.text_mut(*field).min = self.text(*field).min.max(*min),
            Fact::MaxChars(field, max) => {
                let text = self.text_mut(*field);
                text.max = Some(text.max.map_or(*max, |before| before.min(*max)));
            }
            Fact::Matches(field, any) => self.text_mut(*field).matches.push(any.clone()),
            Fact::Misses(field, none) => self.text_mut(*field).misses.extend(none.iter().cloned()),
            Fact::SomeOn(list) => self.some_on.push(list.clone()),
            Fact::AllOn(list) => {
                self.all_on = Some(self.all_on.take().map_or_else(|| list.clone(), |before| meet(&before, list)));
            }
            Fact::NoneOn(list) => self.none_on.extend(list.iter().cloned()),
            Fact::SomeOff(list) => self.some_off.push(list.clone()),
            Fact::IdIn(ids) => {
                self.ids = Some(self.ids.take().map_or_else(|| ids.clone(), |before| &before & ids));
            }
            Fact::IdNotIn(ids) => self.not_ids.extend(ids.iter().cloned()),
            Fact::Older(age, more) => self.older = self.older.max(Some((*age, *more))),
            Fact::Younger(age, less) => {
                let tighter = |before: (Duration, bool)| (before.0, !before.1).min((*age, !less));
                self.younger = Some(self.younger.map_or((*age, *less), |before| {
                    let (age, not_less) = tighter(before);
                    (age, !not_less)
                }));
            }
            Fact::Earlier(what, least, within) => self.earlier.push((*what, *least, *within)),
            Fact::Fewer(what, least, within) => self.fewer.push((*what, *least, *within)),
        }
    }

    /// Takes out of each list what another fact rules out.
    fn narrow(&mut self) {
        let implied = self.implied;
        for text in [&mut self.reason, &mut self.nickname] {
            let Text { finds, lacks, .. } = text;
            finds.iter_mut().for_each(|any| any.retain(|one| !implied.any(*one, |word| lacks.contains(&word))));
        }
        let none = std::mem::take(&mut self.none_on);
        let possible = |entry: &Entry| !none.iter().any(|ruled_out| ruled_out.covers(entry));
        self.all_on.iter_mut().for_each(|list| list.retain(possible));
        for list in &mut self.some_on {
            if let Some(all) = &self.all_on {
                *list = meet(list, all);
            }
            list.retain(possible);
        }
        self.none_on = none;
        if let Some(ids) = &mut self.ids {
            ids.retain(|id| !self.not_ids.contains(id));
        }
    }

    fn text(&self, field: Field) -> &Text {
        match field {
            Field::Reason => &self.reason,
            Field::Nickname => &self.nickname,
        }
    }

    fn text_mut(&mut self, field: Field) -> &mut Text {
        match field {
            Field::Reason => &mut self.reason,
            Field::Nickname => &mut self.nickname,
        }
    }

    /// Keywords of which one is found, for each list.
    pub(super) fn finds(&self, field: Field) -> &[Vec<u32>] {
        &self.text(field).finds
    }

    /// True when the facts contradict each other.
    pub(super) fn impossible(&self) -> bool {
        let off = |list: &Vec<Entry>| self.all_on.as_ref().is_some_and(|all| all.iter().all(|one| covered(one, list)));
        self.reason.impossible()
            || self.nickname.impossible()
            || self.some_on.iter().any(Vec::is_empty)
            || self.all_on.as_ref().is_some_and(Vec::is_empty)
            || self.some_off.iter().any(off)
            || everything(&self.none_on)
            || self.some_off.iter().any(|list| everything(list))
            || self.ids.as_ref().is_some_and(BTreeSet::is_empty)
            || self.ages_cross()
            || self.fewer.iter().any(|fewer| self.earlier.iter().any(|earlier| at_least(earlier, fewer)))
    }

    fn ages_cross(&self) -> bool {
        let below_zero = self.younger.is_some_and(|(age, less)| less && age.is_zero());
        let (Some((older, more)), Some((younger, less))) = (self.older, self.younger) else { return below_zero };
        below_zero || older > younger || (older == younger && (more || less))
    }

    /// Whether the formula is met wherever these facts hold.
    pub(super) fn imply(&self, formula: &Formula) -> bool {
        match formula {
            Formula::Is(fact) => self.imply_fact(fact),
            Formula::All(parts) => parts.iter().all(|part| self.imply(part)),
            Formula::One(parts) => parts.iter().any(|part| self.imply(part)),
        }
    }

    fn imply_fact(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Finds(field, any) => {
                let finds = |one: &u32| self.implied.any(*one, |word| any.binary_search(&word).is_ok());
                self.text(*field).finds.iter().any(|list| list.iter().all(finds))
            }
            Fact::Lacks(field, none) => {
                let text = self.text(*field);
                let lacks = |one: &u32| self.implied.any(*one, |word| text.lacks.contains(&word));
                text.max == Some(0) || none.iter().all(lacks)
            }
            Fact::MinChars(field, min) => self.text(*field).least() >= *min,
            Fact::MaxChars(field, max) => self.text(*field).max.is_some_and(|known| known <= *max),
            Fact::Matches(field, any) => self.text(*field).matches.iter().any(|known| known.is_subset(any)),
            Fact::Misses(field, none) => none.is_subset(&self.text(*field).misses),
            Fact::SomeOn(list) => {
                let on = |entries: &Vec<Entry>| entries.iter().all(|one| covered(one, list));
                (self.has_categories() && everything(list)) || self.some_on.iter().chain(&self.all_on).any(on)
            }
            Fact::AllOn(list) => {
                let on = |all: &Vec<Entry>| all.iter().all(|one| covered(one, list));
                (self.has_categories() && everything(list)) || self.all_on.as_ref().is_some_and(on)
            }
            Fact::NoneOn(list) => list.iter().all(|entry| self.rules_out(entry)),
            Fact::SomeOff(list) => {
                let off = |known: &Vec<Entry>| list.iter().all(|one| covered(one, known));
                let apart =
                    |some: &Vec<Entry>| some.iter().all(|one| list.iter().all(|other| one.meet(other).is_none()));
                self.some_off.iter().any(off) || self.some_on.iter().chain(&self.all_on).any(apart)
            }
            Fact::IdIn(ids) => self.ids.as_ref().is_some_and(|known| known.is_subset(ids)),
            Fact::IdNotIn(ids) => {
                ids.is_subset(&self.not_ids) || self.ids.as_ref().is_some_and(|known| known.is_disjoint(ids))
            }
            Fact::Older(age, more) => self.older.is_some_and(|known| known >= (*age, *more)),
            Fact::Younger(age, less) => self.younger.is_some_and(|known| (known.0, !known.1) <= (*age, !less)),
            Fact::Earlier(what, least, within) => {
                self.earlier.iter().any(|known| at_least(known, &(*what, *least, *within)))
            }
            Fact::Fewer(what, least, within) => {
                self.fewer.iter().any(|known| at_least(&(*what, *least, *within), known))
            }
        }
    }

    /// Whether what the formula asks about is known wherever these facts hold.
    fn tells(&self, formula: &Formula) -> bool {
        match formula {
            Formula::All(parts) | Formula::One(parts) => parts.iter().all(|part| self.tells(part)),
            Formula::Is(Fact::SomeOn(_) | Fact::AllOn(_) | Fact::NoneOn(_) | Fact::SomeOff(_)) => self.has_categories(),
            Formula::Is(Fact::Older(..) | Fact::Younger(..)) => self.older.is_some() || self.younger.is_some(),
            Formula::Is(_) => true,
        }
    }

    /// Whether any fact says that the categories are known: then there is one at least.
    fn has_categories(&self) -> bool {
        !self.some_on.is_empty() || self.all_on.is_some() || !self.none_on.is_empty() || !self.some_off.is_empty()
    }

    /// Whether no category can match the entry, where categories are known at all.
    fn rules_out(&self, entry: &Entry) -> bool {
        if covered(entry, &self.none_on) {
            return true;
        }
        let gone = |one: &Entry| one.meet(entry).is_none_or(|both| covered(&both, &self.none_on));
        self.all_on.as_ref().is_some_and(|all| all.iter().all(gone))
    }
}

impl Text {
    /// What is found takes a character at least.
    fn least(&self) -> u64 {
        self.min.max(u64::from(!self.finds.is_empty()))
    }

    fn impossible(&self) -> bool {
        self.finds.iter().any(Vec::is_empty)
            || self.max.is_some_and(|max| self.least() > max)
            || self.matches.iter().any(|any| any.is_subset(&self.misses))
    }
}

fn covered(entry: &Entry, list: &[Entry]) -> bool {
    list.iter().any(|one| one.covers(entry))
}

/// Whether every category is on the list.
fn everything(list: &[Entry]) -> bool {
    list.iter().any(|entry| entry.parts() == (None, None))
}

/// The entries on both lists; the first list as it is, where that would be too many.
fn meet(one: &[Entry], other: &[Entry]) -> Vec<Entry> {
    if one.len() * other.len() > PAIRS_MAX {
        return one.to_vec();
    }
    one.iter().flat_map(|one| other.iter().filter_map(|other| one.meet(other))).collect()
}

/// Whether so many earlier applications mean so many of the others.
fn at_least(known: &(EarlierKind, u64, Option<Duration>), asked: &(EarlierKind, u64, Option<Duration>)) -> bool {
    let longer = match (known.2, asked.2) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(known), Some(asked)) => known <= asked,
    };
    known.0 == asked.0 && known.1 >= asked.1 && longer
}
