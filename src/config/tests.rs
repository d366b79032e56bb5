//! The configuration as a whole; values, secrets and files in modules of their own.
#![expect(clippy::unwrap_used, reason = "tests")]

mod accounts;
mod files;
mod secrets;
mod survey;
mod tokens;
mod values;

use super::*;
use crate::policy::Mode;
use crate::policy::Trial;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn surroundings() -> Surroundings {
    Surroundings {
        env: Box::new(|name| match name {
            "MENSHEN_APP_SECRET" => Some(SECRET.into()),
            "EMPTY" => Some(" \n".into()),
            "TWO_WORDS" => Some("a b".into()),
            _ => None,
        }),
        credentials_dir: None,
        root: false,
        working_dir: "/nowhere".into(),
        system_config: "/nowhere/menshen.toml".into(),
    }
}

/// A directory with these files; `menshen.toml` is the first to be looked for.
fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

fn load_files(files: &[(&str, &str)], need: Need) -> Result<Config, ConfigError> {
    let directory = directory(files);
    load(&directory.path().join("menshen.toml"), &surroundings(), need)
}

const PEM: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

const ACCOUNT: &str = "[[account]]\nname = 'a'\nappid = 'wx'\ntoken = { secret = { env = 'MENSHEN_APP_SECRET' } }\n";

#[track_caller]
fn loaded(text: &str) -> Config {
    load_files(&[("menshen.toml", &format!("{ACCOUNT}{text}"))], Need::Secrets).unwrap_or_else(|e| panic!("{e}"))
}

/// `code line:column` of each problem.
fn found(error: &ConfigError) -> Vec<String> {
    error.problems().map(|p| format!("{} {}:{}", p.code, p.line, p.column)).collect()
}

#[track_caller]
fn check_whole(text: &str, expected: &[&str]) {
    let found = load_files(&[("menshen.toml", text)], Need::Secrets).err().map(|e| found(&e)).unwrap_or_default();
    assert_eq!(found, expected, "{text}");
}

/// The text goes before a right account; its first line is line 1.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    check_whole(&format!("{text}\n{ACCOUNT}"), expected);
}

/// What stands in the documentation.
const DOCUMENTED: &str = include_str!("tests/documented.toml");

#[test]
fn the_documented_example_loads() {
    let config = load_files(
        &[
            ("menshen.toml", DOCUMENTED),
            ("partners.txt", "# 合作方\nwx0000000000000001\n"),
            (
                "rules/cases.toml",
                "[[case]]\nname = 'c'\ngiven = { reason = '博 彩' }\nexpect = 'refuse'\nrule = 'gambling words'\n",
            ),
        ],
        Need::Secrets,
    )
    .unwrap();
    assert_eq!(config.service.mode, Mode::Live);
    assert_eq!(config.service.schedule.pattern(), "0 */2 * * * *");
    let account = &config.accounts[0];
    assert_eq!((account.name.as_str(), account.appid.as_str()), ("express", "wx0123456789abcdef"));
    assert_eq!(account.limits, Limits { agree_per_day: Some(500), refuse_per_day: Some(100), per_pass: None });
    assert_eq!(account.wechat, Wechat::default());
    let names: Vec<&str> = config.policy.spec.rules.iter().map(|r| r.name.as_str()).collect();
    assert_eq!((names, config.policy.cases.len()), (vec!["gambling words", "known trades"], 1));
}

#[test]
fn what_is_absent_has_its_default() {
    let config = loaded("");
    assert_eq!(config.service.schedule.pattern(), "0 */2 * * * *");
    assert_eq!(config.service.timezone_name, "Asia/Shanghai");
    assert_eq!(config.service.timezone.iana_name(), Some("Asia/Shanghai"));
    assert_eq!(config.service.mode, Mode::Live);
    assert_eq!(config.service.state_dir, Path::new("/var/lib/menshen"));
    let hour = Duration::from_secs(3_600);
    assert_eq!(config.pending, Pending { window: 24 * hour, warn_before: 6 * hour });
    assert_eq!(config.limits, Limits::default());
    let wechat = &config.accounts[0].wechat;
    assert_eq!(wechat.base_url, "https://api.weixin.qq.com");
    assert_eq!((wechat.page_size, wechat.max_in_flight, wechat.calls_per_minute), (50, 4, 300));
    assert_eq!((wechat.timeout, &wechat.proxy, &wechat.ca_file), (Duration::from_secs(10), &None, &None));
}

