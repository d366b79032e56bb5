//! Several accounts in one service: whoever is in trouble delays nobody, and accounts come and go with a reload.

mod support;

use menshen::sandbox::{Account, Application, Call, Moved, Options, World};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;
use support::Scene;
use support::process::{Running, until};

const EVERY_SECOND: &str = "mode = \"live\"\nschedule = \"* * * * * *\"";
const TWO_AT_ONCE: &str = "mode = \"live\"\nmax_accounts_at_once = 2\nmax_calls_at_once = 2";

fn appid(name: &str) -> String {
    format!("wx-{name}")
}

/// A WeChat of the scene's own account and these.
fn options<'a>(names: impl IntoIterator<Item = &'a str>) -> Options {
    names
        .into_iter()
        .fold(Options::empty(), |options, name| options.account(Account::plugin(appid(name), Account::DEFAULT_SECRET)))
}

async fn scene<'a>(service: &str, names: impl IntoIterator<Item = &'a str>) -> Scene {
    let mut scene = Scene::of(World::in_memory(options(names))).await;
    scene.service = service.to_owned();
    scene
}

/// An account's table.
fn table(scene: &Scene, name: &str, more: &str) -> String {
    format!(
        "[[account]]\nname = \"{name}\"\nappid = \"{}\"\ntoken = {{ secret = {{ env = \"SECRET\" }} }}\nbase_url = \"{}\"\n\
         calls_per_minute = 100000\ntimeout = \"2s\"\n{more}",
        appid(name),
        scene.base_url
    )
}

fn arrive(scene: &Scene, name: &str, count: usize) {
    for number in 0..count {
        let application = Application::new(format!("wx-{name}-{number:02}"));
        assert_eq!(scene.world.arrive_at(&appid(name), application), Moved::Moved);
    }
}

fn calls(scene: &Scene, name: &str, action: &str) -> Vec<Call> {
    let of = appid(name);
    scene.world.calls(action).into_iter().filter(|call| call.account.as_deref() == Some(&of)).collect()
}

/// When the account's last call arrived, in the order of all calls.
#[track_caller]
fn last_call(scene: &Scene, name: &str, action: &str) -> u64 {
    calls(scene, name, action).last().unwrap_or_else(|| panic!("{name} never called {action}")).seq
}

