//! `docs/faults.md` and its tests belong together: no fault without a test, no test of faults without its fault.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The faults this page must not lose.
const FAULTS: [&str; 17] = [
    "Disk full",
    "Read-only disk",
    "Database locked by another tool",
    "Database deleted or replaced",
    "A database restored from a backup",
    "The clock set",
    "A tick during a reload",
    "SIGTERM in every phase",
    "SIGSTOP for a minute",
    "No CA store",
    "DNS failing",
    "A server that accepts and never answers",
    "A body of 200 MB",
    "A robot that fails, hangs or is full",
    "A page that repeats for ever",
    "100,000 pending at once",
    "A task that panics",
];

/// Whose tests are all about faults.
const TESTS: &str = "tests/faults.rs";

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A section of a page: its heading, its lines of log, and the tests under it as (file, name).
#[derive(Debug)]
struct Section {
    heading: String,
    shown: Vec<String>,
    tests: Vec<(String, String)>,
}

fn sections(page: &str, tests: &str) -> Vec<Section> {
    let page = read(page);
    let section = |text: &str| {
        let (heading, body) = text.split_once('\n').expect("a section has a body");
        let shown = body.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next());
        let quoted = body.lines().filter(|line| line.starts_with("> "));
        let named = body.split_once(tests).map(|(_, named)| named).unwrap_or_default();
        Section {
            heading: heading.to_owned(),
            shown: shown.chain(quoted).map(ToOwned::to_owned).collect(),
            tests: named_tests(named),
        }
    };
    page.split("\n## ").skip(1).map(section).collect()
}

/// `file` `name`, `name`; `file` `name`: a name belongs to the file before it.
fn named_tests(text: &str) -> Vec<(String, String)> {
    let mut file = String::new();
    let mut found = Vec::new();
    for word in text.split('`').skip(1).step_by(2) {
        if word.contains('/') { file = word.to_owned() } else { found.push((file.clone(), word.to_owned())) }
    }
    found
}

/// The names of the tests in a file: functions right under a `#[test]` or `#[tokio::test…]`.
fn tests_in(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        let name =
            line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn ")).and_then(|rest| rest.split('(').next());
        match name {
            Some(name) if marked => drop(names.insert(name.to_owned())),
            _ => {}
        }
        marked = line == "#[test]" || line.starts_with("#[tokio::test") || (marked && line.starts_with("#["));
    }
    names
}

#[test]
fn every_fault_has_its_tests() {
    let sections = sections("docs/faults.md", "Tests: ");
    let headings: Vec<&str> = sections.iter().map(|section| section.heading.as_str()).collect();
    let lost: Vec<_> = FAULTS.iter().filter(|fault| !headings.contains(*fault)).collect();
    assert!(lost.is_empty(), "docs/faults.md has lost {lost:?}");
    for Section { heading, tests, .. } in &sections {
        assert!(!tests.is_empty(), "{heading} is held by no test");
        for (file, name) in tests {
            assert!(tests_in(&read(file)).contains(name), "{heading}: {file} has no test {name}");
        }
    }
}

#[test]
fn every_test_has_its_fault() {
    let sections = sections("docs/faults.md", "Tests: ");
    let named: BTreeSet<&str> = sections
        .iter()
        .flat_map(|s| &s.tests)
        .filter(|(file, _)| file == TESTS)
        .map(|(_, name)| name.as_str())
        .collect();
    let here = tests_in(&read(TESTS));
    assert!(here.len() > 15, "{TESTS} was read: {here:?}");
    let lost: Vec<_> = here.iter().filter(|name| !named.contains(name.as_str())).collect();
    assert!(lost.is_empty(), "docs/faults.md does not name {lost:?}");
}

#[test]
fn the_mirror_shows_the_same() {
    let (page, mirror) = (sections("docs/faults.md", "Tests: "), sections("docs/faults.zh-CN.md", "测试："));
    assert_eq!(page.len(), mirror.len());
    for (one, other) in page.iter().zip(&mirror) {
        assert_eq!((&one.shown, &one.tests), (&other.shown, &other.tests), "{} / {}", one.heading, other.heading);
    }
}

#[test]
fn names_and_tests_are_found() {
    let named = named_tests("`tests/a.rs` `one`,\n`two`; `src/b.rs` `three`");
    let named: Vec<(&str, &str)> = named.iter().map(|(file, name)| (file.as_str(), name.as_str())).collect();
    assert_eq!(named, [("tests/a.rs", "one"), ("tests/a.rs", "two"), ("src/b.rs", "three")]);
    let found = tests_in("#[test]\nfn one() {}\nfn two() {}\n#[tokio::test(flavor)]\n#[ignore]\nasync fn three() {}");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["one", "three"]);
}
