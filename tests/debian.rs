//! The Debian package: what is in it, what it needs, and what installing, upgrading, removing and purging it does.
//!
//! It is built from the program under test, so nothing is compiled anew. It is installed below a temporary root, with
//! maintainer scripts that are told so; where they would call systemd, programs of ours stand in for it, in a mount
//! namespace of their own. What a machine lacks is skipped and said so on standard error.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};
use tempfile::TempDir;

/// What must be in it beside what `systemd/` holds: mode and path.
const HELD: &[(&str, &str)] = &[
    ("drwx------", "etc/menshen/credentials/"),
    ("-rwxr-xr-x", "usr/bin/menshen"),
    ("-rw-r--r--", "usr/share/menshen/config.example.toml"),
    ("-rw-r--r--", "usr/share/man/man1/menshen.1.gz"),
    ("-rw-r--r--", "usr/share/man/man1/menshen-run.1.gz"),
    ("-rw-r--r--", "usr/share/man/man1/menshen-review-show.1.gz"),
    ("-rw-r--r--", "usr/share/man/man1/menshen-as-service.1.gz"),
    ("-rw-r--r--", "usr/share/bash-completion/completions/menshen"),
    ("-rw-r--r--", "usr/share/zsh/vendor-completions/_menshen"),
    ("-rw-r--r--", "usr/share/fish/vendor_completions.d/menshen.fish"),
    ("-rw-r--r--", "usr/share/doc/menshen/README.Debian"),
    ("-rw-r--r--", "usr/share/doc/menshen/README.md"),
    ("-rw-r--r--", "usr/share/doc/menshen/changelog.gz"),
    ("-rw-r--r--", "usr/share/doc/menshen/changelog.Debian.gz"),
    ("-rw-r--r--", "usr/share/doc/menshen/copyright"),
    ("-rw-r--r--", "usr/share/doc/menshen/crates.gz"),
];

/// What lintian says of a package that is built for a test, or for no archive.
const UNWANTED: &str =
    "uses-no-compression-for-control-tarball,uses-no-compression-for-data-tarball,initial-upload-closes-no-bugs";

#[test]
fn it_holds_what_an_operator_needs() {
    let Some(package) = package() else { return };
    let listed = listed(package);
    let mut wanted: Vec<(&str, String)> = HELD.iter().map(|(mode, path)| (*mode, (*path).to_owned())).collect();
    for entry in fs::read_dir(in_repository("systemd")).expect("it can be listed") {
        let name = entry.expect("it can be listed").file_name().into_string().expect("our names are UTF-8");
        wanted.push(match name.strip_suffix(".sysusers.conf") {
            Some(user) => ("-rw-r--r--", format!("usr/lib/sysusers.d/{user}.conf")),
            None if name.contains('.') => ("-rw-r--r--", format!("usr/lib/systemd/system/{name}")),
            None => ("-rwxr-xr-x", format!("usr/bin/{name}")),
        });
    }
    for (mode, path) in wanted {
        let found = listed.iter().find(|entry| entry.path == path);
        assert_eq!(found.map(|entry| entry.mode.as_str()), Some(mode), "{path} in {listed:#?}");
    }
    for readme in ["README.md", "README.zh-CN.md"] {
        let text = fs::read_to_string(in_repository(readme)).expect("a test of its own reads it");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let path = format!("usr/share/doc/menshen/{link}");
            assert!(listed.iter().any(|entry| entry.path == path), "{readme} leads to {path}, which is not there");
        }
    }
    let odd: Vec<_> = listed.iter().filter(|entry| entry.owner != "root/root" || entry.writable_by_others()).collect();
    assert!(odd.is_empty(), "{odd:#?}");
}

