//! The systemd unit: installed, enabled, running, and the one that is meant.
//!
//! Asks `systemctl` for at most a few seconds. Where there is none, that is said and is no fault.

use super::finding::{Check, Finding};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// As `menshen-as-service` has it.
const UNIT: &str = "menshen.service";
/// How long systemd may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// What of our environment it gets.
const KEPT: [&str; 3] = ["PATH", "LANG", "LC_ALL"];
/// What is asked for.
const PROPERTIES: &str = "LoadState,UnitFileState,ActiveState,SubState,Result,FragmentPath,DropInPaths,ExecStart,User,\
     LimitNOFILE,LimitNOFILESoft,NeedDaemonReload,NRestarts";

/// What systemd knows of the unit.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    name: String,
    known: Known,
}

#[derive(Debug, Clone)]
enum Known {
    /// There is no systemctl.
    NoSystemctl,
    /// It does not answer, and what it says.
    Nothing(String),
    /// Its properties.
    Properties(BTreeMap<String, String>),
}

impl Unit {
    /// Asks systemd.
    pub(super) async fn ask() -> Unit {
        let named = std::env::var("MENSHEN_UNIT").ok().filter(|name| !name.is_empty());
        let name = named.unwrap_or_else(|| UNIT.to_owned());
        let mut command = Command::new("systemctl");
        command.args(["show", "--no-pager", "--property", PROPERTIES, "--", &name]);
        // Nobody but us needs what stands in our environment: there may be secrets in it.
        command.env_clear().envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.stdin(Stdio::null()).kill_on_drop(true);
        let known = match timeout(PATIENCE, command.output()).await {
            Err(_) => Known::Nothing(format!("systemctl did not answer within {} s", PATIENCE.as_secs())),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => Known::NoSystemctl,
            Ok(Err(error)) => Known::Nothing(format!("systemctl cannot be run: {error}")),
            Ok(Ok(done)) if !done.status.success() => Known::Nothing(first_line(&done.stderr)),
            Ok(Ok(done)) => Known::Properties(properties(&String::from_utf8_lossy(&done.stdout))),
        };
        Unit { name, known }
    }

    /// Nobody is asked.
    pub(super) fn unasked() -> Unit {
        Unit { name: UNIT.to_owned(), known: Known::NoSystemctl }
    }

    /// The user it runs as, if it is installed.
    pub(super) fn user(&self) -> Option<&str> {
        self.property("User").filter(|_| self.is_installed())
    }

    /// How many files it may have open.
    pub(super) fn open_files_max(&self) -> Option<u64> {
        let limit = self.property("LimitNOFILESoft").or_else(|| self.property("LimitNOFILE"));
        limit.filter(|_| self.is_installed())?.parse().ok()
    }

    fn is_installed(&self) -> bool {
        self.property("LoadState") == Some("loaded")
    }

    fn property(&self, name: &str) -> Option<&str> {
        match &self.known {
            Known::Properties(all) => all.get(name).map(String::as_str).filter(|value| !value.is_empty()),
            Known::NoSystemctl | Known::Nothing(_) => None,
        }
    }

    /// What there is to say; `config` is the configuration that was looked at.
    pub(super) fn judge(&self, config: &Path) -> Vec<Finding> {
        match &self.known {
            Known::NoSystemctl => return vec![Check::Unit.skipped("there is no systemctl on this machine")],
            Known::Nothing(why) => return vec![Check::Unit.skipped(format!("systemd cannot be asked: {why}"))],
            Known::Properties(_) => {}
        }
        let name = &self.name;
        if !self.is_installed() {
            let state = self.property("LoadState").unwrap_or("unknown");
            return vec![match state {
                "masked" => Check::Unit.fail(format!("{name} is masked"), format!("sudo systemctl unmask {name}")),
                "not-found" => Check::Unit.warn(
                    format!("{name} is not installed"),
                    "the README says how; if menshen is started by something else, nothing is to be done",
                ),
                other => Check::Unit.fail(
                    format!("{name} cannot be loaded: {other}"),
                    format!("systemctl status {name}; systemd-analyze verify {name}"),
                ),
            }];
        }
        let mut found = vec![self.standing()];
        found.extend(self.paths(config));
        if self.property("NeedDaemonReload") == Some("yes") {
            let what = format!("{name} was changed since systemd read it");
            found.push(Check::Unit.warn(what, "sudo systemctl daemon-reload, then restart it"));
        }
        found
    }

    fn standing(&self) -> Finding {
        let name = &self.name;
        let enabled = self.property("UnitFileState").unwrap_or("unknown");
        let active = self.property("ActiveState").unwrap_or("unknown");
        let drop_ins = self.property("DropInPaths").map(|paths| format!("; drop-ins: {paths}")).unwrap_or_default();
        let what = format!("{name} is {enabled} and {active}{drop_ins}");
        match (active, enabled) {
            ("failed", _) => {
                let result = self.property("Result").unwrap_or("unknown");
                Check::Unit
                    .fail(format!("{what}; it ended with: {result}"), format!("journalctl -u {name} -e says why"))
            }
            ("active" | "reloading", "enabled" | "enabled-runtime" | "static" | "linked") => Check::Unit.ok(what),
            ("active" | "reloading", _) => Check::Unit
                .warn(format!("{what}: it does not start with the machine"), format!("sudo systemctl enable {name}")),
            ("activating", _) => {
                Check::Unit.warn(what, format!("wait a little; journalctl -u {name} -e if it stays so"))
            }
            (_, _) => {
                Check::Unit.warn(format!("{what}: nothing is decided"), format!("sudo systemctl enable --now {name}"))
            }
        }
    }

