//! Intents and calls: recorded before sent, several in flight, every answer recorded.
//!
//! Intents are written a transaction ahead of their calls, so that no call waits
//! for the disk; what was announced and not sent gives its place back. What was
//! or may have been sent is handed to `verify`.

use super::answers::{Unwritten, answered, never_sent, record_answers, settlement};
use super::judge::Target;
use super::pass::{Pass, Stage, stops, with_sources};
use super::record::kept_back;
use crate::policy::{Action, Brake, Fate, Intent, Outcome, Places, Step, Stops, Todo};
use crate::store::{Answered, Intended, NewIntent, NewPlace, Store, StoreError};
use crate::wechat::Class;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

/// Intents written in one transaction, while the calls of those before them are made: no call waits for the disk.
const INTENTS_A_TRANSACTION: usize = 32;
/// Answers in a row that are neither "done" nor "moved on" before the pass stops acting.
const TROUBLES_IN_A_ROW: u32 = 5;

/// Steps whose intents are being written, and what comes of the writing.
type Announced<'s> = (Vec<&'s Step>, JoinHandle<Result<Vec<Intended>, StoreError>>);

/// Whether the pass may go on acting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Going {
    On,
    Halt,
}

impl Pass<'_> {
    /// Records intents, makes the calls, records the answers. Gives back what was or may have been sent.
    pub(super) async fn send(&mut self, steps: Vec<Step>) -> Result<(Vec<Target>, Going), StoreError> {
        let mut sending = Sending::new(self.store.clone(), steps.len());
        let failure = self.send_all(&mut sending, &steps).await.err();
        while let Some(finished) = sending.calls.join_next().await {
            self.take(&mut sending, finished);
        }
        let going = sending.going;
        let (targets, unwritten) = sending.finish().await;
        self.report.unrecorded += unwritten.calls;
        unwritten.accepted.into_iter().for_each(|action| self.report.leave_open(action));
        if let Some(error) = unwritten.error {
            self.report.trouble(
                "settle",
                format!("{}; the rows stay planned until the next pass settles them", with_sources(&error)),
            );
        }
        match failure {
            Some(error) if targets.is_empty() => Err(error),
            Some(error) => {
                self.report.trouble("record", with_sources(&error));
                Ok((targets, Going::Halt))
            }
            None => Ok((targets, going)),
        }
    }

    /// Makes the calls of one transaction's intents while the next transaction is written.
    async fn send_all(&mut self, sending: &mut Sending, steps: &[Step]) -> Result<(), StoreError> {
        let mut chunks = steps.chunks(INTENTS_A_TRANSACTION);
        let mut ahead = match chunks.next() {
            Some(chunk) => Some(self.announce(sending, chunk).await?),
            None => None,
        };
        let mut failure = None;
        while let Some((free, written)) = ahead.take() {
            let intended = match written.await.expect("the writer of intents neither panics nor is aborted") {
                Ok(intended) => intended,
                Err(error) => return Err(failure.unwrap_or(error)),
            };
            let go_on = failure.is_none() && sending.going == Going::On && !self.watch.stop.is_cancelled();
            if let Some(next) = chunks.next().filter(|_| go_on) {
                match self.announce(sending, next).await {
                    Ok(announced) => ahead = Some(announced),
                    Err(error) => failure = Some(sending.halted_by(error)),
                }
            }
            for (step, intended) in free.into_iter().zip(intended) {
                if let Err(error) = self.send_one(sending, step, intended).await {
                    // What is on the disk and was not sent is settled like that.
                    failure.get_or_insert(sending.halted_by(error));
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Records what is stopped by now, and begins to write the intents of the rest.
    async fn announce<'s>(&mut self, sending: &mut Sending, chunk: &'s [Step]) -> Result<Announced<'s>, StoreError> {
        self.look_for_stops(sending).await?;
        let stops = sending.stops.clone();
        let braked = |step: &Step| step_action(step).and_then(|action| stops.brake(action));
        let held: Vec<Step> = chunk.iter().filter_map(|step| Some(kept_back(step, braked(step)?, None))).collect();
        self.record_braked(&held).await?;
        let free: Vec<&Step> = chunk.iter().filter(|step| braked(step).is_none()).collect();
        let wanted = free.iter().map(|step| self.intent(step)).collect();
        let store = self.store.clone();
        Ok((free, tokio::spawn(async move { store.intend(wanted).await })))
    }

    async fn send_one(&mut self, sending: &mut Sending, step: &Step, intended: Intended) -> Result<(), StoreError> {
        match intended {
            Intended::Ready(intent) => self.call(sending, step, intent).await,
            Intended::LimitReached { by, limit, spent, .. } => {
                let action = step_action(step).expect("only steps that act are sent");
                let full = self.account.full(action, step.decision.rule, by, Places { max: limit, taken: spent });
                self.record_braked(&[kept_back(step, Brake::Limit, Some(full))]).await?;
            }
            // Somebody at the keyboard was faster; what became of it shows in the next pass.
            Intended::Underway { .. } => self.report.waiting += 1,
        }
        Ok(())
    }

    /// A person may pause acting, or another process pull the brake, while a long pass runs.
    async fn look_for_stops(&self, sending: &mut Sending) -> Result<(), StoreError> {
        sending.stops = stops(self.account, &self.store.brakes().await?);
        if self.hand.as_ref().is_some_and(|hand| !hand.is_held_by_pauses()) {
            sending.stops.paused.clear();
        }
        Ok(())
    }

    /// Looks before every call, after the wait for room: a pause that is recorded lets no further call out.
    async fn stopped_meanwhile(&mut self, sending: &mut Sending, action: Action) -> bool {
        if let Err(error) = self.look_for_stops(sending).await {
            self.report.trouble("record", with_sources(&error));
            sending.going = Going::Halt;
            return true;
        }
        sending.stops.brake(action).is_some()
    }

    fn intent(&self, step: &Step) -> NewIntent {
        let Todo::Act { action, again } = step.todo else { unreachable!("only steps that act are sent") };
        // Counted to the day it is written on, not the one the pass began on.
        let at = Timestamp::now();
        let place = match self.hand {
            // A person may go beyond; the call counts all the same. Deletions have no limit.
            Some(_) => NewPlace::unlimited(at),
            None => self.account.place(action, step.decision.rule, at),
        };
        match again {
            None => NewIntent::First { decision: self.row(step), action, place },
            Some(row) => NewIntent::Again {
                row,
                action,
                appid: step.application.appid.clone(),
                reason: step.decision.message.clone(),
                place,
            },
        }
    }

    /// Waits for room, then calls; answers that come in meanwhile are taken.
    async fn call(&mut self, sending: &mut Sending, step: &Step, intent: Intent) {
        let client = self.account.client.clone();
        let room = client.slot();
        tokio::pin!(room);
        let slot = loop {
            if sending.going == Going::Halt {
                return sending.unsent(&intent, "not sent: acting was stopped").await;
            }
            tokio::select! {
                biased;
                () = self.watch.stop.cancelled() => {
                    return sending.unsent(&intent, "not sent: menshen was told to stop").await;
                }
                Some(finished) = sending.calls.join_next() => self.take(sending, finished),
                slot = &mut room => break slot,
            }
        };
        match slot {
            Ok(_) if self.stopped_meanwhile(sending, intent.action()).await => {
                sending.unsent(&intent, "not sent: acting was paused meanwhile").await;
            }
            Ok(slot) => sending.start(&client, slot, step, intent),
            Err(error) => {
                self.report.wechat_trouble(intent.action().word(), &error);
                sending.going = Going::Halt;
                sending.unsent(&intent, "not sent: calls are paused").await;
            }
        }
    }

    /// Takes one answer in.
    fn take(&mut self, sending: &mut Sending, finished: Result<Called, tokio::task::JoinError>) {
        self.watch.beat();
        sending.answered += 1;
        fault_point!("call.taken");
        (self.tell)(Stage::Acting { done: sending.answered, of: sending.of });
        let called = finished.inspect_err(|error| {
            // What the call did is not known, but that it was made.
            sending.targets.extend(sending.underway.remove(&error.id()));
        });
        let Ok(called) = called else {
            self.report.trouble("call", "a call ended without an answer; its row is settled by the list");
            self.report.unrecorded += 1;
            sending.going = Going::Halt;
            return;
        };
        if called.target.fate == Fate::Accepted {
            self.report.count_done(called.target.action);
        }
        let moved_on = called.class == Some(Class::State);
        sending.troubles = match called.target.fate {
            Fate::Accepted => 0,
            _ if moved_on => 0,
            _ => sending.troubles + 1,
        };
        match called.error.filter(|_| !moved_on) {
            // Only reading again tells whether anything went wrong.
            Some(error) if called.target.fate == Fate::Lost => drop(self.lost.insert(called.target.decision, error)),
            Some(error) => self.report.wechat_trouble(called.target.action.word(), &error),
            None => {}
        }
        if called.class == Some(Class::Pause) {
            sending.going = Going::Halt;
        }
        if sending.troubles >= TROUBLES_IN_A_ROW && sending.going == Going::On {
            sending.going = Going::Halt;
            self.report.trouble(
                "act",
                format!("{TROUBLES_IN_A_ROW} calls in a row without a good answer: acting stops for this pass"),
            );
        }
        match called.target.fate {
            Fate::Unsent => self.report.count_failed(called.target.action),
            Fate::Rejected if !moved_on => {
                self.report.count_failed(called.target.action);
                self.ours.insert(called.target.identity);
            }
            _ => sending.targets.push(called.target),
        }
    }
}

/// A call that came back.
struct Called {
    target: Target,
    class: Option<Class>,
    error: Option<crate::wechat::Error>,
}

/// Calls under way and their answers.
struct Sending {
    calls: JoinSet<Called>,
    answers: mpsc::UnboundedSender<Answered>,
    recorder: JoinHandle<Unwritten>,
    targets: Vec<Target>,
    /// By task, for one that ends without an answer.
    underway: HashMap<tokio::task::Id, Target>,
    going: Going,
    troubles: u32,
    answered: usize,
    of: usize,
    /// What stops acting, as last looked at.
    stops: Stops,
}

impl Sending {
    fn new(store: Arc<Store>, of: usize) -> Sending {
        let (answers, incoming) = mpsc::unbounded_channel();
        let recorder = tokio::spawn(record_answers(store, incoming));
        Sending {
            calls: JoinSet::new(),
            answers,
            recorder,
            targets: Vec::new(),
            underway: HashMap::new(),
            going: Going::On,
            troubles: 0,
            answered: 0,
            of,
            stops: Stops::default(),
        }
    }

    fn start(&mut self, client: &crate::wechat::Client, slot: crate::wechat::Slot, step: &Step, intent: Intent) {
        let (client, answers) = (client.clone(), self.answers.clone());
        let identity = step.application.identity();
        let lost = Target {
            decision: intent.decision(),
            identity: identity.clone(),
            action: intent.action(),
            fate: Fate::Lost,
        };
        let task = self.calls.spawn(async move {
            let (decision, attempt, action) = (intent.decision(), intent.attempt(), intent.action());
            fault_point!("call.ready");
            let answer = client.carry_out(slot, intent).await;
            fault_point!("call.answered");
            let called = Called {
                target: Target { decision, identity, action, fate: answer.fate },
                class: answer.error.as_ref().map(crate::wechat::Error::class),
                error: answer.error.clone(),
            };
            // The receiver lives until every sender is gone; were it dead, the row would stay planned for the next pass.
            let _ = answers.send(answered(decision, attempt, action, answer, called.class));
            called
        });
        self.underway.insert(task.id(), lost);
    }

    /// The log failed: nothing more is sent.
    fn halted_by(&mut self, error: StoreError) -> StoreError {
        self.going = Going::Halt;
        error
    }

    /// Settles an intent that was recorded and never sent.
    async fn unsent(&mut self, intent: &Intent, why: &str) {
        let mut settled = settlement(intent.decision(), Outcome::Failed, why);
        settled.give_back = true;
        settled.call = Some(never_sent(intent, settled.at));
        let _ = self.answers.send(settled);
    }

    /// Waits until every answer is on disk.
    async fn finish(self) -> (Vec<Target>, Unwritten) {
        drop(self.answers);
        let unwritten = self.recorder.await.expect("the recorder neither panics nor is aborted");
        (self.targets, unwritten)
    }
}

pub(super) fn step_action(step: &Step) -> Option<Action> {
    match step.todo {
        Todo::Act { action, .. } => Some(action),
        _ => None,
    }
}