#[test]
fn it_needs_what_dpkg_finds() {
    let Some(package) = package() else { return };
    if !installed("dpkg-shlibdeps") {
        return skipped("dpkg-shlibdeps");
    }
    let place = TempDir::new().expect("a temporary directory");
    fs::create_dir(place.path().join("debian")).expect("our own directory");
    fs::write(place.path().join("debian/control"), "Source: menshen\n\nPackage: menshen\nArchitecture: any\n")
        .expect("our own directory");
    let found =
        run(Command::new("dpkg-shlibdeps").args(["-O", env!("CARGO_BIN_EXE_menshen")]).current_dir(place.path()));
    let found = text(&found).trim().trim_start_matches("shlibs:Depends=").to_owned();
    let names = |depends: &str| {
        let names = depends.split(", ").map(|one| one.split(' ').next().unwrap_or_default().to_owned());
        names.filter(|name| name.starts_with("lib")).collect::<BTreeSet<_>>()
    };
    let said = text(&run(Command::new("dpkg-deb").arg("--field").arg(package).arg("Depends")));
    assert!(!names(&found).is_empty() && names(&said) == names(&found), "{said} is not {found}");
    for (other, wanted) in [("Recommends", "ca-certificates"), ("Installed-Size", ""), ("Depends", "procps")] {
        let field = text(&run(Command::new("dpkg-deb").arg("--field").arg(package).arg(other)));
        assert!(field.contains(wanted) && !field.trim().is_empty(), "{other}: {field}");
    }
}

/// What is built between two releases is newer than the one and older than the other.
#[test]
fn a_release_follows_what_led_to_it() {
    let Some(package) = package() else { return };
    let version = text(&run(Command::new("dpkg-deb").arg("--field").arg(package).arg("Version")));
    let order = |one: &str, relation: &str, other: &str| {
        run(Command::new("dpkg").args(["--compare-versions", one, relation, other])).status.success()
    };
    let version = version.trim();
    assert!(version.starts_with(env!("CARGO_PKG_VERSION")), "{version}");
    assert!(order(version, "le", concat!(env!("CARGO_PKG_VERSION"), "-1")), "{version}");
    assert!(order(version, "gt", "0.0.9-1"), "{version}");
}

#[test]
fn the_same_sources_make_the_same_package() {
    let Some(package) = package() else { return };
    let place = TempDir::new().expect("a temporary directory");
    let again = built(place.path());
    assert_eq!(again.file_name(), package.file_name());
    let same = fs::read(&again).expect("it was built") == fs::read(package).expect("it was built");
    assert!(same, "{} and {} differ", again.display(), package.display());
}

#[test]
fn lintian_finds_nothing() {
    let Some(package) = package() else { return };
    if !installed("lintian") {
        return skipped("lintian");
    }
    // It is not compressed here, its maintainer is nobody, and no bug asked for a package.
    let found = run(Command::new("lintian")
        .args(["--allow-root", "--no-cfg", "--fail-on", "error,warning"])
        .args(["--suppress-tags", UNWANTED])
        .arg(package));
    assert!(found.status.success(), "{}", all_of(&found));
}

