//! Pages that show commands and what these print: read, run, compared, rewritten.
//!
//! Hides how a page is cut into fences, how a command of it is run, and what may differ between two runs. Promises that
//! a fence is written as it is printed now when MENSHEN_BLESS is set, and that a page is left alone otherwise.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use tempfile::TempDir;

/// Stands for lines left out of an output.
const LEFT_OUT: &str = "…";

/// What menshen ends its questions with.
const PROMPTS: [&[u8]; 3] = [b"[y/N] ", b"q = quit: ", b"not yet): "];

/// A page of the repository.
pub(crate) struct Page {
    pub(crate) name: &'static str,
    text: String,
}

/// What a page holds beside its prose, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// `<!-- key: value -->` on a line of its own.
    Comment {
        key: String,
        value: String,
    },
    Fence(Fence),
}

/// A fenced block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fence {
    /// What stands behind the three ticks.
    pub(crate) info: String,
    /// Without the indentation of the fence.
    pub(crate) lines: Vec<String>,
    /// Index of its first line in the page.
    start: usize,
    indent: usize,
}

impl Fence {
    pub(crate) fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// Its lines without comments and empty lines.
    pub(crate) fn commands(&self) -> Vec<String> {
        let lines = self.lines.iter().map(|line| line.split(" # ").next().unwrap_or_default().trim_end().to_owned());
        lines.filter(|line| !line.is_empty() && !line.starts_with("# ")).collect()
    }

    /// The lines of a session that were typed.
    pub(crate) fn typed(&self) -> Vec<&str> {
        self.lines.iter().filter_map(|line| line.strip_prefix("$ ")).collect()
    }
}

impl Page {
    pub(crate) fn read(name: &'static str) -> Page {
        let path = in_repository(name);
        Page { name, text: fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}")) }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Where a fence stands, for people.
    pub(crate) fn place(&self, fence: &Fence) -> String {
        format!("{}:{}", self.name, fence.start + 1)
    }

    pub(crate) fn pieces(&self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut open: Option<Fence> = None;
        for (at, line) in self.text.lines().enumerate() {
            let trimmed = line.trim_start();
            match (&mut open, trimmed.strip_prefix("```")) {
                (Some(_), Some("")) => pieces.extend(open.take().map(Piece::Fence)),
                (Some(fence), _) => fence.lines.push(line.get(fence.indent..).unwrap_or_default().to_owned()),
                (None, Some(info)) => {
                    let indent = line.len() - trimmed.len();
                    open = Some(Fence { info: info.to_owned(), lines: Vec::new(), start: at + 1, indent });
                }
                (None, None) => {
                    let inside = trimmed.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
                    if let Some((key, value)) = inside.and_then(|inside| inside.split_once(": ")) {
                        pieces.push(Piece::Comment { key: key.to_owned(), value: value.to_owned() });
                    }
                }
            }
        }
        assert!(open.is_none(), "{}: a fence is not closed", self.name);
        pieces
    }

    pub(crate) fn fences(&self) -> Vec<Fence> {
        let pieces = self.pieces().into_iter();
        pieces
            .filter_map(|piece| match piece {
                Piece::Fence(fence) => Some(fence),
                Piece::Comment { .. } => None,
            })
            .collect()
    }

    /// The lines of every fence with this mark, without comments.
    pub(crate) fn commands(&self, info: &str) -> Vec<String> {
        self.fences().iter().filter(|fence| fence.info == info).flat_map(Fence::commands).collect()
    }

    /// The level of every heading, in order.
    pub(crate) fn headings(&self) -> Vec<usize> {
        let mut inside = false;
        let prose = self.text.lines().filter(|line| {
            let fence = line.trim_start().starts_with("```");
            inside ^= fence;
            !inside && !fence
        });
        prose.map(|line| line.bytes().take_while(|b| *b == b'#').count()).filter(|level| *level > 0).collect()
    }

    /// Where it leads, in order.
    pub(crate) fn links(&self) -> Vec<String> {
        let links = self.text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        links.map(|(link, _)| link.to_owned()).collect()
    }

    /// Holds fences against what is printed now. With MENSHEN_BLESS a page that differs anywhere is written anew, so that
    /// it tells one story: each fence as it was printed, or as it is to be copied from another page.
    pub(crate) fn settle(&self, now: Vec<(Fence, Vec<String>, Option<Vec<String>>)>, alike: fn(&str, &str) -> bool) {
        let told = now.iter().filter_map(|(fence, printed, _)| {
            let line = different(&fence.lines, printed, alike)?;
            Some(format!("{}: at {line:?} something else is printed:\n{}", self.place(fence), printed.join("\n")))
        });
        let told: Vec<String> = told.collect();
        if std::env::var_os("MENSHEN_BLESS").is_none() {
            assert!(told.is_empty(), "{}", told.join("\n\n"));
            return;
        }
        let stale = |(fence, _, copied): &(Fence, Vec<String>, Option<Vec<String>>)| {
            copied.as_ref().is_some_and(|copied| *copied != fence.lines)
        };
        if told.is_empty() && !now.iter().any(stale) {
            return;
        }
        let mut lines: Vec<Vec<String>> = self.text.lines().map(|line| vec![line.to_owned()]).collect();
        for (fence, printed, copied) in now {
            if copied.is_none()
                && fence.lines.iter().any(|line| line == LEFT_OUT)
                && different(&fence.lines, &printed, alike).is_none()
            {
                continue;
            }
            let indent = " ".repeat(fence.indent);
            let printed = copied.unwrap_or(printed);
            lines[fence.start..fence.start + fence.lines.len()].fill(Vec::new());
            // The line of the ticks is always there.
            lines[fence.start - 1].extend(printed.iter().map(|line| format!("{indent}{line}").trim_end().to_owned()));
        }
        fs::write(in_repository(self.name), lines.concat().join("\n") + "\n").expect("our own file");
    }
}

/// A directory of its own to run commands in, with programs that come first on its path.
pub(crate) struct Place {
    dir: TempDir,
    environment: Vec<(String, String)>,
}

impl Place {
    pub(crate) fn new() -> Place {
        let dir = TempDir::new().expect("a temporary directory");
        fs::create_dir(dir.path().join("bin")).expect("our own directory");
        Place { dir, environment: Vec::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A variable every command gets.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.environment.push((name.to_owned(), value.into()));
    }

    /// A shell script on the path.
    pub(crate) fn program(&self, name: &str, text: &str) {
        let path = self.dir.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("our own directory");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("our own file");
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.dir.path().join(file);
        fs::create_dir_all(path.parent().expect("in the directory")).expect("our own directory");
        fs::write(path, text).expect("our own directory");
    }

    pub(crate) fn shell(&self, command: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]);
        self.at_home(&mut shell);
        shell
    }

