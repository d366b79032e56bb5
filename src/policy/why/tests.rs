//! What people read: the sentence, and every condition behind it.

#![expect(clippy::unwrap_used)]

use crate::policy::{
    Place, PolicySpec, RuleSet, RuleWhy, Truth, Verdict, Why,
    ruleset::tests::{application, moment, policy_of},
};
use serde_json::{Value, json};

/// The rules of every test here, each with its place.
fn rules(default: Verdict) -> RuleSet {
    let rules = policy_of(json!([
        {
            "name": "gambling words", "action": "refuse", "message": "含有「{keyword}」",
            "when": [{ "reason": { "any": ["博彩", "赌博"] } }],
            "unless": [{ "appid": { "any": ["wxpartner"] } }],
        },
        {
            "name": "known trades", "action": "agree",
            "when": [{ "category": { "all": ["物流服务", "商家自营/*"] } }, { "reason": { "min_chars": 5 } }],
        },
        { "name": "too new", "action": "hold", "when": [{ "age": { "max": { "secs": 60, "nanos": 0 } } }] },
        {
            "name": "odd trades", "action": "hold",
            "when": [{ "not": [{ "category": { "none": ["保险/*"] } }] }],
        },
        {
            "name": "tried out", "action": "refuse", "mode": "shadow", "message": "{keyword}",
            "when": [{ "any_of": [[{ "nickname": { "any": ["测试*"] } }], [{ "reason": { "all": ["测试", "试用"] } }]] }],
        },
        {
            "name": "nameless", "action": "refuse", "message": "{nickname}",
            "when": [{ "nickname": { "max_chars": 0 } }, { "reason": { "any": ["无名"] } }],
        },
    ]));
    let mut spec = PolicySpec { default, default_message: Some("no".into()), ..rules };
    for (line, rule) in (31..).zip(&mut spec.rules) {
        rule.place = Some(Place { file: "menshen.toml".into(), line });
    }
    RuleSet::compile(spec).unwrap()
}

fn why(default: Verdict, given: Value) -> Why {
    let (rules, application) = (rules(default), application(given));
    let decision = rules.decide(&application, &moment());
    let why = rules.why(&application, &moment(), &decision);
    assert_eq!(rules.explain(&application, &moment()).sentence, why.sentence);
    why
}

#[test]
fn sentences() {
    use Verdict::{Agree, Hold, Refuse};
    let old = "1767000000";
    for (default, given, expected) in [
        (
            Hold,
            json!({ "create_time": old, "categories": ["物流服务"], "nickname": "店", "reason": "做博 彩" }),
            r#"refuse: rule "gambling words" (menshen.toml:31): reason contains 博彩"#,
        ),
        (
            Hold,
            json!({ "reason": "賭博和博彩" }),
            r#"refuse: rule "gambling words" (menshen.toml:31): reason contains 博彩, 赌博"#,
        ),
        (
            Hold,
            json!({ "create_time": old, "categories": ["物流服务/查件", "商家自营/食品"], "nickname": "店", "reason": "快递查件" }),
            "hold: no rule fires; the default is hold",
        ),
        (
            Agree,
            json!({ "create_time": old, "categories": ["物流服务/查件", "商家自营/食品"], "nickname": "店", "reason": "查件" }),
            "agree: no rule fires; the default is agree",
        ),
        (
            Refuse,
            json!({ "create_time": old, "categories": ["a"], "nickname": "店", "reason": "查件" }),
            "refuse: no rule fires; the default is refuse",
        ),
        (
            Hold,
            json!({ "create_time": old, "categories": ["物流服务/查件", "商家自营/食品"], "nickname": "店", "reason": "用于快递查件" }),
            r#"agree: rule "known trades" (menshen.toml:32): category 物流服务/查件 matches 物流服务, 商家自营/食品 matches 商家自营/*; reason has 6 characters, at least 5"#,
        ),
        (
            Hold,
            json!({ "create_time": "1767323000", "categories": ["物流服务"], "nickname": "店", "reason": "x" }),
            r#"hold: rule "too new" (menshen.toml:33): age is 45s, at most 1m"#,
        ),
        (
            Hold,
            json!({ "create_time": old, "categories": ["保险/车险"], "nickname": "店", "reason": "x" }),
            r#"hold: rule "odd trades" (menshen.toml:34): category 保险/车险 matches 保险/*"#,
        ),
        (
            Hold,
            json!({ "categories": ["物流服务"], "nickname": "店", "reason": "用于快递查件" }),
            r#"hold: rule "too new" (menshen.toml:33) cannot be decided: no create_time"#,
        ),
        (
            Hold,
            json!({ "create_time": "?", "nickname": "店", "reason": "x" }),
            r#"hold: rule "too new" (menshen.toml:33) cannot be decided: create_time cannot be read, nor can 1 more rule"#,
        ),
        (
            Hold,
            json!({ "create_time": "1767400000", "categories": ["物流服务"], "nickname": "店", "reason": "x" }),
            r#"hold: rule "too new" (menshen.toml:33) cannot be decided: create_time lies in the future"#,
        ),
        (
            Hold,
            json!({ "create_time": old, "categories": ["/查件"], "nickname": "店", "reason": "x" }),
            r#"hold: rule "odd trades" (menshen.toml:34) cannot be decided: a category without a first level"#,
        ),
        (Hold, json!({ "malformed": ["reason"], "reason": "博彩" }), "hold: field reason of a wrong kind"),
        (Hold, json!({ "malformed": ["reason", "nickname"] }), "hold: fields reason, nickname of a wrong kind"),
        (
            Hold,
            json!({ "create_time": old, "categories": ["a"], "reason": "无名" }),
            r#"refuse: rule "nameless" (menshen.toml:36): nickname has 0 characters, at most 0; reason contains 无名; its message is empty"#,
        ),
        (
            Hold,
            json!({ "create_time": old, "categories": ["a"], "nickname": "测试店", "reason": "x" }),
            r#"hold: no rule fires; the default is hold; shadow rule "tried out" would refuse"#,
        ),
        (
            Hold,
            json!({ "create_time": old, "categories": ["a"], "nickname": "店", "reason": "试用测试赌博" }),
            r#"refuse: rule "gambling words" (menshen.toml:31): reason contains 赌博; shadow rule "tried out" would refuse"#,
        ),
    ] {
        assert_eq!(why(default, given.clone()).sentence, expected, "{given}");
    }
}

