//! Carrying a plan out: intent, call, answer, and reading again.
//!
//! The order of things is the promise: the intent is durable before its call,
//! every answer is recorded, and after acting the list must agree. The first of
//! each action an account ever sends goes alone. What cannot be trusted stops
//! the acting and pulls the brake; what was not sent gives its place back.

use super::pass::{Pass, Stage, stops, with_sources};
use super::verify::{Before, Finding, Judgement, Target, judge};
use crate::policy::{Action, Brake, Fate, Identity, Intent, Outcome, Step, Stops, Todo};
use crate::store::{Answered, BrakeKind, BrakeScope, CallRecord, Intended, NewBrake, NewIntent, Store, StoreError};
use crate::wechat::{Answer, Class, Listing};
use jiff::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

/// Intents written in one transaction, while the calls of those before them are made: no call waits for the disk.
const INTENTS_A_TRANSACTION: usize = 32;
/// Answers written in one transaction.
const ANSWERS_A_TRANSACTION: usize = 64;
/// Answers in a row that are neither "done" nor "moved on" before the pass stops acting.
const TROUBLES_IN_A_ROW: u32 = 5;
/// Candidates tried alone for the first of an action, in one pass.
const LONE_TRIES: usize = 3;
/// Tries at writing an answer before the pass gives the row to the next one.
const ANSWER_TRIES: u32 = 4;
/// The wait after the first such try; it doubles.
const ANSWER_RETRY: Duration = Duration::from_millis(250);

/// How long a look at pauses and brakes is relied on.
const STOPS_HOLD: Duration = Duration::from_secs(1);

/// Steps whose intents are being written, and what comes of the writing.
type Announced<'s> = (Vec<&'s Step>, JoinHandle<Result<Vec<Intended>, StoreError>>);

/// Whether the pass may go on acting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Going {
    On,
    Halt,
}

