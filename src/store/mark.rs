//! How far the log had come when a call was last allowed: one line beside the database, on the disk before the call.
//!
//! A database that was restored from a backup does not know what it has forgotten. The mark does: it names the last
//! announced attempt, and a database without that record is older than what was sent. Two lines are written in
//! turn, so that a power cut in the middle of one leaves the other. It holds numbers only.

use super::{Doing, Reader, Store, StoreError, sql};
use jiff::Timestamp;
use sqlx::{Row, sqlite::SqliteRow};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Bytes of one line, its end included.
const LINE: usize = 96;
/// Lines, written in turn.
const LINES: usize = 2;
/// As the database: the service's user writes, its group may read.
const FILE_MODE: u32 = 0o640;

/// A record the log must have: an announced attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    settlement: i64,
    decision: i64,
    at: i64,
}

/// The settlement a file with these bytes names, if one of its lines is whole.
pub fn read_mark(bytes: &[u8]) -> Option<i64> {
    newest(bytes)?.1.mark.map(|mark| mark.settlement)
}

/// Such a file after this settlement was written into it.
pub fn mark_after(bytes: &[u8], settlement: i64) -> Vec<u8> {
    let mark = Mark { settlement, decision: settlement, at: settlement };
    let (place, line) = next_line(bytes, Some(mark));
    let mut after = bytes.to_vec();
    after.resize(after.len().max(place + LINE), b' ');
    after[place..place + LINE].copy_from_slice(line.as_bytes());
    after
}

impl Reader {
    /// Since when the log misses what menshen was about to send: it is older than that, restored from a backup or begun
    /// anew. `None` = it misses nothing.
    ///
    /// # Errors
    /// The log or the mark beside it could not be read.
    pub async fn forgotten_since(&self) -> Result<Option<Timestamp>, StoreError> {
        let marked = read(&mark_path(self.path())).map_err(|error| self.failed(Doing::Read, sqlx::Error::Io(error)))?;
        let Some(mark) = marked else { return Ok(None) };
        let query = sqlx::query(sql::MARKED).bind(mark.settlement);
        let found = query.fetch_optional(self.pool()).await.map_err(|error| self.unread(error))?;
        match found.as_ref().map(|row| self.read(one_mark(row))).transpose()? {
            Some(found) if found == mark => Ok(None),
            _ => Ok(Some(Timestamp::from_millisecond(mark.at).unwrap_or(Timestamp::UNIX_EPOCH))),
        }
    }
}

impl Store {
    /// Takes the log as it is: what it misses is known, and a person said to go on.
    ///
    /// # Errors
    /// The mark could not be written.
    pub(super) async fn accept_what_is_missing(&self) -> Result<(), StoreError> {
        let row = sqlx::query(sql::LAST_SETTLEMENT).fetch_optional(self.pool()).await;
        let row = row.map_err(|error| self.unread(error))?;
        let mark = row.as_ref().map(|row| self.reader().read(one_mark(row))).transpose()?;
        self.put_mark(mark, Advance::Anywhere).await
    }

    /// Makes the mark durable. What was announced after it stays ahead of it.
    pub(super) async fn put_mark(&self, mark: Option<Mark>, advance: Advance) -> Result<(), StoreError> {
        let path = mark_path(self.path());
        let written = tokio::task::spawn_blocking(move || write(&path, mark, advance)).await;
        let written = written.unwrap_or_else(|error| Err(io::Error::other(error)));
        written.map_err(|error| self.failed(Doing::Mark, sqlx::Error::Io(error)))
    }
}

/// Whether a mark may be set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advance {
    /// Two writers may come in either order.
    Forward,
    /// A person accepted an older log.
    Anywhere,
}

/// A record of the log, as a mark names it.
pub(super) fn one_mark(row: &SqliteRow) -> Result<Mark, sqlx::Error> {
    Ok(Mark { settlement: row.try_get(0)?, decision: row.try_get(1)?, at: row.try_get(2)? })
}

fn mark_path(log: &Path) -> PathBuf {
    log.with_extension("mark")
}

/// The newest whole line; `None` where there is none.
fn read(path: &Path) -> io::Result<Option<Mark>> {
    match plain(OpenOptions::new().read(true), path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(file) => Ok(newest(&bytes_of(&file)?).and_then(|(_, line)| line.mark)),
    }
}

