//! The head of the audit log, told to the service's log once a day.
//!
//! The journal is kept by somebody else than the database: a head found there
//! shows later whether the log was cut off or made anew.

use crate::store::Reader;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// Tells it at the first look and then once every calendar day.
#[derive(Debug, Default)]
pub(super) struct DailyHead {
    told: Option<Date>,
}

impl DailyHead {
    /// Tells it if this day has not heard it yet.
    pub(super) async fn look(&mut self, log: &Reader, now: Timestamp, timezone: &TimeZone) {
        let today = now.to_zoned(timezone.clone()).date();
        if self.told == Some(today) {
            return;
        }
        self.told = Some(today);
        match log.head().await {
            Ok(head) => {
                tracing::info!(%head, "the head of the audit log; `menshen audit verify --head` finds what is cut off or rewritten before it");
            }
            Err(error) => tracing::warn!("the head of the audit log cannot be told: {error}"),
        }
    }
}
