//! Laws that hold for any rules and any application.

use super::{naive, naive_words, policy::*};
use jiff::Timestamp;
use proptest::{collection::vec, option, prelude::*, sample::select, sample::subsequence};
use std::time::Duration;

const NOW: i64 = 1_767_323_045;
const WORDS: [&str; 14] =
    ["博彩", "赌博", "博", "彩 票", "test", "test*", "*es*", "vx", "a b", "賭", "查件", "1", "*", "！"];
const PATTERNS: [&str; 7] = ["博", "^$", "[0-9]+", "(?i)LATEST", r"(?-u:\b)es|ing$", "彩.票", "^[ a-z]+$"];
const TEXTS: [&str; 16] = [
    "博彩",
    "賭博",
    "彩票",
    " ",
    "test",
    "testing",
    "latest",
    "ＶＸ",
    "a",
    "b",
    "查\u{200B}件",
    "1",
    "*",
    "!",
    "é",
    "\u{301}",
];
const ENTRIES: [&str; 8] = ["物流", "物流/*", "物流/查件", "*/查件", "自营", "自營/食品/酒", "*", "*/*"];
const CATEGORIES: [(&str, &str); 6] =
    [("物流", "查件"), ("物流", ""), ("自营", "食品/酒"), ("自營", "查件"), ("", "查件"), ("别的", "別的")];

fn some_of(from: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    subsequence(from, 1..4).prop_map(|words| words.into_iter().map(str::to_owned).collect())
}

/// At least one of the three is set.
fn lists(from: &'static [&'static str]) -> impl Strategy<Value = Lists> {
    let side = || option::of(some_of(from));
    (side(), side(), side(), some_of(from)).prop_map(|(any, all, none, else_any)| {
        let any = if any.is_none() && all.is_none() && none.is_none() { Some(else_any) } else { any };
        Lists { any, all, none }
    })
}

fn text_test() -> impl Strategy<Value = TextTest> {
    const KEYWORDS: &[&str] = &WORDS;
    let keywords = lists(KEYWORDS).prop_map(|mut lists| {
        for list in [&mut lists.any, &mut lists.all, &mut lists.none].into_iter().flatten() {
            list.iter_mut().filter(|word| *word == "*").for_each(|word| *word = "c".to_owned());
        }
        lists
    });
    let regex = option::weighted(0.2, some_of(&PATTERNS));
    (keywords, regex, option::of(0..6u64), option::of(0..9u64))
        .prop_map(|(keywords, regex, min_chars, max_chars)| TextTest { keywords, regex, min_chars, max_chars })
}

fn condition() -> impl Strategy<Value = Condition> {
    let secs = || option::of((0..100u64).prop_map(Duration::from_secs));
    let test = prop_oneof![
        1 => Just(Test::Always),
        4 => lists(&ENTRIES).prop_map(Test::Category),
        5 => text_test().prop_map(Test::Reason),
        2 => text_test().prop_map(Test::Nickname),
        1 => (option::of(some_of(&["wx1", "wx2", "wx4"])), some_of(&["wx1", "wx3", "wx5"]))
            .prop_map(|(any, none)| Test::Appid(Lists { none: any.is_none().then_some(none), any, all: None })),
        2 => (secs(), 0..100u64)
            .prop_map(|(min, max)| Test::Age(AgeTest { max: min.is_none().then_some(Duration::from_secs(max)), min })),
    ];
    let count = || option::of(1..3u64);
    let previous = (count(), count(), 1..3u64, secs()).prop_map(|(agreed, refused, held, within)| {
        let held = (agreed.is_none() || refused.is_none()).then_some(held);
        Test::Previous(PreviousTest { agreed, refused, held, within })
    });
    let test = prop_oneof![15 => test, 1 => previous];
    let leaf = vec(test, 1..3).prop_map(|tests| Condition { tests });
    leaf.prop_recursive(2, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(|branches| Condition { tests: vec![Test::AnyOf(branches)] }),
            inner.clone().prop_map(|inner| Condition { tests: vec![Test::Not(inner)] }),
            (inner.clone(), inner).prop_map(|(one, two)| Condition { tests: [one.tests, two.tests].concat() }),
        ]
    })
}

fn rule() -> impl Strategy<Value = RuleSpec> {
    let action = select(vec![Verdict::Agree, Verdict::Refuse, Verdict::Hold]);
    let mode = prop_oneof![5 => Just(RuleMode::Live), 1 => Just(RuleMode::Shadow)];
    (action, mode, condition(), option::weighted(0.3, condition())).prop_map(|(action, mode, when, unless)| RuleSpec {
        name: "r".to_owned(),
        action,
        mode,
        message: Some("no {keyword}{category}".to_owned()),
        accounts: None,
        note: None,
        limit: None,
        when,
        unless,
        place: None,
    })
}

fn policy() -> impl Strategy<Value = PolicySpec> {
    let default = select(vec![Verdict::Agree, Verdict::Refuse, Verdict::Hold]);
    (vec(rule(), 0..8), default).prop_map(|(rules, default)| PolicySpec {
        rules,
        default,
        default_message: Some("no".to_owned()),
        message_max_chars: 200,
    })
}

fn application() -> impl Strategy<Value = Application> {
    let text = || vec(select(&TEXTS[..]), 0..5).prop_map(|parts| parts.concat());
    let part = |part: &str| (!part.is_empty()).then(|| part.to_owned());
    let category =
        select(&CATEGORIES[..]).prop_map(move |(first, second)| Category { first: part(first), second: part(second) });
    let created = option::of(-700..100i64).prop_map(|ago| match ago {
        Some(ago) => CreateTime::received((NOW - ago).to_string()),
        None => CreateTime::ABSENT,
    });
    (text(), text(), vec(category, 0..3), created, select(vec!["wx1", "wx2", "wx3"])).prop_map(
        |(reason, nickname, categories, create_time, appid)| Application {
            appid: AppId::new(appid),
            create_time,
            nickname,
            reason,
            categories,
            headimgurl: None,
            apply_url: None,
            malformed: Vec::new(),
        },
    )
}

