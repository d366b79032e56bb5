//! One walk of one account: scan, decide, record, act, verify.
//!
//! A pass takes no input but the account and may run twice: whatever a crash
//! left behind, the next pass meets. It never fails as a whole; what went wrong
//! is in its report.

use super::account::Account;
use super::account_lock::AccountLock;
use super::before::Before;
use super::hand::Hand;
use super::report::PassReport;
use crate::policy::{
    Action, AppId, Application, Brake, History, Identity, Moment, Past, PolicySpec, Room, Situation, Step, Stops, Todo,
    Verdict, plan,
};
use crate::store::{self, ActiveBrake, BrakeKind, Reader, RecordedVerdict, Store, StoreError};
use crate::wechat::{self, Listing, Progress};
use futures_util::FutureExt;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// A pass that met a bug of ours; its calls under way are dropped, and so is everything it had in hand.
const PANICKED: &str =
    "menshen panicked, which is a bug; the log says where. What the pass left open is settled by the next one";

/// What a pass shares with the service around it.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    /// Stops the pass between calls.
    pub stop: CancellationToken,
    /// Grows with every page and every answer: a sign of life.
    pub beats: Arc<AtomicU64>,
}

impl Watch {
    pub(crate) fn beat(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
    }
}

/// A pass under way.
pub(super) struct Pass<'a> {
    pub(super) account: &'a Account,
    pub(super) store: &'a Arc<Store>,
    pub(super) watch: &'a Watch,
    pub(super) tell: &'a (dyn Fn(Stage) + Sync),
    pub(super) began: Instant,
    pub(super) report: PassReport,
    /// Applications a call of ours has named and may yet move: its answer was lost, or was a no.
    pub(super) ours: HashSet<Identity>,
    /// What rows ask for that no complete list has settled: a list with gaps does not tell who did it.
    pub(super) unsettled: HashSet<(Identity, Action)>,
    /// Why answers were lost, by row, until the list tells what became of them.
    pub(super) lost: HashMap<i64, wechat::Error>,
    /// What the rules know of earlier applications.
    pub(super) history: History,
    /// The person who decides, where it is not the rules.
    pub(super) hand: Option<Hand>,
}

/// How far a pass is, for a progress display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading the list.
    Reading {
        /// Pages read.
        pages: u32,
        /// Pending applications found.
        pending: usize,
    },
    /// Acting on applications.
    Acting {
        /// Answers so far.
        done: usize,
        /// Applications to act on.
        of: usize,
    },
    /// Reading the list again.
    Verifying {
        /// Pages read.
        pages: u32,
    },
}

impl Account {
    /// One pass, when it is this account's turn. Every decision is recorded in `store`; `tell` hears how far it is.
    pub async fn pass(&self, store: &Arc<Store>, watch: &Watch, tell: &(dyn Fn(Stage) + Sync)) -> PassReport {
        self.pass_by(&|| Some(self.clone()), store, watch, tell).await
    }

    /// As [`Account::pass`], by the account that `in_force` gives when nothing is waited for any more: rules and limits may
    /// have changed meanwhile. `None`: it is not worked any more.
    pub(super) async fn pass_by(
        &self,
        in_force: &(dyn Fn() -> Option<Account> + Sync),
        store: &Arc<Store>,
        watch: &Watch,
        tell: &(dyn Fn(Stage) + Sync),
    ) -> PassReport {
        let report = self.in_turn(watch, || self.work(in_force, store, watch, tell)).await;
        report.unwrap_or_else(|| Pass::begin(self, store, watch, tell).end())
    }

