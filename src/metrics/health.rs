//! Whether every account is worked: had a complete pass not too long ago.
//!
//! Pure: times go in. How long may pass is told with each event, in monotonic time, so a clock that is set changes
//! nothing. An account without a complete pass since the start is told apart: it is overdue when its time is over, and
//! not before. A service that crashes again and again is another alert's.

use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How the accounts are.
#[derive(Debug, Default)]
pub struct Health {
    accounts: BTreeMap<String, Life>,
}

#[derive(Debug)]
struct Life {
    /// When its patience began: the last complete pass, or when it was first heard of.
    since: Instant,
    /// How long may pass without a complete pass; `None` = no pass is due any more.
    patience: Option<Duration>,
    /// When its last complete pass ended.
    last: Option<Timestamp>,
}

/// What `/healthz` answers.
#[derive(Debug, Serialize)]
struct Line<'n> {
    status: &'static str,
    accounts: usize,
    unwell: Vec<Unwell<'n>>,
}

#[derive(Debug, Serialize)]
struct Unwell<'n> {
    account: &'n str,
    status: &'static str,
    last_complete_pass: Option<String>,
    /// Since the last complete pass, or since it was first expected.
    waited_seconds: u64,
    allowed_seconds: Option<u64>,
}

/// How an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// It had a complete pass not too long ago.
    Well,
    /// It had none yet, and its time is not over.
    Starting,
    /// It had none for too long.
    Overdue,
}

impl Condition {
    /// The word of `/healthz`.
    pub fn word(self) -> &'static str {
        match self {
            Condition::Well => "ok",
            Condition::Starting => "starting",
            Condition::Overdue => "overdue",
        }
    }
}

impl Health {
    /// An account is worked from now on, or by another schedule: so long it may take to its next complete pass.
    pub fn expect(&mut self, account: &str, now: Instant, patience: Option<Duration>) {
        let life = self.accounts.entry(account.to_owned()).or_insert(Life { since: now, patience, last: None });
        life.patience = patience;
    }

    /// A complete pass ended.
    pub fn complete(&mut self, account: &str, at: Timestamp, now: Instant, patience: Option<Duration>) {
        self.accounts.insert(account.to_owned(), Life { since: now, patience, last: Some(at) });
    }

    /// Forgets those that are gone.
    pub fn retain(&mut self, is_there: impl Fn(&str) -> bool) {
        self.accounts.retain(|name, _| is_there(name));
    }

    /// Every account and how it is.
    pub fn conditions(&self, now: Instant) -> Vec<(String, Condition)> {
        self.accounts.iter().map(|(name, life)| (name.clone(), life.condition(now))).collect()
    }

    /// The worst of all, and the line `/healthz` answers with: who is not well, and since when.
    pub fn line(&self, now: Instant) -> (Condition, String) {
        let unwell = self.accounts.iter().filter(|(_, life)| life.condition(now) != Condition::Well);
        let unwell: Vec<Unwell<'_>> = unwell.map(|(name, life)| life.said(name, now)).collect();
        let worst = self.accounts.values().map(|life| life.condition(now)).max().unwrap_or(Condition::Starting);
        let line = Line { status: worst.word(), accounts: self.accounts.len(), unwell };
        let line = serde_json::to_string(&line).expect("texts, numbers and lists always serialise");
        (worst, line + "\n")
    }
}

impl Life {
    fn condition(&self, now: Instant) -> Condition {
        let waited = now.saturating_duration_since(self.since);
        match (self.patience, self.last) {
            (Some(patience), _) if waited > patience => Condition::Overdue,
            (_, Some(_)) => Condition::Well,
            (_, None) => Condition::Starting,
        }
    }

    fn said<'n>(&self, account: &'n str, now: Instant) -> Unwell<'n> {
        Unwell {
            account,
            status: self.condition(now).word(),
            last_complete_pass: self.last.map(|last| format!("{last:.0}")),
            waited_seconds: now.saturating_duration_since(self.since).as_secs(),
            allowed_seconds: self.patience.map(|patience| patience.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES: u64 = 60;

    #[test]
    fn an_account_is_well_after_a_complete_pass_and_for_so_long() {
        let start = Instant::now();
        let after = |secs: u64| start + Duration::from_secs(secs);
        let at = Timestamp::from_second(1_795_334_400).expect("an instant");
        let ten = Some(Duration::from_secs(10 * MINUTES));
        let mut health = Health::default();
        assert_eq!(health.line(start).0, Condition::Starting, "nobody has been named yet");
        health.expect("a", start, ten);
        health.expect("b", start, ten);
        let words = |health: &Health, secs: u64| {
            health.conditions(after(secs)).into_iter().map(|(_, one)| one.word()).collect::<Vec<_>>()
        };
        assert_eq!(words(&health, 0), ["starting", "starting"]);
        health.complete("a", at, after(60), ten);
        assert_eq!(words(&health, 600), ["ok", "starting"]);
        assert_eq!(words(&health, 601), ["ok", "overdue"]);
        assert_eq!(words(&health, 661), ["overdue", "overdue"]);
        let (worst, line) = health.line(after(661));
        assert_eq!(worst, Condition::Overdue);
        assert_eq!(
            line,
            "{\"status\":\"overdue\",\"accounts\":2,\"unwell\":[\
             {\"account\":\"a\",\"status\":\"overdue\",\"last_complete_pass\":\"2026-11-22T08:00:00Z\",\"waited_seconds\":601,\"allowed_seconds\":600},\
             {\"account\":\"b\",\"status\":\"overdue\",\"last_complete_pass\":null,\"waited_seconds\":661,\"allowed_seconds\":600}]}\n"
        );
        health.complete("b", at, after(700), ten);
        health.retain(|name| name == "b");
        assert_eq!(
            health.line(after(700)),
            (Condition::Well, "{\"status\":\"ok\",\"accounts\":1,\"unwell\":[]}\n".to_owned())
        );
        health.expect("b", after(710), Some(Duration::from_secs(5)));
        assert_eq!(words(&health, 706), ["overdue"], "another schedule, counted from the last complete pass");
        health.expect("b", after(710), None);
        assert_eq!(words(&health, 100_000_000), ["ok"], "no pass is due any more");
    }
}
