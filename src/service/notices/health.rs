//! Which accounts cannot be worked, by what their passes report.
//!
//! Kept in memory: after a restart the first passes tell. What is told, and that it is over, goes by the log.

use crate::service::report::PassReport;
use crate::wechat::{self, Class};
use std::collections::BTreeMap;

/// So many passes in a row without a complete one are told of.
const INCOMPLETE_PASSES: u32 = 3;
/// What is told of.
pub(super) const PROBLEMS: [&str; 4] = ["token", "permission", "quota", "passes"];

/// The accounts, as far as passes have told.
#[derive(Debug, Default)]
pub(super) struct Health {
    accounts: BTreeMap<String, Account>,
}

#[derive(Debug, Default)]
struct Account {
    /// Ticks since the last complete pass.
    ticks: u32,
    /// A pass has ended since the start.
    heard: bool,
    /// What its last pass could not do, and WeChat's errcode.
    problem: Option<(&'static str, i64)>,
}

impl Health {
    /// A pass is due.
    pub(super) fn tick(&mut self, account: &str) {
        let account = self.accounts.entry(account.to_owned()).or_default();
        account.ticks = account.ticks.saturating_add(1);
    }

    /// A pass ended.
    pub(super) fn hear(&mut self, report: &PassReport) {
        if report.stopped {
            return;
        }
        let account = self.accounts.entry(report.account.clone()).or_default();
        account.heard = true;
        account.problem = report.troubles.iter().filter_map(|trouble| trouble.errcode).find_map(problem);
        let lost = ["list", "pass", "read the log", "account"];
        if !report.troubles.iter().any(|trouble| lost.contains(&trouble.during)) {
            account.ticks = 0;
        }
    }

    /// How an account stands with a problem: WeChat's errcode if it has it; `None` = it is not known.
    pub(super) fn stands(&self, account: &str, problem: &str) -> Option<Standing> {
        let account = self.accounts.get(account)?;
        if problem == "passes" {
            // A running pass is one that is due and did not end: it alone is no reason.
            return match account.ticks {
                0 => Some(Standing::Well),
                ticks if ticks > INCOMPLETE_PASSES => Some(Standing::Fails(None)),
                ticks if ticks == INCOMPLETE_PASSES && account.heard => Some(Standing::Fails(None)),
                _ => None,
            };
        }
        match account.problem {
            Some((found, errcode)) if found == problem => Some(Standing::Fails(Some(errcode))),
            _ if account.heard => Some(Standing::Well),
            _ => None,
        }
    }

    /// The accounts that are known.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &str> {
        self.accounts.keys().map(String::as_str)
    }
}

/// How an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Well,
    Fails(Option<i64>),
}

/// What an errcode keeps from being done at all; `None` = it is about one application, or passes by itself.
fn problem(errcode: i64) -> Option<(&'static str, i64)> {
    let class = wechat::explain(errcode)?.class;
    match (errcode, class) {
        // A call too many in a minute passes by itself.
        (45011, _) => None,
        (_, Class::Pause) => Some(("quota", errcode)),
        (40013 | 40125 | 41002 | 41004 | 42007, _) | (_, Class::Refresh) => Some(("token", errcode)),
        // About one applicant or plugin.
        (89236 | 89238 | 89239 | 89245, _) => None,
        (_, Class::Human) => Some(("permission", errcode)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::report::Trouble;

    fn report(errcode: Option<i64>) -> PassReport {
        let trouble = |code| Trouble { during: "list", message: String::new(), errcode: Some(code), rid: None };
        PassReport {
            account: "a".into(),
            troubles: errcode.into_iter().map(trouble).collect(),
            ..PassReport::default()
        }
    }

    #[test]
    fn errcodes_and_silence() {
        for (errcode, expected) in [
            (40001, Some("token")),
            (40125, Some("token")),
            (40164, Some("permission")),
            (48001, Some("permission")),
            (45009, Some("quota")),
            (45011, None),
            (-1, None),
            (89238, None),
            (123_456, None),
        ] {
            assert_eq!(problem(errcode).map(|(word, _)| word), expected, "{errcode}");
        }
        let mut health = Health::default();
        assert_eq!(health.stands("a", "token"), None, "nothing was heard yet");
        for _ in 0..2 {
            health.tick("a");
            health.hear(&report(Some(-1)));
        }
        assert_eq!(health.stands("a", "passes"), None);
        health.tick("a");
        assert_eq!(health.stands("a", "passes"), Some(Standing::Fails(None)));
        health.hear(&report(None));
        assert_eq!(health.stands("a", "passes"), Some(Standing::Well));
        health.hear(&report(Some(45009)));
        assert_eq!(health.stands("a", "quota"), Some(Standing::Fails(Some(45009))));
        assert_eq!(health.stands("a", "token"), Some(Standing::Well));
    }
}
