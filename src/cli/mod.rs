//! The commands: what a person types, what is printed, how it exits.
//!
//! Hides clap, tables, colours and progress. Results go to standard output, logs
//! and progress to standard error. Exit status: 0 done, 1 something failed, 2 the
//! command line or the configuration is wrong.

mod api;
mod args;
mod audit;
mod brakes;
mod confirm;
mod demo;
mod doctor;
mod hand;
mod logging;
mod manual;
mod memory;
mod notify;
mod print;
mod progress;
mod review;
mod rules;
mod run;
mod sandbox;
mod setup;
mod status;

use anyhow::Error;
use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// Nothing failed.
const DONE: u8 = 0;
/// Something failed.
const FAILED: u8 = 1;
/// The command line or the configuration is wrong.
const WRONG: u8 = 2;

/// The configuration (or what was typed) is wrong: exit status 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Wrong(String);

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let open = memory::close();
    let cli = Cli::parse();
    logging::start(cli.global.log);
    for what in open {
        tracing::warn!("{what}: a crash may write secrets to disk");
    }
    logging::guard_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(dispatch(cli)),
        Err(error) => Err(Error::new(error).context("the runtime cannot start")),
    };
    ExitCode::from(outcome.unwrap_or_else(|error| report(&error)))
}

/// Whether a command line (without the program's name) would be understood, the times in it included. Does nothing of it.
///
/// # Errors
/// What is wrong with it, in words.
pub fn understands(words: impl IntoIterator<Item = OsString>) -> Result<(), String> {
    let cli = Cli::try_parse_from(std::iter::once(OsString::from("menshen")).chain(words));
    match cli.map_err(|error| error.to_string())?.command {
        Some(Command::Audit { what }) => audit::understands(what).map_err(|error| with_causes(&error)),
        _ => Ok(()),
    }
}

async fn dispatch(cli: Cli) -> Result<u8, Error> {
    let global = &cli.global;
    match cli.command {
        None => Box::pin(run::run(global, &cli.run)).await,
        Some(Command::Run(run)) => Box::pin(run::run(global, &run.or(&cli.run))).await,
        Some(Command::Audit { what }) => audit::audit(global, what).await,
        Some(Command::Rules { what }) => Box::pin(rules::rules(global, what)).await,
        Some(Command::Api { what }) => Box::pin(api::api(global, what)).await,
        Some(Command::Review { what }) => Box::pin(review::review(global, what)).await,
        Some(Command::Notify { what }) => Box::pin(notify::notify(global, what)).await,
        Some(Command::Doctor(args)) => Box::pin(doctor::doctor(global, &args)).await,
        Some(Command::Status(args)) => status::status(global, &args).await,
        Some(Command::Pause(args)) => brakes::pause(global, &args).await,
        Some(Command::Resume(scope)) => brakes::resume(global, &scope).await,
        Some(Command::Sandbox(options)) => sandbox::serve(global, &options).await,
        Some(Command::Completions { shell }) => {
            // Into memory first: the generator panics where a pipe is closed.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "menshen", &mut script);
            std::io::stdout().write_all(&script)?;
            Ok(DONE)
        }
        Some(Command::Man { dir }) => manual::manual(dir.as_deref()),
    }
}

/// Says what went wrong, and which exit status that is.
fn report(error: &Error) -> u8 {
    if print::is_closed_pipe(error) {
        return DONE;
    }
    match error.downcast_ref::<Wrong>() {
        Some(wrong) => {
            anstream::eprintln!("{wrong}");
            WRONG
        }
        None => {
            anstream::eprintln!("menshen: {}", with_causes(error));
            FAILED
        }
    }
}

/// The whole chain on one line; a cause that only says the same again is left out.
fn with_causes(error: &Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}
