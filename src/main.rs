//! menshen.
fn main() {}
