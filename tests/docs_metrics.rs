//! The dashboard, the alerts and `docs/metrics.md` speak of the same metrics: a panel over a name that does not exist
//! shows nothing, and an alert over one never fires.

use menshen::service::Ending;
use regex::Regex;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What Prometheus adds to everything it reads.
const ADDED: [&str; 2] = ["job", "instance"];
/// Words of PromQL that are used.
const WORDS: [&str; 15] = [
    "and",
    "by",
    "changes",
    "group_left",
    "histogram_quantile",
    "increase",
    "label_values",
    "max",
    "min",
    "on",
    "rate",
    "sum",
    "time",
    "topk",
    "up",
];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Rows of the tables of a page whose first cell is in backticks and fits.
fn rows(page: &str, fits: impl Fn(&str) -> bool) -> Vec<Vec<String>> {
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect());
    rows.filter(|row: &Vec<String>| fits(row[0].trim_matches('`'))).collect()
}

fn in_backticks(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

/// The labels of every series by its name, as the documentation has them.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let page = read("docs/metrics.md");
    let mut known = BTreeMap::new();
    for row in rows(&page, |name| name.starts_with("menshen_") || name.starts_with("process_")) {
        let name = row[0].trim_matches('`').to_owned();
        let labels: BTreeSet<String> = in_backticks(&row[2]).into_iter().chain(ADDED.map(ToOwned::to_owned)).collect();
        if row[1] == "histogram" {
            let with_le = labels.iter().cloned().chain(["le".to_owned()]).collect();
            known.insert(format!("{name}_bucket"), with_le);
            known.insert(format!("{name}_sum"), labels.clone());
            known.insert(format!("{name}_count"), labels);
        } else {
            known.insert(name, labels);
        }
    }
    assert!(known.len() > 30, "the table was read: {known:?}");
    known
}

/// What is wrong with an expression; the labels its series have are added to `labels`.
fn judge(expr: &str, known: &BTreeMap<String, BTreeSet<String>>, labels: &mut BTreeSet<String>) -> Result<(), String> {
    let pattern = |text: &str| Regex::new(text).expect("a plain pattern");
    // Texts and durations hold no names.
    let bare = pattern(r#""[^"]*""#).replace_all(expr, "\"\"").into_owned();
    let bare = pattern(r"\[[^\]]*\]").replace_all(&bare, "").into_owned();
    labels.extend(ADDED.map(ToOwned::to_owned));
    for series in pattern(r"\b((?:menshen|process)_\w+)\b(?:\{([^}]*)\})?").captures_iter(&bare) {
        let of_it = known.get(&series[1]).ok_or_else(|| format!("there is no series {}", &series[1]))?;
        labels.extend(of_it.iter().cloned());
        let matched = series.get(2).map_or("", |matched| matched.as_str());
        for label in pattern(r"(\w+)\s*(?:=~|!~|!=|=)").captures_iter(matched) {
            if !of_it.contains(&label[1]) {
                return Err(format!("{} has no label {}", &series[1], &label[1]));
            }
        }
    }
    for named in pattern(r"\b(?:by|on|group_left)\s*\(([^)]*)\)").captures_iter(&bare) {
        let mut named = named[1].split(',').map(str::trim).filter(|label| !label.is_empty());
        if let Some(label) = named.find(|label| !labels.contains(*label)) {
            return Err(format!("nothing in it has a label {label}"));
        }
    }
    let rest = pattern(r"\{[^}]*\}|\b(?:by|on|group_left)\s*\([^)]*\)|\$\w+").replace_all(&bare, "").into_owned();
    let mut words =
        pattern(r"\b[a-zA-Z_]\w*\b").find_iter(&rest).map(|word| word.as_str().to_owned()).collect::<Vec<_>>();
    words.retain(|word| !WORDS.contains(&word.as_str()) && !known.contains_key(word) && !labels.contains(word));
    words.first().map_or(Ok(()), |word| Err(format!("{word} is neither a series nor a word that is known here")))
}

#[test]
fn a_name_that_does_not_exist_is_found() {
    let known = BTreeMap::from([(
        "menshen_calls_total".to_owned(),
        BTreeSet::from(["account", "errcode", "instance", "job"].map(ToOwned::to_owned)),
    )]);
    let good = [
        "menshen_calls_total",
        "sum by (errcode) (rate(menshen_calls_total{account=~\"$account\", errcode!=\"0\"}[$__rate_interval])) * 60",
        "up{job=\"menshen\"} == 0",
    ];
    for expr in good {
        assert_eq!(judge(expr, &known, &mut BTreeSet::new()), Ok(()), "{expr}");
    }
    let bad = [
        "menshen_call_total > 0",
        "process_files",
        "menshen_calls_total{action=\"x\"}",
        "sum by (action) (menshen_calls_total)",
        "mensen_calls_total",
        "rat(menshen_calls_total[5m])",
    ];
    for expr in bad {
        assert!(judge(expr, &known, &mut BTreeSet::new()).is_err(), "{expr}");
    }
}

/// The value of a key at its place in the file of alerts, which is plain YAML: one key a line.
fn of_key<'t>(rule: &'t str, key: &str) -> Option<&'t str> {
    let start = format!("{key}: ");
    rule.lines().find_map(|line| line.trim_start_matches([' ', '-']).strip_prefix(&start))
}

