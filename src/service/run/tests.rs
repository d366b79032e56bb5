//! The service's round, step by step: what happens when its own parts fail.

use super::super::account_lock::AccountLock;
use super::super::schedule::refusals;
use super::super::supervisor::Pulse;
use super::*;
use crate::config::{self, Need};
use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::AtomicU64;

/// A service of two accounts whose WeChat answers nobody, in a directory of its own.
struct Bench {
    _dir: tempfile::TempDir,
    round: Round,
    ticks: mpsc::Receiver<()>,
}

impl Bench {
    async fn new() -> Bench {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let config = configuration(dir.path(), "0 0 3 1 1 *");
        let lock = StateLock::take(&config.service.state_dir).expect("nobody else");
        let service = Service::open(config, Surroundings::default(), lock).await.expect("a service");
        let (sender, ticks) = mpsc::channel(1);
        let round = Round::start(service, sender).await.expect("a scheduler");
        Bench { _dir: dir, round, ticks }
    }

    /// Lets every pass end.
    async fn finish(&mut self) -> usize {
        let mut passes = 0;
        while let Some(finished) = self.round.passes.join_next_with_id().await {
            self.round.finished(finished).await;
            passes += 1;
        }
        passes
    }
}

fn configuration(dir: &Path, schedule: &str) -> Config {
    let account = |name: &str| {
        format!(
            "[[account]]\nname = \"{name}\"\nappid = \"wx{name}\"\ntoken = {{ secret = {{ env = \"SECRET\" }} }}\n\
             base_url = \"http://127.0.0.1:9\"\ntimeout = \"1s\"\n"
        )
    };
    let text =
        format!("[service]\nstate_dir = \"state\"\nschedule = \"{schedule}\"\n{}{}", account("one"), account("two"));
    let mut around = config::Surroundings::of_process();
    around.env = Box::new(|_| Some(OsString::from("s3cret")));
    around.root = false;
    config::load_text(&dir.join("menshen.toml"), &text, &around, Need::Secrets).expect("a configuration")
}

fn ago(seconds: i64) -> Timestamp {
    Timestamp::now() - jiff::SignedDuration::from_secs(seconds)
}

#[tokio::test]
async fn a_silent_scheduler_is_made_anew_and_the_missed_pass_runs() {
    let mut bench = Bench::new().await;
    bench.round.supervisor.expect(Some(ago(60)));
    bench.round.look().await.expect("it goes on");
    assert_eq!(bench.finish().await, 2, "both accounts");
    bench.round.look().await.expect("it goes on");
    assert_eq!(bench.finish().await, 0, "once");
}

