//! What an earlier pass left open, settled by what the list says.
//!
//! Rows left `planned` by a crash come first: until every one is settled by a
//! complete list, nothing new is sent. Rows that `failed` though a call of theirs
//! may have worked are set right when the list shows that it had after all.

use super::before::has_ended;
use super::judge::{Finding, finding, has_ended_beside, stands};
use super::pass::Pass;
use crate::policy::{Action, Application, Identity, Outcome};
use crate::store::{Answered, Planned, StoreError};
use crate::wechat::Listing;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashSet;

/// How long what is open is looked after: far longer than WeChat keeps an application pending, and than a service is
/// left down.
pub(super) const LOOKED_AFTER: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Pass<'_> {
    /// True when no `planned` row of this account is left: new intents may be written.
    pub(super) async fn settle_leftovers(&mut self, listing: &mut Listing) -> Result<bool, StoreError> {
        let open = self.store.planned(&self.account.appid).await?;
        let since = self.report.started.checked_sub(LOOKED_AFTER).unwrap_or(Timestamp::MIN);
        let doubtful = self.store.doubtful(&self.account.appid, since).await?;
        if open.is_empty() && doubtful.is_empty() {
            return Ok(true);
        }
        self.ours = open.iter().chain(&doubtful).map(|row| row.identity.clone()).collect();
        self.unsettled = open.iter().chain(&doubtful).map(|row| (row.identity.clone(), row.action)).collect();
        if listing.gap.is_some() {
            self.report.waiting += open.len();
            return Ok(open.is_empty());
        }
        // What was taken for gone is not looked for twice with every pass.
        let sought = doubtful.iter().filter(|row| row.outcome != Outcome::Overtaken);
        if !self.read_again_if_absent(listing, open.iter().chain(sought)).await {
            return Ok(open.is_empty());
        }
        let mut settlements = self.settlements(&open, listing, Leftover::Planned).await?;
        settlements.extend(self.settlements(&doubtful, listing, Leftover::Doubtful).await?);
        fault_point!("settle.decided");
        let (ended, answers): (Vec<_>, _) =
            settlements.into_iter().map(|settled| ((settled.action, settled.outcome), settled.answered)).unzip();
        self.store.answer(answers).await?;
        ended.into_iter().for_each(|(action, outcome)| self.report.count_recovered(action, outcome));
        self.unsettled.clear();
        fault_point!("settle.recorded");
        Ok(true)
    }

    /// Entries may move between pages: absence is believed only when two complete readings agree.
    async fn read_again_if_absent<'a>(
        &mut self,
        listing: &mut Listing,
        mut rows: impl Iterator<Item = &'a Planned>,
    ) -> bool {
        let pending = identities(listing);
        if rows.all(|row| stands(listing, &pending, &row.identity).is_some()) {
            return true;
        }
        match self.read(|_| ()).await {
            Some(again) if again.gap.is_none() => {
                let earlier = std::mem::replace(listing, again);
                add_missing(listing, earlier);
                true
            }
            Some(again) => {
                if let Some(gap) = &again.gap {
                    self.report.wechat_trouble("list", gap);
                }
                false
            }
            None => false,
        }
    }

    async fn settlements(
        &self,
        rows: &[Planned],
        listing: &Listing,
        leftover: Leftover,
    ) -> Result<Vec<Settled>, StoreError> {
        let (pending, nameless) = (identities(listing), listing.nameless());
        let by_rules = |row: &Planned| row.actor == "rules";
        let mut settlements = Vec::new();
        for row in rows {
            let found = match stands(listing, &pending, &row.identity) {
                None if !nameless.is_empty() || listing.garbles(&row.identity.appid) => Finding::Unseen,
                // The rules never act where one has ended already: it ended since.
                _ if by_rules(row) && has_ended_beside(&listing.others, row.action, &row.identity) => {
                    Finding::Confirmed
                }
                stands => finding(row.action, stands),
            };
            let outcome = match (found, leftover) {
                (Finding::Confirmed, _) if self.store.may_have_worked(row.id).await? => Outcome::Done,
                // It is gone, or ended otherwise, as the row says already.
                _ if row.outcome == Outcome::Overtaken => continue,
                // Somebody else did what we wanted to.
                (Finding::Confirmed | Finding::Elsewhere, _) => Outcome::Overtaken,
                (Finding::StillPending | Finding::Unseen, Leftover::Planned) => Outcome::Failed,
                (Finding::StillPending | Finding::Unseen, Leftover::Doubtful) => continue,
            };
            let settled = Answered {
                decision: row.id,
                call: None,
                settle: Some((outcome, Some(note(outcome, found).to_owned()))),
                give_back: found == Finding::StillPending && outcome == Outcome::Failed && !row.call_recorded,
                at: Timestamp::now(),
            };
            settlements.push(Settled { action: row.action, outcome, answered: settled });
        }
        Ok(settlements)
    }
}

/// A row that the list settles.
struct Settled {
    action: Action,
    outcome: Outcome,
    answered: Answered,
}

/// Which kind of open row is being settled.
#[derive(Clone, Copy)]
enum Leftover {
    Planned,
    Doubtful,
}

fn note(outcome: Outcome, found: Finding) -> &'static str {
    match outcome {
        _ if found == Finding::Unseen => "given up: it is not in the list, but an entry that cannot be read may be it",
        Outcome::Done => "settled by the list: it stands where we wanted it",
        Outcome::Overtaken => "settled by the list: it left pending otherwise, or is gone",
        _ => "settled by the list: still pending, so it is decided anew",
    }
}

fn identities(listing: &Listing) -> HashSet<Identity> {
    listing.pending.iter().map(Application::identity).collect()
}

/// Adds what an earlier reading had and this one has not, and what had ended by then: this one lags where it shows that
/// pending.
fn add_missing(listing: &mut Listing, earlier: Listing) {
    listing.pending.retain(|application| has_ended(&earlier.others, &application.identity()).is_none());
    let pending = identities(listing);
    let missing = |identity: &Identity| !pending.contains(identity) && !listing.others.contains(identity);
    let moved: Vec<Application> = earlier.pending.into_iter().filter(|a| missing(&a.identity())).collect();
    let others: Vec<_> = earlier.others.iter().filter(|(identity, _)| missing(identity)).collect();
    let known: HashSet<u64> = listing.unreadable.iter().map(|entry| entry.mark).collect();
    listing.unreadable.extend(earlier.unreadable.into_iter().filter(|entry| !known.contains(&entry.mark)));
    listing.pending.extend(moved);
    listing.others.extend(others);
}