/// All of it that counts.
fn bytes_of(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(LINE * LINES);
    file.take((LINE * LINES) as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a plain file, and nothing a link leads to: the directory may belong to the service's user and we be root.
fn plain(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
    let found = file.metadata()?;
    match found.is_file() && found.nlink() == 1 {
        true => Ok(file),
        false => Err(io::Error::other("it is no plain file")),
    }
}

fn write(path: &Path, mark: Option<Mark>, advance: Advance) -> io::Result<()> {
    let file = open(path)?;
    // Other processes write intents too: a person's at the keyboard.
    file.lock()?;
    let bytes = bytes_of(&file)?;
    let newest = newest(&bytes).map(|(_, line)| line);
    let reached = |mark: Option<Mark>| mark.map(|mark| mark.settlement);
    if advance == Advance::Forward && newest.is_some_and(|line| reached(line.mark) >= reached(mark)) {
        return Ok(());
    }
    let (place, line) = next_line(&bytes, mark);
    file.write_all_at(line.as_bytes(), place as u64)?;
    file.sync_data()
}

/// The line that says so, and the byte it begins at: never in the place of the newest one.
fn next_line(bytes: &[u8], mark: Option<Mark>) -> (usize, String) {
    let newest = newest(bytes);
    let place = newest.map_or(0, |(at, _)| (at + 1) % LINES);
    let turn = newest.map_or(0, |(_, line)| line.turn + 1);
    (place * LINE, Line { turn, mark }.text())
}

/// Opens or makes the file, with room for every line: later writes need no more of the disk.
fn open(path: &Path) -> io::Result<File> {
    let existing = plain(OpenOptions::new().read(true).write(true), path);
    if !existing.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return existing;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE);
    let file = plain(&mut options, path)?;
    let dir = File::open(path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
    if rustix::process::geteuid().is_root() {
        let owner = dir.metadata()?;
        std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
    }
    file.write_all_at(" ".repeat(LINE * LINES).as_bytes(), 0)?;
    file.sync_all()?;
    dir.sync_all()?;
    Ok(file)
}

/// One line: which turn wrote it, and the mark; no mark = nothing has been announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    turn: u64,
    mark: Option<Mark>,
}

impl Line {
    fn text(self) -> String {
        let Mark { settlement, decision, at } = self.mark.unwrap_or(Mark { settlement: 0, decision: 0, at: 0 });
        let words = format!("{} {settlement} {decision} {at}", self.turn);
        format!("{:<width$}\n", format!("{words} {:016x}", sum(&words)), width = LINE - 1)
    }

    /// `None` where it is not whole.
    fn from_text(text: &str) -> Option<Line> {
        let (words, check) = text.trim().rsplit_once(' ')?;
        if u64::from_str_radix(check, 16).ok()? != sum(words) {
            return None;
        }
        let mut numbers = words.split(' ').map(str::parse::<i64>);
        let mut next = || numbers.next()?.ok();
        let (turn, settlement, decision, at) = (next()?, next()?, next()?, next()?);
        let mark = (settlement > 0).then_some(Mark { settlement, decision, at });
        Some(Line { turn: u64::try_from(turn).ok()?, mark })
    }
}

/// The newest whole line, and which of the lines it is.
fn newest(bytes: &[u8]) -> Option<(usize, Line)> {
    let line = |line| Line::from_text(std::str::from_utf8(line).ok()?);
    let lines = bytes.chunks(LINE).enumerate().filter_map(|(at, bytes)| Some((at, line(bytes)?)));
    lines.max_by_key(|(_, line)| line.turn)
}

/// FNV-1a: tells a whole line from a torn one, no more.
fn sum(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]
mod tests {
    use super::*;

    fn mark(settlement: i64) -> Option<Mark> {
        Some(Mark { settlement, decision: settlement * 2, at: 1_795_000_000_000 + settlement })
    }

    #[test]
    fn the_newest_whole_line_counts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("menshen.mark");
        assert_eq!(read(&path).unwrap(), None);
        for number in [1, 2, 7] {
            write(&path, mark(number), Advance::Forward).unwrap();
            assert_eq!(read(&path).unwrap(), mark(number));
        }
        write(&path, mark(5), Advance::Forward).unwrap();
        assert_eq!(read(&path).unwrap(), mark(7), "a later one is not taken back");
        // A power cut in the middle of writing 8.
        let whole = std::fs::read(&path).unwrap();
        write(&path, mark(8), Advance::Forward).unwrap();
        let next = std::fs::read(&path).unwrap();
        for cut in 1..whole.len() {
            let torn = [&next[..cut], &whole[cut..]].concat();
            std::fs::write(&path, torn).unwrap();
            let found = read(&path).unwrap();
            assert!(found == mark(7) || found == mark(8), "{cut}: {found:?}");
        }
        write(&path, mark(3), Advance::Anywhere).unwrap();
        assert_eq!(read(&path).unwrap(), mark(3));
        write(&path, None, Advance::Anywhere).unwrap();
        assert_eq!(read(&path).unwrap(), None);
        write(&path, mark(4), Advance::Forward).unwrap();
        assert_eq!(read(&path).unwrap(), mark(4));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), (LINE * LINES) as u64);
    }

    /// The state directory belongs to the service's user: what it puts there must not lead root astray.
    #[test]
    fn what_a_link_leads_to_is_left_alone() {
        for link in [std::os::unix::fs::symlink::<PathBuf, PathBuf>, std::fs::hard_link::<PathBuf, PathBuf>] {
            let dir = tempfile::tempdir().unwrap();
            let (path, precious) = (dir.path().join("menshen.mark"), dir.path().join("shadow"));
            std::fs::write(&precious, "root").unwrap();
            link(precious.clone(), path.clone()).unwrap();
            write(&path, mark(1), Advance::Forward).unwrap_err();
            read(&path).unwrap_err();
            assert_eq!(std::fs::read_to_string(&precious).unwrap(), "root");
        }
        let dir = tempfile::tempdir().unwrap();
        let (path, nowhere) = (dir.path().join("menshen.mark"), dir.path().join("cron"));
        std::os::unix::fs::symlink(&nowhere, &path).unwrap();
        write(&path, mark(1), Advance::Forward).unwrap_err();
        assert!(!nowhere.exists(), "nothing is made where it leads");
    }

    #[test]
    fn the_longest_line_has_room() {
        let most = Mark { settlement: i64::MAX, decision: i64::MAX, at: 253_402_300_799_999 };
        let line = Line { turn: u64::from(u32::MAX), mark: Some(most) };
        assert_eq!((line.text().len(), Line::from_text(&line.text())), (LINE, Some(line)));
    }
}
