//! What a verification can find, with the record it concerns.

use super::RecordKind;
use serde::Serialize;
use std::fmt;

/// Something in the audit log that menshen did not do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Finding {
    /// A record is not what was written.
    Edited {
        /// Its kind.
        kind: RecordKind,
        /// Its number.
        id: i64,
    },
    /// A record is gone.
    Removed {
        /// Its kind.
        kind: RecordKind,
        /// Its number …
        id: i64,
        /// … and that of the last one that is gone with it.
        to: i64,
    },
    /// A record was not written by menshen: the chain has no entry for it.
    Inserted {
        /// Its kind.
        kind: RecordKind,
        /// Its number …
        id: i64,
        /// … and that of the last one behind it.
        to: i64,
    },
    /// Two records changed places.
    Swapped {
        /// Their kind.
        kind: RecordKind,
        /// The number of one …
        id: i64,
        /// … and of the other.
        with: i64,
    },
    /// The entry of a record stands at another place of the chain than it was written.
    Reordered {
        /// The record's kind.
        kind: RecordKind,
        /// Its number.
        id: i64,
        /// Where its entry stands.
        sequence: i64,
    },
    /// An entry does not follow from the one before it: it, or that one, was edited.
    Broken {
        /// The record's kind, as the entry says.
        kind: String,
        /// Its number, as the entry says.
        id: i64,
        /// Where the entry stands.
        sequence: i64,
    },
    /// Entries are gone from the chain.
    Gap {
        /// The first that is gone …
        sequence: i64,
        /// … and the last.
        to: i64,
    },
    /// The words of a decision are not what was written.
    WordsEdited {
        /// The decision.
        id: i64,
    },
    /// The words of a decision were erased, and no redaction says so.
    WordsErased {
        /// The decision.
        id: i64,
    },
    /// What is folded from the records does not agree with them.
    Fold {
        /// The folded table.
        table: &'static str,
        /// What of it.
        of: String,
    },
    /// A record refers to one that is not there.
    Orphan {
        /// Its table.
        table: String,
        /// Its number.
        id: i64,
        /// The table it refers to.
        parent: String,
    },
    /// SQLite finds the file damaged.
    Damaged {
        /// Its words.
        words: String,
    },
    /// The head that was kept is not in the chain.
    HeadUnknown {
        /// Its sequence, if that was kept too.
        sequence: Option<i64>,
        /// How many entries there are.
        entries: i64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Edited { kind, id } => write!(f, "{} {id} was edited", kind.one()),
            Finding::Removed { kind, id, to } => write!(f, "{} removed", numbered(*kind, *id, *to)),
            Finding::Inserted { kind, id, to } => {
                write!(f, "{} inserted: menshen did not write it", numbered(*kind, *id, *to))
            }
            Finding::Swapped { kind, id, with } => {
                write!(f, "{} {id} and {} {with} were reordered: they changed places", kind.one(), kind.one())
            }
            Finding::Reordered { kind, id, sequence } => {
                write!(f, "{} {id} was reordered: its entry stands at {sequence} in the chain", kind.one())
            }
            Finding::Broken { kind, id, sequence } => write!(
                f,
                "the chain breaks at entry {sequence} ({kind} {id}): it does not follow from the one before; one of the two was edited"
            ),
            Finding::Gap { sequence, to } if sequence == to => write!(f, "entry {sequence} of the chain was removed"),
            Finding::Gap { sequence, to } => write!(f, "entries {sequence} to {to} of the chain were removed"),
            Finding::WordsEdited { id } => write!(f, "the words of decision {id} were edited"),
            Finding::WordsErased { id } => {
                write!(f, "the words of decision {id} were erased, and no redaction says so")
            }
            Finding::Fold { table, of } => write!(f, "{table} disagrees with the records: {of}"),
            Finding::Orphan { table, id, parent } => {
                write!(f, "row {id} of {table} refers to a row of {parent} that is not there")
            }
            Finding::Damaged { words } => write!(f, "the file is damaged: {words}"),
            Finding::HeadUnknown { sequence: Some(sequence), entries } if sequence > entries => write!(
                f,
                "the chain was cut off: it had {sequence} entries when that head was kept, and has {entries} now"
            ),
            Finding::HeadUnknown { .. } => {
                f.write_str("the chain never had that head: it was made anew, cut off, or is of another audit log")
            }
        }
    }
}

fn numbered(kind: RecordKind, id: i64, to: i64) -> String {
    if id == to { format!("{} {id} was", kind.one()) } else { format!("{}s {id} to {to} were", kind.one()) }
}
