//! What an account costs: `cargo bench --bench accounts [-- COUNT]`.
//!
//! The release binary serves one account and then COUNT (2,000 unless said otherwise), each with 20 applications and
//! nothing to decide: what a service does nearly all of the time. The simulated WeChat runs in this process, so that time
//! and memory are menshen's. Told are what is resident, CPU time in the first tick (tokens, connections) and in a later
//! one, the ratio to one account, and how many files and connections were open at most:
//!
//! - accounts with the same 50 rules,
//! - accounts with the same 1,000 rules,
//! - accounts with a rule of their own beside the 50,
//! - accounts behind https, where nobody answers: certificates are loaded all the same.
//!
//! Takes eight minutes; everything it starts ends with it. Nothing is asserted.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a bench prints, and ends where it must")]

use menshen::sandbox::{Account, Options, Server, World};
use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Between two ticks. In the field it is 120 s; CPU time per tick does not depend on it.
const TICK: Duration = Duration::from_secs(15);
const APPLICATIONS: usize = 20;
const COMMON_RULES: usize = 50;
const MANY_RULES: usize = 1_000;
/// How often open files are counted.
const LOOK: Duration = Duration::from_millis(20);
/// Clock ticks a second in `/proc`: 100 on every Linux.
const TICKS: f64 = 100.0;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    SameRules,
    ManyRules,
    OwnRule,
    Tls,
}

/// What a service cost.
struct Cost {
    resident_kib: f64,
    first_tick_cpu: f64,
    tick_cpu: f64,
    open_files: usize,
}

#[tokio::main]
async fn main() {
    let count = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(2_000);
    let accounts = (0..count).map(|number| Account::plugin(appid(number), Account::DEFAULT_SECRET)).collect();
    let (applications, pending) = (Some(APPLICATIONS), Some(0));
    let world = World::in_memory(Options { accounts, applications, pending, ..Options::empty() });
    let server = Server::start(world, ([127, 0, 0, 1], 0).into()).await.unwrap();
    let base_url = format!("http://{}", server.addr());
    let measured = tokio::task::spawn_blocking(move || {
        for (name, kind) in [
            ("the same 50 rules", Kind::SameRules),
            ("the same 1,000 rules", Kind::ManyRules),
            ("a rule of its own for each", Kind::OwnRule),
            ("https, nobody answers", Kind::Tls),
        ] {
            tell(name, count, &serve(1, kind, &base_url), &serve(count, kind, &base_url));
        }
    });
    measured.await.unwrap();
    server.stop().await;
}

fn appid(number: usize) -> String {
    format!("wx5a4d424f{number:08}")
}

fn tell(name: &str, count: usize, one: &Cost, many: &Cost) {
    let each = (many.resident_kib - one.resident_kib) / (count.max(2) - 1) as f64;
    println!("{name}:");
    println!(
        "  resident: 1 account {:.1} MB, {count} accounts {:.1} MB = {:.1} times; {each:.1} KiB for each",
        one.resident_kib / 1024.0,
        many.resident_kib / 1024.0,
        many.resident_kib / one.resident_kib
    );
    println!(
        "  CPU of a tick: 1 account {:.2} s, {count} accounts {:.2} s (the first {:.2} s); {:.2} ms for each, {:.1} % of a core \
         at a tick every two minutes",
        one.tick_cpu,
        many.tick_cpu,
        many.first_tick_cpu,
        many.tick_cpu * 1e3 / count as f64,
        many.tick_cpu / 1.2
    );
    println!("  open files and connections: 1 account {}, {count} accounts {}", one.open_files, many.open_files);
}

/// Runs the service for a few ticks.
fn serve(count: usize, kind: Kind, base_url: &str) -> Cost {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    write_config(dir.path(), count, kind, base_url);
    let mut process = Command::new(env!("CARGO_BIN_EXE_menshen"))
        .current_dir(dir.path())
        .args(["-c", "menshen.toml", "run"])
        .env("BENCH_SECRET", Account::DEFAULT_SECRET)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = process.stderr.take().unwrap();
    let (ready, is_ready) = std::sync::mpsc::channel();
    let log = thread::spawn(move || {
        let mut late = 0_usize;
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if line.contains("menshen works") {
                let _ = ready.send(());
            }
            late += usize::from(line.contains("still running"));
        }
        if late > 0 {
            println!("  a tick found the pass before it still running {late} times: the CPU time of a tick is too low");
        }
    });
    is_ready.recv_timeout(Duration::from_secs(60)).expect("the service starts");
    let at_start = cpu(&process);
    // Into the second half of a tick, when all accounts have begun: the first one may come at once or in a whole tick.
    thread::sleep(until_next_tick() + TICK - Duration::from_secs(1));
    let first_tick_cpu = cpu(&process) - at_start;
    thread::sleep(TICK);
    let before = cpu(&process);
    let open_files = most_open_files(&process, TICK);
    let (tick_cpu, resident_kib) = (cpu(&process) - before, resident_kib(&process));
    let _ = process.kill();
    let _ = process.wait();
    let _ = log.join();
    Cost { resident_kib, first_tick_cpu, tick_cpu, open_files }
}

fn until_next_tick() -> Duration {
    let seconds = jiff::Timestamp::now().as_second().cast_unsigned() % TICK.as_secs();
    Duration::from_secs(TICK.as_secs() - seconds)
}

fn write_config(dir: &Path, count: usize, kind: Kind, base_url: &str) {
    let base_url = if kind == Kind::Tls { "https://127.0.0.1:1" } else { base_url };
    let mut main = format!(
        "[service]\nschedule = \"*/{} * * * * *\"\ntimezone = \"UTC\"\nstate_dir = \"state\"\ninclude = [\"accounts/*.toml\"]\n\
         [wechat]\nbase_url = \"{base_url}\"\n",
        TICK.as_secs()
    );
    for rule in 0..if kind == Kind::ManyRules { MANY_RULES } else { COMMON_RULES } {
        let words: Vec<String> = (0..5).map(|word| format!("\"无关词{rule}之{word}\"")).collect();
        let words = words.join(", ");
        writeln!(main, "[[rule]]\nname = \"rule {rule}\"\naction = \"hold\"\nwhen.reason.any = [{words}]").unwrap();
    }
    fs::create_dir(dir.join("accounts")).unwrap();
    for number in 0..count {
        let name = format!("shop-{number}");
        let account = format!(
            "[[account]]\nname = \"{name}\"\nappid = \"{}\"\ntoken = {{ secret = {{ env = \"BENCH_SECRET\" }} }}\n",
            appid(number)
        );
        fs::write(dir.join(format!("accounts/{name}.toml")), account).unwrap();
        if kind == Kind::OwnRule {
            writeln!(
                main,
                "[[rule]]\nname = \"{name}\"\naction = \"hold\"\naccounts = [\"{name}\"]\nwhen.reason.any = [\"词{number}\"]"
            )
            .unwrap();
        }
    }
    fs::write(dir.join("menshen.toml"), main).unwrap();
}

/// The most that was open at one of many looks.
fn most_open_files(process: &Child, during: Duration) -> usize {
    let began = Instant::now();
    let mut most = 0;
    while began.elapsed() < during {
        let open = fs::read_dir(format!("/proc/{}/fd", process.id())).unwrap().count();
        most = most.max(open);
        thread::sleep(LOOK);
    }
    most
}

fn cpu(process: &Child) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
    // The name in parentheses may hold anything; utime and stime are the 12th and 13th field after it.
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace().skip(11).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS
}

fn resident_kib(process: &Child) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let value = |line: &str| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok();
    status.lines().find_map(value).unwrap()
}
