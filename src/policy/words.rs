//! The words that go into a message: which keyword and which category are named.
//!
//! Promises that words inside `not` and `unless` are never named. Does not decide.

use super::{
    Condition, Lists, RuleSet, RuleSpec, Test,
    check::{Check, Facts, Field, NumberLists},
    keywords::as_shown,
    message::Placeholder,
};
use std::cmp::Reverse;

/// The message of a rule for an application that it may not be meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleMessage {
    /// Every placeholder stands for something.
    Whole(String),
    /// A placeholder stands for nothing: the rule finds no keyword, category or nickname here.
    WithGaps(String),
}

/// The message of a rule, or of the default, filled in.
pub(super) fn fill(rules: &RuleSet, rule: Option<usize>, facts: &Facts<'_>) -> String {
    match filled(rules, rule, facts) {
        RuleMessage::Whole(message) | RuleMessage::WithGaps(message) => message,
    }
}

/// As [`fill`], and whether every placeholder stands for something.
pub(super) fn filled(rules: &RuleSet, rule: Option<usize>, facts: &Facts<'_>) -> RuleMessage {
    let spec = rule.map(|rule| &rules.spec().rules[rule]);
    let template = match rule {
        Some(rule) => rules.compiled.rules[rule].message.as_ref(),
        None => rules.compiled.default_message.as_ref(),
    };
    let Some(template) = template else { return RuleMessage::Whole(String::new()) };
    let lists = match (spec, rule) {
        (Some(spec), Some(rule)) => positive(&spec.when, &rules.compiled.rules[rule].when),
        _ => Vec::new(),
    };
    let mut gaps = false;
    let message = template.fill(rules.spec().message_max_chars, |placeholder, out| {
        let before = out.len();
        match placeholder {
            Placeholder::Keyword => out.push_str(keyword(&lists, facts)),
            Placeholder::Category => category(&lists, facts, out),
            Placeholder::Nickname => out.push_str(&facts.application.nickname),
            Placeholder::Appid => out.push_str(facts.application.appid.as_str()),
            Placeholder::Rule => out.push_str(spec.map_or("", |spec: &RuleSpec| &spec.name)),
        }
        gaps |= out.len() == before;
    });
    if gaps { RuleMessage::WithGaps(message) } else { RuleMessage::Whole(message) }
}

/// Lists of a condition that say what is sought, not what is ruled out.
struct Positive<'a> {
    /// Of a text; none for categories.
    field: Option<Field>,
    written: &'a Lists,
    numbers: &'a NumberLists,
}

fn positive<'a>(condition: &'a Condition, checks: &'a [Check]) -> Vec<Positive<'a>> {
    let mut lists = Vec::new();
    gather(condition, checks, &mut lists);
    lists
}

fn gather<'a>(condition: &'a Condition, checks: &'a [Check], lists: &mut Vec<Positive<'a>>) {
    for pair in condition.tests.iter().zip(checks) {
        match pair {
            (Test::Category(written), Check::Category(numbers)) => {
                lists.push(Positive { field: None, written, numbers });
            }
            (Test::Reason(text) | Test::Nickname(text), Check::Text(check)) => {
                let (field, numbers) = (Some(check.field), &check.keywords);
                lists.push(Positive { field, written: &text.keywords, numbers });
            }
            (Test::AnyOf(conditions), Check::AnyOf(branches)) => {
                conditions.iter().zip(branches).for_each(|(condition, checks)| gather(condition, checks, lists));
            }
            _ => {}
        }
    }
}

/// The keyword that starts first in the reason, then in the nickname; the longest on a tie; as written, without `*`.
fn keyword<'a>(lists: &[Positive<'a>], facts: &Facts<'_>) -> &'a str {
    let first_in = |field| {
        let found = lists.iter().filter(|list| list.field == Some(field)).flat_map(|list| found(list, field, facts));
        found.min_by_key(|(start, length, _)| (*start, Reverse(*length))).map(|(_, _, keyword)| keyword)
    };
    first_in(Field::Reason).or_else(|| first_in(Field::Nickname)).unwrap_or_default()
}

/// Start, length and written form of the keywords of a list's `any` and `all` that were found.
fn found<'a>(list: &Positive<'a>, field: Field, facts: &Facts<'_>) -> Vec<(usize, usize, &'a str)> {
    let sides = [(&list.written.any, &list.numbers.any), (&list.written.all, &list.numbers.all)];
    let mut found = Vec::new();
    for (written, numbers) in sides {
        let (Some(written), Some(numbers)) = (written, numbers) else { continue };
        let hits = facts.text(field).hits.all().iter();
        let mut listed: Vec<_> = hits.filter_map(|hit| Some((numbers.index(hit.number)?, hit))).collect();
        listed.sort_unstable_by_key(|(index, _)| *index);
        found.extend(listed.iter().map(|(index, hit)| (hit.start, hit.end - hit.start, as_shown(&written[*index]))));
    }
    found
}

/// The first category on an `any` or `all` list of the rule, else the first that is on no `none` list.
fn category(lists: &[Positive<'_>], facts: &Facts<'_>, out: &mut String) {
    let lists = || lists.iter().filter(|list| list.field.is_none()).map(|list| list.numbers);
    let sought = |category| {
        let mut both = lists().flat_map(|lists| [&lists.any, &lists.all]).flatten();
        both.any(|list| facts.categories.on_list(category, list))
    };
    let ruled_out = |category| {
        let mut none = lists().filter_map(|lists| lists.none.as_ref());
        none.any(|list| facts.categories.on_list(category, list))
    };
    let count = facts.application.categories.len();
    let named =
        (0..count).find(|at| sought(*at)).or_else(|| (0..count).find(|at| !ruled_out(*at) && has_first(facts, *at)));
    if let Some(at) = named {
        out.push_str(&facts.application.categories[at].to_string());
    }
}

fn has_first(facts: &Facts<'_>, at: usize) -> bool {
    facts.application.categories[at].first.is_some()
}
