//! Does WeChat agree? Compares a reading of the list with what was asked for.
//!
//! The comparison is pure and lives here; when to read again, and what to do
//! about a mismatch, is `verify`'s. Absence means something only in a complete list,
//! so [`judge`] must be given one.

use crate::policy::{Action, AppId, Fate, Identity, Status};
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
    /// Nothing contradicts what WeChat answered, and nothing is left open.
    pub(crate) fn is_settled(&self, targets: &[Target]) -> bool {
        self.strangers.is_empty()
            && self.pairs(targets).all(|(target, finding)| match target.fate {
                Fate::Accepted => finding == Finding::Confirmed,
                Fate::Lost | Fate::Rejected => finding != Finding::StillPending,
                Fate::Unsent => true,
            })
    }

    /// Targets whose change WeChat accepted and the list does not show.
    pub(crate) fn mismatched<'a>(&'a self, targets: &'a [Target]) -> impl Iterator<Item = &'a Target> {
        self.pairs(targets)
            .filter(|(target, finding)| target.fate == Fate::Accepted && *finding != Finding::Confirmed)
            .map(|(target, _)| target)
    }

    /// What an earlier reading confirmed stays confirmed: a later one may have missed an entry that moved.
    pub(crate) fn remember(&mut self, earlier: &Judgement, targets: &[Target]) {
        for ((finding, before), target) in self.findings.iter_mut().zip(&earlier.findings).zip(targets) {
            // What is deleted is confirmed by its absence, which a reading that missed it shows as well.
            if *before == Finding::Confirmed && target.action != Action::Delete {
                *finding = Finding::Confirmed;
            }
        }
    }

    /// Every target with its finding.
    pub(crate) fn pairs<'a>(&'a self, targets: &'a [Target]) -> impl Iterator<Item = (&'a Target, Finding)> {
        targets.iter().zip(self.findings.iter().copied())
    }
}

/// How applications stood before anything was sent.
#[derive(Debug, Default)]
pub(crate) struct Before {
    pending: HashSet<Identity>,
    others: Others,
    /// Applications an earlier call of ours, its answer lost, may yet move: no strangers when they do.
    ours: HashSet<Identity>,
    /// Appids a later reading showed pending more than once: a call would not say which one it means.
    twice: HashSet<AppId>,
}

impl Before {
    /// Takes a reading over; the pending ones are kept by identity.
    pub(crate) fn new(pending: HashSet<Identity>, others: Others, ours: HashSet<Identity>) -> Before {
        Before { pending, others, ours, twice: HashSet::new() }
    }

    /// A later reading takes the place of an earlier one.
    pub(crate) fn renew(&mut self, listing: Listing) {
        let mut once = HashSet::new();
        let again = listing.pending.iter().map(|application| &application.appid).filter(|appid| !once.insert(*appid));
        self.twice = again.cloned().collect();
        self.pending = listing.pending.iter().map(|application| application.identity()).collect();
        self.others = listing.others;
    }

    /// These calls lost their answers: they may yet take effect, after their rows were given up.
    pub(crate) fn expect<'a>(&mut self, lost: impl Iterator<Item = &'a Target>) {
        self.ours.extend(lost.map(|target| target.identity.clone()));
    }

    /// It stood at this reading where the action can move it from, and no other application of the same applicant was
    /// pending.
    pub(crate) fn may_be_changed(&self, action: Action, identity: &Identity) -> bool {
        let stands = self.knew(identity).is_some_and(|status| can_move(action, status));
        stands && !self.twice.contains(&identity.appid)
    }

    fn knew(&self, identity: &Identity) -> Option<Status> {
        if self.pending.contains(identity) { Some(Status::Pending) } else { self.others.get(identity) }
    }
}

/// Agreeing and refusing need a pending application, deleting one that was refused or timed out (89240, 89241, 89243).
pub(crate) fn can_move(action: Action, status: Status) -> bool {
    match action {
        Action::Agree | Action::Refuse => status == Status::Pending,
        Action::Delete => matches!(status, Status::Refused | Status::TimedOut),
    }
}

/// Where an application stands in a reading; `None` = not in it.
pub(crate) fn stands(listing: &Listing, pending: &HashSet<Identity>, identity: &Identity) -> Option<Status> {
    if pending.contains(identity) { Some(Status::Pending) } else { listing.others.get(identity) }
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

/// The status a change leads to; a deletion leads to none.
fn wanted(action: Action) -> Option<Status> {
    match action {
        Action::Agree => Some(Status::Approved),
        Action::Refuse => Some(Status::Refused),
        Action::Delete => None,
    }
}

/// Compares a complete list with what was asked for.
pub(crate) fn judge(before: &Before, after: &Listing, targets: &[Target]) -> Judgement {
    let pending: HashSet<Identity> = after.pending.iter().map(|application| application.identity()).collect();
    let findings =
        targets.iter().map(|target| finding(target.action, stands(after, &pending, &target.identity))).collect();
    Judgement { findings, strangers: strangers(before, after, targets) }
}

fn strangers(before: &Before, after: &Listing, targets: &[Target]) -> Vec<(Identity, Action)> {
    let asked: HashSet<(&Identity, Action)> = targets.iter().map(|target| (&target.identity, target.action)).collect();
    let accepted = |action| targets.iter().any(|target| target.action == action && target.fate == Fate::Accepted);
    let suspects: Vec<(Action, Status)> = [Action::Agree, Action::Refuse]
        .into_iter()
        .filter(|action| accepted(*action))
        .filter_map(|action| wanted(action).map(|status| (action, status)))
        .collect();
    let newly = |identity: &Identity, status: Status| {
        before.knew(identity).is_some_and(|known| known != status) && !before.ours.contains(identity)
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
    use crate::policy::{Application, CreateTime};

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

    /// `"a1 b2"`: a is pending, b is approved.
    fn listing(text: &str) -> Listing {
        let mut listing = Listing::default();
        for entry in text.split_whitespace() {
            let (appid, status) = entry.split_at(1);
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
            // WeChat did not say ok.
            (Action::Refuse, Fate::Lost, "t1 o1", "t1 o3", 0),
            (Action::Agree, Fate::Rejected, "t1 o1", "t1 o2", 0),
        ];
        for (action, fate, earlier, after, strangers) in cases {
            let mut before = Before::default();
            before.renew(listing(earlier));
            let judgement = judge(&before, &listing(after), &[target(action, fate)]);
            assert_eq!(judgement.strangers.len(), strangers, "{action:?} {fate:?} {earlier} → {after}");
        }
    }

    #[test]
    fn what_an_earlier_lost_call_may_yet_move_is_no_stranger() {
        let mut before = Before::new(HashSet::new(), Others::default(), HashSet::from([identity("o")]));
        before.renew(listing("t1 o1"));
        let judgement = judge(&before, &listing("t2 o2"), &[target(Action::Agree, Fate::Accepted)]);
        assert_eq!(judgement.strangers, []);
    }
}
