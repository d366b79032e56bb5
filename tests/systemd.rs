//! The unit, the user and the wrapper in `systemd/`, held against systemd's own tools where they are installed.
//!
//! What a machine lacks is skipped and said so on standard error. No systemd is running here: the wrapper is
//! judged by the line it would hand to `systemd-run`.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

/// What the unit must say; `None` = at least once, whatever it is.
const REQUIRED: &[(&str, &str, Option<&str>)] = &[
    ("Unit", "StartLimitBurst", None),
    ("Unit", "StartLimitIntervalSec", None),
    ("Unit", "After", Some("network-online.target")),
    ("Unit", "Wants", Some("network-online.target")),
    ("Service", "Type", Some("notify")),
    ("Service", "NotifyAccess", Some("main")),
    ("Service", "ExecStart", Some("/usr/bin/menshen -c /etc/menshen/menshen.toml run")),
    ("Service", "ExecReload", Some("/bin/kill -HUP $MAINPID")),
    ("Service", "WatchdogSec", None),
    ("Service", "Restart", Some("on-failure")),
    ("Service", "RestartSec", None),
    ("Service", "RestartPreventExitStatus", Some("2")),
    ("Service", "User", Some("menshen")),
    ("Service", "Group", Some("menshen")),
    ("Service", "UMask", Some("0027")),
    ("Service", "StateDirectory", Some("menshen")),
    ("Service", "StateDirectoryMode", Some("0750")),
    ("Service", "LoadCredential", Some("app-secret:/etc/menshen/credentials/app-secret")),
    ("Service", "LimitCORE", Some("0")),
    ("Service", "LimitNOFILE", None),
    ("Service", "MemoryMax", None),
    ("Service", "TasksMax", None),
    ("Service", "CapabilityBoundingSet", Some("")),
    ("Service", "NoNewPrivileges", Some("yes")),
    ("Service", "ProtectSystem", Some("strict")),
    ("Install", "WantedBy", Some("multi-user.target")),
];

/// What the watch must say besides: it only reads, and fails when it should.
const REQUIRED_OF_WATCH: &[(&str, &str, Option<&str>)] = &[
    ("Service", "Type", Some("oneshot")),
    (
        "Service",
        "ExecStart",
        Some("/usr/bin/menshen -c /etc/menshen/menshen.toml status --max-oldest 20h --max-silence 30m"),
    ),
    ("Service", "User", Some("menshen")),
    ("Service", "Group", Some("menshen")),
    ("Service", "UMask", Some("0027")),
    ("Service", "TimeoutStartSec", None),
    ("Service", "PrivateNetwork", Some("yes")),
    ("Service", "InaccessiblePaths", Some("-/etc/menshen/credentials")),
];

const REQUIRED_OF_TIMER: &[(&str, &str, Option<&str>)] = &[
    ("Timer", "OnBootSec", None),
    ("Timer", "OnUnitActiveSec", Some("10min")),
    ("Install", "WantedBy", Some("timers.target")),
];

/// Of the service's settings, those the watch has no use for, or its own.
const NOT_OF_WATCH: &[&str] = &[
    "Type",
    "NotifyAccess",
    "ExecStart",
    "ExecReload",
    "WatchdogSec",
    "Restart",
    "RestartSec",
    "RestartPreventExitStatus",
    "TimeoutStartSec",
    "TimeoutStopSec",
    "StateDirectory",
    "StateDirectoryMode",
    "LimitNOFILE",
    "LoadCredential",
    "LimitNOFILE",
    "RestrictAddressFamilies",
];

#[test]
fn the_unit_says_what_it_must() {
    says_what_it_must("systemd/menshen.service", REQUIRED);
    says_what_it_must("systemd/menshen-watch.service", REQUIRED_OF_WATCH);
    says_what_it_must("systemd/menshen-watch.timer", REQUIRED_OF_TIMER);
}

