//! What survives: kill -9 at any moment, a disk that refuses, a log taken away, a list of ten thousand.

mod support;

use menshen::sandbox::{Application, Options, Status, World};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;
use support::Scene;
use support::process::{Done, Running, finish, until};

fn hour_ago() -> i64 {
    jiff::Timestamp::now().as_second() - 3_600
}

fn calls(scene: &Scene, action: &str) -> usize {
    scene.world.calls(action).len()
}

// ---- kill -9 ----

/// Where everybody must stand in the end: by the usual rules, whoever was killed meanwhile.
fn crowd(scene: &Scene) -> HashMap<String, Status> {
    let mut expected = HashMap::new();
    for number in 0..60 {
        let appid = format!("wx-{number:02}");
        let application = Application::new(&appid).created_at(hour_ago() + number);
        let (application, status) = match number % 4 {
            0 => (application.reason("赌博"), Status::Refused),
            1 => (application.reason("希望合作"), Status::Pending),
            _ => (application, Status::Approved),
        };
        scene.arrive(application);
        expected.insert(appid, status);
    }
    expected
}

/// When a pass is killed.
#[derive(Debug)]
enum Moment {
    /// After so many milliseconds.
    After(u64),
    /// When so many calls of an action have reached WeChat, before the last was answered.
    Calls(&'static str, usize),
}

/// What a call was, before it was made: announced in the log at least as often as it was sent.
async fn nothing_unannounced(scene: &Scene, round: &str) {
    if !scene.database().exists() {
        assert_eq!(calls(scene, "dev_agree") + calls(scene, "dev_refuse"), 0, "{round}");
        return;
    }
    let announced = "SELECT d.verdict || ' ' || d.appid FROM decisions d JOIN settlements s ON s.decision_id = d.id \
                     WHERE s.outcome = 'planned'";
    let mut announced: Vec<String> = match sqlx_tables(scene).await {
        0 => Vec::new(),
        _ => {
            scene.run("audit verify").exits(0);
            scene.sql(announced).await
        }
    };
    for (word, action) in [("agree", "dev_agree"), ("refuse", "dev_refuse")] {
        for call in scene.world.calls(action) {
            let sent = format!("{word} {}", call.appid.expect("it names an applicant"));
            let at = announced.iter().position(|one| *one == sent);
            let at = at.unwrap_or_else(|| panic!("{round}: {sent} was sent more often than announced"));
            announced.swap_remove(at);
        }
    }
}

/// How many tables the database has: a kill may come before the first one.
async fn sqlx_tables(scene: &Scene) -> usize {
    scene.sql("SELECT name FROM sqlite_schema WHERE name = 'decisions'").await.len()
}

async fn check_kills(latency_of: &[(&str, u64)], moments: impl IntoIterator<Item = Moment>) {
    let latency_of: BTreeMap<String, Duration> =
        latency_of.iter().map(|(action, ms)| ((*action).to_owned(), Duration::from_millis(*ms))).collect();
    let scene = Scene::of(World::in_memory(Options { latency_of, ..Options::empty() })).await;
    let scene = scene.settings("max_in_flight = 3");
    let expected = crowd(&scene);
    for (round, moment) in moments.into_iter().enumerate() {
        let mut pass = Running::start(&mut scene.menshen(["run", "--once"]));
        match moment {
            Moment::After(ms) => std::thread::sleep(Duration::from_millis(ms)),
            // A pass may be over before: everything is decided then.
            Moment::Calls(action, number) => {
                until(&format!("{moment:?}"), || calls(&scene, action) >= number || pass.ended());
            }
        }
        let done = pass.kill();
        assert!(!done.err.contains("panicked"), "{}", done.err);
        assert_ne!(done.status, Some(1), "round {round} {moment:?}: {}\n{}", done.out, done.err);
        nothing_unannounced(&scene, &format!("round {round} {moment:?}")).await;
        assert!(scene.world.accepted_twice().is_empty(), "round {round} {moment:?}");
    }
    let last = scene.run("run --once").exits(0);
    scene.run("run --once").exits(0);
    for (appid, status) in &expected {
        assert_eq!(scene.world.status(appid), Some(*status), "{appid}\n{}", last.out);
    }
    agrees_with_the_world(&scene, &expected).await;
    scene.run("audit verify --replay").exits(0);
    nothing_unannounced(&scene, "at the end").await;
    scene.end();
}

/// Every application has one row that says what WeChat says; nothing is open.
async fn agrees_with_the_world(scene: &Scene, expected: &HashMap<String, Status>) {
    let mut last: HashMap<String, String> = HashMap::new();
    let mut done: HashMap<String, usize> = HashMap::new();
    for line in scene.story().await {
        let (appid, rest) = line.split_once(' ').expect("appid and more");
        if rest.ends_with("done") {
            *done.entry(appid.to_owned()).or_default() += 1;
        }
        last.insert(appid.to_owned(), rest.to_owned());
    }
    assert_eq!(last.len(), expected.len());
    for (appid, status) in expected {
        let says = match status {
            Status::Approved => ("agree done", 1),
            Status::Refused => ("refuse done", 1),
            _ => ("hold held", 0),
        };
        let found = (last[appid].as_str(), done.get(appid).copied().unwrap_or_default());
        assert_eq!(found, says, "{appid}");
    }
    let open = "SELECT appid FROM audit_log WHERE outcome IN ('planned', 'failed') \
                OR (outcome = 'done' AND settled_at IS NULL)";
    assert_eq!(scene.sql(open).await, Vec::<String>::new());
    let rows = "SELECT CAST(sum(n) AS TEXT) FROM rollup";
    let count = "SELECT CAST(count(*) AS TEXT) FROM decisions";
    assert_eq!(scene.sql(rows).await, scene.sql(count).await, "the roll-up went along");
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_at_random_moments() {
    let mut random = fastrand::Rng::with_seed(20_261_122);
    let moments: Vec<Moment> = (0..25).map(|_| Moment::After(random.u64(5..450))).collect();
    check_kills(&[("dev_agree", 40), ("dev_refuse", 40), ("dev_apply_list", 10)], moments).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_with_calls_under_way() {
    let moments = [
        Moment::Calls("dev_apply_list", 1),
        Moment::Calls("dev_agree", 1),
        Moment::Calls("dev_agree", 2),
        Moment::Calls("dev_refuse", 1),
        Moment::Calls("dev_refuse", 2),
        Moment::Calls("dev_agree", 5),
        Moment::Calls("dev_agree", 9),
        Moment::Calls("dev_refuse", 4),
        Moment::Calls("dev_agree", 14),
        Moment::Calls("dev_refuse", 7),
        Moment::Calls("dev_agree", 20),
    ];
    check_kills(&[("dev_agree", 120), ("dev_refuse", 120)], moments).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_while_answers_are_lost() {
    let latency_of = BTreeMap::from([("dev_agree".to_owned(), Duration::from_millis(40))]);
    let scene = Scene::of(World::in_memory(Options { latency_of, ..Options::empty() })).await;
    let expected = crowd(&scene);
    scene.fault("dev_agree:lost-after:every/4");
    scene.fault("dev_refuse:reset:every/3");
    scene.fault("dev_apply_list:http=502:every/5");
    for number in [2, 6, 9, 13, 17] {
        let mut pass = Running::start(&mut scene.menshen(["run", "--once"]));
        until("calls", || calls(&scene, "dev_agree") >= number || pass.ended());
        pass.kill();
        nothing_unannounced(&scene, &format!("after {number}")).await;
    }
    scene.calm();
    scene.run("run --once");
    scene.run("run --once").exits(0);
    for (appid, status) in &expected {
        assert_eq!(scene.world.status(appid), Some(*status), "{appid}");
    }
    let open = "SELECT appid FROM audit_log WHERE outcome = 'planned'";
    assert_eq!(scene.sql(open).await, Vec::<String>::new());
    assert_eq!(scene.sql("PRAGMA integrity_check").await, ["ok"]);
    assert!(scene.world.accepted_twice().is_empty(), "{:?}", scene.world.accepted_twice());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_cut_off_and_is_shown_late_is_nobody_elses() {
    let scene = Scene::empty().await;
    scene.arrive(Application::new("wx-cut").created_at(hour_ago()));
    scene.fault("dev_agree:lag=1:1");
    scene.fault("dev_agree:hang-after:1");
    let pass = Running::start(&mut scene.menshen(["run", "--once"]));
    until("the call", || calls(&scene, "dev_agree") == 1);
    pass.kill();
    // It is shown pending once more, and does not come to its turn; when others are verified, it is approved.
    let scene = scene.settings("limits = { per_pass = 1 }");
    scene.arrive(Application::new("wx-older").created_at(hour_ago() - 60));
    scene.run("run --once").exits(0);
    assert_eq!(scene.world.status("wx-older"), Some(Status::Approved));
    assert_eq!(calls(&scene, "dev_agree"), 2);
    assert_eq!(scene.sql("SELECT why FROM brakes").await, Vec::<String>::new());
    scene.run("run --once").exits(0);
    scene.end();
}

// ---- the disk ----

async fn some() -> Scene {
    let scene = Scene::empty().await;
    for number in 0..40 {
        let application = Application::new(format!("wx-{number:02}")).created_at(hour_ago() + number);
        scene.arrive(application.reason(format!("我们是快递公司，希望使用查件功能。{}", "详".repeat(400))));
    }
    scene
}

fn refused(scene: &Scene, done: Done, words: &[&str]) {
    let done = done.exits(1);
    words.iter().fold(done, |done, text| done.complains(text));
    assert_eq!(calls(scene, "dev_agree") + calls(scene, "dev_refuse"), 0, "nothing is sent");
}

async fn lost_nothing(scene: &Scene) {
    scene.run("run --once").exits(0);
    let story = scene.story().await;
    assert_eq!(story.len(), 40, "{story:?}");
    assert!(story.iter().all(|line| line.ends_with("agree done")), "{story:?}");
    assert_eq!(scene.sql("PRAGMA integrity_check").await, ["ok"]);
    scene.end();
}

/// The binary without root's right to write everywhere, if we have that.
fn ordinary(scene: &Scene, args: &str) -> Command {
    let command = scene.menshen(args.split_whitespace());
    if !rustix::process::geteuid().is_root() {
        return command;
    }
    let mut without = Command::new("setpriv");
    without.args(["--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all", "--"]);
    without.arg(command.get_program()).args(command.get_args());
    without.current_dir(scene.dir.path()).env("SECRET", menshen::sandbox::Account::DEFAULT_SECRET);
    without
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_may_not_be_written_stops_the_acting() {
    let scene = some().await;
    scene.run("pause").exits(0);
    scene.run("resume").exits(0);
    let mode = |path: std::path::PathBuf, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("our own file");
    };
    mode(scene.database(), 0o440);
    let done = finish(&mut ordinary(&scene, "run --once"));
    refused(&scene, done, &["menshen.db", "it may not be written", "nothing was"]);
    finish(&mut ordinary(&scene, "pause")).exits(1).complains("it may not be written");
    finish(&mut ordinary(&scene, "--dry-run")).exits(0).says("40 pending");
    mode(scene.state_dir(), 0o500);
    let done = finish(&mut ordinary(&scene, "run --once"));
    refused(&scene, done, &["menshen"]);
    finish(&mut ordinary(&scene, "--dry-run")).exits(0).says("40 pending");
    finish(&mut ordinary(&scene, "audit stats")).exits(0);
    mode(scene.state_dir(), 0o700);
    mode(scene.database(), 0o640);
    lost_nothing(&scene).await;
}

/// Runs with a limit on the size of any file, in blocks of 512 bytes.
fn limited(scene: &Scene, blocks: u64) -> Done {
    let command = scene.menshen(["run", "--once"]);
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""));
    shell.arg(command.get_program()).args(command.get_args());
    shell.current_dir(scene.dir.path()).env("SECRET", menshen::sandbox::Account::DEFAULT_SECRET);
    finish(&mut shell)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_the_acting_and_loses_nothing() {
    let mut sent = Vec::new();
    for blocks in [1, 8, 64, 160, 400, 480, 640, 720, 900] {
        let scene = some().await;
        let done = limited(&scene, blocks);
        assert_eq!(done.status, Some(1), "{blocks}\n{}\n{}", done.out, done.err);
        assert!(done.err.contains("disk") && !done.err.contains("panicked"), "{blocks}: {}", done.err);
        nothing_unannounced_or_no_log(&scene, blocks).await;
        sent.push(calls(&scene, "dev_agree"));
        lost_nothing(&scene).await;
    }
    assert_eq!(sent[0], 0, "{sent:?}");
    assert!(sent.iter().any(|sent| (1..40).contains(sent)), "one limit must strike in the middle: {sent:?}");
}

async fn nothing_unannounced_or_no_log(scene: &Scene, blocks: u64) {
    if calls(scene, "dev_agree") > 0 {
        nothing_unannounced(scene, &format!("{blocks} blocks")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_opened_stops_the_acting() {
    // Its side file is in the way.
    let scene = some().await;
    std::fs::create_dir_all(scene.state_dir().join("menshen.db-wal")).expect("a directory");
    refused(&scene, scene.run("run --once"), &["menshen.db"]);
    std::fs::remove_dir(scene.state_dir().join("menshen.db-wal")).expect("it was there");
    lost_nothing(&scene).await;

    // The state directory is a file.
    let scene = some().await;
    std::fs::write(scene.state_dir(), "").expect("a file");
    refused(&scene, scene.run("run --once"), &["state"]);
    std::fs::remove_file(scene.state_dir()).expect("it was there");
    lost_nothing(&scene).await;

    // It is no database.
    let scene = some().await;
    std::fs::create_dir_all(scene.state_dir()).expect("a directory");
    std::fs::write(scene.database(), "certainly not a database, whatever it is ".repeat(200)).expect("a file");
    refused(&scene, scene.run("run --once"), &["menshen.db"]);
    scene.run("--dry-run").exits(1).complains("menshen.db");
    std::fs::remove_file(scene.database()).expect("it was there");
    lost_nothing(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_a_newer_menshen_is_refused() {
    let scene = some().await;
    scene.run("pause").exits(0);
    scene.run("resume").exits(0);
    scene.sql("PRAGMA user_version = 99").await;
    let before = std::fs::read(scene.database()).expect("a file");
    for args in ["run --once", "run", "--dry-run", "audit list", "pause", "resume"] {
        let done = scene.run(args);
        refused(&scene, done, &["a newer menshen wrote it"]);
    }
    assert_eq!(std::fs::read(scene.database()).expect("a file"), before);
    scene.sql("PRAGMA user_version = 6").await;
    lost_nothing(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_held_by_somebody_else_stops_the_acting() {
    let scene = some().await;
    scene.run("pause").exits(0);
    scene.run("resume").exits(0);
    let mut holder = scene.connect().await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut holder).await.expect("nobody holds it");
    refused(&scene, scene.run("run --once"), &["another process"]);
    sqlx::query("ROLLBACK").execute(&mut holder).await.expect("we hold it");
    lost_nothing(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_taken_away_between_passes() {
    let scene = some().await;
    scene.run("run --once").exits(0);
    std::fs::remove_dir_all(scene.state_dir()).expect("it was there");
    scene.arrive(Application::new("wx-new"));
    scene.run("run --once").exits(0);
    assert_eq!(scene.story().await, ["wx-new agree done"]);
    scene.end();
}

// ---- size ----

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_hostile_applications() {
    let options = Options { num_cap: 40, applications: Some(10_000), pending: Some(300), ..Options::default() };
    let scene = Scene::of(World::in_memory(options)).await;
    let scene = scene.settings("page_size = 50\nmax_in_flight = 16");
    let bidi = "\u{202e}\u{2066}坏\u{2069}\u{200b}";
    for number in 0..40 {
        let application = Application::new(format!("wx-long-{number}")).created_at(hour_ago() + number);
        scene.arrive(
            application.reason(format!("{bidi}{}", "快递\u{0}\u{1b}[31m".repeat(10_000))).nickname(bidi.repeat(200)),
        );
    }
    scene.arrive(Application::new("wx-deep").sent_as("reason", nested(200)));
    scene.arrive(Application::new("wx-many").categories((0..5_000).map(|_| ("物流服务", "查件"))));
    scene.fault("dev_apply_list:malformed=lone-surrogate/3:always");
    let once = scene.run("run --once");
    let once = once.exits(0);
    assert!(!once.out.contains(['\u{202e}', '\u{1b}', '\u{0}']), "words are shown, not obeyed");
    assert!(once.out.contains("342 pending of 10042 entries"), "{}", once.out.lines().last().unwrap_or_default());
    for number in 0..40 {
        assert_eq!(scene.world.status(&format!("wx-long-{number}")), Some(Status::Approved));
    }
    assert_eq!(scene.world.status("wx-many"), Some(Status::Approved));
    let held = scene.sql("SELECT appid || ' ' || brake FROM audit_log WHERE appid = 'wx-deep'").await;
    assert_eq!(held, ["wx-deep malformed"]);
    assert_eq!(
        scene.sql("SELECT appid FROM audit_log WHERE outcome IN ('planned', 'failed')").await,
        Vec::<String>::new()
    );
    assert_eq!(scene.sql("PRAGMA integrity_check").await, ["ok"]);
    for args in ["audit list --limit 0 --format csv", "audit list --limit 0 --format json", "audit list --limit 0"] {
        scene.run(args).exits(0).says("wx-long-39");
    }
    let again = scene.run("run --once").exits(0);
    assert!(again.out.contains("0 agreed, 0 refused, 0 held"), "{}", again.out);
    scene.end();
}

fn nested(depth: usize) -> serde_json::Value {
    (0..depth).fold(json!("词"), |inner, _| json!([inner]))
}
