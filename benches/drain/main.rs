//! What a pass costs, as figures and ratios of one run: `cargo bench --bench drain [-- PART]`.
//!
//! The release binary works a simulated WeChat that is a process of its own, so that time and memory are menshen's.
//! Parts, each a minute or less (`idle` two) and each with its own world and state, removed afterwards:
//!
//! - `drain` (default): 10,000 applications, 3,000 of them pending, 30 ms a call, 16 in flight; on an account whose
//!   first calls are proven, on a new account, and a plain script with 16 workers beside them. The ideal is every page
//!   twice and one call for each agree and refuse, as the sandbox's ledger counts them, at 16 calls every 30 ms.
//! - `memory`: the same with a list of 100,000.
//! - `idle`: what the service holds and burns after a pass, on plain HTTP and with TLS set up.
//! - `start`: from the start of the process to its first page, with 10,000 rules.
//! - `housekeeping`: a pass with nothing to decide over a list of 11,000, most of them timed out long ago, and the same
//!   after `[housekeeping]` has taken these off; 4 calls in flight, as by default.
//!
//! Nothing is asserted. Other work on the machine shows: repeat, and look at the ratios.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a bench prints, and ends where it must")]

mod housekeeping;
mod menshen;
mod script;
mod wechat;

use menshen::{Cost, Menshen};
use serde_json::Value;
use std::time::{Duration, Instant};
use wechat::{Call, WeChat};

const IN_FLIGHT: u32 = 16;
const LATENCY: Duration = Duration::from_millis(30);
const PENDING: u32 = 3_000;
/// Nothing here asks for more rules than a big owner might have.
const MANY_RULES: usize = 10_000;
const IDLE_SECS: u64 = 60;

