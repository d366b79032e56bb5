//! Messages: what is read, what is refused, what comes out.

#![expect(clippy::unwrap_used)]

use super::*;

fn filled(template: &str, max_chars: usize) -> String {
    Template::read(template).unwrap().fill(max_chars, |placeholder, out| {
        out.push_str(match placeholder {
            Placeholder::Keyword => "博彩",
            Placeholder::Category => "物流服务/查件",
            Placeholder::Nickname => "{rule} \u{202E}店\u{7}\n",
            Placeholder::Appid => "wx1",
            Placeholder::Rule => "r",
        });
    })
}

#[test]
fn fills() {
    for (template, expected) in [
        ("申请说明含有「{keyword}」。", "申请说明含有「博彩」。"),
        ("{keyword}{category}{appid}{rule}", "博彩物流服务/查件wx1r"),
        ("{nickname}!", "{rule} 店!"),
        ("{{keyword}}", "{keyword}"),
        ("{{{keyword}}}", "{博彩}"),
        ("a {{ b }} c", "a { b } c"),
        ("  a\nb\u{202E}c\u{2067}  ", "  abc  "),
        ("plain", "plain"),
        ("\u{200E}\u{61C}", ""),
        ("\u{200B}", ""),
        (" \u{FE0F} ", ""),
        ("a\u{200B}b", "a\u{200B}b"),
    ] {
        assert_eq!(filled(template, 200), expected, "{template:?}");
    }
}

#[test]
fn cuts_characters() {
    assert_eq!(filled("申请说明", 2), "申请");
    assert_eq!(filled("  申请说明", 3), "  申");
    assert_eq!(filled("申 请", 2), "申 ");
    assert_eq!(filled("  申请说明", 2), "", "what is left cannot be seen");
    assert_eq!(filled("a\u{7}bc", 2), "ab");
    assert_eq!(filled("🙂🙂🙂", 2), "🙂🙂");
    assert_eq!(filled("{keyword}", 1), "博");
}

#[test]
fn refuses() {
    for (template, count, part) in [
        ("{word}", 1, "unknown placeholder {word}"),
        ("{}", 1, "unknown placeholder {}"),
        ("{Keyword}", 1, "unknown placeholder {Keyword}"),
        ("{a} {b} {rule}", 2, "{b}"),
        ("a { b", 1, "a `{` without its `}`"),
        ("a } b", 1, "a `}` without its `{`"),
        ("{keyword", 1, "a `{` without its `}`"),
        ("{x} {", 2, "{x}"),
    ] {
        let problems = Template::read(template).unwrap_err();
        assert_eq!(problems.len(), count, "{template:?}: {problems:?}");
        assert!(problems.iter().any(|problem| problem.contains(part)), "{template:?}: {problems:?}");
    }
}
