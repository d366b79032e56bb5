//! Every file the fuzzers start from (and what they found) goes through the same functions; and hostile texts end.

#[path = "../fuzz/tried/mod.rs"]
mod tried;

use std::{fs, path::Path};

#[track_caller]
fn check(target: &str, holds: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files: Vec<_> = fs::read_dir(&folder).expect("the corpus is there").collect();
    assert!(files.len() >= 3, "{target} has a corpus");
    for file in files {
        let path = file.expect("a file").path();
        let bytes = fs::read(&path).expect("a file");
        holds(&bytes);
        // cut anywhere, also inside a character: what a fuzzer tries first
        (0..bytes.len().min(400)).for_each(|end| holds(&bytes[..end]));
    }
}

/// One test for each target.
macro_rules! targets {
    ($($target:ident),+ $(,)?) => {
        const TARGETS: &[&str] = &[$(stringify!($target)),+];
        $(#[test]
        fn $target() {
            check(stringify!($target), tried::$target);
        })+
    };
}

targets! {
    answer, case, command, configuration, control, entries, fault, folding, handed, list, mark, page, recorded, robot, secret,
    settings, shown, template,
}

/// The fuzzers are a workspace of their own, which no ordinary build looks at: what is built of them is what is tested here.
#[test]
fn every_fuzzer_runs_what_is_tried_here() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let read = |path: &str| fs::read_to_string(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let manifest: toml::Table = read("Cargo.toml").parse().expect("TOML");
    let built: Vec<&str> =
        manifest["bin"].as_array().expect("targets").iter().filter_map(|bin| bin["name"].as_str()).collect();
    assert_eq!(built, TARGETS);
    for target in TARGETS {
        let main = format!("libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tried::{target}(bytes));\n");
        assert!(read(&format!("fuzz_targets/{target}.rs")).ends_with(&main), "{target}");
    }
    assert_eq!(fs::read_dir(folder.join("fuzz_targets")).expect("a folder").count(), TARGETS.len());
}

/// Megabytes of what is dear elsewhere: were any step not linear, this would not end while somebody waits.
#[test]
fn hostile_reasons_are_decided() {
    use menshen::policy::{
        AppId, Application, Condition, CreateTime, Lists, Moment, PolicySpec, RuleMode, RuleSet, RuleSpec, Test,
        TextTest, Verdict,
    };
    let texts = |list: &[&str]| Some(list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
    let reason = TextTest {
        keywords: Lists { any: texts(&["z", "博", "*e*"]), ..Lists::default() },
        regex: texts(&["(a|a)*zzz$", "([^x]*x)*z$", r"(?i)(\w+\s?)+z$"]),
        ..TextTest::default()
    };
    let rule = RuleSpec {
        name: "r".to_owned(),
        action: Verdict::Refuse,
        mode: RuleMode::Live,
        message: Some("{keyword}".to_owned()),
        accounts: None,
        note: None,
        limit: None,
        when: Condition { tests: vec![Test::Reason(reason)] },
        unless: None,
        place: None,
    };
    let spec = PolicySpec { rules: vec![rule], default: Verdict::Hold, default_message: None, message_max_chars: 9 };
    let rules = RuleSet::compile(spec).expect("it compiles");
    for part in
        ["a", "e\u{301}\u{323}", "\u{301}", "\u{202E}\u{200B}", " \u{301}", "博", "x", "ﷺ", "é ", "\u{1100} \u{1161}"]
    {
        let application = Application {
            appid: AppId::new("wx"),
            create_time: CreateTime::ABSENT,
            nickname: String::new(),
            reason: part.repeat((1 << 18) / part.len()) + " z",
            categories: Vec::new(),
            headimgurl: None,
            apply_url: None,
            malformed: Vec::new(),
        };
        let decision = rules.decide(&application, &Moment::at(jiff::Timestamp::UNIX_EPOCH));
        let why = rules.why(&application, &Moment::at(jiff::Timestamp::UNIX_EPOCH), &decision);
        assert!(decision.verdict == Verdict::Hold || decision.message.is_some(), "{part:?}: {}", why.sentence);
    }
}
