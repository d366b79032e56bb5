//! Deciding by hand: a person's word, carried out the way a pass carries out the rules'.
//!
//! The account is taken, the list read, every application looked at as it stands
//! now, the row written before the call, and the list read again. A person is
//! free of limits and pauses (their calls count in the limits all the same), but
//! not of the brake `verification`: while WeChat does something else than it is
//! asked for, nobody should ask it for more.

use super::account::Account;
use super::account_lock::AccountLock;
use super::before::{Before, can_move};
use super::elsewhere::ELSEWHERE;
use super::lock::LockError;
use super::pass::{Pass, Stage, Watch, stops};
use super::report::PassReport;
use crate::policy::{
    Action, AppId, Application, CreateTime, Decision, Identity, RuleMessage, Status, Step, Todo, Verdict, Why,
    clean_message,
};
use crate::store::{Filter, Reader, Store, StoreError};
use crate::wechat::Listing;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a person asks for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Who, for the record: `cli:USER`.
    pub who: String,
    /// What.
    pub action: Action,
    /// Whose applications.
    pub appids: Vec<AppId>,
    /// What a refusal says.
    pub words: Words,
    /// The one application that was looked at; `None` = whichever waits of each appid.
    pub seen: Option<Seen>,
}

/// What tells the application somebody looked at from a later one of the same applicant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Its create_time in Unix seconds, as far as it told one.
    pub create_time: Option<i64>,
}

/// What a refusal says to the applicant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// Nothing: it is no refusal.
    None,
    /// This text.
    Text(String),
    /// The message of the rule of this name, filled in for each application.
    OfRule(String),
}

/// Why one of the applications was left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// Not on the list.
    #[error("it is not on the list: withdrawn, or the appid is another")]
    NotListed,
    /// Not where the action could move it from.
    #[error("it is {0}: {1}")]
    Standing(&'static str, &'static str),
    /// WeChat's call names an appid only.
    #[error(
        "the list shows its appid more than once, and a call does not say which application it means; decide it in the console"
    )]
    Twice,
    /// A refusal must say something.
    #[error("the words of the refusal came out empty")]
    NoWords,
    /// Longer than a refusal may be.
    #[error("the words of the refusal have {chars} characters; policy.message_max_chars allows {most}")]
    TooLong {
        /// How many there are.
        chars: usize,
        /// How many there may be.
        most: usize,
    },
    /// The list shows it pending, the log says that it has ended.
    #[error(
        "the audit log says in row {0} that it has ended, and the list still shows it pending: the list lags, or WeChat did \
         not do what it answered; look at `menshen audit show {0}`, and try again when a pass has looked at it"
    )]
    Ended(i64),
    /// Somebody looked at one application, and the list shows another one of the same applicant.
    #[error(
        "it is not the application that was shown: that one is gone and its applicant has applied again; look at it when a \
         pass has recorded it"
    )]
    Another,
    /// Acting stopped before it was reached.
    #[error("acting stopped before its turn, so nothing was sent for it; try again")]
    NotReached,
    /// The message of the rule would have a gap.
    #[error(
        "rule {0:?} finds nothing in this application to fill its message with, so a word would be missing; say it with --reason"
    )]
    NothingToName(String),
    /// No such rule.
    #[error("no refuse rule of this account is named {0:?}")]
    NoRule(String),
}

/// Nothing was asked of WeChat.
#[derive(Debug, thiserror::Error)]
pub enum HandError {
    /// The account is being worked, or the state directory cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The log failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is not on an incomplete list may be there all the same.
    #[error("the list could not be read to its end; nothing was sent: {0}")]
    Incomplete(String),
    /// A row that a crash left open could not be settled.
    #[error(
        "an earlier call of this account is not settled yet; nothing was sent. Try again when the list can be read"
    )]
    Unsettled,
    /// The brake `verification`.
    #[error(
        "the brake verification is pulled for this account; nothing was sent. Look at the console, then `menshen resume --why \"…\"`, then try again"
    )]
    Braked,
    /// Told to stop.
    #[error("stopped before anything was sent")]
    Stopped,
}

/// Whose word a pass carries out, where it is not the rules'.
#[derive(Debug)]
pub(super) enum Hand {
    /// A person: `cli:USER`.
    Person(String),
    /// `[housekeeping]`.
    Housekeeping,
}

impl Hand {
    /// `actor` of the rows.
    pub(super) fn actor(&self) -> &str {
        match self {
            Hand::Person(who) => who,
            Hand::Housekeeping => "housekeeping",
        }
    }

