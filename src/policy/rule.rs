//! What rules say, as data: the effective policy of one account, lists already filled in.
//!
//! A [`PolicySpec`] is what `parse` makes of TOML, what [`RuleSet`](super::RuleSet)
//! compiles, what is kept in the audit log by its hash, and what a replay reads
//! back. Places in files are beside it and never part of the hash.

use super::{EarlierKind, RuleLimit};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc, time::Duration};

/// What is to become of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Let it in.
    Agree,
    /// Turn it away, with a message.
    Refuse,
    /// Leave it for a person.
    Hold,
}

impl Verdict {
    /// The word used in configuration, preview and audit.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Agree => "agree",
            Verdict::Refuse => "refuse",
            Verdict::Hold => "hold",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Where something stands in a configuration: for people, never compared or hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// Its line, from 1.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Everything that decides the applications to one account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicySpec {
    /// In the order of the files.
    pub rules: Vec<RuleSpec>,
    /// The verdict when no rule fires.
    pub default: Verdict,
    /// The message that goes with a `refuse` default.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub default_message: Option<String>,
    /// Longest message sent, in Unicode characters.
    pub message_max_chars: usize,
}

impl PolicySpec {
    /// The policy as one account sees it: without the rules that are limited to others.
    pub fn for_account(&self, name: &str) -> PolicySpec {
        let rules = self.places_for(name).into_iter().map(|place| self.rules[place].clone()).collect();
        PolicySpec { rules, ..self.without_rules() }
    }

    /// Which of the rules one account sees, counted from 0: accounts that see the same ones decide alike.
    pub fn places_for(&self, name: &str) -> Vec<usize> {
        let applies = |rule: &RuleSpec| rule.accounts.as_ref().is_none_or(|names| names.iter().any(|n| n == name));
        (0..self.rules.len()).filter(|place| applies(&self.rules[*place])).collect()
    }

    fn without_rules(&self) -> PolicySpec {
        PolicySpec {
            rules: Vec::new(),
            default: self.default,
            default_message: self.default_message.clone(),
            message_max_chars: self.message_max_chars,
        }
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleSpec {
    /// As written; unique in a configuration.
    pub name: String,
    /// What it wants when it fires.
    pub action: Verdict,
    /// Counted, or only shown.
    #[serde(skip_serializing_if = "RuleMode::is_live", default)]
    pub mode: RuleMode,
    /// The message of a `refuse` rule, with placeholders.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
    /// Names of the accounts it is limited to; `None` = all.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub accounts: Option<Vec<String>>,
    /// A note for reviewers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// How often it may be carried out; `None` = no limit of its own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<RuleLimit>,
    /// Fires when this holds …
    pub when: Condition,
    /// … and this does not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unless: Option<Condition>,
    /// Where it stands; not part of what it says.
    #[serde(skip)]
    pub place: Option<Place>,
}

/// Whether a rule counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleMode {
    /// It decides.
    #[default]
    Live,
    /// It is shown in `why` and counts for nothing else.
    Shadow,
}

impl RuleMode {
    /// True for [`RuleMode::Live`].
    pub fn is_live(&self) -> bool {
        matches!(self, RuleMode::Live)
    }
}

/// A condition table: every test must hold (AND). Never empty once parsed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Condition {
    /// In the order of the keys in the file.
    pub tests: Vec<Test>,
}

/// One key of a condition table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// `always = true`
    Always,
    /// `category = { any, all, none }`; entries as written, lists filled in.
    Category(Lists),
    /// `reason = { … }`
    Reason(TextTest),
    /// `nickname = { … }`
    Nickname(TextTest),
    /// `appid = { any, none }` (`all` is never set)
    Appid(Lists),
    /// `age = { min, max }`
    Age(AgeTest),
    /// `previous = { agreed, refused, held, within }`
    Previous(PreviousTest),
    /// `any_of = [ … ]`: one must hold.
    AnyOf(Vec<Condition>),
    /// `not = { … }`: must not hold.
    Not(Condition),
}

/// `any`, `all`, `none` of a list. At least one is set, and none of those set is empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Lists {
    /// At least one of these.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub any: Option<Vec<String>>,
    /// Keywords: each of these. Categories: every category of the application is one of these.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub all: Option<Vec<String>>,
    /// None of these.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub none: Option<Vec<String>>,
}

/// Tests on a text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TextTest {
    /// Keywords.
    #[serde(flatten)]
    pub keywords: Lists,
    /// Regular expressions on the text as received: any matches.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub regex: Option<Vec<String>>,
    /// Least length of the trimmed text, in characters.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub min_chars: Option<u64>,
    /// Greatest length of the trimmed text, in characters.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_chars: Option<u64>,
}

/// Tests on the time since `create_time`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AgeTest {
    /// At least this old.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub min: Option<Duration>,
    /// At most this old.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max: Option<Duration>,
}

/// Tests on earlier applications of the same appid to the same account. At least one count is set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PreviousTest {
    /// At least so many were agreed to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub agreed: Option<u64>,
    /// At least so many were refused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refused: Option<u64>,
    /// At least so many were left for a person.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub held: Option<u64>,
    /// Only what was decided this long ago or later counts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub within: Option<Duration>,
}

impl PreviousTest {
    /// The counts that are set.
    pub fn counts(&self) -> impl Iterator<Item = (EarlierKind, u64)> + use<> {
        let all =
            [(EarlierKind::Agreed, self.agreed), (EarlierKind::Refused, self.refused), (EarlierKind::Held, self.held)];
        all.into_iter().filter_map(|(what, least)| Some((what, least?)))
    }
}
