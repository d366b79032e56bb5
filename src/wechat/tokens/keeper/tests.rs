//! The life of tokens, without a network.

use super::*;

fn keeper() -> Keeper {
    Keeper::new("access_token")
}

fn hold(keeper: &mut Keeper, token: &str, life_secs: u64, now: Instant) -> Token {
    keeper.hold(token.to_owned().into(), Life::Lives(life_secs), now)
}

fn at(start: Instant, secs: u64) -> Instant {
    start + Duration::from_secs(secs)
}

/// `use TOKEN`, `force` or `hopeless`.
fn offer(keeper: &mut Keeper, token: &str, mode: Mode, now: Instant) -> String {
    match keeper.offered(token.into(), 7200, mode, now) {
        Offer::Use(token) => format!("use {}", token.expose()),
        Offer::Force => {
            keeper.force(now);
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
        let mut keeper = keeper();
        hold(&mut keeper, "T", life, start);
        assert!(keeper.fresh(at(start, good)).is_some(), "{life}");
        assert!(keeper.fresh(at(start, stale)).is_none(), "{life}");
    }
    let mut keeper = keeper();
    let start = Instant::now();
    hold(&mut keeper, "T", u64::MAX, start);
    assert!(keeper.fresh(at(start, LIFE_SECS_MAX)).is_none());
}

#[test]
fn a_late_rejection_of_an_old_token_costs_no_newer_one() {
    let now = Instant::now();
    let mut keeper = keeper();
    let old = hold(&mut keeper, "OLD", 7200, now);
    keeper.reject(&old, now);
    assert!(keeper.fresh(now).is_none());
    hold(&mut keeper, "NEW", 7200, now);
    keeper.reject(&old, now);
    assert_eq!(keeper.fresh(now).map(|t| t.expose().to_owned()).as_deref(), Some("NEW"));
}

#[test]
fn force_only_when_the_rejected_token_itself_comes_back() {
    let now = Instant::now();
    let mut keeper = keeper();
    let token = hold(&mut keeper, "A", 7200, now);
    keeper.reject(&token, now);
    assert_eq!(offer(&mut keeper, "B", Mode::Normal, now), "use B");

    let token = keeper.fresh(now).expect("B is fresh");
    keeper.reject(&token, now);
    assert_eq!(offer(&mut keeper, "B", Mode::Normal, now), "force");
    assert_eq!(offer(&mut keeper, "B", Mode::Force, now), "hopeless");
    assert_eq!(offer(&mut keeper, "C", Mode::Force, now), "use C");
}

#[test]
fn force_is_spaced_and_rare() {
    let start = Instant::now();
    let mut keeper = keeper();
    let mut reject_at = |secs: u64| {
        let now = at(start, secs);
        let token = hold(&mut keeper, "A", 7200, now);
        keeper.reject(&token, now);
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
    let mut keeper = keeper();
    let token = hold(&mut keeper, "A", 7200, start);
    keeper.reject(&token, start);
    keeper.forced = [start; FORCES_PER_DAY].into();
    assert_eq!(offer(&mut keeper, "A", Mode::Normal, at(start, 59)), "hopeless");
    assert_eq!(offer(&mut keeper, "A", Mode::Normal, at(start, 60)), "use A");
}

#[test]
fn who_dies_early_twice_keeps_out_for_a_while() {
    let start = Instant::now();
    let mut keeper = keeper();
    let mut dies_at = |secs: u64, life: u64| {
        let now = at(start, secs);
        let token = hold(&mut keeper, &format!("T{secs}"), 7200, at(start, secs - life));
        keeper.reject(&token, now);
        keeper.fight(now).map(|rest| rest.as_secs())
    };
    let hour = 3600;
    let cases = [
        (hour, 60, None),
        (hour + 60, 60, Some(300)),
        (hour + 400, 300, Some(600)),
        (2 * hour, 300, Some(1200)),
        (3 * hour, 300, Some(2400)),
        (4 * hour, 300, Some(4800)),
        (5 * hour, 300, Some(4800)),
        // Forgotten after four quiet hours.
        (10 * hour, 300, None),
        (10 * hour + 10, 5, Some(300)),
        // A token that lived its whole life is no early death.
        (20 * hour, 7200, None),
        (20 * hour + 1, 7200, None),
    ];
    for (secs, life, rest) in cases {
        if life < 7200 {
            assert_eq!(dies_at(secs, life), rest, "at {secs} s");
        } else {
            dies_at(secs, life);
        }
    }
    assert!(keeper.fight(at(start, 20 * hour + 2)).is_none());
}

#[test]
fn a_rest_from_a_fight_ends() {
    let start = Instant::now();
    let mut keeper = keeper();
    for secs in [10, 20] {
        let token = hold(&mut keeper, &format!("T{secs}"), 7200, start);
        keeper.reject(&token, at(start, secs));
    }
    assert_eq!(keeper.fight(at(start, 20)), Some(Duration::from_secs(300)));
    assert_eq!(keeper.fight(at(start, 319)), Some(Duration::from_secs(1)));
    assert_eq!(keeper.fight(at(start, 320)), None);
}

#[test]
fn the_same_token_read_again_is_the_same_token() {
    let start = Instant::now();
    let mut keeper = keeper();
    let life = Life::Kept { use_for: Duration::ZERO, expires_in_secs: None };
    let Offer::Use(first) = keeper.taken("A".into(), life, start) else { panic!("nothing was rejected") };
    let Offer::Use(_) = keeper.taken("A".into(), life, at(start, 1)) else { panic!("nothing was rejected") };
    assert!(keeper.fresh(at(start, 1)).is_none(), "read for every call");
    assert_eq!(keeper.times(at(start, 2)), Some(Times { age: Duration::from_secs(2), remaining: None }));
    keeper.reject(&first, at(start, 2));
    assert!(matches!(keeper.taken("A".into(), life, at(start, 3)), Offer::Hopeless), "never forced");
    assert!(matches!(keeper.taken("B".into(), life, at(start, 3)), Offer::Use(_)));
    assert!(matches!(keeper.taken("A".into(), life, at(start, 62)), Offer::Use(_)), "after a rest");
}

#[test]
fn a_token_kept_by_others_is_read_again_in_time() {
    // used for, expires_in, read again after
    let cases =
        [(300, None, 300), (300, Some(7200), 300), (300, Some(200), 150), (0, Some(7200), 0), (7200, Some(7200), 6900)];
    for (use_for, expires_in_secs, stale) in cases {
        let start = Instant::now();
        let mut keeper = keeper();
        let life = Life::Kept { use_for: Duration::from_secs(use_for), expires_in_secs };
        assert!(matches!(keeper.taken("A".into(), life, start), Offer::Use(_)));
        assert!(keeper.fresh(at(start, stale)).is_none(), "{use_for} {expires_in_secs:?}");
        assert!(stale == 0 || keeper.fresh(at(start, stale - 1)).is_some(), "{use_for} {expires_in_secs:?}");
    }
}
