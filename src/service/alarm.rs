//! What the running service makes of brakes and pauses: heard when they change, repeated while acting is stopped.
//!
//! Hides who pulled a brake: another process may, at any moment. Promises one line
//! when something changes, and an error once an hour while `verification` is pulled.

use super::account::Account;
use crate::store::{ActiveBrake, BrakeKind, BrakeScope};
use jiff::Timestamp;
use std::time::{Duration, Instant};

/// How often a pulled brake is told of again.
const REMINDER: Duration = Duration::from_secs(3_600);

/// The brakes as last seen.
#[derive(Debug)]
pub(super) struct Alarm {
    started: Timestamp,
    active: Vec<ActiveBrake>,
    told: Option<Instant>,
}

/// What a look at the brakes asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// Brakes and pauses that are new, and not pulled by a pass of this process, which has said so itself.
    pub(super) pulled: Vec<ActiveBrake>,
    /// Those that are lifted.
    pub(super) lifted: Vec<ActiveBrake>,
    /// The brake `verification` has been pulled for so long that it is told again.
    pub(super) again: Vec<ActiveBrake>,
}

impl Heard {
    /// Nothing changed.
    pub(super) fn is_silence(&self) -> bool {
        *self == Heard::default()
    }
}

impl Alarm {
    /// Nothing seen yet.
    pub(super) fn new(started: Timestamp) -> Alarm {
        Alarm { started, active: Vec::new(), told: None }
    }

    /// Takes in what is active now.
    pub(super) fn hear(&mut self, active: Vec<ActiveBrake>, now: Instant) -> Heard {
        let is_in = |brake: &ActiveBrake, others: &[ActiveBrake]| others.iter().any(|other| other.id == brake.id);
        let fresh: Vec<ActiveBrake> = active.iter().filter(|brake| !is_in(brake, &self.active)).cloned().collect();
        let lifted = self.active.iter().filter(|brake| !is_in(brake, &active)).cloned().collect();
        self.active = active;
        let verification = |brake: &&ActiveBrake| brake.kind == BrakeKind::Verification;
        let again: Vec<ActiveBrake> = match self.told {
            Some(told) if now.duration_since(told) >= REMINDER => {
                self.active.iter().filter(verification).cloned().collect()
            }
            _ => Vec::new(),
        };
        if !again.is_empty() || fresh.iter().any(|brake| verification(&brake)) {
            self.told = Some(now);
        }
        let own = |brake: &ActiveBrake| brake.who == "service" && brake.at >= self.started;
        let pulled = fresh.into_iter().filter(|brake| !own(brake) && !is_in(brake, &again)).collect();
        Heard { pulled, lifted, again }
    }

    /// What is active, as last heard.
    pub(super) fn active(&self) -> &[ActiveBrake] {
        &self.active
    }

    /// For `systemctl status`: what stops acting, the loudest first; `None` = nothing.
    pub(super) fn status(&self, accounts: &[Account]) -> Option<String> {
        let of = |kind| self.active.iter().filter(move |brake| brake.kind == kind);
        if let Some(brake) = of(BrakeKind::Verification).next() {
            let why = brake.why.as_deref().unwrap_or_default();
            return Some(format!("BRAKE verification on {}: {why}", concerned(&brake.scope, accounts)));
        }
        let paused: Vec<String> = of(BrakeKind::Pause).map(|brake| in_words(&brake.scope, accounts)).collect();
        (!paused.is_empty()).then(|| format!("PAUSED {}", paused.join(", ")))
    }
}

/// What a pause holds back, in words: `everything`, `every agree of express`.
pub(super) fn in_words(scope: &BrakeScope, accounts: &[Account]) -> String {
    match (&scope.account, scope.action) {
        (None, None) => "everything".to_owned(),
        (None, Some(action)) => format!("every {}", action.word()),
        (Some(_), None) => format!("account {}", concerned(scope, accounts)),
        (Some(_), Some(action)) => format!("every {} of {}", action.word(), concerned(scope, accounts)),
    }
}

