//! Walking the whole chain beside the records.
//!
//! Promises a bounded memory and no transaction that stays open: where the log
//! ended is read once, and records up to there never change, so pages read one
//! after the other show what one long reading would, while a running service
//! writes on and its checkpoints go through. Only SQLite's own check of the file
//! holds one transaction for as long as it takes.

use super::{
    Finding, Fingerprint, Head, KeptHead, Marks, ROWS_A_PAGE, RecordKind,
    content::{Words, seal},
    cursor::{Cursor, Met},
    fingerprint, folds, head,
};
use crate::store::{Reader, StoreError, sql};
use serde::Serialize;
use sqlx::{Row, sqlite::SqliteRow};
use std::collections::HashMap;

/// Findings told one by one at most.
pub(super) const MOST_FINDINGS: usize = 1_000;

/// How far a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Walking the chain.
    Entries {
        /// Entries seen.
        done: i64,
        /// How many there are.
        of: i64,
    },
    /// Holding the words against their seals.
    Words {
        /// Decisions seen.
        done: i64,
        /// How many there are.
        of: i64,
    },
    /// Counting again what is folded.
    Folds {
        /// Decisions seen.
        done: i64,
        /// How many there are.
        of: i64,
    },
    /// SQLite checks the file.
    File,
}

/// What a verification saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The newest entry.
    pub head: Head,
    /// How many entries there are.
    pub entries: i64,
    /// How many decisions there are.
    pub decisions: i64,
    /// Decisions whose words were erased.
    pub redacted: i64,
    /// Entries that came after the head that was kept; `None` = none was given, or it is not in the chain.
    pub since_kept: Option<i64>,
    /// What is wrong; empty = nothing.
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub unlisted: usize,
}

impl Reader {
    /// Verifies the whole audit log; `kept` is a head somebody wrote down. `tell` hears how far it is.
    ///
    /// # Errors
    /// The audit log could not be read. What is wrong with its records is no error: see [`Verified::findings`].
    pub async fn verify(&self, kept: Option<KeptHead>, tell: &(dyn Fn(Stage) + Sync)) -> Result<Verified, StoreError> {
        let mut tx = self.pool().begin().await.map_err(|error| self.unread(error))?;
        let marks = self.read(Marks::read(&mut tx).await)?;
        let ever = sqlx::query(sql::EVER).fetch_all(&mut *tx).await.map_err(|error| self.unread(error))?;
        let folded = folds::Folded::read(self, &mut tx).await?;
        drop(tx);
        let mut walk = Walk::new(self, marks, kept, tell);
        walk.entries().await?;
        walk.end_of_records(&ever).await?;
        walk.words().await?;
        let wrong = folded.compare(self, &marks, tell).await?;
        walk.found(wrong);
        tell(Stage::File);
        let damaged = folds::file(self).await?;
        walk.found(damaged);
        Ok(walk.into_verified())
    }
}

/// A verification under way.
struct Walk<'a> {
    log: &'a Reader,
    marks: Marks,
    kept: Option<KeptHead>,
    tell: &'a (dyn Fn(Stage) + Sync),
    cursors: Vec<Cursor>,
    /// Records that are not what was written: kind, number, what the chain says, what is there.
    edited: Vec<(RecordKind, i64, Fingerprint, Fingerprint)>,
    redacted: i64,
    /// The place of the kept head.
    kept_at: Option<i64>,
    findings: Vec<Finding>,
    unlisted: usize,
}

