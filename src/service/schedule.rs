//! The ticks: tokio-cron-scheduler, used here and nowhere else.
//!
//! The scheduler neither prevents overlap nor catches up, and freezes a time
//! zone's offset when a job is made; so its closure only sends a tick, and the
//! supervisor compares its silence with [`next_tick`], which asks the zone anew.

use super::zone::Zone;
use crate::config::Service as ServiceConfig;
use chrono::{DateTime, TimeZone, Utc};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// A running scheduler; ends when dropped.
pub(super) struct Ticks {
    scheduler: JobScheduler,
}

/// The scheduler refused to start.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The scheduler's own error.
    #[error("the schedule {pattern:?} cannot be run")]
    Scheduler {
        /// The schedule.
        pattern: String,
        /// Why.
        source: JobSchedulerError,
    },
}

impl Ticks {
    /// Starts sending a tick into `ticks` at each moment of the schedule.
    pub(super) async fn start(service: &ServiceConfig, ticks: mpsc::Sender<()>) -> Result<Ticks, ScheduleError> {
        let pattern = service.schedule.pattern().to_owned();
        let failed = |source| ScheduleError::Scheduler { pattern: pattern.clone(), source };
        #[cfg(test)]
        refusals::next().map_err(failed)?;
        let job = Job::new_async_tz(pattern.as_str(), zone(service), move |_, _| {
            let ticks = ticks.clone();
            Box::pin(async move {
                // A full channel holds a tick nobody has taken yet: the service is busy enough.
                let _ = ticks.try_send(());
            })
        })
        .map_err(failed)?;
        let scheduler = JobScheduler::new().await.map_err(failed)?;
        scheduler.add(job).await.map_err(failed)?;
        scheduler.start().await.map_err(failed)?;
        Ok(Ticks { scheduler })
    }

    /// Ends it.
    pub(super) async fn stop(mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::debug!("the scheduler did not end cleanly: {error}");
        }
    }
}

/// The first moment of the schedule after `after`; `None` when there is none.
pub(super) fn next_tick(service: &ServiceConfig, after: Timestamp) -> Option<Timestamp> {
    let cron = service.schedule.cron();
    let after = Utc.timestamp_opt(after.as_second(), 0).single()?.with_timezone(&zone(service));
    let next: DateTime<_> = cron.find_next_occurrence(&after, false).ok()?;
    Timestamp::from_second(next.timestamp()).ok()
}

fn zone(service: &ServiceConfig) -> Zone {
    Zone(service.timezone.clone())
}

/// A scheduler that cannot be made, for the tests of this thread: nothing else makes it fail.
#[cfg(test)]
pub(super) mod refusals {
    use std::cell::Cell;
    use tokio_cron_scheduler::JobSchedulerError;

    thread_local! {
        static LEFT: Cell<u32> = const { Cell::new(0) };
    }

    /// The next so many are refused.
    pub(in crate::service) fn set(count: u32) {
        LEFT.set(count);
    }

    pub(super) fn next() -> Result<(), JobSchedulerError> {
        let left = LEFT.get();
        LEFT.set(left.saturating_sub(1));
        if left > 0 { Err(JobSchedulerError::CantInit) } else { Ok(()) }
    }
}
