//! `audit list`, `show`, `stats`: the record, for people and machines.

mod list;
mod pass;
mod show;
mod stats;
mod times;

pub(super) use list::{filter, list};
pub(super) use pass::{print_by_hand, print_pass};
pub(super) use show::{application_of, in_full, look_again};
pub(super) use times::local;

use super::args::{AuditCommand, Global};
use super::setup::{Ground, Purpose};
use crate::store::{Filter, Reader, StatsFilter};
use anyhow::{Error, anyhow};
use jiff::tz::TimeZone;
use times::day;

/// Reads the audit log.
pub(super) async fn audit(global: &Global, what: AuditCommand) -> Result<u8, Error> {
    let ground = Ground::lay(global, Purpose::Record).await?;
    let timezone = ground.config.service.timezone.clone();
    // Before the log is looked for: what was typed wrong is wrong, whatever is there.
    let what = Wanted::of(what, &timezone)?;
    let log = open(&ground).await?;
    match what {
        Wanted::List(filter) => list::list(&log, global.format, &filter, &timezone).await,
        Wanted::Show(id) => show::show(&log, global.format, id).await,
        Wanted::Stats(filter) => stats::stats(&log, global.format, &filter).await,
    }
}

/// What was asked for, understood.
enum Wanted {
    List(Filter),
    Show(i64),
    Stats(StatsFilter),
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
            }),
        })
    }
}

/// The log on this ground, for reading.
pub(super) async fn open(ground: &Ground) -> Result<Reader, Error> {
    let path = ground.config.service.state_dir.join("menshen.db");
    let log = Reader::open(&path).await?;
    log.ok_or_else(|| anyhow!("there is no audit log yet at {}; the first pass creates it", path.display()))
}
