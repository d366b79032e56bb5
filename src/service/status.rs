//! What the service does now, for people and for whoever watches it.
//!
//! What is recorded comes from the audit log, open for reading; what the log does not know (when a pass was complete,
//! who is pending, the quota) from `menshen.status`, which the service writes. So it is answered while the service
//! runs and with it dead, and needs no lock. What is out of date says how old it is.

mod keeper;
mod quota;
mod sheet;

pub(super) use keeper::{Keeper, keep_once};
pub(super) use quota::Quotas;
pub use sheet::{QuotaSheet, SheetError, TroubleSheet};

use super::account::Surroundings;
use super::limits::{counted_since, days_began};
use super::lock::StateLock;
use crate::config::{self, Config};
use crate::policy::{Action, AppId, Mode, PolicySpec, RuleLimit};
use crate::store::{ActiveBrake, BrakeKind, Reader, Spent, StoreError};
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Serialize;
use sheet::{AccountSheet, Kind, Sheet};
use std::collections::HashMap;
use std::time::Duration;

/// What a service does, and how its accounts fare.
#[derive(Debug)]
pub struct Status {
    /// When this was true.
    pub at: Timestamp,
    /// The process.
    pub service: ServiceStatus,
    /// Every account asked for, in the order of the configuration.
    pub accounts: Vec<AccountStatus>,
    /// What is not known, and why.
    pub gaps: Vec<String>,
}

/// The process that passes over the accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServiceStatus {
    /// A process holds the state directory.
    pub running: bool,
    /// Its process id, as it wrote it.
    pub pid: Option<String>,
    /// Its version; `None` = it has not said.
    pub version: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When its next pass is due.
    pub next_tick: Option<Timestamp>,
    /// Acts, or only decides.
    pub mode: Option<Mode>,
    /// When it last wrote of itself, dead or alive.
    pub heard_at: Option<Timestamp>,
}

/// One account.
#[derive(Debug, Clone, Serialize)]
pub struct AccountStatus {
    /// Our name for it.
    pub account: String,
    /// WeChat's.
    pub appid: AppId,
    /// When its last complete pass ended; `None` = there was none, or nobody knows.
    pub last_complete_pass: Option<Timestamp>,
    /// Since when it is worked.
    pub known_since: Option<Timestamp>,
    /// Pending when that pass ended.
    pub pending: Option<usize>,
    /// create_time of the oldest of these.
    pub oldest: Option<Timestamp>,
    /// When WeChat times that one out, by `[pending] window`.
    pub oldest_due: Option<Timestamp>,
    /// Those WeChat would soon time out, as that pass found.
    pub urgent: Option<usize>,
    /// What the log says waits for a person, as `review list` shows it.
    pub held: u64,
    /// Timed out by WeChat while nobody had decided: today, in `service.timezone` …
    pub timed_out_today: u64,
    /// … and in seven days, today included.
    pub timed_out_7d: u64,
    /// What keeps acting back.
    pub brakes: Vec<BrakeStatus>,
    /// What went wrong in the last pass.
    pub troubles: Vec<TroubleSheet>,
    /// Entries of the list that the last pass could not read.
    pub unreadable: usize,
    /// Rows the last pass gave up.
    pub failed: usize,
    /// When the last pass ended, complete or not.
    pub last_pass: Option<Timestamp>,
    /// What `[limits]` and the limits of rules have counted.
    pub limits: Vec<LimitStatus>,
    /// What is left of the day's calls.
    pub quota: Option<QuotaSheet>,
    /// The rules in use.
    pub rules: Option<RulesStatus>,
}

/// A brake or pause that is active.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrakeStatus {
    /// A person's pause, or the brake of a failed verification.
    pub kind: BrakeKind,
    /// It concerns this account alone.
    pub own: bool,
    /// The action it stops; `None` = every one.
    pub action: Option<&'static str>,
    /// Since when.
    pub since: Timestamp,
    /// Who pulled it.
    pub who: String,
    /// Why.
    pub why: Option<String>,
}

