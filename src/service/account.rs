//! One account as the service works it: its client, its rules, its limits.
//!
//! Built from a valid configuration; never changes. A reload builds new ones and
//! keeps the client (its token, its quota pause) where its settings stayed the same.

use super::rulesets::RuleSets;
use super::token::{self, Acting, Platforms};
use super::turns::Turns;
use crate::config::{self, Config};
use crate::policy::{AppId, Application, Housekeeping, Mode, RuleProblem, RuleSet};
use crate::wechat::{self, BuildError, Client, Lane};
use jiff::{Timestamp, tz::TimeZone};
use secrecy::SecretString;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// An account ready to be worked.
#[derive(Debug, Clone)]
pub struct Account {
    pub(crate) name: String,
    pub(crate) appid: AppId,
    pub(crate) site: String,
    pub(crate) mode: Mode,
    pub(crate) limits: config::Limits,
    pub(crate) timezone: TimeZone,
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) client: Client,
    pub(crate) pace: Pace,
    pub(crate) pending: config::Pending,
    pub(crate) housekeeping: Housekeeping,
    pub(super) source: config::Account,
    /// What it shares with the other accounts.
    pub(super) turns: Arc<Turns>,
    /// Its way to a turn.
    pub(super) lane: Arc<Lane>,
    /// The third-party platform it acts through.
    pub(super) acting: Option<Acting>,
}

/// What accounts have in common, while they are made.
struct Shared<'c> {
    turns: Arc<Turns>,
    rules: RuleSets<'c>,
    platforms: Platforms,
}

/// The spaces between readings; tests shorten them.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Waits before each further reading of a list that does not show what WeChat accepted.
    pub readings: Vec<Duration>,
    /// Further readings when only lost answers are open.
    pub readings_after_loss: usize,
}

impl Default for Pace {
    /// Four further readings over seven and a half seconds: the list may lag by seconds.
    fn default() -> Pace {
        #[cfg(feature = "fault-points")]
        if let Some((gap, _)) = crate::fault_point::quick() {
            return Pace { readings: vec![gap; 4], readings_after_loss: 2 };
        }
        Pace { readings: [500, 1000, 2000, 4000].map(Duration::from_millis).to_vec(), readings_after_loss: 2 }
    }
}

/// What stands around all accounts.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The spaces between readings.
    pub pace: Pace,
    /// Names the WeChat that is talked to, where `base_url` does not (the embedded sandbox has a new port each time).
    pub site: Option<String>,
}

/// An account that cannot be worked.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The HTTP client cannot be built.
    #[error("account {account:?}: the HTTPS client cannot be built")]
    Client {
        /// The account's name.
        account: String,
        /// Why.
        source: BuildError,
    },
    /// The rules do not compile; the configuration's own check says so first.
    #[error("account {account:?}: {}", problems.iter().map(|p| p.message.as_str()).collect::<Vec<_>>().join("; "))]
    Rules {
        /// The account's name.
        account: String,
        /// Why.
        problems: Vec<RuleProblem>,
    },
}

impl Account {
    /// Every account of a configuration, keeping the clients of `earlier` ones whose settings did not change.
    pub fn all(config: &Config, around: &Surroundings, earlier: &[Account]) -> Result<Vec<Account>, SetupError> {
        let turns = earlier.first().map_or_else(|| Turns::new(&config.service), |account| Arc::clone(&account.turns));
        let mut shared =
            Shared { turns, rules: RuleSets::new(&config.policy.spec), platforms: Platforms::after(earlier) };
        let earlier: HashMap<&AppId, &Account> = earlier.iter().map(|account| (&account.appid, account)).collect();
        let accounts = config.accounts.iter();
        accounts
            .map(|source| Account::new(config, source, around, &mut shared, earlier.get(&source.appid).copied()))
            .collect()
    }

    fn new(
        config: &Config,
        source: &config::Account,
        around: &Surroundings,
        shared: &mut Shared<'_>,
        before: Option<&Account>,
    ) -> Result<Account, SetupError> {
        let acting = shared.platforms.of(config, source)?;
        let client = match before.filter(|account| same_client(account, source, acting.as_ref())) {
            Some(account) => account.client.clone(),
            None => client(source, acting.as_ref(), &shared.turns)?,
        };
        Ok(Account {
            name: source.name.clone(),
            appid: source.appid.clone(),
            site: around.site.clone().unwrap_or_else(|| source.wechat.base_url.clone()),
            mode: config.service.mode,
            limits: source.limits,
            timezone: config.service.timezone.clone(),
            rules: shared.rules.of(&source.name, before)?,
            client,
            pace: around.pace.clone(),
            pending: config.pending,
            housekeeping: config.housekeeping,
            source: source.clone(),
            turns: Arc::clone(&shared.turns),
            lane: before.map_or_else(|| shared.turns.of_passes(), |account| Arc::clone(&account.lane)),
            acting,
        })
    }

    /// The account's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// WeChat will time it out within `warn_before`, going by `[pending] window`.
    pub(crate) fn is_urgent(&self, application: &Application, now: Timestamp) -> bool {
        let Some(applied) = application.create_time.instant() else { return false };
        let age = now.duration_since(applied).unsigned_abs();
        age >= self.pending.window.saturating_sub(self.pending.warn_before) && age <= self.pending.window
    }

    /// The calendar day of an instant, as `2026-11-22`: statistics count by it.
    pub(crate) fn day(&self, at: Timestamp) -> String {
        at.to_zoned(self.timezone.clone()).date().to_string()
    }
}

/// Whether the client built for an account serves this one: same appid, same token, same way to WeChat, same platform.
fn same_client(one: &Account, other: &config::Account, acting: Option<&Acting>) -> bool {
    let Account { source, .. } = one;
    let same_platform = match (&one.acting, acting) {
        (None, None) => true,
        (Some(one), Some(other)) => one.is(other),
        _ => false,
    };
    source.appid == other.appid && source.wechat == other.wechat && source.token == other.token && same_platform
}

/// The certificates the configuration read.
pub(super) fn ca_pem(wechat: &config::Wechat) -> Option<Arc<[u8]>> {
    wechat.ca_file.as_ref().map(|file| Arc::clone(&file.pem))
}

/// The proxy, its password included.
pub(super) fn proxy(wechat: &config::Wechat) -> Option<SecretString> {
    wechat.proxy.as_ref().map(|proxy| proxy.expose().into())
}

fn client(source: &config::Account, acting: Option<&Acting>, turns: &Turns) -> Result<Client, SetupError> {
    let wechat = &source.wechat;
    let settings = wechat::Settings {
        appid: source.appid.clone(),
        token: token::source(&source.token, acting),
        base_url: wechat.base_url.clone(),
        page_size: wechat.page_size,
        max_in_flight: wechat.max_in_flight,
        calls_per_minute: wechat.calls_per_minute,
        timeout: timeout(wechat.timeout),
        proxy: proxy(wechat),
        ca_pem: ca_pem(wechat),
        page_ceiling: wechat::PAGE_CEILING,
        in_flight_total: Some(turns.of_calls()),
        connections: turns.connections.clone(),
    };
    Client::new(settings).map_err(|error| SetupError::Client { account: source.name.clone(), source: error })
}

#[cfg(not(feature = "fault-points"))]
pub(super) fn timeout(configured: Duration) -> Duration {
    configured
}

#[cfg(feature = "fault-points")]
pub(super) fn timeout(configured: Duration) -> Duration {
    crate::fault_point::quick().map_or(configured, |(_, timeout)| timeout)
}
