//! The ground a command stands on: its configuration, and with `--sandbox` a whole simulated WeChat.
//!
//! Promises that with `--sandbox` nothing but the rules of a configuration is
//! used, that nothing leaves the machine, and that looking never creates a file.

use super::args::Global;
use super::{Wrong, confirm, demo};
use crate::config::{self, Config, ConfigError, Need};
use crate::sandbox::{Account, Options, Server, World};
use crate::service::{self, Service, StateLock};
use anyhow::{Context, Error};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Where the sandbox lives unless `--state-dir` says otherwise.
const SANDBOX_DIR: &str = "menshen-sandbox";
/// The name of the sandbox's account, in preview and audit.
const SANDBOX_ACCOUNT: &str = "sandbox";
/// The variable the sandbox's account takes its secret from; it exists nowhere but here.
const SANDBOX_SECRET: &str = "MENSHEN_SANDBOX_SECRET";

/// What stands in for the name of a file in the places of built-in rules.
const BUILT_IN: &str = "built-in rules";

/// What a command is going to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Talk to WeChat and act.
    Act,
    /// Talk to WeChat and do what a person asks for, beside a running service.
    Hand,
    /// Talk to WeChat and only look.
    Look,
    /// Only the state directory is needed.
    Record,
}

/// A configuration ready for use, and what it needs to stay alive.
pub(super) struct Ground {
    pub(super) config: Config,
    pub(super) around: service::Surroundings,
    pub(super) lock: Option<StateLock>,
    pub(super) sandbox: Option<Server>,
}

impl Ground {
    /// Finds and reads the configuration; with `--sandbox` starts the simulated WeChat.
    pub(super) async fn lay(global: &Global, purpose: Purpose) -> Result<Ground, Error> {
        if global.sandbox {
            return sandbox(global, purpose).await;
        }
        only_with_sandbox(global)?;
        let path = find(global)?;
        let need = if purpose == Purpose::Record { Need::State } else { Need::Secrets };
        let config = config::load(&path, &config::Surroundings::of_process(), need).map_err(wrong)?;
        match purpose {
            Purpose::Record => tracing::debug!(path = %path.display(), "configuration"),
            Purpose::Act | Purpose::Hand | Purpose::Look => tracing::info!(path = %path.display(), "configuration"),
        }
        let lock = match purpose {
            Purpose::Act => Some(StateLock::take(&config.service.state_dir)?),
            Purpose::Hand | Purpose::Look | Purpose::Record => None,
        };
        Ok(Ground { config, around: service::Surroundings::default(), lock, sandbox: None })
    }

    /// The service on this ground, and the simulated WeChat it needs to stay alive.
    pub(super) async fn service(self) -> Result<(Service, Option<Server>), Error> {
        let lock = match self.lock {
            Some(lock) => lock,
            None => StateLock::take(&self.config.service.state_dir)?,
        };
        Ok((Service::open(self.config, self.around, lock).await?, self.sandbox))
    }

    /// Reads the same configuration again, for SIGHUP.
    pub(super) fn reload(&self, global: &Global) -> Box<dyn Fn() -> Result<Config, String> + Send + Sync> {
        let base_url = self.sandbox.as_ref().map(|server| format!("http://{}", server.addr()));
        let (config, dir) = (global.config.clone(), self.config.service.state_dir.clone());
        let path = self.config.path.clone();
        Box::new(move || {
            let loaded = match &base_url {
                Some(base_url) => sandbox_config(config.as_deref(), &dir, base_url),
                None => config::load(&path, &config::Surroundings::of_process(), Need::Secrets),
            };
            loaded.map_err(|error| error.to_string())
        })
    }
}

/// Looking must not end the token other systems work with, unless a person at the terminal says so: `otherwise` is for who
/// cannot be asked.
pub(super) async fn cut_nobody_off(
    accounts: impl IntoIterator<Item = &service::Account>,
    otherwise: &str,
) -> Result<(), Error> {
    for account in accounts {
        if !account.would_cut_off_others().await {
            continue;
        }
        let why = format!(
            "account {:?} has token kind \"classic\": to look, a token must be fetched, and that ends the one other systems hold \
             for this appid",
            account.name()
        );
        confirm::someone_to_ask(&format!("{why}. Nothing was sent; {otherwise}"))?;
        if !confirm::confirmed(&format!("{why}. Go on?"), false)? {
            return Err(Error::new(Wrong("menshen: nothing was sent".to_owned())));
        }
    }
    Ok(())
}

/// A file of rules: a configuration, of which only the rules count, or `[policy]`, `[lists]` and `[[rule]]` alone.
pub(super) fn rules_file(path: &Path) -> Result<Config, Error> {
    config::load(path, &config::Surroundings::of_process(), Need::Policy).map_err(wrong)
}

