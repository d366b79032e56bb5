//! The ground floor: who applies, what the rules say, and what is to be done about it.
//!
//! Pure. No async, no IO, no clock, no logging; time is an argument.

mod application;
mod backtest;
mod cases;
mod category;
mod check;
mod compile;
mod decision;
mod history;
mod housekeeping;
mod intent;
mod keywords;
mod limit;
pub mod lint;
mod message;
mod outcome;
pub mod parse;
mod pattern;
mod plan;
mod rule;
mod ruleset;
mod text;
mod trace;
mod wake;
mod why;
mod words;

pub use application::{AppId, Application, Category, CreateTime, Identity, Status};
pub use backtest::{AccountRules, Again, Backtest, Before, Beside, Change, RuleTally, Said, Undecidable};
pub use cases::{Actual, CaseResult, ConditionCoverage, Coverage, Difference, Expected, RuleCoverage, Trial};
pub use compile::RuleProblem;
pub use decision::{Brake, ConditionWhy, Decision, Found, RuleWhy, Truth, Why};
pub use history::{Earlier, EarlierKind, History};
pub use housekeeping::Housekeeping;
pub use intent::{Action, Intent, PluginUse, UseIntent};
pub use limit::{Full, Limited, Places, RuleLimit};
pub use message::clean_message;
pub use outcome::{Fate, Mode, Outcome};
pub use plan::{Past, Room, Situation, Step, Stops, Todo, action_of, evidence, plan, rule_name, unknown_names};
pub use rule::{
    AgeTest, Condition, Lists, Place, PolicySpec, PreviousTest, RuleMode, RuleSpec, Test, TextTest, Verdict,
};
pub use ruleset::{ENGINE_VERSION, Folded, Moment, RuleSet, Scratch};
pub(crate) use text::is_ignorable;
pub use text::{FOLDING_VERSION, FoldedText, fold, fold_with_places};
pub use words::RuleMessage;
