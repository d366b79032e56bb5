//! The shell: the only place that knows every adapter, and the only one that acts.
//!
//! [`Account::pass`] walks one account (scan, decide, record, act, verify),
//! [`preview`] prints the same plan without a hand to act with, [`backtest`]
//! decides what is recorded again, and [`run`] is the service around them:
//! schedule, supervision, signals, reload.

mod account;
mod account_lock;
mod act;
mod answers;
mod backtest;
mod hand;
mod judge;
mod lock;
mod pass;
mod preview;
mod record;
mod report;
mod run;
mod schedule;
mod send;
mod settle;
mod supervisor;
mod systemd;
mod token;
mod verify;
mod zone;

pub use account::{Account, Pace, SetupError, Surroundings};
pub use backtest::{BacktestError, Backtested, Changed, Question, backtest};
pub use hand::{HandError, Obstacle, Wish, Words};
pub use lock::{LockError, StateLock};
pub use pass::{Stage, Watch};
pub use preview::{Preview, PreviewedAccount, preview};
pub use report::{PassReport, Trouble};
pub use run::{RunError, Service, run, run_once};
