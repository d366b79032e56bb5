//! The plan, printed: what a live pass would do, without a hand to do it with.
//!
//! Reads WeChat and, if there is one, the log; holds no store that could record
//! an intent, so it has nothing to call WeChat with.

use super::account::Account;
use super::hand::Hand;
use super::housekeeping;
use super::pass::{Known, Stage, Watch, with_sources};
use super::report::PassReport;
use crate::policy::{Action, Application, Brake, Identity, Mode, Moment, Step, Why, evidence, rule_name};
use crate::store::Reader;
use futures_util::future::join_all;
use jiff::Timestamp;

/// One pending application and what would become of it.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The account's name.
    pub account: String,
    /// The application, the decision and what is to be done.
    pub step: Step,
    /// The name of the deciding rule.
    pub rule: Option<String>,
    /// The evidence.
    pub why: Why,
}

/// The preview of one account.
#[derive(Debug)]
pub struct PreviewedAccount {
    /// Pages, entries and troubles; nothing was done.
    pub report: PassReport,
    /// One line per pending application.
    pub lines: Vec<Preview>,
    /// What `[housekeeping]` would take off the list in a pass with nothing else to do.
    pub deletions: Vec<Deletion>,
}

/// An ended application that would be deleted.
#[derive(Debug, Clone, PartialEq)]
pub struct Deletion {
    /// The account's name.
    pub account: String,
    /// Whose application, and which.
    pub identity: Identity,
    /// What keeps it back.
    pub brake: Option<Brake>,
    /// Why it would be.
    pub why: Why,
}

/// Previews every account, as many at once as a live pass works. Reads; writes nothing.
pub async fn preview(
    accounts: &[Account],
    log: Option<&Reader>,
    tell: &(dyn Fn(Stage) + Sync),
) -> Vec<PreviewedAccount> {
    let previewed = accounts.iter().map(|account| async move {
        let watch = Watch::default();
        account.in_turn(&watch, || one(account, log, tell, &watch)).await
    });
    join_all(previewed).await.into_iter().flatten().collect()
}

async fn one(
    account: &Account,
    log: Option<&Reader>,
    tell: &(dyn Fn(Stage) + Sync),
    watch: &Watch,
) -> PreviewedAccount {
    let now = Timestamp::now();
    let mut report = PassReport::begin(&account.name, now, String::new());
    let listing = account
        .client
        .list(&|progress| {
            watch.beat();
            tell(Stage::Reading { pages: progress.pages, pending: progress.pending });
        })
        .await;
    report.pages = listing.pages;
    report.pending = listing.pending.len();
    report.unreadable = listing.unreadable.len();
    report.entries = listing.pending.len() + listing.others.len() + listing.unreadable.len();
    if let Some(gap) = &listing.gap {
        report.wechat_trouble("list", gap);
    }
    let identities: Vec<Identity> = listing.pending.iter().map(Application::identity).collect();
    let mut known = match log {
        None => Known::nothing(account),
        Some(log) => Known::read(log, account, &identities, now).await.unwrap_or_else(|error| {
            report.trouble("read the log", with_sources(&error));
            Known::nothing(account)
        }),
    };
    known.unclear = listing.unclear();
    report.stops = known.stop_words();
    let spent = housekeeping::preview(log, account, &listing, now).await.unwrap_or_else(|error| {
        report.trouble("read the log", with_sources(&error));
        Vec::new()
    });
    let brake = known.brake(Action::Delete);
    let deletion = |identity| Deletion {
        account: account.name.clone(),
        identity,
        brake,
        why: Hand::Housekeeping.why(Action::Delete),
    };
    let deletions = spent.into_iter().map(deletion).collect();
    let live = Account { mode: Mode::Live, ..account.clone() };
    let steps = known.plan(&live, listing.pending, true, now);
    let moment = Moment { now, history: &known.history };
    let lines = steps.into_iter().map(|step| line(account, step, &moment)).collect();
    PreviewedAccount { report, lines, deletions }
}

fn line(account: &Account, step: Step, moment: &Moment<'_>) -> Preview {
    Preview {
        account: account.name.clone(),
        rule: rule_name(&account.rules, &step.decision).map(ToOwned::to_owned),
        why: evidence(&account.rules, moment, &step),
        step,
    }
}
