//! Messages: placeholders that may stay empty, and messages that may be cut.

use super::{Findings, catalogue};
use crate::policy::{
    Condition, Lists, RuleSpec, Test, Verdict,
    category::Entry,
    keywords::as_shown,
    message::{Placeholder, Template},
};

/// An appid as WeChat gives them out: `wx` and sixteen digits.
const APPID_CHARS: usize = 18;

pub(super) fn look(findings: &mut Findings<'_>) {
    let spec = &findings.policy.spec;
    for (index, rule) in spec.rules.iter().enumerate().filter(|(_, rule)| rule.action == Verdict::Refuse) {
        let Some(template) = rule.message.as_deref().and_then(|written| Template::read(written).ok()) else { continue };
        for word in may_stay_empty(rule, &template) {
            let message = format!("{{{word}}} stays empty where this rule fires without a {word} of its own");
            let help = format!("make two rules of it, or say it without {{{word}}}");
            findings.warn("empty-placeholder", Some(index), "message", message, &help);
        }
        too_long(findings, Some(index), "message", &template, |placeholder| chars(rule, placeholder));
    }
    if spec.default == Verdict::Refuse
        && let Some(template) = spec.default_message.as_deref().and_then(|written| Template::read(written).ok())
    {
        default_message(findings, &template);
    }
}

fn default_message(findings: &mut Findings<'_>, template: &Template) {
    let words = [(Placeholder::Keyword, "keyword"), (Placeholder::Rule, "rule"), (Placeholder::Category, "category")];
    for (_, word) in
        words.iter().filter(|(wanted, _)| template.placeholders().any(|placeholder| placeholder == *wanted))
    {
        let message = match *word {
            "category" => "{category} stays empty for an application without categories".to_owned(),
            word => format!("{{{word}}} is always empty here: no rule has fired"),
        };
        findings.warn("empty-placeholder", None, "message", message, "");
    }
    too_long(findings, None, "message", template, |placeholder| match placeholder {
        Placeholder::Category => catalogue::longest(None),
        Placeholder::Appid => APPID_CHARS,
        Placeholder::Keyword | Placeholder::Rule | Placeholder::Nickname => 0,
    });
}

fn too_long(
    findings: &mut Findings<'_>,
    rule: Option<usize>,
    path: &str,
    template: &Template,
    chars: impl Fn(Placeholder) -> usize,
) {
    let (longest, most) = (template.chars(chars), findings.policy.spec.message_max_chars);
    if longest > most {
        let message = format!("filled in, this message may have {longest} characters; it is cut after {most}");
        findings.warn("message-too-long", rule, path, message, "shorten it, or raise message_max_chars in [policy]");
    }
}

fn may_stay_empty(rule: &RuleSpec, template: &Template) -> Vec<&'static str> {
    let without_category = |unless: &Condition| unless.tests.iter().all(|test| matches!(test, Test::Category(_)));
    let asked = |wanted| template.placeholders().any(|placeholder| placeholder == wanted);
    let keyword = (Placeholder::Keyword, "keyword", names_keyword(&rule.when));
    let category = names_category(&rule.when) || rule.unless.as_ref().is_some_and(without_category);
    let category = (Placeholder::Category, "category", category);
    let empty = [keyword, category].into_iter().filter(|(wanted, _, always)| !always && asked(*wanted));
    empty.map(|(_, word, _)| word).collect()
}

/// Whether every way to meet the condition finds a keyword of an `any` or `all` list.
fn names_keyword(condition: &Condition) -> bool {
    condition.tests.iter().any(|test| match test {
        Test::Reason(text) | Test::Nickname(text) => text.keywords.any.is_some() || text.keywords.all.is_some(),
        Test::AnyOf(branches) => branches.iter().all(names_keyword),
        _ => false,
    })
}

/// Whether every way to meet the condition knows the categories: then there is one to name.
fn names_category(condition: &Condition) -> bool {
    condition.tests.iter().any(|test| match test {
        Test::Category(_) => true,
        Test::AnyOf(branches) => branches.iter().all(names_category),
        Test::Not(inner) => inner.tests.iter().all(|test| matches!(test, Test::Category(_))),
        _ => false,
    })
}

/// The most characters a placeholder of a rule can stand for; nicknames, which have any length, not counted.
fn chars(rule: &RuleSpec, placeholder: Placeholder) -> usize {
    let (mut keywords, mut categories) = (Vec::new(), Vec::new());
    gather(&rule.when, &mut keywords, &mut categories);
    let length = |written: &&str| as_shown(written).chars().count();
    match placeholder {
        Placeholder::Keyword => keywords.iter().map(length).max().unwrap_or_default(),
        Placeholder::Category if categories.is_empty() => catalogue::longest(None),
        Placeholder::Category => categories.iter().map(|written| category_chars(written)).max().unwrap_or_default(),
        Placeholder::Appid => APPID_CHARS,
        Placeholder::Rule => rule.name.chars().count(),
        Placeholder::Nickname => 0,
    }
}

fn category_chars(written: &str) -> usize {
    let known = Entry::read(written).map_or(0, |entry| catalogue::longest(Some(&entry)));
    if known > 0 { known } else { written.chars().count() }
}

/// The entries of `any` and `all` lists outside of `not`.
fn gather<'a>(condition: &'a Condition, keywords: &mut Vec<&'a str>, categories: &mut Vec<&'a str>) {
    let both = |lists: &'a Lists| lists.any.iter().chain(&lists.all).flatten().map(String::as_str);
    for test in &condition.tests {
        match test {
            Test::Reason(text) | Test::Nickname(text) => keywords.extend(both(&text.keywords)),
            Test::Category(lists) => categories.extend(both(lists)),
            Test::AnyOf(branches) => branches.iter().for_each(|branch| gather(branch, keywords, categories)),
            _ => {}
        }
    }
}
