//! One test and more for every fault of `docs/faults.md`: the real binary, the real disk, signals and sockets.
//!
//! What the page shows as log lines is what the binary wrote here: [`told`] compares them. What is held elsewhere
//! (unit tests, `tests/service.rs`, `tests/crash.rs`) is named in the page as well; `tests/docs_faults.rs` sees to it
//! that no fault is without a test and no test of this file without its fault.
#![expect(clippy::print_stdout, reason = "says what it could not check")]

mod support;

use menshen::sandbox::{Application, Options, World};
use menshen::service::{Stage, Watch};
use rustix::process::Signal;
use sqlx::Connection as _;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use support::Scene;
use support::faults_page::told;
use support::process::{Done, Running, finish, side_by_side, until};

const NEVER: &str = "mode = \"live\"\nschedule = \"0 0 3 1 1 *\"";
const EVERY_SECOND: &str = "mode = \"live\"\nschedule = \"* * * * * *\"";

fn hour_ago() -> i64 {
    jiff::Timestamp::now().as_second() - 3_600
}

async fn scene(service: &str, options: Options) -> Scene {
    let mut scene = Scene::of(World::in_memory(options)).await;
    scene.service = service.to_owned();
    scene
}

fn slow(action: &str, ms: u64) -> Options {
    let latency_of = BTreeMap::from([(action.to_owned(), Duration::from_millis(ms))]);
    Options { latency_of, ..Options::empty() }
}

fn crowd(scene: &Scene, count: i64) {
    for number in 0..count {
        scene.arrive(Application::new(format!("wx-{number:02}")).created_at(hour_ago() + number));
    }
}

fn calls(scene: &Scene, action: &str) -> usize {
    scene.world.calls(action).len()
}

fn start(scene: &Scene) -> Running {
    let service = Running::start(&mut scene.menshen(["run"]));
    service.line("menshen works", 1);
    service
}

/// Starts it with the configuration changed here and there.
fn start_with(scene: &Scene, changes: &[(&str, &str)]) -> Running {
    let text = std::fs::read_to_string(scene.write_config()).expect("just written");
    let text = changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    std::fs::write(scene.config_path(), text).expect("a configuration");
    let mut command = support::menshen(scene.dir.path());
    let service = Running::start(command.args(["-c", "menshen.toml", "run"]));
    service.line("menshen works", 1);
    service
}

fn stop(service: Running) -> Done {
    service.signal(Signal::TERM);
    let done = service.wait().exits(0).complains("menshen stops");
    assert!(!done.err.contains("panicked"), "{}", done.err);
    done
}

/// Every application is agreed to, once, and every row says so.
async fn all_agreed(scene: &Scene, count: usize) {
    let story = scene.story().await;
    assert_eq!(story.len(), count, "{story:?}");
    assert!(story.iter().all(|line| line.ends_with("agree done")), "{story:?}");
    assert_eq!(scene.sql("SELECT id FROM brakes").await, [""; 0], "no brake");
    scene.end();
}

