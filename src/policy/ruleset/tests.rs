//! Deciding: truth, precedence, messages, problems, and laws against a naive evaluator.

#![expect(clippy::unwrap_used)]

mod laws;
mod naive;
mod naive_words;

use super::*;
use crate::policy::{self, AppId, Category, CreateTime, Earlier, EarlierKind, Truth};
use serde_json::{Value, json};

/// 2026-01-02T03:04:05Z
const NOW: i64 = 1_767_323_045;

pub(in crate::policy) fn moment() -> Moment<'static> {
    Moment::at(Timestamp::from_second(NOW).unwrap())
}

/// A policy that holds by default.
pub(in crate::policy) fn policy_of(rules: Value) -> PolicySpec {
    serde_json::from_value(json!({ "rules": rules, "default": "hold", "message_max_chars": 200 })).unwrap()
}

pub(in crate::policy) fn compiled(rules: Value) -> RuleSet {
    RuleSet::compile(policy_of(rules)).unwrap()
}

/// From `{ appid, create_time, nickname, reason, categories, malformed }`, all of them optional.
pub(in crate::policy) fn application(given: Value) -> Application {
    let text = |key: &str| given[key].as_str().unwrap_or_default().to_owned();
    let category = |written: &Value| match written.as_str().unwrap().split_once('/') {
        Some((first, second)) => Category { first: part(first), second: part(second) },
        None => Category { first: part(written.as_str().unwrap()), second: None },
    };
    let list = |key: &str| given[key].as_array().cloned().unwrap_or_default();
    Application {
        appid: AppId::new(given["appid"].as_str().unwrap_or("wx1")),
        create_time: given["create_time"].as_str().map_or(CreateTime::ABSENT, CreateTime::received),
        nickname: text("nickname"),
        reason: text("reason"),
        categories: list("categories").iter().map(category).collect(),
        headimgurl: None,
        apply_url: None,
        malformed: list("malformed").iter().map(|field| field.as_str().unwrap().to_owned()).collect(),
    }
}

