//! Tables of our own pages, for tests that hold what they say.

use std::path::Path;

/// A file of the repository.
pub(crate) fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of the one table whose head begins so, as cells.
pub(crate) fn table(page: &str, head: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| {
        let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
        inner.split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
    };
    let begins = |line: &&str| line.starts_with(&format!("| {head} |"));
    assert_eq!(page.lines().filter(begins).count(), 1, "a table whose head begins with {head:?}");
    let body = page.lines().skip_while(|line| !begins(line)).skip(2);
    body.take_while(|line| line.starts_with('|')).map(cells).collect()
}

/// What stands in backticks.
pub(crate) fn code(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
