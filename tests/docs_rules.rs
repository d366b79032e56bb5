//! Every example of `docs/rules.md` and its Chinese mirror, run.
//!
//! A ```toml fence is a configuration: it is loaded, and its cases must pass.
//! After `<!-- file: NAME -->` it is also kept under that name for the commands
//! that follow. A ```console fence is a session: each `$` line is run, and what it
//! prints must be what stands there. With MENSHEN_BLESS set, what
//! the commands print is written into the documents.

mod support;

use menshen::config::{self, Need, Surroundings};
use menshen::policy::Trial;
use support::sessions::{Fence, Page, Piece, Place, same};

const DOCUMENTS: [&str; 2] = ["docs/rules.md", "docs/rules.zh-CN.md"];

#[test]
fn every_example_is_true() {
    let sessions: Vec<usize> = DOCUMENTS.into_iter().map(check).collect();
    assert!(sessions.iter().all(|count| *count >= 5), "{sessions:?}");
}

/// Runs everything in one document; how many commands there were.
fn check(name: &'static str) -> usize {
    let (page, place) = (Page::read(name), Place::new());
    let (mut commands, mut now) = (0, Vec::new());
    for (file, fence) in fences(&page) {
        match fence.info.as_str() {
            "toml" => check_toml(&page, &fence, file.as_deref(), &place),
            "console" => {
                commands += fence.typed().len();
                let session = session(&fence, &place);
                now.push((fence, session, None));
            }
            "text" => {
                if let Some(file) = file {
                    place.write(&file, &(fence.text() + "\n"));
                }
            }
            other => panic!("{}: what is ```{other}?", page.place(&fence)),
        }
    }
    page.settle(now, same);
    commands
}

/// Every fence, with the file it is kept in.
fn fences(page: &Page) -> Vec<(Option<String>, Fence)> {
    let mut file = None;
    let mut fences = Vec::new();
    for piece in page.pieces() {
        match piece {
            Piece::Comment { key, value } if key == "file" => file = Some(value),
            Piece::Comment { .. } => {}
            Piece::Fence(fence) => fences.push((file.take(), fence)),
        }
    }
    fences
}

fn check_toml(page: &Page, fence: &Fence, file: Option<&str>, place: &Place) {
    let name = file.unwrap_or("example.toml");
    place.write(name, &(fence.text() + "\n"));
    if file.is_some_and(|file| file != "menshen.toml") {
        return; // a part of a configuration, or cases: the commands that follow use it
    }
    let at = page.place(fence);
    let config = match config::load(&place.path().join(name), &surroundings(), Need::Policy) {
        Ok(config) => config,
        Err(error) => panic!("{at}:\n{error}"),
    };
    let now = "2026-11-22T08:00:00Z".parse().expect("an instant");
    let mut trial = Trial::new(&config.policy.spec, &config.account_names).expect("it compiles");
    for case in &config.policy.cases {
        let result = trial.run(case, now).expect("it compiles");
        assert!(result.passed(), "{at}: {}: {:?}\n{}", case.name, result.differences, result.why.sentence);
    }
}

fn surroundings() -> Surroundings {
    Surroundings { root: false, ..Surroundings::of_process() }
}

/// The session as it goes now.
fn session(fence: &Fence, place: &Place) -> Vec<String> {
    let typed = fence.typed().into_iter();
    typed.flat_map(|command| [vec![format!("$ {command}")], place.printed(command)].concat()).collect()
}

/// The mirror says the same: the same fences in the same order, the same headings by level.
#[test]
fn the_mirror_shows_the_same() {
    let [english, chinese] = DOCUMENTS.map(Page::read);
    let shape = |page: &Page| {
        let fences: Vec<(String, Option<String>)> =
            fences(page).into_iter().map(|(file, fence)| (fence.info, file)).collect();
        (page.headings(), fences)
    };
    assert_eq!(shape(&english), shape(&chinese));
    let settings = |page: &Page| -> Vec<String> {
        let all = page.fences().into_iter().filter(|fence| fence.info == "toml").flat_map(|fence| fence.lines);
        all.map(|line| line.split(" #").next().unwrap_or_default().trim_end().to_owned())
            .filter(|line| !["#", "name", "rule ", "note"].iter().any(|key| line.starts_with(key)))
            .collect()
    };
    assert_eq!(settings(&english), settings(&chinese), "examples differ in nothing but names and comments");
}
