//! Everything that can be wrong, looked at one after the other: what was found, and what to do about it.
//!
//! Hides where each fact comes from. Promises that nothing is changed by looking: no agree, refuse or delete is sent, the
//! audit log is opened for reading, no lock is taken, nobody is told anything, and a token others would lose theirs by is
//! not fetched unless that was allowed. Everything is bounded in time, whatever hangs. What is found names secrets by
//! their place, never by their words. Facts are gathered apart from their judgement, which is pure.

mod accounts;
mod finding;
mod host;
mod network;
mod settings;
mod state;
mod unit;

pub use finding::{Check, Finding, Status};

use super::account::Surroundings;
use crate::config::{self, ConfigError, Survey};
use jiff::Timestamp;
use std::path::Path;
use unit::Unit;

/// What is looked at, and how far one may go.
#[derive(Debug, Clone, Copy)]
pub struct Examination<'e> {
    /// The configuration, right or wrong.
    pub survey: &'e Survey,
    /// Where its secrets come from.
    pub secrets: &'e config::Surroundings,
    /// What stands around all accounts.
    pub around: &'e Surroundings,
    /// Whether it is the real WeChat.
    pub site: Site,
    /// Only this account; all by default.
    pub account: Option<&'e str>,
    /// Whether anything is sent at all.
    pub network: Reachable,
    /// Somebody said that tokens of others may end.
    pub may_disturb: bool,
}

/// Which WeChat is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// The real one, and a service of ours.
    Real,
    /// The embedded simulated one: its state holds nobody's words, and no unit runs it.
    Sandbox,
}

/// Whether the network is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reachable {
    /// As far as it leads.
    Ask,
    /// Not at all.
    Offline,
}

impl Examination<'_> {
    /// Whether an account is in question.
    fn concerns(&self, account: &str) -> bool {
        self.account.is_none_or(|only| only == account)
    }
}

/// Looks at everything; tells each finding as soon as those before it are told.
pub async fn examine(examination: &Examination<'_>, tell: &mut (dyn FnMut(Finding) + Send)) {
    let now = Timestamp::now();
    settings::look(examination, now).into_iter().for_each(&mut *tell);
    let unit = match examination.site {
        Site::Real => Unit::ask().await,
        Site::Sandbox => Unit::unasked(),
    };
    state::look(examination, &unit).await.into_iter().for_each(&mut *tell);
    host::look(examination, &unit).into_iter().for_each(&mut *tell);
    tell(host::at_work(examination));
    match examination.site {
        Site::Real => unit.judge(&examination.survey.config.path).into_iter().for_each(&mut *tell),
        Site::Sandbox => tell(Check::Unit.skipped("the sandbox runs without systemd")),
    }
    network::look(examination, tell).await;
    accounts::look(examination, tell).await;
}

/// What can be said where the configuration itself cannot be read: why, and how the unit stands.
pub async fn examine_without(problem: &ConfigError, path: &Path, tell: &mut (dyn FnMut(Finding) + Send)) {
    problem.problems().map(|problem| settings::wrong(Check::Configuration, problem)).for_each(&mut *tell);
    Unit::ask().await.judge(path).into_iter().for_each(&mut *tell);
}
