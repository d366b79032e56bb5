//! Which files are read, found, refused.

use super::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;

#[test]
fn includes_and_lists_are_relative_to_the_file_that_names_them() {
    let rule = |name: &str| format!("[[rule]]\nname = '{name}'\naction = 'hold'\nwhen.reason.any = ['@{name}']\n");
    let main = format!("{ACCOUNT}[policy]\ninclude = ['rules/*.toml', '*.toml', 'rules/sub/?.toml']\n");
    let config = load_files(
        &[
            ("menshen.toml", &main),
            ("rules/b.toml", &(rule("b") + "[lists]\nb = { file = 'words.txt' }")),
            ("rules/a.toml", &(rule("a") + "[lists]\na = { file = '../words.txt' }")),
            ("rules/.hidden.toml", "not toml"),
            ("rules/dir.toml/x", ""),
            ("rules/sub/c.toml", &(rule("c") + "[lists]\nc = ['@a', '@b']")),
            ("other.toml", ""),
            ("rules/words.txt", "in rules\n"),
            ("words.txt", "beside\n"),
        ],
        Need::Secrets,
    )
    .unwrap_or_else(|e| panic!("{e}"));
    let spec = serde_json::to_value(&config.policy.spec.rules).unwrap();
    let lists: Vec<(&str, String)> =
        spec.as_array().unwrap().iter().map(|r| (r["name"].as_str().unwrap(), r["when"].to_string())).collect();
    let expected = [("a", "[\"beside\"]"), ("b", "[\"in rules\"]"), ("c", "[\"beside\",\"in rules\"]")];
    for ((name, when), (expected_name, expected)) in lists.iter().zip(expected) {
        assert!(*name == expected_name && when.contains(expected), "{lists:?}");
    }
    assert_eq!(lists.len(), 3);
}

#[test]
fn files_that_cannot_be_read_are_told_where_they_are_named() {
    let directory = directory(&[(
        "menshen.toml",
        &format!("{ACCOUNT}[policy]\ninclude = ['nope/*.toml', '[', 'gbk.toml']\n[lists]\nx = {{ file = 'nope.txt' }}"),
    )]);
    fs::write(directory.path().join("gbk.toml"), b"# ok\n\xb2\xa9\xb2\xca").unwrap();
    let error = load(&directory.path().join("menshen.toml"), &surroundings(), Need::Secrets).unwrap_err();
    assert_eq!(found(&error), ["include 6:12", "include 6:27", "unreadable 6:32", "unreadable 8:14"]);
    let shown = error.to_string();
    assert!(
        shown.contains("gbk.toml: line 2 is not UTF-8") && shown.contains("nope.txt: there is no such file"),
        "{shown}"
    );
}

