//! What the READMEs show is what the program does.
//!
//! Every command of a ```sh block is run, in order, in a directory of its own; commands that would need an account get
//! `--sandbox`. Blocks marked ```sh install change a machine and are not run; ```sh rehearsal is run against a sandbox
//! on a free port. Blocks of TOML that begin with `# NAME.toml` are written there first.

mod support;

use std::collections::BTreeSet;
use std::fs;
use support::sessions::{Fence, Page, Place, Sandbox, all_of, different, in_repository, installed, same, skipped};

const READMES: [&str; 2] = ["README.md", "README.zh-CN.md"];

/// The command in README that `.ci/run` runs, too.
const TESTS: &str = "cargo test --locked";

#[test]
fn every_command_works() {
    for readme in READMES {
        let place = place(readme);
        let commands = Page::read(readme).commands("sh");
        assert!(commands.len() > 10, "{readme} was read: {commands:?}");
        for command in commands {
            if command.starts_with("sqlite3 ") && !installed("sqlite3") {
                skipped("sqlite3");
                continue;
            }
            let done = place.run(&command);
            assert!(done.status.success(), "{readme}: {command}\n{}", all_of(&done));
        }
    }
}

#[test]
fn the_output_shown_is_the_output() {
    for readme in READMES {
        let (command, shown) = shown_output(readme);
        let printed = text(&place(readme).run(&command).stdout);
        assert_eq!(missing(&shown, &printed), None, "{readme}: {command}\n{printed}");
    }
}

/// The last output shown comes after everything before it was run.
#[test]
fn the_verification_shown_is_what_it_says() {
    for readme in READMES {
        let (place, blocks) = (place(readme), blocks(readme));
        let at = blocks.iter().rposition(|block| block.info == "text").expect("an output is shown");
        let before = blocks[..at - 1].iter().filter(|block| block.info == "sh");
        for command in before.flat_map(Fence::commands) {
            if !command.starts_with("sqlite3 ") {
                place.run(&command);
            }
        }
        let (command, shown) = (blocks[at - 1].text(), &blocks[at]);
        assert!(command.contains("audit verify"), "{readme}: {command}");
        let printed = text(&place.run(&command).stdout);
        assert_eq!(missing(shown, &printed), None, "{readme}: {command}\n{printed}");
    }
}

#[test]
fn a_wrong_output_is_found() {
    let check = |shown: &str, printed: &str, wanted: Option<&str>| {
        let (shown, printed): (Vec<&str>, Vec<&str>) = (shown.lines().collect(), printed.lines().collect());
        assert_eq!(different(&shown, &printed, same).as_deref(), wanted, "{shown:?} of {printed:?}");
    };
    check("a\nb", "a  \nb\n", None);
    check("a\n…\nc", "a\nb\nb\nc", None);
    check("a\n…", "a\nb", None);
    check("…\nb", "a\nb", None);
    check("a\nc", "a\nb\nc", Some("c"));
    check("a\nb", "a\nb\nc", Some("the end"));
    check("a\n…\nd", "a\nb\nc", Some("d"));
    check(" a", "a", Some(" a"));
}

#[test]
fn the_applicants_wrote_what_is_said_of_them() {
    let place = place(READMES[0]);
    let preview = text(&place.run("menshen -c rules.toml run --dry-run --sandbox --format json").stdout);
    for (nickname, reason) in
        [("稳赢505", "博 彩 平台，正规"), ("红包群734", "貸款秒批，無需抵押"), ("百川快递杭州店", "？？")]
    {
        let wanted = format!("\"nickname\":\"{nickname}\",\"reason\":\"{reason}\"");
        assert!(preview.contains(&wanted), "{wanted} in\n{preview}");
        for readme in READMES {
            assert!(read(readme).contains(nickname) && read(readme).contains(reason), "{readme}: {nickname}");
        }
    }
    assert!(preview.contains("\"reason\":\"博\u{200b}彩\u{200b}娱乐\""), "zero-width spaces in\n{preview}");
}

/// The rehearsal ends as the text says: with the brake, which `resume` lifts.
#[test]
fn the_rehearsal_ends_with_the_brake() {
    for readme in READMES {
        let place = place(readme);
        let rehearsal = Page::read(readme).commands("sh rehearsal");
        let (serve, rest) = rehearsal.split_first().expect("the sandbox is started first");
        let wechat = Sandbox::start(&place, &format!("env MENSHEN_AS_IT_IS=1 {serve}"), "127.0.0.1:8787");
        let file = place.path().join("rehearsal.toml");
        let settings = fs::read_to_string(&file).expect("a block named it");
        let moved = settings.replace("base_url = \"http://127.0.0.1:8787\"", &wechat.base_url);
        assert_ne!(settings, moved, "{readme}: the account points at the sandbox");
        fs::write(&file, moved).expect("our own directory");

        let ran = place.run(&format!("MENSHEN_AS_IT_IS=1\nexport MENSHEN_AS_IT_IS\n{}", rest[..2].join("\n")));
        assert_eq!(ran.status.code(), Some(1), "{readme}: {}", all_of(&ran));
        assert!(text(&ran.stdout).contains("BRAKE verification"), "{readme}: {}", all_of(&ran));
        let listed = place.run(&format!("export MENSHEN_AS_IT_IS=1 SANDBOX_SECRET=x\n{}", rest[2..].join("\n")));
        assert!(listed.status.success() && text(&listed.stdout).contains(" failed"), "{readme}: {}", all_of(&listed));
        let lifted = place.run("export MENSHEN_AS_IT_IS=1\nmenshen -c rehearsal.toml resume");
        assert!(text(&lifted.stdout).starts_with("lifted: verification"), "{readme}: {}", all_of(&lifted));
    }
}

