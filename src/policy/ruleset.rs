//! A policy, compiled: decides applications by the six lines of precedence.
//!
//! Hides the automaton, the order of looking and the memory in between.
//! Promises the same decision whatever the order of the rules in the file (the
//! named rule is the first of the winning action), and that shadow rules count
//! for nothing. Does not know limits, brakes of the shell, or what was decided before.

use super::{
    Application, Brake, Condition, Decision, History, PolicySpec, RuleProblem, Test, Truth, Verdict,
    category::{CategoryHits, FoldedCategories},
    check::{Facts, TextFacts, fires},
    compile::{Compiled, compile},
    keywords::Marks,
    text::{FOLDING_VERSION, fold},
    wake::Wake,
    words::{RuleMessage, fill, filled},
};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::{cell::RefCell, fmt::Write};

/// Names the meaning of rules: part of every hash. Raised when the same rules may decide otherwise.
pub const ENGINE_VERSION: &str = "1";

/// What deciding needs beside the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment<'h> {
    /// The time it is.
    pub now: Timestamp,
    /// What is known then of earlier applications; only rules with `previous` look at it.
    pub history: &'h History,
}

impl Moment<'static> {
    /// A moment at which nobody applied before.
    pub fn at(now: Timestamp) -> Moment<'static> {
        Moment { now, history: History::nothing() }
    }
}

/// The compiled policy of one account.
#[derive(Debug)]
pub struct RuleSet {
    spec: PolicySpec,
    hash: String,
    pub(super) compiled: Compiled,
    wake: Wake,
    looks_back: bool,
}

/// An application's texts and categories, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    reason: String,
    reason_chars: u64,
    nickname: String,
    nickname_chars: u64,
    categories: FoldedCategories,
}

impl Folded {
    /// Folds an application.
    pub fn of(application: &Application) -> Folded {
        Folded {
            reason: fold(&application.reason),
            reason_chars: trimmed_chars(&application.reason),
            nickname: fold(&application.nickname),
            nickname_chars: trimmed_chars(&application.nickname),
            categories: FoldedCategories::of(&application.categories),
        }
    }
}

fn trimmed_chars(text: &str) -> u64 {
    text.trim().chars().count() as u64
}

/// Memory that deciding uses; kept between applications it saves allocations. Fits every rule set.
#[derive(Debug, Default)]
pub struct Scratch {
    reason: TextFacts,
    nickname: TextFacts,
    categories: CategoryHits,
    woken: Marks,
}

