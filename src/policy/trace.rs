//! Every condition of a rule, in words: what was found, what is missing.
//!
//! Hides how each kind of test reads and where a keyword stood in the original.
//! Promises to look at every condition, also after one is false. Does not decide.

use super::{
    Condition, ConditionWhy, FoldedText, Found, Lists, PreviousTest, Test, TextTest, Truth,
    check::{Check, Facts, Field, NumberLists, TextCheck, has_all, has_any},
    compile::test_word,
    fold_with_places,
    keywords::{Numbers, as_shown},
    pattern::Patterns,
};
use std::{cell::OnceCell, time::Duration};

/// More than this many words of a list are counted, not shown.
const SHOWN_MAX: usize = 8;

/// Puts conditions into words, for one application.
pub(super) struct Trace<'a> {
    facts: Facts<'a>,
    reason: OnceCell<FoldedText>,
    nickname: OnceCell<FoldedText>,
}

/// A condition for a sentence: with the field it is about, unless it says what is missing.
pub(super) fn in_words(why: &ConditionWhy) -> String {
    let field = why.path.rsplit('.').nth(1).filter(|field| *field != "when" && !field.ends_with(']'));
    match (why.truth, field) {
        (Truth::Unknown, _) | (_, None) => why.words.clone(),
        (_, Some("not")) => why.words.clone(),
        (_, Some(field)) => format!("{field} {}", why.words),
    }
}

