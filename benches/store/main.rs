//! How fast the audit log is: `cargo bench --bench store -- [ROWS]` (default 20000).
//!
//! More than a million rows are made in plain SQL and take about 1 KB each below `target/`, until the bench ends; ten
//! million are `-- 10000000`. Fewer are recorded as the service does, and the log is verified at the end.
//!
//! Reports durable intents with their answers per second, one at a time and in
//! batches of 16 and of 32 (as a pass writes them), and what the list, the look-up and the statistics take on a log
//! of ROWS rows. Figures are of this machine and its disk; nothing is asserted.
#![allow(clippy::print_stdout, missing_docs, reason = "a bench prints")]

mod fill;

use jiff::{SignedDuration, Timestamp};
use menshen::{
    policy::{Action, AppId, Application, Brake, Category, CreateTime, Fate, Mode, Outcome, Why},
    store::{
        Answered, CallRecord, Cap, Filter, Intended, NewDecision, NewIntent, NewPlace, Period, RecordedVerdict,
        StatsFilter, Store, StoreError,
    },
};
use std::{future::Future, ops::ControlFlow, time::Instant};

/// More rows than these are made in SQL.
const MOST_RECORDED: u32 = 1_000_000;
const INTENTS: u32 = 1_920;
const ROWS_PER_DAY: u32 = 5_000;
const FIRST_DAY: jiff::civil::Date = jiff::civil::date(2020, 1, 1);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows: u32 = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(20_000);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let path = dir.path().join("menshen.db");
    let mut store = Store::open(&path).await?;

    let started = Instant::now();
    if rows > MOST_RECORDED {
        store.close().await;
        fill::fill(&path, rows).await?;
        store = Store::open(&path).await?;
    } else {
        record(&store, rows).await?;
    }
    println!("filled {rows} rows ({} MB) in {:.1?}", path.metadata()?.len() >> 20, started.elapsed());
    for batch in [1, 16, 32] {
        let per_second = drain(&store, batch).await?;
        println!("intents and answers, {batch:>2} a transaction: {per_second:>8.0} decisions/s");
    }
    questions(&store, rows).await?;
    if rows <= MOST_RECORDED {
        let started = Instant::now();
        let verified = store.verify(None, &|_| ()).await?;
        assert!(verified.findings.is_empty(), "{:?}", verified.findings);
        println!("verified {} records in {:.1?}", verified.entries, started.elapsed());
    }
    store.close().await;
    Ok(())
}

/// As the service records.
async fn record(store: &Store, rows: u32) -> Result<(), StoreError> {
    for from in (0..rows).step_by(1_000) {
        let some: Vec<NewDecision> = (from..rows.min(from + 1_000)).map(decision).collect();
        store.record(&some).await?;
    }
    Ok(())
}

/// Plans and settles applications, `batch` in one transaction each way.
async fn drain(store: &Store, batch: u32) -> Result<f64, StoreError> {
    let started = Instant::now();
    for from in (0..INTENTS).step_by(batch as usize) {
        let wanted = (from..from + batch).map(|n| {
            let mut decision = decision(n);
            decision.application.appid = AppId::new(format!("wxdrain{batch}x{n}"));
            decision.verdict = RecordedVerdict::Agree;
            let day = Some(Cap { max: u32::MAX, since: Timestamp::UNIX_EPOCH });
            let place = NewPlace { at: decision.at, day, rule: None };
            NewIntent::First { decision, action: Action::Agree, place }
        });
        let intended = store.intend(wanted.collect()).await?;
        store.answer(intended.into_iter().filter_map(answered).collect()).await?;
    }
    Ok(f64::from(INTENTS) / started.elapsed().as_secs_f64())
}

fn answered(intended: Intended) -> Option<Answered> {
    let Intended::Ready(intent) = intended else { return None };
    let call = CallRecord {
        attempt: intent.attempt(),
        action: intent.action(),
        sent_at: Timestamp::UNIX_EPOCH,
        took_ms: 30,
        fate: Fate::Accepted,
        http_status: Some(200),
        errcode: Some(0),
        errmsg: Some("ok".into()),
        rid: None,
    };
    let settle = Some((Outcome::Done, None));
    let at = Timestamp::UNIX_EPOCH;
    Some(Answered { decision: intent.decision(), call: Some(call), settle, give_back: false, at })
}

