//! What people type and what the machine hands over: command lines, settings, secrets, faults, the sandbox's requests.

use menshen::config::{Need, Surroundings, Token, load_text};
use menshen::sandbox::{Account, Application, Fault, Options, World};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// A command line, one argument a line: understood or refused in words.
pub(crate) fn command(bytes: &[u8]) {
    let words = bytes.split(|byte| *byte == b'\n').map(|word| OsString::from_vec(word.to_vec()));
    if let Err(problem) = menshen::cli::understands(words) {
        assert!(!problem.is_empty());
    }
    if let Some(duration) = menshen::document::parse_duration(&String::from_utf8_lossy(bytes)) {
        assert!(bytes.last().is_some_and(u8::is_ascii_lowercase) && duration.subsec_nanos() == 0);
    }
}

/// Everything of a configuration but its rules: schedule, time zone, accounts, addresses.
pub(crate) fn settings(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match load_text(Path::new("fuzz.toml"), &text, &around(Vec::new()), Need::State) {
        Ok(config) => assert!(!config.accounts.is_empty() && !config.service.state_dir.as_os_str().is_empty()),
        Err(error) => assert!(!error.render(true).is_empty() && error.problems().count() > 0),
    }
}

/// What stands in a secret's file or variable: one word is taken, anything else refused without repeating it.
pub(crate) fn secret(bytes: &[u8]) {
    const CONFIG: &str =
        "[[account]]\nname = \"a\"\nappid = \"wx0123456789abcdef\"\ntoken = { secret = { env = \"S\" } }\n";
    match load_text(Path::new("fuzz.toml"), CONFIG, &around(bytes.to_vec()), Need::Secrets) {
        Ok(config) => {
            let secret = match &config.accounts[0].token {
                Token::Stable { secret } => secret,
                #[allow(unreachable_patterns, reason = "stable is what is written above")]
                _ => panic!("the kind is stable"),
            };
            let value = secret.value().expect("it was read");
            let word = secrecy::ExposeSecret::expose_secret(value);
            assert!(!word.is_empty() && !word.chars().any(|c| c.is_whitespace() || c.is_control()));
            assert!(word.len() < 12 || !format!("{config:?}").contains(word));
        }
        Err(error) => {
            let shown = error.render(false);
            let words = String::from_utf8_lossy(bytes);
            words.split_whitespace().filter(|word| word.len() >= 24).for_each(|word| assert!(!shown.contains(word)));
        }
    }
}

/// A fault of the sandbox: what is read is shown in words that are read as the same.
pub(crate) fn fault(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Fault::parse(&text) {
        Ok(fault) => assert_eq!(Fault::parse(&fault.to_string()).as_ref(), Ok(&fault), "{fault}"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A request to the sandbox, its control surface included: `METHOD path?query`, and the body from the second line on.
/// `TOKEN` in the first line stands for a good one. Every answer of the control surface is JSON.
pub(crate) fn control(bytes: &[u8]) {
    let world = World::in_memory(Options::empty());
    assert_eq!(world.arrive(Application::new("wx-1").created_at(1_700_000_000)), menshen::sandbox::Moved::Moved);
    let split = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (line, body) = (String::from_utf8_lossy(&bytes[..split]), bytes.get(split + 1..).unwrap_or_default());
    let (method, address) = line.split_once(' ').unwrap_or(("POST", &line));
    let address = address.replace("TOKEN", &token(&world));
    let (status, answer) = world.ask(method, &address, body);
    assert!((200..600).contains(&status));
    if address.starts_with("/sandbox/") {
        assert!(serde_json::from_slice::<serde_json::Value>(&answer).is_ok());
    }
    assert!(world.accepted_twice().is_empty());
}

fn token(world: &World) -> String {
    let asked = serde_json::json!({
        "grant_type": "client_credential", "appid": Account::DEFAULT_APPID, "secret": Account::DEFAULT_SECRET,
    });
    let (_, answer) = world.ask("POST", "/cgi-bin/stable_token", asked.to_string().as_bytes());
    let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
    answer["access_token"].as_str().expect("a token").to_owned()
}

fn around(value: Vec<u8>) -> Surroundings {
    Surroundings {
        env: Box::new(move |_| Some(OsString::from_vec(value.clone()))),
        credentials_dir: None,
        root: false,
        working_dir: PathBuf::from("."),
        system_config: PathBuf::from("none"),
    }
}
