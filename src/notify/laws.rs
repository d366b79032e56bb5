//! What must hold of a message whatever an applicant wrote.

use super::notice::{Applicant, Event, Language, Letter, News, Notice};
use super::plain::plain;
use super::words::Reading;
use super::{message, spoken};
use crate::policy::is_ignorable;
use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What means something to one robot or another, to a terminal, or to a reader's eye.
const HOSTILE: &[&str] = &[
    "<@all>",
    "<@zhangsan>",
    "@13800138000",
    "<at user_id=\"all\">",
    "</at>",
    "<at id=all></at>",
    "[领奖](",
    "](",
    ")",
    "![",
    "https://",
    "http:/",
    "//",
    "weixin://dl/",
    "mailto:",
    "javascript:",
    "evil",
    ".com",
    ".",
    "..",
    "。",
    "．",
    "com/x?a=b",
    "💩.la",
    "例子.中国",
    "1.2.3.4",
    "**",
    "__",
    "~~",
    "`",
    "```",
    "\n",
    "\r\n",
    "\n> ",
    "\n# ",
    "\n- ",
    "---",
    "\n1. ",
    "|",
    "<font color=\"warning\">",
    "</font>",
    "&lt;",
    "&#64;",
    "$x$",
    "\\",
    "\u{202E}",
    "\u{2066}",
    "\u{200B}",
    "\u{2028}",
    "\u{301}",
    "\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}",
    "\u{FE0F}",
    "\u{E0041}",
    "\u{2800}",
    "\u{3164}",
    "\0",
    "\u{7}",
    " ",
    "店",
    "\"",
];

/// An address, as a chat finds one: a scheme, or a domain.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)[a-z][a-z0-9+.-]*:/|[^\s.．｡\u{200B}][.．｡][^\s\p{P}\u{200B}]").expect("a pattern")
});

fn hostile() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![3 => proptest::sample::select(HOSTILE).prop_map(str::to_owned), 1 => any::<String>()];
    proptest::collection::vec(fragment, 0..60).prop_map(|fragments| fragments.concat())
}

/// Holds of everything an applicant wrote, wherever it is shown.
fn assert_harmless(shown: &str) {
    let markup = ['<', '>', '[', ']', '(', ')', '{', '}', '*', '_', '`', '#', '~', '|', '\\', '@', '&', '$'];
    assert!(!shown.contains(markup), "{shown:?}");
    assert!(!shown.chars().any(|c| c.is_control() || (is_ignorable(c) && c != '\u{200B}')), "{shown:?}");
    assert!(!ADDRESS.is_match(shown), "{shown:?}");
}

fn applicant(text: &str) -> Applicant {
    Applicant {
        account: "express".to_owned(),
        appid: text.to_owned(),
        create_time: Some(1_800_000_000),
        due_at: Timestamp::from_second(1_800_086_400).ok(),
        nickname: Some(text.to_owned()),
        categories: vec![text.to_owned(), text.to_owned()],
        reason: Some(text.to_owned()),
        rule: Some("ask a person".to_owned()),
        brake: None,
        note: Some(text.to_owned()),
        decision: 1,
    }
}

fn letter(event: Event, applications: Vec<Applicant>) -> Letter {
    let accounts = BTreeMap::from([("express".to_owned(), applications.len() as u64)]);
    let at = Timestamp::from_second(1_800_000_060).expect("a plain instant");
    let notice = Notice { event, at, shadow: false, accounts, news: News::Applications };
    Letter { id: "1-1".to_owned(), notice, applications: Some(applications) }
}

/// The text each robot gets, within what it takes.
fn texts(letter: &Letter, language: Language) -> [String; 3] {
    let timezone = TimeZone::UTC;
    let reading = Reading { language, timezone: &timezone, now: letter.notice.at };
    let text = |message: &Value, at: &str| message.pointer(at).and_then(Value::as_str).expect("its shape").to_owned();
    let wecom = text(&message::wecom(letter, &reading, Some("审核")), "/markdown/content");
    assert!(wecom.len() <= 4_096, "{} bytes", wecom.len());
    let signature = Some(("1800000060".to_owned(), "x".repeat(44)));
    let feishu = message::feishu(letter, &reading, Some("审核"), signature);
    let dingtalk = message::dingtalk(letter, &reading, Some("审核"));
    for message in [&feishu, &dingtalk] {
        assert!(message.to_string().len() <= 20_000, "{} bytes", message.to_string().len());
    }
    [wecom, text(&feishu, "/content/text"), text(&dingtalk, "/text/content")]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_somebody_wrote_is_shown_as_text(text in hostile(), max_chars in 0_usize..300) {
        let shown = plain(&text, max_chars);
        assert_harmless(&shown);
        let count = shown.chars().filter(|c| *c != '\u{200B}').count();
        prop_assert!(count <= max_chars + 1, "{}", shown);
        prop_assert!(!shown.starts_with(['-', '+', '=', ' ']) && !shown.ends_with(' '));
        let whole = plain(&text, usize::MAX >> 8);
        prop_assert_eq!(plain(&whole, usize::MAX >> 8), whole, "what is shown is shown as it is");
    }

    #[test]
    fn no_applicant_writes_more_than_its_own_lines(text in hostile(), zh in any::<bool>()) {
        let language = if zh { Language::Zh } else { Language::En };
        for event in [Event::Held, Event::Deadline, Event::TimedOut] {
            let harmless = texts(&letter(event, vec![applicant("店; no appid")]), language);
            let hostile = texts(&letter(event, vec![applicant(&text)]), language);
            for (harmless, hostile) in harmless.iter().zip(&hostile) {
                // Where it is safe in a command, the command is a line more.
                let lines = |text: &str| text.lines().filter(|line| !line.starts_with("menshen review show ")).count();
                prop_assert_eq!(lines(harmless), lines(hostile), "{}", hostile);
                let (title, theirs) = hostile.split_once('\n').expect("a title");
                prop_assert!(title.matches("**").count() <= 2 && title.contains("审核 [menshen]"));
                for line in theirs.lines().filter(|line| !line.starts_with("menshen ")) {
                    // Our own brackets around the appid.
                    assert_harmless(&line.replace(" (", " ").replace(')', ""));
                }
            }
        }
    }

    #[test]
    fn any_number_of_the_longest_fits(text in hostile(), many in 1_usize..60, long in 1_usize..40) {
        let one = applicant(&text.repeat(long));
        for language in [Language::Zh, Language::En] {
            texts(&letter(Event::Held, vec![one.clone(); many]), language);
        }
    }

    #[test]
    fn a_machine_is_told_every_word_as_it_was_received(text in hostile()) {
        let body: Value = serde_json::from_slice(&spoken::json(&letter(Event::Held, vec![applicant(&text)]))).expect("JSON");
        prop_assert_eq!(body["applications"][0]["nickname"].as_str(), Some(text.as_str()));
    }
}
