//! How fast applications are folded and decided, beside a naive evaluator, as ratios within one run.
//!
//! `cargo bench --bench rules` runs all of it; criterion reports each part, and at the end a table says how
//! many applications a second and core each way manages, and how that compares.
#![expect(clippy::print_stdout, clippy::unwrap_used)]

use criterion::Criterion;
use menshen::policy::{self, *};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

#[path = "../src/policy/ruleset/tests/naive.rs"]
mod naive;

const APPLICATIONS: usize = 2_000;
/// One keyword in about this many reasons is one a rule seeks.
const HIT_EVERY: u64 = 4;

/// A generator of its own, so that every run sees the same texts.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// Chinese characters of the first two thousand or so, by code point.
    fn hanzi(&mut self, count: u64) -> String {
        (0..count).map(|_| char::from_u32(0x4E00 + self.below(2_500) as u32 * 8).unwrap()).collect()
    }
}

fn keywords(dice: &mut Dice, count: usize) -> Vec<String> {
    let keyword = |dice: &mut Dice| match dice.below(5) {
        0 => format!("word{}", dice.below(100_000)),
        1 => dice.hanzi(3),
        2 => dice.hanzi(4),
        _ => dice.hanzi(2),
    };
    (0..count).map(|_| keyword(dice)).collect()
}

/// So many rules with five keywords each, or as many as there are.
fn policy(rules: usize, keywords: &[String]) -> PolicySpec {
    let rule = |(index, words): (usize, &[String])| RuleSpec {
        name: format!("rule {index}"),
        action: [Verdict::Refuse, Verdict::Hold, Verdict::Agree][index % 3],
        mode: RuleMode::Live,
        message: Some("申请说明含有「{keyword}」，请修改后重新申请。".to_owned()),
        accounts: None,
        note: None,
        limit: None,
        when: Condition {
            tests: vec![Test::Reason(TextTest {
                keywords: Lists { any: Some(words.to_vec()), ..Lists::default() },
                ..TextTest::default()
            })],
        },
        unless: None,
        place: None,
    };
    PolicySpec {
        rules: keywords.chunks(keywords.len() / rules).enumerate().map(rule).collect(),
        default: Verdict::Hold,
        default_message: None,
        message_max_chars: 200,
    }
}

/// Reasons of about 19 characters, mostly Chinese; now and then one of the keywords.
fn applications(dice: &mut Dice, keywords: &[String]) -> Vec<Application> {
    let reason = |dice: &mut Dice| {
        let mut reason = dice.hanzi(11);
        if dice.below(HIT_EVERY) == 0 {
            reason.push_str(&keywords[dice.below(keywords.len() as u64) as usize]);
        }
        reason.push_str(["，用于", "，小程序 App ", "ＶＸ：12，", "。"][dice.below(4) as usize]);
        let more = dice.below(9);
        reason + &dice.hanzi(more)
    };
    let application = |dice: &mut Dice| Application {
        appid: AppId::new(format!("wx{:016x}", dice.below(u64::from(u32::MAX)))),
        create_time: CreateTime::received("1767000000"),
        nickname: dice.hanzi(5),
        reason: reason(dice),
        categories: vec![Category { first: Some("物流服务".to_owned()), second: Some("查件".to_owned()) }],
        headimgurl: None,
        apply_url: None,
        malformed: Vec::new(),
    };
    (0..APPLICATIONS).map(|_| application(dice)).collect()
}

/// Sentences of plain English words; now and then one of the keywords.
fn in_english(dice: &mut Dice, applications: &[Application], keywords: &[String]) -> Vec<Application> {
    const WORDS: [&str; 8] = ["we", "need", "parcel", "tracking", "for", "our", "customers", "App"];
    let reason = |dice: &mut Dice| {
        let mut words: Vec<&str> = (0..8).map(|_| WORDS[dice.below(8) as usize]).collect();
        if dice.below(HIT_EVERY) == 0 {
            words.push(&keywords[dice.below(keywords.len() as u64) as usize]);
        }
        words.join(" ")
    };
    applications.iter().map(|one| Application { reason: reason(dice), ..one.clone() }).collect()
}

/// Texts that take the long way through folding: marks, zero-width characters, compatibility forms.
fn hostile(applications: &[Application]) -> Vec<Application> {
    let between = ["\u{200B}", "\u{301}", "\u{202E}", "\u{323}\u{307}", "ﬁ"];
    let spoil =
        |reason: &str| reason.chars().zip(between.iter().cycle()).map(|(c, mark)| format!("{c}{mark}")).collect();
    applications.iter().map(|one| Application { reason: spoil(&one.reason), ..one.clone() }).collect()
}

