//! Taking ended applications off WeChat's list, in passes that have nothing else to do.
//!
//! A deletion is recorded before it is sent and seen to be done, as everything that
//! changes something. What cannot be deleted is given up after a few passes.

use super::account::Account;
use super::before::Before;
use super::hand::{Hand, nameless};
use super::pass::{Pass, stops};
use crate::policy::{Action, AppId, Application, Decision, Identity, Mode, Outcome, Status, Step, Todo, Verdict};
use crate::store::{Past, Reader, RecordedVerdict, StoreError};
use crate::wechat::Listing;
use jiff::Timestamp;
use std::collections::HashSet;

/// Deletions a pass makes at most: a new application waits no longer for its decision than these take.
const DELETIONS_A_PASS: usize = 100;
/// Calls made to delete one application before it is left on the list.
const TRIES: u32 = 3;

impl Pass<'_> {
    /// What may be deleted, of a complete list.
    pub(super) fn spent(&self, listing: &Listing, pending: &HashSet<Identity>) -> Vec<Identity> {
        match listing.gap.is_none() && listing.unreadable.is_empty() && self.account.mode == Mode::Live {
            true => due(self.account, listing, pending, self.report.started),
            false => Vec::new(),
        }
    }

    /// Deletes what is due, unless something keeps it back; tried again with every quiet pass, so that is no row.
    pub(super) async fn keep_house(&mut self, before: &mut Before, spent: Vec<Identity>) -> Result<(), StoreError> {
        if spent.is_empty() || stops(self.account, &self.store.brakes().await?).brake(Action::Delete).is_some() {
            return Ok(());
        }
        let steps = steps(self.store, self.account, spent).await?;
        self.hand = Some(Hand::Housekeeping);
        let done = self.act(before, steps, Vec::new()).await;
        self.hand = None;
        done
    }
}

/// What a live pass with nothing else to do would delete.
pub(super) async fn preview(
    log: Option<&Reader>,
    account: &Account,
    listing: &Listing,
    now: Timestamp,
) -> Result<Vec<Identity>, StoreError> {
    if listing.gap.is_some() || !listing.unreadable.is_empty() {
        return Ok(Vec::new());
    }
    let pending = listing.pending.iter().map(Application::identity).collect();
    let due = due(account, listing, &pending, now);
    let Some(log) = log else { return Ok(due) };
    Ok(steps(log, account, due).await?.into_iter().map(|step| step.application.identity()).collect())
}

fn due(account: &Account, listing: &Listing, pending: &HashSet<Identity>, now: Timestamp) -> Vec<Identity> {
    let entries = || {
        let pending = pending.iter().map(|identity| (identity.clone(), Status::Pending));
        listing.others.iter().chain(pending)
    };
    let due = account.housekeeping.due(entries, now, most(account));
    due.into_iter().map(|(identity, _)| identity).collect()
}

/// No more than a pass may act at all.
fn most(account: &Account) -> usize {
    let per_pass = account.limits.per_pass.and_then(|most| usize::try_from(most).ok());
    DELETIONS_A_PASS.min(per_pass.unwrap_or(usize::MAX))
}

/// One step for each that the log does not say was deleted, or tried often enough.
async fn steps(log: &Reader, account: &Account, due: Vec<Identity>) -> Result<Vec<Step>, StoreError> {
    let past = log.past(&account.appid, &due).await?;
    let wanted = due.into_iter().filter_map(|identity| match past.get(&identity) {
        Some(row) if row.verdict == RecordedVerdict::Delete => again(row).map(|row| step(identity, Some(row))),
        _ => Some(step(identity, None)),
    });
    Ok(wanted.collect())
}

/// The row of an earlier try that may be tried again.
fn again(row: &Past) -> Option<i64> {
    (row.outcome == Outcome::Failed && row.attempts < TRIES).then_some(row.id)
}

fn step(Identity { appid, create_time }: Identity, again: Option<i64>) -> Step {
    let appid: AppId = appid;
    // The verdict of the row is the action's: a deletion is no verdict of the rules.
    let decision = Decision { verdict: Verdict::Hold, rule: None, message: None, brake: None, unknown: Vec::new() };
    Step {
        application: nameless(appid, create_time),
        decision,
        todo: Todo::Act { action: Action::Delete, again },
        full: None,
    }
}
