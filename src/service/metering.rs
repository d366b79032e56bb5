//! What monitoring is told: reports, brakes and reloads, as the numbers of `metrics`.
//!
//! Nothing of it decides anything. Without `[metrics]` there is none, and nothing is counted. Values of labels are names
//! from the configuration and words of ours.

use super::account::Account;
use super::endings::Ending;
use super::report::PassReport;
use super::schedule::next_tick;
use super::status::QuotaSheet;
use crate::config::{self, Config};
use crate::metrics::{self as m, Board, Door, Face, as_number, flag};
use crate::policy::{Action, Limited, Mode};
use crate::store::{ActiveBrake, BrakeKind, RecordedVerdict};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Ticks without a complete pass before an account is overdue …
const TICKS: usize = 3;
/// … and the least time.
const LEAST: Duration = Duration::from_secs(600);
/// Counters that are there from the beginning, so that the first one counted is a rise.
const FROM_THE_BEGINNING: [(RecordedVerdict, Ending); 5] = [
    (RecordedVerdict::Agree, Ending::Agreed),
    (RecordedVerdict::Agree, Ending::Failed),
    (RecordedVerdict::Refuse, Ending::Refused),
    (RecordedVerdict::Refuse, Ending::Failed),
    (RecordedVerdict::Hold, Ending::Held),
];
/// The results of a pass.
const RESULTS: [&str; 4] = ["ok", "failed", "incomplete", "stopped"];

/// The numbers, and whoever shows them.
#[derive(Debug)]
pub(super) struct Metering {
    board: Arc<Board>,
    face: Face,
    source: config::Metrics,
    started: Timestamp,
    ticks: Upcoming,
    /// The brakes that are shown; `None` = they are to be shown anew.
    brakes: Option<Vec<i64>>,
}

/// The address monitoring reads cannot be taken.
#[derive(Debug, thiserror::Error)]
#[error("[metrics] listen: {addr} cannot be listened on{}", advice(source))]
pub struct MeteringError {
    /// The address.
    pub addr: SocketAddr,
    /// Why.
    pub source: io::Error,
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => ": something else listens there; name another port",
        io::ErrorKind::AddrNotAvailable => ": it is no address of this machine",
        io::ErrorKind::PermissionDenied => ": name a port above 1023",
        _ => "",
    }
}

/// A change of configuration that has been prepared: everything that can fail is done.
#[derive(Debug)]
pub(super) enum Prepared {
    /// Nothing is served.
    Off,
    /// The same address as before.
    Same(config::Metrics),
    /// Another address, which is ours now.
    Elsewhere(config::Metrics, Door),
}

impl Prepared {
    /// Takes the address of a configuration, unless it is taken already.
    pub(super) async fn of(config: &Config, before: Option<&Metering>) -> Result<Prepared, MeteringError> {
        let Some(source) = config.metrics else { return Ok(Prepared::Off) };
        if before.is_some_and(|before| before.source.listen == source.listen) {
            return Ok(Prepared::Same(source));
        }
        let addr = source.listen;
        let door = Door::open(addr).await.map_err(|error| MeteringError { addr, source: error })?;
        Ok(Prepared::Elsewhere(source, door))
    }

    /// Serves it, with all that was counted before.
    pub(super) async fn take_over(self, before: Option<Metering>) -> Option<Metering> {
        match (self, before) {
            (Prepared::Same(source), Some(before)) => Some(Metering { source, ticks: Upcoming::default(), ..before }),
            (Prepared::Elsewhere(source, door), before) => {
                let (board, started) = match &before {
                    Some(before) => (Arc::clone(&before.board), before.started),
                    None => (Arc::default(), Timestamp::now()),
                };
                let face = Face::show(door, Arc::clone(&board));
                close(before).await;
                say(face.addr(), &source);
                Some(Metering { board, face, source, started, ticks: Upcoming::default(), brakes: None })
            }
            (Prepared::Off | Prepared::Same(_), before) => {
                close(before).await;
                None
            }
        }
    }
}

async fn close(before: Option<Metering>) {
    if let Some(before) = before {
        tracing::info!(addr = %before.face.addr(), "nothing is served here any more");
        before.face.close().await;
    }
}

