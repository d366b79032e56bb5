//! `docs/faults.md` shows what is really written.

const PAGE: &str = include_str!("../../docs/faults.md");

/// What the page shows under a heading is what was written; `…` stands for anything.
#[track_caller]
pub(crate) fn told(heading: &str, written: &str) {
    let section = PAGE.split("\n## ").find(|section| section.starts_with(&format!("{heading}\n")));
    let section = section.unwrap_or_else(|| panic!("docs/faults.md has no section {heading:?}"));
    let shown = section.split("```text\n").nth(1).and_then(|rest| rest.split("```").next());
    for line in shown.unwrap_or_else(|| panic!("{heading}: no log lines")).lines() {
        let found = written.lines().any(|written| {
            let mut rest = written;
            line.split('…').all(|part| rest.split_once(part).map(|(_, after)| rest = after).is_some())
        });
        assert!(found, "docs/faults.md, {heading}: never written: {line}\n{written}");
    }
}
