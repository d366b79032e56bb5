//! The list, its filters and the statistics, against the same questions asked in plain SQL.

use super::*;
use crate::policy::Brake;
use std::ops::ControlFlow;

/// 60 rows over everything a filter can tell apart.
async fn varied() -> Desk {
    let desk = Desk::new().await;
    for n in 0..60_i64 {
        let verdict = [RecordedVerdict::Agree, RecordedVerdict::Refuse, RecordedVerdict::Hold][(n % 3) as usize];
        let outcome = if n % 2 == 0 { Outcome::Held } else { Outcome::Shadow };
        let row = NewDecision {
            // The clock went back once.
            at: at(if n < 40 { n } else { n - 25 }),
            account: ["express", "shop"][usize::from(n % 5 == 0)].into(),
            rule: (n % 7 != 0).then(|| ["a", "b"][(n % 2) as usize].into()),
            brake: (n % 10 == 3).then_some(Brake::Limit),
            day: format!("2026-11-{}", 20 + n / 20),
            ..decision(&format!("wx{}", n % 12), verdict, outcome)
        };
        desk.store.record(&[row]).await.unwrap();
    }
    desk
}

fn filters() -> Vec<Filter> {
    let one = Filter::default;
    let mut filters = vec![
        one(),
        Filter { account: Some("shop".into()), ..one() },
        Filter { appid: Some(AppId::new("wx3")), ..one() },
        Filter { verdict: Some(RecordedVerdict::Hold), ..one() },
        Filter { rule: Some("a".into()), ..one() },
        Filter { outcome: Some(Outcome::Shadow), ..one() },
        Filter { brake: Some(Brake::Limit), ..one() },
        Filter { since: Some(at(20)), ..one() },
        Filter { until: Some(at(20)), ..one() },
        Filter { since: Some(at(10)), until: Some(at(30)), ..one() },
        Filter { account: Some("nobody".into()), ..one() },
        Filter { verdict: Some(RecordedVerdict::Delete), ..one() },
        Filter { brake: Some(Brake::Pause), ..one() },
    ];
    // Every pair of properties, too.
    let singles = filters.clone();
    for a in &singles {
        for b in singles.clone() {
            filters.push(Filter {
                account: a.account.clone().or(b.account),
                appid: a.appid.clone().or(b.appid),
                verdict: a.verdict.or(b.verdict),
                rule: a.rule.clone().or(b.rule),
                outcome: a.outcome.or(b.outcome),
                brake: a.brake.or(b.brake),
                since: a.since.or(b.since),
                until: a.until.or(b.until),
                pass: None,
                limit: None,
            });
        }
    }
    filters
}

