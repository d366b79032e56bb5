//! Where each part of each rule stands, so that problems found after parsing can still point at it.

use crate::document::Spot;
use std::collections::HashMap;
use std::sync::Arc;

type Key = (Option<usize>, String);

/// From (rule, path) to a place.
#[derive(Debug, Clone)]
pub struct Places {
    spots: HashMap<Key, Spot>,
    /// Entries of lists, by the path of the list.
    entries: HashMap<Key, Arc<[Spot]>>,
    start: Spot,
}

impl Places {
    pub(super) fn new(start: Spot) -> Places {
        Places { spots: HashMap::new(), entries: HashMap::new(), start }
    }

    pub(super) fn set(&mut self, rule: Option<usize>, path: &str, spot: Spot) {
        self.spots.insert((rule, path.to_owned()), spot);
    }

    pub(super) fn set_entries(&mut self, rule: Option<usize>, path: &str, spots: Vec<Spot>) {
        self.entries.insert((rule, path.to_owned()), spots.into());
    }

    /// The exact place, else that of the nearest part above, else the rule's name, else the start of the main file.
    pub(super) fn find(&self, rule: Option<usize>, path: &str) -> Option<Spot> {
        let mut path = path;
        loop {
            let found = self.exact(rule, path);
            if found.is_some() || path.is_empty() {
                return found.or_else(|| self.exact(rule, "name")).or(Some(self.start).filter(|_| rule.is_none()));
            }
            path = parent(path);
        }
    }

    fn exact(&self, rule: Option<usize>, path: &str) -> Option<Spot> {
        self.spots.get(&(rule, path.to_owned())).copied().or_else(|| self.entry(rule, path))
    }

    fn entry(&self, rule: Option<usize>, path: &str) -> Option<Spot> {
        let (list, index) = path.strip_suffix(']')?.rsplit_once('[')?;
        self.entries.get(&(rule, list.to_owned()))?.get(index.parse::<usize>().ok()?).copied()
    }
}

fn parent(path: &str) -> &str {
    path.rfind(['.', '[']).map_or("", |at| &path[..at])
}
