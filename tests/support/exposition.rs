//! The text format of Prometheus 0.0.4, read strictly: whatever the format does not allow is a panic.
//!
//! Written from the format's description, not from our writer.

use std::collections::{BTreeMap, BTreeSet};

/// Labels of a sample.
pub(crate) type Labels = BTreeMap<String, String>;

/// A metric as it is served.
#[derive(Debug)]
pub(crate) struct Metric {
    pub(crate) help: String,
    pub(crate) kind: String,
    /// Name with suffix, labels, value.
    pub(crate) samples: Vec<(String, Labels, f64)>,
}

/// A page, by the names of its metrics.
#[derive(Debug)]
pub(crate) struct Exposition {
    pub(crate) metrics: BTreeMap<String, Metric>,
}

impl Exposition {
    #[track_caller]
    pub(crate) fn read(text: &str) -> Exposition {
        assert!(text.ends_with('\n'), "the last line ends with a line feed");
        let mut metrics: BTreeMap<String, Metric> = BTreeMap::new();
        let mut current = String::new();
        let mut series = BTreeSet::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap_or_else(|| panic!("no help: {line}"));
                assert!(is_name(name, true), "{line}");
                let new = Metric { help: unescaped(help, false), kind: String::new(), samples: Vec::new() };
                assert!(metrics.insert(name.to_owned(), new).is_none(), "told twice: {line}");
                name.clone_into(&mut current);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap_or_else(|| panic!("no type: {line}"));
                assert_eq!(name, current, "TYPE right after HELP: {line}");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                let metric = metrics.get_mut(name).expect("its HELP was there");
                assert!(metric.kind.is_empty() && metric.samples.is_empty(), "{line}");
                kind.clone_into(&mut metric.kind);
            } else {
                let (name, labels, value) = sample(line);
                let metric = metrics.get_mut(&current).unwrap_or_else(|| panic!("before any metric: {line}"));
                let suffix = name.strip_prefix(&current).unwrap_or_else(|| panic!("not of {current}: {line}"));
                let allowed: &[&str] = if metric.kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
                assert!(allowed.contains(&suffix), "not of {current}: {line}");
                assert_eq!(labels.contains_key("le"), suffix == "_bucket", "{line}");
                assert!(metric.kind != "counter" || value >= 0.0, "{line}");
                assert!(series.insert((name.clone(), labels.clone())), "served twice: {line}");
                metric.samples.push((name, labels, value));
            }
        }
        let page = Exposition { metrics };
        page.metrics.iter().filter(|(_, metric)| metric.kind == "histogram").for_each(|(name, _)| page.histogram(name));
        page
    }

    /// The value of a series; `None` = it is not there. Labels are `name=value`.
    #[track_caller]
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let metric = self.metrics.get(name).or_else(|| self.metrics.get(base?));
        let metric = metric.unwrap_or_else(|| panic!("no metric {name}"));
        let wanted: Labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        metric.samples.iter().find(|(known, labels, _)| known == name && *labels == wanted).map(|(_, _, value)| *value)
    }

    /// The sum of all series of a metric that have these labels among theirs.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |of: &Labels| labels.iter().all(|(name, value)| of.get(*name).is_some_and(|known| known == value));
        self.metrics[name].samples.iter().filter(|(_, labels, _)| has(labels)).map(|(_, _, value)| value).sum()
    }

    #[track_caller]
    fn histogram(&self, name: &str) {
        let samples = &self.metrics[name].samples;
        let (mut bound, mut count) = (f64::NEG_INFINITY, 0.0);
        for (_, labels, value) in samples.iter().filter(|(_, labels, _)| labels.contains_key("le")) {
            let le = number(&labels["le"]);
            assert!(le > bound && *value >= count, "{name}: buckets grow: {labels:?}");
            (bound, count) = (le, *value);
        }
        assert!(samples.is_empty() || bound == f64::INFINITY, "{name}: the last bucket holds everything");
        let total = samples.iter().find(|(known, ..)| known.ends_with("_count")).map(|(_, _, value)| *value);
        assert!(samples.is_empty() || total == Some(count), "{name}: its count is that of the last bucket");
    }
}

fn is_name(name: &str, with_colon: bool) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || (with_colon && c == ':');
    !name.is_empty() && name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[track_caller]
fn number(text: &str) -> f64 {
    match text {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        text => {
            assert!(text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)), "no number: {text}");
            text.parse().unwrap_or_else(|error| panic!("{error}: {text}"))
        }
    }
}

/// `name{label="value",…} number`, with one space and no timestamp, as we write it.
#[track_caller]
fn sample(line: &str) -> (String, Labels, f64) {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no sample: {line:?}"));
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name, true), "{line:?}");
    let mut labels = Labels::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, behind) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {line:?}"));
            assert!(is_name(label, false), "{line:?}");
            let close = closing_quote(behind).unwrap_or_else(|| panic!("no end of a value: {line:?}"));
            let value = unescaped(&behind[..close], true);
            assert!(labels.insert(label.to_owned(), value).is_none(), "a label twice: {line:?}");
            rest = &behind[close + 1..];
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').unwrap_or_else(|| panic!("no end of the labels: {line:?}"));
    }
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("no value: {line:?}"));
    (name.to_owned(), labels, number(value))
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

#[track_caller]
fn unescaped(text: &str, in_quotes: bool) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => plain.push(match characters.next() {
                Some('\\') => '\\',
                Some('n') => '\n',
                Some('"') if in_quotes => '"',
                other => panic!("no escape: \\{other:?} in {text:?}"),
            }),
            c => plain.push(c),
        }
    }
    plain
}
