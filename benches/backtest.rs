//! How fast a backtest is: `cargo bench --bench backtest -- [ROWS]` (default 50000).
//!
//! Makes a log of ROWS applications and decides all of it again: with few rules
//! and with a thousand, telling nobody, and telling every changed application.
//! Reports applications a second and the most memory this process held while it
//! did so. Figures are of this machine; nothing is asserted.
#![allow(clippy::print_stdout, missing_docs, reason = "a bench prints")]

use jiff::{SignedDuration, Timestamp};
use menshen::policy::{
    AppId, Application, Category, Change, Condition, CreateTime, Lists, Mode, Outcome, PolicySpec, RuleMode, RuleSpec,
    Test, TextTest, Verdict, Why,
};
use menshen::service::{Question, backtest};
use menshen::store::{Filter, NewDecision, Reader, RecordedVerdict, Store, StoreError};
use std::{ops::ControlFlow, time::Instant};

/// One reason in so many holds a keyword.
const HIT_EVERY: u32 = 4;
const FILL_BATCH: u32 = 20_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows: u32 = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(50_000);
    let dir = tempfile::tempdir_in(".")?;
    let path = dir.path().join("menshen.db");
    let store = Store::open(&path).await?;
    let started = Instant::now();
    fill(&store, rows).await?;
    store.close().await;
    println!("filled {rows} rows in {:.1?}, {} MiB", started.elapsed(), path.metadata()?.len() >> 20);

    let log = Reader::open(&path).await?.ok_or("there is a log")?;
    let started = Instant::now();
    let mut walk = log.applications(&Filter::default()).await?;
    while let Some(stretch) = walk.next().await? {
        stretch.read().await?;
    }
    tell("read, and nothing else", rows, started);
    for rules in [4, 1_000] {
        for newest in [Some(50), None] {
            let policy = policy(rules);
            let question = Question { filter: Filter::default(), policy: &policy, accounts: &[], newest };
            let (mut told, started) = (0, Instant::now());
            let mut each = |_| {
                told += 1;
                ControlFlow::Continue(())
            };
            let counted = backtest(&log, question, &mut each, &|_, _| ()).await?;
            assert_eq!(counted.counts.decided(), u64::from(rows));
            let changed = counted.counts.changes(Change::Changed);
            tell(&format!("{rules} rules, {changed} changed, {told} told"), rows, started);
        }
    }
    Ok(())
}

fn tell(what: &str, rows: u32, started: Instant) {
    let took = started.elapsed();
    let per_second = f64::from(rows) / took.as_secs_f64();
    println!("{what:<48} {took:>8.2?} {per_second:>10.0} applications/s, at most {} MiB so far", peak_mib());
}

/// The most memory held since the process began, from what Linux tells.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1024
}

async fn fill(store: &Store, rows: u32) -> Result<(), StoreError> {
    for from in (0..rows).step_by(FILL_BATCH as usize) {
        let some: Vec<NewDecision> = (from..rows.min(from + FILL_BATCH)).map(decision).collect();
        store.record(&some).await?;
    }
    Ok(())
}

/// A keyword nobody else uses: two characters by number.
fn keyword(number: u32) -> String {
    [number / 100, number % 100].iter().filter_map(|part| char::from_u32(0x4E00 + part * 97)).collect()
}

/// Rules with five keywords each.
fn policy(rules: u32) -> PolicySpec {
    let rule = |number: u32| RuleSpec {
        name: format!("rule {number}"),
        action: [Verdict::Refuse, Verdict::Hold, Verdict::Agree][(number % 3) as usize],
        mode: RuleMode::Live,
        message: Some("申请说明含有「{keyword}」，请修改后重新申请。".to_owned()),
        accounts: None,
        note: None,
        limit: None,
        when: Condition {
            tests: vec![Test::Reason(TextTest {
                keywords: Lists { any: Some((number * 5..number * 5 + 5).map(keyword).collect()), ..Lists::default() },
                ..TextTest::default()
            })],
        },
        unless: None,
        place: None,
    };
    PolicySpec {
        rules: (0..rules).map(rule).collect(),
        default: Verdict::Hold,
        default_message: None,
        message_max_chars: 200,
    }
}

/// The `n`-th application: its appid in no order, one of two accounts, a keyword now and then.
fn decision(n: u32) -> NewDecision {
    let number = n.wrapping_mul(2_654_435_761);
    let found = if n.is_multiple_of(HIT_EVERY) { keyword(number % 5_000) } else { String::new() };
    NewDecision {
        at: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_700_000_000 + i64::from(n)),
        day: format!("day {:06}", n / 5_000),
        account: if n.is_multiple_of(4) { "shop" } else { "express" }.into(),
        account_appid: AppId::new(if n.is_multiple_of(4) { "wxaccount1" } else { "wxaccount0" }),
        base_url: "https://api.weixin.qq.com".into(),
        application: Application {
            appid: AppId::new(format!("wx{number:08x}{n:08x}")),
            create_time: CreateTime::received((1_700_000_000 + n).to_string()),
            nickname: "某某快递服务".into(),
            reason: format!("我们是一家物流公司{found}，需要查询快递轨迹，谢谢"),
            categories: vec![Category::from_text("物流服务/查件")],
            headimgurl: Some("http://wx.qlogo.cn/mmhead/abcdefghijklmnopqrstuvwxyz/0".into()),
            apply_url: None,
            malformed: vec![],
        },
        verdict: [RecordedVerdict::Agree, RecordedVerdict::Hold, RecordedVerdict::Refuse][(n % 3) as usize],
        rule: (n % 3 != 1).then(|| format!("rule {}", n % 20)),
        message: None,
        mode: Mode::Live,
        actor: "rules".into(),
        brake: None,
        unknown: vec![],
        why: Why {
            sentence: "rule \"rule 3\" (menshen.toml:31): category is 物流服务/查件".into(), rules: vec![]
        },
        pass: format!("pass {}", n / 500),
        ruleset: "5f3759df5f3759df5f3759df5f3759df5f3759df5f3759df5f3759df5f3759df".into(),
        outcome: if n.is_multiple_of(2) { Outcome::Held } else { Outcome::Shadow },
    }
}
