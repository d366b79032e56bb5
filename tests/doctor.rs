//! `menshen doctor`, the real binary: what is wrong is told with its mending step, the rest is looked at all the same, and
//! nothing is changed by looking.

mod support;

use menshen::sandbox::{Account, Application, Options, World};
use menshen::service::doctor::Check;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use support::process::{Done, Running, finish};
use support::{Scene, menshen};

/// Limits, so that nothing earns a word.
const LIMITS: &str = "[limits]\nagree_per_day = 5\nrefuse_per_day = 5\n";

/// A scene that has had its pass.
async fn worked() -> Scene {
    let scene = Scene::empty().await.settings(LIMITS);
    let at = jiff::Timestamp::now().as_second() - 600;
    scene.arrive(Application::new("wx-held").created_at(at).reason("合作"));
    scene.run("run --once").exits(0);
    scene
}

/// The doctor on a scene, with programs of the scene's alone.
fn doctor(scene: &Scene, args: &str) -> Done {
    let mut command = scene.menshen(["doctor", "--format", "json"].into_iter().chain(args.split_whitespace()));
    finish(command.env("PATH", scene.dir.path().join("bin")))
}

/// Every line of one check.
fn lines<'d>(found: &'d [Value], id: &str) -> Vec<&'d Value> {
    found.iter().filter(|line| line["id"] == id).collect()
}

/// Asserts that a check came out like this, with these words in what was found or is to be done.
#[track_caller]
fn says(done: &Done, id: &str, status: &str, words: &str) {
    let found = done.json();
    let told =
        |line: &Value| format!("{} {}", line["what"].as_str().unwrap_or(""), line["mend"].as_str().unwrap_or(""));
    let fits = |line: &&Value| line["status"] == status && told(line).contains(words);
    assert!(lines(&found, id).iter().any(fits), "no {id} {status} {words:?} in\n{}\n{}", done.out, done.err);
}

/// The checks that failed or earned a warning, but for other services of this machine, which tests beside this one run.
fn bad(done: &Done) -> BTreeSet<String> {
    let found = done.json();
    let bad = found.iter().filter(|line| matches!(line["status"].as_str(), Some("warn" | "fail")));
    bad.map(|line| line["id"].as_str().expect("an id").to_owned()).filter(|id| id != "service").collect()
}

