//! `audit redact`: applicants' words are erased, the records stay.

use crate::cli::brakes::who;
use crate::cli::confirm::confirmed;
use crate::cli::print;
use crate::cli::progress::Progress;
use crate::cli::{DONE, FAILED};
use crate::store::{Reader, Store};
use anyhow::Error;
use jiff::{Timestamp, tz::TimeZone};
use std::path::Path;

/// Asks, erases, and says what is left to be done by hand.
pub(super) async fn redact(log: &Reader, before: Timestamp, yes: bool, timezone: &TimeZone) -> Result<u8, Error> {
    let erasable = log.erasable(before).await?;
    let moment = before.to_zoned(timezone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string();
    if erasable.planned > 0 {
        print::line(&format!(
            "{} decisions before {moment} are under way and keep their words for now",
            erasable.planned
        ))?;
    }
    if erasable.decisions == 0 {
        print::line(&format!("nothing to erase: no decision before {moment} has words"))?;
        return Ok(DONE);
    }
    let question = format!(
        "Erase the words (nickname, reason, message, evidence, pictures) of {} decisions before {moment}? They cannot be brought back.",
        erasable.decisions
    );
    if !confirmed(&question, yes)? {
        print::line("nothing was erased")?;
        return Ok(DONE);
    }
    let path = log.path().to_owned();
    // A reader of ours would keep the write-ahead log from being emptied.
    log.close().await;
    let store = Store::open(&path).await?;
    let progress = Progress::new();
    let redacted =
        store.redact(before, &who(), Timestamp::now(), &|done| progress.tell_erasing(done, erasable.decisions)).await?;
    drop(progress);
    store.close().await;
    print::line(&format!("erased the words of {} decisions before {moment}; their records stay", redacted.decisions))?;
    for copy in copies(&path) {
        print::line(&format!("{copy} is a copy from before and still holds them; delete it when you need it no more"))?;
    }
    if !redacted.log_emptied {
        anstream::eprintln!(
            "menshen: the write-ahead log still holds them, because another process was reading; run the same again"
        );
        return Ok(FAILED);
    }
    Ok(DONE)
}

/// Copies that were made before migrations.
fn copies(path: &Path) -> Vec<String> {
    let Some((dir, name)) = path.parent().zip(path.file_name()) else { return Vec::new() };
    let begin = format!("{}.before-", name.to_string_lossy());
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_copy = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&begin));
    let mut found: Vec<String> = entries.filter(|path| is_copy(path)).map(|path| path.display().to_string()).collect();
    found.sort();
    found
}
