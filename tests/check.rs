//! `rules check` with the real binary: exit statuses, the place of every problem, and the count a service tells.

mod support;

use serde_json::{Value, json};
use std::path::Path;
use support::process::{Done, Running, finish};
use support::{Scene, menshen};

const MAIN: &str = r#"
[policy]
include = ["rules/*.toml"]

[[rule]]
name   = "ask"
action = "hold"
when   = { reason = { any = ["合作"] } }
"#;

/// Included; each line of a list file that is odd is told where it stands.
const INCLUDED: &str = r#"
[lists]
words = { file = "words.txt" }

[[rule]]
name   = "spam"
action = "hold"
when   = { reason = { any = ["刷单", "刷 单"], regex = ["[0-9]*"] } }

[[rule]]
name   = "trades"
action = "agree"
when   = { category = { all = ["物流服务/查建"] }, nickname = { any = ["@words"] } }
"#;

const WORDS: &str = "# 词\n快递\n快递 # again\n";

const WRONG: &str = r#"
[[rule]]
name   = "spam"
action = "hald"
when   = { reason = { any = ["@wrods"], regex = ["博(?=彩)"] }, raeson = {} }
"#;

/// A directory with [`MAIN`] and these files beside it.
fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(directory.path().join("rules")).expect("a directory");
    for (name, text) in [("menshen.toml", MAIN)].iter().chain(files) {
        std::fs::write(directory.path().join(name), text).expect("a file");
    }
    directory
}

fn check(directory: &Path, args: &[&str]) -> Done {
    finish(menshen(directory).args(["rules", "check"]).args(args))
}

/// `code file:line:column` of every line of JSON.
fn places(done: &Done) -> Vec<String> {
    let line = |line: &str| {
        let problem: Value = serde_json::from_str(line).expect("an object a line");
        let word = |key: &str| problem[key].as_str().expect("a word").to_owned();
        format!("{} {}:{}:{}", word("code"), word("file"), problem["line"], problem["column"])
    };
    done.out.lines().map(line).collect()
}

const ODD: [(&str, &str); 2] = [("rules/one.toml", INCLUDED), ("rules/words.txt", WORDS)];

#[test]
fn the_exit_status_tells_warnings_from_errors() {
    let odd = directory(&ODD);
    let wrong = directory(&[("rules/two.toml", WRONG)]);
    let clean = directory(&[("rules/one.toml", "[lists]\n")]);
    for (directory, args, status) in [
        (&clean, &[][..], 0),
        (&clean, &["--deny-warnings"], 0),
        (&odd, &[], 0),
        (&odd, &["--deny-warnings"], 1),
        (&odd, &["--deny-warnings", "--format", "json"], 1),
        (&wrong, &[], 2),
        (&wrong, &["--deny-warnings"], 2),
        (&wrong, &["--format", "csv"], 2),
        (&odd, &["menshen.toml", "nowhere.toml"], 2),
        (&odd, &["--nonsense"], 2),
        (&odd, &["--explain", "keyword-twice", "--deny-warnings"], 2),
        (&clean, &["--sandbox", "--deny-warnings"], 0),
    ] {
        check(directory.path(), args).exits(status);
    }
}

#[test]
fn every_problem_has_its_place_in_the_file_it_stands_in() {
    let odd = check(directory(&ODD).path(), &["--format", "json"]);
    let expected = [
        "keyword-twice rules/one.toml:8:36",
        "regex-matches-all rules/one.toml:8:53",
        "unknown-category rules/one.toml:13:32",
        "keyword-twice rules/words.txt:3:1",
    ];
    assert_eq!(places(&odd), expected);
    let wrong = check(directory(&[ODD[0], ODD[1], ("rules/two.toml", WRONG)]).path(), &["--format", "json"]);
    let expected = [
        "duplicate rules/two.toml:3:10",
        "value rules/two.toml:4:10",
        "unknown-name rules/two.toml:5:30",
        "rule rules/two.toml:5:50",
        "unknown-key rules/two.toml:5:63",
    ];
    assert_eq!(places(&wrong), expected, "{}", wrong.out);
}

#[test]
fn machines_read_objects_and_tables() {
    let directory = directory(&ODD);
    let out = check(directory.path(), &["--format", "json"]).exits(0).out;
    let first: Value = serde_json::from_str(out.lines().next().expect("a line")).expect("JSON");
    let expected = json!({
        "code": "keyword-twice", "severity": "warning", "file": "rules/one.toml", "line": 8, "column": 36,
        "message": "`刷 单` and `刷单` are the same to the rules", "help": "one of them is enough",
    });
    assert_eq!(first, expected);
    let csv = check(directory.path(), &["--format", "csv"]).exits(0).out;
    assert_eq!(csv.lines().next(), Some("code,severity,file,line,column,message,help"));
    assert_eq!(csv.lines().count(), 5, "{csv}");
}

#[test]
fn people_see_the_line_and_what_was_meant() {
    let said = check(directory(&ODD).path(), &[]).out;
    for words in [
        "warning[unknown-category]: WeChat's catalogue, as far as we know it, has no category `物流服务/查建`\n",
        "  --> rules/one.toml:13:32\n",
        "   |                                ^^^^^^^^^^^^^^^\n",
        "help: did you mean `物流服务/查件`?\n",
        "3 rules, 0 errors, 4 warnings\nWhat a code means: menshen rules check --explain CODE\n",
    ] {
        assert!(said.contains(words), "{words:?}\n{said}");
    }
    let said = check(directory(&[("rules/two.toml", WRONG)]).path(), &[]).out;
    for words in ["help: did you mean `hold`?", "look-around, (?=…)", "0 rules, 4 errors, 0 warnings\n"] {
        assert!(said.contains(words), "{words:?}\n{said}");
    }
}

#[test]
fn a_code_is_explained_with_an_example() {
    let directory = directory(&[]);
    let page = check(directory.path(), &["--explain", "never-decides"]).exits(0).out;
    assert!(page.starts_with("## never-decides\n") && page.contains("```toml\n[[rule]]"), "{page}");
    assert_eq!(page.matches("\n## ").count(), 0, "one page: {page}");
    check(directory.path(), &["--explain", "never-decide"]).exits(2).complains("did you mean `never-decides`?");
    check(directory.path(), &["--explain", "nonsense"]).exits(2).complains("there is no code \"nonsense\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_tells_how_many_warnings_there_are() {
    let mut scene = Scene::empty().await;
    scene.service = "mode = \"live\"\nschedule = \"0 0 0 1 1 *\"".to_owned();
    let mut scene = scene.rules(&INCLUDED.replace("{ file = \"words.txt\" }", "[\"快递\"]"));
    let service = Running::start(&mut scene.menshen(["run"]));
    let told = service.line("the rules earn warnings", 1);
    assert!(told.contains("warnings=3") && told.contains("menshen.toml rules check"), "{told}");
    scene.rules = scene.rules.replace("物流服务/查建", "物流服务/查件");
    scene.write_config();
    service.signal(rustix::process::Signal::HUP);
    service.line("the configuration was read again", 1);
    let told = service.line("the rules earn warnings", 2);
    assert!(told.contains("warnings=2"), "{told}");
    service.signal(rustix::process::Signal::TERM);
    service.wait().exits(0);
    scene.end();
}
