//! `audit …`: the record, read, verified, copied and redacted.

mod backup;
mod export;
mod list;
mod pass;
mod redact;
mod show;
mod stats;
mod times;
mod uses;
mod verify;

pub(super) use list::{filter, list};
pub(super) use pass::{print_by_hand, print_pass};
pub(super) use show::{in_full, look_again};
pub(super) use times::local;
pub(super) use uses::print_uses;

use super::args::{AuditCommand, By, Global, VerifyArgs};
use super::setup::{Ground, Purpose};
use crate::policy::AppId;
use crate::store::{Filter, KeptHead, Period, Reader, StatsFilter, UseFilter};
use anyhow::{Error, anyhow};
use jiff::{Timestamp, tz::TimeZone};
use std::path::PathBuf;
use times::{day, instant};

/// Reads the audit log.
pub(super) async fn audit(global: &Global, what: AuditCommand) -> Result<u8, Error> {
    if let AuditCommand::Verify(VerifyArgs { file: Some(file), head, replay }) = &what {
        // A copy stands on its own: no configuration is needed.
        let log = Reader::open(file).await?;
        let log = log.ok_or_else(|| anyhow!("there is no audit log at {}", file.display()))?;
        return verify::verify(&log, global.format, *head, *replay).await;
    }
    let ground = Ground::lay(global, Purpose::Record).await?;
    let timezone = ground.config.service.timezone.clone();
    // Before the log is looked for: what was typed wrong is wrong, whatever is there.
    let what = Wanted::of(what, &timezone)?;
    let log = open(&ground).await?;
    match what {
        Wanted::List(filter) => list::list(&log, global.format, &filter, &timezone).await,
        Wanted::Show(id) => show::show(&log, global.format, id, &timezone).await,
        Wanted::Stats(filter) => stats::stats(&log, global.format, &filter).await,
        Wanted::Export(filter) => export::export(&log, global.format, &filter).await,
        Wanted::Verify { head, replay } => verify::verify(&log, global.format, head, replay).await,
        Wanted::Uses(filter) => uses::uses(&log, global.format, &filter, &timezone).await,
        Wanted::Head => verify::head(&log, global.format).await,
        Wanted::Backup(file) => backup::backup(&log, &file).await,
        Wanted::Redact { before, yes } => redact::redact(&log, before, yes, &timezone).await,
    }
}

/// Whether what was asked for is, its times included.
pub(super) fn understands(what: AuditCommand) -> Result<(), Error> {
    Wanted::of(what, &TimeZone::UTC).map(drop)
}

/// What was asked for, understood.
enum Wanted {
    List(Filter),
    Show(i64),
    Stats(StatsFilter),
    Export(Filter),
    Verify { head: Option<KeptHead>, replay: bool },
    Uses(UseFilter),
    Head,
    Backup(PathBuf),
    Redact { before: Timestamp, yes: bool },
}

impl Wanted {
    fn of(what: AuditCommand, timezone: &TimeZone) -> Result<Wanted, Error> {
        Ok(match what {
            AuditCommand::List(asked) => Wanted::List(filter(&asked.rows, asked.limit, timezone)?),
            AuditCommand::Show { id } => Wanted::Show(id),
            AuditCommand::Stats(filter) => Wanted::Stats(StatsFilter {
                since: filter.since.as_deref().map(|text| day(text, timezone)).transpose()?,
                until: filter.until.as_deref().map(|text| day(text, timezone)).transpose()?,
                account: filter.account,
                by: filter.by.map(|by| match by {
                    By::Day => Period::Day,
                    By::Month => Period::Month,
                    By::Year => Period::Year,
                }),
            }),
            AuditCommand::Export(asked) => Wanted::Export(filter(&asked.rows, asked.limit, timezone)?),
            AuditCommand::Verify(asked) => Wanted::Verify { head: asked.head, replay: asked.replay },
            AuditCommand::Uses(asked) => Wanted::Uses(UseFilter {
                account: asked.account,
                plugin: asked.plugin.map(AppId::new),
                limit: (asked.limit > 0).then_some(asked.limit),
            }),
            AuditCommand::Head => Wanted::Head,
            AuditCommand::Backup { file } => Wanted::Backup(file),
            AuditCommand::Redact(asked) => Wanted::Redact { before: instant(&asked.before, timezone)?, yes: asked.yes },
        })
    }
}

/// The log on this ground, for reading.
pub(super) async fn open(ground: &Ground) -> Result<Reader, Error> {
    let path = ground.config.service.state_dir.join("menshen.db");
    let log = Reader::open(&path).await?;
    log.ok_or_else(|| anyhow!("there is no audit log yet at {}; the first pass creates it", path.display()))
}