/// Places taken of a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitStatus {
    /// `agree` or `refuse` for a limit a day; `None` = a rule's own.
    pub action: Option<&'static str>,
    /// The rule whose limit it is.
    pub rule: Option<String>,
    /// Places taken.
    pub used: u32,
    /// Places there are; `None` = no limit.
    pub of: Option<u32>,
    /// In how many seconds; a day and its multiples are those of the calendar.
    pub per_secs: u64,
}

/// The rules in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RulesStatus {
    /// Their hash, as in the audit log.
    pub hash: String,
    /// Since when they are used.
    pub since: Option<Timestamp>,
}

/// Why an account needs somebody to look, for a watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overdue {
    /// An application waits for so long.
    Oldest(SignedDuration),
    /// The last complete pass ended so long ago.
    Silent(SignedDuration),
    /// No complete pass is known.
    Never,
}

/// How many calendar days "of late" is.
const LATELY_DAYS: i64 = 7;
const DAY_SECS: u64 = 86_400;

/// What may still be pending: WeChat's window, generously; an older row says nothing about today.
pub fn may_wait_since(config: &Config, now: Timestamp) -> Option<Timestamp> {
    let long = (config.pending.window * 4).max(Duration::from_secs(4 * DAY_SECS));
    now.checked_sub(SignedDuration::try_from(long).ok()?).ok()
}

/// How things stand for every account, or the one of this name.
///
/// # Errors
/// The audit log could not be read. That there is none yet, or no `menshen.status`, is told in [`Status::gaps`].
pub async fn status(
    config: &Config,
    around: &Surroundings,
    account: Option<&str>,
    now: Timestamp,
) -> Result<Status, StoreError> {
    let dir = &config.service.state_dir;
    let mut gaps = Vec::new();
    let sheet = Sheet::read(dir).unwrap_or_else(|error| {
        gaps.push(super::pass::with_sources(&error));
        None
    });
    if sheet.is_none() && gaps.is_empty() {
        gaps.push(format!(
            "there is no menshen.status in {}: no pass has ended yet, or somebody took it away",
            dir.display()
        ));
    }
    let service = service_status(StateLock::holder(dir), sheet.as_ref());
    let chosen = config.accounts.iter().filter(|one| account.is_none_or(|name| one.name == name));
    let blanks =
        chosen.map(|one| Blank { source: one, site: around.site.as_deref(), sheet: found(sheet.as_ref(), one) });
    let blanks: Vec<Blank<'_>> = blanks.collect();
    let log = Reader::peek(&dir.join("menshen.db")).await?;
    let told = match &log {
        Some(log) => Told::read(log, config, &blanks, now).await?,
        None => {
            gaps.push("there is no audit log yet: nothing was ever decided".to_owned());
            Told::default()
        }
    };
    let accounts = blanks.iter().map(|blank| blank.fill(config, &told)).collect();
    Ok(Status { at: now, service, accounts, gaps })
}

impl AccountStatus {
    /// Whether somebody must look: an application waits longer than `oldest`, which also asks for a complete pass that
    /// is not older (nobody would know of others), or no pass was complete for longer than `silence`.
    pub fn overdue(&self, now: Timestamp, oldest: Option<Duration>, silence: Option<Duration>) -> Option<Overdue> {
        let longer = |since: Timestamp, most: Option<Duration>| {
            let age = now.duration_since(since);
            let most = most.and_then(|most| SignedDuration::try_from(most).ok())?;
            (age > most).then_some(age)
        };
        if let Some(age) = self.oldest.and_then(|since| longer(since, oldest)) {
            return Some(Overdue::Oldest(age));
        }
        let least = [oldest, silence].into_iter().flatten().min()?;
        match (self.last_complete_pass, self.known_since) {
            (Some(ended), _) => longer(ended, Some(least)).map(Overdue::Silent),
            // One that was taken in a moment ago is given the time of a pass, if only silence is asked for.
            (None, Some(since)) if oldest.is_none() => longer(since, silence).map(|_| Overdue::Never),
            (None, _) => Some(Overdue::Never),
        }
    }

