//! `[service] include`: further files with `[[account]]`.
//!
//! Promises that what is wrong in such a file is told with its place in it, and
//! that relative paths start from the file that names them. Does not read accounts.

use super::{Surroundings, account, files};
use crate::document::{Reading, Spot, Table, Value};
use crate::policy::parse::{Included, Outside, included};
use std::path::Path;

/// The patterns of `include`, with their places.
pub(super) type Patterns = Vec<(String, Spot)>;

/// The patterns as they are written.
pub(super) fn patterns(service: &Table<'_>) -> Patterns {
    let written = service.optional("include").and_then(|v| v.filled_list()).unwrap_or_default();
    written.iter().filter_map(|v| Some((v.words()?.to_owned(), v.spot()))).collect()
}

/// Every file the patterns match.
pub(super) fn open(patterns: &Patterns, main: &Path, reading: &Reading, surroundings: &Surroundings) -> Vec<Included> {
    let mut outside = Outside {
        matching: &mut |directory, pattern| files::matching(directory, pattern, main),
        read: &mut |file| files::read(file, surroundings),
    };
    included(patterns, main, reading, &mut outside)
}

/// The `[[account]]` tables of an included file; it holds nothing else.
pub(super) fn tables<'a>(file: &'a Included, reading: &'a Reading) -> Vec<Value<'a>> {
    let root = file.document.root(reading);
    let written = root.required("account");
    root.finish();
    written.and_then(|v| v.list()).unwrap_or_default()
}

/// The names in the included files, nothing reported: for whoever needs the rules alone. `None` when a file cannot be read.
pub(super) fn names_quietly(
    service: Option<&Value<'_>>,
    main: &Path,
    surroundings: &Surroundings,
) -> Option<Vec<String>> {
    let Some(service) = service.and_then(Value::table_quietly) else { return Some(Vec::new()) };
    let unheard = Reading::new();
    let nowhere = Spot { file: unheard.add("", ""), start: 0, end: 0 };
    let written = service.optional("include").filter(Value::is_list).and_then(|v| v.list()).unwrap_or_default();
    let patterns = written.iter().filter_map(|v| Some((v.text_quietly()?.to_owned(), nowhere))).collect();
    let found = open(&patterns, main, &unheard, surroundings);
    let names = found.iter().flat_map(|file| account::names(&tables(file, &unheard))).collect();
    (!unheard.has_errors()).then_some(names)
}
