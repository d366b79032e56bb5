//! Named lists: `[lists]` inline or from files of their own, and `"@name"` wherever a list stands.

use super::files::{self, Outside};
use super::rules::place;
use crate::document::{Reading, Spot, Table, Value, suggest};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// One entry as written, with its place.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) text: String,
    pub(super) spot: Spot,
}

/// Every list of every file, with references resolved.
#[derive(Debug, Default)]
pub(super) struct NamedLists {
    lists: HashMap<String, Vec<Entry>>,
    /// Every list with its place, in the order of the files.
    order: Vec<(String, Spot)>,
    /// The lists each list names.
    inner: HashMap<String, Vec<String>>,
    /// The lists rules name.
    asked: RefCell<HashSet<String>>,
}

/// A list of `[lists]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListSpec {
    /// Its name, without `@`.
    pub name: String,
    /// Where it is named.
    pub spot: Spot,
    /// A rule uses it, or a list that a rule uses.
    pub used: bool,
}

impl NamedLists {
    /// Reads the `[lists]` tables of all files.
    pub(super) fn read<'t, 'a: 't>(
        tables: impl Iterator<Item = (&'t Path, Option<&'t Value<'a>>)>,
        reading: &Reading,
        outside: &mut Outside<'_>,
    ) -> NamedLists {
        let mut written: HashMap<String, Vec<Entry>> = HashMap::new();
        let mut order: Vec<(String, Spot)> = Vec::new();
        for (path, value) in tables.filter_map(|(path, value)| Some((path, value?))) {
            let Some(table) = value.table("[lists]") else { continue };
            for (name, spot, value) in table.entries() {
                if name.trim().is_empty() || name.starts_with('@') {
                    reading.report("value", spot, format!("`{name}` cannot be the name of a list"));
                }
                let entries = entries_of(name, &value, path, outside);
                if written.insert(name.to_owned(), entries).is_some()
                    && let Some((_, other)) = order.iter().find(|(other, _)| other == name)
                {
                    let other = place(reading, *other);
                    reading.report("duplicate", spot, format!("another list is named `{name}`: {other}"));
                }
                order.push((name.to_owned(), spot));
            }
        }
        let inner = written.iter().map(|(name, entries)| (name.clone(), references(entries))).collect();
        let mut resolver = Resolver { written, lists: HashMap::new(), reading };
        for (name, spot) in &order {
            resolver.resolve(name, *spot, &mut Vec::new());
        }
        NamedLists { lists: resolver.lists, order, inner, asked: RefCell::default() }
    }

    /// What is known of every list once all rules are read.
    pub(super) fn specs(&self) -> Vec<ListSpec> {
        let mut used = self.asked.borrow().clone();
        let mut look: Vec<String> = used.iter().cloned().collect();
        while let Some(name) = look.pop() {
            for inner in self.inner.get(&name).into_iter().flatten() {
                if used.insert(inner.clone()) {
                    look.push(inner.clone());
                }
            }
        }
        let spec =
            |(name, spot): &(String, Spot)| ListSpec { name: name.clone(), spot: *spot, used: used.contains(name) };
        self.order.iter().map(spec).collect()
    }

    /// The entries of a list in a rule, references filled in. Reports an empty one; the result may then be empty.
    pub(super) fn fill(&self, value: &Value<'_>) -> Vec<Entry> {
        let reading = value.reading();
        let mut filled = Vec::new();
        for entry in inline(value) {
            match reference(&entry.text) {
                Some(name) => match self.lists.get(name) {
                    Some(list) => {
                        self.asked.borrow_mut().insert(name.to_owned());
                        filled.extend(list.iter().cloned());
                    }
                    None => unknown_list(reading, entry.spot, name, self.lists.keys()),
                },
                None => filled.push(literal(entry)),
            }
        }
        filled
    }
}

/// `@name`; `@@` stands for a literal `@`.
fn reference(text: &str) -> Option<&str> {
    text.strip_prefix('@').filter(|name| !name.starts_with('@'))
}

fn references(entries: &[Entry]) -> Vec<String> {
    entries.iter().filter_map(|entry| reference(&entry.text)).map(str::to_owned).collect()
}

fn literal(entry: Entry) -> Entry {
    match entry.text.strip_prefix("@@") {
        Some(rest) => Entry { text: format!("@{rest}"), spot: entry.spot },
        None => entry,
    }
}

