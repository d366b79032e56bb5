//! What is left of the day's calls, asked of WeChat once an hour, beside the passes.
//!
//! Promises that no pass waits for it (one that begins ends the question), that an account in trouble is not asked
//! for, and that an answer that cannot be read is "unknown".

use super::keeper::{Keeper, Known};
use super::sheet::QuotaSheet;
use crate::config::Token;
use crate::policy::AppId;
use crate::service::account::Account;
use crate::service::report::PassReport;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long an answer is good for.
const FRESH: SignedDuration = SignedDuration::from_hours(1);
/// One that was ended by a pass is put again no sooner.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// How long a question may take, the wait for its turn included.
const PATIENCE: Duration = Duration::from_secs(30);

/// The questions under way.
pub(in crate::service) struct Quotas {
    known: Known,
    /// The last of each account, and when it was put.
    asking: HashMap<AppId, (Timestamp, JoinHandle<()>)>,
}

impl Quotas {
    /// None yet; answers go to the keeper.
    pub(in crate::service) fn new(keeper: &Keeper) -> Quotas {
        Quotas { known: keeper.known(), asking: HashMap::new() }
    }

    /// A pass ended: asks, if it went well and the last answer is old.
    pub(in crate::service) fn after(&mut self, account: &Account, report: &PassReport, now: Timestamp) {
        let within = |time: SignedDuration| move |at: Timestamp| now.duration_since(at).abs() < time;
        let put = self.asking.get(&account.appid).map(|(put, _)| *put);
        let soon = put.is_some_and(within(AGAIN)) || self.known.asked_at(&account.appid).is_some_and(within(FRESH));
        if soon || !report.complete || report.went_wrong() || !may_ask(account) {
            return;
        }
        let (client, known, appid) = (account.client.clone(), self.known.clone(), account.appid.clone());
        let question = tokio::spawn(async move {
            let answer = tokio::time::timeout(PATIENCE, client.quota()).await;
            known.hear_quota(&appid, now, answer.ok().and_then(Result::ok));
        });
        self.asking.insert(account.appid.clone(), (now, question));
    }

    /// What WeChat last said, and when it was asked.
    pub(in crate::service) fn known(&self, appid: &AppId) -> Option<QuotaSheet> {
        self.known.quota(appid)
    }

    /// A pass of this account begins: it waits for no question.
    pub(in crate::service) fn make_way(&mut self, appid: &AppId) {
        if let Some((_, question)) = self.asking.get(appid) {
            question.abort();
        }
    }

    /// Ends every question.
    pub(in crate::service) fn stop(&mut self) {
        self.asking.drain().for_each(|(_, (_, question))| question.abort());
    }
}

/// WeChat's cloud hosting lets through only the interfaces a person listed there, and quotas are seldom among them.
fn may_ask(account: &Account) -> bool {
    !matches!(account.source.token, Token::Cloudbase { .. } | Token::None)
}