    /// Whether what it starts is there, and reads what was looked at.
    fn paths(&self, config: &Path) -> Vec<Finding> {
        let Some(start) = self.property("ExecStart") else {
            let what = format!("{} starts nothing", self.name);
            return vec![Check::Unit.fail(what, "it needs an ExecStart: see systemd/menshen.service")];
        };
        let mut found = Vec::new();
        let program = between(start, "path=", " ;").unwrap_or_default();
        if !Path::new(program).is_file() {
            let what = format!("{} starts {program}, which is not there", self.name);
            found.push(Check::Unit.fail(what, "install menshen there, or correct ExecStart in a drop-in"));
        }
        if let Some(read) = config_of(between(start, "argv[]=", " ;").unwrap_or_default())
            && !same(Path::new(read), config)
        {
            found.push(Check::Unit.warn(
                format!("{} reads {read}; looked at was {}", self.name, config.display()),
                format!("menshen -c {read} doctor"),
            ));
        }
        found
    }
}

fn first_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().next().unwrap_or("it says nothing");
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn properties(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end).map_or(rest, |(inside, _)| inside).trim())
}

/// The configuration a command line names.
fn config_of(words: &str) -> Option<&str> {
    let mut words = words.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "-c" | "--config" => return words.next(),
            _ => {
                let joined = word.strip_prefix("--config=").or_else(|| word.strip_prefix("-c"));
                if let Some(path) = joined.filter(|path| !path.is_empty()) {
                    return Some(path);
                }
            }
        }
    }
    None
}

fn same(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Status;
    use super::*;

    fn unit(text: &str) -> Unit {
        Unit { name: UNIT.to_owned(), known: Known::Properties(properties(text)) }
    }

    #[test]
    fn how_it_stands() {
        let start =
            "ExecStart={ path=/bin/sh ; argv[]=/bin/sh -c /etc/menshen/menshen.toml run ; ignore_errors=no ; pid=0 }";
        let stands = |rest: &str| format!("LoadState=loaded\n{start}\n{rest}");
        let cases = [
            (stands("UnitFileState=enabled\nActiveState=active"), Status::Ok, "is enabled and active"),
            (stands("UnitFileState=enabled\nActiveState=active\nDropInPaths=/a/b.conf"), Status::Ok, "/a/b.conf"),
            (stands("UnitFileState=disabled\nActiveState=active"), Status::Warn, "does not start with the machine"),
            (stands("UnitFileState=enabled\nActiveState=inactive"), Status::Warn, "nothing is decided"),
            (stands("UnitFileState=enabled\nActiveState=failed\nResult=exit-code"), Status::Fail, "exit-code"),
            (stands("UnitFileState=enabled\nActiveState=activating"), Status::Warn, "activating"),
            ("LoadState=not-found\n".to_owned(), Status::Warn, "is not installed"),
            ("LoadState=masked\n".to_owned(), Status::Fail, "masked"),
            ("LoadState=bad-setting\n".to_owned(), Status::Fail, "bad-setting"),
        ];
        for (text, status, words) in cases {
            let found = unit(&text).judge(Path::new("/etc/menshen/menshen.toml"));
            assert_eq!((found.len(), found[0].status), (1, status), "{text}: {found:?}");
            assert!(found[0].what.contains(words), "{text}: {found:?}");
        }
    }

    #[test]
    fn what_it_starts() {
        let well = "LoadState=loaded\nUnitFileState=enabled\nActiveState=active\nNeedDaemonReload=yes\n";
        let text = format!(
            "{well}ExecStart={{ path=/nowhere/menshen ; argv[]=/nowhere/menshen -c /etc/other.toml run ; pid=0 }}"
        );
        let found = unit(&text).judge(Path::new("/etc/menshen/menshen.toml"));
        let told: Vec<(Status, &str)> = found.iter().map(|f| (f.status, f.what.as_str())).collect();
        assert_eq!(
            told,
            [
                (Status::Ok, "menshen.service is enabled and active"),
                (Status::Fail, "menshen.service starts /nowhere/menshen, which is not there"),
                (Status::Warn, "menshen.service reads /etc/other.toml; looked at was /etc/menshen/menshen.toml"),
                (Status::Warn, "menshen.service was changed since systemd read it"),
            ]
        );
        for (words, path) in [
            ("/usr/bin/menshen -c /a run", Some("/a")),
            ("/usr/bin/menshen --config=/a run", Some("/a")),
            ("/usr/bin/menshen -c/a run", Some("/a")),
            ("/usr/bin/menshen run", None),
        ] {
            assert_eq!(config_of(words), path, "{words}");
        }
    }

    #[test]
    fn without_systemd_nothing_is_wrong() {
        for known in [Known::NoSystemctl, Known::Nothing("not booted with systemd".to_owned())] {
            let unit = Unit { name: UNIT.to_owned(), known };
            let found = unit.judge(Path::new("x"));
            assert_eq!((found.len(), found[0].status), (1, Status::Skipped));
            assert_eq!((unit.user(), unit.open_files_max()), (None, None));
        }
        let unit = unit("LoadState=loaded\nUser=menshen\nLimitNOFILESoft=1024\n");
        assert_eq!((unit.user(), unit.open_files_max()), (Some("menshen"), Some(1024)));
    }
}
