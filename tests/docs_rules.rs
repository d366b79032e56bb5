//! Every example of `docs/rules.md` and its Chinese mirror, run.
//!
//! A ```toml fence is a configuration: it is loaded, and its cases must pass.
//! After `<!-- file: NAME -->` it is also kept under that name for the commands
//! that follow. A ```console fence is a session: each `$` line is run, and what it
//! prints must be what stands there. With MENSHEN_BLESS set, what
//! the commands print is written into the documents.

use menshen::config::{self, Need, Surroundings};
use menshen::policy::Trial;
use std::path::Path;
use std::process::Command;

const DOCUMENTS: [&str; 2] = ["docs/rules.md", "docs/rules.zh-CN.md"];

/// A fence and what the comments before it say.
struct Fence<'a> {
    language: &'a str,
    lines: Vec<&'a str>,
    file: Option<&'a str>,
    /// Index of its first line in the document.
    start: usize,
}

fn fences(document: &str) -> Vec<Fence<'_>> {
    let mut fences = Vec::new();
    let mut file = None;
    let mut open: Option<Fence<'_>> = None;
    for (at, line) in document.lines().enumerate() {
        let comment = |key: &str| line.strip_prefix("<!-- ")?.strip_suffix(" -->")?.strip_prefix(key);
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => fences.extend(open.take()),
            (Some(fence), None) => fence.lines.push(line),
            (None, Some(language)) => {
                open = Some(Fence { language, lines: Vec::new(), file: file.take(), start: at + 1 });
            }
            (None, None) => {
                file = comment("file: ").or(file);
            }
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    fences
}

fn read(document: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_example_is_true() {
    let sessions: Vec<usize> = DOCUMENTS.iter().map(|document| check(document)).collect();
    assert!(sessions.iter().all(|count| *count >= 5), "{sessions:?}");
}

/// Runs everything in one document; how many commands there were.
fn check(name: &str) -> usize {
    let document = read(name);
    let directory = tempfile::tempdir().expect("a directory");
    let mut lines: Vec<String> = document.lines().map(str::to_owned).collect();
    let (mut commands, mut told) = (0, Vec::new());
    for fence in fences(&document) {
        let place = format!("{name}:{}", fence.start + 1);
        match fence.language {
            "toml" => check_toml(&fence, directory.path(), &place),
            "console" => {
                let (session, count) = run(&fence, directory.path());
                commands += count;
                if session != fence.lines {
                    told.push(format!("{place}: this is printed:\n{}", session.join("\n")));
                }
                lines[fence.start..fence.start + fence.lines.len()].fill("\u{0}".to_owned());
                lines[fence.start] = session.join("\n");
            }
            "text" => {
                if let Some(file) = fence.file {
                    write(directory.path(), file, &fence.lines);
                }
            }
            other => panic!("{place}: what is ```{other}?"),
        }
    }
    if std::env::var_os("MENSHEN_BLESS").is_some() {
        let kept: Vec<String> = lines.into_iter().filter(|line| line != "\u{0}").collect();
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(name), kept.join("\n") + "\n").expect("written");
    } else {
        assert!(told.is_empty(), "{}", told.join("\n\n"));
    }
    commands
}

fn write(directory: &Path, file: &str, lines: &[&str]) {
    let path = directory.join(file);
    std::fs::create_dir_all(path.parent().expect("in the directory")).expect("a directory");
    std::fs::write(path, lines.join("\n") + "\n").expect("a file");
}

fn check_toml(fence: &Fence<'_>, directory: &Path, place: &str) {
    let file = fence.file.unwrap_or("example.toml");
    write(directory, file, &fence.lines);
    if fence.file.is_some_and(|file| file != "menshen.toml") {
        return; // a part of a configuration, or cases: the commands that follow use it
    }
    let path = directory.join(file);
    let config = match config::load(&path, &surroundings(), Need::Policy) {
        Ok(config) => config,
        Err(error) => panic!("{place}:\n{error}"),
    };
    let now = "2026-11-22T08:00:00Z".parse().expect("an instant");
    let mut trial = Trial::new(&config.policy.spec, &config.account_names).expect("it compiles");
    for case in &config.policy.cases {
        let result = trial.run(case, now).expect("it compiles");
        assert!(result.passed(), "{place}: {}: {:?}\n{}", case.name, result.differences, result.why.sentence);
    }
}

fn surroundings() -> Surroundings {
    Surroundings { root: false, ..Surroundings::of_process() }
}

/// The session as it goes now, and how many commands it has.
fn run(fence: &Fence<'_>, directory: &Path) -> (Vec<String>, usize) {
    let mut session = Vec::new();
    let commands: Vec<&str> = fence.lines.iter().filter_map(|line| line.strip_prefix("$ ")).collect();
    for command in &commands {
        session.push(format!("$ {command}"));
        let binary = Path::new(env!("CARGO_BIN_EXE_menshen")).parent().expect("in a directory");
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1; {command}")])
            .current_dir(directory)
            .env_clear()
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", binary.display()))
            .output()
            .expect("a shell");
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        session.extend(printed.lines().map(|line| line.trim_end().to_owned()));
    }
    (session, commands.len())
}

/// The mirror says the same: the same fences in the same order, the same headings by level.
#[test]
fn the_mirror_shows_the_same() {
    let [english, chinese] = DOCUMENTS.map(read);
    let shape = |document: &str| {
        let heading = |line: &str| line.bytes().take_while(|b| *b == b'#').count();
        let headings: Vec<usize> = outside_fences(document).map(heading).filter(|level| *level > 0).collect();
        let fences: Vec<(String, Option<String>)> =
            fences(document).iter().map(|f| (f.language.to_owned(), f.file.map(str::to_owned))).collect();
        (headings, fences)
    };
    assert_eq!(shape(&english), shape(&chinese));
    let settings = |document: &str| -> Vec<String> {
        let all = fences(document);
        let toml = all.iter().filter(|fence| fence.language == "toml").flat_map(|fence| &fence.lines);
        toml.map(|line| line.split(" #").next().unwrap_or_default().trim_end().to_owned())
            .filter(|line| !["#", "name", "rule ", "note"].iter().any(|key| line.starts_with(key)))
            .collect()
    };
    assert_eq!(settings(&english), settings(&chinese), "examples differ in nothing but names and comments");
}

fn outside_fences(document: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    document.lines().filter(move |line| {
        let fence = line.starts_with("```");
        inside ^= fence;
        !inside && !fence
    })
}
