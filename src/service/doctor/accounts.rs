//! What WeChat says to each account: token, list, permission, quota. Reads only.
//!
//! Promises that an account that hangs keeps the others waiting no longer than its own timeouts, and that a token
//! others would lose theirs by is fetched only when somebody said that it may be.

mod judge;

use super::finding::{Check, Finding};
use super::{Examination, Reachable};
use crate::config::{self, Config, Token};
use crate::policy::Status;
use crate::service::Account;
use crate::service::pass::with_sources;
use crate::wechat::{Entry, Error, Quota, TokenState};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use judge::{Scene, judge};
use std::time::Duration;
use tokio::time::timeout;

/// Accounts that are asked about at the same time.
const AT_ONCE: usize = 16;
/// An account makes three calls; each ends within its timeout, and a command that hands out a token within its own.
const CALLS: u32 = 4;
/// Beyond these.
const GRACE: Duration = Duration::from_secs(10);

/// What an account was asked, and what came back.
struct Asked {
    token: Fetched,
    /// The first page of the list.
    page: Option<Result<Seen, Error>>,
    quota: Option<Result<Quota, Error>>,
}

/// A token, or why there is none.
enum Fetched {
    Had(TokenState),
    Failed(Error),
    LeftAlone(&'static str),
}

/// A page of the list, without anybody's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    entries: usize,
    unreadable: usize,
    pending: usize,
    /// When the pending one that waits longest applied.
    oldest: Option<Timestamp>,
    /// As many as were asked for: there may be more.
    full: bool,
}

/// Asks for every account in question, some at once; tells in their order.
pub(super) async fn look(examination: &Examination<'_>, tell: &mut (dyn FnMut(Finding) + Send)) {
    let survey = examination.survey;
    let named: Vec<&config::Account> =
        survey.outline.accounts.iter().filter(|account| examination.concerns(&account.name)).collect();
    let usable = usable(&survey.config, &survey.outline);
    let accounts = built(&usable, examination);
    let asked = named.into_iter().map(|source| {
        let account = accounts.iter().find(|built| name_of(built) == source.name);
        async move {
            let found = match account {
                Some(Ok(account)) => one(account, examination).await,
                Some(Err((_, problem))) => without(problem),
                None => without("the account cannot be used as it stands; see `configuration` and `credentials`"),
            };
            found.into_iter().map(|finding| finding.of(&source.name)).collect::<Vec<_>>()
        }
    });
    let mut asked = stream::iter(asked).buffered(AT_ONCE);
    while let Some(findings) = asked.next().await {
        findings.into_iter().for_each(&mut *tell);
    }
}

/// What is right of the accounts, with no rules: none are needed to ask.
fn usable(config: &Config, outline: &Config) -> Config {
    let mut usable = Config { policy: outline.policy.clone(), ..config.clone() };
    if usable.platform.is_none() {
        usable.accounts.retain(|account| account.token != Token::Authorizer);
    }
    usable
}

type Built = Result<Account, (String, String)>;

fn name_of(built: &Built) -> &str {
    match built {
        Ok(account) => account.name(),
        Err((name, _)) => name,
    }
}

/// All of them at once, for what they share; one by one where one cannot be made.
fn built(config: &Config, examination: &Examination<'_>) -> Vec<Built> {
    if let Ok(accounts) = Account::all(config, examination.around, &[]) {
        return accounts.into_iter().map(Ok).collect();
    }
    let alone = |source: &config::Account| {
        let alone = Config { accounts: vec![source.clone()], ..config.clone() };
        let made = Account::all(&alone, examination.around, &[]);
        let made = made.map_err(|error| (source.name.clone(), with_sources(&error)))?;
        made.into_iter().next().ok_or_else(|| (source.name.clone(), "it cannot be made".to_owned()))
    };
    config.accounts.iter().map(alone).collect()
}

/// Every line of an account that cannot be asked about.
fn without(problem: &str) -> Vec<Finding> {
    let rest = [Check::IpList, Check::Permission, Check::List, Check::OldestPending, Check::Quota];
    let first = Check::Token.fail(problem, "mend that first; then run menshen doctor again");
    std::iter::once(first).chain(rest.map(|check| check.skipped("the account cannot be asked about"))).collect()
}

async fn one(account: &Account, examination: &Examination<'_>) -> Vec<Finding> {
    let now = Timestamp::now();
    let patience = account.source.wechat.timeout * CALLS + GRACE;
    let scene = Scene { pending: account.pending, site: examination.site, now };
    match timeout(patience, ask(account, examination)).await {
        Ok(asked) => judge(&asked, &scene),
        Err(_) => judge(
            &Asked { token: Fetched::Failed(Error::Timeout { after: patience }), page: None, quota: None },
            &scene,
        ),
    }
}

/// Asks; what needs a token is not asked for without one.
async fn ask(account: &Account, examination: &Examination<'_>) -> Asked {
    let none = |token| Asked { token, page: None, quota: None };
    if examination.network == Reachable::Offline {
        return none(Fetched::LeftAlone("--offline"));
    }
    if let Some(why) = kept_off(account, examination).await {
        return none(Fetched::LeftAlone(why));
    }
    let state = match account.client.obtain_token().await {
        Ok(state) => state,
        Err(error) => return none(Fetched::Failed(error)),
    };
    let page_size = account.source.wechat.page_size;
    let page = account.client.entries(1, page_size).await.map(|entries| seen(&entries, page_size));
    let quota = account.client.quota().await;
    Asked { token: Fetched::Had(state), page: Some(page), quota: Some(quota) }
}

/// Why no token is fetched unasked.
async fn kept_off(account: &Account, examination: &Examination<'_>) -> Option<&'static str> {
    if examination.may_disturb {
        return None;
    }
    match account.source.token {
        Token::Authorizer => Some(
            "kind authorizer: a token fetched here replaces the refresh token a running service works with; say --yes if that may be",
        ),
        _ if account.client.would_cut_off_others().await => {
            Some("kind classic: a token fetched here ends the one other systems hold; say --yes if that may be")
        }
        _ => None,
    }
}

fn seen(entries: &[Result<Entry, String>], page_size: u32) -> Seen {
    let readable = || entries.iter().filter_map(|entry| entry.as_ref().ok());
    let pending = || readable().filter(|entry| entry.status == Some(Status::Pending));
    Seen {
        entries: entries.len(),
        unreadable: entries.len() - readable().filter(|entry| entry.status.is_some()).count(),
        pending: pending().count(),
        oldest: pending().filter_map(|entry| entry.application.create_time.instant()).min(),
        full: entries.len() >= page_size as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + secs).expect("an instant")
    }

    #[test]
    fn a_page_is_seen_without_words() {
        let json = r#"[{"appid":"a","status":1,"create_time":"1800000000"},{"appid":"b","status":1,"create_time":"1799990000"},
            {"appid":"c","status":2,"create_time":"1700000000"},{"status":1},{"appid":"d","status":"x"}]"#;
        let entries = crate::wechat::read_entries(json.as_bytes()).expect("a list");
        let expected = Seen { entries: 5, unreadable: 2, pending: 2, oldest: Some(at(-10_000)), full: true };
        assert_eq!(seen(&entries, 5), expected);
        assert!(!seen(&entries, 6).full);
    }
}
