//! What stands around the code stays true: the files a reader expects, a reason beside every dependency, a doc on every
//! source file, and no word about the machine it was written on.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Files the repository is not complete without.
const REQUIRED: &[&str] = &[
    ".ci/deb",
    ".ci/run",
    ".editorconfig",
    ".gitattributes",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "README.zh-CN.md",
    "config.example.toml",
    "deny.toml",
    "docs/doctor.md",
    "docs/doctor.zh-CN.md",
    "docs/security.md",
    "docs/security.zh-CN.md",
    "migrations",
    "systemd/menshen-as-service",
    "systemd/menshen.service",
    "systemd/menshen.sysusers.conf",
];

/// What no file may name, in two halves so that this one does not: the machine, papers that are not here, registries.
const FORBIDDEN: &[(&str, &str)] = &[
    ("/wo", "rk/"),
    ("/root", "/."),
    ("../sha", "red"),
    ("../.lib", "rary"),
    ("CONTRACT", ".md"),
    ("DESIGN", ".md"),
    ("crates", ".io"),
    ("registry.", "npmjs"),
    ("npm", "mirror"),
    ("pypi", ".org"),
    ("deb.", "debian.org"),
    ("proxy.", "golang.org"),
    ("rsproxy", ".cn"),
    ("mirrors.", "tuna"),
    ("mirrors.", "ustc"),
    ("mirrors.", "aliyun"),
    ("docker", ".io/"),
    ("ghcr", ".io"),
];

/// Cargo writes its registry into the lock file; that is its business.
const WRITTEN_BY_CARGO: &str = "Cargo.lock";

#[test]
fn the_expected_files_are_there() {
    let missing: Vec<_> = REQUIRED.iter().filter(|file| !in_repository(file).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for script in [".ci/deb", ".ci/run", "systemd/menshen-as-service"] {
        let mode = fs::metadata(in_repository(script)).expect("listed above").permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{script} can be run");
    }
}

#[test]
fn architecture_names_only_files_that_are_there() {
    let text = read("ARCHITECTURE.md");
    let named = text.split('`').skip(1).step_by(2).filter(|name| {
        let roots = ["src/", "tests/", "systemd/", "benches/", ".ci/"];
        roots.iter().any(|root| name.starts_with(root)) && !name.contains([' ', '*'])
    });
    let lost: Vec<_> = named.filter(|name| !in_repository(name).exists()).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn pages_of_facts_say_the_same_in_chinese() {
    // What both must have in the same order: headings by their depth, rows of tables, and what stands in code.
    let bones = |file: &str| {
        let text = read(file);
        let lines = text.lines().filter_map(|line| match line.split(' ').next() {
            Some(mark @ ("#" | "##" | "|")) => Some(mark.to_owned()),
            _ => None,
        });
        let mut code: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
        code.sort_unstable();
        (lines.collect::<Vec<_>>(), code.iter().map(|&code| code.to_owned()).collect::<Vec<_>>())
    };
    for page in ["security", "doctor"] {
        assert_eq!(bones(&format!("docs/{page}.md")), bones(&format!("docs/{page}.zh-CN.md")));
    }
}

#[test]
fn every_source_file_says_what_it_is() {
    let silent: Vec<_> = files()
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .filter(|file| !fs::read_to_string(in_repository(file)).expect("sources are UTF-8").starts_with("//! "))
        .collect();
    assert!(silent.is_empty(), "these do not open with a `//!` doc: {silent:?}");
}

#[test]
fn nothing_names_the_machine_or_a_registry() {
    let mut found = Vec::new();
    for file in files().iter().filter(|file| *file != Path::new(WRITTEN_BY_CARGO)) {
        let Ok(text) = fs::read_to_string(in_repository(file)) else { continue };
        found.extend(forbidden(&text).map(|word| format!("{}: {word}", file.display())));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn forbidden_words_are_found() {
    for (head, tail) in FORBIDDEN {
        assert_eq!(forbidden(&format!("see {head}{tail} there")).next(), Some(format!("{head}{tail}")));
    }
    assert_eq!(forbidden("a work of art, shared by all").next(), None);
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = read("Cargo.toml");
    assert!(manifest.contains("[dependencies]"), "the manifest was read");
    assert_eq!(without_reason(&manifest), Vec::<&str>::new());
}

#[test]
fn a_missing_reason_is_found() {
    let check = |manifest: &str, wanted: &[&str]| assert_eq!(without_reason(manifest), wanted, "{manifest}");
    check("[dependencies]\n# Why.\na = \"1\"", &[]);
    check("[dependencies]\na = \"1\" # why", &[]);
    check("[dependencies]\n# Why.\na = \"1\"\nb = \"1\"", &["b = \"1\""]);
    check("[dependencies]\n# Why.\n\na = \"1\"", &["a = \"1\""]);
    check("[target.'cfg(unix)'.dev-dependencies]\na = \"1\"", &["a = \"1\""]);
    check("[dependencies]\n# Why.\na = { version = \"1\", features = [\n    \"x\",\n] }", &[]);
    check("[lints.rust]\nunsafe_code = \"forbid\"", &[]);
}

/// Lines that bring in a crate with no comment above or behind them.
fn without_reason(manifest: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut inside, mut above) = (false, "");
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.trim_end_matches(']').ends_with("dependencies");
        }
        let brings = line.starts_with(|first: char| first.is_ascii_alphanumeric()) && line.contains('=');
        if inside && brings && !above.starts_with("# ") && !line.contains(" # ") {
            found.push(line);
        }
        above = line;
    }
    found
}

fn forbidden(text: &str) -> impl Iterator<Item = String> {
    FORBIDDEN.iter().map(|(head, tail)| format!("{head}{tail}")).filter(move |word| text.contains(word.as_str()))
}

/// What belongs to the repository: by git where there is one, else all that no build made.
fn files() -> Vec<PathBuf> {
    let root = in_repository("");
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output()
        .ok()
        .filter(|output| output.status.success() && !output.stdout.is_empty());
    let files: Vec<PathBuf> = match listed {
        Some(output) => {
            let names = String::from_utf8(output.stdout).expect("our names are UTF-8");
            names.split_terminator('\0').map(PathBuf::from).filter(|file| root.join(file).is_file()).collect()
        }
        None => walk(&root).iter().filter_map(|file| Some(file.strip_prefix(&root).ok()?.to_owned())).collect(),
    };
    assert!(files.contains(&PathBuf::from("src/lib.rs")), "the repository was listed: {files:?}");
    files
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the repository can be listed").filter_map(Result::ok);
    let made = ["target", ".git", "menshen-sandbox"];
    entries
        .filter(|entry| !made.iter().any(|name| entry.file_name() == *name))
        .flat_map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { vec![entry.path()] })
        .collect()
}

fn in_repository(path: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(in_repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
