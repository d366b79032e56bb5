//! Text folding: makes the ways of writing the same thing the same text.
//!
//! Hides normalisation, invisible characters, case, Traditional and Simplified
//! Chinese, and white space. Promises that keywords, categories and the texts
//! they are sought in are folded alike, that [`fold`] and [`fold_with_places`]
//! agree, and that the time is linear in the text, whatever the text. Does not
//! know keywords; does not segment words or convert phrases.
//!
//! The order is: NFKC; drop control, format and default-ignorable characters that
//! are not white space; lower case, character by character; Traditional to
//! Simplified; all that until nothing changes; then the white space rule. Where a
//! combining mark stood after white space that was dropped, it may join its new
//! neighbour, so the whole is repeated until it changes nothing either: what is
//! folded folds to itself. For every other text one round is all there is.

mod ignorable;
mod plain;
mod settle;
mod traditional;

pub(crate) use ignorable::is_ignorable;

use plain::{Plain, plain};
use settle::{Placed, ROUNDS_MAX, joins, placed, settle};
use std::ops::Range;

/// Names this folding: part of every rule set's hash. Raised when any text may fold differently,
/// also by new Unicode tables.
pub const FOLDING_VERSION: &str = "2";

/// A folded text that remembers where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldedText {
    text: String,
    /// For every character of `text`: where it starts there, and its bytes in the original.
    places: Vec<(u32, Range<u32>)>,
}

impl FoldedText {
    /// The folded text; the same as [`fold`] gives.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of the original that became these bytes of the folded text; dropped characters in between included.
    pub fn original(&self, folded: Range<usize>) -> Range<usize> {
        let first = self.places.partition_point(|place| (place.0 as usize) < folded.start);
        let after = self.places.partition_point(|place| (place.0 as usize) < folded.end);
        let within = &self.places[first..after.max(first)];
        let start = within.iter().map(|place| place.1.start).min().unwrap_or_default();
        let end = within.iter().map(|place| place.1.end).max().unwrap_or_default();
        start as usize..end as usize
    }
}

/// Folds a text.
pub fn fold(text: &str) -> String {
    let mut out = Squeezed { text: String::with_capacity(text.len()), space: false };
    for c in text.chars() {
        match plain(c) {
            Plain::Keep(c) => out.push(c),
            Plain::Space => out.space = true,
            Plain::Drop => {}
            Plain::Other => return fold_the_long_way(text),
        }
    }
    out.text
}

/// Folds a text and keeps the place of every character.
pub fn fold_with_places(text: &str) -> FoldedText {
    let mut folded = FoldedText { text: String::with_capacity(text.len()), places: Vec::new() };
    for Placed { c, start, end } in fold_placed(text) {
        folded.places.push((folded_place(folded.text.len()), start..end));
        folded.text.push(c);
    }
    folded
}

fn folded_place(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cold]
fn fold_the_long_way(text: &str) -> String {
    fold_placed(text).iter().map(|at| at.c).collect()
}

/// The whole of folding, repeated until nothing changes.
fn fold_placed(text: &str) -> Vec<Placed> {
    let mut folded = placed(text);
    for _ in 0..ROUNDS_MAX {
        let (next, gaps) = squeeze(&settle(folded));
        folded = next;
        if gaps == Gaps::Apart {
            break;
        }
    }
    folded
}

/// What the white space that was dropped has brought together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gaps {
    /// Characters that have nothing to do with each other: the text is folded.
    Apart,
    /// Somewhere a mark, or another character that joins what stands before it.
    Joined,
}

/// The white space rule. A space that stays has the place of all the white space it stands for.
fn squeeze(text: &[Placed]) -> (Vec<Placed>, Gaps) {
    let mut out: Vec<Placed> = Vec::with_capacity(text.len());
    let mut space: Option<Placed> = None;
    let mut gaps = Gaps::Apart;
    for at in text {
        if at.c.is_whitespace() {
            let run = space.unwrap_or(*at);
            space = Some(Placed { c: ' ', start: run.start.min(at.start), end: run.end.max(at.end) });
            continue;
        }
        let between = out.last().is_some_and(|last| last.c.is_ascii_alphanumeric()) && at.c.is_ascii_alphanumeric();
        if space.is_some() && !out.is_empty() && joins(at.c) {
            gaps = Gaps::Joined;
        }
        out.extend(space.take().filter(|_| between));
        out.push(*at);
    }
    (out, gaps)
}

/// A text as the white space rule leaves it.
struct Squeezed {
    text: String,
    /// White space was seen after the last character.
    space: bool,
}

impl Squeezed {
    /// Adds a character that is no white space.
    #[inline]
    fn push(&mut self, c: char) {
        if self.space {
            let between =
                self.text.as_bytes().last().is_some_and(u8::is_ascii_alphanumeric) && c.is_ascii_alphanumeric();
            if between {
                self.text.push(' ');
            }
            self.space = false;
        }
        self.text.push(c);
    }
}

#[cfg(test)]
mod tests;
