//! Cases against small policies written in TOML: what passes, what differs, what was exercised.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::document::Reading;
use crate::policy::parse::{Outside, ParsedPolicy, parse};
use std::path::Path;

const RULES: &str = r#"
[[rule]]
name = "gambling"
action = "refuse"
message = "含有{keyword}"
when = { reason = { any = ["博彩"] } }
unless = { appid = { any = ["wx-partner"] } }

[[rule]]
name = "bets"
action = "refuse"
message = "含有{keyword}"
when = { reason = { any = ["下注"] } }

[[rule]]
name = "fresh"
action = "hold"
accounts = ["express"]
when = { age = { max = "1h" } }

[[rule]]
name = "trades"
action = "agree"
when = { category = { all = ["物流服务"] }, not = { nickname = { max_chars = 1 } } }
"#;

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn policy(cases: &str) -> ParsedPolicy {
    let reading = Reading::new();
    let document = reading.parse("main.toml", &format!("{RULES}\n{cases}"));
    let root = document.root(&reading);
    let mut outside = Outside {
        matching: &mut |_, _| Ok(Vec::new()),
        read: &mut |path| panic!("{} is not asked for", path.display()),
    };
    let policy = parse(&root, Path::new("main.toml"), None, &mut outside);
    root.finish();
    reading.finish().unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    policy
}

fn trial_of(policy: &ParsedPolicy, accounts: &[&str]) -> Trial {
    let accounts: Vec<String> = accounts.iter().map(|name| (*name).to_owned()).collect();
    Trial::new(&policy.spec, &accounts).unwrap()
}

/// Runs one case for these accounts; `expected` is `what: expected, not actual` of each difference.
#[track_caller]
fn check_for(accounts: &[&str], given: &str, expectations: &str, expected: &[&str]) {
    let policy = policy(&format!("[[case]]\nname = 'c'\ngiven = {{ {given} }}\n{expectations}"));
    let result = trial_of(&policy, accounts).run(&policy.cases[0], now()).unwrap();
    let word = |d: &Difference| format!("{}: {}, not {}", d.what, d.expected, d.actual.as_deref().unwrap_or("–"));
    let found: Vec<String> = result.differences.iter().map(word).collect();
    assert_eq!(found, expected, "{given} {expectations}: {}", result.why.sentence);
    assert_eq!(result.passed(), expected.is_empty());
}

#[track_caller]
fn check(given: &str, expectations: &str, expected: &[&str]) {
    check_for(&["food"], given, expectations, expected);
}

#[test]
fn what_a_case_says_must_come_out() {
    const BAD: &str = "reason = '博 彩'";
    const GOOD: &str = "categories = ['物流服务/查件'], nickname = '某店'";
    check(BAD, "expect = 'refuse'", &[]);
    check(BAD, "expect = 'refuse'\nrule = 'gambling'\nmessage = '含有博彩'", &[]);
    check(BAD, "expect = 'refuse'\nrule = 'bets'", &["rule: bets, not gambling"]);
    check(BAD, "expect = 'agree'\nrule = 'trades'", &["verdict: agree, not refuse", "rule: trades, not gambling"]);
    check(BAD, "expect = 'refuse'\nmessage = '含有'", &["message: 含有, not 含有博彩"]);
    check(BAD, "expect = 'refuse'\nbrake = 'unknown'", &["brake: unknown, not –"]);
    check("reason = '博彩', appid = 'wx-partner'", "expect = 'hold'", &[]);
    check(GOOD, "expect = 'agree'\nrule = 'trades'", &[]);
    check(GOOD, "expect = 'hold'", &["verdict: hold, not agree"]);
    check(GOOD, "expect = 'agree'\nmessage = 'x'", &["message: x, not –"]);
    check("", "expect = 'hold'\nrule = 'trades'", &["rule: trades, not –"]);
    check("nickname = '某'", "expect = 'hold'", &[]);
}

#[test]
fn a_case_speaks_of_an_account_or_of_all() {
    const GOOD: &str = "categories = ['物流服务'], nickname = '某店', age = '2h'";
    const FRESH: &str = "categories = ['物流服务'], nickname = '某店', age = '30m'";
    check_for(&[], FRESH, "expect = 'agree'", &[]);
    check_for(&["express"], FRESH, "expect = 'hold'\nrule = 'fresh'", &[]);
    check_for(&["express", "food"], GOOD, "expect = 'agree'", &[]);
    check_for(&["express", "food"], FRESH, "expect = 'agree'", &["verdict: agree, not hold"]);
    check_for(&["food", "express"], FRESH, "expect = 'agree'", &["verdict: agree, not hold"]);
    check_for(&["express", "food"], &format!("{FRESH}, account = 'food'"), "expect = 'agree'", &[]);
    check_for(&["express", "food"], &format!("{FRESH}, account = 'express'"), "expect = 'hold'", &[]);
    check_for(&[], &format!("{FRESH}, account = 'express'"), "expect = 'hold'", &[]);
    check_for(&["express"], "categories = ['物流服务']", "expect = 'hold'\nbrake = 'unknown'", &[]);
}

