//! The life of tokens, without a network.

use super::*;

fn grant(token: &str, expires_in_secs: u64) -> Grant {
    Grant { token: token.into(), expires_in_secs }
}

fn at(start: Instant, secs: u64) -> Instant {
    start + Duration::from_secs(secs)
}

/// `use TOKEN`, `force` or `hopeless`.
fn offer(keeper: &mut Keeper, token: &str, mode: Mode, now: Instant) -> String {
    match keeper.offered(grant(token, 7200), mode, now) {
        Offer::Use(token) => format!("use {}", token.expose()),
        Offer::Force => {
            keeper.forced.push_back(now);
            "force".into()
        }
        Offer::Hopeless => "hopeless".into(),
    }
}

#[test]
fn a_token_is_used_until_shortly_before_its_end() {
    // expires_in, still good at, stale at
    let cases =
        [(7200, 6899, 6900), (345, 258, 259), (400, 299, 300), (1200, 899, 900), (4, 2, 3), (1, 0, 1), (0, 0, 1)];
    for (life, good, stale) in cases {
        let start = Instant::now();
        let mut keeper = Keeper::default();
        keeper.hold("T".to_owned().into(), life, start);
        assert!(keeper.fresh(at(start, good)).is_some(), "{life}");
        assert!(keeper.fresh(at(start, stale)).is_none(), "{life}");
    }
    let mut keeper = Keeper::default();
    let start = Instant::now();
    keeper.hold("T".to_owned().into(), u64::MAX, start);
    assert!(keeper.fresh(at(start, LIFE_SECS_MAX)).is_none());
}

#[test]
fn a_late_rejection_of_an_old_token_costs_no_newer_one() {
    let now = Instant::now();
    let mut keeper = Keeper::default();
    let old = keeper.hold("OLD".to_owned().into(), 7200, now);
    keeper.reject(old.generation, now);
    assert!(keeper.fresh(now).is_none());
    keeper.hold("NEW".to_owned().into(), 7200, now);
    keeper.reject(old.generation, now);
    assert_eq!(keeper.fresh(now).map(|t| t.expose().to_owned()).as_deref(), Some("NEW"));
}

#[test]
fn force_only_when_the_rejected_token_itself_comes_back() {
    let now = Instant::now();
    let mut keeper = Keeper::default();
    let token = keeper.hold("A".to_owned().into(), 7200, now);
    keeper.reject(token.generation, now);
    assert_eq!(offer(&mut keeper, "B", Mode::Normal, now), "use B");

    let token = keeper.fresh(now).expect("B is fresh");
    keeper.reject(token.generation, now);
    assert_eq!(offer(&mut keeper, "B", Mode::Normal, now), "force");
    assert_eq!(offer(&mut keeper, "B", Mode::Force, now), "hopeless");
    assert_eq!(offer(&mut keeper, "C", Mode::Force, now), "use C");
}

#[test]
fn force_is_spaced_and_rare() {
    let start = Instant::now();
    let mut keeper = Keeper::default();
    let mut reject_at = |secs: u64| {
        let now = at(start, secs);
        let token = keeper.hold("A".to_owned().into(), 7200, now);
        keeper.reject(token.generation, now);
        offer(&mut keeper, "A", Mode::Normal, now)
    };
    let day = DAY.as_secs();
    let cases = [
        (0, "force"),
        (59, "hopeless"),
        (60, "force"),
        (1000, "force"),
        (2000, "hopeless"),
        (day - 1, "hopeless"),
        (day, "force"),
        (day + 59, "hopeless"),
        (day + 60, "force"),
        (day + 500, "hopeless"),
    ];
    for (secs, expected) in cases {
        assert_eq!(reject_at(secs), expected, "at {secs} s");
    }
}

#[test]
fn a_rejected_token_gets_another_chance_after_a_rest() {
    let start = Instant::now();
    let mut keeper = Keeper::default();
    let token = keeper.hold("A".to_owned().into(), 7200, start);
    keeper.reject(token.generation, start);
    keeper.forced = [start; FORCES_PER_DAY].into();
    assert_eq!(offer(&mut keeper, "A", Mode::Normal, at(start, 59)), "hopeless");
    assert_eq!(offer(&mut keeper, "A", Mode::Normal, at(start, 60)), "use A");
}
