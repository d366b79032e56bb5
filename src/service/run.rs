//! The service: ticks wake passes, signals end or reload it, the supervisor watches.
//!
//! Promises: passes of one account never overlap (a tick that finds one running
//! is counted, not queued); SIGTERM and SIGINT stop between calls and settle
//! what is under way; SIGHUP reads the configuration again and keeps the last
//! good one; a scheduler that goes silent or a clock that jumps is noticed.

use super::account::{Account, SetupError, Surroundings};
use super::lock::{LockError, StateLock};
use super::pass::{Stage, Watch, with_sources};
use super::report::PassReport;
use super::schedule::{ScheduleError, Ticks, next_tick};
use super::supervisor::Supervisor;
use super::systemd;
use crate::config::Config;
use crate::policy::AppId;
use crate::store::{BrakeKind, Store, StoreError};
use futures_util::future::join_all;
use jiff::Timestamp;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, atomic::Ordering};
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::{self, JoinError, JoinSet};

/// How often the supervisor looks.
const LOOK: Duration = Duration::from_secs(1);
/// How long a pass may show no sign of life before the watchdog is no longer fed, at least …
const STUCK: Duration = Duration::from_secs(300);
/// … and in timeouts of one call: a page is tried three times, each after two calls for a token.
const CALLS_A_BEAT: u32 = 10;
/// Beyond the timeout of one call, how long stopping may take.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Everything a service holds: its lock, its log, its accounts.
#[derive(Debug)]
pub struct Service {
    config: Config,
    around: Surroundings,
    store: Arc<Store>,
    accounts: Vec<Account>,
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
        let accounts = Account::all(&config, &around, &[])?;
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

    /// The accounts.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }
}

/// One pass over every account. SIGTERM and SIGINT stop it between calls.
pub async fn run_once(service: &Service, tell: &(dyn Fn(Stage) + Sync)) -> Result<Vec<PassReport>, RunError> {
    let watch = Watch::default();
    let mut signals = Signals::listen()?;
    warn_about_tokens(&service.accounts);
    let passes = join_all(service.accounts.iter().map(|account| account.pass(&service.store, &watch, tell)));
    tokio::pin!(passes);
    loop {
        tokio::select! {
            reports = &mut passes => {
                reports.iter().for_each(log_pass);
                return Ok(reports);
            }
            () = signals.stop.recv() => watch.stop.cancel(),
        }
    }
}

/// The service, until SIGTERM or SIGINT. `reload` reads the configuration again; its error is already words.
pub async fn run(service: Service, reload: &dyn Fn() -> Result<Config, String>) -> Result<(), RunError> {
    let mut signals = Signals::listen()?;
    warn_about_tokens(&service.accounts);
    let (sender, mut ticks) = mpsc::channel(1);
    let mut round = Round::start(service, sender).await?;
    systemd::ready(&round.status());
    tracing::info!(
        accounts = round.service.accounts.len(),
        mode = round.service.config.service.mode.word(),
        schedule = round.service.config.service.schedule.pattern(),
        state_dir = %round.service.config.service.state_dir.display(),
        "menshen works"
    );
    let ended = round.until_told_to_stop(&mut signals, &mut ticks, reload).await;
    round.stop().await;
    ended
}

fn warn_about_tokens(accounts: &[Account]) {
    for account in accounts {
        if let Some(warning) = account.token_warning() {
            tracing::warn!(account = account.name(), "{warning}");
        }
    }
}

/// The state of the running service.
struct Round {
    service: Service,
    ticks: Ticks,
    sender: mpsc::Sender<()>,
    watch: Watch,
    passes: JoinSet<PassReport>,
    /// By appid: a reload may give an account another name.
    busy: HashMap<AppId, task::Id>,
    skipped: u64,
    supervisor: Supervisor,
    fed: Instant,
    last: Option<PassReport>,
    /// Applications soon to be timed out, by account, when last told.
    urgent: HashMap<String, usize>,
    /// The brake `verification` that is pulled, in words.
    brake: Option<String>,
}

