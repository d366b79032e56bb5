//! From TOML to the policy: rules, lists and cases, with every problem and its place.
//!
//! Hides includes, list files, `"@name"` and the grammar of conditions. Reads no
//! file itself: what stands outside is asked for through [`Outside`]. Problems go
//! to the [`Reading`]; what comes back is whole only if that has none.

mod cases;
mod compiled;
mod conditions;
mod files;
mod lists;
mod places;
mod rules;
#[cfg(test)]
mod tests;

pub use cases::{CaseSpec, Given, Previous, When, parse_cases};
pub use files::{Included, Matching, Outside, OutsideFile, Read, included};
pub use lists::ListSpec;
pub use places::Places;

use super::{PolicySpec, Verdict};
use crate::document::{Reading, Spot, Table};
use lists::NamedLists;
use std::path::Path;

/// Longest message sent unless the configuration says otherwise, in characters.
const MESSAGE_MAX_CHARS: u64 = 200;

/// What the files say about deciding applications.
#[derive(Debug, Clone)]
pub struct ParsedPolicy {
    /// The rules of all accounts, lists filled in; see [`PolicySpec::for_account`].
    pub spec: PolicySpec,
    /// The `[[case]]` tables, in the order of the files.
    pub cases: Vec<CaseSpec>,
    /// The named lists, in the order of the files.
    pub lists: Vec<ListSpec>,
    /// Where everything stands, for problems found later.
    pub places: Places,
}

impl ParsedPolicy {
    /// No rules at all, whatever the file says: for who does not need them.
    pub fn left_out(root: &Table<'_>) -> ParsedPolicy {
        for key in ["policy", "lists", "rule", "case"] {
            let _known = root.optional(key);
        }
        let spec = PolicySpec {
            rules: Vec::new(),
            default: Verdict::Hold,
            default_message: None,
            message_max_chars: MESSAGE_MAX_CHARS as usize,
        };
        ParsedPolicy { spec, cases: Vec::new(), lists: Vec::new(), places: Places::new(root.spot()) }
    }

    /// The place of something in a rule (`when.reason.any[2]`, counted from 0), or of the nearest thing above it that has one.
    pub fn place_of(&self, rule: Option<usize>, path: &str) -> Option<Spot> {
        self.places.find(rule, path)
    }
}

/// Reads `[policy]`, `[lists]`, `[[rule]]` and `[[case]]` of the main file and of all it includes.
///
/// `path` is the main file; `accounts` are the names a rule may be limited to, `None` if they are not to be checked.
pub fn parse(root: &Table<'_>, path: &Path, accounts: Option<&[String]>, outside: &mut Outside<'_>) -> ParsedPolicy {
    let reading = root.reading();
    let head = Head::read(root);
    let documents = files::included(&head.include, path, reading, outside);
    let mut tables = vec![(path, rules::Parts::of(root))];
    for included in &documents {
        let root = included.document.root(reading);
        tables.push((included.path.as_path(), rules::Parts::of(&root)));
        root.finish();
    }
    let lists = NamedLists::read(tables.iter().map(|(path, parts)| (*path, parts.lists.as_ref())), reading, outside);
    let mut places = Places::new(root.spot());
    let (rules, names) = rules::read(tables.iter().flat_map(|(_, parts)| &parts.rules), &lists, accounts, &mut places);
    let cases =
        cases::read(tables.iter().flat_map(|(_, parts)| &parts.cases), cases::Names { rules: &names, accounts });
    head.check_default(reading, rules::any_written(&tables));
    head.remember(&mut places);
    let spec = PolicySpec {
        rules,
        default: head.default,
        default_message: head.message,
        message_max_chars: head.message_max_chars,
    };
    ParsedPolicy { spec, cases, lists: lists.specs(), places }
}

/// `[policy]`.
struct Head {
    default: Verdict,
    default_spot: Option<Spot>,
    message: Option<String>,
    message_spot: Option<Spot>,
    message_max_chars: usize,
    include: Vec<(String, Spot)>,
}

impl Head {
    fn read(root: &Table<'_>) -> Head {
        let mut head = Head {
            default: Verdict::Hold,
            default_spot: None,
            message: None,
            message_spot: None,
            message_max_chars: MESSAGE_MAX_CHARS as usize,
            include: Vec::new(),
        };
        if let Some(table) = root.optional("policy").and_then(|v| v.table("[policy]")) {
            head.fill(&table);
            table.finish();
        }
        head
    }

    fn fill(&mut self, table: &Table<'_>) {
        if let Some(value) = table.optional("default") {
            self.default_spot = Some(value.spot());
            self.default = value.one_of(&rules::VERDICTS).unwrap_or(Verdict::Hold);
        }
        if let Some(value) = table.optional("message") {
            self.message_spot = Some(value.spot());
            let _reported_if_empty = value.words();
            self.message = Some(value.text_quietly().unwrap_or_default().to_owned());
        }
        let max = table.optional("message_max_chars").and_then(|v| v.whole(1..=100_000));
        self.message_max_chars = max.unwrap_or(MESSAGE_MAX_CHARS) as usize;
        let include = table.optional("include").and_then(|v| v.filled_list()).unwrap_or_default();
        self.include = include.iter().filter_map(|v| Some((v.words()?.to_owned(), v.spot()))).collect();
    }

    fn check_default(&self, reading: &Reading, any_rule: bool) {
        let Some(spot) = self.default_spot else {
            return self.check_idle_message(reading);
        };
        if self.default != Verdict::Hold && !any_rule {
            let message = format!("default = \"{}\" without a single rule decides everybody alike", self.default);
            reading.report_help("no-rules", spot, message, "write rules, or use default = \"hold\"");
        }
        if self.default == Verdict::Refuse && self.message_spot.is_none() {
            reading.report_help(
                "message",
                spot,
                "default = \"refuse\" needs a message for those it refuses",
                "add `message = \"…\"` to [policy]",
            );
        }
        self.check_idle_message(reading);
    }

    fn check_idle_message(&self, reading: &Reading) {
        if let Some(spot) = self.message_spot.filter(|_| self.default != Verdict::Refuse) {
            let message = format!("this message would never be sent: the default is {}", self.default);
            reading.report_help("message", spot, message, "only default = \"refuse\" sends a message");
        }
    }

    fn remember(&self, places: &mut Places) {
        if let Some(spot) = self.default_spot {
            places.set(None, "default", spot);
        }
        if let Some(spot) = self.message_spot {
            for path in ["message", "default_message", "policy.message"] {
                places.set(None, path, spot);
            }
        }
    }
}
