//! Comparing, case by case, and what is counted of it.

#![expect(clippy::unwrap_used)]

use super::*;
use crate::policy::ruleset::tests::{application, moment, policy_of};
use serde_json::{Value, json};

fn rules() -> PolicySpec {
    policy_of(json!([
        { "name": "bad", "action": "refuse", "message": "no {keyword}", "when": [{ "reason": { "any": ["bad", "worse"] } }] },
        { "name": "ask", "action": "hold", "when": [{ "reason": { "any": ["ask"] } }] },
        { "name": "young", "action": "hold", "accounts": ["shop"], "when": [{ "age": { "max": { "secs": 60, "nanos": 0 } } }] },
        { "name": "good", "action": "agree", "when": [{ "reason": { "any": ["good", "fine"] } }] },
        { "name": "nice", "action": "agree", "when": [{ "reason": { "any": ["fine"] } }] },
        { "name": "shy", "action": "agree", "mode": "shadow", "when": [{ "reason": { "any": ["ask"] } }] },
        { "name": "empty", "action": "refuse", "message": "{nickname}", "when": [{ "reason": { "any": ["nameless"] } }] },
        { "name": "never", "action": "agree", "when": [{ "appid": { "any": ["wx-nobody"] } }] }
    ]))
}

const NONE: Before<'_> = Before { said: None, rule: None, message: None, person: None };

fn before<'a>(said: Said, rule: Option<&'a str>, message: Option<&'a str>) -> Before<'a> {
    Before { said: Some(said), rule, message, person: None }
}

fn again(backtest: &mut Backtest, account: &str, given: Value, before: &Before<'_>) -> (Said, Change) {
    let rules = AccountRules::new(&rules(), account).unwrap();
    let again = rules.again(&application(given), &moment(), before, &mut Scratch::default());
    backtest.count(&again);
    (Said::of(again.decision.verdict, again.decision.brake), again.change)
}

#[test]
fn what_rules_say_leaves_out_the_brakes_of_the_day() {
    let cases = [
        (Verdict::Agree, None, "agree"),
        (Verdict::Agree, Some(Brake::Limit), "agree"),
        (Verdict::Refuse, Some(Brake::Pause), "refuse"),
        (Verdict::Refuse, Some(Brake::Verification), "refuse"),
        (Verdict::Refuse, Some(Brake::Message), "refuse (message)"),
        (Verdict::Hold, None, "hold"),
        (Verdict::Hold, Some(Brake::Unknown), "hold (unknown)"),
    ];
    for (verdict, brake, expected) in cases {
        assert_eq!(Said::of(verdict, brake).to_string(), expected, "{verdict} {brake:?}");
    }
}

#[test]
fn comparing_case_by_case() {
    let cases = [
        ("bad", before(Said::Refuse, Some("bad"), Some("no bad")), Said::Refuse, Change::Same),
        ("worse", before(Said::Refuse, Some("bad"), Some("no bad")), Said::Refuse, Change::OtherMessage),
        ("bad", before(Said::Refuse, Some("older"), Some("no bad")), Said::Refuse, Change::OtherRule),
        ("bad", before(Said::Agree, Some("good"), None), Said::Refuse, Change::Changed),
        ("good", before(Said::Agree, Some("good"), None), Said::Agree, Change::Same),
        ("good", before(Said::Agree, None, None), Said::Agree, Change::OtherRule),
        ("good", before(Said::Unknown, None, None), Said::Agree, Change::Changed),
        ("fine", NONE, Said::Agree, Change::First),
        ("nothing", before(Said::Hold, None, None), Said::Hold, Change::Same),
        ("nothing", before(Said::Hold, Some("ask"), None), Said::Hold, Change::OtherRule),
        ("nothing", before(Said::Unknown, None, None), Said::Hold, Change::Changed),
        ("nameless", before(Said::Refuse, Some("empty"), Some("x")), Said::NoMessage, Change::Changed),
    ];
    for (reason, before, said, change) in cases {
        let found = again(&mut Backtest::new(&rules()), "express", json!({ "reason": reason }), &before);
        assert_eq!(found, (said, change), "{reason} {before:?}");
    }
}

#[test]
fn rules_of_another_account_are_not_asked() {
    for (account, expected) in [("express", Said::Agree), ("shop", Said::Unknown)] {
        let found = again(&mut Backtest::new(&rules()), account, json!({ "reason": "good" }), &NONE);
        assert_eq!(found, (expected, Change::First), "{account}");
    }
}

#[test]
fn beside_a_person() {
    use Verdict::{Agree, Refuse};
    for said in Said::ALL {
        let expected = match said {
            Said::Agree => (Beside::Same, Beside::Opposite),
            Said::Refuse => (Beside::Opposite, Beside::Same),
            _ => (Beside::Asks, Beside::Asks),
        };
        assert_eq!((said.beside(Agree), said.beside(Refuse)), expected, "{said}");
    }
}

#[test]
fn everything_is_counted_once() {
    let mut backtest = Backtest::new(&rules());
    let person = |person| Before { person: Some(person), ..before(Said::Hold, Some("ask"), None) };
    for (reason, before) in [
        ("bad", before(Said::Agree, Some("good"), None)),
        ("bad and good", before(Said::Agree, Some("good"), None)),
        ("fine", person(Verdict::Agree)),
        ("fine", person(Verdict::Refuse)),
        ("ask", person(Verdict::Refuse)),
        ("nothing", NONE),
    ] {
        again(&mut backtest, "express", json!({ "reason": reason }), &before);
    }
    backtest.pass_over(Undecidable::Redacted);
    backtest.pass_over(Undecidable::Redacted);
    backtest.pass_over(Undecidable::Ambiguous);

    assert_eq!((backtest.decided(), backtest.seen()), (6, 9));
    assert_eq!(Undecidable::ALL.map(|why| backtest.undecidable(why)), [2, 0, 1, 0]);
    let cells = [
        (Some(Said::Agree), Said::Refuse, 2),
        (Some(Said::Hold), Said::Agree, 2),
        (Some(Said::Hold), Said::Hold, 1),
        (None, Said::Hold, 1),
        (Some(Said::Agree), Said::Agree, 0),
    ];
    for (old, new, expected) in cells {
        assert_eq!(backtest.cell(old, new), expected, "{old:?} {new}");
    }
    assert_eq!((backtest.changes(Change::Changed), backtest.changes(Change::Same)), (4, 1));
    let people = [Verdict::Agree, Verdict::Refuse]
        .map(|person| [Beside::Same, Beside::Opposite, Beside::Asks].map(|beside| backtest.people(person, beside)));
    assert_eq!(people, [[1, 0, 0], [0, 1, 1]]);
    let rules: Vec<String> = backtest
        .rules()
        .iter()
        .map(|rule| format!("{} {} {} {}", rule.name, rule.fired, rule.decided, rule.unknown))
        .collect();
    assert_eq!(
        rules,
        [
            "bad 2 2 0",
            "ask 1 1 0",
            "young 0 0 0",
            "good 3 2 0",
            "nice 2 0 0",
            "shy 1 0 0",
            "empty 0 0 0",
            "never 0 0 0"
        ]
    );
}

#[test]
fn a_rule_that_cannot_be_told_is_counted_as_such() {
    let mut backtest = Backtest::new(&rules());
    again(&mut backtest, "shop", json!({ "reason": "good" }), &NONE);
    let young = backtest.rules().iter().find(|rule| rule.name == "young").unwrap();
    assert_eq!((young.fired, young.unknown), (0, 1));
}
