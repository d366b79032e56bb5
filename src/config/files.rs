//! Reading the files a configuration is made of, and refusing those that others may write.

use super::Surroundings;
use crate::policy::parse::OutsideFile;
use secrecy::zeroize::Zeroizing;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// More than any configuration or word list; a limit against reading a device for ever.
const MOST_BYTES: u64 = 64 << 20;
/// Room for a secret whose file does not tell its size, as a pipe does not.
const SECRET_ROOM: usize = 4 << 10;

/// A file's text. Run by root, a file that others may write is refused.
pub(super) fn read(path: &Path, surroundings: &Surroundings) -> Result<String, OutsideFile> {
    read_checked(path, |metadata| if surroundings.root { check_writers(metadata) } else { Ok(()) })
}

/// A secret's text, whoever may write the file. No copy of it is left behind.
pub(super) fn read_secret(path: &Path) -> Result<Zeroizing<String>, OutsideFile> {
    let (file, metadata) = open(path)?;
    // Of its final size from the start: a buffer that grows leaves what it held where it was.
    let room = usize::try_from(metadata.len().min(MOST_BYTES)).unwrap_or(0).max(SECRET_ROOM);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room + 1));
    fill(file, &mut bytes)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| not_utf8(&bytes, error))?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn read_checked(path: &Path, check: impl FnOnce(&Metadata) -> Result<(), OutsideFile>) -> Result<String, OutsideFile> {
    let (file, metadata) = open(path)?;
    check(&metadata)?;
    let mut bytes = Vec::new();
    fill(file, &mut bytes)?;
    String::from_utf8(bytes).map_err(|error| not_utf8(error.as_bytes(), error.utf8_error()))
}

fn open(path: &Path) -> Result<(File, Metadata), OutsideFile> {
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    match metadata.is_dir() {
        true => Err(problem("unreadable", "this is a directory".to_owned())),
        false => Ok((file, metadata)),
    }
}

fn fill(file: File, bytes: &mut Vec<u8>) -> Result<(), OutsideFile> {
    file.take(MOST_BYTES + 1).read_to_end(bytes).map_err(unreadable)?;
    match bytes.len() as u64 > MOST_BYTES {
        true => Err(problem("unreadable", format!("more than {} MiB", MOST_BYTES >> 20))),
        false => Ok(()),
    }
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

fn not_utf8(bytes: &[u8], error: std::str::Utf8Error) -> OutsideFile {
    let line = bytes[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
    OutsideFile {
        code: "unreadable",
        message: format!("line {line} is not UTF-8"),
        help: Some("save the file as UTF-8 (an editor may have written GBK)".to_owned()),
    }
}

fn problem(code: &'static str, message: String) -> OutsideFile {
    OutsideFile { code, message, help: None }
}
