//! Patterns that match every text, the empty one too: what asks for such a pattern asks for nothing.
//!
//! Promises to be sound: a pattern it names does match every text. Looks at the
//! shape of the pattern, tries no texts.

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// Where in a text something stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    Start,
    End,
}

/// Whether this pattern matches every text.
pub(super) fn matches_all(written: &str) -> bool {
    regex_syntax::parse(written).is_ok_and(|pattern| everywhere(&pattern))
}

/// Whether it is found in every text: nothing at one of its edges, or the whole of it.
fn everywhere(pattern: &Hir) -> bool {
    nothing_at(pattern, Edge::Start) || nothing_at(pattern, Edge::End) || takes_all(pattern)
}

/// Whether it matches the whole of any text, line feeds too.
fn takes_all(pattern: &Hir) -> bool {
    match pattern.kind() {
        HirKind::Alternation(branches) => branches.iter().any(takes_all),
        HirKind::Capture(capture) => takes_all(&capture.sub),
        HirKind::Repetition(repetition) => any_number_of_any(repetition),
        HirKind::Concat(parts) => (0..parts.len()).any(|at| {
            takes_all(&parts[at])
                && parts[..at].iter().all(|part| nothing_at(part, Edge::Start))
                && parts[at + 1..].iter().all(|part| nothing_at(part, Edge::End))
        }),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

/// Whether it matches nothing at this edge of any text, so that a match is there whatever the text.
fn nothing_at(pattern: &Hir, edge: Edge) -> bool {
    match pattern.kind() {
        HirKind::Empty => true,
        HirKind::Literal(_) | HirKind::Class(_) => false,
        HirKind::Look(look) => match edge {
            Edge::Start => matches!(look, Look::Start | Look::StartLF | Look::StartCRLF),
            Edge::End => matches!(look, Look::End | Look::EndLF | Look::EndCRLF),
        },
        HirKind::Repetition(repetition) => repetition.min == 0 || nothing_at(&repetition.sub, edge),
        HirKind::Capture(capture) => nothing_at(&capture.sub, edge),
        HirKind::Concat(parts) => parts.iter().all(|part| nothing_at(part, edge)),
        HirKind::Alternation(branches) => branches.iter().any(|branch| nothing_at(branch, edge)),
    }
}

/// `(?s).*`.
fn any_number_of_any(repetition: &Repetition) -> bool {
    let any = |class: &Class| match class {
        Class::Unicode(class) => class.ranges() == [regex_syntax::hir::ClassUnicodeRange::new('\0', char::MAX)],
        Class::Bytes(_) => false,
    };
    repetition.min == 0
        && repetition.max.is_none()
        && matches!(repetition.sub.kind(), HirKind::Class(class) if any(class))
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    const ALL: [&str; 18] = [
        "",
        ".*",
        "(?s).*",
        "(?s)^.*$",
        "^.*",
        ".*$",
        "^",
        "$",
        "(?m)^",
        "(vx)?",
        "[0-9]*",
        "v{0,3}",
        "x|",
        "(a*)(b?)",
        "(?i)(?:vx|qq)*",
        "(^)+",
        r"\A\s*",
        "(?s)(^)(?:)(.*)\\z",
    ];
    const NOT_ALL: [&str; 15] = [
        ".",
        ".+",
        "(?s).",
        "^$",
        "^.*$",
        "vx?",
        "x|y",
        r"\b",
        r"\B",
        r"\bx?",
        "[0-9]+",
        "(a*)b",
        "$x",
        "^(?:vx)?$",
        "(?s)^.{0,9}$",
    ];
    const TEXTS: [&str; 12] =
        ["", "a", " ", "\n", "a\nb", "\r\n", "博彩", "vx", "！", "a b\n", "\n\n\u{a0}", "0123456789 0123456789"];

    #[test]
    fn a_pattern_that_matches_every_text_is_known() {
        for written in ALL {
            assert!(matches_all(written), "{written:?}");
            let pattern = Regex::new(written).expect("a pattern");
            assert!(TEXTS.iter().all(|text| pattern.is_match(text)), "{written:?}");
        }
    }

    #[test]
    fn a_pattern_that_misses_a_text_is_not_named() {
        for written in NOT_ALL {
            assert!(!matches_all(written), "{written:?}");
            let pattern = Regex::new(written).expect("a pattern");
            assert!(TEXTS.iter().any(|text| !pattern.is_match(text)), "{written:?}");
        }
    }
}
