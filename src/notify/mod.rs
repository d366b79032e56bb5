//! Telling people: chat robots, a webhook, a command.
//!
//! Hides the robots: their shapes, markups, sizes, signatures, rates and what they answer. Promises that
//! an applicant's text stays text (no link, mention or formatting comes of it), that a message fits, that
//! a failure is read from the answer's body and says when to try again, and that no error names an address or
//! repeats what a robot said. It keeps nothing and asks no clock: what is told, and when, is its caller's.

mod answer;
mod command;
mod fit;
mod http;
#[cfg(test)]
mod laws;
mod message;
mod notice;
mod pace;
mod plain;
mod robot;
mod sign;
mod spoken;
mod words;

pub use answer::{Again, Undelivered, read_robots};
pub use notice::{Applicant, BrakeNews, Counted, Digest, Event, Failure, Language, Letter, News, Notice};
pub use plain::plain;
pub use robot::{BuildError, Kind, Robot, Settings};
