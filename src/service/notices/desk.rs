//! One who is told: what is new for it, and delivering it.

use super::health::{Health, PROBLEMS, Standing};
use super::letters::{self, Opened};
use super::robots::{concerns, wants};
use crate::config::{self, Config, NotifyContent};
use crate::notify::{Applicant, BrakeNews, Counted, Digest, Event, Failure, News, Notice, Robot, Undelivered};
use crate::policy::{Action, Brake, Mode, Outcome};
use crate::store::{
    ActiveBrake, AuditRow, Filter, NewLetter, RecordedVerdict, StatsFilter, StatsRow, Store, StoreError, Waiting,
    WaitingFilter,
};
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

/// Letters delivered to one before the others are looked at again …
const AT_ONCE: usize = 5;
/// … and how long one that takes its time is listened to before that.
const TURN: SignedDuration = SignedDuration::from_secs(3);
/// What a limit keeps back waits for a person once it has waited so long: `per_pass` lets the next passes go on with it.
const NEXT_PASSES: SignedDuration = SignedDuration::from_mins(15);
/// Time-outs older than this are no news.
const NEWS: SignedDuration = SignedDuration::from_hours(24);

/// One who is told.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) robot: Robot,
    source: config::Notify,
    /// The last try failed.
    failing: bool,
}

/// What came of delivering to one.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Its name.
    pub name: String,
    /// Letters it took.
    pub delivered: usize,
    /// Why it took no more.
    pub failed: Option<Undelivered>,
    /// It failed before, and took one now.
    pub recovered: bool,
    /// When it may be told more, if there is more; `None` = nothing is left.
    pub next: Option<Timestamp>,
    /// Letters that could not be read and were thrown away.
    pub unreadable: usize,
}

/// What the log says now, read once for all.
pub(super) struct Scene<'s> {
    config: &'s Config,
    health: &'s Health,
    now: Timestamp,
    waiting: Vec<Waiting>,
    timed_out: Vec<AuditRow>,
    brakes: Vec<ActiveBrake>,
    yesterday: Date,
    counts: Vec<StatsRow>,
}

/// A brake that was told, as its lifting needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct BrakeKey {
    id: i64,
    kind: String,
    account: Option<String>,
    action: Option<String>,
}

type Told = HashMap<(String, String), Timestamp>;

impl<'s> Scene<'s> {
    /// Reads it.
    pub(super) async fn read(
        config: &'s Config,
        health: &'s Health,
        store: &Store,
        now: Timestamp,
    ) -> Result<Scene<'s>, StoreError> {
        let window = SignedDuration::try_from(config.pending.window).unwrap_or(NEWS);
        let all = config.service.mode == Mode::Shadow;
        let mut waiting =
            store.waiting(&WaitingFilter { since: Some(now - window), all, ..WaitingFilter::default() }).await?;
        waiting.retain(|one| {
            one.row.outcome != Outcome::Planned
                && (one.row.outcome != Outcome::Shadow || one.row.verdict == RecordedVerdict::Hold)
                && (one.row.outcome != Outcome::Failed || one.row.actor.starts_with("cli:"))
                && due(config, one.row.create_time).is_none_or(|due| due > now)
        });
        // The most urgent first.
        waiting.sort_by_key(|one| (one.row.create_time.is_none(), one.row.create_time, one.row.id));
        let mut timed_out = Vec::new();
        let filter = Filter {
            verdict: Some(RecordedVerdict::Hold),
            outcome: Some(Outcome::Overtaken),
            since: Some(now - NEWS),
            ..Filter::default()
        };
        let collect = |row| {
            timed_out.push(row);
            ControlFlow::Continue(())
        };
        store.list(&filter, collect).await?;
        let today = now.to_zoned(config.service.timezone.clone()).date();
        let yesterday = today.checked_sub(1.day()).unwrap_or(today);
        let days = StatsFilter {
            since: Some(yesterday.to_string()),
            until: Some(today.to_string()),
            ..StatsFilter::default()
        };
        let counts = store.stats(&days).await?;
        Ok(Scene { config, health, now, waiting, timed_out, brakes: store.brakes().await?, yesterday, counts })
    }

    fn notice(&self, event: Event, accounts: BTreeMap<String, u64>, news: News) -> Notice {
        Notice { event, at: self.now, shadow: self.config.service.mode == Mode::Shadow, accounts, news }
    }

    /// Our name for an account by WeChat's.
    fn name_of(&self, brake: &ActiveBrake) -> Option<String> {
        let appid = brake.scope.account.as_ref()?;
        let named = self.config.accounts.iter().find(|account| account.appid == *appid);
        Some(named.map_or_else(|| appid.as_str().to_owned(), |account| account.name.clone()))
    }
}