/// What became of earlier applications, often the one at hand too.
fn history() -> impl Strategy<Value = History> {
    let what = select(vec![EarlierKind::Agreed, EarlierKind::Refused, EarlierKind::Held]);
    let earlier = (select(vec!["wx1", "wx2"]), option::of(0..4i64), 0..120i64, what);
    vec(earlier, 0..8).prop_map(|all| {
        let one = |(appid, create_time, ago, what): (&str, Option<i64>, i64, EarlierKind)| {
            let create_time =
                create_time.map_or(CreateTime::ABSENT, |secs| CreateTime::received((NOW - secs).to_string()));
            (AppId::new(appid), Earlier { create_time, at: Timestamp::from_second(NOW - ago).unwrap(), what })
        };
        all.into_iter().map(one).collect()
    })
}

fn moment() -> Moment<'static> {
    Moment::at(Timestamp::from_second(NOW).unwrap())
}

fn verdict(spec: PolicySpec, application: &Application) -> (Verdict, Option<Brake>) {
    let decision = RuleSet::compile(spec).unwrap().decide(application, &moment());
    (decision.verdict, decision.brake)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_engine_is_the_naive_evaluator(spec in policy(), application in application(), history in history()) {
        let rules = RuleSet::compile(spec).unwrap();
        let moment = Moment { history: &history, ..moment() };
        let decision = rules.decide(&application, &moment);
        let naive = naive::decide(rules.spec(), &application, &moment);
        prop_assert_eq!((decision.verdict, decision.rule, decision.unknown.clone()), naive);
        prop_assert_eq!(decision.message.is_some(), decision.verdict == Verdict::Refuse);
        prop_assert!(decision.verdict != Verdict::Agree || decision.brake.is_none());
    }

    #[test]
    fn the_message_names_the_naive_words(spec in policy(), application in application()) {
        let rules = RuleSet::compile(spec).unwrap();
        let decision = rules.decide(&application, &moment());
        if let Some(rule) = decision.rule.filter(|_| decision.verdict == Verdict::Refuse) {
            let words = naive_words::words(&rules.spec().rules[rule].when, &application);
            prop_assert_eq!(decision.message, Some(format!("no {words}")));
        }
    }

    #[test]
    fn the_evidence_agrees(spec in policy(), application in application(), history in history()) {
        let rules = RuleSet::compile(spec).unwrap();
        let moment = Moment { history: &history, ..moment() };
        let decision = rules.decide(&application, &moment);
        let (why, all) = (rules.why(&application, &moment, &decision), rules.explain(&application, &moment));
        prop_assert_eq!(&why.sentence, &all.sentence);
        prop_assert_eq!(all.rules.len(), rules.spec().rules.len());
        let mut told = all.rules;
        told.retain(|rule| rule.truth != Truth::False);
        prop_assert_eq!(told, why.rules.clone());
        for found in why.rules.iter().flat_map(|rule| &rule.conditions).flat_map(|condition| &condition.found) {
            let texts = [&application.reason, &application.nickname];
            let is_pattern = PATTERNS.contains(&found.keyword.as_str());
            let stands = |text: &String| text.get(found.start..found.end).is_some_and(|part| {
                naive::occurs(&format!("*{}*", found.keyword), &fold(part)) || is_pattern
            });
            prop_assert!(texts.into_iter().any(stands), "{found:?}");
        }
    }

    #[test]
    fn the_order_of_rules_never_changes_a_verdict(spec in policy(), application in application(), turn in 0..8usize) {
        let mut turned = spec.clone();
        let by = turn % turned.rules.len().max(1);
        turned.rules.rotate_left(by);
        let mut reversed = spec.clone();
        reversed.rules.reverse();
        let expected = verdict(spec, &application);
        prop_assert_eq!(verdict(turned, &application), expected);
        prop_assert_eq!(verdict(reversed, &application), expected);
    }

    #[test]
    fn one_more_rule_against_never_lets_in(spec in policy(), rule in rule(), application in application()) {
        prop_assume!(rule.action != Verdict::Agree);
        let mut more = spec.clone();
        more.rules.push(rule);
        if verdict(spec, &application).0 != Verdict::Agree {
            prop_assert_ne!(verdict(more, &application).0, Verdict::Agree);
        }
    }

    #[test]
    fn what_is_said_never_to_happen_never_does(spec in policy(), application in application(), history in history()) {
        let rules = RuleSet::compile(spec).unwrap();
        let moment = Moment { history: &history, ..moment() };
        let decision = rules.decide(&application, &moment);
        let (never_fires, never_decides) = crate::policy::lint::never(rules.spec());
        prop_assert!(decision.rule.is_none_or(|rule| !never_decides.contains(&rule)), "{:?}", decision);
        for (index, rule) in rules.explain(&application, &moment).rules.iter().enumerate() {
            prop_assert!(rule.truth != Truth::True || !never_fires.contains(&index), "{:?}", rule);
        }
    }

    #[test]
    fn a_shadow_rule_changes_nothing(spec in policy(), rule in rule(), application in application()) {
        let mut more = spec.clone();
        more.rules.push(RuleSpec { mode: RuleMode::Shadow, ..rule });
        let decide = |spec| RuleSet::compile(spec).unwrap().decide(&application, &moment());
        prop_assert_eq!(decide(more), decide(spec));
    }
}
