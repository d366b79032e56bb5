//! The command line, as clap reads it.

use super::api::ApiCommand;
use super::doctor::DoctorArgs;
use super::notify::NotifyCommand;
use super::review::ReviewCommand;
use super::rules::RulesCommand;
use super::status::{self, StatusArgs};
use crate::config::Surroundings;
use crate::store::KeptHead;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// What the options that every command understands stand under.
const EVERYWHERE: &str = "Options of every command";

const EXAMPLES: &str = "\
Examples:
  menshen run --once --sandbox            try it: a pass over a simulated WeChat, no account needed
  menshen --dry-run                       what would become of every pending application, and why
  menshen run                             the service
  menshen status                          what it does now, and what needs a person
  menshen audit list --verdict refuse     who was refused, and by which rule
  menshen pause --action agree --why \"…\"  stop letting in while evaluation goes on

The configuration is -c FILE, else $MENSHEN_CONFIG, else ./menshen.toml, else /etc/menshen/menshen.toml.
Exit status: 0 done, 1 something failed, 2 the command line or the configuration is wrong.";

/// Decides applications to use a WeChat Mini Program plugin: by rules, with a record of every decision.
#[derive(Debug, Parser)]
#[command(name = "menshen", version = env!("MENSHEN_VERSION"), after_help = EXAMPLES, args_conflicts_with_subcommands = false)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

/// What every command understands.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// The configuration file
    #[arg(short = 'c', long = "config", value_name = "FILE", global = true, help_heading = EVERYWHERE)]
    pub(super) config: Option<PathBuf>,
    /// Use the embedded simulated WeChat; needs no configuration, account or network
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(super) sandbox: bool,
    /// Where the sandbox's world and database live [default: ./menshen-sandbox]
    #[arg(long, value_name = "DIR", global = true, help_heading = EVERYWHERE)]
    pub(super) state_dir: Option<PathBuf>,
    /// Start the sandbox over: forget its world and database
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(super) fresh: bool,
    /// How records are printed
    #[arg(long, value_enum, default_value_t = Format::Human, global = true, help_heading = EVERYWHERE)]
    pub(super) format: Format,
    /// How logs are written to standard error
    #[arg(long, value_enum, default_value_t = Log::Text, global = true, help_heading = EVERYWHERE)]
    pub(super) log: Log,
}

impl Global {
    /// What a command must be given to look at the same; empty where it would find it by itself.
    pub(super) fn again(&self) -> String {
        let named = self.config.iter().filter(|file| **file != Surroundings::of_process().system_config);
        let config = named.map(|file| format!(" -c {}", file.display()));
        let sandbox = self.sandbox.then(|| " --sandbox".to_owned());
        let state_dir = self.state_dir.iter().map(|dir| format!(" --state-dir {}", dir.display()));
        config.chain(sandbox).chain(state_dir).collect()
    }
}

/// How records are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Tables for people
    Human,
    /// One JSON object a line
    Json,
    /// Comma-separated, safe to open in a spreadsheet
    Csv,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Log {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// The service: a pass over every account on each tick of the schedule (the default command)
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Read, verify, copy and redact the audit log
    Audit {
        #[command(subcommand)]
        what: AuditCommand,
    },
    /// Check the rules, try them out, and see what they would have done
    Rules {
        #[command(subcommand)]
        what: RulesCommand,
    },
    /// What is held, and deciding it by hand
    Review {
        #[command(subcommand)]
        what: ReviewCommand,
    },
    /// One WeChat call by hand, named as WeChat names it
    Api {
        #[command(subcommand)]
        what: ApiCommand,
    },
    /// Check everything that can be wrong, and say how to mend it; changes nothing
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Stop acting (all, an account, an action) while evaluation goes on
    #[command(
        after_help = "Examples:\n  menshen pause --why \"rules under review\"\n  menshen pause --account express --action refuse\n  menshen pause --list --format json"
    )]
    Pause(PauseArgs),
    /// Let acting go on; without arguments every brake and pause is lifted
    #[command(
        after_help = "Examples:\n  menshen resume --why \"checked in the console: all as it should be\"\n  menshen resume --action refuse"
    )]
    Resume(Scope),
    /// What the service does now: pending, held, brakes, limits, quota; for a watch, whether anything is overdue
    #[command(after_help = status::EXAMPLES)]
    Status(StatusArgs),
    /// Chat robots, webhooks and commands that are told what needs a person
    Notify {
        #[command(subcommand)]
        what: NotifyCommand,
    },
    /// The simulated WeChat on its own, for rehearsals and for testing other clients
    #[command(after_help = SANDBOX_EXAMPLES)]
    Sandbox(SandboxArgs),
    /// Print shell completions
    #[command(hide = true)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    #[command(hide = true)]
    Man {
        /// Write a page for each command into this directory
        dir: Option<PathBuf>,
    },
}

