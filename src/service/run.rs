//! The service: ticks wake passes, signals end or reload it, the supervisor watches.
//!
//! Promises: passes of one account never overlap (a tick that finds one running
//! is counted, not queued); SIGTERM and SIGINT stop between calls and settle
//! what is under way; SIGHUP reads the configuration again and keeps the last
//! good one; a scheduler that goes silent or a clock that jumps is noticed.

use super::account::{Account, SetupError, Surroundings};
use super::alarm::{Alarm, concerned, in_words};
use super::head::DailyHead;
use super::lock::{LockError, StateLock};
use super::metering::{Metering, MeteringError, Prepared};
use super::notices::{self, Notices, Office, Untellable};
use super::pass::{Stage, Watch, with_sources};
use super::report::PassReport;
use super::say::{log_pass, say_pulled, say_stopped};
use super::schedule::{ScheduleError, Ticks, next_tick};
use super::signals::Signals;
use super::standing::{Standings, Turn};
use super::status::{Keeper, Quotas, keep_once};
use super::supervisor::Supervisor;
use super::turns::begins_after;
use super::{systemd, token, warnings};
use crate::config::Config;
use crate::policy::AppId;
use crate::store::{Store, StoreError};
use futures_util::future::join_all;
use jiff::Timestamp;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::{self, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use working::{Working, configured};

/// How often the supervisor looks.
const LOOK: Duration = Duration::from_secs(1);
/// Beyond the timeout of one call, how long stopping may take.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Everything a service holds: its lock, its log, its accounts.
#[derive(Debug)]
pub struct Service {
    config: Config,
    around: Surroundings,
    store: Arc<Store>,
    accounts: Arc<[Account]>,
    lock: StateLock,
}

/// The service could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The audit log cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An account cannot be worked.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The schedule cannot be run.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// Those who are to be told cannot be.
    #[error(transparent)]
    Notify(#[from] Untellable),
    /// What monitoring reads cannot be served.
    #[error(transparent)]
    Metrics(#[from] MeteringError),
    /// Signals cannot be listened to.
    #[error("signals cannot be listened to")]
    Signals(#[source] io::Error),
    /// The state directory was taken away under the running service.
    #[error(transparent)]
    State(#[from] LockError),
}

impl Service {
    /// Opens the log (creating or migrating it), makes the accounts ready.
    pub async fn open(config: Config, around: Surroundings, lock: StateLock) -> Result<Service, RunError> {
        let store = Arc::new(Store::open(&config.service.state_dir.join("menshen.db")).await?);
        let accounts = Account::all(&config, &around, &[])?.into();
        Ok(Service { config, around, store, accounts, lock: lock.with_log()? })
    }

    /// Ends cleanly: what stands in the log's side files is folded into the database, so that one file is the record.
    pub async fn close(self) {
        // A pass that did not end in time still holds the log; then the next open recovers it.
        if let Some(store) = Arc::into_inner(self.store) {
            store.close().await;
        }
    }

    /// The log, for reading.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// What it was made of.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// The accounts.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }
}

/// One pass over every account. SIGTERM and SIGINT stop it between calls.
pub async fn run_once(service: &Service, tell: &(dyn Fn(Stage) + Sync)) -> Result<Vec<PassReport>, RunError> {
    let watch = Watch::default();
    let mut signals = Signals::listen().map_err(RunError::Signals)?;
    token::warn(&service.accounts);
    warnings::tell(&service.config);
    // Signs of life of its own for each: by them it keeps its turn or lets another account work.
    let alone = || Watch { beats: Arc::default(), ..watch.clone() };
    let passes = join_all(service.accounts.iter().map(|account| {
        let watch = alone();
        async move { account.pass(&service.store, &watch, tell).await }
    }));
    tokio::pin!(passes);
    loop {
        tokio::select! {
            reports = &mut passes => {
                reports.iter().for_each(log_pass);
                reports.iter().filter(|report| report.brake_stands).for_each(|report| say_stopped(&report.account));
                keep_once(&service.config.service, &service.accounts, &reports);
                notices::once(service, &reports).await;
                return Ok(reports);
            }
            () = signals.stop.recv() => watch.stop.cancel(),
        }
    }
}

/// The service, until SIGTERM or SIGINT. `reload` reads the configuration again; its error is already words.
pub async fn run(service: Service, reload: &dyn Fn() -> Result<Config, String>) -> Result<(), RunError> {
    let mut signals = Signals::listen().map_err(RunError::Signals)?;
    token::warn(&service.accounts);
    let (sender, mut ticks) = mpsc::channel(1);
    let mut round = Round::start(service, sender).await?;
    round.look_for_brakes().await;
    systemd::ready(&round.status());
    tracing::info!(
        version = env!("MENSHEN_VERSION"),
        accounts = round.service.accounts.len(),
        mode = round.service.config.service.mode.word(),
        schedule = round.service.config.service.schedule.pattern(),
        state_dir = %round.service.config.service.state_dir.display(),
        "menshen works"
    );
    warnings::tell(&round.service.config);
    let ended = round.until_told_to_stop(&mut signals, &mut ticks, reload).await;
    round.stop().await;
    ended
}

/// The state of the running service.
struct Round {
    service: Service,
    /// None while no scheduler can be made: then the supervisor wakes the passes.
    ticks: Option<Ticks>,
    sender: mpsc::Sender<()>,
    stop: CancellationToken,
    passes: JoinSet<PassReport>,
    /// The accounts as a pass finds them that has waited.
    in_force: watch::Sender<Arc<[Account]>>,
    /// By appid: a reload may give an account another name.
    busy: HashMap<AppId, Working>,
    skipped: u64,
    supervisor: Supervisor,
    head: DailyHead,
    fed: Instant,
    last: Option<PassReport>,
    standings: Standings,
    /// Applications soon to be timed out, by account, when last told.
    urgent: HashMap<String, usize>,
    alarm: Alarm,
    /// Whoever tells people; None only while it is made anew.
    office: Option<Office>,
    /// What monitoring reads; None without `[metrics]`.
    metering: Option<Metering>,
    /// Whoever writes down what `menshen status` shows.
    keeper: Keeper,
    quotas: Quotas,
}

impl Round {
    async fn start(service: Service, sender: mpsc::Sender<()>) -> Result<Round, RunError> {
        let mut metering = Prepared::of(&service.config, None).await?.take_over(None).await;
        if let Some(metering) = &mut metering {
            metering.configured(&service.config, &service.accounts, &[]);
        }
        let ticks = Ticks::start(&service.config.service, sender.clone()).await?;
        let office = Office::open(Notices::new(&service.config, None)?, service.store.clone());
        let now = Timestamp::now();
        let due = next_tick(&service.config.service, now);
        let keeper = Keeper::open(&service.config.service, &service.accounts, now);
        keeper.expect(due);
        let quotas = Quotas::new(&keeper);
        let supervisor = Supervisor::new(now, Instant::now(), due);
        let (in_force, _) = watch::channel(Arc::clone(&service.accounts));
        Ok(Round {
            service,
            ticks: Some(ticks),
            sender,
            stop: CancellationToken::new(),
            passes: JoinSet::new(),
            in_force,
            busy: HashMap::new(),
            skipped: 0,
            supervisor,
            head: DailyHead::default(),
            fed: Instant::now(),
            last: None,
            standings: Standings::default(),
            urgent: HashMap::new(),
            alarm: Alarm::new(now),
            office: Some(office),
            metering,
            keeper,
            quotas,
        })
    }

    async fn until_told_to_stop(
        &mut self,
        signals: &mut Signals,
        ticks: &mut mpsc::Receiver<()>,
        reload: &dyn Fn() -> Result<Config, String>,
    ) -> Result<(), RunError> {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = signals.stop.recv() => return Ok(()),
                _ = signals.hangup.recv() => self.reload(reload).await,
                Some(finished) = self.passes.join_next_with_id(), if !self.passes.is_empty() => self.finished(finished).await,
                Some(()) = ticks.recv() => self.tick()?,
                _ = look.tick() => self.look().await?,
            }
        }
    }

    /// Wakes every account that is not being worked.
    fn tick(&mut self) -> Result<(), RunError> {
        self.service.lock.check()?;
        let (now, accounts) = (Timestamp::now(), self.service.accounts.len());
        let due = next_tick(&self.service.config.service, now);
        self.supervisor.expect(due);
        self.keeper.expect(due);
        let left = due.and_then(|due| Duration::try_from(due.duration_since(now)).ok()).unwrap_or_default();
        if let Some(office) = &self.office {
            office.tick(self.service.accounts.iter().map(|account| account.name.clone()).collect());
        }
        for (place, account) in self.service.accounts.iter().enumerate() {
            if self.busy.contains_key(&account.appid) {
                self.skipped += 1;
                self.metering.iter().for_each(|metering| metering.skipped(&account.name));
                tracing::warn!(account = %account.name, skipped = self.skipped, "a tick found the pass before it still running");
                continue;
            }
            self.quotas.make_way(&account.appid);
            // Signs of life of its own: a lively account must not stand for one that hangs.
            let watch = Watch { stop: self.stop.child_token(), ..Watch::default() };
            let begins = tokio::time::sleep(begins_after(place, accounts, left));
            let (woken, watched, store) = (account.clone(), watch.clone(), self.service.store.clone());
            let in_force = self.in_force.subscribe();
            let pass = self.passes.spawn(async move {
                // Told to stop before it began, it ends where it looks first.
                watch.wait(begins).await;
                let in_force = || configured(&in_force.borrow(), place, &woken.appid);
                woken.pass_by(&in_force, &store, &watch, &|_| ()).await
            });
            self.busy.insert(account.appid.clone(), Working::begin(pass.id(), account, watched));
        }
        Ok(())
    }

    async fn finished(&mut self, finished: Result<(task::Id, PassReport), JoinError>) {
        let id = match &finished {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        self.busy.retain(|_, working| working.pass != id);
        match finished {
            Ok((_, report)) => self.take(report).await,
            // Not the error's own words: they repeat what a panic said, and that may be an applicant's text.
            Err(error) => {
                let how = if error.is_panic() { "panicked" } else { "was cut off" };
                tracing::error!("a pass {how}; what it left open is settled by the next one");
            }
        }
        systemd::status(&self.status());
    }

    async fn take(&mut self, report: PassReport) {
        log_pass(&report);
        if let Some(office) = &self.office {
            office.hear(&report);
        }
        self.keeper.hear(&report);
        let name = &report.account;
        // One that was removed meanwhile is remembered no longer.
        if let Some(account) = self.service.accounts.iter().find(|account| account.name == *name) {
            if let Some(metering) = &mut self.metering {
                metering.hear(&report, self.quotas.known(&account.appid), &self.service.config);
            }
            self.quotas.after(account, &report, Timestamp::now());
            self.warn_of_deadlines(&report);
            if self.standings.hear(&report) == Turn::Mended {
                tracing::info!(account = %name, "the account is well again");
            }
        }
        let pulled = report.brake.is_some();
        self.last = Some(report);
        // What others pull or lift is heard of once a second: thousands of passes need not look each.
        if pulled {
            self.look_for_brakes().await;
        }
    }

    /// A held application dies when WeChat's window closes: said when there are more of them than before.
    fn warn_of_deadlines(&mut self, report: &PassReport) {
        let before = self.urgent.insert(report.account.clone(), report.urgent).unwrap_or_default();
        if report.urgent > before {
            tracing::warn!(
                account = %report.account, urgent = report.urgent,
                "applications nobody has decided will soon be timed out by WeChat"
            );
        }
    }

    /// What stops acting stays in the status until it is lifted; a change is heard of within a second.
    async fn look_for_brakes(&mut self) {
        // A disk that stands still must not keep signals waiting.
        let Ok(Ok(brakes)) = tokio::time::timeout(LOOK, self.service.store.brakes()).await else { return };
        let heard = self.alarm.hear(brakes, Instant::now());
        let accounts = &self.service.accounts;
        if let Some(metering) = &mut self.metering {
            metering.braked(accounts, self.alarm.active());
        }
        heard.pulled.iter().for_each(|brake| say_pulled(brake, accounts));
        for brake in &heard.lifted {
            tracing::info!(kind = brake.kind.word(), of = in_words(&brake.scope, accounts), "lifted: acting goes on");
        }
        heard.again.iter().for_each(|brake| say_stopped(concerned(&brake.scope, accounts)));
        if !heard.is_silence() {
            if let Some(office) = &self.office {
                office.brakes_changed();
            }
            systemd::status(&self.status());
        }
    }

    /// The supervisor's look: once a second.
    async fn look(&mut self) -> Result<(), RunError> {
        self.service.lock.check()?;
        self.head.look(&self.service.store, Timestamp::now(), &self.service.config.service.timezone).await;
        let now = Timestamp::now();
        // Before the schedule is made anew: that begins a new wait.
        let unattended = self.ticks.is_none() && self.supervisor.is_due(now);
        let found = self.supervisor.look(now, Instant::now());
        if let Some(jump) = found.jump {
            tracing::warn!("the clock jumped by {jump:#}; the schedule is made anew");
        } else if let Some(still) = found.still {
            tracing::warn!("menshen stood still for {} s; the schedule is made anew", still.as_secs());
        } else if found.silent {
            tracing::error!("the scheduler went silent; it is made anew and the missed pass runs now");
        }
        if self.ticks.is_none() || found.jump.is_some() || found.still.is_some() || found.silent {
            self.restart_ticks().await;
        }
        if found.missed || found.silent || unattended {
            self.tick()?;
        }
        if !self.has_stuck_passes() && systemd::watchdog().is_some_and(|period| self.fed.elapsed() >= period / 3) {
            self.fed = Instant::now();
            systemd::alive();
        }
        self.look_for_brakes().await;
        Ok(())
    }

    /// Looks at every pass under way; says so once when one shows no sign of life.
    fn has_stuck_passes(&mut self) -> bool {
        let now = Instant::now();
        self.busy.values_mut().map(|working| working.look(now)).fold(false, |any, stuck| any | stuck)
    }

    /// A scheduler that cannot be made is no reason to end: the supervisor wakes the passes and goes on trying.
    async fn restart_ticks(&mut self) {
        let had_none = self.ticks.is_none();
        if let Some(ticks) = self.ticks.take() {
            ticks.stop().await;
        }
        match Ticks::start(&self.service.config.service, self.sender.clone()).await {
            Ok(ticks) => {
                self.ticks = Some(ticks);
                if had_none {
                    tracing::info!("the scheduler works again");
                }
            }
            Err(error) if !had_none => {
                let error = with_sources(&error);
                tracing::error!(
                    "no scheduler can be made: {error}; passes are woken without one, and it is tried again every second"
                );
            }
            Err(_) => {}
        }
        let due = next_tick(&self.service.config.service, Timestamp::now());
        self.supervisor.expect(due);
        self.keeper.expect(due);
    }

    fn longest_timeout(&self) -> Duration {
        self.service.config.accounts.iter().map(|account| account.wechat.timeout).max().unwrap_or_default()
    }

    /// Stops between calls; what is under way is settled within the timeout of one call.
    async fn stop(mut self) {
        systemd::stopping();
        tracing::info!("menshen stops: calls under way are settled");
        self.stop.cancel();
        self.quotas.stop();
        let patience = self.longest_timeout() + STOP_GRACE;
        let settled = tokio::time::timeout(patience, async {
            while let Some(finished) = self.passes.join_next().await {
                if let Ok(report) = finished {
                    log_pass(&report);
                    if let Some(office) = &self.office {
                        office.hear(&report);
                    }
                    self.keeper.hear(&report);
                }
            }
        });
        if settled.await.is_err() {
            tracing::warn!("a pass did not end in time; its rows are settled by the next one");
        }
        if let Some(ticks) = self.ticks {
            ticks.stop().await;
        }
        self.passes.shutdown().await;
        self.keeper.close().await;
        if let Some(office) = self.office {
            office.close().await;
        }
        self.service.close().await;
    }

    /// For `systemctl status`: what stops acting, else the last pass; then who is in trouble, where there are several accounts.
    fn status(&self) -> String {
        let troubled = self.standings.words().filter(|_| self.service.accounts.len() > 1);
        match troubled {
            Some(troubled) => format!("{}; {troubled}", self.status_of_all()),
            None => self.status_of_all(),
        }
    }

    fn status_of_all(&self) -> String {
        let accounts = self.service.accounts.len();
        let mode = self.service.config.service.mode.word();
        match (self.alarm.status(&self.service.accounts), &self.last) {
            (Some(stopped), _) => stopped,
            (None, None) => format!("{mode}, {accounts} account(s), waiting for the first tick"),
            (None, Some(last)) => format!(
                "{mode}, {accounts} account(s); last pass {}: {} pending, {} agreed, {} refused, {} held{}",
                last.account,
                last.pending,
                last.agreed,
                last.refused,
                last.held,
                if last.failed() { "; something failed, see the log" } else { "" }
            ),
        }
    }
}

mod reload;
#[cfg(test)]
mod tests;
mod working;
