//! How every account fares, by its last pass.
//!
//! Pure. Holds names from the configuration, what was being done and errcodes;
//! never a message, which may be long.

use super::report::PassReport;
use std::collections::BTreeMap;

/// Accounts in trouble that a status names; the rest is counted.
const NAMED: usize = 5;

/// The accounts in trouble, by name.
#[derive(Debug, Default)]
pub(super) struct Standings {
    troubled: BTreeMap<String, String>,
}

/// What a report changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// As before.
    Same,
    /// It was well until now.
    Worse,
    /// It was in trouble until now.
    Mended,
}

impl Standings {
    /// Takes in a report. One that was stopped on the way says nothing.
    pub(super) fn hear(&mut self, report: &PassReport) -> Turn {
        if report.went_wrong() {
            let before = self.troubled.insert(report.account.clone(), trouble(report));
            return if before.is_none() { Turn::Worse } else { Turn::Same };
        }
        match !report.stopped && self.troubled.remove(&report.account).is_some() {
            true => Turn::Mended,
            false => Turn::Same,
        }
    }

    /// Forgets those that are gone.
    pub(super) fn retain(&mut self, is_there: impl Fn(&str) -> bool) {
        self.troubled.retain(|name, _| is_there(name));
    }

    /// For `systemctl status`: `2 in trouble: north (list: errcode 45009), south (list)`; `None` = nobody.
    pub(super) fn words(&self) -> Option<String> {
        let named: Vec<String> =
            self.troubled.iter().take(NAMED).map(|(name, trouble)| format!("{name} ({trouble})")).collect();
        let more = match self.troubled.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!named.is_empty()).then(|| format!("{} in trouble: {}{more}", self.troubled.len(), named.join(", ")))
    }
}

fn trouble(report: &PassReport) -> String {
    let Some(first) = report.troubles.first() else {
        return match (&report.brake, report.failed) {
            (Some(_), _) => "brake verification".to_owned(),
            (None, 0) => format!("{} unreadable", report.unreadable),
            (None, failed) => format!("{failed} failed"),
        };
    };
    match first.errcode {
        Some(errcode) => format!("{}: errcode {errcode}", first.during),
        None => first.during.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Trouble;
    use super::*;

    fn report(account: &str, trouble: Option<(&'static str, Option<i64>)>) -> PassReport {
        let troubles =
            trouble.map(|(during, errcode)| Trouble { during, message: "long words".to_owned(), errcode, rid: None });
        PassReport { account: account.to_owned(), troubles: troubles.into_iter().collect(), ..PassReport::default() }
    }

    #[test]
    fn who_is_in_trouble_is_named_until_it_is_mended() {
        let mut standings = Standings::default();
        let looks = [
            (report("a", None), Turn::Same, None),
            (report("b", Some(("list", Some(45009)))), Turn::Worse, Some("1 in trouble: b (list: errcode 45009)")),
            (report("b", Some(("list", None))), Turn::Same, Some("1 in trouble: b (list)")),
            (
                PassReport { unreadable: 3, ..report("a", None) },
                Turn::Worse,
                Some("2 in trouble: a (3 unreadable), b (list)"),
            ),
            (
                PassReport { stopped: true, ..report("b", None) },
                Turn::Same,
                Some("2 in trouble: a (3 unreadable), b (list)"),
            ),
            (report("b", None), Turn::Mended, Some("1 in trouble: a (3 unreadable)")),
            (PassReport { failed: 2, ..report("a", None) }, Turn::Same, Some("1 in trouble: a (2 failed)")),
            (report("a", None), Turn::Mended, None),
        ];
        for (report, turn, words) in looks {
            assert_eq!(standings.hear(&report), turn, "{report:?}");
            assert_eq!(standings.words().as_deref(), words);
        }
    }

    #[test]
    fn many_are_counted_and_who_is_gone_is_forgotten() {
        let mut standings = Standings::default();
        for number in 0..7 {
            standings.hear(&report(&format!("shop-{number}"), Some(("account", None))));
        }
        let words = standings.words().unwrap_or_default();
        assert!(words.starts_with("7 in trouble: shop-0 (account), ") && words.ends_with(" and 2 more"), "{words}");
        standings.retain(|name| name == "shop-6");
        assert_eq!(standings.words().as_deref(), Some("1 in trouble: shop-6 (account)"));
    }
}