const RUN_EXAMPLES: &str = "\
Examples:
  menshen run                                      the service, until SIGTERM
  menshen run --once                               one pass over every account, then exit
  menshen run --dry-run --format json | jq .why    preview; nothing is sent, nothing is written
  menshen -c my.toml run --dry-run --sandbox       my rules against a simulated WeChat";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  menshen doctor
  menshen doctor --account express --format json
  menshen doctor --offline                 this machine alone, nothing is sent
  sudo menshen-as-service doctor           as the service would find it: its user, its credentials

✓ well, ! to look at, ✗ to mend, – not looked at; docs/doctor.md tells what each check looks at.
Exit status: 0 nothing must be mended, 1 something must be, 2 the configuration or its rules are wrong (or the command line).";

const SANDBOX_EXAMPLES: &str = "\
Examples:
  menshen sandbox --listen 127.0.0.1:8787
  menshen sandbox --applications 10000 --pending 3000 --latency-ms 30
  menshen sandbox --fault dev_agree:lost-after:2 --fault dev_apply_list:http=503:1

Point base_url of an account at the address it prints.";

/// How the service runs.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct RunArgs {
    /// One pass over every account, then exit
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) once: bool,
    /// Preview every pending application; send nothing, write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Answer every question with yes
    #[arg(long)]
    pub(super) yes: bool,
}

impl RunArgs {
    /// What was given before or after `run` counts alike.
    pub(super) fn or(&self, other: &RunArgs) -> RunArgs {
        RunArgs { once: self.once || other.once, dry_run: self.dry_run || other.dry_run, yes: self.yes || other.yes }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Decisions, newest last
    #[command(
        after_help = "Examples:\n  menshen audit list --since 2h\n  menshen audit list --verdict refuse --rule \"gambling words\" --format csv > refused.csv\n  menshen audit list --appid wx0123456789abcdef --limit 5"
    )]
    List(AuditFilter),
    /// One decision: every condition looked at, every call with errcode and rid
    Show {
        /// The id of the row, as `audit list` shows it
        id: i64,
    },
    /// Counts per day, verdict and rule
    #[command(
        after_help = "Examples:\n  menshen audit stats --since 7d\n  menshen audit stats --account express --by month --format json"
    )]
    Stats(StatsArgs),
    /// Decisions as JSON lines or CSV, oldest first, every one that matches
    #[command(
        after_help = "Examples:\n  menshen audit export > all.jsonl\n  menshen audit export --since 2026-11-01 --until 2026-12-01 --format csv > november.csv"
    )]
    Export(ExportArgs),
    /// What was asked of plugins in use (`api apply`, `unbind`, `update`), and what became of it
    #[command(
        after_help = "Examples:\n  menshen audit uses\n  menshen audit uses --plugin wxabcdef0123456789 --format json"
    )]
    Uses(UsesArgs),
    /// Prove that no record was edited, removed, inserted or reordered
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// The newest entry of the chain over all records; keep it elsewhere for `audit verify --head`
    Head,
    /// Copy the log to another file, whole, while the service writes
    #[command(after_help = "Example:\n  menshen audit backup /var/backups/menshen-$(date +%F).db")]
    Backup {
        /// Where to; nothing is overwritten
        file: PathBuf,
    },
    /// Erase what applicants wrote in decisions before a time; the records stay
    #[command(after_help = "Example:\n  menshen audit redact --before 180d")]
    Redact(RedactArgs),
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  menshen audit verify
  menshen audit verify --head 41:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  menshen audit verify --replay                decide everything again with the rules of then
  menshen audit verify /var/backups/menshen-2026-11-22.db

Exit status 1 if anything was changed; it says which record.";

/// Which decisions to export.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    pub(super) rows: RowFilter,
    /// At most so many, the newest; 0 = all
    #[arg(long, default_value_t = 0)]
    pub(super) limit: u64,
}

/// Which uses of plugins.
#[derive(Debug, Args)]
pub(super) struct UsesArgs {
    /// Name of an account
    #[arg(long)]
    pub(super) account: Option<String>,
    /// Appid of a plugin
    #[arg(long)]
    pub(super) plugin: Option<String>,
    /// At most so many, the newest; 0 = all
    #[arg(long, default_value_t = 50)]
    pub(super) limit: u32,
}

/// What to verify, and against what.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// A copy of the log [default: the service's own]
    pub(super) file: Option<PathBuf>,
    /// A head that was kept (`audit head`, or the service's log): also finds what was cut off or made anew as a whole
    #[arg(long, value_name = "HEAD")]
    pub(super) head: Option<KeptHead>,
    /// Also decide everything again with the recorded rules; each must come out as recorded
    #[arg(long)]
    pub(super) replay: bool,
}