    async fn work(
        &self,
        in_force: &(dyn Fn() -> Option<Account> + Sync),
        store: &Arc<Store>,
        watch: &Watch,
        tell: &(dyn Fn(Stage) + Sync),
    ) -> PassReport {
        // From the first page to the last reading nobody else changes anything for this account.
        let lock = AccountLock::of(store, &self.appid, &watch.stop).await;
        let Some(account) = in_force() else {
            watch.stop.cancel();
            return Pass::begin(self, store, watch, tell).end();
        };
        let mut pass = Pass::begin(&account, store, watch, tell);
        match lock {
            Ok(None) => {}
            Ok(Some(_lock)) => {
                match AssertUnwindSafe(pass.walk()).catch_unwind().await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => pass.report.trouble("record", with_sources(&error)),
                    // What a panic said may hold an applicant's words: it stays where it is.
                    Err(_) => pass.report.trouble("pass", PANICKED),
                }
            }
            Err(error) => pass.report.trouble("account", with_sources(&error)),
        }
        pass.end()
    }
}

impl<'a> Pass<'a> {
    pub(super) fn begin(
        account: &'a Account,
        store: &'a Arc<Store>,
        watch: &'a Watch,
        tell: &'a (dyn Fn(Stage) + Sync),
    ) -> Pass<'a> {
        let started = Timestamp::now();
        Pass {
            account,
            store,
            watch,
            tell,
            began: Instant::now(),
            report: PassReport::begin(&account.name, started, pass_id(started)),
            ours: HashSet::new(),
            unsettled: HashSet::new(),
            lost: HashMap::new(),
            history: History::default(),
            hand: None,
        }
    }

    pub(super) fn end(mut self) -> PassReport {
        self.report.stopped |= self.watch.stop.is_cancelled();
        self.report.complete &= !self.report.stopped;
        self.report.calls = self.account.client.take_calls();
        self.report.finish(self.began.elapsed());
        self.report
    }
}

impl Pass<'_> {
    async fn walk(&mut self) -> Result<(), StoreError> {
        self.keep_rules().await?;
        self.doubt_an_older_log().await?;
        let Some(mut listing) = self.scan().await else { return Ok(()) };
        fault_point!("decide.read");
        let settled = self.settle_leftovers(&mut listing).await?;
        self.note_elsewhere(&listing).await?;
        let unclear = listing.unclear();
        let pending = std::mem::take(&mut listing.pending);
        let identities: HashSet<Identity> = pending.iter().map(Application::identity).collect();
        let steps = self.plan(pending, unclear, settled).await?;
        fault_point!("decide.planned");
        self.count_urgent(&steps);
        let spent = self.spent(&listing, &identities);
        let nameless = listing.nameless();
        let ours = std::mem::take(&mut self.ours);
        let whole = listing.gap.is_none();
        let mut before = Before::new(identities, std::mem::take(&mut listing.others), ours, nameless);
        drop(listing);
        let done = self.carry_out(&mut before, steps, settled, spent).await;
        (self.report.undecided, self.report.oldest) = before.undecided();
        done?;
        self.report.complete = whole;
        fault_point!("pass.over");
        Ok(())
    }

    /// Records what waits, acts on the rest; with nothing to act on, keeps house.
    async fn carry_out(
        &mut self,
        before: &mut Before,
        steps: Vec<Step>,
        settled: bool,
        spent: Vec<Identity>,
    ) -> Result<(), StoreError> {
        let (acts, contradicted) = self.record_rest(steps).await?;
        let acts_at_all = !acts.is_empty();
        let quiet = settled && acts.is_empty() && contradicted.is_empty() && self.report.troubles.is_empty();
        match quiet {
            true => self.keep_house(before, spent).await?,
            false => self.act(before, acts, contradicted).await?,
        }
        if acts_at_all {
            let room = self.account.room(self.store, Timestamp::now()).await?;
            self.report.limits = self.account.lasting(&room);
        }
        Ok(())
    }

    pub(super) async fn keep_rules(&self) -> Result<(), StoreError> {
        let rules = &self.account.rules;
        // A large rule set takes long to write down, and nearly every pass finds it kept.
        if self.store.has_ruleset(rules.hash()).await? {
            return Ok(());
        }
        self.store
            .keep_ruleset(rules.hash(), crate::policy::ENGINE_VERSION, &spec_json(rules.spec()), self.report.started)
            .await
    }

    /// The first reading. `None` when the pass is stopped meanwhile.
    pub(super) async fn scan(&mut self) -> Option<Listing> {
        let tell = self.tell;
        let listing =
            self.read(|progress| tell(Stage::Reading { pages: progress.pages, pending: progress.pending })).await?;
        self.report.pages = listing.pages;
        self.report.pending = listing.pending.len();
        self.report.unreadable = listing.unreadable.len();
        self.report.entries = listing.pending.len() + listing.others.len() + listing.unreadable.len();
        if let Some(gap) = &listing.gap {
            self.report.wechat_trouble("list", gap);
        }
        for entry in &listing.unreadable {
            tracing::warn!(
                account = %self.account.name, page = entry.page, position = entry.position,
                "an entry of the list cannot be read: {}", entry.problem
            );
        }
        Some(listing)
    }

    /// Reads the whole list, unless the pass is stopped.
    pub(super) async fn read(&self, tell: impl Fn(Progress) + Sync) -> Option<Listing> {
        let watch = self.watch;
        let progress = move |progress: Progress| {
            watch.beat();
            tell(progress);
        };
        tokio::select! {
            biased;
            () = self.watch.stop.cancelled() => None,
            listing = self.account.client.list(&progress) => Some(listing),
        }
    }

    async fn plan(
        &mut self,
        pending: Vec<Application>,
        unclear: HashSet<Identity>,
        settled: bool,
    ) -> Result<Vec<Step>, StoreError> {
        let identities: Vec<Identity> = pending.iter().map(Application::identity).collect();
        // Limits count by the day of acting, and a long list is read over midnight.
        let mut known = Known::read(self.store, self.account, &identities, Timestamp::now()).await?;
        known.unclear = unclear;
        self.report.stops = known.stop_words();
        self.report.brake_stands = known.stops.verification;
        self.report.limits = self.account.lasting(&known.room);
        let steps = known.plan(self.account, pending, settled, self.report.started);
        self.history = known.history;
        Ok(steps)
    }
}

