//! Which entry matches which category.

#![expect(clippy::unwrap_used)]

use super::*;

fn category(written: &str) -> Category {
    let (first, second) = match written.split_once('/') {
        Some((first, second)) => (first, Some(second)),
        None => (written, None),
    };
    Category { first: Some(first).filter(|f| !f.is_empty()).map(Into::into), second: second.map(Into::into) }
}

#[test]
fn entries_match() {
    for (entry, written, expected) in [
        ("物流服务", "物流服务/查件", true),
        ("物流服务", "物流服务", true),
        ("物流服务", "物流", false),
        ("物流服务/*", "物流服务/查件", true),
        ("物流服务/*", "物流服务", true),
        ("物流服务/查件", "物流服务/查件", true),
        ("物流服务/查件", "物流服务/收件", false),
        ("物流服务/查件", "物流服务", false),
        ("物流服务/查件", "商家自营/查件", false),
        ("*/查件", "物流服务/查件", true),
        ("*/查件", "物流服务", false),
        ("*/查件", "物流服务/收件", false),
        ("*", "物流服务", true),
        ("*", "物流服务/查件", true),
        ("*/*", "物流服务", true),
        ("*/*", "物流服务/查件", true),
        ("物流服务/a/b", "物流服务/a/b", true),
        ("物流服务/a", "物流服务/a/b", false),
        ("物流服務", "物流服务/查件", true),
        ("物流服务", "物流服務", true),
        ("物流 服务 / 查件", "物流服务/查件", true),
        ("物流服务／查件", "物流服务/查件", true),
        ("＊/查件", "物流服务/查件", true),
        ("IT 服务", "it服务", true),
        ("IT", "ＩＴ/x", true),
        ("I T", "IT", false),
        ("a/B c", "A/b  c", true),
        ("物流服务", "物流服务/", true),
        ("物流服务/查件", "物流服务/\u{200B}", false),
    ] {
        let mut entries = EntrySet::default();
        entries.number(Entry::read("别的/*").unwrap());
        entries.number(Entry::read("别的/查件").unwrap());
        let number = entries.number(Entry::read(entry).unwrap());
        let mut hits = CategoryHits::default();
        entries.seek(&FoldedCategories::of(&[category("某"), category(written)]), &mut hits);
        assert_eq!(hits.on_list(1, &Numbers::new(vec![(number, 0)])), expected, "{entry:?} {written:?}");
    }
}

#[test]
fn a_part_may_not_be_empty() {
    for written in ["", " ", "/", "a/", "/a", "a/ ", "\u{200B}/a", "/*", "*/", "a/\u{FE0F}"] {
        assert_eq!(Entry::read(written), None, "{written:?}");
    }
}

#[test]
fn unknown_categories() {
    let without_first = Category { first: None, second: Some("查件".into()) };
    let empty_first = Category { first: Some("\u{200B}".into()), second: None };
    for categories in [vec![], vec![without_first.clone()], vec![category("a"), without_first], vec![empty_first]] {
        assert_eq!(FoldedCategories::of(&categories).known(), None, "{categories:?}");
    }
    assert_eq!(FoldedCategories::of(&[category("a")]).known(), Some(1));
}

/// A message may name a category also where another one has no first level.
#[test]
fn the_others_are_matched_beside_one_without_a_first() {
    let (mut entries, mut hits) = (EntrySet::default(), CategoryHits::default());
    let list = Numbers::new(vec![(entries.number(Entry::read("a").unwrap()), 0)]);
    let any = Numbers::new(vec![(entries.number(Entry::read("*").unwrap()), 0)]);
    let without_first = Category { first: None, second: Some("b".into()) };
    entries.seek(&FoldedCategories::of(&[without_first, category("a/b")]), &mut hits);
    assert_eq!((hits.known(), hits.on_list(0, &any), hits.on_list(1, &any)), (None, false, true));
    assert_eq!((hits.on_list(0, &list), hits.on_list(1, &list)), (false, true));
}

#[test]
fn the_same_entry_has_one_number() {
    let mut entries = EntrySet::default();
    let mut number = |written| entries.number(Entry::read(written).unwrap());
    assert_eq!(number("物流服务"), number("物流服務/*"));
    assert_eq!(number("a/b"), number("A / B"));
    assert_ne!(number("a/b"), number("a"));
    assert_ne!(number("*/b"), number("a/b"));
}