/// Whatever keeps the service in its place keeps the watch in it.
#[test]
fn the_watch_is_hardened_like_the_service() {
    let of = |path: &str| settings(&read(path)).into_iter().filter(|(section, _, _)| section == "Service");
    let watch: Vec<_> = of("systemd/menshen-watch.service").collect();
    let lost: Vec<_> = of("systemd/menshen.service")
        .filter(|one| !NOT_OF_WATCH.contains(&one.1.as_str()) && !watch.contains(one))
        .collect();
    assert!(lost.is_empty(), "{lost:#?}");
    let holders = watch
        .iter()
        .filter(|(_, key, _)| ["StateDirectory", "LoadCredential", "ReadWritePaths"].contains(&key.as_str()));
    assert_eq!(holders.count(), 0, "it writes nothing and holds no secret");
}

/// The watch reads what a killed service left, as another user of its group who may write nothing.
#[test]
fn a_watch_that_may_write_nothing_reads_what_a_killed_service_left() {
    const OWNER: u32 = 64_103;
    const GROUP: u32 = 64_102;
    if !installed("setpriv") || !rustix::process::geteuid().is_root() {
        return skipped("setpriv or root");
    }
    let place = TempDir::new().expect("a temporary directory");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("our own directory");
    let program = place.path().join("menshen");
    fs::copy(env!("CARGO_BIN_EXE_menshen"), &program).expect("a copy others can reach");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("our own file");
    let state = place.path().join("state");
    fs::create_dir(&state).expect("the state directory");
    chown(&state, Some(OWNER), Some(GROUP)).expect("root may");
    let run_as = |user: u32, args: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={user}"), format!("--regid={GROUP}"), "--clear-groups".to_owned()]);
        command.arg(&program).args(args).args(["--sandbox", "--state-dir"]).arg(&state);
        command.current_dir(place.path()).env_clear();
        command
    };
    let mut service = run_as(OWNER, &["run"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
    let mut log = BufReader::new(service.stderr.take().expect("piped")).lines();
    assert!(log.any(|line| line.is_ok_and(|line| line.contains("menshen works"))), "it never worked");
    // It is not done with its files, and never will be.
    service.kill().expect("our child");
    service.wait().expect("our child");
    let once = run(&mut run_as(OWNER, &["run", "--once"]));
    assert!(once.status.success(), "{}", all_of(&once));
    let mut service = run_as(OWNER, &["run"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
    let mut log = BufReader::new(service.stderr.take().expect("piped")).lines();
    assert!(log.any(|line| line.is_ok_and(|line| line.contains("menshen works"))), "it never worked");
    fs::set_permissions(&state, fs::Permissions::from_mode(0o550)).expect("root may");
    let beside = run(&mut run_as(OWNER + 1, &["status", "--max-silence", "30m"]));
    assert!(beside.status.success() && all_of(&beside).contains(" works on "), "{}", all_of(&beside));
    service.kill().expect("our child");
    service.wait().expect("our child");
    assert!(state.join("menshen.db-wal").exists(), "it was killed");
    let dead = run(&mut run_as(OWNER + 1, &["status", "--max-silence", "30m"]));
    assert!(dead.status.success() && all_of(&dead).contains("NO SERVICE RUNS"), "{}", all_of(&dead));
}

#[track_caller]
fn says_what_it_must(path: &str, required: &[(&str, &str, Option<&str>)]) {
    let unit = settings(&read(path));
    for (section, key, wanted) in required {
        let mut values = unit.iter().filter(|(s, k, _)| s == section && k == key).map(|(_, _, value)| value);
        let found = values.next();
        assert!(found.is_some(), "{path}: [{section}] {key} is missing");
        if let Some(wanted) = wanted {
            assert_eq!(found.map(String::as_str), Some(*wanted), "{path}: [{section}] {key}");
        }
    }
}

#[test]
fn systemd_finds_nothing_to_say_about_the_units() {
    if !installed("systemd-analyze") || !Path::new("/bin/kill").exists() {
        return skipped("systemd-analyze or kill");
    }
    let place = TempDir::new().expect("a temporary directory");
    let units = ["menshen.service", "menshen-watch.service", "menshen-watch.timer"];
    for unit in units {
        // The program need not be installed on the machine that builds it.
        let text = read(&format!("systemd/{unit}")).replace("/usr/bin/menshen", env!("CARGO_BIN_EXE_menshen"));
        fs::write(place.path().join(unit), text).expect("the copy can be written");
    }
    let verify = run(Command::new("systemd-analyze").arg("verify").args(units.map(|unit| place.path().join(unit))));
    assert_eq!((verify.status.success(), all_of(&verify)), (true, String::new()));
}

#[test]
fn the_units_are_exposed_by_one_and_a_half_at_most() {
    if !installed("systemd-analyze") {
        return skipped("systemd-analyze");
    }
    for unit in ["menshen.service", "menshen-watch.service"] {
        let rated = run(Command::new("systemd-analyze")
            .args(["security", "--no-pager", "--offline=true", "--threshold=15"])
            .arg(in_repository(&format!("systemd/{unit}")))
            .env("SYSTEMD_COLORS", "0"));
        let words = all_of(&rated);
        let said = format!("exposure level for {unit}: ");
        let level = words.split(&said).nth(1).and_then(|rest| rest.split(' ').next());
        let level: f64 = level.and_then(|level| level.parse().ok()).unwrap_or_else(|| panic!("no rating in\n{words}"));
        assert!(rated.status.success() && level <= 1.5, "{words}");
    }
}

#[test]
fn the_user_is_static_and_at_home_in_the_state_directory() {
    let lines = read("systemd/menshen.sysusers.conf");
    let users: Vec<&str> = lines.lines().filter(|line| line.starts_with("u ")).collect();
    assert_eq!(users, ["u menshen - \"menshen\" /var/lib/menshen"]);
    if !installed("systemd-sysusers") {
        return skipped("systemd-sysusers");
    }
    let root = TempDir::new().expect("a temporary directory");
    fs::create_dir(root.path().join("etc")).expect("our own directory");
    let made = run(Command::new("systemd-sysusers")
        .arg(format!("--root={}", root.path().display()))
        .arg(in_repository("systemd/menshen.sysusers.conf")));
    assert!(made.status.success(), "{}", all_of(&made));
    let passwd = fs::read_to_string(root.path().join("etc/passwd")).expect("a user was made");
    assert!(passwd.lines().any(|line| line.starts_with("menshen:")), "{passwd}");
}

/// With the unit's umask and the mode of its state directory, another member of the group reads what is committed
/// while the service holds the database, and cannot write. Reading the `-shm` and `-wal` files is enough for that.
#[test]
fn the_group_reads_the_audit_log_of_a_running_service() {
    const OWNER: u32 = 64_101;
    const GROUP: u32 = 64_100;
    if !["sqlite3", "setpriv"].iter().all(|program| installed(program)) || !rustix::process::geteuid().is_root() {
        return skipped("sqlite3, setpriv or root");
    }
    let unit = settings(&read("systemd/menshen.service"));
    let of_unit =
        |key: &str| unit.iter().find(|(_, k, _)| k == key).map(|(_, _, value)| value.clone()).expect("required");
    let mode = u32::from_str_radix(&of_unit("StateDirectoryMode"), 8).expect("an octal mode");
    let place = TempDir::new().expect("a temporary directory");
    let state = place.path().join("state");
    fs::create_dir(&state).expect("the state directory");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("our own directory");
    fs::set_permissions(&state, fs::Permissions::from_mode(mode)).expect("our own directory");
    chown(&state, Some(OWNER), Some(GROUP)).expect("root may");
    let log = state.join("menshen.db");

    let mut service = Command::new("sh")
        .args([
            "-c",
            &format!(
                "umask {}; exec setpriv --reuid={OWNER} --regid={GROUP} --clear-groups sqlite3 \"$0\"",
                of_unit("UMask")
            ),
        ])
        .arg(&log)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sqlite3 starts");
    let mut orders = service.stdin.take().expect("piped");
    let mut answers = BufReader::new(service.stdout.take().expect("piped")).lines();
    let mut order = |sql: &str| {
        writeln!(orders, "{sql}\nSELECT 'done';").expect("the service listens");
        assert!(answers.any(|line| line.is_ok_and(|line| line == "done")), "the service did: {sql}");
    };
    let member = |sql: &str| {
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={}", OWNER + 1), format!("--regid={}", GROUP + 1), format!("--groups={GROUP}")]);
        run(command.arg("sqlite3").arg(&log).arg(sql))
    };
    order("PRAGMA journal_mode=WAL; CREATE TABLE decision (id INTEGER); INSERT INTO decision VALUES (1);");
    assert_eq!(all_of(&member("SELECT count(*) FROM decision")), "1\n");
    order("INSERT INTO decision VALUES (2); INSERT INTO decision VALUES (3);");
    assert_eq!(all_of(&member("SELECT count(*) FROM decision")), "3\n");
    let written = member("INSERT INTO decision VALUES (4)");
    assert!(!written.status.success() && all_of(&written).contains("readonly"), "{}", all_of(&written));
    drop(orders);
    assert!(service.wait().expect("our child").success());
}

#[test]
fn the_wrapper_hands_the_settings_of_the_unit_to_systemd_run() {
    let unit = read("systemd/menshen.service");
    let line = wrapped(&unit, &["audit", "list", "--since", "1 d"]).expect("there is a unit");
    let (options, command) = split_at_command(&line);
    assert_eq!(command, ["/usr/bin/menshen", "-c", "/etc/menshen/menshen.toml", "audit", "list", "--since", "1 d"]);
    for wanted in ["--pipe", "--wait", "--collect", "--setenv=SUDO_USER=alice"] {
        assert!(options.iter().any(|option| option == wanted), "{wanted} in {options:#?}");
    }
    // Every setting of the unit, in its order, but those that say how a service lives.
    let lives = ["Type", "NotifyAccess", "ExecStart", "ExecReload", "Restart", "RestartSec", "WatchdogSec"];
    let lives = [lives.as_slice(), &["RestartPreventExitStatus", "TimeoutStartSec", "TimeoutStopSec"]].concat();
    let in_service = settings(&unit).into_iter().filter(|(section, _, _)| section == "Service");
    let wanted: Vec<String> = in_service
        .filter(|(_, key, _)| !lives.contains(&key.as_str()))
        .map(|(_, key, value)| format!("{key}={value}"))
        .collect();
    assert_eq!(properties(options), wanted);
}

#[test]
fn the_wrapper_understands_drop_ins() {
    check_drop_in("LoadCredential=\nLoadCredential=b:/c", &["LoadCredential=", "LoadCredential=b:/c"]);
    check_drop_in("# User=x\n; User=y\n  Environment = \"A=b c\"  ", &["Environment=\"A=b c\""]);
    check_drop_in("Environment=A=1 \\\n# between\n  B=2", &["Environment=A=1  B=2"]);
    check_drop_in("Type=exec\nExecStartPre=/bin/true\nRestartForceExitStatus=7\nStandardOutput=null", &[]);
    check_drop_in("[Unit]\nDescription=x\n[Service]\nNice=5\n[Install]\nAlias=y", &["Nice=5"]);
    check_drop_in("Environment=A=$(id)`id`;*", &["Environment=A=$(id)`id`;*"]);
    let moved = "[Service]\nExecStart=/usr/bin/menshen run\n[Service]\nExecStart=\nExecStart=/opt/menshen -c /srv/m.toml run --once\n";
    let line = wrapped(moved, &["doctor"]).expect("there is a unit");
    assert_eq!(split_at_command(&line).1, ["/opt/menshen", "-c", "/srv/m.toml", "doctor"]);
}

#[test]
fn the_wrapper_without_a_unit_runs_nothing() {
    for unit in ["", "[Service]\nUser=menshen\n"] {
        let refused = wrapped(unit, &["status"]).expect_err("nothing to take the settings from");
        assert!(refused.starts_with("menshen-as-service: "), "{refused}");
    }
}

#[test]
fn shellcheck_finds_nothing_in_the_scripts() {
    if !installed("shellcheck") {
        return skipped("shellcheck");
    }
    let scripts = ["systemd/menshen-as-service", ".ci/run", ".ci/deb"].map(in_repository);
    let maintainers = ["postinst", "prerm", "postrm"].map(|name| in_repository(&format!(".ci/debian/{name}")));
    let scripts = [scripts, maintainers].concat();
    let found = run(Command::new("shellcheck").args(scripts.iter().filter(|script| script.exists())));
    assert!(found.status.success(), "{}", all_of(&found));
}

/// What a drop-in with these lines adds to the properties.
#[track_caller]
fn check_drop_in(lines: &str, wanted: &[&str]) {
    let unit = format!("[Service]\nExecStart=/usr/bin/menshen run\n# drop-in\n[Service]\n{lines}\n");
    let line = wrapped(&unit, &["status"]).expect("there is a unit");
    assert_eq!(properties(split_at_command(&line).0), wanted, "{lines}");
}

/// Runs the wrapper where `systemctl` shows this unit (none if empty) and `systemd-run` prints its arguments.
fn wrapped(unit: &str, command: &[&str]) -> Result<Vec<String>, String> {
    let tools = TempDir::new().expect("a temporary directory");
    let shown = tools.path().join("unit");
    fs::write(&shown, unit).expect("our own directory");
    let program = |name: &str, text: String| {
        let path = tools.path().join(name);
        fs::write(&path, text).expect("our own directory");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("our own file");
    };
    program("systemctl", format!("#!/bin/sh\n[ -s {0} ] && [ \"$1\" = cat ] && cat {0}\n", shown.display()));
    program("systemd-run", "#!/bin/sh\nprintf '%s\\0' \"$@\"\n".to_owned());
    let path = format!("{}:{}", tools.path().display(), std::env::var("PATH").expect("there is a PATH"));
    let mut wrapper = Command::new(in_repository("systemd/menshen-as-service"));
    let output = run(wrapper.args(command).env("PATH", path).env("SUDO_USER", "alice"));
    let text = String::from_utf8(output.stdout.clone()).expect("our own words");
    match output.status.code() {
        Some(0) => Ok(text.split_terminator('\0').map(str::to_owned).collect()),
        _ if text.is_empty() => Err(String::from_utf8(output.stderr).expect("our own words")),
        _ => panic!("it failed and ran something: {text}"),
    }
}

fn split_at_command(line: &[String]) -> (&[String], &[String]) {
    let at = line.iter().position(|word| word == "--").expect("options end before the command");
    (&line[..at], &line[at + 1..])
}

fn properties(options: &[String]) -> Vec<String> {
    options.windows(2).filter(|pair| pair[0] == "-p").map(|pair| pair[1].clone()).collect()
}

/// Section, key and value of every assignment.
fn settings(unit: &str) -> Vec<(String, String, String)> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in unit.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.to_owned();
        } else if let Some((key, value)) = line.split_once('=') {
            found.push((section.clone(), key.to_owned(), value.to_owned()));
        }
    }
    found
}

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(in_repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn all_of(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// Past the test harness, which hides what passing tests print.
fn skipped(what: &str) {
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    writeln!(std::io::stderr(), "skipped {name}: no {what} here").expect("standard error is open");
}