impl Pass<'_> {
    /// Counts what WeChat will soon time out while nobody has decided it.
    fn count_urgent(&mut self, steps: &[Step]) {
        let now = self.report.started;
        let kept_back = steps.iter().filter(|step| !matches!(step.todo, Todo::Act { .. }));
        self.report.urgent = kept_back.filter(|step| self.account.is_urgent(&step.application, now)).count();
    }
}

/// What the log knows that a plan depends on.
#[derive(Debug, Default)]
pub(super) struct Known {
    past: HashMap<Identity, Past>,
    room: Room,
    stops: Stops,
    pub(super) history: History,
    /// What [`Listing::unclear`] says of the list that is decided.
    pub(super) unclear: HashSet<Identity>,
}

impl Known {
    pub(super) async fn read(
        log: &Reader,
        account: &Account,
        identities: &[Identity],
        at: Timestamp,
    ) -> Result<Known, StoreError> {
        let past = log.past(&account.appid, identities).await?;
        let past = past.into_iter().map(|(identity, row)| (identity, of_the_log(row))).collect();
        let mut stops = stops(account, &log.brakes().await?);
        // A live pass has pulled the brake for it by now; a dry run says that it would.
        stops.verification |= log.forgotten_since().await?.is_some();
        let history = earlier(log, account, identities).await?;
        let room = account.room(log, at).await?;
        Ok(Known { past, room, stops, history, unclear: HashSet::new() })
    }

    /// What keeps an action back, whatever the application.
    pub(super) fn brake(&self, action: Action) -> Option<Brake> {
        self.stops.brake(action)
    }