/// When WeChat times it out.
fn due(config: &Config, create_time: Option<i64>) -> Option<Timestamp> {
    let applied = Timestamp::from_second(create_time?).ok()?;
    applied.checked_add(SignedDuration::try_from(config.pending.window).ok()?).ok()
}

impl Desk {
    /// `before` is the one of this name before a reload.
    pub(super) fn new(mut robot: Robot, source: config::Notify, before: Option<&Desk>) -> Desk {
        if let Some(before) = before {
            robot.keep_pace_of(&before.robot);
        }
        Desk { robot, source, failing: before.is_some_and(|before| before.failing) }
    }

    /// A letter for each event that has news, none for the others.
    pub(super) fn letters(&self, scene: &Scene<'_>, told: &Told) -> Vec<NewLetter> {
        let new = |event: Event, key: &str| !told.contains_key(&(event.word().to_owned(), key.to_owned()));
        let letters = [
            self.held(scene, &new),
            self.deadline(scene, &new),
            self.timed_out(scene, &new),
            self.brake(scene, told),
            self.failing(scene, &new),
            self.digest(scene, &new),
        ];
        letters.into_iter().flatten().collect()
    }

    /// Says that letters were given up.
    pub(super) fn lost(&self, scene: &Scene<'_>, lost: u64) -> NewLetter {
        self.letter(scene.notice(Event::Lost, BTreeMap::new(), News::Lost(lost)), Vec::new())
    }

    /// Delivers, the oldest first, until it takes no more.
    pub(super) async fn deliver(
        &mut self,
        store: &Store,
        clock: &(dyn Fn() -> Timestamp + Sync),
    ) -> Result<Delivery, StoreError> {
        let mut delivery = Delivery { name: self.robot.name().to_owned(), ..Delivery::default() };
        let began = clock();
        loop {
            let Some(kept) = store.letters(self.robot.name(), 1).await?.pop() else { return Ok(delivery) };
            let (id, now) = (kept.id, clock());
            let next = self.robot.next(now);
            let enough = delivery.delivered == AT_ONCE || now.duration_since(began) > TURN;
            if next > now || enough || delivery.failed.is_some() {
                delivery.next = Some(next);
                return Ok(delivery);
            }
            let letter = match letters::open(kept, &self.source) {
                Opened::Letter(letter) => letter,
                Opened::Unwanted => {
                    store.forget_letter(id).await?;
                    continue;
                }
                Opened::Unreadable => {
                    delivery.unreadable += 1;
                    store.forget_letter(id).await?;
                    continue;
                }
            };
            match self.robot.tell(&letter, now).await {
                Ok(()) => {
                    store.forget_letter(id).await?;
                    delivery.delivered += 1;
                    delivery.recovered |= std::mem::take(&mut self.failing);
                }
                Err(error) => {
                    self.failing = true;
                    delivery.failed = Some(error);
                }
            }
        }
    }

    fn concerns(&self, account: &str) -> bool {
        concerns(&self.source, account)
    }

