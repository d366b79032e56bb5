//! One service per state directory.
//!
//! An advisory lock on `menshen.lock`, released by the kernel however the holder
//! ends. The file says who holds it, for the message of whoever comes second.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Held as long as it lives.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
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
            .open(dir.join("menshen.lock"))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { holder: holder(&mut file), dir: dir.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        write_holder(&mut file).map_err(failed)?;
        Ok(StateLock { _file: file })
    }
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
}
