//! A replay: every decision by the rules decided again with the rules, the instant and the history it was decided with.
//!
//! The same rules must reach the same verdict, or one of the two is not what it
//! was. Reads the log and nothing else. Promises memory that does not grow with
//! the log, but for a line for each pass.

use crate::policy::{Brake, Decision, ENGINE_VERSION, History, Moment, PolicySpec, RuleSet, rule_name, unknown_names};
use crate::store::{ByRules, PassStart, Reader, RecordedVerdict, StoreError};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Differences told one by one at most.
const MOST_DIFFERENCES: usize = 1_000;
/// Rule sets kept compiled; a log goes through them one after the other.
const MOST_RULESETS: usize = 32;

/// What a replay found.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Decisions by the rules that were decided again.
    pub decided: u64,
    /// Those that could not be, by the reason.
    pub not_replayable: BTreeMap<NotReplayable, u64>,
    /// Those that come out otherwise; empty = all as recorded.
    pub different: Vec<Difference>,
    /// Differences beyond those.
    pub unlisted: u64,
}

/// Why a decision cannot be decided again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotReplayable {
    /// Its words were erased.
    Redacted,
    /// Another version of the folding and the rules decided it.
    Engine,
    /// The rules of then were not kept.
    RulesNotKept,
    /// No rule was asked: the appid alone did not tell which application was meant.
    NoRuleAsked,
    /// A category holds more than one `/`: where it was split is not recorded.
    Category,
}

impl NotReplayable {
    /// A clause that explains it.
    pub fn words(self) -> &'static str {
        match self {
            NotReplayable::Redacted => "redacted",
            NotReplayable::Engine => "decided by another version of the rules' engine",
            NotReplayable::RulesNotKept => "the rules of then were not kept",
            NotReplayable::NoRuleAsked => "no rule was asked (ambiguous)",
            NotReplayable::Category => "a category with more than one /",
        }
    }
}

/// A decision that comes out otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Its row.
    pub id: i64,
    /// What of it: `verdict`, `rule`, `message`, `brake`, `unknown`.
    pub differs: Vec<&'static str>,
    /// As recorded.
    pub recorded: Said,
    /// As the recorded rules say.
    pub again: Said,
}

/// What was said of an application; its message is left out, since it may quote the applicant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// The verdict.
    pub verdict: RecordedVerdict,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The rules' own brake.
    pub brake: Option<Brake>,
}

/// Decides every recorded decision by the rules again. `tell` hears how many rows were seen, and how many there are.
///
/// # Errors
/// The log could not be read.
pub async fn replay(log: &Reader, tell: &dyn Fn(i64, i64)) -> Result<Replayed, StoreError> {
    let last = log.last_decision().await?;
    let mut replaying = Replaying { log, rules: HashMap::new(), passes: HashMap::new(), found: Replayed::default() };
    let mut after = 0;
    loop {
        let rows = log.by_rules(after, last).await?;
        let Some(row) = rows.last() else { break };
        after = row.id;
        for row in rows {
            if let Err(why) = replaying.decide(row).await? {
                *replaying.found.not_replayable.entry(why).or_default() += 1;
            }
        }
        tell(after, last);
    }
    Ok(replaying.found)
}

/// A replay under way.
struct Replaying<'a> {
    log: &'a Reader,
    /// By hash.
    rules: HashMap<String, Result<RuleSet, NotReplayable>>,
    /// Where the log ended when a pass began to write: its plan was made of what was before that.
    passes: HashMap<String, PassStart>,
    found: Replayed,
}

impl Replaying<'_> {
    async fn decide(&mut self, row: ByRules) -> Result<Result<(), NotReplayable>, StoreError> {
        let start = *self.passes.entry(row.pass.clone()).or_insert(row.start);
        if row.brake == Some(Brake::Ambiguous) {
            return Ok(Err(NotReplayable::NoRuleAsked));
        }
        let Some(application) = &row.application else { return Ok(Err(NotReplayable::Redacted)) };
        self.keep_rules(&row.ruleset).await?;
        let rules = match &self.rules[&row.ruleset] {
            Ok(rules) => rules,
            Err(why) => return Ok(Err(*why)),
        };
        let history = match rules.needs_history() {
            true => self.log.earlier_then(&row.account, &row.appid, start).await?,
            false => History::default(),
        };
        let moment = Moment { now: row.decided_at, history: &history };
        let decision = rules.decide(application, &moment);
        let found = difference(&row, rules, &decision);
        let is_split_anew = || application.categories.iter().any(|one| one.to_string().matches('/').count() > 1);
        match found {
            Some(_) if is_split_anew() => return Ok(Err(NotReplayable::Category)),
            Some(difference) if self.found.different.len() < MOST_DIFFERENCES => self.found.different.push(difference),
            Some(_) => self.found.unlisted += 1,
            None => {}
        }
        self.found.decided += 1;
        Ok(Ok(()))
    }

    async fn keep_rules(&mut self, hash: &str) -> Result<(), StoreError> {
        if !self.rules.contains_key(hash) {
            if self.rules.len() >= MOST_RULESETS {
                self.rules.clear();
            }
            let kept = self.log.ruleset(hash).await?;
            self.rules.insert(hash.to_owned(), compiled(hash, kept));
        }
        Ok(())
    }
}

/// The rules of a hash, if they still mean what they meant.
fn compiled(hash: &str, kept: Option<(String, String)>) -> Result<RuleSet, NotReplayable> {
    let (engine, spec) = kept.ok_or(NotReplayable::RulesNotKept)?;
    if engine != ENGINE_VERSION {
        return Err(NotReplayable::Engine);
    }
    let spec: PolicySpec = serde_json::from_str(&spec).map_err(|_| NotReplayable::Engine)?;
    let rules = RuleSet::compile(spec).map_err(|_| NotReplayable::Engine)?;
    // The hash holds the version of the folding too.
    if rules.hash() == hash { Ok(rules) } else { Err(NotReplayable::Engine) }
}

fn difference(row: &ByRules, rules: &RuleSet, decision: &Decision) -> Option<Difference> {
    let recorded = Said { verdict: row.verdict, rule: row.rule.clone(), brake: row.brake.filter(is_of_the_rules) };
    let again = Said {
        verdict: decision.verdict.into(),
        rule: rule_name(rules, decision).map(str::to_owned),
        brake: decision.brake,
    };
    let compared = [
        ("verdict", recorded.verdict == again.verdict),
        ("rule", recorded.rule == again.rule),
        ("message", row.message == decision.message),
        ("brake", recorded.brake == again.brake),
        ("unknown", row.unknown.iter().map(String::as_str).eq(unknown_names(rules, decision))),
    ];
    let differs: Vec<&str> = compared.into_iter().filter(|(_, same)| !same).map(|(what, _)| what).collect();
    (!differs.is_empty()).then_some(Difference { id: row.id, differs, recorded, again })
}

/// The other brakes are of the plan (limits, pauses, a verification): the rules do not give them.
fn is_of_the_rules(brake: &Brake) -> bool {
    matches!(brake, Brake::Unknown | Brake::Malformed | Brake::Message)
}
