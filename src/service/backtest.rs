//! A backtest: everything the log knows, decided again with the rules at hand, beside what became of it.
//!
//! Reads the log and nothing else; whoever calls it shows what it is told.
//! Promises memory that does not grow with the log, and to use several cores. Counting and comparing are `policy`'s.

use super::account::SetupError;
use crate::config;
use crate::policy::{
    AccountRules, Again, AppId, Backtest, Before, Brake, Change, Decision, History, Moment, PolicySpec, Said, Scratch,
    Undecidable, Verdict, Why, rule_name,
};
use crate::store::{Filter, Reader, Recorded, RecordedVerdict, StoreError, Stretch};
use futures_util::{TryStreamExt, stream};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use tokio_util::task::AbortOnDropHandle;

/// Stretches of the log read and decided at once; with what waits for its turn this bounds the memory.
const PAGES_UNDER_WAY: usize = 4;

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
    let walk = log.applications(&question.filter).await?;
    let at_most = walk.at_most();
    let judges = Arc::new(Judges::new(log, &question));
    let stretches = stream::try_unfold(walk, async |mut walk| {
        let next = walk.next().await?;
        Ok::<_, BacktestError>(next.map(|stretch| (stretch, walk)))
    });
    let pages = stretches.map_ok(|stretch| Arc::clone(&judges).spawn(stretch)).try_buffered(PAGES_UNDER_WAY);
    tokio::pin!(pages);
    let mut counted = Backtested { counts: Backtest::new(question.policy), gone: BTreeMap::new() };
    let mut newest = VecDeque::new();
    while let Some(page) = pages.try_next().await? {
        counted.add(&page);
        newest.extend(page.differing);
        newest.drain(..newest.len().saturating_sub(question.newest.unwrap_or_default()));
        if page.changed.into_iter().try_for_each(&mut *each).is_break() {
            return Ok(counted);
        }
        tell(counted.counts.seen(), at_most);
    }
    let _the_rest = with_reasons(log, newest).await?.into_iter().try_for_each(each);
    Ok(counted)
}

impl Backtested {
    fn add(&mut self, page: &Page) {
        page.passed_over.iter().for_each(|why| self.counts.pass_over(*why));
        page.again.iter().for_each(|again| self.counts.count(again));
        for (account, n) in &page.gone {
            *self.gone.entry(account.clone()).or_default() += n;
        }
    }
}

/// A stretch of the log, decided.
#[derive(Default)]
struct Page {
    passed_over: Vec<Undecidable>,
    again: Vec<Again>,
    gone: BTreeMap<String, u64>,
    /// Where each is told, those that changed …
    changed: Vec<Changed>,
    /// … and where only the newest are, what it takes to tell them.
    differing: Vec<Differing>,
}

/// An application that is decided otherwise now, its reasons not looked up yet.
struct Differing {
    recorded: Recorded,
    judge: Arc<Judge>,
    history: History,
    decision: Decision,
}

