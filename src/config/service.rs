//! `[service]`, `[pending]` and `[housekeeping]`.

use super::include::{self, Patterns};
use super::schedule::{self, Schedule};
use crate::document::{Table, Value, suggest};
use crate::policy::{Housekeeping, Mode};
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `[service]`
#[derive(Debug, Clone)]
pub struct Service {
    /// When a pass is due.
    pub schedule: Schedule,
    /// For the schedule, and for "a day" in limits.
    pub timezone: TimeZone,
    /// Its IANA name.
    pub timezone_name: String,
    /// Act, or only decide and record. Default live, as with a rule's own `mode`; `config.example.toml` ships `shadow`.
    pub mode: Mode,
    /// Where the database lives.
    pub state_dir: PathBuf,
    /// Accounts worked at the same time; one that does nothing but wait does not count.
    pub max_accounts_at_once: usize,
    /// Calls of all accounts under way at the same time; one that WeChat is slow to answer does not count.
    pub max_calls_at_once: usize,
}

/// `[pending]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// How long WeChat waits before it times an application out.
    pub window: Duration,
    /// How long before that an application still held is worth a warning.
    pub warn_before: Duration,
}

const TIMEZONE: &str = "Asia/Shanghai";
const STATE_DIR: &str = "/var/lib/menshen";
/// Accounts, and calls, at the same time.
const AT_ONCE: usize = 64;
/// More than one process should have open.
const AT_ONCE_MOST: u64 = 10_000;
const MODES: [(&str, Mode); 2] = [("live", Mode::Live), ("shadow", Mode::Shadow)];
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(366 * 86_400);

/// Reads `[service]`; what is absent or wrong gets its default. `path` is the file it stands in. Also gives the
/// patterns of further files with accounts.
pub(super) fn read(value: Option<Value<'_>>, path: &Path) -> (Service, Patterns) {
    let Some(table) = value.and_then(|v| v.table("[service]")) else { return (default(), Patterns::new()) };
    let at_once = |key| table.optional(key).and_then(|v| v.whole(1..=AT_ONCE_MOST)).map_or(AT_ONCE, |n| n as usize);
    let service = Service {
        schedule: table.optional("schedule").and_then(|v| schedule::read(&v)).unwrap_or_else(default_schedule),
        mode: table.optional("mode").and_then(|v| v.one_of(&MODES)).unwrap_or(Mode::Live),
        state_dir: table
            .optional("state_dir")
            .and_then(|v| v.words())
            .map_or_else(|| PathBuf::from(STATE_DIR), |dir| path.parent().unwrap_or(Path::new("")).join(dir)),
        max_accounts_at_once: at_once("max_accounts_at_once"),
        max_calls_at_once: at_once("max_calls_at_once"),
        ..in_zone(table.optional("timezone").and_then(|v| timezone(&v)))
    };
    let include = include::patterns(&table);
    table.finish();
    (service, include)
}

/// Every default.
pub(super) fn default() -> Service {
    in_zone(None)
}

fn in_zone(zone: Option<(TimeZone, String)>) -> Service {
    let (timezone, timezone_name) = zone.unwrap_or_else(|| {
        let zone = TimeZone::get(TIMEZONE).expect("the default zone is in the bundled database");
        (zone, TIMEZONE.to_owned())
    });
    Service {
        schedule: default_schedule(),
        timezone,
        timezone_name,
        mode: Mode::Live,
        state_dir: PathBuf::from(STATE_DIR),
        max_accounts_at_once: AT_ONCE,
        max_calls_at_once: AT_ONCE,
    }
}

fn default_schedule() -> Schedule {
    Schedule::parse(schedule::DEFAULT).expect("the default schedule is a pattern")
}

/// A zone of the bundled database.
fn timezone(value: &Value<'_>) -> Option<(TimeZone, String)> {
    let text = value.words()?;
    let zone = TimeZone::get(text).ok().and_then(|zone| {
        let name = zone.iana_name()?.to_owned();
        Some((zone, name))
    });
    if zone.is_none() {
        let names: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
        let help = match crate::document::nearest(text, names.iter().map(String::as_str)) {
            Some(_) => suggest(text, names.iter().map(String::as_str), "zones"),
            None => format!("write an IANA name such as \"{TIMEZONE}\" or \"UTC\""),
        };
        value.wrong("timezone", format!("there is no time zone `{text}`"), help);
    }
    zone
}

/// Reads `[pending]`; what is absent or wrong gets its default.
pub(super) fn pending(value: Option<Value<'_>>) -> Pending {
    let mut pending = Pending { window: 24 * HOUR, warn_before: 6 * HOUR };
    let Some(table) = value.and_then(|v| v.table("[pending]")) else { return pending };
    fill_pending(&mut pending, &table);
    table.finish();
    pending
}

/// Reads `[housekeeping]`; what is absent is never deleted.
pub(super) fn housekeeping(value: Option<Value<'_>>) -> Housekeeping {
    let Some(table) = value.and_then(|v| v.table("[housekeeping]")) else { return Housekeeping::default() };
    let after = |key| table.optional(key).and_then(|v| v.duration(DAY..=10 * YEAR));
    let housekeeping = Housekeeping {
        delete_refused_after: after("delete_refused_after"),
        delete_timed_out_after: after("delete_timed_out_after"),
    };
    table.finish();
    housekeeping
}

fn fill_pending(pending: &mut Pending, table: &Table<'_>) {
    let window = table.optional("window");
    let warn = table.optional("warn_before");
    if let Some(window) = window.as_ref().and_then(|v| v.duration(Duration::from_secs(60)..=YEAR)) {
        pending.window = window;
    }
    if let Some(before) = warn.as_ref().and_then(|v| v.duration(Duration::ZERO..=YEAR)) {
        pending.warn_before = before;
    }
    if let Some(value) = warn.or(window).filter(|_| pending.warn_before >= pending.window) {
        let message = "`warn_before` must be less than `window` (6h and 24h if not written)";
        value.reading().report("range", value.spot(), message);
    }
}
