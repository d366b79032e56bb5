//! Regular expressions of rules: sought in a text as received, in linear time.
//!
//! Hides the engine and its limits. Promises that a pattern costs a bounded
//! amount of memory and time linear in the text, whatever both are, and says in
//! words of ours what it cannot do. Does not fold.

use regex::{Regex, RegexBuilder};
use std::ops::Range;

/// Most memory one compiled pattern may take, in bytes: about a thousand repetitions of `\w`.
const PATTERN_BYTES_MAX: usize = 4 << 20;
/// Most memory the engine may use to seek one pattern fast, in bytes; beyond it, it seeks slower.
const CACHE_BYTES_MAX: usize = 2 << 20;

/// The patterns of one `regex` list; any of them may match.
#[derive(Debug)]
pub(super) struct Patterns(Box<[Regex]>);

impl Patterns {
    /// From patterns that were read.
    pub(super) fn new(patterns: Vec<Regex>) -> Patterns {
        Patterns(patterns.into())
    }

    /// Whether any of them matches somewhere.
    pub(super) fn any_in(&self, text: &str) -> bool {
        self.0.iter().any(|pattern| pattern.is_match(text))
    }

    /// The index of every pattern that matches, with the first place it does.
    pub(super) fn places<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (usize, Range<usize>)> + 'a {
        // Only the first place of each: finding all of them would not be linear.
        self.0.iter().enumerate().filter_map(|(index, pattern)| Some((index, pattern.find(text)?.range())))
    }
}

/// Reads a pattern; what is wrong with it in one line.
pub(super) fn read(written: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(written).size_limit(PATTERN_BYTES_MAX).dfa_size_limit(CACHE_BYTES_MAX).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            "this pattern grows too large; repeat less, or name fewer kinds of characters".to_owned()
        }
        error => in_words(&error.to_string()),
    })
}

/// The engine draws its errors over several lines; the last says what is wrong.
fn in_words(error: &str) -> String {
    if error.contains("look-around") {
        return "look-around, (?=…) (?!…) (?<=…) (?<!…), cannot be matched in linear time; write a second condition: `not`, `none`, or another rule".to_owned();
    }
    if error.contains("backreference") {
        return "back-references, \\1 \\k<name>, cannot be matched in linear time".to_owned();
    }
    let what = error.lines().last().unwrap_or(error).trim();
    format!("no regular expression: {}", what.strip_prefix("error: ").unwrap_or(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_cannot_be() {
        for (written, expected) in [
            ("vx[0-9]+", None),
            ("(?i)^VX$", None),
            (r"\bq\w{3,}", None),
            ("", None),
            ("博(?=彩)", Some("look-around, ")),
            ("(?<!博)彩", Some("look-around, ")),
            (r"(a)\1", Some("back-references, ")),
            ("(a", Some("no regular expression: unclosed group")),
            ("*a", Some("no regular expression: repetition operator missing expression")),
            (r"\w{1000}{1000}", Some("this pattern grows too large")),
        ] {
            let problem = read(written).err();
            match expected {
                None => assert_eq!(problem, None, "{written}"),
                Some(expected) => {
                    let problem = problem.unwrap_or_default();
                    assert!(problem.starts_with(expected) && !problem.contains('\n'), "{written}: {problem}");
                }
            }
        }
    }

    #[test]
    fn shows_the_first_place_of_each() {
        let patterns: Vec<Regex> = ["彩", "[0-9]+", "x"].iter().filter_map(|written| read(written).ok()).collect();
        let patterns = Patterns::new(patterns);
        assert_eq!(patterns.places("博彩 12 彩 3").collect::<Vec<_>>(), [(0, 3..6), (1, 7..9)]);
        assert!(patterns.any_in("9") && !patterns.any_in("九"));
    }
}
