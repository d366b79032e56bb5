//! All keywords of all rules, sought in one walk over a text.
//!
//! Hides folding, the boundary rule and the automaton. Promises that every
//! keyword that occurs is found, also inside or across another, and that the
//! time of a walk hardly grows with the number of keywords. Does not know rules.

use super::text::fold;
use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use std::collections::HashMap;

/// What a rule seeks: folded, without its `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Keyword {
    folded: String,
    /// An ASCII letter or digit must not stand before it.
    guard_start: bool,
    /// An ASCII letter or digit must not stand after it.
    guard_end: bool,
}

impl Keyword {
    /// Reads a keyword as written in a rule; `None` when nothing of it is left.
    pub(super) fn read(written: &str) -> Option<Keyword> {
        let folded = fold(written);
        let rest = folded.strip_prefix('*');
        let (open_start, rest) = (rest.is_some(), rest.unwrap_or(&folded));
        let inner = rest.strip_suffix('*');
        let (open_end, inner) = (inner.is_some(), inner.unwrap_or(rest));
        let (first, last) = (inner.as_bytes().first()?, inner.as_bytes().last()?);
        let guard_start = !open_start && first.is_ascii_alphanumeric();
        let guard_end = !open_end && last.is_ascii_alphanumeric();
        Some(Keyword { guard_start, guard_end, folded: inner.to_owned() })
    }

    /// Whether the guards let an occurrence stand at these bytes.
    #[inline]
    fn may_stand(guard_start: bool, guard_end: bool, text: &[u8], start: usize, end: usize) -> bool {
        let alphanumeric = |at: usize| text.get(at).is_some_and(u8::is_ascii_alphanumeric);
        let cut_before = guard_start && start > 0 && alphanumeric(start - 1);
        let cut_after = guard_end && alphanumeric(end);
        !cut_before && !cut_after
    }
}

/// A keyword as it is shown: as written, without a `*` at its ends.
pub(super) fn as_shown(written: &str) -> &str {
    let star = ['*', '＊', '﹡']; // what folds to one
    let shown = written.trim();
    let shown = shown.strip_prefix(star).unwrap_or(shown);
    shown.strip_suffix(star).unwrap_or(shown).trim()
}

/// Gathers keywords and gives each different one a number.
#[derive(Default)]
pub(super) struct KeywordCollector {
    numbers: HashMap<Keyword, u32>,
}

impl KeywordCollector {
    /// The number of a keyword.
    pub(super) fn number(&mut self, keyword: Keyword) -> u32 {
        let next = u32::try_from(self.numbers.len()).expect("fewer than 2^32 keywords fit into memory");
        *self.numbers.entry(keyword).or_insert(next)
    }

    /// The automaton of all of them. Fails when they are too many for one.
    pub(super) fn build(self) -> Result<KeywordSet, BuildError> {
        let count = self.numbers.len();
        let mut keywords: Vec<(Keyword, u32)> = self.numbers.into_iter().collect();
        keywords.sort_by(|a, b| a.0.folded.cmp(&b.0.folded).then(a.1.cmp(&b.1)));
        let mut needles = Vec::with_capacity(count);
        let mut starts = Vec::new();
        for same in keywords.chunk_by(|a, b| a.0.folded == b.0.folded) {
            starts.push(needles.len());
            let needle = |(k, number): &(Keyword, u32)| Needle {
                number: *number,
                guard_start: k.guard_start,
                guard_end: k.guard_end,
            };
            needles.extend(same.iter().map(needle));
        }
        starts.push(needles.len());
        keywords.dedup_by(|a, b| a.0.folded == b.0.folded);
        let patterns = keywords.iter().map(|(keyword, _)| &keyword.folded);
        let automaton = match count {
            0 => None,
            _ => Some(AhoCorasick::builder().match_kind(MatchKind::Standard).build(patterns)?),
        };
        Ok(KeywordSet { automaton, needles, starts, count })
    }
}

/// Every keyword of a rule set, ready to be sought.
#[derive(Debug)]
pub(super) struct KeywordSet {
    automaton: Option<AhoCorasick>,
    /// By pattern of the automaton: keywords that differ only in their `*` share one.
    needles: Vec<Needle>,
    /// Where the needles of each pattern start, and where the last end.
    starts: Vec<usize>,
    count: usize,
}

