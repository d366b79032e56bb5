//! Our own copy of the TOML crate's tree: owned, in the order of the file, keys and values with their places.

use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A table's keys, in the order of the file.
pub(super) type Entries = Vec<Entry>;

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) value: Node,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Text(String),
    /// `None`: more than even a wide integer holds.
    Whole(Option<i128>),
    Fraction,
    Flag(bool),
    /// As TOML writes it.
    Date(String),
    List(Vec<Node>),
    Table(Entries),
}

impl Kind {
    /// What it is, in words.
    pub(super) fn words(&self) -> &'static str {
        match self {
            Kind::Text(_) => "a text",
            Kind::Whole(_) => "a whole number",
            Kind::Fraction => "a number with a fraction",
            Kind::Flag(_) => "true or false",
            Kind::Date(_) => "a date or time",
            Kind::List(_) => "a list",
            Kind::Table(_) => "a table",
        }
    }
}

pub(super) fn entries(table: DeTable<'_>) -> Entries {
    let mut entries: Entries = table
        .into_iter()
        .map(|(key, value)| {
            let value = Node { span: value.span(), kind: kind(value.into_inner()) };
            Entry { key_span: key.span(), key: key.into_inner().into_owned(), value }
        })
        .collect();
    entries.sort_by_key(|e| e.key_span.start);
    entries
}

fn kind(value: DeValue<'_>) -> Kind {
    match value {
        DeValue::String(text) => Kind::Text(text.into_owned()),
        DeValue::Integer(digits) => Kind::Whole(i128::from_str_radix(digits.as_str(), digits.radix()).ok()),
        DeValue::Float(_) => Kind::Fraction,
        DeValue::Boolean(flag) => Kind::Flag(flag),
        DeValue::Datetime(date) => Kind::Date(date.to_string()),
        DeValue::Array(values) => {
            Kind::List(values.into_iter().map(|v| Node { span: v.span(), kind: kind(v.into_inner()) }).collect())
        }
        DeValue::Table(table) => Kind::Table(entries(table)),
    }
}
