//! Reading again: does WeChat show what it answered?
//!
//! After acting, complete readings, spaced, are compared with what was asked for.
//! Rows an answer left open are settled by what they say; a mismatch pulls the
//! brake `verification`, which stays until `menshen resume`. The comparison
//! itself is pure and lives in `judge`.

use super::answers::settlement;
use super::judge::{Before, Finding, Judgement, Target, judge};
use super::pass::{Pass, Stage};
use crate::policy::{Action, Fate, Identity, Outcome};
use crate::store::{Answered, BrakeKind, BrakeScope, NewBrake, StoreError};
use crate::wechat::{Class, Listing};
use jiff::Timestamp;
use std::time::Duration;

impl Pass<'_> {
    /// Reads the list again and settles what it says. Pulls the brake on a mismatch.
    pub(super) async fn verify(&mut self, before: &mut Before, targets: Vec<Target>) -> Result<Verified, StoreError> {
        if targets.is_empty() {
            return Ok(Verified::Agrees(Vec::new()));
        }
        let Some((listing, judgement)) = self.look(before, &targets, true).await else {
            return Ok(Verified::Unread);
        };
        self.settle_open(&targets, &judgement).await?;
        before.expect(targets.iter().filter(|target| target.fate == Fate::Lost));
        before.renew(listing);
        if judgement.strangers.is_empty() && judgement.mismatched(&targets).next().is_none() {
            return Ok(Verified::Agrees(judgement.findings));
        }
        self.brake(&targets, &judgement).await?;
        Ok(Verified::Mismatch)
    }

    /// Complete readings, spaced, until one leaves nothing open. `None`: there were too few to tell a list that
    /// lags from a mismatch; the rows stay as they are, and the next pass looks at them.
    pub(super) async fn look(
        &mut self,
        before: &Before,
        targets: &[Target],
        at_once: bool,
    ) -> Option<(Listing, Judgement)> {
        let (tell, few) = (self.tell, self.account.pace.readings_after_loss);
        let (mut last, mut gap) = (None, None);
        // What was deleted is absent, and an entry that moves between pages seems so: two readings must agree.
        let at_least = if targets.iter().any(|target| target.action == Action::Delete) { 2 } else { 1 };
        let mut complete = 0;
        let waits = at_once.then_some(Duration::ZERO).into_iter().chain(self.account.pace.readings.clone());
        for wait in waits {
            if !self.pause(wait).await {
                break;
            }
            let listing = self.read(|progress| tell(Stage::Verifying { pages: progress.pages })).await?;
            if let Some(error) = listing.gap {
                let hopeless = !matches!(error.class(), Class::Retry | Class::Refresh);
                gap = Some(error);
                if hopeless {
                    break;
                }
                continue;
            }
            let mut judgement = judge(before, &listing, targets);
            if let Some((_, earlier)) = &last {
                judgement.remember(earlier, targets);
            }
            complete += 1;
            let enough = (judgement.is_settled(targets) && complete >= at_least)
                || !judgement.strangers.is_empty()
                || (judgement.mismatched(targets).next().is_none() && complete > few);
            last = Some((listing, judgement));
            if enough {
                return last;
            }
        }
        if complete > few {
            return last;
        }
        if !self.watch.stop.is_cancelled() {
            if let Some(error) = gap {
                self.report.wechat_trouble("verify", &error);
            }
            self.report.trouble("verify", "what was sent could not be verified: too few complete lists could be read");
        }
        None
    }

    /// Waits between readings; false when the pass is stopped meanwhile.
    async fn pause(&self, wait: Duration) -> bool {
        self.watch.beat();
        tokio::select! {
            biased;
            () = self.watch.stop.cancelled() => false,
            () = tokio::time::sleep(wait) => true,
        }
    }

    /// Settles the rows WeChat's answers left open.
    async fn settle_open(&mut self, targets: &[Target], judgement: &Judgement) -> Result<(), StoreError> {
        let mut settled = Vec::new();
        for (target, finding) in judgement.pairs(targets).filter(|(target, _)| target.fate != Fate::Accepted) {
            let rejected = target.fate == Fate::Rejected && finding == Finding::Confirmed;
            let ours = !rejected || self.store.may_have_worked(target.decision).await?;
            let outcome = open_outcome(finding, ours);
            match (outcome, target.action) {
                (Outcome::Done, Action::Agree) => self.report.agreed += 1,
                (Outcome::Done, Action::Refuse) => self.report.refused += 1,
                (Outcome::Overtaken, _) => self.report.overtaken += 1,
                (Outcome::Failed, action) => {
                    self.report.failed += 1;
                    if let Some(error) = self.lost.remove(&target.decision) {
                        self.report.wechat_trouble(action.word(), &error);
                    }
                }
                _ => {}
            }
            settled.push(settlement(target.decision, outcome, "settled by reading the list again"));
        }
        self.store.answer(settled).await
    }

    /// The brake `verification`: loud, recorded, until `resume`.
    pub(super) async fn brake(&mut self, targets: &[Target], judgement: &Judgement) -> Result<(), StoreError> {
        let why = mismatch_words(targets, judgement);
        let at = Timestamp::now();
        let scope = BrakeScope {
            account: Some(self.account.appid.clone()),
            base_url: Some(self.account.site.clone()),
            action: None,
        };
        let brake =
            NewBrake { at, kind: BrakeKind::Verification, scope, why: Some(why.clone()), who: "service".to_owned() };
        self.store.pull_brake(&brake).await?;
        let wrong: Vec<Answered> = judgement
            .mismatched(targets)
            .map(|target| {
                settlement(target.decision, Outcome::Failed, "WeChat answered ok, but the list does not show it")
            })
            .collect();
        for target in judgement.mismatched(targets) {
            match target.action {
                Action::Agree => self.report.agreed = self.report.agreed.saturating_sub(1),
                Action::Refuse => self.report.refused = self.report.refused.saturating_sub(1),
                Action::Delete => {}
            }
        }
        self.report.failed += wrong.len();
        self.store.answer(wrong).await?;
        tracing::error!(account = %self.account.name, "brake verification: {why}; acting is stopped until `menshen resume`");
        self.report.brake = Some(why);
        Ok(())
    }
}

