//! `audit verify` and `audit head`: whether the record is what menshen wrote.

use crate::cli::args::Format;
use crate::cli::print::{self, Csv, visible};
use crate::cli::progress::Progress;
use crate::cli::{DONE, FAILED};
use crate::service::{Difference, Replayed, Said, replay};
use crate::store::{Finding, KeptHead, Reader, Verified};
use anyhow::Error;
use serde::Serialize;

/// Verifies the log, and on demand decides everything again.
pub(super) async fn verify(log: &Reader, format: Format, kept: Option<KeptHead>, again: bool) -> Result<u8, Error> {
    let progress = Progress::new();
    let verified = log.verify(kept, &|stage| progress.tell_verifying(stage)).await?;
    let replayed = match again {
        true => Some(replay(log, &|done, of| progress.tell_again(done.unsigned_abs(), of.unsigned_abs())).await?),
        false => None,
    };
    drop(progress);
    let sound = verified.findings.is_empty()
        && replayed.as_ref().is_none_or(|replayed| replayed.different.is_empty() && replayed.unlisted == 0);
    print::wanted(match format {
        Format::Human => in_words(&verified, replayed.as_ref()),
        Format::Json => print::json(&Told::of(sound, &verified, replayed.as_ref())),
        Format::Csv => cells(&verified, replayed.as_ref()),
    })?;
    Ok(if sound { DONE } else { FAILED })
}

/// Prints the newest entry of the chain.
pub(super) async fn head(log: &Reader, format: Format) -> Result<u8, Error> {
    let head = log.head().await?;
    match format {
        Format::Human | Format::Csv => print::line(&head.to_string())?,
        Format::Json => print::json(&serde_json::json!({ "head": head }))?,
    }
    Ok(DONE)
}

fn in_words(verified: &Verified, replayed: Option<&Replayed>) -> Result<(), Error> {
    for finding in &verified.findings {
        print::line(&format!("found: {}", visible(&finding.to_string())))?;
    }
    if verified.unlisted > 0 {
        print::line(&format!("found: {} more", verified.unlisted))?;
    }
    let of = format!("{} records, {} of them decisions", verified.entries, verified.decisions);
    match verified.findings.len() + verified.unlisted {
        0 => print::line(&format!("verified: {of}; none was edited, removed, inserted or reordered"))?,
        found => print::line(&format!("NOT VERIFIED: {found} findings in {of}"))?,
    }
    if verified.redacted > 0 {
        print::line(&format!(
            "redacted: the words of {} decisions were erased; their records stand",
            verified.redacted
        ))?;
    }
    if let Some(since) = verified.since_kept {
        print::line(&format!("that head is in the chain; {since} records came after it"))?;
    }
    print::line(&format!("head: {}", verified.head))?;
    replayed.map_or(Ok(()), replay_in_words)
}

fn replay_in_words(replayed: &Replayed) -> Result<(), Error> {
    for difference in &replayed.different {
        print::line(&format!("found: {}", visible(&different(difference))))?;
    }
    let (found, decided) = (replayed.different.len() as u64 + replayed.unlisted, replayed.decided);
    match found {
        0 => print::line(&format!("replayed: {decided} decisions by the recorded rules; all came out as recorded"))?,
        _ => print::line(&format!("NOT AS RECORDED: {found} of {decided} decisions by the recorded rules"))?,
    }
    for (why, count) in &replayed.not_replayable {
        print::line(&format!("not replayable: {count}, {}", why.words()))?;
    }
    Ok(())
}

fn different(difference: &Difference) -> String {
    let said = |said: &Said| {
        let rule = said.rule.as_ref().map(|rule| format!(" by rule {rule:?}")).unwrap_or_default();
        let brake = said.brake.map(|brake| format!(", brake {brake}")).unwrap_or_default();
        format!("{}{rule}{brake}", said.verdict)
    };
    format!(
        "decision {} is recorded as {}; the recorded rules say {} (differs: {})",
        difference.id,
        said(&difference.recorded),
        said(&difference.again),
        difference.differs.join(", ")
    )
}

fn cells(verified: &Verified, replayed: Option<&Replayed>) -> Result<(), Error> {
    let mut csv = Csv::begin(&["finding"])?;
    let found = verified.findings.iter().map(Finding::to_string);
    let differences = replayed.into_iter().flat_map(|replayed| replayed.different.iter().map(different));
    found.chain(differences).try_for_each(|words| csv.row([words.into()]))?;
    csv.end()
}

/// As JSON shows it.
#[derive(Serialize)]
struct Told<'a> {
    verified: bool,
    head: String,
    records: i64,
    decisions: i64,
    redacted: i64,
    since_kept: Option<i64>,
    findings: Vec<FoundInWords<'a>>,
    unlisted: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay: Option<&'a Replayed>,
}

#[derive(Serialize)]
struct FoundInWords<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    words: String,
}

impl<'a> Told<'a> {
    fn of(sound: bool, verified: &'a Verified, replay: Option<&'a Replayed>) -> Told<'a> {
        let findings = verified.findings.iter();
        Told {
            verified: sound,
            head: verified.head.to_string(),
            records: verified.entries,
            decisions: verified.decisions,
            redacted: verified.redacted,
            since_kept: verified.since_kept,
            findings: findings.map(|finding| FoundInWords { finding, words: finding.to_string() }).collect(),
            unlisted: verified.unlisted,
            replay,
        }
    }
}