pub(super) fn only_with_sandbox(global: &Global) -> Result<(), Error> {
    let given = [("--state-dir", global.state_dir.is_some()), ("--fresh", global.fresh)];
    match given.iter().find(|(_, given)| *given) {
        Some((option, _)) => Err(Error::new(Wrong(format!(
            "menshen: {option} belongs to --sandbox; without it the state directory is service.state_dir of the configuration"
        )))),
        None => Ok(()),
    }
}

/// The rules alone: no account, secret or state directory is looked at. With `--sandbox` and no `-c`, the built-in ones.
pub(super) fn policy(global: &Global) -> Result<Config, Error> {
    let surroundings = config::Surroundings::of_process();
    if global.sandbox && global.config.is_none() {
        return config::load_text(Path::new(BUILT_IN), demo::RULES, &surroundings, Need::Policy).map_err(wrong);
    }
    let path = find(global)?;
    tracing::debug!(path = %path.display(), "configuration");
    config::load(&path, &surroundings, Need::Policy).map_err(wrong)
}

pub(super) fn find(global: &Global) -> Result<PathBuf, Error> {
    config::find(global.config.as_deref(), &config::Surroundings::of_process()).map_err(wrong)
}

/// A configuration error is exit status 2; it is coloured where standard error is a terminal.
pub(super) fn wrong(error: ConfigError) -> Error {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    Error::new(Wrong(error.render(colour)))
}

async fn sandbox(global: &Global, purpose: Purpose) -> Result<Ground, Error> {
    let dir = global.state_dir.clone().unwrap_or_else(|| PathBuf::from(SANDBOX_DIR));
    let around = service::Surroundings { site: Some("sandbox".to_owned()), ..service::Surroundings::default() };
    if purpose == Purpose::Record {
        if global.fresh {
            return Err(Error::new(Wrong(
                "menshen: --fresh goes with run: only a pass starts the sandbox over".to_owned(),
            )));
        }
        let config = sandbox_config(global.config.as_deref(), &dir, "http://127.0.0.1:1").map_err(wrong)?;
        return Ok(Ground { config, around, lock: None, sandbox: None });
    }
    let acts = matches!(purpose, Purpose::Act | Purpose::Hand);
    if acts && demo::is_real(&dir) {
        let message = format!(
            "menshen: {} holds the audit log of a real service; give the sandbox a --state-dir of its own",
            dir.display()
        );
        return Err(Error::new(Wrong(message)));
    }
    // The world is in this process: no service can run beside it.
    let lock = if acts { Some(StateLock::take(&dir)?) } else { None };
    let world = world(global, purpose, &dir)?;
    let server =
        Server::start(world, ([127, 0, 0, 1], 0).into()).await.context("the sandbox cannot listen on loopback")?;
    let base_url = format!("http://{}", server.addr());
    let config = sandbox_config(global.config.as_deref(), &dir, &base_url).map_err(wrong)?;
    Ok(Ground { config, around, lock, sandbox: Some(server) })
}

/// The world in the directory; a dry run takes it as it is or, where there is none, one that ends with the process.
fn world(global: &Global, purpose: Purpose, dir: &Path) -> Result<World, Error> {
    if matches!(purpose, Purpose::Act | Purpose::Hand) {
        if global.fresh {
            demo::forget(dir).with_context(|| format!("the sandbox in {} cannot be started over", dir.display()))?;
        }
        let options = Options { fresh: global.fresh, ..Options::default() };
        return Ok(World::open(dir, options)?);
    }
    if global.fresh { Ok(World::in_memory(Options::default())) } else { Ok(World::peek(dir, Options::default())?) }
}

/// The sandbox's own service and account, with the rules of `path` or the built-in ones.
fn sandbox_config(path: Option<&Path>, dir: &Path, base_url: &str) -> Result<Config, ConfigError> {
    let secret = |name: &str| (name == SANDBOX_SECRET).then(|| OsString::from(Account::DEFAULT_SECRET));
    let mut surroundings = config::Surroundings::of_process();
    let rules = match path {
        Some(path) => config::load(path, &surroundings, Need::Policy)?,
        None => config::load_text(Path::new(BUILT_IN), demo::RULES, &surroundings, Need::Policy)?,
    };
    surroundings.env = Box::new(secret);
    let text = format!(
        "[[account]]\nname = \"{SANDBOX_ACCOUNT}\"\nappid = \"{}\"\ntoken = {{ secret = {{ env = \"{SANDBOX_SECRET}\" }} }}\nbase_url = \"{base_url}\"\ncalls_per_minute = 60000\n",
        Account::DEFAULT_APPID
    );
    let mut config =
        config::load_text(Path::new("the sandbox's own configuration"), &text, &surroundings, Need::Secrets)?;
    config.service.state_dir = dir.to_owned();
    config.service.mode = crate::policy::Mode::Live;
    config.policy = rules.policy;
    config.pending = rules.pending;
    config.path = rules.path;
    Ok(config)
}
