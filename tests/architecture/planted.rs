//! Proves that the checker finds what is planted, however it is spelled, and nothing else.

use crate::rules::breaches;
use crate::tree::{Sources, Tree};
use crate::{ROOMS, RULES};

/// A house of these files (`lib.rs` declares the rooms unless it is given). Each breach must contain its part
/// of `wanted`, in order of place.
#[track_caller]
fn check(files: &[(&str, &str)], wanted: &[&str]) {
    let mut texts: std::collections::BTreeMap<String, String> =
        files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
    let mut rooms: Vec<_> = files.iter().map(|(file, _)| file.split(['/', '.']).next().unwrap_or_default()).collect();
    rooms.sort();
    rooms.dedup();
    let declared = rooms.iter().filter(|room| !["lib", "main"].contains(room)).map(|room| format!("pub mod {room};\n"));
    texts.entry("lib.rs".to_owned()).or_insert(declared.collect());
    let found = breaches(&Tree::read(Sources(texts)), ROOMS, RULES);
    let agree = found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| found.contains(wanted));
    assert!(agree, "{files:#?}\nfound:  {found:#?}\nwanted: {wanted:#?}");
}

/// One file, one breach on its last line that matters.
#[track_caller]
fn breach(file: &str, text: &str, wanted: &str) {
    check(&[(file, text)], &[wanted]);
}

#[track_caller]
fn clean(file: &str, text: &str) {
    check(&[(file, text)], &[]);
}

#[test]
fn direct() {
    breach("policy.rs", "use tokio::time::sleep;", "src/policy.rs:1: `tokio::time::sleep`");
    breach("policy/mod.rs", "\nfn f() -> ::std::fs::File { g() }", "src/policy/mod.rs:2");
    breach("document.rs", "fn f() { core::mem::drop(std::env::var(\"A\")); }", "is `std::env::var`");
    breach("config.rs", "type Pool = sqlx::SqlitePool;", "all SQL is in store");
    breach("store.rs", "extern crate reqwest as http;", "only wechat and notify");
    breach("wechat.rs", "use axum::{Router};", "only the sandbox");
    breach("config.rs", "fn f() -> anyhow::Result<()> { Ok(()) }", "is `anyhow::Result`");
    breach("wechat.rs", "use tracing::info;", "at the boundary");
    breach("config.rs", "use tokio_cron_scheduler::Job;", "one place");
    breach("main.rs", "fn main() { println!(\"hello\"); }", "src/main.rs:1: `println` is `std::println!`");
    breach("service.rs", "fn f() { eprintln!(); }", "only the command line prints");
    breach("service.rs", "use std::io::stdout;", "only the command line prints");
}

#[test]
fn clocks() {
    breach("policy.rs", "use jiff::Timestamp;\nfn f() { Timestamp::now(); }", "src/policy.rs:2: `Timestamp::now`");
    breach(
        "policy.rs",
        "use jiff::Timestamp as T;\nfn f() { None.unwrap_or_else(T::now); }",
        "is `jiff::Timestamp::now`",
    );
    breach("policy.rs", "use std::time::{self, Instant as I};\nfn f() { I::now(); }", ":2: `I::now`");
    breach("policy.rs", "use std::time;\nfn f() { time::SystemTime::now(); }", "is `std::time::SystemTime::now`");
    breach("policy.rs", "type Clock = chrono::Utc;\nfn f() { Clock::now(); }", "is `chrono::Utc::now`");
    breach("policy.rs", "use jiff::Zoned;\nfn f() { <Zoned>::now(); }", "is `jiff::Zoned::now`");
    breach("policy.rs", "fn f(i: std::time::Instant) { i.elapsed(); }", "`elapsed`");
    clean("policy.rs", "use jiff::Timestamp;\nfn f(now: Timestamp) -> Timestamp { now.max(Timestamp::UNIX_EPOCH) }");
    clean("service.rs", "fn f() { jiff::Timestamp::now(); }");
}

