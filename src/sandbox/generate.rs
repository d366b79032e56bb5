//! Plausible applications from a seed: mostly Chinese, some English, mostly honest, some not, a few odd on the wire.
//!
//! Promises that the same seed and numbers give the same applications, relative to the start of the world, and
//! that no appid has two pending ones.

use super::application::{Application, Status};
use super::corpus::{
    BRANDS, CONTACTS, DISGUISES, ENGLISH_NAMES, ENGLISH_REASONS, OPENINGS, PLACES, SPAM, SPAM_NAMES, TOO_SHORT, TRADES,
    Trade, WISHES,
};
use fastrand::Rng;
use serde_json::{Value, json};

/// Live applications are spread over this time before the start, so that none has timed out yet.
const SPREAD_SECS: i64 = 23 * 3600;
/// How long ago the eldest of the timed-out ones was made.
const ELDEST_SECS: i64 = 30 * 24 * 3600;
const DAY_SECS: i64 = 24 * 3600;

/// What kinds of applications there are, as shares of 1. What is left over is ordinary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mix {
    /// Written in English (names and reasons).
    pub english: f64,
    /// A reason of a few characters.
    pub too_short: f64,
    /// Contact details in the reason.
    pub contact: f64,
    /// Gambling, loans, rebates and the like, in plain words.
    pub spam: f64,
    /// The same with zero-width, full-width or traditional letters, or spaces.
    pub disguised: f64,
    /// On top of any kind: a field missing, null or empty, as WeChat might send it.
    pub odd: f64,
    /// Of those that are not pending: approved ones; the rest is refused and timed out, half and half.
    pub approved: f64,
}

impl Default for Mix {
    fn default() -> Mix {
        Mix { english: 0.1, too_short: 0.08, contact: 0.08, spam: 0.1, disguised: 0.05, odd: 0.04, approved: 0.6 }
    }
}

/// Makes `count` applications, `pending` of them pending, made before `start_secs` (Unix seconds). In no order.
///
/// Pending, approved and refused ones are from the last 23 hours, timed-out ones older than a day.
pub fn generate(seed: u64, count: usize, pending: usize, mix: &Mix, start_secs: i64) -> Vec<Application> {
    let mut rng = Rng::with_seed(seed);
    let mut applications: Vec<Application> = (0..count).map(|place| one(&mut rng, place, mix, start_secs)).collect();
    for (place, application) in applications.iter_mut().enumerate() {
        let status = if place < pending { Status::Pending } else { settled(&mut rng, mix) };
        application.status = status;
        if status == Status::TimedOut {
            let age_secs = rng.i64(DAY_SECS + 1..ELDEST_SECS);
            application.created_secs = Some(start_secs - age_secs);
        }
    }
    rng.shuffle(&mut applications);
    applications
}

/// One ordinary, spammy or odd application; `place` keeps appids apart.
pub(super) fn one(rng: &mut Rng, place: usize, mix: &Mix, start_secs: i64) -> Application {
    let appid = format!("wx{:08x}{:08x}", rng.u32(..), place);
    let created_secs = start_secs - rng.i64(60..SPREAD_SECS);
    let application = words(rng, mix, Application::new(appid).created_at(created_secs));
    if rng.f64() < mix.odd { odd(rng, application) } else { application }
}

fn settled(rng: &mut Rng, mix: &Mix) -> Status {
    match (rng.f64() < mix.approved, rng.bool()) {
        (true, _) => Status::Approved,
        (false, true) => Status::Refused,
        (false, false) => Status::TimedOut,
    }
}

fn words(rng: &mut Rng, mix: &Mix, application: Application) -> Application {
    let trade = pick(rng, TRADES);
    let categories = categories(rng, trade);
    let application = application.categories(categories).nickname(chinese_name(rng, trade));
    let mut draw = rng.f64();
    let mut falls = |share: f64| {
        let hit = (0.0..share).contains(&draw);
        draw -= share;
        hit
    };
    if falls(mix.english) {
        let name = format!("{} {}", pick(rng, ENGLISH_NAMES), rng.u8(2..99));
        application.nickname(name).reason(*pick(rng, ENGLISH_REASONS))
    } else if falls(mix.too_short) {
        application.reason(*pick(rng, TOO_SHORT))
    } else if falls(mix.contact) {
        let reason = contact(rng);
        application.reason(reason)
    } else if falls(mix.spam) {
        application.nickname(spam_name(rng)).reason(*pick(rng, SPAM))
    } else if falls(mix.disguised) {
        application.nickname(spam_name(rng)).reason(*pick(rng, DISGUISES))
    } else {
        let reason = ordinary(rng, trade, &application.nickname);
        application.reason(reason)
    }
}

fn categories(rng: &mut Rng, trade: &Trade) -> Vec<(&'static str, &'static str)> {
    let mut categories = vec![*pick(rng, trade.categories)];
    if rng.f64() < 0.25 {
        let other = *pick(rng, trade.categories);
        categories.extend((!categories.contains(&other)).then_some(other));
    }
    if rng.f64() < 0.1 {
        let unrelated = pick(rng, TRADES).categories;
        categories.push(*pick(rng, unrelated));
        categories.dedup();
    }
    categories
}

fn chinese_name(rng: &mut Rng, trade: &Trade) -> String {
    let (place, brand, name) = (pick(rng, PLACES), pick(rng, BRANDS), pick(rng, trade.names));
    match rng.u8(0..4) {
        0 => format!("{place}{brand}{name}"),
        1 => format!("{brand}{name}{}店", pick(rng, PLACES)),
        2 => format!("{brand}·{name}"),
        _ => format!("{brand}{name}"),
    }
}

fn spam_name(rng: &mut Rng) -> String {
    format!("{}{}", pick(rng, SPAM_NAMES), rng.u16(10..1000))
}

fn ordinary(rng: &mut Rng, trade: &Trade, name: &str) -> String {
    let text = format!("{}{}", pick(rng, OPENINGS), pick(rng, WISHES));
    let (place, need) = (*pick(rng, PLACES), *pick(rng, trade.needs));
    text.replace("{place}", place).replace("{name}", name).replace("{need}", need)
}

fn contact(rng: &mut Rng) -> String {
    let handle: String = (0..7).map(|_| rng.lowercase()).collect();
    let text = pick(rng, CONTACTS).replace("{handle}", &handle);
    // Numbers nobody has: no such prefix was ever given out.
    let text = text.replace("{phone}", &format!("100{:08}", rng.u32(0..99_999_999)));
    text.replace("{digits}", &format!("10{:06}", rng.u32(0..999_999)))
}

/// What WeChat might plausibly send instead of a documented field.
fn odd(rng: &mut Rng, application: Application) -> Application {
    match rng.u8(0..9) {
        0 => application.without("reason"),
        1 => application.sent_as("reason", Value::Null),
        2 => application.reason(""),
        3 => application.sent_as("headimgurl", json!("")),
        4 => application.without("apply_url"),
        5 => application.without("categories"),
        6 => application.sent_as("categories", json!([])),
        7 => application.sent_as("nickname", Value::Null),
        _ => {
            let first = application.categories[0].0.clone();
            application.sent_as("categories", json!([{ "first": first, "second": null }]))
        }
    }
}

fn pick<'a, T>(rng: &mut Rng, choices: &'a [T]) -> &'a T {
    &choices[rng.usize(..choices.len())]
}
