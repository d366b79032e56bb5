//! Every metric there is: name, kind, labels, and what it says.
//!
//! A name, once served, is what dashboards and alerts stand on: `docs/metrics.md` tells them, and a test compares.
//! The values of labels are names from the configuration and words of ours; nothing an applicant or WeChat wrote.

/// How a metric's numbers move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only up, from 0 at the start of the service.
    Counter,
    /// Up and down.
    Gauge,
    /// Counted by size.
    Histogram,
}

impl Kind {
    /// The word of the text format.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// What a metric is.
#[derive(Debug)]
pub struct About {
    /// Its name.
    pub name: &'static str,
    /// How its numbers move.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

/// A metric with so many labels.
#[derive(Debug)]
pub struct Family<const N: usize> {
    pub(super) about: About,
    pub(super) labels: [&'static str; N],
}

impl<const N: usize> Family<N> {
    const fn new(name: &'static str, kind: Kind, labels: &'static [&'static str; N], help: &'static str) -> Family<N> {
        Family { about: About { name, kind, labels, help }, labels: *labels }
    }
}

use Kind::{Counter, Gauge, Histogram};

const ACCOUNT: &[&str; 1] = &["account"];

/// Decisions by what became of them.
pub static DECISIONS: Family<3> = Family::new(
    "menshen_decisions_total",
    Counter,
    &["account", "verdict", "outcome"],
    "Decisions of this service, by verdict and by what became of them.",
);
/// Calls to WeChat.
pub static CALLS: Family<3> = Family::new(
    "menshen_calls_total",
    Counter,
    &["account", "action", "errcode"],
    "Calls to WeChat, repetitions included, by WeChat's errcode or what came instead of one.",
);
/// Passes.
pub static PASSES: Family<2> = Family::new(
    "menshen_passes_total",
    Counter,
    &["account", "result"],
    "Passes by result: ok, failed (the list was complete, something else went wrong), incomplete, stopped.",
);
/// What nobody decided in time.
pub static TIMED_OUT: Family<1> = Family::new(
    "menshen_timed_out_total",
    Counter,
    ACCOUNT,
    "Applications WeChat timed out before anybody had decided them.",
);
/// What could not be recorded.
pub static UNRECORDED: Family<1> = Family::new(
    "menshen_unrecorded_total",
    Counter,
    ACCOUNT,
    "Calls that changed or may have changed something and whose outcome could not be written to the audit log. Always 0 in good times.",
);
/// Ticks that found a pass running.
pub static SKIPPED: Family<1> = Family::new(
    "menshen_skipped_ticks_total",
    Counter,
    ACCOUNT,
    "Ticks of the schedule that found the pass before them still running.",
);
/// How long passes take.
pub static PASS_DURATION: Family<0> =
    Family::new("menshen_pass_duration_seconds", Histogram, &[], "How long passes took, of all accounts.");
/// How long the last pass took.
pub static LAST_PASS_DURATION: Family<1> =
    Family::new("menshen_last_pass_duration_seconds", Gauge, ACCOUNT, "How long the last pass took.");
/// When the last complete pass ended.
pub static LAST_COMPLETE_PASS: Family<1> = Family::new(
    "menshen_last_complete_pass_timestamp_seconds",
    Gauge,
    ACCOUNT,
    "When the last pass with a complete list ended; absent before the first.",
);
/// No complete pass for too long.
pub static OVERDUE: Family<1> = Family::new(
    "menshen_account_overdue",
    Gauge,
    ACCOUNT,
    "1 when the account had no complete pass for too long ([metrics] healthy_within), else 0.",
);
/// The last pass went wrong.
pub static FAILING: Family<1> =
    Family::new("menshen_account_failing", Gauge, ACCOUNT, "1 when something went wrong in the last pass, else 0.");
/// What waits.
pub static PENDING: Family<1> =
    Family::new("menshen_pending", Gauge, ACCOUNT, "Pending applications when the last complete pass began.");
/// What waits for a person.
pub static HELD: Family<1> = Family::new(
    "menshen_held",
    Gauge,
    ACCOUNT,
    "Pending applications nobody had decided when the last complete pass ended: held, kept back, failed, or in shadow mode.",
);
/// What dies soon.
pub static URGENT: Family<1> = Family::new(
    "menshen_urgent",
    Gauge,
    ACCOUNT,
    "Applications nobody has decided that WeChat will time out within [pending] warn_before.",
);
/// How long the oldest waits.
pub static OLDEST: Family<1> = Family::new(
    "menshen_oldest_pending_age_seconds",
    Gauge,
    ACCOUNT,
    "How long the oldest undecided application has waited; 0 when none waits.",
);
/// How long WeChat waits.
pub static WINDOW: Family<0> =
    Family::new("menshen_pending_window_seconds", Gauge, &[], "How long WeChat waits ([pending] window).");
/// How long before that it is urgent.
pub static WARN_BEFORE: Family<0> = Family::new(
    "menshen_pending_warn_before_seconds",
    Gauge,
    &[],
    "How long before the end of the window an application is urgent ([pending] warn_before).",
);
/// Acting is stopped.
pub static BRAKE: Family<1> = Family::new(
    "menshen_brake",
    Gauge,
    ACCOUNT,
    "1 while the brake verification is pulled: nothing is sent until a person resumes.",
);
/// A person paused acting.
pub static PAUSED: Family<2> =
    Family::new("menshen_paused", Gauge, &["account", "action"], "1 while a person has paused the action, else 0.");
/// Places taken of a day's limit.
pub static LIMIT_USED: Family<2> = Family::new(
    "menshen_limit_used",
    Gauge,
    &["account", "action"],
    "Places taken today of the limit of a day, as the last pass left it.",
);
/// Places of a day's limit.
pub static LIMIT_MAX: Family<2> =
    Family::new("menshen_limit_max", Gauge, &["account", "action"], "Places of the limit of a day.");
/// Places taken of a rule's limit.
pub static RULE_LIMIT_USED: Family<2> = Family::new(
    "menshen_rule_limit_used",
    Gauge,
    &["account", "rule"],
    "Places taken of a rule's own limit, as the last pass left it.",
);
/// Places of a rule's limit.
pub static RULE_LIMIT_MAX: Family<2> =
    Family::new("menshen_rule_limit_max", Gauge, &["account", "rule"], "Places of a rule's own limit.");
/// What is left of WeChat's quota.
pub static QUOTA_LEFT: Family<1> = Family::new(
    "menshen_quota_left",
    Gauge,
    ACCOUNT,
    "Calls WeChat will still take today, when it was last asked; absent if it does not say.",
);
/// WeChat's quota.
pub static QUOTA_DAILY: Family<1> = Family::new(
    "menshen_quota_daily",
    Gauge,
    ACCOUNT,
    "Calls WeChat takes a day, when it was last asked; absent if it does not say.",
);
/// The rules in force.
pub static RULES: Family<2> = Family::new(
    "menshen_rules_info",
    Gauge,
    &["account", "ruleset"],
    "1; the hash of the rules in force, as in the column ruleset of the audit log.",
);
/// When the configuration was read.
pub static LOADED: Family<0> = Family::new(
    "menshen_config_loaded_timestamp_seconds",
    Gauge,
    &[],
    "When the configuration and the rules in force were read.",
);
/// The last reload went well.
pub static RELOAD_SUCCESSFUL: Family<0> = Family::new(
    "menshen_config_last_reload_successful",
    Gauge,
    &[],
    "1 when the configuration was taken over the last time it was read, 0 when the one from before goes on.",
);
/// The last reload.
pub static RELOADED: Family<0> = Family::new(
    "menshen_config_last_reload_timestamp_seconds",
    Gauge,
    &[],
    "When it was last tried to read the configuration.",
);
/// Accounts.
pub static ACCOUNTS: Family<0> = Family::new("menshen_accounts", Gauge, &[], "Accounts that are worked.");
/// Shadow mode.
pub static SHADOW: Family<0> =
    Family::new("menshen_shadow_mode", Gauge, &[], "1 when everything is decided and nothing is sent.");
/// Which menshen.
pub static BUILD: Family<1> = Family::new("menshen_build_info", Gauge, &["version"], "1; the version that runs.");
/// When the process began.
pub static STARTED: Family<0> =
    Family::new("process_start_time_seconds", Gauge, &[], "When the service started, in seconds since 1970.");
/// Memory.
pub static MEMORY: Family<0> =
    Family::new("process_resident_memory_bytes", Gauge, &[], "Memory the process has in use.");
/// Open files.
pub static OPEN_FILES: Family<0> =
    Family::new("process_open_fds", Gauge, &[], "Files and sockets the process has open.");

/// Every metric, in the order they are served.
pub static ALL: [&About; 35] = [
    &DECISIONS.about,
    &CALLS.about,
    &PASSES.about,
    &TIMED_OUT.about,
    &UNRECORDED.about,
    &SKIPPED.about,
    &PASS_DURATION.about,
    &LAST_PASS_DURATION.about,
    &LAST_COMPLETE_PASS.about,
    &OVERDUE.about,
    &FAILING.about,
    &PENDING.about,
    &HELD.about,
    &URGENT.about,
    &OLDEST.about,
    &WINDOW.about,
    &WARN_BEFORE.about,
    &BRAKE.about,
    &PAUSED.about,
    &LIMIT_USED.about,
    &LIMIT_MAX.about,
    &RULE_LIMIT_USED.about,
    &RULE_LIMIT_MAX.about,
    &QUOTA_LEFT.about,
    &QUOTA_DAILY.about,
    &RULES.about,
    &LOADED.about,
    &RELOAD_SUCCESSFUL.about,
    &RELOADED.about,
    &ACCOUNTS.about,
    &SHADOW.about,
    &BUILD.about,
    &STARTED.about,
    &MEMORY.about,
    &OPEN_FILES.about,
];
