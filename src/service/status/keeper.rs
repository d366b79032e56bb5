//! The hand that writes `menshen.status` beside the passes.
//!
//! Promises that a pass never waits for it, that it writes at most about once a second and no more than some tens of
//! kilobytes in one, and that a file that cannot be written is said once and disturbs nothing.

use super::sheet::{self, AccountSheet, Kind, QuotaSheet, Sheet, Writer};
use crate::config::Service as ServiceConfig;
use crate::policy::AppId;
use crate::service::account::Account;
use crate::service::report::PassReport;
use crate::wechat::Quota;
use jiff::Timestamp;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The least time between two writes.
const SPACE_LEAST: Duration = Duration::from_secs(1);
/// A long file is written more rarely: thousands of accounts end a pass at any moment, and a disk is not for that.
const BYTES_A_SECOND: u64 = 64 * 1024;
/// How long the end of the service waits for the last write.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the running service knows, and the task that writes it down.
pub(in crate::service) struct Keeper {
    known: Known,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// A hand on what is known. Clones share it.
#[derive(Clone)]
pub(super) struct Known {
    sheet: Arc<Mutex<Sheet>>,
    changed: Arc<Notify>,
}

impl Keeper {
    /// Takes up what an earlier service left, and begins to write.
    pub(in crate::service) fn open(service: &ServiceConfig, accounts: &[Account], now: Timestamp) -> Keeper {
        let sheet = begin(service, accounts, Kind::Service, now);
        let known = Known { sheet: Arc::new(Mutex::new(sheet)), changed: Arc::default() };
        known.changed.notify_one();
        let stop = CancellationToken::new();
        let task = tokio::spawn(write_down(known.clone(), service.state_dir.clone(), stop.clone()));
        Keeper { known, stop, task }
    }

    /// A pass ended.
    pub(in crate::service) fn hear(&self, report: &PassReport) {
        self.known.change(|sheet| sheet.hear(report));
    }

    /// When the next pass is due.
    pub(in crate::service) fn expect(&self, next_tick: Option<Timestamp>) {
        self.known.change(|sheet| sheet.next_tick = next_tick);
    }

    /// Another configuration is in use.
    pub(in crate::service) fn take_over(&self, service: &ServiceConfig, accounts: &[Account], now: Timestamp) {
        let accounts = blank(accounts, now);
        self.known.change(|sheet| {
            sheet.writer.mode = service.mode;
            sheet.take_over(accounts, now);
        });
    }

    /// For who asks for quotas.
    pub(super) fn known(&self) -> Known {
        self.known.clone()
    }

    /// Writes what is new and ends. The process that wrote it is gone then, so nothing is due any more.
    pub(in crate::service) async fn close(self) {
        self.expect(None);
        self.stop.cancel();
        if tokio::time::timeout(PATIENCE, self.task).await.is_err() {
            tracing::warn!("what `menshen status` shows could not be written in time");
        }
    }
}

impl Known {
    fn change(&self, change: impl FnOnce(&mut Sheet)) {
        change(&mut self.sheet());
        self.changed.notify_one();
    }

    /// WeChat answered, or gave nothing that could be read.
    pub(super) fn hear_quota(&self, appid: &AppId, asked_at: Timestamp, quota: Option<Quota>) {
        self.change(|sheet| sheet.hear_quota(appid, asked_at, quota));
    }

    /// When WeChat was last asked for the quota of an account.
    pub(super) fn asked_at(&self, appid: &AppId) -> Option<Timestamp> {
        Some(self.quota(appid)?.asked_at)
    }

    /// What WeChat last said of an account's quota.
    pub(super) fn quota(&self, appid: &AppId) -> Option<QuotaSheet> {
        self.sheet().accounts.iter().find(|account| account.appid == *appid)?.quota
    }

    fn sheet(&self) -> MutexGuard<'_, Sheet> {
        self.sheet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn text(&self) -> Vec<u8> {
        self.sheet().text(Timestamp::now())
    }
}

/// A single round of passes leaves its word, too. What cannot be written is said and is no failure.
pub(in crate::service) fn keep_once(service: &ServiceConfig, accounts: &[Account], reports: &[PassReport]) {
    let began = reports.iter().map(|report| report.started).min().unwrap_or_else(Timestamp::now);
    let mut sheet = begin(service, accounts, Kind::Once, began);
    reports.iter().for_each(|report| sheet.hear(report));
    let text = sheet.text(Timestamp::now());
    if let Err(error) = sheet::replace(&service.state_dir, &text) {
        say(&service.state_dir, &error);
    }
}

fn begin(service: &ServiceConfig, accounts: &[Account], kind: Kind, now: Timestamp) -> Sheet {
    // One that cannot be used is begun anew.
    let earlier = Sheet::read(&service.state_dir).ok().flatten();
    let writer = Writer {
        version: env!("MENSHEN_VERSION").to_owned(),
        pid: std::process::id(),
        started_at: now,
        kind,
        mode: service.mode,
    };
    Sheet::begin(writer, blank(accounts, now), earlier)
}

fn blank(accounts: &[Account], now: Timestamp) -> Vec<AccountSheet> {
    let one = |account: &Account| AccountSheet::new(&account.name, account.appid.clone(), account.rules.hash(), now);
    accounts.iter().map(one).collect()
}

async fn write_down(known: Known, dir: PathBuf, stop: CancellationToken) {
    let mut failing = false;
    loop {
        tokio::select! {
            biased;
            () = known.changed.notified() => {}
            () = stop.cancelled() => return,
        }
        let (told, place) = (known.clone(), dir.clone());
        let written = tokio::task::spawn_blocking(move || {
            let text = told.text();
            sheet::replace(&place, &text).map(|()| text.len() as u64)
        });
        let written = written.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        match &written {
            Ok(_) if failing => tracing::info!("what `menshen status` shows is written again"),
            Err(error) if !failing => say(&dir, error),
            _ => {}
        }
        failing = written.is_err();
        let space = Duration::from_secs(written.unwrap_or_default() / BYTES_A_SECOND).max(SPACE_LEAST);
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(space) => {}
        }
    }
}

fn say(dir: &Path, error: &io::Error) {
    tracing::warn!("what `menshen status` shows cannot be written in {}: {error}; passes go on", dir.display());
}