/// A file system of one megabyte in the place of the state directory; only root may make one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn under(scene: &Scene) -> Option<SmallDisk> {
        let dir = scene.state_dir();
        std::fs::create_dir_all(&dir).expect("a directory");
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", "size=1m,mode=0755", "menshen-test"]).arg(&dir).output();
        if mounted.is_ok_and(|done| done.status.success()) {
            return Some(SmallDisk(dir));
        }
        println!("not checked: only root may mount a small disk");
        None
    }

    fn fill(&self) {
        let file = std::fs::File::create(self.0.join("filler")).expect("a file");
        let mut file = std::io::BufWriter::with_capacity(4096, file);
        while std::io::Write::write_all(&mut file, &[b'x'; 4096]).is_ok() {}
        drop(file.into_parts());
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).expect("it was there");
    }

    fn remount(&self, how: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(&self.0).status();
        assert!(done.expect("mount").success(), "remount {how}");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// The most memory a process ever had, in MiB.
fn most_memory_mib(service: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux counts");
    line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("a number") / 1024
}

// ---- the disk ----

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_under_the_running_service() {
    let scene = scene(EVERY_SECOND, Options::empty()).await;
    let Some(disk) = SmallDisk::under(&scene) else { return };
    crowd(&scene, 2);
    let service = start(&scene);
    service.line("2 agreed", 1);
    disk.fill();
    scene.arrive(Application::new("wx-later").reason("详".repeat(9_000)));
    service.line("the disk is full", 2);
    assert_eq!(calls(&scene, "dev_agree"), 2, "nothing is sent that cannot be recorded");
    disk.free();
    service.line("1 agreed", 1);
    told("Disk full", &stop(service).err);
    all_agreed(&scene, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_that_is_mounted_read_only() {
    let scene = scene(EVERY_SECOND, Options::empty()).await;
    let Some(disk) = SmallDisk::under(&scene) else { return };
    scene.arrive(Application::new("wx-first"));
    scene.run("run --once").exits(0);
    scene.arrive(Application::new("wx-second"));
    disk.remount("ro");
    for args in ["run", "run --once"] {
        told("Read-only disk", &scene.run(args).exits(1).err);
    }
    scene.run("--dry-run --format csv").exits(0).says("wx-second");
    scene.run("audit list --format csv").exits(0).says("wx-first");
    assert_eq!(calls(&scene, "dev_agree"), 1);
    disk.remount("rw");
    scene.run("run --once").exits(0);
    all_agreed(&scene, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_tool_keeps_locked() {
    let scene = scene(EVERY_SECOND, slow("dev_agree", 700)).await;
    scene.arrive(Application::new("wx-first"));
    let service = start(&scene);
    service.line("1 agreed", 1);
    // Locked before the intent: nothing goes out.
    let mut tool = scene.connect().await;
    let lock = async |tool: &mut sqlx::SqliteConnection, what: &'static str| {
        sqlx::query(what).execute(tool).await.expect(what);
    };
    lock(&mut tool, "BEGIN IMMEDIATE").await;
    crowd(&scene, 2);
    service.line("another process kept it for longer than 5 s; nothing was recorded", 1);
    assert_eq!(calls(&scene, "dev_agree"), 1);
    lock(&mut tool, "ROLLBACK").await;
    // Locked between intent and answer, for longer than the answer is tried to be written.
    until("a call", || calls(&scene, "dev_agree") > 1);
    lock(&mut tool, "BEGIN IMMEDIATE").await;
    service.line("the rows stay planned until the next pass settles them", 1);
    lock(&mut tool, "ROLLBACK").await;
    tool.close().await.expect("closed");
    let open = async || scene.sql("SELECT appid FROM audit_log WHERE outcome <> 'done'").await.len();
    let began = Instant::now();
    while open().await > 0 || scene.sql("SELECT appid FROM audit_log").await.len() < 3 {
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", scene.story().await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    told("Database locked by another tool", &stop(service).err);
    all_agreed(&scene, 3).await;
}

#[test]
fn a_database_deleted_replaced_or_truncated_under_the_running_service() {
    side_by_side(["deleted", "replaced", "halved", "emptied"], async |how| {
        let scene = scene(EVERY_SECOND, Options::empty()).await;
        scene.arrive(Application::new("wx-first"));
        // Its log is folded into the database when it ends: what is cut off then is gone.
        scene.run("run --once").exits(0);
        let service = start(&scene);
        let log = scene.database();
        let aside = log.with_extension("aside");
        std::fs::copy(&log, &aside).expect("a copy");
        let cut = |length: u64| {
            let file = std::fs::OpenOptions::new().write(true).open(&log).expect("the log");
            file.set_len(length).expect("shorter");
        };
        match how {
            "deleted" => std::fs::remove_file(&log).expect("the log"),
            "replaced" => std::fs::rename(&aside, &log).expect("another log"),
            "halved" => cut(std::fs::metadata(&log).expect("the log").size() / 2),
            _ => cut(0),
        }
        scene.arrive(Application::new("wx-second"));
        let done = service.wait().exits(1);
        match how {
            "deleted" | "replaced" => told("Database deleted or replaced", &done.err),
            _ => told("Database truncated", &done.err),
        }
        assert_eq!(calls(&scene, "dev_agree"), 1, "{how}: nothing is sent that cannot be recorded\n{}", done.err);
        std::fs::remove_dir_all(scene.state_dir()).expect("it was there");
        scene.run("run --once").exits(0);
        assert_eq!(calls(&scene, "dev_agree"), 2, "{how}");
        scene.end();
    });
}

// ---- signals ----

#[tokio::test(flavor = "multi_thread")]
async fn reloads_while_ticks_come() {
    let scene = scene(EVERY_SECOND, slow("dev_agree", 300)).await;
    crowd(&scene, 12);
    let service = start(&scene);
    let mut reloads = 0;
    while calls(&scene, "dev_agree") < 12 {
        service.signal(Signal::HUP);
        reloads += 1;
        service.line("the configuration was read again", reloads);
    }
    assert!(reloads >= 5, "{reloads}");
    scene.arrive(Application::new("wx-last"));
    until("the ticks go on", || calls(&scene, "dev_agree") == 13);
    let done = stop(service);
    told("A tick during a reload", &done.err);
    let story = scene.story().await;
    assert!(story.len() == 13, "{story:?}");
    scene.run("run --once").exits(0);
    all_agreed(&scene, 13).await;
}

/// Stops the service at a moment; the next pass finishes the work.
async fn stopped_while(scene: Scene, service: Running, pending: usize) -> Done {
    let done = stop(service);
    scene.calm();
    scene.run("run --once").exits(0);
    all_agreed(&scene, pending).await;
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_while_it_verifies() {
    let scene = scene(EVERY_SECOND, Options::empty()).await;
    crowd(&scene, 3);
    scene.fault("dev_agree:lag=2:1");
    let service = start(&scene);
    until("the first agree, alone", || calls(&scene, "dev_agree") == 1);
    let read = calls(&scene, "dev_apply_list");
    until("it is read again", || calls(&scene, "dev_apply_list") > read);
    stopped_while(scene, service, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_while_it_waits_for_its_rate() {
    let scene = scene(EVERY_SECOND, Options::empty()).await;
    crowd(&scene, 12);
    let service = start_with(&scene, &[("calls_per_minute = 100000", "calls_per_minute = 12")]);
    until("twelve calls in this minute", || {
        calls(&scene, "dev_agree") + calls(&scene, "dev_apply_list") >= 12 && calls(&scene, "dev_agree") > 0
    });
    let done = stopped_while(scene, service, 12).await;
    told("SIGTERM in every phase", &done.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_while_it_waits_for_the_log() {
    let scene = scene(EVERY_SECOND, Options::empty()).await;
    scene.arrive(Application::new("wx-first"));
    scene.run("run --once").exits(0);
    crowd(&scene, 3);
    let mut tool = scene.connect().await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut tool).await.expect("nobody holds it");
    let service = start(&scene);
    // Whether the rules are being kept, a plan made or an intent written: the log is what it waits for.
    service.line("another process kept it", 1);
    service.line("a tick found the pass before it still running", 2);
    let done = stop(service);
    assert_eq!(calls(&scene, "dev_agree"), 1, "{}", done.err);
    sqlx::query("ROLLBACK").execute(&mut tool).await.expect("we hold it");
    tool.close().await.expect("closed");
    scene.run("run --once").exits(0);
    all_agreed(&scene, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_while_it_reloads() {
    for _ in 0..5 {
        let scene = scene(NEVER, Options::empty()).await;
        crowd(&scene, 2);
        let service = start(&scene);
        service.signal(Signal::HUP);
        stopped_while(scene, service, 2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_stopped_and_goes_on() {
    let scene = scene(EVERY_SECOND, slow("dev_agree", 500)).await;
    crowd(&scene, 8);
    let service = start(&scene);
    until("calls under way", || calls(&scene, "dev_agree") >= 3);
    service.signal(Signal::STOP);
    let stopped = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", service.id())).expect("it is there");
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
    };
    until("it stands still", stopped);
    let began = Instant::now();
    // Longer than the timeout of a call, and than what the supervisor lets pass.
    until("time", || began.elapsed() > Duration::from_secs(12));
    service.signal(Signal::CONT);
    service.line("menshen stood still", 1);
    until("everybody decided", || calls(&scene, "dev_agree") >= 8);
    let open = async || scene.sql("SELECT appid FROM audit_log WHERE outcome <> 'done'").await;
    let began = Instant::now();
    while !open().await.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", scene.story().await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let done = stop(service);
    assert!(!done.err.contains("went silent") && !done.err.contains("no sign of life"), "{}", done.err);
    told("SIGSTOP for a minute", &done.err);
    all_agreed(&scene, 8).await;
}

// ---- the way to WeChat ----

/// A pass that cannot reach WeChat fails, sends and loses nothing.
async fn unreachable(scene: &Scene, configure: impl Fn(&mut Command)) -> Done {
    crowd(scene, 2);
    let mut command = scene.menshen(["run", "--once"]);
    configure(&mut command);
    let done = finish(&mut command).exits(1);
    assert_eq!(calls(scene, "dev_agree"), 0);
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_a_ca_store() {
    let mut scene = scene(EVERY_SECOND, Options::empty()).await;
    let plain = std::mem::replace(&mut scene.base_url, "https://127.0.0.1:9".to_owned());
    let without = |command: &mut Command| {
        command.env("SSL_CERT_FILE", "/nowhere/ca.pem").env("SSL_CERT_DIR", "/nowhere");
    };
    let done = unreachable(&scene, without).await;
    told("No CA store", &done.err);
    scene.base_url = plain;
    scene.run("run --once").exits(0);
    all_agreed(&scene, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_cannot_be_looked_up() {
    let mut scene = scene(EVERY_SECOND, Options::empty()).await;
    // No name ends like that: RFC 6761, section 6.4.
    let plain = std::mem::replace(&mut scene.base_url, "https://nowhere.invalid".to_owned());
    let done = unreachable(&scene, |_| ()).await;
    told("DNS failing", &done.err);
    scene.base_url = plain;
    scene.run("run --once").exits(0);
    all_agreed(&scene, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_accepts_and_never_answers() {
    let scene = scene(EVERY_SECOND, Options::empty()).await;
    let service = start_with(&scene, &[("timeout = \"2s\"", "timeout = \"1s\"")]);
    scene.fault("stable_token:hang:1");
    scene.fault("dev_apply_list:hang:always");
    service.line("no answer from WeChat", 1);
    service.line("list", 2);
    crowd(&scene, 3);
    scene.calm();
    // And one that takes the change and never says so.
    scene.fault("dev_agree:hang-after:1");
    until("everybody decided", || calls(&scene, "dev_agree") == 3);
    let open = async || scene.sql("SELECT appid FROM audit_log WHERE outcome <> 'done'").await;
    let began = Instant::now();
    while !open().await.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", scene.story().await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    told("A server that accepts and never answers", &stop(service).err);
    all_agreed(&scene, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_200_mb_takes_no_memory() {
    let scene = scene(EVERY_SECOND, Options::empty()).await;
    let service = start_with(&scene, &[("timeout = \"2s\"", "timeout = \"20s\"")]);
    scene.fault("stable_token:huge=200000000:1");
    scene.fault("dev_apply_list:huge=200000000:6");
    service.line("the answer is larger than 8388608 bytes", 1);
    crowd(&scene, 2);
    // WeChat did it, and answers with 200 MB: what became of it is read in the list.
    scene.fault("dev_agree:huge-after=200000000:1");
    service.line("agreed", 1);
    let most = most_memory_mib(&service);
    told("A body of 200 MB", &stop(service).err);
    assert!(most < 150, "{most} MiB at the most");
    scene.run("run --once").exits(0);
    all_agreed(&scene, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_repeats_for_ever_is_the_end_of_the_list() {
    let scene = scene(EVERY_SECOND, Options::empty()).await.settings("page_size = 2");
    crowd(&scene, 6);
    scene.fault("dev_apply_list:repeat-page=2:always");
    let done = scene.run("run --once").exits(0);
    told("A page that repeats for ever", &done.out);
    let pages = scene.world.calls("dev_apply_list").len();
    assert!(pages < 40, "{pages} pages were read");
    scene.calm();
    scene.run("run --once").exits(0);
    all_agreed(&scene, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_pending_at_once() {
    // Without optimisation four minutes: there a tenth of it.
    const MANY: usize = if cfg!(debug_assertions) { 10_000 } else { 100_000 };
    let options = Options { num_cap: 1_000, applications: Some(MANY), pending: Some(MANY), ..Options::default() };
    let scene = scene(NEVER, options).await;
    let rules =
        "[limits]\nper_pass = 20\n[[rule]]\nname = \"everybody\"\naction = \"agree\"\nwhen = { always = true }\n";
    let scene = scene.rules(rules).settings("page_size = 1000");
    let pass = Running::start(&mut scene.menshen(["run", "--once"]));
    let watched = pass.id();
    let peak = std::thread::spawn(move || {
        let mut most = 0;
        while let Ok(status) = std::fs::read_to_string(format!("/proc/{watched}/status")) {
            let Some(line) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) else { break };
            most = line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("a number") / 1024;
            std::thread::sleep(Duration::from_millis(20));
        }
        most
    });
    let done = pass.wait().exits(0);
    let most = peak.join().expect("no panic");
    told(
        "100,000 pending at once",
        &done.out.replace(&MANY.to_string(), "100000").replace(&(MANY - 20).to_string(), "99980"),
    );
    assert!(most > 0 && most < 40 + MANY as u64 / 400, "{most} MiB at the most");
    let rows = scene.sql("SELECT verdict || ' ' || coalesce(brake, '') || ' ' || outcome || ' ' || count(*) FROM audit_log GROUP BY verdict, brake, outcome").await;
    assert_eq!(rows, ["agree  done 20".to_owned(), format!("agree limit held {}", MANY - 20)]);
    scene.end();
}

// ---- ourselves ----

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_panics_at_any_stage_is_met_by_the_next_one() {
    let stages: [fn(Stage) -> bool; 3] = [
        |stage| matches!(stage, Stage::Reading { .. }),
        |stage| matches!(stage, Stage::Acting { .. }),
        |stage| matches!(stage, Stage::Verifying { .. }),
    ];
    for (number, at) in stages.into_iter().enumerate() {
        let scene = Scene::empty().await;
        crowd(&scene, 5);
        let service = scene.service().await;
        let panics = move |stage: Stage| assert!(!at(stage), "申请说明 of somebody");
        let report = service.accounts()[0].pass(service.store(), &Watch::default(), &panics).await;
        assert!(report.failed(), "{report:#?}");
        let told_of = report.troubles.iter().map(|trouble| trouble.message.as_str()).collect::<Vec<_>>().join("\n");
        assert!(!told_of.contains("申请说明"), "{told_of}");
        told("A task that panics", &told_of);
        let again = service.accounts()[0].pass(service.store(), &Watch::default(), &|_| ()).await;
        assert!(!again.failed(), "stage {number}: {again:#?}");
        drop(service);
        scene.pass().await;
        all_agreed(&scene, 5).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_in_the_place_of_a_file_blocks_no_reload() {
    let scene = scene(EVERY_SECOND, Options::empty()).await;
    let service = start(&scene);
    let pipe = scene.dir.path().join("words.txt");
    let mkfifo = Command::new("mkfifo").arg(&pipe).status();
    assert!(mkfifo.expect("mkfifo").success());
    let text = std::fs::read_to_string(scene.config_path()).expect("a configuration");
    let with = |file: &Path| format!("{text}\n[lists]\nwords = {{ file = {:?} }}\n", file.display().to_string());
    for (nth, (file, what)) in
        [(pipe.as_path(), "a pipe"), (Path::new("/dev/zero"), "a device")].into_iter().enumerate()
    {
        std::fs::write(scene.config_path(), with(file)).expect("a configuration");
        service.signal(Signal::HUP);
        service.line("the configuration stays as it was", nth + 1);
        service.line(&format!("this is {what}, no regular file"), 1);
    }
    scene.arrive(Application::new("wx-good"));
    service.line("1 agreed", 1);
    told("A pipe or a device in the place of a file", &stop(service).err);
    all_agreed(&scene, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_stands_there_twice_is_held() {
    let scene = scene(NEVER, Options::empty()).await;
    scene.arrive(Application::new("wx-good").created_at(hour_ago()));
    scene.arrive(Application::new("wx-two-reasons").created_at(hour_ago() + 1));
    scene.arrive(Application::new("wx-two-statuses").created_at(hour_ago() + 2));
    scene.fault("dev_apply_list@appid=wx-two-reasons:malformed=reason-twice:always");
    scene.fault("dev_apply_list@appid=wx-two-statuses:malformed=status-twice:always");
    let done = scene.run("run --once").exits(1);
    told("Two values under one key", &done.err);
    assert_eq!(scene.story().await, ["wx-two-reasons hold (malformed) held", "wx-good agree done"]);
    assert_eq!(calls(&scene, "dev_agree"), 1);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_no_time_at_all_is_no_storm() {
    for life in ["0", "-1", "1e30"] {
        let scene = scene(NEVER, Options::empty()).await.settings("max_in_flight = 1");
        crowd(&scene, 10);
        scene.fault(&format!("stable_token:expires-in={life}:always"));
        let began = Instant::now();
        scene.run("run --once").exits(0);
        let asked = calls(&scene, "stable_token");
        let most = usize::try_from(began.elapsed().as_secs()).expect("short") + 2;
        assert!(
            asked <= most,
            "{life}: asked {asked} times in {most} s, for {} calls",
            calls(&scene, "dev_apply_list") + 10
        );
        all_agreed(&scene, 10).await;
    }
}