    /// What keeps acting back, in words.
    pub(super) fn stop_words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.stops.verification {
            words.push("the brake verification is pulled".to_owned());
        }
        if !self.stops.paused.is_empty() {
            let actions: Vec<&str> = self.stops.paused.iter().map(|action| action.word()).collect();
            words.push(format!("paused: {}", actions.join(", ")));
        }
        words
    }

    /// What is known where there is no log yet.
    pub(super) fn nothing(account: &Account) -> Known {
        Known { room: account.room_at_first(), ..Known::default() }
    }

    pub(super) fn plan(
        &self,
        account: &Account,
        pending: Vec<Application>,
        settled: bool,
        now: Timestamp,
    ) -> Vec<Step> {
        let moment = Moment { now, history: &self.history };
        let situation = Situation {
            rules: &account.rules,
            moment: &moment,
            mode: account.mode,
            past: &self.past,
            room: &self.room,
            stops: &self.stops,
            unclear: &self.unclear,
            settled,
        };
        plan(&situation, pending)
    }
}

/// Asked for only where a rule wants to know; what this pass has settled so far counts.
async fn earlier(log: &Reader, account: &Account, identities: &[Identity]) -> Result<History, StoreError> {
    if !account.rules.needs_history() {
        return Ok(History::default());
    }
    let appids: Vec<AppId> = identities.iter().map(|identity| identity.appid.clone()).collect();
    log.earlier(&account.appid, &appids, Timestamp::now()).await
}

/// The brakes that concern this account at this WeChat.
pub(super) fn stops(account: &Account, brakes: &[ActiveBrake]) -> Stops {
    let mut stops = Stops::default();
    for brake in brakes {
        let covered =
            Action::ALL.into_iter().filter(|action| brake.scope.covers(&account.appid, &account.site, *action));
        match brake.kind {
            BrakeKind::Verification => stops.verification |= covered.count() > 0,
            BrakeKind::Pause => stops.paused.extend(covered),
        }
    }
    stops
}

/// What a plan needs of a row.
fn of_the_log(row: store::Past) -> Past {
    Past {
        id: row.id,
        verdict: match row.verdict {
            RecordedVerdict::Agree => Some(Verdict::Agree),
            RecordedVerdict::Refuse => Some(Verdict::Refuse),
            RecordedVerdict::Hold => Some(Verdict::Hold),
            RecordedVerdict::Delete => None,
        },
        rule: row.rule,
        brake: row.brake,
        mode: row.mode,
        unknown: row.unknown,
        by_rules: row.actor == "rules",
        outcome: row.outcome,
        attempts: row.attempts,
        place: row.place,
        accepted: row.accepted,
        elsewhere: row.actor == super::elsewhere::ELSEWHERE,
        message: row.message,
    }
}

/// Sorts a plan into what is written now, what is acted on, and what contradicts the log.
pub(super) fn sort_steps(steps: Vec<Step>, report: &mut PassReport) -> (Vec<Step>, Vec<Step>, Vec<Step>) {
    let (mut record, mut acts, mut contradicted) = (Vec::new(), Vec::new(), Vec::new());
    for step in steps {
        match step.todo {
            Todo::Known => report.known += 1,
            Todo::Wait => report.waiting += 1,
            Todo::Record(_) => record.push(step),
            Todo::Act { .. } => acts.push(step),
            Todo::Contradicted { .. } => contradicted.push(step),
        }
    }
    (record, acts, contradicted)
}

/// Names a pass: its start, and a number that tells passes of one process apart.
fn pass_id(started: Timestamp) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{}-{number}", started.strftime("%Y%m%dT%H%M%SZ"), std::process::id())
}

/// The rules as they are kept in the log.
fn spec_json(spec: &PolicySpec) -> String {
    serde_json::to_string(spec).expect("a policy is plain data")
}

/// An error with everything below it, on one line; a cause that only says the same again is left out.
pub(super) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        below = cause.source();
    }
    text
}
