//! Plays one run: a world, the witness, one life of the process after the other, and a quiet end.

use super::log::{self, Log};
use super::process::{Ended, Over, Running, command};
use super::rules::{self, Traits};
use super::script::{Arm, ByHand, Deed, End, Episode, Newcomer, Script};
use super::wire;
use super::witness::{Seen, Witness};
use menshen::sandbox::{Account, Application, Fault, Moved, Options, Order, Server, Status, World};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Words of applicants that may stand in no log line.
pub(crate) const CANARIES: [&str; 2] = ["金丝雀店", "金丝雀词"];
/// How often what is due is looked at.
const LOOK: Duration = Duration::from_millis(3);
/// A service that was to be ended by something that never came is ended after this.
const LONG_ENOUGH: Duration = Duration::from_secs(4);
/// More readings than any fault makes the list lag.
const DRAINING: usize = 12;
/// Passes at the end, each after a `resume`: a brake may be pulled for what happened before.
const LAST_PASSES: usize = 4;

/// An application as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) appid: String,
    pub(crate) created_secs: i64,
    pub(crate) traits: Traits,
    pub(crate) ageless: bool,
}

/// One life of the process, as it was.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lived {
    /// Calls of this life: after the first number, up to the second.
    pub(crate) seqs: (u64, u64),
    /// Actions that were paused or braked when it began, and until it ended.
    pub(crate) stopped: BTreeSet<String>,
    /// Applicants with two pending applications, from before it began until it had ended.
    pub(crate) twins: BTreeSet<String>,
    /// Those pending before it began: appid and creation.
    pub(crate) pending: BTreeSet<(String, i64)>,
    /// Nothing but a lie of the server disturbed it, and it ended by itself.
    pub(crate) undisturbed: bool,
    /// Fault points that struck: name and kind.
    pub(crate) struck: Vec<(String, String)>,
    /// It was killed from outside.
    pub(crate) killed: bool,
    /// Verification brakes that had been pulled by its end.
    pub(crate) brakes: usize,
}

/// A run that was played to its end.
pub(crate) struct Played {
    pub(crate) script: Script,
    pub(crate) arrived: Vec<Arrived>,
    pub(crate) lives: Vec<Lived>,
    pub(crate) log: Log,
    pub(crate) ledger: Vec<Value>,
    pub(crate) changes: Vec<Value>,
    pub(crate) world: Value,
    /// How every listed application stands in the end, by appid and creation.
    pub(crate) standing: BTreeMap<(String, i64), Status>,
    pub(crate) seen: Vec<Seen>,
    /// Found while it was played.
    pub(crate) violations: Vec<String>,
    /// The calendar day of the limits is the same from beginning to end.
    pub(crate) one_day: bool,
}

/// What is the same for all runs.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) binary: PathBuf,
    /// Below it every run has its directory.
    pub(crate) state: PathBuf,
    pub(crate) bug: Option<String>,
    pub(crate) keep: bool,
}

struct Stage {
    ground: Ground,
    dir: tempfile::TempDir,
    script: Script,
    world: World,
    server: Server,
    witness: Witness,
    arrived: Vec<Arrived>,
    lives: Vec<Lived>,
    said: Vec<(String, Over)>,
    violations: Vec<String>,
}

/// Plays a script.
pub(crate) async fn play(ground: &Ground, script: Script) -> Played {
    let day = || (jiff::Timestamp::now().as_second() + 8 * 3_600).div_euclid(86_400);
    let began = day();
    let mut stage = Stage::set(ground, script).await;
    for number in 0..stage.script.episodes.len() {
        let episode = stage.script.episodes[number].clone();
        stage.live(number, &episode).await;
    }
    stage.quiet_end().await;
    stage.grep_secrets();
    stage.evidence(began == day()).await
}