#[derive(Debug)]
struct Needle {
    number: u32,
    guard_start: bool,
    guard_end: bool,
}

impl KeywordSet {
    /// Finds every keyword in a folded text.
    pub(super) fn seek(&self, text: &str, found: &mut Hits) {
        found.marks.begin(self.count);
        found.hits.clear();
        let Some(automaton) = &self.automaton else { return };
        for at in automaton.find_overlapping_iter(text) {
            let pattern = at.pattern().as_usize();
            for needle in &self.needles[self.starts[pattern]..self.starts[pattern + 1]] {
                let (start, end) = (at.start(), at.end());
                if Keyword::may_stand(needle.guard_start, needle.guard_end, text.as_bytes(), start, end)
                    && found.marks.mark(needle.number)
                {
                    found.hits.push(Hit { number: needle.number, start, end });
                }
            }
        }
    }
}

impl KeywordSet {
    /// The numbers of the keywords that are found wherever this one is: also where what stands around it is not known.
    pub(super) fn implied(&self, keyword: &Keyword) -> Vec<u32> {
        let Some(automaton) = &self.automaton else { return Vec::new() };
        let (text, mut found) = (keyword.folded.as_str(), Vec::new());
        for at in automaton.find_overlapping_iter(text) {
            let pattern = at.pattern().as_usize();
            let open_before = at.start() == 0 && !keyword.guard_start;
            let open_after = at.end() == text.len() && !keyword.guard_end;
            for needle in &self.needles[self.starts[pattern]..self.starts[pattern + 1]] {
                let around = (needle.guard_start && open_before) || (needle.guard_end && open_after);
                let (start, end) = (needle.guard_start, needle.guard_end);
                if !around && Keyword::may_stand(start, end, text.as_bytes(), at.start(), at.end()) {
                    found.push(needle.number);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Where a keyword occurs first in a folded text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) number: u32,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The keywords found in one text, each once, at its first place.
#[derive(Debug, Default)]
pub(super) struct Hits {
    hits: Vec<Hit>,
    marks: Marks,
}

impl Hits {
    /// What was found, by the end of its first occurrence.
    pub(super) fn all(&self) -> &[Hit] {
        &self.hits
    }

    /// Whether this keyword was found.
    pub(super) fn has(&self, number: u32) -> bool {
        self.marks.has(number)
    }

    /// Forgets what was found, for a text nobody seeks anything in.
    pub(super) fn clear(&mut self) {
        self.hits.clear();
        self.marks.begin(0);
    }
}

/// A set of small numbers that is emptied in no time.
#[derive(Debug, Default)]
pub(super) struct Marks {
    round: u32,
    seen: Vec<u32>,
}

impl Marks {
    /// Empties the set and makes room for the numbers below `count`.
    pub(super) fn begin(&mut self, count: usize) {
        if self.seen.len() < count {
            self.seen.resize(count, 0);
        }
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.seen.fill(0);
            self.round = 1;
        }
    }

    /// Puts a number in; whether it was not there.
    #[inline]
    pub(super) fn mark(&mut self, number: u32) -> bool {
        let seen = &mut self.seen[number as usize];
        std::mem::replace(seen, self.round) != self.round
    }

    /// Whether the number is there.
    #[inline]
    pub(super) fn has(&self, number: u32) -> bool {
        self.seen.get(number as usize) == Some(&self.round)
    }
}

/// The numbers a list of a rule stands for, each with the index of its first entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Numbers(Box<[(u32, u32)]>);

impl Numbers {
    /// From the numbers and indices of the entries.
    pub(super) fn new(mut entries: Vec<(u32, u32)>) -> Numbers {
        entries.sort_unstable();
        entries.dedup_by_key(|entry| entry.0);
        Numbers(entries.into())
    }

    /// The index of the entry with this number.
    pub(super) fn index(&self, number: u32) -> Option<usize> {
        self.0.binary_search_by_key(&number, |entry| entry.0).ok().map(|at| self.0[at].1 as usize)
    }

    /// Numbers and indices, by number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, usize)> {
        self.0.iter().map(|(number, index)| (*number, *index as usize))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests;
