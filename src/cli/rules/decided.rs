//! Applications, decided by the rules at hand, with every rule and condition looked at.

use super::subject::{Candidate, Subject};
use crate::cli::{Wrong, print::DecidedRecord};
use crate::config::Config;
use crate::policy::{
    AppId, Application, Brake, History, Mode, Moment, PolicySpec, Room, RuleSet, Situation, Status, Stops, Why,
    evidence, fold, plan, rule_name,
};
use anyhow::{Error, anyhow};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{HashMap, HashSet};

/// The rules one account sees.
pub(super) struct AccountRules {
    /// Its name; none where no account is configured.
    pub(super) account: Option<String>,
    pub(super) rules: RuleSet,
    /// Rules that are limited to other accounts.
    pub(super) elsewhere: usize,
}

impl AccountRules {
    /// The rules of the account that was named, of the only one, or of any if all have the same.
    pub(super) fn of(config: &Config, named: Option<&str>) -> Result<AccountRules, Error> {
        let (names, spec) = (&config.account_names, &config.policy.spec);
        known(names, named)?;
        let account = match (named, names.as_slice()) {
            (Some(name), _) => Some(name.to_owned()),
            (None, []) => None,
            (None, [first, others @ ..]) => {
                let rules = spec.for_account(first);
                if others.iter().any(|name| spec.for_account(name) != rules) {
                    let names = names.join(", ");
                    let message =
                        format!("menshen: the rules differ between accounts: name one with --account ({names})");
                    return Err(Error::new(Wrong(message)));
                }
                Some(first.clone())
            }
        };
        AccountRules::compile(spec, account)
    }

    fn compile(spec: &PolicySpec, account: Option<String>) -> Result<AccountRules, Error> {
        let seen = spec.for_account(account.as_deref().unwrap_or_default());
        let elsewhere = spec.rules.len() - seen.rules.len();
        let broken = |problems: Vec<_>| anyhow!("the rules do not compile: {} problems", problems.len());
        Ok(AccountRules { rules: RuleSet::compile(seen).map_err(broken)?, account, elsewhere })
    }
}

/// That an account of this name is configured.
pub(super) fn known(names: &[String], named: Option<&str>) -> Result<(), Error> {
    match named.filter(|name| !names.is_empty() && !names.iter().any(|known| known == name)) {
        None => Ok(()),
        Some(name) => {
            let message = format!("menshen: no account is named {name:?}; known: {}", names.join(", "));
            Err(Error::new(Wrong(message)))
        }
    }
}

/// One application and what the rules make of it, as JSON shows it.
#[derive(Debug, Serialize)]
pub(super) struct Decided {
    pub(super) source: String,
    pub(super) account: Option<String>,
    pub(super) appid: AppId,
    pub(super) create_time: Option<i64>,
    pub(super) status: Option<&'static str>,
    pub(super) now: Timestamp,
    pub(super) nickname: String,
    pub(super) nickname_folded: String,
    pub(super) reason: String,
    pub(super) reason_folded: String,
    pub(super) categories: Vec<String>,
    pub(super) malformed: Vec<String>,
    pub(super) verdict: &'static str,
    pub(super) rule: Option<String>,
    pub(super) message: Option<String>,
    pub(super) brake: Option<Brake>,
    /// Rules limited to other accounts, which were not looked at.
    pub(super) rules_elsewhere: usize,
    /// Rules ask for earlier applications, and the log was not looked at.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) history_not_asked: bool,
    pub(super) why: Why,
    #[serde(skip)]
    pub(super) application: Application,
}

impl Decided {
    /// What a dry run prints of it too.
    pub(super) fn record(&self) -> DecidedRecord<'_> {
        DecidedRecord {
            account: self.account.as_deref(),
            appid: self.appid.as_str(),
            create_time: self.create_time,
            nickname: &self.nickname,
            reason: &self.reason,
            categories: self.categories.clone(),
            verdict: self.verdict,
            rule: self.rule.as_deref(),
            message: self.message.as_deref(),
            brake: self.brake,
            why: &self.why,
        }
    }
}

/// Decides every candidate as a pass would that knows nothing of it yet: two pending ones of one appid are ambiguous.
pub(super) fn decide(subject: Subject, rules: &AccountRules, now: Timestamp) -> Vec<Decided> {
    let history = subject.history.as_ref();
    let history_not_asked = history.is_none() && rules.rules.needs_history();
    let moment = Moment { now, history: history.unwrap_or(History::nothing()) };
    let (past, stops, ended) = (HashMap::new(), Stops::default(), HashSet::new());
    let situation = Situation {
        rules: &rules.rules,
        moment: &moment,
        mode: Mode::Live,
        past: &past,
        room: &Room::default(),
        stops: &stops,
        unclear: &ended,
        settled: true,
    };
    let status = |application: &Application| {
        let same = |candidate: &&Candidate| candidate.application == *application;
        subject.candidates.iter().find(same).and_then(|candidate| candidate.status)
    };
    let applications = subject.candidates.iter().map(|candidate| candidate.application.clone()).collect();
    let steps = plan(&situation, applications).into_iter().map(|step| {
        let sentence = evidence(&rules.rules, &moment, &step).sentence;
        let why = Why { sentence, ..rules.rules.explain(&step.application, &moment) };
        Decided {
            source: subject.source.clone(),
            account: rules.account.clone(),
            appid: step.application.appid.clone(),
            create_time: step.application.create_time.seconds(),
            status: status(&step.application).map(status_word),
            now,
            nickname: step.application.nickname.clone(),
            nickname_folded: fold(&step.application.nickname),
            reason: step.application.reason.clone(),
            reason_folded: fold(&step.application.reason),
            categories: step.application.categories.iter().map(ToString::to_string).collect(),
            malformed: step.application.malformed.clone(),
            verdict: step.decision.verdict.word(),
            rule: rule_name(&rules.rules, &step.decision).map(str::to_owned),
            message: step.decision.message,
            brake: step.decision.brake,
            rules_elsewhere: rules.elsewhere,
            history_not_asked,
            why,
            application: step.application,
        }
    });
    steps.collect()
}

/// Where an application stands, in a word.
pub(super) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Pending => "pending",
        Status::Approved => "approved",
        Status::Refused => "refused",
        Status::TimedOut => "timed out",
        Status::Other(_) => "in a status menshen does not know",
    }
}
