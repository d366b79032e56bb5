//! The collector: texts come in, problems are kept, and at the end there are either none or all of them.

use super::problem::{FileId, Problem, Problems, Severity, Source, Spot};
use super::table::Table;
use super::tree;
use std::cell::RefCell;
use std::sync::Arc;
use toml::de::DeTable;

/// Collects texts and what is wrong with them while a configuration is read.
///
/// Handed around by shared reference: whoever finds a problem reports it and goes on.
#[derive(Debug, Default)]
pub struct Reading {
    state: RefCell<State>,
}

#[derive(Debug, Default)]
struct State {
    sources: Vec<Source>,
    problems: Vec<Problem>,
    /// Part of the files could not be read: what seems to be missing may stand there.
    incomplete: bool,
}

/// A parsed TOML text.
#[derive(Debug)]
pub struct Document {
    file: FileId,
    root: tree::Entries,
}

impl Document {
    /// The whole text as a table.
    pub fn root<'a>(&'a self, reading: &'a Reading) -> Table<'a> {
        Table::new(reading, Spot { file: self.file, start: 0, end: 0 }, &self.root, String::new())
    }

    /// Which text it is.
    pub fn file(&self) -> FileId {
        self.file
    }
}

impl Reading {
    /// Nothing read yet.
    pub fn new() -> Reading {
        Reading::default()
    }

    /// Keeps a text so that problems can point into it. A byte order mark is dropped.
    pub fn add(&self, name: &str, text: &str) -> FileId {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let sources = &mut self.state.borrow_mut().sources;
        sources.push(Source::new(name, text));
        FileId(sources.len() - 1)
    }

    /// Parses a text as TOML. Syntax errors are reported, and what could be saved is returned.
    pub fn parse(&self, name: &str, text: &str) -> Document {
        let file = self.add(name, text);
        let text = self.text(file);
        let (tree, errors) = DeTable::parse_recoverable(&text);
        for error in &errors {
            let span = error.span().unwrap_or(text.len()..text.len());
            let spot = Spot { file, start: span.start, end: span.end };
            self.keep(Severity::Error, "syntax", spot, error.message().to_owned(), syntax_help(&text[span.start..]));
        }
        if !errors.is_empty() {
            self.mark_incomplete();
        }
        Document { file, root: tree::entries(tree.into_inner()) }
    }

    /// The text as read, without its byte order mark.
    pub fn text(&self, file: FileId) -> Arc<str> {
        Arc::clone(&self.state.borrow().sources[file.0].text)
    }

    /// The name the text was added under.
    pub fn name(&self, file: FileId) -> Arc<str> {
        Arc::clone(&self.state.borrow().sources[file.0].name)
    }

    /// Line and column (in characters) of the start of a spot, both from 1.
    pub fn position(&self, spot: Spot) -> (u32, u32) {
        self.state.borrow().sources[spot.file.0].position(spot.start)
    }

    /// Keeps a problem.
    pub fn report(&self, code: &'static str, spot: Spot, message: impl Into<String>) {
        self.keep(Severity::Error, code, spot, message.into(), None);
    }

    /// Keeps a problem and what would be right.
    pub fn report_help(&self, code: &'static str, spot: Spot, message: impl Into<String>, help: impl Into<String>) {
        self.keep(Severity::Error, code, spot, message.into(), Some(help.into()));
    }

    /// Keeps a warning: it stops nobody from using what was read.
    pub fn warn(&self, code: &'static str, spot: Spot, message: String, help: Option<String>) {
        self.keep(Severity::Warning, code, spot, message, help);
    }

    /// Keeps a problem with a file that has no text.
    pub fn report_file(&self, code: &'static str, file: &str, message: String, help: Option<String>) {
        let severity = Severity::Error;
        let problem = Problem { severity, code, spot: None, file: file.into(), line: 0, column: 0, message, help };
        self.state.borrow_mut().problems.push(problem);
    }