/// Whose words to erase.
#[derive(Debug, Args)]
pub(super) struct RedactArgs {
    /// Decisions before this: a duration back from now (180d), a day (2026-11-22) or an instant
    #[arg(long, value_name = "WHEN")]
    pub(super) before: String,
    /// Do not ask
    #[arg(long)]
    pub(super) yes: bool,
}

/// Which decisions, and how many.
#[derive(Debug, Args)]
pub(super) struct AuditFilter {
    #[command(flatten)]
    pub(super) rows: RowFilter,
    /// At most so many, the newest; 0 = all
    #[arg(long, default_value_t = 50)]
    pub(super) limit: u64,
}

/// Which decisions.
#[derive(Debug, Args)]
pub(super) struct RowFilter {
    /// Name of an account
    #[arg(long)]
    pub(super) account: Option<String>,
    /// Appid of an applicant
    #[arg(long)]
    pub(super) appid: Option<String>,
    /// agree, refuse, hold or delete
    #[arg(long, value_parser = ["agree", "refuse", "hold", "delete"])]
    pub(super) verdict: Option<String>,
    /// Name of a rule
    #[arg(long)]
    pub(super) rule: Option<String>,
    /// planned, done, overtaken, held, shadow or failed
    #[arg(long, value_parser = ["planned", "done", "overtaken", "held", "shadow", "failed"])]
    pub(super) outcome: Option<String>,
    /// unknown, malformed, ambiguous, message, limit, pause or verification
    #[arg(long, value_parser = ["unknown", "malformed", "ambiguous", "message", "limit", "pause", "verification"])]
    pub(super) brake: Option<String>,
    /// From when on: a duration back from now (2h, 7d), a day (2026-11-22) or an instant (2026-11-22T08:00:00Z)
    #[arg(long)]
    pub(super) since: Option<String>,
    /// Up to when: as for --since
    #[arg(long)]
    pub(super) until: Option<String>,
}

/// Which counts.
#[derive(Debug, Args)]
pub(super) struct StatsArgs {
    /// Name of an account
    #[arg(long)]
    pub(super) account: Option<String>,
    /// From which day on: a duration back from now (7d) or a day (2026-11-22)
    #[arg(long)]
    pub(super) since: Option<String>,
    /// Up to which day: as for --since
    #[arg(long)]
    pub(super) until: Option<String>,
    /// What is counted together [default: day; month where there are more than 92 days]
    #[arg(long, value_enum)]
    pub(super) by: Option<By>,
}

/// What `audit stats` counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum By {
    /// Each day
    Day,
    /// Each month
    Month,
    /// Each year
    Year,
}

/// What is paused, or the question what is.
#[derive(Debug, Args)]
pub(super) struct PauseArgs {
    #[command(flatten)]
    pub(super) scope: Scope,
    /// Show what is paused and which brakes are pulled; pause nothing
    #[arg(long, conflicts_with_all = ["account", "action", "why"])]
    pub(super) list: bool,
}

/// What is paused or resumed.
#[derive(Debug, Args)]
pub(super) struct Scope {
    /// Only this account
    #[arg(long)]
    pub(super) account: Option<String>,
    /// Only this action
    #[arg(long, value_parser = ["agree", "refuse", "delete"])]
    pub(super) action: Option<String>,
    /// Why; recorded with who and when
    #[arg(long)]
    pub(super) why: Option<String>,
}

/// The simulated WeChat.
#[derive(Debug, Args)]
pub(super) struct SandboxArgs {
    /// Where to listen; loopback only
    #[arg(long, default_value = "127.0.0.1:8787")]
    pub(super) listen: SocketAddr,
    /// Keep the world in this directory; without it the world ends with the process
    #[arg(long, value_name = "DIR")]
    pub(super) world_dir: Option<PathBuf>,
    /// The generator's seed: same seed, same applications
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// How many applications there are [default: 60]
    #[arg(long)]
    pub(super) applications: Option<usize>,
    /// How many of them are pending [default: two in five]
    #[arg(long)]
    pub(super) pending: Option<usize>,
    /// How long an answer takes, in milliseconds
    #[arg(long, default_value_t = 0)]
    pub(super) latency_ms: u64,
    /// The most entries a page holds, whatever is asked for
    #[arg(long, default_value_t = 50)]
    pub(super) num_cap: u32,
    /// What a refusal without an appid does: nothing (reject), or refuse the oldest pending one
    #[arg(long, default_value = "reject", value_parser = ["reject", "oldest"])]
    pub(super) refuse_without_appid: String,
    /// Take calls without a token, as behind the side-car of WeChat's cloud hosting (token kind "none")
    #[arg(long)]
    pub(super) sidecar: bool,
    /// A fault, e.g. dev_agree:lost-after:2; may be given several times
    #[arg(long, value_name = "SPEC", long_help = crate::sandbox::Fault::grammar())]
    pub(super) fault: Vec<String>,
}
