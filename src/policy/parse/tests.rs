//! Files in memory, parsed as the loader would.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::document::Problems;
use crate::policy::{AgeTest, Condition, Lists, PreviousTest, RuleMode, RuleSet, Test, TextTest};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Parses `main.toml` of a few files in memory, as the loader would.
fn parse_files(files: &[(&str, &str)]) -> Result<ParsedPolicy, Problems> {
    let files: BTreeMap<PathBuf, &str> = files.iter().map(|(name, text)| (PathBuf::from(name), *text)).collect();
    let reading = Reading::new();
    let document = reading.parse("main.toml", files[Path::new("main.toml")]);
    let root = document.root(&reading);
    let mut outside = Outside {
        matching: &mut |directory, pattern| {
            let pattern = directory.join(pattern).to_string_lossy().replace("*.toml", "");
            Ok(files.keys().filter(|f| f.to_string_lossy().starts_with(&pattern)).cloned().collect())
        },
        read: &mut |path| {
            files.get(path).map(|text| (*text).to_owned()).ok_or_else(|| OutsideFile {
                code: "unreadable",
                message: "not there".to_owned(),
                help: None,
            })
        },
    };
    let accounts = ["express".to_owned(), "商城".to_owned()];
    let parsed = parse(&root, Path::new("main.toml"), Some(&accounts), &mut outside);
    root.finish();
    if let Err(problems) = RuleSet::compile(parsed.spec.clone()) {
        parsed.report_rule_problems(&reading, &problems);
    }
    reading.finish().map(|()| parsed)
}

