//! Deciding as the manual says it, one rule after the other, without anything clever: what the engine is
//! compared with, in tests and in benches. Uses what is public only.

use super::policy::*;
use std::time::Duration;

/// The verdict, the deciding rule and the unknown live rules.
pub(crate) fn decide(
    spec: &PolicySpec,
    application: &Application,
    moment: &Moment<'_>,
) -> (Verdict, Option<usize>, Vec<usize>) {
    if !application.malformed.is_empty() {
        return (Verdict::Hold, None, Vec::new());
    }
    let truths: Vec<Truth> = spec.rules.iter().map(|rule| rule_truth(rule, application, moment)).collect();
    let live = |index: &usize| spec.rules[*index].mode == RuleMode::Live;
    let with = |truth| (0..truths.len()).filter(live).filter(|index| truths[*index] == truth).collect::<Vec<_>>();
    let (fired, unknown) = (with(Truth::True), with(Truth::Unknown));
    let first = |action| fired.iter().copied().find(|index| spec.rules[*index].action == action);
    let stopped = unknown.iter().any(|index| spec.rules[*index].action != Verdict::Agree);
    let (verdict, rule) = if let Some(rule) = first(Verdict::Refuse) {
        (Verdict::Refuse, Some(rule))
    } else if let Some(rule) = first(Verdict::Hold) {
        (Verdict::Hold, Some(rule))
    } else if stopped {
        (Verdict::Hold, None)
    } else if let Some(rule) = first(Verdict::Agree) {
        (Verdict::Agree, Some(rule))
    } else if !unknown.is_empty() {
        (Verdict::Hold, None)
    } else {
        (spec.default, None)
    };
    (verdict, rule, unknown)
}

fn rule_truth(rule: &RuleSpec, application: &Application, moment: &Moment<'_>) -> Truth {
    let when = condition(&rule.when, application, moment);
    let unless = rule.unless.as_ref().map_or(Truth::False, |unless| condition(unless, application, moment));
    least([when, negated(unless)])
}

fn rank(truth: Truth) -> u8 {
    match truth {
        Truth::False => 0,
        Truth::Unknown => 1,
        Truth::True => 2,
    }
}

/// AND is the least of them, with false < unknown < true.
fn least(truths: impl IntoIterator<Item = Truth>) -> Truth {
    truths.into_iter().min_by_key(|truth| rank(*truth)).unwrap_or(Truth::True)
}

fn negated(truth: Truth) -> Truth {
    match truth {
        Truth::True => Truth::False,
        Truth::False => Truth::True,
        Truth::Unknown => Truth::Unknown,
    }
}

fn told(holds: bool) -> Truth {
    if holds { Truth::True } else { Truth::False }
}

fn condition(condition: &Condition, application: &Application, moment: &Moment<'_>) -> Truth {
    least(condition.tests.iter().map(|one| test(one, application, moment)).collect::<Vec<_>>())
}

fn test(test: &Test, application: &Application, moment: &Moment<'_>) -> Truth {
    match test {
        Test::Always => Truth::True,
        Test::Category(lists) => categories(lists, &application.categories),
        Test::Reason(test) => told(text(test, &application.reason)),
        Test::Nickname(test) => told(text(test, &application.nickname)),
        Test::Appid(lists) => {
            let on = |list: &Vec<String>| list.iter().any(|appid| appid == application.appid.as_str());
            told(lists.any.as_ref().is_none_or(on) && !lists.none.as_ref().is_some_and(on))
        }
        Test::Age(test) => age(test, application, moment),
        Test::Previous(test) => told(previous(test, application, moment)),
        Test::AnyOf(branches) => {
            let truths = branches.iter().map(|branch| condition(branch, application, moment));
            truths.max_by_key(|truth| rank(*truth)).unwrap_or(Truth::False)
        }
        Test::Not(inner) => negated(condition(inner, application, moment)),
    }
}

fn age(test: &AgeTest, application: &Application, moment: &Moment<'_>) -> Truth {
    let Some(created) = application.create_time.instant() else { return Truth::Unknown };
    let secs = moment.now.as_second() - created.as_second();
    if secs < -600 {
        return Truth::Unknown;
    }
    let age = Duration::from_secs(secs.max(0).unsigned_abs());
    told(test.min.is_none_or(|min| age >= min) && test.max.is_none_or(|max| age <= max))
}

