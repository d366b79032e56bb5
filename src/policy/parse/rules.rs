//! `[[rule]]` tables.

use super::conditions::Conditions;
use super::lists::NamedLists;
use super::places::Places;
use crate::document::{Reading, Spot, Table, Value, suggest};
use crate::policy::{Condition, Place, RuleLimit, RuleMode, RuleSpec, Test, Verdict};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

pub(super) const VERDICTS: [(&str, Verdict); 3] =
    [("agree", Verdict::Agree), ("refuse", Verdict::Refuse), ("hold", Verdict::Hold)];

/// The longest time a rule's limit may span.
const LIMIT_PER_MAX: Duration = Duration::from_secs(366 * 86_400);

const MODES: [(&str, RuleMode); 2] = [("live", RuleMode::Live), ("shadow", RuleMode::Shadow)];

/// The tables a main or included file may hold.
pub(super) struct Parts<'a> {
    pub(super) lists: Option<Value<'a>>,
    pub(super) rules: Vec<Value<'a>>,
    pub(super) cases: Vec<Value<'a>>,
}

impl<'a> Parts<'a> {
    pub(super) fn of(root: &Table<'a>) -> Parts<'a> {
        let list = |value: Option<Value<'a>>| value.and_then(|v| v.list()).unwrap_or_default();
        Parts { lists: root.optional("lists"), rules: list(root.optional("rule")), cases: list(root.optional("case")) }
    }
}

/// True when a `[[rule]]` is written anywhere, right or wrong.
pub(super) fn any_written(tables: &[(&Path, Parts<'_>)]) -> bool {
    tables.iter().any(|(_, parts)| !parts.rules.is_empty())
}

/// Reads the rules of all files, in their order; and every name written, also of rules that are broken.
pub(super) fn read<'t, 'a: 't>(
    tables: impl Iterator<Item = &'t Value<'a>>,
    lists: &NamedLists,
    accounts: Option<&[String]>,
    places: &mut Places,
) -> (Vec<RuleSpec>, Vec<String>) {
    let mut names = Names::default();
    let tables = tables.filter_map(|value| value.table("[[rule]]"));
    let rules = tables.enumerate().map(|(index, table)| {
        let rule = rule(&table, index, lists, accounts, places, &mut names);
        table.finish();
        rule
    });
    (rules.collect(), names.order)
}

/// The names of rules met so far.
#[derive(Default)]
struct Names {
    places: HashMap<String, Place>,
    /// In the order of the files.
    order: Vec<String>,
}

/// What is wrong is reported and stands in for by something that reports nothing further.
fn rule(
    table: &Table<'_>,
    index: usize,
    lists: &NamedLists,
    accounts: Option<&[String]>,
    places: &mut Places,
    names: &mut Names,
) -> RuleSpec {
    places.set(Some(index), "", table.spot());
    let name = name(table, index, places, names);
    let action = table.required("action").and_then(|v| v.one_of(&VERDICTS));
    let mode = table.optional("mode").and_then(|v| v.one_of(&MODES)).unwrap_or_default();
    let message = message(table, index, action, places);
    let accounts = table.optional("accounts").map(|v| account_names(&v, accounts));
    let note = table.optional("note").and_then(|v| v.text()).map(str::to_owned);
    let limit = table.optional("limit").and_then(|v| limit(&v, action));
    let mut conditions = Conditions { rule: index, lists, places };
    let when = table.required("when").map(|v| conditions.table(&v, "when"));
    let unless = table.optional("unless").map(|v| conditions.table(&v, "unless"));
    RuleSpec {
        name: name.unwrap_or_default(),
        action: action.unwrap_or(Verdict::Hold),
        mode,
        message,
        accounts,
        note,
        limit,
        when: when.unwrap_or_else(|| Condition { tests: vec![Test::Always] }),
        unless,
        place: Some(place(table.reading(), table.spot())),
    }
}

fn name(table: &Table<'_>, index: usize, places: &mut Places, names: &mut Names) -> Option<String> {
    let value = table.required("name")?;
    let name = value.words()?;
    places.set(Some(index), "name", value.spot());
    let here = place(table.reading(), value.spot());
    if let Some(other) = names.places.get(name) {
        let message = format!("another rule is named `{name}`: {other}");
        value.wrong("duplicate", message, "the audit log names rules: each needs a name of its own");
    } else {
        names.places.insert(name.to_owned(), here);
        names.order.push(name.to_owned());
    }
    Some(name.to_owned())
}

fn message(table: &Table<'_>, index: usize, action: Option<Verdict>, places: &mut Places) -> Option<String> {
    let value = table.optional("message");
    match (&value, action) {
        (None, Some(Verdict::Refuse)) => table.reading().report_help(
            "message",
            table.spot(),
            "a rule that refuses needs a message for the applicant",
            "add `message = \"…\"`; it may hold {keyword}, {category}, {nickname}, {appid} and {rule}",
        ),
        (Some(value), Some(action @ (Verdict::Agree | Verdict::Hold))) => value.wrong(
            "message",
            format!("this message would never be sent: the rule's action is {action}"),
            "only a refusal carries a message; for reviewers write `note`",
        ),
        _ => {}
    }
    let value = value?;
    places.set(Some(index), "message", value.spot());
    let _reported_if_empty = value.words();
    value.text_quietly().map(str::to_owned)
}

fn limit(value: &Value<'_>, action: Option<Verdict>) -> Option<RuleLimit> {
    if action == Some(Verdict::Hold) {
        value.wrong(
            "limit",
            "this limit would never be counted: the rule's action is hold",
            "only what is agreed to or refused is limited; leave `limit` out",
        );
    }
    let table = value.table("`limit`")?;
    let max = table.required("max").and_then(|v| v.whole(0..=u64::from(u32::MAX)));
    let per = table.required("per").and_then(|v| v.duration(Duration::from_secs(1)..=LIMIT_PER_MAX));
    table.finish();
    Some(RuleLimit { max: max? as u32, per: per? })
}

fn account_names(value: &Value<'_>, known: Option<&[String]>) -> Vec<String> {
    let mut names = Vec::new();
    for entry in value.filled_list().unwrap_or_default() {
        let Some(name) = entry.words() else { continue };
        if let Some(known) = known.filter(|k| !k.iter().any(|k| k == name)) {
            let help = suggest(name, known.iter().map(String::as_str), "accounts");
            entry.wrong("unknown-name", format!("there is no account named `{name}`"), help);
        }
        names.push(name.to_owned());
    }
    names
}

/// Place for people, as a rule carries it.
pub(super) fn place(reading: &Reading, spot: Spot) -> Place {
    Place { file: reading.name(spot.file), line: reading.position(spot).0 }
}
