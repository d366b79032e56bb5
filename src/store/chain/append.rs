//! Writing the chain: at the end of every transaction that wrote records.
//!
//! What a transaction wrote is told by the numbers: every record above the highest
//! one at its start is new, and nobody else writes meanwhile. So no method that
//! writes a record can forget its entry.

use super::{
    Head, ROWS_A_PAGE, RecordKind,
    content::{self, Words, record, records},
    fingerprint,
};
use crate::store::sql;
use serde::Serialize;
use sqlx::{Row, sqlite::SqliteConnection};
use std::fmt::Write;

/// How far the log reaches: the newest entry, and the highest number of each kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Marks {
    pub(super) head: Head,
    pub(super) last: [i64; RecordKind::ALL.len()],
}

impl Marks {
    /// Of an empty log.
    const NONE: Marks = Marks { head: Head::NONE, last: [0; RecordKind::ALL.len()] };

    /// As the log stands for this connection.
    pub(in crate::store) async fn read(conn: &mut SqliteConnection) -> Result<Marks, sqlx::Error> {
        let row = sqlx::query(sql::MARKS).fetch_one(conn).await?;
        let mut marks = Marks { head: Head { sequence: row.try_get(0)?, hash: [0; 32] }, ..Marks::NONE };
        if marks.head.sequence > 0 {
            marks.head.hash = fingerprint(&row, 1)?;
        }
        for (place, last) in marks.last.iter_mut().enumerate() {
            *last = row.try_get(place + 2)?;
        }
        Ok(marks)
    }
}

/// Writes the entries of every record that was written since `before`, in the same transaction.
pub(in crate::store) async fn extend(conn: &mut SqliteConnection, before: &Marks) -> Result<(), sqlx::Error> {
    let now = Marks::read(conn).await?;
    let mut head = before.head;
    for kind in RecordKind::ALL {
        let (mut from, to) = (before.last[kind.place()], now.last[kind.place()]);
        while from < to {
            let query = sqlx::query(records(*kind)).bind(from).bind(to).bind(ROWS_A_PAGE);
            let rows = query.fetch_all(&mut *conn).await?;
            let mut entries = Vec::with_capacity(rows.len());
            for row in &rows {
                let record = record(*kind, row)?;
                head = head.then(head.sequence + 1, kind.word(), record.id, &record.content);
                entries.push(Entry(head.sequence, kind.word(), record.id, hex(&record.content), hex(&head.hash)));
                from = record.id;
            }
            if entries.is_empty() {
                break;
            }
            let entries = serde_json::to_string(&entries).expect("numbers and texts always serialise");
            sqlx::query(sql::CHAIN).bind(entries).execute(&mut *conn).await?;
        }
    }
    Ok(())
}

/// Seals the words and chains the records that were there before there was a chain.
pub(in crate::store) async fn adopt(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    if Marks::read(conn).await?.head.sequence > 0 {
        return Ok(());
    }
    let mut after = i64::MIN;
    loop {
        let rows = sqlx::query(sql::UNSEALED).bind(after).bind(ROWS_A_PAGE).fetch_all(&mut *conn).await?;
        let Some(last) = rows.last() else { break };
        after = last.try_get(0)?;
        let mut sealed = Vec::with_capacity(rows.len());
        for row in &rows {
            let words = Words::of(row, 1)?;
            // Who erased words by hand, before there were seals, left nothing to seal.
            if !words.are_erased() {
                let salt = content::salt().map_err(sqlx::Error::Io)?;
                sealed.push((row.try_get::<i64, _>(0)?, hex(&salt), hex(&content::seal(&salt, &words))));
            }
        }
        let sealed = serde_json::to_string(&sealed).expect("numbers and texts always serialise");
        sqlx::query(sql::SEAL).bind(sealed).execute(&mut *conn).await?;
    }
    extend(conn, &Marks::NONE).await
}

/// An entry as it is handed to SQLite: sequence, kind, record, content, hash.
#[derive(Serialize)]
struct Entry(i64, &'static str, i64, String, String);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes any text");
        hex
    })
}
