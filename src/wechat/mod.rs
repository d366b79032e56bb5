//! WeChat, as far as deciding applications needs it.
//!
//! Above the surface: read the list, carry out an intent, one error. Tokens,
//! paging, wire shapes, errcodes, rate and quota stay inside.

mod anything;
mod bound;
mod calls;
mod client;
mod connections;
mod entries;
mod errcodes;
mod error;
mod http;
mod json;
mod others;
mod paging;
mod pause;
mod picture;
mod rate;
mod reach;
mod settings;
mod tokens;
mod wire;

pub use anything::{read_anything, read_record, read_token};
pub use bound::{Bound, Lane, Stay};
pub use calls::{Calls, Came};
pub use client::{Answer, Client, Progress};
pub use connections::Connections;
pub use entries::{Entry, read_entries};
pub use errcodes::{Meaning, explain};
pub use error::{Class, Error};
pub use others::Others;
pub use paging::PAGE_CEILING;
pub use pause::Pause;
pub use picture::{Picture, PictureError, PictureKind, PictureWay, picture};
pub use rate::Slot;
pub use reach::{Barrier, BarrierKind, Clock, Journey, Leg, Passage, Reached};
pub use settings::{BuildError, Command, Header, Place, PlatformSettings, Settings, TokenSource};
pub use tokens::{Platform, TokenState};
pub use wire::{CallRecord, Page, PluginInUse, Quota, RateLimit, read_page};

use crate::policy::{AppId, Application, Identity};
use std::collections::HashSet;

/// What one walk over `dev_apply_list` brought.
#[derive(Debug, Default)]
pub struct Listing {
    /// Pending applications, each once. Two entries with one identity and different content are both here.
    pub pending: Vec<Application>,
    /// Everything else by identity; a status other than pending wins over an earlier reading.
    pub others: Others,
    /// Entries whose appid or status could not be read.
    pub unreadable: Vec<Unreadable>,
    /// Pages asked for that brought at least one entry.
    pub pages: u32,
    /// Why the list is not complete; `None` = complete, and only then absence means something.
    pub gap: Option<Error>,
}

impl Listing {
    /// Pending ones without a create_time whose identity is also that of one that has ended.
    pub fn ended(&self) -> HashSet<Identity> {
        let timeless = self.pending.iter().filter(|application| application.create_time.text().is_none());
        timeless.map(Application::identity).filter(|identity| self.others.contains(identity)).collect()
    }

    /// Pending ones that their appid alone does not tell: those of [`Listing::ended`], and those whose applicant has another
    /// entry that cannot be read and may be pending as well.
    pub fn unclear(&self) -> HashSet<Identity> {
        let garbled: HashSet<&AppId> = self.unreadable.iter().filter_map(|entry| entry.appid.as_ref()).collect();
        let beside = self.pending.iter().filter(|application| garbled.contains(&application.appid));
        self.ended().into_iter().chain(beside.map(Application::identity)).collect()
    }

    /// Unreadable entries that do not even tell whose they are, by their marks: each may be anybody's.
    pub fn nameless(&self) -> HashSet<u64> {
        self.unreadable.iter().filter(|entry| entry.appid.is_none()).map(|entry| entry.mark).collect()
    }

    /// Whether an unreadable entry says that it is of this appid.
    pub fn garbles(&self, appid: &AppId) -> bool {
        self.unreadable.iter().any(|entry| entry.appid.as_ref() == Some(appid))
    }
}

/// An entry that could not be read; holds no applicant's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Page, from 1.
    pub page: u32,
    /// Position on the page, from 1.
    pub position: usize,
    /// What is wrong, e.g. `appid is a number`.
    pub problem: String,
    /// Whose it is, if that much can be read.
    pub appid: Option<AppId>,
    /// Tells it from another one, on one page and from reading to reading, as long as WeChat sends the same.
    pub mark: u64,
}
