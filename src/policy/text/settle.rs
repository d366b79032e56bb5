//! The long way of folding, for any text: every character carries the place it came from.
//!
//! Hides the rounds of normalising, dropping, lowering and simplifying. Promises
//! that the rounds end, that each takes (nearly) linear time, and that the result
//! is what `unicode-normalization` itself would give for the same rounds (held
//! by a test). Does not touch white space.

use super::{ignorable::is_ignorable, traditional::simplify};
use unicode_normalization::char::{canonical_combining_class, compose, decompose_compatible};

/// A character and the bytes of the original it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) c: char,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Rounds until nothing changes: two and one to see it, three at the most in every text met so far.
pub(super) const ROUNDS_MAX: usize = 8;

/// NFKC, drop, lower case, simplify, until nothing changes.
pub(super) fn settle(mut settled: Vec<Placed>) -> Vec<Placed> {
    for _ in 0..ROUNDS_MAX {
        let next = lower_and_simplify(&normalize(&settled));
        let done = same(&next, &settled);
        settled = next;
        if done {
            break;
        }
    }
    settled
}

/// The characters of a text, each with its place.
pub(super) fn placed(text: &str) -> Vec<Placed> {
    let place = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX); // beyond 4 GiB places are of no use to anybody
    text.char_indices().map(|(at, c)| Placed { c, start: place(at), end: place(at + c.len_utf8()) }).collect()
}

/// Whether two texts are the same, wherever they came from.
pub(super) fn same(one: &[Placed], other: &[Placed]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.c == b.c)
}

fn lower_and_simplify(text: &[Placed]) -> Vec<Placed> {
    let mut out = Vec::with_capacity(text.len());
    for at in text.iter().filter(|at| !is_ignorable(at.c)) {
        out.extend(at.c.to_lowercase().map(|c| Placed { c: simplify(c), ..*at }));
    }
    out
}

/// NFKC with places.
fn normalize(text: &[Placed]) -> Vec<Placed> {
    let mut parts = Vec::with_capacity(text.len());
    for at in text {
        decompose_compatible(at.c, |c| parts.push(Placed { c, ..*at }));
    }
    order_marks(&mut parts);
    compose_all(&parts)
}

/// Canonical ordering: each run of marks by combining class, otherwise as they stand.
fn order_marks(text: &mut [Placed]) {
    let class = |at: &Placed| canonical_combining_class(at.c);
    for run in text.chunk_by_mut(|a, b| class(a) != 0 && class(b) != 0) {
        if run.len() > 1 {
            run.sort_by_key(class);
        }
    }
}

/// Canonical composition.
fn compose_all(text: &[Placed]) -> Vec<Placed> {
    let mut out: Vec<Placed> = Vec::with_capacity(text.len());
    let mut starter: Option<usize> = None;
    let mut last_class: Option<u8> = None; // of what stands between the starter and here; none = nothing does
    for next in text {
        let class = canonical_combining_class(next.c);
        if let Some(at) = starter
            && last_class.is_none_or(|last| last < class)
            && let Some(c) = compose(out[at].c, next.c)
        {
            out[at] = Placed { c, start: out[at].start.min(next.start), end: out[at].end.max(next.end) };
            continue;
        }
        if class == 0 {
            starter = Some(out.len());
            last_class = None;
        } else {
            last_class = Some(class);
        }
        out.push(*next);
    }
    out
}
