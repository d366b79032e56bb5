//! A command that is handed the notice as JSON on its standard input.
//!
//! Promises that it sees none of our environment but the path and the language (there may be secrets in it), that
//! it is ended when it takes too long, and that what it prints goes nowhere.

use super::answer::Undelivered;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// How long it may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What it keeps of our environment.
const KEPT: [&str; 4] = ["PATH", "LANG", "LC_ALL", "TZ"];

/// Runs it to its end; it took the notice if it exits with 0.
pub(super) async fn run(argv: &[String], event: &str, body: &[u8]) -> Result<(), Undelivered> {
    let failed = |problem: String| Undelivered::Command { problem };
    let Some((program, arguments)) = argv.split_first() else { return Err(failed("has no name".to_owned())) };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("MENSHEN_EVENT", event);
    command.envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| failed(format!("cannot be started: {}", error.kind())))?;
    let mut input = child.stdin.take().expect("it was asked for");
    let work = async {
        // One that does not read to the end may be content all the same: its status says.
        let _ = input.write_all(body).await;
        drop(input);
        child.wait().await
    };
    match tokio::time::timeout(TIMEOUT, work).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(failed(format!("failed: {status}"))),
        Ok(Err(error)) => Err(failed(format!("cannot be waited for: {}", error.kind()))),
        Err(_) => Err(failed(format!("took longer than {} s and was ended", TIMEOUT.as_secs()))),
    }
}
