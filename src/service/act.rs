//! Carrying a plan out, in the order that is the promise.
//!
//! What contradicts the log comes first, then the first of each action, alone and
//! verified, then the rest. Writing intents and making calls is `send`'s, reading
//! again and the brake are `verify`'s.
//!
//! A call proves that WeChat minds whom it names only if somebody else waits longer:
//! a WeChat that always takes the oldest would have hit the same one.

use super::before::Before;
use super::judge::{Finding, Target};
use super::pass::Pass;
use super::send::{Going, step_action};
use super::verify::Verified;
use crate::policy::{Action, Fate, Identity, Step, Todo};
use crate::store::StoreError;
use jiff::Timestamp;
use std::collections::VecDeque;

/// Candidates tried alone for the first of an action, in one pass.
const LONE_TRIES: usize = 3;

impl Pass<'_> {
    /// Acts on the steps of a plan and verifies what was done.
    pub(super) async fn act(
        &mut self,
        before: &mut Before,
        acts: Vec<Step>,
        contradicted: Vec<Step>,
    ) -> Result<(), StoreError> {
        if acts.is_empty() && contradicted.is_empty() {
            return Ok(());
        }
        let pending: Vec<Identity> = before.pending().cloned().collect();
        before.expect(self.store.named(&self.account.appid, &pending).await?);
        if !contradicted.is_empty() && self.confront(before, &contradicted).await? == Going::Halt {
            return Ok(());
        }
        if acts.is_empty() {
            return Ok(());
        }
        let mut acts = fresh_first(acts);
        let proven = self.store.proven(&self.account.appid, &self.account.site).await?;
        for action in Action::ALL.into_iter().filter(|action| !proven.contains(action)) {
            for _ in 0..LONE_TRIES {
                let Some(step) = take_lone(&mut acts, action, before.oldest()) else { break };
                match self.prove(before, action, step).await? {
                    Proof::Proven => break,
                    Proof::NotYet => {}
                    Proof::Halt => return Ok(()),
                }
            }
            if !self.store.proven(&self.account.appid, &self.account.site).await?.contains(&action) {
                acts.retain(|step| step_action(step) != Some(action));
            }
        }
        acts.retain(|step| may_be_changed(before, step));
        let (targets, _) = self.send(acts.into()).await?;
        self.verify(before, targets).await.map(|_| ())
    }

    /// Rows that are done for us and pending for WeChat: read again, then brake.
    async fn confront(&mut self, before: &mut Before, steps: &[Step]) -> Result<Going, StoreError> {
        let targets: Vec<Target> = steps
            .iter()
            .filter_map(|step| match step.todo {
                Todo::Contradicted { row, action } => {
                    Some(Target { decision: row, identity: step.application.identity(), action, fate: Fate::Accepted })
                }
                _ => None,
            })
            .collect();
        let looked = self.look(before, &targets, false).await;
        fault_point!("verify.confronted");
        match looked {
            Some((_, judgement)) if judgement.mismatched(&targets).next().is_some() => {
                self.brake(&targets, &judgement).await?;
                Ok(Going::Halt)
            }
            Some((listing, judgement)) => {
                before.renew(listing);
                before.learn(&targets, &judgement);
                Ok(Going::On)
            }
            None => Ok(Going::Halt),
        }
    }

    /// The first of an action ever sent for this account goes alone and is verified before anything else.
    async fn prove(&mut self, before: &mut Before, action: Action, step: Step) -> Result<Proof, StoreError> {
        if !may_be_changed(before, &step) {
            return Ok(Proof::NotYet);
        }
        let telling = before.oldest() != Some(&step.application.identity());
        let (targets, going) = self.send(vec![step]).await?;
        let Some((decision, fate)) = targets.first().map(|target| (target.decision, target.fate)) else {
            // WeChat said no to this one, or nothing went out.
            return Ok(if going == Going::On { Proof::NotYet } else { Proof::Halt });
        };
        // What WeChat says it did not do shows nothing, though it stands as we wanted.
        let telling = telling && fate != Fate::Rejected;
        let verified = self.verify(before, targets).await?;
        match verified {
            Verified::Agrees(ref findings) if telling && findings.first() == Some(&Finding::Confirmed) => {
                fault_point!("verify.proven");
                self.store.prove(&self.account.appid, &self.account.site, action, decision, Timestamp::now()).await?;
                fault_point!("verify.proof-recorded");
                Ok(Proof::Proven)
            }
            Verified::Agrees(_) if going == Going::On => Ok(Proof::NotYet),
            _ => Ok(Proof::Halt),
        }
    }
}

/// What became of the first of an action.
enum Proof {
    Proven,
    NotYet,
    Halt,
}

/// Those that failed before come last: however many they are, they keep nobody else waiting.
fn fresh_first(acts: Vec<Step>) -> VecDeque<Step> {
    let (again, fresh): (Vec<Step>, Vec<Step>) =
        acts.into_iter().partition(|step| matches!(step.todo, Todo::Act { again: Some(_), .. }));
    fresh.into_iter().chain(again).collect()
}

fn may_be_changed(before: &Before, step: &Step) -> bool {
    step_action(step).is_some_and(|action| before.may_be_changed(action, &step.application.identity()))
}

/// The one that goes alone: one that has not failed before, and rather not the one that waits longest of all.
fn take_lone(acts: &mut VecDeque<Step>, action: Action, oldest: Option<&Identity>) -> Option<Step> {
    let rank = |step: &Step| {
        let again = matches!(step.todo, Todo::Act { again: Some(_), .. });
        (again, oldest == Some(&step.application.identity()))
    };
    let of_the_action = acts.iter().enumerate().filter(|(_, step)| step_action(step) == Some(action));
    let (at, _) = of_the_action.min_by_key(|(_, step)| rank(step))?;
    acts.remove(at)
}