#[test]
fn rooms() {
    check(&[("main.rs", "fn main() { menshen::store::open(); }"), ("store.rs", "")], &["main does not know store"]);
    check(
        &[("store.rs", ""), ("wechat/mod.rs", "mod page;"), ("wechat/page.rs", "use super::super::store::Row;")],
        &["src/wechat/page.rs:1: `super::super::store::Row` is `crate::store::Row`: wechat does not know store"],
    );
    check(
        &[("document.rs", "use crate::policy::X;"), ("policy.rs", "pub struct X;")],
        &["document does not know policy"],
    );
    check(&[("sandbox.rs", "use menshen::wechat as w;"), ("wechat.rs", "")], &["sandbox does not know wechat"]);
    check(&[("service.rs", "use crate::cli;"), ("cli.rs", "")], &["service does not know cli"]);
    check(&[("cellar.rs", "")], &["room `cellar` has no line"]);
    check(&[("store.rs", "use crate::policy::X;"), ("policy.rs", "pub struct X;")], &[]);
    check(&[("policy.rs", "use crate::document::X;"), ("document.rs", "pub struct X;")], &[]);
    check(&[("main.rs", "fn main() { menshen::cli::main() }"), ("cli.rs", "pub fn main() {}")], &[]);
}

#[test]
fn renamed() {
    breach("policy.rs", "use std as s;\nfn f() { s::fs::read(\"a\"); }", ":2: `s::fs::read` is `std::fs::read`");
    breach("policy.rs", "fn f() { use std as s; { s::process::abort() } }", "is `std::process::abort`");
    breach("policy.rs", "mod m { pub use core as c; }\nfn f() { m::c::env::args(); }", "is `std::env::args`");
    check(
        &[("store.rs", "pub struct Row;"), ("wechat.rs", "use crate as house;\nfn f(_: house::store::Row) {}")],
        &["src/wechat.rs:2: `house::store::Row` is `crate::store::Row`"],
    );
}

#[test]
fn globs() {
    breach("policy.rs", "use tokio::sync::*;", "is `tokio::sync`");
    breach("policy.rs", "use std::*;\nfn f() { fs::read(\"a\"); }", "is `std::fs::read`");
    check(
        &[
            ("store/mod.rs", "pub mod db;"),
            ("store/db.rs", "pub use sqlx::*;"),
            ("service.rs", "use crate::store::db::Pool;"),
        ],
        &["src/service.rs:1: `crate::store::db::Pool` is `sqlx::Pool`"],
    );
    check(
        &[
            ("store.rs", "pub use sqlx::Row; pub struct Log;"),
            ("service.rs", "use crate::store::*;\nfn a(_: Log) {}\nfn b(_: &impl Row) {}"),
        ],
        &["src/service.rs:3: `Row` is `sqlx::Row`"],
    );
    // What a module imports for itself is not what it gives to others.
    check(
        &[
            ("store.rs", "use sqlx::Row; pub struct Log;"),
            ("service.rs", "use crate::store::*;\nstruct Row;\nfn b(_: Log, _: Row) {}"),
        ],
        &[],
    );
    clean("policy.rs", "enum E { A }\nfn f() -> E { use E::*; A }");
}

#[test]
fn through_re_exports() {
    let store = ("store/mod.rs", "mod db;\npub use db::Handle as Log;");
    let db = ("store/db.rs", "pub use sqlx::SqlitePool as Handle;");
    check(
        &[store, db, ("service/mod.rs", "mod pass;"), ("service/pass.rs", "use crate::store::Log;")],
        &["src/service/pass.rs:1: `crate::store::Log` is `sqlx::SqlitePool`"],
    );
    check(
        &[store, db, ("cli.rs", "pub use crate::store as s;\nfn f() { s::Log::connect(); }")],
        &["src/cli.rs:2: `s::Log::connect` is `sqlx::SqlitePool::connect`"],
    );
    // A re-export at the root is a door, too.
    check(
        &[
            ("lib.rs", "pub mod store; pub mod wechat;\npub use store::Log;"),
            ("store.rs", "pub struct Log;"),
            ("wechat.rs", "use crate::Log;"),
        ],
        &["src/lib.rs:2: `store::Log`", "src/wechat.rs:1: `crate::Log` is `crate::store::Log`"],
    );
    // Imports that go in circles end.
    check(&[("policy.rs", "pub use self::a::X; mod a { pub use super::X; }\nfn f(_: X) {}")], &[]);
    clean("policy.rs", "use csv::csv; mod x { use super::csv::x as y; pub use y::y; }\nfn f() { csv::b(); y::y(); }");
    breach("policy.rs", "use sqlx::sqlx;\nfn f() {}", "`sqlx::sqlx` is `sqlx::sqlx");
    check(&[("policy.rs", "pub use a::*; mod a { pub use super::*; }\nfn f(_: X) {}")], &[]);
}

