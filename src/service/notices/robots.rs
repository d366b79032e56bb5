//! A `[[notify]]` of the configuration as the robot's own settings: neither knows the other.

use crate::config::{self, Config, NotifyKind, NotifyLanguage};
use crate::notify::{Event, Kind, Language, Settings};
use secrecy::SecretString;
use std::sync::Arc;

/// What a robot is made of.
pub(super) fn settings(config: &Config, source: &config::Notify) -> Settings {
    let value = |secret: &config::Secret| -> SecretString { secret.value().expect("loaded with its secrets").clone() };
    let kind = match &source.kind {
        NotifyKind::Wecom { url } => Kind::Wecom { url: value(url) },
        NotifyKind::Feishu { url, secret } => Kind::Feishu { url: value(url), secret: secret.as_ref().map(value) },
        NotifyKind::Dingtalk { url, secret } => Kind::Dingtalk { url: value(url), secret: secret.as_ref().map(value) },
        NotifyKind::Webhook { url, secret } => Kind::Webhook { url: value(url), secret: value(secret) },
        NotifyKind::Command { argv } => Kind::Command { argv: argv.clone() },
    };
    let language = match source.language {
        NotifyLanguage::Zh => Language::Zh,
        NotifyLanguage::En => Language::En,
    };
    Settings {
        name: source.name.clone(),
        kind,
        keyword: source.keyword.clone(),
        language,
        timezone: config.service.timezone.clone(),
        proxy: source.proxy.as_ref().map(|proxy| proxy.expose().into()),
        ca_pem: source.ca_file.as_ref().map(|file| Arc::clone(&file.pem)),
    }
}

/// Whether it is told of an account.
pub(super) fn concerns(source: &config::Notify, account: &str) -> bool {
    source.accounts.is_empty() || source.accounts.iter().any(|one| one == account)
}

/// Whether it is told of an event.
pub(super) fn wants(source: &config::Notify, event: Event) -> bool {
    let named = match event {
        Event::Held => config::NotifyEvent::Held,
        Event::Deadline => config::NotifyEvent::Deadline,
        Event::TimedOut => config::NotifyEvent::TimedOut,
        Event::Brake => config::NotifyEvent::Brake,
        Event::Failing => config::NotifyEvent::Failing,
        Event::Digest => config::NotifyEvent::Digest,
        Event::Lost | Event::Test => return true,
    };
    source.events.contains(&named)
}