/// The same question without any index or trick.
fn expected(all: &[AuditRow], filter: &Filter) -> Vec<i64> {
    let mut rows: Vec<&AuditRow> = all
        .iter()
        .filter(|row| filter.account.as_ref().is_none_or(|x| *x == row.account))
        .filter(|row| filter.appid.as_ref().is_none_or(|x| x.as_str() == row.appid))
        .filter(|row| filter.verdict.is_none_or(|x| x == row.verdict))
        .filter(|row| filter.rule.is_none() || filter.rule == row.rule)
        .filter(|row| filter.outcome.is_none_or(|x| x == row.outcome))
        .filter(|row| filter.brake.is_none() || filter.brake == row.brake)
        .filter(|row| filter.since.is_none_or(|x| row.decided_at >= x))
        .filter(|row| filter.until.is_none_or(|x| row.decided_at < x))
        .collect();
    rows.sort_by_key(|row| (row.decided_at, row.id));
    let skipped = filter.limit.map_or(0, |limit| rows.len().saturating_sub(limit as usize));
    rows[skipped..].iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn every_filter_gives_the_newest_that_match_oldest_first() {
    let desk = varied().await;
    let all = desk.rows(&Filter::default()).await;
    assert_eq!(all.len(), 60);
    let mut met = std::collections::BTreeSet::new();
    for filter in filters() {
        for limit in [None, Some(0), Some(1), Some(3), Some(1000)] {
            let filter = Filter { limit, ..filter.clone() };
            let listed: Vec<i64> = desk.rows(&filter).await.iter().map(|row| row.id).collect();
            assert_eq!(listed, expected(&all, &filter), "{filter:?}");
            met.insert(listed.len());
        }
    }
    assert!(met.len() > 8, "the filters tell little apart: {met:?}");
}

#[tokio::test]
async fn a_list_ends_when_its_reader_has_enough() {
    let desk = varied().await;
    let mut seen = 0;
    let enough = |_| {
        seen += 1;
        if seen == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    desk.store.list(&Filter::default(), enough).await.unwrap();
    assert_eq!(seen, 5);
    assert_eq!(
        desk.rows(&Filter { limit: Some(2), ..Filter::default() }).await.len(),
        2,
        "the connection is free again"
    );
}

#[tokio::test]
async fn statistics_count_by_day_account_verdict_rule_and_outcome() {
    let desk = varied().await;
    let all = desk.store.stats(&StatsFilter::default()).await.unwrap();
    assert_eq!(all.iter().map(|row| row.n).sum::<u64>(), 60);
    assert!(all.is_sorted_by_key(|row| row.when.words().1.to_owned()));
    assert!(all.iter().any(|row| row.rule.is_none()));
    for (filter, n) in [
        (StatsFilter { account: Some("shop".into()), ..StatsFilter::default() }, 12),
        (StatsFilter { since: Some("2026-11-21".into()), ..StatsFilter::default() }, 40),
        (StatsFilter { until: Some("2026-11-21".into()), ..StatsFilter::default() }, 20),
    ] {
        let counted: u64 = desk.store.stats(&filter).await.unwrap().iter().map(|row| row.n).sum();
        assert_eq!(counted, n, "{filter:?}");
    }
}

#[tokio::test]
async fn statistics_of_many_days_are_told_by_month() {
    let desk = Desk::new().await;
    let counted = async |filter: StatsFilter| {
        let rows = desk.store.stats(&filter).await.unwrap();
        rows.iter().map(|row| format!("{:?} {}", row.when.words(), row.n)).collect::<Vec<_>>().join(", ")
    };
    let by = |by| StatsFilter { by: Some(by), ..StatsFilter::default() };
    assert_eq!(counted(StatsFilter::default()).await, "");
    for (n, day) in ["2026-07-31", "2026-08-01", "2026-08-02", "2026-10-30"].into_iter().enumerate() {
        let row = NewDecision { day: day.to_owned(), ..hold(&format!("wx{n}")) };
        desk.store.record(&[row]).await.unwrap();
    }
    let days = r#"("day", "2026-07-31") 1, ("day", "2026-08-01") 1, ("day", "2026-08-02") 1, ("day", "2026-10-30") 1"#;
    assert_eq!(counted(StatsFilter::default()).await, days, "92 days, both included");
    let row = NewDecision { day: "2026-10-31".to_owned(), ..hold("wx-one-more") };
    desk.store.record(&[row]).await.unwrap();
    let months = r#"("month", "2026-07") 1, ("month", "2026-08") 2, ("month", "2026-10") 2"#;
    assert_eq!(counted(StatsFilter::default()).await, months);
    assert_eq!(counted(by(Period::Day)).await, format!(r#"{days}, ("day", "2026-10-31") 1"#));
    assert_eq!(counted(by(Period::Year)).await, r#"("year", "2026") 5"#);
    let since = StatsFilter { since: Some("2026-08-01".into()), ..StatsFilter::default() };
    assert!(counted(since).await.starts_with(r#"("day", "2026-08-01") 1"#), "few days of many are told by day");
}

#[tokio::test]
async fn the_view_is_newest_last_without_being_asked() {
    let desk = varied().await;
    let ids: String = desk.ask("SELECT group_concat(id) FROM (SELECT id FROM audit_log WHERE outcome = 'held')").await;
    let ids: Vec<i64> = ids.split(',').map(|id| id.parse().unwrap()).collect();
    assert_eq!(ids.len(), 30);
    assert!(ids.is_sorted(), "{ids:?}");
}

#[tokio::test]
async fn a_reader_works_beside_a_writer_and_sees_whole_transactions() {
    let desk = varied().await;
    let reader = Reader::open(&desk.path()).await.unwrap().unwrap();
    let mut writing = desk.store.begin(Doing::Record).await.unwrap();
    sqlx::raw_sql("DROP TRIGGER words_keep; UPDATE words SET nickname = 'half written'")
        .execute(&mut writing.conn)
        .await
        .unwrap();
    let mut seen = Vec::new();
    let each = |row: AuditRow| {
        seen.push(row.nickname);
        ControlFlow::Continue(())
    };
    reader.list(&Filter::default(), each).await.unwrap();
    assert_eq!(seen.len(), 60);
    assert!(seen.iter().all(|nickname| nickname.as_deref() == Some("某店")));
    let refused = sqlx::query("DELETE FROM words").execute(reader.pool()).await;
    assert!(refused.is_err(), "a reader wrote");
}
