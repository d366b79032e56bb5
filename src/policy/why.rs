//! Why a decision is what it is: one sentence, and the rules that matter.
//!
//! Promises that the sentence holds the words of the rules and WeChat's category
//! names, and nothing else an applicant wrote. Does not decide: it is told the decision.

use super::{
    Application, Brake, ConditionWhy, Decision, Folded, Moment, RuleSet, RuleWhy, Scratch, Truth, Verdict, Why,
    check::fires,
    trace::{Trace, in_words},
};

impl RuleSet {
    /// Why `decision` was made: the rules that fired or are unknown, shadow ones too, in file order.
    pub fn why(&self, application: &Application, moment: &Moment<'_>, decision: &Decision) -> Why {
        let mut noted: Vec<(usize, Truth)> = Vec::new();
        let (folded, mut scratch) = (Folded::of(application), Scratch::default());
        self.look(&folded, application, moment, &mut scratch, |rule, truth, _| noted.push((rule, truth)));
        if !application.malformed.is_empty() {
            noted.clear(); // what could not be read says nothing
        }
        noted.sort_unstable_by_key(|(rule, _)| *rule);
        self.tell(noted, application, moment, decision, &scratch)
    }

    /// Why, with every rule, also those that did not fire.
    pub fn explain(&self, application: &Application, moment: &Moment<'_>) -> Why {
        let (folded, mut scratch) = (Folded::of(application), Scratch::default());
        let decision = self.decide_folded(&folded, application, moment, &mut scratch);
        let facts = scratch.facts(application, moment);
        let truth = |index: usize| {
            let rule = &self.compiled.rules[index];
            (index, fires(&rule.when, rule.unless.as_deref(), &facts))
        };
        let all = (0..self.compiled.rules.len()).map(truth).collect();
        self.tell(all, application, moment, &decision, &scratch)
    }

    fn tell(
        &self,
        rules: Vec<(usize, Truth)>,
        application: &Application,
        moment: &Moment<'_>,
        decision: &Decision,
        scratch: &Scratch,
    ) -> Why {
        let trace = Trace::new(scratch.facts(application, moment));
        let whys: Vec<RuleWhy> = rules.iter().map(|(rule, truth)| self.rule_why(*rule, *truth, &trace)).collect();
        let told: Vec<(usize, &RuleWhy)> = rules.iter().map(|(rule, _)| *rule).zip(&whys).collect();
        let mut sentence = format!("{}: {}", decision.verdict, self.cause(&told, application, decision));
        for (_, rule) in told.iter().filter(|(_, rule)| rule.shadow && rule.truth == Truth::True) {
            sentence.push_str(&format!("; shadow rule {:?} would {}", rule.rule, rule.action));
        }
        Why { sentence, rules: whys }
    }

    fn rule_why(&self, index: usize, truth: Truth, trace: &Trace<'_>) -> RuleWhy {
        let (spec, compiled) = (&self.spec().rules[index], &self.compiled.rules[index]);
        let mut conditions = Vec::new();
        trace.condition("when", &spec.when, &compiled.when, &mut conditions);
        if let (Some(spec), Some(compiled)) = (&spec.unless, &compiled.unless) {
            trace.condition("unless", spec, compiled, &mut conditions);
        }
        RuleWhy {
            rule: spec.name.clone(),
            action: spec.action,
            shadow: !compiled.live,
            limit: spec.limit.map(|limit| limit.to_string()),
            place: spec.place.as_ref().map(ToString::to_string),
            truth,
            conditions,
        }
    }

    /// What follows the verdict in the sentence.
    fn cause(&self, told: &[(usize, &RuleWhy)], application: &Application, decision: &Decision) -> String {
        if let Some((_, rule)) = told.iter().find(|(index, _)| decision.rule == Some(*index)) {
            let empty = if decision.brake == Some(Brake::Message) { "; its message is empty" } else { "" };
            return format!("{}: {}{empty}", named(rule), fired(rule));
        }
        match decision.brake {
            Some(Brake::Malformed) => malformed(&application.malformed),
            Some(Brake::Unknown) => self.undecided(told, decision),
            Some(Brake::Message) => "no rule fires; the default is refuse; its message is empty".to_owned(),
            _ => format!("no rule fires; the default is {}", self.spec().default),
        }
    }

    /// The rules that stand in the way: by line 3 those that would refuse or hold, by line 5 any.
    fn undecided(&self, told: &[(usize, &RuleWhy)], decision: &Decision) -> String {
        let action = |index: &usize| self.spec().rules[*index].action;
        let stops = decision.unknown.iter().any(|index| action(index) != Verdict::Agree);
        let mut doubtful = decision.unknown.iter().filter(|index| !stops || action(index) != Verdict::Agree);
        let Some(first) = doubtful.next() else { return "a rule cannot be decided".to_owned() };
        let more = match doubtful.count() {
            0 => String::new(),
            1 => ", nor can 1 more rule".to_owned(),
            more => format!(", nor can {more} more rules"),
        };
        match told.iter().find(|(index, _)| index == first) {
            Some((_, rule)) => format!("{} cannot be decided: {}{more}", named(rule), missing(rule)),
            None => format!("rule {:?} cannot be decided{more}", self.spec().rules[*first].name),
        }
    }
}

impl Why {
    /// The keywords found that speak for a rule, in the order of its conditions; none inside `not`, `none` or `unless`.
    pub fn matched(&self, rule: &str) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let conditions = self.rules.iter().filter(|why| why.rule == rule).flat_map(|why| &why.conditions);
        for condition in conditions.filter(|condition| speaks_for(condition) && !condition.path.ends_with(".none")) {
            for found in &condition.found {
                if !words.contains(&found.keyword) {
                    words.push(found.keyword.clone());
                }
            }
        }
        words
    }
}

fn named(rule: &RuleWhy) -> String {
    match &rule.place {
        Some(place) => format!("rule {:?} ({place})", rule.rule),
        None => format!("rule {:?}", rule.rule),
    }
}

/// What makes a rule fire: what holds of what it asks for, else what it rules out.
fn fired(rule: &RuleWhy) -> String {
    let holds = |why: &&ConditionWhy| why.truth == Truth::True && speaks_for(why);
    let asked: Vec<String> = rule.conditions.iter().filter(holds).map(in_words).collect();
    if asked.is_empty() {
        let when = rule.conditions.iter().filter(|why| why.path.starts_with("when"));
        return when.map(in_words).collect::<Vec<_>>().join("; ");
    }
    asked.join("; ")
}

/// What a rule lacks, each thing once.
fn missing(rule: &RuleWhy) -> String {
    let mut words: Vec<&str> = Vec::new();
    for condition in rule.conditions.iter().filter(|why| why.truth == Truth::Unknown) {
        if !words.contains(&condition.words.as_str()) {
            words.push(&condition.words);
        }
    }
    words.join("; ")
}

fn malformed(fields: &[String]) -> String {
    let many = if fields.len() == 1 { "field" } else { "fields" };
    format!("{many} {} of a wrong kind", fields.join(", "))
}

/// Whether a condition stands where it speaks for its rule: not in `unless`, not in `not`.
fn speaks_for(condition: &ConditionWhy) -> bool {
    condition.path.starts_with("when") && !condition.path.split('.').any(|part| part == "not")
}

#[cfg(test)]
mod tests;
