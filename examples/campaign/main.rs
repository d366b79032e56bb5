//! The campaign: thousands of runs of the real binary under faults, each checked against WeChat's own ledger.
//!
//! `cargo run --release --example campaign -- --runs 3000 --seed 1`. How to read what it says: `docs/proof.md`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program that reports")]

mod proof;

use clap::Parser;
use proof::{Extent, Ground, RUNS_FOR_ENOUGH, Tally};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Runs menshen under faults and checks what it did against WeChat's ledger.
#[derive(Debug, Parser)]
struct Args {
    /// How many runs.
    #[arg(long, default_value_t = 100)]
    runs: u64,
    /// The seed of the first; the others follow it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Runs at the same time.
    #[arg(long, default_value_t = 8)]
    workers: usize,
    /// Where the runs have their state; by default in memory, which is faster than a disk.
    #[arg(long)]
    state: Option<PathBuf>,
    /// A bug that is planted in the binary under test.
    #[arg(long)]
    bug: Option<String>,
    /// Begins no further run after so many minutes.
    #[arg(long, default_value_t = 600)]
    minutes: u64,
    /// Ends at the first violation.
    #[arg(long)]
    until_caught: bool,
    /// Shows what the first run is to do.
    #[arg(long)]
    show: bool,
    /// Leaves the directories of the runs behind.
    #[arg(long)]
    keep: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    if args.show {
        println!("{:#?}", proof::Script::of(args.seed));
    }
    let ground = Ground {
        binary: proof::build(),
        state: args.state.unwrap_or_else(proof::state),
        bug: args.bug,
        keep: args.keep,
    };
    let Args { seed, runs, workers, until_caught, .. } = args;
    let extent = Extent { seed, runs, workers, until_caught, time: Duration::from_secs(args.minutes * 60) };
    let began = std::time::Instant::now();
    let tally = proof::campaign(ground, extent, progress).await;
    println!("{}", tally.report());
    println!(
        "{:.0} s, {:.0} runs a minute",
        began.elapsed().as_secs_f64(),
        tally.runs as f64 * 60.0 / began.elapsed().as_secs_f64()
    );
    let rare = tally.too_rare();
    let thin = tally.runs >= RUNS_FOR_ENOUGH && !rare.is_empty();
    if thin {
        println!("struck too rarely: {}", rare.join(", "));
    }
    if thin || !tally.violations.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn progress(tally: &Tally, seed: u64) {
    for violation in tally.violations.get(&seed).into_iter().flatten() {
        eprintln!("seed {seed}: {violation}");
    }
    if std::io::stderr().is_terminal() || tally.runs.is_multiple_of(100) {
        eprintln!("{} runs, {} with violations", tally.runs, tally.violations.len());
    }
}