/// From the first installation to the purge, with the program itself run in between.
#[test]
fn installed_it_works_and_purged_it_leaves_the_record() {
    let Some(package) = package() else { return };
    if !rustix::process::geteuid().is_root() || !["dpkg", "systemd-sysusers"].iter().all(|name| installed(name)) {
        return skipped("root, dpkg or systemd-sysusers");
    }
    let root = Root::new();
    let said = root.dpkg(&["--install".as_ref(), package.as_os_str()]);
    assert!(said.contains("systemctl enable --now menshen"), "{said}");
    let config = root.path("etc/menshen/menshen.toml");
    let example = fs::read_to_string(in_repository("config.example.toml")).expect("a test of its own reads it");
    assert_eq!(fs::read_to_string(&config).expect("the first configuration"), example);
    assert!(example.contains("\nmode      = \"shadow\""), "what is installed sends nothing");
    assert!(root.read("etc/passwd").contains("menshen:"), "the user was made");
    assert!(!root.path("etc/systemd/system").exists(), "nothing is enabled");

    let menshen = || Command::new(root.path("usr/bin/menshen"));
    let state = root.path("var/lib/menshen");
    let pass = run(menshen().args(["run", "--once", "--sandbox", "--state-dir"]).arg(&state));
    assert!(pass.status.success() && text(&pass).contains("pending"), "{}", all_of(&pass));
    let checked = run(menshen().arg("-c").arg(&config).args(["rules", "check"]).env("MENSHEN_APP_SECRET", "x"));
    assert!(checked.status.success(), "{}", all_of(&checked));
    let log = fs::read(state.join("menshen.db")).expect("the audit log");

    // What an operator does, and an upgrade.
    let mine = example.replace("wx0123456789abcdef", "wxfedcba9876543210");
    fs::write(&config, &mine).expect("our own root");
    root.write("etc/menshen/rules/mine.toml", "[[rule]]\n");
    root.write("etc/menshen/credentials/app-secret", "s3cret");
    let wants = root.path("etc/systemd/system/multi-user.target.wants");
    fs::create_dir_all(&wants).expect("our own root");
    symlink("/usr/lib/systemd/system/menshen.service", wants.join("menshen.service")).expect("our own root");
    let said = root.dpkg(&["--install".as_ref(), package.as_os_str()]);
    assert!(!said.contains("systemctl"), "an upgrade asks for nothing: {said}");
    assert_eq!(fs::read_to_string(&config).expect("still there"), mine);

    root.dpkg(&["--remove".as_ref(), "menshen".as_ref()]);
    assert_eq!(fs::read_to_string(&config).expect("a removal keeps it"), mine);
    assert!(!root.path("usr/bin/menshen").exists());
    assert_eq!(root.read("etc/menshen/credentials/app-secret"), "s3cret");

    let said = root.dpkg(&["--purge".as_ref(), "menshen".as_ref()]);
    assert!(said.contains("is a record and stays") && said.contains("that you put there stay"), "{said}");
    assert_eq!(fs::read(state.join("menshen.db")).expect("the record stays"), log);
    let left = root.files();
    let promised = ["etc/menshen/rules/mine.toml", "var/lib/menshen/"];
    // The user stays, too, with its group.
    let users = ["etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/.pwd.lock"];
    let unexpected: Vec<_> = left
        .iter()
        .filter(|file| !promised.iter().any(|promised| file.starts_with(promised)))
        .filter(|file| !users.iter().any(|user| file.trim_end_matches('-') == *user))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
}

/// What the scripts ask of systemd, in its order.
#[test]
fn only_what_runs_is_restarted() {
    let Some(package) = package() else { return };
    let place = TempDir::new().expect("a temporary directory");
    let scripts = place.path().join("scripts");
    assert!(run(Command::new("dpkg-deb").arg("--control").arg(package).arg(&scripts)).status.success());
    let tools = place.path().join("tools");
    fs::create_dir(&tools).expect("our own directory");
    for tool in ["systemctl", "deb-systemd-invoke", "systemd-sysusers"] {
        let text = format!("#!/bin/sh\necho {tool} \"$*\"\n");
        fs::write(tools.join(tool), text).expect("our own directory");
        fs::set_permissions(tools.join(tool), fs::Permissions::from_mode(0o755)).expect("our own file");
    }
    // A machine of its own: nothing of the real one can be reached by a script that is wrong.
    let namespace = "mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /etc || { echo no namespace; exit 0; }
        mkdir -p /run/systemd/system /etc/menshen; touch /etc/menshen/menshen.toml; PATH=$0:$PATH exec sh \"$@\"";
    let asked = |script: &str, args: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", namespace]).arg(&tools).arg(scripts.join(script)).args(args);
        let done = command.env_remove("DPKG_ROOT").output().ok();
        done.filter(|done| done.status.success() && text(done) != "no namespace\n").map(|done| text(&done))
    };
    let Some(first) = asked("postinst", &["configure"]) else { return skipped("mount namespace") };
    assert_eq!(first, "systemd-sysusers menshen.conf\nsystemctl --system daemon-reload\n");
    let upgraded = asked("postinst", &["configure", "0.1.0-1"]).expect("there is a namespace");
    let restart = upgraded.lines().nth(2).unwrap_or_default();
    let unit = |line: &str| line.split(' ').any(|word| word == "menshen.service");
    assert!(restart.starts_with("deb-systemd-invoke try-restart ") && unit(restart), "{upgraded}");
    let removed = asked("prerm", &["remove"]).expect("there is a namespace");
    assert!(removed.starts_with("deb-systemd-invoke stop ") && unit(removed.trim_end()), "{removed}");
    assert_eq!(asked("prerm", &["upgrade", "0.2.0-1"]).as_deref(), Some(""), "it works until it is restarted");
    for gone in ["remove", "purge"] {
        assert_eq!(asked("postrm", &[gone]).as_deref(), Some("systemctl --system daemon-reload\n"), "{gone}");
    }
    assert_eq!(asked("postrm", &["upgrade", "0.2.0-1"]).as_deref(), Some(""));
    assert_eq!(asked("postinst", &["what"]), None, "a word nobody knows is an error");
}