    /// Runs a command as it stands.
    pub(crate) fn run(&self, command: &str) -> Output {
        self.shell(command).output().unwrap_or_else(|error| panic!("sh: {error}"))
    }

    /// All it prints, in the order in which it does, line by line.
    pub(crate) fn printed(&self, command: &str) -> Vec<String> {
        let output = self.run(&format!("exec 2>&1; {command}"));
        lines(&String::from_utf8(output.stdout).expect("UTF-8"))
    }

    /// All that stands on the terminal when somebody types these answers, each when it is asked for; `None` without a
    /// terminal of our own.
    pub(crate) fn typed(&self, command: &str, answers: &[&str]) -> Option<Vec<String>> {
        if !installed("script") {
            skipped("script");
            return None;
        }
        let mut terminal = Command::new("timeout");
        terminal.args(["--foreground", "90", "script", "-q", "-e", "-E", "always", "-c", command, "/dev/null"]);
        self.at_home(&mut terminal);
        let mut child =
            terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("script");
        let (mut keys, mut screen) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let (mut shown, mut answers) = (Vec::new(), answers.iter());
        let mut piece = [0; 4096];
        while let Ok(count @ 1..) = screen.read(&mut piece) {
            shown.extend_from_slice(&piece[..count]);
            if PROMPTS.iter().any(|prompt| shown.ends_with(prompt)) {
                let answer = answers.next().unwrap_or_else(|| panic!("nobody answers:\n{}", terminal_text(&shown)));
                writeln!(keys, "{answer}").expect("it listens");
            }
        }
        child.wait().expect("a child");
        assert_eq!(answers.next(), None, "asked for less:\n{}", terminal_text(&shown));
        Some(lines(&terminal_text(&shown)))
    }

    fn at_home(&self, command: &mut Command) {
        let binary = Path::new(env!("CARGO_BIN_EXE_menshen")).parent().expect("in a directory");
        let path = std::env::var("PATH").expect("there is a PATH");
        let path = format!("{}:{}:{path}", self.dir.path().join("bin").display(), binary.display());
        command.current_dir(self.dir.path()).env_clear().env("PATH", path).env("USER", "tester");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
    }
}

