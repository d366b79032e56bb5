//! `notify test`: whether those who are to be told can be.

use super::args::{Format, Global};
use super::print::{self, visible};
use super::setup::{Ground, Purpose};
use super::{DONE, FAILED, Wrong};
use crate::service::Notices;
use anyhow::Error;
use clap::Subcommand;
use jiff::Timestamp;
use serde::Serialize;

/// What is done about notices.
#[derive(Debug, Subcommand)]
pub(super) enum NotifyCommand {
    /// Send a test message to each [[notify]] and tell what each answered; asks nothing
    #[command(after_help = "Examples:\n  menshen notify test\n  menshen notify test --name reviewers --format json")]
    Test {
        /// Only this one
        #[arg(long)]
        name: Option<String>,
    },
}

/// What one answered.
#[derive(Serialize)]
struct Answered<'a> {
    name: &'a str,
    delivered: bool,
    /// Why not.
    problem: Option<String>,
}

pub(super) async fn notify(global: &Global, what: NotifyCommand) -> Result<u8, Error> {
    let NotifyCommand::Test { name } = what;
    let ground = Ground::lay(global, Purpose::Look).await?;
    let mut notices = Notices::new(&ground.config, None)?;
    if notices.is_empty() {
        return Err(Error::new(Wrong(
            "menshen: nobody is told anything: the configuration has no [[notify]]".to_owned(),
        )));
    }
    let told = notices.test(name.as_deref(), Timestamp::now()).await;
    if let Some(name) = name.filter(|_| told.is_empty()) {
        let names: Vec<&str> = ground.config.notify.iter().map(|one| one.name.as_str()).collect();
        let help = crate::document::suggest(&name, names, "names");
        return Err(Error::new(Wrong(format!("menshen: no [[notify]] has the name {name:?}; {help}"))));
    }
    for (name, answer) in &told {
        let problem = answer.as_ref().err().map(ToString::to_string);
        match global.format {
            Format::Human => {
                print::line(&format!("{}: {}", visible(name), problem.as_deref().unwrap_or("delivered")))?;
            }
            Format::Json | Format::Csv => print::json(&Answered { name, delivered: problem.is_none(), problem })?,
        }
    }
    Ok(if told.iter().all(|(_, answer)| answer.is_ok()) { DONE } else { FAILED })
}
