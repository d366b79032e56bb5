//! The binary under measurement, and what the system says of it.

use serde_json::Value;
use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How often the system is asked. The peak is kept by the system: only the last of it can be missed.
const LOOK: Duration = Duration::from_millis(5);
/// Clock ticks a second in `/proc`: 100 on every Linux.
const TICKS: f64 = 100.0;
/// A pass that takes longer than this is stuck.
const PATIENCE: Duration = Duration::from_secs(300);

pub(super) struct Menshen {
    dir: PathBuf,
    base_url: String,
    rules: usize,
    /// Adds an account behind https, where nobody answers: certificates are loaded all the same.
    pub(super) tls: bool,
    /// `max_in_flight`.
    pub(super) in_flight: u32,
    /// More of the configuration, before the rules.
    pub(super) settings: &'static str,
}

/// What a process cost.
#[derive(Default)]
pub(super) struct Cost {
    pub(super) wall: Duration,
    pub(super) cpu: Duration,
    pub(super) peak_kib: u64,
    pub(super) resident_kib: u64,
}

impl Menshen {
    /// State and configuration live in `dir`; `rules` more rules, of five keywords each, that nothing meets.
    pub(super) fn new(dir: &Path, base_url: &str, rules: usize) -> Menshen {
        Menshen {
            dir: dir.canonicalize().unwrap(),
            base_url: base_url.to_owned(),
            rules,
            tls: false,
            in_flight: super::IN_FLIGHT,
            settings: "",
        }
    }

    /// `menshen run --once`: its report and what it cost.
    pub(super) fn once(&self) -> (Value, Cost) {
        let began = Instant::now();
        let mut process =
            self.command("0 0 0 1 1 *", &["--once", "--format", "json"]).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = process.stdout.take().unwrap();
        let reading = thread::spawn(move || BufReader::new(stdout).lines().next());
        let mut cost = Cost::default();
        while process.try_wait().unwrap().is_none() {
            cost = look_at(&process).unwrap_or(cost);
            assert!(began.elapsed() < PATIENCE, "the pass does not end");
            thread::sleep(LOOK);
        }
        cost.wall = began.elapsed();
        let line = reading.join().unwrap().expect("a report").unwrap();
        (serde_json::from_str(&line).unwrap(), cost)
    }

    /// `menshen run` with one pass: how it stands right after it and `idle` later, and the CPU time between.
    pub(super) fn serve(&self, idle: Duration) -> (Cost, Cost, Duration) {
        let soon = (jiff::Timestamp::now() + Duration::from_secs(3)).to_zoned(jiff::tz::TimeZone::UTC);
        let once_a_day = soon.strftime("%-S %-M %-H * * *").to_string();
        let mut process = self.command(&once_a_day, &[]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut passes = lines.map_while(Result::ok).filter(|line| line.contains("took_ms"));
        for _ in 0..=usize::from(self.tls) {
            passes.next().expect("the log line of a pass");
        }
        thread::sleep(Duration::from_secs(1));
        let after = look_at(&process).unwrap();
        thread::sleep(idle);
        let later = look_at(&process).unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
        let burnt = later.cpu - after.cpu;
        (after, later, burnt)
    }

    fn command(&self, schedule: &str, args: &[&str]) -> Command {
        let config = self.dir.join("menshen.toml");
        fs::write(&config, self.config(schedule)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_menshen"));
        command.arg("-c").arg(config).arg("run").args(args);
        command.env("BENCH_SECRET", SECRET).env("NO_COLOR", "1").stdin(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn config(&self, schedule: &str) -> String {
        let mut text = CONFIG
            .replace("{schedule}", schedule)
            .replace("{state_dir}", self.dir.to_str().unwrap())
            .replace("{base_url}", &self.base_url)
            .replace("{in_flight}", &self.in_flight.to_string())
            .replace("{settings}", self.settings);
        if self.tls {
            text.push_str(
                "[[account]]\nname = \"tls\"\nappid = \"wx5a4d424f58000009\"\nbase_url = \"https://127.0.0.1:1\"\n\
                 token = { secret = { env = \"BENCH_SECRET\" } }\n",
            );
        }
        for rule in 0..self.rules {
            let words: Vec<String> = (0..5).map(|word| format!("\"无关词{rule}之{word}\"")).collect();
            let words = words.join(", ");
            write!(
                text,
                "[[rule]]\nname = \"rule {rule}\"\naction = \"hold\"\nwhen = {{ reason = {{ any = [{words}] }} }}\n"
            )
            .unwrap();
        }
        text
    }
}

/// Of the simulation; not a secret.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Agrees or refuses most of what the generator makes, and holds the rest.
const CONFIG: &str = r#"
[service]
schedule = "{schedule}"
timezone = "UTC"
state_dir = "{state_dir}"

[wechat]
base_url = "{base_url}"
max_in_flight = {in_flight}
calls_per_minute = 100000

[[account]]
name = "bench"
appid = "wx5a4d424f58000001"
token = { secret = { env = "BENCH_SECRET" } }

{settings}

[[rule]]
name = "spam"
action = "refuse"
message = "申请说明或名称含有「{keyword}」，不符合插件使用范围。请修改后重新申请。"
when = { any_of = [{ reason = { any = ["博彩", "赌", "贷款", "返利", "刷单", "棋牌"] } }, { nickname = { any = ["棋牌", "贷款", "返利", "彩票"] } }] }

[[rule]]
name = "contact details"
action = "hold"
when = { reason = { any = ["微信", "电话", "加我", "QQ"] } }

[[rule]]
name = "said what for"
action = "agree"
when = { reason = { min_chars = 5 } }
"#;

/// `None` when the process is gone.
fn look_at(process: &Child) -> Option<Cost> {
    let of = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", process.id())).ok();
    let (status, stat) = (of("status")?, of("stat")?);
    let kib =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
    // The name in parentheses may hold anything; utime and stime are the 12th and 13th field after it.
    let ticks: f64 =
        stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum();
    Some(Cost {
        wall: Duration::ZERO,
        cpu: Duration::from_secs_f64(ticks / TICKS),
        peak_kib: kib("VmHWM:")?,
        resident_kib: kib("VmRSS:")?,
    })
}
