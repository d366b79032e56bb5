//! A configuration looked over part by part: what is right of it, and what is wrong where.
//!
//! For whoever goes on with what is right. Promises that what is wrong with the rules is told apart from the rest, and
//! that a secret that cannot be had hides nothing else: everything is in the outline, what can be used in the configuration.

use super::load::{read_text, text_of};
use super::{Config, ConfigError, Need, NotifyKind, Place, Secret, Surroundings, Token};
use crate::document::{Problem, Reading};
use std::path::Path;

/// What a configuration comes to, right or wrong.
#[derive(Debug, Clone)]
pub struct Survey {
    /// What is right, secrets read. Whatever something is wrong with is missing in it or stands at its default.
    pub config: Config,
    /// What is right in shape, secrets not read, without rules.
    pub outline: Config,
    /// What is wrong beside the rules; not that a secret cannot be read, which [`Secret::look`] tells.
    pub settings: Vec<Problem>,
    /// What is wrong with the rules.
    pub rules: Vec<Problem>,
    /// How many warnings the rules earn; none are looked for while something is wrong with them.
    pub warnings: usize,
}

/// A secret, and what it is for.
#[derive(Debug, Clone)]
pub struct NamedSecret<'c> {
    /// The account whose it is alone.
    pub account: Option<&'c str>,
    /// What it is for: `secret`, `[platform] secret`, `url of [[notify]] reviewers`.
    pub role: String,
    /// Where it comes from.
    pub secret: &'c Secret,
}

/// Looks a configuration and all it names over.
///
/// # Errors
/// The file itself cannot be read: then nothing is known of it.
pub fn survey(path: &Path, surroundings: &Surroundings) -> Result<Survey, ConfigError> {
    let text = text_of(path, surroundings)?;
    let read = |need: Need| {
        let reading = Reading::new();
        let config = read_text(&reading, path, &text, surroundings, need);
        let problems: Vec<Problem> =
            reading.finish().err().map(|found| found.iter().cloned().collect()).unwrap_or_default();
        (config, problems)
    };
    let ((config, whole), (outline, shape), (_, policy)) = (read(Need::Secrets), read(Need::State), read(Need::Policy));
    let (mut settings, mut rules) = (Vec::new(), Vec::new());
    for problem in whole {
        match (is_among(&problem, &shape), is_among(&problem, &policy), problem.code) {
            (false, true, _) => rules.push(problem),
            (false, false, "secret") => {}
            _ => settings.push(problem),
        }
    }
    let warnings = if rules.is_empty() { config.policy.lint().len() } else { 0 };
    Ok(Survey { config, outline, settings, rules, warnings })
}

impl Survey {
    /// A configuration that is known to be right.
    pub fn of(config: Config) -> Survey {
        let warnings = config.policy.lint().len();
        Survey { outline: config.clone(), config, settings: Vec::new(), rules: Vec::new(), warnings }
    }

    /// Every secret that is named, in the order of accounts, platform and notices.
    pub fn secrets(&self) -> Vec<NamedSecret<'_>> {
        let Config { accounts, platform, notify, .. } = &self.outline;
        let of_account = accounts.iter().filter_map(|account| {
            let (role, secret) = of_token(&account.token)?;
            Some(NamedSecret { account: Some(&account.name), role: role.to_owned(), secret })
        });
        let of_platform = platform.iter().flat_map(|platform| {
            let ticket = header_of(&platform.ticket).map(|secret| ("[platform] ticket", secret));
            std::iter::once(("[platform] secret", &platform.secret)).chain(ticket)
        });
        let of_platform =
            of_platform.map(|(role, secret)| NamedSecret { account: None, role: role.to_owned(), secret });
        let of_notices = notify.iter().flat_map(|one| {
            let role = |what: &str| format!("{what} of [[notify]] {}", one.name);
            of_notice(&one.kind).map(move |(what, secret)| NamedSecret { account: None, role: role(what), secret })
        });
        of_account.chain(of_platform).chain(of_notices).collect()
    }
}

/// Whether the same is told of the same place.
fn is_among(problem: &Problem, others: &[Problem]) -> bool {
    let said = |problem: &Problem| (problem.code, problem.file.clone(), problem.line, problem.column);
    others.iter().any(|other| said(other) == said(problem) && other.message == problem.message)
}

fn of_token(token: &Token) -> Option<(&'static str, &Secret)> {
    match token {
        Token::Stable { secret } | Token::Classic { secret } => Some(("secret", secret)),
        Token::External { place, .. } => Some(("header", header_of(place)?)),
        Token::Cloudbase { .. } | Token::None | Token::Authorizer => None,
    }
}

fn header_of(place: &Place) -> Option<&Secret> {
    match place {
        Place::Url { header, .. } => header.as_ref().map(|header| &header.secret),
        Place::Command(_) | Place::File(_) => None,
    }
}

fn of_notice(kind: &NotifyKind) -> impl Iterator<Item = (&'static str, &Secret)> {
    let (url, secret) = match kind {
        NotifyKind::Wecom { url } => (Some(url), None),
        NotifyKind::Feishu { url, secret } | NotifyKind::Dingtalk { url, secret } => (Some(url), secret.as_ref()),
        NotifyKind::Webhook { url, secret } => (Some(url), Some(secret)),
        NotifyKind::Command { .. } => (None, None),
    };
    url.map(|url| ("url", url)).into_iter().chain(secret.map(|secret| ("secret", secret)))
}
