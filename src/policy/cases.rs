//! Cases: made-up applications, decided by the rules at hand and compared with what was expected.
//!
//! Promises that a case passes only if everything it says comes out, and that a
//! case which names no account holds for every account. Does not read files, and
//! takes the time as an argument.

use super::{
    AppId, Application, Brake, Category, CreateTime, Decision, Earlier, EarlierKind, History, Moment, Place,
    PolicySpec, RuleProblem, RuleSet, Truth, Verdict, Why,
    parse::{CaseSpec, Given, When},
    rule_name,
};
use jiff::Timestamp;
use serde::Serialize;
use std::{collections::HashMap, time::Duration};

/// The appid of a case that gives none.
const SOME_APPID: &str = "wx0000000000000000";

/// What came out of one case.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseResult {
    /// What the case shows.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// The account it was decided for; none if the rules are the same for all.
    pub account: Option<String>,
    /// The application it made up.
    pub application: Application,
    /// The time it was decided at.
    pub now: Timestamp,
    /// What it said.
    pub expected: Expected,
    /// What the rules said.
    pub actual: Actual,
    /// Where the two differ; empty = passed.
    pub differences: Vec<Difference>,
    /// Every rule and every condition.
    pub why: Why,
}

impl CaseResult {
    /// Everything came out as it was expected.
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

/// What a case says must come out; what it does not say may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// The verdict.
    pub verdict: Verdict,
    /// The deciding rule.
    pub rule: Option<String>,
    /// The very message.
    pub message: Option<String>,
    /// What keeps it from being trusted.
    pub brake: Option<Brake>,
}

/// What the rules say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Actual {
    /// The verdict.
    pub verdict: Verdict,
    /// The deciding rule; none by default or brake.
    pub rule: Option<String>,
    /// The message of a refusal.
    pub message: Option<String>,
    /// What keeps it from being trusted.
    pub brake: Option<Brake>,
}

/// One thing that came out otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `verdict`, `rule`, `message` or `brake`.
    pub what: &'static str,
    /// As the case says it.
    pub expected: String,
    /// As it came out; none if there was none.
    pub actual: Option<String>,
}

/// What a set of cases made of the rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Every rule of the configuration, in the order of the files.
    pub rules: Vec<RuleCoverage>,
}

/// What was seen of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleCoverage {
    /// Its name.
    pub rule: String,
    /// Where it stands, as `file:line`.
    pub place: Option<String>,
    /// Some case made it fire.
    pub fired: bool,
    /// Its conditions, in the order of the file.
    pub conditions: Vec<ConditionCoverage>,
}

/// What was seen of one condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConditionCoverage {
    /// Its path, e.g. `when.reason.any`.
    pub path: String,
    /// Some case made it true.
    pub held: bool,
    /// Some case made it false. `always` needs none.
    pub failed: bool,
}

/// The rules of every account, ready to decide cases.
#[derive(Debug)]
pub struct Trial {
    /// Rules that differ, each with the first account they are for; never empty.
    sets: Vec<(Option<String>, RuleSet)>,
    /// All accounts, by name, with the index of their rules.
    accounts: HashMap<String, usize>,
    spec: PolicySpec,
    coverage: Coverage,
    index: HashMap<String, usize>,
}

impl Trial {
    /// Compiles the rules as each account sees them.
    ///
    /// # Errors
    /// What does not compile; the configuration's own check says so first.
    pub fn new(spec: &PolicySpec, accounts: &[String]) -> Result<Trial, Vec<RuleProblem>> {
        let coverage = Coverage::of(&RuleSet::compile(spec.clone())?);
        let index = coverage.rules.iter().enumerate().map(|(at, rule)| (rule.rule.clone(), at)).collect();
        let mut trial = Trial { sets: Vec::new(), accounts: HashMap::new(), spec: spec.clone(), coverage, index };
        for name in accounts {
            trial.account(name)?;
        }
        match trial.sets.as_mut_slice() {
            [] => trial.sets.push((None, RuleSet::compile(spec.for_account(""))?)),
            [(name, _)] => *name = None,
            _ => {}
        }
        Ok(trial)
    }

    /// The index of an account's rules; equal ones are kept once.
    fn account(&mut self, name: &str) -> Result<usize, Vec<RuleProblem>> {
        if let Some(at) = self.accounts.get(name) {
            return Ok(*at);
        }
        let rules = RuleSet::compile(self.spec.for_account(name))?;
        let known = self.sets.iter().position(|(_, set)| set.hash() == rules.hash());
        let at = known.unwrap_or(self.sets.len());
        if known.is_none() {
            self.sets.push((Some(name.to_owned()), rules));
        }
        self.accounts.insert(name.to_owned(), at);
        Ok(at)
    }

    /// Decides one case. Without an account it is decided for all, and the first that fails is told.
    ///
    /// # Errors
    /// The rules of the account it names do not compile; the configuration's own check says so first.
    pub fn run(&mut self, case: &CaseSpec, now: Timestamp) -> Result<CaseResult, Vec<RuleProblem>> {
        let chosen = match &case.given.account {
            Some(name) => {
                let at = self.account(name)?;
                at..at + 1
            }
            None => 0..self.sets.len(),
        };
        let mut told: Option<CaseResult> = None;
        for at in chosen {
            let (account, rules) = &self.sets[at];
            let account = case.given.account.as_ref().or(account.as_ref());
            let result = decide(case, account, rules, now);
            cover(&mut self.coverage, &self.index, &result.why);
            if told.as_ref().is_none_or(|told| told.passed() && !result.passed()) {
                told = Some(result);
            }
        }
        Ok(told.expect("there is at least one set of rules"))
    }

