//! The shell: the only place that knows every adapter, and the only one that acts.
//!
//! [`Account::pass`] walks one account (scan, decide, record, act, verify),
//! [`preview`] prints the same plan without a hand to act with, [`backtest`]
//! decides what is recorded again, [`replay`] holds what is recorded against its own
//! rules, and [`run`] is the service around them:
//! schedule, supervision, signals, reload.

mod account;
mod account_lock;
mod act;
mod alarm;
mod answers;
mod backtest;
mod before;
pub mod doctor;
mod elsewhere;
mod endings;
mod hand;
mod head;
mod housekeeping;
mod judge;
mod limits;
mod lock;
mod metering;
mod notices;
mod pass;
mod preview;
mod record;
mod replay;
mod report;
mod rulesets;
mod run;
mod say;
mod schedule;
mod send;
mod settle;
mod signals;
mod standing;
mod status;
mod supervisor;
mod systemd;
mod token;
mod turns;
mod uses;
mod verify;
mod warnings;
mod zone;

pub use account::{Account, Pace, SetupError, Surroundings};
pub use backtest::{BacktestError, Backtested, Changed, Question, backtest};
pub use endings::{Decided, Ending};
pub use hand::{HandError, Obstacle, Seen, Wish, Words};
pub use lock::{LockError, StateLock, make_state_dir};
pub use metering::MeteringError;
pub use notices::{Delivery, Notices, Untellable};
pub use pass::{Stage, Watch};
pub use preview::{Deletion, Preview, PreviewedAccount, preview};
pub use replay::{Difference, NotReplayable, Replayed, Said, replay};
pub use report::{PassReport, Trouble};
pub use run::{RunError, Service, run, run_once};
pub use status::{
    AccountStatus, BrakeStatus, LimitStatus, Overdue, QuotaSheet, RulesStatus, ServiceStatus, SheetError, Status,
    TroubleSheet, may_wait_since, status,
};
pub use uses::{UseError, Used};
