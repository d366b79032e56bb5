//! What is wrong, where, and what would be right. Pure records; `render` draws them.

use super::render;
use std::{fmt, sync::Arc};

/// One of the texts of a [`Problems`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub(super) usize);

/// A stretch of one text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Spot {
    /// The text.
    pub file: FileId,
    /// Its first byte.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
}

/// Whether a configuration may be used all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// It must not be used.
    Error,
    /// It may; somebody should look at it.
    Warning,
}

impl Severity {
    /// The word that is shown.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// Something wrong in a file, or with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether the configuration may be used all the same.
    pub severity: Severity,
    /// Short and stable, for scripts and tests: `unknown-key`, `missing`, `kind` …
    pub code: &'static str,
    /// Where it stands in a text; `None` when the file itself is the problem.
    pub spot: Option<Spot>,
    /// The file as the user named it; empty when there is none.
    pub file: Arc<str>,
    /// From 1; 0 without a spot.
    pub line: u32,
    /// In characters, from 1; 0 without a spot.
    pub column: u32,
    /// What is wrong, in one line.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.spot {
            Some(_) => write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message),
            None if self.file.is_empty() => f.write_str(&self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// A text as it was read.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) name: Arc<str>,
    pub(super) text: Arc<str>,
    /// Where each line starts; a text is asked for thousands of places.
    lines: Vec<usize>,
    /// Stretches that must not be shown.
    pub(super) masks: Vec<std::ops::Range<usize>>,
}

impl Source {
    pub(super) fn new(name: &str, text: &str) -> Source {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        Source { name: name.into(), text: text.into(), lines, masks: Vec::new() }
    }

    /// Line and column (in characters) of a byte, both from 1.
    pub(super) fn position(&self, byte: usize) -> (u32, u32) {
        let byte = self.boundary(byte);
        let line = self.lines.partition_point(|start| *start <= byte);
        let column = self.text[self.lines[line - 1]..byte].chars().count() + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }

    /// The nearest character boundary at or before a byte.
    pub(super) fn boundary(&self, byte: usize) -> usize {
        (0..=byte.min(self.text.len())).rev().find(|&b| self.text.is_char_boundary(b)).unwrap_or(0)
    }
}

/// Every problem of a set of files, in the order of the files and their lines; or every warning.
#[derive(Debug, Clone)]
pub struct Problems {
    pub(super) sources: Vec<Source>,
    pub(super) problems: Vec<Problem>,
}

impl Problems {
    /// A problem with a file that has no text, e.g. one that is not there.
    pub fn about_file(code: &'static str, file: &str, message: String, help: Option<String>) -> Problems {
        let severity = Severity::Error;
        let problem = Problem { severity, code, spot: None, file: file.into(), line: 0, column: 0, message, help };
        Problems { sources: Vec::new(), problems: vec![problem] }
    }

    /// In the order they are shown.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.problems.len()
    }

    /// All of them as rustc would show them, each with its line and a caret under the place. No final newline.
    pub fn render(&self, colour: bool) -> String {
        render::render(self, colour)
    }
}
