//! Logs: to standard error, readable by people and by journald.
//!
//! Libraries below us are capped at `warn` whatever `RUST_LOG` asks for: their
//! traces may carry a URL, and WeChat's URLs carry tokens.

use super::args::Log;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::IsTerminal;
use std::panic::PanicHookInfo;
use tracing::{Level, Metadata};
use tracing_subscriber::{
    Layer,
    filter::{Targets, filter_fn},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Starts logging; `RUST_LOG` chooses how much.
pub(super) fn start(form: Log) {
    let asked = std::env::var("RUST_LOG").ok().filter(|asked| !asked.trim().is_empty());
    let usual = || Targets::new().with_default(Level::INFO);
    let wanted = asked.and_then(|asked| asked.parse::<Targets>().ok()).unwrap_or_else(usual);
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(colour);
    let layer = match (form, journal) {
        (Log::Json, _) => lines.json().boxed(),
        (Log::Text, true) => lines.without_time().boxed(),
        (Log::Text, false) => lines.boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter_fn(ours_or_quiet))).with(wanted).init();
}

/// From now on a panic is logged by its place. Its words may hold what an applicant wrote, or a secret; only words that
/// stand in the source as they are, are shown.
pub(super) fn guard_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "menshen panicked: {}", words(panic));
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            anstream::eprintln!("{trace}");
        }
    }));
}

fn words(panic: &PanicHookInfo<'_>) -> &'static str {
    panic
        .payload()
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("its words are kept back, they may hold an applicant's")
}

fn ours_or_quiet(event: &Metadata<'_>) -> bool {
    event.target().starts_with("menshen") || *event.level() <= Level::WARN
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    const CANARY: &str = "某店的申请说明";

    #[test]
    fn a_panic_is_logged_by_its_place_and_never_by_its_words() {
        let this = std::env::current_exe().expect("this very program");
        let child = ["--exact", "cli::logging::tests::panics_in_its_own_process", "--ignored", "--nocapture"];
        let output = Command::new(this).args(child).env("RUST_BACKTRACE", "1").output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert_eq!(said.matches("menshen panicked").count(), 3, "{said}");
        assert!(said.contains("src/cli/logging.rs:") && said.contains("said in the source"), "{said}");
        assert!(!said.contains(CANARY), "{said}");
    }

    #[test]
    #[ignore = "run by a_panic_is_logged_by_its_place_and_never_by_its_words"]
    fn panics_in_its_own_process() {
        start(Log::Text);
        guard_panics();
        let words = std::hint::black_box(CANARY).to_owned();
        let bugs: [fn(String); 3] = [
            |words| panic!("cannot read {words}"),
            |words| assert_eq!(words.parse::<u32>().map_err(|_| words).expect("a number"), 0),
            |_| panic!("said in the source"),
        ];
        for bug in bugs {
            let words = words.clone();
            assert!(std::thread::spawn(move || bug(words)).join().is_err());
        }
    }
}