    /// A pause keeps the service from acting, not a person.
    pub(super) fn is_held_by_pauses(&self) -> bool {
        matches!(self, Hand::Housekeeping)
    }

    /// The evidence of a row.
    pub(super) fn why(&self, action: Action) -> Why {
        let sentence = match self {
            Hand::Person(who) => format!("{} by hand, by {who}", action.word()),
            Hand::Housekeeping => "delete: it ended longer ago than [housekeeping] keeps it on the list".to_owned(),
        };
        Why { sentence, rules: Vec::new() }
    }
}

impl Account {
    /// Carries a person's wish out; gives the report of the pass this was, and what stood in the way of which.
    ///
    /// # Errors
    /// Then nothing was asked of WeChat.
    pub async fn by_hand(
        &self,
        store: &Arc<Store>,
        watch: &Watch,
        wish: &Wish,
        tell: &(dyn Fn(Stage) + Sync),
    ) -> Result<(PassReport, Vec<(AppId, Obstacle)>), HandError> {
        let mut pass = Pass::begin(self, store, watch, tell);
        pass.hand = Some(Hand::Person(wish.who.clone()));
        let lock = AccountLock::of(store, &self.appid, &watch.stop).await?;
        let Some(_lock) = lock else { return Err(HandError::Stopped) };
        let listing = pass.read_for_hand().await?;
        let (steps, mut obstacles) = steps(self, &listing, wish);
        let steps = without_ended(self, store, steps, &mut obstacles).await?;
        let wanted: Vec<AppId> = steps.iter().map(|step| step.application.appid.clone()).collect();
        let pending: HashSet<Identity> = listing.pending.iter().map(Application::identity).collect();
        let nameless = listing.nameless();
        let mut before = Before::new(pending, listing.others, std::mem::take(&mut pass.ours), nameless);
        if let Err(error) = pass.act(&mut before, steps, Vec::new()).await {
            match pass.report.acted() {
                true => pass.report.trouble("record", super::pass::with_sources(&error)),
                false => return Err(error.into()),
            }
        }
        let report = pass.end();
        let reached = rows_of(store, &report).await?;
        let missed = wanted.into_iter().filter(|appid| !reached.contains(appid.as_str()));
        obstacles.extend(missed.map(|appid| (appid, Obstacle::NotReached)));
        Ok((report, obstacles))
    }
}

impl Pass<'_> {
    /// A complete list, with everything earlier settled.
    async fn read_for_hand(&mut self) -> Result<Listing, HandError> {
        self.doubt_an_older_log().await?;
        if stops(self.account, &self.store.brakes().await?).verification {
            return Err(HandError::Braked);
        }
        let mut listing = self.scan().await.ok_or(HandError::Stopped)?;
        if listing.gap.is_some() {
            let words = self.report.troubles.last().map(|trouble| trouble.message.clone());
            return Err(HandError::Incomplete(words.unwrap_or_default()));
        }
        match self.settle_leftovers(&mut listing).await? {
            true => Ok(listing),
            false => Err(HandError::Unsettled),
        }
    }
}

/// Leaves out what WeChat accepted a change of at our word, or was seen to end elsewhere: the list may lag, and nothing is
/// changed twice. Without a create_time it may as well have applied again: that a person may decide.
async fn without_ended(
    account: &Account,
    log: &Reader,
    steps: Vec<Step>,
    obstacles: &mut Vec<(AppId, Obstacle)>,
) -> Result<Vec<Step>, StoreError> {
    let identities: Vec<Identity> = steps.iter().map(|step| step.application.identity()).collect();
    let past = log.past(&account.appid, &identities).await?;
    let ended = |step: &Step| {
        let identity = step.application.identity();
        let row = past.get(&identity).filter(|_| identity.create_time.text().is_some())?;
        let changes = matches!(step.todo, Todo::Act { action: Action::Agree | Action::Refuse, .. });
        row.accepted.map(|(id, _)| id).or((row.actor == ELSEWHERE).then_some(row.id)).filter(|_| changes)
    };
    let mut left = Vec::with_capacity(steps.len());
    for step in steps {
        match ended(&step) {
            Some(row) => obstacles.push((step.application.appid, Obstacle::Ended(row))),
            None => left.push(step),
        }
    }
    Ok(left)
}

/// The applicants a pass wrote rows of.
async fn rows_of(log: &Reader, report: &PassReport) -> Result<HashSet<String>, StoreError> {
    let filter = Filter { pass: Some(report.pass.clone()), since: Some(report.started), ..Filter::default() };
    let mut appids = HashSet::new();
    log.list(&filter, |row| {
        appids.insert(row.appid);
        ControlFlow::Continue(())
    })
    .await?;
    Ok(appids)
}

