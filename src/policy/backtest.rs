//! Deciding recorded applications again and comparing: what changes, what people made of them, which rules ever fire.
//!
//! Promises that only what the rules said is compared: a limit or a pause of that
//! day changes no cell. Keeps counts, never applications. Reads no log.

use super::{
    Application, Brake, Decision, Folded, Moment, PolicySpec, RuleMode, RuleProblem, RuleSet, Scratch, Truth, Verdict,
};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// What rules say of an application, as far as a backtest tells it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Said {
    /// Let it in.
    Agree,
    /// Turn it away.
    Refuse,
    /// Leave it for a person.
    Hold,
    /// Leave it for a person, because a rule could not be decided.
    Unknown,
    /// Turn it away, but the message came out empty: left for a person.
    NoMessage,
}

impl Said {
    /// Every one of them.
    pub const ALL: [Said; 5] = [Said::Agree, Said::Refuse, Said::Hold, Said::Unknown, Said::NoMessage];

    /// Of a verdict and its brake; brakes that are not of the rules (limits, pauses) say nothing.
    pub fn of(verdict: Verdict, brake: Option<Brake>) -> Said {
        match (verdict, brake) {
            (_, Some(Brake::Unknown)) => Said::Unknown,
            (_, Some(Brake::Message)) => Said::NoMessage,
            (Verdict::Agree, _) => Said::Agree,
            (Verdict::Refuse, _) => Said::Refuse,
            (Verdict::Hold, _) => Said::Hold,
        }
    }

    /// As shown: the verdict, and the brake behind it.
    pub fn word(self) -> &'static str {
        match self {
            Said::Agree => "agree",
            Said::Refuse => "refuse",
            Said::Hold => "hold",
            Said::Unknown => "hold (unknown)",
            Said::NoMessage => "refuse (message)",
        }
    }

    /// Whether this carries a person's verdict out, opposes it, or leaves it to a person.
    pub fn beside(self, person: Verdict) -> Beside {
        match (self, person) {
            (Said::Agree, Verdict::Agree) | (Said::Refuse, Verdict::Refuse) => Beside::Same,
            (Said::Agree | Said::Refuse, _) => Beside::Opposite,
            (Said::Hold | Said::Unknown | Said::NoMessage, _) => Beside::Asks,
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What rules say, beside what a person did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Beside {
    /// The same.
    Same,
    /// The opposite.
    Opposite,
    /// They would have asked the person.
    Asks,
}

/// Why an application cannot be decided again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Undecidable {
    /// Its words were erased.
    Redacted,
    /// A field was of a wrong kind: no rule was asked.
    Malformed,
    /// Another pending entry carried the same appid: no rule was asked.
    Ambiguous,
    /// A person decided it, and nothing but its appid was recorded.
    Bare,
}

impl Undecidable {
    /// Every one of them.
    pub const ALL: [Undecidable; 4] =
        [Undecidable::Redacted, Undecidable::Malformed, Undecidable::Ambiguous, Undecidable::Bare];

    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Undecidable::Redacted => "redacted",
            Undecidable::Malformed => "malformed",
            Undecidable::Ambiguous => "ambiguous",
            Undecidable::Bare => "bare",
        }
    }

    /// A clause that explains it.
    pub fn words(self) -> &'static str {
        match self {
            Undecidable::Redacted => "its words were erased",
            Undecidable::Malformed => "a field was of a wrong kind, so no rule was asked",
            Undecidable::Ambiguous => "another pending entry carried the same appid, so no rule was asked",
            Undecidable::Bare => "decided by a person, and nothing but its appid was recorded",
        }
    }
}

/// What the log says of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before<'a> {
    /// By the rules of then; `None` when they never saw it.
    pub said: Option<Said>,
    /// The rule that decided.
    pub rule: Option<&'a str>,
    /// The message of a refusal.
    pub message: Option<&'a str>,
    /// What a person wanted: agree or refuse.
    pub person: Option<Verdict>,
}

/// How a new decision compares to the recorded one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    /// There was none by rules.
    First,
    /// It says the same for the same reason.
    Same,
    /// It refuses by the same rule, with other words.
    OtherMessage,
    /// It says the same by another rule, or by the default.
    OtherRule,
    /// It says something else.
    Changed,
}

/// What one rule did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleTally {
    /// Its name.
    #[serde(rename = "rule")]
    pub name: String,
    /// What it wants.
    pub action: Verdict,
    /// Live or shadow.
    pub mode: RuleMode,
    /// It was true.
    pub fired: u64,
    /// It was the one named.
    pub decided: u64,
    /// It could not be decided.
    pub unknown: u64,
}

/// The rules of one account, ready to decide and to be counted.
#[derive(Debug)]
pub struct AccountRules {
    /// Compiled.
    pub rules: RuleSet,
    /// For each of them its number among the rules of all accounts.
    numbers: Vec<usize>,
}