impl Stage {
    async fn set(ground: &Ground, script: Script) -> Stage {
        let orders =
            [Order::NewestFirst, Order::OldestFirst, Order::PendingFirst, Order::ChangedFirst, Order::Scattered];
        let world = World::in_memory(Options {
            seed: Some(script.seed),
            num_cap: script.num_cap,
            order: orders[script.order],
            ..Options::empty()
        });
        let server = Server::start(world.clone(), ([127, 0, 0, 1], 0).into()).await.expect("loopback");
        let dir = tempfile::Builder::new().prefix(&format!("run-{}-", script.seed)).tempdir_in(&ground.state);
        let dir = dir.expect("a directory for the run");
        let witness = Witness::start(server.addr(), dir.path().join("state/menshen.db")).await;
        let mut stage = Stage {
            ground: ground.clone(),
            dir,
            world,
            server,
            witness,
            arrived: Vec::new(),
            lives: Vec::new(),
            said: Vec::new(),
            violations: Vec::new(),
            script,
        };
        for newcomer in stage.script.applicants.clone() {
            stage.arrive(&newcomer);
        }
        stage
    }

    fn arrive(&mut self, newcomer: &Newcomer) {
        let distorted = !self.keeps_entries_whole();
        if distorted && self.world.status(&newcomer.appid) == Some(Status::Pending) {
            return;
        }
        let mut created_secs = self.world.now_ms() / 1000 - newcomer.age_secs;
        let known = |secs| self.arrived.iter().any(|known| known.appid == newcomer.appid && known.created_secs == secs);
        while known(created_secs) {
            created_secs += 1;
        }
        let Traits { gambling, partner, trade, malformed } = newcomer.traits;
        let words = [(gambling, "赌博"), (partner, "合作")].map(|(there, word)| if there { word } else { "" }).concat();
        let mut application = Application::new(&newcomer.appid)
            .created_at(created_secs)
            .nickname(CANARIES[0])
            .reason(format!("{}，用于查件{words}", CANARIES[1]))
            .categories(trade.map(|trade| (if trade { "物流服务" } else { "金融业" }, "查件")));
        if newcomer.ageless {
            application = application.without("create_time");
        }
        if malformed {
            application = match newcomer.wrong {
                0 => application.sent_as("nickname", json!(12345)),
                1 => application.sent_as("reason", json!({ "text": "查件" })),
                2 => application.sent_as("categories", json!("物流服务")),
                _ => application.sent_as("reason", json!(["查件"])),
            };
        }
        if self.world.arrive(application) == Moved::Moved {
            let (appid, traits) = (newcomer.appid.clone(), newcomer.traits);
            self.arrived.push(Arrived { appid, created_secs, traits, ageless: newcomer.ageless });
        }
    }

    /// No fault of this run hides an entry, or what tells it from another.
    fn keeps_entries_whole(&self) -> bool {
        keeps_entries_whole(&self.script)
    }

    async fn deed(&mut self, deed: &Deed) {
        let appid = |whom: &usize| self.script.applicants.get(*whom).map(|a| a.appid.clone()).unwrap_or_default();
        let _ = match deed {
            Deed::Agrees(whom) => self.world.person_agrees(&appid(whom)),
            Deed::Refuses(whom) => self.world.person_refuses(&appid(whom)),
            Deed::Withdraws(whom) => self.world.withdraw(&appid(whom)),
            Deed::Arrives(newcomer) => return self.arrive(newcomer),
            Deed::Advances(secs) => return self.world.advance(Duration::from_secs(*secs)),
            Deed::Pauses(None) => return self.say(&["pause", "--why", "campaign"]).await,
            Deed::Pauses(Some(action)) => return self.say(&["pause", "--action", action, "--why", "campaign"]).await,
            Deed::Resumes => return self.say(&["resume", "--why", "campaign"]).await,
        };
    }

