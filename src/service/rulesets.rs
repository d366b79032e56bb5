//! Compiled rules, each set once: accounts with the same rules share them, and a reload keeps what did not change.

use super::account::{Account, SetupError};
use crate::policy::{PolicySpec, RuleSet};
use std::collections::HashMap;
use std::sync::Arc;

/// The rule sets of a configuration, made when an account first needs them.
pub(super) struct RuleSets<'c> {
    spec: &'c PolicySpec,
    /// By the places of their rules in the configuration.
    made: HashMap<Vec<usize>, Arc<RuleSet>>,
}

impl<'c> RuleSets<'c> {
    /// None made yet.
    pub(super) fn new(spec: &'c PolicySpec) -> RuleSets<'c> {
        RuleSets { spec, made: HashMap::new() }
    }

    /// The rules of an account; those it had before, if they say the same.
    pub(super) fn of(&mut self, account: &str, before: Option<&Account>) -> Result<Arc<RuleSet>, SetupError> {
        let places = self.spec.places_for(account);
        if let Some(made) = self.made.get(&places) {
            return Ok(Arc::clone(made));
        }
        let spec = self.spec.for_account(account);
        let same = before.map(|account| &account.rules).filter(|rules| *rules.spec() == spec);
        let rules = match same {
            Some(rules) => Arc::clone(rules),
            None => RuleSet::compile(spec)
                .map_err(|problems| SetupError::Rules { account: account.to_owned(), problems })?
                .into(),
        };
        self.made.insert(places, Arc::clone(&rules));
        Ok(rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Condition, Lists, RuleMode, RuleSpec, Test, TextTest, Verdict};

    fn rule(number: usize, accounts: Option<&str>) -> RuleSpec {
        let words = (0..5).map(|word| format!("词{number}之{word}")).collect();
        let keywords = Lists { any: Some(words), ..Lists::default() };
        RuleSpec {
            name: format!("rule {number}"),
            action: Verdict::Hold,
            mode: RuleMode::Live,
            message: None,
            accounts: accounts.map(|name| vec![name.to_owned()]),
            note: None,
            limit: None,
            when: Condition { tests: vec![Test::Reason(TextTest { keywords, ..TextTest::default() })] },
            unless: None,
            place: None,
        }
    }

    fn policy(rules: Vec<RuleSpec>) -> PolicySpec {
        PolicySpec { rules, default: Verdict::Hold, default_message: None, message_max_chars: 200 }
    }

    #[test]
    fn thousands_of_accounts_with_the_same_rules_share_one_automaton() {
        let mut rules: Vec<RuleSpec> = (0..1_000).map(|number| rule(number, None)).collect();
        rules.push(rule(1_000, Some("shop-7")));
        let spec = policy(rules);
        let mut sets = RuleSets::new(&spec);
        let of = |sets: &mut RuleSets<'_>, account: usize| {
            sets.of(&format!("shop-{account}"), None).unwrap_or_else(|error| panic!("{error}"))
        };
        let first = of(&mut sets, 0);
        let apart: Vec<usize> = (0..2_000).filter(|account| !Arc::ptr_eq(&first, &of(&mut sets, *account))).collect();
        assert_eq!(apart, [7], "the one with a rule of its own");
        assert_eq!((sets.made.len(), first.spec().rules.len()), (2, 1_000));
        assert_eq!(of(&mut sets, 7).spec().rules.len(), 1_001);
    }
}