/// Our name for the account.
pub(super) fn concerned<'a>(scope: &BrakeScope, accounts: &'a [Account]) -> &'a str {
    let found = accounts.iter().find(|account| Some(&account.appid) == scope.account.as_ref());
    found.map_or("every account", Account::name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("a plain instant")
    }

    fn brake(id: i64, kind: BrakeKind, who: &str, second: i64) -> ActiveBrake {
        let scope = BrakeScope::default();
        ActiveBrake { id, at: at(second), kind, scope, why: None, who: who.to_owned() }
    }

    /// Seconds since the start, what is active, and the ids that are pulled, lifted and told again.
    type Look<'l> = (u64, &'l [&'l ActiveBrake], [&'l [i64]; 3]);

    fn check(looks: &[Look<'_>]) {
        let (start, mut alarm) = (Instant::now(), Alarm::new(at(0)));
        for (second, active, expected) in looks {
            let active = active.iter().map(|brake| (*brake).clone()).collect();
            let heard = alarm.hear(active, start + Duration::from_secs(*second));
            let ids = [heard.pulled, heard.lifted, heard.again].map(|b| b.iter().map(|b| b.id).collect::<Vec<_>>());
            assert_eq!(ids, expected.map(<[i64]>::to_vec), "second {second}");
        }
    }

    #[test]
    fn a_brake_is_told_when_it_is_pulled_and_once_an_hour() {
        let earlier = brake(1, BrakeKind::Verification, "service", -5);
        let second = brake(2, BrakeKind::Verification, "cli:me", 4_000);
        check(&[
            (0, &[], [&[], &[], &[]]),
            (1, &[&earlier], [&[1], &[], &[]]),
            (2, &[&earlier], [&[], &[], &[]]),
            (3_600, &[&earlier], [&[], &[], &[]]),
            (3_601, &[&earlier], [&[], &[], &[1]]),
            (3_602, &[&earlier], [&[], &[], &[]]),
            (4_000, &[&earlier, &second], [&[2], &[], &[]]),
            (7_300, &[&earlier, &second], [&[], &[], &[]]),
            (7_600, &[&earlier, &second], [&[], &[], &[1, 2]]),
            (7_601, &[&second], [&[], &[1], &[]]),
            (7_602, &[], [&[], &[2], &[]]),
            (20_000, &[], [&[], &[], &[]]),
        ]);
    }

    #[test]
    fn what_a_pass_of_ours_pulled_is_not_told_twice() {
        let ours = brake(1, BrakeKind::Verification, "service", 10);
        check(&[(11, &[&ours], [&[], &[], &[]]), (3_611, &[&ours], [&[], &[], &[1]])]);
    }

    #[test]
    fn the_status_names_the_loudest() {
        let everything = brake(1, BrakeKind::Pause, "cli:me", 1);
        let mut agreeing = brake(2, BrakeKind::Pause, "cli:me", 1);
        agreeing.scope.action = Some(crate::policy::Action::Agree);
        let mut verification = brake(3, BrakeKind::Verification, "service", 1);
        verification.why = Some("it hit another".to_owned());
        let cases = [
            (vec![], None),
            (vec![everything.clone()], Some("PAUSED everything")),
            (vec![everything.clone(), agreeing], Some("PAUSED everything, every agree")),
            (vec![everything, verification], Some("BRAKE verification on every account: it hit another")),
        ];
        for (active, expected) in cases {
            let mut alarm = Alarm::new(at(0));
            alarm.hear(active, Instant::now());
            assert_eq!(alarm.status(&[]).as_deref(), expected);
        }
    }

    #[test]
    fn a_pause_is_told_once() {
        let pause = brake(1, BrakeKind::Pause, "cli:me", 1);
        check(&[(1, &[&pause], [&[1], &[], &[]]), (9_000, &[&pause], [&[], &[], &[]]), (9_001, &[], [&[], &[1], &[]])]);
    }
}
