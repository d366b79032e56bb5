//! WeChat, as far as deciding applications needs it.
//!
//! Above the surface: read the list, carry out an intent, one error. Tokens,
//! paging, wire shapes, errcodes, rate and quota stay inside.

mod client;
mod entries;
mod errcodes;
mod error;
mod http;
mod json;
mod others;
mod paging;
mod pause;
mod rate;
mod settings;
mod tokens;
mod wire;

pub use client::{Answer, Client, Progress};
pub use entries::{Entry, read_entries};
pub use errcodes::{Meaning, explain};
pub use error::{Class, Error};
pub use others::Others;
pub use paging::PAGE_CEILING;
pub use pause::Pause;
pub use rate::Slot;
pub use settings::{BuildError, Command, Header, Place, PlatformSettings, Settings, TokenSource};
pub use tokens::{Platform, TokenState};
pub use wire::{CallRecord, Page, PluginInUse, Quota, RateLimit, read_page};

use crate::policy::{AppId, Application};

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

/// An entry that could not be read; holds no applicant's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Page, from 1.
    pub page: u32,
    /// Position on the page, from 1.
    pub position: usize,
    /// What is wrong, e.g. `appid is a number`.
    pub problem: String,
}