/// Looks both reasons up.
async fn with_reasons(
    log: &Reader,
    differing: impl IntoIterator<Item = Differing>,
) -> Result<Vec<Changed>, BacktestError> {
    let differing: Vec<Differing> = differing.into_iter().collect();
    let ids: Vec<i64> = differing.iter().map(|one| one.recorded.id).collect();
    let mut evidence = if ids.is_empty() { HashMap::new() } else { log.evidence(&ids).await? };
    let reasons = differing.into_iter().map(|Differing { recorded, judge, history, decision }| {
        let rules = &judge.rules.rules;
        let moment = Moment { now: recorded.decided_at, history: &history };
        Changed {
            why_then: evidence.remove(&recorded.id),
            rule: rule_name(rules, &decision).map(str::to_owned),
            why_now: rules.why(&recorded.application, &moment, &decision),
            recorded,
            decision,
        }
    });
    Ok(reasons.collect())
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

/// Decides pages, several at once; keeps the rules of every account met so far.
struct Judges {
    log: Reader,
    policy: PolicySpec,
    /// WeChat's appid and our name of the accounts there are now.
    accounts: Vec<(AppId, String)>,
    /// Only so many of the changed ones are told.
    newest: Option<usize>,
    /// By WeChat's appid and our name then.
    met: Mutex<HashMap<AppId, HashMap<String, Arc<Judge>>>>,
}

/// The rules of one account.
struct Judge {
    rules: AccountRules,
    /// The account is no longer there.
    gone: bool,
}

impl Judges {
    fn new(log: &Reader, question: &Question<'_>) -> Judges {
        let accounts = question.accounts.iter().map(|account| (account.appid.clone(), account.name.clone())).collect();
        let (policy, newest) = (question.policy.clone(), question.newest);
        Judges { log: log.clone(), policy, accounts, newest, met: Mutex::default() }
    }

    /// Decides a stretch in a task of its own, which ends when nobody waits for it.
    async fn spawn(self: Arc<Self>, stretch: Stretch) -> Result<Page, BacktestError> {
        let task = AbortOnDropHandle::new(tokio::spawn(async move { self.decide(stretch).await }));
        task.await.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
    }

    async fn decide(&self, stretch: Stretch) -> Result<Page, BacktestError> {
        let (mut page, mut rows) = (Page::default(), Vec::new());
        for recorded in stretch.read().await? {
            match undecidable(&recorded) {
                Some(why) => page.passed_over.push(why),
                None => rows.push((self.judge(&recorded)?, recorded)),
            }
        }
        let mut histories = self.histories(&rows).await?;
        let mut scratch = Scratch::default();
        for (at, (judge, recorded)) in rows.into_iter().enumerate() {
            let history = histories.remove(&at).unwrap_or_default();
            let moment = Moment { now: recorded.decided_at, history: &history };
            let again = judge.rules.again(&recorded.application, &moment, &before(&recorded), &mut scratch);
            if judge.gone {
                *page.gone.entry(recorded.account.clone()).or_default() += 1;
            }
            if again.change == Change::Changed {
                page.differing.push(Differing { recorded, judge, history, decision: again.decision.clone() });
            }
            page.again.push(again);
        }
        match self.newest {
            None => page.changed = with_reasons(&self.log, page.differing.drain(..)).await?,
            Some(newest) => drop(page.differing.drain(..page.differing.len().saturating_sub(newest))),
        }
        Ok(page)
    }

    /// What was known of earlier applications when each of these was decided, by its place among them; asked for only
    /// where the rules look back, once for each account.
    async fn histories(&self, rows: &[(Arc<Judge>, Recorded)]) -> Result<HashMap<usize, History>, BacktestError> {
        let mut asked: HashMap<&AppId, Vec<usize>> = HashMap::new();
        for (at, (judge, recorded)) in rows.iter().enumerate() {
            if judge.rules.rules.needs_history() {
                asked.entry(&recorded.account_appid).or_default().push(at);
            }
        }
        let mut histories = HashMap::new();
        for (account, places) in asked {
            let recorded = places.iter().map(|at| &rows[*at].1);
            let moments: Vec<(&AppId, Timestamp)> =
                recorded.map(|recorded| (&recorded.application.appid, recorded.decided_at)).collect();
            let known = self.log.earlier_each(account, &moments).await?;
            histories.extend(known.into_iter().map(|(at, history)| (places[at], history)));
        }
        Ok(histories)
    }

    /// The judge of an application. WeChat's appid tells an account that has another name now.
    fn judge(&self, recorded: &Recorded) -> Result<Arc<Judge>, BacktestError> {
        let mut met = self.met.lock().expect("no judge panics while it is kept");
        if let Some(judge) = met.get(&recorded.account_appid).and_then(|names| names.get(&recorded.account)) {
            return Ok(Arc::clone(judge));
        }
        let now = self.accounts.iter().find(|(appid, _)| *appid == recorded.account_appid);
        let now = now.or_else(|| self.accounts.iter().find(|(_, name)| *name == recorded.account));
        let name = now.map_or(&recorded.account, |(_, name)| name);
        let rules = AccountRules::new(&self.policy, name)
            .map_err(|problems| SetupError::Rules { account: name.clone(), problems })?;
        let judge = Arc::new(Judge { rules, gone: now.is_none() });
        let names = met.entry(recorded.account_appid.clone()).or_default();
        names.insert(recorded.account.clone(), Arc::clone(&judge));
        Ok(judge)
    }
}
