//! What one run does: everything that is drawn by lot, from its seed alone.

use super::rules::{self, Traits};
use fastrand::Rng;

/// Every fault point, in the order a pass meets them.
pub(crate) const POINTS: [&str; 26] = [
    "decide.read",
    "settle.decided",
    "settle.recorded",
    "decide.planned",
    "record.commit",
    "record.committed",
    "verify.confronted",
    "intend.commit",
    "intend.committed",
    "call.ready",
    "call.answered",
    "call.taken",
    "answer.commit",
    "answer.committed",
    "verify.begun",
    "verify.read",
    "verify.settled",
    "verify.proven",
    "verify.proof-recorded",
    "brake.commit",
    "brake.committed",
    "pass.over",
    // Those met most often, again: the moments around a call matter most.
    "call.ready",
    "call.answered",
    "intend.committed",
    "answer.commit",
];

/// How a point strikes.
pub(crate) const KINDS: [&str; 4] = ["kill", "abort", "panic", "hang"];

/// An application, as it arrives.
#[derive(Debug, Clone)]
pub(crate) struct Newcomer {
    pub(crate) appid: String,
    pub(crate) age_secs: i64,
    pub(crate) traits: Traits,
    /// How it is malformed, if it is.
    pub(crate) wrong: usize,
    /// Sent without a create_time.
    pub(crate) ageless: bool,
}

/// What somebody else does.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    Agrees(usize),
    Refuses(usize),
    Withdraws(usize),
    /// Another application, or the same applicant again.
    Arrives(Newcomer),
    Advances(u64),
    /// `menshen pause`, for all or one action.
    Pauses(Option<&'static str>),
    Resumes,
}

/// A fault point, armed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arm {
    pub(crate) point: &'static str,
    pub(crate) nth: u64,
    pub(crate) kind: &'static str,
    /// For a point that hangs: killed there, or let go on.
    pub(crate) then_kill: bool,
}

/// How a process is ended, if it does not end by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    ByItself,
    /// SIGKILL after so many milliseconds.
    KillAfter(u64),
    /// SIGKILL when so many changes were asked for.
    KillAtCall(u64),
    /// SIGTERM when so many requests were made.
    TermAtRequest(u64),
}

/// A person decides at the command line, by the same way as a pass.
#[derive(Debug, Clone)]
pub(crate) struct ByHand {
    pub(crate) verdict: &'static str,
    pub(crate) appid: String,
    /// `menshen review`, instead of `menshen api`.
    pub(crate) review: bool,
    /// Beside a pass, when so many requests were made; else it is the process that lives this life.
    pub(crate) beside: Option<u64>,
}

/// One life of a process, and what happens around it.
#[derive(Debug, Clone)]
pub(crate) struct Episode {
    pub(crate) variant: usize,
    pub(crate) shadow: bool,
    /// `run` with a tick every second, instead of `run --once`.
    pub(crate) service: bool,
    pub(crate) hand: Option<ByHand>,
    /// For a service: other rules, and SIGHUP, when so many requests were made.
    pub(crate) reload: Option<(u64, usize)>,
    pub(crate) faults: Vec<String>,
    pub(crate) arm: Option<Arm>,
    pub(crate) end: End,
    pub(crate) before: Vec<Deed>,
    /// Done when so many requests were made, or while a point hangs.
    pub(crate) during: Vec<(u64, Deed)>,
}

/// A whole run.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) seed: u64,
    pub(crate) applicants: Vec<Newcomer>,
    pub(crate) order: usize,
    pub(crate) num_cap: u32,
    pub(crate) page_size: u32,
    pub(crate) in_flight: u32,
    pub(crate) agree_per_day: Option<u32>,
    pub(crate) refuse_per_day: Option<u32>,
    pub(crate) per_pass: Option<u32>,
    pub(crate) episodes: Vec<Episode>,
    pub(crate) last_variant: usize,
}

