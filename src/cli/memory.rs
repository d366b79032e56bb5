//! What is in this process's memory stays there: no core file, and nobody else of the same user looks in.
//!
//! Done first of all, for every command: whichever it is, it may read a secret.
//! Root can still look; so can whoever started the process, at the environment it
//! was started with.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// What could not be done, for the log; nothing as a rule.
///
/// Not dumpable: no core goes to a file or to a collector such as systemd-coredump (which the limit alone does not
/// stop), no debugger of the same user attaches, and `/proc/PID/environ`, `mem` and `fd` belong to root. The limit
/// is for what we start: a program is dumpable again.
pub(super) fn close() -> Vec<&'static str> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // A sandbox such as systemd's may forbid the call where it has set the limit itself.
    let limited = getrlimit(Resource::Core) == none || setrlimit(Resource::Core, none).is_ok();
    let closed = set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok();
    let failures = [
        (limited, "core files of token commands cannot be switched off"),
        (closed, "core files cannot be switched off"),
    ];
    failures.into_iter().filter(|(done, _)| !done).map(|(_, what)| what).collect()
}