impl Pass<'_> {
    /// Acts on the steps of a plan and verifies what was done.
    pub(super) async fn act(
        &mut self,
        before: Before,
        acts: Vec<Step>,
        contradicted: Vec<Step>,
    ) -> Result<(), StoreError> {
        let mut before = before;
        if !contradicted.is_empty() && self.confront(&mut before, &contradicted).await? == Going::Halt {
            return Ok(());
        }
        let mut acts = fresh_first(acts);
        let proven = self.store.proven(&self.account.appid, &self.account.site).await?;
        for action in Action::ALL.into_iter().filter(|action| !proven.contains(action)) {
            for _ in 0..LONE_TRIES {
                let Some(step) = take_first(&mut acts, action) else { break };
                match self.prove(&mut before, action, step).await? {
                    Proof::Proven => break,
                    Proof::NotYet => {}
                    Proof::Halt => return Ok(()),
                }
            }
            if !self.store.proven(&self.account.appid, &self.account.site).await?.contains(&action) {
                acts.retain(|step| step_action(step) != Some(action));
            }
        }
        acts.retain(|step| before.may_be_changed(&step.application.identity()));
        let (targets, _) = self.send(acts.into()).await?;
        self.verify(&mut before, targets).await.map(|_| ())
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
        match self.look(before, &targets, false).await {
            Some((_, judgement)) if judgement.mismatched(&targets).next().is_some() => {
                self.brake(&targets, &judgement).await?;
                Ok(Going::Halt)
            }
            Some((listing, _)) => {
                before.renew(listing);
                Ok(Going::On)
            }
            None => Ok(Going::Halt),
        }
    }

    /// The first of an action ever sent for this account goes alone and is verified before anything else.
    async fn prove(&mut self, before: &mut Before, action: Action, step: Step) -> Result<Proof, StoreError> {
        if !before.may_be_changed(&step.application.identity()) {
            return Ok(Proof::NotYet);
        }
        let (targets, going) = self.send(vec![step]).await?;
        let Some(decision) = targets.first().map(|target| target.decision) else {
            // WeChat said no to this one, or nothing went out.
            return Ok(if going == Going::On { Proof::NotYet } else { Proof::Halt });
        };
        let verified = self.verify(before, targets).await?;
        match verified {
            Verified::Agrees(ref findings) if findings.first() == Some(&Finding::Confirmed) => {
                self.store.prove(&self.account.appid, &self.account.site, action, decision, Timestamp::now()).await?;
                Ok(Proof::Proven)
            }
            Verified::Agrees(_) if going == Going::On => Ok(Proof::NotYet),
            _ => Ok(Proof::Halt),
        }
    }

    /// Records intents, makes the calls, records the answers. Gives back what was or may have been sent.
    async fn send(&mut self, steps: Vec<Step>) -> Result<(Vec<Target>, Going), StoreError> {
        let mut sending = Sending::new(self.store.clone(), steps.len());
        let failure = self.send_all(&mut sending, &steps).await.err();
        while let Some(finished) = sending.calls.join_next().await {
            self.take(&mut sending, finished);
        }
        let going = sending.going;
        let (targets, recorded) = sending.finish().await;
        if let Err(error) = recorded {
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
        let held: Vec<(&Step, Brake)> = chunk.iter().filter_map(|step| Some((step, braked(step)?))).collect();
        self.record_braked(&held).await?;
        let free: Vec<&Step> = chunk.iter().filter(|step| braked(step).is_none()).collect();
        let wanted = free.iter().map(|step| self.intent(step)).collect();
        let store = self.store.clone();
        Ok((free, tokio::spawn(async move { store.intend(wanted).await })))
    }

    async fn send_one(&mut self, sending: &mut Sending, step: &Step, intended: Intended) -> Result<(), StoreError> {
        match intended {
            Intended::Ready(intent) => self.call(sending, step, intent).await,
            Intended::LimitReached { .. } => self.record_braked(&[(step, Brake::Limit)]).await?,
            // Somebody at the keyboard was faster; what became of it shows in the next pass.
            Intended::Underway { .. } => self.report.waiting += 1,
        }
        Ok(())
    }

    /// A person may pause acting, or another process pull the brake, while a long pass runs.
    async fn look_for_stops(&self, sending: &mut Sending) -> Result<(), StoreError> {
        sending.stops = stops(self.account, &self.store.brakes().await?);
        sending.looked = Instant::now();
        Ok(())
    }

    /// Looks again when the last look is long ago: with few calls a minute a chunk of intents lasts.
    async fn stopped_meanwhile(&mut self, sending: &mut Sending, action: Action) -> bool {
        if sending.looked.elapsed() >= STOPS_HOLD
            && let Err(error) = self.look_for_stops(sending).await
        {
            self.report.trouble("record", with_sources(&error));
            sending.going = Going::Halt;
            return true;
        }
        sending.stops.brake(action).is_some()
    }

    fn intent(&self, step: &Step) -> NewIntent {
        let Todo::Act { action, again } = step.todo else { unreachable!("only steps that act are sent") };
        let limits = &self.account.limits;
        let limit = match action {
            Action::Agree => limits.agree_per_day,
            Action::Refuse => limits.refuse_per_day,
            Action::Delete => None,
        };
        match again {
            None => NewIntent::First { decision: self.row(step), action, limit },
            Some(row) => NewIntent::Again {
                row,
                action,
                appid: step.application.appid.clone(),
                reason: step.decision.message.clone(),
                limit,
                at: Timestamp::now(),
                day: self.account.day(self.report.started),
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
        (self.tell)(Stage::Acting { done: sending.answered, of: sending.of });
        let Ok(called) = finished else {
            self.report.trouble("call", "a call ended without an answer; its row is settled by the list");
            sending.going = Going::Halt;
            return;
        };
        if called.target.fate == Fate::Accepted {
            match called.target.action {
                Action::Agree => self.report.agreed += 1,
                Action::Refuse => self.report.refused += 1,
                Action::Delete => {}
            }
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
            Fate::Unsent => self.report.failed += 1,
            Fate::Rejected if !moved_on => self.report.failed += 1,
            _ => sending.targets.push(called.target),
        }
    }

    /// Reads the list again and settles what it says. Pulls the brake on a mismatch.
    async fn verify(&mut self, before: &mut Before, targets: Vec<Target>) -> Result<Verified, StoreError> {
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
    async fn look(&mut self, before: &Before, targets: &[Target], at_once: bool) -> Option<(Listing, Judgement)> {
        let (tell, few) = (self.tell, self.account.pace.readings_after_loss);
        let (mut last, mut gap) = (None, None);
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
                judgement.remember(earlier);
            }
            complete += 1;
            let enough = judgement.is_settled(targets)
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
    async fn brake(&mut self, targets: &[Target], judgement: &Judgement) -> Result<(), StoreError> {
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

/// What became of the first of an action.
enum Proof {
    Proven,
    NotYet,
    Halt,
}

/// What reading again yielded.
enum Verified {
    Agrees(Vec<Finding>),
    Mismatch,
    Unread,
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
    recorder: JoinHandle<Result<(), StoreError>>,
    targets: Vec<Target>,
    going: Going,
    troubles: u32,
    answered: usize,
    of: usize,
    /// What stops acting, and when that was last looked at.
    stops: Stops,
    looked: Instant,
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
            going: Going::On,
            troubles: 0,
            answered: 0,
            of,
            stops: Stops::default(),
            looked: Instant::now(),
        }
    }

    fn start(&mut self, client: &crate::wechat::Client, slot: crate::wechat::Slot, step: &Step, intent: Intent) {
        let (client, answers) = (client.clone(), self.answers.clone());
        let identity = step.application.identity();
        self.calls.spawn(async move {
            let (decision, attempt, action) = (intent.decision(), intent.attempt(), intent.action());
            let answer = client.carry_out(slot, intent).await;
            let called = Called {
                target: Target { decision, identity, action, fate: answer.fate },
                class: answer.error.as_ref().map(crate::wechat::Error::class),
                error: answer.error.clone(),
            };
            // The receiver lives until every sender is gone; were it dead, the row would stay planned for the next pass.
            let _ = answers.send(answered(decision, attempt, action, answer, called.class));
            called
        });
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
    async fn finish(self) -> (Vec<Target>, Result<(), StoreError>) {
        drop(self.answers);
        let recorded = self.recorder.await.expect("the recorder neither panics nor is aborted");
        (self.targets, recorded)
    }
}

/// Writes answers as they come, as many as are there in one transaction.
async fn record_answers(store: Arc<Store>, mut incoming: mpsc::UnboundedReceiver<Answered>) -> Result<(), StoreError> {
    let mut batch = Vec::with_capacity(ANSWERS_A_TRANSACTION);
    let mut failed = None;
    while incoming.recv_many(&mut batch, ANSWERS_A_TRANSACTION).await > 0 {
        if let Err(error) = record_stubbornly(&store, std::mem::take(&mut batch)).await {
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

async fn record_stubbornly(store: &Store, batch: Vec<Answered>) -> Result<(), StoreError> {
    let mut wait = ANSWER_RETRY;
    for _ in 1..ANSWER_TRIES {
        if store.answer(batch.clone()).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
    store.answer(batch).await
}

fn answered(decision: i64, attempt: u32, action: Action, answer: Answer, class: Option<Class>) -> Answered {
    let outcome = match answer.fate {
        Fate::Accepted => Some(Outcome::Done),
        Fate::Rejected if class != Some(Class::State) => Some(Outcome::Failed),
        Fate::Unsent => Some(Outcome::Failed),
        Fate::Rejected | Fate::Lost => None,
    };
    Answered {
        decision,
        give_back: answer.fate == Fate::Unsent,
        settle: outcome.map(|outcome| (outcome, None)),
        at: Timestamp::now(),
        call: Some(CallRecord {
            attempt,
            action,
            sent_at: answer.sent_at,
            took_ms: u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX),
            fate: answer.fate,
            http_status: answer.http_status,
            errcode: answer.errcode,
            errmsg: answer.errmsg.or_else(|| answer.error.as_ref().map(|error| with_sources(error))),
            rid: answer.rid,
        }),
    }
}

fn settlement(decision: i64, outcome: Outcome, note: &str) -> Answered {
    Answered {
        decision,
        call: None,
        settle: Some((outcome, Some(note.to_owned()))),
        give_back: false,
        at: Timestamp::now(),
    }
}

fn never_sent(intent: &Intent, at: Timestamp) -> CallRecord {
    CallRecord {
        attempt: intent.attempt(),
        action: intent.action(),
        sent_at: at,
        took_ms: 0,
        fate: Fate::Unsent,
        http_status: None,
        errcode: None,
        errmsg: None,
        rid: None,
    }
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

/// Those that failed before come last: however many they are, they keep nobody else waiting.
fn fresh_first(acts: Vec<Step>) -> VecDeque<Step> {
    let (again, fresh): (Vec<Step>, Vec<Step>) =
        acts.into_iter().partition(|step| matches!(step.todo, Todo::Act { again: Some(_), .. }));
    fresh.into_iter().chain(again).collect()
}

fn take_first(acts: &mut VecDeque<Step>, action: Action) -> Option<Step> {
    let at = acts.iter().position(|step| step_action(step) == Some(action))?;
    acts.remove(at)
}

fn step_action(step: &Step) -> Option<Action> {
    match step.todo {
        Todo::Act { action, .. } => Some(action),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::verify::finding;
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
