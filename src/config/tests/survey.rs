//! A configuration looked over part by part.

use super::*;

/// Codes of what is wrong beside the rules and with them; who can be used; whose secret cannot be had.
#[track_caller]
fn check(text: &str, settings: &[&str], rules: &[&str], usable: &[&str], unread: &[&str]) {
    let directory = directory(&[("menshen.toml", text)]);
    let around = surroundings();
    let survey = survey(&directory.path().join("menshen.toml"), &around).unwrap();
    let codes = |problems: &[crate::document::Problem]| problems.iter().map(|p| p.code).collect::<Vec<_>>();
    let names: Vec<&str> = survey.config.accounts.iter().map(|account| account.name.as_str()).collect();
    let secrets = survey.secrets();
    let missing = secrets.iter().filter(|one| one.secret.look(&around).is_err());
    let missing: Vec<&str> = missing.map(|one| one.account.unwrap_or(&one.role)).collect();
    assert_eq!((codes(&survey.settings), codes(&survey.rules)), (settings.to_vec(), rules.to_vec()), "{text}");
    assert_eq!((names, missing), (usable.to_vec(), unread.to_vec()), "{text}");
}

#[test]
fn what_is_right_is_there_whatever_else_is_wrong() {
    let account = |name: &str, secret: &str| {
        format!("[[account]]\nname = '{name}'\nappid = 'wx-{name}'\ntoken = {{ secret = {{ env = '{secret}' }} }}\n")
    };
    let (a, b) = (account("a", "MENSHEN_APP_SECRET"), account("b", "MISSING"));
    let rule = "[[rule]]\nname = 'r'\naction = 'agree'\nwhen = { always = true }\n";
    let bad_rule = "[[rule]]\nname = 'r'\naction = 'refuse'\nwhen = { always = true }\n";
    let hook = "[[notify]]\nname = 'us'\nkind = 'webhook'\nurl = { env = 'MISSING' }\nsecret = { env = 'MENSHEN_APP_SECRET' }\nevents = ['held']\n";
    let platform = "[platform]\nappid = 'wxp'\nsecret = { env = 'MISSING' }\nticket = { file = 't' }\n";
    check(&format!("{a}{rule}"), &[], &[], &["a"], &[]);
    check(&format!("{a}{b}{rule}"), &[], &[], &["a"], &["b"]);
    check(&format!("{a}{bad_rule}"), &[], &["message"], &["a"], &[]);
    check(&format!("{a}{b}{bad_rule}[wechat]\nproxies = 1\n"), &["unknown-key"], &["message"], &["a"], &["b"]);
    check(&format!("{a}{hook}"), &[], &[], &["a"], &["url of [[notify]] us"]);
    check(&format!("{a}{platform}"), &[], &[], &["a"], &["[platform] secret"]);
    check(rule, &["missing"], &[], &[], &[]);
    let literal = a.replace("{ env = 'MENSHEN_APP_SECRET' }", "'hunter2'");
    check(&format!("{literal}{rule}"), &["secret"], &[], &[], &[]);
}

#[test]
fn who_else_may_read_a_secret_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let text = ACCOUNT.replace("env = 'MENSHEN_APP_SECRET'", "file = 'secret'");
    let directory = directory(&[("menshen.toml", text.as_str()), ("secret", "f1le")]);
    let path = directory.path().join("secret");
    for mode in [0o600, 0o644] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let survey = survey(&directory.path().join("menshen.toml"), &surroundings()).unwrap();
        assert_eq!(survey.secrets()[0].secret.look(&surroundings()), Ok(Some(mode)));
    }
    fs::remove_file(&path).unwrap();
    let survey = survey(&directory.path().join("menshen.toml"), &surroundings()).unwrap();
    let unread = survey.secrets()[0].secret.look(&surroundings()).unwrap_err();
    assert!(unread.why.contains("there is no such file"), "{unread:?}");
}