#[test]
fn inside_macros_and_attributes() {
    breach("policy.rs", "fn f() { assert!(vec![1].len() > { std::fs::read(\"a\"); 0 }); }", "is `std::fs::read`");
    breach("policy.rs", "macro_rules! m { () => { use tokio::time; } }", "is `tokio::time`");
    breach("policy.rs", "use jiff::Timestamp;\nfn f() { format!(\"{}\", Timestamp::now()); }", ":2: `Timestamp::now`");
    breach("policy.rs", "use std as s;\nfn f() { vec![s::fs::read(\"a\")]; }", "is `std::fs::read`");
    breach("policy.rs", "fn f() { vec![a.b::<C>().elapsed()]; }", "`elapsed`");
    breach("policy.rs", "fn f() { vec![Vec::<std::fs::File>::new()]; }", "is `std::fs::File`");
    breach("policy.rs", "use jiff::Timestamp as T;\nfn f() { vec![Option::<u8>::None, <T>::now()]; }", "now");
    check(
        &[("store.rs", "#[macro_export] macro_rules! row { () => { $crate::wechat::page() } }"), ("wechat.rs", "")],
        &["store does not know wechat"],
    );
    breach("config.rs", "#[derive(Clone, sqlx::FromRow)]\nstruct A;", "src/config.rs:1: `sqlx::FromRow`");
    breach("config.rs", "struct A { #[serde(with = \"anyhow::x\")] a: u8 }", "is `anyhow::x`");
    breach("store.rs", "#[tracing::instrument(skip_all)]\nfn f() {}", "`tracing::instrument`");
    breach("wechat.rs", "use tracing as t;", "`tracing`");
    breach("config.rs", "fn f() { matches!(1, _ if { print!(\"\"); true }); }", "`print` is `std::print!`");
    clean("config.rs", "macro_rules! print { () => {} }\nfn f() { print!(); env!(\"A\"); }");
    clean("policy.rs", "fn f() { let std = 1; vec![std..fs, now.env, elapsed(), env!(\"HOME\").len()]; }");
}

#[test]
fn acting() {
    let wechat = ("wechat.rs", "pub struct Client; impl Client { pub fn carry_out(&self) {} }");
    let call = "use crate::wechat::Client;\nfn f(c: &Client) { c.carry_out(); }";
    check(&[wechat, ("cli.rs", call)], &["src/cli.rs:2: `carry_out`"]);
    check(&[wechat, ("service.rs", call)], &[]);
    check(
        &[wechat, ("cli.rs", "use crate::wechat::Client as C;\nconst F: fn(&C) = C::carry_out;")],
        &["is `crate::wechat::Client::carry_out`"],
    );
    breach(
        "wechat.rs",
        "pub struct Client; impl Client { fn carry_out() {} fn g() { Self::carry_out(); } }",
        "only service acts",
    );
    let policy = ("policy.rs", "pub use intent::Intent; mod intent { pub struct Intent; }");
    let make = "use crate::policy::Intent as I;\nfn f() { I::recorded(); }";
    check(
        &[policy, ("service.rs", make)],
        &["`I::recorded` is `crate::policy::Intent::recorded`: an intent exists only"],
    );
    check(&[policy, ("store.rs", make)], &[]);
}

#[test]
fn tests_are_free_and_nothing_is_overlooked() {
    clean("policy.rs", "#[cfg(test)] mod tests { use tokio::time; }");
    clean("policy.rs", "#[cfg(all(test, unix))] use std::fs;");
    breach("policy.rs", "#[cfg(not(test))] use std::fs;", "is `std::fs`");
    breach("policy.rs", "#[cfg(any(test, unix))] use std::fs;", "is `std::fs`");
    check(&[("policy.rs", "#[cfg(test)] mod tests;"), ("policy/tests.rs", "use std::fs;")], &[]);
    check(&[("policy.rs", "#[cfg(test)] mod tests;"), ("policy/tests/deep.rs", "use std::fs;")], &[]);
    check(&[("policy/mod.rs", ""), ("policy/lost.rs", "use std::fs;")], &["no module reaches this file"]);
    check(&[("policy.rs", "mod gone;")], &["no file for `mod gone`"]);
    check(&[("policy.rs", "fn (")], &["src/policy.rs: "]);
    check(
        &[
            ("policy.rs", "#[path = \"odd/place.rs\"] mod p;"),
            ("odd/place.rs", "use std::fs;"),
            ("lib.rs", "mod policy;"),
        ],
        &["is `std::fs`"],
    );
}
