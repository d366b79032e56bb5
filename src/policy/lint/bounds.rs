//! Rules that let in more than they may be meant to: what bounds an agreement, what `unless` says.

use super::Findings;
use crate::policy::{Condition, Test, Verdict, category::Entry};

pub(super) fn look(findings: &mut Findings<'_>) {
    let policy = findings.policy;
    if policy.spec.default == Verdict::Agree {
        let message = "every application that no rule stops is agreed to".to_owned();
        findings.warn("default-agree", None, "default", message, "`default = \"hold\"` leaves them to a person");
    }
    for (index, rule) in policy.spec.rules.iter().enumerate() {
        if rule.action == Verdict::Agree && !bounds(&rule.when) {
            let message = "this rule agrees whatever the category, the reason and the appid are".to_owned();
            let help = "name at least the categories or the appids that may come in";
            findings.warn("unbounded-agree", Some(index), "when", message, help);
        }
        if let Some(unless) = rule.unless.as_ref().filter(|unless| unless.tests.len() > 1) {
            let message = format!("this exception counts only where all {} tests of it hold", unless.tests.len());
            let help = "if one is to be enough, write unless = { any_of = [{ … }, { … }] }";
            findings.warn("unless-and", Some(index), "unless", message, help);
        }
    }
    for list in policy.lists.iter().filter(|list| !list.used) {
        let message = format!("no rule uses the list `{}`", list.name);
        let help = format!("use it as \"@{}\" in a rule, or take it out", list.name);
        findings.warn_at("unused-list", list.spot, message, &help);
    }
}

/// Whether every way to meet the condition says something about category, reason or appid.
fn bounds(condition: &Condition) -> bool {
    condition.tests.iter().any(|test| match test {
        Test::Category(lists) => {
            lists.none.is_some() || [&lists.any, &lists.all].into_iter().flatten().any(|list| names(list))
        }
        Test::Reason(_) | Test::Appid(_) => true,
        Test::AnyOf(branches) => branches.iter().all(bounds),
        Test::Not(inner) => inner.tests.iter().all(|test| bounds(&Condition { tests: vec![test.clone()] })),
        Test::Always | Test::Nickname(_) | Test::Age(_) | Test::Previous(_) => false,
    })
}

/// Whether a list of categories names any; `*` stands for all of them.
fn names(list: &[String]) -> bool {
    let all = |written: &String| Entry::read(written).is_some_and(|entry| entry.parts() == (None, None));
    !list.iter().any(all)
}
