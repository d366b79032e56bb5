//! What must not compile: a dry run that acts, an intent nobody recorded, an intent used twice.
//!
//! Each text below is compiled against this very library by the compiler that
//! built it, and must fail with exactly the errors named. A text that differs only
//! in what is allowed must compile: so a failure is the failure that is meant.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What every text begins with.
const HEAD: &str = "#![allow(unused)]\nuse menshen::{policy::*, service::*, store::*, wechat::*};\n";

/// Compiles a text; the codes of its errors, sorted, each once.
fn errors(name: &str, text: &str) -> Vec<String> {
    let deps = std::env::current_exe().expect("a test").parent().expect("below deps").to_owned();
    let dir = tempfile::tempdir().expect("a directory");
    let source = dir.path().join(format!("{name}.rs"));
    std::fs::write(&source, format!("{HEAD}{text}")).expect("written");
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let library = format!("menshen={}", library(&deps).display());
    rustc.args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--error-format=json"]).arg(&source);
    rustc.arg("--out-dir").arg(dir.path()).arg("--extern").arg(library);
    rustc.arg("-L").arg(format!("dependency={}", deps.display()));
    let done = rustc.output().expect("rustc, which built this test");
    let said = String::from_utf8_lossy(&done.stderr);
    let messages = said.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let errors = messages.filter(|message| message["level"] == "error");
    let code = |message: serde_json::Value| match message["code"]["code"].as_str() {
        Some(code) => code.to_owned(),
        None => message["message"].to_string(),
    };
    let mut codes: Vec<String> = errors.map(code).filter(|code| !code.contains("aborting due to")).collect();
    codes.sort();
    codes.dedup();
    assert_eq!(done.status.success(), codes.is_empty(), "{name}: {said}");
    codes
}

/// The library as it was built for this test: the newest, where earlier ones still lie about.
fn library(deps: &Path) -> PathBuf {
    let files = std::fs::read_dir(deps).expect("deps").map(|file| file.expect("a file").path());
    let name = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let built = files.filter(|path| name(path).starts_with("libmenshen-") && name(path).ends_with(".rlib"));
    built.max_by_key(|path| path.metadata().and_then(|file| file.modified()).ok()).expect("the library was built")
}

#[track_caller]
fn check(name: &str, allowed: &str, forbidden: &str, codes: &[&str]) {
    assert_eq!(errors(name, allowed), Vec::<String>::new(), "{name}: what is allowed does not compile");
    assert_eq!(errors(name, forbidden), codes, "{name}");
}

/// An intent comes from the log alone, after its row is there.
#[test]
fn an_intent_cannot_be_made() {
    let allowed = "fn look(intent: &Intent) -> i64 { intent.decision() }";
    for (name, forbidden, code) in [
        (
            "by_its_maker",
            "fn make() -> Intent { Intent::recorded(1, 1, Action::Agree, AppId::new(\"wx\"), None) }",
            "E0624",
        ),
        (
            "by_its_fields",
            "fn make(a: AppId) -> Intent { Intent { decision: 1, attempt: 1, action: Action::Agree, appid: a, reason: None } }",
            "E0451",
        ),
        ("by_default", "fn make() -> Intent { Default::default() }", "E0277"),
        (
            "by_changing_one",
            "fn make(mut intent: Intent) -> Intent { intent.action = Action::Refuse; intent }",
            "E0616",
        ),
        (
            "by_reading_one",
            "fn make(text: &str) -> Intent { fn read<T: for<'a> From<&'a str>>(t: &str) -> T { T::from(t) } read(text) }",
            "E0277",
        ),
        (
            "by_copying_one",
            "fn make(intent: &Intent) -> Intent { fn copy<T: Clone>(one: &T) -> T { one.clone() } copy(intent) }",
            "E0277",
        ),
    ] {
        check(name, allowed, forbidden, &[code]);
    }
}

/// One intent, one call.
#[test]
fn an_intent_cannot_be_used_twice() {
    let call = |again: &str| {
        format!(
            "async fn call(client: &Client, one: Slot, two: Slot, intent: Intent) {{ client.carry_out(one, intent).await; {again} }}"
        )
    };
    check("used_twice", &call(""), &call("client.carry_out(two, intent).await;"), &["E0382"]);
}

/// A dry run has a reader of the log and the accounts: neither has a way to agree or refuse.
#[test]
fn a_dry_run_cannot_act() {
    let dry = |body: &str| {
        format!(
            "async fn dry(accounts: &[Account], log: Option<&Reader>, slot: Slot, wanted: Vec<NewIntent>) {{ let seen = preview(accounts, log, &|_| ()).await; {body} }}"
        )
    };
    for (name, body, code) in [
        ("the_log_takes_no_intent", "log.unwrap().intend(wanted).await;", "E0599"),
        ("the_log_is_no_store", "fn write(store: &Store) {} write(log.unwrap());", "E0308"),
        ("its_client_is_not_ours", "let client = &accounts[0].client;", "E0616"),
        ("an_account_does_not_agree", "accounts[0].agree();", "E0599"),
        ("a_preview_does_not_act", "seen[0].lines[0].carry_out(slot).await;", "E0599"),
    ] {
        check(name, &dry(""), &dry(body), &[code]);
    }
    let client =
        |body: &str| format!("async fn act(client: &Client, slot: Slot, appid: AppId) {{ client.pause(); {body} }}");
    for (name, body, code) in [
        ("no_agree", "client.agree(&appid).await;", "E0599"),
        ("no_refuse", "client.refuse(&appid, \"x\").await;", "E0599"),
        ("no_call_without_an_intent", "client.carry_out(slot, appid).await;", "E0308"),
        ("no_call_of_any_kind", "client.call(slot, Vec::new(), 1, |_, _| Ok(())).await;", "E0624"),
    ] {
        check(name, &client(""), &client(body), &[code]);
    }
}
