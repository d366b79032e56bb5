//! Rules and conditions that can never count: never true, always true, or always behind another rule.

use super::{
    Findings,
    facts::{Known, Way},
    logic::{Fact, Formula, Implied, Logic},
};
use crate::policy::{Condition, RuleSpec, Test, TextTest, Verdict, check::Field, compile::test_word};
use std::collections::HashMap;

/// How often it is looked whether a rule that fires in several ways can be kept from all of them; beyond it nothing is said.
const LOOKS_MAX: usize = 100_000;

pub(super) fn look(findings: &mut Findings<'_>) {
    let rules = &findings.policy.spec.rules;
    let mut logic = Logic::default();
    let formulas: Vec<RuleFormulas> = rules.iter().map(|rule| RuleFormulas::of(rule, &mut logic)).collect();
    let implied = logic.implied();
    let fires: Vec<_> = formulas.iter().map(|formulas| possible(&formulas.fires, &implied)).collect();
    for (index, formulas) in formulas.iter().enumerate() {
        let before = findings.found.len();
        formulas.tables.iter().for_each(|table| table.look(findings, index, &implied));
        if fires[index].as_ref().is_some_and(Vec::is_empty) && findings.found.len() == before {
            let message = "this rule can never fire: what it asks for is what it rules out".to_owned();
            findings.warn("never-fires", Some(index), "", message, "look at `when` and `unless` together");
        }
    }
    for (at, other) in never_decide(rules, &formulas, &fires, &implied) {
        let (rule, other) = (&rules[at], &rules[other]);
        let place = other.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        let wins = if other.action == rule.action { "comes first" } else { "is stronger" };
        let message = format!(
            "this rule can never decide: whenever it fires, so does `{}`{place}, whose {} {wins}",
            other.name, other.action
        );
        let help = "take it out, or say in it what the other rule does not cover";
        findings.warn("never-decides", Some(at), "name", message, help);
    }
}

/// Indices of the rules that never fire, and of those that never decide.
#[cfg(test)]
pub(in crate::policy) fn never(spec: &crate::policy::PolicySpec) -> (Vec<usize>, Vec<usize>) {
    let mut logic = Logic::default();
    let formulas: Vec<RuleFormulas> = spec.rules.iter().map(|rule| RuleFormulas::of(rule, &mut logic)).collect();
    let implied = logic.implied();
    let fires: Vec<_> = formulas.iter().map(|formulas| possible(&formulas.fires, &implied)).collect();
    let never_fires = (0..fires.len()).filter(|at| fires[*at].as_ref().is_some_and(Vec::is_empty)).collect();
    let never_decide = never_decide(&spec.rules, &formulas, &fires, &implied);
    (never_fires, never_decide.into_iter().map(|pair| pair.0).collect())
}

/// A rule, as formulas.
struct RuleFormulas {
    /// `when` and not `unless`.
    fires: Formula,
    /// The contrary, where all that is asked for is known; for rules that fire in several ways.
    fails: Option<Formula>,
    tables: Vec<Table>,
}

/// A condition table, or one test of it, at its path.
struct Table {
    path: String,
    holds: Formula,
    tests: Vec<Alone>,
    inner: Vec<Table>,
}

/// One test of a table by itself.
struct Alone {
    path: String,
    holds: Formula,
    fails: Formula,
}

impl RuleFormulas {
    fn of(rule: &RuleSpec, logic: &mut Logic) -> RuleFormulas {
        let mut tables = vec![Table::of("when", &rule.when, logic)];
        let mut fires = vec![logic.condition(&rule.when, true)];
        let mut fails = vec![logic.condition(&rule.when, false)];
        if let Some(unless) = &rule.unless {
            tables.push(Table::of("unless", unless, logic));
            fires.push(logic.condition(unless, false));
            fails.push(logic.condition(unless, true));
        }
        let fires = Formula::All(fires);
        let fails = fires.chooses().then_some(Formula::One(fails));
        RuleFormulas { fires, fails, tables }
    }
}

impl RuleFormulas {
    /// Whether the rule fires wherever these facts hold. `looks` is how often the contrary may still be looked at.
    fn fires_with(&self, way: &Way<'_>, implied: &Implied, looks: &mut usize) -> bool {
        if way.known.imply(&self.fires) {
            return true;
        }
        let Some(fails) = self.fails.as_ref().filter(|_| *looks > 0) else { return false };
        *looks -= 1;
        way.leaves_no_way(&self.fires, fails, implied)
    }
}

impl Table {
    fn of(path: &str, condition: &Condition, logic: &mut Logic) -> Table {
        let (mut tests, mut inner) = (Vec::new(), Vec::new());
        for test in &condition.tests {
            let path = format!("{path}.{}", test_word(test));
            if *test != Test::Always {
                tests.extend(Alone::of(&path, test, logic));
            }
            match test {
                Test::AnyOf(branches) => {
                    let table = |(at, branch)| Table::of(&format!("{path}[{at}]"), branch, logic);
                    inner.extend(branches.iter().enumerate().map(table));
                }
                Test::Not(condition) => inner.push(Table::of(&path, condition, logic)),
                _ => {}
            }
        }
        Table { path: path.to_owned(), holds: logic.condition(condition, true), tests, inner }
    }