#[test]
fn every_alert_stands_on_what_is_served_and_says_what_to_do() {
    let (known, file) = (documented(), read("docs/monitoring/alerts.yml"));
    let mut names = Vec::new();
    for rule in file.split("      - alert: ").skip(1) {
        let name = rule.lines().next().expect("a name");
        let expr = of_key(rule, "expr").unwrap_or_else(|| panic!("{name}: no expr"));
        let mut labels = BTreeSet::new();
        judge(expr, &known, &mut labels).unwrap_or_else(|why| panic!("{name}: {why}"));
        let severity = of_key(rule, "severity").unwrap_or_default();
        assert!(["critical", "warning", "info"].contains(&severity), "{name}: {severity}");
        for key in ["summary", "description"] {
            let words = of_key(rule, key).unwrap_or_else(|| panic!("{name}: no {key}"));
            for used in words.split("$labels.").skip(1) {
                let label = used.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
                assert!(labels.contains(label), "{name}: {key} speaks of {label}, which {expr} has not");
            }
            assert!(
                words.matches('"').count().is_multiple_of(2) && (words.starts_with('"') || !words.contains(": ")),
                "{name}"
            );
        }
        names.push(name.to_owned());
    }
    let told: Vec<String> = rows(&read("docs/metrics.md"), |name| name.starts_with("Menshen"))
        .into_iter()
        .map(|row| row[0].trim_matches('`').to_owned())
        .collect();
    assert_eq!(names, told, "docs/metrics.md names every alert, in the order of the file");
}

/// Every text under this key, anywhere.
fn texts<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(key).and_then(Value::as_str));
            fields.values().for_each(|value| texts(value, key, found));
        }
        Value::Array(values) => values.iter().for_each(|value| texts(value, key, found)),
        _ => {}
    }
}

#[test]
fn every_panel_of_the_dashboard_stands_on_what_is_served() {
    let known = documented();
    let dashboard: Value = serde_json::from_str(&read("docs/monitoring/dashboard.json")).expect("JSON");
    let (mut exprs, mut definitions) = (Vec::new(), Vec::new());
    texts(&dashboard, "expr", &mut exprs);
    texts(&dashboard, "definition", &mut definitions);
    assert!(exprs.len() > 20 && definitions.len() >= 3, "{exprs:?} {definitions:?}");
    for expr in exprs.iter().chain(&definitions) {
        judge(expr, &known, &mut BTreeSet::new()).unwrap_or_else(|why| panic!("{expr}: {why}"));
    }
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    let variables: BTreeSet<&str> = variables.iter().filter_map(|variable| variable["name"].as_str()).collect();
    let used = Regex::new(r"\$\{?(\w+)").expect("a plain pattern");
    let text = dashboard.to_string();
    for variable in used.captures_iter(&text).map(|found| found.get(1).expect("it is there").as_str()) {
        assert!(variables.contains(variable) || variable.starts_with("__"), "${variable} is no variable");
    }
    for panel in dashboard["panels"].as_array().expect("panels") {
        let labels_of = |expr: &str| {
            let mut labels = BTreeSet::new();
            judge(expr, &known, &mut labels).map(|()| labels).unwrap_or_default()
        };
        assert!(panel["description"].as_str().is_some_and(|words| words.len() > 10), "{}", panel["title"]);
        for target in panel["targets"].as_array().expect("targets") {
            let (expr, legend) = (target["expr"].as_str().expect("a text"), target["legendFormat"].as_str());
            for label in legend.unwrap_or_default().split("{{").skip(1).filter_map(|rest| rest.split("}}").next()) {
                assert!(labels_of(expr).contains(label), "{expr}: {label}");
            }
        }
    }
}

#[test]
fn every_metric_is_on_the_dashboard_or_in_an_alert_or_is_known_to_be_in_neither() {
    // What is told for whoever writes queries of his own.
    let neither = ["menshen_config_last_reload_timestamp_seconds", "menshen_accounts", "process_open_fds"];
    let told = read("docs/monitoring/dashboard.json") + &read("docs/monitoring/alerts.yml");
    for name in documented().into_keys().filter(|name| !name.ends_with("_sum") && !name.ends_with("_count")) {
        assert_ne!(told.contains(&name), neither.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn the_documented_outcomes_are_those_that_are_counted() {
    let page = read("docs/metrics.md");
    let row = rows(&page, |label| label == "outcome").pop().expect("a row about outcomes");
    let told: BTreeSet<String> = in_backticks(&row[1]).into_iter().collect();
    assert_eq!(told, Ending::ALL.map(|ending| ending.word().to_owned()).into());
}