    fn held(&self, scene: &Scene<'_>, new: &dyn Fn(Event, &str) -> bool) -> Option<NewLetter> {
        let apart = |one: &Waiting| match one.row.brake {
            // Told of as that.
            Some(Brake::Pause | Brake::Verification) => true,
            Some(Brake::Limit) => scene.now.duration_since(one.row.decided_at) < NEXT_PASSES,
            _ => false,
        };
        let news = scene.waiting.iter().filter(|one| !apart(one) && new(Event::Held, &one.row.id.to_string()));
        self.about_waiting(scene, Event::Held, news, |one| one.row.id.to_string())
    }

    fn deadline(&self, scene: &Scene<'_>, new: &dyn Fn(Event, &str) -> bool) -> Option<NewLetter> {
        let warn = SignedDuration::try_from(scene.config.pending.warn_before).unwrap_or_default();
        // The application, not the row: held anew for another reason it dies at the same time.
        let key = |one: &Waiting| {
            format!("{}/{}/{}", one.account_appid, one.row.appid, one.row.create_time.unwrap_or_default())
        };
        let soon = |one: &&Waiting| due(scene.config, one.row.create_time).is_some_and(|due| due <= scene.now + warn);
        let news = scene.waiting.iter().filter(soon).filter(|one| new(Event::Deadline, &key(one)));
        self.about_waiting(scene, Event::Deadline, news, key)
    }

