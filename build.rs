//! What `menshen --version` says: the version, and the commit it was built from where that can be told.
//!
//! The commit is what a packager says in `MENSHEN_COMMIT` (empty: none), else what is checked out where this is a git
//! repository, else what cargo wrote into a package. A build without any of them, without git, or inside somebody
//! else's repository works and says the version alone. It is built anew when another commit is checked out, and not
//! otherwise. A debug build names no commit, or every commit would have all tests compiled again. Whether files were
//! changed since that commit is not told.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Digits of the commit's hash.
const HASH_CHARS: usize = 12;
/// Of what a packager says.
const GIVEN_MAX_CHARS: usize = 80;
/// What `cargo package` puts beside the sources.
const VCS_INFO: &str = ".cargo_vcs_info.json";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=MENSHEN_COMMIT");
    let of_cargo = |name| env::var(name).expect("cargo sets it for a build script");
    let root = PathBuf::from(of_cargo("CARGO_MANIFEST_DIR"));
    let commit = match env::var("MENSHEN_COMMIT") {
        Ok(given) => told(&given),
        Err(_) if of_cargo("PROFILE") == "debug" => Some("debug build".to_owned()),
        Err(_) => checked_out(&root).or_else(|| packaged(&root)),
    };
    let commit = commit.map(|commit| format!(" ({commit})")).unwrap_or_default();
    println!("cargo::rustc-env=MENSHEN_VERSION={}{commit}", of_cargo("CARGO_PKG_VERSION"));
}

/// One line of plain characters, or nothing.
fn told(given: &str) -> Option<String> {
    let given = given.trim();
    let plain = given.len() <= GIVEN_MAX_CHARS && given.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    if !plain {
        println!(
            "cargo::warning=MENSHEN_COMMIT is left out: it must be one line of at most {GIVEN_MAX_CHARS} plain characters"
        );
    }
    (plain && !given.is_empty()).then(|| given.to_owned())
}

/// Hash and day of the commit, where this is the top of a git repository.
fn checked_out(root: &Path) -> Option<String> {
    let top = PathBuf::from(git(root, &["rev-parse", "--show-toplevel"])?);
    if fs::canonicalize(top).ok()? != fs::canonicalize(root).ok()? {
        return None;
    }
    watch_commits(root);
    let abbreviated = format!("--abbrev={HASH_CHARS}");
    git(root, &["-c", "log.showSignature=false", "log", "-1", &abbreviated, "--format=%h, %cs"])
}

/// The log of HEAD grows with every commit and checkout; without one, HEAD and what it names are looked at.
/// What does not exist is not watched: cargo would build anew every time.
fn watch_commits(root: &Path) {
    let place =
        |name: &str| Some(root.join(git(root, &["rev-parse", "--git-path", name])?)).filter(|path| path.exists());
    let log = place("logs/HEAD");
    let branch = || git(root, &["symbolic-ref", "--quiet", "HEAD"]).and_then(|branch| place(&branch));
    let without_log = || [branch(), place("packed-refs")].into_iter().flatten();
    let watched: Vec<PathBuf> = match log {
        Some(log) => vec![log],
        None => without_log().collect(),
    };
    for path in place("HEAD").into_iter().chain(watched) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}

/// The hash that cargo wrote down when it made the package.
fn packaged(root: &Path) -> Option<String> {
    let file = root.join(VCS_INFO);
    let text = fs::read_to_string(&file).ok()?;
    println!("cargo::rerun-if-changed={}", file.display());
    let hash = text.split("\"sha1\"").nth(1)?.split('"').nth(1)?;
    let is_hash = hash.len() >= HASH_CHARS && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| hash[..HASH_CHARS].to_owned())
}

/// What git prints; nothing where there is no git, or it refuses.
fn git(root: &Path, args: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    git.arg("-C").arg(root).args(args).stdin(Stdio::null()).stderr(Stdio::null());
    let output = git.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}