const ON_CHANGES: [&str; 23] = [
    "lost",
    "lost-after",
    "reset",
    "reset-after",
    "hang",
    "hang-after",
    "http=502",
    "http-after=502",
    "html-after",
    "empty-after",
    "truncated",
    "busy",
    "busy-after",
    "errcode=48001",
    "errcode=45009",
    "overtaken",
    "withdrawn",
    "lag=2",
    "lag=9",
    "slow=60",
    "token-dies",
    "content-type=text/html",
    "huge-after=200000",
];
const ON_LISTS: [&str; 17] = [
    "lost",
    "reset",
    "hang",
    "http=502",
    "html",
    "empty",
    "truncated",
    "busy",
    "token-dies",
    "slow=60",
    "camel-case",
    "arrives=1",
    "errcode=45009",
    "content-type=text/plain",
    "null-list",
    "no-list",
    "repeat-page=1",
];
/// These hide entries or what tells them apart; not in runs with two applications of one applicant.
const DISTORTING: [&str; 12] = [
    "cap=2",
    "drift=1",
    "drift=-1",
    "malformed=status-string",
    "malformed=status-missing",
    "malformed=appid-missing",
    "malformed=entry-string",
    "malformed=create-time-missing",
    "malformed=reason-object/2",
    "malformed=categories-null/2",
    "malformed=nickname-number/3",
    "malformed=status-unknown/3",
];
const ON_TOKENS: [&str; 4] = ["lost", "http=500", "busy", "hang"];
const LIES: [&str; 4] = ["hits=none", "hits=other", "hits=oldest", "hits=all"];

impl Script {
    /// The run of this seed.
    pub(crate) fn of(seed: u64) -> Script {
        let mut lot = Rng::with_seed(seed ^ 0x6361_6d70_6169_676e);
        let twins = lot.u8(..10) < 3;
        let mut applicants: Vec<Newcomer> =
            (0..lot.usize(4..12)).map(|n| newcomer(&mut lot, &format!("wx-{n:02}"))).collect();
        if twins {
            let mut twin = newcomer(&mut lot, "wx-00");
            twin.age_secs = applicants[0].age_secs + 7;
            twin.ageless = false;
            applicants[0].ageless = false;
            applicants.push(twin);
        }
        let some =
            |lot: &mut Rng, percent, range: std::ops::Range<u32>| (lot.u8(..100) < percent).then(|| lot.u32(range));
        let mut script = Script {
            seed,
            order: lot.usize(..5),
            num_cap: [50, 50, 7, 3][lot.usize(..4)],
            page_size: [50, 20, 5, 3][lot.usize(..4)],
            in_flight: [1, 2, 4, 8][lot.usize(..4)],
            agree_per_day: some(&mut lot, 40, 1..5),
            refuse_per_day: some(&mut lot, 25, 1..4),
            per_pass: some(&mut lot, 15, 1..6),
            episodes: Vec::new(),
            last_variant: 0,
            applicants,
        };
        script.episodes = episodes(&mut lot, seed, script.applicants.len(), !twins);
        script.last_variant =
            if lot.bool() { lot.usize(..rules::VARIANTS) } else { script.episodes.last().map_or(0, |e| e.variant) };
        let by_hand = by_hand(seed, script.applicants.len(), !twins);
        script.episodes.extend(by_hand);
        script
    }
}

fn newcomer(lot: &mut Rng, appid: &str) -> Newcomer {
    let traits = Traits {
        gambling: lot.u8(..10) < 3,
        partner: lot.u8(..10) < 2,
        trade: [Some(true), Some(true), Some(true), Some(true), Some(false), None][lot.usize(..6)],
        malformed: lot.u8(..20) == 0,
    };
    let age_secs = if lot.u8(..8) == 0 { 86_400 - 2_000 } else { lot.i64(60..50_000) };
    Newcomer { appid: appid.to_owned(), age_secs, traits, wrong: lot.usize(..4), ageless: lot.u8(..15) == 0 }
}

