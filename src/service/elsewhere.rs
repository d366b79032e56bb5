//! Decisions made without us: by people in WeChat's console, or by the end of the window.
//!
//! An application we know and have not decided that the list shows decided gets a row of its own, once:
//! so the log tells how it ended, and the rules know it as an earlier one. What a call of ours explains
//! is no such thing; an application that is merely gone was not decided by anybody.

use super::pass::Pass;
use super::settle::LOOKED_AFTER;
use crate::policy::{Action, Application, Identity, Outcome, Status, Why};
use crate::store::{NewDecision, NewElsewhere, Open, RecordedVerdict, StoreError};
use crate::wechat::Listing;
use jiff::Timestamp;

/// Who decided, as the log says it.
pub(super) const ELSEWHERE: &str = "elsewhere";
/// Rows written in one transaction.
const ROWS_A_TRANSACTION: usize = 256;

impl Pass<'_> {
    /// Records what was decided without us. A list with gaps tells it as well: a status only moves forward.
    pub(super) async fn note_elsewhere(&mut self, listing: &Listing) -> Result<(), StoreError> {
        let since = self.report.started.checked_sub(LOOKED_AFTER).unwrap_or(Timestamp::MIN);
        let (account, site) = (self.account.appid.clone(), self.account.site.clone());
        // Without a create_time, what has ended may be another one than what the log knows.
        let unclear = listing.ended();
        let has_ended = |identity: &Identity| listing.others.contains(identity) && !unclear.contains(identity);
        let open = self.store.open_but_ended(&account, &site, since, has_ended).await?;
        // A call of ours may be what did it, whatever a later row says: that is settled by a complete list.
        let as_asked = |open: &Open| match listing.others.get(&open.identity) {
            Some(Status::Approved) => self.unsettled.contains(&(open.identity.clone(), Action::Agree)),
            Some(Status::Refused) => self.unsettled.contains(&(open.identity.clone(), Action::Refuse)),
            _ => false,
        };
        let may_be_ours = |open: &Open| open.outcome == Outcome::Failed && self.ours.contains(&open.identity);
        let in_doubt = |open: &Open| may_be_ours(open) || as_asked(open);
        let told = open.into_iter().filter(|open| !in_doubt(open));
        let ended: Vec<(Open, Ending)> = told
            .filter_map(|open| {
                let ending = ending(&open, listing.others.get(&open.identity)?)?;
                Some((open, ending))
            })
            .collect();
        for chunk in ended.chunks(ROWS_A_TRANSACTION) {
            let ids: Vec<i64> = chunk.iter().map(|(open, _)| open.id).collect();
            let mut known = self.store.as_decided(&ids).await?;
            let found = chunk.iter().filter_map(|(open, ending)| {
                let application = known.remove(&open.id)?;
                Some(self.elsewhere(open, *ending, application))
            });
            self.store.found_elsewhere(&found.collect::<Vec<_>>()).await?;
            for (_, ending) in chunk {
                match ending {
                    Ending::TimedOut => self.report.timed_out += 1,
                    Ending::Approved | Ending::Refused => self.report.count_elsewhere(ending.verdict()),
                }
            }
            self.watch.beat();
        }
        Ok(())
    }

    fn elsewhere(&self, open: &Open, ending: Ending, application: Application) -> NewElsewhere {
        let (account, at) = (self.account, self.report.started);
        let decision = NewDecision {
            at,
            day: account.day(at),
            account: account.name.clone(),
            account_appid: account.appid.clone(),
            base_url: account.site.clone(),
            application,
            verdict: ending.verdict(),
            rule: None,
            message: None,
            mode: open.mode,
            actor: ELSEWHERE.to_owned(),
            brake: None,
            unknown: Vec::new(),
            why: Why { sentence: ending.sentence().to_owned(), rules: Vec::new() },
            pass: self.report.pass.clone(),
            ruleset: String::new(),
            outcome: ending.outcome(),
        };
        NewElsewhere { decision, after: open.id, note: note(open, ending) }
    }
}

/// How an application ended without us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Approved,
    Refused,
    TimedOut,
}

impl Ending {
    fn verdict(self) -> RecordedVerdict {
        match self {
            Ending::Approved => RecordedVerdict::Agree,
            Ending::Refused => RecordedVerdict::Refuse,
            // Nobody decided.
            Ending::TimedOut => RecordedVerdict::Hold,
        }
    }

    fn outcome(self) -> Outcome {
        match self {
            Ending::Approved | Ending::Refused => Outcome::Done,
            Ending::TimedOut => Outcome::Overtaken,
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Ending::Approved => "agree: the list shows it approved, and menshen did not do it",
            Ending::Refused => "refuse: the list shows it refused, and menshen did not do it",
            Ending::TimedOut => "hold: WeChat timed it out before anybody had decided it",
        }
    }
}

/// What the list tells that the log does not.
fn ending(open: &Open, status: Status) -> Option<Ending> {
    match (status, open.outcome) {
        (Status::Approved, _) => Some(Ending::Approved),
        (Status::Refused, _) => Some(Ending::Refused),
        // Its row says already that it ended before our call.
        (Status::TimedOut, Outcome::Overtaken) => None,
        (Status::TimedOut, _) => Some(Ending::TimedOut),
        (Status::Pending | Status::Other(_), _) => None,
    }
}

/// What became of it, and how it had stood with us.
fn note(open: &Open, ending: Ending) -> String {
    let how = match ending {
        Ending::Approved => "approved",
        Ending::Refused => "refused",
        Ending::TimedOut => "timed out",
    };
    let before = match open.outcome {
        Outcome::Held => return how.to_owned(),
        Outcome::Shadow => format!("decided in shadow mode: {}", open.verdict),
        Outcome::Overtaken => format!("decided elsewhere before our call to {}", open.verdict),
        _ => format!("tried without success: {}", open.verdict),
    };
    format!("{how}; {before}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{AppId, CreateTime, Mode};

    #[test]
    fn what_the_list_tells_that_the_log_does_not() {
        use Outcome::{Failed, Held, Overtaken, Shadow};
        let cases = [
            (Held, 2, Some("agree done approved")),
            (Held, 3, Some("refuse done refused")),
            (Held, 4, Some("hold overtaken timed out")),
            (Held, 1, None),
            (Held, 9, None),
            (Shadow, 2, Some("agree done approved; decided in shadow mode: agree")),
            (Shadow, 4, Some("hold overtaken timed out; decided in shadow mode: agree")),
            (Failed, 3, Some("refuse done refused; tried without success: agree")),
            (Failed, 4, Some("hold overtaken timed out; tried without success: agree")),
            (Overtaken, 3, Some("refuse done refused; decided elsewhere before our call to agree")),
            (Overtaken, 4, None),
        ];
        for (outcome, code, expected) in cases {
            let identity = Identity { appid: AppId::new("wx"), create_time: CreateTime::ABSENT };
            let open = Open { identity, id: 1, verdict: RecordedVerdict::Agree, mode: Mode::Live, outcome };
            let found = ending(&open, Status::from_code(code));
            let found = found.map(|end| format!("{} {} {}", end.verdict(), end.outcome(), note(&open, end)));
            assert_eq!(found.as_deref(), expected, "{outcome} {code}");
        }
    }
}
