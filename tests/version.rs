//! What `menshen --version` says, and how `build.rs` finds the commit: in a repository, outside of one, from a packager.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn it_is_one_line() {
    for option in ["--version", "-V"] {
        let said = Command::new(env!("CARGO_BIN_EXE_menshen")).arg(option).output().expect("the binary");
        let said = text(&said);
        let commit = said.strip_prefix(&format!("menshen {VERSION}")).and_then(|rest| rest.strip_suffix('\n'));
        let commit = commit.unwrap_or_else(|| panic!("{option}: {said:?}"));
        assert!(!commit.contains('\n'), "{said}");
        if cfg!(debug_assertions) && option_env!("MENSHEN_COMMIT").is_none() {
            assert_eq!(commit, " (debug build)");
        }
    }
}

/// What is compiled for testing is not compiled again because of a commit.
#[test]
fn a_debug_build_watches_no_commits() {
    let build = Build::new();
    let Some(repository) = Repository::new() else { return };
    repository.commit();
    let told = build.told(repository.path(), "debug", None);
    let wanted =
        ["rerun-if-changed=build.rs", "rerun-if-env-changed=MENSHEN_COMMIT"].map(|line| format!("cargo::{line}"));
    let version = format!("cargo::rustc-env=MENSHEN_VERSION={VERSION} (debug build)");
    assert_eq!(told.lines().collect::<Vec<_>>(), [&wanted[0], &wanted[1], &version]);
    assert!(build.told(repository.path(), "debug", Some("mine")).contains(&format!("={VERSION} (mine)\n")));
}

#[test]
fn the_commit_comes_from_where_it_can_be_told() {
    let build = Build::new();
    let plain = TempDir::new().expect("a directory");
    let check = |folder: &Path, given: Option<&str>, wanted: &str| {
        assert_eq!(build.version(folder, given), format!("{VERSION}{wanted}"), "{} {given:?}", folder.display());
    };
    check(plain.path(), None, "");
    check(plain.path(), Some("v0.1.0-3-gabc"), " (v0.1.0-3-gabc)");
    check(plain.path(), Some("  abc \n"), " (abc)");
    check(plain.path(), Some(""), "");
    check(plain.path(), Some("two\nlines"), "");
    check(plain.path(), Some("\u{1b}[31m"), "");
    check(plain.path(), Some(&"a".repeat(81)), "");

    let packaged = TempDir::new().expect("a directory");
    let write = |text: &str| fs::write(packaged.path().join(".cargo_vcs_info.json"), text).expect("our own directory");
    write("{\n  \"git\": {\n    \"sha1\": \"0123456789abcdef0123456789abcdef01234567\"\n  }\n}");
    check(packaged.path(), None, " (0123456789ab)");
    check(packaged.path(), Some("mine"), " (mine)");
    write("{ \"git\": { \"sha1\": \"none\" } }");
    check(packaged.path(), None, "");

    let Some(repository) = Repository::new() else { return };
    let first = repository.commit();
    check(repository.path(), None, &first);
    check(repository.path(), Some("mine"), " (mine)");
    let second = repository.commit();
    assert_ne!(first, second);
    check(repository.path(), None, &second);
    // Sources unpacked inside of somebody else's repository are not that repository.
    let inside = repository.path().join("vendor/menshen");
    fs::create_dir_all(&inside).expect("our own directory");
    check(&inside, None, "");
    // A linked working tree keeps its HEAD elsewhere.
    let linked = plain.path().join("linked");
    git(repository.path(), &["worktree", "add", "-q", "--detach", linked.to_str().expect("UTF-8"), "HEAD~1"]);
    check(&linked, None, &first);
}

