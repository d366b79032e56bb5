//! Which page to ask for next, when the list has ended, and what it all amounts to. Pure.
//!
//! Hides that pages are asked for ahead and arrive in any order: they are
//! looked at by number. Promises that a list without a gap is complete: it
//! ended at an empty page, or at two pages in a row that brought nothing new,
//! and no page before that is missing. Anything else has a gap. WeChat gives
//! no total, no cursor and no order; `num` may be capped, so a short page is
//! no end, and entries may repeat and move between pages.

use super::{Class, Error, Listing, Others, Page, Progress, Unreadable};
use crate::policy::{Application, Identity};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A list longer than this does not end: a million entries at the default page size.
pub const PAGE_CEILING: u32 = 20_000;
/// So many pages in a row without anything new are the end.
const STALE_PAGES_MAX: u32 = 2;
/// With so many failed pages in a row WeChat is in no state to be read; the next pass tries again.
const FAILED_IN_A_ROW_MAX: u32 = 3;
/// And with so many in all.
const FAILED_PAGES_MAX: u32 = 10;
/// Pages asked for together before anything is known of the list's length: the first and the one that ends a short list.
const FIRST_WINDOW: usize = 2;
/// Where the list is known to go on, so many windows are read ahead of a page that hangs: bounds what waits in memory.
const LOOKAHEAD_WINDOWS: usize = 4;

/// One walk over the list.
pub(super) struct Paging {
    /// The next page to ask for.
    next: u32,
    /// The next page to look at; all before it have been.
    due: u32,
    /// Pages that arrived before their turn.
    early: BTreeMap<u32, Result<Page, Error>>,
    /// Calls worth having under way, as far as the list's length is known.
    window: usize,
    /// Pages the last walk found: up to the one that ends them there is no guessing.
    expected: u32,
    max_in_flight: usize,
    ceiling: u32,
    /// Entries on the fullest page: what the server caps `num` to.
    fullest: usize,
    stale: u32,
    failed_in_a_row: u32,
    failed: u32,
    state: State,
    gathered: Gathered,
}

#[derive(Debug)]
enum State {
    Reading,
    /// The end was seen.
    Ended,
    /// No use in reading on.
    Stopped(Error),
}

impl Paging {
    /// `expected`: pages the walk before this one found, 0 if unknown. It only saves time.
    pub(super) fn new(max_in_flight: usize, ceiling: u32, expected: u32) -> Paging {
        let max_in_flight = max_in_flight.max(1);
        Paging {
            next: 1,
            due: 1,
            early: BTreeMap::new(),
            window: if expected > 0 { 1 } else { FIRST_WINDOW.min(max_in_flight) },
            expected,
            max_in_flight,
            ceiling: ceiling.max(1),
            fullest: 0,
            stale: 0,
            failed_in_a_row: 0,
            failed: 0,
            state: State::Reading,
            gathered: Gathered::default(),
        }
    }

    /// The page to ask for now, with so many calls under way; `None` = wait for one of them, or it is over.
    pub(super) fn ask(&mut self, in_flight: usize) -> Option<u32> {
        let ahead = (self.next - self.due) as usize;
        let (window, lookahead) = match self.expected > 0 && self.next <= self.expected.saturating_add(1) {
            true => (self.max_in_flight, self.max_in_flight * LOOKAHEAD_WINDOWS),
            // Nobody knows whether there is anything: most lists have one page.
            false => (self.window, self.window),
        };
        let room = in_flight < window && ahead < lookahead;
        if self.over() || !room || self.next > self.ceiling {
            return None;
        }
        self.next += 1;
        Some(self.next - 1)
    }

    /// Whether nothing more needs to be asked or waited for.
    pub(super) fn over(&self) -> bool {
        !matches!(self.state, State::Reading)
    }

    /// Takes what came of a page that was asked for.
    pub(super) fn arrived(&mut self, page: u32, result: Result<Page, Error>) {
        if let Err(error) = &result
            && !matches!(error.class(), Class::Retry | Class::Refresh)
        {
            self.stop(error.clone());
            return;
        }
        self.early.insert(page, result);
        while !self.over()
            && let Some(result) = self.early.remove(&self.due)
        {
            self.look_at(result);
            self.due += 1;
        }
        if self.due > self.ceiling && !self.over() {
            self.stop(Error::Endless { pages: self.ceiling });
        }
    }

