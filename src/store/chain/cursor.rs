//! The records of one kind, met in the order of the chain's entries.
//!
//! Reads a page at a time; remembers which numbers the chain has passed over, so
//! that an entry that comes too late is told from one that never comes.

use super::{
    Finding, ROWS_A_PAGE, RecordKind,
    content::{Record, record, records},
};
use crate::store::{Reader, StoreError};
use std::collections::VecDeque;

/// Gaps remembered at most; a log with more of them is beyond telling apart.
const MOST_GAPS: usize = 10_000;

/// How an entry meets its record.
pub(super) enum Met {
    /// Here it is, in its turn or not.
    Record { record: Record, in_turn: bool },
    /// It is not there.
    Nothing,
}

/// A walk over the records of one kind.
pub(super) struct Cursor {
    pub(super) kind: RecordKind,
    /// The last record to look at.
    to: i64,
    /// The highest number an entry has named.
    met: i64,
    /// The highest number read.
    read: i64,
    page: VecDeque<Record>,
    /// Numbers the chain has passed over: from, to.
    passed: Vec<(i64, i64)>,
}

impl Cursor {
    pub(super) fn new(kind: RecordKind, to: i64) -> Cursor {
        Cursor { kind, to, met: 0, read: i64::MIN, page: VecDeque::new(), passed: Vec::new() }
    }

    /// The record an entry names.
    pub(super) async fn meet(
        &mut self,
        log: &Reader,
        id: i64,
        strangers: &mut Vec<Finding>,
    ) -> Result<Met, StoreError> {
        if id <= self.met {
            let late = self.take_passed(id);
            let found = self.one(log, id).await?;
            return Ok(found.filter(|_| late).map_or(Met::Nothing, |record| Met::Record { record, in_turn: false }));
        }
        if id > self.met + 1 && self.passed.len() < MOST_GAPS {
            self.passed.push((self.met + 1, id - 1));
        }
        self.met = id;
        while let Some(next) = self.peek(log).await? {
            match next.id {
                next if next > id => break,
                next if next == id => {
                    let record = self.page.pop_front().expect("it was just seen");
                    return Ok(Met::Record { record, in_turn: true });
                }
                next => {
                    // No number of ours is below 1; the others were passed over and are told of at the end.
                    if next < 1 {
                        strangers.push(Finding::Inserted { kind: self.kind, id: next, to: next });
                    }
                    self.page.pop_front();
                }
            }
        }
        Ok(Met::Nothing)
    }

    /// What was left over when the chain ended: records without an entry, and entries nobody has seen.
    pub(super) async fn end(mut self, log: &Reader, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
        let kind = self.kind;
        for (from, to) in std::mem::take(&mut self.passed) {
            let mut next = from;
            while next <= to {
                let found = self.first(log, next, to).await?;
                let gone_to = found.map_or(to, |record| record.id - 1);
                if gone_to >= next {
                    findings.push(Finding::Removed { kind, id: next, to: gone_to });
                }
                let Some(record) = found else { break };
                findings.push(Finding::Inserted { kind, id: record.id, to: record.id });
                next = record.id + 1;
            }
        }
        let mut rest: Option<(i64, i64)> = None;
        while let Some(record) = self.peek(log).await? {
            self.page.pop_front();
            let first = rest.map_or(record.id, |(first, _)| first);
            rest = Some((first, record.id));
        }
        findings.extend(rest.map(|(id, to)| Finding::Inserted { kind, id, to }));
        Ok(())
    }

    /// True if the chain has passed over this number; it has not any more.
    fn take_passed(&mut self, id: i64) -> bool {
        let Some(at) = self.passed.iter().position(|(from, to)| (*from..=*to).contains(&id)) else { return false };
        let (from, to) = self.passed.swap_remove(at);
        self.passed.extend([(from, id - 1), (id + 1, to)].into_iter().filter(|(from, to)| from <= to));
        true
    }

    async fn peek(&mut self, log: &Reader) -> Result<Option<Record>, StoreError> {
        if self.page.is_empty() && self.read < self.to {
            let query = sqlx::query(records(self.kind)).bind(self.read).bind(self.to).bind(ROWS_A_PAGE);
            let rows = query.fetch_all(log.pool()).await.map_err(|error| log.unread(error))?;
            self.page = rows.iter().map(|row| log.read(record(self.kind, row))).collect::<Result<_, _>>()?;
            self.read = self.page.back().map_or(self.to, |record| record.id);
        }
        Ok(self.page.front().copied())
    }

    async fn one(&self, log: &Reader, id: i64) -> Result<Option<Record>, StoreError> {
        self.first(log, id, id).await
    }

    /// The first record between two numbers.
    async fn first(&self, log: &Reader, from: i64, to: i64) -> Result<Option<Record>, StoreError> {
        let query = sqlx::query(records(self.kind)).bind(from - 1).bind(to).bind(1);
        let row = query.fetch_optional(log.pool()).await.map_err(|error| log.unread(error))?;
        row.as_ref().map(|row| log.read(record(self.kind, row))).transpose()
    }
}
