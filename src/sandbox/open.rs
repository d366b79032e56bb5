//! How a world begins: new in memory, new in a directory, or as a directory left it.
//!
//! Hides `world.json` and the meaning of a journal's lines. Promises that a world read back stands exactly as it
//! stood, but for tokens and for what time has done since.

use super::application::Application;
use super::component::Authorizations;
use super::fault::Faults;
use super::generate::{Mix, generate};
use super::journal::{self, Journal, Kept, Unreadable};
use super::ledger::{By, Call, Change, Ledger, What};
use super::openapi::Answered;
use super::options::{Clock, Options};
use super::roster::{EntryId, Roster};
use super::state::{State, millis, system_ms};
use super::tokens::Tokens;
use fastrand::Rng;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// 2026-06-01T00:00:00Z: the beginning of a world with a manual clock when none is given.
const MANUAL_START_MS: i64 = 1_780_272_000_000;

/// Why a directory gives no world.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A file cannot be read or written; mend the directory or its permissions.
    #[error("cannot use {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process serves this world; stop it or take another directory.
    #[error("the sandbox in {dir} is in use by another process")]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// A file is not what we wrote; start over with `fresh`.
    #[error("{path}, line {line}: not a sandbox world; start over with a fresh one")]
    Broken {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// Other parameters are asked for than the world was made of; leave them out, or start over with `fresh`.
    #[error("the sandbox was made with {what} {kept}, not {asked}; start over with a fresh one to change it")]
    Differs {
        /// Which parameter.
        what: &'static str,
        /// As the world was made.
        kept: u64,
        /// As asked for.
        asked: u64,
    },
}

/// What a world is made of and keeps for good.
struct Founding {
    seed: u64,
    start_ms: i64,
    applications: usize,
    pending: usize,
    window_ms: i64,
    mix: Mix,
}

/// A new world that ends with the process.
pub(super) fn in_memory(options: Options) -> State {
    let founding = Founding::of(&options);
    founding.state(options, Journal::Memory)
}

/// The world of a directory, taken for this process.
pub(super) fn open(dir: &Path, options: Options) -> Result<State, OpenError> {
    let failed = |err| OpenError::of(dir, err);
    let (journal, kept) = Journal::open(dir, options.fresh).map_err(failed)?;
    if kept.world.is_none() {
        journal::found(dir, &Founding::of(&options).to_record()).map_err(failed)?;
    }
    restore(dir, options, journal, kept)
}

/// A copy of a directory's world that writes nothing and needs no lock.
pub(super) fn peek(dir: &Path, options: Options) -> Result<State, OpenError> {
    let kept = journal::read(dir).map_err(|err| OpenError::of(dir, err))?;
    restore(dir, options, Journal::Memory, kept)
}

fn restore(dir: &Path, options: Options, journal: Journal, kept: Kept) -> Result<State, OpenError> {
    let founding = match &kept.world {
        None => Founding::of(&options),
        Some(record) => Founding::from_record(record)
            .ok_or_else(|| OpenError::of(dir, Unreadable::Broken(dir.join("world.json"), 1)))?,
    };
    founding.must_fit(&options)?;
    let mut state = founding.state(options, journal);
    for (place, operation) in kept.operations.iter().enumerate() {
        let broken = || OpenError::of(dir, Unreadable::Broken(dir.join("journal.jsonl"), place + 1));
        state.replay(operation).ok_or_else(broken)?;
    }
    Ok(state)
}

impl State {
    /// Carries out one line of a journal; `None` if it is no such line.
    fn replay(&mut self, operation: &Value) -> Option<()> {
        if let Some(at_ms) = operation.get("at").and_then(Value::as_i64) {
            self.rosters.values_mut().for_each(|roster| roster.sweep(at_ms));
        }
        match operation.get("op")?.as_str()? {
            "advance" => self.offset_ms += operation.get("ms")?.as_i64()?,
            "call" => self.ledger.push(Call::from_record(operation.get("call")?)?),
            "arrive" => {
                let application = Application::from_record(operation.get("application")?)?;
                let at_ms = operation.get("at")?.as_i64()?;
                if let Some(roster) = self.roster_of(operation) {
                    roster.arrive(application, at_ms);
                }
            }
            "change" => self.replay_change(operation)?,
            _ => return None,
        }
        Some(())
    }

    fn replay_change(&mut self, operation: &Value) -> Option<()> {
        let by = By::from_record(operation.get("by")?)?;
        let what = What::from_name(operation.get("what")?.as_str()?)?;
        let change = Change { at_ms: operation.get("at")?.as_i64()?, what, by };
        if let By::Call(seq) = by {
            self.ledger.reached(seq);
        }
        let ids = operation.get("ids")?.as_array()?;
        let Some(roster) = self.roster_of(operation) else { return Some(()) };
        for id in ids {
            let id = EntryId::try_from(id.as_u64()?).ok().filter(|id| roster.entry(*id).is_some())?;
            roster.change(id, change);
        }
        Some(())
    }