/// One step for each application that can be moved, and what stands in the way of the others.
fn steps(account: &Account, listing: &Listing, wish: &Wish) -> (Vec<Step>, Vec<(AppId, Obstacle)>) {
    let entries = entries(listing, &wish.appids);
    let (mut steps, mut obstacles, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for appid in wish.appids.iter().filter(|appid| seen.insert(*appid)) {
        let found = entries.get(appid).map_or(&[][..], Vec::as_slice);
        let step = match listing.garbles(appid) {
            true => Err(Obstacle::Twice),
            false => step(account, found, wish),
        };
        match step {
            Ok(step) => steps.push(step),
            Err(obstacle) => obstacles.push((appid.clone(), obstacle)),
        }
    }
    (steps, obstacles)
}

/// Every entry of the applicants that are asked for, in one walk over the list.
fn entries(listing: &Listing, appids: &[AppId]) -> HashMap<AppId, Vec<(Status, Application)>> {
    let wanted: HashSet<&AppId> = appids.iter().collect();
    let mut entries: HashMap<AppId, Vec<(Status, Application)>> = HashMap::new();
    for application in listing.pending.iter().filter(|application| wanted.contains(&application.appid)) {
        entries.entry(application.appid.clone()).or_default().push((Status::Pending, application.clone()));
    }
    for (identity, status) in listing.others.iter().filter(|(identity, _)| wanted.contains(&identity.appid)) {
        let (appid, create_time) = (identity.appid.clone(), identity.create_time);
        entries.entry(identity.appid).or_default().push((status, nameless(appid, create_time)));
    }
    entries
}

/// Of an application that is not pending the client keeps who and when.
pub(super) fn nameless(appid: AppId, create_time: CreateTime) -> Application {
    Application {
        appid,
        create_time,
        nickname: String::new(),
        reason: String::new(),
        categories: Vec::new(),
        headimgurl: None,
        apply_url: None,
        malformed: Vec::new(),
    }
}

fn step(account: &Account, found: &[(Status, Application)], wish: &Wish) -> Result<Step, Obstacle> {
    let movable: Vec<&(Status, Application)> =
        found.iter().filter(|(status, _)| can_move(wish.action, *status)).collect();
    let application = match (movable.as_slice(), found) {
        // Of a deletion nobody knows which entry of an appid it means; a change asks for the one that is pending.
        ([_], [_, _, ..]) if wish.action == Action::Delete => return Err(Obstacle::Twice),
        ([(_, application)], _) => application.clone(),
        ([], []) => return Err(Obstacle::NotListed),
        ([], [(status, _), ..]) => return Err(standing(wish.action, *status)),
        _ => return Err(Obstacle::Twice),
    };
    if wish.seen.is_some_and(|seen| seen.create_time != application.create_time.seconds()) {
        return Err(Obstacle::Another);
    }
    let message = words(account, wish, &application)?;
    let verdict = if wish.action == Action::Agree { Verdict::Agree } else { Verdict::Refuse };
    let decision = Decision { verdict, rule: None, message, brake: None, unknown: Vec::new() };
    Ok(Step { application, decision, todo: Todo::Act { action: wish.action, again: None }, full: None })
}

fn standing(action: Action, status: Status) -> Obstacle {
    let stands = match status {
        Status::Pending => "still pending",
        Status::Approved => "approved already",
        Status::Refused => "refused already",
        Status::TimedOut => "timed out",
        Status::Other(_) => "in a status menshen does not know",
    };
    let why = match action {
        Action::Delete => "only what was refused or timed out can be deleted",
        Action::Agree | Action::Refuse => "only a pending application can be agreed to or refused",
    };
    Obstacle::Standing(stands, why)
}

fn words(account: &Account, wish: &Wish, application: &Application) -> Result<Option<String>, Obstacle> {
    if wish.action != Action::Refuse {
        return Ok(None);
    }
    let most = account.rules.spec().message_max_chars;
    let message = match &wish.words {
        Words::None => String::new(),
        Words::Text(text) => {
            let chars = text.trim().chars().count();
            if chars > most {
                return Err(Obstacle::TooLong { chars, most });
            }
            clean_message(text.trim(), most)
        }
        Words::OfRule(name) => {
            match account.rules.message_of(name, application).ok_or_else(|| Obstacle::NoRule(name.clone()))? {
                RuleMessage::Whole(message) => message,
                RuleMessage::WithGaps(_) => return Err(Obstacle::NothingToName(name.clone())),
            }
        }
    };
    if message.is_empty() { Err(Obstacle::NoWords) } else { Ok(Some(message)) }
}
