//! Earlier applications: what became of those the same applicant made to the same account before.
//!
//! Hides how they are counted. Promises that an application counts once for each
//! thing that became of it, however many rows tell of it, and never for itself.
//! Reads no log: `store` hands over what it knows as of a moment.

use super::{AppId, CreateTime};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What became of an earlier application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EarlierKind {
    /// It was agreed to: by us, or seen done elsewhere.
    Agreed,
    /// It was refused: by us, or seen done elsewhere.
    Refused,
    /// It was left for a person, by a verdict or by a brake.
    Held,
}

impl EarlierKind {
    /// The key of `previous` that counts it.
    pub fn word(self) -> &'static str {
        match self {
            EarlierKind::Agreed => "agreed",
            EarlierKind::Refused => "refused",
            EarlierKind::Held => "held",
        }
    }
}

/// One thing that became of one earlier application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Tells it from other applications of the same appid.
    pub create_time: CreateTime,
    /// When it was decided.
    pub at: Timestamp,
    /// What became of it.
    pub what: EarlierKind,
}

/// The earlier applications to one account, by applicant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    earlier: BTreeMap<AppId, Vec<Earlier>>,
}

static NOTHING: History = History { earlier: BTreeMap::new() };

impl History {
    /// Nobody applied before.
    pub fn nothing() -> &'static History {
        &NOTHING
    }

    /// Adds what became of an earlier application.
    pub fn add(&mut self, appid: AppId, earlier: Earlier) {
        self.earlier.entry(appid).or_default().push(earlier);
    }

    /// What is known of an applicant, in no order.
    pub fn of(&self, appid: &AppId) -> &[Earlier] {
        self.earlier.get(appid).map_or(&[], Vec::as_slice)
    }

    /// True when nothing is known of anybody.
    pub fn is_empty(&self) -> bool {
        self.earlier.is_empty()
    }

    /// How many applications of the appid other than the one made at `create_time` ended like this, `since` an instant.
    pub(super) fn count(
        &self,
        appid: &AppId,
        create_time: &CreateTime,
        what: EarlierKind,
        since: Option<Timestamp>,
    ) -> u64 {
        let counts = |earlier: &&Earlier| {
            earlier.what == what && earlier.create_time != *create_time && since.is_none_or(|since| earlier.at >= since)
        };
        let mut times: Vec<&CreateTime> = self.of(appid).iter().filter(counts).map(|e| &e.create_time).collect();
        times.sort_unstable();
        times.dedup();
        times.len() as u64
    }
}

impl FromIterator<(AppId, Earlier)> for History {
    fn from_iter<I: IntoIterator<Item = (AppId, Earlier)>>(all: I) -> History {
        let mut history = History::default();
        all.into_iter().for_each(|(appid, earlier)| history.add(appid, earlier));
        history
    }
}