impl Round {
    async fn start(service: Service, sender: mpsc::Sender<()>) -> Result<Round, RunError> {
        let ticks = Ticks::start(&service.config.service, sender.clone()).await?;
        let now = Timestamp::now();
        let supervisor = Supervisor::new(now, Instant::now(), next_tick(&service.config.service, now));
        Ok(Round {
            service,
            ticks,
            sender,
            watch: Watch::default(),
            passes: JoinSet::new(),
            busy: HashMap::new(),
            skipped: 0,
            supervisor,
            fed: Instant::now(),
            last: None,
            urgent: HashMap::new(),
            brake: None,
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
        self.supervisor.expect(next_tick(&self.service.config.service, Timestamp::now()));
        for account in &self.service.accounts {
            if self.busy.contains_key(&account.appid) {
                self.skipped += 1;
                tracing::warn!(account = %account.name, skipped = self.skipped, "a tick found the pass before it still running");
                continue;
            }
            let appid = account.appid.clone();
            let (account, store, watch) = (account.clone(), self.service.store.clone(), self.watch.clone());
            let pass = self.passes.spawn(async move { account.pass(&store, &watch, &|_| ()).await });
            self.busy.insert(appid, pass.id());
        }
        Ok(())
    }

    async fn finished(&mut self, finished: Result<(task::Id, PassReport), JoinError>) {
        let id = match &finished {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        self.busy.retain(|_, pass| *pass != id);
        match finished {
            Ok((_, report)) => {
                log_pass(&report);
                self.warn_of_deadlines(&report);
                self.last = Some(report);
            }
            Err(error) => tracing::error!("a pass ended early: {error}; what it left open is settled by the next one"),
        }
        self.look_for_brakes().await;
        systemd::status(&self.status());
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

    /// A brake stays in the status until it is lifted, not only for the pass that pulled it.
    async fn look_for_brakes(&mut self) {
        let Ok(brakes) = self.service.store.brakes().await else { return };
        self.brake = brakes.into_iter().find(|brake| brake.kind == BrakeKind::Verification).map(|brake| {
            let concerned =
                self.service.accounts.iter().find(|account| Some(&account.appid) == brake.scope.account.as_ref());
            let name = concerned.map_or("an account", Account::name);
            format!("BRAKE verification on {name}: {}", brake.why.unwrap_or_default())
        });
    }

    /// The supervisor's look: once a second.
    async fn look(&mut self) -> Result<(), RunError> {
        self.service.lock.check()?;
        let beats = self.watch.beats.load(Ordering::Relaxed);
        let patience = STUCK.max(self.longest_timeout() * CALLS_A_BEAT);
        let found = self.supervisor.look(Timestamp::now(), Instant::now(), beats, !self.passes.is_empty(), patience);
        if let Some(jump) = found.jump {
            tracing::warn!("the clock jumped by {jump:#}; the schedule is made anew");
            self.restart_ticks().await?;
            if found.missed {
                self.tick()?;
            }
        } else if found.silent {
            tracing::error!("the scheduler went silent; it is made anew and the missed pass runs now");
            self.restart_ticks().await?;
            self.tick()?;
        }
        if found.stuck {
            tracing::error!("a pass shows no sign of life; the watchdog is not fed until it does");
        }
        if found.healthy() && systemd::watchdog().is_some_and(|period| self.fed.elapsed() >= period / 3) {
            self.fed = Instant::now();
            systemd::alive();
        }
        Ok(())
    }

    async fn restart_ticks(&mut self) -> Result<(), RunError> {
        let ticks = Ticks::start(&self.service.config.service, self.sender.clone()).await?;
        std::mem::replace(&mut self.ticks, ticks).stop().await;
        self.supervisor.expect(next_tick(&self.service.config.service, Timestamp::now()));
        Ok(())
    }

    async fn reload(&mut self, reload: &dyn Fn() -> Result<Config, String>) {
        systemd::reloading();
        let taken = match reload() {
            Ok(config) => self.take_over(config).await,
            Err(error) => Err(error),
        };
        match taken {
            Ok(()) => {
                tracing::info!(accounts = self.service.accounts.len(), "the configuration was read again");
            }
            Err(error) => tracing::error!("the configuration stays as it was: {error}"),
        }
        systemd::ready(&self.status());
    }

    /// Everything that can fail comes first: a configuration is taken over as a whole or not at all.
    async fn take_over(&mut self, config: Config) -> Result<(), String> {
        if config.service.state_dir != self.service.config.service.state_dir {
            return Err("service.state_dir cannot change while menshen runs; restart it".to_owned());
        }
        let accounts = Account::all(&config, &self.service.around, &self.service.accounts)
            .map_err(|error| with_sources(&error))?;
        let ticks = Ticks::start(&config.service, self.sender.clone()).await.map_err(|error| with_sources(&error))?;
        std::mem::replace(&mut self.ticks, ticks).stop().await;
        self.supervisor.expect(next_tick(&config.service, Timestamp::now()));
        self.service.config = config;
        self.service.accounts = accounts;
        warn_about_tokens(&self.service.accounts);
        Ok(())
    }

    fn longest_timeout(&self) -> Duration {
        self.service.config.accounts.iter().map(|account| account.wechat.timeout).max().unwrap_or_default()
    }

    /// Stops between calls; what is under way is settled within the timeout of one call.
    async fn stop(mut self) {
        systemd::stopping();
        tracing::info!("menshen stops: calls under way are settled");
        self.watch.stop.cancel();
        let patience = self.longest_timeout() + STOP_GRACE;
        let settled = tokio::time::timeout(patience, async {
            while let Some(finished) = self.passes.join_next().await {
                if let Ok(report) = finished {
                    log_pass(&report);
                }
            }
        });
        if settled.await.is_err() {
            tracing::warn!("a pass did not end in time; its rows are settled by the next one");
        }
        self.ticks.stop().await;
        self.passes.shutdown().await;
        self.service.close().await;
    }

    fn status(&self) -> String {
        let accounts = self.service.accounts.len();
        let mode = self.service.config.service.mode.word();
        match (&self.brake, &self.last) {
            (Some(brake), _) => brake.clone(),
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

/// The one line a pass leaves in the log.
fn log_pass(report: &PassReport) {
    for trouble in &report.troubles {
        tracing::warn!(
            account = %report.account, during = trouble.during,
            errcode = trouble.errcode, rid = trouble.rid.as_deref(), "{}", trouble.message
        );
    }
    let words = format!(
        "{} pending of {}: {} agreed, {} refused, {} held, {} braked, {} shadow, {} overtaken, {} failed, {} known, {} waiting, {} unreadable",
        report.pending,
        report.entries,
        report.agreed,
        report.refused,
        report.held,
        report.braked,
        report.shadow,
        report.overtaken,
        report.failed,
        report.known,
        report.waiting,
        report.unreadable
    );
    if report.acted() || report.failed() {
        tracing::info!(account = %report.account, pass = %report.pass, took_ms = report.took_ms, "{words}");
    } else {
        tracing::debug!(account = %report.account, pass = %report.pass, took_ms = report.took_ms, "{words}");
    }
}

/// The signals a service listens to.
struct Signals {
    stop: StopSignals,
    hangup: Signal,
}

/// SIGTERM and SIGINT.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Signals, RunError> {
        let on = |kind| signal(kind).map_err(RunError::Signals);
        let stop = StopSignals { terminate: on(SignalKind::terminate())?, interrupt: on(SignalKind::interrupt())? };
        Ok(Signals { stop, hangup: on(SignalKind::hangup())? })
    }
}

impl StopSignals {
    async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
