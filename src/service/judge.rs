//! Does WeChat agree? Compares a reading of the list with what was asked for.
//!
//! The comparison is pure and lives here; when to read again, and what to do
//! about a mismatch, is `verify`'s. Absence means something only in a complete list,
//! so [`judge`] must be given one.

use super::before::Before;
use crate::policy::{Action, Fate, Identity, Status};
use crate::wechat::{Listing, Others};
use std::collections::HashSet;

/// One change that was or may have been sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its row.
    pub(crate) decision: i64,
    /// Whose application.
    pub(crate) identity: Identity,
    /// What was asked for.
    pub(crate) action: Action,
    /// What came back.
    pub(crate) fate: Fate,
}

/// What a complete list says about one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It stands where we wanted it.
    Confirmed,
    /// It waits as before.
    StillPending,
    /// It stands elsewhere, or is gone.
    Elsewhere,
    /// It is not to be seen, but an entry that cannot be read, or has lost its create_time, may be it.
    Unseen,
}

/// What a complete list says about all targets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// One finding per target, in their order.
    pub(crate) findings: Vec<Finding>,
    /// Applications that newly have a status we asked for, though not for them.
    pub(crate) strangers: Vec<(Identity, Action)>,
}

impl Judgement {
    /// Further readings would tell nothing more about what was asked for.
    pub(crate) fn is_settled(&self, targets: &[Target]) -> bool {
        self.pairs(targets).all(|(target, finding)| match target.fate {
            Fate::Accepted => finding == Finding::Confirmed,
            Fate::Lost | Fate::Rejected => matches!(finding, Finding::Confirmed | Finding::Elsewhere),
            Fate::Unsent => true,
        })
    }

    /// WeChat did something else than it was asked for.
    pub(crate) fn is_mismatch(&self, targets: &[Target]) -> bool {
        !self.strangers.is_empty() || self.mismatched(targets).next().is_some()
    }

    /// Targets whose change WeChat accepted and the list does not show. One that an unreadable entry may hide is none.
    pub(crate) fn mismatched<'a>(&'a self, targets: &'a [Target]) -> impl Iterator<Item = &'a Target> {
        let denied = |finding| matches!(finding, Finding::StillPending | Finding::Elsewhere);
        self.pairs(targets)
            .filter(move |(target, finding)| target.fate == Fate::Accepted && denied(*finding))
            .map(|(target, _)| target)
    }

    /// A status only moves forward: what an earlier reading showed to have changed has changed, whatever a later one
    /// shows that missed an entry, or lags.
    pub(crate) fn remember(&mut self, earlier: &Judgement, targets: &[Target]) {
        for ((finding, before), target) in self.findings.iter_mut().zip(&earlier.findings).zip(targets) {
            // What is deleted is confirmed by its absence, which a reading that missed it shows as well.
            if *before == Finding::Confirmed && target.action != Action::Delete {
                *finding = Finding::Confirmed;
            }
        }
        for stranger in &earlier.strangers {
            if !self.strangers.contains(stranger) {
                self.strangers.push(stranger.clone());
            }
        }
    }

    /// Every target with its finding.
    pub(crate) fn pairs<'a>(&'a self, targets: &'a [Target]) -> impl Iterator<Item = (&'a Target, Finding)> {
        targets.iter().zip(self.findings.iter().copied())
    }
}

/// Where an application stands in a reading; `None` = not in it.
pub(crate) fn stands(listing: &Listing, pending: &HashSet<Identity>, identity: &Identity) -> Option<Status> {
    if pending.contains(identity) { Some(Status::Pending) } else { listing.others.get(identity) }
}

/// It is not in this reading: moved to a page that was read before, or on an entry nobody could read, or gone.
pub(crate) fn is_missing(listing: &Listing, identity: &Identity) -> bool {
    !listing.others.contains(identity) && !listing.pending.iter().any(|application| application.identity() == *identity)
}

/// The finding for one change.
pub(crate) fn finding(action: Action, stands: Option<Status>) -> Finding {
    match (action, stands) {
        (Action::Delete, None) => Finding::Confirmed,
        (_, Some(status)) if Some(status) == wanted(action) => Finding::Confirmed,
        (_, Some(Status::Pending)) => Finding::StillPending,
        (Action::Delete, Some(_)) => Finding::StillPending,
        _ => Finding::Elsewhere,
    }
}

/// Without a create_time, one that is pending may be another application than the one that is shown to have ended as
/// the action would have it.
pub(crate) fn has_ended_beside(others: &Others, action: Action, identity: &Identity) -> bool {
    let ended = others.get(identity).filter(|_| identity.create_time.text().is_none());
    ended.is_some() && ended == wanted(action)
}

/// The status a change leads to; a deletion leads to none.
pub(crate) fn wanted(action: Action) -> Option<Status> {
    match action {
        Action::Agree => Some(Status::Approved),
        Action::Refuse => Some(Status::Refused),
        Action::Delete => None,
    }
}

