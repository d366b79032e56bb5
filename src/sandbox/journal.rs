//! A world on disk: what it was made of, and every change since, so that a killed process loses nothing.
//!
//! Hides the two files, `world.json` and `journal.jsonl`. Promises that an operation is with the operating system before it
//! is carried out, that a last line cut short by a crash is dropped, and that only one process writes. Does not
//! survive a power cut: rehearsals need no fsync.

use serde_json::Value;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const WORLD_FILE: &str = "world.json";
const JOURNAL_FILE: &str = "journal.jsonl";

/// Where operations go.
#[derive(Debug)]
pub(super) enum Journal {
    /// Nowhere: the world ends with the process.
    Memory,
    /// A file. After a failed write nothing more is taken.
    File { file: File, broken: bool },
}

/// What a directory holds.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) world: Option<Value>,
    pub(super) operations: Vec<Value>,
    /// Bytes of the journal up to the last whole line.
    whole_bytes: u64,
}

/// Why a directory gives no world.
#[derive(Debug)]
pub(super) enum Unreadable {
    Io(PathBuf, io::Error),
    /// Another process has it.
    InUse,
    /// The file, and the line from 1.
    Broken(PathBuf, usize),
}

impl Journal {
    /// Carries nothing out itself: the caller does, after this succeeded.
    pub(super) fn append(&mut self, operation: &Value) -> io::Result<()> {
        let Journal::File { file, broken } = self else { return Ok(()) };
        if *broken {
            return Err(io::Error::other("an earlier write to the world's journal failed"));
        }
        let written = file.write_all(format!("{operation}\n").as_bytes());
        *broken = written.is_err();
        written
    }

    /// Takes the directory for this process; `fresh` forgets what is in it.
    pub(super) fn open(dir: &Path, fresh: bool) -> Result<(Journal, Kept), Unreadable> {
        let path = dir.join(JOURNAL_FILE);
        let failed = |err| Unreadable::Io(path.clone(), err);
        fs::create_dir_all(dir).map_err(failed)?;
        let file = OpenOptions::new().create(true).append(true).read(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Unreadable::InUse),
            Err(TryLockError::Error(err)) => return Err(failed(err)),
        }
        if fresh {
            file.set_len(0).map_err(failed)?;
            remove(&dir.join(WORLD_FILE))?;
        }
        let kept = read(dir)?;
        file.set_len(kept.whole_bytes).map_err(failed)?;
        Ok((Journal::File { file, broken: false }, kept))
    }
}

/// Reads a directory without taking it.
pub(super) fn read(dir: &Path) -> Result<Kept, Unreadable> {
    let world = match bytes_of(&dir.join(WORLD_FILE))? {
        Some(bytes) => Some(serde_json::from_slice(&bytes).map_err(|_| Unreadable::Broken(dir.join(WORLD_FILE), 1))?),
        None => None,
    };
    let path = dir.join(JOURNAL_FILE);
    let bytes = bytes_of(&path)?.unwrap_or_default();
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(&[][..], |end| &bytes[..=end]);
    let mut operations = Vec::new();
    for (place, line) in whole.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        operations.push(serde_json::from_slice(line).map_err(|_| Unreadable::Broken(path.clone(), place + 1))?);
    }
    Ok(Kept { world, operations, whole_bytes: whole.len() as u64 })
}

/// Writes what a new world is made of; whole or not at all.
pub(super) fn found(dir: &Path, world: &Value) -> Result<(), Unreadable> {
    let (path, draft) = (dir.join(WORLD_FILE), dir.join("world.json.new"));
    let written = fs::write(&draft, format!("{world:#}\n")).and_then(|()| fs::rename(&draft, &path));
    written.map_err(|err| Unreadable::Io(path, err))
}

fn bytes_of(path: &Path) -> Result<Option<Vec<u8>>, Unreadable> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(Unreadable::Io(path.to_owned(), err)),
    }
}

fn remove(path: &Path) -> Result<(), Unreadable> {
    match fs::remove_file(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(Unreadable::Io(path.to_owned(), err)),
        _ => Ok(()),
    }
}
