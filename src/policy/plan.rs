//! The plan of a pass: one step per pending application, each with its reason.
//!
//! A pure function of the rules, the applications, what the log knows, the
//! limits, the stops and the time. A dry run is this plan, printed; a live pass
//! is this plan, carried out. It never looks at WeChat or the log itself.

use super::{
    Action, AppId, Application, Brake, Decision, Full, Identity, Limited, Mode, Moment, Outcome, Places, RuleSet,
    Verdict, Why,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What the log last said about an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The row.
    pub id: i64,
    /// Its verdict; `None` for a deletion.
    pub verdict: Option<Verdict>,
    /// The rule it names.
    pub rule: Option<String>,
    /// The brake it names.
    pub brake: Option<Brake>,
    /// The mode it was decided in.
    pub mode: Mode,
    /// Names of the rules that were unknown, in the order of the file.
    pub unknown: Vec<String>,
    /// The rules decided it, not a person.
    pub by_rules: bool,
    /// How it stands.
    pub outcome: Outcome,
    /// Calls that were or may have been sent for it.
    pub attempts: u32,
    /// It still holds its place of a daily limit.
    pub place: bool,
    /// The message it would send.
    pub message: Option<String>,
    /// The newest row whose change WeChat accepted at our word, and that change; older than this one, or this one.
    pub accepted: Option<(i64, Action)>,
    /// It says how the application ended without us.
    pub elsewhere: bool,
}

/// What may still be done, by `[limits]` and by the limits of rules; `None` = no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Room {
    /// Agrees today.
    pub agree: Option<Places>,
    /// Refusals today.
    pub refuse: Option<Places>,
    /// Acts in this pass.
    pub per_pass: Option<Places>,
    /// Acts of the rules that have a limit, by their index in [`PolicySpec::rules`](super::PolicySpec).
    pub rules: BTreeMap<usize, Places>,
}

impl Room {
    /// Takes a place of every limit that counts this act, or of none, and says which is full. An act that `has_place`
    /// took its place of a day and of its rule with an earlier attempt.
    fn take(&mut self, rules: &RuleSet, action: Action, rule: Option<usize>, has_place: bool) -> Result<(), Full> {
        let day = match action {
            Action::Agree => self.agree.as_mut(),
            Action::Refuse => self.refuse.as_mut(),
            Action::Delete => None,
        };
        let of_rule = rule.and_then(|index| {
            let spec = &rules.spec().rules[index];
            let per = spec.limit?.per;
            Some((Limited::Rule { name: spec.name.clone(), per }, self.rules.get_mut(&index)?))
        });
        let lasting = day.map(|places| (Limited::Day(action), places)).into_iter().chain(of_rule);
        let of_pass = self.per_pass.as_mut().map(|places| (Limited::Pass, places));
        let counted: Vec<_> = lasting.filter(|_| !has_place).chain(of_pass).collect();
        if let Some((limit, places)) = counted.iter().find(|(_, places)| places.is_full()) {
            return Err(Full { limit: limit.clone(), places: **places });
        }
        counted.into_iter().for_each(|(_, places)| places.taken += 1);
        Ok(())
    }
}

/// What stops acting for an account while evaluation goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stops {
    /// The brake `verification` is pulled.
    pub verification: bool,
    /// Actions a person paused.
    pub paused: BTreeSet<Action>,
}

impl Stops {
    /// The brake that keeps this action back.
    pub fn brake(&self, action: Action) -> Option<Brake> {
        match (self.verification, self.paused.contains(&action)) {
            (true, _) => Some(Brake::Verification),
            (false, true) => Some(Brake::Pause),
            (false, false) => None,
        }
    }
}

/// Everything a plan depends on.
#[derive(Clone, Copy)]
pub struct Situation<'a> {
    /// The rules of this account.
    pub rules: &'a RuleSet,
    /// The time, and what else the rules may ask about.
    pub moment: &'a Moment<'a>,
    /// Whether verdicts are carried out.
    pub mode: Mode,
    /// What the log last said, by identity.
    pub past: &'a HashMap<Identity, Past>,
    /// What the limits leave.
    pub room: &'a Room,
    /// What stops acting.
    pub stops: &'a Stops,
    /// Pending ones that their appid alone does not tell: without a create_time and shown as ended as well (they applied
    /// again, or were just decided), or beside an entry of the same applicant that cannot be read.
    pub unclear: &'a HashSet<Identity>,
    /// Rows a crash left `planned` are settled; otherwise nothing new may be sent.
    pub settled: bool,
}

