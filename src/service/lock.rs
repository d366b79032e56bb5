//! One service per state directory.
//!
//! An advisory lock on `menshen.lock`, released by the kernel however the holder
//! ends. The file says who holds it, for the message of whoever comes second.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file that is locked.
const LOCK: &str = "menshen.lock";
/// As the unit's `StateDirectoryMode`: the group may read the audit log.
const DIRECTORY_MODE: u32 = 0o750;

/// Tries at the lock before it is believed to be held …
const LOOKS: u32 = 5;
/// … and the time between them, far longer than a look takes.
const A_LOOK: Duration = Duration::from_millis(5);

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
    /// The greatest length seen, of what never becomes shorter.
    length: Option<u64>,
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
    /// The log became shorter: nothing of ours does that.
    #[error(
        "{} became shorter while menshen runs: nothing more is sent, because what was recorded may be gone. After a VACUUM \
         just start menshen again; otherwise move the file away and restore a backup first",
        .0.display()
    )]
    Cut(PathBuf),
    /// An account is being worked by somebody else.
    #[error(
        "the account is being worked by another menshen (process {holder}); waited {waited_secs} s for it, try again"
    )]
    AccountTaken {
        /// Its process id, as it wrote it.
        holder: String,
        /// How long it was waited for.
        waited_secs: u64,
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
        make_state_dir(dir).and_then(|()| not_led_away(dir)).map_err(failed)?;
        let mut file = open(&dir.join(LOCK)).map_err(failed)?;
        match lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { holder: holder(&mut file), dir: dir.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        give_to_owner(&file, dir).and_then(|()| write_holder(&mut file)).map_err(failed)?;
        let watched = vec![Watched::new(dir.join(LOCK), false).map_err(failed)?];
        Ok(StateLock { _file: file, watched, dir: dir.to_owned() })
    }

    /// Who holds it now, as it wrote it; `None` = nobody. Makes nothing and keeps nothing.
    pub(super) fn holder(dir: &Path) -> Option<String> {
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags((rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed())
            .open(dir.join(LOCK))
            .ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(holder(&mut file)),
            _ => None,
        }
    }

    /// Watches over the log as well, which must exist.
    pub(super) fn with_log(mut self) -> Result<StateLock, LockError> {
        let log = Watched::new(self.dir.join("menshen.db"), true);
        self.watched.push(log.map_err(|source| LockError::Io { dir: self.dir.clone(), source })?);
        Ok(self)
    }

    /// Fails when lock or log were deleted or replaced, or the log was cut short: SQLite would go on writing into a file
    /// nobody can find, or beside pages that it only remembers.
    pub(super) fn check(&mut self) -> Result<(), LockError> {
        self.watched.iter_mut().try_for_each(Watched::check)
    }
}

impl Watched {
    fn new(path: PathBuf, only_grows: bool) -> io::Result<Watched> {
        let found = std::fs::metadata(&path)?;
        let length = only_grows.then_some(found.len());
        Ok(Watched { path, identity: identity(&found), length })
    }

    /// Only by its path: opening and closing the log once more would end SQLite's locks on it
    /// (<https://www.sqlite.org/howtocorrupt.html>, section 2.2).
    fn check(&mut self) -> Result<(), LockError> {
        let found = std::fs::metadata(&self.path).ok().filter(|found| identity(found) == self.identity);
        let found = found.ok_or_else(|| LockError::Lost(self.path.clone()))?;
        match &mut self.length {
            Some(length) if found.len() < *length => Err(LockError::Cut(self.path.clone())),
            Some(length) => {
                *length = found.len();
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// Root writes nothing where a link of somebody else's leads.
fn not_led_away(dir: &Path) -> io::Result<()> {
    let found = std::fs::symlink_metadata(dir)?;
    match rustix::process::geteuid().is_root() && found.is_symlink() && found.uid() != 0 {
        true => Err(io::Error::other(format!("run by root, and it is a symbolic link of user {}", found.uid()))),
        false => Ok(()),
    }
}

/// Makes the state directory if it is missing, closed to everybody but owner and group: there stands what applicants wrote.
pub fn make_state_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(dir)
}

/// Opens or makes the file, and nothing a link leads to: the directory may belong to the service's user and we be root.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed()).open(path)?;
    let found = file.metadata()?;
    match found.is_file() && found.nlink() == 1 {
        true => Ok(file),
        false => Err(io::Error::other(format!("{} is no plain file", path.display()))),
    }
}

/// Made by root on behalf of the service: the service must be able to take it, too.
pub(super) fn give_to_owner(file: &File, dir: &Path) -> io::Result<()> {
    let (owner, found) = (std::fs::metadata(dir)?, file.metadata()?);
    if !rustix::process::geteuid().is_root() || found.uid() == owner.uid() {
        return Ok(());
    }
    std::os::unix::fs::fchown(file, Some(owner.uid()), Some(owner.gid()))
}

/// Takes the lock; who only looks whether it is held ([`StateLock::holder`]) holds it for a moment.
fn lock(file: &File) -> Result<(), TryLockError> {
    for _ in 1..LOOKS {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(A_LOOK),
            other => return other,
        }
    }
    file.try_lock()
}

/// Device and inode.
fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

pub(super) fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(64).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}

