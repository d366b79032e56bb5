//! Reading one table: keys are taken by name and kind, and what nobody asked for is reported.

use super::nearest::suggest;
use super::problem::Spot;
use super::reading::Reading;
use super::tree::{Entry, Kind, Node};
use jiff::Timestamp;
use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

/// A table being read. Call [`Table::finish`] when all known keys were asked for.
#[derive(Debug)]
#[must_use]
pub struct Table<'a> {
    reading: &'a Reading,
    spot: Spot,
    tree: &'a [Entry],
    name: String,
    asked: RefCell<Vec<&'static str>>,
    confidential: bool,
}

/// A value of a table or list, with its place.
#[derive(Debug, Clone)]
pub struct Value<'a> {
    reading: &'a Reading,
    spot: Spot,
    tree: &'a Node,
    name: String,
}

impl<'a> Table<'a> {
    pub(super) fn new(reading: &'a Reading, spot: Spot, tree: &'a [Entry], name: String) -> Table<'a> {
        Table { reading, spot, tree, name, asked: RefCell::default(), confidential: false }
    }

    /// The table may hold a secret under a mistyped key: values of unknown keys are not shown.
    pub fn confidential(mut self) -> Table<'a> {
        self.confidential = true;
        self
    }

    /// Its header, or the whole of an inline table.
    pub fn spot(&self) -> Spot {
        self.spot
    }

    /// Where problems go.
    pub fn reading(&self) -> &'a Reading {
        self.reading
    }

    /// The value of a key, if it is there. The key is known from now on.
    pub fn optional(&self, key: &'static str) -> Option<Value<'a>> {
        self.asked.borrow_mut().push(key);
        self.entry(key).map(|entry| self.value(entry))
    }

    /// The value of a key; its absence is reported.
    pub fn required(&self, key: &'static str) -> Option<Value<'a>> {
        let value = self.optional(key);
        if value.is_none() {
            let message = format!("`{key}` is missing{}", self.within(" in "));
            self.reading.report("missing", self.spot, message);
        }
        value
    }

    /// The place of a key that is there.
    pub fn key_spot(&self, key: &str) -> Option<Spot> {
        self.entry(key).map(|entry| self.at(&entry.key_span))
    }

    /// Every key with its place and value, in the order of the file; all are known from now on.
    pub fn entries(self) -> Vec<(&'a str, Spot, Value<'a>)> {
        self.tree.iter().map(|e| (e.key.as_str(), self.at(&e.key_span), self.value(e))).collect()
    }

    /// True when it holds no key at all.
    pub fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    /// The keys asked for so far.
    pub fn known_keys(&self) -> Vec<&'static str> {
        self.asked.borrow().clone()
    }

    /// Reports every key that was not asked for.
    pub fn finish(self) {
        let asked = self.asked.borrow();
        for entry in self.tree.iter().filter(|e| !asked.contains(&e.key.as_str())) {
            if self.confidential && !matches!(entry.value.kind, Kind::Whole(_) | Kind::Flag(_)) {
                self.reading.mask(self.at(&entry.value.span));
            }
            let message = format!("unknown key `{}`{}", entry.key, self.within(" in "));
            let help = suggest(&entry.key, asked.iter().copied(), "keys");
            self.reading.report_help("unknown-key", self.at(&entry.key_span), message, help);
        }
    }

    fn entry(&self, key: &str) -> Option<&'a Entry> {
        self.tree.iter().find(|e| e.key == key)
    }

    fn value(&self, entry: &'a Entry) -> Value<'a> {
        let name = format!("`{}`", entry.key);
        Value { reading: self.reading, spot: self.at(&entry.value.span), tree: &entry.value, name }
    }

    fn at(&self, span: &Range<usize>) -> Spot {
        Spot { file: self.spot.file, start: span.start, end: span.end }
    }

    fn within(&self, word: &str) -> String {
        if self.name.is_empty() { String::new() } else { format!("{word}{}", self.name) }
    }
}

impl<'a> Value<'a> {
    /// Its place.
    pub fn spot(&self) -> Spot {
        self.spot
    }

