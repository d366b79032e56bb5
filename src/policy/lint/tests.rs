//! Each warning, on rules that earn it and on rules that narrowly do not.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::policy::{
    RuleSet,
    parse::{Outside, OutsideFile, parse},
};
use std::path::Path;

/// `code line:column` of every warning.
#[track_caller]
fn lints(text: &str) -> Vec<String> {
    let reading = Reading::new();
    let document = reading.parse("main.toml", text);
    let root = document.root(&reading);
    let mut outside = Outside {
        matching: &mut |_, _| Ok(Vec::new()),
        read: &mut |_| Err(OutsideFile { code: "unreadable", message: "not there".to_owned(), help: None }),
    };
    let policy = parse(&root, Path::new("main.toml"), None, &mut outside);
    root.finish();
    if let Err(problems) = RuleSet::compile(policy.spec.clone()) {
        policy.report_rule_problems(&reading, &problems);
    }
    if !reading.has_errors() {
        policy.report_lints(&reading);
    }
    let problems = reading.finish_with_warnings().unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
    problems.iter().map(|p| format!("{} {}:{}", p.code, p.line, p.column)).collect()
}

/// The page of each warning shows rules that earn exactly this warning, then rules that earn none.
#[test]
fn the_documented_examples_earn_what_they_say() {
    let pages = include_str!("../../../docs/lints.md");
    for code in CODES {
        let page = pages.split(&format!("\n## {code}\n")).nth(1).unwrap();
        let page = page.split("\n## ").next().unwrap();
        let examples: Vec<&str> =
            page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
        assert_eq!(examples.len(), 2, "{code}");
        let found: Vec<String> =
            lints(examples[0]).iter().map(|found| found.split(' ').next().unwrap().to_owned()).collect();
        assert!(!found.is_empty() && found.iter().all(|found| found == code), "{code}: {found:?}");
        assert_eq!(lints(examples[1]), [] as [&str; 0], "{code}");
    }
}

