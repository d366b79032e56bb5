//! A notice for machines: the webhook's body, and what a command reads. Described in `docs/webhook.md`.

use super::notice::{Applicant, Event, Letter, News};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// Grows only when what is there changes its meaning; new keys do not count.
const VERSION: u32 = 1;
/// Applications told of in one body; the rest is counted.
const APPLICATIONS_MAX: usize = 200;

#[derive(Serialize)]
struct Body<'b> {
    version: u32,
    id: &'b str,
    event: Event,
    at: Timestamp,
    shadow: bool,
    count: u64,
    accounts: &'b BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    applications: Option<&'b [Applicant]>,
    /// Applications that are counted and not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    brakes: Option<&'b [super::notice::BrakeNews]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<&'b [super::notice::Failure]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'b super::notice::Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<u64>,
}

/// The letter as JSON.
pub(super) fn json(letter: &Letter) -> Vec<u8> {
    let notice = &letter.notice;
    let applications = letter.applications.as_deref();
    let body = Body {
        version: VERSION,
        id: &letter.id,
        event: notice.event,
        at: notice.at,
        shadow: notice.shadow,
        count: notice.accounts.values().sum(),
        accounts: &notice.accounts,
        applications: applications.map(|all| &all[..all.len().min(APPLICATIONS_MAX)]),
        more: applications.map(|all| all.len().saturating_sub(APPLICATIONS_MAX)),
        brakes: if let News::Brakes(brakes) = &notice.news { Some(brakes) } else { None },
        failures: if let News::Failures(failures) = &notice.news { Some(failures) } else { None },
        digest: if let News::Digest(digest) = &notice.news { Some(digest) } else { None },
        lost: if let News::Lost(lost) = &notice.news { Some(*lost) } else { None },
    };
    serde_json::to_vec(&body).expect("texts, numbers and lists always serialise")
}