const EXAMPLE: &str = include_str!("../../config.example.toml");

#[test]
fn the_example_shows_the_defaults_and_starts_in_shadow_mode() {
    let example = load_files(&[("menshen.toml", EXAMPLE)], Need::Secrets).unwrap();
    let defaults = loaded("");
    assert_eq!(example.service.mode, Mode::Shadow);
    assert_eq!(example.service.schedule.pattern(), defaults.service.schedule.pattern());
    assert_eq!(example.service.timezone_name, defaults.service.timezone_name);
    assert_eq!(example.service.state_dir, defaults.service.state_dir);
    assert_eq!(example.pending, defaults.pending);
    assert_eq!(example.limits, defaults.limits);
    assert_eq!(example.accounts[0].wechat, defaults.accounts[0].wechat);
    assert_eq!(example.accounts[0].limits, defaults.accounts[0].limits);
    assert_eq!(example.policy.spec.message_max_chars, defaults.policy.spec.message_max_chars);
    assert_eq!(example.policy.spec.default, defaults.policy.spec.default);
}

#[test]
fn a_text_at_hand_is_read_like_a_file() {
    let config = load_text(Path::new("example"), EXAMPLE, &surroundings(), Need::Policy).unwrap();
    assert_eq!(config.policy.spec.rules[0].place.as_ref().unwrap().file.as_ref(), "example");
    let error = load_text(Path::new("example"), "x = 1", &surroundings(), Need::Policy).unwrap_err();
    assert_eq!(error.problems().next().unwrap().to_string(), "example:1:1: unknown key `x`");
}

/// What the example promises of its rules is true.
#[test]
fn the_cases_of_the_example_come_out_as_they_say() {
    let policy = load_files(&[("menshen.toml", EXAMPLE)], Need::Policy).unwrap().policy;
    let mut trial = Trial::new(&policy.spec, &["express".to_owned()]).unwrap();
    for case in &policy.cases {
        let result = trial.run(case, Timestamp::from_second(1_800_000_000).unwrap()).unwrap();
        assert!(result.passed(), "{}: {:?}", case.name, result.differences);
    }
    assert!(policy.cases.len() >= 2);
}

/// An unknown key in each table makes the error tell the known ones; each must stand in the example.
#[test]
fn the_example_shows_every_key() {
    let nowhere = "zzzzzzzz = 1\n";
    let tables = [
        "".to_owned(),
        "[service]".into(),
        "[wechat]".into(),
        "[policy]".into(),
        "[pending]".into(),
        "[housekeeping]".into(),
        "[limits]".into(),
        "[[account]]".into(),
        "[[account]]\ntoken.zzzzzzzz = 1".into(),
        "[[account]]\ntoken.secret.zzzzzzzz = 1".into(),
        "[[account]]\ntoken.kind = 'external'\ntoken.zzzzzzzz = 1".into(),
        "[[account]]\ntoken.kind = 'external'\ntoken.url = 'https://x'\ntoken.header.zzzzzzzz = 1".into(),
        "[[account]]\ntoken.kind = 'cloudbase'\ntoken.zzzzzzzz = 1".into(),
        "[platform]".into(),
        "[platform]\nticket.zzzzzzzz = 1".into(),
        "[metrics]".into(),
        "[[notify]]".into(),
        "[[rule]]".into(),
        "[[case]]".into(),
        "[[case]]\ngiven.zzzzzzzz = 1".into(),
        "[lists]\nx.zzzzzzzz = 1".into(),
        "[[rule]]\nwhen.zzzzzzzz = 1".into(),
        "[[rule]]\nwhen.reason.zzzzzzzz = 1".into(),
        "[[rule]]\nwhen.category.zzzzzzzz = 1".into(),
        "[[rule]]\nwhen.appid.zzzzzzzz = 1".into(),
        "[[rule]]\nwhen.age.zzzzzzzz = 1".into(),
        "[[rule]]\nwhen.previous.zzzzzzzz = 1".into(),
    ];
    let mut known: BTreeSet<String> = BTreeSet::new();
    for table in tables {
        let error = load_files(&[("menshen.toml", &format!("{table}\n{nowhere}"))], Need::Secrets).unwrap_err();
        let helps: Vec<&str> =
            error.problems().filter_map(|p| p.help.as_deref()?.strip_prefix("known keys: ")).collect();
        assert!(!helps.is_empty(), "{table}: {error}");
        known.extend(helps.iter().flat_map(|h| h.split(", ")).map(str::to_owned));
    }
    assert!(known.len() > 50, "{known:?}");
    let words: BTreeSet<&str> = EXAMPLE.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let missing: Vec<&String> = known.iter().filter(|key| !words.contains(key.as_str())).collect();
    assert!(missing.is_empty(), "not in config.example.toml: {missing:?}");
}

