//! Somebody else's text, so that no robot reads anything but text in it.
//!
//! One way for all robots. WeCom's markdown has no escape character and Feishu's text none either, so what any of
//! them reads as markup is shown by its full-width twin: `<@all>` becomes `＜＠all＞`. Addresses lose what makes a
//! chat turn them into links. What shows nothing, turns the direction of writing, or piles up over the lines above
//! is left out. Nothing is hidden: `menshen review show` has the text as it was received.

use crate::policy::is_ignorable;
use unicode_normalization::char::is_combining_mark;

/// What breaks an address where nobody sees it.
const BREAK: char = '\u{200B}';
/// Marks over or under one letter; no language needs more, and a heap of them covers other lines.
const MARKS_MAX: usize = 4;
/// Looks like white space and is none.
const BLANK: char = '\u{2800}';

/// A text of somebody else's as a chat is shown it: on one line, at most `max_chars` characters and an ellipsis long.
pub fn plain(text: &str, max_chars: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(8 * max_chars));
    let mut chars = seen(text).peekable();
    let (mut before, mut marks, mut count) = (' ', 0, 0);
    while let Some(c) = chars.next() {
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        if marks > MARKS_MAX || (c == ' ' && before == ' ') {
            continue;
        }
        if count == max_chars {
            shown.push('…');
            break;
        }
        count += 1;
        let next = chars.peek().copied().unwrap_or(' ');
        shown.push(match c {
            // A list, a rule or a heading would begin there.
            '-' | '+' | '=' if count == 1 => full_width(c),
            ':' if next == '/' || (before.is_ascii_alphabetic() && next != ' ') => full_width(c),
            c if is_markup(c) => full_width(c),
            c => c,
        });
        if joins_an_address(before, c, next) {
            shown.push(BREAK);
        }
        before = c;
    }
    shown.truncate(shown.trim_end().len());
    shown
}

/// The characters of a text that are to be seen, and every white space as a plain one.
fn seen(text: &str) -> impl Iterator<Item = char> {
    let seen = text.chars().filter(|c| c.is_control() || !is_ignorable(*c));
    seen.map(|c| if c.is_control() || c.is_whitespace() || c == BLANK { ' ' } else { c })
}

/// Whether this is a full stop inside what a chat may take for an address. Not only between letters: a domain may end
/// in an emoji or an accent, and what stands before may be ours.
fn joins_an_address(before: char, c: char, next: char) -> bool {
    match c {
        '.' | '\u{2024}' | '\u{FE52}' | '\u{FF0E}' | '\u{FF61}' => next != ' ' && next != c,
        // Ends a Chinese sentence; only between Latin letters it may be meant for something else.
        '。' => before.is_ascii_alphanumeric() && next.is_ascii_alphanumeric(),
        _ => false,
    }
}

/// What some robot reads as markup.
fn is_markup(c: char) -> bool {
    matches!(
        c,
        '<' | '>' | '[' | ']' | '(' | ')' | '{' | '}' | '*' | '_' | '`' | '#' | '~' | '|' | '\\' | '@' | '&' | '$'
    )
}

/// The full-width twin of a printable ASCII character.
fn full_width(c: char) -> char {
    char::from_u32(c as u32 + 0xFEE0).expect("every printable ASCII character has a full-width twin")
}

/// An appid that may stand in a command somebody copies into a shell.
pub(super) fn is_safe_in_a_command(appid: &str) -> bool {
    !appid.is_empty()
        && !appid.starts_with('-')
        && appid.len() <= 64
        && appid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_of_any_robot_becomes_text() {
        let cases = [
            ("某店", "某店"),
            ("<@all> <@zhangsan>", "＜＠all＞ ＜＠zhangsan＞"),
            ("[领奖](https://evil.example)", "［领奖］（https：//evil.\u{200B}example）"),
            ("> 引用\n# 标题\n\n---", "> 引用 # 标题 ---"),
            ("<at user_id=\"all\">所有人</at>", "＜at user＿id=\"all\"＞所有人＜/at＞"),
            ("@13800138000 请处理", "＠13800138000 请处理"),
            ("**粗** _斜_ `码` ~删~ |表|", "＊＊粗＊＊ ＿斜＿ ｀码｀ ～删～ ｜表｜"),
            ("![图](http://a.b/c.png)", "!［图］（http：//a.\u{200B}b/c.\u{200B}png）"),
            ("evil.com www.坏.中国", "evil.\u{200B}com www.\u{200B}坏.\u{200B}中国"),
            ("http:\u{200b}//evil\u{2060}.com", "http：//evil.\u{200B}com"),
            ("<font color=\"warning\">x</font>", "＜font color=\"warning\"＞x＜/font＞"),
            ("a\u{202E}b\u{200B}c\tq\r\nz", "abc q z"),
            ("&lt;@all&gt;", "＆lt;＠all＆gt;"),
            ("  一 句。完了. ", "一 句。完了."),
            ("--- - a-b", "－-- - a-b"),
            ("见 10:30 tel:10086 javascript:x 注:y", "见 10:30 tel：10086 javascript：x 注:y"),
            (
                "💩.la caf\u{65}\u{301}.fr evil．com evil。com 完。a a…b a...b",
                "💩.\u{200B}la caf\u{65}\u{301}.\u{200B}fr evil．\u{200B}com evil。\u{200B}com 完。a a…b a...\u{200B}b",
            ),
            ("e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}x", "e\u{301}\u{302}\u{303}\u{304}x"),
            ("\u{2800}\u{2800}a\u{2028}b\u{2066}\u{E0041}\u{1D173}c", "a bc"),
            ("\u{0}\u{1}", ""),
        ];
        for (text, expected) in cases {
            let expected: String = expected.chars().map(|c| if is_markup(c) { full_width(c) } else { c }).collect();
            assert_eq!(plain(text, 200), expected, "{text}");
        }
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        for (text, max, expected) in
            [("快递快递", 3, "快递快…"), ("快递", 2, "快递"), ("ab  cd", 3, "ab …"), ("", 0, "")]
        {
            assert_eq!(plain(text, max), expected, "{text}");
        }
    }

    #[test]
    fn only_a_plain_appid_goes_into_a_command() {
        for (appid, expected) in [
            ("wx0123456789abcdef", true),
            ("wx-1_a", true),
            ("wx; rm -rf ~", false),
            ("$(id)", false),
            ("--yes", false),
            ("", false),
        ] {
            assert_eq!(is_safe_in_a_command(appid), expected, "{appid}");
        }
    }
}
