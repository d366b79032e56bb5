//! A TOML text that remembers where everything stands, and the problems found in it.
//!
//! Hides the TOML crate's tree, the bookkeeping of known keys and the drawing of
//! messages. Promises that every problem of every file read is kept, with its
//! place, until [`Reading::finish`], and that nothing marked secret is ever shown.
//! It reads no file and knows no key of ours.

mod nearest;
mod problem;
mod reading;
mod render;
mod secret;
mod table;
#[cfg(test)]
mod tests;
mod tree;

pub use nearest::{nearest, suggest};
pub use problem::{FileId, Problem, Problems, Severity, Spot};
pub use reading::{Document, Reading};
pub use table::{Table, Value, parse_duration};