fn previous(test: &PreviousTest, application: &Application, moment: &Moment<'_>) -> bool {
    let since = test.within.map(|within| moment.now.as_second() - within.as_secs() as i64);
    let count = |what| {
        let mut times = std::collections::HashSet::new();
        for earlier in moment.history.of(&application.appid) {
            let young = since.is_none_or(|since| earlier.at.as_second() >= since);
            if earlier.what == what && young && earlier.create_time.text() != application.create_time.text() {
                times.insert(earlier.create_time.text());
            }
        }
        times.len() as u64
    };
    test.agreed.is_none_or(|least| count(EarlierKind::Agreed) >= least)
        && test.refused.is_none_or(|least| count(EarlierKind::Refused) >= least)
        && test.held.is_none_or(|least| count(EarlierKind::Held) >= least)
}

fn text(test: &TextTest, text: &str) -> bool {
    let chars = text.trim().chars().count() as u64;
    let folded = fold(text);
    let has = |keyword: &String| occurs(keyword, &folded);
    let lists = &test.keywords;
    test.min_chars.is_none_or(|min| chars >= min)
        && test.max_chars.is_none_or(|max| chars <= max)
        && lists.any.as_ref().is_none_or(|list| list.iter().any(has))
        && lists.all.as_ref().is_none_or(|list| list.iter().all(has))
        && lists.none.as_ref().is_none_or(|list| !list.iter().any(has))
        && test.regex.as_ref().is_none_or(|list| list.iter().any(|written| matches_regex(written, text)))
}

fn matches_regex(written: &str, text: &str) -> bool {
    regex::Regex::new(written).expect("it compiled in a rule").is_match(text)
}

/// Whether a keyword occurs in a folded text.
pub(crate) fn occurs(keyword: &str, text: &str) -> bool {
    place(keyword, text).is_some()
}

/// Where a keyword occurs first in a folded text, and how long it is, in characters.
pub(crate) fn place(keyword: &str, text: &str) -> Option<(usize, usize)> {
    let keyword: Vec<char> = fold(keyword).chars().collect();
    let (mut from, mut to) = (0, keyword.len());
    let open_start = keyword.first() == Some(&'*');
    from += usize::from(open_start);
    let open_end = to > from && keyword[to - 1] == '*';
    to -= usize::from(open_end);
    let (keyword, text) = (&keyword[from..to], text.chars().collect::<Vec<_>>());
    let alphanumeric = |c: Option<&char>| c.is_some_and(char::is_ascii_alphanumeric);
    let stands = |at: &usize| {
        let at = *at;
        let before = if at == 0 { None } else { text.get(at - 1) };
        text[at..].starts_with(keyword)
            && (open_start || !alphanumeric(keyword.first()) || !alphanumeric(before))
            && (open_end || !alphanumeric(keyword.last()) || !alphanumeric(text.get(at + keyword.len())))
    };
    (0..text.len()).find(stands).map(|at| (at, keyword.len()))
}

fn categories(lists: &Lists, categories: &[Category]) -> Truth {
    let folded = |part: &Option<String>| part.as_deref().map(fold).unwrap_or_default();
    let categories: Vec<(String, String)> = categories.iter().map(|c| (folded(&c.first), folded(&c.second))).collect();
    if categories.is_empty() || categories.iter().any(|category| category.0.is_empty()) {
        return Truth::Unknown;
    }
    told(
        lists.any.as_ref().is_none_or(|list| categories.iter().any(|category| on(list, category)))
            && lists.all.as_ref().is_none_or(|list| categories.iter().all(|category| on(list, category)))
            && lists.none.as_ref().is_none_or(|list| !categories.iter().any(|category| on(list, category))),
    )
}

/// Whether a folded category is on a list.
pub(crate) fn on(list: &[String], category: &(String, String)) -> bool {
    list.iter().any(|entry| matches(entry, category))
}

fn matches(entry: &str, category: &(String, String)) -> bool {
    let (first, second) = entry.split_once('/').unwrap_or((entry, "*"));
    let part = |written: &str, part: &str| written == "*" || fold(written) == part;
    part(first, &category.0) && part(second, &category.1)
}