#[test]
fn conditions_that_say_too_much_or_nothing() {
    for (when, expected) in [
        ("{ reason = { any = ['a'] } }", &[][..]),
        ("{ always = true }", &[]),
        ("{ not = { always = true } }", &["never-holds"]),
        ("{ any_of = [{ always = true }, { reason = { any = ['a'] } }] }", &["always-holds"]),
        ("{ any_of = [{ reason.any = ['a', 'b'] }, { reason.none = ['a'] }] }", &["always-holds"]),
        ("{ any_of = [{ reason.any = ['a'] }, { reason.none = ['a', 'b'] }] }", &[]),
        ("{ any_of = [{ reason.min_chars = 5 }, { reason.max_chars = 4 }] }", &["always-holds"]),
        ("{ any_of = [{ reason.min_chars = 6 }, { reason.max_chars = 4 }] }", &[]),
        ("{ any_of = [{ category.any = ['物流服务'] }, { category.none = ['物流服务'] }] }", &[]),
        ("{ any_of = [{ age.min = '1h' }, { age.max = '1h' }] }", &[]),
        ("{ reason = { min_chars = 0, any = ['a'] } }", &["always-holds"]),
        ("{ not.nickname = { min_chars = 0, any = ['a'] } }", &["always-holds"]),
        ("{ any_of = [{ reason = { any = ['a'], none = ['a'] } }, { reason = { any = ['b'] } }] }", &["never-holds"]),
        ("{ reason = { min_chars = 0 } }", &["always-holds"]),
        ("{ reason = { max_chars = 0, any = ['a'] } }", &["never-holds"]),
        ("{ reason = { max_chars = 0, regex = ['^$'] } }", &[]),
        ("{ reason = { any = ['赌博', '博彩'], none = ['博'] } }", &["never-holds"]),
        ("{ reason = { any = ['赌博', '彩票'], none = ['博'] } }", &[]),
        ("{ reason = { any = ['latest'], none = ['test'] } }", &[]),
        ("{ reason = { any = ['latest'], none = ['test*'] } }", &[]),
        ("{ reason = { any = ['latest'], none = ['*test'] } }", &["never-holds"]),
        ("{ reason = { any = ['test*'], none = ['test'] } }", &[]),
        ("{ reason = { any = ['a test b'], none = ['test'] } }", &["never-holds"]),
        ("{ reason.regex = ['x*'] }", &["regex-matches-all"]),
        ("{ not = { nickname.regex = ['a', 'x?'] } }", &["regex-matches-all"]),
        ("{ reason.regex = ['xy?', '^$'] }", &[]),
        ("{ reason.regex = ['a'], not = { reason.regex = ['b', 'a'] } }", &["never-holds"]),
        ("{ reason.regex = ['a', 'b'], not = { reason.regex = ['a'] } }", &[]),
        ("{ category = { all = ['物流服务'], none = ['物流服务/*'] } }", &["never-holds"]),
        ("{ category = { all = ['物流服务'], none = ['物流服务/查件'] } }", &[]),
        ("{ category = { all = ['物流服务'], any = ['*/查件'], none = ['物流服务/查件'] } }", &["never-holds"]),
        ("{ category = { all = ['物流服务'], any = ['餐饮'] } }", &["never-holds"]),
        ("{ category = { any = ['*'] } }", &[]),
        ("{ category = { none = ['*'] } }", &["never-holds"]),
        ("{ appid = { any = ['wx1'], none = ['wx1', 'wx2'] } }", &["never-holds"]),
        ("{ appid = { any = ['wx1', 'wx3'], none = ['wx1', 'wx2'] } }", &[]),
        ("{ age = { min = '1h' }, not = { age = { min = '30m' } } }", &["never-holds"]),
        ("{ age = { min = '1h' }, not = { age = { min = '2h' } } }", &[]),
        ("{ age = { min = '1h' }, not = { age = { max = '1h' } } }", &[]),
        ("{ age = { max = '1h' }, not = { age = { max = '1h' } } }", &["never-holds"]),
        ("{ previous.held = 2, not = { previous.held = 1 } }", &["never-holds"]),
        ("{ previous.held = 2, not = { previous = { held = 1, within = '1d' } } }", &[]),
        (
            "{ previous = { held = 2, within = '1d' }, not = { previous = { held = 1, within = '2d' } } }",
            &["never-holds"],
        ),
    ] {
        let text = format!("[[rule]]\nname = 'r'\naction = 'hold'\nwhen = {when}\n");
        let codes: Vec<String> = lints(&text).iter().map(|found| found.split(' ').next().unwrap().to_owned()).collect();
        assert!(codes == expected, "{when}: {codes:?}");
    }
}

#[test]
fn words_of_lists() {
    for (when, expected) in [
        ("{ reason.any = ['博彩', '博 彩'] }", &["keyword-twice 4:30"][..]),
        ("{ reason.any = ['博彩', '博彩'] }", &["keyword-twice 4:30"]),
        ("{ reason.any = ['test*', 'test'] }", &["keyword-covered 4:33"]),
        ("{ reason.any = ['es', 'test'] }", &[]),
        ("{ reason.any = ['*es*', 'test'] }", &["keyword-covered 4:32"]),
        ("{ reason.all = ['博彩', '博彩网'] }", &["keyword-covered 4:24"]),
        ("{ reason.none = ['a b', 'b'] }", &["keyword-covered 4:25"]),
        ("{ nickname.any = ['раypal'] }", &["look-alike 4:26"]),
        ("{ nickname.any = ['СОСА'] }", &["look-alike 4:26"]),
        ("{ nickname.any = ['Привет', 'α版', 'VX号'] }", &["look-alike 4:36"]),
        ("{ category.any = ['快递业与邮政', '*/寄件/收件', '物流服务/查件', '餐饮服务'] }", &[]),
        ("{ category.any = ['物流服务/查建'] }", &["unknown-category 4:26"]),
        ("{ category.none = ['*/没有的类目'] }", &["unknown-category 4:27"]),
        ("{ appid.any = ['wx1'], category.any = ['*'] }", &[]),
    ] {
        let text = format!("[[rule]]\nname = 'r'\naction = 'hold'\nwhen = {when}\n");
        assert_eq!(lints(&text), expected, "{when}");
    }
}

