//! `rules check`: errors and warnings of a configuration, each with a code that can be explained.

use crate::cli::args::{Format, Global};
use crate::cli::print::{self, Csv};
use crate::cli::{DONE, FAILED, WRONG, Wrong, demo, setup};
use crate::config::{self, Checked, ConfigError};
use crate::document::{Problem, suggest};
use anyhow::Error;
use clap::Args;
use serde::Serialize;
use std::borrow::Cow;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

pub(super) const EXAMPLES: &str = "\
Examples:
  menshen rules check
  menshen rules check rules.toml --deny-warnings --format json
  menshen rules check --explain never-decides

Exit status: 0 nothing wrong (warnings included), 1 warnings with --deny-warnings, 2 errors.";

/// Every code with what it means; `## code` begins a page.
const PAGES: &str = include_str!("../../../docs/lints.md");

/// What is checked.
#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArgs {
    /// Configurations to check [default: the one other commands use]
    files: Vec<PathBuf>,
    /// Say what a code means, with an example
    #[arg(long, value_name = "CODE", conflicts_with_all = ["files", "deny_warnings"])]
    explain: Option<String>,
    /// Warnings too make the exit status 1
    #[arg(long)]
    deny_warnings: bool,
}

/// Checks and prints.
pub(super) fn check(global: &Global, args: &CheckArgs) -> Result<u8, Error> {
    if let Some(code) = &args.explain {
        return explain(code);
    }
    let surroundings = config::Surroundings::of_process();
    let mut found = Found::default();
    if global.sandbox && global.config.is_none() && args.files.is_empty() {
        found.add(config::check_text(Path::new("built-in rules"), demo::RULES, &surroundings));
    } else if args.files.is_empty() {
        found.add(config::check(&setup::find(global)?, &surroundings));
    }
    args.files.iter().for_each(|file| found.add(config::check(file, &surroundings)));
    found.print(global.format)?;
    Ok(match (found.errors, found.warnings) {
        (1.., _) => WRONG,
        (_, 1..) if args.deny_warnings => FAILED,
        _ => DONE,
    })
}

/// What all files brought.
#[derive(Default)]
struct Found {
    results: Vec<Result<Checked, ConfigError>>,
    errors: usize,
    warnings: usize,
    rules: usize,
}

impl Found {
    fn add(&mut self, result: Result<Checked, ConfigError>) {
        match &result {
            Ok(checked) => {
                self.warnings += checked.warnings.count();
                self.rules += checked.config.policy.spec.rules.len();
            }
            Err(error) => self.errors += error.problems().count(),
        }
        self.results.push(result);
    }

    fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.results.iter().flat_map(|result| {
            let (warnings, errors) = (result.as_ref().ok(), result.as_ref().err());
            let warnings = warnings.into_iter().flat_map(|checked| checked.warnings.iter());
            warnings.chain(errors.into_iter().flat_map(ConfigError::problems))
        })
    }

    fn print(&self, format: Format) -> Result<(), Error> {
        match format {
            Format::Human => self.print_for_people(),
            Format::Json => self.problems().try_for_each(|problem| print::json(&Diagnostic::of(problem))),
            Format::Csv => {
                let mut csv = Csv::begin(&["code", "severity", "file", "line", "column", "message", "help"])?;
                for problem in self.problems() {
                    let number = |number: u32| Cow::from(number.to_string());
                    csv.row([
                        Cow::from(problem.code),
                        Cow::from(problem.severity.word()),
                        Cow::from(&*problem.file),
                        number(problem.line),
                        number(problem.column),
                        Cow::from(&problem.message),
                        Cow::from(problem.help.as_deref().unwrap_or_default()),
                    ])?;
                }
                csv.end()
            }
        }
    }

    fn print_for_people(&self) -> Result<(), Error> {
        let colour =
            std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        for result in &self.results {
            let drawn = match result {
                Ok(checked) => checked.warnings.render(colour),
                Err(error) => error.render(colour),
            };
            if !drawn.is_empty() {
                print::line(&format!("{drawn}\n"))?;
            }
        }
        let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let sums = [counted(self.rules, "rule"), counted(self.errors, "error"), counted(self.warnings, "warning")];
        print::line(&sums.join(", "))?;
        match self.errors + self.warnings {
            0 => Ok(()),
            _ => print::line("What a code means: menshen rules check --explain CODE"),
        }
    }
}