    /// A command that must work.
    async fn say(&mut self, args: &[&str]) {
        self.configure(self.script.last_variant, false);
        let over =
            Running::start(command(&self.ground.binary, self.dir.path(), &self.env(None, true), args)).over().await;
        if over.ended != Ended::Exit(0) {
            self.violations.push(format!(
                "`menshen {}` ended with {:?}: {}",
                args.join(" "),
                over.ended,
                over.err.trim()
            ));
        }
        self.said.push((args.join(" "), over));
    }

    fn env(&self, arm: Option<(Arm, &Path)>, patient: bool) -> Vec<(&'static str, String)> {
        let mut env = vec![("SECRET", Account::DEFAULT_SECRET.to_owned())];
        env.push(("MENSHEN_QUICK", if patient { "3,30000" } else { "3,250" }.to_owned()));
        if let Some((Arm { point, nth, kind, .. }, log)) = arm {
            env.push(("MENSHEN_FAULT_POINT", format!("{point}:{nth}:{kind}")));
            env.push(("MENSHEN_FAULT_LOG", log.display().to_string()));
        }
        env.extend(self.ground.bug.clone().map(|bug| ("MENSHEN_PLANTED_BUG", bug)));
        env
    }

    fn configure(&self, variant: usize, shadow: bool) {
        let Script { page_size, in_flight, agree_per_day, refuse_per_day, per_pass, .. } = self.script;
        let limit = |name: &str, most: Option<u32>| most.map(|most| format!("{name} = {most}\n")).unwrap_or_default();
        let text = format!(
            "[service]\nstate_dir = \"state\"\nschedule = \"* * * * * *\"\nmode = \"{mode}\"\n\
             [[account]]\nname = \"express\"\nappid = \"{appid}\"\ntoken = {{ secret = {{ env = \"SECRET\" }} }}\n\
             base_url = \"http://{addr}\"\ncalls_per_minute = 100000\npage_size = {page_size}\nmax_in_flight = {in_flight}\n\
             [limits]\n{agree}{refuse}{pass}{rules}",
            mode = if shadow { "shadow" } else { "live" },
            appid = Account::DEFAULT_APPID,
            addr = self.witness.addr,
            agree = limit("agree_per_day", agree_per_day),
            refuse = limit("refuse_per_day", refuse_per_day),
            pass = limit("per_pass", per_pass),
            rules = rules::text(variant),
        );
        // In one step: a service that reloads must not meet half of it.
        let (whole, new) = (self.dir.path().join("menshen.toml"), self.dir.path().join("menshen.toml.new"));
        std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, &whole)).expect("a configuration");
    }

    fn database(&self) -> PathBuf {
        self.dir.path().join("state/menshen.db")
    }

    fn last_seq(&self) -> u64 {
        self.world.ledger().last().map_or(0, |call| call.seq)
    }

    /// What a life begins with.
    async fn begin(&self) -> Lived {
        let mut stopped = BTreeSet::new();
        for brake in log::brakes(&self.database()).await.into_iter().filter(|brake| !brake.lifted) {
            match brake.action {
                Some(action) => drop(stopped.insert(action)),
                None => stopped.extend(["agree", "refuse"].map(str::to_owned)),
            }
        }
        let (twins, pending) = (self.twins(), self.pending());
        Lived { seqs: (self.last_seq(), 0), stopped, twins, pending, ..Lived::default() }
    }

    async fn end(&mut self, mut lived: Lived) {
        self.witness.idle().await;
        lived.seqs.1 = self.last_seq();
        let twins = self.twins();
        lived.twins.retain(|appid| twins.contains(appid));
        let brakes = log::brakes(&self.database()).await;
        lived.brakes = brakes.iter().filter(|brake| brake.kind == "verification").count();
        self.lives.push(lived);
    }

    fn pending(&self) -> BTreeSet<(String, i64)> {
        let all = self.world.applications(Account::DEFAULT_APPID).into_iter();
        let pending = all.filter(|application| application.status == Status::Pending);
        pending.map(|application| (application.appid, application.created_secs.unwrap_or_default())).collect()
    }

    fn twins(&self) -> BTreeSet<String> {
        let pending: Vec<String> = self.pending().into_iter().map(|(appid, _)| appid).collect();
        pending.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0].clone()).collect()
    }

    /// One life of the process.
    async fn live(&mut self, number: usize, episode: &Episode) {
        for deed in &episode.before {
            self.deed(deed).await;
        }
        self.configure(episode.variant, episode.shadow);
        let faults: Vec<_> =
            episode.faults.iter().map(|text| self.world.inject(Fault::parse(text).expect(text))).collect();
        self.witness.episode(self.lives.len());
        let mut lived = self.begin().await;
        let struck = self.dir.path().join(format!("struck-{number}.log"));
        let env = self.env(episode.arm.map(|arm| (arm, struck.as_path())), false);
        let by_hand = episode.hand.as_ref().map(Stage::by_hand).unwrap_or_default();
        let by_hand: Vec<&str> = by_hand.iter().map(String::as_str).collect();
        let args: &[&str] = match &episode.hand {
            Some(ByHand { beside: None, .. }) => &by_hand,
            _ if episode.service => &["run"],
            _ => &["run", "--once"],
        };
        let running = Running::start(command(&self.ground.binary, self.dir.path(), &env, args));
        let (over, beside, interfered) = self.watch(running, episode, &struck).await;
        if let Some(over) = beside {
            self.judge_hand(number, over);
        }
        for fault in faults {
            self.world.lift(fault);
        }
        let text = std::fs::read_to_string(&struck).unwrap_or_default();
        lived.struck =
            text.lines().filter_map(|line| line.split_once(' ')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
        lived.killed = interfered == Interfered::Killed;
        let lies_alone = episode.faults.iter().all(|fault| fault.contains(":hits="));
        let alone = episode.during.is_empty() && !episode.service && episode.hand.is_none() && lived.struck.is_empty();
        // A pass that could not verify says so; a brake does, too.
        lived.undisturbed = lies_alone && alone && interfered == Interfered::Not && over.ended == Ended::Exit(0);
        self.judge_end(number, episode, &over, &lived, interfered);
        self.said.push((format!("episode {number}"), over));
        self.end(lived).await;
    }

    /// What a person types.
    fn by_hand(hand: &ByHand) -> Vec<String> {
        let mut args = match (hand.review, hand.verdict) {
            (true, verdict) => vec!["review".to_owned(), verdict.to_owned()],
            (false, verdict) => vec!["api".to_owned(), format!("dev_{verdict}")],
        };
        args.extend([hand.appid.clone(), "--yes".to_owned()]);
        if hand.verdict == "refuse" {
            args.extend(["--reason", "人工审核未通过"].map(str::to_owned));
        }
        args
    }

    /// Who decides by hand beside a pass is not disturbed: it waits for its turn, and ends.
    fn judge_hand(&mut self, number: usize, over: Over) {
        if !matches!(over.ended, Ended::Exit(0 | 1)) || over.err.contains("panicked") {
            let (ended, err) = (&over.ended, over.err.trim());
            self.violations.push(format!("episode {number}: by hand, beside it, ended with {ended:?}:\n{err}"));
        }
        self.said.push((format!("by hand in episode {number}"), over));
    }

    fn judge_end(&mut self, number: usize, episode: &Episode, over: &Over, lived: &Lived, interfered: Interfered) {
        let panics = lived.struck.iter().any(|(_, kind)| kind == "panic");
        let struck = !lived.struck.is_empty();
        let expected = match over.ended {
            Ended::Hung => false,
            Ended::Signal => interfered == Interfered::Killed || struck,
            Ended::Exit(0) => true,
            Ended::Exit(1) => !episode.service || struck,
            Ended::Exit(_) => panics,
        };
        if !expected || (over.err.contains("panicked") && !panics) {
            self.violations.push(format!("episode {number} ended with {:?}:\n{}", over.ended, over.err.trim()));
        }
    }

    /// Does what is due while the process lives.
    async fn watch(
        &mut self,
        mut running: Running,
        episode: &Episode,
        struck: &Path,
    ) -> (Over, Option<Over>, Interfered) {
        let began = Instant::now();
        let start = *self.witness.count.borrow();
        let mut deeds = episode.during.clone();
        let mut reload = episode.reload;
        let mut due_by_hand = episode.hand.clone().filter(|hand| hand.beside.is_some());
        let mut beside = None;
        let mut interfered = Interfered::Not;
        let mut hangs = episode.arm.is_some_and(|arm| arm.kind == "hang");
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                () = running.ended() => break,
                _ = look.tick() => {}
            }
            let now = *self.witness.count.borrow();
            let (requests, asked) = (now.0 - start.0, now.1 - start.1);
            let hanging = hangs && struck.exists();
            while let Some(at) = deeds.iter().position(|(after, _)| *after <= requests || hanging) {
                let (_, deed) = deeds.remove(at);
                self.deed(&deed).await;
            }
            if let Some(hand) =
                due_by_hand.take_if(|hand| hand.beside.is_some_and(|after| after <= requests) || hanging)
            {
                beside = Some(self.start_by_hand(&hand));
            }
            if let Some((after, variant)) = reload
                && after <= requests
            {
                reload = None;
                self.configure(variant, episode.shadow);
                running.signal(Signal::HUP);
            }
            if hanging {
                hangs = false;
                if episode.arm.is_some_and(|arm| arm.then_kill) {
                    interfered = Interfered::Killed;
                    running.signal(Signal::KILL);
                } else {
                    std::fs::write(struck.with_extension("go"), "").expect("a file");
                }
            }
            let due = match episode.end {
                End::ByItself => None,
                End::KillAfter(ms) => (began.elapsed() >= Duration::from_millis(ms)).then_some(Signal::KILL),
                End::KillAtCall(number) => (asked >= number).then_some(Signal::KILL),
                End::TermAtRequest(number) => (requests >= number).then_some(Signal::TERM),
            };
            let overdue = (episode.service && began.elapsed() > LONG_ENOUGH).then_some(Signal::TERM);
            if let Some(signal) = due.or(overdue)
                && interfered == Interfered::Not
            {
                interfered = if signal == Signal::KILL { Interfered::Killed } else { Interfered::Told };
                running.signal(signal);
            }
        }
        let over = running.over().await;
        if let Some(hand) = due_by_hand {
            beside = Some(self.start_by_hand(&hand));
        }
        let beside = match beside {
            Some(beside) => Some(beside.over().await),
            None => None,
        };
        (over, beside, interfered)
    }

    /// Beside a pass: it waits for its turn.
    fn start_by_hand(&self, hand: &ByHand) -> Running {
        let args = Stage::by_hand(hand);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        Running::start(command(&self.ground.binary, self.dir.path(), &self.env(None, false), &args))
    }

    /// Everything is well from here on: brakes are lifted, one pass brings the rest, the next does nothing.
    async fn quiet_end(&mut self) {
        for _ in 0..DRAINING {
            let _ = wire::list(self.server.addr(), Account::DEFAULT_APPID, Account::DEFAULT_SECRET).await;
        }
        for pass in 0..LAST_PASSES {
            self.say(&["resume", "--why", "campaign: the end"]).await;
            let brakes = self.lives.last().map_or(0, |lived| lived.brakes);
            self.last_pass(false).await;
            if self.lives.last().is_some_and(|lived| lived.brakes == brakes) {
                break;
            }
            if pass + 1 == LAST_PASSES {
                self.violations
                    .push("(4) the brake is pulled again and again, though nothing is wrong any more".to_owned());
            }
        }
        let before = (self.witness.seen().len(), log::read(&self.database()).await.rows.len());
        self.last_pass(true).await;
        let after = (self.witness.seen().len(), log::read(&self.database()).await.rows.len());
        // What a limit of one pass keeps back, the next one does.
        if before != after && self.script.per_pass.is_none() {
            self.violations.push(format!("(4) a second pass was not idle: calls and rows {before:?}, then {after:?}"));
        }
    }

    async fn last_pass(&mut self, idle: bool) {
        self.configure(self.script.last_variant, false);
        self.witness.episode(self.lives.len());
        let lived = self.begin().await;
        let brakes = self.lives.last().map_or(0, |lived| lived.brakes);
        let env = self.env(None, true);
        let over = Running::start(command(&self.ground.binary, self.dir.path(), &env, &["run", "--once"])).over().await;
        let ended = over.ended.clone();
        let err = over.err.clone();
        self.said.push(("a last pass".to_owned(), over));
        self.end(lived).await;
        let braked = self.lives.last().is_some_and(|lived| lived.brakes > brakes);
        if ended != Ended::Exit(0) && (idle || !braked) {
            self.violations.push(format!("(4) a pass that nothing disturbs ended with {ended:?}:\n{}", err.trim()));
        }
    }

    /// No secret and no token anywhere; no words of applicants in what is logged.
    fn grep_secrets(&mut self) {
        let mut secrets = self.witness.tokens();
        secrets.push(Account::DEFAULT_SECRET.to_owned());
        let mut places: Vec<(String, Vec<u8>)> = Vec::new();
        for (what, over) in &self.said {
            places.push((format!("standard output of {what}"), over.out.clone().into_bytes()));
            places.push((format!("standard error of {what}"), over.err.clone().into_bytes()));
        }
        for entry in std::fs::read_dir(self.dir.path().join("state")).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            places.push((name, std::fs::read(entry.path()).unwrap_or_default()));
        }
        for (place, bytes) in &places {
            let holds = |what: &str| bytes.windows(what.len()).any(|window| window == what.as_bytes());
            if secrets.iter().any(|secret| holds(secret)) {
                self.violations.push(format!("secrets: {place} holds a secret"));
            }
            if place.starts_with("standard error") && CANARIES.iter().any(|word| holds(word)) {
                self.violations.push(format!("secrets: {place} holds an applicant's words"));
            }
        }
    }

    async fn evidence(self, one_day: bool) -> Played {
        let addr = self.server.addr();
        let list = |value: Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
        let log = log::read(&self.database()).await;
        let ledger = list(wire::get(addr, "/sandbox/ledger").await, "calls");
        let changes = list(wire::get(addr, "/sandbox/changes").await, "applications");
        let world = wire::get(addr, "/sandbox/world").await;
        let standing = self.world.applications(Account::DEFAULT_APPID).into_iter();
        let standing = standing.map(|a| ((a.appid, a.created_secs.unwrap_or_default()), a.status)).collect();
        if self.ground.keep {
            let lines: Vec<String> = ledger.iter().map(Value::to_string).collect();
            std::fs::write(self.dir.path().join("ledger.jsonl"), lines.join("\n")).expect("a file");
        }
        let Stage { ground, dir, script, arrived, lives, violations, witness, server, .. } = self;
        if ground.keep {
            let _ = dir.keep();
        }
        server.stop().await;
        let seen = witness.seen();
        Played { script, arrived, lives, log, ledger, changes, world, standing, seen, violations, one_day }
    }
}

/// What was done to a process from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interfered {
    Not,
    /// SIGTERM.
    Told,
    /// SIGKILL.
    Killed,
}

/// No fault of this run hides an entry, or what tells it from another.
pub(crate) fn keeps_entries_whole(script: &Script) -> bool {
    let hides = |fault: &String| ["malformed=", "drift=", "cap="].iter().any(|word| fault.contains(word));
    !script.episodes.iter().flat_map(|episode| &episode.faults).any(hides)
}
