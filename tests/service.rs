//! The service as systemd and an administrator meet it: ready, ticking, reloading, stopping.

mod support;

use menshen::sandbox::{Application, Options, World};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::Scene;
use support::process::{Done, Running, side_by_side, until};

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

fn crowd(scene: &Scene, count: i64) {
    for number in 0..count {
        scene.arrive(Application::new(format!("wx-{number:02}")).created_at(hour_ago() + number));
    }
}

fn calls(scene: &Scene, action: &str) -> usize {
    scene.world.calls(action).len()
}

/// Rows that a finished process left `planned`.
async fn planned(scene: &Scene) -> usize {
    scene.sql("SELECT appid FROM audit_log WHERE outcome = 'planned'").await.len()
}

/// Everything systemd is told, in order.
struct Notify {
    path: PathBuf,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Notify {
    fn at(scene: &Scene) -> Notify {
        let path = scene.dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let hears = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length) = socket.recv(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                hears.lock().expect("no panic").extend(text.lines().map(ToOwned::to_owned));
            }
        });
        Notify { path, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("no panic").clone()
    }

    fn count(&self, start: &str) -> usize {
        self.heard().iter().filter(|line| line.starts_with(start)).count()
    }

    #[track_caller]
    fn hears(&self, start: &str, nth: usize) {
        until(&format!("{start} {nth} times"), || self.count(start) >= nth);
    }
}

fn start(scene: &Scene) -> Running {
    let service = Running::start(&mut scene.menshen(["run"]));
    service.line("menshen works", 1);
    service
}

