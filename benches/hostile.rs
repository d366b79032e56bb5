//! What hostile text costs: `cargo bench --bench hostile`.
//!
//! Decides and explains applications whose reasons are 10 KB, 100 KB and 1 MB of one
//! hostile pattern, by rules with thousands of keywords of one character, keywords
//! inside each other, and regular expressions. Shows nanoseconds a byte, how much
//! dearer a byte of the longest text is than one of the shortest (about 1 where the
//! cost is linear), and how much dearer than a byte of plain Chinese. Figures are of
//! this machine; nothing is asserted.
//!
//! Measured on two cores among a dozen other programs: growth between 0.7 and 1.6
//! for every text, which is what other programs make of it; marks and compatibility
//! forms are 3 to 7 times as dear a byte as plain Chinese, because they take the
//! long way through folding; keywords that begin with each other are each found
//! everywhere, so fifty of them cost 16 to 37 times as much. The one character that
//! becomes eighteen costs what eighteen cost.
#![expect(clippy::print_stdout, clippy::unwrap_used)]

use menshen::policy::*;
use std::{
    hint::black_box,
    sync::LazyLock,
    time::{Duration, Instant},
};

const BYTES: [usize; 3] = [10_000, 100_000, 1_000_000];
/// Keywords of one character; the plain text is made of nothing else.
const SHORT: u32 = 1_500;
/// Each is the beginning of the next.
const NESTED: usize = 50;
/// The best of so many counts.
const ROUNDS: usize = 3;

fn main() {
    let rules = RuleSet::compile(policy()).unwrap();
    println!("nanoseconds a byte; growth: 1 MB beside 10 KB");
    println!(
        "{:38} {:>8} {:>7} {:>9} {:>7} {:>9} {:>7} {:>9}",
        "", "fold", "growth", "decide", "growth", "explain", "growth", "x plain"
    );
    let mut plain = None;
    for (name, part) in texts() {
        let fold = BYTES.map(|bytes| per_byte(&part, bytes, |one, _| drop(fold(&one.reason))));
        let decide = BYTES.map(|bytes| per_byte(&part, bytes, |one, moment| drop(rules.decide(one, moment))));
        let explain = BYTES.map(|bytes| per_byte(&part, bytes, |one, moment| drop(rules.explain(one, moment))));
        print!("{name:38}");
        for costs in [fold, decide, explain] {
            print!(" {:>9.1} {:>6.2}", costs[2], costs[2] / costs[0]);
        }
        println!(" {:>9.1}", decide[2] / *plain.get_or_insert(decide[2]));
    }
}

/// Nanoseconds a byte of a reason that repeats a part up to a length; as many bytes in all for every length.
fn per_byte(part: &str, bytes: usize, work: impl Fn(&Application, &Moment<'_>)) -> f64 {
    let application = Application {
        appid: AppId::new("wx0123456789abcdef"),
        create_time: CreateTime::received("1767000000"),
        nickname: "某店".to_owned(),
        reason: part.repeat(bytes / part.len()),
        categories: vec![Category::from_text("物流服务/查件")],
        headimgurl: None,
        apply_url: None,
        malformed: Vec::new(),
    };
    let moment = Moment::at("2026-01-02T03:04:05Z".parse().unwrap());
    let times = BYTES[BYTES.len() - 1] / bytes;
    let round = |_| {
        let start = worked();
        (0..times).for_each(|_| work(black_box(&application), &moment));
        worked() - start
    };
    (0..ROUNDS).map(round).min().unwrap().as_secs_f64() * 1e9 / (times * application.reason.len()) as f64
}

/// How long this thread has worked; where the system does not say, how late it is. Other programs count for little so.
fn worked() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

fn hanzi(count: u32) -> String {
    (0..count).map(|at| char::from_u32(0x4E00 + at * 5).unwrap()).collect()
}

fn texts() -> Vec<(&'static str, String)> {
    vec![
        ("plain Chinese, a keyword everywhere", hanzi(SHORT)),
        ("plain English", "we need parcel tracking for our customers ".to_owned()),
        ("keywords inside each other", "甲".to_owned()),
        ("zero-width between everything", hanzi(SHORT).chars().flat_map(|c| [c, '\u{200B}']).collect()),
        ("bidi between everything", hanzi(SHORT).chars().flat_map(|c| ['\u{202E}', c, '\u{2066}']).collect()),
        ("nothing but marks", "\u{301}".to_owned()),
        ("marks out of order", "\u{307}\u{323}\u{35C}\u{345}\u{316}".to_owned()),
        ("a letter, marks out of order", "e\u{307}\u{323}\u{35C}".to_owned()),
        ("marks behind what is dropped", "e\u{200B}\u{301}".to_owned()),
        ("marks behind white space", "e \u{301} ".to_owned()),
        ("compatibility forms", "ﬁ①㎡ⓐ½Ⅷ".to_owned()),
        ("one character that becomes eighteen", "\u{FDFA}".to_owned()),
        ("Hangul in parts", "\u{1100}\u{1161}\u{11A8}".to_owned()),
        ("white space only", " \u{3000}\n\t".to_owned()),
        ("full-width capitals", "ＶＸＱＷＥＲ".to_owned()),
        ("almost a telephone number", "1381234567 ".to_owned()),
    ]
}

fn policy() -> PolicySpec {
    let any = |keywords: Vec<String>| TextTest {
        keywords: Lists { any: Some(keywords), ..Lists::default() },
        ..TextTest::default()
    };
    let regex = |list: &[&str]| TextTest {
        regex: Some(list.iter().map(|written| (*written).to_owned()).collect()),
        ..TextTest::default()
    };
    let tests = [
        any(hanzi(SHORT).chars().map(String::from).collect()),
        any((1..=NESTED).map(|length| "甲".repeat(length)).collect()),
        any(["a", "e", "v*", "*x*", "1", "!", "/"].map(str::to_owned).to_vec()),
        regex(&[r"1[3-9]\d{9}", "(?i)v[x信][:：]?[0-9a-z_-]{5,}", "(甲+)+乙", r"(\w+\s?)+$!"]),
    ];
    let rule = |(index, test): (usize, TextTest)| RuleSpec {
        name: format!("rule {index}"),
        action: Verdict::Hold,
        mode: RuleMode::Live,
        message: None,
        accounts: None,
        note: None,
        limit: None,
        when: Condition { tests: vec![Test::Reason(test)] },
        unless: None,
        place: None,
    };
    PolicySpec {
        rules: tests.into_iter().enumerate().map(rule).collect(),
        default: Verdict::Hold,
        default_message: None,
        message_max_chars: 200,
    }
}