fn part(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The truth of one condition for one application, by the engine and by the naive evaluator.
fn truth(when: &Value, unless: Option<&Value>, given: &Value) -> Truth {
    let mut rule = json!({ "name": "r", "action": "agree", "when": when });
    if let Some(unless) = unless {
        rule["unless"] = unless.clone();
    }
    let (rules, application) = (compiled(json!([rule])), application(given.clone()));
    let decision = rules.decide(&application, &moment());
    let naive = naive::decide(rules.spec(), &application, &moment());
    assert_eq!((decision.verdict, decision.rule, decision.unknown.clone()), naive, "{when} {given}");
    match (decision.verdict, decision.unknown.is_empty()) {
        (Verdict::Agree, true) => Truth::True,
        (_, true) => Truth::False,
        (_, false) => Truth::Unknown,
    }
}

const T: Truth = Truth::True;
const F: Truth = Truth::False;
const U: Truth = Truth::Unknown;

#[test]
fn conditions() {
    let secs = |secs: u64| json!({ "secs": secs, "nanos": 0 });
    let ago = |secs: i64| json!({ "create_time": (NOW - secs).to_string() });
    for (test, given, expected) in [
        (json!("always"), json!({}), T),
        (json!({ "reason": { "any": ["博彩", "赌博"] } }), json!({ "reason": "要博 彩" }), T),
        (json!({ "reason": { "any": ["博彩", "赌博"] } }), json!({ "reason": "要" }), F),
        (json!({ "reason": { "any": ["博彩"] } }), json!({ "nickname": "博彩" }), F),
        (json!({ "reason": { "any": ["博彩"] } }), json!({}), F),
        (json!({ "reason": { "all": ["博彩", "赌博"] } }), json!({ "reason": "赌博博彩" }), T),
        (json!({ "reason": { "all": ["博彩", "赌博"] } }), json!({ "reason": "赌博" }), F),
        (json!({ "reason": { "all": ["博彩", "博 彩"] } }), json!({ "reason": "博彩" }), T),
        (json!({ "reason": { "none": ["博彩", "赌博"] } }), json!({ "reason": "赌博" }), F),
        (json!({ "reason": { "none": ["博彩", "赌博"] } }), json!({ "reason": "查件" }), T),
        (json!({ "reason": { "none": ["博彩"] } }), json!({}), T),
        (json!({ "reason": { "any": ["a"], "none": ["b"] } }), json!({ "reason": "a" }), T),
        (json!({ "reason": { "any": ["a"], "none": ["b"] } }), json!({ "reason": "a b" }), F),
        (json!({ "reason": { "any": ["a"], "min_chars": 3 } }), json!({ "reason": "a b" }), T),
        (json!({ "reason": { "any": ["a"], "min_chars": 4 } }), json!({ "reason": "a b" }), F),
        (json!({ "reason": { "min_chars": 5 } }), json!({ "reason": "我们做快递" }), T),
        (json!({ "reason": { "min_chars": 6 } }), json!({ "reason": "我们做快递" }), F),
        (json!({ "reason": { "min_chars": 3 } }), json!({ "reason": "  ab\n" }), F),
        (json!({ "reason": { "min_chars": 3 } }), json!({ "reason": " a b " }), T),
        (json!({ "reason": { "min_chars": 1 } }), json!({}), F),
        (json!({ "reason": { "min_chars": 0 } }), json!({}), T),
        (json!({ "reason": { "max_chars": 2 } }), json!({ "reason": "　🙂🙂　" }), T),
        (json!({ "reason": { "max_chars": 1 } }), json!({ "reason": "🙂🙂" }), F),
        (json!({ "reason": { "max_chars": 0 } }), json!({}), T),
        (json!({ "reason": { "regex": ["vx[0-9]+"] } }), json!({ "reason": "加vx123" }), T),
        (json!({ "reason": { "regex": ["vx[0-9]+"] } }), json!({ "reason": "加VX123" }), F),
        (json!({ "reason": { "regex": ["vx[0-9]+"] } }), json!({ "reason": "加v x123" }), F),
        (json!({ "reason": { "regex": ["x", "(?i)vx"] } }), json!({ "reason": "加VX" }), T),
        (json!({ "reason": { "regex": ["^$"] } }), json!({}), T),
        (json!({ "reason": { "regex": ["^ "] } }), json!({ "reason": " a" }), T),
        (json!({ "reason": { "regex": ["a"], "none": ["b"] } }), json!({ "reason": "a b" }), F),
        (json!({ "reason": { "regex": ["a"], "min_chars": 3 } }), json!({ "reason": "a" }), F),
        (json!({ "nickname": { "regex": ["店$"] } }), json!({ "nickname": "某店", "reason": "x" }), T),
        (json!({ "nickname": { "regex": ["店$"] } }), json!({ "reason": "某店" }), F),
        (json!({ "previous": { "held": 1 } }), json!({}), F),
        (json!({ "nickname": { "any": ["官方"] } }), json!({ "nickname": "某官方店" }), T),
        (json!({ "nickname": { "any": ["官方"] } }), json!({ "reason": "官方" }), F),
        (json!({ "nickname": { "min_chars": 2, "max_chars": 3 } }), json!({ "nickname": "某店" }), T),
        (json!({ "appid": { "any": ["wx1", "wx2"] } }), json!({ "appid": "wx2" }), T),
        (json!({ "appid": { "any": ["wx1"] } }), json!({ "appid": "WX1" }), F),
        (json!({ "appid": { "none": ["wx1"] } }), json!({ "appid": "wx2" }), T),
        (json!({ "appid": { "none": ["wx1"] } }), json!({ "appid": "wx1" }), F),
        (json!({ "appid": { "any": ["wx1"], "none": ["wx1"] } }), json!({ "appid": "wx1" }), F),
        (
            json!({ "category": { "any": ["物流服务"] } }),
            json!({ "categories": ["商家自营/食品", "物流服务/查件"] }),
            T,
        ),
        (json!({ "category": { "any": ["物流服务"] } }), json!({ "categories": ["商家自营/食品"] }), F),
        (
            json!({ "category": { "all": ["物流服务"] } }),
            json!({ "categories": ["商家自营/食品", "物流服务/查件"] }),
            F,
        ),
        (
            json!({ "category": { "all": ["物流服务", "*/食品"] } }),
            json!({ "categories": ["商家自营/食品", "物流服务/查件"] }),
            T,
        ),
        (
            json!({ "category": { "none": ["物流服务"] } }),
            json!({ "categories": ["商家自营/食品", "物流服务/查件"] }),
            F,
        ),
        (json!({ "category": { "none": ["物流服务"] } }), json!({ "categories": ["商家自营/食品"] }), T),
        (
            json!({ "category": { "any": ["物流服务"], "none": ["*/查件"] } }),
            json!({ "categories": ["物流服务/查件"] }),
            F,
        ),
        (json!({ "category": { "any": ["物流服务"] } }), json!({}), U),
        (json!({ "category": { "all": ["物流服务"] } }), json!({}), U),
        (json!({ "category": { "none": ["物流服务"] } }), json!({}), U),
        (json!({ "category": { "any": ["物流服务"] } }), json!({ "categories": ["物流服务", "/查件"] }), U),
        (json!({ "category": { "any": ["*"] } }), json!({ "categories": ["物流服务"] }), T),
        (json!({ "age": { "min": secs(60) } }), ago(60), T),
        (json!({ "age": { "min": secs(60) } }), ago(59), F),
        (json!({ "age": { "max": secs(60) } }), ago(60), T),
        (json!({ "age": { "max": secs(60) } }), ago(61), F),
        (json!({ "age": { "min": secs(10), "max": secs(60) } }), ago(30), T),
        (json!({ "age": { "min": secs(0) } }), ago(-600), T),
        (json!({ "age": { "max": secs(0) } }), ago(-600), T),
        (json!({ "age": { "min": secs(1) } }), ago(-600), F),
        (json!({ "age": { "max": secs(60) } }), ago(-601), U),
        (json!({ "age": { "min": secs(60) } }), json!({}), U),
        (json!({ "age": { "min": secs(60) } }), json!({ "create_time": "soon" }), U),
        (json!({ "age": { "min": secs(60) } }), json!({ "create_time": "1767323045000" }), U),
        (json!({ "age": { "min": secs(60) } }), json!({ "create_time": "-99999999999999999" }), U),
        (
            json!({ "any_of": [[{ "reason": { "any": ["a"] } }], [{ "appid": { "any": ["wx2"] } }]] }),
            json!({ "reason": "a" }),
            T,
        ),
        (
            json!({ "any_of": [[{ "reason": { "any": ["a"] } }], [{ "appid": { "any": ["wx2"] } }]] }),
            json!({ "appid": "wx2" }),
            T,
        ),
        (
            json!({ "any_of": [[{ "reason": { "any": ["a"] } }], [{ "appid": { "any": ["wx2"] } }]] }),
            json!({ "reason": "b" }),
            F,
        ),
        (json!({ "not": [{ "reason": { "any": ["a"] } }] }), json!({ "reason": "b" }), T),
        (json!({ "not": [{ "reason": { "any": ["a"] } }] }), json!({ "reason": "a" }), F),
        (json!({ "not": [{ "category": { "any": ["a"] } }] }), json!({}), U),
    ] {
        assert_eq!(truth(&json!([test]), None, &given), expected, "{test} {given}");
    }
}

/// A test of this truth for an application without create_time.
fn of(truth: Truth) -> Value {
    match truth {
        T => json!("always"),
        F => json!({ "not": ["always"] }),
        U => json!({ "age": { "min": { "secs": 1, "nanos": 0 } } }),
    }
}

#[test]
fn three_values() {
    for (a, b, and, or, unless) in [
        (T, T, T, T, F),
        (T, F, F, T, T),
        (T, U, U, T, U),
        (F, T, F, T, F),
        (F, F, F, F, F),
        (F, U, F, U, F),
        (U, T, U, T, F),
        (U, F, F, U, U),
        (U, U, U, U, U),
    ] {
        let none = json!({});
        let (one, two) = (of(a), of(b));
        assert_eq!(truth(&json!([one, two]), None, &none), and, "{a:?} and {b:?}");
        assert_eq!(truth(&json!([{ "any_of": [[one], [two]] }]), None, &none), or, "{a:?} or {b:?}");
        assert_eq!(truth(&json!([one]), Some(&json!([two])), &none), unless, "{a:?} unless {b:?}");
        assert_eq!(truth(&json!([{ "not": [{ "not": [one] }] }]), None, &none), a, "not not {a:?}");
        let de_morgan = json!([{ "not": [{ "any_of": [[{ "not": [one] }], [{ "not": [two] }]] }] }]);
        assert_eq!(truth(&de_morgan, None, &none), and, "not (not {a:?} or not {b:?})");
    }
}

/// The first line that applies, written as a table: refuse, hold, agree rule, default.
#[test]
fn precedence() {
    use Verdict::*;
    for refuse in [T, F, U] {
        for hold in [T, F, U] {
            for agree in [T, F, U] {
                for default in [Agree, Refuse, Hold] {
                    let expected = match (refuse, hold, agree, default) {
                        (T, _, _, _) => (Refuse, Some(2), None),
                        (_, T, _, _) => (Hold, Some(1), None),
                        (U, _, _, _) | (_, U, _, _) => (Hold, None, Some(Brake::Unknown)),
                        (_, _, T, _) => (Agree, Some(0), None),
                        (_, _, U, Agree | Refuse) => (Hold, None, Some(Brake::Unknown)),
                        (_, _, _, default) => (default, None, None),
                    };
                    let rules = json!([
                        { "name": "a", "action": "agree", "when": [of(agree)] },
                        { "name": "h", "action": "hold", "when": [of(hold)] },
                        { "name": "r", "action": "refuse", "message": "no", "when": [of(refuse)] },
                    ]);
                    let spec = PolicySpec { default, default_message: Some("default".into()), ..policy_of(rules) };
                    let decision = RuleSet::compile(spec).unwrap().decide(&application(json!({})), &moment());
                    let told = (decision.verdict, decision.rule, decision.brake);
                    assert_eq!(told, expected, "{refuse:?} {hold:?} {agree:?} {default:?}");
                    let unknown: Vec<usize> =
                        [agree, hold, refuse].iter().enumerate().filter(|(_, t)| **t == U).map(|(at, _)| at).collect();
                    assert_eq!(decision.unknown, unknown);
                    let message = match (told.0, told.1) {
                        (Refuse, Some(_)) => Some("no"),
                        (Refuse, None) => Some("default"),
                        _ => None,
                    };
                    assert_eq!(decision.message.as_deref(), message);
                }
            }
        }
    }
}

#[test]
fn the_first_of_the_winning_action_is_named() {
    let rule = |name: &str, action: &str, word: &str| json!({ "name": name, "action": action, "message": name, "when": [{ "reason": { "any": [word] } }] });
    let rules = compiled(json!([
        rule("a1", "agree", "x"),
        rule("r1", "refuse", "y"),
        rule("r2", "refuse", "x"),
        rule("h1", "hold", "z"),
        rule("r3", "refuse", "x"),
        rule("h2", "hold", "x"),
    ]));
    for (reason, verdict, rule) in [
        ("x", Verdict::Refuse, Some(2)),
        ("x y", Verdict::Refuse, Some(1)),
        ("y x", Verdict::Refuse, Some(1)),
        ("z", Verdict::Hold, Some(3)),
        ("w", Verdict::Hold, None),
    ] {
        let decision = rules.decide(&application(json!({ "reason": reason })), &moment());
        assert_eq!((decision.verdict, decision.rule), (verdict, rule), "{reason}");
    }
}

#[test]
fn shadow_rules_count_for_nothing() {
    let rules = json!([
        { "name": "s1", "action": "refuse", "mode": "shadow", "message": "no", "when": ["always"] },
        { "name": "s2", "action": "hold", "mode": "shadow", "when": [of(U)] },
        { "name": "a", "action": "agree", "when": ["always"] },
    ]);
    let decision = compiled(rules).decide(&application(json!({})), &moment());
    let expected = Decision { verdict: Verdict::Agree, rule: Some(2), message: None, brake: None, unknown: vec![] };
    assert_eq!(decision, expected);
}

#[test]
fn malformed_is_held() {
    let rules = compiled(json!([{ "name": "r", "action": "refuse", "message": "no", "when": ["always"] }]));
    let decision = rules.decide(&application(json!({ "malformed": ["reason"] })), &moment());
    let brake = Some(Brake::Malformed);
    assert_eq!(decision, Decision { verdict: Verdict::Hold, rule: None, message: None, brake, unknown: vec![] });
}

#[test]
fn messages() {
    let reason = |lists: Value| json!([{ "reason": lists }]);
    for (template, when, given, expected) in [
        ("{keyword}", reason(json!({ "any": ["赌博", "博彩"] })), json!({ "reason": "有博彩和赌博" }), "博彩"),
        ("{keyword}", reason(json!({ "any": ["博", "博彩"] })), json!({ "reason": "有博彩" }), "博彩"),
        ("{keyword}", reason(json!({ "any": ["彩", "博彩"] })), json!({ "reason": "彩博彩" }), "彩"),
        ("{keyword}", reason(json!({ "any": ["Ｇambl*"] })), json!({ "reason": "GAMBLING" }), "Ｇambl"),
        ("{keyword}", reason(json!({ "any": ["賭 博"] })), json!({ "reason": "赌博" }), "賭 博"),
        ("{keyword}", reason(json!({ "any": ["Test", "test"] })), json!({ "reason": "test" }), "Test"),
        ("{keyword}", reason(json!({ "all": ["b", "a"] })), json!({ "reason": "a b" }), "a"),
        ("{keyword}", reason(json!({ "any": ["b"], "all": ["a"] })), json!({ "reason": "b a" }), "b"),
        ("{keyword}", reason(json!({ "any": ["b"], "none": ["a"] })), json!({ "reason": "b" }), "b"),
        (
            "{keyword}",
            json!([{ "nickname": { "any": ["官方"] } }, { "reason": { "any": ["博彩"] } }]),
            json!({ "nickname": "官方", "reason": "我要博彩" }),
            "博彩",
        ),
        (
            "{keyword}",
            json!([{ "nickname": { "any": ["官方"] } }, { "reason": { "any": ["我"] } }]),
            json!({ "nickname": "官方", "reason": "要我" }),
            "我",
        ),
        ("{keyword}", json!([{ "nickname": { "any": ["官方"] } }]), json!({ "nickname": "某官方" }), "官方"),
        (
            "{keyword}",
            json!([{ "any_of": [[{ "reason": { "any": ["b"] } }], [{ "reason": { "any": ["a"] } }]] }]),
            json!({ "reason": "a b" }),
            "a",
        ),
        (
            "{keyword}",
            json!([{ "not": [{ "reason": { "all": ["a", "c"] } }] }, { "reason": { "any": ["b"] } }]),
            json!({ "reason": "a b" }),
            "b",
        ),
        ("[{keyword}]", json!(["always"]), json!({ "reason": "a" }), "[]"),
        (
            "{category}",
            json!([{ "category": { "any": ["物流服务"] } }]),
            json!({ "categories": ["商家自营/食品", "物流服务/查件"] }),
            "物流服务/查件",
        ),
        (
            "{category}",
            json!([{ "category": { "none": ["商家自营"] } }]),
            json!({ "categories": ["物流服务/查件", "a/b"] }),
            "物流服务/查件",
        ),
        (
            "{category}",
            json!([{ "any_of": [[{ "category": { "none": ["物流服务"] } }], ["always"]] }]),
            json!({ "categories": ["物流服务/查件", "a"] }),
            "a",
        ),
        ("{category}", json!(["always"]), json!({ "categories": ["a/b/c", "d"] }), "a/b/c"),
        ("[{category}]", json!(["always"]), json!({}), "[]"),
        ("{nickname}{appid}{rule}", json!(["always"]), json!({ "nickname": "{rule}", "appid": "wx9" }), "{rule}wx9r"),
        ("{nickname}", json!(["always"]), json!({ "nickname": "a\u{202E}b\u{0}c" }), "abc"),
        ("{{{rule}}}", json!(["always"]), json!({}), "{r}"),
    ] {
        let rules = compiled(json!([{ "name": "r", "action": "refuse", "message": template, "when": when }]));
        let decision = rules.decide(&application(given.clone()), &moment());
        assert_eq!(decision.message.as_deref(), Some(expected), "{template} {when} {given}");
        assert_eq!((decision.verdict, decision.brake), (Verdict::Refuse, None));
    }
}

#[test]
fn an_empty_message_is_a_brake() {
    let rules = json!([{ "name": "r", "action": "refuse", "message": "{nickname}", "when": ["always"] }]);
    for nickname in ["", " ", "\u{202E}", "\u{200B}", "\n"] {
        let decision = compiled(rules.clone()).decide(&application(json!({ "nickname": nickname })), &moment());
        let expected = (Verdict::Refuse, Some(0), Some(String::new()), Some(Brake::Message));
        assert_eq!((decision.verdict, decision.rule, decision.message, decision.brake), expected, "{nickname:?}");
    }
}

#[test]
fn a_long_message_is_cut() {
    let rules = json!([{ "name": "r", "action": "refuse", "message": "说明{nickname}", "when": ["always"] }]);
    let spec = PolicySpec { message_max_chars: 4, ..policy_of(rules) };
    let decision = RuleSet::compile(spec).unwrap().decide(&application(json!({ "nickname": "某某店" })), &moment());
    assert_eq!(decision.message.as_deref(), Some("说明某某"));
}

#[test]
fn every_problem_is_named() {
    let rules = json!([
        { "name": "1", "action": "refuse", "when": [{ "reason": { "any": ["a", "*", "\u{200B}"], "none": [] } }] },
        { "name": "2", "action": "agree", "when": [], "unless": [{ "any_of": [[], [{ "category": { "all": ["a/", "b"] } }]] }] },
        { "name": "3", "action": "refuse", "message": "{x} {keyword", "when": [{ "not": [{ "nickname": { "all": [" "] } }] }] },
        { "name": "4", "action": "hold", "when": [{ "any_of": [] }, { "reason": {} }, { "age": {} }, { "appid": {} }, { "category": {} }] },
        { "name": "5", "action": "hold", "when": [{ "appid": { "all": ["wx1"] } }], "message": " " },
    ]);
    let spec = PolicySpec { default: Verdict::Refuse, message_max_chars: 0, ..policy_of(rules) };
    let problems = RuleSet::compile(spec).unwrap_err();
    let told: Vec<(Option<usize>, &str)> = problems.iter().map(|p| (p.rule, p.path.as_str())).collect();
    let expected = [
        (None, "message_max_chars"),
        (None, "default"),
        (Some(0), "message"),
        (Some(0), "when.reason.none"),
        (Some(0), "when.reason.any[1]"),
        (Some(0), "when.reason.any[2]"),
        (Some(1), "when"),
        (Some(1), "unless.any_of[0]"),
        (Some(1), "unless.any_of[1].category.all[0]"),
        (Some(2), "message"),
        (Some(2), "message"),
        (Some(2), "when.not.nickname.all[0]"),
        (Some(3), "when.any_of"),
        (Some(3), "when.reason"),
        (Some(3), "when.age"),
        (Some(3), "when.appid"),
        (Some(3), "when.category"),
        (Some(4), "message"),
        (Some(4), "when.appid.all"),
    ];
    assert_eq!(told, expected);
}

/// Earlier applications of `wx1`: create_time (or none), days ago, what became of it.
fn history(earlier: &[(Option<&str>, i64, EarlierKind)]) -> History {
    let one = |(create_time, days, what): &(Option<&str>, i64, EarlierKind)| {
        let at = Timestamp::from_second(NOW - days * 86_400).unwrap();
        (
            AppId::new("wx1"),
            Earlier { create_time: create_time.map_or(CreateTime::ABSENT, CreateTime::received), at, what: *what },
        )
    };
    earlier.iter().map(one).collect()
}

#[test]
fn earlier_applications_are_counted_once_each() {
    use EarlierKind::*;
    let days = |days: u64| json!({ "secs": days * 86_400, "nanos": 0 });
    let history = history(&[
        (Some("1"), 40, Agreed),
        (Some("2"), 30, Refused),
        (Some("2"), 29, Refused),
        (Some("2"), 31, Held),
        (Some("3"), 3, Refused),
        (Some("here"), 1, Agreed),
        (None, 1, Held),
    ]);
    for (previous, expected) in [
        (json!({ "agreed": 1 }), true),
        (json!({ "agreed": 2 }), false),
        (json!({ "agreed": 1, "within": days(39) }), false),
        (json!({ "agreed": 1, "within": days(40) }), true),
        (json!({ "refused": 2 }), true),
        (json!({ "refused": 3 }), false),
        (json!({ "refused": 2, "within": days(29) }), true),
        (json!({ "refused": 2, "within": days(28) }), false),
        (json!({ "held": 2 }), true),
        (json!({ "held": 2, "within": days(30) }), false),
        (json!({ "agreed": 1, "refused": 1, "held": 1 }), true),
        (json!({ "agreed": 1, "refused": 1, "held": 3 }), false),
    ] {
        let rules = compiled(json!([{ "name": "r", "action": "agree", "when": [{ "previous": previous }] }]));
        assert!(rules.needs_history());
        let moment = Moment { history: &history, ..moment() };
        for (appid, expected) in [("wx1", expected), ("wx2", false)] {
            let given = application(json!({ "appid": appid, "create_time": "here" }));
            let decision = rules.decide(&given, &moment);
            assert_eq!(decision.rule.is_some(), expected, "{previous} {appid}");
            assert_eq!(naive::decide(rules.spec(), &given, &moment).1.is_some(), expected, "{previous} {appid}");
        }
    }
    let asks = |when: Value, unless: Value| {
        compiled(json!([{ "name": "r", "action": "agree", "when": when, "unless": unless }])).needs_history()
    };
    let previous = json!({ "previous": { "held": 1 } });
    assert!(asks(json!([{ "any_of": [["always"], [{ "not": [previous] }]] }]), Value::Null));
    assert!(asks(json!(["always"]), json!([previous])));
    assert!(!asks(json!(["always"]), Value::Null));
}

#[test]
fn the_hash_is_stable_and_tells_rules_apart() {
    let rules = json!([{ "name": "r", "action": "agree", "when": [{ "reason": { "any": ["a"], "min_chars": 2 } }] }]);
    let one = compiled(rules.clone());
    assert_eq!(one.hash(), "758905c7aa12ab088b3a6efe4007b1b6d2d699f6ff4821d755c964a08a08df56");
    let again: PolicySpec = serde_json::from_slice(&serde_json::to_vec(one.spec()).unwrap()).unwrap();
    assert_eq!(RuleSet::compile(again).unwrap().hash(), one.hash());
    let placed = policy::Place { file: "menshen.toml".into(), line: 3 };
    let mut spec = policy_of(rules);
    spec.rules[0].place = Some(placed);
    assert_eq!(RuleSet::compile(spec.clone()).unwrap().hash(), one.hash());
    spec.default = Verdict::Agree;
    assert_ne!(RuleSet::compile(spec).unwrap().hash(), one.hash());
}

#[test]
fn scratch_fits_every_rule_set() {
    let rule =
        |word: &str| json!([{ "name": "r", "action": "agree", "when": [{ "reason": { "any": [word, "x", "y"] } }] }]);
    let (one, two) = (compiled(rule("a")), compiled(json!([])));
    let three = compiled(rule("b"));
    let mut scratch = Scratch::default();
    let given = application(json!({ "reason": "a" }));
    let folded = Folded::of(&given);
    let mut verdict = |rules: &RuleSet| rules.decide_folded(&folded, &given, &moment(), &mut scratch).verdict;
    let all = [verdict(&one), verdict(&two), verdict(&three), verdict(&one)];
    assert_eq!(all, [Verdict::Agree, Verdict::Hold, Verdict::Hold, Verdict::Agree]);
}
