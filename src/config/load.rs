//! Reading everything, in one go, and giving back either a whole configuration or every problem.

use super::account::{self, Defaults};
use super::{Config, ConfigError, Need, Surroundings, files, include, metrics, notify, service, token};
use crate::document::{Problems, Reading, Table};
use crate::policy::RuleSet;
use crate::policy::parse::{CaseSpec, Outside, ParsedPolicy, parse, parse_cases};
use std::path::{Path, PathBuf};

/// Reads a configuration and all it names.
///
/// # Errors
/// With every problem of every file. Nothing of it can be used then; a running service goes on with the last good one.
pub fn load(path: &Path, surroundings: &Surroundings, need: Need) -> Result<Config, ConfigError> {
    load_text(path, &text_of(path, surroundings)?, surroundings, need)
}

/// A configuration that may be used, and what is odd about its rules.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The configuration, as [`Need::Rules`] reads it.
    pub config: Config,
    /// Every warning; perhaps none.
    pub warnings: Problems,
}

/// Reads a configuration and looks its rules over.
///
/// # Errors
/// As [`load`].
pub fn check(path: &Path, surroundings: &Surroundings) -> Result<Checked, ConfigError> {
    check_text(path, &text_of(path, surroundings)?, surroundings)
}

/// Looks over the rules of a configuration whose text is at hand.
///
/// # Errors
/// As [`load`].
pub fn check_text(path: &Path, text: &str, surroundings: &Surroundings) -> Result<Checked, ConfigError> {
    let reading = Reading::new();
    let config = read_text(&reading, path, text, surroundings, Need::Rules);
    if !reading.has_errors() {
        config.policy.report_lints(&reading);
    }
    let warnings = reading.finish_with_warnings()?;
    Ok(Checked { config, warnings })
}

pub(super) fn text_of(path: &Path, surroundings: &Surroundings) -> Result<String, Problems> {
    let name = path.display().to_string();
    files::read(path, surroundings).map_err(|why| {
        let help = why.help.or_else(|| Some("name another file with -c FILE or $MENSHEN_CONFIG".to_owned()));
        Problems::about_file(why.code, &name, format!("the configuration cannot be used: {}", why.message), help)
    })
}

/// Reads a configuration whose text is at hand, as if it stood in `path`: for rules built into the program.
///
/// # Errors
/// As [`load`].
pub fn load_text(path: &Path, text: &str, surroundings: &Surroundings, need: Need) -> Result<Config, ConfigError> {
    let reading = Reading::new();
    let config = read_text(&reading, path, text, surroundings, need);
    reading.finish()?;
    Ok(config)
}

pub(super) fn read_text(reading: &Reading, path: &Path, text: &str, surroundings: &Surroundings, need: Need) -> Config {
    let document = reading.parse(&path.display().to_string(), text);
    let root = document.root(reading);
    let config = read(&root, path, surroundings, need);
    root.finish();
    check_rules(&config.policy, reading);
    config
}

/// The cases of these files, to be decided by the rules of `config`. A file that `config` was read from gives the cases it has there.
///
/// # Errors
/// With every problem of every file; none of their cases can be run then.
pub fn load_cases(
    paths: &[PathBuf],
    config: &Config,
    surroundings: &Surroundings,
) -> Result<Vec<CaseSpec>, ConfigError> {
    let reading = Reading::new();
    let accounts = (!config.account_names.is_empty()).then_some(config.account_names.as_slice());
    let mut cases = Vec::new();
    for path in paths {
        if files_of(config).any(|known| files::same_file(path, known)) {
            let here = |case: &&CaseSpec| files::same_file(path, Path::new(&*case.place.file));
            cases.extend(config.policy.cases.iter().filter(here).cloned());
            continue;
        }
        let name = path.display().to_string();
        match files::read(path, surroundings) {
            Ok(text) => {
                let document = reading.parse(&name, &text);
                let root = document.root(&reading);
                cases.extend(parse_cases(&root, &config.policy.spec, accounts));
                root.finish();
            }
            Err(why) => {
                let message = format!("the cases cannot be read: {}", why.message);
                reading.report_file(why.code, &name, message, why.help);
            }
        }
    }
    reading.finish()?;
    Ok(cases)
}

