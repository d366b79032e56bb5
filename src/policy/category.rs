//! Category entries (`first`, `first/*`, `first/second`) and the categories they match.
//!
//! Hides how an entry is read and looked up. Promises that a category costs a few
//! look-ups however many entries there are. Does not know what a rule makes of it.

use super::{Category, keywords::Numbers, text::fold};
use std::collections::HashMap;

/// The categories of one application, folded; or that they cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoldedCategories {
    /// First and second of each; none where there is no first.
    parts: Vec<Option<(String, Option<String>)>>,
}

impl FoldedCategories {
    /// Folds them. What folds to nothing counts as not there.
    pub(super) fn of(categories: &[Category]) -> FoldedCategories {
        let parts = |category| Some((first(category)?, second(category)));
        FoldedCategories { parts: categories.iter().map(parts).collect() }
    }

    /// How many there are; none when they are unknown: none at all, or one without a first.
    fn known(&self) -> Option<usize> {
        Some(self.parts.len()).filter(|count| *count > 0 && self.parts.iter().all(Option::is_some))
    }
}

fn first(category: &Category) -> Option<String> {
    category.first.as_deref().map(fold).filter(|first| !first.is_empty())
}

fn second(category: &Category) -> Option<String> {
    category.second.as_deref().map(fold).filter(|second| !second.is_empty())
}

/// One entry of a rule's list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Entry {
    first: Part,
    second: Part,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Part {
    Any,
    Exactly(String),
}

impl Entry {
    /// Reads an entry as written; `None` when a part of it is empty.
    pub(super) fn read(written: &str) -> Option<Entry> {
        let (first, second) = match written.split_once(['/', '／']) {
            Some((first, second)) => (first, Part::read(second)?),
            None => (written, Part::Any),
        };
        Some(Entry { first: Part::read(first)?, second })
    }
}

impl Entry {
    /// Whether it matches every category the other matches.
    pub(super) fn covers(&self, other: &Entry) -> bool {
        self.first.covers(&other.first) && self.second.covers(&other.second)
    }

    /// The entry that matches what both match; none when nothing is matched by both.
    pub(super) fn meet(&self, other: &Entry) -> Option<Entry> {
        Some(Entry { first: self.first.meet(&other.first)?, second: self.second.meet(&other.second)? })
    }

    /// Its folded first and second; none for `*`.
    pub(super) fn parts(&self) -> (Option<&str>, Option<&str>) {
        (self.first.exactly(), self.second.exactly())
    }
}

impl Part {
    fn covers(&self, other: &Part) -> bool {
        *self == Part::Any || self == other
    }

    fn meet(&self, other: &Part) -> Option<Part> {
        match (self, other) {
            (Part::Any, part) | (part, Part::Any) => Some(part.clone()),
            (one, other) => (one == other).then(|| one.clone()),
        }
    }

    fn exactly(&self) -> Option<&str> {
        match self {
            Part::Any => None,
            Part::Exactly(part) => Some(part),
        }
    }

    fn read(written: &str) -> Option<Part> {
        match fold(written).as_str() {
            "" => None,
            "*" => Some(Part::Any),
            exactly => Some(Part::Exactly(exactly.to_owned())),
        }
    }
}

/// Every entry of a rule set, each with a number.
#[derive(Debug, Default)]
pub(super) struct EntrySet {
    firsts: HashMap<String, Seconds>,
    any_first: Seconds,
    count: u32,
}

#[derive(Debug, Default)]
struct Seconds {
    /// The number of `first/*`.
    any: Option<u32>,
    exactly: HashMap<String, u32>,
}

impl EntrySet {
    /// The number of an entry.
    pub(super) fn number(&mut self, entry: Entry) -> u32 {
        let seconds = match entry.first {
            Part::Any => &mut self.any_first,
            Part::Exactly(first) => self.firsts.entry(first).or_default(),
        };
        let place = match entry.second {
            Part::Any => seconds.any.get_or_insert(self.count),
            Part::Exactly(second) => seconds.exactly.entry(second).or_insert(self.count),
        };
        let number = *place;
        self.count += u32::from(number == self.count);
        number
    }

    /// Finds which entries match which category; also of the others where one has no first.
    pub(super) fn seek(&self, categories: &FoldedCategories, found: &mut CategoryHits) {
        found.hits.clear();
        found.categories = categories.known();
        if self.count == 0 {
            return;
        }
        let parts = categories.parts.iter().enumerate().filter_map(|(index, parts)| Some((index, parts.as_ref()?)));
        for (index, (first, second)) in parts {
            for seconds in self.firsts.get(first).into_iter().chain([&self.any_first]) {
                let exactly = second.as_ref().and_then(|second| seconds.exactly.get(second));
                found.hits.extend(seconds.any.iter().chain(exactly).map(|number| (index, *number)));
            }
        }
    }
}

/// Which categories of an application are matched by which entries.
#[derive(Debug, Default)]
pub(super) struct CategoryHits {
    /// How many categories there are; none when they are unknown.
    categories: Option<usize>,
    /// Index of a category and number of an entry that matches it, by category.
    hits: Vec<(usize, u32)>,
}

impl CategoryHits {
    /// How many categories there are; none when they are unknown.
    pub(super) fn known(&self) -> Option<usize> {
        self.categories
    }

    /// Numbers of the entries that match anything; may repeat.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.hits.iter().map(|hit| hit.1)
    }

    /// The entry of a list that matches a category, by index.
    pub(super) fn entry_for(&self, category: usize, list: &Numbers) -> Option<usize> {
        let first = self.hits.partition_point(|hit| hit.0 < category);
        let hits = self.hits[first..].iter().take_while(|hit| hit.0 == category);
        hits.filter_map(|hit| list.index(hit.1)).min()
    }

    /// Whether a list matches this category.
    pub(super) fn on_list(&self, category: usize, list: &Numbers) -> bool {
        self.entry_for(category, list).is_some()
    }

    /// Whether a list matches any category.
    pub(super) fn any_on_list(&self, list: &Numbers) -> bool {
        self.hits.iter().any(|hit| list.index(hit.1).is_some())
    }

    /// Whether a list matches every category.
    pub(super) fn all_on_list(&self, list: &Numbers) -> bool {
        self.categories.is_some_and(|count| (0..count).all(|category| self.on_list(category, list)))
    }
}

#[cfg(test)]
mod tests;
