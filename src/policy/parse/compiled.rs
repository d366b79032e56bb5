//! Problems that only compiling the rules shows, brought to their places in the files.

use super::ParsedPolicy;
use crate::document::{Reading, Spot, nearest};
use crate::policy::RuleProblem;

/// What a message may hold between braces.
const PLACEHOLDERS: [&str; 5] = ["keyword", "category", "nickname", "appid", "rule"];

impl ParsedPolicy {
    /// Keeps the problems that compiling the rules found, at their places, unless parsing found one there already.
    pub fn report_rule_problems(&self, reading: &Reading, problems: &[RuleProblem]) {
        let placed = problems.iter().filter_map(|p| Some((self.place_of(p.rule, &p.path)?, p)));
        let new: Vec<(Spot, &RuleProblem)> = placed.filter(|(spot, _)| !reading.has_problem_at(*spot)).collect();
        for (spot, problem) in new {
            report(reading, spot, &problem.message);
        }
    }
}

fn report(reading: &Reading, spot: Spot, message: &str) {
    let Some(name) = placeholder(message) else { return reading.report("rule", spot, message) };
    let spot = within(reading, spot, &format!("{{{name}}}"));
    match nearest(name, PLACEHOLDERS) {
        Some(near) => reading.report_help("rule", spot, message, format!("did you mean `{{{near}}}`?")),
        None => reading.report("rule", spot, message),
    }
}

/// The name in `unknown placeholder {name}; …`.
fn placeholder(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("unknown placeholder {")?;
    rest.find('}').map(|end| &rest[..end])
}

/// Where a part of a text stands, if it is written there as it is.
fn within(reading: &Reading, spot: Spot, part: &str) -> Spot {
    let text = reading.text(spot.file);
    match text.get(spot.start..spot.end).and_then(|written| written.find(part)) {
        Some(at) => Spot { file: spot.file, start: spot.start + at, end: spot.start + at + part.len() },
        None => spot,
    }
}