    /// Warns of the outermost table that can never hold, of each test that always does, and of what is inside.
    fn look(&self, findings: &mut Findings<'_>, rule: usize, implied: &Implied) {
        if possible(&self.holds, implied).is_some_and(|ways| ways.is_empty()) {
            let message = format!("`{}` can never hold", self.path);
            return findings.warn(
                "never-holds",
                Some(rule),
                &self.path,
                message,
                "what it asks for contradicts itself",
            );
        }
        for Alone { path, .. } in self.tests.iter().filter(|test| test.always_holds(implied)) {
            let message = format!("`{path}` always holds");
            findings.warn("always-holds", Some(rule), path, message, "take it out, or ask for more");
        }
        self.inner.iter().for_each(|table| table.look(findings, rule, implied));
    }
}

impl Alone {
    /// A test, and a part of it that asks for nothing beside others that ask for something.
    fn of(path: &str, test: &Test, logic: &mut Logic) -> Vec<Alone> {
        let mut alone = |path: String, test: Test| {
            let condition = Condition { tests: vec![test] };
            let (holds, fails) = (logic.condition(&condition, true), logic.condition(&condition, false));
            Alone { path, holds, fails }
        };
        let mut all = vec![alone(path.to_owned(), test.clone())];
        if let Test::Reason(text) | Test::Nickname(text) = test
            && text.min_chars == Some(0)
            && *text != (TextTest { min_chars: Some(0), ..TextTest::default() })
        {
            let part = TextTest { min_chars: Some(0), ..TextTest::default() };
            all.push(alone(format!("{path}.min_chars"), Test::Reason(part)));
        }
        all
    }

    fn always_holds(&self, implied: &Implied) -> bool {
        let anything = Way::of(Vec::new(), implied);
        anything.known.imply(&self.holds)
            || (self.holds.chooses() && anything.leaves_no_way(&self.holds, &self.fails, implied))
    }
}

/// The ways to meet a formula that are possible; none when there are too many to look at.
fn possible<'i>(formula: &Formula, implied: &'i Implied) -> Option<Vec<Way<'i>>> {
    let ways = formula.ways()?;
    Some(ways.into_iter().map(|facts| Way::of(facts, implied)).filter(|way| !way.known.impossible()).collect())
}

/// Live rules behind which another one always stands, each with that other.
fn never_decide(
    rules: &[RuleSpec],
    formulas: &[RuleFormulas],
    fires: &[Option<Vec<Way<'_>>>],
    implied: &Implied,
) -> Vec<(usize, usize)> {
    let index = Index::of(formulas, rules);
    let (mut behind, mut looks) = (Vec::new(), LOOKS_MAX);
    for (at, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.mode.is_live()) {
        let Some(ways) = fires[at].as_ref().filter(|ways| !ways.is_empty()) else { continue };
        let stands_before = |other: &usize| {
            let (before, other) = (*other, &rules[*other]);
            let stronger = strength(other.action) > strength(rule.action);
            let first = other.action == rule.action && before < at;
            (stronger || first) && covers_accounts(other, rule)
        };
        let mut others = index.that_may_follow(&ways[0].known, implied);
        others.retain(stands_before);
        others.sort_unstable();
        others.dedup();
        let mut follows = |other: &usize| ways.iter().all(|way| formulas[*other].fires_with(way, implied, &mut looks));
        behind.extend(others.into_iter().find(|other| follows(other)).map(|other| (at, other)));
    }
    behind
}

fn strength(action: Verdict) -> u8 {
    match action {
        Verdict::Refuse => 2,
        Verdict::Hold => 1,
        Verdict::Agree => 0,
    }
}

fn covers_accounts(one: &RuleSpec, other: &RuleSpec) -> bool {
    match (&one.accounts, &other.accounts) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(other)) => other.iter().all(|name| one.contains(name)),
    }
}

/// Live rules by the keywords of which one must be there or they do not fire, so that not every pair of rules is looked at.
struct Index {
    by_keyword: HashMap<(Field, u32), Vec<usize>>,
    others: Vec<usize>,
}

impl Index {
    fn of(formulas: &[RuleFormulas], rules: &[RuleSpec]) -> Index {
        let mut index = Index { by_keyword: HashMap::new(), others: Vec::new() };
        for (at, formulas) in formulas.iter().enumerate().filter(|(at, _)| rules[*at].mode.is_live()) {
            match needed(&formulas.fires) {
                Some(words) => words.iter().for_each(|word| index.by_keyword.entry(*word).or_default().push(at)),
                None => index.others.push(at),
            }
        }
        index
    }

    /// The rules that may fire wherever these facts hold.
    fn that_may_follow(&self, known: &Known<'_>, implied: &Implied) -> Vec<usize> {
        let mut found = self.others.clone();
        for field in [Field::Reason, Field::Nickname] {
            for word in known.finds(field).iter().flatten() {
                for follows in implied.by(*word) {
                    found.extend(self.by_keyword.get(&(field, *follows)).into_iter().flatten());
                }
            }
        }
        found
    }
}

/// Keywords of which one must be found for the formula to be met; none when it can be met without.
fn needed(formula: &Formula) -> Option<Vec<(Field, u32)>> {
    match formula {
        Formula::Is(Fact::Finds(field, any)) => Some(any.iter().map(|word| (*field, *word)).collect()),
        Formula::Is(_) => None,
        Formula::All(parts) => parts.iter().find_map(needed),
        Formula::One(parts) => Some(parts.iter().map(needed).collect::<Option<Vec<_>>>()?.concat()),
    }
}
