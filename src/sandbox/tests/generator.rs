//! The same seed makes the same people.

use crate::sandbox::{Application, Mix, Status, generate};
use std::collections::BTreeSet;

const START_SECS: i64 = 1_780_000_000;

fn made(seed: u64) -> Vec<Application> {
    generate(seed, 400, 150, &Mix::default(), START_SECS)
}

#[test]
fn a_seed_decides_everything_relative_to_the_start() {
    assert_eq!(made(7), made(7));
    assert_ne!(made(7), made(8));
    let later = generate(7, 400, 150, &Mix::default(), START_SECS + 1000);
    for (one, other) in made(7).into_iter().zip(later) {
        assert_eq!(one.created_secs.map(|secs| secs + 1000), other.created_secs);
        assert_eq!(Application { created_secs: None, ..one }, Application { created_secs: None, ..other });
    }
}

#[test]
fn numbers_and_times_are_as_asked() {
    let made = made(1);
    let pending: Vec<_> = made.iter().filter(|a| a.status == Status::Pending).collect();
    assert_eq!((made.len(), pending.len()), (400, 150));
    assert_eq!(made.iter().map(|a| &a.appid).collect::<BTreeSet<_>>().len(), 400);
    assert!(made.iter().all(|a| a.appid.len() == 18 && a.appid.starts_with("wx")));
    for application in &made {
        let age = START_SECS - application.created_secs.unwrap();
        let spread = if application.status == Status::TimedOut { 86_401..2_592_000 } else { 60..82_800 };
        assert!(spread.contains(&age), "{:?}: {age} s", application.status);
    }
    let statuses: BTreeSet<Status> = made.iter().map(|a| a.status).collect();
    assert_eq!(statuses.len(), 4);
}

#[test]
fn every_kind_is_there() {
    let made = made(1);
    let some = |what: &str, test: &dyn Fn(&Application) -> bool| assert!(made.iter().any(test), "no {what}");
    some("English one", &|a| a.reason.is_ascii() && a.reason.len() > 30);
    some("too short one", &|a| a.reason.chars().count() < 4);
    some("contact", &|a| a.reason.contains("QQ") || a.reason.contains("vx") || a.reason.contains("加微信"));
    some("plain spam", &|a| ["博彩", "刷单", "返利"].iter().any(|word| a.reason.contains(word)));
    some("disguised spam", &|a| a.reason.contains('\u{200b}') || a.reason.contains("賭博") || a.reason.contains("ｂ"));
    some("missing field", &|a| a.sent_as.values().any(Option::is_none));
    some("null field", &|a| a.sent_as.values().flatten().any(serde_json::Value::is_null));
    let chinese = made.iter().filter(|a| !a.reason.is_ascii()).count();
    assert!(chinese > made.len() / 2, "{chinese} of {}", made.len());
}

#[test]
fn a_mix_of_one_kind_is_that_kind() {
    let only = |mix: Mix| generate(3, 50, 50, &mix, START_SECS);
    let none = Mix { english: 0.0, too_short: 0.0, contact: 0.0, spam: 0.0, disguised: 0.0, odd: 0.0, approved: 0.0 };
    assert!(only(Mix { english: 1.0, ..none }).iter().all(|a| a.nickname.is_ascii()));
    assert!(only(Mix { odd: 1.0, ..none }).iter().any(|a| !a.sent_as.is_empty()));
    assert!(only(none).iter().all(|a| a.sent_as.is_empty() && a.reason.chars().count() > 8));
}