/// What is found wherever a keyword is, tried out in many surroundings.
#[test]
fn keywords_that_imply_others() {
    use crate::policy::keywords::{Hits, Keyword, KeywordCollector};
    let words =
        ["a", "a b", "test", "test*", "*test", "*es*", "latest", "博", "博彩", "博a", "a博", "1", "a1", "1a*", "！a"];
    let mut collector = KeywordCollector::default();
    let keywords: Vec<Keyword> = words.iter().filter_map(|word| Keyword::read(word)).collect();
    let numbers: Vec<u32> = keywords.iter().map(|keyword| collector.number(keyword.clone())).collect();
    let set = collector.build().unwrap();
    let around = ["", "a", "1", "博", " ", "t", "b"];
    let mut hits = Hits::default();
    for (keyword, number) in keywords.iter().zip(&numbers) {
        let word = words[numbers.iter().position(|n| n == number).unwrap()].trim_matches('*');
        let mut always: Option<Vec<u32>> = None;
        for before in around {
            for after in around {
                set.seek(&crate::policy::fold(&format!("{before}{word}{after}")), &mut hits);
                if hits.has(*number) {
                    let found = numbers.iter().copied().filter(|other| hits.has(*other));
                    always = Some(match always {
                        None => found.collect(),
                        Some(always) => always.into_iter().filter(|other| hits.has(*other)).collect(),
                    });
                }
            }
        }
        let mut always = always.unwrap();
        always.sort_unstable();
        assert_eq!(set.implied(keyword), always, "{word}");
    }
}

const REFUSE: &str = "action = 'refuse'\nmessage = 'no'\nwhen";

/// Two rules; the second one's name stands at 6:8 or 7:8.
#[track_caller]
fn check_second(first: &str, second: &str, covered: bool) {
    let text = format!("[[rule]]\nname = 'first'\n{first}\n[[rule]]\nname = 'second'\n{second}\n");
    let line = 1 + text.lines().position(|line| line == "name = 'second'").unwrap();
    let found = lints(&text).contains(&format!("never-decides {line}:8"));
    assert_eq!(found, covered, "{text}");
}

