//! `menshen.status`: what the service tells of itself and the audit log does not know.
//!
//! One JSON beside the database, replaced as a whole. A reader finds it whole, old, or not at all, and is told which:
//! nothing depends on it, so it is not synced to disk, and one that is torn is no accident worth more than a word.
//! It holds names from the configuration, ids and counts; never an applicant's words.

use crate::policy::{AppId, Mode};
use crate::service::lock;
use crate::service::report::PassReport;
use crate::wechat;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The file in the state directory.
const NAME: &str = "menshen.status";
/// What it is written to before it takes that name.
const NEXT: &str = "menshen.status.new";
/// The shape of the file. A field that is new and may be missing is no new shape.
const SHAPE: u32 = 1;
/// As the database: the service's user writes, its group may read.
const FILE_MODE: u32 = 0o640;
/// Some hundred thousand accounts.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The file as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sheet {
    /// [`SHAPE`]; also says whose file it is.
    menshen_status: u32,
    /// Who wrote it.
    pub(super) writer: Writer,
    /// When.
    pub(super) written_at: Timestamp,
    /// When the next pass is due; `None` = nothing runs passes.
    pub(super) next_tick: Option<Timestamp>,
    /// Every account of the configuration that is in use.
    pub(super) accounts: Vec<AccountSheet>,
}

/// Who writes the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Writer {
    /// Version of menshen.
    pub(super) version: String,
    /// Process id.
    pub(super) pid: u32,
    /// When it began.
    pub(super) started_at: Timestamp,
    /// What it is.
    pub(super) kind: Kind,
    /// Acts, or only decides.
    pub(super) mode: Mode,
}

/// What runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// `run`
    Service,
    /// `run --once`
    Once,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AccountSheet {
    pub(super) name: String,
    pub(super) appid: AppId,
    /// Since when it is worked, whoever worked it.
    pub(super) known_since: Timestamp,
    /// Hash of the effective rules.
    pub(super) ruleset: String,
    /// Since when these and no others are used; `None` = since before this file was begun, so the log tells.
    pub(super) ruleset_since: Option<Timestamp>,
    pub(super) last_pass: Option<LastPass>,
    pub(super) last_complete: Option<CompletePass>,
    pub(super) quota: Option<QuotaSheet>,
}

/// The last pass, however it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastPass {
    pub(super) pass: String,
    pub(super) ended_at: Timestamp,
    pub(super) complete: bool,
    pub(super) failed: usize,
    pub(super) unreadable: usize,
    pub(super) troubles: Vec<TroubleSheet>,
}

/// What went wrong, without its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TroubleSheet {
    /// What was being done: `list`, `agree`, `record`, …
    pub during: String,
    /// WeChat's errcode, if it named one.
    pub errcode: Option<i64>,
}

/// What the last complete pass left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CompletePass {
    pub(super) pass: String,
    pub(super) ended_at: Timestamp,
    pub(super) took_ms: u64,
    /// Pending and undecided when it ended.
    pub(super) pending: usize,
    /// The create_time of the oldest of these.
    pub(super) oldest: Option<Timestamp>,
    /// Those WeChat will soon time out.
    pub(super) urgent: usize,
}

/// What WeChat said of the day's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaSheet {
    /// When it was asked.
    pub asked_at: Timestamp,
    /// Calls a day; `None`, as with the others, = it did not say.
    pub daily_limit: Option<i64>,
    /// Made that day.
    pub used: Option<i64>,
    /// Left of that day.
    pub remain: Option<i64>,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Torn, or somebody else's.
    #[error("{} is torn, or no status of menshen; the running service writes it anew with its next pass", .0.display())]
    NotOurs(PathBuf),
    /// Written by a newer menshen.
    #[error("{} was written by a newer menshen (its shape is {found}, this one knows {SHAPE}); use that one", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its shape.
        found: u32,
    },
}

impl Sheet {
    /// The file in a state directory; `None` if there is none.
    pub(crate) fn read(dir: &Path) -> Result<Option<Sheet>, SheetError> {
        let path = dir.join(NAME);
        let bytes = match bytes_of(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(SheetError::Unreadable { path, source }),
            Ok(bytes) => bytes,
        };
        Sheet::of(&bytes, path).map(Some)
    }

    fn of(bytes: &[u8], path: PathBuf) -> Result<Sheet, SheetError> {
        #[derive(Deserialize)]
        struct Shape {
            menshen_status: u32,
        }
        let Ok(Shape { menshen_status: found }) = serde_json::from_slice(bytes) else {
            return Err(SheetError::NotOurs(path));
        };
        if found > SHAPE {
            return Err(SheetError::Newer { path, found });
        }
        serde_json::from_slice(bytes).map_err(|_| SheetError::NotOurs(path))
    }

