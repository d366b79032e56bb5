//! Reading the files a configuration is made of, and refusing those that others may write.

use super::{Surroundings, writers};
use crate::policy::parse::OutsideFile;
use rustix::fs::OFlags;
use secrecy::zeroize::Zeroizing;
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// More than any configuration or word list.
const TEXT_BYTES_MAX: u64 = 64 << 20;
/// More than all roots a system trusts.
const CERTIFICATES_BYTES_MAX: u64 = 4 << 20;
/// More than any secret, and than anything put in its place by mistake that is worth reading.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// A file's text. Run by root, a file that others may write or replace is refused.
pub(super) fn read(path: &Path, surroundings: &Surroundings) -> Result<String, OutsideFile> {
    let bytes = read_bytes(path, surroundings, TEXT_BYTES_MAX)?;
    String::from_utf8(bytes).map_err(|error| not_utf8(error.as_bytes(), error.utf8_error()))
}

/// A secret's text; refused as [`read`] refuses. No copy of it is left behind.
pub(super) fn read_secret(path: &Path, surroundings: &Surroundings) -> Result<Zeroizing<String>, OutsideFile> {
    let (file, _) = open_regular(path, surroundings, SECRET_BYTES_MAX)?;
    // Of its final size from the start: a buffer that grows leaves what it held where it was.
    let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_BYTES_MAX as usize + 1));
    fill(file, &mut bytes, SECRET_BYTES_MAX)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| not_utf8(&bytes, error))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Certificates; refused as [`read`] refuses.
pub(super) fn read_certificates(path: &Path, surroundings: &Surroundings) -> Result<Vec<u8>, OutsideFile> {
    read_bytes(path, surroundings, CERTIFICATES_BYTES_MAX)
}

fn read_bytes(path: &Path, surroundings: &Surroundings, bytes_max: u64) -> Result<Vec<u8>, OutsideFile> {
    let (file, metadata) = open_regular(path, surroundings, bytes_max)?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    fill(file, &mut bytes, bytes_max)?;
    Ok(bytes)
}

/// Regular files only: a pipe would be waited for, a device read for ever.
fn open_regular(path: &Path, surroundings: &Surroundings, bytes_max: u64) -> Result<(File, Metadata), OutsideFile> {
    let file = open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(problem("unreadable", format!("this is {}, no regular file", what_it_is(metadata.file_type()))));
    }
    if surroundings.root {
        writers::check_file(&metadata)?;
        writers::check_way(path)?;
    }
    if metadata.len() > bytes_max { Err(too_much(bytes_max)) } else { Ok((file, metadata)) }
}

/// Whatever its size was said to be.
fn fill(file: File, bytes: &mut Vec<u8>, bytes_max: u64) -> Result<(), OutsideFile> {
    file.take(bytes_max + 1).read_to_end(bytes).map_err(unreadable)?;
    if bytes.len() as u64 > bytes_max { Err(too_much(bytes_max)) } else { Ok(()) }
}

fn too_much(bytes_max: u64) -> OutsideFile {
    problem("unreadable", format!("more than {}", size(bytes_max)))
}

/// Without waiting for whoever might write into a pipe, and without making a terminal ours.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

fn what_it_is(kind: FileType) -> &'static str {
    match kind {
        kind if kind.is_dir() => "a directory",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

fn size(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mib => format!("{mib} MiB"),
    }
}

/// A program that can be run. Run by root, one that others may write or replace is refused.
pub(super) fn check_program(path: &Path, surroundings: &Surroundings) -> Result<(), OutsideFile> {
    let metadata = std::fs::metadata(path)
        .map_err(|error| problem("unreadable", format!("{}: {}", path.display(), io_words(&error))))?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
        return Err(problem("unreadable", format!("{} is no program", path.display())));
    }
    if surroundings.root {
        writers::check_file(&metadata)?;
        writers::check_way(path)?;
    }
    Ok(())
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

/// What an IO error says, without "(os error 2)".
pub(super) fn io_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "we may not read it".to_owned(),
        // Opening a socket.
        _ if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
            "this is a socket or a device, no regular file".to_owned()
        }
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
