//! What a configuration takes from the process around it, as a value: tests need no process environment.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// Looks up an environment variable.
pub type Variables = Box<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// Environment, credentials, and who we are.
pub struct Surroundings {
    /// An environment variable.
    pub env: Variables,
    /// Where systemd puts credentials.
    pub credentials_dir: Option<PathBuf>,
    /// We run as root: files others may write are refused.
    pub root: bool,
    /// Where `menshen.toml` is looked for.
    pub working_dir: PathBuf,
    /// What is used when there is no nearer configuration.
    pub system_config: PathBuf,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Surroundings {
        Surroundings {
            env: Box::new(|name| std::env::var_os(name)),
            credentials_dir: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
            root: rustix::process::geteuid().is_root(),
            working_dir: PathBuf::from("."),
            system_config: PathBuf::from("/etc/menshen/menshen.toml"),
        }
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("credentials_dir", &self.credentials_dir)
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}
