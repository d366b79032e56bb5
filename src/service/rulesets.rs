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