/// Compares a complete list with what was asked for.
pub(crate) fn judge(before: &Before, after: &Listing, targets: &[Target]) -> Judgement {
    let pending: HashSet<Identity> = after.pending.iter().map(|application| application.identity()).collect();
    let hides = before.is_hidden_by(&after.nameless());
    let found = |target: &Target| match stands(after, &pending, &target.identity) {
        None if hides || after.garbles(&target.identity.appid) => Finding::Unseen,
        None if before.may_be_another(&target.identity, &after.others, &pending) => Finding::Unseen,
        _ if before.may_have_reapplied(target, &after.others, &pending) => Finding::Confirmed,
        stands => finding(target.action, stands),
    };
    Judgement { findings: targets.iter().map(found).collect(), strangers: strangers(before, after, targets) }
}

/// Who newly has a status that was asked for in between, though not for him.
///
/// One that stood so in the reading before, or has a status nobody was given by us, was decided by a person or by time.
/// A call that WeChat rejected did nothing; one whose answer was lost may have hit anybody.
fn strangers(before: &Before, after: &Listing, targets: &[Target]) -> Vec<(Identity, Action)> {
    let asked: HashSet<(&Identity, Action)> = targets.iter().map(|target| (&target.identity, target.action)).collect();
    let may_have_acted = |fate| matches!(fate, Fate::Accepted | Fate::Lost);
    let sent = |action| targets.iter().any(|target| target.action == action && may_have_acted(target.fate));
    let suspects: Vec<(Action, Status)> = [Action::Agree, Action::Refuse]
        .into_iter()
        .filter(|action| sent(*action))
        .filter_map(|action| wanted(action).map(|status| (action, status)))
        .collect();
    let newly = |identity: &Identity, status: Status| {
        before.knew(identity).is_some_and(|known| known != status) && !before.expects(identity)
    };
    let mut strangers = Vec::new();
    for (identity, status) in after.others.iter() {
        let suspect = suspects.iter().find(|(_, wanted)| *wanted == status);
        if let Some((action, _)) = suspect
            && newly(&identity, status)
            && !asked.contains(&(&identity, *action))
        {
            strangers.push((identity, *action));
        }
    }
    strangers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{AppId, Application, CreateTime};
    use crate::wechat::Unreadable;

    fn identity(appid: &str) -> Identity {
        Identity { appid: AppId::new(appid), create_time: CreateTime::ABSENT }
    }

    fn application(appid: &str) -> Application {
        Application {
            appid: AppId::new(appid),
            create_time: CreateTime::ABSENT,
            nickname: String::new(),
            reason: String::new(),
            categories: Vec::new(),
            headimgurl: None,
            apply_url: None,
            malformed: Vec::new(),
        }
    }

    /// `"a1 b2"`: a is pending, b is approved; `?7`: an entry that cannot be read; `c?`: one of c's that cannot.
    fn listing(text: &str) -> Listing {
        let mut listing = Listing::default();
        for entry in text.split_whitespace() {
            let (appid, status) = entry.split_at(1);
            if appid == "?" || status == "?" {
                let mark = u64::from(entry.as_bytes()[1]);
                let appid = (appid != "?").then(|| AppId::new(appid));
                listing.unreadable.push(Unreadable { page: 1, position: 1, problem: String::new(), appid, mark });
                continue;
            }
            match Status::from_code(status.parse().expect("a status")) {
                Status::Pending => listing.pending.push(application(appid)),
                status => drop(listing.others.insert(identity(appid), status)),
            }
        }
        listing
    }

    fn target(action: Action, fate: Fate) -> Target {
        Target { decision: 1, identity: identity("t"), action, fate }
    }

    #[test]
    fn what_a_list_says_about_a_change() {
        use Finding::*;
        let cases = [
            (Action::Agree, "t2", Confirmed),
            (Action::Agree, "t1", StillPending),
            (Action::Agree, "t3", Elsewhere),
            (Action::Agree, "t4", Elsewhere),
            (Action::Agree, "t9", Elsewhere),
            (Action::Agree, "", Elsewhere),
            (Action::Refuse, "t3", Confirmed),
            (Action::Refuse, "t2", Elsewhere),
            (Action::Refuse, "t1", StillPending),
            (Action::Delete, "", Confirmed),
            (Action::Delete, "t3", StillPending),
        ];
        for (action, after, expected) in cases {
            let mut before = Before::default();
            before.renew(listing("t1"));
            let judgement = judge(&before, &listing(after), &[target(action, Fate::Accepted)]);
            assert_eq!(judgement.findings, [expected], "{action:?} {after:?}");
            let settled = judgement.is_settled(&[target(action, Fate::Accepted)]);
            assert_eq!(settled, expected == Confirmed, "{action:?} {after:?}");
        }
    }

    #[test]
    fn an_entry_that_cannot_be_read_may_be_the_one_that_is_missing() {
        use Finding::*;
        let cases = [
            ("t1", "?7", Unseen),
            ("t1", "t?", Unseen),
            ("t1", "o?", Elsewhere),
            // It was there when the target could be read.
            ("t1 ?7", "?7", Elsewhere),
            ("t1 ?7", "?7 ?8", Unseen),
            ("t1 ?7", "?8", Unseen),
            ("t1", "t2 ?7", Confirmed),
            ("t1", "t1 ?7", StillPending),
        ];
        for (earlier, after, expected) in cases {
            let mut before = Before::default();
            before.renew(listing(earlier));
            let targets = [target(Action::Agree, Fate::Accepted)];
            let judgement = judge(&before, &listing(after), &targets);
            assert_eq!(judgement.findings, [expected], "{earlier} → {after}");
            let mismatch = matches!(expected, StillPending | Elsewhere);
            assert_eq!(judgement.is_mismatch(&targets), mismatch, "{earlier} → {after}");
        }
        let mut before = Before::default();
        before.renew(listing("t3"));
        let judgement = judge(&before, &listing("?7"), &[target(Action::Delete, Fate::Accepted)]);
        assert_eq!(judgement.findings, [Unseen], "an unreadable entry is no proof of a deletion");
    }

    #[test]
    fn a_list_that_shows_now_this_and_now_that() {
        // Readings after the refusal of t, and whether they amount to a mismatch.
        let cases: [(&[&str], bool); 6] = [
            (&["t1 o1", "t3 o1", "t1 o1"], false),
            (&["t3 o1", "t1 o1"], false),
            (&["t1 o1", "t1 o1"], true),
            (&["t3 o3", "t3 o1"], true),
            (&["t1 o1", "t1 o3", "t3 o1"], true),
            (&["t3 o2", "t3 o4"], false),
        ];
        for (readings, mismatch) in cases {
            let mut before = Before::default();
            before.renew(listing("t1 o1"));
            let targets = [target(Action::Refuse, Fate::Accepted)];
            let mut last = Judgement::default();
            for (index, reading) in readings.iter().enumerate() {
                let mut judgement = judge(&before, &listing(reading), &targets);
                if index > 0 {
                    judgement.remember(&last, &targets);
                }
                last = judgement;
            }
            assert_eq!(last.is_mismatch(&targets), mismatch, "{readings:?}");
        }
    }

    #[test]
    fn who_is_a_stranger() {
        let cases = [
            // Another pending one newly has the status we asked for.
            (Action::Refuse, Fate::Accepted, "t1 o1", "t3 o3", 1),
            (Action::Refuse, Fate::Accepted, "t1 o1 p1", "t1 o3 p3", 2),
            // One that was approved is refused.
            (Action::Refuse, Fate::Accepted, "t1 o2", "t3 o3", 1),
            // Another status than we asked for: a person, or time.
            (Action::Refuse, Fate::Accepted, "t1 o1 p1", "t3 o2 p4", 0),
            // It had that status before, or was not there.
            (Action::Refuse, Fate::Accepted, "t1 o3", "t3 o3", 0),
            (Action::Refuse, Fate::Accepted, "t1", "t3 o3", 0),
            // What WeChat answered is not known: the call may have hit another.
            (Action::Refuse, Fate::Lost, "t1 o1", "t1 o3", 1),
            (Action::Agree, Fate::Lost, "t1 o1", "t2 o4", 0),
            // WeChat said that it did nothing.
            (Action::Agree, Fate::Rejected, "t1 o1", "t1 o2", 0),
            // One that is gone, and one that came.
            (Action::Agree, Fate::Accepted, "t1 o1", "t2 n1", 0),
        ];
        for (action, fate, earlier, after, strangers) in cases {
            let mut before = Before::default();
            before.renew(listing(earlier));
            let judgement = judge(&before, &listing(after), &[target(action, fate)]);
            assert_eq!(judgement.strangers.len(), strangers, "{action:?} {fate:?} {earlier} → {after}");
        }
    }

    #[test]
    fn what_a_later_reading_makes_unclear_is_not_changed() {
        // The same applicant once more: pending, ended, or on an entry that cannot be read.
        for (later, expected) in
            [("t1 o1", true), ("t1 o?", true), ("t1 t1", false), ("t1 t3", false), ("t1 t?", false)]
        {
            let mut before = Before::default();
            before.renew(listing("t1 o1"));
            before.renew(listing(later));
            assert_eq!(before.may_be_changed(Action::Agree, &identity("t")), expected, "{later}");
        }
    }

    #[test]
    fn what_an_earlier_lost_call_may_yet_move_is_no_stranger() {
        let mut before = Before::new(HashSet::new(), Others::default(), HashSet::from([identity("o")]), HashSet::new());
        before.renew(listing("t1 o1"));
        let judgement = judge(&before, &listing("t2 o2"), &[target(Action::Agree, Fate::Accepted)]);
        assert_eq!(judgement.strangers, []);
    }
}
