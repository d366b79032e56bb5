//! One small schema, many texts.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use std::time::Duration;

/// Reads a text with a small schema of its own and returns what is wrong with it.
fn read(text: &str) -> Result<(), Problems> {
    let reading = Reading::new();
    let document = reading.parse("test.toml", text);
    let root = document.root(&reading);
    if let Some(table) = root.optional("table").and_then(|v| v.table("[table]")) {
        let table = table.confidential();
        let _ = table.optional("text").and_then(|v| v.words());
        let _ = table.optional("number").and_then(|v| v.whole(1..=9));
        let _ = table.optional("count").and_then(|v| v.whole(0..=u64::from(u32::MAX)));
        let _ = table.optional("flag").and_then(|v| v.flag());
        let _ = table.optional("word").and_then(|v| v.one_of(&[("live", 1), ("shadow", 2)]));
        let _ = table.optional("list").and_then(|v| v.filled_list()).map(|l| l.iter().for_each(|v| _ = v.words()));
        let range = Duration::from_secs(1)..=Duration::from_secs(86_400);
        let _ = table.optional("duration").and_then(|v| v.duration(range));
        if let Some(inner) = table.optional("inner").and_then(|v| v.table("`inner`")) {
            let _ = inner.required("must");
            inner.finish();
        }
        if let Some(secret) = table.optional("secret") {
            reading.mask(secret.spot());
            secret.wrong("secret", "a secret", "elsewhere");
        }
        table.finish();
    }
    root.finish();
    drop(document);
    reading.finish()
}

/// `expected` is `code line:column` of each problem.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let found: Vec<String> = match read(text) {
        Ok(()) => Vec::new(),
        Err(problems) => problems.iter().map(|p| format!("{} {}:{}", p.code, p.line, p.column)).collect(),
    };
    assert_eq!(found, expected, "{text}");
}

#[test]
fn every_kind_is_told_from_the_others() {
    check("", &[]);
    check("[table]\ntext = 'a'\nnumber = 9\nflag = true\nword = 'live'\nlist = ['a']\nduration = '90s'", &[]);
    check("table = 1", &["kind 1:9"]);
    check("[[table]]", &["kind 1:1"]);
    for (line, code) in [
        ("text = 1", "kind 2:8"),
        ("text = ''", "empty 2:8"),
        ("text = ' '", "empty 2:8"),
        ("number = 'a'", "kind 2:10"),
        ("number = 1.0", "kind 2:10"),
        ("number = 0", "range 2:10"),
        ("number = 10", "range 2:10"),
        ("number = -1", "range 2:10"),
        ("count = -1", "range 2:9"),
        ("count = 99999999999999999999999999999999999999999999", "range 2:9"),
        ("flag = 'true'", "kind 2:8"),
        ("word = 'dead'", "value 2:8"),
        ("word = 1", "kind 2:8"),
        ("list = 'a'", "kind 2:8"),
        ("list = []", "empty 2:8"),
        ("list = ['a', 1]", "kind 2:14"),
        ("list = [\n  'a',\n  '',\n]", "empty 4:3"),
        ("duration = 90", "kind 2:12"),
        ("duration = '0s'", "range 2:12"),
        ("duration = '2d'", "range 2:12"),
        ("inner = {}", "missing 2:9"),
        ("inner.must = 1", ""),
        ("inner.mist = 1", "missing 2:1|unknown-key 2:7"),
    ] {
        let expected: Vec<&str> = code.split('|').filter(|c| !c.is_empty()).collect();
        check(&format!("[table]\n{line}\n"), &expected);
    }
}

#[test]
fn numbers_in_other_bases_are_numbers() {
    check("[table]\nnumber = 0x9\ncount = 4_000_000_000", &[]);
    check("[table]\nnumber = 0xa", &["range 2:10"]);
}

#[test]
fn all_problems_of_a_text_come_in_its_order() {
    check(
        "tabel = 1\n[table]\nflag = 1\nnumbr = 1\nnumber = 0\n[table.inner]\n[other]\n",
        &["unknown-key 1:1", "kind 3:8", "unknown-key 4:1", "range 5:10", "missing 6:1", "unknown-key 7:2"],
    );
}

