#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use secrecy::ExposeSecret;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
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
        "[limits]".into(),
        "[[account]]".into(),
        "[[account]]\ntoken.zzzzzzzz = 1".into(),
        "[[account]]\ntoken.secret.zzzzzzzz = 1".into(),
        "[[rule]]".into(),
        "[[case]]".into(),
        "[[case]]\ngiven.zzzzzzzz = 1".into(),
        "[lists]\nx.zzzzzzzz = 1".into(),
        "[[rule]]\nwhen.zzzzzzzz = 1".into(),
        "[[rule]]\nwhen.reason.zzzzzzzz = 1".into(),
        "[[rule]]\nwhen.category.zzzzzzzz = 1".into(),
        "[[rule]]\nwhen.appid.zzzzzzzz = 1".into(),
        "[[rule]]\nwhen.age.zzzzzzzz = 1".into(),
    ];
    let mut known: BTreeSet<String> = BTreeSet::new();
    for table in tables {
        let error = load_files(&[("menshen.toml", &format!("{table}\n{nowhere}"))], Need::State).unwrap_err();
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
fn an_account_overrides_what_it_names() {
    let config = loaded(
        "base_url = 'http://127.0.0.1:8080/x/'\npage_size = 10\nmax_in_flight = 16\ncalls_per_minute = 6000\ntimeout = '30s'\n\
         proxy = 'socks5h://10.0.0.1:1080'\nca_file = 'corp.pem'\nlimits = { agree_per_day = 0 }\n\
         [[account]]\nname = 'b'\nappid = 'wy'\ntoken = { kind = 'stable', secret = { env = 'MENSHEN_APP_SECRET' } }\n\
         [wechat]\npage_size = 20\nproxy = 'http://proxy:3128'\n[limits]\nagree_per_day = 5\nrefuse_per_day = 6\nper_pass = 7\n",
    );
    let [a, b] = &config.accounts[..] else { panic!("two accounts") };
    assert_eq!(a.wechat.base_url, "http://127.0.0.1:8080/x");
    assert_eq!((a.wechat.page_size, a.wechat.max_in_flight, a.wechat.calls_per_minute), (10, 16, 6000));
    assert_eq!(a.wechat.timeout, Duration::from_secs(30));
    assert_eq!(a.wechat.proxy.as_deref(), Some("socks5h://10.0.0.1:1080"));
    assert!(a.wechat.ca_file.as_ref().unwrap().is_absolute(), "relative to the file that names it");
    assert_eq!(a.limits, Limits { agree_per_day: Some(0), refuse_per_day: Some(6), per_pass: Some(7) });
    assert_eq!((b.wechat.page_size, b.wechat.max_in_flight), (20, 4));
    assert_eq!(b.wechat.proxy.as_deref(), Some("http://proxy:3128"));
    assert_eq!(b.limits, config.limits);
    assert_eq!(config.account_names, ["a", "b"]);
}

#[test]
fn wrong_values_are_told_with_their_place() {
    for (text, expected) in [
        ("zzz = 1", &["unknown-key 1:1"][..]),
        ("[servce]", &["unknown-key 1:2"]),
        ("[notify]", &["unknown-key 1:2"]),
        ("service = 1", &["kind 1:11"]),
        ("[service]\nmode = 'dry'", &["value 2:8"]),
        ("[service]\ntimezone = 'Asia/Shangai'", &["timezone 2:12"]),
        ("[service]\ntimezone = ''", &["empty 2:12"]),
        ("[service]\nstate_dir = ''", &["empty 2:13"]),
        ("[service]\nstate_dir = 1", &["kind 2:13"]),
        ("[wechat]\npage_size = 0", &["range 2:13"]),
        ("[wechat]\nmax_in_flight = 0", &["range 2:17"]),
        ("[wechat]\ncalls_per_minute = -1", &["range 2:20"]),
        ("[wechat]\ntimeout = 10", &["kind 2:11"]),
        ("[wechat]\ntimeout = '0s'", &["range 2:11"]),
        ("[wechat]\nproxy = 'proxy'", &["url 2:9"]),
        ("[wechat]\nproxy = 'ftp://proxy'", &["url 2:9"]),
        ("[wechat]\nlimits = {}", &["unknown-key 2:1"]),
        ("[limits]\nagree_per_day = -1", &["range 2:17"]),
        ("[limits]\nagree = 1", &["unknown-key 2:1"]),
        ("[pending]\nwindow = '0s'", &["range 2:10"]),
        ("[pending]\nwarn_before = '24h'", &["range 2:15"]),
        ("[pending]\nwindow = '5h'", &["range 2:10"]),
        ("[pending]\nwindow = '48h'\nwarn_before = '30h'", &[]),
        ("[[rule]]\nname = 'r'\naction = 'hold'\nwhen = { always = true }\naccounts = ['b']", &["unknown-name 5:13"]),
        ("[[rule]]\nname = 'r'\naction = 'hold'\nwhen = { always = true }\naccounts = ['a']", &[]),
    ] {
        check(text, expected);
    }
}

#[test]
fn addresses() {
    for address in [
        "https://api.weixin.qq.com",
        "https://api.weixin.qq.com:443/",
        "HTTPS://Example.COM/a/b/",
        "http://127.0.0.1:9",
        "http://127.9.9.9",
        "http://[::1]:80",
        "http://localhost:8080",
    ] {
        check(&format!("[wechat]\nbase_url = '{address}'"), &[]);
    }
    for (address, code) in [
        ("http://api.weixin.qq.com", "insecure"),
        ("http://10.0.0.1", "insecure"),
        ("http://128.0.0.1", "insecure"),
        ("http://localhost.example.com", "insecure"),
        ("http://127.0.0.1.example.com", "insecure"),
        ("http://[::2]", "insecure"),
        ("http://0.0.0.0", "insecure"),
        ("ftp://127.0.0.1", "url"),
        ("api.weixin.qq.com", "url"),
        ("", "empty"),
        ("https://", "url"),
        ("https://a?b=c", "url"),
        ("https://a#b", "url"),
        ("https://u:p@a", "url"),
        ("https://u@a", "url"),
    ] {
        check(&format!("[wechat]\nbase_url = '{address}'"), &[&format!("{code} 2:12")]);
    }
}

#[test]
fn schedules() {
    for (text, pattern) in [
        ("0 */2 * * * *", "0 */2 * * * *"),
        ("*/10 * * * *", "0 */10 * * * *"),
        (" 0 30 9 * * MON-FRI ", "0 30 9 * * MON-FRI"),
        ("0 0 0 1 1 * 2099", "0 0 0 1 1 * 2099"),
        ("@hourly", "@hourly"),
    ] {
        assert_eq!(Schedule::parse(text).unwrap().pattern(), pattern);
        // The scheduler itself takes what we took.
        assert!(tokio_cron_scheduler::Job::new(pattern, |_, _| {}).is_ok(), "{pattern}");
    }
    for text in
        ["* * * *", "61 * * * * *", "x", "@every 5s", "0 0 0 31 2 *", "0 0 0 1 1 * 2020", "* * * * * * * *", "每小时"]
    {
        assert!(Schedule::parse(text).is_err(), "{text}");
        check(&format!("[service]\nschedule = '{text}'"), &["schedule 2:12"]);
    }
}

#[test]
fn wrong_accounts_are_told_with_their_place() {
    check_whole("", &["missing 1:1"]);
    check_whole("account = []", &["missing 1:1"]);
    check_whole("[account]\nname = 'a'", &["kind 1:1"]);
    let token = "token = { secret = { env = 'MENSHEN_APP_SECRET' } }";
    for (text, expected) in [
        ("", &["missing 1:1", "missing 1:1", "missing 1:1"][..]),
        ("name = ''\nappid = 'wx'\nTOKEN", &["empty 2:8"]),
        ("name = 'a'\nappid = ' wx'\nTOKEN", &["value 3:9"]),
        ("name = 'a'\nappid = 5\nTOKEN", &["kind 3:9"]),
        ("name = 'a'\nappid = 'wx'\nTOKEN\nappsecret = 'x'", &["unknown-key 5:1"]),
        ("name = 'a'\nappid = 'wx'\nTOKEN\nbase_url = 'http://example.com'", &["insecure 5:12"]),
        ("name = 'a'\nappid = 'wx'\nTOKEN\nlimits = { agree_per_dya = 1 }", &["unknown-key 5:12"]),
        ("name = 'a'\nappid = 'wx'\nTOKEN\nlimits = 5", &["kind 5:10"]),
        ("name = 'a'\nappid = 'wx'\nTOKEN\n[[account]]\nname = 'a'\nappid = 'wy'\nTOKEN", &["duplicate 6:8"]),
        ("name = 'a'\nappid = 'wx'\nTOKEN\n[[account]]\nname = 'b'\nappid = 'wx'\nTOKEN", &["duplicate 7:9"]),
        ("name = 'a'\nappid = 'wx'\ntoken = 'x'", &["kind 4:9"]),
        ("name = 'a'\nappid = 'wx'\ntoken = {}", &["missing 4:9"]),
        ("name = 'a'\nappid = 'wx'\ntoken = { kind = 'stabel', secret.env = 'MENSHEN_APP_SECRET' }", &["value 4:18"]),
        ("name = 'a'\nappid = 'wx'\ntoken = { kind = 'none' }", &["missing 4:9", "value 4:18"]),
    ] {
        check_whole(&format!("[[account]]\n{}", text.replace("TOKEN", token)), expected);
    }
}

#[test]
fn secrets_come_from_where_they_are_said_to_be() {
    let files = [("s/secret", "  f1le\r\n\n"), ("creds/app", "\u{feff}cr3d")];
    for (way, expected) in [
        ("{ env = 'MENSHEN_APP_SECRET' }", SECRET),
        ("{ file = 's/secret' }", "f1le"),
        ("{ credential = 'app' }", "cr3d"),
    ] {
        let text = format!("[[account]]\nname = 'a'\nappid = 'wx'\ntoken = {{ secret = {way} }}");
        let directory = directory(&[&[("menshen.toml", text.as_str())][..], &files[..]].concat());
        let around = Surroundings { credentials_dir: Some(directory.path().join("creds")), ..surroundings() };
        let path = directory.path().join("menshen.toml");
        let config = load(&path, &around, Need::Secrets).unwrap();
        let Token::Stable { secret } = &config.accounts[0].token;
        assert_eq!(secret.value().unwrap().expose_secret(), expected);
        assert!(!format!("{config:?}").contains(expected), "secrets do not print themselves");
        let config = load(&path, &around, Need::State).unwrap();
        let Token::Stable { secret } = &config.accounts[0].token;
        assert!(secret.value().is_none());
    }
}

#[test]
fn wrong_secrets_are_told_and_never_shown() {
    for (way, expected) in [
        ("'hunter2'", "secret 4:20"),
        ("\"\"\"hunter2\"\"\"", "secret 4:20"),
        ("12345", "secret 4:20"),
        ("['hunter2']", "kind 4:20"),
        ("{}", "secret 4:20"),
        ("{ env = 'MENSHEN_APP_SECRET', file = 'hunter2' }", "secret 4:20"),
        ("{ env = 'MISSING' }", "secret 4:28"),
        ("{ env = 'EMPTY' }", "secret 4:28"),
        ("{ env = 'TWO_WORDS' }", "secret 4:28"),
        ("{ env = '' }", "empty 4:28"),
        ("{ env = 5 }", "kind 4:28"),
        ("{ env = '0123456789abcdef0123456789abcdef' }", "secret 4:28"),
        ("{ credential = '0123456789abcdef0123456789abcdef' }", "secret 4:35"),
        ("{ file = 'nope' }", "secret 4:29"),
        ("{ file = 'empty' }", "secret 4:29"),
        ("{ file = '.' }", "secret 4:29"),
        ("{ credential = 'app' }", "secret 4:35"),
        ("{ credential = '../app' }", "secret 4:35"),
        ("{ env = 'MENSHEN_APP_SECRET', trim = 'hunter2' }", "unknown-key 4:50"),
    ] {
        let text = format!("[[account]]\nname = 'a'\nappid = 'wx'\ntoken = {{ secret = {way} }}\n");
        let error = load_files(&[("menshen.toml", &text), ("empty", "\n")], Need::Secrets).unwrap_err();
        assert_eq!(found(&error), [expected], "{way}");
        let shown = error.render(false) + &error.render(true);
        assert!(!shown.contains("hunter2") && !shown.contains(SECRET) && !shown.contains("a b"), "{shown}");
        let looked_at = ["MISSING", "EMPTY", "TWO_WORDS", "nope", "'empty'", "'.'", "'app'"];
        if looked_at.iter().any(|l| way.contains(l)) {
            assert!(load_files(&[("menshen.toml", &text)], Need::State).is_ok(), "only looked at when needed: {way}");
        } else {
            assert!(load_files(&[("menshen.toml", &text)], Need::State).is_err(), "wrong in shape: {way}");
        }
    }
}

#[test]
fn time_zones() {
    for (written, name) in
        [("UTC", "UTC"), ("asia/shanghai", "Asia/Shanghai"), ("Europe/Berlin", "Europe/Berlin"), ("PRC", "PRC")]
    {
        assert_eq!(loaded(&format!("[service]\ntimezone = '{written}'")).service.timezone_name, name);
    }
    for wrong in ["Local", "+08:00", "Etc/Unknown", "../etc/passwd", "北京"] {
        check(&format!("[service]\ntimezone = '{wrong}'"), &["timezone 2:12"]);
    }
}

#[test]
fn a_schedule_is_told_which_part_is_wrong() {
    for (text, expected) in [
        ("* * * *", "it has 4 fields"),
        ("0 */2 * * 8", "weekday `8`: number out of bounds"),
        ("0 61 * * * *", "minute `61`: number out of bounds"),
        ("0 0 0 31 2 *", "no such moment comes any more"),
        ("@every 5s", "the short forms are @yearly, @monthly, @weekly, @daily and @hourly"),
    ] {
        assert_eq!(Schedule::parse(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn a_secret_under_a_wrong_key_is_not_shown_either() {
    for text in [
        "token = { secret = { value = 'hunter2' } }",
        "token.secrt = 'hunter2'",
        "token = { secrets = { x = 'hunter2' } }",
        "tokn = 'hunter2'",
        "app = { x = ['hunter2'] }",
    ] {
        let error = load_files(&[("menshen.toml", &format!("[[account]]\n{text}"))], Need::Secrets).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
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
        "[[rule]]",
        "[[account]]\nname = 'b'\n[[rule]]\nname = 'q'\naction = 'hold'\nwhen = { always = true }\naccounts = ['c']",
    ] {
        assert!(load_files(&[("menshen.toml", &format!("{rule}{wrong}"))], Need::Policy).is_err(), "{wrong}");
    }
}

#[test]
fn includes_and_lists_are_relative_to_the_file_that_names_them() {
    let rule = |name: &str| format!("[[rule]]\nname = '{name}'\naction = 'hold'\nwhen.reason.any = ['@{name}']\n");
    let main = format!("{ACCOUNT}[policy]\ninclude = ['rules/*.toml', '*.toml', 'rules/sub/?.toml']\n");
    let config = load_files(
        &[
            ("menshen.toml", &main),
            ("rules/b.toml", &(rule("b") + "[lists]\nb = { file = 'words.txt' }")),
            ("rules/a.toml", &(rule("a") + "[lists]\na = { file = '../words.txt' }")),
            ("rules/.hidden.toml", "not toml"),
            ("rules/dir.toml/x", ""),
            ("rules/sub/c.toml", &(rule("c") + "[lists]\nc = ['@a', '@b']")),
            ("other.toml", ""),
            ("rules/words.txt", "in rules\n"),
            ("words.txt", "beside\n"),
        ],
        Need::Secrets,
    )
    .unwrap_or_else(|e| panic!("{e}"));
    let spec = serde_json::to_value(&config.policy.spec.rules).unwrap();
    let lists: Vec<(&str, String)> =
        spec.as_array().unwrap().iter().map(|r| (r["name"].as_str().unwrap(), r["when"].to_string())).collect();
    let expected = [("a", "[\"beside\"]"), ("b", "[\"in rules\"]"), ("c", "[\"beside\",\"in rules\"]")];
    for ((name, when), (expected_name, expected)) in lists.iter().zip(expected) {
        assert!(*name == expected_name && when.contains(expected), "{lists:?}");
    }
    assert_eq!(lists.len(), 3);
}

#[test]
fn files_that_cannot_be_read_are_told_where_they_are_named() {
    let directory = directory(&[(
        "menshen.toml",
        &format!("{ACCOUNT}[policy]\ninclude = ['nope/*.toml', '[', 'gbk.toml']\n[lists]\nx = {{ file = 'nope.txt' }}"),
    )]);
    fs::write(directory.path().join("gbk.toml"), b"# ok\n\xb2\xa9\xb2\xca").unwrap();
    let error = load(&directory.path().join("menshen.toml"), &surroundings(), Need::Secrets).unwrap_err();
    assert_eq!(found(&error), ["include 6:12", "include 6:27", "unreadable 6:32", "unreadable 8:14"]);
    let shown = error.to_string();
    assert!(
        shown.contains("gbk.toml: line 2 is not UTF-8") && shown.contains("nope.txt: there is no such file"),
        "{shown}"
    );
}

#[test]
fn a_configuration_that_is_not_there() {
    let error = load(Path::new("/nowhere/x.toml"), &surroundings(), Need::Secrets).unwrap_err();
    insta::assert_snapshot!(error.render(false), @r###"
    error[unreadable]: the configuration cannot be used: there is no such file
    --> /nowhere/x.toml
     |
    help: name another file with -c FILE or $MENSHEN_CONFIG
    "###);
    let directory = directory(&[("x", "")]);
    let error = load(directory.path(), &surroundings(), Need::Secrets).unwrap_err();
    assert!(error.to_string().contains("this is a directory"), "{error}");
}

#[test]
fn root_uses_no_file_that_others_may_write() {
    let main = format!("{ACCOUNT}[policy]\ninclude = ['rules.toml']\n");
    let directory =
        directory(&[("menshen.toml", &main), ("rules.toml", "[lists]\nx = { file = 'x.txt' }"), ("x.txt", "a")]);
    let path = directory.path().join("menshen.toml");
    let root = Surroundings { root: true, ..surroundings() };
    let set =
        |name: &str, mode| fs::set_permissions(directory.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    let ours = fs::metadata(&path).unwrap().uid() == 0;
    let refused = |root: &Surroundings| -> Vec<String> {
        load(&path, root, Need::Secrets)
            .err()
            .map(|e| e.problems().map(|p| format!("{} {}", p.code, p.line)).collect())
            .unwrap_or_default()
    };
    for name in ["menshen.toml", "rules.toml", "x.txt"] {
        set(name, 0o644);
    }
    // A file of another user is refused whatever its mode; as root ours are root's.
    assert_eq!(refused(&root).is_empty(), ours);
    for (name, expected) in
        [("menshen.toml", "permissions 0"), ("rules.toml", "permissions 6"), ("x.txt", "permissions 2")]
    {
        set(name, 0o646);
        if ours {
            assert_eq!(refused(&root), [expected], "{name}");
        }
        assert!(refused(&surroundings()).is_empty(), "only root is so careful: {name}");
        set(name, 0o644);
    }
}

#[test]
fn the_configuration_is_looked_for_in_four_places() {
    let near = directory(&[("menshen.toml", "")]);
    let far = directory(&[("menshen.toml", "")]);
    let named = |name: &'static str| move |key: &str| (key == "MENSHEN_CONFIG").then(|| name.into());
    let around = |env: &'static str, near: &Path, far: &Path| Surroundings {
        env: Box::new(named(env)),
        working_dir: near.to_owned(),
        system_config: far.join("menshen.toml"),
        ..surroundings()
    };
    let nowhere = Path::new("/nowhere");
    let cli = Some(Path::new("cli.toml"));
    for (cli, around, expected) in [
        (cli, around("env.toml", near.path(), far.path()), "cli.toml".into()),
        (None, around("env.toml", near.path(), far.path()), "env.toml".into()),
        (None, around("", near.path(), far.path()), near.path().join("menshen.toml")),
        (None, around("", nowhere, far.path()), far.path().join("menshen.toml")),
    ] {
        assert_eq!(find(cli, &around).unwrap(), expected);
    }
    let around = Surroundings { system_config: "/nowhere/at/all.toml".into(), ..surroundings() };
    insta::assert_snapshot!(find(None, &around).unwrap_err().render(false), @r###"
    error[no-config]: no configuration: no -c FILE, $MENSHEN_CONFIG is not set, and neither /nowhere/menshen.toml nor /nowhere/at/all.toml exists
     |
    help: copy config.example.toml to ./menshen.toml and fill it in, or add --sandbox to try menshen without one
    "###);
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
    help: use https://; http:// is accepted for this machine only (127.0.0.1, localhost)

    error[url]: `proxy` is no address of a proxy
     --> /menshen.toml:8:12
      |
    8 | proxy    = 'ftp://************@10.0.0.1'
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
    help: e.g. "http://10.0.0.1:3128" or "socks5h://10.0.0.1:1080"

    error[value]: `kind` cannot be `stabel`: expected stable
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
