//! Which files are read, found, refused.

use super::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

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
