//! Rules and what they are made of: configurations, list files, case files, texts, messages, recorded rules and evidence.

use super::application;
use menshen::document::{Document, Reading};
use menshen::policy::parse::{Outside, OutsideFile, ParsedPolicy, parse, parse_cases};
use menshen::policy::{
    Condition, Moment, PolicySpec, RuleMode, RuleSet, RuleSpec, Test, Trial, Verdict, Why, fold, fold_with_places,
};
use std::path::Path;

/// A configuration: read, compiled, looked over and shown, it never panics; what compiles decides.
pub(crate) fn configuration(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let reading = Reading::new();
    let document = reading.parse("fuzz.toml", &text);
    let root = document.root(&reading);
    let mut outside = Outside { matching: &mut |_, _| Ok(Vec::new()), read: &mut |_| Err(gone()) };
    let policy = parse(&root, Path::new("fuzz.toml"), None, &mut outside);
    root.finish();
    match RuleSet::compile(policy.spec.clone()) {
        Ok(rules) => {
            let decision = rules.decide(&application(&text), &Moment::at(jiff::Timestamp::UNIX_EPOCH));
            assert_eq!(decision.message.is_some(), decision.verdict == Verdict::Refuse);
            if !reading.has_errors() {
                policy.report_lints(&reading);
            }
        }
        Err(problems) => policy.report_rule_problems(&reading, &problems),
    }
    match reading.finish_with_warnings() {
        Ok(warnings) => drop(warnings.render(false)),
        Err(problems) => assert!(!problems.render(true).is_empty()),
    }
}

/// A text: folding is idempotent, both ways of folding agree, every place is one of the text.
pub(crate) fn folding(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let folded = fold(&text);
    assert_eq!(fold(&folded), folded);
    let places = fold_with_places(&text);
    assert_eq!(places.text(), folded);
    for (at, c) in folded.char_indices() {
        assert!(text.get(places.original(at..at + c.len_utf8())).is_some());
    }
}

/// A message: it is refused, or filled it has no control characters and no more characters than allowed.
pub(crate) fn template(bytes: &[u8]) {
    const MOST: usize = 60;
    let text = String::from_utf8_lossy(bytes).into_owned();
    let rule = RuleSpec {
        name: "r".to_owned(),
        action: Verdict::Refuse,
        mode: RuleMode::Live,
        message: Some(text.clone()),
        accounts: None,
        note: None,
        limit: None,
        when: Condition { tests: vec![Test::Always] },
        unless: None,
        place: None,
    };
    let spec = PolicySpec { rules: vec![rule], default: Verdict::Hold, default_message: None, message_max_chars: MOST };
    let Ok(rules) = RuleSet::compile(spec) else { return };
    let decision = rules.decide(&application(&text), &Moment::at(jiff::Timestamp::UNIX_EPOCH));
    let message = decision.message.expect("the rule always fires");
    assert!(message.chars().count() <= MOST && !message.chars().any(char::is_control));
    assert_eq!(message.is_empty(), decision.brake.is_some());
}

/// A list file: it never panics, and an entry that is a keyword is found in itself.
pub(crate) fn list(bytes: &[u8]) {
    const RULES: &str = "[lists]\nl = { file = \"l\" }\n[[rule]]\nname = \"r\"\naction = \"hold\"\nwhen = { reason = { any = [\"@l\"] } }";
    let text = String::from_utf8_lossy(bytes);
    let reading = Reading::new();
    let document = reading.parse("fuzz.toml", RULES);
    let policy = parsed(&reading, &document, &text);
    let compiled = RuleSet::compile(policy.spec.clone());
    let (false, Ok(rules)) = (reading.has_errors(), compiled) else { return };
    let Some(Test::Reason(test)) = policy.spec.rules[0].when.tests.first() else { panic!("the rule is as written") };
    for keyword in test.keywords.any.as_ref().expect("a list that is not empty") {
        let decision = rules.decide(&application(keyword), &Moment::at(jiff::Timestamp::UNIX_EPOCH));
        assert_eq!(decision.rule, Some(0), "{keyword:?} is not found in itself");
    }
}

/// A case file: it never panics; every case it holds is decided, and passes exactly if nothing differs.
pub(crate) fn case(bytes: &[u8]) {
    const RULES: &str = "[[rule]]\nname = \"r\"\naction = \"refuse\"\nmessage = \"{keyword}{nickname}\"\nwhen = { reason = { any = [\"x\", \"博彩\"] }, age = { max = \"30d\" } }\nunless = { previous = { agreed = 1, within = \"10d\" } }";
    let text = String::from_utf8_lossy(bytes);
    let reading = Reading::new();
    let document = reading.parse("rules.toml", RULES);
    let policy = parsed(&reading, &document, "");
    let document = reading.parse("fuzz.toml", &text);
    let root = document.root(&reading);
    let cases = parse_cases(&root, &policy.spec, None);
    root.finish();
    let mut trial = Trial::new(&policy.spec, &[]).expect("the rules compile");
    for case in &cases {
        let result = trial.run(case, jiff::Timestamp::UNIX_EPOCH).expect("the rules compile");
        let same = |what: bool| if what { 0 } else { 1 };
        let told = same(result.expected.verdict == result.actual.verdict);
        assert!(result.differences.len() >= told && result.passed() == result.differences.is_empty());
    }
    if let Err(problems) = reading.finish_with_warnings() {
        assert!(!problems.render(true).is_empty());
    }
}

/// What the audit log keeps as JSON, written by somebody else: rules compile or do not, evidence is read or not.
pub(crate) fn recorded(bytes: &[u8]) {
    if let Ok(why) = serde_json::from_slice::<Why>(bytes) {
        let written = serde_json::to_vec(&why).expect("evidence is JSON");
        assert_eq!(serde_json::from_slice::<Why>(&written).expect("as written"), why);
        why.rules.iter().for_each(|rule| drop(why.matched(&rule.rule)));
    }
    let Ok(spec) = serde_json::from_slice::<PolicySpec>(bytes) else { return };
    let Ok(rules) = RuleSet::compile(spec) else { return };
    let (application, moment) = (application("z 博彩"), Moment::at(jiff::Timestamp::UNIX_EPOCH));
    let decision = rules.decide(&application, &moment);
    assert_eq!(rules.explain(&application, &moment).sentence, rules.why(&application, &moment, &decision).sentence);
    assert_eq!(decision.message.is_some(), decision.verdict == Verdict::Refuse);
}

/// A configuration that includes nothing and whose only other file is a list.
fn parsed(reading: &Reading, document: &Document, list: &str) -> ParsedPolicy {
    let root = document.root(reading);
    let mut outside = Outside { matching: &mut |_, _| Ok(Vec::new()), read: &mut |_| Ok(list.to_owned()) };
    let policy = parse(&root, Path::new("fuzz.toml"), None, &mut outside);
    root.finish();
    policy
}

fn gone() -> OutsideFile {
    OutsideFile { code: "unreadable", message: "not there".to_owned(), help: None }
}