#[track_caller]
fn only_bad(done: &Done, expected: &[&str]) {
    assert_eq!(bad(done), expected.iter().map(|id| (*id).to_owned()).collect(), "{}\n{}", done.out, done.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well() {
    let scene = worked().await;
    let done = doctor(&scene, "").exits(0);
    only_bad(&done, &[]);
    let found = done.json();
    let ids: BTreeSet<&str> = found.iter().filter_map(|line| line["id"].as_str()).collect();
    // There is no proxy.
    let all = Check::ALL.iter().map(|check| check.id()).filter(|id| *id != "proxy").collect();
    assert_eq!(ids, all, "every check has its line");
    let of_account = |line: &&Value| line["account"] == "express";
    let asked: Vec<&str> = found.iter().filter(of_account).filter_map(|line| line["id"].as_str()).collect();
    assert_eq!(asked, ["credentials", "token", "ip-list", "permission", "list", "oldest-pending", "quota"]);
    for (id, words) in [
        ("credentials", "environment variable SECRET can be read"),
        ("database", "head of the chain"),
        ("list", "1 applications, 1 of them pending"),
        ("oldest-pending", "the oldest waits for 10 min"),
        ("quota", "calls are left today"),
        ("token", "kind stable"),
        ("clock", "30 s are tolerated"),
    ] {
        says(&done, id, "ok", words);
    }
    let human = scene.run("doctor").exits(0);
    assert!(human.out.contains("✓ integrity") && human.out.contains("Nothing was changed."), "{}", human.out);
    let csv = scene.run("doctor --format csv").exits(0);
    assert!(csv.out.starts_with("id,account,status,what,mend\n"), "{}", csv.out);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_wechat_says_is_told_with_what_to_do() {
    let cases: [(&str, &[&str], &str, &str); 9] = [
        ("stable_token:errcode=40164:always", &["token", "ip-list"], "ip-list", "add 127.0.0.1 to 开发管理"),
        ("stable_token:errcode=40125:always", &["token"], "token", "check the AppSecret"),
        ("dev_apply_list:errcode=48001:always", &["permission", "list"], "permission", "owns the plugin"),
        ("dev_apply_list:errcode=61007:always", &["permission", "list"], "permission", "permission set 40"),
        ("devplugin:errcode=40001:always", &["list"], "list", "rejects the access token"),
        ("quota_get:errcode=45009:always", &["quota"], "quota", "midnight Beijing"),
        ("token:date=600:always", &["clock"], "clock", "behind that of"),
        ("token:date=-600:always", &["clock"], "clock", "timedatectl"),
        ("token:hang:always", &["answer"], "answer", "no answer in time"),
    ];
    let scene = worked().await;
    for (fault, expected, id, words) in cases {
        scene.fault(fault);
        let done = doctor(&scene, "").exits(1);
        only_bad(&done, expected);
        says(&done, id, "fail", words);
        scene.calm();
    }
    for (fault, id, words) in [
        ("token:date=90:always", "clock", "behind that of"),
        ("token:html:always", "answer", "does not talk like WeChat"),
        ("dev_apply_list:malformed=appid-missing:always", "list", "cannot be read"),
    ] {
        scene.fault(fault);
        let done = doctor(&scene, "").exits(0);
        only_bad(&done, &[id]);
        says(&done, id, "warn", words);
        scene.calm();
    }
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_is_told_step_by_step() {
    let mut scene = worked().await;
    let address = scene.base_url.trim_start_matches("http://").to_owned();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback").local_addr().expect("bound").port();
    let proxied = format!("proxy = \"http://someone:hunter2@127.0.0.1:{free}\"\n{LIMITS}");
    let cases = [
        (format!("http://127.0.0.1:{free}"), LIMITS, "connection", "onnection refused"),
        (format!("https://{address}"), LIMITS, "tls", "speaks no TLS"),
        ("https://api.menshen.invalid".to_owned(), LIMITS, "dns", "api.menshen.invalid"),
        ("https://api.menshen.invalid".to_owned(), proxied.as_str(), "proxy", "http://127.0.0.1"),
    ];
    for (base_url, settings, id, words) in cases {
        scene.base_url = base_url;
        scene.settings = settings.to_owned();
        let done = doctor(&scene, "").exits(1);
        only_bad(&done, &[id, "token"]);
        says(&done, id, "fail", words);
        says(&done, "integrity", "ok", "every page is whole");
        assert!(!done.out.contains("hunter2") && !done.err.contains("hunter2"), "{}", done.out);
        let offline = doctor(&scene, "--offline").exits(0);
        only_bad(&offline, &[]);
        says(&offline, "token", "skipped", "--offline");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_state_directory() {
    let scene = worked().await;
    let mode = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    let state = scene.state_dir();
    let found = fs::metadata(&state).expect("made by the pass").permissions().mode();
    assert_eq!(found & 0o007, 0, "what menshen makes is closed to others: {found:o}");
    mode(&state, 0o755);
    says(&doctor(&scene, "--offline").exits(1), "state-directory", "fail", "chmod 0750");
    mode(&state, 0o750);
    mode(&scene.database(), 0o644);
    says(&doctor(&scene, "--offline").exits(1), "state-directory", "fail", "chmod 0640");
    mode(&scene.database(), 0o640);
    only_bad(&doctor(&scene, "--offline").exits(0), &[]);

    let before = fs::read(scene.database()).expect("a log");
    let restore = || fs::write(scene.database(), &before).expect("ours");
    // The schema stands at byte 60, the application at 68: https://www.sqlite.org/fileformat.html
    for (at, bytes, id, words) in [
        (60, 99_u32.to_be_bytes(), "database", "a newer menshen wrote it"),
        (68, 7_u32.to_be_bytes(), "database", "not an audit log of menshen"),
        (0, *b"spam", "database", "damaged"),
    ] {
        let mut changed = before.clone();
        changed[at..at + 4].copy_from_slice(&bytes);
        fs::write(scene.database(), changed).expect("ours");
        says(&doctor(&scene, "--offline").exits(1), id, "fail", words);
        restore();
    }
    let mut holed = before.clone();
    // A page in the middle; the first ones hold the schema.
    let middle = holed.len() / 2 / 4096 * 4096;
    holed[middle..middle + 4096].fill(0x5a);
    fs::write(scene.database(), holed).expect("ours");
    says(&doctor(&scene, "--offline").exits(1), "integrity", "fail", "restore a backup");
    restore();
    only_bad(&doctor(&scene, "--offline").exits(0), &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_a_pause_and_an_older_log() {
    let scene = Scene::empty().await.settings(LIMITS);
    scene.run("run --once").exits(0);
    let backup = fs::read(scene.database()).expect("a log");
    let at = jiff::Timestamp::now().as_second() - 600;
    scene.arrive(Application::new("wx-1").created_at(at).categories([("物流服务", "查件")]));
    scene.run("run --once").exits(0);
    fs::write(scene.database(), backup).expect("ours");
    let done = doctor(&scene, "--offline").exits(1);
    only_bad(&done, &["mark"]);
    says(&done, "mark", "fail", "restored from a backup");
    scene.run("run --once").exits(1);
    let done = doctor(&scene, "--offline").exits(1);
    only_bad(&done, &["mark", "brakes"]);
    says(&done, "brakes", "fail", "nothing is sent");
    scene.run("resume").exits(0);
    only_bad(&doctor(&scene, "--offline").exits(0), &[]);
    scene.run("pause --action agree").exits(0);
    says(&doctor(&scene, "--offline").exits(0), "brakes", "warn", "menshen pause --list");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_is_partly_right() {
    let mut scene = worked().await;
    scene.settings = format!(
        "{LIMITS}[housekeeping]\nforget = 3\n[[account]]\nname = \"second\"\nappid = \"wx2\"\ntoken = {{ secret = {{ file = \"nowhere\" }} }}\nbase_url = \"{}\"\n",
        scene.base_url
    );
    scene.rules.push_str("[[rule]]\nname = \"wrong\"\naction = \"refuse\"\nwhen = { reason = { any = [\"x\"] } }\n");
    let done = doctor(&scene, "").exits(2);
    only_bad(&done, &["configuration", "rules", "credentials", "token"]);
    says(&done, "configuration", "fail", "`forget`");
    says(&done, "rules", "fail", "message");
    says(&done, "credentials", "fail", "there is no such file");
    says(&done, "list", "ok", "1 of them pending");
    let second: Vec<Value> = done.json().into_iter().filter(|line| line["account"] == "second").collect();
    assert!(second.iter().any(|line| line["id"] == "token" && line["status"] == "fail"), "{second:?}");

    let none = finish(menshen(scene.dir.path()).args(["-c", "nowhere.toml", "doctor"])).exits(2);
    assert!(none.out.contains("✗ configuration") && none.out.contains("    name another file"), "{}", none.out);
    let unknown = finish(
        menshen(scene.dir.path())
            .arg("doctor")
            .env("MENSHEN_CONFIG", scene.write_config())
            .args(["--account", "secnd"]),
    );
    unknown.exits(2).complains("did you mean `second`?");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_named_by_place_and_never_shown() {
    let scene = worked().await;
    let without = finish(scene.menshen(["doctor", "--format", "json"]).env_remove("SECRET")).exits(1);
    says(&without, "credentials", "fail", "environment variable SECRET is not set");
    says(&without, "answer", "ok", "WeChat answers");
    says(&without, "token", "fail", "credentials");
    let path = scene.dir.path().join("secret");
    fs::write(&path, Account::DEFAULT_SECRET).expect("a file");
    let config = fs::read_to_string(scene.write_config()).expect("a configuration");
    let config = config.replace("{ env = \"SECRET\" }", "{ file = \"secret\" }");
    fs::write(scene.dir.path().join("other.toml"), config).expect("a file");
    for (mode, status) in [(0o644, 1), (0o600, 0)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("ours");
        let mut command = menshen(scene.dir.path());
        let done = finish(command.args(["-c", "other.toml", "doctor", "--format", "json"])).exits(status);
        assert!(!done.out.contains(Account::DEFAULT_SECRET), "{}", done.out);
        says(&done, "credentials", if status == 0 { "ok" } else { "fail" }, "secret");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_others_are_left_alone() {
    let scene = Scene::empty().await.settings(LIMITS);
    let path = scene.write_config();
    let config = fs::read_to_string(&path).expect("a configuration");
    let config = config.replace("token = { secret", "token = { kind = \"classic\", secret");
    fs::write(scene.dir.path().join("classic.toml"), config).expect("a file");
    let run = |more: &[&str]| {
        let mut command = menshen(scene.dir.path());
        finish(command.args(["-c", "classic.toml", "doctor", "--format", "json"]).args(more)).exits(0)
    };
    says(&run(&[]), "token", "skipped", "--yes");
    let of_account = || scene.world.ledger().into_iter().filter(|call| call.account.is_some()).count();
    assert_eq!(of_account(), 0, "{:?}", scene.world.ledger());
    says(&run(&["--yes"]), "token", "ok", "kind classic");
    assert!(of_account() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_changes_nothing() {
    let scene = worked().await;
    let listing = || -> Vec<(String, Vec<u8>)> {
        let entries = fs::read_dir(scene.state_dir()).expect("there").map(|entry| entry.expect("readable"));
        let mut all: Vec<_> = entries
            .map(|entry| (entry.file_name().into_string().expect("UTF-8"), fs::read(entry.path()).unwrap_or_default()))
            .collect();
        all.sort();
        all
    };
    let (before, calls) = (listing(), scene.world.ledger().len());
    doctor(&scene, "--yes").exits(0);
    assert!(before == listing(), "{:?}", listing().iter().map(|(name, _)| name).collect::<Vec<_>>());
    let asked: BTreeSet<String> =
        scene.world.ledger()[calls..].iter().map(|call| call.action.clone().unwrap_or(call.endpoint.clone())).collect();
    let expected = ["dev_apply_list", "quota_get", "stable_token", "token"].map(str::to_owned);
    assert_eq!(asked, expected.into_iter().collect());
    // Where there is nothing yet, nothing is made.
    fs::remove_dir_all(scene.state_dir()).expect("ours");
    says(&doctor(&scene, "").exits(0), "state-directory", "ok", "not there yet");
    assert!(!scene.state_dir().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_in_their_order_and_one_that_hangs() {
    let accounts = (1..=3).map(|n| Account::plugin(format!("wx-{n}"), Account::DEFAULT_SECRET));
    let accounts = std::iter::once(Account::plugin(Account::DEFAULT_APPID, Account::DEFAULT_SECRET)).chain(accounts);
    let world = World::in_memory(Options { accounts: accounts.collect(), ..Options::empty() });
    let mut scene = Scene::of(world).await;
    let more = (1..=3).map(|n| {
        let url = &scene.base_url;
        format!("[[account]]\nname = \"a{n}\"\nappid = \"wx-{n}\"\nbase_url = \"{url}\"\ntimeout = \"1s\"\ntoken = {{ secret = {{ env = \"SECRET\" }} }}\n")
    });
    scene.settings = more.collect::<String>() + LIMITS;
    scene.fault("*@account=wx-1:hang:always");
    let done = doctor(&scene, "").exits(1);
    only_bad(&done, &["token"]);
    let order = |id: &str| -> Vec<(String, String)> {
        let found = done.json();
        let text = |line: &Value, key: &str| line[key].as_str().unwrap_or("").to_owned();
        lines(&found, id).into_iter().map(|line| (text(line, "account"), text(line, "status"))).collect()
    };
    let expected = [("express", "ok"), ("a1", "fail"), ("a2", "ok"), ("a3", "ok")];
    assert_eq!(order("token"), expected.map(|(name, status)| (name.to_owned(), status.to_owned())));
    let only = doctor(&scene, "--account a2").exits(0);
    let named: BTreeSet<String> = only.json().into_iter().map(|line| line["account"].to_string()).collect();
    assert_eq!(named, ["null", "\"a2\""].map(str::to_owned).into_iter().collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_unit_is_asked_about() {
    let scene = worked().await;
    let bin = scene.dir.path().join("bin");
    fs::create_dir(&bin).expect("ours");
    let systemctl = |properties: &str| {
        let script =
            format!("#!/bin/sh\n/usr/bin/env > {}/environment\ncat <<'END'\n{properties}\nEND\n", bin.display());
        // Written beside and moved there: a file that is open for writing cannot be run.
        fs::write(bin.join("new"), script.replace("cat ", "/bin/cat ")).expect("ours");
        fs::set_permissions(bin.join("new"), fs::Permissions::from_mode(0o755)).expect("ours");
        fs::rename(bin.join("new"), bin.join("systemctl")).expect("ours");
    };
    let uid = rustix::process::geteuid().as_raw();
    let config = scene.config_path();
    let start = format!("ExecStart={{ path=/bin/sh ; argv[]=/bin/sh -c {} run ; pid=0 }}", config.display());
    systemctl(&format!(
        "LoadState=loaded\nUnitFileState=enabled\nActiveState=active\nUser={uid}\nLimitNOFILESoft=1024\n{start}"
    ));
    let done = doctor(&scene, "--offline").exits(0);
    only_bad(&done, &[]);
    let environment = fs::read_to_string(bin.join("environment")).expect("it was run");
    assert!(!environment.contains("SECRET"), "our secrets are nobody else's: {environment}");
    says(&done, "unit", "ok", "menshen.service is enabled and active");
    says(&done, "descriptors", "ok", "the unit's LimitNOFILE is 1024");
    systemctl(&format!(
        "LoadState=loaded\nUnitFileState=disabled\nActiveState=failed\nUser={}\nLimitNOFILESoft=64\n{start}",
        uid + 1
    ));
    let done = doctor(&scene, "--offline").exits(1);
    only_bad(&done, &["unit", "state-directory", "descriptors"]);
    says(&done, "state-directory", "fail", "the user of the unit");
    systemctl("LoadState=not-found");
    says(&doctor(&scene, "--offline").exits(0), "unit", "warn", "is not installed");
    fs::write(bin.join("systemctl"), "#!/bin/sh\necho 'not booted with systemd' >&2\nexit 1\n").expect("ours");
    says(&doctor(&scene, "--offline").exits(0), "unit", "skipped", "not booted with systemd");
    fs::remove_file(bin.join("systemctl")).expect("ours");
    says(&doctor(&scene, "--offline").exits(0), "unit", "skipped", "no systemctl");
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_running_service() {
    let scene = worked().await;
    let service = Running::start(&mut scene.menshen(["run"]));
    service.line("menshen works", 1);
    let done = doctor(&scene, "").exits(0);
    only_bad(&done, &[]);
    if fs::read_to_string("/proc/locks").is_ok_and(|locks| !locks.is_empty()) {
        assert!(done.out.contains(&format!("process {} works on", service.id())), "{}", done.out);
    }
    service.signal(rustix::process::Signal::TERM);
    service.wait().exits(0);
}

#[test]
fn the_sandbox_is_well_out_of_the_box() {
    let place = tempfile::tempdir().expect("a directory");
    for args in
        [&["doctor", "--sandbox", "--format", "json"][..], &["doctor", "--sandbox", "--offline", "--format", "json"]]
    {
        let done = finish(menshen(place.path()).args(args)).exits(0);
        only_bad(&done, &[]);
    }
    finish(menshen(place.path()).args(["run", "--once", "--sandbox"])).exits(0);
    let done = finish(menshen(place.path()).args(["doctor", "--sandbox", "--format", "json"])).exits(0);
    only_bad(&done, &[]);
    says(&done, "integrity", "ok", "every page is whole");
}

#[test]
fn every_check_has_its_section_in_the_documentation() {
    let ids: Vec<&str> = Check::ALL.iter().map(|check| check.id()).collect();
    for page in [include_str!("../docs/doctor.md"), include_str!("../docs/doctor.zh-CN.md")] {
        let sections: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(sections, ids);
    }
}
