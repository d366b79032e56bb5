//! What is told, before anybody's markup: a notice, and the applications it is about.
//!
//! A notice alone holds counts, names from the configuration and our own words. What applicants wrote stands in
//! [`Applicant`] and goes beside it, so that it can be left out, and erased.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Applications wait for a person.
    Held,
    /// WeChat will soon time applications out that nobody has decided.
    Deadline,
    /// WeChat timed applications out that nobody had decided.
    TimedOut,
    /// A brake or pause was pulled or lifted.
    Brake,
    /// An account cannot be worked, or can again.
    Failing,
    /// What a day brought.
    Digest,
    /// Notices that could not be delivered were given up.
    Lost,
    /// A person tries whether it works.
    Test,
}

impl Event {
    /// Those a configuration may name, with their words.
    pub const CHOICES: [(&str, Event); 6] = [
        ("held", Event::Held),
        ("deadline", Event::Deadline),
        ("timed_out", Event::TimedOut),
        ("brake", Event::Brake),
        ("failing", Event::Failing),
        ("digest", Event::Digest),
    ];

    /// Its word, in configurations and on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Event::Lost => "lost",
            Event::Test => "test",
            named => Event::CHOICES.iter().find(|(_, event)| *event == named).map_or("", |(word, _)| word),
        }
    }
}

/// The language a notice is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Chinese.
    Zh,
    /// English.
    En,
}

/// One message, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// Its own for ever: who gets it twice can tell.
    pub id: String,
    /// What is told.
    pub notice: Notice,
    /// The applications it is about; `None` = left out, or erased since.
    pub applications: Option<Vec<Applicant>>,
}

/// What is told, without anybody's words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// About what.
    pub event: Event,
    /// When it was true.
    pub at: Timestamp,
    /// The service runs in shadow mode: nothing is sent to WeChat.
    pub shadow: bool,
    /// How many applications of each account it concerns; empty where it is about none.
    pub accounts: BTreeMap<String, u64>,
    /// The rest.
    pub news: News,
}

/// What there is beside the counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// The applications stand beside it.
    Applications,
    /// Brakes and pauses.
    Brakes(Vec<BrakeNews>),
    /// Accounts that cannot be worked, or can again.
    Failures(Vec<Failure>),
    /// A day.
    Digest(Digest),
    /// So many notices were given up.
    Lost(u64),
    /// Nothing.
    Test,
}

/// A brake or pause that was pulled or lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrakeNews {
    /// `pause` or `verification`.
    pub kind: String,
    /// The account; `None` = every one.
    pub account: Option<String>,
    /// `agree`, `refuse`, `delete`; `None` = every one.
    pub action: Option<String>,
    /// Why, in the words of whoever pulled it.
    pub why: Option<String>,
    /// It was lifted.
    pub lifted: bool,
}

/// An account that cannot be worked, or can again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The account.
    pub account: String,
    /// `token`, `permission`, `quota` or `passes`.
    pub problem: String,
    /// WeChat's errcode, if it named one.
    pub errcode: Option<i64>,
    /// It works again.
    pub over: bool,
}

/// What a day brought.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// The calendar day, in the time zone of the service.
    pub day: Date,
    /// Decisions of that day.
    pub counts: Vec<Counted>,
    /// Applications that wait for a person now.
    pub held: u64,
    /// Applications timed out that day while nobody had decided them.
    pub timed_out: u64,
}

/// Decisions of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The account.
    pub account: String,
    /// `agree`, `refuse`, `hold` or `delete`.
    pub verdict: String,
    /// The rule; `None` = no rule.
    pub rule: Option<String>,
    /// How they stand.
    pub outcome: String,
    /// How many.
    pub n: u64,
}

/// An application as a reviewer needs it. Holds an applicant's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applicant {
    /// Our name for the account.
    pub account: String,
    /// The applicant's appid.
    pub appid: String,
    /// When it applied, in Unix seconds.
    pub create_time: Option<i64>,
    /// When WeChat times it out, by `[pending] window`.
    pub due_at: Option<Timestamp>,
    /// Its name.
    pub nickname: Option<String>,
    /// `first/second` each.
    pub categories: Vec<String>,
    /// Its words.
    pub reason: Option<String>,
    /// The rule that held it.
    pub rule: Option<String>,
    /// The brake that holds it.
    pub brake: Option<String>,
    /// The rule's note for reviewers.
    pub note: Option<String>,
    /// The row of the audit log.
    pub decision: i64,
}