/// The points and kinds are walked through by the seed, so that a row of runs meets each of them.
fn episodes(lot: &mut Rng, seed: u64, applicants: usize, distorting: bool) -> Vec<Episode> {
    let turn = usize::try_from(seed).unwrap_or(usize::MAX) % (POINTS.len() * KINDS.len());
    let (point, kind) = (POINTS[turn / KINDS.len()], KINDS[turn % KINDS.len()]);
    let mut variant = lot.usize(..rules::VARIANTS);
    let mut all = Vec::new();
    let armed = |lot: &mut Rng, nth| Some(Arm { point, nth, kind, then_kill: lot.bool() });
    // What the point needs to be met at all.
    if point.starts_with("settle.") {
        let mut crash = quiet(variant);
        crash.arm = Some(Arm {
            point: ["call.ready", "intend.committed", "call.answered"][lot.usize(..3)],
            nth: 1,
            kind: "kill",
            then_kill: true,
        });
        all.push(crash);
    }
    if point == "verify.confronted" {
        let mut crash = quiet(variant);
        crash.faults = vec!["dev_agree:hits=none:1".to_owned(), "dev_refuse:hits=none:1".to_owned()];
        crash.arm = Some(Arm { point: "verify.begun", nth: 1, kind: "kill", then_kill: true });
        all.push(crash);
    }
    let mut first = quiet(variant);
    let often = ["call.", "answer.", "intend."].iter().any(|phase| point.starts_with(phase));
    let nth = if often { lot.u64(1..3) } else { 1 };
    first.arm = armed(lot, nth);
    if point.starts_with("brake.") {
        first.faults = vec!["dev_agree:hits=none:1".to_owned(), "dev_refuse:hits=none:1".to_owned()];
    } else if !point.starts_with("verify.") && !point.starts_with("settle.") {
        first.faults = faults(lot, distorting, 2);
    }
    first.during = during(lot, applicants, 1);
    all.push(first);
    for _ in 0..lot.usize(1..4) {
        if lot.u8(..10) < 4 {
            variant = lot.usize(..rules::VARIANTS);
        }
        let mut one =
            Episode { before: deeds(lot, applicants, 2), during: during(lot, applicants, 2), ..quiet(variant) };
        match lot.u8(..20) {
            0..=2 => {
                one.faults = vec![format!("{}:{}:1", ["dev_agree", "dev_refuse"][lot.usize(..2)], LIES[lot.usize(..4)])]
            }
            3..=9 => {
                one.faults = faults(lot, distorting, 3);
                one.arm = Some(Arm {
                    point: POINTS[lot.usize(..POINTS.len())],
                    nth: lot.u64(1..4),
                    kind: KINDS[lot.usize(..4)],
                    then_kill: lot.bool(),
                });
            }
            10..=12 => (one.faults, one.end) = (faults(lot, distorting, 2), End::KillAfter(lot.u64(15..250))),
            13..=15 => (one.faults, one.end) = (faults(lot, distorting, 2), End::KillAtCall(lot.u64(1..5))),
            16 => (one.faults, one.end) = (faults(lot, distorting, 2), End::TermAtRequest(lot.u64(2..12))),
            17 => one = service(lot, one, distorting),
            _ => one.faults = faults(lot, distorting, 5),
        }
        one.shadow = lot.u8(..100) < 6;
        all.push(one);
    }
    all
}

/// People at the command line, last: drawn apart, so that what a seed does before them never changed.
fn by_hand(seed: u64, applicants: usize, distorting: bool) -> Vec<Episode> {
    let lot = &mut Rng::with_seed(seed ^ 0x6279_2068_616e_6400);
    let lives = [0, 0, 1, 2][lot.usize(..4)];
    (0..lives).map(|_| one_by_hand(lot, applicants, distorting)).collect()
}

fn one_by_hand(lot: &mut Rng, applicants: usize, distorting: bool) -> Episode {
    let mut one = quiet(lot.usize(..rules::VARIANTS));
    one.before = deeds(lot, applicants, 2);
    let fresh = format!("wx-hand-{}", lot.u32(..));
    one.before.push(Deed::Arrives(newcomer(lot, &fresh)));
    let beside = lot.bool().then(|| lot.u64(..6));
    let verdict = ["agree", "refuse"][lot.usize(..2)];
    let appid = if lot.bool() { fresh } else { format!("wx-{:02}", lot.usize(..applicants)) };
    one.hand = Some(ByHand { verdict, appid, review: lot.bool(), beside });
    match lot.u8(..8) {
        0 => one.end = End::KillAfter(lot.u64(15..250)),
        1 => one.end = End::KillAtCall(1),
        2..=3 => {
            let (point, kind) = (POINTS[lot.usize(..POINTS.len())], KINDS[lot.usize(..KINDS.len())]);
            one.arm = Some(Arm { point, nth: 1, kind, then_kill: lot.bool() });
        }
        4 if beside.is_none() => one.faults = vec![format!("dev_{verdict}:{}:1", LIES[lot.usize(..4)])],
        _ => one.faults = faults(lot, distorting, 2),
    }
    one
}