/// The files rules and cases of a configuration stand in.
fn files_of(config: &Config) -> impl Iterator<Item = &Path> {
    let rules = config.policy.spec.rules.iter().filter_map(|rule| rule.place.as_ref());
    let places = rules.chain(config.policy.cases.iter().map(|case| &case.place));
    std::iter::once(config.path.as_path()).chain(places.map(|place| Path::new(&*place.file)))
}

/// The whole file; what is wrong is reported and stands in for by a default.
fn read(root: &Table<'_>, path: &Path, surroundings: &Surroundings, need: Need) -> Config {
    let written = root.optional("account");
    let tables = written.as_ref().and_then(|v| v.list()).unwrap_or_default();
    let (service, wechat) = (root.optional("service"), root.optional("wechat"));
    let platform = root.optional("platform");
    let limits = account::limits(root.optional("limits"), "[limits]", account::Limits::default());
    let pending = service::pending(root.optional("pending"));
    let housekeeping = service::housekeeping(root.optional("housekeeping"));
    let (service, platform, accounts, account_names) = match need {
        Need::Policy => {
            // One name that is not known would make an error of every rule for it.
            let included = include::names_quietly(service.as_ref(), path, surroundings);
            let names = included.map(|more| account::names(&tables).into_iter().chain(more).collect());
            (service::default(), None, Vec::new(), names.unwrap_or_default())
        }
        Need::Secrets | Need::State | Need::Rules => {
            let (wechat, base_url) = account::wechat(wechat, path, surroundings, need);
            let (service, patterns) = service::read(service, path);
            let included = include::open(&patterns, path, root.reading(), surroundings);
            if need != Need::Rules && tables.is_empty() && patterns.is_empty() && written.is_none_or(|v| v.is_list()) {
                let help = "name the plugin's owner: [[account]] with name, appid and token, here or in a file of [service] include";
                root.reading().report_help("missing", root.spot(), "there is no [[account]]", help);
            }
            let has_platform = platform.is_some();
            let defaults = Defaults { wechat, written: base_url, limits, has_platform, path, surroundings, need };
            let more = included.iter().map(|file| (file.path.as_path(), include::tables(file, root.reading())));
            let tables: Vec<_> = std::iter::once((path, tables)).chain(more).collect();
            let (accounts, names) = account::read(&tables, &defaults);
            let platform = platform.and_then(|v| token::platform(&v, &defaults));
            (service, platform, accounts, names)
        }
    };
    let (told, measured) = (root.optional("notify"), root.optional("metrics"));
    let metrics = if need == Need::Policy { None } else { metrics::read(measured) };
    let notify = match need {
        Need::Policy => Vec::new(),
        _ => notify::read(told, &notify::Around { path, surroundings, need, accounts: &account_names }),
    };
    let known =
        (matches!(need, Need::Secrets | Need::State) || !account_names.is_empty()).then_some(account_names.as_slice());
    let policy = match need {
        Need::State => ParsedPolicy::left_out(root),
        _ => policy(root, path, known, surroundings),
    };
    Config {
        path: path.to_owned(),
        service,
        platform,
        accounts,
        account_names,
        limits,
        policy,
        pending,
        housekeeping,
        notify,
        metrics,
    }
}

fn policy(root: &Table<'_>, path: &Path, accounts: Option<&[String]>, surroundings: &Surroundings) -> ParsedPolicy {
    let mut outside = Outside {
        matching: &mut |directory, pattern| files::matching(directory, pattern, path),
        read: &mut |file| files::read(file, surroundings),
    };
    parse(root, path, accounts, &mut outside)
}

/// What only compiling the rules shows (a keyword that folds to nothing, an unknown placeholder), reported at its place.
fn check_rules(policy: &ParsedPolicy, reading: &Reading) {
    if let Err(problems) = RuleSet::compile(policy.spec.clone()) {
        policy.report_rule_problems(reading, &problems);
    }
}