impl<'a> Walk<'a> {
    fn new(log: &'a Reader, marks: Marks, kept: Option<KeptHead>, tell: &'a (dyn Fn(Stage) + Sync)) -> Walk<'a> {
        let cursors = RecordKind::ALL.iter().map(|kind| Cursor::new(*kind, marks.last[kind.place()])).collect();
        let kept_at = kept.filter(|kept| kept.hash == Head::NONE.hash && kept.sequence.unwrap_or(0) == 0).map(|_| 0);
        let (edited, findings) = (Vec::new(), Vec::new());
        Walk { log, marks, kept, tell, cursors, edited, redacted: 0, kept_at, findings, unlisted: 0 }
    }

    /// Every entry, and the record it names.
    async fn entries(&mut self) -> Result<(), StoreError> {
        let (mut before, last) = (Head::NONE, self.marks.head.sequence);
        while before.sequence < last {
            (self.tell)(Stage::Entries { done: before.sequence, of: last });
            let query = sqlx::query(sql::ENTRIES).bind(before.sequence).bind(last).bind(ROWS_A_PAGE);
            let rows = query.fetch_all(self.log.pool()).await.map_err(|error| self.log.unread(error))?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                before = self.entry(&before, row).await?;
            }
        }
        Ok(())
    }

    async fn entry(&mut self, before: &Head, row: &SqliteRow) -> Result<Head, StoreError> {
        let read = || Ok((head(row, 0)?, row.try_get::<&str, _>(2)?, row.try_get::<i64, _>(3)?, fingerprint(row, 4)?));
        let (here, kind, id, content) = self.log.read(read())?;
        let expected = before.sequence + 1;
        if here.sequence > expected {
            self.found([Finding::Gap { sequence: expected, to: here.sequence - 1 }]);
        } else if before.then(here.sequence, kind, id, &content) != here {
            self.found([Finding::Broken { kind: kind.to_owned(), id, sequence: here.sequence }]);
        }
        let is_kept = |kept: KeptHead| kept.hash == here.hash && kept.sequence.is_none_or(|at| at == here.sequence);
        if self.kept.is_some_and(is_kept) {
            self.kept_at = Some(here.sequence);
        }
        let Some(kind) = RecordKind::from_word(kind) else { return Ok(here) };
        let mut strangers = Vec::new();
        match self.cursors[kind.place()].meet(self.log, id, &mut strangers).await? {
            Met::Nothing => strangers.push(Finding::Removed { kind, id, to: id }),
            Met::Record { record, in_turn } => {
                if !in_turn {
                    strangers.push(Finding::Reordered { kind, id, sequence: here.sequence });
                }
                if record.content != content {
                    self.edited(kind, id, content, record.content);
                }
            }
        }
        self.found(strangers);
        Ok(here)
    }

    fn edited(&mut self, kind: RecordKind, id: i64, written: Fingerprint, there: Fingerprint) {
        match self.edited.len() < MOST_FINDINGS {
            true => self.edited.push((kind, id, written, there)),
            false => self.unlisted += 1,
        }
    }

    /// What the chain did not meet, and what was edited.
    async fn end_of_records(&mut self, ever: &[SqliteRow]) -> Result<(), StoreError> {
        for cursor in std::mem::take(&mut self.cursors) {
            let mut left = Vec::new();
            cursor.end(self.log, &mut left).await?;
            self.found(left);
        }
        for row in ever {
            let (table, highest): (&str, i64) = self.log.read(row.try_get(0).and_then(|t| Ok((t, row.try_get(1)?))))?;
            let Some(kind) = RecordKind::from_word(table) else { continue };
            let last = self.marks.last[kind.place()];
            if highest > last {
                self.found([Finding::Removed { kind, id: last + 1, to: highest }]);
            }
        }
        let edited = told_apart(std::mem::take(&mut self.edited));
        self.found(edited);
        if self.kept.is_some() && self.kept_at.is_none() {
            let sequence = self.kept.and_then(|kept| kept.sequence);
            self.found([Finding::HeadUnknown { sequence, entries: self.marks.head.sequence }]);
        }
        Ok(())
    }

    /// The words of every decision against their seal.
    async fn words(&mut self) -> Result<(), StoreError> {
        let (mut after, last) = (0, self.marks.last[RecordKind::Decisions.place()]);
        while after < last {
            (self.tell)(Stage::Words { done: after, of: last });
            let query = sqlx::query(sql::WORDS).bind(after).bind(last).bind(ROWS_A_PAGE);
            let rows = query.fetch_all(self.log.pool()).await.map_err(|error| self.log.unread(error))?;
            let mut wrong = Vec::new();
            for row in &rows {
                after = self.log.read(row.try_get(0))?;
                match self.log.read(words(row))? {
                    WordsFound::AsWritten => {}
                    WordsFound::Redacted => self.redacted += 1,
                    WordsFound::Erased => wrong.push(Finding::WordsErased { id: after }),
                    WordsFound::Edited => wrong.push(Finding::WordsEdited { id: after }),
                }
            }
            if rows.is_empty() {
                break;
            }
            self.found(wrong);
        }
        Ok(())
    }

    fn found(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            match self.findings.len() < MOST_FINDINGS {
                true => self.findings.push(finding),
                false => self.unlisted += 1,
            }
        }
    }

    fn into_verified(self) -> Verified {
        Verified {
            head: self.marks.head,
            entries: self.marks.head.sequence,
            decisions: self.marks.last[RecordKind::Decisions.place()],
            redacted: self.redacted,
            since_kept: self.kept_at.map(|at| self.marks.head.sequence - at),
            findings: self.findings,
            unlisted: self.unlisted,
        }
    }
}

/// What has become of a decision's words.
enum WordsFound {
    AsWritten,
    Redacted,
    /// Gone, and no redaction covers the decision.
    Erased,
    Edited,
}

fn words(row: &SqliteRow) -> Result<WordsFound, sqlx::Error> {
    let (gone, covered): (bool, bool) = (row.try_get(9)?, row.try_get(10)?);
    let (salt, sealed): (Option<&[u8]>, Option<&[u8]>) = (row.try_get(7)?, row.try_get(8)?);
    let words = Words::of(row, 1)?;
    Ok(match (salt, sealed) {
        _ if gone => WordsFound::Edited,
        // Erased by hand before there was a chain.
        (None, None) if words.are_erased() => WordsFound::Redacted,
        (None, Some(_)) if words.are_erased() && covered => WordsFound::Redacted,
        (None, Some(_)) if words.are_erased() => WordsFound::Erased,
        (Some(salt), Some(sealed)) if salt.try_into().is_ok_and(|salt| seal(&salt, &words) == sealed) => {
            WordsFound::AsWritten
        }
        _ => WordsFound::Edited,
    })
}

/// Of the records that are not what was written, those that only changed places, and the others.
fn told_apart(edited: Vec<(RecordKind, i64, Fingerprint, Fingerprint)>) -> Vec<Finding> {
    let there: HashMap<(RecordKind, Fingerprint), i64> =
        edited.iter().map(|(kind, id, _, there)| ((*kind, *there), *id)).collect();
    let at = |kind: RecordKind, written: &Fingerprint| there.get(&(kind, *written)).copied();
    let written: HashMap<i64, Fingerprint> = edited.iter().map(|(_, id, written, _)| (*id, *written)).collect();
    edited
        .iter()
        .filter_map(|(kind, id, its, there)| match at(*kind, its) {
            // Each of the two holds what the other should; told once.
            Some(with) if written.get(&with) == Some(there) => {
                (*id < with).then_some(Finding::Swapped { kind: *kind, id: *id, with })
            }
            _ => Some(Finding::Edited { kind: *kind, id: *id }),
        })
        .collect()
}