#[tokio::test]
async fn a_scheduler_that_cannot_be_made_does_not_end_the_service() {
    let mut bench = Bench::new().await;
    refusals::set(3);
    bench.round.supervisor.expect(Some(ago(60)));
    bench.round.look().await.expect("it goes on without");
    assert!(bench.round.ticks.is_none());
    assert_eq!(bench.finish().await, 2, "the missed pass");
    bench.round.supervisor.expect(Some(ago(1)));
    bench.round.look().await.expect("it goes on without");
    assert!(bench.round.ticks.is_none());
    assert_eq!(bench.finish().await, 2, "a tick that was just due: nobody else wakes the passes");
    bench.round.look().await.expect("it goes on without");
    assert_eq!(bench.finish().await, 0, "nothing is due");
    bench.round.look().await.expect("and tries again");
    assert!(bench.round.ticks.is_some());
    bench.round.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_set_neither_ends_nor_repeats_anything() {
    let hour = 3_600;
    // How far the clock was off before it was set, when the next tick was due, and whether that pass is late.
    for (off, due, passes) in [(-hour, hour / 2, 0), (hour, 2 * hour, 0), (24 * hour, hour, 2)] {
        let mut bench = Bench::new().await;
        let before = ago(off);
        let due = before + jiff::SignedDuration::from_secs(due);
        bench.round.supervisor = Supervisor::new(before, Instant::now(), Some(due));
        bench.round.look().await.expect("it goes on");
        assert!(bench.round.ticks.is_some());
        assert_eq!(bench.finish().await, passes, "set by {off} s");
        assert!(!bench.round.supervisor.is_due(Timestamp::now()), "the next tick is counted by the new clock");
    }
}

#[tokio::test]
async fn a_tick_during_a_reload_is_one_tick_by_the_new_configuration() {
    let mut bench = Bench::new().await;
    let dir = bench.round.service.config.path.parent().expect("a directory").to_owned();
    let sender = bench.round.sender.clone();
    let reload = move || {
        let _ = (sender.try_send(()), sender.try_send(()));
        let mut config = configuration(&dir, "0 0 4 1 1 *");
        config.accounts.truncate(1);
        Ok(config)
    };
    bench.round.reload(&reload).await;
    assert!(bench.ticks.try_recv().is_ok(), "it is not lost");
    bench.round.tick().expect("the state directory is in place");
    assert_eq!(bench.finish().await, 1, "the accounts of the new configuration");
    assert!(bench.ticks.try_recv().is_err(), "and it is one");
}

#[tokio::test]
async fn a_pass_that_waits_while_the_configuration_is_read_begins_by_the_new_one() {
    let mut bench = Bench::new().await;
    let (accounts, store) = (Arc::clone(&bench.round.service.accounts), Arc::clone(&bench.round.service.store));
    let mut hands = Vec::new();
    for account in accounts.iter() {
        let hand = AccountLock::of(&store, &account.appid, &CancellationToken::new()).await.expect("a state directory");
        hands.push(hand.expect("nobody else has the account"));
    }
    bench.round.tick().expect("the state directory is in place");
    let dir = bench.round.service.config.path.parent().expect("a directory").to_owned();
    let reload = move || {
        let mut config = configuration(&dir, "0 0 3 1 1 *");
        config.accounts.truncate(1);
        "renamed".clone_into(&mut config.accounts[0].name);
        Ok(config)
    };
    bench.round.reload(&reload).await;
    drop(hands);
    let mut reports = Vec::new();
    while let Some(finished) = bench.round.passes.join_next().await {
        let report = finished.expect("no panic");
        reports.push((report.account, report.stopped));
    }
    reports.sort();
    assert_eq!(reports, [("renamed".to_owned(), false), ("two".to_owned(), true)], "one is not worked any more");
}

#[tokio::test]
async fn a_lively_account_does_not_hide_a_stuck_one() {
    let mut bench = Bench::new().await;
    let long_ago = Instant::now().checked_sub(Duration::from_secs(5));
    let Some(long_ago) = long_ago else { return };
    for (name, lively) in [("one", false), ("two", true)] {
        let pass = bench.round.passes.spawn(std::future::pending());
        let watch = Watch { beats: Arc::new(AtomicU64::new(u64::from(lively))), ..Watch::default() };
        let pulse = Pulse::new(long_ago, Duration::ZERO);
        let working = Working { pass: pass.id(), account: name.to_owned(), watch, pulse, stuck: false };
        bench.round.busy.insert(AppId::new(name), working);
    }
    assert!(bench.round.has_stuck_passes());
    let stuck: Vec<_> = bench.round.busy.values().filter(|w| w.stuck).map(|w| w.account.as_str()).collect();
    assert_eq!(stuck, ["one"]);
    let pass = bench.round.busy[&AppId::new("one")].pass;
    bench.round.busy.retain(|_, working| working.pass != pass);
    for working in bench.round.busy.values() {
        working.watch.beat();
    }
    assert!(!bench.round.has_stuck_passes(), "the lively one alone is fine");
}

#[tokio::test]
async fn a_pass_that_panics_lets_the_next_one_in_and_keeps_its_words() {
    let mut bench = Bench::new().await;
    let words = std::hint::black_box("某店").to_owned();
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let listening = tracing::subscriber::set_default(subscriber);
    let pass = bench.round.passes.spawn(async move { panic!("{words}") });
    let appid = bench.round.service.accounts[0].appid.clone();
    let working = Working::begin(pass.id(), &bench.round.service.accounts[0], Watch::default());
    bench.round.busy.insert(appid, working);
    assert_eq!(bench.finish().await, 1);
    drop(listening);
    let said = String::from_utf8(log.0.lock().expect("no panic").clone()).expect("UTF-8");
    assert!(said.contains("a pass panicked") && !said.contains("某店"), "{said}");
    bench.round.tick().expect("it goes on");
    assert_eq!(bench.finish().await, 2, "the account is worked again");
}

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