/// One application and what is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The application.
    pub application: Application,
    /// What the rules say, with the brake of the plan if there is one.
    pub decision: Decision,
    /// What is to be done.
    pub todo: Todo,
    /// The limit that is full, if the brake is `limit`.
    pub full: Option<Full>,
}

/// What a step asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Todo {
    /// Nothing: the log says exactly this already.
    Known,
    /// Write a row with this outcome (`Held` or `Shadow`).
    Record(Outcome),
    /// Write the intent and carry it out.
    Act {
        /// What to ask WeChat for.
        action: Action,
        /// The failed row this is a further attempt of.
        again: Option<i64>,
    },
    /// It may not be touched before the rows of an earlier crash are settled, or while the list lags behind the log.
    Wait,
    /// The log says we did this and WeChat agreed, and still it is pending.
    Contradicted {
        /// That row.
        row: i64,
        /// What it did.
        action: Action,
    },
}

/// Decides every application; oldest first (no create_time last, then by appid).
pub fn plan(situation: &Situation<'_>, mut pending: Vec<Application>) -> Vec<Step> {
    pending.sort_by(|a, b| age_order(a).cmp(&age_order(b)));
    let twice = appearing_twice(&pending);
    let mut room = situation.room.clone();
    let mut steps: Vec<Step> = Vec::with_capacity(pending.len());
    for application in pending {
        let decision = decide(situation, &application, &twice);
        let mut step = step(situation, &mut room, application, decision);
        // One identity, one row: of two entries with different content the log would tell now one, now the other.
        if steps.last().is_some_and(|before| before.application.identity() == step.application.identity()) {
            step.todo = Todo::Known;
        }
        steps.push(step);
    }
    steps
}

/// The order of plan and preview: create_time, none last; then appid. Of one identity the malformed first,
/// so that pages in another order change nothing.
fn age_order(application: &Application) -> (bool, Option<i64>, &AppId, Option<&str>, bool) {
    let (seconds, sound) = (application.create_time.seconds(), application.malformed.is_empty());
    (seconds.is_none(), seconds, &application.appid, application.create_time.text(), sound)
}

fn appearing_twice(pending: &[Application]) -> BTreeSet<AppId> {
    let mut seen = BTreeSet::new();
    pending.iter().filter(|a| !seen.insert(&a.appid)).map(|a| a.appid.clone()).collect()
}

fn decide(situation: &Situation<'_>, application: &Application, twice: &BTreeSet<AppId>) -> Decision {
    let unclear = twice.contains(&application.appid) || situation.unclear.contains(&application.identity());
    if application.malformed.is_empty() && unclear {
        return undecided(Brake::Ambiguous);
    }
    situation.rules.decide(application, situation.moment)
}

fn step(situation: &Situation<'_>, room: &mut Room, application: Application, mut decision: Decision) -> Step {
    let past = situation.past.get(&application.identity());
    if past.is_some_and(|past| past.outcome == Outcome::Planned) {
        return Step { application, decision, todo: Todo::Wait, full: None };
    }
    if past.is_some_and(|past| past.elsewhere) && application.create_time.text().is_some() {
        // It was seen to have ended: this list lags, and a person's decision is not argued with.
        return Step { application, decision, todo: Todo::Wait, full: None };
    }
    let past = past.filter(|past| past.verdict.is_some());
    if let Some((row, action)) = past.and_then(|past| past.accepted) {
        return after_acceptance(situation, past, application, decision, (row, action));
    }
    let mut full = None;
    let todo = match (wanted_action(&decision), past) {
        (Some(action), _) if situation.mode == Mode::Live => {
            let again = further_attempt(situation, past, &decision);
            decision.brake = situation.stops.brake(action);
            if decision.brake.is_none() {
                let has_place = again.is_some_and(|past| past.place);
                full = room.take(situation.rules, action, decision.rule, has_place).err();
                decision.brake = full.is_some().then_some(Brake::Limit);
            }
            match decision.brake {
                Some(_) => rest(situation, past, &decision),
                None if !situation.settled => Todo::Wait,
                None => Todo::Act { action, again: again.map(|past| past.id) },
            }
        }
        _ => rest(situation, past, &decision),
    };
    Step { application, decision, todo, full }
}