    /// The brake `verification` is pulled for it.
    pub fn is_braked(&self) -> bool {
        self.brakes.iter().any(|brake| brake.kind == BrakeKind::Verification)
    }

    /// Its last pass did not go as it should.
    pub fn is_in_trouble(&self) -> bool {
        !self.troubles.is_empty() || self.unreadable > 0 || self.failed > 0
    }
}

fn service_status(holder: Option<String>, sheet: Option<&Sheet>) -> ServiceStatus {
    let heard_at = sheet.map(|sheet| sheet.written_at);
    let mode = sheet.map(|sheet| sheet.writer.mode);
    let Some(pid) = holder else { return ServiceStatus { heard_at, mode, ..ServiceStatus::default() } };
    let own = sheet.filter(|sheet| sheet.writer.pid.to_string() == pid);
    ServiceStatus {
        running: true,
        version: own.map(|sheet| sheet.writer.version.clone()),
        started_at: own.map(|sheet| sheet.writer.started_at),
        next_tick: own.filter(|sheet| sheet.writer.kind == Kind::Service).and_then(|sheet| sheet.next_tick),
        pid: Some(pid),
        mode,
        heard_at,
    }
}

fn found<'s>(sheet: Option<&'s Sheet>, account: &config::Account) -> Option<&'s AccountSheet> {
    sheet?.accounts.iter().find(|one| one.appid == account.appid)
}

/// An account of the configuration, and what the service wrote of it.
struct Blank<'a> {
    source: &'a config::Account,
    site: Option<&'a str>,
    sheet: Option<&'a AccountSheet>,
}

/// What the log says of all of them.
#[derive(Default)]
struct Told {
    brakes: Vec<ActiveBrake>,
    held: HashMap<AppId, u64>,
    timed_out_today: HashMap<String, u64>,
    timed_out_lately: HashMap<String, u64>,
    spent: HashMap<AppId, Spent>,
    /// By account: rule, its limit, places taken.
    spent_by_rules: HashMap<AppId, Vec<(String, RuleLimit, u32)>>,
    first_used: HashMap<String, Timestamp>,
}