#[test]
fn rules_behind_others() {
    let same = [
        ("{ reason.any = ['a', 'b'] }", "{ reason.any = ['a'] }", true),
        ("{ reason.any = ['a'] }", "{ reason.any = ['a', 'b'] }", false),
        ("{ reason.any = ['a'] }", "{ nickname.any = ['a'] }", false),
        ("{ reason.any = ['a'] }", "{ reason.all = ['a', 'b'] }", true),
        ("{ reason.all = ['a', 'b'] }", "{ reason.all = ['a b', 'c'] }", true),
        ("{ reason.all = ['a', 'b'] }", "{ reason.any = ['a b', 'b a'] }", true),
        ("{ reason.all = ['a', 'b'] }", "{ reason.any = ['a b', 'a'] }", false),
        ("{ reason.none = ['test'] }", "{ reason.none = ['test*'] }", true),
        ("{ reason.none = ['test*'] }", "{ reason.none = ['test'] }", false),
        ("{ reason.min_chars = 5 }", "{ reason.min_chars = 6 }", true),
        ("{ reason.min_chars = 6 }", "{ reason.min_chars = 5 }", false),
        ("{ reason.min_chars = 1 }", "{ reason.any = ['a'] }", true),
        ("{ reason.regex = ['a', 'b'] }", "{ reason = { regex = ['a'], any = ['x'] } }", true),
        ("{ reason.regex = ['a'] }", "{ reason.regex = ['a', 'b'] }", false),
        ("{ category.any = ['物流服务'] }", "{ category.all = ['物流服务/查件'] }", true),
        ("{ category.all = ['物流服务'] }", "{ category.any = ['物流服务/查件'] }", false),
        ("{ category.none = ['餐饮'] }", "{ category.all = ['物流服务'] }", true),
        ("{ not.category.any = ['餐饮'] }", "{ category.all = ['物流服务'] }", true),
        ("{ category.any = ['*'] }", "{ not.category.all = ['物流服务'] }", true),
        ("{ category.any = ['*'] }", "{ reason.any = ['a'] }", false),
        ("{ appid.any = ['wx1', 'wx2'] }", "{ appid.any = ['wx2'] }", true),
        ("{ appid.none = ['wx1'] }", "{ appid.any = ['wx2'] }", true),
        ("{ appid.none = ['wx1'] }", "{ appid.any = ['wx1', 'wx2'] }", false),
        ("{ age.min = '1h' }", "{ age.min = '2h' }", true),
        ("{ age.min = '1h' }", "{ not.age.max = '1h' }", true),
        ("{ always = true }", "{ age.min = '2h' }", true),
        ("{ previous.refused = 1 }", "{ previous = { refused = 2, within = '3d' } }", true),
        ("{ any_of = [{ reason.any = ['a'] }, { nickname.any = ['a'] }] }", "{ nickname.any = ['a'] }", true),
        ("{ reason.any = ['a', 'b'] }", "{ any_of = [{ reason.any = ['a'] }, { reason.any = ['b'] }] }", true),
        ("{ reason.any = ['a'] }", "{ any_of = [{ reason.any = ['a'] }, { reason.any = ['b'] }] }", false),
        ("{ any_of = [{ reason.any = ['a'] }, { reason.any = ['b'] }] }", "{ reason.any = ['a', 'b'] }", true),
        ("{ any_of = [{ reason.any = ['a'] }, { reason.any = ['b'] }] }", "{ reason.any = ['a', 'c'] }", false),
        ("{ any_of = [{ reason.any = ['a'] }, { nickname.none = ['b'] }] }", "{ not.nickname.any = ['b', 'c'] }", true),
        ("{ any_of = [{ appid.any = ['wx1'] }, { appid.any = ['wx2'] }] }", "{ appid.any = ['wx1', 'wx2'] }", true),
        ("{ any_of = [{ appid.any = ['wx1'] }, { appid.any = ['wx2'] }] }", "{ appid.any = ['wx1', 'wx3'] }", false),
        (
            "{ any_of = [{ category.all = ['物流服务'] }, { category.any = ['餐饮'] }] }",
            "{ category.all = ['物流服务/查件', '餐饮'] }",
            true,
        ),
        (
            "{ any_of = [{ category.all = ['物流服务'] }, { category.all = ['餐饮'] }] }",
            "{ category.all = ['物流服务/查件', '餐饮'] }",
            false,
        ),
        (
            "{ any_of = [{ category.any = ['餐饮'] }, { category.none = ['餐饮'] }] }",
            "{ category.none = ['*/查件'] }",
            true,
        ),
        ("{ any_of = [{ category.any = ['餐饮'] }, { category.none = ['餐饮'] }] }", "{ reason.any = ['a'] }", false),
        ("{ any_of = [{ age.min = '1h' }, { age.max = '2h' }] }", "{ age.min = '30m' }", true),
        ("{ any_of = [{ age.min = '1h' }, { age.max = '2h' }] }", "{ reason.any = ['a'] }", false),
        (
            "{ reason.any = ['a'] }\nunless = { reason.none = ['b'], nickname.any = ['c'] }",
            "{ reason.any = ['a'], any_of = [{ reason.any = ['b'] }, { nickname.none = ['c'] }] }",
            true,
        ),
        (
            "{ reason.any = ['a'] }\nunless = { appid.any = ['wx1'] }",
            "{ reason.any = ['a'], appid.any = ['wx2'] }",
            true,
        ),
        (
            "{ reason.any = ['a'] }\nunless = { appid.any = ['wx1'] }",
            "{ reason.any = ['a'] }\nunless = { appid.any = ['wx1', 'wx2'] }",
            true,
        ),
        ("{ reason.any = ['a'] }\nunless = { appid.any = ['wx1'] }", "{ reason.any = ['a'] }", false),
        ("{ reason.any = ['a'] }\nmode = 'shadow'", "{ reason.any = ['a'] }", false),
        ("{ reason.any = ['a'] }", "{ reason.any = ['a'] }\nmode = 'shadow'", false),
        ("{ reason.any = ['a'] }\naccounts = ['x']", "{ reason.any = ['a'] }", false),
        ("{ reason.any = ['a'] }\naccounts = ['x', 'y']", "{ reason.any = ['a'] }\naccounts = ['x']", true),
    ];
    for (first, second, covered) in same {
        check_second(
            &format!("action = 'hold'\nwhen = {first}"),
            &format!("action = 'hold'\nwhen = {second}"),
            covered,
        );
        check_second(&format!("{REFUSE} = {first}"), &format!("action = 'hold'\nwhen = {second}"), covered);
        check_second(&format!("action = 'hold'\nwhen = {first}"), &format!("{REFUSE} = {second}"), false);
    }
    let weaker = "[[rule]]\nname = 'r'\naction = 'agree'\nwhen.reason.any = ['a']\n[[rule]]\nname = 's'\naction = 'hold'\nwhen.reason.any = ['a']\n";
    assert_eq!(lints(weaker), ["never-decides 2:8"]);
}

