//! A backtest: everything the log knows, decided again with the rules at hand, beside what became of it.
//!
//! Reads the log and nothing else; whoever calls it shows what it is told.
//! Promises memory that does not grow with the log. Counting and comparing are `policy`'s.

use super::account::SetupError;
use crate::config;
use crate::policy::{
    AccountRules, AppId, Backtest, Before, Brake, Change, Decision, History, Moment, PolicySpec, Said, Undecidable,
    Verdict, Why, rule_name,
};
use crate::store::{Filter, Reader, Recorded, RecordedVerdict, StoreError};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::ControlFlow;

/// What to decide again, and with what.
pub struct Question<'a> {
    /// Which applications, by the row that stands for each.
    pub filter: Filter,
    /// The rules of all accounts.
    pub policy: &'a PolicySpec,
    /// The accounts there are now.
    pub accounts: &'a [config::Account],
    /// How many of the changed ones to tell, the newest; `None` = each, as it is met.
    pub newest: Option<usize>,
}

/// An application that is decided otherwise now.
#[derive(Debug, Clone)]
pub struct Changed {
    /// As the log knows it.
    pub recorded: Recorded,
    /// Why it was decided so; `None` once redacted.
    pub why_then: Option<Why>,
    /// What the rules at hand say.
    pub decision: Decision,
    /// The rule that says so.
    pub rule: Option<String>,
    /// Why.
    pub why_now: Why,
}

/// What a backtest counted.
#[derive(Debug)]
pub struct Backtested {
    /// The counts.
    pub counts: Backtest,
    /// Accounts that are no longer there, decided with the rules for all accounts: how many applications of each.
    pub gone: BTreeMap<String, u64>,
}

/// A backtest that could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// The log could not be read: as its own error says.
    #[error(transparent)]
    Log(#[from] StoreError),
    /// The rules do not compile; the configuration's own check says so first.
    #[error(transparent)]
    Rules(#[from] SetupError),
}

/// Decides every recorded application again. `each` is told the changed ones, oldest first, until it breaks; `tell`
/// hears how many were seen, and how many there are at most.
///
/// # Errors
/// See [`BacktestError`]; what was told until then stands.
pub async fn backtest(
    log: &Reader,
    question: Question<'_>,
    each: &mut dyn FnMut(Changed) -> ControlFlow<()>,
    tell: &dyn Fn(u64, u64),
) -> Result<Backtested, BacktestError> {
    let mut walk = log.applications(&question.filter).await?;
    let at_most = walk.at_most();
    let mut under_way = Backtesting {
        log,
        judges: Judges { question: &question, numbers: HashMap::new(), all: Vec::new() },
        counts: Backtest::new(question.policy),
        gone: BTreeMap::new(),
        changed: VecDeque::new(),
    };
    while let Some(page) = walk.next().await? {
        for recorded in page {
            under_way.decide(recorded).await?;
        }
        if question.newest.is_none() && under_way.tell(each).await?.is_break() {
            break;
        }
        tell(under_way.counts.seen(), at_most);
    }
    let _the_rest = under_way.tell(each).await?;
    Ok(Backtested { counts: under_way.counts, gone: under_way.gone })
}

/// A backtest under way.
struct Backtesting<'a> {
    log: &'a Reader,
    judges: Judges<'a>,
    counts: Backtest,
    gone: BTreeMap<String, u64>,
    /// Changed and not told yet, with the judge of each.
    changed: VecDeque<(Recorded, usize, Decision)>,
}