/// The same rules, and a few that ask for patterns and for earlier applications.
fn whole_language(spec: &PolicySpec) -> PolicySpec {
    let pattern =
        |written: &str| Test::Reason(TextTest { regex: Some(vec![written.to_owned()]), ..TextTest::default() });
    let tests = [
        pattern("(?i)v[x信][:：]?[0-9a-z_-]{5,}"),
        pattern(r"1[3-9]\d{9}"),
        pattern("https?://"),
        Test::Previous(PreviousTest { refused: Some(3), ..PreviousTest::default() }),
    ];
    let rule = |(index, test): (usize, Test)| RuleSpec {
        name: format!("more {index}"),
        when: Condition { tests: vec![test] },
        ..spec.rules[0].clone()
    };
    let mut spec = spec.clone();
    let more: Vec<RuleSpec> = tests.into_iter().enumerate().map(rule).collect();
    spec.rules.extend(more);
    spec
}

/// Best of several rounds over all applications, as applications a second.
fn per_second(applications: &[Application], rounds: usize, mut work: impl FnMut(usize, &Application)) -> f64 {
    let round = |_| {
        let start = Instant::now();
        applications.iter().enumerate().for_each(|(index, application)| work(index, application));
        start.elapsed()
    };
    let best = (0..rounds).map(round).min().unwrap_or(Duration::MAX);
    applications.len() as f64 / best.as_secs_f64()
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20)
        .configure_from_args();
    let moment = Moment::at("2026-01-02T03:04:05Z".parse().unwrap());
    let (mut table, mut others) = (vec![], vec![]);
    for (rules, words) in [(10, 50), (1_000, 5_000), (10_000, 50_000)] {
        let mut dice = Dice(7);
        let keywords = keywords(&mut dice, words);
        let applications = applications(&mut dice, &keywords);
        let spec = policy(rules, &keywords);
        let start = Instant::now();
        let set = RuleSet::compile(spec.clone()).unwrap();
        let compile_millis = start.elapsed().as_secs_f64() * 1000.0;
        let folded: Vec<Folded> = applications.iter().map(Folded::of).collect();
        let mut scratch = Scratch::default();

        let name = format!("{rules} rules, {words} keywords");
        let mut group = criterion.benchmark_group(&name);
        let mut turn = (0..applications.len()).cycle();
        let mut next = || turn.next().unwrap();
        group.bench_function("fold", |b| b.iter(|| Folded::of(black_box(&applications[next()]))));
        group.bench_function("decide folded", |b| {
            b.iter(|| {
                let at = next();
                set.decide_folded(black_box(&folded[at]), &applications[at], &moment, &mut scratch)
            });
        });
        group.bench_function("fold and decide", |b| b.iter(|| set.decide(black_box(&applications[next()]), &moment)));
        group.sample_size(10).bench_function("compile", |b| b.iter(|| RuleSet::compile(spec.clone()).unwrap()));
        group.finish();

        let fold = per_second(&applications, 20, |_, application| drop(black_box(Folded::of(application))));
        let decide = per_second(&applications, 20, |index, application| {
            black_box(set.decide_folded(&folded[index], application, &moment, &mut scratch));
        });
        let whole = per_second(&applications, 20, |_, application| drop(black_box(set.decide(application, &moment))));
        let few = &applications[..(20_000 / words).clamp(1, 100)];
        let naive = per_second(few, 1, |_, application| drop(black_box(naive::decide(&spec, application, &moment))));
        let decided = |set: &RuleSet, applications: &[Application]| {
            per_second(applications, 20, |_, application| drop(black_box(set.decide(application, &moment))))
        };
        let (english, hostile) = (in_english(&mut dice, &applications, &keywords), hostile(&applications));
        let more = RuleSet::compile(whole_language(&spec)).unwrap();
        others.push((name.clone(), decided(&set, &english), decided(&set, &hostile), decided(&more, &applications)));
        table.push((name, fold, decide, whole, naive, compile_millis));
    }
    println!("applications a second on one core (characters in a reason: about 19)");
    println!(
        "{:32} {:>12} {:>14} {:>16} {:>10} {:>13} {:>12}",
        "", "fold", "decide folded", "fold and decide", "naive", "whole / naive", "compile ms"
    );
    for (name, fold, decide, whole, naive, millis) in table {
        let ratio = whole / naive;
        println!("{name:32} {fold:>12.0} {decide:>14.0} {whole:>16.0} {naive:>10.0} {ratio:>13.0} {millis:>12.1}");
    }
    println!("{:32} {:>12} {:>14} {:>16}", "fold and decide", "English", "hostile", "4 more kinds");
    for (name, english, hostile, more) in others {
        println!("{name:32} {english:>12.0} {hostile:>14.0} {more:>16.0}");
    }
}