#[test]
fn a_configuration_that_is_not_there() {
    let error = load(Path::new("/nowhere/x.toml"), &surroundings(), Need::Secrets).unwrap_err();
    insta::assert_snapshot!(error.render(false), @r###"
    error[unreadable]: the configuration cannot be used: there is no such file
    --> /nowhere/x.toml
     |
    help: name another file with -c FILE or $MENSHEN_CONFIG
    "###);
    let directory = directory(&[("x", "")]);
    let error = load(directory.path(), &surroundings(), Need::Secrets).unwrap_err();
    assert!(error.to_string().contains("this is a directory"), "{error}");
}

#[test]
fn root_uses_no_file_that_others_may_write() {
    let main = format!("{ACCOUNT}[policy]\ninclude = ['rules.toml']\n");
    let directory =
        directory(&[("menshen.toml", &main), ("rules.toml", "[lists]\nx = { file = 'x.txt' }"), ("x.txt", "a")]);
    let path = directory.path().join("menshen.toml");
    let root = Surroundings { root: true, ..surroundings() };
    let set =
        |name: &str, mode| fs::set_permissions(directory.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    let ours = fs::metadata(&path).unwrap().uid() == 0;
    let refused = |root: &Surroundings| -> Vec<String> {
        load(&path, root, Need::Secrets)
            .err()
            .map(|e| e.problems().map(|p| format!("{} {}", p.code, p.line)).collect())
            .unwrap_or_default()
    };
    for name in ["menshen.toml", "rules.toml", "x.txt"] {
        set(name, 0o644);
    }
    // A file of another user is refused whatever its mode; as root ours are root's.
    assert_eq!(refused(&root).is_empty(), ours);
    for (name, expected) in
        [("menshen.toml", "permissions 0"), ("rules.toml", "permissions 6"), ("x.txt", "permissions 2")]
    {
        set(name, 0o646);
        if ours {
            assert_eq!(refused(&root), [expected], "{name}");
        }
        assert!(refused(&surroundings()).is_empty(), "only root is so careful: {name}");
        set(name, 0o644);
    }
}

/// A configuration that names a file of each kind, and what is wrong with it for root.
struct Home {
    directory: tempfile::TempDir,
    main: PathBuf,
}

impl Home {
    /// The files, each in a directory of its own; `None` unless we are root.
    fn of_root() -> Option<Home> {
        let main = "[[account]]\nname = 'a'\nappid = 'wx'\ntoken = { secret = { file = '../secrets/app' } }\nca_file = '../ca/corp.pem'\n\
                    [policy]\ninclude = ['../rules/*.toml']\n";
        let directory = directory(&[
            ("main/menshen.toml", main),
            ("rules/r.toml", "[lists]\nx = { file = '../lists/x.txt' }"),
            ("lists/x.txt", "a"),
            ("secrets/app", SECRET),
            ("ca/corp.pem", PEM),
        ]);
        let main = directory.path().join("main/menshen.toml");
        (fs::metadata(&main).unwrap().uid() == 0).then_some(Home { directory, main })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn refused(&self) -> Vec<String> {
        let root = Surroundings { root: true, ..surroundings() };
        load(&self.main, &root, Need::Secrets).err().map(|e| found(&e)).unwrap_or_default()
    }
}

#[test]
fn root_uses_no_file_in_a_directory_that_others_may_write() {
    let Some(home) = Home::of_root() else { return };
    assert_eq!(home.refused(), [""; 0], "all is root's, below a directory like /tmp");
    let cases = [
        ("main", "permissions 0:0"),
        ("rules", "permissions 7:12"),
        ("lists", "permissions 2:14"),
        ("secrets", "secret 4:29"),
        ("ca", "permissions 5:11"),
    ];
    for (name, expected) in cases {
        for (mode, fine) in [(0o757, false), (0o777, false), (0o1777, true), (0o755, true)] {
            home.mode(name, mode);
            let expected: Vec<&str> = if fine { vec![] } else { vec![expected] };
            assert_eq!(home.refused(), expected, "{name} {mode:o}");
        }
        let whose = |user, group| chown(home.path(name), Some(user), Some(group)).unwrap();
        whose(1234, 0);
        assert_eq!(home.refused(), [expected], "{name} of somebody else");
        home.mode(name, 0o1755);
        assert_eq!(home.refused(), [expected], "the sticky bit of somebody else's {name} is no help");
        whose(0, 1234);
        home.mode(name, 0o775);
        assert_eq!(home.refused(), [expected], "{name} of somebody else's group");
        whose(0, 0);
        assert_eq!(home.refused(), [""; 0], "{name} of root's group");
        home.mode(name, 0o755);
    }
    for (file, expected) in [("secrets/app", "secret 4:29"), ("ca/corp.pem", "permissions 5:11")] {
        home.mode(file, 0o646);
        assert_eq!(home.refused(), [expected], "{file}");
        home.mode(file, 0o644);
    }
}

#[test]
fn root_looks_where_links_lead() {
    let Some(home) = Home::of_root() else { return };
    let link = |to: &str, name: &str| {
        let _ = fs::remove_file(home.path(name));
        symlink(home.path(to), home.path(name)).unwrap();
    };
    let given = |name: &str| {
        let root = Surroundings { root: true, ..surroundings() };
        load(&home.path(name), &root, Need::Secrets).err().map(|e| found(&e)).unwrap_or_default()
    };
    // A link in a directory of root's leads into one of everybody's; and a link in one of everybody's to a file of root's.
    fs::create_dir(home.path("open")).unwrap();
    home.mode("open", 0o757);
    link("main/menshen.toml", "open/menshen.toml");
    assert_eq!(given("open/menshen.toml"), ["permissions 0:0"], "the link itself can be replaced");
    link("open/menshen.toml", "main/linked.toml");
    assert_eq!(given("main/linked.toml"), ["permissions 0:0"], "a link to such a link");
    home.mode("open", 0o1777);
    assert_eq!(given("main/linked.toml"), ["unreadable 0:0"; 0], "root's link in a directory like /tmp");
    std::os::unix::fs::lchown(home.path("open/menshen.toml"), Some(1234), None).unwrap();
    // Linux may refuse to follow it in the first place: /proc/sys/fs/protected_symlinks.
    assert_ne!(given("main/linked.toml"), [""; 0], "somebody else's link in it");
    link("main", "aside");
    assert_eq!(given("aside/menshen.toml"), ["unreadable 0:0"; 0], "a link of root's to a directory of root's");
    assert_eq!(given("open/../main/menshen.toml"), ["unreadable 0:0"; 0]);
    home.mode("open", 0o757);
    assert_eq!(given("open/../main/menshen.toml"), ["unreadable 0:0"; 0], "nothing is looked up in it");
}

/// What is no regular file is not waited for and not read for ever, whatever names it.
#[test]
fn only_regular_files_of_a_bounded_size_are_read() {
    let directory = directory(&[("plain.toml", "")]);
    let path = |name: &str| directory.path().join(name);
    rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    let _listener = UnixListener::bind(path("socket")).unwrap();
    fs::create_dir(path("folder")).unwrap();
    symlink("/dev/zero", path("zero")).unwrap();
    symlink("/dev/tty", path("tty")).unwrap();
    // Holes: it takes no room.
    fs::File::create(path("gigabyte")).unwrap().set_len(1 << 30).unwrap();
    let main = path("menshen.toml");
    for (name, what) in [
        ("pipe", "this is a pipe, no regular file"),
        ("socket", "no regular file"),
        ("folder", "this is a directory, no regular file"),
        ("zero", "this is a device, no regular file"),
        ("gigabyte", "more than "),
    ] {
        let shown = |text: &str| {
            fs::write(&main, text).unwrap();
            load(&main, &surroundings(), Need::Secrets).unwrap_err().to_string()
        };
        let account = |secret: &str, more: &str| {
            format!("[[account]]\nname = 'a'\nappid = 'wx'\ntoken = {{ secret = {secret} }}\n{more}\n")
        };
        let env = "{ env = 'MENSHEN_APP_SECRET' }";
        let file = format!("{{ file = '{name}' }}");
        let places = [
            shown(&account(env, &format!("[lists]\nx = {file}"))),
            shown(&account(env, &format!("ca_file = '{name}'"))),
            shown(&account(&file, "")),
            load(&path(name), &surroundings(), Need::Secrets).unwrap_err().to_string(),
        ];
        for text in places {
            assert!(text.contains(what), "{name}: {text}");
        }
        if name != "folder" {
            let text = shown(&account(env, &format!("[policy]\ninclude = ['{name}']")));
            assert!(text.contains(what), "{name}: {text}");
        }
    }
    assert!(load(&path("tty"), &surroundings(), Need::Secrets).is_err());
}

#[test]
fn certificates_that_cannot_be_used_are_told_where_they_are_named() {
    for (files, expected) in [
        (&[][..], &["unreadable 5:11"][..]),
        (&[("corp.pem", "no certificate")], &["unreadable 5:11"]),
        (&[("corp.pem", PEM)], &[]),
    ] {
        let main = format!("{ACCOUNT}ca_file = 'corp.pem'\n");
        let all = [&[("menshen.toml", main.as_str())][..], files].concat();
        let error = load_files(&all, Need::Secrets).err();
        assert_eq!(error.map(|e| found(&e)).unwrap_or_default(), expected, "{files:?}");
        assert!(load_files(&all, Need::Rules).is_ok(), "only looked at when needed");
    }
    check("[wechat]\nca_file = 'nowhere.pem'", &["unreadable 2:11"]);
}

#[test]
fn the_configuration_is_looked_for_in_four_places() {
    let near = directory(&[("menshen.toml", "")]);
    let far = directory(&[("menshen.toml", "")]);
    let named = |name: &'static str| move |key: &str| (key == "MENSHEN_CONFIG").then(|| name.into());
    let around = |env: &'static str, near: &Path, far: &Path| Surroundings {
        env: Box::new(named(env)),
        working_dir: near.to_owned(),
        system_config: far.join("menshen.toml"),
        ..surroundings()
    };
    let nowhere = Path::new("/nowhere");
    let cli = Some(Path::new("cli.toml"));
    for (cli, around, expected) in [
        (cli, around("env.toml", near.path(), far.path()), "cli.toml".into()),
        (None, around("env.toml", near.path(), far.path()), "env.toml".into()),
        (None, around("", near.path(), far.path()), near.path().join("menshen.toml")),
        (None, around("", nowhere, far.path()), far.path().join("menshen.toml")),
    ] {
        assert_eq!(find(cli, &around).unwrap(), expected);
    }
    let around = Surroundings { system_config: "/nowhere/at/all.toml".into(), ..surroundings() };
    insta::assert_snapshot!(find(None, &around).unwrap_err().render(false), @r###"
    error[no-config]: no configuration: no -c FILE, $MENSHEN_CONFIG is not set, and neither /nowhere/menshen.toml nor /nowhere/at/all.toml exists
     |
    help: copy config.example.toml to ./menshen.toml and fill it in, or add --sandbox to try menshen without one
    "###);
}

/// The cases of these files by the rules of a configuration with one rule and one case, or what is wrong with them.
fn cases_of(files: &[(&str, &str)], named: &[&str]) -> Result<Vec<String>, Vec<String>> {
    const MAIN: &str = "[policy]\ninclude = ['rules/*']\n[[account]]\nname = 'a'\n[[case]]\nname = 'main'\ngiven = {}\nexpect = 'hold'\n";
    const RULE: &str = "[[rule]]\nname = 'r'\naction = 'hold'\nwhen = { always = true }\n[[case]]\nname = 'included'\ngiven = {}\nexpect = 'hold'\n";
    let mut all = vec![("menshen.toml", MAIN), ("rules/r.toml", RULE)];
    all.extend(files);
    let directory = directory(&all);
    let config = load(&directory.path().join("menshen.toml"), &surroundings(), Need::Policy).unwrap();
    let paths: Vec<PathBuf> = named.iter().map(|name| directory.path().join(name)).collect();
    match load_cases(&paths, &config, &surroundings()) {
        Ok(cases) => Ok(cases.into_iter().map(|case| case.name).collect()),
        Err(error) => Err(found(&error)),
    }
}

#[test]
fn cases_come_from_files_of_their_own_or_of_the_configuration() {
    let case = |given: &str| format!("[[case]]\nname = 'own'\ngiven = {{ {given} }}\nexpect = 'hold'\nrule = 'r'\n");
    let check = |text: &str, named: &[&str], expected: Result<&[&str], &[&str]>| {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(cases_of(&[("own.toml", text)], named), expected.map(texts).map_err(texts), "{text} {named:?}");
    };
    check(&case(""), &["own.toml"], Ok(&["own"]));
    check(&case("account = 'a'"), &["own.toml", "rules/r.toml"], Ok(&["own", "included"]));
    check(&case(""), &["./rules/../menshen.toml"], Ok(&["main"]));
    check(&case("account = 'b'"), &["own.toml"], Err(&["unknown-name 3:21"]));
    check(&case("").replace("'r'", "'s'"), &["own.toml"], Err(&["unknown-name 5:8"]));
    check("cases = 1", &["own.toml"], Err(&["unknown-key 1:1"]));
    check("[[rule]]\nname = 'x'\n", &["own.toml"], Err(&["unknown-key 1:3"]));
    check("[[case]\n", &["own.toml", "gone.toml"], Err(&["unreadable 0:0", "syntax 1:8"]));
    check("", &["own.toml"], Ok(&[]));
}
