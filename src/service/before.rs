//! How applications stood at the reading before: what a later reading is compared with.
//!
//! Promises that what one reading has shown to have ended has ended, whatever a later one
//! shows that lags; that nothing is changed which its appid no longer tells; and that it
//! forgets no call of ours. Reads nothing itself.

use super::judge::{Finding, Judgement, Target, has_ended_beside, wanted};
use crate::policy::{Action, AppId, Application, CreateTime, Fate, Identity, Status};
use crate::wechat::{Listing, Others};
use jiff::Timestamp;
use std::collections::HashSet;

/// How applications stood before anything was sent.
#[derive(Debug, Default)]
pub(crate) struct Before {
    pending: HashSet<Identity>,
    others: Others,
    /// Applications a call of ours has named, and those the log has seen to end: no strangers when the list shows it.
    ours: HashSet<Identity>,
    /// Appids that a later reading showed not to tell which application is meant: a call would not say it either.
    unclear: HashSet<AppId>,
    /// Pending ones that WeChat let in or refused at our word after this reading.
    taken: HashSet<Identity>,
    /// Entries that could not be read and did not tell whose they were: they hid nobody we know.
    nameless: HashSet<u64>,
}

impl Before {
    /// Takes a reading over; the pending ones are kept by identity.
    pub(crate) fn new(
        pending: HashSet<Identity>,
        others: Others,
        ours: HashSet<Identity>,
        nameless: HashSet<u64>,
    ) -> Before {
        Before { pending, others, ours, nameless, ..Before::default() }
    }

    /// A later reading takes the place of an earlier one.
    pub(crate) fn renew(&mut self, listing: Listing) {
        let mut once = HashSet::new();
        let again = listing.pending.iter().map(|application| &application.appid).filter(|appid| !once.insert(*appid));
        self.unclear = again.cloned().chain(listing.unclear().into_iter().map(|identity| identity.appid)).collect();
        self.nameless = listing.nameless();
        self.pending = listing.pending.iter().map(Application::identity).collect();
        let earlier = std::mem::replace(&mut self.others, listing.others);
        for (identity, status) in self.pending.iter().filter_map(|one| Some((one.clone(), has_ended(&earlier, one)?))) {
            self.others.insert(identity, status);
        }
        self.pending.retain(|identity| has_ended(&earlier, identity).is_none());
        self.taken.clear();
    }

    /// What was found of the changes that were asked for: what is done stays done, and what is not may yet be.
    pub(crate) fn learn(&mut self, targets: &[Target], judgement: &Judgement) {
        for (Target { identity, action, .. }, finding) in judgement.pairs(targets) {
            match wanted(*action).filter(|_| finding == Finding::Confirmed) {
                // A later reading that shows it pending lags.
                Some(status) if self.pending.remove(identity) => drop(self.others.insert(identity.clone(), status)),
                Some(_) => {}
                None => drop(self.ours.insert(identity.clone())),
            }
        }
    }

    /// WeChat accepted some of these: until a later reading tells, they are decided.
    pub(crate) fn take_away(&mut self, targets: &[Target]) {
        let accepted = targets.iter().filter(|target| target.fate == Fate::Accepted);
        self.taken.extend(accepted.map(|target| target.identity.clone()));
    }

    /// How many wait for a decision, and since when the oldest of them does, as far as create_time tells.
    pub(crate) fn undecided(&self) -> (usize, Option<Timestamp>) {
        let left = || self.pending.iter().filter(|identity| !self.taken.contains(*identity));
        let oldest = left().filter_map(|identity| identity.create_time.instant()).min();
        (left().count(), oldest)
    }

    /// The pending one that waits longest, as far as create_time tells.
    pub(crate) fn oldest(&self) -> Option<&Identity> {
        let timed = self.pending.iter().filter(|identity| identity.create_time.seconds().is_some());
        timed.min_by_key(|identity| (identity.create_time.seconds(), &identity.appid))
    }

    /// The pending ones.
    pub(crate) fn pending(&self) -> impl Iterator<Item = &Identity> {
        self.pending.iter()
    }

    /// Calls of ours named these, or the log has seen them end: they may yet be shown otherwise, whatever was answered.
    pub(crate) fn expect(&mut self, named: impl IntoIterator<Item = Identity>) {
        self.ours.extend(named);
    }

    /// Whether it is no stranger when it is shown otherwise.
    pub(crate) fn expects(&self, identity: &Identity) -> bool {
        self.ours.contains(identity)
    }

    /// It stood at this reading where the action can move it from, and no other application of the same applicant was
    /// pending.
    pub(crate) fn may_be_changed(&self, action: Action, identity: &Identity) -> bool {
        let stands = self.knew(identity).is_some_and(|status| can_move(action, status));
        stands && !self.unclear.contains(&identity.appid)
    }

    /// Where it stood; `None` = it was not to be seen.
    pub(crate) fn knew(&self, identity: &Identity) -> Option<Status> {
        if self.pending.contains(identity) { Some(Status::Pending) } else { self.others.get(identity) }
    }

    /// Whether one of these unreadable entries was not there at this reading, and so may be one of those we know.
    pub(crate) fn is_hidden_by(&self, nameless: &HashSet<u64>) -> bool {
        !nameless.is_subset(&self.nameless)
    }

    /// It is missing, and its applicant has an entry that was not there at this reading: with a create_time on one of the
    /// two only, they may be one.
    pub(crate) fn may_be_another(&self, missing: &Identity, after: &Others, pending: &HashSet<Identity>) -> bool {
        let is_new = |identity: &Identity| self.knew(identity).is_none();
        if missing.create_time.text().is_some() {
            let timeless = Identity { appid: missing.appid.clone(), create_time: CreateTime::ABSENT };
            return (after.contains(&timeless) || pending.contains(&timeless)) && is_new(&timeless);
        }
        let may_be = |identity: &Identity| identity.appid == missing.appid && is_new(identity);
        pending.iter().any(may_be) || after.iter().any(|(identity, _)| may_be(&identity))
    }

    /// What was asked for is there beside a pending application or an earlier end of the same applicant, and without a
    /// create_time nothing tells them apart: it moved, and it may have applied again.
    pub(crate) fn may_have_reapplied(&self, target: &Target, after: &Others, pending: &HashSet<Identity>) -> bool {
        let Target { action, identity, .. } = target;
        match self.others.contains(identity) {
            // Of two ends with one identity a list keeps one.
            true => {
                let timeless = identity.create_time.text().is_none() && wanted(*action).is_some();
                timeless && after.contains(identity) && !pending.contains(identity)
            }
            false => has_ended_beside(after, *action, identity),
        }
    }
}

/// Agreeing and refusing need a pending application, deleting one that was refused or timed out (89240, 89241, 89243).
pub(crate) fn can_move(action: Action, status: Status) -> bool {
    match action {
        Action::Agree | Action::Refuse => status == Status::Pending,
        Action::Delete => matches!(status, Status::Refused | Status::TimedOut),
    }
}

/// How it ended, by this reading: a later one that shows it pending lags. Without a create_time that may be another
/// application.
pub(crate) fn has_ended(others: &Others, identity: &Identity) -> Option<Status> {
    identity.create_time.text()?;
    let ended = |status: &Status| matches!(status, Status::Approved | Status::Refused | Status::TimedOut);
    others.get(identity).filter(ended)
}