#[test]
fn a_case_has_its_own_time() {
    const AT: &str = "now = 2026-11-22T08:00:00Z";
    let made = |back: i64| ("2026-11-22T08:00:00Z".parse::<Timestamp>().unwrap().as_second() - back).to_string();
    check_for(&["express"], &format!("{AT}, create_time = {}", made(3_600)), "expect = 'hold'\nrule = 'fresh'", &[]);
    check_for(
        &["express"],
        &format!("{AT}, create_time = '{}'", made(3_601)),
        "expect = 'hold'\nbrake = 'unknown'",
        &["brake: unknown, not –"],
    );
    check_for(&["express"], &format!("{AT}, age = '1h'"), "expect = 'hold'\nrule = 'fresh'", &[]);
    check_for(&["express"], "age = '1h'", "expect = 'hold'\nrule = 'fresh'", &[]);
}

#[test]
fn earlier_applications_are_made_up_as_well() {
    const RULE: &str = "expect = 'hold'\nrule = 'again'\n[[rule]]\nname = 'again'\naction = 'hold'\n\
        when = { any_of = [{ previous = { refused = 2, within = '30d' } }, { previous = { agreed = 1, held = 1 } }] }\n";
    let not: &[&str] = &["rule: again, not –"];
    for (previous, expected) in [
        ("{ refused = 2 }", &[][..]),
        ("{ refused = 1 }", not),
        ("[{ refused = 1 }, { refused = 1, ago = '29d' }]", &[]),
        ("[{ refused = 1 }, { refused = 1, ago = '31d' }]", not),
        ("{ refused = 2, at = '2027-01-14T08:00:00Z' }", &[]),
        ("{ refused = 2, at = '2026-01-14T08:00:00Z' }", not),
        ("{ agreed = 1 }", not),
        ("{ agreed = 1, held = 1, ago = '900d' }", &[]),
        ("[]", not),
    ] {
        check(&format!("previous = {previous}"), RULE, expected);
    }
}

#[test]
fn the_account_that_fails_is_named() {
    let policy = policy("[[case]]\nname = 'c'\ngiven = { age = '1m' }\nexpect = 'hold'\nrule = 'fresh'\n");
    let result = trial_of(&policy, &["express", "food"]).run(&policy.cases[0], now()).unwrap();
    assert_eq!(result.account.as_deref(), Some("food"));
    let result = trial_of(&policy, &["express"]).run(&policy.cases[0], now()).unwrap();
    assert_eq!((result.passed(), result.account), (true, None));
    assert_eq!(result.place.to_string(), "main.toml:26");
}

/// What the cases leave unexercised, as `rule` or `rule path: true` (never true).
fn gaps(cases: &str) -> Vec<String> {
    let policy = policy(cases);
    let mut trial = trial_of(&policy, &["express"]);
    for case in &policy.cases {
        trial.run(case, now()).unwrap();
    }
    let coverage = trial.coverage();
    let rules = coverage.never_fired().map(|rule| rule.rule.clone());
    let conditions = coverage.unexercised().flat_map(|(rule, seen)| {
        let never = [(seen.held, "true"), (seen.failed, "false")];
        never.into_iter().filter(|(seen, _)| !seen).map(|(_, word)| format!("{} {}: {word}", rule.rule, seen.path))
    });
    rules.chain(conditions).collect()
}

#[test]
fn coverage_tells_what_no_case_exercised() {
    let nothing = gaps("");
    assert_eq!(nothing.len(), 4 + 2 * 6, "{nothing:?}");
    let refused =
        "[[case]]\nname = 'c'\ngiven = { reason = '博彩', age = '2h', nickname = '某店' }\nexpect = 'refuse'\n";
    assert_eq!(
        gaps(refused),
        [
            "bets",
            "fresh",
            "trades",
            "gambling when.reason.any: false",
            "gambling unless.appid.any: true",
            "bets when.reason.any: true",
            "fresh when.age.max: true",
            "trades when.category.all: true",
            "trades when.category.all: false",
            "trades when.not.nickname.max_chars: true"
        ]
    );
    let all = "[[case]]\nname = 'p'\ngiven = { reason = '博彩下注', age = '1m', appid = 'wx-partner', categories = ['x'] }\nexpect = 'refuse'\n\
               [[case]]\nname = 'a'\ngiven = { age = '2h', nickname = '某店', categories = ['物流服务'] }\nexpect = 'agree'\n";
    assert_eq!(gaps(&format!("{refused}{all}")), Vec::<String>::new());
}