fn unknown_list<'k>(reading: &Reading, spot: Spot, name: &str, known: impl Iterator<Item = &'k String>) {
    let mut known: Vec<&str> = known.map(String::as_str).collect();
    known.sort_unstable();
    let help = suggest(name, known, "lists");
    reading.report_help("unknown-name", spot, format!("there is no list named `{name}` in [lists]"), help);
}

/// A list written in TOML. `"@name"` alone may stand for a list of one.
fn inline(value: &Value<'_>) -> Vec<Entry> {
    if let Some(text) = value.is_text().then(|| value.text()).flatten() {
        if reference(text).is_some() {
            return vec![Entry { text: text.to_owned(), spot: value.spot() }];
        }
        value.wrong("kind", "a text stands where a list is expected", format!("write [\"{text}\"]"));
        return Vec::new();
    }
    let values = value.filled_list().unwrap_or_default();
    values.iter().filter_map(|v| Some(Entry { text: v.words()?.to_owned(), spot: v.spot() })).collect()
}

fn entries_of(name: &str, value: &Value<'_>, path: &Path, outside: &mut Outside<'_>) -> Vec<Entry> {
    if value.is_list() || value.is_text() {
        return inline(value);
    }
    let Some(table) = value.table(format!("list `{name}`")) else { return Vec::new() };
    let entries = from_file(&table, path, outside);
    table.finish();
    entries
}

fn from_file(table: &Table<'_>, path: &Path, outside: &mut Outside<'_>) -> Vec<Entry> {
    let reading = table.reading();
    let Some(value) = table.required("file") else { return Vec::new() };
    let Some(file) = value.words() else { return Vec::new() };
    let file = files::directory(path).join(file);
    let text = match (outside.read)(&file) {
        Ok(text) => text,
        Err(why) => {
            why.report(reading, value.spot(), &file);
            return Vec::new();
        }
    };
    let id = reading.add(&file.to_string_lossy(), &text);
    let entries = lines(&reading.text(id), |start, end| Spot { file: id, start, end });
    if entries.is_empty() {
        let message = format!("{} holds no entry", file.display());
        value.wrong("empty", message, "one entry a line; blank lines and `#` comments do not count");
    }
    entries
}

/// One entry a line; blank lines and comments (`#` at the start or after white space) are skipped.
fn lines(text: &str, spot: impl Fn(usize, usize) -> Spot) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let entry = without_comment(line).trim();
        if !entry.is_empty() {
            let at = start + line.find(entry).unwrap_or(0);
            entries.push(Entry { text: entry.to_owned(), spot: spot(at, at + entry.len()) });
        }
        start += line.len();
    }
    entries
}

fn without_comment(line: &str) -> &str {
    let comment =
        line.char_indices().find(|&(at, c)| c == '#' && line[..at].chars().next_back().is_none_or(char::is_whitespace));
    comment.map_or(line, |(at, _)| &line[..at])
}

/// Fills in references between lists.
struct Resolver<'r> {
    written: HashMap<String, Vec<Entry>>,
    lists: HashMap<String, Vec<Entry>>,
    reading: &'r Reading,
}

impl Resolver<'_> {
    /// `above` are the lists being resolved; `spot` is where this one is named.
    fn resolve(&mut self, name: &str, spot: Spot, above: &mut Vec<String>) {
        if self.lists.contains_key(name) {
            return;
        }
        if let Some(at) = above.iter().position(|a| a == name) {
            let round = above[at..].iter().chain(std::iter::once(&above[at]));
            let round: Vec<String> = round.map(|n| format!("@{n}")).collect();
            self.reading.report("cycle", spot, format!("a list cannot hold itself: {}", round.join(" → ")));
            return;
        }
        let Some(entries) = self.written.get(name).cloned() else {
            return unknown_list(self.reading, spot, name, self.written.keys());
        };
        above.push(name.to_owned());
        let mut filled = Vec::new();
        for entry in entries {
            match reference(&entry.text).map(str::to_owned) {
                Some(inner) => {
                    self.resolve(&inner, entry.spot, above);
                    filled.extend(self.lists.get(&inner).into_iter().flatten().cloned());
                }
                None => filled.push(literal(entry)),
            }
        }
        above.pop();
        self.lists.insert(name.to_owned(), filled);
    }
}