impl<'a> Trace<'a> {
    pub(super) fn new(facts: Facts<'a>) -> Trace<'a> {
        Trace { facts, reason: OnceCell::new(), nickname: OnceCell::new() }
    }

    /// Adds every condition of a table.
    pub(super) fn condition(&self, path: &str, condition: &Condition, checks: &[Check], out: &mut Vec<ConditionWhy>) {
        for (test, check) in condition.tests.iter().zip(checks) {
            self.test(&format!("{path}.{}", test_word(test)), test, check, out);
        }
    }

    fn test(&self, path: &str, test: &Test, check: &Check, out: &mut Vec<ConditionWhy>) {
        match (test, check) {
            (Test::Always, _) => out.push(leaf(path, Truth::True, "always".to_owned())),
            (Test::Category(written), Check::Category(numbers)) => self.category(path, written, numbers, out),
            (Test::Reason(written) | Test::Nickname(written), Check::Text(check)) => {
                self.text(path, written, check, out);
            }
            (Test::Appid(_), Check::Appid { any, none }) => {
                for (word, list) in [("any", any), ("none", none)] {
                    let Some(list) = list else { continue };
                    let listed = list.contains(self.facts.application.appid.as_str());
                    let words = if listed { "is on the list" } else { "is not on the list" };
                    out.push(leaf(&format!("{path}.{word}"), (listed == (word == "any")).into(), words.to_owned()));
                }
            }
            (Test::Age(_), Check::Age { min, max }) => self.age(path, *min, *max, out),
            (Test::Previous(test), _) => self.previous(path, test, out),
            (Test::AnyOf(conditions), Check::AnyOf(branches)) => {
                for (index, (condition, checks)) in conditions.iter().zip(branches).enumerate() {
                    self.condition(&format!("{path}[{index}]"), condition, checks, out);
                }
            }
            (Test::Not(condition), Check::Not(checks)) => self.condition(path, condition, checks, out),
            _ => {}
        }
    }

    fn text(&self, path: &str, written: &TextTest, check: &TextCheck, out: &mut Vec<ConditionWhy>) {
        let facts = self.facts.text(check.field);
        let sides = [
            ("any", &written.keywords.any, &check.keywords.any),
            ("all", &written.keywords.all, &check.keywords.all),
            ("none", &written.keywords.none, &check.keywords.none),
        ];
        for (word, written, numbers) in sides {
            let (Some(written), Some(numbers)) = (written, numbers) else { continue };
            let holds = match word {
                "any" => has_any(numbers, &facts.hits),
                "all" => has_all(numbers, &facts.hits),
                _ => !has_any(numbers, &facts.hits),
            };
            let found = self.found(check.field, written, numbers);
            let words = match (word, holds) {
                ("all", false) => format!("lacks {}", listed(&self.lacking(check.field, written, numbers))),
                _ => contains(written, &found),
            };
            out.push(ConditionWhy { path: format!("{path}.{word}"), truth: holds.into(), words, found });
        }
        if let (Some(written), Some(patterns)) = (&written.regex, &check.regex) {
            out.push(self.regex(path, check.field, written, patterns));
        }
        let chars = facts.chars;
        if let Some(min) = check.min_chars {
            let words = compared(chars >= min, characters(chars), "has", min.to_string(), "at least", "less than");
            out.push(leaf(&format!("{path}.min_chars"), (chars >= min).into(), words));
        }
        if let Some(max) = check.max_chars {
            let words = compared(chars <= max, characters(chars), "has", max.to_string(), "at most", "more than");
            out.push(leaf(&format!("{path}.max_chars"), (chars <= max).into(), words));
        }
    }

    fn regex(&self, path: &str, field: Field, written: &[String], patterns: &Patterns) -> ConditionWhy {
        let found: Vec<Found> = patterns
            .places(self.facts.received(field))
            .map(|(index, place)| Found { keyword: written[index].clone(), start: place.start, end: place.end })
            .collect();
        let words = match (found.as_slice(), written) {
            ([], [only]) => format!("does not match {only}"),
            ([], _) => format!("matches none of {} patterns", written.len()),
            _ => format!("matches {}", listed(&found.iter().map(|found| &found.keyword).collect::<Vec<_>>())),
        };
        ConditionWhy { path: format!("{path}.regex"), truth: (!found.is_empty()).into(), words, found }
    }

    /// The keywords of a list that were found, in the order of the list, with their places in the original.
    fn found(&self, field: Field, written: &[String], numbers: &Numbers) -> Vec<Found> {
        let hits = self.facts.text(field).hits.all().iter();
        let mut hits: Vec<_> = hits.filter_map(|hit| Some((numbers.index(hit.number)?, hit))).collect();
        hits.sort_unstable_by_key(|(index, _)| *index);
        let found = hits.into_iter().map(|(index, hit)| {
            let place = self.folded(field).original(hit.start..hit.end);
            Found { keyword: as_shown(&written[index]).to_owned(), start: place.start, end: place.end }
        });
        found.collect()
    }

    fn lacking<'b>(&self, field: Field, written: &'b [String], numbers: &Numbers) -> Vec<&'b str> {
        let hits = &self.facts.text(field).hits;
        let mut lacking: Vec<usize> =
            numbers.iter().filter(|(number, _)| !hits.has(*number)).map(|(_, at)| at).collect();
        lacking.sort_unstable();
        lacking.into_iter().map(|index| as_shown(&written[index])).collect()
    }

    fn folded(&self, field: Field) -> &FoldedText {
        let application = self.facts.application;
        match field {
            Field::Reason => self.reason.get_or_init(|| fold_with_places(&application.reason)),
            Field::Nickname => self.nickname.get_or_init(|| fold_with_places(&application.nickname)),
        }
    }

    fn category(&self, path: &str, written: &Lists, numbers: &NumberLists, out: &mut Vec<ConditionWhy>) {
        let sides = [
            ("any", &written.any, &numbers.any),
            ("all", &written.all, &numbers.all),
            ("none", &written.none, &numbers.none),
        ];
        for (word, written, numbers) in sides {
            let (Some(written), Some(numbers)) = (written, numbers) else { continue };
            let (truth, words) = self.category_list(word, written, numbers);
            out.push(leaf(&format!("{path}.{word}"), truth, words));
        }
    }

    fn category_list(&self, word: &str, written: &[String], numbers: &Numbers) -> (Truth, String) {
        let categories = &self.facts.application.categories;
        if self.facts.categories.known().is_none() {
            let words = if categories.is_empty() { "no categories" } else { "a category without a first level" };
            return (Truth::Unknown, words.to_owned());
        }
        let (mut on, mut off) = (Vec::new(), Vec::new());
        for (at, category) in categories.iter().enumerate() {
            match self.facts.categories.entry_for(at, numbers) {
                Some(entry) => on.push(format!("{category} matches {}", written[entry])),
                None => off.push(category.to_string()),
            }
        }
        let holds = match word {
            "any" => !on.is_empty(),
            "all" => off.is_empty(),
            _ => on.is_empty(),
        };
        let tell_matched = if word == "all" { off.is_empty() } else { !on.is_empty() };
        let words = if tell_matched { listed(&on) } else { unmatched(&off, written) };
        (holds.into(), words)
    }

    fn age(&self, path: &str, min: Option<Duration>, max: Option<Duration>, out: &mut Vec<ConditionWhy>) {
        let mut tell = |word: &str, bound: Option<Duration>, holds: fn(Duration, Duration) -> bool, yes, no| {
            let Some(bound) = bound else { return };
            let path = format!("{path}.{word}");
            out.push(match self.facts.age() {
                None => leaf(&path, Truth::Unknown, self.no_age().to_owned()),
                Some(age) => {
                    let holds = holds(age, bound);
                    leaf(&path, holds.into(), compared(holds, span(age), "is", span(bound), yes, no))
                }
            });
        };
        tell("min", min, |age, min| age >= min, "at least", "less than");
        tell("max", max, |age, max| age <= max, "at most", "more than");
    }

    fn previous(&self, path: &str, test: &PreviousTest, out: &mut Vec<ConditionWhy>) {
        let within = test.within.map(|within| format!(" within {}", span(within))).unwrap_or_default();
        for (what, least) in test.counts() {
            let count = self.facts.earlier(what, test.within);
            let times = if count == 1 { "1 time".to_owned() } else { format!("{count} times") };
            let holds = count >= least;
            let words =
                compared(holds, format!("{times}{within}"), what.word(), least.to_string(), "at least", "less than");
            out.push(leaf(&format!("{path}.{}", what.word()), holds.into(), words));
        }
    }

    /// Why there is no age.
    fn no_age(&self) -> &'static str {
        let created = &self.facts.application.create_time;
        match (created.text(), created.instant()) {
            (None, _) => "no create_time",
            (Some(_), None) => "create_time cannot be read",
            (Some(_), Some(_)) => "create_time lies in the future",
        }
    }
}