fn say(addr: SocketAddr, source: &config::Metrics) {
    tracing::info!(%addr, "/metrics and /healthz are served");
    if source.is_open() {
        tracing::warn!(
            %addr,
            "others than this machine may reach /metrics: it tells the names of accounts and rules and how much is decided, \
             without a password; let [metrics] listen on 127.0.0.1, or close the port to all but the monitoring system"
        );
    }
}

impl Metering {
    /// A configuration is in force.
    pub(super) fn configured(&mut self, config: &Config, accounts: &[Account], brakes: &[ActiveBrake]) {
        let (board, now) = (Arc::clone(&self.board), Timestamp::now());
        board.keep_accounts(&accounts.iter().map(Account::name).collect::<BTreeSet<_>>());
        board.set(&m::BUILD, [env!("MENSHEN_VERSION")], 1.0);
        board.set_instant(&m::STARTED, [], self.started);
        board.set(&m::ACCOUNTS, [], as_number(accounts.len()));
        board.set(&m::SHADOW, [], flag(config.service.mode == Mode::Shadow));
        board.set(&m::WINDOW, [], config.pending.window.as_secs_f64());
        board.set(&m::WARN_BEFORE, [], config.pending.warn_before.as_secs_f64());
        board.set_instant(&m::LOADED, [], now);
        self.reloaded(true);
        board.clear(&m::RULES);
        let patience = self.patience(config, now);
        for account in accounts {
            self.begin(account);
            board.health().expect(account.name(), Instant::now(), patience);
        }
        self.brakes = None;
        self.braked(accounts, brakes);
    }

    /// The configuration was read again, and taken over or not.
    pub(super) fn reloaded(&self, taken_over: bool) {
        self.board.set(&m::RELOAD_SUCCESSFUL, [], flag(taken_over));
        self.board.set_instant(&m::RELOADED, [], Timestamp::now());
    }

    /// What stops acting, as it stands now.
    pub(super) fn braked(&mut self, accounts: &[Account], brakes: &[ActiveBrake]) {
        let shown = Some(brakes.iter().map(|brake| brake.id).collect());
        if self.brakes == shown {
            return;
        }
        self.brakes = shown;
        for account in accounts {
            let covers = |kind: BrakeKind, action: Action| {
                let mut of_kind = brakes.iter().filter(|brake| brake.kind == kind);
                of_kind.any(|brake| brake.scope.covers(&account.appid, &account.site, action))
            };
            let stopped = Action::ALL.into_iter().any(|action| covers(BrakeKind::Verification, action));
            self.board.set(&m::BRAKE, [&account.name], flag(stopped));
            for action in Action::ALL {
                self.board.set(&m::PAUSED, [&account.name, action.word()], flag(covers(BrakeKind::Pause, action)));
            }
        }
    }

    /// A tick found the account's pass before it still running.
    pub(super) fn skipped(&self, account: &str) {
        self.board.count(&m::SKIPPED, [account], 1);
    }

    /// A pass ended; `quota` is what WeChat last said of it.
    pub(super) fn hear(&mut self, report: &PassReport, quota: Option<QuotaSheet>, config: &Config) {
        self.count(report);
        let (account, board) = (report.account.as_str(), Arc::clone(&self.board));
        board.set(&m::LAST_PASS_DURATION, [account], Duration::from_millis(report.took_ms).as_secs_f64());
        if !report.stopped {
            board.set(&m::FAILING, [account], flag(report.failed()));
        }
        if report.complete {
            let now = Timestamp::now();
            let patience = self.patience(config, now);
            board.health().complete(account, now, Instant::now(), patience);
            board.set_instant(&m::LAST_COMPLETE_PASS, [account], now);
            self.stands(report);
        }
        self.left_of(account, quota);
    }

    fn count(&self, report: &PassReport) {
        let (account, board) = (report.account.as_str(), &self.board);
        for ((verdict, ending), n) in &report.decided {
            board.count(&m::DECISIONS, [account, verdict.word(), ending.word()], *n);
        }
        for ((action, came), n) in &report.calls {
            board.count(&m::CALLS, [account, action, &came.to_string()], *n);
        }
        board.count(&m::TIMED_OUT, [account], whole(report.timed_out));
        board.count(&m::UNRECORDED, [account], whole(report.unrecorded));
        board.count(&m::PASSES, [account, result(report)], 1);
        board.observe(&m::PASS_DURATION, Duration::from_millis(report.took_ms));
    }

