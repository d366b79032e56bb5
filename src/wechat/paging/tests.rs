//! Lists that end, repeat, lie, break and never stop.

use super::*;
use crate::policy::{AppId, CreateTime};
use crate::wechat::read_page;

/// `"a b* !c"`: a is pending, b has moved on, c cannot be read; `a'` is a with another reason.
fn page(text: &str) -> Page {
    let entries: Vec<String> = text
        .split_whitespace()
        .map(|word| {
            let status = if word.ends_with('*') { 2 } else { 1 };
            let reason = if word.ends_with('\'') { "other" } else { "" };
            match word.strip_prefix('!') {
                Some(broken) => format!(r#"{{"broken":"{broken}"}}"#),
                None => {
                    let appid = word.trim_end_matches(['*', '\'']);
                    format!(r#"{{"appid":"{appid}","status":{status},"create_time":"7","reason":"{reason}"}}"#)
                }
            }
        })
        .collect();
    let body = format!(r#"{{"errcode":0,"apply_list":[{}]}}"#, entries.join(","));
    read_page(body.as_bytes(), 0).expect("a page")
}

fn busy() -> Error {
    Error::Api { errcode: -1, errmsg: String::new(), rid: None }
}

fn ip() -> Error {
    Error::Api { errcode: 40164, errmsg: String::new(), rid: None }
}

fn outcome(text: &str) -> Result<Page, Error> {
    match text {
        "BUSY" => Err(busy()),
        "IP" => Err(ip()),
        _ => Ok(page(text)),
    }
}

/// Walks a list of pages (the last one for ever), answering each batch in a shuffled order.
fn walk(pages: &[&str], max_in_flight: usize, ceiling: u32, expected: u32, seed: u64) -> (Listing, u32) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut paging = Paging::new(max_in_flight, ceiling, expected);
    let mut under_way = Vec::new();
    let mut asked = 0;
    loop {
        while let Some(page) = paging.ask(under_way.len()) {
            asked = asked.max(page);
            under_way.push(page);
        }
        assert!(under_way.len() <= max_in_flight);
        if paging.over() || under_way.is_empty() {
            break;
        }
        let number = under_way.swap_remove(random.usize(..under_way.len()));
        let text = pages.get(number as usize - 1).or(pages.last()).expect("a page");
        paging.arrived(number, outcome(text));
    }
    (paging.finish(), asked)
}

/// `pending | others | unreadable | gap`
fn show(listing: &Listing) -> String {
    let pending: Vec<&str> = listing.pending.iter().map(|a| a.appid.as_str()).collect();
    let mut others: Vec<String> = listing.others.iter().map(|(i, _)| i.appid.to_string()).collect();
    others.sort_unstable();
    let gap = match &listing.gap {
        None => "complete".into(),
        Some(Error::Api { errcode, .. }) => errcode.to_string(),
        Some(Error::Endless { pages }) => format!("endless {pages}"),
        Some(other) => format!("{other:?}"),
    };
    format!("{} | {} | {} | {gap}", pending.join(" "), others.join(" "), listing.unreadable.len())
}

#[test]
fn lists() {
    let cases: &[(&[&str], &str)] = &[
        (&[""], " |  | 0 | complete"),
        (&["a b", ""], "a b |  | 0 | complete"),
        (&["a b*", "c", "d e f*", ""], "a c d e | b f | 0 | complete"),
        // A short page is no end; an empty one is.
        (&["a b c", "d", "e f g", "", "h"], "a b c d e f g |  | 0 | complete"),
        // A server that answers beyond the end with the last page again.
        (&["a b", "c", "c"], "a b c |  | 0 | complete"),
        (&["a"], "a |  | 0 | complete"),
        // One page without news is no end, two in a row are.
        (&["a", "a", "b", "a b", "c", ""], "a b c |  | 0 | complete"),
        (&["a", "a", "a", "b", ""], "a |  | 0 | complete"),
        // The same entry with another text is another entry, but nothing new.
        (&["a", "a'", "a'", "b"], "a a |  | 0 | complete"),
        (&["a a'", ""], "a a |  | 0 | complete"),
        // Seen pending and decided: decided, whichever came first.
        (&["a b", "a*", "c", ""], "b c | a | 0 | complete"),
        (&["a*", "a b", "c", ""], "b c | a | 0 | complete"),
        (&["a", "a*", "a*", "b"], " | a | 0 | complete"),
        // What cannot be read counts once, and is news once.
        (&["a !x", "!y", "!x !y", "!x", "b"], "a |  | 2 | complete"),
        (&["!x", ""], " |  | 1 | complete"),
        // A failed page is a gap, and no reason to stop.
        (&["a", "BUSY", "b", ""], "a b |  | 0 | -1"),
        (&["BUSY", "a", ""], "a |  | 0 | -1"),
        (&["a", "a", "BUSY", "a", "b", ""], "a b |  | 0 | -1"),
        (&["BUSY"], " |  | 0 | -1"),
        (&["a", "BUSY", "b", "BUSY", "c", "BUSY", "BUSY", "d", ""], "a b c d |  | 0 | -1"),
    ];
    for (pages, expected) in cases {
        for max_in_flight in [1, 2, 4, 16] {
            for seed in 0..20 {
                let hint = u32::try_from(seed).unwrap_or_default() % 7;
                let (listing, _) = walk(pages, max_in_flight, 1000, hint, seed);
                assert_eq!(show(&listing), *expected, "{pages:?} {max_in_flight} {seed}");
            }
        }
    }
}

#[test]
fn a_reason_for_a_person_stops_at_once_and_keeps_what_was_read() {
    let (listing, asked) = walk(&["a", "IP", "b", "c", "d", "e"], 1, 1000, 0, 1);
    assert_eq!((show(&listing).as_str(), asked), ("a |  | 0 | 40164", 2));

    let mut paging = Paging::new(4, 1000, 10);
    assert_eq!([paging.ask(0), paging.ask(1), paging.ask(2)], [Some(1), Some(2), Some(3)]);
    paging.arrived(1, Err(busy()));
    paging.arrived(3, Ok(page("c")));
    paging.arrived(2, Err(ip()));
    assert!(paging.over() && paging.ask(0).is_none());
    let listing = paging.finish();
    assert_eq!(show(&listing), "c |  | 0 | 40164", "read ahead of its turn, and kept");
}

#[test]
fn a_wechat_that_cannot_be_read_is_left_alone() {
    let row = ["a", "BUSY", "BUSY", "BUSY", "b", ""];
    let (listing, asked) = walk(&row, 1, 1000, 0, 1);
    assert_eq!((show(&listing).as_str(), asked), ("a |  | 0 | -1", 4));

    let names: Vec<String> = (0..20).map(|n| format!("a{n}")).collect();
    let every_other: Vec<&str> = names.iter().flat_map(|name| [name.as_str(), "BUSY"]).collect();
    let (listing, asked) = walk(&every_other, 1, 1000, 0, 1);
    assert_eq!((listing.pending.len(), asked), (10, 20));
}

#[test]
fn a_list_that_never_ends_meets_the_ceiling() {
    let pages: Vec<String> = (0..100).map(|n| format!("a{n}")).collect();
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    for max_in_flight in [1, 8] {
        let (listing, asked) = walk(&pages, max_in_flight, 40, 0, 3);
        assert_eq!((asked, listing.pages, listing.pending.len()), (40, 40, 40));
        assert!(matches!(listing.gap, Some(Error::Endless { pages: 40 })));
    }
}

#[test]
fn little_is_asked_for_in_vain() {
    let long: Vec<String> = (0..50).map(|n| format!("a{n} b{n}")).chain([String::new()]).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let cases: &[(&[&str], u32, u32)] = &[
        // An empty list takes two calls, however many are allowed; one page a few more, the first time.
        (&[""], 0, 2),
        (&["a", ""], 0, 1 + 4),
        // What the last walk found is asked for at once, with the page that ends it, and nothing beyond.
        (&["a", ""], 1, 2),
        (&["a b", "c d", "e", ""], 3, 4),
        (&long, 50, 51),
        (&long, 0, 51 + 15),
        (&long, 20, 51 + 15),
    ];
    for (pages, expected, most) in cases {
        for seed in 0..20 {
            let (listing, asked) = walk(pages, 16, 1000, *expected, seed);
            assert!(listing.gap.is_none());
            assert!(asked <= *most, "{} pages: {asked} asked for, {most} at most", pages.len());
        }
    }
}

#[test]
fn a_page_that_hangs_does_not_fill_the_memory() {
    let mut paging = Paging::new(8, 1000, 1000);
    let mut asked = Vec::new();
    while let Some(page) = paging.ask(1) {
        asked.push(page);
        if page > 1 {
            paging.arrived(page, Ok(super::tests::page(&format!("a{page}"))));
        }
    }
    assert_eq!(asked.len(), 8 * LOOKAHEAD_WINDOWS);
}

#[test]
fn progress_counts() {
    let mut paging = Paging::new(4, 1000, 0);
    assert_eq!((paging.ask(0), paging.ask(1)), (Some(1), Some(2)));
    paging.arrived(2, Ok(page("c d*")));
    assert_eq!(paging.progress(), Progress { pages: 0, entries: 0, pending: 0 });
    paging.arrived(1, Ok(page("a b")));
    assert_eq!(paging.progress(), Progress { pages: 2, entries: 4, pending: 3 });
}

#[test]
fn the_same_appid_at_another_time_is_another_application() {
    let mut gathered = Gathered::default();
    let mut applied = page("a").pending.remove(0);
    assert!(gathered.add_pending(applied.clone()));
    applied.create_time = CreateTime::received("8");
    assert!(gathered.add_pending(applied.clone()));
    assert_eq!(applied.appid, AppId::new("a"));
    assert_eq!(gathered.finish(None).pending.len(), 2);
}
