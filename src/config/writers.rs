//! Who else could change what root is about to read.
//!
//! A file is as safe as the way to it: whoever may write a directory on that way can put another
//! file in its place. Symbolic links are followed one by one, and the directory each stands in counts as well.
//! A directory with the sticky bit that belongs to root, such as `/tmp`, is no danger to what belongs to root in it.

use super::files::io_words;
use crate::policy::parse::OutsideFile;
use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// As many links as the kernel follows: path_resolution(7).
const LINKS_MAX: u32 = 40;
/// Set on directories: only its owner may remove or rename what is in there.
const STICKY: u32 = 0o1000;

/// The file itself: nobody but root may write it.
pub(super) fn check_file(file: &Metadata) -> Result<(), OutsideFile> {
    match writer(file) {
        Some(who) => Err(refused(format!("run by root, and {who} may write it"), "FILE")),
        None => Ok(()),
    }
}

/// The way to it: nobody but root may put something else in its place.
pub(super) fn check_way(path: &Path) -> Result<(), OutsideFile> {
    let way = Way::to(path).map_err(|error| io_problem(&error))?;
    way.walk().map_err(|error| io_problem(&error))?
}

/// The steps still to be taken.
struct Way {
    here: PathBuf,
    /// The next one last.
    left: Vec<OsString>,
    links: u32,
}

impl Way {
    fn to(path: &Path) -> io::Result<Way> {
        let mut way = Way { here: PathBuf::from("/"), left: Vec::new(), links: 0 };
        way.go_on_to(&std::path::absolute(path)?);
        Ok(way)
    }

    /// Takes these steps next. An absolute path begins at the root again.
    fn go_on_to(&mut self, path: &Path) {
        if path.is_absolute() {
            self.here = PathBuf::from("/");
        }
        let steps = path.components().filter(|step| matches!(step, Component::Normal(_) | Component::ParentDir));
        self.left.extend(steps.rev().map(|step| step.as_os_str().to_owned()));
    }

    fn walk(mut self) -> io::Result<Result<(), OutsideFile>> {
        while let Some(step) = self.left.pop() {
            if step == ".." {
                // No entry of the directory: nobody can make it lead elsewhere.
                self.here.pop();
                continue;
            }
            let directory = self.here.symlink_metadata()?;
            if let Some(who) = intruder(&directory) {
                let message =
                    format!("run by root, and {who} may replace it: {} is theirs to write", self.here.display());
                return Ok(Err(refused(message, &self.here.display().to_string())));
            }
            let next = self.here.join(&step);
            let found = next.symlink_metadata()?;
            if !found.is_symlink() {
                self.here = next;
                continue;
            }
            // In a directory everybody may write, whoever made the link may make another.
            if is_shared(&directory) && found.uid() != 0 {
                let message = format!("run by root, and {} is a link of user {}", next.display(), found.uid());
                return Ok(Err(refused(message, &next.display().to_string())));
            }
            self.links += 1;
            if self.links > LINKS_MAX {
                return Err(io::Error::other("too many links lead to it"));
            }
            self.go_on_to(&std::fs::read_link(&next)?);
        }
        Ok(Ok(()))
    }
}

/// Who may replace what root has in this directory.
fn intruder(directory: &Metadata) -> Option<String> {
    if is_shared(directory) { None } else { writer(directory) }
}

/// As `/tmp`: others may make things in there, and leave what is root's alone.
fn is_shared(directory: &Metadata) -> bool {
    directory.uid() == 0 && directory.mode() & STICKY != 0
}

/// Somebody other than root who may write: everybody, an owner, a group other than root's.
fn writer(metadata: &Metadata) -> Option<String> {
    let mode = metadata.mode();
    if mode & 0o002 != 0 {
        Some("everybody".to_owned())
    } else if metadata.uid() != 0 {
        Some(format!("its owner, user {},", metadata.uid()))
    } else if mode & 0o020 != 0 && metadata.gid() != 0 {
        Some(format!("group {}", metadata.gid()))
    } else {
        None
    }
}

fn refused(message: String, what: &str) -> OutsideFile {
    let help = format!("whoever may write it decides what root does: chown root: {what}; chmod go-w {what}");
    OutsideFile { code: "permissions", message, help: Some(help) }
}

fn io_problem(error: &io::Error) -> OutsideFile {
    OutsideFile { code: "unreadable", message: io_words(error), help: None }
}