#[tokio::test(flavor = "multi_thread")]
async fn systemd_is_told_everything() {
    let scene = scene(EVERY_SECOND, Options::empty()).await;
    crowd(&scene, 2);
    let notify = Notify::at(&scene);
    let mut command = scene.menshen(["run"]);
    let service = Running::start(command.env("NOTIFY_SOCKET", &notify.path).env("WATCHDOG_USEC", "3000000"));
    notify.hears("READY=1", 1);
    notify.hears("STATUS=live, 1 account(s), waiting for the first tick", 1);
    notify.hears("WATCHDOG=1", 2);
    notify.hears("STATUS=live, 1 account(s); last pass express: 2 pending, 2 agreed", 1);
    service.signal(Signal::HUP);
    notify.hears("RELOADING=1", 1);
    notify.hears("MONOTONIC_USEC=", 1);
    notify.hears("READY=1", 2);
    let reloading = notify.heard().iter().position(|line| line == "RELOADING=1").expect("just heard");
    let ready = notify.heard().iter().rposition(|line| line == "READY=1").expect("just heard");
    assert!(reloading < ready, "{:?}", notify.heard());
    service.signal(Signal::TERM);
    service.wait().exits(0);
    notify.hears("STOPPING=1", 1);
    let stopping = notify.heard().iter().position(|line| line == "STOPPING=1").expect("just heard");
    assert!(!notify.heard()[stopping..].iter().any(|line| line == "READY=1"), "{:?}", notify.heard());
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_tells_of_a_brake() {
    let scene = scene(EVERY_SECOND, Options::empty()).await;
    scene.arrive(Application::new("wx-bad").reason("赌博"));
    scene.fault("dev_refuse:hits=none:1");
    let notify = Notify::at(&scene);
    let service = Running::start(scene.menshen(["run"]).env("NOTIFY_SOCKET", &notify.path));
    notify.hears("STATUS=BRAKE verification on express", 1);
    let after = notify.count("STATUS=");
    notify.hears("STATUS=", after + 1);
    let last = notify.heard().into_iter().rfind(|line| line.starts_with("STATUS=")).expect("just heard");
    assert!(last.starts_with("STATUS=BRAKE verification on express"), "it stays until resume: {last}");
    scene.run("resume").exits(0);
    notify.hears("STATUS=live, 1 account(s); last pass express", 1);
    service.signal(Signal::TERM);
    service.wait().exits(0);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_do_not_overlap_and_skipped_ticks_are_counted() {
    let options = Options { latency: Duration::from_millis(700), ..Options::empty() };
    let scene = scene(EVERY_SECOND, options).await;
    crowd(&scene, 3);
    let service = start(&scene);
    let skipped = service.line("a tick found the pass before it still running", 2);
    assert!(skipped.contains("skipped=2") && skipped.contains("account=express"), "{skipped}");
    until("everybody decided", || calls(&scene, "dev_agree") == 3);
    service.line("3 agreed", 1);
    service.signal(Signal::TERM);
    service.wait().exits(0);
    let mut story = scene.story().await;
    // The oldest of all is not the one that goes alone.
    story.sort();
    assert_eq!(story, ["wx-00 agree done", "wx-01 agree done", "wx-02 agree done"]);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_counts_from_the_next_pass() {
    let scene = scene(EVERY_SECOND, Options::empty()).await;
    scene.arrive(Application::new("wx-first"));
    let service = start(&scene);
    service.line("1 agreed", 1);
    scene.run("pause --action agree").exits(0);
    scene.arrive(Application::new("wx-second"));
    service.line("1 braked", 1);
    let listed = calls(&scene, "dev_apply_list");
    until("another pass", || calls(&scene, "dev_apply_list") > listed + 2);
    assert_eq!(calls(&scene, "dev_agree"), 1);
    scene.run("resume").exits(0);
    service.line("1 agreed", 2);
    service.signal(Signal::INT);
    service.wait().exits(0);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_file_is_read_again_on_a_reload() {
    let rules = "[lists]\nwords = { file = \"words.txt\" }\n\
                 [[rule]]\nname = \"words\"\naction = \"refuse\"\nmessage = \"「{keyword}」\"\nwhen = { reason = { any = [\"@words\"] } }\n";
    let scene = scene(EVERY_SECOND, Options::empty()).await.rules(rules);
    let words = |text: &str| std::fs::write(scene.dir.path().join("words.txt"), text).expect("a list");
    words("# nothing yet\n别的\n");
    scene.arrive(Application::new("wx-good").reason("希望合作，请联系"));
    let service = start(&scene);
    service.line("1 held", 1);

    words("别的\r\n合 作   # from today\r\n");
    service.signal(Signal::HUP);
    service.line("the configuration was read again", 1);
    service.line("1 refused", 1);

    words("# all gone\n");
    service.signal(Signal::HUP);
    service.line("the configuration stays as it was", 1);
    service.line("words.txt holds no entry", 1);
    service.signal(Signal::TERM);
    service.wait().exits(0);
    assert_eq!(scene.rows().await.last().and_then(|row| row.message.clone()).as_deref(), Some("「合 作」"));
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_configuration_takes_over_and_a_bad_one_does_not() {
    let hold = "[[rule]]\nname = \"wait\"\naction = \"hold\"\nwhen = { always = true }\n";
    let scene = scene(EVERY_SECOND, Options::empty()).await.rules(hold);
    scene.arrive(Application::new("wx-good"));
    let service = start(&scene);
    service.line("1 held", 1);

    let scene = scene.rules("[[rule]]\nname = \"broken\"\nwhen = { always = true }\n");
    scene.write_config();
    service.signal(Signal::HUP);
    let kept = service.line("the configuration stays as it was", 1);
    assert!(kept.contains("ERROR"), "{kept}");
    service.line("menshen.toml:", 1);
    let listed = calls(&scene, "dev_apply_list");
    until("passes go on", || calls(&scene, "dev_apply_list") > listed + 2);
    assert_eq!(calls(&scene, "dev_agree"), 0, "by the rules from before");

    let scene = scene.rules(support::RULES);
    scene.write_config();
    service.signal(Signal::HUP);
    service.line("the configuration was read again", 1);
    service.line("1 agreed", 1);

    let moved = std::fs::read_to_string(scene.config_path()).expect("a file").replace("\"state\"", "\"other\"");
    std::fs::write(scene.config_path(), moved).expect("a configuration");
    service.signal(Signal::HUP);
    service.line("state_dir cannot change while menshen runs", 1);

    std::fs::remove_file(scene.config_path()).expect("it was there");
    service.signal(Signal::HUP);
    service.line("the configuration stays as it was", 3);
    service.signal(Signal::TERM);
    service.wait().exits(0);
    assert_eq!(scene.story().await, ["wx-good hold held", "wx-good agree done"]);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_changes_takes_over() {
    let mut scene = scene(NEVER, Options::empty()).await;
    scene.arrive(Application::new("wx-good"));
    let service = start(&scene);
    scene.service = EVERY_SECOND.to_owned();
    scene.write_config();
    service.signal(Signal::HUP);
    service.line("1 agreed", 1);
    service.signal(Signal::TERM);
    service.wait().exits(0);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_under_a_pass_does_not_start_another_one() {
    let latency_of = BTreeMap::from([("dev_agree".to_owned(), Duration::from_millis(2_500))]);
    let mut scene = scene(EVERY_SECOND, Options { latency_of, ..Options::empty() }).await;
    scene.settings = "timeout = \"9s\"".to_owned();
    let write = |scene: &Scene| {
        let text = std::fs::read_to_string(scene.write_config()).expect("just written");
        let text = text.replace("timeout = \"2s\"\n", "");
        std::fs::write(scene.config_path(), &text).expect("a configuration");
        text
    };
    let text = write(&scene);
    scene.arrive(Application::new("wx-good"));
    let mut command = support::menshen(scene.dir.path());
    let service = Running::start(command.args(["-c", "menshen.toml", "run"]));
    until("a call under way", || service.count("a tick found the pass before it still running") > 0);
    let renamed = text.replace("name = \"express\"", "name = \"renamed\"");
    std::fs::write(scene.config_path(), renamed).expect("a configuration");
    service.signal(Signal::HUP);
    service.line("the configuration was read again", 1);
    service.line("a tick found the pass before it still running account=renamed", 1);
    service.line("1 agreed", 1);
    service.signal(Signal::TERM);
    service.wait().exits(0);
    assert_eq!(scene.story().await, ["wx-good agree done"]);
    assert_eq!(calls(&scene, "dev_agree"), 1);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_waits_during_a_reload_decides_by_the_new_rules() {
    let scene = scene(EVERY_SECOND, Options::empty()).await;
    scene.arrive(Application::new("wx-good"));
    std::fs::create_dir_all(scene.state_dir()).expect("a directory");
    let lock = format!("account-{}.lock", menshen::sandbox::Account::DEFAULT_APPID);
    let hand = std::fs::File::create(scene.state_dir().join(lock)).expect("a lock");
    hand.lock().expect("nobody has it");
    let service = start(&scene);
    service.line("a tick found the pass before it still running", 1);
    let scene = scene.rules("[[rule]]\nname = \"wait\"\naction = \"hold\"\nwhen = { always = true }\n");
    scene.write_config();
    service.signal(Signal::HUP);
    service.line("the configuration was read again", 1);
    drop(hand);
    service.line("1 held", 1);
    service.signal(Signal::TERM);
    service.wait().exits(0);
    assert_eq!(scene.story().await, ["wx-good hold held"]);
    assert_eq!(calls(&scene, "dev_agree"), 0);
    scene.end();
}

// ---- stopping ----

/// Signals a service at a moment, sees it end well, and sees the next pass finish the work.
async fn check_stop(scene: Scene, signal: Signal, moment: impl Fn(&Scene) -> bool) {
    let pending = scene.world.applications(menshen::sandbox::Account::DEFAULT_APPID).len();
    let service = start(&scene);
    until("the moment to stop", || moment(&scene));
    let acted = calls(&scene, "dev_agree");
    service.signal(signal);
    let done = service.wait().exits(0).complains("menshen stops");
    assert!(!done.err.contains("panicked"), "{}", done.err);
    // Calls that were under way may still arrive; none begins afterwards.
    assert!(calls(&scene, "dev_agree") <= acted + 8, "it went on acting: {acted} {}", calls(&scene, "dev_agree"));
    every_call_is_recorded(&scene).await;
    let again = scene.run("run --once").exits(0);
    assert_eq!(planned(&scene).await, 0, "{}", again.out);
    let story = scene.story().await;
    assert_eq!(story.len(), pending, "{story:?}");
    assert!(story.iter().all(|line| line.ends_with("agree done")), "{story:?}");
    scene.end();
}

async fn every_call_is_recorded(scene: &Scene) {
    if calls(scene, "dev_agree") == 0 {
        return;
    }
    let announced = scene
        .sql("SELECT d.appid FROM decisions d JOIN settlements s ON s.decision_id = d.id WHERE s.outcome = 'planned'")
        .await;
    for call in scene.world.calls("dev_agree") {
        let appid = call.appid.expect("an agree names an applicant");
        assert!(announced.contains(&appid), "{appid} was sent and not announced");
    }
}

fn slow(ms: u64) -> Options {
    Options { latency: Duration::from_millis(ms), ..Options::empty() }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_while_idle() {
    for signal in [Signal::TERM, Signal::INT] {
        let scene = scene(NEVER, Options::empty()).await;
        crowd(&scene, 2);
        check_stop(scene, signal, |_| true).await;
    }
}

#[test]
fn stopping_while_a_slow_list_is_read() {
    side_by_side([Signal::TERM, Signal::INT], async |signal| {
        let latency_of = BTreeMap::from([("dev_apply_list".to_owned(), Duration::from_millis(1_200))]);
        let scene = scene(EVERY_SECOND, Options { latency_of, ..Options::empty() }).await;
        crowd(&scene, 2);
        check_stop(scene, signal, |scene| calls(scene, "stable_token") > 0).await;
    });
}

#[test]
fn stopping_while_calls_are_under_way() {
    let moments = [(Signal::TERM, 1), (Signal::TERM, 4), (Signal::INT, 3), (Signal::TERM, 20)];
    side_by_side(moments, async |(signal, after)| {
        let scene = scene(EVERY_SECOND, slow(300)).await;
        crowd(&scene, 20);
        check_stop(scene, signal, |scene| calls(scene, "dev_agree") >= after).await;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_while_nothing_answers() {
    let scene = scene(EVERY_SECOND, Options::empty()).await;
    crowd(&scene, 6);
    scene.fault("dev_agree:hang-after:1");
    check_stop(scene, Signal::TERM, |scene| calls(scene, "dev_agree") > 0 || unused_is_empty(scene)).await;
}

fn unused_is_empty(scene: &Scene) -> bool {
    scene.world.unused_faults().is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_by_hand_stops_as_well() {
    for signal in [Signal::TERM, Signal::INT] {
        let scene = scene(NEVER, slow(150)).await;
        crowd(&scene, 12);
        let pass = Running::start(&mut scene.menshen(["run", "--once"]));
        until("calls under way", || calls(&scene, "dev_agree") >= 3);
        pass.signal(signal);
        let done: Done = pass.wait().exits(0);
        assert!(done.out.contains("stopped"), "it says that it did not finish: {}", done.out);
        every_call_is_recorded(&scene).await;
        scene.run("run --once").exits(0);
        assert!(scene.story().await.iter().all(|line| line.ends_with("agree done")), "{:?}", scene.story().await);
        scene.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_log_was_taken_away_does_not_act() {
    let scene = scene(EVERY_SECOND, Options::empty()).await;
    scene.arrive(Application::new("wx-first"));
    let service = start(&scene);
    service.line("1 agreed", 1);
    std::fs::remove_dir_all(scene.state_dir()).expect("it was there");
    scene.arrive(Application::new("wx-second"));
    service.wait().exits(1).complains("was taken away").complains("nothing more is sent");
    assert_eq!(calls(&scene, "dev_agree"), 1, "nothing is sent that cannot be recorded");
    scene.run("run --once").exits(0);
    assert_eq!(calls(&scene, "dev_agree"), 2);
    scene.end();
}