#[test]
fn another_commit_is_noticed_and_nothing_else() {
    let build = Build::new();
    let plain = TempDir::new().expect("a directory");
    assert_eq!(build.watched(plain.path()), ["build.rs"]);
    for with_log in ["true", "false"] {
        let Some(repository) = Repository::new() else { return };
        git(repository.path(), &["config", "core.logAllRefUpdates", with_log]);
        repository.commit();
        let watched = build.watched(repository.path());
        let files: Vec<PathBuf> = watched.iter().map(|path| repository.path().join(path)).skip(1).collect();
        // One that is missing would have everything built anew each time.
        assert!(!files.is_empty() && files.iter().all(|file| file.is_file()), "{watched:?}");
        let state = || files.iter().map(|file| fs::read(file).expect("it is there")).collect::<Vec<_>>();
        let before = state();
        fs::write(repository.path().join("changed"), "x").expect("our own directory");
        git(repository.path(), &["add", "."]);
        git(repository.path(), &["branch", "other"]);
        assert_eq!(state(), before, "{watched:?}");
        repository.commit();
        assert_ne!(state(), before, "{watched:?}");
    }
}

/// `build.rs`, compiled by itself.
struct Build {
    dir: TempDir,
}

impl Build {
    fn new() -> Build {
        let build = Build { dir: TempDir::new().expect("a directory") };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("build.rs");
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        let done = rustc.args(["--edition=2024", "-o"]).arg(build.program()).arg(source).output().expect("rustc");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        build
    }

    fn program(&self) -> PathBuf {
        self.dir.path().join("build-script")
    }

    /// What cargo is told for a package in this folder.
    fn told(&self, folder: &Path, profile: &str, given: Option<&str>) -> String {
        let mut program = Command::new(self.program());
        program
            .current_dir(folder)
            .env("CARGO_MANIFEST_DIR", folder)
            .env("CARGO_PKG_VERSION", VERSION)
            .env("PROFILE", profile);
        // A commit being made around this test has a repository of its own in mind.
        program.env_remove("GIT_DIR").env_remove("GIT_INDEX_FILE").env_remove("MENSHEN_COMMIT");
        program.envs(given.map(|given| ("MENSHEN_COMMIT", given)));
        let done = program.output().expect("it was compiled");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        text(&done)
    }

    fn version(&self, folder: &Path, given: Option<&str>) -> String {
        let told = self.told(folder, "release", given);
        let versions: Vec<_> =
            told.lines().filter_map(|line| line.strip_prefix("cargo::rustc-env=MENSHEN_VERSION=")).collect();
        assert_eq!(versions.len(), 1, "{told}");
        versions[0].to_owned()
    }

    fn watched(&self, folder: &Path) -> Vec<String> {
        let told = self.told(folder, "release", None);
        told.lines().filter_map(|line| Some(line.strip_prefix("cargo::rerun-if-changed=")?.to_owned())).collect()
    }
}

/// A git repository with commits.
struct Repository {
    dir: TempDir,
}

impl Repository {
    /// None where git is missing, which is said.
    fn new() -> Option<Repository> {
        let dir = TempDir::new().expect("a directory");
        if git(dir.path(), &["init", "-q"]).is_none() {
            use std::io::Write;
            writeln!(std::io::stderr(), "skipped: no git here").expect("standard error is open");
            return None;
        }
        Some(Repository { dir })
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Makes one; as the version shows it.
    fn commit(&self) -> String {
        let who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgSign=false"];
        let when = ["commit", "-q", "--allow-empty", "-m", "x", "--date", "2026-11-22T08:00:00Z"];
        git(self.path(), &[&who[..], &when[..]].concat());
        let hash = git(self.path(), &["rev-parse", "--short=12", "HEAD"]).expect("there is a commit");
        let day = git(self.path(), &["log", "-1", "--format=%cs"]).expect("there is a commit");
        format!(" ({hash}, {day})")
    }
}

/// What it prints; nothing where it cannot.
fn git(folder: &Path, args: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(args).env_remove("GIT_DIR").env_remove("GIT_INDEX_FILE");
    let done = git.output().ok().filter(|done| done.status.success())?;
    Some(text(&done).trim().to_owned())
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("our own words")
}