impl Told {
    async fn read(log: &Reader, config: &Config, blanks: &[Blank<'_>], now: Timestamp) -> Result<Told, StoreError> {
        let zone = &config.service.timezone;
        let today = now.to_zoned(zone.clone()).date();
        let lately = today.checked_sub((LATELY_DAYS - 1).days()).unwrap_or(today);
        let appids: Vec<&AppId> = blanks.iter().map(|blank| &blank.source.appid).collect();
        let mut told = Told {
            brakes: log.brakes().await?,
            held: log.waiting_counts(may_wait_since(config, now)).await?.into_iter().collect(),
            timed_out_today: log.timed_out(&today.to_string()).await?.into_iter().collect(),
            timed_out_lately: log.timed_out(&lately.to_string()).await?.into_iter().collect(),
            spent: log.spent_each(&appids, days_began(zone, now, 1)).await?,
            ..Told::default()
        };
        let mut limited: HashMap<&str, Vec<(String, RuleLimit)>> = HashMap::new();
        for sheet in blanks.iter().filter_map(|blank| blank.sheet) {
            let hash = sheet.ruleset.as_str();
            if !limited.contains_key(hash) {
                if let Some(since) = log.ruleset_first_used(hash).await? {
                    told.first_used.insert(hash.to_owned(), since);
                }
                limited.insert(hash, limited_rules(log, hash).await?);
            }
            let rules = &limited[hash];
            let asked: Vec<(&str, Timestamp)> =
                rules.iter().map(|(rule, limit)| (rule.as_str(), counted_since(zone, limit, now))).collect();
            let taken = log.spent_by_rules(&sheet.appid, &asked).await?;
            let rows = rules.iter().zip(taken).map(|((rule, limit), taken)| (rule.clone(), *limit, taken));
            told.spent_by_rules.insert(sheet.appid.clone(), rows.collect());
        }
        Ok(told)
    }
}

/// The rules with a limit of their own, as the log keeps the set; none where another version of menshen wrote it.
async fn limited_rules(log: &Reader, hash: &str) -> Result<Vec<(String, RuleLimit)>, StoreError> {
    let Some((_, spec)) = log.ruleset(hash).await? else { return Ok(Vec::new()) };
    let Ok(spec) = serde_json::from_str::<PolicySpec>(&spec) else { return Ok(Vec::new()) };
    Ok(spec.rules.into_iter().filter_map(|rule| Some((rule.name, rule.limit?))).collect())
}

impl Blank<'_> {
    fn fill(&self, config: &Config, told: &Told) -> AccountStatus {
        let Blank { source, sheet, .. } = *self;
        let complete = sheet.and_then(|sheet| sheet.last_complete.as_ref());
        let last = sheet.and_then(|sheet| sheet.last_pass.as_ref());
        let oldest = complete.and_then(|pass| pass.oldest);
        let window = SignedDuration::try_from(config.pending.window).ok();
        AccountStatus {
            account: source.name.clone(),
            appid: source.appid.clone(),
            last_complete_pass: complete.map(|pass| pass.ended_at),
            known_since: sheet.map(|sheet| sheet.known_since),
            pending: complete.map(|pass| pass.pending),
            oldest,
            oldest_due: oldest.and_then(|oldest| oldest.checked_add(window?).ok()),
            urgent: complete.map(|pass| pass.urgent),
            held: told.held.get(&source.appid).copied().unwrap_or_default(),
            timed_out_today: told.timed_out_today.get(&source.name).copied().unwrap_or_default(),
            timed_out_7d: told.timed_out_lately.get(&source.name).copied().unwrap_or_default(),
            brakes: self.brakes(&told.brakes),
            troubles: last.map(|pass| pass.troubles.clone()).unwrap_or_default(),
            unreadable: last.map_or(0, |pass| pass.unreadable),
            failed: last.map_or(0, |pass| pass.failed),
            last_pass: last.map(|pass| pass.ended_at),
            limits: self.limits(told),
            quota: sheet.and_then(|sheet| sheet.quota),
            rules: sheet.map(|sheet| RulesStatus {
                hash: sheet.ruleset.clone(),
                since: sheet.ruleset_since.or_else(|| told.first_used.get(&sheet.ruleset).copied()),
            }),
        }
    }

    /// The loudest first.
    fn brakes(&self, active: &[ActiveBrake]) -> Vec<BrakeStatus> {
        let site = self.site.unwrap_or(&self.source.wechat.base_url);
        let covers = |brake: &&ActiveBrake| {
            Action::ALL.into_iter().any(|action| brake.scope.covers(&self.source.appid, site, action))
        };
        let one = |brake: &ActiveBrake| BrakeStatus {
            kind: brake.kind,
            own: brake.scope.account.is_some(),
            action: brake.scope.action.map(Action::word),
            since: brake.at,
            who: brake.who.clone(),
            why: brake.why.clone(),
        };
        let mut brakes: Vec<BrakeStatus> = active.iter().filter(covers).map(one).collect();
        brakes.sort_by_key(|brake| brake.kind != BrakeKind::Verification);
        brakes
    }

    fn limits(&self, told: &Told) -> Vec<LimitStatus> {
        let Blank { source, .. } = *self;
        let spent = told.spent.get(&source.appid).copied().unwrap_or_default();
        let a_day = [(Action::Agree, source.limits.agree_per_day), (Action::Refuse, source.limits.refuse_per_day)];
        let a_day = a_day.into_iter().map(|(action, of)| LimitStatus {
            action: Some(action.word()),
            rule: None,
            used: spent.of(action),
            of,
            per_secs: DAY_SECS,
        });
        let of_rules = told.spent_by_rules.get(&source.appid).into_iter().flatten();
        let of_rules = of_rules.map(|(rule, limit, used)| LimitStatus {
            action: None,
            rule: Some(rule.clone()),
            used: *used,
            of: Some(limit.max),
            per_secs: limit.per.as_secs(),
        });
        a_day.chain(of_rules).collect()
    }
}

#[cfg(test)]
mod tests;