#[track_caller]
fn parsed(text: &str) -> ParsedPolicy {
    parse_files(&[("main.toml", text)]).unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

/// `expected` is `code line:column` of each problem, `code file:line:column` outside the main file.
#[track_caller]
fn check_files(files: &[(&str, &str)], expected: &[&str]) {
    let found: Vec<String> = match parse_files(files) {
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .iter()
            .map(|p| format!("{} {}:{}:{}", p.code, p.file, p.line, p.column).replace("main.toml:", ""))
            .collect(),
    };
    assert_eq!(found, expected, "{files:#?}");
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    check_files(&[("main.toml", text)], expected);
}

/// A rule on two lines; its `when` starts at 2:8.
#[track_caller]
fn check_when(when: &str, expected: &[&str]) {
    check(&format!("[[rule]]\nwhen = {when}\nname = 'r'\naction = 'hold'\n"), expected);
}

#[track_caller]
fn when(when: &str) -> Condition {
    parsed(&format!("[[rule]]\nwhen = {when}\nname = 'r'\naction = 'hold'\n[lists]\ng = ['a', 'b']\nh = ['@g', 'c']"))
        .spec
        .rules[0]
        .when
        .clone()
}

fn list(words: &[&str]) -> Option<Vec<String>> {
    Some(words.iter().map(|w| (*w).to_owned()).collect())
}

fn any(words: &[&str]) -> Lists {
    Lists { any: list(words), ..Lists::default() }
}

fn one(test: Test) -> Condition {
    Condition { tests: vec![test] }
}

#[test]
fn conditions_say_what_is_written() {
    let text = |keywords| TextTest { keywords, ..TextTest::default() };
    let day = Duration::from_secs(86_400);
    for (written, expected) in [
        ("{ always = true }", one(Test::Always)),
        ("{ reason = { any = ['x'] } }", one(Test::Reason(text(any(&["x"]))))),
        ("{ nickname = { any = ['@g'] } }", one(Test::Nickname(text(any(&["a", "b"]))))),
        ("{ nickname = { any = '@g' } }", one(Test::Nickname(text(any(&["a", "b"]))))),
        ("{ reason = { any = ['x', '@h', '@@y'] } }", one(Test::Reason(text(any(&["x", "a", "b", "c", "@y"]))))),
        (
            "{ reason = { all = ['x'], none = ['y'], min_chars = 5, max_chars = 5 } }",
            one(Test::Reason(TextTest {
                keywords: Lists { any: None, all: list(&["x"]), none: list(&["y"]) },
                regex: None,
                min_chars: Some(5),
                max_chars: Some(5),
            })),
        ),
        (
            "{ reason = { regex = ['x+', '@g', '@@y'] } }",
            one(Test::Reason(TextTest { regex: list(&["x+", "a", "b", "@y"]), ..TextTest::default() })),
        ),
        (
            "{ previous = { agreed = 1, held = 2, within = '1d' } }",
            one(Test::Previous(PreviousTest { agreed: Some(1), refused: None, held: Some(2), within: Some(day) })),
        ),
        ("{ category = { all = ['a/*', '*/b'] } }", {
            one(Test::Category(Lists { all: list(&["a/*", "*/b"]), ..Lists::default() }))
        }),
        ("{ appid = { none = ['wx1'] } }", one(Test::Appid(Lists { none: list(&["wx1"]), ..Lists::default() }))),
        ("{ age = { min = '1d' } }", one(Test::Age(AgeTest { min: Some(day), max: None }))),
        ("{ age = { min = '0s', max = '24h' } }", {
            one(Test::Age(AgeTest { min: Some(Duration::ZERO), max: Some(day) }))
        }),
        ("{ not = { always = true } }", one(Test::Not(one(Test::Always)))),
        (
            "{ any_of = [{ always = true }, { not = { always = true } }] }",
            one(Test::AnyOf(vec![one(Test::Always), one(Test::Not(one(Test::Always)))])),
        ),
        (
            "{ age = { max = '1d' }, reason.any = ['x'] }",
            Condition {
                tests: vec![Test::Age(AgeTest { min: None, max: Some(day) }), Test::Reason(text(any(&["x"])))],
            },
        ),
    ] {
        assert_eq!(when(written), expected, "{written}");
    }
}

#[test]
fn wrong_conditions_are_told_with_their_place() {
    for (when, expected) in [
        ("{}", &["empty 2:8"][..]),
        ("1", &["kind 2:8"]),
        ("['x']", &["kind 2:8"]),
        ("{ always = false }", &["value 2:19"]),
        ("{ always = 1 }", &["kind 2:19"]),
        ("{ reson = { any = ['x'] } }", &["unknown-key 2:10"]),
        ("{ reason = {} }", &["empty 2:19"]),
        ("{ reason = 'x' }", &["kind 2:19"]),
        ("{ reason = ['x'] }", &["kind 2:19"]),
        ("{ reason = 1 }", &["kind 2:19"]),
        ("{ reason = { any = [] } }", &["empty 2:27"]),
        ("{ reason = { all = [] } }", &["empty 2:27"]),
        ("{ reason = { none = [] } }", &["empty 2:28"]),
        ("{ reason = { any = 'x' } }", &["kind 2:27"]),
        ("{ reason = { any = 1 } }", &["kind 2:27"]),
        ("{ reason = { any = ['x', 1, ''] } }", &["kind 2:33", "empty 2:36"]),
        ("{ reason = { any = ['@nope'] } }", &["unknown-name 2:28"]),
        ("{ reason = { any = '@nope' } }", &["unknown-name 2:27"]),
        ("{ reason = { regex = [] } }", &["empty 2:29"]),
        ("{ reason = { regex = 'x' } }", &["kind 2:29"]),
        ("{ reason = { regex = ['x', '(?=x)'] } }", &["rule 2:35"]),
        ("{ nickname = { regex = ['x', '@g'] } }", &["unknown-name 2:37"]),
        ("{ previous = {} }", &["empty 2:21"]),
        ("{ previous = 1 }", &["kind 2:21"]),
        ("{ previous = { within = '1d' } }", &["empty 2:21"]),
        ("{ previous = { held = 0 } }", &["range 2:30"]),
        ("{ previous = { held = '1' } }", &["kind 2:30"]),
        ("{ previous = { held = 1, within = '0s' } }", &["range 2:42"]),
        ("{ previous = { hold = 1, held = 1 } }", &["unknown-key 2:23"]),
        ("{ reason = { min_chars = -1 } }", &["range 2:33"]),
        ("{ reason = { min_chars = '5' } }", &["kind 2:33"]),
        ("{ reason = { min_chars = 6, max_chars = 5 } }", &["range 2:48"]),
        ("{ category = { any = [] } }", &["empty 2:29"]),
        ("{ category = {} }", &["empty 2:21"]),
        ("{ category = { min_chars = 1 } }", &["unknown-key 2:23"]),
        ("{ category = { any = ['/x'] } }", &["rule 2:30"]),
        ("{ appid = { all = ['x'] } }", &["unknown-key 2:20"]),
        ("{ appid = { any = ['x'], all = ['x'] } }", &["unknown-key 2:33"]),
        ("{ appid = {} }", &["empty 2:18"]),
        ("{ age = {} }", &["empty 2:16"]),
        ("{ age = { min = '2d', max = '1d' } }", &["range 2:36"]),
        ("{ age = { min = '-2d' } }", &["duration 2:24"]),
        ("{ age = { min = 5 } }", &["kind 2:24"]),
        ("{ age = { minimum = '2d' } }", &["unknown-key 2:18"]),
        ("{ any_of = [] }", &["empty 2:19"]),
        ("{ any_of = {} }", &["kind 2:19"]),
        ("{ any_of = [{}, { reason = {} }] }", &["empty 2:20", "empty 2:35"]),
        ("{ not = {} }", &["empty 2:16"]),
        ("{ not = [{ always = true }] }", &["kind 2:16"]),
        ("{ not = { any_of = [{ reason = { any = ['x', '  '] } }] } }", &["empty 2:53"]),
        ("{ any_of = [{ always = true }, { reason = { any = ['x', '\u{200b}'] } }] }", &["rule 2:64"]),
    ] {
        check_when(when, expected);
    }
}

#[test]
fn a_rule_says_all_of_itself() {
    let policy = parsed(
        "[[rule]]\nname = 'r'\naction = 'refuse'\nmode = 'shadow'\nmessage = '{rule} {{}}'\naccounts = ['商城']\nnote = 'n'\n\
         when = { always = true }\nunless = { reason.any = ['x'] }\n",
    );
    let rule = &policy.spec.rules[0];
    assert_eq!((rule.name.as_str(), rule.action, rule.mode), ("r", Verdict::Refuse, RuleMode::Shadow));
    assert_eq!((rule.message.as_deref(), rule.note.as_deref()), (Some("{rule} {{}}"), Some("n")));
    assert_eq!(rule.accounts, list(&["商城"]));
    assert_eq!(rule.when, one(Test::Always));
    assert_eq!(rule.unless, Some(one(Test::Reason(TextTest { keywords: any(&["x"]), ..TextTest::default() }))));
    assert_eq!(rule.place.as_ref().unwrap().to_string(), "main.toml:1");
}

#[test]
fn wrong_rules_are_told_with_their_place() {
    let always = "when = { always = true }";
    for (rest, expected) in [
        ("name = 'r'\naction = 'hold'\nWHEN", &[][..]),
        ("", &["missing 1:1", "missing 1:1", "missing 1:1"]),
        ("name = ''\naction = 'hold'\nWHEN", &["empty 2:8"]),
        ("name = 3\naction = 'hold'\nWHEN", &["kind 2:8"]),
        ("name = 'r'\naction = 'reject'\nWHEN", &["value 3:10"]),
        ("name = 'r'\naction = 'delete'\nWHEN", &["value 3:10"]),
        ("name = 'r'\naction = 'hold'\nmode = 'off'\nWHEN", &["value 4:8"]),
        ("name = 'r'\naction = 'refuse'\nWHEN", &["message 1:1"]),
        ("name = 'r'\naction = 'refuse'\nmessage = ''\nWHEN", &["empty 4:11"]),
        ("name = 'r'\naction = 'refuse'\nmessage = 'a {keywrd} b'\nWHEN", &["rule 4:14"]),
        ("name = 'r'\naction = 'refuse'\nmessage = 'a {x} {y}'\nWHEN", &["rule 4:14", "rule 4:18"]),
        ("name = 'r'\naction = 'agree'\nmessage = 'x'\nWHEN", &["message 4:11"]),
        ("name = 'r'\naction = 'hold'\nmessage = 'x'\nWHEN", &["message 4:11"]),
        ("name = 'r'\naction = 'hold'\naccounts = []\nWHEN", &["empty 4:12"]),
        ("name = 'r'\naction = 'hold'\naccounts = ['expres', '商城']\nWHEN", &["unknown-name 4:13"]),
        ("name = 'r'\naction = 'hold'\naccounts = 'express'\nWHEN", &["kind 4:12"]),
        ("name = 'r'\naction = 'hold'\nunles = {}\nWHEN", &["unknown-key 4:1"]),
        ("name = 'r'\naction = 'hold'\nunless = {}\nWHEN", &["empty 4:10"]),
        ("name = 'r'\naction = 'hold'\nWHEN\n[[rule]]\nname = 'r'\naction = 'hold'\nWHEN", &["duplicate 6:8"]),
    ] {
        check(&format!("[[rule]]\n{}", rest.replace("WHEN", always)), expected);
    }
    check("rule = 1", &["kind 1:8"]);
    check("[rule]\nname = 'r'", &["kind 1:1"]);
    check("rule = [1]", &["kind 1:9"]);
}

#[test]
fn the_policy_table() {
    let policy = parsed("").spec;
    assert_eq!((policy.default, policy.default_message, policy.message_max_chars), (Verdict::Hold, None, 200));
    let rule = "[[rule]]\nname = 'r'\naction = 'agree'\nwhen = { always = true }";
    let policy = parsed(&format!("[policy]\ndefault = 'refuse'\nmessage = '不行'\nmessage_max_chars = 9\n{rule}")).spec;
    assert_eq!((policy.default, policy.message_max_chars), (Verdict::Refuse, 9));
    assert_eq!(policy.default_message.as_deref(), Some("不行"));
    for (head, expected) in [
        ("default = 'agree'", &[][..]),
        ("default = 'refuse'", &["message 2:11"]),
        ("default = 'refuse'\nmessage = ''", &["empty 3:11"]),
        ("default = 'refuse'\nmessage = '{nope}'", &["rule 3:12"]),
        ("default = 'agree'\nmessage = 'x'", &["message 3:11"]),
        ("message = 'x'", &["message 2:11"]),
        ("default = 'rufuse'", &["value 2:11"]),
        ("message_max_chars = 0", &["range 2:21"]),
        ("include = []", &["empty 2:11"]),
        ("include = 'x'", &["kind 2:11"]),
        ("include = [1]", &["kind 2:12"]),
        ("defalut = 'hold'", &["unknown-key 2:1"]),
    ] {
        check(&format!("[policy]\n{head}\n{rule}"), expected);
    }
    check("[policy]\ndefault = 'hold'", &[]);
    check("[policy]\ndefault = 'agree'", &["no-rules 2:11"]);
    check("[policy]\ndefault = 'refuse'", &["no-rules 2:11", "message 2:11"]);
    check("policy = 1", &["kind 1:10"]);
}

const USES_X: &str = "\n[[rule]]\nname = 'r'\naction = 'hold'\nwhen = { appid = { any = ['@x'] } }\n";

#[track_caller]
fn check_list(files: &[(&str, &str)], expected: &[&str]) {
    let policy = parse_files(files).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    assert_eq!(policy.spec.rules[0].when, one(Test::Appid(any(expected))), "{files:#?}");
}

#[test]
fn lists_are_filled_in() {
    let main = |lists: &str| format!("[lists]\n{lists}{USES_X}");
    check_list(&[("main.toml", &main("x = ['a', 'b']"))], &["a", "b"]);
    check_list(&[("main.toml", &main("x = '@y'\ny = ['a']"))], &["a"]);
    check_list(
        &[("main.toml", &main("x = ['@y', 'c', '@y']\ny = ['a', '@z']\nz = ['@@b']"))],
        &["a", "@b", "c", "a", "@b"],
    );
    let file = main("x = { file = 'x.txt' }\ny = ['q']");
    for (text, expected) in [
        ("a\nb\n", &["a", "b"][..]),
        ("a", &["a"]),
        ("\u{feff}a\r\n\r\n  b c \r\n", &["a", "b c"]),
        ("# c\n  # c\na # c\n\tb\t#c\nc#d\n", &["a", "b", "c#d"]),
        ("a\n@y\n@@z", &["a", "q", "@z"]),
    ] {
        check_list(&[("main.toml", &file), ("x.txt", text)], expected);
    }
}

#[test]
fn wrong_lists_are_told_with_their_place() {
    for (lists, expected) in [
        ("x = []", &["empty 2:5"][..]),
        ("x = 1", &["kind 2:5"]),
        ("x = 'a'", &["kind 2:5"]),
        ("x = {}", &["missing 2:5"]),
        ("x = { file = 'nope.txt' }", &["unreadable 2:14"]),
        ("x = { file = '' }", &["empty 2:14"]),
        ("x = { file = 'x.txt', sort = true }", &["unknown-key 2:23"]),
        ("x = { file = 'empty.txt' }", &["empty 2:14"]),
        ("x = ['@x']", &["cycle 2:6"]),
        ("x = ['@y']\ny = ['@z']\nz = ['a', '@x']", &["cycle 4:11"]),
        ("x = ['@yy']\ny = ['a']", &["unknown-name 2:6"]),
        ("x = ['a', 2]", &["kind 2:11"]),
        ("x = ['a']\nx = ['b']", &["syntax 3:1"]),
        ("x = ['a']\n'' = ['b']", &["value 3:1"]),
        ("x = ['a']\nunused = []", &["empty 3:10"]),
    ] {
        let main = format!("[lists]\n{lists}{USES_X}");
        check_files(&[("main.toml", &main), ("x.txt", "a"), ("empty.txt", "# nothing\n\n")], expected);
    }
    check("lists = 1", &["kind 1:9"]);
}

#[test]
fn a_wrong_entry_of_a_list_file_is_shown_there() {
    let main = "[lists]\nx = { file = 'x.txt' }\n[[rule]]\nname = 'r'\naction = 'hold'\nwhen = { reason.any = ['@x'] }";
    check_files(
        &[("main.toml", main), ("x.txt", "# 词\n赌博\n \u{200b} # c\n  @nope")],
        &["rule x.txt:3:2", "unknown-name x.txt:4:3"],
    );
}

const RULE: &str = "[[rule]]\nname = 'N'\naction = 'hold'\nwhen = { always = true }\n";

#[test]
fn included_files_add_lists_rules_and_cases() {
    let included =
        RULE.replace('N', "two") + "[lists]\nx = ['wx']\n[[case]]\nname = 'c'\ngiven = {}\nexpect = 'hold'\n";
    let policy = parse_files(&[
        (
            "main.toml",
            &("[policy]\ninclude = ['rules/*.toml', 'rules/b*.toml']\n".to_owned() + &RULE.replace('N', "one")),
        ),
        ("rules/b.toml", &RULE.replace('N', "three")),
        ("rules/a.toml", &included),
    ])
    .unwrap();
    let names: Vec<&str> = policy.spec.rules.iter().map(|r| r.name.as_str()).collect();
    assert_eq!((names, policy.cases.len()), (vec!["one", "two", "three"], 1));
    assert_eq!(policy.spec.rules[2].place.as_ref().unwrap().to_string(), "rules/b.toml:1");
}

#[test]
fn wrong_includes_are_told_with_their_place() {
    let main = "[policy]\ninclude = ['rules/*.toml', 'none/*.toml', 'main*.toml']\n";
    check_files(
        &[("main.toml", main), ("rules/a.toml", "[policy]\n[service]\n[[rulee]]\n")],
        &[
            "include 2:28",
            "include 2:43",
            "unknown-key rules/a.toml:1:2",
            "unknown-key rules/a.toml:2:2",
            "unknown-key rules/a.toml:3:3",
        ],
    );
    let main = "[policy]\ninclude = ['rules/*.toml']\n".to_owned() + &RULE.replace('N', "r");
    check_files(&[("main.toml", &main), ("rules/a.toml", &RULE.replace('N', "r"))], &["duplicate rules/a.toml:2:8"]);
    check_files(
        &[
            ("main.toml", "[lists]\nx = ['a']\n[policy]\ninclude = ['rules/*.toml']"),
            ("rules/a.toml", "[lists]\nx = ['b']"),
        ],
        &["duplicate rules/a.toml:2:1"],
    );
}

#[test]
fn a_file_that_is_no_toml_does_not_make_its_names_unknown() {
    let main = format!("[policy]\ninclude = ['rules/*.toml']\n{USES_X}");
    check_files(&[("main.toml", &main), ("rules/a.toml", "[lists\nx = ['a']")], &["syntax rules/a.toml:1:7"]);
}

#[test]
fn cases_are_kept() {
    let policy = parsed(
        "[[rule]]\nname = 'r'\naction = 'hold'\nwhen = { always = true }\n[[case]]\nname = 'c'\nexpect = 'hold'\nrule = 'r'\n\
         brake = 'unknown'\nmessage = 'm'\ngiven = { nickname = 'n', reason = 'r', categories = ['a/b', 'c'], appid = 'wx', \
         create_time = 5, account = 'express', now = '2026-11-22T16:00:00+08:00', \
         previous = [{ agreed = 1 }, { refused = 2, held = 3, ago = '1h' }] }\n",
    );
    let case = &policy.cases[0];
    assert_eq!((case.name.as_str(), case.expect, case.rule.as_deref()), ("c", Verdict::Hold, Some("r")));
    assert_eq!((case.brake, case.message.as_deref()), (Some(crate::policy::Brake::Unknown), Some("m")));
    assert_eq!(case.given.create_time.seconds(), Some(5));
    assert_eq!(case.given.categories, list(&["a/b", "c"]));
    assert_eq!(case.given.now.unwrap().to_string(), "2026-11-22T08:00:00Z");
    let ago = |secs| When::Ago(Duration::from_secs(secs));
    assert_eq!(
        case.given.previous,
        [
            Previous { agreed: 1, refused: 0, held: 0, when: ago(0) },
            Previous { agreed: 0, refused: 2, held: 3, when: ago(3_600) }
        ]
    );
    assert_eq!(case.place.to_string(), "main.toml:5");
}

#[test]
fn wrong_cases_are_told_with_their_place() {
    for (rest, expected) in [
        ("name = 'c'\ngiven = {}\nexpect = 'hold'", &[][..]),
        ("", &["missing 1:1", "missing 1:1", "missing 1:1"]),
        ("name = 'c'\ngiven = {}\nexpect = 'maybe'", &["value 4:10"]),
        ("name = 'c'\ngiven = []\nexpect = 'hold'", &["kind 3:9"]),
        ("name = 'c'\ngiven = { reson = 'x' }\nexpect = 'hold'", &["unknown-key 3:11"]),
        ("name = 'c'\ngiven = { categories = 'x' }\nexpect = 'hold'", &["kind 3:24"]),
        ("name = 'c'\ngiven = { age = '1d', create_time = '1' }\nexpect = 'hold'", &["value 3:17"]),
        ("name = 'c'\ngiven = { account = 'expres' }\nexpect = 'hold'", &["unknown-name 3:21"]),
        ("name = 'c'\ngiven = { now = 'soon' }\nexpect = 'hold'", &["instant 3:17"]),
        ("name = 'c'\ngiven = { now = 2026-11-22T08:00:00 }\nexpect = 'hold'", &["instant 3:17"]),
        ("name = 'c'\ngiven = { now = 7 }\nexpect = 'hold'", &["kind 3:17"]),
        ("name = 'c'\ngiven = { now = 2026-11-22T08:00:00Z }\nexpect = 'hold'", &[]),
        ("name = 'c'\ngiven = { previous = { agred = 1 } }\nexpect = 'hold'", &["unknown-key 3:24"]),
        ("name = 'c'\ngiven = { previous = { held = -1 } }\nexpect = 'hold'", &["range 3:31"]),
        (
            "name = 'c'\ngiven = { previous = [{ held = 1, at = '2026-11-22T08:00:00Z', ago = '1d' }] }\nexpect = 'hold'",
            &["value 3:70"],
        ),
        ("name = 'c'\ngiven = { previous = 3 }\nexpect = 'hold'", &["kind 3:22"]),
        ("name = 'c'\ngiven = {}\nexpect = 'hold'\nrule = 'nope'", &["unknown-name 5:8"]),
        ("name = 'c'\ngiven = {}\nexpect = 'hold'\nbrake = 'nope'", &["value 5:9"]),
        ("name = 'c'\ngiven = {}\nexpect = 'hold'\nverdict = 'hold'", &["unknown-key 5:1"]),
    ] {
        check(&format!("[[case]]\n{rest}"), expected);
    }
}

#[test]
fn a_case_may_name_a_rule_that_is_broken() {
    check(
        "[[rule]]\nname = 'r'\naction = 'hold'\nwhen = {}\n[[case]]\nname = 'c'\ngiven = {}\nexpect = 'hold'\nrule = 'r'",
        &["empty 4:8"],
    );
}

#[test]
fn places_fall_back_to_what_is_above() {
    let text = "[[rule]]\nname = 'r'\naction = 'hold'\nwhen = { any_of = [{ reason = { any = ['a', 'b'] } }] }\n";
    let policy = parsed(text);
    for (rule, path, expected) in [
        (Some(0), "when.any_of[0].reason.any[1]", "'b'"),
        (Some(0), "when.any_of[0].reason.any[7]", "['a', 'b']"),
        (Some(0), "when.any_of[0].reason.all[0]", "{ any = ['a', 'b'] }"),
        (Some(0), "when.any_of[0]", "{ reason = { any = ['a', 'b'] } }"),
        (Some(0), "when.any_of[5].age", "[{ reason = { any = ['a', 'b'] } }]"),
        (Some(0), "name", "'r'"),
        (Some(0), "nothing.of.that", "[[rule]]"),
        (None, "anything", ""),
    ] {
        let spot = policy.place_of(rule, path).unwrap();
        assert_eq!(&text[spot.start..spot.end], expected, "{path}");
    }
    assert_eq!(policy.place_of(Some(9), "when"), None);
}

#[test]
fn an_account_sees_its_own_rules() {
    let rule = |name: &str, accounts: &str| RULE.replace('N', name) + accounts;
    let policy = parsed(
        &(rule("a", "\n") + &rule("b", "accounts = ['express']\n") + &rule("c", "accounts = ['商城', 'express']\n")),
    );
    let names =
        |account: &str| -> Vec<String> { policy.spec.for_account(account).rules.into_iter().map(|r| r.name).collect() };
    assert_eq!(names("express"), ["a", "b", "c"]);
    assert_eq!(names("商城"), ["a", "c"]);
    assert_eq!(names("other"), ["a"]);
}

#[test]
fn problems_are_shown_in_full() {
    let main = "[lists]\ngambling = ['博彩', '赌博']\n\n[[rule]]\nname = '博彩关键词'\naction = 'refuse'\n\
                message = '含有「{keywrd}」'\nwhen = { reason = { any = ['彩票', '@gamblign'], max_chars = -5 } }\n";
    let problems = parse_files(&[("main.toml", main)]).unwrap_err();
    insta::assert_snapshot!(problems.render(false), @r###"
    error[rule]: unknown placeholder {keywrd}; known are {keyword}, {category}, {nickname}, {appid}, {rule}, and {{ and }} for braces
     --> main.toml:7:15
      |
    7 | message = '含有「{keywrd}」'
      |                  ^^^^^^^^
      |
    help: did you mean `{keyword}`?

    error[unknown-name]: there is no list named `gamblign` in [lists]
     --> main.toml:8:34
      |
    8 | when = { reason = { any = ['彩票', '@gamblign'], max_chars = -5 } }
      |                                    ^^^^^^^^^^^
      |
    help: did you mean `gambling`?

    error[range]: `max_chars` must be a whole number of 0 or more
     --> main.toml:8:60
      |
    8 | when = { reason = { any = ['彩票', '@gamblign'], max_chars = -5 } }
      |                                                              ^^

    error: 3 problems found
    "###);
}

#[test]
fn a_limit_is_a_number_and_a_time() {
    let rule = |action: &str, limit: &str| {
        let message = if action == "refuse" { "message = 'no'\n" } else { "" };
        format!("[[rule]]\nname = 'r'\naction = '{action}'\nlimit = {limit}\n{message}when = {{ always = true }}")
    };
    for (action, per, secs) in [("agree", "1d", 86_400), ("refuse", "90s", 90), ("agree", "366d", 366 * 86_400)] {
        let spec = parsed(&rule(action, &format!("{{ max = 20, per = '{per}' }}"))).spec;
        let limit = spec.rules[0].limit.unwrap();
        assert_eq!((limit.max, limit.per), (20, Duration::from_secs(secs)));
    }
    let cases = [
        ("{ max = 0, per = '1d' }", vec![]),
        ("{ max = -1, per = '1d' }", vec!["range 4:17"]),
        ("{ max = 4294967296, per = '1d' }", vec!["range 4:17"]),
        ("{ max = 'many', per = '1d' }", vec!["kind 4:17"]),
        ("{ max = 1, per = '0s' }", vec!["range 4:26"]),
        ("{ max = 1, per = '367d' }", vec!["range 4:26"]),
        ("{ max = 1, per = '1w' }", vec!["duration 4:26"]),
        ("{ max = 1, per = 1 }", vec!["kind 4:26"]),
        ("{ max = 1 }", vec!["missing 4:9"]),
        ("{ per = '1d' }", vec!["missing 4:9"]),
        ("{}", vec!["missing 4:9", "missing 4:9"]),
        ("{ max = 1, per = '1d', each = 1 }", vec!["unknown-key 4:32"]),
        ("20", vec!["kind 4:9"]),
    ];
    for (limit, expected) in cases {
        check(&rule("agree", limit), &expected);
    }
    check(&rule("hold", "{ max = 1, per = '1d' }"), &["limit 4:9"]);
    check(&rule("hold", "{ max = 1 }"), &["limit 4:9", "missing 4:9"]);
}

#[test]
fn a_limit_is_part_of_what_a_rule_says() {
    let hash = |limit: &str| {
        let text = format!("[[rule]]\nname = 'r'\naction = 'agree'\n{limit}when = {{ always = true }}");
        RuleSet::compile(parsed(&text).spec).unwrap().hash().to_owned()
    };
    let hashes = [
        "",
        "limit = { max = 1, per = '1d' }\n",
        "limit = { max = 2, per = '1d' }\n",
        "limit = { max = 1, per = '2d' }\n",
    ];
    let all: std::collections::BTreeSet<String> = hashes.iter().map(|limit| hash(limit)).collect();
    assert_eq!(all.len(), hashes.len());
    assert_eq!(hash(hashes[1]), hash("limit = { per = '24h', max = 1 }\n"), "the same limit, written otherwise");
}
