//! The file's shape, its accidents, and when an account is overdue.

use super::sheet::{AccountSheet, Kind, Sheet, Writer, replace};
use super::*;
use crate::service::report::{PassReport, Trouble};
use crate::wechat::Quota;
use std::os::unix::fs::PermissionsExt;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("an instant")
}

fn writer() -> Writer {
    Writer { version: "0.1.0".to_owned(), pid: 17, started_at: at(0), kind: Kind::Service, mode: Mode::Live }
}

fn account(name: &str, ruleset: &str) -> AccountSheet {
    AccountSheet::new(name, AppId::new(format!("wx-{name}")), ruleset, at(0))
}

fn report(account: &str, second: i64) -> PassReport {
    PassReport {
        account: account.to_owned(),
        pass: format!("pass-{second}"),
        started: at(second),
        took_ms: 2_000,
        complete: true,
        pending: 9,
        undecided: 3,
        urgent: 1,
        oldest: Some(at(-3_600)),
        ..PassReport::default()
    }
}

/// Whoever reads it with another program relies on this.
#[test]
fn the_file_looks_like_this() {
    let mut sheet = Sheet::begin(writer(), vec![account("express", "9f86")], None);
    sheet.next_tick = Some(at(120));
    sheet.hear(&report("express", 10));
    let trouble = |during, errcode| Trouble { during, errcode, message: "an applicant's 博彩".to_owned(), rid: None };
    let troubles = vec![trouble("list", Some(45009)), trouble("record", None)];
    sheet.hear(&PassReport { complete: false, troubles, ..report("express", 130) });
    let quota = Quota { daily_limit: Some(5_000), used: Some(20), remain: Some(4_980), ..Quota::default() };
    sheet.hear_quota(&AppId::new("wx-express"), at(12), Some(quota));
    let expected = concat!(
        r#"{"menshen_status":1,"writer":{"version":"0.1.0","pid":17,"started_at":"2027-01-15T08:00:00Z","kind":"service","mode":"live"},"#,
        r#""written_at":"2027-01-15T08:00:00Z","next_tick":"2027-01-15T08:02:00Z","accounts":[{"name":"express","appid":"wx-express","#,
        r#""known_since":"2027-01-15T08:00:00Z","ruleset":"9f86","ruleset_since":null,"#,
        r#""last_pass":{"pass":"pass-130","ended_at":"2027-01-15T08:02:12Z","complete":false,"failed":0,"unreadable":0,"#,
        r#""troubles":[{"during":"list","errcode":45009},{"during":"record","errcode":null}]},"#,
        r#""last_complete":{"pass":"pass-10","ended_at":"2027-01-15T08:00:12Z","took_ms":2000,"pending":3,"oldest":"2027-01-15T07:00:00Z","urgent":1},"#,
        r#""quota":{"asked_at":"2027-01-15T08:00:12Z","daily_limit":5000,"used":20,"remain":4980}}]}"#,
        "\n"
    );
    assert_eq!(String::from_utf8(sheet.text(at(0))).expect("UTF-8"), expected);
}

/// It is read, or said to be unusable; no bytes are a panic.
#[test]
fn a_torn_foreign_or_newer_file_is_said() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    assert!(matches!(Sheet::read(dir.path()), Ok(None)));
    let mut sheet = Sheet::begin(writer(), vec![account("某店", "9f86")], None);
    sheet.hear(&report("某店", 10));
    let whole = sheet.text(at(20));
    replace(dir.path(), &whole).expect("written");
    assert_eq!(Sheet::read(dir.path()).expect("whole").expect("there"), sheet);
    let mode = std::fs::metadata(dir.path().join("menshen.status")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    let file = dir.path().join("menshen.status");
    for end in 0..whole.len() - 2 {
        std::fs::write(&file, &whole[..end]).expect("our own");
        assert!(matches!(Sheet::read(dir.path()), Err(SheetError::NotOurs(_))), "cut at {end}");
    }
    let text = String::from_utf8(whole).expect("UTF-8");
    for (bytes, expected) in [
        ("{}".to_owned(), "is torn, or no status of menshen"),
        ("[]".to_owned(), "is torn, or no status of menshen"),
        ("\u{0}".to_owned(), "is torn, or no status of menshen"),
        (
            text.replace("\"menshen_status\":1", "\"menshen_status\":2"),
            "was written by a newer menshen (its shape is 2",
        ),
        (text.replace("\"pid\":17", "\"pid\":\"x\""), "is torn, or no status of menshen"),
    ] {
        std::fs::write(&file, &bytes).expect("our own");
        let said = Sheet::read(dir.path()).expect_err(&bytes).to_string();
        assert!(said.contains(expected), "{bytes}: {said}");
    }
    std::fs::write(&file, text.replace("\"pid\":17", "\"pid\":17,\"more\":[]")).expect("our own");
    Sheet::read(dir.path()).expect("a field that is new is no new shape");
    std::fs::remove_file(&file).expect("our own");
    std::os::unix::fs::symlink("/etc/passwd", &file).expect("a link");
    assert!(matches!(Sheet::read(dir.path()), Err(SheetError::Unreadable { .. })), "no link is followed");
}

