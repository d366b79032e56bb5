//! Folding: tables of what becomes of what, and laws that hold for any text.

#![expect(clippy::unwrap_used)]

use super::{ignorable::is_ignorable, plain::*, settle::*, traditional::simplify, *};
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

fn check(text: &str, expected: &str) {
    assert_eq!(fold(text), expected, "{text:?}");
    assert_eq!(fold_with_places(text).text(), expected, "with places: {text:?}");
}

#[test]
fn folds() {
    for (text, expected) in [
        ("", ""),
        (" ", ""),
        ("\u{3000}\t\n", ""),
        ("abc", "abc"),
        ("ABC", "abc"),
        ("ＡＢＣ１２３", "abc123"),
        ("ＶＸ：①②", "vx:12"),
        ("㏒", "log"),
        ("ﬁne", "fine"),
        ("℡", "tel"),
        ("㎒", "mhz"),
        ("½", "1\u{2044}2"),
        ("ｶﾞｽ", "ガス"),
        ("が", "が"),
        ("か\u{3099}", "が"),
        ("É", "é"),
        ("E\u{301}", "é"),
        ("e\u{200B}\u{301}", "é"),
        ("İ", "i\u{307}"),
        ("ẞ", "ß"),
        ("ΑΣ", "ας".replace('ς', "σ").as_str()),
        ("ς", "ς"),
        ("K", "k"),
        ("Ω", "ω"),
        ("𝐕𝐗", "vx"),
        ("ⓥⓧ", "vx"),
        ("ᄀ\u{1161}\u{11A8}", "각"),
        ("각", "각"),
        // what shows nothing
        ("博\u{200B}彩", "博彩"),
        ("博\u{FE0F}彩", "博彩"),
        ("博\u{E0100}彩", "博彩"),
        ("博\u{202E}彩\u{2066}", "博彩"),
        ("博\u{0}\u{7F}\u{85}彩", "博彩"),
        ("博\u{AD}彩", "博彩"),
        ("博\u{34F}彩", "博彩"),
        ("博\u{3164}彩", "博彩"),
        ("博\u{FFA0}彩", "博彩"),
        ("博\u{115F}彩", "博彩"),
        ("博\u{2061}彩", "博彩"),
        ("博\u{FEFF}彩", "博彩"),
        ("博\u{1D173}彩", "博彩"),
        ("a\u{180E}b", "ab"),
        ("a\u{200B}b", "ab"),
        ("a\u{7}b", "ab"),
        // Traditional to Simplified
        ("賭博網站", "赌博网站"),
        ("申請說明", "申请说明"),
        ("乾淨", "干净"),
        ("薴", "苎"),
        ("苧", "苎"),
        ("僤", "𫢸"),
        ("後", "后"),
        ("臺灣", "台湾"),
        ("㑮", "㑮"),
        ("\u{F900}", "岂"),
        ("㍿", "株式会社"),
        // white space
        ("博 彩", "博彩"),
        ("博\u{3000}彩", "博彩"),
        ("博\n彩", "博彩"),
        ("博\u{2028}彩\u{A0}平台", "博彩平台"),
        ("a b", "a b"),
        ("a \t\u{3000}\n b", "a b"),
        ("a\u{A0}b", "a b"),
        ("a\u{85}b", "a b"),
        ("a\u{2009}b", "a b"),
        ("a \u{200B} b", "a b"),
        (" a b ", "a b"),
        ("a 博", "a博"),
        ("博 a", "博a"),
        ("a ! b", "a!b"),
        ("1 2", "1 2"),
        ("é b", "éb"),
        ("Ａ　Ｂ", "a b"),
        ("这是 test 请求", "这是test请求"),
        ("V X: 123", "v x:123"),
        ("🙂 a 🙂", "🙂a🙂"),
        ("…", "..."),
        ("a … b", "a...b"),
        // a mark that stood after white space that was dropped joins its new neighbour
        ("e \u{301}", "é"),
        ("a e \u{301}", "aé"),
        ("か \u{3099}", "が"),
        ("\u{1100} \u{1161} \u{11A8}", "각"),
    ] {
        check(text, expected);
    }
}