#[test]
fn columns_count_characters() {
    check("[table]\nlist = ['博彩', '', 1]", &["empty 2:15", "kind 2:19"]);
}

#[test]
fn a_byte_order_mark_and_windows_lines_change_nothing() {
    check("\u{feff}[table]\r\nnumber = 0\r\n", &["range 2:10"]);
}

#[test]
fn syntax_errors_are_all_shown_and_hide_their_consequences() {
    check(
        "[table]\nnumber = \nflag = 1\ntext = \"a\nnumbr = 2\n",
        &["syntax 2:10", "kind 3:8", "syntax 4:10", "unknown-key 5:1"],
    );
    check("[table]\ntext = 'a'\ntext = 'b'\n", &["syntax 3:1"]);
    check("[table]\ninner = { mist = 1 }\nx\n", &["unknown-key 2:11", "syntax 3:2"]);
}

#[test]
fn durations() {
    for (text, seconds) in [("90s", 90), ("10m", 600), ("24h", 86_400), ("30d", 2_592_000), ("0s", 0), ("007s", 7)] {
        assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)), "{text}");
    }
    for text in
        ["", "s", "10", "10 s", "1h30m", "-1s", "+1s", "1.5h", "10ms", "10秒", "10S", "１s", "99999999999999999999d"]
    {
        assert_eq!(parse_duration(text), None, "{text}");
    }
    assert_eq!(parse_duration("18446744073709551615d"), None, "more seconds than there are");
}

#[test]
fn the_nearest_name_is_near() {
    let known = ["schedule", "timezone", "mode", "any", "博彩词", "Express"];
    for (word, expected) in [
        ("schedul", Some("schedule")),
        ("shcedule", Some("schedule")),
        ("Mode", Some("mode")),
        ("moed", Some("mode")),
        ("ayn", Some("any")),
        ("博采词", Some("博彩词")),
        ("express", Some("Express")),
        ("wholly else", None),
        ("x", None),
        ("", None),
    ] {
        assert_eq!(nearest(word, known), expected, "{word}");
    }
}

#[test]
fn help_names_the_nearest_or_all() {
    assert_eq!(suggest("moed", ["mode", "any"], "keys"), "did you mean `mode`?");
    assert_eq!(suggest("zzz", ["mode", "any"], "keys"), "known keys: mode, any");
    assert_eq!(suggest("zzz", [], "lists"), "there are no lists");
}

fn rendered(text: &str) -> String {
    read(text).unwrap_err().render(false)
}

