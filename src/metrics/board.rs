//! The numbers as they stand, and the page that shows them.
//!
//! Whoever feeds it names a metric of the table and one value for each of its labels: a metric that is not in the table,
//! or a label too few, does not compile. Nothing here waits: a lock is held for as long as a map is changed or read.

use super::exposition::{head, labels, number, sample};
use super::families::{ALL, About, Family, Kind, MEMORY, OPEN_FILES, OVERDUE};
use super::health::{Condition, Health};
use super::process;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Where passes are counted by their length, in seconds: an empty list is read in a tenth, a long one takes minutes.
const BOUNDS_SECS: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0];
/// About the length of a line.
const LINE_BYTES: usize = 96;
/// The label that names an account; it comes first wherever it is.
const ACCOUNT: &str = "account";

/// Everything that is served.
#[derive(Debug, Default)]
pub struct Board {
    samples: Mutex<Samples>,
    health: Mutex<Health>,
}

/// By name, then by labels as they are written.
type Samples = BTreeMap<&'static str, BTreeMap<String, Value>>;

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Number(f64),
    /// Seconds since then, whenever it is asked.
    Since(Timestamp),
    Spread(Box<Spread>),
}

/// A histogram.
#[derive(Debug, Clone, Default, PartialEq)]
struct Spread {
    /// How many were within each bound.
    within: [u64; BOUNDS_SECS.len()],
    count: u64,
    sum: f64,
}

impl Board {
    /// Adds to a counter; adding 0 makes it appear.
    pub fn count<const N: usize>(&self, family: &'static Family<N>, of: [&str; N], more: u64) {
        debug_assert_eq!(family.about.kind, Kind::Counter, "{}", family.about.name);
        let mut samples = self.samples();
        let value = samples.entry(family.about.name).or_default().entry(key(family, of));
        if let Value::Number(number) = value.or_insert(Value::Number(0.0)) {
            *number += as_number(more);
        }
    }

    /// Counts into a histogram.
    pub fn observe(&self, family: &'static Family<0>, took: Duration) {
        debug_assert_eq!(family.about.kind, Kind::Histogram, "{}", family.about.name);
        let mut samples = self.samples();
        let value = samples.entry(family.about.name).or_default().entry(String::new());
        if let Value::Spread(spread) = value.or_insert_with(|| Value::Spread(Box::default())) {
            spread.add(took.as_secs_f64());
        }
    }

    /// Sets a gauge.
    pub fn set<const N: usize>(&self, family: &'static Family<N>, of: [&str; N], value: f64) {
        self.put(family, of, Value::Number(value));
    }

    /// Sets a gauge to an instant, as seconds since 1970.
    pub fn set_instant<const N: usize>(&self, family: &'static Family<N>, of: [&str; N], instant: Timestamp) {
        self.set(family, of, instant.as_duration().as_secs_f64());
    }

    /// Sets a gauge to how long ago something was, which grows by itself; `None` = 0.
    pub fn set_age<const N: usize>(&self, family: &'static Family<N>, of: [&str; N], since: Option<Timestamp>) {
        self.put(family, of, since.map_or(Value::Number(0.0), Value::Since));
    }

    /// Takes away every sample of a metric: for one that is set anew as a whole.
    pub fn clear<const N: usize>(&self, family: &'static Family<N>) {
        self.samples().remove(family.about.name);
    }

    /// Takes away the samples of a metric for one account: for those that are set anew together.
    pub fn clear_of<const N: usize>(&self, family: &'static Family<N>, account: &str) {
        let mut samples = self.samples();
        let Some(samples) = samples.get_mut(family.about.name) else { return };
        let start = labels([(ACCOUNT, account)]);
        let behind = samples.range(start.clone()..).take_while(|(labels, _)| labels.starts_with(&start));
        let gone: Vec<String> = behind.map(|(labels, _)| labels.clone()).collect();
        gone.iter().for_each(|labels| drop(samples.remove(labels)));
    }

    /// Takes away what is known of every other account.
    pub fn keep_accounts(&self, names: &BTreeSet<&str>) {
        self.health().retain(|name| names.contains(name));
        let kept: BTreeSet<String> = names.iter().map(|name| labels([(ACCOUNT, *name)])).collect();
        for samples in self.samples().values_mut() {
            samples.retain(|labels, _| account_of(labels).is_none_or(|account| kept.contains(account)));
        }
    }

    /// Whether every account is worked.
    pub fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every metric, in the text format of Prometheus.
    pub fn page(&self, now: Timestamp, instant: Instant) -> String {
        let conditions = self.health().conditions(instant);
        for (account, condition) in conditions {
            self.set(&OVERDUE, [&account], flag(condition == Condition::Overdue));
        }
        if let Some(bytes) = process::resident_bytes() {
            self.set(&MEMORY, [], as_number(bytes));
        }
        if let Some(files) = process::open_files() {
            self.set(&OPEN_FILES, [], as_number(files));
        }
        let samples = self.samples();
        let lines: usize = samples.values().map(BTreeMap::len).sum();
        let mut text = String::with_capacity((lines + 4 * ALL.len()) * LINE_BYTES);
        for about in ALL {
            head(&mut text, about.name, about.help, about.kind.word());
            for (labels, value) in samples.get(about.name).into_iter().flatten() {
                value.write(&mut text, about, labels, now);
            }
        }
        text
    }

    fn put<const N: usize>(&self, family: &'static Family<N>, of: [&str; N], value: Value) {
        debug_assert_eq!(family.about.kind, Kind::Gauge, "{}", family.about.name);
        self.samples().entry(family.about.name).or_default().insert(key(family, of), value);
    }

    fn samples(&self) -> MutexGuard<'_, Samples> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Value {
    fn write(&self, text: &mut String, about: &About, labels: &str, now: Timestamp) {
        match self {
            Value::Number(value) => sample(text, about.name, "", labels, *value),
            Value::Since(since) => {
                let age = now.duration_since(*since).as_secs_f64().max(0.0);
                sample(text, about.name, "", labels, age);
            }
            Value::Spread(spread) => spread.write(text, about.name),
        }
    }
}

impl Spread {
    fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        for (within, bound) in self.within.iter_mut().zip(BOUNDS_SECS) {
            *within += u64::from(value <= bound);
        }
    }

    fn write(&self, text: &mut String, name: &str) {
        let bounds = BOUNDS_SECS.into_iter().chain([f64::INFINITY]);
        for (bound, within) in bounds.zip(self.within.into_iter().chain([self.count])) {
            let mut le = String::from("le=\"");
            number(&mut le, bound);
            le.push('"');
            sample(text, name, "_bucket", &le, as_number(within));
        }
        sample(text, name, "_sum", "", self.sum);
        sample(text, name, "_count", "", as_number(self.count));
    }
}

/// 1 or 0.
pub fn flag(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

/// Exact up to 2⁵³, and Prometheus knows no other numbers.
pub fn as_number(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or(u64::MAX) as f64
}

fn key<const N: usize>(family: &Family<N>, of: [&str; N]) -> String {
    labels(family.labels.into_iter().zip(of))
}

/// `account="…"`, if the labels begin with it.
fn account_of(labels: &str) -> Option<&str> {
    let start = "account=\"".len();
    let value = labels.strip_prefix("account=\"")?;
    let mut escaped = false;
    let end = value.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    labels.get(..=start + end)
}