    /// What all cases so far made of the rules.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }
}

impl Given {
    /// The application a case speaks of. What is absent is absent; without an appid it gets one nobody has.
    pub fn application(&self, now: Timestamp) -> Application {
        let made = |age: Duration| now.as_second().saturating_sub(i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
        Application {
            appid: self.appid.clone().unwrap_or_else(|| AppId::new(SOME_APPID)),
            create_time: match self.age {
                Some(age) => CreateTime::received(made(age).to_string()),
                None => self.create_time.clone(),
            },
            nickname: self.nickname.clone().unwrap_or_default(),
            reason: self.reason.clone().unwrap_or_default(),
            categories: self.categories.iter().flatten().map(|text| Category::from_text(text)).collect(),
            headimgurl: None,
            apply_url: None,
            malformed: Vec::new(),
        }
    }

    /// What `previous` says, each as an application of its own.
    fn history(&self, appid: &AppId, now: Timestamp) -> History {
        let mut history = History::default();
        let mut number = 0;
        for previous in &self.previous {
            let at = match previous.when {
                When::At(at) => at,
                When::Ago(ago) => now.saturating_sub(ago).unwrap_or(Timestamp::MIN),
            };
            let counts = [
                (previous.agreed, EarlierKind::Agreed),
                (previous.refused, EarlierKind::Refused),
                (previous.held, EarlierKind::Held),
            ];
            for what in counts.into_iter().flat_map(|(count, what)| (0..count).map(move |_| what)) {
                number += 1;
                let create_time = CreateTime::received(format!("earlier {number}"));
                history.add(appid.clone(), Earlier { create_time, at, what });
            }
        }
        history
    }
}

impl Coverage {
    /// Nothing seen yet of any rule.
    fn of(rules: &RuleSet) -> Coverage {
        let nobody = Given::default();
        let now = Timestamp::UNIX_EPOCH;
        let whys = rules.explain(&nobody.application(now), &Moment::at(now)).rules;
        let rules = whys.into_iter().map(|rule| RuleCoverage {
            rule: rule.rule,
            place: rule.place,
            fired: false,
            conditions: rule
                .conditions
                .into_iter()
                .map(|why| ConditionCoverage { failed: why.path.ends_with(".always"), path: why.path, held: false })
                .collect(),
        });
        Coverage { rules: rules.collect() }
    }

    /// Rules that no case made fire.
    pub fn never_fired(&self) -> impl Iterator<Item = &RuleCoverage> {
        self.rules.iter().filter(|rule| !rule.fired)
    }

    /// Conditions that no case made true, or none made false, each with its rule.
    pub fn unexercised(&self) -> impl Iterator<Item = (&RuleCoverage, &ConditionCoverage)> {
        let all = self.rules.iter().flat_map(|rule| rule.conditions.iter().map(move |condition| (rule, condition)));
        all.filter(|(_, condition)| !(condition.held && condition.failed))
    }
}

fn decide(case: &CaseSpec, account: Option<&String>, rules: &RuleSet, now: Timestamp) -> CaseResult {
    let now = case.given.now.unwrap_or(now);
    let application = case.given.application(now);
    let history = case.given.history(&application.appid, now);
    let moment = Moment { now, history: &history };
    let decision = rules.decide(&application, &moment);
    let expected =
        Expected { verdict: case.expect, rule: case.rule.clone(), message: case.message.clone(), brake: case.brake };
    let actual = Actual::of(rules, decision);
    CaseResult {
        name: case.name.clone(),
        place: case.place.clone(),
        account: account.cloned(),
        now,
        differences: differences(&expected, &actual),
        why: rules.explain(&application, &moment),
        application,
        expected,
        actual,
    }
}

impl Actual {
    fn of(rules: &RuleSet, decision: Decision) -> Actual {
        Actual {
            verdict: decision.verdict,
            rule: rule_name(rules, &decision).map(str::to_owned),
            message: decision.message,
            brake: decision.brake,
        }
    }
}

fn differences(expected: &Expected, actual: &Actual) -> Vec<Difference> {
    let word = |brake: &Brake| brake.word().to_owned();
    let all = [
        ("verdict", Some(expected.verdict.to_string()), Some(actual.verdict.to_string())),
        ("rule", expected.rule.clone(), actual.rule.clone()),
        ("brake", expected.brake.as_ref().map(word), actual.brake.as_ref().map(word)),
        ("message", expected.message.clone(), actual.message.clone()),
    ];
    let said = all.into_iter().filter_map(|(what, expected, actual)| Some((what, expected?, actual)));
    said.filter(|(_, expected, actual)| actual.as_ref() != Some(expected))
        .map(|(what, expected, actual)| Difference { what, expected, actual })
        .collect()
}

fn cover(coverage: &mut Coverage, index: &HashMap<String, usize>, why: &Why) {
    for rule in &why.rules {
        let Some(seen) = index.get(&rule.rule).map(|at| &mut coverage.rules[*at]) else { continue };
        seen.fired |= rule.truth == Truth::True;
        for (seen, why) in seen.conditions.iter_mut().zip(&rule.conditions) {
            seen.held |= why.truth == Truth::True;
            seen.failed |= why.truth == Truth::False;
        }
    }
}

#[cfg(test)]
mod tests;