/// A machine without anything, below a directory.
struct Root {
    dir: TempDir,
}

impl Root {
    fn new() -> Root {
        let root = Root { dir: TempDir::new().expect("a temporary directory") };
        for folder in ["etc", "var/lib/dpkg/info", "var/lib/dpkg/updates"] {
            fs::create_dir_all(root.path(folder)).expect("our own directory");
        }
        root.write("var/lib/dpkg/status", "");
        root
    }

    /// What it said. Other packages are not there; the scripts are told where the root is.
    fn dpkg(&self, args: &[&std::ffi::OsStr]) -> String {
        let mut dpkg = Command::new("dpkg");
        dpkg.arg(format!("--root={}", self.dir.path().display()));
        dpkg.arg(format!("--log={}", self.path("var/lib/dpkg/log").display()));
        let done = run(dpkg.args(["--force-depends", "--force-script-chrootless"]).args(args));
        assert!(done.status.success(), "{args:?}: {}", all_of(&done));
        all_of(&done)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("our own root");
        fs::write(path, text).expect("our own root");
    }

    /// Every file below it but dpkg's own notes.
    fn files(&self) -> Vec<String> {
        let mut folders = vec![self.dir.path().to_owned()];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("our own root") {
                let entry = entry.expect("our own root");
                match entry.file_type().expect("our own root").is_dir() {
                    true => folders.push(entry.path()),
                    false => found.push(entry.path()),
                }
            }
        }
        let name = |path: &PathBuf| path.strip_prefix(self.dir.path()).expect("below it").display().to_string();
        found.iter().map(name).filter(|name| !name.starts_with("var/lib/dpkg/")).collect()
    }
}

/// An entry of the package.
#[derive(Debug)]
struct Entry {
    mode: String,
    owner: String,
    path: String,
}

impl Entry {
    fn writable_by_others(&self) -> bool {
        !self.mode.starts_with('l') && self.mode.chars().skip(4).any(|c| c == 'w')
    }
}

fn listed(package: &Path) -> Vec<Entry> {
    let listing = text(&run(Command::new("dpkg-deb").arg("--contents").arg(package)));
    let entry = |line: &str| {
        let mut words = line.split_whitespace();
        let (mode, owner) = (words.next()?.to_owned(), words.next()?.to_owned());
        let path = words.nth(3)?.trim_start_matches("./").to_owned();
        Some(Entry { mode, owner, path })
    };
    listing.lines().filter_map(entry).collect()
}

/// Built once; nothing where the tools for it are missing, which is said.
fn package() -> Option<&'static Path> {
    static PACKAGE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let package = PACKAGE.get_or_init(|| {
        if !["dpkg-deb", "readelf", "strip"].iter().all(|program| installed(program)) {
            return None;
        }
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("debian");
        let _ = fs::remove_dir_all(&place);
        Some(built(&place))
    });
    if package.is_none() {
        skipped("dpkg-deb, readelf or strip");
    }
    package.as_deref()
}

fn built(place: &Path) -> PathBuf {
    let done = run(Command::new(in_repository(".ci/deb"))
        .args(["--fast", "--binary", env!("CARGO_BIN_EXE_menshen"), "--out"])
        .arg(place)
        .env("CARGO_NET_OFFLINE", "true"));
    assert!(done.status.success(), "{}", all_of(&done));
    PathBuf::from(text(&done).trim_end())
}

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("our own words")
}

fn all_of(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// Past the test harness, which hides what passing tests print.
fn skipped(what: &str) {
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    writeln!(std::io::stderr(), "skipped {name}: no {what} here").expect("standard error is open");
}