/// A problem, as JSON shows it.
#[derive(Serialize)]
struct Diagnostic<'a> {
    code: &'a str,
    severity: &'static str,
    file: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    message: &'a str,
    help: Option<&'a str>,
}

impl Diagnostic<'_> {
    fn of(problem: &Problem) -> Diagnostic<'_> {
        let place = |number: u32| (number > 0).then_some(number);
        Diagnostic {
            code: problem.code,
            severity: problem.severity.word(),
            file: &problem.file,
            line: place(problem.line),
            column: place(problem.column),
            message: &problem.message,
            help: problem.help.as_deref(),
        }
    }
}

fn explain(code: &str) -> Result<u8, Error> {
    match page(code) {
        Some(page) => print::line(page).map(|()| DONE),
        None => {
            let help = suggest(code, codes(), "codes");
            Err(Error::new(Wrong(format!("menshen: there is no code {code:?}; {help}"))))
        }
    }
}

/// Every code that has a page.
fn codes() -> impl Iterator<Item = &'static str> {
    PAGES.lines().filter_map(|line| line.strip_prefix("## ")).map(str::trim).filter(|code| !code.contains(' '))
}

/// The page of a code, with its heading.
fn page(code: &str) -> Option<&'static str> {
    let code = codes().find(|known| *known == code)?;
    let heading = format!("\n## {code}\n");
    let start = PAGES.find(&heading)? + 1;
    let rest = &PAGES[start..];
    let end = rest[2..].find("\n## ").map_or(rest.len(), |at| at + 2);
    Some(rest[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::lint::CODES;
    use std::collections::BTreeSet;
    use std::fs;

    /// Codes as the sources report them: a literal that is the first argument of a reporting call or a `code` field.
    fn reported() -> BTreeSet<String> {
        let call = r#"(?:\.report(?:_help)?|\.warn|\.wrong|[^.]problem|about_file)\(\s*"([a-z-]+)""#;
        let calls =
            regex::Regex::new(&format!(r#"{call}|\bcode: "([a-z-]+)"|self\.keep\(Severity::Error, "([a-z-]+)""#))
                .expect("a plain pattern");
        let mut found = BTreeSet::new();
        let mut look = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
        while let Some(path) = look.pop() {
            if path.is_dir() {
                let entries = fs::read_dir(&path).expect("our own sources");
                look.extend(entries.map(|entry| entry.expect("our own sources").path()));
            } else if ["document", "config", "policy"]
                .iter()
                .any(|room| path.components().any(|part| part.as_os_str() == *room))
                && !path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("tests"))
            {
                let text = fs::read_to_string(&path).unwrap_or_default();
                let code =
                    |found: regex::Captures<'_>| found.iter().skip(1).flatten().map(|m| m.as_str().to_owned()).next();
                found.extend(calls.captures_iter(&text).filter_map(code));
            }
        }
        found
    }

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let mut expected = reported();
        assert!(expected.contains("unknown-key") && expected.contains("syntax") && expected.contains("permissions"));
        expected.extend(CODES.map(str::to_owned));
        let documented: BTreeSet<String> = codes().map(str::to_owned).collect();
        assert_eq!(documented, expected);
    }

    #[test]
    fn a_page_is_found_whole() {
        let page = page("never-decides").expect("it has one");
        assert!(
            page.starts_with("## never-decides\n") && page.contains("```toml") && page.matches("\n## ").count() == 0
        );
        assert!(codes().all(|code| super::page(code).is_some_and(|page| page.len() > 40)), "each says something");
        assert_eq!(super::page("never"), None);
    }
}
