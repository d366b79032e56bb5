//! What the READMEs show is what the program does.
//!
//! Every command of a ```sh block is run, in order, in a directory of its own; commands that would need an account get
//! `--sandbox`. Blocks marked ```sh install change a machine and are not run; ```sh rehearsal is run against a sandbox
//! on a free port. Blocks of TOML that begin with `# NAME.toml` are written there first.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
};
use tempfile::TempDir;

const READMES: [&str; 2] = ["README.md", "README.zh-CN.md"];

/// The command in README that `.ci/run` runs, too.
const TESTS: &str = "cargo test --locked";

/// Stands for lines left out of an output.
const LEFT_OUT: &str = "…";

#[test]
fn every_command_works() {
    for readme in READMES {
        let place = Place::of(readme);
        let commands = commands(readme, "sh");
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
        let printed = Place::of(readme).run(&command);
        assert_eq!(different(&shown, &text(&printed.stdout)), None, "{readme}: {command}\n{}", text(&printed.stdout));
    }
}

/// The last output shown comes after everything before it was run.
#[test]
fn the_verification_shown_is_what_it_says() {
    for readme in READMES {
        let (place, blocks) = (Place::of(readme), blocks(readme));
        let at = blocks.iter().rposition(|block| block.info == "text").expect("an output is shown");
        let before = blocks[..at - 1].iter().filter(|block| block.info == "sh");
        for command in before.flat_map(|block| bare(&block.text).lines().map(str::to_owned).collect::<Vec<_>>()) {
            if !command.starts_with("sqlite3 ") {
                place.run(&command);
            }
        }
        let (command, shown) = (&blocks[at - 1].text, &blocks[at].text);
        assert!(command.contains("audit verify"), "{readme}: {command}");
        let printed = place.run(command);
        assert_eq!(different(shown, &text(&printed.stdout)), None, "{readme}: {command}\n{}", text(&printed.stdout));
    }
}

