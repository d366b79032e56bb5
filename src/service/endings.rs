//! How decisions came out, counted while a pass works: by verdict, and by what became of it.
//!
//! The report's own numbers stay what they were; every place that counts an outcome counts it here, too, and by one
//! method, so that the two agree.

use super::report::PassReport;
use crate::policy::{Action, Brake, Outcome};
use crate::store::RecordedVerdict;
use std::collections::BTreeMap;

/// Decisions of a pass by verdict and ending.
pub type Decided = BTreeMap<(RecordedVerdict, Ending), u64>;

/// What became of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ending {
    /// WeChat let it in at our word.
    Agreed,
    /// WeChat refused it at our word.
    Refused,
    /// WeChat took it off its list at our word.
    Deleted,
    /// Left for a person.
    Held,
    /// Kept back by a limit, a pause or the brake verification.
    Braked,
    /// Decided in shadow mode.
    Shadow,
    /// It left "pending" before our call.
    Overtaken,
    /// People decided it in WeChat's console.
    Elsewhere,
    /// Given up for a pass.
    Failed,
}

impl Ending {
    /// Every one of them.
    pub const ALL: [Ending; 9] = [
        Ending::Agreed,
        Ending::Refused,
        Ending::Deleted,
        Ending::Held,
        Ending::Braked,
        Ending::Shadow,
        Ending::Overtaken,
        Ending::Elsewhere,
        Ending::Failed,
    ];

    /// The word used in metrics.
    pub fn word(self) -> &'static str {
        match self {
            Ending::Agreed => "agreed",
            Ending::Refused => "refused",
            Ending::Deleted => "deleted",
            Ending::Held => "held",
            Ending::Braked => "braked",
            Ending::Shadow => "shadow",
            Ending::Overtaken => "overtaken",
            Ending::Elsewhere => "elsewhere",
            Ending::Failed => "failed",
        }
    }

    fn done(action: Action) -> Ending {
        match action {
            Action::Agree => Ending::Agreed,
            Action::Refuse => Ending::Refused,
            Action::Delete => Ending::Deleted,
        }
    }
}

impl PassReport {
    /// WeChat did it.
    pub(crate) fn count_done(&mut self, action: Action) {
        *self.done_mut(action) += 1;
        self.ended(action.into(), Ending::done(action));
    }

    /// What counted as done was not.
    pub(crate) fn count_undone(&mut self, action: Action) {
        let done = self.done_mut(action);
        *done = done.saturating_sub(1);
        self.leave_open(action);
        self.count_failed(action);
    }

    /// It was done and could not be recorded: it is counted by the pass that settles its row.
    pub(crate) fn leave_open(&mut self, action: Action) {
        if let Some(n) = self.decided.get_mut(&(action.into(), Ending::done(action))) {
            *n = n.saturating_sub(1);
        }
    }

    /// It is given up for this pass.
    pub(crate) fn count_failed(&mut self, action: Action) {
        self.failed += 1;
        self.ended(action.into(), Ending::Failed);
    }

    /// It had left "pending" before our call.
    pub(crate) fn count_overtaken(&mut self, action: Action) {
        self.overtaken += 1;
        self.ended(action.into(), Ending::Overtaken);
    }

    /// People decided it in WeChat's console.
    pub(crate) fn count_elsewhere(&mut self, verdict: RecordedVerdict) {
        self.elsewhere += 1;
        self.ended(verdict, Ending::Elsewhere);
    }

    /// A row that was written and not acted on.
    pub(crate) fn count_kept_back(&mut self, verdict: RecordedVerdict, outcome: Outcome, brake: Option<Brake>) {
        let (number, ending) = match (outcome, brake) {
            (Outcome::Shadow, _) => (&mut self.shadow, Ending::Shadow),
            (_, Some(brake)) if !brake.is_doubt() => (&mut self.braked, Ending::Braked),
            _ => (&mut self.held, Ending::Held),
        };
        *number += 1;
        self.ended(verdict, ending);
    }

    /// A row that an earlier pass left open.
    pub(crate) fn count_recovered(&mut self, action: Action, outcome: Outcome) {
        self.recovered += 1;
        let ending = match outcome {
            Outcome::Done => Ending::done(action),
            Outcome::Overtaken => Ending::Overtaken,
            _ => Ending::Failed,
        };
        self.ended(action.into(), ending);
    }

    fn done_mut(&mut self, action: Action) -> &mut usize {
        match action {
            Action::Agree => &mut self.agreed,
            Action::Refuse => &mut self.refused,
            Action::Delete => &mut self.deleted,
        }
    }

    fn ended(&mut self, verdict: RecordedVerdict, ending: Ending) {
        *self.decided.entry((verdict, ending)).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(report: &PassReport, ending: Ending) -> u64 {
        report.decided.iter().filter(|((_, one), _)| *one == ending).map(|(_, n)| n).sum()
    }

    #[test]
    fn the_two_counts_agree() {
        let mut report = PassReport::default();
        for action in Action::ALL {
            report.count_done(action);
            report.count_done(action);
            report.count_undone(action);
            report.count_overtaken(action);
            report.count_failed(action);
        }
        let kept = [
            (RecordedVerdict::Hold, Outcome::Held, None),
            (RecordedVerdict::Refuse, Outcome::Held, Some(Brake::Message)),
            (RecordedVerdict::Agree, Outcome::Held, Some(Brake::Limit)),
            (RecordedVerdict::Agree, Outcome::Shadow, None),
        ];
        kept.into_iter().for_each(|(verdict, outcome, brake)| report.count_kept_back(verdict, outcome, brake));
        report.count_elsewhere(RecordedVerdict::Refuse);
        let numbers = [
            (report.agreed, Ending::Agreed),
            (report.refused, Ending::Refused),
            (report.deleted, Ending::Deleted),
            (report.held, Ending::Held),
            (report.braked, Ending::Braked),
            (report.shadow, Ending::Shadow),
            (report.overtaken, Ending::Overtaken),
            (report.elsewhere, Ending::Elsewhere),
            (report.failed, Ending::Failed),
        ];
        for (number, ending) in numbers {
            assert_eq!(u64::try_from(number).ok(), Some(of(&report, ending)), "{ending:?}");
            assert!(number > 0, "{ending:?} was counted");
        }
        report.count_recovered(Action::Agree, Outcome::Done);
        assert_eq!((report.recovered, report.agreed, of(&report, Ending::Agreed)), (1, 1, 2), "an earlier pass's row");
    }

    #[test]
    fn what_an_earlier_pass_did_and_this_one_found_undone_is_not_counted_below_nothing() {
        let mut report = PassReport::default();
        report.count_undone(Action::Agree);
        assert_eq!((report.agreed, report.failed, of(&report, Ending::Agreed)), (0, 1, 0));
    }
}