    /// WeChat's quota; a number it does not say, or an odd one, is absent.
    fn left_of(&self, account: &str, quota: Option<QuotaSheet>) {
        let left = (&m::QUOTA_LEFT, quota.and_then(|quota| quota.remain));
        let daily = (&m::QUOTA_DAILY, quota.and_then(|quota| quota.daily_limit));
        for (family, number) in [left, daily] {
            match number.and_then(|number| u64::try_from(number).ok()) {
                Some(number) => self.board.set(family, [account], as_number(number)),
                None => self.board.clear_of(family, account),
            }
        }
    }

    /// What a complete pass found and left.
    fn stands(&self, report: &PassReport) {
        let (account, board) = (report.account.as_str(), &self.board);
        board.set(&m::PENDING, [account], as_number(report.pending));
        board.set(&m::HELD, [account], as_number(report.undecided));
        board.set(&m::URGENT, [account], as_number(report.urgent));
        board.set_age(&m::OLDEST, [account], report.oldest);
        board.clear_of(&m::LIMIT_USED, account);
        board.clear_of(&m::LIMIT_MAX, account);
        board.clear_of(&m::RULE_LIMIT_USED, account);
        board.clear_of(&m::RULE_LIMIT_MAX, account);
        for (limit, places) in &report.limits {
            let (used, max) = (f64::from(places.taken), f64::from(places.max));
            match limit {
                Limited::Day(action) => {
                    board.set(&m::LIMIT_USED, [account, action.word()], used);
                    board.set(&m::LIMIT_MAX, [account, action.word()], max);
                }
                Limited::Rule { name, .. } => {
                    board.set(&m::RULE_LIMIT_USED, [account, name], used);
                    board.set(&m::RULE_LIMIT_MAX, [account, name], max);
                }
                // It begins anew with each pass.
                Limited::Pass => {}
            }
        }
    }

    /// What is there before the first pass.
    fn begin(&self, account: &Account) {
        let (name, board) = (account.name(), &self.board);
        board.set(&m::RULES, [name, account.rules.hash()], 1.0);
        for (verdict, ending) in FROM_THE_BEGINNING {
            board.count(&m::DECISIONS, [name, verdict.word(), ending.word()], 0);
        }
        for result in RESULTS {
            board.count(&m::PASSES, [name, result], 0);
        }
        board.count(&m::TIMED_OUT, [name], 0);
        board.count(&m::UNRECORDED, [name], 0);
        board.count(&m::SKIPPED, [name], 0);
    }

    /// How long an account may go from now on without a complete pass.
    fn patience(&mut self, config: &Config, now: Timestamp) -> Option<Duration> {
        if self.source.healthy_within.is_some() {
            return self.source.healthy_within;
        }
        let due = self.ticks.last(now, |after| next_tick(&config.service, after))?;
        Some(Duration::try_from(due.duration_since(now)).unwrap_or_default().max(LEAST))
    }
}

fn result(report: &PassReport) -> &'static str {
    match report {
        PassReport { stopped: true, .. } => "stopped",
        PassReport { complete: false, .. } => "incomplete",
        report if report.went_wrong() => "failed",
        _ => "ok",
    }
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The last of the ticks that may pass without a complete pass: thousands of accounts end between two ticks, and looking
/// for one in the schedule takes longer than all else that is done for a report.
#[derive(Debug, Default)]
struct Upcoming {
    /// From when until when it is this one.
    good: Option<(Timestamp, Timestamp)>,
    last: Option<Timestamp>,
}

impl Upcoming {
    /// `None`: the schedule ends before.
    fn last(&mut self, now: Timestamp, next: impl Fn(Timestamp) -> Option<Timestamp>) -> Option<Timestamp> {
        if self.good.is_none_or(|(from, until)| now < from || now >= until) {
            let first = next(now)?;
            self.good = Some((now, first));
            self.last = (1..TICKS).try_fold(first, |tick, _| next(tick));
        }
        self.last
    }
}

#[cfg(test)]
mod tests;
