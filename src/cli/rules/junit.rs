//! JUnit XML of a run of cases, for CI.
//!
//! Written by hand: five elements and the escaping below are the whole of it, and
//! the crates that know more of JUnit bring clocks and random ids along. Promises
//! well-formed XML 1.0 whatever an applicant's text holds.

use crate::policy::CaseResult;
use std::fmt::Write;

/// The whole document. Cases of one file are one suite.
pub(super) fn junit(results: &[CaseResult], in_words: impl Fn(&CaseResult) -> String) -> String {
    let failed = |results: &[&CaseResult]| results.iter().filter(|result| !result.passed()).count();
    let mut files: Vec<&str> = Vec::new();
    for result in results {
        if !files.contains(&&*result.place.file) {
            files.push(&result.place.file);
        }
    }
    let all: Vec<&CaseResult> = results.iter().collect();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"menshen rules test\" tests=\"{}\" failures=\"{}\">\n",
        all.len(),
        failed(&all)
    );
    for file in files {
        let suite: Vec<&CaseResult> = results.iter().filter(|result| &*result.place.file == file).collect();
        let (name, tests, failures) = (escaped(file), suite.len(), failed(&suite));
        push(&mut xml, format_args!("  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\">\n"));
        suite.iter().for_each(|result| case(&mut xml, result, &in_words));
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn case(xml: &mut String, result: &CaseResult, in_words: impl Fn(&CaseResult) -> String) {
    let (name, file, line) = (escaped(&result.name), escaped(&result.place.file), result.place.line);
    push(xml, format_args!("    <testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{line}\""));
    if result.passed() {
        xml.push_str("/>\n");
        return;
    }
    let what: Vec<&str> = result.differences.iter().map(|difference| difference.what).collect();
    let (message, words) = (escaped(&result.why.sentence), escaped(&in_words(result)));
    let kind = what.join(",");
    push(
        xml,
        format_args!(">\n      <failure type=\"{kind}\" message=\"{message}\">{words}</failure>\n    </testcase>\n"),
    );
}

fn push(xml: &mut String, text: std::fmt::Arguments<'_>) {
    xml.write_fmt(text).expect("a string takes any text");
}

/// Text for an element or an attribute; what XML cannot say is replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\t' => out.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_back() {
        for (text, expected) in [
            ("某店 & <b>\"x\"</b> 'y'", None),
            ("one\ntwo\tthree\r", None),
            ("]]> -- ?>", None),
            ("a\u{1b}[31m\u{0}b", Some("a\u{FFFD}[31m\u{FFFD}b")),
            ("\u{FFFE}\u{FFFF}\u{FFFD}🙂", Some("\u{FFFD}\u{FFFD}\u{FFFD}🙂")),
        ] {
            let xml = format!("<a b=\"{0}\">{0}</a>", escaped(text));
            let read = roxmltree::Document::parse(&xml).expect("well-formed");
            let root = read.root_element();
            assert_eq!((root.text(), root.attribute("b")), (expected.or(Some(text)), expected.or(Some(text))));
        }
    }
}