    /// An account that is no longer among the options is passed over.
    fn roster_of(&mut self, operation: &Value) -> Option<&mut Roster> {
        self.rosters.get_mut(operation.get("account")?.as_str()?)
    }
}

impl Founding {
    fn of(options: &Options) -> Founding {
        let applications = options.applications.unwrap_or(Options::DEFAULT_APPLICATIONS);
        let start_ms = options.start_ms.unwrap_or_else(|| match options.clock {
            Clock::System => system_ms(),
            Clock::Manual => MANUAL_START_MS,
        });
        Founding {
            seed: options.seed.unwrap_or(Options::DEFAULT_SEED),
            start_ms,
            applications,
            pending: options.pending.unwrap_or(applications * 2 / 5).min(applications),
            window_ms: millis(options.window),
            mix: options.mix,
        }
    }

    fn state(self, mut options: Options, journal: Journal) -> State {
        options.mix = self.mix;
        let rosters = self.rosters(&options);
        let mut faults = Faults::new(self.seed);
        for fault in options.faults.drain(..) {
            faults.plan(fault);
        }
        State {
            seed: self.seed,
            start_ms: self.start_ms,
            offset_ms: 0,
            rosters,
            tokens: Tokens::new(millis(options.token_lifetime)),
            authorizations: Authorizations::new(&options),
            answered: Answered::default(),
            faults,
            ledger: Ledger::new(options.ledger_calls),
            journal,
            rng: Rng::with_seed(self.seed ^ 0x6172_7269_7665),
            options,
        }
    }

    /// The first plugin has the seed's own applications, every other its own by its appid.
    fn rosters(&self, options: &Options) -> BTreeMap<String, Roster> {
        let mut rosters = BTreeMap::new();
        for (place, account) in options.accounts.iter().filter(|account| account.owns_plugin).enumerate() {
            let seed = if place == 0 { self.seed } else { self.seed ^ digest(&account.appid) };
            let start_secs = self.start_ms.div_euclid(1000);
            let mut roster = Roster::new(options.order, self.window_ms);
            roster.fill(generate(seed, self.applications, self.pending, &self.mix, start_secs), self.start_ms);
            rosters.insert(account.appid.clone(), roster);
        }
        rosters
    }

    fn must_fit(&self, options: &Options) -> Result<(), OpenError> {
        let number = |count: usize| count as u64;
        let fits = |what, kept, asked: Option<u64>| match asked {
            Some(asked) if asked != kept => Err(OpenError::Differs { what, kept, asked }),
            _ => Ok(()),
        };
        fits("seed", self.seed, options.seed)?;
        fits("applications", number(self.applications), options.applications.map(number))?;
        let pending = options.pending.map(|pending| number(pending.min(self.applications)));
        fits("pending", number(self.pending), pending)
    }

    fn to_record(&self) -> Value {
        let Mix { english, too_short, contact, spam, disguised, odd, approved } = self.mix;
        json!({
            "version": 1, "seed": self.seed, "start_ms": self.start_ms, "window_ms": self.window_ms,
            "applications": self.applications, "pending": self.pending,
            "mix": [english, too_short, contact, spam, disguised, odd, approved],
        })
    }

    fn from_record(record: &Value) -> Option<Founding> {
        let number = |field: &str| record.get(field)?.as_u64();
        let count = |field: &str| number(field).and_then(|number| usize::try_from(number).ok());
        let shares: Vec<f64> = record.get("mix")?.as_array()?.iter().filter_map(Value::as_f64).collect();
        let &[english, too_short, contact, spam, disguised, odd, approved] = shares.as_slice() else { return None };
        (number("version")? == 1).then_some(())?;
        Some(Founding {
            seed: number("seed")?,
            start_ms: record.get("start_ms")?.as_i64()?,
            applications: count("applications")?,
            pending: count("pending")?,
            window_ms: record.get("window_ms")?.as_i64()?,
            mix: Mix { english, too_short, contact, spam, disguised, odd, approved },
        })
    }
}

impl OpenError {
    fn of(dir: &Path, err: Unreadable) -> OpenError {
        match err {
            Unreadable::Io(path, source) => OpenError::Io { path, source },
            Unreadable::InUse => OpenError::InUse { dir: dir.to_owned() },
            Unreadable::Broken(path, line) => OpenError::Broken { path, line },
        }
    }
}

/// FNV-1a: stable for ever, unlike the standard library's hasher.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