#[test]
fn a_restart_and_a_reload_keep_what_is_known() {
    let mut first = Sheet::begin(writer(), vec![account("a", "one"), account("b", "one")], None);
    first.hear(&report("a", 10));
    let later = AccountSheet { known_since: at(900), ..account("a", "one") };
    let changed = AccountSheet { known_since: at(900), ..account("b", "two") };
    let started = Writer { started_at: at(900), ..writer() };
    let second = Sheet::begin(started, vec![later, changed, account("c", "two")], Some(first.clone()));
    let [a, b, c] = &second.accounts[..] else { panic!("three accounts: {second:?}") };
    assert_eq!(a, &first.accounts[0], "nothing of it changed");
    assert_eq!((b.known_since, b.ruleset.as_str(), b.ruleset_since), (at(0), "two", Some(at(900))));
    assert_eq!((c.ruleset_since, c.last_complete.is_none()), (None, true));
    // The name is ours and may change; the appid tells which account it is.
    let mut third = second.clone();
    third.take_over(vec![AccountSheet { name: "renamed".to_owned(), ..account("a", "one") }], at(1_000));
    assert_eq!((third.accounts.len(), third.accounts[0].name.as_str()), (1, "renamed"));
    assert!(third.accounts[0].last_complete.is_some());
}

#[test]
fn a_stopped_pass_says_nothing_of_how_things_are() {
    let mut sheet = Sheet::begin(writer(), vec![account("a", "one")], None);
    sheet.hear(&report("a", 10));
    let before = sheet.clone();
    sheet.hear(&PassReport { complete: false, stopped: true, ..report("a", 60) });
    sheet.hear(&report("nobody", 60));
    assert_eq!(sheet, before);
    sheet.hear_quota(&AppId::new("wx-a"), at(70), None);
    let asked = sheet.accounts[0].quota.expect("asked");
    assert_eq!((asked.asked_at, asked.remain), (at(70), None), "an answer that cannot be read is unknown");
}

/// Now is second 0. What is asked: `--max-oldest`, `--max-silence`, in seconds.
#[track_caller]
fn check(complete: Option<i64>, known: Option<i64>, oldest: Option<i64>, asked: [Option<u64>; 2], expected: &str) {
    let account = AccountStatus {
        account: "a".to_owned(),
        appid: AppId::new("wx-a"),
        last_complete_pass: complete.map(at),
        known_since: known.map(at),
        pending: None,
        oldest: oldest.map(at),
        oldest_due: None,
        urgent: None,
        held: 0,
        timed_out_today: 0,
        timed_out_7d: 0,
        brakes: Vec::new(),
        troubles: Vec::new(),
        unreadable: 0,
        failed: 0,
        last_pass: None,
        limits: Vec::new(),
        quota: None,
        rules: None,
    };
    let [max_oldest, max_silence] = asked.map(|secs| secs.map(Duration::from_secs));
    let found = match account.overdue(at(0), max_oldest, max_silence) {
        None => "fine".to_owned(),
        Some(Overdue::Never) => "never".to_owned(),
        Some(Overdue::Oldest(age)) => format!("oldest {}", age.as_secs()),
        Some(Overdue::Silent(age)) => format!("silent {}", age.as_secs()),
    };
    assert_eq!(found, expected, "{complete:?} {known:?} {oldest:?} {asked:?}");
}

#[test]
fn when_somebody_must_look() {
    let (oldest, silence, both) = ([Some(100), None], [None, Some(10)], [Some(100), Some(10)]);
    for asked in [oldest, silence, both] {
        check(Some(-5), Some(-500), Some(-90), asked, "fine");
        check(Some(-10), Some(-500), None, asked, "fine");
        // A clock that was set back is no reason.
        check(Some(50), Some(50), Some(50), asked, "fine");
    }
    check(Some(-5), Some(-500), Some(-101), oldest, "oldest 101");
    check(Some(-5), Some(-500), Some(-101), both, "oldest 101");
    check(Some(-5), Some(-500), Some(-101), silence, "fine");
    check(Some(-99), Some(-500), None, oldest, "fine");
    check(Some(-101), Some(-500), None, oldest, "silent 101");
    check(Some(-11), Some(-500), None, both, "silent 11");
    check(Some(-11), Some(-500), None, silence, "silent 11");
    check(None, None, None, oldest, "never");
    check(None, None, None, silence, "never");
    check(None, Some(-5), None, oldest, "never");
    check(None, Some(-5), None, silence, "fine");
    check(None, Some(-11), None, silence, "never");
    check(None, None, None, [None, None], "fine");
}
