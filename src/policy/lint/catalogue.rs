//! WeChat's catalogue of service categories, as far as it is known: two generations of names.
//!
//! `categories.tsv` says where it comes from. It is not authoritative and WeChat
//! revises its own several times a year, so what is not in it is only odd.

use crate::document::nearest;
use crate::policy::{Category, category::Entry, fold};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

const TEXT: &str = include_str!("categories.tsv");

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::read);

/// Every known category.
struct Catalogue {
    /// First and second, as WeChat writes them.
    all: Vec<(&'static str, &'static str)>,
    /// Seconds by first, folded.
    firsts: HashMap<String, HashSet<String>>,
}

impl Catalogue {
    fn read() -> Catalogue {
        let mut catalogue = Catalogue { all: Vec::new(), firsts: HashMap::new() };
        for line in TEXT.lines().filter(|line| !line.starts_with('#')) {
            let mut columns = line.split('\t');
            let (Some(first), Some(second)) = (columns.next(), columns.next()) else { continue };
            catalogue.all.push((first, second));
            catalogue.firsts.entry(fold(first)).or_default().insert(fold(second));
        }
        catalogue
    }
}

/// What WeChat does not have of an entry, and the nearest it has; none when it has all of it.
pub(super) fn unknown(entry: &Entry) -> Option<(String, Option<String>)> {
    let catalogue = &*CATALOGUE;
    let firsts = || catalogue.all.iter().map(|known| known.0);
    match entry.parts() {
        (None, None) => None,
        (Some(first), None) if catalogue.firsts.contains_key(first) => None,
        (Some(first), None) => Some((first.to_owned(), near(first, firsts()))),
        (None, Some(second)) if catalogue.firsts.values().any(|seconds| seconds.contains(second)) => None,
        (None, Some(second)) => {
            let seconds = catalogue.all.iter().map(|known| known.1);
            Some((format!("*/{second}"), near(second, seconds).map(|second| format!("*/{second}"))))
        }
        (Some(first), Some(second)) => match catalogue.firsts.get(first) {
            Some(seconds) if seconds.contains(second) => None,
            Some(_) => {
                let of_first = catalogue.all.iter().filter(|known| fold(known.0) == first);
                let near = near(second, of_first.clone().map(|known| known.1));
                Some((format!("{first}/{second}"), near.map(|near| format!("{first}/{near}"))))
            }
            None => Some((first.to_owned(), near(first, firsts()))),
        },
    }
}

/// The known name a mistyped one was meant to be, else the one nearest in length of which it is a part, or that is a part of it.
fn near<'k>(word: &str, known: impl Iterator<Item = &'k str> + Clone) -> Option<String> {
    let part = |name: &&str| fold(name).contains(word) || word.contains(&fold(name));
    let apart = |name: &&str| name.len().abs_diff(word.len());
    nearest(word, known.clone()).or_else(|| known.filter(part).min_by_key(apart)).map(str::to_owned)
}

/// The characters of the longest known category an entry matches, or of any where `entry` is none.
pub(super) fn longest(entry: Option<&Entry>) -> usize {
    let fits = |(first, second): &(&str, &str)| match entry.map(Entry::parts) {
        None => true,
        Some((wanted_first, wanted_second)) => {
            wanted_first.is_none_or(|wanted| wanted == fold(first))
                && wanted_second.is_none_or(|wanted| wanted == fold(second))
        }
    };
    let chars = |(first, second): &(&str, &str)| {
        let category = Category { first: Some((*first).to_owned()), second: Some((*second).to_owned()) };
        category.to_string().chars().count()
    };
    CATALOGUE.all.iter().filter(|known| fits(known)).map(chars).max().unwrap_or_default()
}
