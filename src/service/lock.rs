//! One service per state directory.
//!
//! An advisory lock on `menshen.lock`, released by the kernel however the holder
//! ends. The file says who holds it, for the message of whoever comes second.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The file that is locked.
const LOCK: &str = "menshen.lock";

/// Held as long as it lives.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
    /// What must stay where it is for the lock, and the log beside it, to mean anything.
    watched: Vec<Watched>,
    dir: PathBuf,
}

/// A file by its path and its identity.
#[derive(Debug)]
struct Watched {
    path: PathBuf,
    identity: (u64, u64),
}

/// The lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error(
        "another menshen (process {holder}) works on {}; stop it first, or give this one a state_dir of its own",
        dir.display()
    )]
    Held {
        /// Its process id, as it wrote it.
        holder: String,
        /// The state directory.
        dir: PathBuf,
    },
    /// The lock or the log is no longer where it was.
    #[error(
        "{} was taken away or replaced while menshen runs: nothing more is sent, because nothing could be recorded; \
         put the state directory back (or leave it: a new one is made), then start menshen again",
        .0.display()
    )]
    Lost(PathBuf),
    /// The directory or the file cannot be used.
    #[error("the state directory {} cannot be used; it must exist or be creatable, and be writable", dir.display())]
    Io {
        /// The state directory.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl StateLock {
    /// Takes the lock, creating the directory if it is missing. Does not wait.
    pub fn take(dir: &Path) -> Result<StateLock, LockError> {
        let failed = |source| LockError::Io { dir: dir.to_owned(), source };
        std::fs::create_dir_all(dir).map_err(failed)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(dir.join(LOCK))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { holder: holder(&mut file), dir: dir.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        write_holder(&mut file).map_err(failed)?;
        let watched = vec![Watched::new(dir.join(LOCK)).map_err(failed)?];
        Ok(StateLock { _file: file, watched, dir: dir.to_owned() })
    }

    /// Watches over the log as well, which must exist.
    pub(super) fn with_log(mut self) -> Result<StateLock, LockError> {
        let log = Watched::new(self.dir.join("menshen.db"));
        self.watched.push(log.map_err(|source| LockError::Io { dir: self.dir.clone(), source })?);
        Ok(self)
    }

    /// Fails when lock or log were deleted or replaced: SQLite would go on writing into a file nobody can find.
    pub(super) fn check(&self) -> Result<(), LockError> {
        match self.watched.iter().find(|watched| !watched.is_in_place()) {
            Some(lost) => Err(LockError::Lost(lost.path.clone())),
            None => Ok(()),
        }
    }
}

impl Watched {
    fn new(path: PathBuf) -> io::Result<Watched> {
        let identity = identity(&path)?;
        Ok(Watched { path, identity })
    }

    fn is_in_place(&self) -> bool {
        identity(&self.path).is_ok_and(|now| now == self.identity)
    }
}

/// Device and inode.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = std::fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(64).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}

fn write_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_holds_it() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let first = StateLock::take(dir.path()).expect("nobody holds it");
        let second = StateLock::take(dir.path()).expect_err("the first holds it").to_string();
        assert!(second.contains(&format!("process {}", std::process::id())), "{second}");
        drop(first);
        StateLock::take(dir.path()).expect("released with its holder");
    }

    #[test]
    fn a_log_that_is_taken_away_is_noticed() {
        for lost in [LOCK, "menshen.db"] {
            let dir = tempfile::tempdir().expect("a temporary directory");
            std::fs::write(dir.path().join("menshen.db"), "").expect("a file");
            let lock = StateLock::take(dir.path()).and_then(StateLock::with_log).expect("nobody holds it");
            lock.check().expect("everything is in place");
            std::fs::rename(dir.path().join(lost), dir.path().join("elsewhere")).expect("it was there");
            assert!(lock.check().is_err_and(|error| error.to_string().contains(lost)), "{lost}");
            std::fs::write(dir.path().join(lost), "").expect("a file");
            assert!(lock.check().is_err(), "another {lost} is not the one");
        }
    }
}
