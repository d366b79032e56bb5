//! A pass under way, as the service watches it.
//!
//! Promises that one which only waits begins by the configuration in force when its
//! turn comes, and that a reload changes neither what is watched nor whom to stop.

use super::super::account::Account;
use super::super::pass::Watch;
use super::super::supervisor::{Pulse, patience};
use crate::policy::AppId;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::task;

/// A pass under way.
pub(super) struct Working {
    pub(super) pass: task::Id,
    pub(super) account: String,
    /// Its signs of life, and what ends it alone.
    pub(super) watch: Watch,
    pub(super) pulse: Pulse,
    /// It was said that it shows no sign of life.
    pub(super) stuck: bool,
}

impl Working {
    /// The pass of an account begins, or begins to wait.
    pub(super) fn begin(pass: task::Id, account: &Account, watch: Watch) -> Working {
        let pulse = Pulse::new(Instant::now(), patience(account.source.wechat.timeout));
        Working { pass, account: account.name.clone(), watch, pulse, stuck: false }
    }

    /// The account is configured otherwise, and the pass may begin by that.
    pub(super) fn configured(&mut self, account: &Account) {
        self.account.clone_from(&account.name);
        self.pulse.has_patience(patience(account.source.wechat.timeout));
    }

    /// Whether it shows no sign of life; said once.
    pub(super) fn look(&mut self, now: Instant) -> bool {
        let stuck = self.pulse.is_stuck(self.watch.beats.load(Ordering::Relaxed), now);
        if stuck && !self.stuck {
            tracing::error!(account = %self.account, "a pass shows no sign of life; the watchdog is not fed until it does");
        }
        self.stuck = stuck;
        stuck
    }
}

/// An account as it is configured now; it stood at this place when its pass was woken.
pub(super) fn configured(accounts: &[Account], place: usize, appid: &AppId) -> Option<Account> {
    let there = accounts.get(place).filter(|account| account.appid == *appid);
    there.or_else(|| accounts.iter().find(|account| account.appid == *appid)).cloned()
}
