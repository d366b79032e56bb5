//! Secrets: where they come from, and that nothing shows them.

use super::*;
use secrecy::ExposeSecret;

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
        let Token::Stable { secret } = &config.accounts[0].token else { panic!("stable is the default") };
        assert_eq!(secret.value().unwrap().expose_secret(), expected);
        assert!(!format!("{config:?}").contains(expected), "secrets do not print themselves");
        let config = load(&path, &around, Need::State).unwrap();
        let Token::Stable { secret } = &config.accounts[0].token else { panic!("stable is the default") };
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

/// Damaged in any way, a configuration is an error that still does not show the secret written into it.
#[test]
fn a_damaged_configuration_shows_no_secret() {
    const PIECES: [&str; 14] =
        ["\"", "'", "[", "]", "{", "}", "=", "\n", ",", "#", "\"\"\"", "词", "\u{0}", "[[account]]\n"];
    let written = EXAMPLE.replace("{ env = \"MENSHEN_APP_SECRET\" }", &format!("\"{SECRET}\""));
    let start = written.find("token = ").unwrap();
    let end = written[start..].find('\n').unwrap() + start;
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..60 {
        let mut line: Vec<char> = written[start..end].chars().collect();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(0..line.len());
            let until = (at + random.usize(0..12)).min(line.len());
            line.splice(at..until, PIECES[random.usize(0..PIECES.len())].chars());
        }
        let line: String = line.into_iter().collect();
        let text = format!("{}{line}{}", &written[..start], &written[end..]);
        let error = load_files(&[("menshen.toml", &text)], Need::Secrets).unwrap_err();
        assert!(!error.to_string().contains(SECRET), "{line}\n{error}");
    }
}
