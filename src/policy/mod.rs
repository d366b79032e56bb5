//! The ground floor: who applies, what the rules say, and what is to be done about it.
//!
//! Pure. No async, no IO, no clock, no logging; time is an argument.

mod application;
mod decision;
mod intent;
pub mod parse;
mod rule;

pub use application::{AppId, Application, Category, CreateTime, Identity, Status};
pub use decision::{Brake, ConditionWhy, Decision, Found, RuleWhy, Truth, Why};
pub use intent::{Action, Intent};
pub use rule::{AgeTest, Condition, Lists, Place, PolicySpec, RuleMode, RuleSpec, Test, TextTest, Verdict};