#[test]
fn both_readmes_show_the_same() {
    let all = |readme: &'static str| {
        let shown = |block: &Fence| block.info != "toml";
        let blocks = blocks(readme).into_iter().filter(shown);
        blocks.map(|block| (block.info.clone(), block.commands())).collect::<Vec<_>>()
    };
    assert_eq!(all(READMES[0]), all(READMES[1]));
    let settings = |readme: &'static str| {
        let tables = blocks(readme).into_iter().filter(|block| block.info == "toml");
        tables.map(|block| toml::from_str(&block.text()).expect("TOML")).collect::<Vec<toml::Table>>()
    };
    assert_eq!(settings(READMES[0]), settings(READMES[1]));
}

#[test]
fn both_readmes_lead_to_the_same_files() {
    let links = |readme: &'static str| {
        let links = Page::read(readme).links().into_iter().map(|link| link.replace(".zh-CN.md", ".md"));
        links.filter(|link| !link.starts_with("README")).collect::<BTreeSet<_>>()
    };
    assert_eq!(links(READMES[0]), links(READMES[1]));
    let lost: Vec<_> = links(READMES[0]).into_iter().filter(|link| !in_repository(link).exists()).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn the_readmes_say_how_to_test() {
    for readme in READMES {
        let text = read(readme);
        let first = text.lines().find(|line| line.trim_start_matches("$ ").starts_with("cargo test"));
        assert_eq!(first, Some(TESTS), "{readme}");
    }
}

/// Every key and every outcome a README names exists, and none that the example shows is forgotten.
#[test]
fn the_reference_names_every_key_of_the_example() {
    let example: toml::Table = toml::from_str(&read("config.example.toml")).expect("a test of its own loads it");
    let mut keys: Vec<&str> = Vec::new();
    for table in ["service", "wechat", "policy", "pending"] {
        let table = example.get(table).and_then(toml::Value::as_table).expect("in the example");
        keys.extend(table.keys().map(String::as_str));
    }
    keys.extend(["proxy", "ca_file", "include", "agree_per_day", "refuse_per_day", "per_pass", "unless", "note"]);
    for readme in READMES {
        let text = read(readme);
        let missing: Vec<_> = keys.iter().filter(|key| !text.contains(&format!("`{key}`"))).collect();
        assert!(missing.is_empty(), "{readme}: {missing:?}");
    }
}

/// A directory with the files a README shows, and the program on its path: with `--sandbox`, unless MENSHEN_AS_IT_IS.
fn place(readme: &'static str) -> Place {
    let place = Place::new();
    for block in blocks(readme).iter().filter(|block| block.info == "toml") {
        if let Some(name) =
            block.lines.first().and_then(|line| line.strip_prefix("# ")).filter(|name| name.ends_with(".toml"))
        {
            assert!(!name.contains('/'), "{readme}: {name}");
            place.write(name, &block.text());
        }
    }
    // Building is the business of whoever runs this.
    place.program("cargo", "exit 0");
    let menshen = env!("CARGO_BIN_EXE_menshen");
    let as_it_is = "case \" $* \" in *' --sandbox '*) MENSHEN_AS_IT_IS=1 ;; esac";
    let run = format!("[ -n \"$MENSHEN_AS_IT_IS\" ] && exec '{menshen}' \"$@\"\nexec '{menshen}' --sandbox \"$@\"");
    place.program("menshen", &format!("{as_it_is}\n{run}"));
    fs::create_dir_all(place.path().join("target")).expect("our own directory");
    std::os::unix::fs::symlink("../bin", place.path().join("target/release")).expect("our own directory");
    place
}

fn blocks(readme: &'static str) -> Vec<Fence> {
    let blocks = Page::read(readme).fences();
    assert!(blocks.len() > 8, "{readme} was read");
    blocks
}

/// The block of output, and the command right before it.
fn shown_output(readme: &'static str) -> (String, Fence) {
    let blocks = blocks(readme);
    let at = blocks.iter().position(|block| block.info == "text").expect("an output is shown");
    assert_eq!(blocks[at - 1].info, "sh", "{readme}: the command stands before its output");
    (blocks[at - 1].text(), blocks[at].clone())
}

/// What is shown and was not printed.
fn missing(shown: &Fence, printed: &str) -> Option<String> {
    different(&shown.lines, &printed.lines().collect::<Vec<_>>(), same)
}

fn read(path: &str) -> String {
    fs::read_to_string(in_repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("our own words")
}
