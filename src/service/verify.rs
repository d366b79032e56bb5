//! Reading again: does WeChat show what it answered?
//!
//! After acting, complete readings, spaced, are compared with what was asked for.
//! Rows an answer left open are settled by what they say; a mismatch pulls the
//! brake `verification`, which stays until `menshen resume`. The comparison
//! itself is pure and lives in `judge`.

use super::answers::settlement;
use super::before::Before;
use super::judge::{Finding, Judgement, Target, is_missing, judge};
use super::pass::{Pass, Stage};
use crate::policy::{Action, Fate, Identity, Outcome};
use crate::store::{ActiveBrake, Answered, BrakeKind, BrakeScope, NewBrake, StoreError};
use crate::wechat::{Class, Listing};
use jiff::Timestamp;
use std::time::Duration;

/// Tries at writing a brake down, as for an answer.
const BRAKE_TRIES: u32 = 4;
/// The wait after the first such try; it doubles.
const BRAKE_RETRY: Duration = Duration::from_millis(250);

impl Pass<'_> {
    /// Reads the list again and settles what it says. Pulls the brake on a mismatch.
    pub(super) async fn verify(&mut self, before: &mut Before, targets: Vec<Target>) -> Result<Verified, StoreError> {
        if targets.is_empty() {
            return Ok(Verified::Agrees(Vec::new()));
        }
        if planted_bug!("skipped-verification") && targets.iter().all(|target| target.fate == Fate::Accepted) {
            return Ok(Verified::Agrees(vec![Finding::Confirmed; targets.len()]));
        }
        fault_point!("verify.begun");
        before.expect(std::mem::take(&mut self.ours));
        before.take_away(&targets);
        let Some((listing, mut judgement)) = self.look(before, &targets, true).await else {
            return Ok(Verified::Unread);
        };
        if planted_bug!("skipped-reread") {
            let lost = targets.iter().zip(&mut judgement.findings).filter(|(target, _)| target.fate == Fate::Lost);
            lost.for_each(|(_, finding)| *finding = Finding::Confirmed);
        }
        fault_point!("verify.read");
        let unseen = judgement
            .pairs(&targets)
            .filter(|(target, found)| target.fate == Fate::Accepted && *found == Finding::Unseen);
        if unseen.count() > 0 {
            let words = "what WeChat accepted is not in the list, but an entry that cannot be read, or lacks its create_time, may be it";
            self.report.trouble("verify", words);
        }
        let mismatch = judgement.is_mismatch(&targets);
        if mismatch {
            // First: whatever fails after this, nothing more is sent.
            self.brake(&targets, &judgement).await?;
        }
        self.settle_open(&targets, &judgement).await?;
        fault_point!("verify.settled");
        before.renew(listing);
        before.learn(&targets, &judgement);
        Ok(if mismatch { Verified::Mismatch } else { Verified::Agrees(judgement.findings) })
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
            // What became of a lost call is not told by one reading that misses its application, either.
            let missed =
                targets.iter().any(|target| target.fate == Fate::Lost && is_missing(&listing, &target.identity));
            let enough = (judgement.is_settled(targets) && complete >= if missed { 2 } else { at_least })
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
                (Outcome::Done, action) => self.report.count_done(action),
                (Outcome::Overtaken, action) => self.report.count_overtaken(action),
                (Outcome::Failed, action) => {
                    self.report.count_failed(action);
                    if let Some(error) = self.lost.remove(&target.decision) {
                        self.report.wechat_trouble(action.word(), &error);
                    }
                }
                _ => {}
            }
            settled.push(settlement(target.decision, outcome, open_note(finding)));
        }
        self.store.answer(settled).await
    }

    /// The brake `verification`: loud, recorded, until `resume`.
    pub(super) async fn brake(&mut self, targets: &[Target], judgement: &Judgement) -> Result<(), StoreError> {
        let why = mismatch_words(targets, judgement);
        // Before the log is written: it may fail, and this must be heard.
        tracing::error!(account = %self.account.name, "brake verification: {why}; acting is stopped until `menshen resume`");
        self.report.brake = Some(why.clone());
        self.pull_stubbornly(&NewBrake {
            at: Timestamp::now(),
            kind: BrakeKind::Verification,
            scope: BrakeScope { account: Some(self.account.appid.clone()), base_url: None, action: None },
            why: Some(why),
            who: "service".to_owned(),
        })
        .await?;
        let wrong: Vec<Answered> = judgement
            .mismatched(targets)
            .map(|target| {
                settlement(target.decision, Outcome::Failed, "WeChat answered ok, but the list does not show it")
            })
            .collect();
        for target in judgement.mismatched(targets) {
            self.report.count_undone(target.action);
        }
        self.store.answer(wrong).await
    }

    /// A log that misses what was sent (a backup was restored) knows neither limits nor what it has done: nothing is
    /// sent until a person has said so.
    pub(super) async fn doubt_an_older_log(&mut self) -> Result<(), StoreError> {
        let Some(since) = self.store.forgotten_since().await? else { return Ok(()) };
        if self.store.brakes().await?.iter().any(ActiveBrake::is_of_the_log) {
            return Ok(());
        }
        let why = format!(
            "the audit log is older than what was sent: what was recorded at {since:.0} is not in it, as after restoring a \
             backup; put the newer menshen.db back, or let acting go on with this one: `menshen resume --why \"…\"`"
        );
        tracing::error!("brake verification: {why}");
        self.report.brake = Some(why.clone());
        self.pull_stubbornly(&NewBrake {
            at: Timestamp::now(),
            kind: BrakeKind::Verification,
            scope: BrakeScope::default(),
            why: Some(why),
            who: "service".to_owned(),
        })
        .await
    }

    /// A brake that is not written down would be forgotten by the next pass.
    async fn pull_stubbornly(&self, brake: &NewBrake) -> Result<(), StoreError> {
        let mut wait = BRAKE_RETRY;
        for _ in 1..BRAKE_TRIES {
            if self.store.pull_brake(brake).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        self.store.pull_brake(brake).await.map(drop)
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
        // Nothing is sent for it before a list shows it pending.
        Finding::StillPending | Finding::Unseen => Outcome::Failed,
    }
}

fn open_note(found: Finding) -> &'static str {
    match found {
        Finding::Unseen => {
            "given up: it is not in the list, but an entry that cannot be read, or lacks its create_time, may be it"
        }
        _ => "settled by reading the list again",
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
        format!("{appid} turned up as after {}, though menshen did not ask for it", action.word())
    });
    let mut words: Vec<String> = wrong.chain(strangers).collect();
    let more = words.len().saturating_sub(3);
    words.truncate(3);
    if more > 0 {
        words.push(format!("and {more} more"));
    }
    if !judgement.strangers.is_empty() && judgement.mismatched(targets).next().is_none() {
        // Everything that was asked for was done: somebody in the console may have done the rest.
        words.push("if people decided these in WeChat's console meanwhile, `menshen resume --why \"…\"`".to_owned());
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