async fn questions(store: &Store, rows: u32) -> Result<(), StoreError> {
    let newest = || Filter { limit: Some(50), ..Filter::default() };
    let filters = [
        ("newest 50", newest()),
        ("of an account", Filter { account: Some("shop".into()), ..newest() }),
        ("of an applicant", Filter { appid: Some(AppId::new("wx7")), ..newest() }),
        ("by verdict", Filter { verdict: Some(RecordedVerdict::Refuse), ..newest() }),
        ("by a verdict there is none of", Filter { verdict: Some(RecordedVerdict::Delete), ..newest() }),
        ("by rule", Filter { rule: Some("rule 3".into()), ..newest() }),
        ("by outcome", Filter { outcome: Some(Outcome::Held), ..newest() }),
        ("by brake", Filter { brake: Some(Brake::Limit), ..newest() }),
        ("of the oldest tenth", Filter { until: Some(decision(rows / 10).at), ..newest() }),
        (
            "by account, rule and outcome",
            Filter {
                account: Some("shop".into()),
                rule: Some("rule 3".into()),
                outcome: Some(Outcome::Shadow),
                ..newest()
            },
        ),
    ];
    for (name, filter) in filters {
        timed(name, || async {
            let mut seen = 0;
            let each = |_| {
                seen += 1;
                ControlFlow::Continue(())
            };
            store.list(&filter, each).await.map(|()| seen)
        })
        .await?;
    }
    let ids: Vec<_> = (0..1_000).map(|n| decision(n * (rows / 1_000).max(1)).application.identity()).collect();
    let account = AppId::new("wxaccount0");
    timed("the past of 1000 applications", || async { Ok(store.past(&account, &ids).await?.len()) }).await?;
    timed("statistics", || async { Ok(store.stats(&StatsFilter::default()).await?.len()) }).await?;
    let days = StatsFilter { by: Some(Period::Day), ..StatsFilter::default() };
    timed("statistics, every day", || async { Ok(store.stats(&days).await?.len()) }).await?;
    timed("what is planned", || async { Ok(store.planned(&account).await?.len()) }).await
}

/// Once to warm up, then the best of five.
async fn timed<F: Future<Output = Result<usize, StoreError>>>(
    name: &str,
    ask: impl Fn() -> F,
) -> Result<(), StoreError> {
    let found = ask().await?;
    let mut best = std::time::Duration::MAX;
    for _ in 0..5 {
        let started = Instant::now();
        ask().await?;
        best = best.min(started.elapsed());
    }
    println!("{name:<32} {found:>6} rows {:>10.2} ms", best.as_secs_f64() * 1e3);
    Ok(())
}

/// The `n`-th row of a log with a bit of everything.
fn decision(n: u32) -> NewDecision {
    let rare = n.is_multiple_of(1_009);
    let category = Category { first: Some("物流服务".into()), second: Some("查件".into()) };
    NewDecision {
        at: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_700_000_000 + i64::from(n)),
        day: (FIRST_DAY + SignedDuration::from_hours(24) * i32::try_from(n / ROWS_PER_DAY).unwrap_or(i32::MAX))
            .to_string(),
        account: if n.is_multiple_of(4) { "shop" } else { "express" }.into(),
        account_appid: AppId::new("wxaccount0"),
        base_url: "https://api.weixin.qq.com".into(),
        application: Application {
            appid: AppId::new(format!("wx{n}")),
            create_time: CreateTime::received((1_700_000_000 + n).to_string()),
            nickname: "某某快递服务".into(),
            reason: "我们是一家物流公司，需要查询快递轨迹，谢谢".into(),
            categories: vec![category],
            headimgurl: None,
            apply_url: None,
            malformed: vec![],
        },
        verdict: [RecordedVerdict::Agree, RecordedVerdict::Hold, RecordedVerdict::Refuse][(n % 3) as usize],
        rule: (n % 3 != 1).then(|| format!("rule {}", n % 20)),
        message: None,
        mode: Mode::Live,
        actor: "rules".into(),
        brake: rare.then_some(Brake::Limit),
        unknown: vec![],
        why: Why {
            sentence: "rule \"rule 3\" (menshen.toml:31): category is 物流服务/查件".into(), rules: vec![]
        },
        pass: format!("pass {}", n / 500),
        ruleset: "5f3759df5f3759df5f3759df5f3759df5f3759df5f3759df5f3759df5f3759df".into(),
        outcome: if n.is_multiple_of(2) { Outcome::Held } else { Outcome::Shadow },
    }
}