/// `account outcome` of every application, sorted.
fn outcomes(story: &[String]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in story {
        let (appid, end) = line.split_once(' ').expect("a row");
        let account = appid.trim_start_matches("wx-").rsplit_once('-').map_or(appid, |(name, _)| name);
        *counts.entry(format!("{account} {end}")).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_in_trouble_delay_nobody() {
    let hanging = ["hang-1", "hang-2", "hang-3"];
    let troubled = ["quota", "wrong", "braked", "forbidden"];
    let well: Vec<String> = (0..12).map(|number| format!("well-{number:02}")).collect();
    let names: Vec<&str> = hanging.into_iter().chain(troubled).chain(well.iter().map(String::as_str)).collect();
    let mut scene = scene(TWO_AT_ONCE, names.iter().copied()).await;
    fs::write(scene.dir.path().join("wrong"), "ffffffffffffffffffffffffffffffff").expect("a file");
    scene.settings = names
        .iter()
        .map(|name| {
            let table = table(&scene, name, "");
            let table = if hanging.contains(name) { table.replace("\"2s\"", "\"1s\"") } else { table };
            if *name == "wrong" { table.replace("{ env = \"SECRET\" }", "{ file = \"wrong\" }") } else { table }
        })
        .collect();

    // A pass in which WeChat does something else than it was asked for: the brake stands from then on.
    arrive(&scene, "braked", 1);
    scene.fault("dev_agree@account=wx-braked:hits=none:1");
    scene.run("run --once").exits(1);
    let troubled_by_others = names.iter().filter(|name| **name != "braked");
    troubled_by_others.for_each(|name| arrive(&scene, name, 1));
    for name in hanging {
        scene.fault(&format!("dev_apply_list@account=wx-{name}:hang:always"));
    }
    scene.fault("dev_apply_list@account=wx-quota:errcode=45009:always");
    scene.fault("dev_apply_list@account=wx-forbidden:errcode=48001:always");
    let done = scene.run("run --once --format json").exits(1);

    let reports = done.json();
    assert_eq!(reports.len(), names.len() + 1, "one for each account");
    let failed: Vec<&str> = reports
        .iter()
        .filter(|report| !report["troubles"].as_array().expect("a list").is_empty())
        .map(|report| report["account"].as_str().expect("a name"))
        .collect();
    assert_eq!(failed, ["hang-1", "hang-2", "hang-3", "quota", "wrong", "forbidden"]);
    for name in &well {
        let last = last_call(&scene, name, "dev_apply_list");
        for slow in hanging {
            assert!(last < last_call(&scene, slow, "dev_apply_list"), "{name} waited for {slow}");
        }
    }
    let story = outcomes(&scene.story().await);
    for name in &well {
        assert_eq!(story.get(&format!("{name} agree done")), Some(&1), "{story:?}");
    }
    assert_eq!(story.get("braked agree (verification) held"), Some(&1), "{story:?}");
    assert_eq!(story.len(), well.len() + 2, "and nothing else: {story:?}");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_much_to_do_delays_nobody() {
    let small = ["small-1", "small-2", "small-3"];
    let latency = Duration::from_millis(10);
    let mut scene = Scene::of(World::in_memory(Options { latency, ..options(["big"].into_iter().chain(small)) })).await;
    scene.service = "mode = \"live\"\nmax_calls_at_once = 2".to_owned();
    scene.settings = table(&scene, "big", "max_in_flight = 32\n");
    scene.settings.extend(small.map(|name| table(&scene, name, "")));
    arrive(&scene, "big", 60);
    small.iter().for_each(|name| arrive(&scene, name, 2));
    scene.run("run --once").exits(0);
    let end = last_call(&scene, "big", "dev_agree");
    for name in small {
        assert!(last_call(&scene, name, "dev_agree") < end, "{name} waited until big was done");
    }
    assert_eq!(outcomes(&scene.story().await).values().sum::<usize>(), 66);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_somebody_else_has_in_hand_keeps_no_place() {
    let mut scene = scene("mode = \"live\"\nmax_accounts_at_once = 1", ["taken", "free"]).await;
    scene.settings = table(&scene, "taken", "") + &table(&scene, "free", "");
    fs::create_dir_all(scene.state_dir()).expect("a directory");
    let lock = fs::File::create(scene.state_dir().join("account-wx_2dtaken.lock")).expect("a lock");
    lock.lock().expect("nobody has it");
    ["taken", "free"].iter().for_each(|name| arrive(&scene, name, 1));
    let mut pass = Running::start(&mut scene.menshen(["run", "--once"]));
    until("the account behind it is worked", || !calls(&scene, "free", "dev_agree").is_empty());
    assert!(!pass.ended() && calls(&scene, "taken", "dev_agree").is_empty());
    drop(lock);
    pass.wait().exits(0);
    assert_eq!(outcomes(&scene.story().await).len(), 2);
    scene.end();
}

// ---- accounts come and go ----

/// A running service whose further accounts stand in `accounts/`.
async fn including(names: &[&str], latency_of: BTreeMap<String, Duration>) -> Scene {
    let mut scene = Scene::of(World::in_memory(Options { latency_of, ..options(names.iter().copied()) })).await;
    scene.service = format!("{EVERY_SECOND}\ninclude = [\"accounts/*.toml\"]");
    fs::create_dir(scene.dir.path().join("accounts")).expect("a directory");
    scene
}

fn put(scene: &Scene, name: &str) {
    fs::write(scene.dir.path().join(format!("accounts/{name}.toml")), table(scene, name, "")).expect("a file");
}

fn remove(scene: &Scene, name: &str) {
    fs::remove_file(scene.dir.path().join(format!("accounts/{name}.toml"))).expect("it was there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_adds_and_removes_accounts_and_leaves_the_rest_alone() {
    let scene = including(&["north", "south", "west"], BTreeMap::new()).await;
    put(&scene, "north");
    put(&scene, "west");
    ["north", "south", "west"].iter().for_each(|name| arrive(&scene, name, 1));
    let service = Running::start(&mut scene.menshen(["run"]));
    until("both are worked", || ["north", "west"].iter().all(|name| !calls(&scene, name, "dev_agree").is_empty()));
    assert!(calls(&scene, "south", "dev_apply_list").is_empty());

    put(&scene, "south");
    remove(&scene, "west");
    service.signal(Signal::HUP);
    service.line("the account is worked from the next tick on account=south", 1);
    service.line("the account is not worked any more account=west", 1);
    until("the new one is worked", || !calls(&scene, "south", "dev_agree").is_empty());
    let gone = calls(&scene, "west", "devplugin").len();
    arrive(&scene, "north", 2);
    until("the old one is worked on", || calls(&scene, "north", "dev_agree").len() >= 2);
    assert_eq!(calls(&scene, "west", "devplugin").len(), gone, "nothing more is asked for it");
    assert_eq!(calls(&scene, "north", "stable_token").len(), 1, "its token is kept");

    // Two files with one account: nothing changes.
    fs::copy(scene.dir.path().join("accounts/south.toml"), scene.dir.path().join("accounts/copy.toml"))
        .expect("a copy");
    service.signal(Signal::HUP);
    service.line("another account has the name `south`", 1);
    let asked = calls(&scene, "south", "dev_apply_list").len();
    until("the last good one goes on", || calls(&scene, "south", "dev_apply_list").len() > asked + 1);
    service.signal(Signal::TERM);
    service.wait().exits(0);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_account_stops_between_calls_and_is_settled() {
    let slow = BTreeMap::from([("dev_agree".to_owned(), Duration::from_millis(200))]);
    let scene = including(&["east", "west"], slow).await;
    put(&scene, "east");
    put(&scene, "west");
    arrive(&scene, "west", 40);
    let service = Running::start(&mut scene.menshen(["run"]));
    until("calls under way", || calls(&scene, "west", "dev_agree").len() >= 3);
    remove(&scene, "west");
    service.signal(Signal::HUP);
    service.line("the account is not worked any more account=west", 1);
    let sent = calls(&scene, "west", "dev_agree").len();
    let asked = calls(&scene, "east", "dev_apply_list").len();
    until("the others go on", || calls(&scene, "east", "dev_apply_list").len() > asked + 3);
    let under_way = 8;
    assert!(calls(&scene, "west", "dev_agree").len() <= sent + under_way, "{sent} were sent when it was removed");
    assert!(calls(&scene, "west", "dev_agree").len() < 40);

    put(&scene, "west");
    service.signal(Signal::HUP);
    until("the rest is done", || calls(&scene, "west", "dev_agree").len() >= 40);
    service.signal(Signal::TERM);
    service.wait().exits(0);
    scene.run("run --once").exits(0);
    let story = scene.story().await;
    assert!(story.iter().all(|line| line.ends_with(" agree done")), "{story:?}");
    assert_eq!(story.len(), 40);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_trouble_is_said_and_when_it_is_mended() {
    let mut scene = scene(EVERY_SECOND, ["shop"]).await;
    scene.settings = table(&scene, "shop", "");
    scene.fault("dev_apply_list@account=wx-shop:errcode=48001:always");
    let service = Running::start(&mut scene.menshen(["run"]));
    service.line("errcode=48001", 2);
    scene.calm();
    service.line("the account is well again account=shop", 1);
    service.signal(Signal::TERM);
    service.wait().exits(0);
}