    /// True when something is wrong, warnings aside.
    pub fn has_errors(&self) -> bool {
        self.state.borrow().problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    fn keep(&self, severity: Severity, code: &'static str, spot: Spot, message: String, help: Option<String>) {
        let (line, column) = self.position(spot);
        let file = self.name(spot.file);
        self.state.borrow_mut().problems.push(Problem {
            severity,
            code,
            spot: Some(spot),
            file,
            line,
            column,
            message,
            help,
        });
    }

    /// Part of the files could not be read; what only seems to be missing is then not reported.
    pub fn mark_incomplete(&self) {
        self.state.borrow_mut().incomplete = true;
    }

    /// Nothing in that stretch will be shown.
    pub fn mask(&self, spot: Spot) {
        self.state.borrow_mut().sources[spot.file.0].masks.push(spot.start..spot.end);
    }

    /// True when a problem is known at exactly that stretch.
    pub fn has_problem_at(&self, spot: Spot) -> bool {
        self.state.borrow().problems.iter().any(|p| p.spot == Some(spot))
    }

    /// Nothing, or everything that is wrong.
    ///
    /// # Errors
    /// With all problems, when there is at least one: the configuration must not be used.
    pub fn finish(self) -> Result<(), Problems> {
        self.finish_with_warnings().map(drop)
    }

    /// The warnings, perhaps none; or everything, when anything is wrong.
    ///
    /// # Errors
    /// With all problems and warnings, when there is at least one problem.
    pub fn finish_with_warnings(self) -> Result<Problems, Problems> {
        let wrong = self.has_errors();
        let State { sources, mut problems, incomplete } = self.state.into_inner();
        if incomplete {
            drop_consequences(&mut problems, &sources);
        }
        problems.sort_by_key(|p| p.spot);
        problems.dedup();
        let problems = Problems { sources, problems };
        if wrong { Err(problems) } else { Ok(problems) }
    }
}

/// A name that seems unknown may stand in the part that could not be read; a key that seems missing from a file that
/// is no TOML, too; and keys below a broken `[header]` seem to be in another table. On a broken line everything but its first syntax error is noise.
fn drop_consequences(problems: &mut Vec<Problem>, sources: &[Source]) {
    let mut broken: Vec<(Option<FileId>, u32)> = Vec::new();
    let headers: Vec<Spot> = problems.iter().filter_map(|p| broken_header(p, sources)).collect();
    problems.sort_by_key(|p| p.spot);
    problems.retain(|p| {
        let line = (file_of(p), p.line);
        let first = !broken.contains(&line);
        if p.code == "syntax" {
            broken.push(line);
        }
        first || p.code != "syntax"
    });
    problems.retain(|p| match p.code {
        "syntax" => true,
        "unknown-name" | "no-rules" => false,
        "unknown-key" if headers.iter().any(|h| p.spot.is_some_and(|s| s.file == h.file && s.start > h.start)) => false,
        "missing" => !broken.iter().any(|(file, _)| *file == file_of(p)),
        _ => !broken.contains(&(file_of(p), p.line)),
    });
}

fn broken_header(problem: &Problem, sources: &[Source]) -> Option<Spot> {
    let spot = problem.spot.filter(|_| problem.code == "syntax")?;
    let before = sources[spot.file.0].text.get(..spot.start)?;
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.trim_start().starts_with('[').then_some(spot)
}

fn file_of(problem: &Problem) -> Option<FileId> {
    problem.spot.map(|s| s.file)
}

fn syntax_help(rest: &str) -> Option<String> {
    let fullwidth = rest.chars().next()?;
    let meant = match fullwidth {
        '“' | '”' | '＂' => '"',
        '‘' | '’' => '\'',
        '＝' => '=',
        '，' | '、' => ',',
        '【' | '［' => '[',
        '】' | '］' => ']',
        '｛' => '{',
        '｝' => '}',
        '＃' => '#',
        _ => return None,
    };
    Some(format!("TOML wants the ASCII `{meant}` here, not `{fullwidth}`"))
}
