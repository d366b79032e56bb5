//! A letter that waited, opened: what the configuration says by now holds for it, too.
//!
//! Between writing and delivering the configuration may have been read again. Promises that nothing is delivered that
//! would not be written any more: of other events or accounts, or with applicants' words where only counts may go.

use super::robots::{concerns, wants};
use crate::config::{self, NotifyContent};
use crate::notify::{Applicant, Letter, News, Notice};
use crate::store::KeptLetter;

/// What became of a letter that waited.
#[derive(Debug, PartialEq)]
pub(super) enum Opened {
    /// To be delivered.
    Letter(Letter),
    /// Nothing is left of it that may be told.
    Unwanted,
    /// It is none of ours.
    Unreadable,
}

/// Opens a letter for one who is told, as it is configured now.
pub(super) fn open(kept: KeptLetter, source: &config::Notify) -> Opened {
    let Some(mut letter) = read(kept) else { return Opened::Unreadable };
    if !wants(source, letter.notice.event) {
        return Opened::Unwanted;
    }
    if source.content == NotifyContent::Counts {
        letter.applications = None;
    }
    match keep_what_concerns(&mut letter, source) {
        Left::Something => Opened::Letter(letter),
        Left::Nothing => Opened::Unwanted,
    }
}

fn read(kept: KeptLetter) -> Option<Letter> {
    let notice: Notice = serde_json::from_str(&kept.notice).ok()?;
    let applications: Option<Vec<Applicant>> = kept.words.map(|words| serde_json::from_str(&words)).transpose().ok()?;
    Some(Letter { id: format!("{}-{}", kept.id, notice.at.as_millisecond()), notice, applications })
}

enum Left {
    Something,
    Nothing,
}

fn keep_what_concerns(letter: &mut Letter, source: &config::Notify) -> Left {
    let ours = |account: &str| concerns(source, account);
    let of_all = |account: &Option<String>| account.as_deref().is_none_or(ours);
    letter.notice.accounts.retain(|account, _| ours(account));
    letter.applications.iter_mut().for_each(|all| all.retain(|one| ours(&one.account)));
    let empty = match &mut letter.notice.news {
        News::Applications => letter.notice.accounts.is_empty(),
        News::Brakes(brakes) => {
            brakes.retain(|brake| of_all(&brake.account));
            brakes.is_empty()
        }
        News::Failures(failures) => {
            failures.retain(|failure| ours(&failure.account));
            failures.is_empty()
        }
        News::Digest(digest) => {
            digest.counts.retain(|counted| ours(&counted.account));
            false
        }
        News::Lost(_) | News::Test => false,
    };
    if empty { Left::Nothing } else { Left::Something }
}
