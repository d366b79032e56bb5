//! How long an account may go without a complete pass, and what a report becomes.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a plain instant")
}

/// Every so many seconds from 0 on, until an end.
fn every(seconds: i64, until: i64) -> impl Fn(Timestamp) -> Option<Timestamp> {
    move |after| {
        let gone = after.as_second() - at(0).as_second();
        let next = (gone.div_euclid(seconds) + 1) * seconds;
        (next <= until).then(|| at(next))
    }
}

#[test]
fn three_ticks_may_pass() {
    let cases = [
        // Second, seconds between ticks, the last of all, the tick that is meant.
        (0, 120, 1_000_000, Some(360)),
        (1, 120, 1_000_000, Some(360)),
        (119, 120, 1_000_000, Some(360)),
        (120, 120, 1_000_000, Some(480)),
        (5, 86_400, 1_000_000, Some(3 * 86_400)),
        (5, 100, 299, None),
        (5, 100, 300, Some(300)),
        (500, 100, 300, None),
    ];
    let mut kept = Upcoming::default();
    for (second, seconds, until, expected) in cases {
        let mut fresh = Upcoming::default();
        let next = every(seconds, until);
        assert_eq!(fresh.last(at(second), &next), expected.map(at), "{second} {seconds} {until}");
    }
    let asked = std::cell::Cell::new(0);
    let next = |after| {
        asked.set(asked.get() + 1);
        every(120, 1_000_000)(after)
    };
    for (second, expected, looked) in [(10, 360, 3), (50, 360, 3), (119, 360, 3), (120, 480, 6), (30, 360, 9)] {
        assert_eq!((kept.last(at(second), next), asked.get()), (Some(at(expected)), looked), "second {second}");
    }
}

#[test]
fn the_result_of_a_pass() {
    let complete = PassReport { complete: true, ..PassReport::default() };
    let cases = [
        (complete.clone(), "ok"),
        (PassReport { brake_stands: true, ..complete.clone() }, "ok"),
        (PassReport { failed: 1, ..complete.clone() }, "failed"),
        (PassReport { unreadable: 1, ..complete.clone() }, "failed"),
        (PassReport { brake: Some(String::new()), ..complete.clone() }, "failed"),
        (PassReport::default(), "incomplete"),
        (PassReport { failed: 1, ..PassReport::default() }, "incomplete"),
        (PassReport { stopped: true, ..complete }, "stopped"),
    ];
    for (report, expected) in cases {
        assert_eq!(result(&report), expected, "{report:?}");
        assert!(RESULTS.contains(&expected));
    }
}

/// What thousands of accounts make of a page: bounded in lines for each, whatever their passes meet.
#[tokio::test]
async fn a_page_stays_small_with_thousands_of_accounts() {
    const ACCOUNTS: usize = 2_000;
    let account = |number: usize| {
        format!(
            "[[account]]\nname = \"shop-{number}\"\nappid = \"wx{number:016x}\"\ntoken = {{ secret = {{ env = \"SECRET\" }} }}\n\
             base_url = \"http://127.0.0.1:9\"\nlimits = {{ agree_per_day = 5 }}\n"
        )
    };
    let text = format!("[metrics]\nlisten = \"127.0.0.1:0\"\n{}", (0..ACCOUNTS).map(account).collect::<String>());
    let mut around = config::Surroundings::of_process();
    around.env = Box::new(|_| Some("s3cret".into()));
    around.root = false;
    let config =
        config::load_text("menshen.toml".as_ref(), &text, &around, config::Need::Secrets).expect("a configuration");
    let accounts = Account::all(&config, &super::super::account::Surroundings::default(), &[]).expect("accounts");
    let prepared = Prepared::of(&config, None).await.expect("an address");
    let mut metering = prepared.take_over(None).await.expect("it is served");
    let began = Instant::now();
    metering.configured(&config, &accounts, &[]);
    let configured = began.elapsed();
    let mut report = PassReport {
        complete: true,
        limits: vec![(Limited::Day(Action::Agree), crate::policy::Places { max: 5, taken: 1 })],
        ..PassReport::default()
    };
    for action in Action::ALL {
        report.count_done(action);
        report.count_failed(action);
    }
    for account in &accounts {
        account.name().clone_into(&mut report.account);
        metering.hear(&report, None, &config);
    }
    let heard = began.elapsed() - configured;
    let page = metering.board.page(Timestamp::now(), Instant::now());
    let made = began.elapsed() - configured - heard;
    let lines = page.lines().count() / ACCOUNTS;
    #[expect(clippy::print_stderr, reason = "seen with --nocapture, by whoever wants to know what it costs")]
    {
        eprintln!(
            "configured {configured:?}, heard {heard:?}, made {made:?}: {} bytes, {lines} lines an account",
            page.len()
        );
    }
    assert!(lines <= 36 && page.len() < 6_000_000, "{lines} lines an account, {} bytes", page.len());
}