/// An application decided again, ready to be counted.
#[derive(Debug)]
pub struct Again {
    /// What the rules say now.
    pub decision: Decision,
    /// How that compares.
    pub change: Change,
    before: Option<Said>,
    person: Option<Verdict>,
    /// What spoke, by its number among the rules of all accounts; true or unknown.
    spoke: Vec<(usize, Truth)>,
    /// The number of the one that decided.
    decided: Option<usize>,
}

/// The counts of a backtest.
#[derive(Debug, Default)]
pub struct Backtest {
    rules: Vec<RuleTally>,
    cells: BTreeMap<(Option<Said>, Said), u64>,
    people: BTreeMap<(Verdict, Said), u64>,
    changes: BTreeMap<Change, u64>,
    undecidable: BTreeMap<Undecidable, u64>,
}

impl AccountRules {
    /// Those of `policy` that decide for an account.
    ///
    /// # Errors
    /// They do not compile.
    pub fn new(policy: &PolicySpec, account: &str) -> Result<AccountRules, Vec<RuleProblem>> {
        let numbers: HashMap<&str, usize> =
            policy.rules.iter().enumerate().map(|(number, rule)| (rule.name.as_str(), number)).collect();
        let rules = RuleSet::compile(policy.for_account(account))?;
        let numbers = rules.spec().rules.iter().map(|rule| numbers[rule.name.as_str()]).collect();
        Ok(AccountRules { rules, numbers })
    }

    /// Decides an application again and compares. `scratch` is kept between applications, on each thread its own.
    pub fn again(
        &self,
        application: &Application,
        moment: &Moment<'_>,
        before: &Before<'_>,
        scratch: &mut Scratch,
    ) -> Again {
        let (folded, mut spoke) = (Folded::of(application), Vec::new());
        let see = |rule: usize, truth| spoke.push((self.numbers[rule], truth));
        let decision = self.rules.decide_seeing(&folded, application, moment, scratch, see);
        let change = compare(before, &decision, super::rule_name(&self.rules, &decision));
        let decided = decision.rule.map(|rule| self.numbers[rule]);
        Again { change, before: before.said, person: before.person, spoke, decided, decision }
    }
}

impl Backtest {
    /// Nothing counted yet.
    pub fn new(policy: &PolicySpec) -> Backtest {
        let tally = |rule: &super::RuleSpec| RuleTally {
            name: rule.name.clone(),
            action: rule.action,
            mode: rule.mode,
            fired: 0,
            decided: 0,
            unknown: 0,
        };
        Backtest { rules: policy.rules.iter().map(tally).collect(), ..Backtest::default() }
    }

    /// Counts an application that was decided again.
    pub fn count(&mut self, again: &Again) {
        for (rule, truth) in &again.spoke {
            match truth {
                Truth::True => self.rules[*rule].fired += 1,
                Truth::Unknown => self.rules[*rule].unknown += 1,
                Truth::False => {}
            }
        }
        if let Some(rule) = again.decided {
            self.rules[rule].decided += 1;
        }
        let said = Said::of(again.decision.verdict, again.decision.brake);
        *self.cells.entry((again.before, said)).or_default() += 1;
        *self.changes.entry(again.change).or_default() += 1;
        if let Some(person) = again.person {
            *self.people.entry((person, said)).or_default() += 1;
        }
    }

    /// Counts an application that cannot be decided again.
    pub fn pass_over(&mut self, why: Undecidable) {
        *self.undecidable.entry(why).or_default() += 1;
    }

    /// How many were decided again.
    pub fn decided(&self) -> u64 {
        self.cells.values().sum()
    }

    /// How many were seen, decided again or not.
    pub fn seen(&self) -> u64 {
        self.decided() + self.undecidable.values().sum::<u64>()
    }

    /// How many compare like this.
    pub fn changes(&self, change: Change) -> u64 {
        self.changes.get(&change).copied().unwrap_or_default()
    }

    /// How many said `old` (`None`: no rules saw them) and now say `new`.
    pub fn cell(&self, old: Option<Said>, new: Said) -> u64 {
        self.cells.get(&(old, new)).copied().unwrap_or_default()
    }

    /// How many could not be decided again for this reason.
    pub fn undecidable(&self, why: Undecidable) -> u64 {
        self.undecidable.get(&why).copied().unwrap_or_default()
    }

    /// How many a person decided like this while the rules say something in this relation to it.
    pub fn people(&self, person: Verdict, beside: Beside) -> u64 {
        let counts =
            self.people.iter().filter(|((verdict, said), _)| *verdict == person && said.beside(person) == beside);
        counts.map(|(_, count)| count).sum()
    }

    /// Every rule, in the order of the files.
    pub fn rules(&self) -> &[RuleTally] {
        &self.rules
    }
}

fn compare(before: &Before<'_>, decision: &Decision, rule: Option<&str>) -> Change {
    let Some(said) = before.said else { return Change::First };
    if said != Said::of(decision.verdict, decision.brake) {
        Change::Changed
    } else if before.rule != rule {
        Change::OtherRule
    } else if before.message != decision.message.as_deref() {
        Change::OtherMessage
    } else {
        Change::Same
    }
}

#[cfg(test)]
mod tests;