/// A service that works for some ticks.
fn service(lot: &mut Rng, one: Episode, distorting: bool) -> Episode {
    let end = if lot.bool() { End::TermAtRequest(lot.u64(8..25)) } else { End::KillAfter(lot.u64(900..2_500)) };
    let reload = lot.bool().then(|| (lot.u64(2..8), lot.usize(..rules::VARIANTS)));
    Episode { service: true, reload, faults: faults(lot, distorting, 2), end, ..one }
}

fn quiet(variant: usize) -> Episode {
    Episode {
        variant,
        shadow: false,
        service: false,
        hand: None,
        reload: None,
        faults: Vec::new(),
        arm: None,
        end: End::ByItself,
        before: Vec::new(),
        during: Vec::new(),
    }
}

fn faults(lot: &mut Rng, distorting: bool, most: usize) -> Vec<String> {
    (0..=lot.usize(..most)).map(|_| fault(lot, distorting)).collect()
}

fn fault(lot: &mut Rng, distorting: bool) -> String {
    let when = ["1", "1", "2", "#2", "#3", "every/3", "p=0.3", "p=0.6"][lot.usize(..8)];
    let effect = match lot.u8(..20) {
        0..=10 => {
            format!("{}:{}", ["dev_agree", "dev_refuse"][lot.usize(..2)], ON_CHANGES[lot.usize(..ON_CHANGES.len())])
        }
        11..=15 => format!("dev_apply_list:{}", ON_LISTS[lot.usize(..ON_LISTS.len())]),
        16..=18 if distorting => format!("dev_apply_list:{}", DISTORTING[lot.usize(..DISTORTING.len())]),
        16..=18 => format!("*:{}", ["lost", "reset", "http=502", "slow=40", "busy"][lot.usize(..5)]),
        _ => format!("stable_token:{}", ON_TOKENS[lot.usize(..ON_TOKENS.len())]),
    };
    format!("{effect}:{when}")
}

fn deeds(lot: &mut Rng, applicants: usize, most: usize) -> Vec<Deed> {
    (0..lot.usize(..=most)).map(|_| deed(lot, applicants, true)).collect()
}

fn during(lot: &mut Rng, applicants: usize, most: usize) -> Vec<(u64, Deed)> {
    (0..lot.usize(..=most)).map(|_| (lot.u64(1..8), deed(lot, applicants, false))).collect()
}

fn deed(lot: &mut Rng, applicants: usize, between: bool) -> Deed {
    let whom = lot.usize(..applicants);
    match lot.u8(..if between { 17 } else { 13 }) {
        0..=2 => Deed::Agrees(whom),
        3..=4 => Deed::Refuses(whom),
        5..=6 => Deed::Withdraws(whom),
        7..=8 => Deed::Advances([600, 2_500, 3_700][lot.usize(..3)]),
        9..=10 => {
            let appid = format!("wx-new-{}", lot.u32(..));
            Deed::Arrives(newcomer(lot, &appid))
        }
        // The same applicant again: anew if it was decided, a second one if it was not.
        11..=12 if between => {
            let again = newcomer(lot, &format!("wx-{whom:02}"));
            Deed::Arrives(Newcomer { age_secs: again.age_secs % 50, ageless: false, ..again })
        }
        13..=14 => Deed::Pauses([None, Some("agree"), Some("refuse")][lot.usize(..3)]),
        15..=16 => Deed::Resumes,
        _ => Deed::Advances(30),
    }
}