    /// Where problems go.
    pub fn reading(&self) -> &'a Reading {
        self.reading
    }

    /// Reports a problem at this value.
    pub fn wrong(&self, code: &'static str, message: impl Into<String>, help: impl Into<String>) {
        self.reading.report_help(code, self.spot, message, help);
    }

    /// A text, possibly empty.
    pub fn text(&self) -> Option<&'a str> {
        match &self.tree.kind {
            Kind::Text(text) => Some(text),
            _ => self.wrong_kind("a text in quotes"),
        }
    }

    /// A text with something in it.
    pub fn words(&self) -> Option<&'a str> {
        let text = self.text()?;
        if text.trim().is_empty() {
            self.reading.report("empty", self.spot, format!("{} is empty", self.name));
            return None;
        }
        Some(text)
    }

    /// One of a few known words.
    pub fn one_of<T: Copy>(&self, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.text()?;
        let found = choices.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            let message = format!("{} cannot be `{text}`: expected {}", self.name, words.join(", "));
            match super::nearest(text, words) {
                Some(near) => self.wrong("value", message, format!("did you mean `{near}`?")),
                None => self.reading.report("value", self.spot, message),
            }
        }
        found.map(|(_, value)| *value)
    }

    /// `true` or `false`.
    pub fn flag(&self) -> Option<bool> {
        match &self.tree.kind {
            Kind::Flag(flag) => Some(*flag),
            _ => self.wrong_kind("true or false"),
        }
    }

    /// A whole number within a range.
    pub fn whole(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let Kind::Whole(number) = self.tree.kind else { return self.wrong_kind("a whole number") };
        let fitting = number.and_then(|n| u64::try_from(n).ok()).filter(|n| range.contains(n));
        if fitting.is_none() {
            let message = format!("{} must be a whole number {}", self.name, words_for(&range));
            self.reading.report("range", self.spot, message);
        }
        fitting
    }

    /// A duration such as `"90s"`, `"10m"`, `"24h"`, `"30d"`, within a range.
    pub fn duration(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        const EXAMPLES: &str = "write a whole number and s, m, h or d: \"90s\", \"10m\", \"24h\", \"30d\"";
        let Kind::Text(text) = &self.tree.kind else {
            let message = format!("{} is {}: expected a duration", self.name, self.tree.kind.words());
            self.wrong("kind", message, EXAMPLES);
            return None;
        };
        let Some(duration) = parse_duration(text) else {
            self.wrong("duration", format!("{} is no duration: `{text}`", self.name), EXAMPLES);
            return None;
        };
        if !range.contains(&duration) {
            let (least, most) = (duration_text(*range.start()), duration_text(*range.end()));
            let message = format!("{} is {text}: expected {least} to {most}", self.name);
            self.reading.report("range", self.spot, message);
            return None;
        }
        Some(duration)
    }

    /// An instant: a TOML date-time with its offset, or the same in quotes.
    pub fn instant(&self) -> Option<Timestamp> {
        const EXAMPLE: &str = "write the time and its offset: 2026-11-22T08:00:00Z or 2026-11-22T16:00:00+08:00";
        let (Kind::Text(text) | Kind::Date(text)) = &self.tree.kind else {
            let message = format!("{} is {}: expected an instant", self.name, self.tree.kind.words());
            self.wrong("kind", message, EXAMPLE);
            return None;
        };
        let instant = text.parse().ok();
        if instant.is_none() {
            self.wrong("instant", format!("{} is no instant: `{text}`", self.name), EXAMPLE);
        }
        instant
    }

    /// A table; `name` is what problems in it call it.
    pub fn table(&self, name: impl Into<String>) -> Option<Table<'a>> {
        match &self.tree.kind {
            Kind::Table(tree) => Some(Table::new(self.reading, self.spot, tree, name.into())),
            _ => self.wrong_kind("a table"),
        }
    }

    /// A list, possibly empty.
    pub fn list(&self) -> Option<Vec<Value<'a>>> {
        match &self.tree.kind {
            Kind::List(values) => Some(values.iter().map(|node| self.entry(node)).collect()),
            _ => self.wrong_kind("a list"),
        }
    }

    /// A list with something in it.
    pub fn filled_list(&self) -> Option<Vec<Value<'a>>> {
        let list = self.list()?;
        if list.is_empty() {
            self.wrong(
                "empty",
                format!("{} is an empty list", self.name),
                "leave the key out, or name at least one entry",
            );
            return None;
        }
        Some(list)
    }

    fn entry(&self, tree: &'a Node) -> Value<'a> {
        let spot = Spot { file: self.spot.file, start: tree.span.start, end: tree.span.end };
        Value { reading: self.reading, spot, tree, name: format!("an entry of {}", self.name) }
    }

    /// The entries, if it is a list; reports nothing.
    pub fn list_quietly(&self) -> Vec<Value<'a>> {
        match &self.tree.kind {
            Kind::List(values) => values.iter().map(|node| self.entry(node)).collect(),
            _ => Vec::new(),
        }
    }

    /// The text, if it is one; reports nothing.
    pub fn text_quietly(&self) -> Option<&'a str> {
        match &self.tree.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The table, if it is one; reports nothing.
    pub fn table_quietly(&self) -> Option<Table<'a>> {
        match &self.tree.kind {
            Kind::Table(tree) => Some(Table::new(self.reading, self.spot, tree, String::new())),
            _ => None,
        }
    }

    /// True for a text; reports nothing.
    pub fn is_text(&self) -> bool {
        matches!(self.tree.kind, Kind::Text(_))
    }

    /// True for a whole number; reports nothing.
    pub fn is_whole(&self) -> bool {
        matches!(self.tree.kind, Kind::Whole(_))
    }

    /// True for a list; reports nothing.
    pub fn is_list(&self) -> bool {
        matches!(self.tree.kind, Kind::List(_))
    }

    fn wrong_kind<T>(&self, expected: &str) -> Option<T> {
        let message = format!("{} is {}: expected {expected}", self.name, self.tree.kind.words());
        self.reading.report("kind", self.spot, message);
        None
    }
}

/// Reads `"90s"`, `"10m"`, `"24h"`, `"30d"`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds_each = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let digits_only = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = digits_only.then(|| number.parse().ok())??;
    number.checked_mul(seconds_each).map(Duration::from_secs)
}

fn duration_text(duration: Duration) -> String {
    let secs = duration.as_secs();
    match secs {
        s if s % 86_400 == 0 && s > 0 => format!("{}d", s / 86_400),
        s if s % 3_600 == 0 && s > 0 => format!("{}h", s / 3_600),
        s if s % 60 == 0 && s > 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

fn words_for(range: &RangeInclusive<u64>) -> String {
    match (*range.start(), *range.end()) {
        (least, most) if most >= u64::from(u32::MAX) => format!("of {least} or more"),
        (least, most) => format!("from {least} to {most}"),
    }
}