#[test]
fn shows_where_it_was() {
    for (text, folded, original) in [
        ("请看博彩平台", "博彩", "博彩"),
        ("请看 博 彩 平台", "博彩", "博 彩"),
        ("博\u{200B}彩", "博彩", "博\u{200B}彩"),
        ("\u{200B}博彩\u{200B}", "博彩", "博彩"),
        ("賭博", "赌博", "賭博"),
        ("ＶＸ　Ｙ", "vx y", "ＶＸ　Ｙ"),
        ("a  b", " ", "  "),
        ("㏒x", "o", "㏒"),
        ("cafe\u{301}s", "é", "e\u{301}"),
        ("x½y", "1\u{2044}2", "½"),
        ("a\u{323}\u{307}b", "\u{1EA1}\u{307}", "a\u{323}\u{307}"),
        ("a\u{307}\u{323}b", "\u{1EA1}", "a\u{307}\u{323}"),
    ] {
        let map = fold_with_places(text);
        let start = map.text().find(folded).unwrap();
        assert_eq!(&text[map.original(start..start + folded.len())], original, "{text:?}");
    }
}

/// What the manual says, word for word, with the crate's own normalisation; repeated until nothing changes.
fn by_the_letter(text: &str) -> String {
    let once = one_round(text);
    if once == text { once } else { by_the_letter(&once) }
}

fn one_round(text: &str) -> String {
    let mut text = text.to_owned();
    loop {
        let dropped: String = text.nfkc().filter(|c| c.is_whitespace() || !is_ignorable(*c)).collect();
        let next: String = dropped.chars().flat_map(char::to_lowercase).map(simplify).collect();
        if next == text {
            break;
        }
        text = next;
    }
    let chars: Vec<char> = text.chars().collect();
    let word = |c: Option<&char>| c.is_some_and(char::is_ascii_alphanumeric);
    let mut out = String::new();
    let mut at = 0;
    while at < chars.len() {
        let run = chars[at..].iter().take_while(|c| c.is_whitespace()).count();
        if run == 0 {
            out.push(chars[at]);
            at += 1;
            continue;
        }
        if at > 0 && word(chars.get(at - 1)) && word(chars.get(at + run)) {
            out.push(' ');
        }
        at += run;
    }
    out
}

#[test]
fn every_character_folds_by_the_letter() {
    let mut plain_ones = 0;
    for c in '\0'..=char::MAX {
        let text = format!("a{c}b {c} 1{c}\u{301}");
        let plain_text = format!("a{c}b {c} 1{c}");
        if matches!(plain(c), Plain::Other) {
            if c.nfkc().eq([c])
                && c.to_lowercase().eq([c])
                && simplify(c) == c
                && !is_ignorable(c)
                && !c.is_whitespace()
            {
                continue; // three quarters of a million characters that are nothing but themselves
            }
        } else {
            plain_ones += 1;
            assert_eq!(fold(&plain_text), by_the_letter(&plain_text), "U+{:04X}", c as u32);
        }
        assert_eq!(fold(&text), by_the_letter(&text), "U+{:04X}", c as u32);
    }
    assert!(plain_ones > 20_000);
}

#[test]
fn what_is_ignorable_is_no_white_space() {
    let ignorable: Vec<char> = ('\0'..=char::MAX).filter(|c| is_ignorable(*c)).collect();
    assert!(ignorable.iter().all(|c| !c.is_whitespace()));
    assert_eq!(ignorable.len(), 65 - 6 + 4206);
}

#[test]
fn the_table_ends_in_itself() {
    for c in '\u{3400}'..='\u{2FFFF}' {
        assert_eq!(simplify(simplify(c)), simplify(c), "{c}");
    }
    assert_eq!(('\0'..=char::MAX).filter(|c| simplify(*c) != *c).count(), 3222);
}

#[test]
fn the_tables_are_those_of_this_version() {
    assert_eq!(unicode_normalization::UNICODE_VERSION, (18, 0, 0), "raise FOLDING_VERSION with new tables");
}

/// What makes folding look twice: marks in any order, what is dropped between them, what is taken apart.
const HOSTILE: [&str; 15] = [
    "\u{301}",
    "\u{323}\u{307}",
    "\u{307}\u{323}",
    "a\u{307}\u{323}\u{200B}",
    "\u{200B}",
    "\u{202E}",
    "\u{FDFA}",
    " \u{301}",
    "1 a\u{A8}",
    "E \u{301} ",
    "İ",
    "a \u{200B}",
    "ᄀ\u{1161}",
    "\u{1100} \u{1161} \u{11A8}",
    "ﬁ\u{34F}\u{315}\u{300}",
];