thread_local! {
    /// For [`RuleSet::decide`]: a pass decides thousands of applications on one thread.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl RuleSet {
    /// Compiles a policy, or says everything that is wrong with it.
    pub fn compile(spec: PolicySpec) -> Result<RuleSet, Vec<RuleProblem>> {
        let compiled = compile(&spec)?;
        let wake = Wake::new(compiled.rules.iter().map(|rule| rule.when.as_slice()));
        let asks = |rule: &super::RuleSpec| asks(&rule.when) || rule.unless.as_ref().is_some_and(asks);
        let looks_back = spec.rules.iter().any(asks);
        Ok(RuleSet { hash: hash(&spec), spec, compiled, wake, looks_back })
    }

    /// What it was compiled from.
    pub fn spec(&self) -> &PolicySpec {
        &self.spec
    }

    /// Names rules, lists, engine and folding: lower hexadecimal SHA-256. Equal hashes decide equally.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Whether any rule asks for earlier applications: [`Moment::history`] is looked at.
    pub fn needs_history(&self) -> bool {
        self.looks_back
    }

    /// Decides one application.
    pub fn decide(&self, application: &Application, moment: &Moment<'_>) -> Decision {
        let folded = Folded::of(application);
        SCRATCH.with_borrow_mut(|scratch| self.decide_folded(&folded, application, moment, scratch))
    }

    /// Decides one application that is folded already.
    pub fn decide_folded(
        &self,
        folded: &Folded,
        application: &Application,
        moment: &Moment<'_>,
        scratch: &mut Scratch,
    ) -> Decision {
        self.decide_seeing(folded, application, moment, scratch, |_, _| ())
    }

    /// Decides, and shows every rule that is true or unknown, shadow ones too, in no order.
    pub(super) fn decide_seeing(
        &self,
        folded: &Folded,
        application: &Application,
        moment: &Moment<'_>,
        scratch: &mut Scratch,
        mut see: impl FnMut(usize, Truth),
    ) -> Decision {
        if !application.malformed.is_empty() {
            let brake = Some(Brake::Malformed);
            return Decision { verdict: Verdict::Hold, rule: None, message: None, brake, unknown: Vec::new() };
        }
        let mut tally = Tally::default();
        self.look(folded, application, moment, scratch, |rule, truth, _| {
            see(rule, truth);
            let compiled = &self.compiled.rules[rule];
            if compiled.live {
                tally.count(rule, compiled.action, truth);
            }
        });
        let (verdict, rule, brake) = tally.verdict(self.spec.default);
        tally.unknown.sort_unstable();
        let decision = Decision { verdict, rule, message: None, brake, unknown: tally.unknown };
        if verdict != Verdict::Refuse {
            return decision;
        }
        let message = fill(self, rule, &scratch.facts(application, moment));
        let brake = message.is_empty().then_some(Brake::Message);
        Decision { message: Some(message), brake, ..decision }
    }

    /// The message of the refuse rule of this name, filled in for an application whatever the rule says of it;
    /// `None` = no such rule.
    pub fn message_of(&self, rule: &str, application: &Application) -> Option<RuleMessage> {
        let index = self.spec.rules.iter().position(|spec| spec.name == rule && spec.message.is_some())?;
        let mut scratch = Scratch::default();
        scratch.seek(&Folded::of(application), &self.compiled);
        Some(filled(self, Some(index), &scratch.facts(application, &Moment::at(Timestamp::UNIX_EPOCH))))
    }

    /// Shows every rule that is true or unknown, in no order, with the facts at hand.
    pub(super) fn look(
        &self,
        folded: &Folded,
        application: &Application,
        moment: &Moment<'_>,
        scratch: &mut Scratch,
        mut see: impl FnMut(usize, Truth, &Facts<'_>),
    ) {
        scratch.seek(folded, &self.compiled);
        let mut woken = std::mem::take(&mut scratch.woken);
        let facts = scratch.facts(application, moment);
        self.wake.each(&facts, &mut woken, |rule| {
            let compiled = &self.compiled.rules[rule as usize];
            let truth = fires(&compiled.when, compiled.unless.as_deref(), &facts);
            if truth != Truth::False {
                see(rule as usize, truth, &facts);
            }
        });
        scratch.woken = woken;
    }
}

impl Scratch {
    /// Finds every keyword and category entry of the rules in an application.
    pub(super) fn seek(&mut self, folded: &Folded, rules: &Compiled) {
        rules.keywords.seek(&folded.reason, &mut self.reason.hits);
        self.reason.chars = folded.reason_chars;
        match rules.seeks_nickname {
            true => rules.keywords.seek(&folded.nickname, &mut self.nickname.hits),
            false => self.nickname.hits.clear(),
        }
        self.nickname.chars = folded.nickname_chars;
        rules.entries.seek(&folded.categories, &mut self.categories);
    }

    /// What [`Scratch::seek`] found last.
    pub(super) fn facts<'a>(&'a self, application: &'a Application, moment: &Moment<'a>) -> Facts<'a> {
        let Scratch { reason, nickname, categories, .. } = self;
        Facts { application, now: moment.now, history: moment.history, reason, nickname, categories }
    }
}

/// What the live rules say so far.
#[derive(Debug, Default)]
struct Tally {
    refuse: Option<usize>,
    hold: Option<usize>,
    agree: Option<usize>,
    /// A refuse or hold rule is unknown.
    stopped: bool,
    unknown: Vec<usize>,
}

impl Tally {
    fn count(&mut self, rule: usize, action: Verdict, truth: Truth) {
        let first = match action {
            Verdict::Refuse => &mut self.refuse,
            Verdict::Hold => &mut self.hold,
            Verdict::Agree => &mut self.agree,
        };
        match truth {
            Truth::True => *first = Some(first.map_or(rule, |before| before.min(rule))),
            Truth::Unknown => {
                self.unknown.push(rule);
                self.stopped |= action != Verdict::Agree;
            }
            Truth::False => {}
        }
    }

    /// The first line that applies.
    fn verdict(&self, default: Verdict) -> (Verdict, Option<usize>, Option<Brake>) {
        let doubt = !self.unknown.is_empty() && default != Verdict::Hold;
        if self.refuse.is_some() {
            (Verdict::Refuse, self.refuse, None)
        } else if self.hold.is_some() {
            (Verdict::Hold, self.hold, None)
        } else if self.stopped {
            (Verdict::Hold, None, Some(Brake::Unknown))
        } else if self.agree.is_some() {
            (Verdict::Agree, self.agree, None)
        } else if doubt {
            (Verdict::Hold, None, Some(Brake::Unknown))
        } else {
            (default, None, None)
        }
    }
}

/// Whether a condition asks for earlier applications.
fn asks(condition: &Condition) -> bool {
    condition.tests.iter().any(|test| match test {
        Test::Previous(_) => true,
        Test::AnyOf(branches) => branches.iter().any(asks),
        Test::Not(inner) => asks(inner),
        _ => false,
    })
}

fn hash(spec: &PolicySpec) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("menshen rules {ENGINE_VERSION}, folding {FOLDING_VERSION}\n"));
    hash.update(serde_json::to_vec(spec).expect("a policy holds nothing JSON cannot say"));
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes any text");
        hex
    })
}

#[cfg(test)]
pub(super) mod tests;
