//! Reading everything, in one go, and giving back either a whole configuration or every problem.

use super::account::{self, Defaults};
use super::{Config, ConfigError, Need, Surroundings, files, service};
use crate::document::{Problems, Reading, Table};
use crate::policy::RuleSet;
use crate::policy::parse::{Outside, ParsedPolicy, parse};
use std::path::Path;

/// Reads a configuration and all it names.
///
/// # Errors
/// With every problem of every file. Nothing of it can be used then; a running service goes on with the last good one.
pub fn load(path: &Path, surroundings: &Surroundings, need: Need) -> Result<Config, ConfigError> {
    let name = path.display().to_string();
    let text = files::read(path, surroundings).map_err(|why| {
        let help = why.help.or_else(|| Some("name another file with -c FILE or $MENSHEN_CONFIG".to_owned()));
        Problems::about_file(why.code, &name, format!("the configuration cannot be used: {}", why.message), help)
    })?;
    load_text(path, &text, surroundings, need)
}

/// Reads a configuration whose text is at hand, as if it stood in `path`: for rules built into the program.
///
/// # Errors
/// As [`load`].
pub fn load_text(path: &Path, text: &str, surroundings: &Surroundings, need: Need) -> Result<Config, ConfigError> {
    let reading = Reading::new();
    let document = reading.parse(&path.display().to_string(), text);
    let root = document.root(&reading);
    let config = read(&root, path, surroundings, need);
    root.finish();
    check_rules(&config.policy, &reading);
    reading.finish()?;
    Ok(config)
}

/// The whole file; what is wrong is reported and stands in for by a default.
fn read(root: &Table<'_>, path: &Path, surroundings: &Surroundings, need: Need) -> Config {
    let written = root.optional("account");
    let tables = written.as_ref().and_then(|v| v.list()).unwrap_or_default();
    let (service, wechat) = (root.optional("service"), root.optional("wechat"));
    let limits = account::limits(root.optional("limits"), "[limits]", account::Limits::default());
    let pending = service::pending(root.optional("pending"));
    let (service, accounts, account_names) = match need {
        Need::Policy => (service::default(), Vec::new(), account::names(&tables)),
        Need::Secrets | Need::State => {
            let wechat = account::wechat(wechat, path);
            if tables.is_empty() && written.is_none_or(|v| v.is_list()) {
                let help = "name the plugin's owner: [[account]] with name, appid and token";
                root.reading().report_help("missing", root.spot(), "there is no [[account]]", help);
            }
            let defaults = Defaults { wechat, limits, path, surroundings, need };
            let (accounts, names) = account::read(&tables, &defaults);
            (service::read(service, path), accounts, names)
        }
    };
    let known = (need != Need::Policy || !account_names.is_empty()).then_some(account_names.as_slice());
    let policy = match need {
        Need::State => ParsedPolicy::left_out(root),
        Need::Secrets | Need::Policy => policy(root, path, known, surroundings),
    };
    Config { path: path.to_owned(), service, accounts, account_names, limits, policy, pending }
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
