//! `review show`: all there is about a held application.

use super::{due, left, nothing_waits, picture, waiting};
use crate::cli::args::{Format, Global};
use crate::cli::audit::local;
use crate::cli::print::{self, visible};
use crate::cli::setup::{Ground, Purpose};
use crate::cli::{DONE, audit};
use crate::config::Config;
use crate::store::{Reader, Waiting};
use anyhow::Error;
use jiff::Timestamp;

pub(super) async fn show(global: &Global, appid: &str, account: Option<String>, drawn: bool) -> Result<u8, Error> {
    let ground = Ground::lay(global, Purpose::Record).await?;
    let (log, waiting) = waiting(&ground, account, true).await?;
    let waiting: Vec<Waiting> = waiting.into_iter().filter(|one| one.row.appid == appid).collect();
    if waiting.is_empty() {
        return Err(nothing_waits(appid));
    }
    for one in &waiting {
        match global.format {
            Format::Human => {
                print::line(&in_full(&log, &ground.config, one).await?)?;
                if drawn {
                    picture::draw(&ground.config, one).await?;
                }
            }
            Format::Json | Format::Csv => print::json(one)?,
        }
    }
    Ok(DONE)
}

/// What a reviewer decides by: the deadline first, then the application, then why it was held.
pub(super) async fn in_full(log: &Reader, config: &Config, one: &Waiting) -> Result<String, Error> {
    let (due, timezone) = (due(config, one), &config.service.timezone);
    let mut lines = vec![match due {
        Some(at) => format!("{} left (WeChat times it out about {})", left(due, Timestamp::now()), local(at, timezone)),
        None => "no create_time: WeChat may time it out at any moment".to_owned(),
    }];
    if let Some(note) = &one.note {
        lines.push(format!("note for reviewers: {}", visible(note)));
    }
    if let Some(mut shown) = log.show(one.row.id).await? {
        audit::look_again(log, &mut shown).await?;
        lines.push(audit::in_full(&shown, timezone));
    }
    let links = [("mini program code", &one.apply_url), ("picture", &one.headimgurl)];
    lines.extend(links.into_iter().filter_map(|(what, url)| Some(format!("  {what}: {}", visible(url.as_deref()?)))));
    for earlier in &one.earlier {
        lines.push(format!(
            "  earlier: decision {} of {}, {} {}, by {}",
            earlier.id,
            local(earlier.decided_at, timezone),
            earlier.verdict,
            earlier.outcome,
            visible(&earlier.actor)
        ));
    }
    Ok(lines.join("\n"))
}
