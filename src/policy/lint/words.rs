//! What stands in lists: keywords that add nothing, letters that look like others, patterns that match anything,
//! categories WeChat does not have.

use super::{Findings, catalogue, pattern, script};
use crate::policy::{
    Condition, Test,
    category::Entry,
    keywords::{Keyword, KeywordCollector, as_shown},
};
use std::collections::HashMap;

pub(super) fn look(findings: &mut Findings<'_>) {
    for (index, rule) in findings.policy.spec.rules.iter().enumerate() {
        condition(findings, index, "when", &rule.when);
        if let Some(unless) = &rule.unless {
            condition(findings, index, "unless", unless);
        }
    }
}

fn condition(findings: &mut Findings<'_>, rule: usize, path: &str, tested: &Condition) {
    for test in &tested.tests {
        match test {
            Test::Reason(text) | Test::Nickname(text) => {
                let path = format!("{path}.{}", crate::policy::compile::test_word(test));
                let lists = &text.keywords;
                for (word, list) in [("any", &lists.any), ("all", &lists.all), ("none", &lists.none)] {
                    let Some(list) = list else { continue };
                    letters(findings, rule, &format!("{path}.{word}"), list);
                    keywords(findings, rule, &format!("{path}.{word}"), list, word == "all");
                }
                patterns(findings, rule, &format!("{path}.regex"), text.regex.as_deref().unwrap_or_default());
            }
            Test::Category(lists) => {
                for (word, list) in [("any", &lists.any), ("all", &lists.all), ("none", &lists.none)] {
                    let Some(list) = list else { continue };
                    letters(findings, rule, &format!("{path}.category.{word}"), list);
                    entries(findings, rule, &format!("{path}.category.{word}"), list);
                }
            }
            Test::AnyOf(branches) => {
                for (at, branch) in branches.iter().enumerate() {
                    condition(findings, rule, &format!("{path}.any_of[{at}]"), branch);
                }
            }
            Test::Not(inner) => condition(findings, rule, &format!("{path}.not"), inner),
            Test::Always | Test::Appid(_) | Test::Age(_) | Test::Previous(_) => {}
        }
    }
}

fn letters(findings: &mut Findings<'_>, rule: usize, path: &str, list: &[String]) {
    for (at, written) in list.iter().enumerate() {
        if let Some(oddity) = script::oddity(written) {
            let help = "letters that only look alike are not the same to the rules; type the word again, or list both";
            findings.warn("look-alike", Some(rule), &format!("{path}[{at}]"), oddity, help);
        }
    }
}

/// Keywords of one list that are the same once folded, or found only where another one is found anyway.
fn keywords(findings: &mut Findings<'_>, rule: usize, path: &str, list: &[String], all: bool) {
    let mut collector = KeywordCollector::default();
    let mut first: HashMap<u32, usize> = HashMap::new();
    let mut different: Vec<(usize, u32, Keyword)> = Vec::new();
    for (at, written) in list.iter().enumerate() {
        let Some(keyword) = Keyword::read(written) else { continue };
        let number = collector.number(keyword.clone());
        match first.get(&number) {
            None => {
                first.insert(number, at);
                different.push((at, number, keyword));
            }
            Some(other) => {
                let message = match list[*other] == *written {
                    true => format!("`{written}` stands twice in this list"),
                    false => format!("`{written}` and `{}` are the same to the rules", list[*other]),
                };
                findings.warn("keyword-twice", Some(rule), &format!("{path}[{at}]"), message, "one of them is enough");
            }
        }
    }
    let Ok(set) = collector.build() else { return };
    for (long, number, keyword) in &different {
        let mut within = set.implied(keyword).into_iter().filter(|other| other != number).map(|other| first[&other]);
        if all {
            within.for_each(|short| covered(findings, rule, path, list, (short, short, *long)));
        } else if let Some(short) = within.next() {
            covered(findings, rule, path, list, (*long, short, *long));
        }
    }
}

/// The entry that adds nothing, and of the two the one found wherever the other is.
fn covered(
    findings: &mut Findings<'_>,
    rule: usize,
    path: &str,
    list: &[String],
    (needless, short, long): (usize, usize, usize),
) {
    let message =
        format!("`{}` adds nothing: wherever `{}` is found, so is `{}`", list[needless], list[long], list[short]);
    let help = match needless == short {
        true => format!("`{}` alone asks for as much", as_shown(&list[long])),
        false => format!(
            "`{}` alone finds as much; keep both only to name the longer one in messages",
            as_shown(&list[short])
        ),
    };
    findings.warn("keyword-covered", Some(rule), &format!("{path}[{needless}]"), message, &help);
}

fn patterns(findings: &mut Findings<'_>, rule: usize, path: &str, list: &[String]) {
    for (at, written) in list.iter().enumerate().filter(|(_, written)| pattern::matches_all(written)) {
        let message = format!("the pattern `{written}` matches every text, the empty one too");
        let help = "ask for a character at least, `+` instead of `*`; for any text at all, `min_chars = 1`";
        findings.warn("regex-matches-all", Some(rule), &format!("{path}[{at}]"), message, help);
    }
}

fn entries(findings: &mut Findings<'_>, rule: usize, path: &str, list: &[String]) {
    for (at, written) in list.iter().enumerate() {
        let Some(entry) = Entry::read(written) else { continue };
        let Some((unknown, near)) = catalogue::unknown(&entry) else { continue };
        let message = format!("WeChat's catalogue, as far as we know it, has no category `{unknown}`");
        let help = near.map(|near| format!("did you mean `{near}`?"));
        findings.warn("unknown-category", Some(rule), &format!("{path}[{at}]"), message, &help.unwrap_or_default());
    }
}