/// What reading again yielded.
pub(super) enum Verified {
    Agrees(Vec<Finding>),
    Mismatch,
    Unread,
}

/// How a row ends whose call was lost, or met an application that had moved on.
fn open_outcome(found: Finding, ours: bool) -> Outcome {
    match found {
        Finding::Confirmed if ours => Outcome::Done,
        // Somebody else did what we wanted to, or something else.
        Finding::Confirmed | Finding::Elsewhere => Outcome::Overtaken,
        Finding::StillPending => Outcome::Failed,
    }
}

fn mismatch_words(targets: &[Target], judgement: &Judgement) -> String {
    let wrong = judgement.mismatched(targets).map(|target| {
        format!(
            "WeChat answered ok to {} {}, but the list does not show it",
            target.action.word(),
            target.identity.appid.as_str().escape_debug()
        )
    });
    let strangers = judgement.strangers.iter().map(|(identity, action): &(Identity, Action)| {
        let appid = identity.appid.as_str().escape_debug();
        format!("{appid} turned up as after {}, though nobody asked for it", action.word())
    });
    let mut words: Vec<String> = wrong.chain(strangers).collect();
    let more = words.len().saturating_sub(3);
    words.truncate(3);
    if more > 0 {
        words.push(format!("and {more} more"));
    }
    words.join("; ")
}

#[cfg(test)]
mod tests {
    use super::super::judge::finding;
    use super::*;
    use crate::policy::Status;

    #[test]
    fn how_an_open_row_ends() {
        let cases = [
            (Some(Status::Approved), true, Outcome::Done),
            (Some(Status::Approved), false, Outcome::Overtaken),
            (Some(Status::Pending), true, Outcome::Failed),
            (Some(Status::Refused), true, Outcome::Overtaken),
            (Some(Status::TimedOut), true, Outcome::Overtaken),
            (None, true, Outcome::Overtaken),
        ];
        for (stands, ours, expected) in cases {
            assert_eq!(open_outcome(finding(Action::Agree, stands), ours), expected, "{stands:?} {ours}");
        }
    }
}
