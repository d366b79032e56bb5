//! The configuration: one TOML file (and what it includes) made into values that need no further checks.
//!
//! Hides the grammar, the defaults, where secrets come from and who may write the
//! files. Promises all problems of all files at once, each with its place, and that
//! no secret is in an error. Talks to no network and opens no database.

mod account;
mod files;
mod find;
mod include;
mod load;
mod metrics;
mod notify;
mod proxy;
mod schedule;
mod secret;
mod service;
mod surroundings;
mod survey;
#[cfg(test)]
mod tests;
mod token;
mod writers;

pub use account::{Account, CaFile, Limits, Wechat};
pub use find::find;
pub use load::{Checked, check, check_text, load, load_cases, load_text};
pub use metrics::Metrics;
pub use notify::{Notify, NotifyContent, NotifyEvent, NotifyKind, NotifyLanguage};
pub use proxy::ProxyAddress;
pub use schedule::Schedule;
pub use secret::{Origin, Secret, Unread};
pub use service::{Pending, Service};
pub use surroundings::{Surroundings, Variables};
pub use survey::{NamedSecret, Survey, survey};
pub use token::{Command, Header, Place, Platform, Token};

use crate::document::{Problem, Problems};
use crate::policy::{Housekeeping, parse::ParsedPolicy};
use std::fmt;
use std::path::PathBuf;

/// A configuration that is whole and right.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from.
    pub path: PathBuf,
    /// `[service]`
    pub service: Service,
    /// `[[account]]` of all files, at least one; empty when loaded with [`Need::Policy`].
    pub accounts: Vec<Account>,
    /// `[platform]`, if there is one.
    pub platform: Option<Platform>,
    /// The names of all `[[account]]`, also with [`Need::Policy`].
    pub account_names: Vec<String>,
    /// `[limits]` as it stands; each account has its own in [`Account::limits`].
    pub limits: Limits,
    /// `[policy]`, `[lists]`, `[[rule]]`, `[[case]]`
    pub policy: ParsedPolicy,
    /// `[pending]`
    pub pending: Pending,
    /// `[housekeeping]`
    pub housekeeping: Housekeeping,
    /// `[[notify]]`; empty when loaded with [`Need::Policy`].
    pub notify: Vec<Notify>,
    /// `[metrics]`; `None` = nothing is served, or loaded with [`Need::Policy`].
    pub metrics: Option<Metrics>,
}

/// What the caller needs of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Everything, secrets read: for whoever talks to WeChat.
    Secrets,
    /// `[service]` and the accounts, secrets checked in shape but not read; rules are not even looked at. For whoever
    /// only needs the state directory: the record stays readable while the rules are being mended.
    State,
    /// All that is written, secrets checked in shape but not read; `[[account]]` may be missing: for whoever checks rules.
    Rules,
    /// Rules, lists, cases, `[pending]` and `[limits]`; the rest is not even looked at: for the sandbox.
    Policy,
}

/// The configuration cannot be used. The caller shows [`ConfigError::render`] and exits with status 2, or goes on with the last good one.
#[derive(Debug, Clone)]
pub struct ConfigError {
    problems: Problems,
}

impl ConfigError {
    /// Every problem the way rustc would show it. No final newline.
    pub fn render(&self, colour: bool) -> String {
        self.problems.render(colour)
    }

    /// Every problem, in the order shown.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter()
    }
}

impl From<Problems> for ConfigError {
    fn from(problems: Problems) -> ConfigError {
        ConfigError { problems }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for ConfigError {}
