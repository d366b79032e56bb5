//! Judges resolved names by the tables: which room names what it must not.

use crate::resolve::meanings;
use crate::tree::{Kind, Mention, Tree};

/// What one room may name of the others.
pub(crate) struct Knows {
    /// The module right under the crate; `lib` and `main` are the two roots.
    pub(crate) room: &'static str,
    /// The rooms it may name, besides itself.
    pub(crate) others: &'static [&'static str],
}

/// A rule about names.
pub(crate) struct Rule {
    /// Whom it binds.
    pub(crate) rooms: Rooms,
    /// The names, as patterns.
    pub(crate) never: &'static [&'static str],
    /// What is read when it is broken.
    pub(crate) because: &'static str,
}

/// Whom a rule binds.
pub(crate) enum Rooms {
    /// These.
    In(&'static [&'static str]),
    /// Everyone else.
    NotIn(&'static [&'static str]),
}

/// Every breach, as `file:line: what: why`; also what could not be read.
pub(crate) fn breaches(tree: &Tree, rooms: &[Knows], rules: &[Rule]) -> Vec<String> {
    let mut found = tree.problems.clone();
    for room in tree.rooms().filter(|room| rooms.iter().all(|known| known.room != *room)) {
        found.push(format!("room `{room}` has no line in the table of rooms: say what it may know"));
    }
    for mention in &tree.mentions {
        found.extend(judge(tree, mention, rooms, rules).map(|why| format!("{}: {why}", mention.place())));
    }
    found.sort();
    found.dedup();
    found
}

fn judge(tree: &Tree, mention: &Mention, rooms: &[Knows], rules: &[Rule]) -> Option<String> {
    let room = tree.room_of_scope(mention.scope);
    let written = mention.segments.join("::");
    for name in meanings(tree, mention) {
        if let Some(other) = tree.room_of_name(&name)
            && other != room
            && !rooms.iter().any(|known| known.room == room && known.others.contains(&other))
        {
            return Some(format!("`{written}` is `{}`: {room} does not know {other}", name.join("::")));
        }
        for rule in rules.iter().filter(|rule| rule.rooms.bind(room)) {
            if rule.never.iter().any(|pattern| matches(pattern, mention.kind, &name)) {
                return Some(format!("`{written}` is `{}`: {} (in {room})", name.join("::"), rule.because));
            }
        }
    }
    None
}

impl Rooms {
    fn bind(&self, room: &str) -> bool {
        match self {
            Rooms::In(rooms) => rooms.contains(&room),
            Rooms::NotIn(rooms) => !rooms.contains(&room),
        }
    }
}

fn matches(pattern: &str, kind: Kind, name: &[String]) -> bool {
    if let Some(method) = pattern.strip_prefix('.') {
        return kind == Kind::Method && name == [method];
    }
    if kind == Kind::Method {
        return false;
    }
    let wanted: Vec<&str> = pattern.trim_start_matches("*::").split("::").collect();
    let part = match (pattern.starts_with("*::"), name.len().checked_sub(wanted.len())) {
        (_, None) => return false,
        (true, Some(start)) => &name[start..],
        (false, Some(_)) => &name[..wanted.len()],
    };
    part == wanted.as_slice()
}
