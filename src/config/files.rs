//! Reading the files a configuration is made of, and refusing those that others may write.

use super::Surroundings;
use crate::policy::parse::OutsideFile;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// More than any configuration or word list; a limit against reading a device for ever.
const MOST_BYTES: u64 = 64 << 20;

/// A file's text. Run by root, a file that others may write is refused.
pub(super) fn read(path: &Path, surroundings: &Surroundings) -> Result<String, OutsideFile> {
    read_checked(path, |metadata| if surroundings.root { check_writers(metadata) } else { Ok(()) })
}

/// A file's text, whoever may write it.
pub(super) fn read_any(path: &Path) -> Result<String, OutsideFile> {
    read_checked(path, |_| Ok(()))
}

fn read_checked(path: &Path, check: impl FnOnce(&Metadata) -> Result<(), OutsideFile>) -> Result<String, OutsideFile> {
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(problem("unreadable", "this is a directory".to_owned()));
    }
    check(&metadata)?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(problem("unreadable", format!("more than {} MiB", MOST_BYTES >> 20)));
    }
    String::from_utf8(bytes).map_err(|error| not_utf8(&error))
}

/// A program that can be run. Run by root, one that others may write is refused.
pub(super) fn check_program(path: &Path, surroundings: &Surroundings) -> Result<(), OutsideFile> {
    let metadata = std::fs::metadata(path)
        .map_err(|error| problem("unreadable", format!("{}: {}", path.display(), io_words(&error))))?;
    if !metadata.is_file() || metadata.mode() & 0o111 == 0 {
        return Err(problem("unreadable", format!("{} is no program", path.display())));
    }
    if surroundings.root { check_writers(&metadata) } else { Ok(()) }
}

/// What is said of a name that is in none of the directories of `PATH`.
pub(super) fn no_program(name: &str) -> OutsideFile {
    problem("unreadable", format!("there is no program `{name}` in PATH"))
}

/// The files a pattern matches, sorted, without directories and without `main` itself.
pub(super) fn matching(directory: &Path, pattern: &str, main: &Path) -> Result<Vec<PathBuf>, String> {
    let base = glob::Pattern::escape(&directory.to_string_lossy());
    let whole = Path::new(&base).join(pattern);
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let paths = glob::glob_with(&whole.to_string_lossy(), options)
        .map_err(|error| format!("not a pattern: {} (character {})", error.msg, error.pos + 1))?;
    let mut found = Vec::new();
    for path in paths {
        let path = path.map_err(|error| format!("{}: {}", error.path().display(), error.error()))?;
        if !path.is_dir() && !same_file(&path, main) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether two paths lead to one file.
pub(super) fn same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Others: everybody, an owner other than root (whom we are), or a group other than root's.
fn check_writers(metadata: &Metadata) -> Result<(), OutsideFile> {
    let mode = metadata.mode();
    let who = if mode & 0o002 != 0 {
        "everybody may write it".to_owned()
    } else if metadata.uid() != 0 {
        format!("it belongs to user {}, who may write it", metadata.uid())
    } else if mode & 0o020 != 0 && metadata.gid() != 0 {
        format!("group {} may write it", metadata.gid())
    } else {
        return Ok(());
    };
    Err(OutsideFile {
        code: "permissions",
        message: format!("run by root, and {who}"),
        help: Some("whoever may write it decides what root does: chown root: FILE; chmod go-w FILE".to_owned()),
    })
}

/// What an IO error says, without "(os error 2)".
pub(super) fn io_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "we may not read it".to_owned(),
        _ => error.to_string(),
    }
}

fn unreadable(error: io::Error) -> OutsideFile {
    problem("unreadable", io_words(&error))
}

fn not_utf8(error: &std::string::FromUtf8Error) -> OutsideFile {
    let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
    let line = valid.iter().filter(|b| **b == b'\n').count() + 1;
    OutsideFile {
        code: "unreadable",
        message: format!("line {line} is not UTF-8"),
        help: Some("save the file as UTF-8 (an editor may have written GBK)".to_owned()),
    }
}

fn problem(code: &'static str, message: String) -> OutsideFile {
    OutsideFile { code, message, help: None }
}