    fn about_waiting<'w>(
        &self,
        scene: &Scene<'_>,
        event: Event,
        news: impl Iterator<Item = &'w Waiting>,
        key: impl Fn(&Waiting) -> String,
    ) -> Option<NewLetter> {
        let news: Vec<&Waiting> = news.filter(|one| self.concerns(&one.row.account)).collect();
        let tells = news.iter().map(|one| key(one)).collect();
        let rows = news.iter().map(|one| (&one.row, one.note.as_deref()));
        self.about(scene, event, rows, tells)
    }

    fn timed_out(&self, scene: &Scene<'_>, new: &dyn Fn(Event, &str) -> bool) -> Option<NewLetter> {
        let news = scene.timed_out.iter().filter(|row| new(Event::TimedOut, &row.id.to_string()));
        let news: Vec<&AuditRow> = news.filter(|row| self.concerns(&row.account)).collect();
        let tells = news.iter().map(|row| row.id.to_string()).collect();
        self.about(scene, Event::TimedOut, news.into_iter().map(|row| (row, None)), tells)
    }

    /// A letter about applications.
    fn about<'r>(
        &self,
        scene: &Scene<'_>,
        event: Event,
        rows: impl Iterator<Item = (&'r AuditRow, Option<&'r str>)>,
        tells: Vec<String>,
    ) -> Option<NewLetter> {
        if tells.is_empty() || !wants(&self.source, event) {
            return None;
        }
        let mut accounts = BTreeMap::new();
        let mut applicants = Vec::with_capacity(tells.len());
        let mut since = scene.now;
        for (row, note) in rows {
            *accounts.entry(row.account.clone()).or_default() += 1;
            since = since.min(row.decided_at);
            applicants.push(applicant(scene.config, row, note));
        }
        let mut letter = self.letter(scene.notice(event, accounts, News::Applications), tells);
        if self.source.content == NotifyContent::Full {
            letter.words = Some((json(&applicants), since));
        }
        Some(letter)
    }

    fn brake(&self, scene: &Scene<'_>, told: &Told) -> Option<NewLetter> {
        let word = Event::Brake.word();
        let known: Vec<(String, BrakeKey)> = told
            .keys()
            .filter(|(event, _)| event == word)
            .filter_map(|(_, key)| Some((key.clone(), serde_json::from_str(key).ok()?)))
            .collect();
        let (mut news, mut tells, mut forgets) = (Vec::new(), Vec::new(), Vec::new());
        for brake in &scene.brakes {
            let account = scene.name_of(brake);
            if known.iter().any(|(_, key)| key.id == brake.id)
                || !account.as_deref().is_none_or(|name| self.concerns(name))
            {
                continue;
            }
            let action = brake.scope.action.map(|action: Action| action.word().to_owned());
            let key = BrakeKey { id: brake.id, kind: brake.kind.word().to_owned(), account, action };
            tells.push(json(&key));
            news.push(said(key, brake.why.clone(), false));
        }
        for (text, key) in known {
            if scene.brakes.iter().all(|brake| brake.id != key.id) {
                forgets.push(text);
                news.push(said(key, None, true));
            }
        }
        if news.is_empty() || !wants(&self.source, Event::Brake) {
            return None;
        }
        let mut letter = self.letter(scene.notice(Event::Brake, BTreeMap::new(), News::Brakes(news)), tells);
        letter.forgets = forgets;
        Some(letter)
    }

    fn failing(&self, scene: &Scene<'_>, new: &dyn Fn(Event, &str) -> bool) -> Option<NewLetter> {
        let (mut news, mut tells, mut forgets) = (Vec::new(), Vec::new(), Vec::new());
        for account in scene.health.accounts().filter(|account| self.concerns(account)) {
            for problem in PROBLEMS {
                let key = format!("{problem}/{account}");
                let stands = scene.health.stands(account, problem);
                let (errcode, over) = match (stands, new(Event::Failing, &key)) {
                    (Some(Standing::Fails(errcode)), true) => (errcode, false),
                    (Some(Standing::Well), false) => (None, true),
                    _ => continue,
                };
                if over { &mut forgets } else { &mut tells }.push(key);
                news.push(Failure { account: account.to_owned(), problem: problem.to_owned(), errcode, over });
            }
        }
        if news.is_empty() || !wants(&self.source, Event::Failing) {
            return None;
        }
        let mut letter = self.letter(scene.notice(Event::Failing, BTreeMap::new(), News::Failures(news)), tells);
        letter.forgets = forgets;
        Some(letter)
    }

    fn digest(&self, scene: &Scene<'_>, new: &dyn Fn(Event, &str) -> bool) -> Option<NewLetter> {
        let day = scene.yesterday.to_string();
        let time = scene.now.to_zoned(scene.config.service.timezone.clone()).time();
        if time < self.source.digest_at || !new(Event::Digest, &day) || !wants(&self.source, Event::Digest) {
            return None;
        }
        let rows = scene.counts.iter().filter(|row| self.concerns(&row.account));
        let counts: Vec<Counted> = rows.map(counted).collect();
        let overtaken = |one: &&Counted| one.verdict == "hold" && one.outcome == "overtaken";
        let timed_out = counts.iter().filter(overtaken).map(|one| one.n).sum();
        let held = scene.waiting.iter().filter(|one| self.concerns(&one.row.account)).count() as u64;
        let digest = Digest { day: scene.yesterday, counts, held, timed_out };
        Some(self.letter(scene.notice(Event::Digest, BTreeMap::new(), News::Digest(digest)), vec![day]))
    }

    fn letter(&self, notice: Notice, tells: Vec<String>) -> NewLetter {
        NewLetter {
            at: notice.at,
            target: self.robot.name().to_owned(),
            event: notice.event.word(),
            notice: json(&notice),
            words: None,
            tells,
            forgets: Vec::new(),
        }
    }
}

fn applicant(config: &Config, row: &AuditRow, note: Option<&str>) -> Applicant {
    Applicant {
        account: row.account.clone(),
        appid: row.appid.clone(),
        create_time: row.create_time,
        due_at: due(config, row.create_time),
        nickname: row.nickname.clone(),
        categories: row.categories.clone(),
        reason: row.reason.clone(),
        rule: row.rule.clone(),
        brake: row.brake.map(|brake| brake.word().to_owned()),
        note: note.map(ToOwned::to_owned),
        decision: row.id,
    }
}

fn said(key: BrakeKey, why: Option<String>, lifted: bool) -> BrakeNews {
    BrakeNews { kind: key.kind, account: key.account, action: key.action, why, lifted }
}

fn counted(row: &StatsRow) -> Counted {
    Counted {
        account: row.account.clone(),
        verdict: row.verdict.word().to_owned(),
        rule: row.rule.clone(),
        outcome: row.outcome.word().to_owned(),
        n: row.n,
    }
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("texts, numbers and lists always serialise")
}