#[test]
fn who_reads_the_record_needs_no_rules() {
    let account = "[[account]]\nname = 'b'\nappid = 'wxb'\ntoken = { secret = { env = 'NOT_SET' } }\n";
    let broken = "[policy]\ndefault = 'maybe'\n[lists]\nx = []\n[[rule]]\nname = 5\n";
    let text = format!("{account}{broken}");
    let config = load_files(&[("menshen.toml", &text)], Need::State).unwrap();
    assert_eq!((config.accounts.len(), config.policy.spec.rules.len()), (1, 0));
    assert!(load_files(&[("menshen.toml", &text)], Need::Secrets).is_err());
    assert!(load_files(&[("menshen.toml", &format!("{account}[service]\nzzz = 1"))], Need::State).is_err());
}

#[test]
fn the_sandbox_needs_rules_only() {
    let rule = "[[rule]]\nname = 'r'\naction = 'hold'\nwhen = { always = true }\n";
    let config = load_files(&[("menshen.toml", rule)], Need::Policy).unwrap();
    assert_eq!((config.policy.spec.rules.len(), config.accounts.len()), (1, 0));
    let half = format!(
        "[[account]]\nname = 'b'\ntoken = 5\n[wechat]\nbase_url = 'nowhere'\n[limits]\nper_pass = 3\n{rule}accounts = ['b']"
    );
    let config = load_files(&[("menshen.toml", &half)], Need::Policy).unwrap();
    assert_eq!((config.account_names, config.limits.per_pass), (vec!["b".to_owned()], Some(3)));
    let config = load_files(&[("menshen.toml", &format!("{rule}accounts = ['b']"))], Need::Policy);
    assert!(config.is_ok(), "without accounts their names cannot be checked");
    for wrong in [
        "[zzz]",
        "[limits]\nzzz = 1",
        "[pending]\nwindow = 1",
        "[housekeeping]\ndelete_refused_after = \"1h\"",
        "[[rule]]",
        "[[account]]\nname = 'b'\n[[rule]]\nname = 'q'\naction = 'hold'\nwhen = { always = true }\naccounts = ['c']",
    ] {
        assert!(load_files(&[("menshen.toml", &format!("{rule}{wrong}"))], Need::Policy).is_err(), "{wrong}");
    }
}