#[test]
fn the_caret_stands_under_chinese_text() {
    insta::assert_snapshot!(rendered("[table]\nlist = ['博彩', 1, '赌博']  # 词表\n"), @r###"
    error[kind]: an entry of `list` is a whole number: expected a text in quotes
     --> test.toml:2:15
      |
    2 | list = ['博彩', 1, '赌博']  # 词表
      |                 ^
    "###);
}

#[test]
fn an_unknown_key_is_shown_with_the_nearest() {
    insta::assert_snapshot!(rendered("# 配置\n[table]\nnubmer = 3\nzzz = 1\n"), @r###"
    error[unknown-key]: unknown key `nubmer` in [table]
     --> test.toml:3:1
      |
    3 | nubmer = 3
      | ^^^^^^
      |
    help: did you mean `number`?

    error[unknown-key]: unknown key `zzz` in [table]
     --> test.toml:4:1
      |
    4 | zzz = 1
      | ^^^
      |
    help: known keys: text, number, count, flag, word, list, duration, inner, secret

    error: 2 problems found
    "###);
}

#[test]
fn only_the_first_line_of_a_long_value_is_shown() {
    insta::assert_snapshot!(rendered("[table]\nflag = [\n  1,\n  2,\n]\n"), @r###"
    error[kind]: `flag` is a list: expected true or false
     --> test.toml:2:8
      |
    2 | flag = [
      |        ^
    "###);
}

#[test]
fn fullwidth_punctuation_is_explained() {
    insta::assert_snapshot!(rendered("[table]\ntext = “live”\n"), @r###"
    error[syntax]: string values must be quoted, expected literal string
     --> test.toml:2:8
      |
    2 | text = “live”
      |        ^^^^^^
      |
    help: TOML wants the ASCII `"` here, not `“`
    "###);
}

#[test]
fn colour_only_when_asked_for() {
    let problems = read("[table]\nnubmer = 3\n").unwrap_err();
    assert!(problems.render(true).contains('\u{1b}'));
    assert!(!problems.render(false).contains('\u{1b}'));
}

#[test]
fn a_terminal_is_not_written_to_by_a_configuration() {
    let shown = rendered("[table]\nnubmer = 3 # \u{202e}\nx = \"\u{1b}[31m\"\n\"\u{1b}]0;\" = 1");
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown:?}");
}

/// None of these texts may show `hunter2`, whatever else is wrong on the line.
#[test]
fn secrets_are_covered() {
    for text in [
        "[table]\nsecret = \"hunter2\"",
        "[table]\nsecret = \"hunter2",
        "[table]\nsecret = hunter2",
        "[table]\nsecret: \"x\"\nsecret = 'hunter2' x",
        "[table]\nsecret = \"\"\"\nhunter2\"\"\"\n",
        "[table]\nsecert = 'hunter2'",
        "[table]\nsecret = 'a hunter2 b', number = 0",
        "[table]\ninner = { must = 1, secret = 'hunter2', x = 1 }",
        "[table]\ninner = { secret = 'hunter2', app_secret = \"hunter2\" }",
        "[table]\ninner = { must = 1, 'appSecret' = 'hunter2' }",
        "[table]\nflag = 'http://hunter2:hunter2@proxy:3128'",
        "[table]\nflag = 'http://user:hunt@hunter2@proxy:3128'",
        // A password that was not percent-encoded is what is wrong with such an address.
        "[table]\nflag = 'http://user:hun/hunter2@proxy:3128'",
        "[table]\nflag = \"http://user:hun'hunter2 @proxy:3128\"",
        "[table]\nflag = 'http://user:hun?a=hunter2@proxy:3128'",
        "[table]\nflag = 'user:hunter2@proxy:3128'",
        "[table]\nflag = 'http://user:hunter2@proxy:3128",
        "[table]\nflag = 'https://tokens.example/wx?key=hunter2'",
        "[table]\npassword = 'hunter2' # x",
        "[table]\nsecret = 'hunter2",
        "[table]\nsecret = { env = 'A' ] # secret = hunter2",
    ] {
        let shown = read(text).unwrap_err().render(false);
        assert!(!shown.contains("hunter2") && shown.contains('*'), "{text}\n{shown}");
    }
}

#[test]
fn a_long_run_of_letters_and_digits_is_covered_anywhere() {
    let shown = rendered("[table]\nflag = '0123456789abcdef0123456789abcdef'");
    assert!(!shown.contains("0123456789abcdef"), "{shown}");
    let shown = rendered("[table]\nflag = 'wx0123456789abcdef'");
    assert!(shown.contains("wx0123456789abcdef"), "an appid is no secret: {shown}");
}

#[test]
fn what_comes_after_a_covered_secret_keeps_its_column() {
    insta::assert_snapshot!(rendered("[table]\ninner = { secret = 'hunter2', must = 1, x = 1 }\n"), @r###"
    error[unknown-key]: unknown key `secret` in `inner`
     --> test.toml:2:11
      |
    2 | inner = { secret = *********, must = 1, x = 1 }
      |           ^^^^^^
      |
    help: known keys: must

    error[unknown-key]: unknown key `x` in `inner`
     --> test.toml:2:41
      |
    2 | inner = { secret = *********, must = 1, x = 1 }
      |                                         ^
      |
    help: known keys: must

    error: 2 problems found
    "###);
}
