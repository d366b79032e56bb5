//! Any bytes as: shown. What must hold of them stands in `tried/`.
#![no_main]

#[path = "../tried/mod.rs"]
mod tried;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tried::shown(bytes));
