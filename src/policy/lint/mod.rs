//! What is allowed in rules and hardly meant: warnings, each with its place.
//!
//! Hides the logic of conditions, WeChat's catalogue of categories and the
//! alphabets that look alike. Promises that what is said never to happen never
//! does; what it does not find may still be. Looks at rules only, never at an
//! application, and changes no decision.

mod bounds;
mod catalogue;
mod facts;
mod logic;
mod messages;
mod pattern;
mod reach;
mod script;
#[cfg(test)]
mod tests;
mod words;

#[cfg(test)]
pub(super) use reach::never;

use super::parse::ParsedPolicy;
use crate::document::{Reading, Spot};

/// The code of every warning.
pub const CODES: [&str; 15] = [
    "always-holds",
    "default-agree",
    "empty-placeholder",
    "keyword-covered",
    "keyword-twice",
    "look-alike",
    "message-too-long",
    "never-decides",
    "never-fires",
    "never-holds",
    "regex-matches-all",
    "unbounded-agree",
    "unknown-category",
    "unless-and",
    "unused-list",
];

/// One warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    /// One of [`CODES`].
    pub code: &'static str,
    /// Where it stands.
    pub spot: Spot,
    /// What is odd, in one line.
    pub message: String,
    /// What may have been meant.
    pub help: Option<String>,
}

impl ParsedPolicy {
    /// Every warning about rules that compile, each once.
    pub fn lint(&self) -> Vec<Lint> {
        let mut findings = Findings { policy: self, found: Vec::new() };
        bounds::look(&mut findings);
        words::look(&mut findings);
        messages::look(&mut findings);
        reach::look(&mut findings);
        let mut found = findings.found;
        found.sort_by(|a, b| (a.spot, a.code, &a.message).cmp(&(b.spot, b.code, &b.message)));
        found.dedup();
        found
    }

    /// Keeps every warning with what else was found.
    pub fn report_lints(&self, reading: &Reading) {
        self.lint().into_iter().for_each(|lint| reading.warn(lint.code, lint.spot, lint.message, lint.help));
    }
}

/// Gathers warnings.
struct Findings<'p> {
    policy: &'p ParsedPolicy,
    found: Vec<Lint>,
}

impl Findings<'_> {
    /// Warns of something in a rule, or outside of rules.
    fn warn(&mut self, code: &'static str, rule: Option<usize>, path: &str, message: String, help: &str) {
        if let Some(spot) = self.policy.place_of(rule, path) {
            self.warn_at(code, spot, message, help);
        }
    }

    fn warn_at(&mut self, code: &'static str, spot: Spot, message: String, help: &str) {
        let help = (!help.is_empty()).then(|| help.to_owned());
        self.found.push(Lint { code, spot, message, help });
    }
}