#[test]
fn what_bounds_an_agreement() {
    for (when, bounded) in [
        ("{ category.any = ['物流服务'] }", true),
        ("{ category.none = ['金融业'] }", true),
        ("{ category.any = ['*'] }", false),
        ("{ category.all = ['物流服务', '*/*'] }", false),
        ("{ category = { any = ['*'], none = ['金融业'] } }", true),
        ("{ category.any = ['*/查件'] }", true),
        ("{ nickname.any = ['店'] }", false),
        ("{ any_of = [{ appid.any = ['wx1'] }, { always = true }] }", false),
    ] {
        let text = format!("[[rule]]\nname = 'r'\naction = 'agree'\nwhen = {when}\n");
        assert_eq!(!lints(&text).contains(&"unbounded-agree 4:8".to_owned()), bounded, "{when}");
    }
}

/// What is offered for a category that WeChat does not have.
#[test]
fn the_nearest_category_is_offered() {
    for (written, offered) in [
        ("物流服物", Some("物流服务")),
        ("物流服务/查建", Some("物流服务/查件")),
        ("*/查建", Some("*/查件")),
        ("物流", Some("物流服务")),
        ("餐饮服务/点餐", Some("餐饮服务/点餐平台")),
        ("完全不同", None),
    ] {
        let entry = crate::policy::category::Entry::read(written).unwrap();
        let (_, near) = catalogue::unknown(&entry).unwrap();
        assert_eq!(near.as_deref(), offered, "{written}");
    }
}

#[test]
fn what_is_said_twice_of_a_shared_list_is_said_once() {
    let text = "[lists]\nx = ['博彩', '博 彩']\n[[rule]]\nname = 'a'\naction = 'hold'\nwhen.reason.any = ['@x']\n\
                [[rule]]\nname = 'b'\naction = 'hold'\nwhen.nickname.any = ['@x']\n";
    assert_eq!(lints(text), ["keyword-twice 2:12"]);
}

#[test]
fn messages_that_may_come_out_wrong() {
    let rule = |rest: &str| format!("[[rule]]\nname = 'r'\naction = 'refuse'\n{rest}\n");
    for (rest, expected) in [
        ("message = '{keyword}'\nwhen.reason.any = ['a']", &[][..]),
        ("message = '{keyword}'\nwhen.reason.none = ['a']", &["empty-placeholder 4:11"]),
        ("message = '{keyword}'\nwhen.reason.regex = ['a']", &["empty-placeholder 4:11"]),
        ("message = '{category}'\nwhen.category.none = ['物流服务']", &[]),
        ("message = '{category}'\nwhen.not.category.all = ['物流服务']", &[]),
        ("message = '{category}'\nwhen.reason.any = ['a']", &["empty-placeholder 4:11"]),
        ("message = '{category}'\nwhen.reason.any = ['a']\nunless.category.any = ['物流服务']", &[]),
        ("message = '{nickname}{appid}{rule}{{keyword}}'\nwhen.always = true", &[]),
    ] {
        assert_eq!(lints(&rule(rest)), expected, "{rest}");
    }
    let default = "[policy]\ndefault = 'refuse'\nmessage = '{keyword}'\n";
    assert_eq!(
        lints(&(default.to_owned() + &rule("message = 'x'\nwhen.reason.any = ['a']"))),
        ["empty-placeholder 3:11"]
    );
}

#[test]
fn the_built_in_and_example_rules_earn_nothing() {
    assert_eq!(lints_of_example(), [] as [&str; 0]);
}

fn lints_of_example() -> Vec<String> {
    let example = include_str!("../../../config.example.toml");
    let start = example.find("\n[lists]").unwrap();
    lints(&example[start..])
}
