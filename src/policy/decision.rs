//! What deciding one application yields: the verdict and the evidence for it.
//!
//! Pure data. The one sentence for preview, audit and explanation is made here.

use super::Verdict;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What keeps a verdict from being carried out or trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Brake {
    /// A rule could not be decided for want of data.
    Unknown,
    /// A field was of a wrong kind.
    Malformed,
    /// Two pending entries carry the same appid.
    Ambiguous,
    /// The refusal's message came out empty.
    Message,
    /// A limit of `[limits]` is reached.
    Limit,
    /// Acting is paused by a person.
    Pause,
    /// WeChat did something else than it was asked for; lifted by `resume`.
    Verification,
}

impl Brake {
    /// It is about the application itself, so a person must look; the others keep back what the rules would do.
    pub fn is_doubt(self) -> bool {
        matches!(self, Brake::Unknown | Brake::Malformed | Brake::Ambiguous | Brake::Message)
    }

    /// The word used in preview and audit.
    pub fn word(self) -> &'static str {
        match self {
            Brake::Unknown => "unknown",
            Brake::Malformed => "malformed",
            Brake::Ambiguous => "ambiguous",
            Brake::Message => "message",
            Brake::Limit => "limit",
            Brake::Pause => "pause",
            Brake::Verification => "verification",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Brake> {
        use Brake::*;
        [Unknown, Malformed, Ambiguous, Message, Limit, Pause, Verification].into_iter().find(|b| b.word() == word)
    }
}

impl fmt::Display for Brake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Three-valued truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Truth {
    /// It holds.
    True,
    /// It does not.
    False,
    /// The data to tell is missing.
    Unknown,
}

/// What the rules say about one application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// Index of the deciding rule in [`PolicySpec::rules`](super::PolicySpec); none for default and brakes.
    pub rule: Option<usize>,
    /// The filled message; `Some` exactly when the verdict is refuse.
    pub message: Option<String>,
    /// `Unknown`, `Malformed` or `Message`; the others are the plan's to find.
    pub brake: Option<Brake>,
    /// Indices of the live rules that are unknown, ascending.
    pub unknown: Vec<usize>,
}

/// The evidence for a decision: what is shown as `why` and kept in the audit log.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// One sentence, e.g. `rule "gambling words" (menshen.toml:31): reason contains 博彩`.
    pub sentence: String,
    /// The rules that fired or could not be told (all rules, in an explanation), in file order; shadow ones too.
    pub rules: Vec<RuleWhy>,
}

/// One rule in a [`Why`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleWhy {
    /// Its name.
    pub rule: String,
    /// What it wants.
    pub action: Verdict,
    /// It is in shadow mode: shown, not counted.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub shadow: bool,
    /// How often it may be carried out, in words: `20 in 1d`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<String>,
    /// Where it stands, as `file:line`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub place: Option<String>,
    /// Whether it fired.
    pub truth: Truth,
    /// Every condition looked at.
    pub conditions: Vec<ConditionWhy>,
}

/// One condition in a [`RuleWhy`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConditionWhy {
    /// Its path, e.g. `when.reason.any` or `unless.any_of[1].category.all`.
    pub path: String,
    /// Whether it holds.
    pub truth: Truth,
    /// What was found or missing, in words: `contains 博彩`, `has 3 characters, less than 5`, `no create_time`.
    pub words: String,
    /// The keywords and patterns found, each with its place in the text as received.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub found: Vec<Found>,
}

/// A keyword or pattern found in a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// As written in the rule; a keyword without `*`.
    pub keyword: String,
    /// Bytes of the text as received where it starts …
    pub start: usize,
    /// … and ends.
    pub end: usize,
}