    /// How far it is.
    pub(super) fn progress(&self) -> Progress {
        self.gathered.progress()
    }

    /// What it amounts to.
    pub(super) fn finish(mut self) -> Listing {
        let stop = match self.state {
            State::Stopped(error) => Some(error),
            State::Ended => None,
            State::Reading => Some(Error::Request { problem: "the reading of the list was cut short" }),
        };
        // After a stop, what had been read ahead of its turn still counts; after the end it does not belong to the list.
        if stop.is_some() {
            for page in std::mem::take(&mut self.early).into_values().flatten() {
                self.gathered.add(page);
            }
        }
        self.gathered.finish(stop)
    }

    fn look_at(&mut self, result: Result<Page, Error>) {
        match result {
            Err(error) => self.page_failed(error),
            Ok(page) if page.entries == 0 => self.state = State::Ended,
            Ok(page) => self.page_read(page),
        }
    }

    /// A page that failed is a gap; the others are read all the same, up to a bound.
    fn page_failed(&mut self, error: Error) {
        self.stale = 0;
        self.failed += 1;
        self.failed_in_a_row += 1;
        if self.failed_in_a_row >= FAILED_IN_A_ROW_MAX || self.failed >= FAILED_PAGES_MAX {
            self.stop(error.clone());
        }
        self.gathered.gap.get_or_insert(error);
    }

    fn page_read(&mut self, page: Page) {
        self.failed_in_a_row = 0;
        self.widen(page.entries);
        match self.gathered.add(page) {
            0 => self.stale += 1,
            _ => self.stale = 0,
        }
        if self.stale >= STALE_PAGES_MAX {
            self.state = State::Ended;
        }
    }

    /// A full page promises more; a short one says that the end may be near.
    fn widen(&mut self, entries: usize) {
        let full = entries >= self.fullest;
        self.fullest = self.fullest.max(entries);
        if self.due > self.expected {
            let window = if full { self.window * 2 } else { self.window / 2 };
            self.window = window.clamp(1, self.max_in_flight);
        }
    }

    fn stop(&mut self, error: Error) {
        // The first reason to stop is the one worth telling.
        if !matches!(self.state, State::Stopped(_)) {
            self.state = State::Stopped(error);
        }
    }
}

/// What has been read so far: little for the many, all of the few that are pending.
#[derive(Default)]
struct Gathered {
    pending: Vec<Application>,
    /// Places in `pending`, by identity.
    known: HashMap<Identity, Vec<u32>>,
    others: Others,
    unreadable: Vec<Unreadable>,
    marks: HashSet<u64>,
    pages: u32,
    entries: usize,
    gap: Option<Error>,
}

impl Gathered {
    /// Adds a page; how many of its entries had not been met before.
    fn add(&mut self, page: Page) -> usize {
        self.pages += u32::from(page.entries > 0);
        self.entries += page.entries;
        let mut new = 0;
        for application in page.pending {
            new += usize::from(self.add_pending(application));
        }
        for (identity, status) in page.others {
            let known = self.known.contains_key(&identity);
            new += usize::from(self.others.insert(identity, status).is_none() && !known);
        }
        for entry in page.unreadable {
            if self.marks.insert(entry.mark) {
                self.unreadable.push(entry);
                new += 1;
            }
        }
        new
    }

    /// Whether its identity is new. The same entry again is dropped; another one under the same identity is kept.
    fn add_pending(&mut self, application: Application) -> bool {
        let identity = application.identity();
        let moved = self.others.contains(&identity);
        let places = self.known.entry(identity).or_default();
        let new = places.is_empty() && !moved;
        if !places.iter().any(|place| self.pending[*place as usize] == application) {
            places.push(u32::try_from(self.pending.len()).unwrap_or(u32::MAX));
            self.pending.push(application);
        }
        new
    }

    fn progress(&self) -> Progress {
        Progress { pages: self.pages, entries: self.entries, pending: self.pending.len() }
    }

    fn finish(self, stop: Option<Error>) -> Listing {
        let Gathered { mut pending, others, unreadable, pages, gap, .. } = self;
        // A status only moves forward: seen pending on one page and decided on another, it is decided. Without a
        // create_time the two may be two applications: whoever plans must know of both.
        pending.retain(|application| {
            application.create_time.text().is_none() || !others.contains(&application.identity())
        });
        Listing { pending, others, unreadable, pages, gap: stop.or(gap) }
    }
}

#[cfg(test)]
mod tests;