/// The change a decision asks for, unless a brake keeps it back.
fn wanted_action(decision: &Decision) -> Option<Action> {
    if decision.brake.is_some() { None } else { action_of(decision.verdict) }
}

/// The change that carries a verdict out.
pub fn action_of(verdict: Verdict) -> Option<Action> {
    match verdict {
        Verdict::Agree => Some(Action::Agree),
        Verdict::Refuse => Some(Action::Refuse),
        Verdict::Hold => None,
    }
}

/// WeChat accepted a change of this application at our word, and the list shows it pending.
fn after_acceptance(
    situation: &Situation<'_>,
    past: Option<&Past>,
    application: Application,
    mut decision: Decision,
    (row, action): (i64, Action),
) -> Step {
    let todo = if application.create_time.text().is_none() {
        // Without create_time it may as well have applied anew.
        decision = undecided(Brake::Ambiguous);
        rest(situation, past, &decision)
    } else {
        decision.brake = decision.brake.or(Some(Brake::Verification));
        match situation.mode {
            Mode::Live => Todo::Contradicted { row, action },
            Mode::Shadow => Todo::Known,
        }
    };
    Step { application, decision, todo, full: None }
}

fn undecided(brake: Brake) -> Decision {
    Decision { verdict: Verdict::Hold, rule: None, message: None, brake: Some(brake), unknown: Vec::new() }
}

/// A failed row of the rules with the same verdict and rule takes the next attempt; with another message it would say what was
/// never sent, so that is a new row.
fn further_attempt<'a>(situation: &Situation<'a>, past: Option<&'a Past>, decision: &Decision) -> Option<&'a Past> {
    past.filter(|past| {
        past.outcome == Outcome::Failed
            && past.by_rules
            && past.message == decision.message
            && says_the_same(situation, past, decision)
    })
}

fn says_the_same(situation: &Situation<'_>, past: &Past, decision: &Decision) -> bool {
    past.verdict == Some(decision.verdict) && past.rule.as_deref() == rule_name(situation.rules, decision)
}

/// Nothing is sent: a row is written unless the log says the same already.
fn rest(situation: &Situation<'_>, past: Option<&Past>, decision: &Decision) -> Todo {
    let unchanged = past.is_some_and(|past| {
        matches!(past.outcome, Outcome::Held | Outcome::Shadow)
            && says_the_same(situation, past, decision)
            && past.brake == decision.brake
            && past.mode == situation.mode
            && past.unknown.iter().map(String::as_str).eq(unknown_names(situation.rules, decision))
    });
    match (unchanged, situation.mode) {
        (true, _) => Todo::Known,
        (false, Mode::Shadow) => Todo::Record(Outcome::Shadow),
        (false, Mode::Live) => Todo::Record(Outcome::Held),
    }
}

/// The evidence for a step: what the rules say, and the brake of the plan in the same sentence.
pub fn evidence(rules: &RuleSet, moment: &Moment<'_>, step: &Step) -> Why {
    let mut why = rules.why(&step.application, moment, &step.decision);
    match step.decision.brake {
        Some(Brake::Ambiguous) => {
            why.sentence =
                "hold: the appid alone does not tell which application is meant: another pending entry carries it, or one that cannot be read, or one without create_time was decided before".to_owned();
        }
        Some(Brake::Limit) => match &step.full {
            Some(full) => why.sentence.push_str(&format!("; held: {full}")),
            None => why.sentence.push_str("; held: a limit is reached"),
        },
        Some(Brake::Pause) => why.sentence.push_str("; held: acting is paused"),
        Some(Brake::Verification) => why.sentence.push_str("; held: the brake verification is pulled"),
        Some(Brake::Unknown | Brake::Malformed | Brake::Message) | None => {}
    }
    why
}

/// The name of the deciding rule.
pub fn rule_name<'a>(rules: &'a RuleSet, decision: &Decision) -> Option<&'a str> {
    decision.rule.map(|index| rules.spec().rules[index].name.as_str())
}

/// The names of the rules that could not be told, sorted: a set, whatever the order of the file.
pub fn unknown_names<'a>(rules: &'a RuleSet, decision: &Decision) -> impl Iterator<Item = &'a str> {
    let names: BTreeSet<&str> = decision.unknown.iter().map(|&index| rules.spec().rules[index].name.as_str()).collect();
    names.into_iter()
}

#[cfg(test)]
mod tests;
