//! The board as a page, and the table of metrics against its documentation.

use super::*;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a plain instant")
}

/// The samples of one metric on a page.
fn samples(board: &Board, name: &str) -> Vec<String> {
    let page = board.page(at(100), Instant::now());
    let ends = ["{", " ", "_bucket{", "_sum ", "_count "];
    let of_it = |line: &&str| line.strip_prefix(name).is_some_and(|rest| ends.iter().any(|end| rest.starts_with(end)));
    page.lines().filter(of_it).map(str::to_owned).collect()
}

#[test]
fn counters_add_up_and_gauges_stand() {
    let board = Board::default();
    board.count(&DECISIONS, ["a", "agree", "agreed"], 0);
    assert_eq!(
        samples(&board, DECISIONS.about.name),
        [r#"menshen_decisions_total{account="a",verdict="agree",outcome="agreed"} 0"#]
    );
    board.count(&DECISIONS, ["a", "agree", "agreed"], 2);
    board.count(&DECISIONS, ["a", "agree", "agreed"], 3);
    board.count(&DECISIONS, ["a\"\n", "hold", "held"], 1);
    assert_eq!(
        samples(&board, DECISIONS.about.name),
        [
            r#"menshen_decisions_total{account="a",verdict="agree",outcome="agreed"} 5"#,
            r#"menshen_decisions_total{account="a\"\n",verdict="hold",outcome="held"} 1"#,
        ]
    );
    board.set(&PENDING, ["a"], 7.0);
    board.set(&PENDING, ["a"], 3.0);
    assert_eq!(samples(&board, PENDING.about.name)[0], r#"menshen_pending{account="a"} 3"#);
    board.set_instant(&LAST_COMPLETE_PASS, ["a"], at(0));
    assert_eq!(
        samples(&board, LAST_COMPLETE_PASS.about.name),
        [r#"menshen_last_complete_pass_timestamp_seconds{account="a"} 1800000000"#]
    );
    for (since, age) in [(Some(at(40)), "60"), (Some(at(200)), "0"), (None, "0")] {
        board.set_age(&OLDEST, ["a"], since);
        let expected = format!("menshen_oldest_pending_age_seconds{{account=\"a\"}} {age}");
        assert_eq!(samples(&board, OLDEST.about.name), [expected], "it grows by itself, and is never below nothing");
    }
}

#[test]
fn a_histogram_counts_up_to_each_bound() {
    let board = Board::default();
    for millis in [50, 100, 400, 700_000] {
        board.observe(&PASS_DURATION, Duration::from_millis(millis));
    }
    let lines = samples(&board, PASS_DURATION.about.name);
    assert_eq!(lines.len(), 13, "{lines:#?}");
    for line in [
        "menshen_pass_duration_seconds_bucket{le=\"0.1\"} 2",
        "menshen_pass_duration_seconds_bucket{le=\"0.25\"} 2",
        "menshen_pass_duration_seconds_bucket{le=\"0.5\"} 3",
        "menshen_pass_duration_seconds_bucket{le=\"600\"} 3",
        "menshen_pass_duration_seconds_bucket{le=\"+Inf\"} 4",
        "menshen_pass_duration_seconds_sum 700.55",
        "menshen_pass_duration_seconds_count 4",
    ] {
        assert!(lines.iter().any(|known| known == line), "{line}: {lines:#?}");
    }
}

#[test]
fn accounts_that_are_gone_are_forgotten_and_no_others() {
    let board = Board::default();
    let names = ["a", "ab", "a\"", "a\\", "快递", "a\",verdict=\"b"];
    for name in names {
        board.set(&PENDING, [name], 1.0);
        board.set(&PAUSED, [name, "agree"], 1.0);
        board.health().expect(name, Instant::now(), None);
    }
    board.set(&ACCOUNTS, [], 6.0);
    for gone in 0..names.len() {
        let kept = BTreeSet::from_iter(names[gone..].iter().copied());
        board.keep_accounts(&kept);
        assert_eq!(samples(&board, PENDING.about.name).len(), kept.len());
        let lines = samples(&board, PAUSED.about.name);
        let expected: BTreeSet<String> = kept
            .iter()
            .map(|name| {
                format!("menshen_paused{{{}}} 1", exposition::labels([("account", *name), ("action", "agree")]))
            })
            .collect();
        assert_eq!(BTreeSet::from_iter(lines), expected);
        assert_eq!(samples(&board, OVERDUE.about.name).len(), kept.len());
    }
    assert_eq!(samples(&board, ACCOUNTS.about.name), ["menshen_accounts 6"]);
}

#[test]
fn what_is_set_anew_together_is_cleared_for_its_account_alone() {
    let board = Board::default();
    for name in ["a", "a\"b", "b"] {
        for rule in ["one", "two"] {
            board.set(&RULE_LIMIT_MAX, [name, rule], 1.0);
        }
    }
    board.clear_of(&RULE_LIMIT_MAX, "a");
    board.clear_of(&RULE_LIMIT_USED, "a");
    let left = samples(&board, RULE_LIMIT_MAX.about.name);
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(left.iter().all(|line| !line.contains("account=\"a\",")), "{left:?}");
}

#[test]
fn a_page_has_a_head_for_every_metric() {
    let page = Board::default().page(at(0), Instant::now());
    for about in ALL {
        for line in [format!("# HELP {} ", about.name), format!("# TYPE {} {}\n", about.name, about.kind.word())] {
            assert_eq!(page.matches(&line).count(), 1, "{line}");
        }
    }
}

#[test]
fn names_follow_the_customs_of_prometheus() {
    let names: BTreeSet<&str> = ALL.iter().map(|about| about.name).collect();
    assert_eq!(names.len(), ALL.len(), "each once");
    for about in ALL {
        let name = about.name;
        assert!(name.starts_with("menshen_") || name.starts_with("process_"), "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        assert_eq!(name.ends_with("_total"), about.kind == Kind::Counter, "{name}");
        assert!(about.labels.iter().skip(1).all(|label| *label != "account"), "{name}: the account comes first");
        assert!(!about.help.contains('\n') && about.help.ends_with('.'), "{name}");
    }
}

/// `docs/metrics.md` and the table say the same of every name.
#[test]
fn the_documented_metrics_are_these() {
    let page = include_str!("../../docs/metrics.md");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| `menshen_") || line.starts_with("| `process_"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let documented: Vec<String> = rows.iter().map(|row| row[..3].join(" | ")).collect();
    let known: Vec<String> = ALL
        .iter()
        .map(|about| {
            let labels: Vec<String> = about.labels.iter().map(|label| format!("`{label}`")).collect();
            format!("`{}` | {} | {}", about.name, about.kind.word(), labels.join(", "))
        })
        .collect();
    assert_eq!(documented, known, "docs/metrics.md, in the order they are served");
    assert!(rows.iter().all(|row| row.len() == 4 && row[3].len() > 10), "each says something");
}
