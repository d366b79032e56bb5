//! What a campaign counts, and how it says it.

use super::script::{KINDS, POINTS};
use super::stage::Played;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Each fault point, in each kind, must have struck this often.
pub(crate) const ENOUGH: u64 = 20;
/// In fewer runs than this, it cannot.
pub(crate) const RUNS_FOR_ENOUGH: u64 = 3_000;

/// The sums of a campaign.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) runs: u64,
    pub(crate) lives: u64,
    pub(crate) killed: u64,
    pub(crate) asked: u64,
    /// Looked at by the witness after menshen had given up waiting for the answer.
    pub(crate) late: u64,
    pub(crate) rows: u64,
    pub(crate) brakes: u64,
    /// By point and kind.
    pub(crate) struck: BTreeMap<(String, String), u64>,
    /// Faults of WeChat, by effect and call.
    pub(crate) faults: BTreeMap<(String, String), u64>,
    /// By seed.
    pub(crate) violations: BTreeMap<u64, Vec<String>>,
}

impl Tally {
    /// Adds a run.
    pub(crate) fn take(&mut self, played: &Played, violations: Vec<String>) {
        self.runs += 1;
        self.lives += played.lives.len() as u64;
        self.killed += played.lives.iter().filter(|lived| lived.killed).count() as u64;
        self.asked += played.seen.len() as u64;
        self.late += played.seen.iter().filter(|seen| seen.late).count() as u64;
        self.rows += played.log.rows.len() as u64;
        self.brakes += played.log.brakes.iter().filter(|brake| brake.kind == "verification").count() as u64;
        for struck in played.lives.iter().flat_map(|lived| &lived.struck) {
            *self.struck.entry(struck.clone()).or_default() += 1;
        }
        for call in &played.ledger {
            let on = call["action"].as_str().filter(|_| call["endpoint"] == "devplugin").unwrap_or("token").to_owned();
            for fault in call["faults"].as_array().into_iter().flatten().filter_map(|fault| fault.as_str()) {
                let effect = fault.split(':').nth(1).unwrap_or_default().to_owned();
                *self.faults.entry((effect, on.clone())).or_default() += 1;
            }
        }
        if !violations.is_empty() {
            self.violations.insert(played.script.seed, violations);
        }
    }

    /// Points and kinds that struck too rarely.
    pub(crate) fn too_rare(&self) -> Vec<String> {
        let mut rare = Vec::new();
        for (point, kind) in points().into_iter().flat_map(|point| KINDS.map(|kind| (point, kind))) {
            let struck = self.hits(point, kind);
            if struck < ENOUGH {
                rare.push(format!("{point} {kind}: {struck}"));
            }
        }
        rare
    }

    fn hits(&self, point: &str, kind: &str) -> u64 {
        self.struck.get(&(point.to_owned(), kind.to_owned())).copied().unwrap_or_default()
    }

    /// The whole report.
    pub(crate) fn report(&self) -> String {
        let mut text = format!(
            "{} runs, {} processes, {} killed at random moments, {} ended or stopped at fault points\n\
             {} changes asked for ({} held up until their row was settled), {} rows in the logs, {} times the brake\n\n{:<24}",
            self.runs,
            self.lives,
            self.killed,
            self.struck.values().sum::<u64>(),
            self.asked,
            self.late,
            self.rows,
            self.brakes,
            "fault point"
        );
        let _ = writeln!(text, "{}", KINDS.map(|kind| format!("{kind:>7}")).concat());
        for point in points() {
            let _ =
                writeln!(text, "{point:<24}{}", KINDS.map(|kind| format!("{:>7}", self.hits(point, kind))).concat());
        }
        let _ = write!(text, "\n{:<34}", "fault of WeChat");
        let calls = ["dev_apply_list", "dev_agree", "dev_refuse", "token"];
        let _ = writeln!(text, "{}", calls.map(|call| format!("{call:>15}")).concat());
        let effects: BTreeSet<&String> = self.faults.keys().map(|(effect, _)| effect).collect();
        for effect in effects {
            let count = |call: &str| self.faults.get(&(effect.clone(), call.to_owned())).copied().unwrap_or_default();
            let _ = writeln!(text, "{effect:<34}{}", calls.map(|call| format!("{:>15}", count(call))).concat());
        }
        let _ = writeln!(text, "\n{} violations", self.violations.values().map(Vec::len).sum::<usize>());
        for (seed, violations) in &self.violations {
            let _ = writeln!(text, "--runs 1 --seed {seed}");
            for violation in violations {
                let _ = writeln!(text, "    {}", violation.replace('\n', "\n    "));
            }
        }
        text
    }
}

/// Every point once, in order.
fn points() -> Vec<&'static str> {
    let mut known = BTreeSet::new();
    POINTS.into_iter().filter(|point| known.insert(*point)).collect()
}