    /// One of these accounts, with what an earlier one knew of them.
    pub(super) fn begin(writer: Writer, accounts: Vec<AccountSheet>, earlier: Option<Sheet>) -> Sheet {
        let writer = Writer { started_at: whole_ms(writer.started_at), ..writer };
        let written_at = writer.started_at;
        let mut sheet = Sheet { menshen_status: SHAPE, writer, written_at, next_tick: None, accounts: Vec::new() };
        sheet.accounts = earlier.map_or_else(Vec::new, |earlier| earlier.accounts);
        sheet.take_over(accounts, written_at);
        sheet
    }

    /// Other accounts from now on; what is known of those that stay is kept.
    pub(super) fn take_over(&mut self, accounts: Vec<AccountSheet>, now: Timestamp) {
        let mut before: std::collections::HashMap<AppId, AccountSheet> =
            self.accounts.drain(..).map(|account| (account.appid.clone(), account)).collect();
        self.accounts = accounts
            .into_iter()
            .map(|account| match before.remove(&account.appid) {
                None => account,
                Some(known) if known.ruleset == account.ruleset => AccountSheet { name: account.name, ..known },
                Some(known) => AccountSheet {
                    name: account.name,
                    ruleset: account.ruleset,
                    ruleset_since: Some(whole_ms(now)),
                    ..known
                },
            })
            .collect();
    }

    /// Takes a pass in.
    pub(super) fn hear(&mut self, report: &PassReport) {
        let Some(account) = self.accounts.iter_mut().find(|account| account.name == report.account) else { return };
        let took = SignedDuration::from_millis(i64::try_from(report.took_ms).unwrap_or(i64::MAX));
        let ended_at = whole_ms(report.started.saturating_add(took).unwrap_or(report.started));
        if report.complete {
            account.last_complete = Some(CompletePass {
                pass: report.pass.clone(),
                ended_at,
                took_ms: report.took_ms,
                pending: report.undecided,
                oldest: report.oldest,
                urgent: report.urgent,
            });
        }
        // One that was stopped says nothing of how things are.
        if report.complete || !report.stopped {
            let trouble = |trouble: &super::super::report::Trouble| TroubleSheet {
                during: trouble.during.to_owned(),
                errcode: trouble.errcode,
            };
            account.last_pass = Some(LastPass {
                pass: report.pass.clone(),
                ended_at,
                complete: report.complete,
                failed: report.failed,
                unreadable: report.unreadable,
                troubles: report.troubles.iter().map(trouble).collect(),
            });
        }
    }

    /// Takes what WeChat said of an account's quota; `None` = nothing that could be read.
    pub(super) fn hear_quota(&mut self, appid: &AppId, asked_at: Timestamp, quota: Option<wechat::Quota>) {
        let Some(account) = self.accounts.iter_mut().find(|account| account.appid == *appid) else { return };
        let wechat::Quota { daily_limit, used, remain, .. } = quota.unwrap_or_default();
        account.quota = Some(QuotaSheet { asked_at: whole_ms(asked_at), daily_limit, used, remain });
    }

    /// Its bytes, as written at `now`.
    pub(super) fn text(&mut self, now: Timestamp) -> Vec<u8> {
        self.written_at = whole_ms(now);
        let mut text = serde_json::to_vec(self).expect("names, ids and numbers always serialise");
        text.push(b'\n');
        text
    }
}

impl AccountSheet {
    /// One nothing is known of yet.
    pub(super) fn new(name: &str, appid: AppId, ruleset: &str, now: Timestamp) -> AccountSheet {
        AccountSheet {
            name: name.to_owned(),
            appid,
            known_since: whole_ms(now),
            ruleset: ruleset.to_owned(),
            ruleset_since: None,
            last_pass: None,
            last_complete: None,
            quota: None,
        }
    }
}

/// Replaces the file in a state directory: who reads it meanwhile has the old one or the new one. Not synced to disk.
pub(super) fn replace(dir: &Path, text: &[u8]) -> io::Result<()> {
    let next = dir.join(NEXT);
    let mut file = lock::open(&next)?;
    lock::give_to_owner(&file, dir)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    file.set_len(0)?;
    file.write_all(text)?;
    std::fs::rename(next, dir.join(NAME))
}

/// As exact as the audit log.
fn whole_ms(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

/// The bytes of a regular file of a bounded size, and nothing a link leads to.
fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file: File = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
