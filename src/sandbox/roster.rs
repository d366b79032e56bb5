//! The applications to one plugin, in the order a list shows them.
//!
//! Hides the indexes. Promises that a page of a list of a hundred thousand costs no more than the page itself,
//! and that at any time an application stands exactly once in the order or not at all.

use super::application::{Application, Status};
use super::ledger::{By, Change, What};
use super::options::Order;
use std::collections::{BTreeSet, HashMap};

/// Names an application within its roster; never used again after a deletion.
pub(super) type EntryId = u32;

/// An application and what happened to it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) application: Application,
    pub(super) created_ms: i64,
    pub(super) changes: Vec<Change>,
    /// What a lagging list still shows.
    pub(super) stale: Option<Stale>,
    /// Deleted or withdrawn: no longer listed.
    pub(super) gone: bool,
    touched_ms: i64,
}

/// The status a list goes on showing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stale {
    pub(super) status: Status,
    pub(super) readings_left: u32,
    pub(super) until_ms: i64,
}

/// How many stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) pending: usize,
    pub(super) approved: usize,
    pub(super) refused: usize,
    pub(super) timed_out: usize,
}

/// All applications to one plugin.
#[derive(Debug)]
pub(super) struct Roster {
    ordering: Order,
    window_ms: i64,
    entries: Vec<Entry>,
    /// Listed ones, ascending by [`Roster::key`].
    order: Vec<EntryId>,
    by_appid: HashMap<String, Vec<EntryId>>,
    /// Pending ones by creation, so the longest waiting comes first.
    pending: BTreeSet<(i64, EntryId)>,
}

type Key = (u8, i64, EntryId);

impl Roster {
    pub(super) fn new(ordering: Order, window_ms: i64) -> Roster {
        let (entries, order) = (Vec::new(), Vec::new());
        Roster { ordering, window_ms, entries, order, by_appid: HashMap::new(), pending: BTreeSet::new() }
    }

    /// Takes in many at once, sorting only once.
    pub(super) fn fill(&mut self, applications: Vec<Application>, now_ms: i64) {
        for application in applications {
            let id = self.register(application, now_ms);
            self.order.push(id);
        }
        let mut order = std::mem::take(&mut self.order);
        order.sort_by_cached_key(|id| self.key(*id));
        self.order = order;
    }

    pub(super) fn arrive(&mut self, application: Application, now_ms: i64) -> EntryId {
        let id = self.register(application, now_ms);
        self.place(id);
        id
    }

    /// So many entries of the list from `start` on.
    pub(super) fn slice(&self, start: usize, count: usize) -> Vec<EntryId> {
        let newest_first = !matches!(self.ordering, Order::OldestFirst);
        let total = self.order.len();
        let end = start.saturating_add(count).min(total);
        let places = start.min(total)..end;
        if newest_first {
            places.map(|place| self.order[total - 1 - place]).collect()
        } else {
            self.order[places].to_vec()
        }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn entry(&self, id: EntryId) -> Option<&Entry> {
        self.entries.get(id as usize)
    }

    pub(super) fn entry_mut(&mut self, id: EntryId) -> Option<&mut Entry> {
        self.entries.get_mut(id as usize)
    }

    /// The listed applications of an appid, oldest first.
    pub(super) fn of(&self, appid: &str) -> Vec<EntryId> {
        let ids = self.by_appid.get(appid).map_or(&[][..], Vec::as_slice);
        let mut listed: Vec<EntryId> = ids.iter().copied().filter(|id| !self.at(*id).gone).collect();
        listed.sort_by_key(|id| (self.at(*id).created_ms, *id));
        listed
    }

    /// The newest listed application of an appid that stands at one of these.
    pub(super) fn newest(&self, appid: &str, among: &[Status]) -> Option<EntryId> {
        let stands = |id: &EntryId| among.contains(&self.at(*id).application.status);
        self.of(appid).into_iter().rev().find(stands)
    }

    /// Pending ones, the longest waiting first.
    pub(super) fn pending(&self) -> impl DoubleEndedIterator<Item = EntryId> + '_ {
        self.pending.iter().map(|(_, id)| *id)
    }

    /// Carries out a change; the caller has made sure that it is allowed.
    pub(super) fn change(&mut self, id: EntryId, change: Change) {
        self.unplace(id);
        let entry = &mut self.entries[id as usize];
        entry.changes.push(change);
        entry.touched_ms = change.at_ms;
        match change.what {
            What::Agreed => entry.application.status = Status::Approved,
            What::Refused => entry.application.status = Status::Refused,
            What::TimedOut => entry.application.status = Status::TimedOut,
            What::Deleted | What::Withdrawn => entry.gone = true,
        }
        self.pending.remove(&(entry.created_ms, id));
        if !entry.gone {
            self.place(id);
        }
    }

    /// Times out what has waited for the whole window.
    pub(super) fn sweep(&mut self, now_ms: i64) {
        while let Some(&(created_ms, id)) = self.pending.first()
            && created_ms + self.window_ms <= now_ms
        {
            let at_ms = created_ms + self.window_ms;
            self.change(id, Change { at_ms, what: What::TimedOut, by: By::TimeOut });
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for entry in self.entries.iter().filter(|entry| !entry.gone) {
            *match entry.application.status {
                Status::Pending => &mut counts.pending,
                Status::Approved => &mut counts.approved,
                Status::Refused => &mut counts.refused,
                Status::TimedOut => &mut counts.timed_out,
            } += 1;
        }
        counts
    }

    fn register(&mut self, mut application: Application, now_ms: i64) -> EntryId {
        let id = u32::try_from(self.entries.len()).expect("a world holds fewer than four billion applications");
        let created_secs = application.created_secs.unwrap_or(now_ms.div_euclid(1000));
        application.created_secs = Some(created_secs);
        let created_ms = created_secs.saturating_mul(1000);
        if application.status == Status::Pending {
            self.pending.insert((created_ms, id));
        }
        self.by_appid.entry(application.appid.clone()).or_default().push(id);
        let (changes, stale, gone) = (Vec::new(), None, false);
        self.entries.push(Entry { application, created_ms, changes, stale, gone, touched_ms: created_ms });
        id
    }

    fn at(&self, id: EntryId) -> &Entry {
        &self.entries[id as usize]
    }

    fn place(&mut self, id: EntryId) {
        let place = self.order.partition_point(|other| self.key(*other) < self.key(id));
        self.order.insert(place, id);
    }

    fn unplace(&mut self, id: EntryId) {
        let place = self.order.partition_point(|other| self.key(*other) < self.key(id));
        if self.order.get(place) == Some(&id) {
            self.order.remove(place);
        }
    }

    fn key(&self, id: EntryId) -> Key {
        let entry = self.at(id);
        match self.ordering {
            Order::NewestFirst | Order::OldestFirst => (0, entry.created_ms, id),
            Order::PendingFirst => (u8::from(entry.application.status == Status::Pending), entry.created_ms, id),
            Order::ChangedFirst => (0, entry.touched_ms, id),
            Order::Scattered => (0, i64::from(id.wrapping_mul(0x9E37_79B1)), id),
        }
    }
}
