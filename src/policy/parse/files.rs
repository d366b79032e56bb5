//! What a policy needs from outside its main file, asked for through functions: the ground floor does no IO.

use crate::document::{Document, Reading, Spot};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The files a pattern matches from a directory on, sorted; or why that cannot be told.
pub type Matching<'a> = dyn FnMut(&Path, &str) -> Result<Vec<PathBuf>, String> + 'a;

/// A file's text, or why it cannot be had.
pub type Read<'a> = dyn FnMut(&Path) -> Result<String, OutsideFile> + 'a;

/// The way to other files.
pub struct Outside<'a> {
    /// Called for each pattern of `include`, with the directory of the file it stands in.
    pub matching: &'a mut Matching<'a>,
    /// Called for each included file and each list file.
    pub read: &'a mut Read<'a>,
}

/// Why a file's text cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideFile {
    /// The code the problem is reported under: `unreadable`, `permissions`.
    pub code: &'static str,
    /// What is wrong, without the file's name.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
}

impl OutsideFile {
    /// Reports it where the file is named.
    pub(super) fn report(self, reading: &Reading, spot: Spot, path: &Path) {
        let message = format!("{}: {}", path.display(), self.message);
        match self.help {
            Some(help) => reading.report_help(self.code, spot, message, help),
            None => reading.report(self.code, spot, message),
        }
    }
}

/// A file that was included.
#[derive(Debug)]
pub struct Included {
    /// Where it is.
    pub path: PathBuf,
    /// What stands in it.
    pub document: Document,
}

/// The directory relative paths of a file start from.
pub(super) fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Reads every file the patterns match, each once, sorted within a pattern; never the main file itself.
pub fn included(
    patterns: &[(String, Spot)],
    main: &Path,
    reading: &Reading,
    outside: &mut Outside<'_>,
) -> Vec<Included> {
    let mut known = HashSet::new();
    let mut found: Vec<(PathBuf, Spot)> = Vec::new();
    for (pattern, spot) in patterns {
        let paths = matches_of(pattern, *spot, main, reading, outside);
        found.extend(paths.into_iter().filter(|path| known.insert(path.clone())).map(|path| (path, *spot)));
    }
    found.into_iter().filter_map(|(path, spot)| open(path, spot, reading, outside)).collect()
}

fn matches_of(pattern: &str, spot: Spot, main: &Path, reading: &Reading, outside: &mut Outside<'_>) -> Vec<PathBuf> {
    let directory = directory(main);
    let paths = match (outside.matching)(directory, pattern) {
        Ok(paths) => paths,
        Err(why) => {
            reading.mark_incomplete();
            reading.report("include", spot, format!("include \"{pattern}\": {why}"));
            return Vec::new();
        }
    };
    let paths: Vec<PathBuf> = paths.into_iter().filter(|p| p != main).collect();
    if paths.is_empty() {
        let message = format!("include \"{pattern}\" matches no file");
        let place = directory.join(pattern);
        reading.mark_incomplete();
        reading.report_help("include", spot, message, format!("looked for {}", place.display()));
    }
    paths
}

fn open(path: PathBuf, spot: Spot, reading: &Reading, outside: &mut Outside<'_>) -> Option<Included> {
    match (outside.read)(&path) {
        Ok(text) => {
            let document = reading.parse(&path.to_string_lossy(), &text);
            Some(Included { path, document })
        }
        Err(why) => {
            reading.mark_incomplete();
            why.report(reading, spot, &path);
            None
        }
    }
}
