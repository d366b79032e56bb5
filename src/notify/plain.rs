//! Somebody else's text, so that no robot reads anything but text in it.
//!
//! One way for all robots. WeCom's markdown has no escape character and Feishu's text none either, so what any of
//! them reads as markup is shown by its full-width twin: `<@all>` becomes `＜＠all＞`. Addresses lose what makes a
//! chat turn them into links. Nothing is hidden: `menshen review show` has the text as it was received.

/// What breaks an address where nobody sees it.
const BREAK: char = '\u{200B}';

/// A text of somebody else's, on one line, at most `max_chars` characters long.
pub(super) fn plain(text: &str, max_chars: usize) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut chars = text.chars().filter(|c| !is_invisible(*c)).map(|c| if c.is_control() { ' ' } else { c }).peekable();
    let mut before = ' ';
    let mut count = 0;
    while let Some(c) = chars.next() {
        if c.is_whitespace() && before.is_whitespace() {
            continue;
        }
        if count == max_chars {
            shown.push('…');
            break;
        }
        count += 1;
        shown.push(match c {
            c if c.is_whitespace() => ' ',
            ':' if chars.peek() == Some(&'/') => '：',
            c => harmless(c),
        });
        if c == '.' && before.is_alphanumeric() && chars.peek().is_some_and(|next| next.is_alphanumeric()) {
            shown.push(BREAK);
        }
        before = c;
    }
    shown.truncate(shown.trim_end().len());
    shown
}

/// The full-width twin of what some robot reads as markup.
fn harmless(c: char) -> char {
    match c {
        '<' | '>' | '[' | ']' | '(' | ')' | '{' | '}' | '*' | '_' | '`' | '#' | '~' | '|' | '\\' | '@' | '&' | '$' => {
            char::from_u32(c as u32 + 0xFEE0).expect("every printable ASCII character has a full-width twin")
        }
        other => other,
    }
}

/// Zero-width characters, and those that turn the direction of writing.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}'
        | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
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
            ("\u{0}\u{1}", ""),
        ];
        for (text, expected) in cases {
            let expected: String = expected.chars().map(|c| if c.is_ascii() { harmless(c) } else { c }).collect();
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