fn main() {
    let parts: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let part = parts.first().map_or("drain", String::as_str);
    match part {
        "drain" => drains(10_000),
        "memory" => drain("a list of 100,000, proven account", 100_000, Account::Proven),
        "idle" => idle(),
        "start" => start(),
        "housekeeping" => housekeeping::tell(),
        other => println!("no such part: {other}; there are drain, memory, idle, start and housekeeping"),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Account {
    Proven,
    New,
}

fn drains(applications: u32) {
    drain("proven account", applications, Account::Proven);
    drain("new account: its first agree and refuse go alone", applications, Account::New);
    let world = WeChat::start(0, 1, applications, PENDING, LATENCY);
    let began = Instant::now();
    let sent = script::drain(world.addr());
    let wall = began.elapsed();
    let ideal = ideal(&world.ledger());
    println!("plain script, {IN_FLIGHT} workers, pages one by one, nothing recorded, read once");
    println!("  {sent} calls to agree in {:.2} s; {:.2} of its own ideal", wall.as_secs_f64(), ratio(wall, ideal));
}

fn drain(name: &str, applications: u32, account: Account) {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut port = 0;
    if account == Account::Proven {
        // Another world of the same WeChat, with other applications: the account's first calls happen there.
        let small = WeChat::start(0, 99, 60, 24, Duration::ZERO);
        Menshen::new(dir.path(), &small.base_url(), 0).once();
        port = small.addr().port();
    }
    let world = WeChat::start(port, 1, applications, PENDING, LATENCY);
    let (report, cost) = Menshen::new(dir.path(), &world.base_url(), 0).once();
    tell(name, &report, &cost, &world.ledger());
}

fn tell(name: &str, report: &Value, cost: &Cost, calls: &[Call]) {
    let took = Duration::from_millis(report["took_ms"].as_u64().unwrap());
    let ideal = ideal(calls);
    let count = |what: &str| report[what].as_u64().unwrap();
    let acts = count("agreed") + count("refused");
    println!("{name}: {} pending of {}", count("pending"), count("entries"));
    println!(
        "  {} agreed, {} refused, {} held, {} failed, troubles {}",
        count("agreed"),
        count("refused"),
        count("held"),
        count("failed"),
        report["troubles"]
    );
    println!(
        "  {} calls in all, {} of them pages; ideal {:.2} s",
        calls.len(),
        calls.iter().filter(|call| call.action == "dev_apply_list").count(),
        ideal.as_secs_f64()
    );
    println!(
        "  pass {:.2} s = {:.3} of the ideal; process {:.2} s = {:.3}",
        took.as_secs_f64(),
        ratio(took, ideal),
        cost.wall.as_secs_f64(),
        ratio(cost.wall, ideal)
    );
    println!(
        "  {:.0} durable decisions/s, {:.2} s of CPU, peak resident {:.1} MB",
        (acts + count("held")) as f64 / took.as_secs_f64(),
        cost.cpu.as_secs_f64(),
        cost.peak_kib as f64 / 1024.0
    );
    phases(calls);
}

/// Where the time went, by when calls of a kind arrived.
fn phases(calls: &[Call]) {
    let first = calls.first().map_or(0, |call| call.at_ms);
    let mut from = 0;
    while from < calls.len() {
        let kind = |call: &Call| call.action == "dev_apply_list";
        let to = (from..calls.len()).find(|at| kind(&calls[*at]) != kind(&calls[from])).unwrap_or(calls.len());
        let (begin, end) = (calls[from].at_ms - first, calls[to - 1].at_ms - first);
        let word = if kind(&calls[from]) { "pages" } else { "other calls" };
        println!("    {:>5} {word:<12} arrived from {begin:>6} to {end:>6} ms", to - from);
        from = to;
    }
}

/// Every page twice and one call for each change, `IN_FLIGHT` every `LATENCY`.
fn ideal(calls: &[Call]) -> Duration {
    let pages = calls.iter().filter_map(|call| call.page_with_entries).max().unwrap_or(0);
    let acts = calls.iter().filter(|call| matches!(call.action.as_str(), "dev_agree" | "dev_refuse")).count();
    LATENCY.mul_f64((2 * pages as usize + acts) as f64 / f64::from(IN_FLIGHT))
}

fn ratio(took: Duration, ideal: Duration) -> f64 {
    took.as_secs_f64() / ideal.as_secs_f64()
}

fn idle() {
    for (name, tls, applications, pending) in [
        ("idle after a pass over 60 applications", false, 60, 24),
        ("idle after a pass over 60 applications, TLS set up", true, 60, 24),
        ("idle after draining 3,000 of 10,000", true, 10_000, PENDING),
    ] {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let world = WeChat::start(0, 1, applications, pending, Duration::ZERO);
        let mut service = Menshen::new(dir.path(), &world.base_url(), 0);
        service.tls = tls;
        let (after, later, burnt) = service.serve(Duration::from_secs(IDLE_SECS));
        println!(
            "{name}: {:.1} MB resident after the pass, {:.1} MB {IDLE_SECS} s later; {:.0} ms of CPU in between",
            after.resident_kib as f64 / 1024.0,
            later.resident_kib as f64 / 1024.0,
            burnt.as_secs_f64() * 1e3
        );
    }
}

fn start() {
    for rules in [0, MANY_RULES] {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let world = WeChat::start(0, 1, 60, 24, Duration::ZERO);
        let began = world.now_ms();
        let (report, cost) = Menshen::new(dir.path(), &world.base_url(), rules).once();
        let first = world.ledger().iter().find(|call| call.action == "dev_apply_list").unwrap().at_ms;
        println!(
            "{rules} rules beside the usual ones: first page {} ms after the start; pass {} ms; process {:.0} ms, \
             {:.2} s of CPU, peak {:.1} MB",
            first - began,
            report["took_ms"],
            cost.wall.as_secs_f64() * 1e3,
            cost.cpu.as_secs_f64(),
            cost.peak_kib as f64 / 1024.0
        );
    }
}
