//! Accounts in files of their own.

use super::*;

fn account(name: &str, appid: &str, secret: &str) -> String {
    format!("[[account]]\nname = '{name}'\nappid = '{appid}'\ntoken = {{ secret = {secret} }}\n")
}

const FROM_ENV: &str = "{ env = 'MENSHEN_APP_SECRET' }";

/// The names of the accounts, or `code file:line:column` of each problem.
#[track_caller]
fn check_files(files: &[(&str, &str)], need: Need, expected: &[&str]) {
    let directory = directory(files);
    let loaded = load(&directory.path().join("menshen.toml"), &surroundings(), need);
    let short = |file: &str| file.replace(&format!("{}/", directory.path().display()), "");
    let found: Vec<String> = match &loaded {
        Ok(config) => config.account_names.clone(),
        Err(error) => {
            error.problems().map(|p| format!("{} {}:{}:{}", p.code, short(&p.file), p.line, p.column)).collect()
        }
    };
    assert_eq!(found, expected, "{}", loaded.err().map(|error| error.to_string()).unwrap_or_default());
}

const MAIN: &str = "[service]\ninclude = ['accounts/*.toml', 'more.toml', '*.toml']\n";

#[test]
fn accounts_stand_in_many_files_in_order() {
    let (b, c) = (account("b", "wx2", FROM_ENV), account("c", "wx3", FROM_ENV) + &account("d", "wx4", FROM_ENV));
    let rule = "[[rule]]\nname = 'r'\naction = 'hold'\nwhen.always = true\naccounts = ['c', 'a']\n";
    let (with_own, alone) = (format!("{MAIN}{ACCOUNT}{rule}"), format!("{MAIN}[limits]\nper_pass = 7\n"));
    let files =
        |main| [("menshen.toml", main), ("accounts/2.toml", b.as_str()), ("accounts/1.toml", &c), ("more.toml", "")];
    for need in [Need::Secrets, Need::State, Need::Rules] {
        check_files(&files(&with_own), need, &["missing more.toml:1:1"]);
        check_files(&files(&alone)[..3], need, &["include menshen.toml:2:31", "include menshen.toml:2:44"]);
    }
    let e = account("e", "wx5", FROM_ENV)
        + "limits.per_pass = 3\nbase_url = 'https://gateway.example'\ncalls_per_minute = 9\n";
    for need in [Need::Secrets, Need::State, Need::Rules, Need::Policy] {
        let files = [files(&with_own).as_slice()[..3].to_vec(), vec![("more.toml", e.as_str())]].concat();
        check_files(&files, need, &["a", "c", "d", "b", "e"]);
    }
    let config = load_files(&[("menshen.toml", &alone), ("accounts/1.toml", &c), ("more.toml", &e)], Need::Secrets);
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    let (c, e) = (&config.accounts[0], &config.accounts[2]);
    assert_eq!((c.limits.per_pass, e.limits.per_pass), (Some(7), Some(3)));
    assert_eq!((c.wechat.calls_per_minute, e.wechat.calls_per_minute), (300, 9));
    assert_eq!(e.wechat.base_url, "https://gateway.example");
}

#[test]
fn what_is_wrong_is_told_where_it_stands() {
    let main = format!("[service]\ninclude = ['a/*.toml']\n{ACCOUNT}");
    let cases = [
        (account("b", "wx", FROM_ENV), vec!["duplicate a/1.toml:3:9"]),
        (account("a", "wx2", FROM_ENV), vec!["duplicate a/1.toml:2:8"]),
        (account("b", "wx2", "{ env = 'NOT_SET' }"), vec!["secret a/1.toml:4:28"]),
        (account("b", "wx2", "{ file = 'nope' }"), vec!["secret a/1.toml:4:29"]),
        (account("b", "wx2", FROM_ENV) + "[policy]\n", vec!["unknown-key a/1.toml:5:2"]),
        ("[[accounts]]\n".to_owned(), vec!["missing a/1.toml:1:1", "unknown-key a/1.toml:1:3"]),
        ("account = 1\n".to_owned(), vec!["kind a/1.toml:1:11"]),
        ("[[account]\n".to_owned(), vec!["syntax a/1.toml:1:11"]),
    ];
    for (text, expected) in cases {
        check_files(&[("menshen.toml", &main), ("a/1.toml", &text)], Need::Secrets, &expected);
    }
}

#[test]
fn both_places_of_a_duplicate_are_named() {
    let directory = directory(&[
        ("menshen.toml", "[service]\ninclude = ['*/a.toml']\n"),
        ("north/a.toml", &account("shop", "wx1", FROM_ENV)),
        ("south/a.toml", &account("shop", "wx2", FROM_ENV)),
    ]);
    let shown = load(&directory.path().join("menshen.toml"), &surroundings(), Need::Secrets).unwrap_err().to_string();
    let (first, second) = (directory.path().join("north/a.toml:2"), directory.path().join("south/a.toml:2:8"));
    assert!(shown.contains(&format!("another account has the name `shop`: {}", first.display())), "{shown}");
    assert!(shown.contains(&second.display().to_string()), "{shown}");
}

#[test]
fn a_secret_file_is_relative_to_the_file_that_names_it() {
    let text = account("shop", "wx1", "{ file = 'secret' }");
    let files = [("menshen.toml", MAIN.lines().next().unwrap()), ("a/1.toml", &text), ("a/secret", SECRET)];
    let main = format!("{}\ninclude = ['a/*.toml']\n", files[0].1);
    let config = load_files(&[("menshen.toml", &main), files[1], files[2]], Need::Secrets).unwrap();
    assert_eq!(config.accounts.len(), 1);
}

#[test]
fn rules_for_accounts_of_files_that_cannot_be_read_are_no_error_for_who_needs_rules_alone() {
    let rule = "[[rule]]\nname = 'r'\naction = 'hold'\nwhen.always = true\naccounts = ['elsewhere']\n";
    let main = format!("[service]\ninclude = ['a/*.toml']\n{ACCOUNT}{rule}");
    check_files(&[("menshen.toml", &main)], Need::Policy, &[]);
    check_files(&[("menshen.toml", &main)], Need::Rules, &["include menshen.toml:2:12"]);
    let other = account("other", "wx2", FROM_ENV);
    for need in [Need::Policy, Need::Rules] {
        check_files(&[("menshen.toml", &main), ("a/1.toml", &other)], need, &["unknown-name menshen.toml:11:13"]);
    }
}