pub(super) fn write_holder(file: &mut File) -> io::Result<()> {
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
    fn what_a_link_leads_to_is_left_alone() {
        for link in [std::os::unix::fs::symlink::<PathBuf, PathBuf>, std::fs::hard_link::<PathBuf, PathBuf>] {
            let dir = tempfile::tempdir().expect("a temporary directory");
            let (precious, state) = (dir.path().join("passwd"), dir.path().join("state"));
            std::fs::write(&precious, "root").expect("a file");
            std::fs::create_dir(&state).expect("a directory");
            link(precious.clone(), state.join(LOCK)).expect("a link");
            StateLock::take(&state).expect_err("no plain file");
            assert_eq!(std::fs::read_to_string(&precious).expect("a file"), "root");
        }
    }

    #[test]
    fn root_follows_no_link_of_somebody_else_to_the_state_directory() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (precious, state) = (dir.path().join("precious"), dir.path().join("state"));
        std::fs::create_dir(&precious).expect("a directory");
        std::os::unix::fs::symlink(&precious, &state).expect("a link");
        drop(StateLock::take(&state).expect("a link of root's"));
        std::fs::remove_file(precious.join(LOCK)).expect("just made");
        std::os::unix::fs::lchown(&state, Some(1234), Some(1234)).expect("root may");
        let error = StateLock::take(&state).expect_err("a link of somebody else's");
        assert!(std::error::Error::source(&error).is_some_and(|why| why.to_string().contains("user 1234")), "{error}");
        assert!(!precious.join(LOCK).exists(), "nothing is made where it leads");
    }

    #[test]
    fn a_lock_made_by_root_belongs_to_the_service() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        if !rustix::process::geteuid().is_root() {
            return;
        }
        std::os::unix::fs::chown(dir.path(), Some(1234), Some(1234)).expect("root may");
        drop(StateLock::take(dir.path()).expect("nobody holds it"));
        let lock = std::fs::metadata(dir.path().join(LOCK)).expect("a file");
        assert_eq!((lock.uid(), lock.gid()), (1234, 1234));
    }

    #[test]
    fn a_log_that_is_taken_away_is_noticed() {
        for lost in [LOCK, "menshen.db"] {
            let dir = tempfile::tempdir().expect("a temporary directory");
            std::fs::write(dir.path().join("menshen.db"), "").expect("a file");
            let mut lock = StateLock::take(dir.path()).and_then(StateLock::with_log).expect("nobody holds it");
            lock.check().expect("everything is in place");
            std::fs::rename(dir.path().join(lost), dir.path().join("elsewhere")).expect("it was there");
            assert!(lock.check().is_err_and(|error| error.to_string().contains(lost)), "{lost}");
            std::fs::write(dir.path().join(lost), "").expect("a file");
            assert!(lock.check().is_err(), "another {lost} is not the one");
        }
    }

    #[test]
    fn a_log_that_becomes_shorter_is_noticed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let log = dir.path().join("menshen.db");
        std::fs::write(&log, "12345").expect("a file");
        let mut lock = StateLock::take(dir.path()).and_then(StateLock::with_log).expect("nobody holds it");
        for (text, fine) in [("123456", true), ("123456", true), ("12345", false), ("", false), ("1234567", true)] {
            std::fs::write(&log, text).expect("a file");
            assert_eq!(lock.check().is_ok(), fine, "{text}");
        }
    }
}