#[test]
fn everything_wrong_is_shown_at_once() {
    let text = "\
[service]
schedul  = '0 */2 * * * *'
timezone = 'Asia/Shangai'
schedule = '0 */2 * * 8'

[wechat]
base_url = 'http://api.weixin.qq.com'
proxy    = 'ftp://corp:hunter2@10.0.0.1'

[[account]]
name  = 'express'
appid = 'wx0123456789abcdef'
token = { kind = 'stabel', secret = 'hunter2' }

[[rule]]
name   = '博彩'
action = 'refuse'
when   = { reason = { any = ['赌博', '@gamblign'] } }  # 博彩词
accounts = ['expres']

[lists]
gambling = []
";
    let directory = directory(&[("menshen.toml", text)]);
    let error = load(&directory.path().join("menshen.toml"), &surroundings(), Need::Secrets).unwrap_err();
    let shown = error.render(false).replace(&*directory.path().to_string_lossy(), "");
    insta::assert_snapshot!(shown, @r###"
    error[unknown-key]: unknown key `schedul` in [service]
     --> /menshen.toml:2:1
      |
    2 | schedul  = '0 */2 * * * *'
      | ^^^^^^^
      |
    help: did you mean `schedule`?

    error[timezone]: there is no time zone `Asia/Shangai`
     --> /menshen.toml:3:12
      |
    3 | timezone = 'Asia/Shangai'
      |            ^^^^^^^^^^^^^^
      |
    help: did you mean `Asia/Shanghai`?

    error[schedule]: `schedule` is no cron pattern: weekday `8`: number out of bounds
     --> /menshen.toml:4:12
      |
    4 | schedule = '0 */2 * * 8'
      |            ^^^^^^^^^^^^^
      |
    help: six fields: second minute hour day month weekday; "0 */10 * * * *" is every ten minutes, "0 30 9 * * MON-FRI" is 9:30 on weekdays

    error[insecure]: plain http:// would send the secret and the token readable by everybody on the way
     --> /menshen.toml:7:12
      |
    7 | base_url = 'http://api.weixin.qq.com'
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
    help: use https://; http:// is accepted for this machine only (127.0.0.1, localhost), and for api.weixin.qq.com where token.kind is "none"

    error[url]: `proxy` is no address of a proxy
     --> /menshen.toml:8:12
      |
    8 | proxy    = 'ftp://************@10.0.0.1'
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
    help: e.g. "http://10.0.0.1:3128" or "socks5h://10.0.0.1:1080"

    error[value]: `kind` cannot be `stabel`: expected stable, classic, external, cloudbase, none, authorizer
      --> /menshen.toml:13:18
       |
    13 | token = { kind = 'stabel', secret = ********* }
       |                  ^^^^^^^^
       |
    help: did you mean `stable`?

    error[secret]: a secret must not stand in the configuration itself
      --> /menshen.toml:13:37
       |
    13 | token = { kind = 'stabel', secret = ********* }
       |                                     ^^^^^^^^^
       |
    help: write { env = "NAME" }, { file = "PATH" } or { credential = "NAME" }

    error[message]: a rule that refuses needs a message for the applicant
      --> /menshen.toml:15:1
       |
    15 | [[rule]]
       | ^^^^^^^^
       |
    help: add `message = "…"`; it may hold {keyword}, {category}, {nickname}, {appid} and {rule}

    error[unknown-name]: there is no list named `gamblign` in [lists]
      --> /menshen.toml:18:36
       |
    18 | when   = { reason = { any = ['赌博', '@gamblign'] } }  # 博彩词
       |                                      ^^^^^^^^^^^
       |
    help: did you mean `gambling`?

    error[unknown-name]: there is no account named `expres`
      --> /menshen.toml:19:13
       |
    19 | accounts = ['expres']
       |             ^^^^^^^^
       |
    help: did you mean `express`?

    error[empty]: `gambling` is an empty list
      --> /menshen.toml:22:12
       |
    22 | gambling = []
       |            ^^
       |
    help: leave the key out, or name at least one entry

    error: 11 problems found
    "###);
}

/// `[[notify]]` after a right account; its first line is line 6.
#[track_caller]
fn check_notify(keys: &str, expected: &[&str]) {
    let text = format!("{ACCOUNT}\n[[notify]]\n{keys}\n");
    let first = ACCOUNT.lines().count() as i64 + 3;
    let shifted: Vec<String> = expected
        .iter()
        .map(|problem| {
            let (code, line) = problem.split_once(' ').unwrap();
            format!("{code} {}", line.parse::<i64>().unwrap() + first)
        })
        .collect();
    let error =
        load_files(&[("menshen.toml", &text), ("plain", "http://robot.example/key-s3cret")], Need::Secrets).err();
    let shown = error.as_ref().map(|error| error.render(false)).unwrap_or_default();
    let found: Vec<String> = error
        .iter()
        .flat_map(|error| error.problems())
        .map(|problem| format!("{} {}", problem.code, problem.line))
        .collect();
    assert_eq!(found, shifted, "{text}\n{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn notices_are_checked() {
    let url = "url = { file = 'good' }";
    let good = |text: &str| {
        let files = [("menshen.toml", text), ("good", "https://robot.example/send?key=s3cret")];
        load_files(&files, Need::Secrets).unwrap_or_else(|error| panic!("{error}"))
    };
    let config = good(&format!("{ACCOUNT}\n[[notify]]\nname = 'n'\nkind = 'wecom'\n{url}\n"));
    let one = &config.notify[0];
    assert_eq!((one.events.len(), one.accounts.len(), one.content), (6, 0, NotifyContent::Full));
    assert_eq!((one.language, one.digest_at.to_string().as_str()), (NotifyLanguage::Zh, "09:00:00"));
    assert!(!format!("{config:?}").contains("s3cret"));
    assert!(one.proxy.is_none() && one.ca_file.is_none());
    let way = "proxy = 'http://me:s3cret@10.0.0.1:3128'";
    let config = good(&format!(
        "{ACCOUNT}\n[[notify]]\nname = 'n'\nkind = 'feishu'\n{url}\n{way}\n[wechat]\nproxy = 'http://x'"
    ));
    assert_eq!(config.notify[0].proxy.as_ref().map(ProxyAddress::expose), Some("http://me:s3cret@10.0.0.1:3128"));
    assert!(!format!("{config:?}").contains("s3cret"));
    for (keys, expected) in [
        ("name = 'n'\nkind = 'slack'\nurl = { env = 'MISSING' }", &["value 1", "secret 2"][..]),
        ("name = 'n'\nkind = 'wecom'", &["missing -1"]),
        ("name = 'n'\nkind = 'wecom'\nurl = 'https://robot.example/key-s3cret'", &["secret 2"]),
        ("name = 'n'\nkind = 'wecom'\nurl = { file = 'plain' }", &["insecure 2"]),
        ("name = 'n'\nkind = 'wecom'\nurl = { env = 'MENSHEN_APP_SECRET' }", &["url 2"]),
        ("name = 'n'\nkind = 'command'", &["missing -1"]),
        ("name = 'n'\nkind = 'command'\ncommand = ['tell']", &["value 2"]),
        ("name = 'n'\nkind = 'command'\ncommand = []", &["empty 2"]),
        ("name = 'n'\nkind = 'command'\ncommand = ['/bin/tell', '']\nkeyword = '审核'", &[]),
        ("name = 'n'\nkind = 'command'\ncommand = ['/bin/tell']\nsecret = { env = 'MENSHEN_APP_SECRET' }", &["kind 3"]),
        ("name = 'n'\nkind = 'command'\ncommand = ['/bin/tell']\nevents = ['hold']", &["value 3"]),
        ("name = 'n'\nkind = 'command'\ncommand = ['/bin/tell']\nevents = []", &["empty 3"]),
        ("name = 'n'\nkind = 'command'\ncommand = ['/bin/tell']\naccounts = ['nobody']", &["unknown-name 3"]),
        ("name = 'n'\nkind = 'command'\ncommand = ['/bin/tell']\ncontent = 'some'", &["value 3"]),
        ("name = 'n'\nkind = 'command'\ncommand = ['/bin/tell']\nlanguage = 'fr'", &["value 3"]),
        ("name = 'n'\nkind = 'command'\ncommand = ['/bin/tell']\ndigest_at = '9am'", &["value 3"]),
        ("name = 'n'\nkind = 'command'\ncommand = ['/bin/tell']\nevnets = []", &["unknown-key 3"]),
        (
            "name = 'n'\nkind = 'command'\ncommand = ['/bin/tell']\nproxy = 'http://10.0.0.1'\nca_file = 'x'",
            &["kind 3", "kind 4"],
        ),
        ("name = 'n'\nkind = 'wecom'\nurl = { file = 'plain' }\nproxy = 'ftp://a:s3cret@b'", &["insecure 2", "url 3"]),
        ("name = 'n'\nkind = 'wecom'\nurl = { file = 'plain' }\nca_file = 'plain'", &["insecure 2", "unreadable 3"]),
        (
            "name = 'n'\nkind = 'command'\ncommand = ['/bin/tell']\n[[notify]]\nname = 'n'\nkind = 'command'\ncommand = ['/bin/tell']",
            &["duplicate 4"],
        ),
    ] {
        check_notify(keys, expected);
    }
}