#[test]
fn a_wrong_output_is_found() {
    let check = |shown: &str, printed: &str, wanted: Option<&str>| {
        assert_eq!(different(shown, printed).as_deref(), wanted, "{shown:?} of {printed:?}");
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
    let place = Place::of(READMES[0]);
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
        let place = Place::of(readme);
        let rehearsal = commands(readme, "sh rehearsal");
        let (serve, rest) = rehearsal.split_first().expect("the sandbox is started first");
        let wechat = Sandbox::start(&place, serve);
        let file = place.dir.path().join("rehearsal.toml");
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
    let all = |readme: &str| {
        let shown = |block: &Block| block.info != "toml";
        let blocks = blocks(readme).into_iter().filter(shown);
        blocks.map(|block| (block.info.clone(), bare(&block.text))).collect::<Vec<_>>()
    };
    assert_eq!(all(READMES[0]), all(READMES[1]));
    let settings = |readme: &str| {
        let tables = blocks(readme).into_iter().filter(|block| block.info == "toml");
        tables.map(|block| toml::from_str(&block.text).expect("TOML")).collect::<Vec<toml::Table>>()
    };
    assert_eq!(settings(READMES[0]), settings(READMES[1]));
}

#[test]
fn both_readmes_lead_to_the_same_files() {
    let links = |readme: &str| {
        let text = read(readme);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        let links = links.map(|(link, _)| link.replace(".zh-CN.md", ".md"));
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

/// A directory with the files a README shows, and the program on its path.
struct Place {
    dir: TempDir,
}

impl Place {
    fn of(readme: &str) -> Place {
        let dir = TempDir::new().expect("a temporary directory");
        for block in blocks(readme).iter().filter(|block| block.info == "toml") {
            if let Some(name) = block.text.lines().next().and_then(|line| line.strip_prefix("# ")) {
                assert!(name.ends_with(".toml") && !name.contains('/'), "{readme}: {name}");
                fs::write(dir.path().join(name), &block.text).expect("our own directory");
            }
        }
        let programs = dir.path().join("target/release");
        fs::create_dir_all(&programs).expect("our own directory");
        // Building is the business of whoever runs this.
        program(&programs.join("cargo"), "exit 0");
        let menshen = env!("CARGO_BIN_EXE_menshen");
        let as_it_is = "case \" $* \" in *' --sandbox '*) MENSHEN_AS_IT_IS=1 ;; esac";
        let run = format!("[ -n \"$MENSHEN_AS_IT_IS\" ] && exec '{menshen}' \"$@\"\nexec '{menshen}' --sandbox \"$@\"");
        program(&programs.join("menshen"), &format!("{as_it_is}\n{run}"));
        Place { dir }
    }

    fn shell(&self, command: &str) -> Command {
        let path = std::env::var("PATH").expect("there is a PATH");
        let path = format!("{}:{path}", self.dir.path().join("target/release").display());
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(self.dir.path()).env_clear().env("PATH", path).env("USER", "tester");
        shell
    }

    fn run(&self, command: &str) -> Output {
        self.shell(command).output().unwrap_or_else(|error| panic!("sh: {error}"))
    }
}

/// A sandbox on a port of its own; ends with its story.
struct Sandbox {
    child: Child,
    base_url: String,
    /// Held open: a program whose output nobody reads ends.
    _out: BufReader<ChildStdout>,
}

impl Sandbox {
    fn start(place: &Place, command: &str) -> Sandbox {
        let free = command.replace("127.0.0.1:8787", "127.0.0.1:0");
        assert_ne!(command, free, "the address in the README");
        let command = format!("MENSHEN_AS_IT_IS=1; export MENSHEN_AS_IT_IS; exec {free}");
        let mut child = place.shell(&command).stdout(Stdio::piped()).spawn().expect("sh starts");
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let mut base_url = String::new();
        out.read_line(&mut base_url).expect("it says where it listens");
        Sandbox { child, base_url: base_url.trim_end().to_owned(), _out: out }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A fenced block.
struct Block {
    info: String,
    text: String,
}

fn blocks(readme: &str) -> Vec<Block> {
    let text = read(readme);
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        let Some(info) = line.trim_start().strip_prefix("```") else { continue };
        let inside = lines.by_ref().take_while(|line| line.trim() != "```");
        let text: Vec<&str> = inside.map(|line| line.get(indent..).unwrap_or_default()).collect();
        blocks.push(Block { info: info.to_owned(), text: text.join("\n") });
    }
    assert!(blocks.len() > 8, "{readme} was read");
    blocks
}

/// The lines of every block with this mark, without comments.
fn commands(readme: &str, info: &str) -> Vec<String> {
    let blocks = blocks(readme).into_iter().filter(|block| block.info == info);
    blocks.flat_map(|block| bare(&block.text).lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// Without comments and empty lines.
fn bare(text: &str) -> String {
    let lines = text.lines().map(|line| line.split(" # ").next().unwrap_or_default().trim_end());
    lines.filter(|line| !line.is_empty() && !line.starts_with("# ")).collect::<Vec<_>>().join("\n")
}

/// The block of output, and the command right before it.
fn shown_output(readme: &str) -> (String, String) {
    let blocks = blocks(readme);
    let at = blocks.iter().position(|block| block.info == "text").expect("an output is shown");
    assert_eq!(blocks[at - 1].info, "sh", "{readme}: the command stands before its output");
    (blocks[at - 1].text.clone(), blocks[at].text.clone())
}

/// The first line shown that was not printed there; white space at the end of a line does not count.
fn different(shown: &str, printed: &str) -> Option<String> {
    let mut printed = printed.lines().map(str::trim_end).peekable();
    let mut skipping = false;
    for line in shown.lines() {
        if line == LEFT_OUT {
            skipping = true;
            continue;
        }
        let found = if skipping { printed.any(|other| other == line) } else { printed.next() == Some(line) };
        if !found {
            return Some(line.to_owned());
        }
        skipping = false;
    }
    (!skipping && printed.peek().is_some()).then(|| "the end".to_owned())
}

fn program(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("our own directory");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("our own file");
}

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(in_repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("our own words")
}

fn all_of(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// Past the test harness, which hides what passing tests print.
fn skipped(what: &str) {
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    writeln!(std::io::stderr(), "skipped {name}: no {what} here").expect("standard error is open");
}
