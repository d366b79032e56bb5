//! What leftovers cost: the same quiet pass before and after `[housekeeping]` has cleared the list.

use crate::menshen::{Cost, Menshen};
use crate::wechat::WeChat;
use crate::{LATENCY, script};
use serde_json::{Value, json};
use std::time::Duration;

/// What the account lives with anyway: three in five approved, the others ended lately or long ago.
const OTHERS: u32 = 1_000;
const LEFTOVERS: usize = 10_000;
/// As by default.
const IN_FLIGHT: u32 = 4;
/// Measured so often; the one in the middle is told.
const TIMES: usize = 5;
/// The least the configuration takes.
const ON: &str = "[housekeeping]\ndelete_timed_out_after = \"1d\"";

/// A pass and what it cost.
struct Quiet {
    entries: u64,
    pages: usize,
    bytes: usize,
    pass: Duration,
    cost: Cost,
}

pub(super) fn tell() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let world = WeChat::start(0, 1, OTHERS, 0, Duration::ZERO);
    let two_days_ago = world.now_ms() / 1_000 - 2 * 86_400;
    for _ in 0..LEFTOVERS {
        world.control("apply", &json!({ "create_time": two_days_ago, "reason": "用于查询快递物流信息" }));
    }
    let mut menshen = Menshen::new(dir.path(), &world.base_url(), 0);
    menshen.in_flight = IN_FLIGHT;
    let before = quiet(&menshen, &world);
    menshen.settings = ON;
    let (mut passes, mut deleted, mut calls) = (0, 0, world.ledger().len());
    loop {
        let done = menshen.once().0["deleted"].as_u64().unwrap();
        if done == 0 {
            break;
        }
        passes += 1;
        deleted += done;
    }
    calls = world.ledger().len() - calls;
    let after = quiet(&menshen, &world);
    println!(
        "a pass with nothing to decide, {IN_FLIGHT} calls in flight, {} ms a call, median of {TIMES}",
        LATENCY.as_millis()
    );
    line("before", &before);
    line("after", &after);
    println!(
        "  before / after: pages {:.1}, bytes {:.1}, pass {:.1}, CPU of the pass {:.1}",
        before.pages as f64 / after.pages as f64,
        before.bytes as f64 / after.bytes as f64,
        before.pass.as_secs_f64() / after.pass.as_secs_f64(),
        before.cost.cpu.as_secs_f64() / after.cost.cpu.as_secs_f64()
    );
    println!("  taking {deleted} off the list: {passes} passes, {calls} calls");
}

/// The pass in the middle of some, at 30 ms a call.
fn quiet(menshen: &Menshen, world: &WeChat) -> Quiet {
    let slow = format!("devplugin:slow={}:always", LATENCY.as_millis());
    let slow = world.control("fault", &json!({ "spec": slow }));
    let mut passes: Vec<Quiet> = (0..TIMES).map(|_| one(menshen, world)).collect();
    world.control("fault", &json!({ "lift": slow["id"] }));
    passes.sort_by_key(|quiet| quiet.pass);
    let bytes = script::list_bytes(world.addr());
    Quiet { bytes, ..passes.swap_remove(TIMES / 2) }
}

fn one(menshen: &Menshen, world: &WeChat) -> Quiet {
    let calls = world.ledger().len();
    let (report, cost): (Value, Cost) = menshen.once();
    let acted = ["agreed", "refused", "deleted", "held"].map(|what| report[what].as_u64().unwrap());
    assert_eq!((acted, &report["troubles"]), ([0; 4], &json!([])), "it was quiet: {report}");
    Quiet {
        entries: report["entries"].as_u64().unwrap(),
        pages: world.ledger().len() - calls,
        bytes: 0,
        pass: Duration::from_millis(report["took_ms"].as_u64().unwrap()),
        cost,
    }
}

fn line(when: &str, quiet: &Quiet) {
    println!(
        "  {when:>6}: {} entries, {} pages, {:.0} KB, pass {:.2} s, {:.0} ms of CPU for the process, peak resident {:.1} MB",
        quiet.entries,
        quiet.pages,
        quiet.bytes as f64 / 1e3,
        quiet.pass.as_secs_f64(),
        quiet.cost.cpu.as_secs_f64() * 1e3,
        quiet.cost.peak_kib as f64 / 1024.0
    );
}