impl Backtesting<'_> {
    async fn decide(&mut self, recorded: Recorded) -> Result<(), BacktestError> {
        if let Some(why) = undecidable(&recorded) {
            self.counts.pass_over(why);
            return Ok(());
        }
        let judge = self.judges.of(&recorded)?;
        let Judge { rules, gone } = &self.judges.all[judge];
        if *gone {
            *self.gone.entry(recorded.account.clone()).or_default() += 1;
        }
        let history = history_of(self.log, rules, &recorded).await?;
        let moment = Moment { now: recorded.decided_at, history: &history };
        let (decision, change) = self.counts.decide(rules, &recorded.application, &moment, &before(&recorded));
        if change == Change::Changed {
            self.changed.push_back((recorded, judge, decision));
            if self.judges.question.newest.is_some_and(|newest| self.changed.len() > newest) {
                self.changed.pop_front();
            }
        }
        Ok(())
    }

    /// Tells what changed, with both reasons.
    async fn tell(
        &mut self,
        each: &mut dyn FnMut(Changed) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, BacktestError> {
        let ids: Vec<i64> = self.changed.iter().map(|(recorded, ..)| recorded.id).collect();
        if ids.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let mut evidence = self.log.evidence(&ids).await?;
        for (recorded, judge, decision) in self.changed.drain(..) {
            let rules = &self.judges.all[judge].rules;
            let history = history_of(self.log, rules, &recorded).await?;
            let moment = Moment { now: recorded.decided_at, history: &history };
            let changed = Changed {
                why_then: evidence.remove(&recorded.id),
                rule: rule_name(&rules.rules, &decision).map(str::to_owned),
                why_now: rules.rules.why(&recorded.application, &moment, &decision),
                recorded,
                decision,
            };
            if each(changed).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// What was known of earlier applications of the same appid when this one was decided; asked for only where the rules
/// look back.
async fn history_of(log: &Reader, rules: &AccountRules, recorded: &Recorded) -> Result<History, StoreError> {
    if !rules.rules.needs_history() {
        return Ok(History::default());
    }
    log.earlier(&recorded.account_appid, std::slice::from_ref(&recorded.application.appid), recorded.decided_at).await
}

/// What the log says, in the words of the comparison.
fn before(recorded: &Recorded) -> Before<'_> {
    let by_rules = recorded.actor == "rules";
    Before {
        said: verdict(recorded.verdict).filter(|_| by_rules).map(|verdict| Said::of(verdict, recorded.brake)),
        rule: recorded.rule.as_deref(),
        message: recorded.message.as_deref(),
        person: recorded.person.and_then(verdict),
    }
}

fn verdict(recorded: RecordedVerdict) -> Option<Verdict> {
    match recorded {
        RecordedVerdict::Agree => Some(Verdict::Agree),
        RecordedVerdict::Refuse => Some(Verdict::Refuse),
        RecordedVerdict::Hold => Some(Verdict::Hold),
        RecordedVerdict::Delete => None,
    }
}

fn undecidable(recorded: &Recorded) -> Option<Undecidable> {
    let application = &recorded.application;
    if recorded.redacted {
        Some(Undecidable::Redacted)
    } else if !application.malformed.is_empty() || recorded.brake == Some(Brake::Malformed) {
        Some(Undecidable::Malformed)
    } else if recorded.brake == Some(Brake::Ambiguous) {
        Some(Undecidable::Ambiguous)
    } else if recorded.actor != "rules"
        && application.nickname.is_empty()
        && application.reason.is_empty()
        && application.categories.is_empty()
    {
        Some(Undecidable::Bare)
    } else {
        None
    }
}

/// The rules of every account met so far.
struct Judges<'a> {
    question: &'a Question<'a>,
    /// By WeChat's appid and our name.
    numbers: HashMap<AppId, HashMap<String, usize>>,
    all: Vec<Judge>,
}

/// The rules of one account.
struct Judge {
    rules: AccountRules,
    /// The account is no longer there.
    gone: bool,
}

impl Judges<'_> {
    /// The number of the judge of an application. WeChat's appid tells an account that has another name now.
    fn of(&mut self, recorded: &Recorded) -> Result<usize, BacktestError> {
        let met = self.numbers.get(&recorded.account_appid).and_then(|names| names.get(&recorded.account));
        if let Some(number) = met {
            return Ok(*number);
        }
        let accounts = self.question.accounts;
        let now = accounts.iter().find(|account| account.appid == recorded.account_appid);
        let now = now.or_else(|| accounts.iter().find(|account| account.name == recorded.account));
        let name = now.map_or(&recorded.account, |account| &account.name);
        let rules = AccountRules::new(self.question.policy, name)
            .map_err(|problems| SetupError::Rules { account: name.clone(), problems })?;
        self.all.push(Judge { rules, gone: now.is_none() });
        let names = self.numbers.entry(recorded.account_appid.clone()).or_default();
        names.insert(recorded.account.clone(), self.all.len() - 1);
        Ok(self.all.len() - 1)
    }
}