fn leaf(path: &str, truth: Truth, words: String) -> ConditionWhy {
    ConditionWhy { path: path.to_owned(), truth, words, found: Vec::new() }
}

fn contains(written: &[String], found: &[Found]) -> String {
    match (found, written) {
        ([], [only]) => format!("does not contain {}", as_shown(only)),
        ([], _) => format!("contains none of {} keywords", written.len()),
        _ => format!("contains {}", listed(&found.iter().map(|found| &found.keyword).collect::<Vec<_>>())),
    }
}

fn unmatched(categories: &[String], written: &[String]) -> String {
    let one = categories.len() == 1;
    match written {
        [only] => format!("{} {} not match {only}", listed(categories), if one { "does" } else { "do" }),
        _ => format!(
            "{} {} none of {} entries",
            listed(categories),
            if one { "matches" } else { "match" },
            written.len()
        ),
    }
}

/// `has 3 characters, less than 5`
fn compared(holds: bool, value: String, verb: &str, bound: String, yes: &str, no: &str) -> String {
    format!("{verb} {value}, {} {bound}", if holds { yes } else { no })
}

fn characters(count: u64) -> String {
    if count == 1 { "1 character".to_owned() } else { format!("{count} characters") }
}

/// The words with commas; the first of them, when they are many.
fn listed(words: &[impl AsRef<str>]) -> String {
    let shown: Vec<&str> = words.iter().take(SHOWN_MAX).map(AsRef::as_ref).collect();
    match words.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A duration in its two largest units: `1d 2h`, `90s` as `1m 30s`.
pub(super) fn span(duration: Duration) -> String {
    let secs = duration.as_secs();
    let units = [(secs / 86_400, "d"), (secs / 3_600 % 24, "h"), (secs / 60 % 60, "m"), (secs % 60, "s")];
    let first = units.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let shown = units[first..].iter().take(2).enumerate().filter(|(at, (count, _))| *at == 0 || *count > 0);
    shown.map(|(_, (count, unit))| format!("{count}{unit}")).collect::<Vec<_>>().join(" ")
}
