//! Where a keyword is found, and where not.

#![expect(clippy::unwrap_used)]

use super::*;

/// Whether the keyword, as written, is found in the text, as received.
fn is_found(keyword: &str, text: &str) -> bool {
    let mut collector = KeywordCollector::default();
    let number = collector.number(Keyword::read(keyword).unwrap());
    // company in the automaton must not matter
    for other in ["test", "*test*", "es", "博", "博彩平台", "st", "a"] {
        collector.number(Keyword::read(other).unwrap());
    }
    let mut hits = Hits::default();
    collector.build().unwrap().seek(&fold(text), &mut hits);
    assert_eq!(hits.has(number), hits.all().iter().any(|hit| hit.number == number));
    hits.has(number)
}

#[test]
fn boundaries() {
    for (keyword, text, expected) in [
        ("test", "a test!", true),
        ("test", "这是test请求", true),
        ("test", "latest", false),
        ("test", "testing", false),
        ("test", "test", true),
        ("test", "TEST", true),
        ("test", "Ｔｅｓｔ", true),
        ("test", "test1", false),
        ("test", "1test", false),
        ("test", "test_1", true),
        ("test", "latest test", true),
        ("test", "testing a latest", false),
        ("test", "étest", true),
        ("test", "te st", false),
        ("test", "te\u{200B}st", true),
        ("test*", "testing", true),
        ("test*", "latest", false),
        ("test*", "test", true),
        ("*test", "latest", true),
        ("*test", "testing", false),
        ("*test*", "latesting", true),
        ("＊test＊", "latesting", true),
        ("test *", "testing", true),
        ("* test", "latest", true),
        ("test", "a-test-b", true),
        ("a b", "a b", true),
        ("a b", "a   b", true),
        ("a b", "ab", false),
        ("a b", "a\u{3000}b", true),
        ("a b", "ca bc", false),
        ("*a b*", "ca bc", true),
        ("博彩", "博彩", true),
        ("博彩", "博 彩", true),
        ("博彩", "博\u{200B}彩", true),
        ("博 彩", "博彩", true),
        ("博彩", "賭博彩票", true),
        ("賭博", "赌博", true),
        ("赌博", "賭博", true),
        ("博彩", "博采", false),
        ("博彩*", "博彩", true),
        ("博彩a", "博彩ab", false),
        ("博彩a*", "博彩ab", true),
        ("a博彩", "ba博彩", false),
        ("*a博彩", "ba博彩", true),
        ("!", "a!b", true),
        ("c++", "c++11", true),
        ("c++", "abc++", false),
        (".com", "abc.com", true),
        (".com", "abc.common", false),
        ("VX", "加ｖｘ：123", true),
        ("vx", "v x", false),
        ("①", "1", true),
        ("a**", "a*", true),
        ("a**", "a", false),
        ("***", "5*3", true),
        ("", "", false),
    ] {
        if !keyword.is_empty() {
            assert_eq!(is_found(keyword, text), expected, "{keyword:?} in {text:?}");
        }
    }
}

#[test]
fn nothing_left() {
    for written in ["", " ", "*", "**", "* *", "＊", "\u{200B}", "*\u{200B}*", "\u{3164}", "\u{FE0F}", "\u{3000}*"] {
        assert_eq!(Keyword::read(written), None, "{written:?}");
    }
}

#[test]
fn shown_without_stars() {
    for (written, shown) in [
        ("test*", "test"),
        ("*test*", "test"),
        (" 博彩 ", "博彩"),
        ("Ab C", "Ab C"),
        ("＊x", "x"),
        ("﹡x﹡", "x"),
        ("a*b", "a*b"),
    ] {
        assert_eq!(as_shown(written), shown);
    }
}

#[test]
fn the_first_place_counts() {
    let mut collector = KeywordCollector::default();
    let numbers = ["彩", "博彩", "aa", "a*"].map(|written| collector.number(Keyword::read(written).unwrap()));
    let set = collector.build().unwrap();
    let mut hits = Hits::default();
    set.seek("彩aaa aa博彩", &mut hits);
    let place = |number| hits.all().iter().find(|hit| hit.number == number).map(|hit| (hit.start, hit.end));
    assert_eq!(numbers.map(place), [Some((0, 3)), Some((9, 15)), Some((7, 9)), Some((3, 4))]);
    set.seek("x", &mut hits);
    assert!(hits.all().is_empty() && !hits.has(numbers[0]));
}

#[test]
fn marks_survive_their_counter() {
    let mut marks = Marks { round: u32::MAX - 1, seen: vec![0, 1] };
    marks.begin(2);
    assert!(marks.mark(0) && !marks.mark(0));
    marks.begin(2);
    assert!(!marks.has(0) && !marks.has(1) && marks.mark(1) && marks.has(1));
}
