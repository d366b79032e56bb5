//! A program somebody else wrote, run for what it prints.
//!
//! Promises: no shell; nothing to read from; a small environment without our
//! secrets; bounded output and time; killed with everything it started when the
//! time is over or nobody waits any more. Of a program that fails only its exit
//! status is told: what it printed may hold a token.

use super::super::{AppId, settings::Command};
use super::outside::io_words;
use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::zeroize::Zeroizing;
use std::{
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{ExitStatus, Stdio},
};
use tokio::{
    io::AsyncReadExt,
    process::{Child, Command as Process},
    time::timeout,
};

/// What of our environment it gets. Everything else, our secrets among it, stays here; `CREDENTIALS_DIRECTORY` is a path.
const PASSED_ON: [&str; 8] = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "CREDENTIALS_DIRECTORY"];
/// The variable that tells it which account is meant: one program can serve many.
const APPID: &str = "MENSHEN_APPID";

/// What the program prints, at most `limit` bytes.
pub(super) async fn output(command: &Command, appid: &AppId, limit: usize) -> Result<Zeroizing<Vec<u8>>, String> {
    let child = process(command, appid).spawn().map_err(|error| format!("it cannot be run: {}", io_words(&error)))?;
    let mut group = Group { child, over: false };
    match timeout(command.timeout, group.finish(limit)).await {
        Ok(printed) => printed,
        Err(_) => Err(format!("it took longer than {} s and was killed", command.timeout.as_secs())),
    }
}

fn process(command: &Command, appid: &AppId) -> Process {
    let mut process = std::process::Command::new(&command.program);
    process
        .args(&command.args)
        .env_clear()
        .envs(PASSED_ON.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .env(APPID, appid.as_str())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A group of its own: what it starts can be ended with it.
        .process_group(0);
    let mut process = Process::from(process);
    process.kill_on_drop(true);
    process
}

/// A running program and all it started. Dropped before its end, it is killed.
struct Group {
    child: Child,
    over: bool,
}

impl Group {
    async fn finish(&mut self, limit: usize) -> Result<Zeroizing<Vec<u8>>, String> {
        let stdout = self.child.stdout.take().ok_or("its output cannot be read")?;
        // With room from the start: a growing buffer would leave copies of a token behind.
        let mut printed = Zeroizing::new(Vec::with_capacity(limit + 1));
        let read = stdout.take(limit as u64 + 1).read_to_end(&mut printed).await;
        read.map_err(|_| "its output cannot be read")?;
        if printed.len() > limit {
            return Err(format!("it prints more than {limit} bytes"));
        }
        let status = self.child.wait().await.map_err(|_| "its end cannot be waited for")?;
        self.over = true;
        match status.success() {
            true => Ok(printed),
            false => Err(end_of(status)),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Not reaped yet, so the number is still its own.
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(id) = id.filter(|_| !self.over) {
            // Fails only if the whole group has ended.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

fn end_of(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended with exit status {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => "it failed".into(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(60);

    async fn run(args: &[&str], timeout: Duration) -> Result<String, String> {
        let (program, args) = args.split_first().unwrap();
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        let command = Command { program: program.into(), args, timeout };
        let printed = output(&command, &AppId::new("wxowner"), 1000).await?;
        Ok(String::from_utf8(printed.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn what_a_program_prints() {
        let long = "x".repeat(1001);
        let cases: &[(&[&str], Result<&str, &str>)] = &[
            (&["echo", "-n", "T; $(id) 'a b'"], Ok("T; $(id) 'a b'")),
            (&["sh", "-c", "printf %s \"$MENSHEN_APPID\""], Ok("wxowner")),
            (&["cat"], Ok("")),
            (&["sh", "-c", "echo TOKEN; echo TOKEN >&2; exit 3"], Err("it ended with exit status 3")),
            (&["sh", "-c", "echo TOKEN; kill -9 $$"], Err("it was ended by signal 9")),
            (&["/nowhere/program"], Err("it cannot be run: there is no such file")),
            (&["/etc/passwd"], Err("it cannot be run: we may not use it")),
            (&["echo", &long], Err("it prints more than 1000 bytes")),
            (&["yes"], Err("it prints more than 1000 bytes")),
        ];
        for (args, expected) in cases {
            let printed = run(args, PATIENCE).await;
            assert_eq!(printed.as_ref().map(String::as_str).map_err(String::as_str), *expected, "{args:?}");
        }
    }

    #[tokio::test]
    async fn our_environment_stays_here() {
        let printed = run(&["env"], PATIENCE).await.unwrap();
        let names: Vec<&str> = printed.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        let known = |name: &&str| PASSED_ON.contains(name) || *name == APPID;
        assert!(names.iter().all(&known), "{names:?}");
        assert!(std::env::vars().any(|(name, _)| !known(&name.as_str())), "something was there to be kept");
    }

    /// A program that hangs is killed with its children: the pipe they hold closes.
    #[tokio::test]
    async fn who_takes_too_long_is_killed_with_what_he_started() {
        let dir = tempfile::tempdir().unwrap();
        let pids = dir.path().join("pids");
        let script = format!("sleep 600 & echo $! >> {0}; echo $$ >> {0}; wait", pids.display());
        let taken = run(&["sh", "-c", &script], Duration::from_millis(1500)).await;
        assert_eq!(taken.unwrap_err(), "it took longer than 1 s and was killed");
        let pids = std::fs::read_to_string(&pids).unwrap();
        assert_eq!(pids.lines().count(), 2);
        for pid in pids.lines() {
            while alive(pid) {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Neither running nor waiting to be reaped.
    fn alive(pid: &str) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        state.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    }
}