/// One line per rule and condition.
fn shown(rules: &[RuleWhy]) -> String {
    let mut out = String::new();
    for rule in rules {
        let shadow = if rule.shadow { " (shadow)" } else { "" };
        out.push_str(&format!("{} {}{shadow}: {:?}\n", rule.action, rule.rule, rule.truth));
        for one in &rule.conditions {
            let found: Vec<_> = one.found.iter().map(|f| format!(" [{} {}..{}]", f.keyword, f.start, f.end)).collect();
            out.push_str(&format!("  {} {:?}: {}{}\n", one.path, one.truth, one.words, found.concat()));
        }
    }
    out
}

#[test]
fn every_condition_is_shown() {
    let given = json!({
        "categories": ["物流服务/查件", "保险"], "nickname": "测试-测試2", "reason": "要 博 彩", "appid": "wxpartner",
    });
    let all = rules(Verdict::Hold).explain(&application(given), &moment());
    insta::assert_snapshot!(shown(&all.rules), @r"
    refuse gambling words: False
      when.reason.any True: contains 博彩 [博彩 4..11]
      unless.appid.any True: is on the list
    agree known trades: False
      when.category.all False: 保险 matches none of 2 entries
      when.reason.min_chars True: has 5 characters, at least 5
    hold too new: Unknown
      when.age.max Unknown: no create_time
    hold odd trades: True
      when.not.category.none False: 保险 matches 保险/*
    refuse tried out (shadow): True
      when.any_of[0].nickname.any True: contains 测试 [测试 0..6]
      when.any_of[1].reason.all False: lacks 测试, 试用
    refuse nameless: False
      when.nickname.max_chars False: has 6 characters, more than 0
      when.reason.any False: does not contain 无名
    ");
}

#[test]
fn rules_that_did_not_fire_are_left_out() {
    let told = why(Verdict::Hold, json!({ "nickname": "测试", "reason": "x", "categories": ["a"] }));
    let names: Vec<_> = told.rules.iter().map(|rule| (rule.rule.as_str(), rule.truth)).collect();
    assert_eq!(names, [("too new", Truth::Unknown), ("tried out", Truth::True)]);
    assert!(why(Verdict::Hold, json!({ "malformed": ["reason"], "reason": "博彩" })).rules.is_empty());
}

#[test]
fn matched_words() {
    let told = why(Verdict::Hold, json!({ "nickname": "测试", "reason": "赌博，博彩", "create_time": "1" }));
    assert_eq!(told.matched("gambling words"), ["博彩", "赌博"]);
    assert_eq!(told.matched("tried out"), ["测试"]);
    assert!(told.matched("known trades").is_empty());
}

#[test]
fn evidence_survives_the_log() {
    let told = why(Verdict::Hold, json!({ "nickname": "测试", "reason": "博彩" }));
    let again: Why = serde_json::from_str(&serde_json::to_string(&told).unwrap()).unwrap();
    assert_eq!(again, told);
}

#[test]
fn patterns_and_earlier_applications_are_told() {
    use crate::policy::{AppId, CreateTime, Earlier, EarlierKind, History, Moment};
    let rules = RuleSet::compile(policy_of(json!([{
        "name": "r", "action": "hold",
        "when": [
            { "reason": { "regex": ["(?i)vx[0-9]+", "x$"] } },
            { "previous": { "refused": 1, "within": { "secs": 86400, "nanos": 0 } } },
        ],
    }])))
    .unwrap();
    let at = moment().now;
    let earlier = Earlier { create_time: CreateTime::received("1"), at, what: EarlierKind::Refused };
    let history: History = [(AppId::new("wx1"), earlier)].into_iter().collect();
    let given = application(json!({ "reason": "加 VX12" }));
    let told = rules.explain(&given, &Moment { history: &history, ..moment() });
    insta::assert_snapshot!(told.sentence, @r#"hold: rule "r": reason matches (?i)vx[0-9]+; previous refused 1 time within 1d, at least 1"#);
    insta::assert_snapshot!(shown(&rules.explain(&application(json!({ "reason": "加 VX12" })), &moment()).rules), @r"
    hold r: False
      when.reason.regex True: matches (?i)vx[0-9]+ [(?i)vx[0-9]+ 4..8]
      when.previous.refused False: refused 0 times within 1d, less than 1
    ");
}
