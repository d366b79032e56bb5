//! Kinds of tokens and `[platform]`: what each needs, and where what is wrong is told.

use super::*;
use secrecy::ExposeSecret;

const PLATFORM: &str =
    "[platform]\nappid = 'wxplatform'\nsecret = { env = 'MENSHEN_APP_SECRET' }\nticket = { file = 'ticket' }\n";

/// The token stands on line 4, from column 9.
fn config(token: &str, more: &str) -> Result<Config, ConfigError> {
    let text = format!("[[account]]\nname = 'a'\nappid = 'wx'\ntoken = {token}\n{more}");
    let around = Surroundings {
        env: Box::new(|name| match name {
            "PATH" => std::env::var_os("PATH"),
            name => (surroundings().env)(name),
        }),
        ..surroundings()
    };
    let directory = directory(&[("menshen.toml", &text), ("script", "#!/bin/sh")]);
    load(&directory.path().join("menshen.toml"), &around, Need::Secrets)
}

#[track_caller]
fn token(token: &str, more: &str) -> Token {
    config(token, more).unwrap_or_else(|error| panic!("{error}")).accounts[0].token.clone()
}

#[test]
fn every_kind_is_read() {
    let with_secret = "secret = { env = 'MENSHEN_APP_SECRET' }";
    for (kind, more) in [("stable", with_secret), ("classic", with_secret), ("cloudbase", ""), ("none", "")] {
        let read = token(&format!("{{ kind = '{kind}', {more} }}").replace(",  }", " }"), "");
        assert_eq!(read.kind(), kind);
    }
    assert_eq!(token("{ kind = 'authorizer' }", PLATFORM), Token::Authorizer);
    let Token::Cloudbase { file } = token("{ kind = 'cloudbase' }", "") else { panic!("a file") };
    assert_eq!(file, Path::new("/.tencentcloudbase/wx/cloudbase_access_token"));
    let Token::Cloudbase { file } = token("{ kind = 'cloudbase', file = 'wx/token' }", "") else { panic!("a file") };
    assert!(file.is_absolute() && file.ends_with("wx/token"), "relative to the file that names it");
    let Token::External { place: Place::Command(command), max_age } =
        token("{ kind = 'external', command = ['echo', '-n', ''], timeout = '3s', max_age = '1m' }", "")
    else {
        panic!("a command")
    };
    assert!(command.program.is_absolute(), "found in PATH: {}", command.program.display());
    assert_eq!((command.args, command.timeout), (vec!["-n".to_owned(), String::new()], Duration::from_secs(3)));
    assert_eq!(max_age, Duration::from_secs(60));
    let header = "header = { name = 'Authorization', prefix = 'Bearer ', secret = { env = 'MENSHEN_APP_SECRET' } }";
    let Token::External { place: Place::Url { url, header: Some(header) }, max_age } =
        token(&format!("{{ kind = 'external', url = 'http://127.0.0.1:1/t?appid=wx', {header} }}"), "")
    else {
        panic!("a url")
    };
    assert_eq!((url.as_str(), max_age), ("http://127.0.0.1:1/t?appid=wx", Duration::from_secs(300)));
    assert_eq!(header.value().unwrap().expose_secret(), format!("Bearer {SECRET}"));
    let platform = config("{ kind = 'authorizer' }", PLATFORM).unwrap().platform.unwrap();
    assert_eq!(platform.appid.as_str(), "wxplatform");
    assert!(matches!(platform.ticket, Place::File(path) if path.ends_with("ticket")));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let secret = "secret = { env = 'MENSHEN_APP_SECRET' }";
    let cases: &[(&str, &[&str])] = &[
        ("{ kind = 'classic' }", &["missing 4:9"]),
        ("{ kind = 'Stable', SECRET }", &["value 4:18"]),
        ("{ kind = 'none', SECRET }", &["unknown-key 4:26"]),
        ("{ kind = 'cloudbase', SECRET }", &["unknown-key 4:31"]),
        ("{ kind = 'cloudbase', file = '' }", &["empty 4:38"]),
        ("{ kind = 'authorizer' }", &["missing 4:18"]),
        ("{ kind = 'external' }", &["missing 4:9"]),
        ("{ kind = 'external', SECRET, file = 'x' }", &["unknown-key 4:30"]),
        ("{ kind = 'external', file = 'x', url = 'https://x' }", &["value 4:9"]),
        ("{ kind = 'external', file = 5 }", &["kind 4:37"]),
        ("{ kind = 'external', file = 'x', max_age = '0s' }", &["range 4:52"]),
        ("{ kind = 'external', file = 'x', timeout = '9s' }", &[]),
        ("{ kind = 'external', command = 'echo token' }", &["kind 4:40"]),
        ("{ kind = 'external', command = [] }", &["empty 4:40"]),
        ("{ kind = 'external', command = [''] }", &["empty 4:41"]),
        ("{ kind = 'external', command = ['echo', 5] }", &["kind 4:49"]),
        ("{ kind = 'external', command = ['no-such-program-anywhere'] }", &["unreadable 4:41"]),
        ("{ kind = 'external', command = ['./nothing'] }", &["unreadable 4:41"]),
        ("{ kind = 'external', command = ['./script'] }", &["unreadable 4:41"]),
        ("{ kind = 'external', command = ['/'] }", &["unreadable 4:41"]),
        ("{ kind = 'external', command = ['echo'], timeout = '1h' }", &["range 4:60"]),
        ("{ kind = 'external', url = 'tokens' }", &["url 4:36"]),
        ("{ kind = 'external', url = 'ftp://tokens' }", &["url 4:36"]),
        ("{ kind = 'external', url = 'http://tokens.example' }", &["insecure 4:36"]),
        ("{ kind = 'external', url = 'http://api.weixin.qq.com' }", &["insecure 4:36"]),
        ("{ kind = 'external', url = 'https://u:hunter2@tokens.example' }", &["url 4:36"]),
        ("{ kind = 'external', command = ['echo', 'hunter2'], key = 1 }", &["unknown-key 4:61"]),
        ("{ kind = 'external', url = 'https://tokens.example/wx?key=hunter2', key = 1 }", &["unknown-key 4:77"]),
        ("{ kind = 'external', url = 'http://tokens.example/wx?key=hunter2' }", &["insecure 4:36"]),
        ("{ kind = 'externl', command = ['echo', 'hunter2'] }", &["value 4:18"]),
        ("{ kind = 'external', command = 'echo hunter2' }", &["kind 4:40"]),
        ("{ kind = 'external', url = 'https://x', header = { name = 'X' } }", &["missing 4:58"]),
        ("{ kind = 'external', url = 'https://x', header = { name = 'X', secret = 'hunter2' } }", &["secret 4:81"]),
        ("{ kind = 'external', url = 'https://x', header = { name = 'X:', SECRET } }", &["value 4:67"]),
        ("{ kind = 'external', url = 'https://x', header = { name = 'X', prefix = '\\n', SECRET } }", &[]),
    ];
    for (written, expected) in cases {
        let found = config(&written.replace("SECRET", secret), "").err();
        let shown = found.as_ref().map(ToString::to_string).unwrap_or_default();
        assert_eq!(found.map(|error| super::found(&error)).unwrap_or_default(), *expected, "{written}\n{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_platform_is_checked() {
    let good = "appid = 'wxplatform'\nsecret = { env = 'MENSHEN_APP_SECRET' }\nticket = { file = 'ticket' }\n";
    let cases: &[(&str, &[&str])] = &[
        ("", &["missing 5:1", "missing 5:1", "missing 5:1"]),
        (good, &[]),
        ("appid = 'wxp'\nsecret = 'hunter2'\nticket = { file = 't' }", &["secret 7:10"]),
        ("appid = ''\nsecret = { env = 'MENSHEN_APP_SECRET' }\nticket = {}", &["empty 6:9", "missing 8:10"]),
        ("appid = 'wxp'\nsecret = { env = 'MENSHEN_APP_SECRET' }\nticket = 'ticket@@@1'", &["kind 8:10"]),
        (
            "appid = 'wxp'\nsecret = { env = 'MENSHEN_APP_SECRET' }\nticket = { command = ['true'] }\naes_key = 'x'",
            &["unknown-key 9:1"],
        ),
    ];
    for (written, expected) in cases {
        let found = config("{ kind = 'authorizer' }", &format!("[platform]\n{written}")).err();
        let shown = found.as_ref().map(ToString::to_string).unwrap_or_default();
        assert_eq!(found.map(|error| super::found(&error)).unwrap_or_default(), *expected, "{written}\n{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains("ticket@@@1"), "{shown}");
    }
}

#[test]
fn plain_http_only_where_no_token_goes() {
    let (none, stable) = ("{ kind = 'none' }", "{ secret = { env = 'MENSHEN_APP_SECRET' } }");
    let plain = "'http://api.weixin.qq.com'";
    let cases: &[(&str, String, &[&str])] = &[
        (none, format!("base_url = {plain}"), &[]),
        (none, format!("[wechat]\nbase_url = {plain}"), &[]),
        (none, "base_url = 'https://gateway.example'".into(), &[]),
        (none, "base_url = 'http://gateway.example'".into(), &["insecure 5:12"]),
        (none, "base_url = 'http://api.weixin.qq.com.example'".into(), &["insecure 5:12"]),
        (stable, format!("base_url = {plain}"), &["insecure 5:12"]),
        (stable, format!("[wechat]\nbase_url = {plain}"), &["insecure 6:12"]),
        (
            none,
            format!("[[account]]\nname = 'b'\nappid = 'wxb'\ntoken = {stable}\n[wechat]\nbase_url = {plain}"),
            &["insecure 10:12"],
        ),
        (stable, format!("base_url = 'https://x'\n[wechat]\nbase_url = {plain}"), &["insecure 7:12"]),
    ];
    for (token, more, expected) in cases {
        let found = config(token, more).err().map(|error| super::found(&error)).unwrap_or_default();
        assert_eq!(found, *expected, "{token} {more}");
    }
    let base_url = |more: &str| config(none, more).unwrap().accounts[0].wechat.base_url.clone();
    assert_eq!(base_url(""), "http://api.weixin.qq.com", "where the side-car is");
    assert_eq!(base_url("base_url = 'https://gateway.example'"), "https://gateway.example");
}

/// Run by root, a program that others may write is refused.
#[test]
fn a_command_others_may_write_is_refused_by_root() {
    use std::os::unix::fs::PermissionsExt;
    let text = "[[account]]\nname = 'a'\nappid = 'wx'\ntoken = { kind = 'external', command = ['./token'] }";
    let directory = directory(&[("menshen.toml", text), ("token", "#!/bin/sh\n")]);
    let set = |name: &str, mode| {
        fs::set_permissions(directory.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    let load = |root| {
        let around = Surroundings { root, ..surroundings() };
        load(&directory.path().join("menshen.toml"), &around, Need::Secrets).map_err(|error| found(&error))
    };
    set("menshen.toml", 0o644);
    set("token", 0o777);
    assert!(load(false).is_ok());
    if rustix::process::geteuid().is_root() {
        assert_eq!(load(true).unwrap_err(), ["permissions 4:41"]);
        set("token", 0o755);
        assert!(load(true).is_ok());
    }
}