#[test]
fn hostile_texts_end() {
    for part in HOSTILE {
        let text = part.repeat(100_000 / part.len());
        assert_eq!(fold(&text), fold_with_places(&text).text());
        let few = part.repeat(7);
        assert_eq!(fold(&few), by_the_letter(&few), "{part:?}");
    }
}

/// Rounds of [`settle`] until nothing changes.
fn rounds(text: &str) -> usize {
    let mut settled = placed(text);
    for number in 1..=ROUNDS_MAX {
        let (next, changed) = round(&settled);
        settled = next;
        if changed == Changed::Nothing {
            return number;
        }
    }
    panic!("it does not end: {text:?}");
}

/// Each round walks the text a fixed number of times, so the whole is linear if there are no more rounds for more text.
#[test]
fn a_longer_text_takes_no_more_rounds() {
    for part in HOSTILE {
        let few = rounds(&part.repeat(4));
        assert_eq!(rounds(&part.repeat(4_000)), few, "{part:?}");
        assert!(few <= 3, "{part:?}: {few}");
    }
}

#[test]
fn long_runs_of_marks_are_ordered_like_short_ones() {
    let marks = ["\u{301}", "\u{323}", "\u{334}", "\u{35C}", "\u{345}", "\u{316}"];
    for length in [1, 5, 31, 32, 33, 64, 257, 1_000] {
        let run: String = (0..length).map(|at| marks[at * 7 % 11 % marks.len()]).collect();
        for text in [format!("e{run}x"), run.clone(), format!("{run}1 {run}")] {
            assert_eq!(fold(&text), by_the_letter(&text), "{length}");
        }
    }
}

#[test]
fn what_stands_alone_does() {
    for c in ('\0'..=char::MAX).filter(|c| stands_alone(*c)) {
        assert!(c.nfkc().eq([c]) && !joins(c), "U+{:04X}", c as u32);
        assert!(unicode_normalization::char::canonical_combining_class(c) == 0, "U+{:04X}", c as u32);
        let joined = unicode_normalization::is_nfkc_quick(std::iter::once(c));
        assert_eq!(joined, unicode_normalization::IsNormalized::Yes, "U+{:04X}", c as u32);
    }
}

/// What a round ends by: dropping, lowering and simplifying once more changes nothing.
#[test]
fn lowering_twice_is_lowering_once() {
    let lowered = |c: char| match is_ignorable(c) {
        true => Vec::new(),
        false => c.to_lowercase().map(simplify).collect::<Vec<char>>(),
    };
    for c in '\0'..=char::MAX {
        let once = lowered(c);
        let twice: Vec<char> = once.iter().flat_map(|c| lowered(*c)).collect();
        assert_eq!(twice, once, "U+{:04X}", c as u32);
    }
}

/// Characters that have something to do with each other.
fn texts() -> impl Strategy<Value = String> {
    let mixed = "[a-cA-C0-2 　\u{200B}\u{301}\u{323}\u{FE0F}賭博彩赌ＡＺéÉİ½㏒ﬁｶﾞ\u{3099}か\u{1100}\u{1161}\u{11A8}가薴!／*]{0,12}";
    prop_oneof![mixed, "\\PC{0,12}", any::<String>()]
}

proptest! {
    #[test]
    fn folding_is_by_the_letter(text in texts()) {
        prop_assert_eq!(fold(&text), by_the_letter(&text));
    }

    #[test]
    fn both_ways_agree(text in texts()) {
        let map = fold_with_places(&text);
        prop_assert_eq!(map.text(), fold(&text));
        let whole = map.original(0..map.text().len());
        prop_assert!(text.get(whole).is_some());
    }

    #[test]
    fn what_is_settled_stays(text in texts()) {
        let once = settle(placed(&text));
        prop_assert!(same(&settle(once.clone()), &once));
    }

    #[test]
    fn folding_is_idempotent(text in texts()) {
        let once = fold(&text);
        prop_assert_eq!(fold(&once), once);
    }
}
