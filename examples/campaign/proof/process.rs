//! Processes: the binary under test, bounded in time, with what it said.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// Far beyond what a pass over a dozen applications takes, also on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With this status.
    Exit(i32),
    /// By a signal.
    Signal,
    /// It had to be killed, since it went on for ever.
    Hung,
}

/// A process that is over.
#[derive(Debug)]
pub(crate) struct Over {
    pub(crate) ended: Ended,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A process that runs; killed when dropped.
pub(crate) struct Running {
    child: Child,
    out: JoinHandle<String>,
    err: JoinHandle<String>,
}

/// The binary in a directory of its own, with nothing of our environment but what is said here.
pub(crate) fn command(binary: &Path, dir: &Path, env: &[(&str, String)], args: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command.current_dir(dir).env_clear().env("USER", "campaign").envs(env.iter().map(|(name, value)| (name, value)));
    command.args(["-c", "menshen.toml"]).args(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Running {
        let mut child = command.spawn().expect("the binary under test starts");
        let out = tokio::spawn(text(child.stdout.take().expect("piped")));
        let err = tokio::spawn(text(child.stderr.take().expect("piped")));
        Running { child, out, err }
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            let _ = rustix::process::kill_process(id, signal);
        }
    }

    /// Resolves when it has ended; may be dropped and asked again.
    pub(crate) async fn ended(&mut self) {
        let _ = self.child.wait().await;
    }

    /// Waits for its end, for a bounded time.
    pub(crate) async fn over(mut self) -> Over {
        let (ended, patience) = match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => {
                let code = status.expect("a child").code();
                (code.map_or(Ended::Signal, Ended::Exit), PATIENCE)
            }
            Err(_) => {
                let _ = self.child.kill().await;
                (Ended::Hung, PATIENCE)
            }
        };
        let said = async { (self.out.await.unwrap_or_default(), self.err.await.unwrap_or_default()) };
        let (out, err) = tokio::time::timeout(patience, said).await.unwrap_or_default();
        Over { ended, out, err }
    }
}

async fn text(mut pipe: impl tokio::io::AsyncRead + Unpin) -> String {
    let mut bytes = Vec::new();
    let _ = pipe.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Where runs have their state: memory where there is some to be used like a directory, else where temporary files go.
pub(crate) fn state() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if tempfile::tempdir_in(memory).is_ok() { memory.to_owned() } else { std::env::temp_dir() }
}

/// Builds the binary under test with its fault points, beside the others of this build, and says where it is.
pub(crate) fn build() -> PathBuf {
    let here = std::env::current_exe().expect("our own path");
    let profile = here.ancestors().find(|dir| dir.join("examples").is_dir()).expect("cargo's directory of a profile");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = std::process::Command::new(cargo);
    build.current_dir(env!("CARGO_MANIFEST_DIR"));
    build.args(["build", "--quiet", "--locked", "--features", "fault-points", "--example", "menshen-fault-points"]);
    if profile.file_name().is_some_and(|name| name != "debug") {
        build.args(["--profile", &profile.file_name().expect("it has one").to_string_lossy()]);
    }
    build.arg("--target-dir").arg(profile.parent().expect("target is above"));
    let status = build.status().expect("cargo runs");
    assert!(status.success(), "the binary under test cannot be built");
    profile.join("examples/menshen-fault-points")
}
