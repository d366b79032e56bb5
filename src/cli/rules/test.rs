//! `rules test`: runs cases and says what differs, what was not exercised, and how it all went.

use super::junit::junit;
use crate::cli::args::{Format, Global};
use crate::cli::print::{self, Csv, Tone, paint, rule_lines, visible};
use crate::cli::{DONE, FAILED, Wrong, setup};
use crate::config;
use crate::policy::{Actual, Brake, CaseResult, Coverage, Difference, Expected, RuleWhy, Trial, Truth, Why};
use anyhow::{Context, Error, anyhow};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

pub(super) const EXAMPLES: &str = "\
Examples:
  menshen rules test                                  the cases of the configuration and of what it includes
  menshen -c menshen.toml rules test cases/*.toml     cases in files of their own
  menshen rules test --coverage                       also the rules and conditions no case exercised
  menshen rules test --junit report.xml               for CI

Exit status: 0 every case passed, 1 one failed or there is none, 2 a file is wrong.";

/// More rules than this, and the trace of a failure shows only those that matter to it.
const ALL_SHOWN_MAX: usize = 12;

/// Which cases, and what to write.
#[derive(Debug, Args)]
pub(in crate::cli) struct TestArgs {
    /// Files of [[case]] tables; without one, the cases of the configuration
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// List the rules and conditions that no case exercised
    #[arg(long)]
    coverage: bool,
    /// Write JUnit XML; `-` is standard output, and nothing else is printed there then
    #[arg(long, value_name = "FILE|-")]
    junit: Option<PathBuf>,
}

/// Runs the cases.
pub(super) fn test(global: &Global, args: &TestArgs) -> Result<u8, Error> {
    let junit_only = args.junit.as_deref() == Some(Path::new("-"));
    if junit_only && global.format != Format::Human {
        return Err(Error::new(Wrong("menshen: `--junit -` and `--format` both want standard output".to_owned())));
    }
    let (results, coverage) = run(global, args)?;
    if let Some(path) = &args.junit {
        let xml = junit(&results, |result| visible_lines(&failure_lines(result, false)));
        match junit_only {
            true => print::raw(&xml)?,
            false => std::fs::write(path, xml).with_context(|| format!("{} cannot be written", path.display()))?,
        }
    }
    let coverage = args.coverage.then_some(&coverage);
    match global.format {
        _ if junit_only => {}
        Format::Human => human(&results, coverage)?,
        Format::Json => json(&results, coverage)?,
        Format::Csv => csv(&results)?,
    }
    if results.is_empty() {
        let help = "write a [[case]] table with name, given and expect; config.example.toml has two";
        return Err(anyhow!("there is no [[case]] to run: {help}"));
    }
    Ok(if results.iter().all(CaseResult::passed) { DONE } else { FAILED })
}

fn run(global: &Global, args: &TestArgs) -> Result<(Vec<CaseResult>, Coverage), Error> {
    let config = setup::policy(global)?;
    let cases = match args.files.as_slice() {
        [] => config.policy.cases.clone(),
        files => config::load_cases(files, &config, &config::Surroundings::of_process()).map_err(setup::wrong)?,
    };
    let broken = |problems: Vec<_>| anyhow!("the rules do not compile: {}", problems.len());
    let mut trial = Trial::new(&config.policy.spec, &config.account_names).map_err(broken)?;
    let now = Timestamp::now();
    let results = cases.iter().map(|case| trial.run(case, now)).collect::<Result<Vec<_>, _>>().map_err(broken)?;
    Ok((results, trial.coverage().clone()))
}

fn human(results: &[CaseResult], coverage: Option<&Coverage>) -> Result<(), Error> {
    for result in results {
        let name = visible(&result.name);
        match result.passed() {
            true => print::line(&paint(&format!("✓ {name}"), Tone::Good))?,
            false => {
                print::line(&paint(&format!("✗ {name} ({})", result.place), Tone::Bad))?;
                for line in failure_lines(result, true) {
                    print::line(&format!("    {line}"))?;
                }
            }
        }
    }
    if let Some(coverage) = coverage {
        tell_coverage(coverage)?;
    }
    match results.len() {
        0 => Ok(()),
        _ => print::line(&format!("\n{}", Summary::of(results).in_words())),
    }
}

/// What differed, and the trace.
fn failure_lines(result: &CaseResult, with_text: bool) -> Vec<String> {
    let mut lines: Vec<String> = result.differences.iter().map(difference_line).collect();
    if let Some(account) = result.account.as_ref().filter(|_| !result.passed()) {
        lines.push(format!("decided for account {account}"));
    }
    lines.push(format!("because     {}", visible(&result.why.sentence)));
    let shown: Vec<&RuleWhy> = result.why.rules.iter().filter(|rule| matters(rule, result)).collect();
    for rule in &shown {
        match with_text {
            true => lines.extend(rule_lines(rule, &result.application)),
            false => lines.extend(plain_lines(rule)),
        }
    }
    match result.why.rules.len() - shown.len() {
        0 => {}
        more => lines.push(format!("({more} more rules did not fire)")),
    }
    lines
}

fn difference_line(difference: &Difference) -> String {
    let Difference { what, expected, actual } = difference;
    let actual = actual.as_deref().map_or("none".to_owned(), |actual| format!("\"{}\"", visible(actual)));
    format!("{what:<11} expected \"{}\", found {actual}", visible(expected))
}

fn plain_lines(rule: &RuleWhy) -> Vec<String> {
    let word = |truth| match truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Unknown => "unknown",
    };
    let head = format!("rule \"{}\" ({}): {}", rule.rule, rule.action, word(rule.truth));
    let line = |why: &crate::policy::ConditionWhy| format!("    {} {}: {}", word(why.truth), why.path, why.words);
    std::iter::once(head).chain(rule.conditions.iter().map(line)).collect()
}

/// Whether a rule tells why a case failed: it says something, it was expected to, or there are few.
fn matters(rule: &RuleWhy, result: &CaseResult) -> bool {
    let wanted = match &result.expected.rule {
        Some(name) => *name == rule.rule,
        None => rule.action == result.expected.verdict,
    };
    result.why.rules.len() <= ALL_SHOWN_MAX || rule.truth != Truth::False || wanted
}

fn visible_lines(lines: &[String]) -> String {
    lines.iter().map(|line| visible(line)).collect::<Vec<_>>().join("\n")
}

fn tell_coverage(coverage: &Coverage) -> Result<(), Error> {
    let fired = coverage.rules.iter().filter(|rule| rule.fired).count();
    let conditions: usize = coverage.rules.iter().map(|rule| rule.conditions.len()).sum();
    let both = conditions - coverage.unexercised().count();
    print::line(&format!(
        "\ncoverage: {fired} of {} rules fired; {both} of {conditions} conditions were both true and false",
        coverage.rules.len()
    ))?;
    for rule in &coverage.rules {
        let place = rule.place.as_deref().map(|place| format!(" ({place})")).unwrap_or_default();
        let gaps: Vec<String> = rule.conditions.iter().filter_map(gap_line).collect();
        if rule.fired && gaps.is_empty() {
            continue;
        }
        let never = if rule.fired { "" } else { ": never fired" };
        print::line(&paint(&format!("  \"{}\"{place}{never}", visible(&rule.rule)), Tone::Wait))?;
        for gap in gaps {
            print::line(&gap)?;
        }
    }
    Ok(())
}

fn gap_line(condition: &crate::policy::ConditionCoverage) -> Option<String> {
    let words = match (condition.held, condition.failed) {
        (true, true) => return None,
        (false, true) => "never true",
        (true, false) => "never false",
        (false, false) => "never true, never false",
    };
    Some(format!("    {}: {words}", condition.path))
}

/// One case, as JSON shows it.
#[derive(Serialize)]
struct Record<'a> {
    name: &'a str,
    place: String,
    account: Option<&'a str>,
    passed: bool,
    expected: &'a Expected,
    actual: &'a Actual,
    differences: &'a [Difference],
    why: &'a Why,
}

/// How all went.
#[derive(Serialize)]
struct Summary {
    cases: usize,
    passed: usize,
    failed: usize,
}

impl Summary {
    fn of(results: &[CaseResult]) -> Summary {
        let passed = results.iter().filter(|result| result.passed()).count();
        Summary { cases: results.len(), passed, failed: results.len() - passed }
    }

    fn in_words(&self) -> String {
        let cases = if self.cases == 1 { "1 case".to_owned() } else { format!("{} cases", self.cases) };
        format!("{cases}: {} passed, {} failed", self.passed, self.failed)
    }
}

#[derive(Serialize)]
struct LastLine<'a> {
    summary: Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<&'a Coverage>,
}

fn json(results: &[CaseResult], coverage: Option<&Coverage>) -> Result<(), Error> {
    for result in results {
        print::json(&Record {
            name: &result.name,
            place: result.place.to_string(),
            account: result.account.as_deref(),
            passed: result.passed(),
            expected: &result.expected,
            actual: &result.actual,
            differences: &result.differences,
            why: &result.why,
        })?;
    }
    print::json(&LastLine { summary: Summary::of(results), coverage })
}

fn csv(results: &[CaseResult]) -> Result<(), Error> {
    let mut csv = Csv::begin(&["name", "place", "passed", "verdict", "rule", "message", "brake", "why"])?;
    for result in results {
        let actual = &result.actual;
        csv.row([
            Cow::from(&result.name),
            Cow::from(result.place.to_string()),
            Cow::from(if result.passed() { "true" } else { "false" }),
            Cow::from(actual.verdict.word()),
            Cow::from(actual.rule.as_deref().unwrap_or_default()),
            Cow::from(actual.message.as_deref().unwrap_or_default()),
            Cow::from(actual.brake.map(Brake::word).unwrap_or_default()),
            Cow::from(&result.why.sentence),
        ])?;
    }
    csv.end()
}
