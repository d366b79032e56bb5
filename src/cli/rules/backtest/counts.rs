//! What a backtest counted: the matrix, people's own decisions, rules that do nothing, totals.

use crate::cli::print::{Align, Table, Tone, visible};
use crate::policy::{Beside, Change, PolicySpec, RuleMode, RuleSpec, RuleTally, Said, Undecidable, Verdict};
use crate::service::Backtested;
use serde::Serialize;
use std::collections::BTreeMap;

/// What was counted, for people.
pub(super) fn report(counted: &Backtested, policy: &PolicySpec, shown: u64) -> String {
    let counts = &counted.counts;
    if counts.seen() == 0 {
        return "no recorded application matches".to_owned();
    }
    let changed = counts.changes(Change::Changed);
    let mut parts = Vec::new();
    if shown < changed {
        parts.push(format!("(the newest {shown} of {changed}; all of them with --show 0)"));
    }
    if counts.decided() > 0 {
        parts.push(matrix(counted));
    }
    parts.extend(people(counted));
    parts.extend(quiet_rules(counted, policy));
    if !counted.gone.is_empty() {
        let gone: Vec<String> = counted.gone.iter().map(|(name, n)| format!("{} ({n})", visible(name))).collect();
        parts.push(format!(
            "decided with the rules for all accounts, because the configuration has their account no longer: {}",
            gone.join(", ")
        ));
    }
    parts.push(totals(counted));
    let separator = "\n\n";
    format!("{}{}", if shown > 0 { "\n" } else { "" }, parts.join(separator))
}

/// The old verdicts down, the new ones across; unusual ones only where there are any.
fn matrix(counted: &Backtested) -> String {
    let counts = &counted.counts;
    let olds: Vec<Option<Said>> = Said::ALL.into_iter().map(Some).chain([None]).collect();
    let usual = |said: Said| matches!(said, Said::Agree | Said::Refuse | Said::Hold);
    let news: Vec<Said> =
        Said::ALL.into_iter().filter(|new| usual(*new) || olds.iter().any(|old| counts.cell(*old, *new) > 0)).collect();
    let mut columns = vec![("then \\ now", Align::Left)];
    columns.extend(news.iter().map(|new| (new.word(), Align::Right)));
    let mut table = Table::new(&columns);
    for old in olds {
        if !old.is_some_and(usual) && news.iter().all(|new| counts.cell(old, *new) == 0) {
            continue;
        }
        let mut row = vec![(old.map_or("not by rules", Said::word).to_owned(), Tone::Plain)];
        row.extend(news.iter().map(|new| match counts.cell(old, *new) {
            0 => ("–".to_owned(), Tone::Faint),
            n if old.is_none_or(|old| old == *new) => (n.to_string(), Tone::Plain),
            n => (n.to_string(), Tone::Wait),
        }));
        table.row(row);
    }
    table.text()
}

fn people(counted: &Backtested) -> Option<String> {
    let lines: Vec<String> = [(Verdict::Agree, "agreed to"), (Verdict::Refuse, "refused")]
        .into_iter()
        .filter_map(|(person, did)| {
            let [same, opposite, asks] =
                [Beside::Same, Beside::Opposite, Beside::Asks].map(|beside| counted.counts.people(person, beside));
            let all = same + opposite + asks;
            (all > 0).then(|| {
                format!("people {did} {all}: the rules say the same of {same}, the opposite of {opposite}, and would ask about {asks}")
            })
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Rules that never fired, and those that fired and never decided.
fn quiet_rules(counted: &Backtested, policy: &PolicySpec) -> Option<String> {
    let rules = || counted.counts.rules().iter().zip(&policy.rules);
    let name = |(tally, spec): (&RuleTally, &RuleSpec)| {
        let place = spec.place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
        let shadow = if tally.mode.is_live() { "" } else { ", shadow" };
        let unknown = if tally.unknown > 0 { format!(", unknown {}×", tally.unknown) } else { String::new() };
        format!("  {:?} ({}{shadow}{place}{unknown})", tally.name, tally.action)
    };
    let never: Vec<String> = rules().filter(|(tally, _)| tally.fired == 0).map(name).collect();
    let idle = |tally: &RuleTally| tally.fired > 0 && tally.decided == 0 && tally.mode == RuleMode::Live;
    let outdone: Vec<String> = rules().filter(|(tally, _)| idle(tally)).map(name).collect();
    let mut parts = Vec::new();
    if !never.is_empty() {
        parts.push(format!("rules that never fired:\n{}", never.join("\n")));
    }
    if !outdone.is_empty() {
        parts.push(format!("rules that fired, but another one always decided:\n{}", outdone.join("\n")));
    }
    (!parts.is_empty()).then(|| parts.join("\n"))
}

fn totals(counted: &Backtested) -> String {
    let counts = &counted.counts;
    let changed = counts.changes(Change::Changed);
    let mut text = format!(
        "{} applications: {} decided again, {changed} of them otherwise than then",
        counts.seen(),
        counts.decided()
    );
    let more = [
        (counts.changes(Change::OtherRule), "the same by another rule"),
        (counts.changes(Change::OtherMessage), "refused with another message"),
    ];
    for (n, what) in more.into_iter().filter(|(n, _)| *n > 0) {
        text.push_str(&format!(", {n} {what}"));
    }
    for why in Undecidable::ALL {
        match counts.undecidable(why) {
            0 => {}
            n => text.push_str(&format!("\n{n} cannot be decided again: {}", why.words())),
        }
    }
    text
}

/// What was counted, for machines.
#[derive(Serialize)]
pub(super) struct Summary<'a> {
    applications: u64,
    decided: u64,
    changed: u64,
    /// Unchanged, but by another rule.
    other_rule: u64,
    /// Refused by the same rule, with another message.
    other_message: u64,
    /// Old verdict, new verdict, how many; without the empty ones. `none`: the rules never saw it then.
    matrix: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    not_decided: BTreeMap<&'static str, u64>,
    people: BTreeMap<&'static str, PersonCount>,
    rules: &'a [RuleTally],
    never_fired: Vec<&'a str>,
    accounts_gone: &'a BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct PersonCount {
    same: u64,
    opposite: u64,
    would_ask: u64,
}

impl Summary<'_> {
    pub(super) fn of(counted: &Backtested) -> Summary<'_> {
        let counts = &counted.counts;
        let person = |verdict| PersonCount {
            same: counts.people(verdict, Beside::Same),
            opposite: counts.people(verdict, Beside::Opposite),
            would_ask: counts.people(verdict, Beside::Asks),
        };
        let mut matrix: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for old in Said::ALL.into_iter().map(Some).chain([None]) {
            for new in Said::ALL.into_iter().filter(|new| counts.cell(old, *new) > 0) {
                let row = matrix.entry(old.map_or("none", Said::word)).or_default();
                row.insert(new.word(), counts.cell(old, new));
            }
        }
        Summary {
            applications: counts.seen(),
            decided: counts.decided(),
            changed: counts.changes(Change::Changed),
            other_rule: counts.changes(Change::OtherRule),
            other_message: counts.changes(Change::OtherMessage),
            matrix,
            not_decided: Undecidable::ALL.into_iter().map(|why| (why.word(), counts.undecidable(why))).collect(),
            people: BTreeMap::from([("agree", person(Verdict::Agree)), ("refuse", person(Verdict::Refuse))]),
            rules: counts.rules(),
            never_fired: counts
                .rules()
                .iter()
                .filter(|tally| tally.fired == 0)
                .map(|tally| tally.name.as_str())
                .collect(),
            accounts_gone: &counted.gone,
        }
    }
}
