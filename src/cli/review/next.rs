//! `review next`: one after the other, at the keyboard.

use super::show::in_full;
use super::{picture, waiting};
use crate::cli::args::{Format, Global};
use crate::cli::hand::Desk;
use crate::cli::print::{self, visible};
use crate::cli::progress::Progress;
use crate::cli::setup::{Ground, Purpose};
use crate::cli::{DONE, FAILED, confirm};
use crate::policy::Action;
use crate::service::{Seen, Words};
use crate::store::Waiting;
use anyhow::Error;

/// What was typed.
enum Key {
    Agree,
    Refuse(String),
    Skip,
    Quit,
}

pub(super) async fn next(global: &Global, account: Option<String>, drawn: bool) -> Result<u8, Error> {
    confirm::someone_to_ask(
        "`review next` asks at the keyboard; without a terminal use review list, agree and refuse",
    )?;
    let ground = Ground::lay(global, Purpose::Record).await?;
    let (log, waiting) = waiting(&ground, account, false).await?;
    let total = waiting.len();
    let mut failed = false;
    for (at, one) in waiting.iter().enumerate() {
        print::line(&format!("\n── {} of {total} ──\n{}", at + 1, in_full(&log, &ground.config, one).await?))?;
        if drawn {
            picture::draw(&ground.config, one).await?;
        }
        match key()? {
            Key::Quit => break,
            Key::Skip => {}
            Key::Agree => failed |= !decided(global, one, Action::Agree, Words::None).await?,
            Key::Refuse(text) => failed |= !decided(global, one, Action::Refuse, Words::Text(text)).await?,
        }
    }
    if total == 0 {
        print::line("nothing is held")?;
    }
    Ok(if failed { FAILED } else { DONE })
}

fn key() -> Result<Key, Error> {
    loop {
        let typed = confirm::answer("a = agree, r = refuse, s = skip, q = quit: ")?;
        match typed.as_deref() {
            None | Some("q") => return Ok(Key::Quit),
            Some("s") => return Ok(Key::Skip),
            Some("a") => return Ok(Key::Agree),
            Some("r") => match confirm::answer("what the applicant is told (empty = not yet): ")? {
                Some(text) if !text.is_empty() => return Ok(Key::Refuse(text)),
                Some(_) => {}
                None => return Ok(Key::Quit),
            },
            Some(_) => {}
        }
    }
}

/// True when it is done. An error concerns this one; the reviewer goes on with the next.
async fn decided(global: &Global, one: &Waiting, action: Action, words: Words) -> Result<bool, Error> {
    let ground = Ground::lay(global, Purpose::Hand).await?;
    let desk = Desk::open(ground, &one.row.account).await?;
    let progress = Progress::new();
    let appids = [one.row.appid.clone()];
    // The answer is about what was shown: the applicant may have applied again since.
    let seen = Seen { create_time: one.row.create_time };
    let done = desk.decide(action, &appids, words, Some(seen), &|stage| progress.tell(stage)).await;
    drop(progress);
    let fine = match &done {
        Ok((report, obstacles)) => {
            desk.show(Format::Human, &global.again(), report, obstacles).await?;
            obstacles.is_empty() && !report.failed()
        }
        Err(error) => {
            anstream::eprintln!("menshen: {} was left alone: {error:#}", visible(&one.row.appid));
            false
        }
    };
    desk.close().await;
    Ok(fine)
}
