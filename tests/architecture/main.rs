//! Holds the invariants of ARCHITECTURE.md by what the sources resolve to.
//!
//! Hides how Rust names things: every import and every path in `src` is followed
//! through renames, globs, aliases and re-exports to what it means, inside macros
//! too. Promises that a breach of the tables below is found however it is
//! spelled. Test code (`#[cfg(test)]`) is free, and methods are known by their
//! name alone, since types are not inferred.

mod planted;
mod resolve;
mod rules;
mod scan;
mod tokens;
mod tree;

use rules::{Knows, Rooms, Rule, breaches};
use tree::{Sources, Tree};

/// Which rooms (modules right under the crate) a room may name. A room that is not here may not exist.
const ROOMS: &[Knows] = &[
    // Macros that are nothing, unless a test asks for the feature.
    Knows { room: "fault_point", others: &[] },
    Knows { room: "document", others: &[] },
    Knows { room: "policy", others: &["document"] },
    Knows { room: "config", others: &["document", "policy"] },
    Knows { room: "wechat", others: &["policy", "fault_point"] },
    Knows { room: "store", others: &["policy", "fault_point"] },
    Knows { room: "notify", others: &["policy"] },
    Knows { room: "metrics", others: &["policy"] },
    Knows { room: "sandbox", others: &[] },
    Knows {
        room: "service",
        others: &["document", "policy", "config", "wechat", "store", "notify", "metrics", "sandbox", "fault_point"],
    },
    Knows {
        room: "cli",
        others: &["document", "policy", "config", "wechat", "store", "notify", "metrics", "sandbox", "service"],
    },
    // The library's root declares the rooms; the binary calls the topmost.
    Knows { room: "lib", others: &[] },
    Knows { room: "main", others: &["cli"] },
];

/// What must not be named where. `a::b` is that path and all below it, `*::b` any path ending so, `.b` a method call.
const RULES: &[Rule] = &[
    Rule {
        rooms: Rooms::In(&["policy", "document"]),
        never: &[
            "tokio",
            "tokio_util",
            "futures_util",
            "reqwest",
            "sqlx",
            "tracing",
            "axum",
            "std::fs",
            "std::net",
            "std::env",
            "std::process",
            "std::thread",
        ],
        because: "the ground floor is pure: no async, no IO, no logging",
    },
    Rule {
        rooms: Rooms::In(&["policy", "document"]),
        never: &["*::now", ".elapsed", "*::elapsed", "jiff::tz::TimeZone::system"],
        because: "the ground floor asks no clock: time is an argument",
    },
    Rule { rooms: Rooms::NotIn(&["store"]), never: &["sqlx"], because: "all SQL is in store" },
    Rule {
        rooms: Rooms::NotIn(&["wechat", "notify"]),
        never: &["reqwest"],
        because: "only wechat and notify speak HTTP to the world",
    },
    Rule {
        rooms: Rooms::NotIn(&["sandbox", "metrics"]),
        never: &["axum", "hyper", "hyper_util"],
        because: "only the sandbox and the metrics serve HTTP",
    },
    Rule {
        rooms: Rooms::NotIn(&["service"]),
        never: &["tokio_cron_scheduler"],
        because: "the scheduler's traps are handled in one place",
    },
    Rule {
        rooms: Rooms::NotIn(&["service"]),
        never: &[".carry_out", "*::carry_out", ".carry_out_use", "*::carry_out_use"],
        because: "only service acts",
    },
    Rule {
        rooms: Rooms::NotIn(&["store"]),
        never: &["*::Intent::recorded", "*::UseIntent::recorded"],
        because: "an intent exists only because store has committed its row",
    },
    Rule {
        rooms: Rooms::NotIn(&["service", "cli", "main"]),
        never: &["tracing", "tracing_subscriber"],
        because: "logging is done once, at the boundary; the floors below return errors",
    },
    Rule {
        rooms: Rooms::NotIn(&["cli"]),
        never: &["anyhow"],
        because: "below the command line an error says what to do next",
    },
    Rule {
        rooms: Rooms::NotIn(&["cli"]),
        never: &[
            "std::println!",
            "std::print!",
            "std::eprintln!",
            "std::eprint!",
            "std::dbg!",
            "std::io::stdout",
            "std::io::stderr",
            "anstream",
            "indicatif",
            "comfy_table",
        ],
        because: "only the command line prints",
    },
];

#[test]
fn the_house_keeps_its_floors_apart() {
    let tree = Tree::read(Sources::of_this_package());
    assert!(tree.mentions.len() > 100, "the sources were read: {} mentions", tree.mentions.len());
    let found = breaches(&tree, ROOMS, RULES);
    assert!(found.is_empty(), "see ARCHITECTURE.md:\n{}", found.join("\n"));
}
