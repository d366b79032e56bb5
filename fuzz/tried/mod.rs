//! What must hold of any bytes: shared by the fuzz targets and by the ordinary test over the corpus.
#![allow(dead_code, reason = "each target uses one of them")]

use menshen::document::Reading;
use menshen::policy::parse::{Outside, OutsideFile, parse};
use menshen::policy::{
    AppId, Application, Category, Condition, CreateTime, Moment, PolicySpec, RuleMode, RuleSet, RuleSpec, Test,
    Verdict, fold, fold_with_places,
};
use std::path::Path;

/// A configuration: read, compiled, looked over and shown, it never panics; what compiles decides.
pub(crate) fn configuration(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let reading = Reading::new();
    let document = reading.parse("fuzz.toml", &text);
    let root = document.root(&reading);
    let gone = || OutsideFile { code: "unreadable", message: "not there".to_owned(), help: None };
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

/// A page of WeChat's list: it is read or refused, and never panics.
pub(crate) fn page(bytes: &[u8]) {
    drop(menshen::wechat::read_page(bytes, 1));
}

fn application(text: &str) -> Application {
    Application {
        appid: AppId::new("wx0123456789abcdef"),
        create_time: CreateTime::received(text),
        nickname: text.to_owned(),
        reason: text.to_owned(),
        categories: vec![Category::from_text(text)],
        headimgurl: None,
        apply_url: None,
        malformed: Vec::new(),
    }
}
