//! Telling people what needs them: what is new is read from the log and put into its outbox, and delivered from there.
//!
//! Promises that a pass never waits for a robot; that what is new is put into one letter once, whatever crashes in between
//! (letter and note are written together); that a letter is delivered at least once, which is twice only where an answer
//! was lost or menshen ended before it could take the letter out, and then with the same id; that what cannot be delivered
//! is tried again, after a restart too, and that what is given up is said. A dry run tells nobody anything.

mod desk;
mod health;
mod letters;
mod office;
mod robots;

pub use desk::Delivery;
pub(super) use office::{Office, once};

use crate::config::Config;
use crate::notify::{BuildError, Event, Letter, News, Notice, Robot, Undelivered};
use crate::store::{Store, StoreError};
use crate::{policy::Mode, service::report::PassReport};
use desk::Desk;
use health::Health;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// A letter nobody took for so long is given up.
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(3 * 24);
/// Letters kept for one; the oldest beyond are given up.
const LETTERS_MAX: u32 = 300;
/// Longer than anything is told of late: what was told is forgotten then.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(40 * 24);

/// One who cannot be told.
#[derive(Debug, thiserror::Error)]
#[error("[[notify]] {name:?}: nothing can be sent there")]
pub struct Untellable {
    name: String,
    source: BuildError,
}

/// Everybody who is told.
#[derive(Debug)]
pub struct Notices {
    config: Config,
    desks: Vec<Desk>,
    health: Health,
}

impl Notices {
    /// Everybody a configuration names, keeping how often they were told before a reload. Sends nothing.
    ///
    /// # Errors
    /// An address is none, or TLS cannot be set up.
    pub fn new(config: &Config, earlier: Option<Notices>) -> Result<Notices, Untellable> {
        let (before, health) = earlier.map_or_else(Default::default, |earlier| (earlier.desks, earlier.health));
        let desks = config.notify.iter().map(|source| {
            let robot = Robot::new(robots::settings(config, source));
            let robot = robot.map_err(|problem| Untellable { name: source.name.clone(), source: problem })?;
            let before = before.iter().find(|desk| desk.robot.name() == source.name);
            Ok(Desk::new(robot, source.clone(), before))
        });
        Ok(Notices { config: config.clone(), desks: desks.collect::<Result<_, _>>()?, health })
    }

    /// Nobody is told anything.
    pub fn is_empty(&self) -> bool {
        self.desks.is_empty()
    }

    /// A pass of these accounts is due.
    pub fn tick<'n>(&mut self, accounts: impl IntoIterator<Item = &'n str>) {
        accounts.into_iter().for_each(|account| self.health.tick(account));
    }

    /// A pass ended.
    pub fn hear(&mut self, report: &PassReport) {
        self.health.hear(report);
    }

    /// Puts what is new into the outbox: one letter for each event and each who is told of it. Gives how many.
    ///
    /// # Errors
    /// The log could not be read or written; what is new is new the next time, too.
    pub async fn collect(&mut self, store: &Store, now: Timestamp) -> Result<usize, StoreError> {
        if self.desks.is_empty() {
            return Ok(0);
        }
        let scene = desk::Scene::read(&self.config, &self.health, store, now).await?;
        let mut kept = 0;
        for desk in &self.desks {
            let lost = store.give_up_letters(desk.robot.name(), now - GIVEN_UP_AFTER, LETTERS_MAX).await?;
            let mut letters = desk.letters(&scene, &store.told(desk.robot.name()).await?);
            if lost > 0 {
                letters.push(desk.lost(&scene, lost));
            }
            store.keep_letters(&letters).await?;
            kept += letters.len();
        }
        Ok(kept)
    }

    /// Forgets what was told long ago, and what is kept for those who are told nothing any more.
    ///
    /// # Errors
    /// It could not be written.
    pub async fn tidy(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let names: Vec<String> = self.desks.iter().map(|desk| desk.robot.name().to_owned()).collect();
        store.tidy_letters(&names, now - FORGOTTEN_AFTER).await
    }

    /// Delivers what may go now, to all at the same time. `clock` is asked before each letter.
    ///
    /// # Errors
    /// The log could not be read or written. A letter that was delivered and could not be taken out is delivered again.
    pub async fn deliver(
        &mut self,
        store: &Store,
        clock: &(dyn Fn() -> Timestamp + Sync),
    ) -> Result<Vec<Delivery>, StoreError> {
        let deliveries = self.desks.iter_mut().map(|desk| desk.deliver(store, clock));
        let done: Vec<_> = futures_util::future::join_all(deliveries).await;
        done.into_iter().collect()
    }

    /// Sends a test to each, or to the one of this name; what each made of it.
    pub async fn test(&mut self, name: Option<&str>, now: Timestamp) -> Vec<(String, Result<(), Undelivered>)> {
        let shadow = self.config.service.mode == Mode::Shadow;
        let notice = Notice { event: Event::Test, at: now, shadow, accounts: BTreeMap::new(), news: News::Test };
        let letter = Letter { id: format!("test-{}", now.as_millisecond()), notice, applications: None };
        let desks = self.desks.iter_mut().filter(|desk| name.is_none_or(|name| desk.robot.name() == name));
        let tells = desks.map(|desk| async { (desk.robot.name().to_owned(), desk.robot.tell(&letter, now).await) });
        futures_util::future::join_all(tells).await
    }
}