/// `menshen sandbox`, as a page starts it, on a free port; ends with its story.
pub(crate) struct Sandbox {
    child: Child,
    pub(crate) base_url: String,
    /// Held open: a program whose output nobody reads ends.
    _out: BufReader<ChildStdout>,
}

impl Sandbox {
    /// The command names this address, and gets another.
    pub(crate) fn start(place: &Place, command: &str, address: &str) -> Sandbox {
        let free = command.replace(address, "127.0.0.1:0");
        assert_ne!(command, free, "the address on the page");
        let mut child = place.shell(&format!("exec {free}")).stdout(Stdio::piped()).spawn().expect("sh starts");
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

/// The first line shown that was not printed there; lines may be left out at `…`.
pub(crate) fn different(
    shown: &[impl AsRef<str>],
    printed: &[impl AsRef<str>],
    alike: fn(&str, &str) -> bool,
) -> Option<String> {
    let mut printed = printed.iter().map(AsRef::as_ref).peekable();
    let mut skipping = false;
    for line in shown.iter().map(AsRef::as_ref) {
        if line == LEFT_OUT {
            skipping = true;
            continue;
        }
        let same = |other: &str| alike(line, other);
        let found = if skipping { printed.any(same) } else { printed.next().is_some_and(same) };
        if !found {
            return Some(line.to_owned());
        }
        skipping = false;
    }
    (!skipping && printed.peek().is_some()).then(|| "the end".to_owned())
}

/// The same but for white space at the end.
pub(crate) fn same(shown: &str, printed: &str) -> bool {
    shown == printed.trim_end()
}

/// The same but for what differs from one run to the next: instants, time left, time taken, processes, and the
/// columns that are as wide as these.
pub(crate) fn same_but_for_time(shown: &str, printed: &str) -> bool {
    masked(shown) == masked(printed)
}

fn masked(line: &str) -> String {
    use std::sync::LazyLock;
    const MASKS: [(&str, &str); 15] = [
        (r"\b[0-9]{8}T[0-9]{6}Z-[0-9]+-[0-9]+\b", "PASS"),
        (r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z", "INSTANT"),
        (r"\b[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?", "MOMENT"),
        (r"\b[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(:[0-9]{2})?\b", "TIME"),
        (r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b", "DAY"),
        (r"\b[0-9a-f]{64}\b", "HASH"),
        (r"\b1[0-9]{9}\b", "SECONDS"),
        (r"\b([0-9]+ h )?[0-9]+ min\b|[0-9]+ 小时 [0-9]+ 分", "LEFT"),
        (r"\b[0-9]+(\.[0-9]+)? ?(ms|s)\b", "TAKEN"),
        (r"\b[0-9]{2}:[0-9]{2}(:[0-9]{2})?\b", "CLOCK"),
        (r"\bprocess [0-9]+\b", "process N"),
        (r"\b[0-9]+ bytes\b", "SIZE"),
        // A build names its commit.
        (r"^menshen [0-9][^ ]*( \([^)]*\))?", "menshen VERSION"),
        (r"─+", "─"),
        (r"\s+", " "),
    ];
    static READY: LazyLock<Vec<(regex::Regex, &str)>> = LazyLock::new(|| {
        MASKS.iter().map(|(pattern, word)| (regex::Regex::new(pattern).expect("a pattern"), *word)).collect()
    });
    let masked = READY.iter().fold(line.to_owned(), |line, (mask, word)| mask.replace_all(&line, *word).into_owned());
    masked.trim().to_owned()
}

/// What a terminal shows, without colours and what was drawn over.
fn terminal_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let colours = regex::Regex::new("\x1b\\[[0-9;?]*[A-Za-z]").expect("a pattern");
    let text = colours.replace_all(&text, "");
    let last = |line: &str| line.rsplit('\r').next().unwrap_or_default().to_owned();
    text.split('\n').map(last).collect::<Vec<_>>().join("\n")
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}

pub(crate) fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(crate) fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

pub(crate) fn all_of(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// Past the test harness, which hides what passing tests print.
pub(crate) fn skipped(what: &str) {
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    writeln!(std::io::stderr(), "skipped {name}: no {what} here").expect("standard error is open");
}
