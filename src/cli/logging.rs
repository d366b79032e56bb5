//! Logs: to standard error, readable by people and by journald.
//!
//! Libraries below us are capped at `warn` whatever `RUST_LOG` asks for: their
//! traces may carry a URL, and WeChat's URLs carry tokens.

use super::args::Log;
use std::io::IsTerminal;
use tracing::{Level, Metadata};
use tracing_subscriber::{EnvFilter, Layer, filter::filter_fn, layer::SubscriberExt, util::SubscriberInitExt};

/// Without `RUST_LOG`. The scheduler announces its own beginnings, which help nobody.
const USUAL: &str = "info,tokio_cron_scheduler=warn";

/// Starts logging; `RUST_LOG` chooses how much.
pub(super) fn start(form: Log) {
    let wanted = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(USUAL));
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

fn ours_or_quiet(event: &Metadata<'_>) -> bool {
    event.target().starts_with("menshen") || *event.level() <= Level::WARN
}
