//! Why the audit log could not be read or written, and what to do about it.
//!
//! Never holds an applicant's words: SQLite's messages name columns, not values.

use super::Outcome;
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// What was being done to the audit log; says what a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// Opening, creating or migrating it.
    Open,
    /// Reading it.
    Read,
    /// Recording what is held or shadowed, the rules, or a proof.
    Record,
    /// Recording what is about to be sent.
    Intend,
    /// Recording what was answered.
    Answer,
    /// Recording what was answered to a use of a plugin.
    AnswerUse,
    /// Pulling or lifting a brake.
    Brake,
    /// Erasing applicants' words.
    Redact,
    /// Copying it to another file.
    Copy,
    /// Marking how far it has come, before anything is sent.
    Mark,
}

impl Doing {
    fn consequence(self) -> &'static str {
        match self {
            Doing::Open => "nothing was changed",
            Doing::Read => "nothing was read",
            Doing::Record => "nothing was recorded",
            Doing::Intend => "nothing was recorded, so nothing was sent",
            Doing::AnswerUse => "the answer was not recorded; `menshen api list` shows where the plugin stands",
            Doing::Answer => {
                "the answers were not recorded; these rows stay planned until the next pass reads the list"
            }
            Doing::Brake => "no brake was pulled or lifted",
            Doing::Redact => "words that were not erased yet are still there; run it again",
            Doing::Copy => "no copy was made and nothing was changed",
            Doing::Mark => "nothing was sent; these rows stay planned until the next pass reads the list",
        }
    }
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Doing::Open => "opening the audit log",
            Doing::Read => "reading the audit log",
            Doing::Record => "recording decisions",
            Doing::Intend => "recording what is about to be sent",
            Doing::Answer => "recording answers",
            Doing::AnswerUse => "recording an answer",
            Doing::Brake => "recording a brake",
            Doing::Redact => "erasing applicants' words",
            Doing::Copy => "copying the audit log",
            Doing::Mark => "marking how far the audit log has come",
        })
    }
}

/// Where and at what it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    /// The database.
    pub path: PathBuf,
    /// What was being done.
    pub doing: Doing,
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.doing, self.path.display())
    }
}

/// The audit log could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No space left.
    #[error("{}: the disk is full; {}. Free space there and try again", .0, .0.doing.consequence())]
    Full(Box<Scene>, #[source] sqlx::Error),
    /// The disk, or a quota or size limit, refused.
    #[error("{}: the disk refused; {}. Look at the disk, its quota and the kernel log", .0, .0.doing.consequence())]
    Disk(Box<Scene>, #[source] sqlx::Error),
    /// It may not be written by us.
    #[error("{}: it may not be written; {}. Run as the user of the service, on a file system mounted for writing", .0, .0.doing.consequence())]
    ReadOnly(Box<Scene>, #[source] sqlx::Error),
    /// Somebody else holds it for longer than we wait.
    #[error("{}: another process kept it for longer than 5 s; {}. Try again, or end that process", .0, .0.doing.consequence())]
    Busy(Box<Scene>, #[source] sqlx::Error),
    /// SQLite's locks do not work there.
    #[error("{}: it cannot be locked; {}. Keep it on a local file system", .0, .0.doing.consequence())]
    Locked(Box<Scene>, #[source] sqlx::Error),
    /// A newer menshen wrote it.
    #[error("{}: a newer menshen wrote it (its schema is {found}, this menshen knows {known}). Run that menshen, or restore a backup from before", .path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// An older menshen wrote it, and we are only reading.
    #[error("{}: an older menshen wrote it (its schema is {found}, this menshen needs {known}). Start the service once; it brings the audit log up to date", .path.display())]
    Older {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// It is a database, but no audit log.
    #[error("{}: not an audit log of menshen; nothing was changed. Move it away, or name another state_dir", .path.display())]
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// It is damaged.
    #[error("{}: it is damaged; {}. Move it away and restore a backup", .0, .0.doing.consequence())]
    Corrupt(Box<Scene>, #[source] sqlx::Error),
    /// It, or its directory, is not there or may not be entered.
    #[error("{}: it cannot be opened; {}. See that its directory exists and belongs to the user of the service", .0, .0.doing.consequence())]
    Missing(Box<Scene>, #[source] sqlx::Error),
    /// The copy would overwrite something.
    #[error("{}: there is something already; give the copy another name", .0.display())]
    AlreadyThere(PathBuf),
    /// There is no such decision.
    #[error("the audit log has no decision {0} like that; nothing was recorded")]
    Gone(i64),
    /// A decision may not be settled like that; a bug of ours.
    #[error("decision {decision} is {from} and cannot become {to}; nothing was recorded")]
    Illegal {
        /// The row.
        decision: i64,
        /// How it stands.
        from: Outcome,
        /// What was asked for.
        to: Outcome,
    },
    /// A decision with nothing to send must be held or shadowed; a bug of ours.
    #[error("a decision with nothing to send cannot begin as {0}; nothing was recorded")]
    IllegalBeginning(Outcome),
    /// Anything else.
    #[error("{}; {}", .0, .0.doing.consequence())]
    Other(Box<Scene>, #[source] sqlx::Error),
}

impl StoreError {
    /// Gives SQLite's error its kind.
    pub(super) fn from_sqlx(path: &Path, doing: Doing, error: sqlx::Error) -> StoreError {
        let scene = Box::new(Scene { path: path.to_owned(), doing });
        if let sqlx::Error::Io(io) = &error {
            use std::io::ErrorKind::*;
            return match io.kind() {
                StorageFull => StoreError::Full(scene, error),
                QuotaExceeded | FileTooLarge => StoreError::Disk(scene, error),
                ReadOnlyFilesystem => StoreError::ReadOnly(scene, error),
                NotFound | NotADirectory | PermissionDenied => StoreError::Missing(scene, error),
                _ => StoreError::Other(scene, error),
            };
        }
        let code = error.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<u32>().ok());
        let Some(code) = code else { return StoreError::Other(scene, error) };
        // The extended code's low byte is the primary one: https://www.sqlite.org/rescode.html
        match code & 0xff {
            5 => StoreError::Busy(scene, error),
            6 | 15 => StoreError::Locked(scene, error),
            8 => StoreError::ReadOnly(scene, error),
            10 => StoreError::Disk(scene, error),
            11 | 26 => StoreError::Corrupt(scene, error),
            13 => StoreError::Full(scene, error),
            3 | 14 | 23 => StoreError::Missing(scene, error),
            _ => StoreError::Other(scene, error),
        }
    }
}
