//! The task that tells, beside the passes.

use super::{Delivery, Notices};
use crate::service::pass::with_sources;
use crate::service::report::PassReport;
use crate::service::run::Service;
use crate::store::{Store, StoreError};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What it has not heard of yet; more is dropped, and found in the log at the next look.
const UNHEARD: usize = 256;
/// How often it looks by itself: for deadlines, digests and what is to be tried again.
const LOOK: Duration = Duration::from_secs(30);
/// How long a single pass (`run --once`) waits for robots at its end: for an answer, and for the seconds a robot is spared
/// when an hour begins, or cron would never tell it anything.
const ONCE: Duration = Duration::from_secs(30);
/// How long a letter under way is waited for at the end: an answer that is heard spares a repetition.
const FAREWELL: Duration = Duration::from_secs(2);

/// The task, as the service holds it.
pub(in crate::service) struct Office {
    sender: mpsc::Sender<Heard>,
    stop: CancellationToken,
    task: JoinHandle<Notices>,
}

/// What happened.
enum Heard {
    /// A pass is due.
    Tick(Vec<String>),
    /// A pass ended.
    Pass(Box<PassReport>),
    /// A brake or pause changed.
    Brakes,
}

impl Office {
    /// Starts it.
    pub(in crate::service) fn open(notices: Notices, store: Arc<Store>) -> Office {
        let (sender, heard) = mpsc::channel(UNHEARD);
        let stop = CancellationToken::new();
        let task = tokio::spawn(work(notices, store, heard, stop.clone()));
        Office { sender, stop, task }
    }

    /// A pass of these accounts is due.
    pub(in crate::service) fn tick(&self, accounts: Vec<String>) {
        self.say(Heard::Tick(accounts));
    }

    /// A pass ended.
    pub(in crate::service) fn hear(&self, report: &PassReport) {
        self.say(Heard::Pass(Box::new(report.clone())));
    }

    /// A brake or pause changed.
    pub(in crate::service) fn brakes_changed(&self) {
        self.say(Heard::Brakes);
    }

    /// Never waits: the log has what is dropped here.
    fn say(&self, heard: Heard) {
        let _ = self.sender.try_send(heard);
    }

    /// Ends it, within [`FAREWELL`] and what the log takes. What is new goes into the outbox; what is under way for longer is
    /// broken off and delivered again.
    pub(in crate::service) async fn close(self) -> Option<Notices> {
        self.stop.cancel();
        drop(self.sender);
        self.task.await.ok()
    }
}

async fn work(
    mut notices: Notices,
    store: Arc<Store>,
    mut heard: mpsc::Receiver<Heard>,
    stop: CancellationToken,
) -> Notices {
    tokio::select! {
        () = stop.cancelled() => {}
        tidied = notices.tidy(&store, Timestamp::now()) => log_trouble(tidied),
    }
    // At once: an earlier service may have left letters.
    let mut look_at = Instant::now();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            one = heard.recv() => match one {
                Some(one) => if !notices.take(one) {
                    continue;
                },
                None => break,
            },
            () = tokio::time::sleep_until(look_at) => {}
        }
        while let Ok(one) = heard.try_recv() {
            notices.take(one);
        }
        log_trouble(notices.collect(&store, Timestamp::now()).await);
        let mut delivering = Box::pin(notices.deliver(&store, &Timestamp::now));
        let delivered = tokio::select! {
            biased;
            delivered = &mut delivering => Ok(delivered),
            () = stop.cancelled() => tokio::time::timeout(FAREWELL, delivering).await,
        };
        if let Ok(delivered) = delivered {
            look_at = Instant::now() + say(delivered);
        }
    }
    while let Ok(one) = heard.try_recv() {
        notices.take(one);
    }
    log_trouble(notices.collect(&store, Timestamp::now()).await);
    notices
}

/// What a single round of passes has to tell; robots that do not take it in time are told by the next.
pub(in crate::service) async fn once(service: &Service, reports: &[PassReport]) {
    let mut notices = match Notices::new(service.config(), None) {
        Ok(notices) if notices.is_empty() => return,
        Ok(notices) => notices,
        Err(error) => return tracing::error!("nobody can be told: {}", with_sources(&error)),
    };
    reports.iter().for_each(|report| notices.hear(report));
    let store = service.store();
    log_trouble(notices.tidy(store, Timestamp::now()).await);
    log_trouble(notices.collect(store, Timestamp::now()).await);
    if tokio::time::timeout(ONCE, deliver_all(&mut notices, store, Timestamp::now() + ONCE)).await.is_err() {
        tracing::warn!("notices were not taken in time; they are delivered with the next pass");
    }
}

/// Delivers to whoever takes it, and waits for the pauses robots ask for as long as they end in time.
async fn deliver_all(notices: &mut Notices, store: &Store, until: Timestamp) {
    loop {
        let delivered = notices.deliver(store, &Timestamp::now).await;
        let well = delivered.iter().flatten().filter(|delivery| delivery.failed.is_none());
        let next = well.filter_map(|delivery| delivery.next).min();
        say(delivered);
        let Some(next) = next.filter(|next| *next < until) else { return };
        tokio::time::sleep(Duration::try_from(next.duration_since(Timestamp::now())).unwrap_or_default()).await;
    }
}

impl Notices {
    /// Gives whether there may be something to tell.
    fn take(&mut self, heard: Heard) -> bool {
        match heard {
            Heard::Tick(accounts) => {
                self.tick(accounts.iter().map(String::as_str));
                false
            }
            Heard::Pass(report) => {
                self.hear(&report);
                report.acted() || report.went_wrong() || report.urgent > 0
            }
            Heard::Brakes => true,
        }
    }
}

/// Logs what came of it; gives how long there is nothing to do.
fn say(delivered: Result<Vec<Delivery>, StoreError>) -> Duration {
    let deliveries = match delivered {
        Ok(deliveries) => deliveries,
        Err(error) => {
            log_trouble::<()>(Err(error));
            return LOOK;
        }
    };
    for delivery in &deliveries {
        if let Some(error) = &delivery.failed {
            tracing::warn!(notify = %delivery.name, "a notice was not delivered: {error}; it is kept and tried again");
        } else if delivery.recovered {
            tracing::info!(notify = %delivery.name, "notices are delivered again");
        }
        if delivery.unreadable > 0 {
            tracing::error!(notify = %delivery.name, unreadable = delivery.unreadable, "kept notices could not be read and are thrown away");
        }
        if delivery.delivered > 0 {
            tracing::debug!(notify = %delivery.name, delivered = delivery.delivered, "notices were delivered");
        }
    }
    let next = deliveries.into_iter().filter_map(|delivery| delivery.next).min();
    let wait = next.map(|next| Duration::try_from(next.duration_since(Timestamp::now())).unwrap_or_default());
    wait.map_or(LOOK, |wait| wait.min(LOOK))
}

fn log_trouble<T>(result: Result<T, StoreError>) {
    if let Err(error) = result {
        tracing::warn!("notices wait: {}", with_sources(&error));
    }
}
