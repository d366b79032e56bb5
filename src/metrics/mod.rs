//! What monitoring reads: numbers for Prometheus, and whether every account is worked.
//!
//! Hides the text format and the HTTP around it. Promises that whatever is a label's value cannot break a line, that
//! each name is one of a table (`docs/metrics.md` and the dashboards are held against it), and that no client, however
//! slow, large or many, takes more than a bounded part of the process. It knows neither passes nor the log: `service`
//! tells it. What it says is nothing to decide by.

mod board;
mod exposition;
mod face;
mod families;
mod health;
mod process;
mod request;
#[cfg(test)]
mod tests;

pub use board::{Board, as_number, flag};
pub use face::{Door, Face};
pub use families::*;
pub use health::{Condition, Health};
