//! The long way of folding, for any text: every character carries the place it came from.
//!
//! Hides the rounds of normalising, dropping, lowering and simplifying. Promises
//! that the rounds end and are no more for a longer text, that each takes linear
//! time, and that the result is what `unicode-normalization` itself would give for
//! the same rounds (held by tests). Does not touch white space.

use super::{ignorable::is_ignorable, traditional::simplify};
use unicode_normalization::{
    IsNormalized,
    char::{canonical_combining_class, compose, decompose_compatible},
    is_nfkc_quick,
};

/// A character and the bytes of the original it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) c: char,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Rounds until nothing changes: three at the most in every text met so far.
pub(super) const ROUNDS_MAX: usize = 8;
/// Runs of marks up to this length are sorted by comparing, which takes no memory.
const RUN_SHORT: usize = 32;

/// NFKC, drop, lower case, simplify, until nothing changes.
pub(super) fn settle(mut settled: Vec<Placed>) -> Vec<Placed> {
    for _ in 0..ROUNDS_MAX {
        let (next, changed) = round(&settled);
        settled = next;
        if changed == Changed::Nothing {
            break;
        }
    }
    settled
}

/// Whether another round may find something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    /// It would not: the text is its own normal form, and was dropped from, lowered and simplified before.
    Nothing,
    /// It may.
    Something,
}

/// One round.
pub(super) fn round(text: &[Placed]) -> (Vec<Placed>, Changed) {
    let normal = normalize(text);
    let next = lower_and_simplify(&normal);
    // What these three leave alone stays in normal form; what they change is mostly seen to be in it at one glance.
    let settled = same(&next, &normal) || is_nfkc_quick(next.iter().map(|at| at.c)) == IsNormalized::Yes;
    (next, if settled { Changed::Nothing } else { Changed::Something })
}

/// Whether a character may be joined to, or ordered among, what comes to stand before it.
pub(super) fn joins(c: char) -> bool {
    !stands_alone(c) && (class(c) != 0 || is_nfkc_quick(std::iter::once(c)) != IsNormalized::Yes)
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
        match stands_alone(at.c) {
            true => parts.push(*at),
            false => decompose_compatible(at.c, |c| parts.push(Placed { c, ..*at })),
        }
    }
    order_marks(&mut parts);
    compose_all(&parts)
}

/// Characters that are their own parts, no marks, and joined to nothing before them: most of any text (held by a test).
#[inline]
pub(super) fn stands_alone(c: char) -> bool {
    matches!(c, '\0'..='\u{9F}' | '\u{4E00}'..='\u{9FFF}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}')
}

/// The canonical combining class.
#[inline]
fn class(c: char) -> u8 {
    if stands_alone(c) { 0 } else { canonical_combining_class(c) }
}

/// Canonical ordering: each run of marks by combining class, otherwise as they stand.
fn order_marks(text: &mut [Placed]) {
    for run in text.chunk_by_mut(|a, b| class(a.c) != 0 && class(b.c) != 0) {
        if run.len() > RUN_SHORT {
            order_by_counting(run);
        } else if run.len() > 1 {
            run.sort_by_key(|at| class(at.c));
        }
    }
}

/// Orders a run of any length in linear time.
fn order_by_counting(run: &mut [Placed]) {
    let mut starts = [0_usize; 257];
    run.iter().for_each(|at| starts[usize::from(class(at.c)) + 1] += 1);
    (1..starts.len()).for_each(|next| starts[next] += starts[next - 1]);
    let before = run.to_vec();
    for at in before {
        let place = &mut starts[usize::from(class(at.c))];
        run[*place] = at;
        *place += 1;
    }
}

/// Canonical composition.
fn compose_all(text: &[Placed]) -> Vec<Placed> {
    let mut out: Vec<Placed> = Vec::with_capacity(text.len());
    let mut starter: Option<usize> = None;
    let mut last_class: Option<u8> = None; // of what stands between the starter and here; none = nothing does
    for next in text {
        let class = class(next.c);
        if let Some(at) = starter
            && last_class.is_none_or(|last| last < class)
            && !stands_alone(next.c)
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
