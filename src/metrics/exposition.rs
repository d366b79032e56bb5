//! The text format of Prometheus, version 0.0.4: how a line is written.
//!
//! Source: prometheus.io/docs/instrumenting/exposition_formats, "Text format details".

use std::fmt::Write as _;

/// `Content-Type` of it.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `account="a",action="b"`: what stands between the braces. The names are ours and need no escapes.
pub(super) fn labels<'l>(pairs: impl IntoIterator<Item = (&'l str, &'l str)>) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        escape(&mut text, value, true);
        text.push('"');
    }
    text
}

/// The two lines above the samples of a metric.
pub(super) fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    text.push_str("# HELP ");
    text.push_str(name);
    text.push(' ');
    escape(text, help, false);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n# TYPE {name} {kind}");
}

/// One sample.
pub(super) fn sample(text: &mut String, name: &str, suffix: &str, labels: &str, value: f64) {
    text.push_str(name);
    text.push_str(suffix);
    if !labels.is_empty() {
        text.push('{');
        text.push_str(labels);
        text.push('}');
    }
    text.push(' ');
    number(text, value);
    text.push('\n');
}

/// A number as Prometheus reads it, the shortest that gives the same one back.
pub(super) fn number(text: &mut String, value: f64) {
    match value {
        value if value.is_nan() => text.push_str("NaN"),
        f64::INFINITY => text.push_str("+Inf"),
        f64::NEG_INFINITY => text.push_str("-Inf"),
        value => drop(write!(text, "{value}")),
    }
}

/// A backslash and a line feed are escaped everywhere, a double quote in the value of a label.
fn escape(text: &mut String, value: &str, in_quotes: bool) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if in_quotes => text.push_str("\\\""),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_labels_stay_between_their_quotes() {
        let cases = [
            (vec![], ""),
            (vec![("account", "express")], r#"account="express""#),
            (vec![("account", "快递"), ("rule", "")], r#"account="快递",rule="""#),
            (vec![("rule", "say \"no\"\nto C:\\x")], r#"rule="say \"no\"\nto C:\\x""#),
            (vec![("rule", "a\",account=\"b\"} 1\n#")], r#"rule="a\",account=\"b\"} 1\n#""#),
            (vec![("rule", "tab\tand\rreturn")], "rule=\"tab\tand\rreturn\""),
        ];
        for (pairs, expected) in cases {
            assert_eq!(labels(pairs), expected);
        }
    }

    #[test]
    fn a_head_and_a_sample() {
        let mut text = String::new();
        head(&mut text, "x_total", "How \"often\"\nC:\\x.", "counter");
        sample(&mut text, "x_total", "", "", 3.0);
        sample(&mut text, "x", "_bucket", "le=\"+Inf\"", 0.25);
        assert_eq!(
            text,
            "# HELP x_total How \"often\"\\nC:\\\\x.\n# TYPE x_total counter\nx_total 3\nx_bucket{le=\"+Inf\"} 0.25\n"
        );
    }

    #[test]
    fn numbers() {
        let cases = [
            (0.0, "0"),
            (-1.0, "-1"),
            (1_795_334_400.5, "1795334400.5"),
            (0.1, "0.1"),
            (1e21, "1000000000000000000000"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, expected) in cases {
            let mut text = String::new();
            number(&mut text, value);
            assert_eq!(text, expected);
        }
    }
}
