//! JSON as WeChat may write it: split first, read later, forgive much.
//!
//! Hides three ways an answer can be bad without being useless: bytes that are
//! no UTF-8, halves of surrogate pairs and bare control characters inside a
//! string, and numbers beyond any range. Splits an object into its fields and
//! a list into its entries without reading them, so that a field nobody can
//! read costs that field alone.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
    fmt,
};

/// One object, its fields still unread.
#[derive(Default)]
pub(crate) struct Fields<'a> {
    by_name: HashMap<String, &'a RawValue>,
    /// Names that stand there more than once; which of their values is meant, nobody can say.
    doubled: Vec<String>,
}

impl<'a> Fields<'a> {
    /// Splits an object; `None` if the text is none.
    pub(crate) fn of(text: &'a str) -> Option<Fields<'a>> {
        serde_json::from_str(text).ok()
    }

    /// The first of these names that is there and not null; of a name that stands there twice, the last.
    pub(crate) fn get(&self, names: &[&str]) -> Option<Field<'a>> {
        let found = names.iter().filter_map(|name| self.by_name.get(*name));
        found.map(|raw| Field(raw.get())).find(|field| field.kind() != Kind::Null)
    }

    /// Whether one of these names is there, null included.
    pub(crate) fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.by_name.contains_key(*name))
    }

    /// Whether what these spellings name stands there more than once: RFC 8259, section 4 leaves open which one counts.
    pub(crate) fn is_doubled(&self, names: &[&str]) -> bool {
        let spelt = names.iter().filter(|name| self.by_name.contains_key(**name)).count();
        spelt > 1 || self.doubled.iter().any(|name| names.contains(&name.as_str()))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields<'a>, D::Error> {
        deserializer.deserialize_map(Split)
    }
}

/// Takes an object apart.
struct Split;

impl<'de> Visitor<'de> for Split {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Fields::default();
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            match fields.by_name.entry(name) {
                Entry::Vacant(vacant) => drop(vacant.insert(value)),
                Entry::Occupied(mut known) => {
                    fields.doubled.push(known.key().clone());
                    known.insert(value);
                }
            }
        }
        Ok(fields)
    }
}

/// One unread value.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a>(&'a str);

/// What kind of value it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Object,
    List,
    Bool,
    Null,
}

impl Kind {
    /// With its article, for a sentence.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Text => "a string",
            Kind::Number => "a number",
            Kind::Object => "an object",
            Kind::List => "a list",
            Kind::Bool => "a truth value",
            Kind::Null => "null",
        }
    }
}

impl<'a> Field<'a> {
    pub(crate) fn raw(self) -> &'a str {
        self.0
    }

    pub(crate) fn kind(self) -> Kind {
        match self.0.as_bytes().first() {
            Some(b'"') => Kind::Text,
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::List,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Number,
        }
    }

    /// The text of a string; anything else is `None`.
    pub(crate) fn text(self) -> Option<String> {
        if self.kind() != Kind::Text {
            return None;
        }
        serde_json::from_str(self.0).or_else(|_| serde_json::from_str(&mend(self.0))).ok()
    }

    /// A whole number, also as a string (`"1"`) or with an empty fraction (`1.0`).
    pub(crate) fn whole(self) -> Option<i64> {
        match self.kind() {
            Kind::Number => whole(self.0),
            Kind::Text => whole(self.text()?.trim()),
            _ => None,
        }
    }

    /// A number of whatever size, cut to what fits and to its whole part; also as a string.
    pub(crate) fn about(self) -> Option<i64> {
        let text = match self.kind() {
            Kind::Number => self.0.to_owned(),
            Kind::Text => self.text()?,
            _ => return None,
        };
        let float: f64 = text.trim().parse().ok()?;
        // A cast of floats saturates, which is what is wanted here.
        float.is_finite().then_some(float as i64)
    }

    /// The entries of a list.
    pub(crate) fn entries(self) -> Option<Vec<Field<'a>>> {
        let entries: Vec<&'a RawValue> = serde_json::from_str(self.0).ok()?;
        Some(entries.into_iter().map(|raw| Field(raw.get())).collect())
    }

    /// The fields of an object.
    pub(crate) fn fields(self) -> Option<Fields<'a>> {
        Fields::of(self.0)
    }
}

/// Reads `7`, `7.0` and `7e0`; not `7.5` and nothing that a float cannot hold exactly.
pub(crate) fn whole(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let float: f64 = text.parse().ok()?;
    let exact = float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0;
    // The bound above is 2^53: the cast loses nothing.
    exact.then_some(float as i64)
}

/// An answer's bytes as text: without BOM, white space and NULs around it, bad UTF-8 replaced.
pub(crate) fn text_of(body: &[u8]) -> Cow<'_, str> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    let start = body.iter().position(|byte| !blank(byte)).unwrap_or(body.len());
    let end = body.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    String::from_utf8_lossy(&body[start..end])
}

/// Replaces what strict JSON refuses inside strings: lone surrogates, unknown escapes, bare control characters.
///
/// Only for text that could not be parsed as it is: good JSON comes out equal
/// in meaning, but at the cost of a copy.
pub(crate) fn mend(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut inside = false;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '\\' if inside => mend_escape(rest, &mut out),
            c if inside && c < ' ' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
                1
            }
            c => {
                inside ^= c == '"';
                out.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    out
}

/// Copies the escape that `rest` begins with, or what may stand in its place; returns the bytes it took.
fn mend_escape(rest: &str, out: &mut String) -> usize {
    match rest.as_bytes().get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
            out.push_str(&rest[..2]);
            2
        }
        Some(b'u') => match (unit(rest), unit(rest.get(6..).unwrap_or_default())) {
            (Some(0xD800..0xDC00), Some(0xDC00..0xE000)) => {
                out.push_str(&rest[..12]);
                12
            }
            (Some(0xD800..0xE000), _) => {
                out.push('\u{FFFD}');
                6
            }
            (Some(_), _) => {
                out.push_str(&rest[..6]);
                6
            }
            (None, _) => {
                out.push('\u{FFFD}');
                2
            }
        },
        _ => {
            out.push('\u{FFFD}');
            1
        }
    }
}

/// The UTF-16 unit of an escape such as `\u4e2d`.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let plain = digits.bytes().all(|b| b.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
#[expect(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn strings_that_strict_json_refuses_are_read() {
        let cases = [
            (r#""plain""#, "plain"),
            (r#""\u4e2d\u6587""#, "中文"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#""\ud83d""#, "\u{FFFD}"),
            (r#""\ude00 x""#, "\u{FFFD} x"),
            (r#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"),
            (r#""\ud83dA""#, "\u{FFFD}A"),
            (r#""a\qb""#, "a\u{FFFD}qb"),
            (r#""a\u12zz""#, "a\u{FFFD}12zz"),
            (r#""a\u+123""#, "a\u{FFFD}+123"),
            ("\"a\tb\nc\u{1}\"", "a\tb\nc\u{1}"),
            (r#""quote \" \ud800 \\""#, "quote \" \u{FFFD} \\"),
        ];
        for (raw, text) in cases {
            assert_eq!(Field(raw).text().as_deref(), Some(text), "{raw}");
        }
    }

    #[test]
    fn whole_numbers() {
        let cases = [
            ("1", Some(1)),
            ("-1", Some(-1)),
            ("1.0", Some(1)),
            ("1e3", Some(1000)),
            ("\"1\"", Some(1)),
            ("\" 4 \"", Some(4)),
            ("\"1.0\"", Some(1)),
            ("1.5", None),
            ("\"\"", None),
            ("\"one\"", None),
            ("\"nan\"", None),
            ("\"inf\"", None),
            ("1e999", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("92233720368547758070", None),
            ("true", None),
            ("null", None),
            ("{}", None),
        ];
        for (raw, number) in cases {
            assert_eq!(Field(raw).whole(), number, "{raw}");
        }
    }

    #[test]
    fn what_stands_around_an_answer_is_cut_off() {
        for body in [&b"{}"[..], b"\xEF\xBB\xBF{}", b" \r\n{}\n", b"{}\0\0", b"\xEF\xBB\xBF\n{}"] {
            assert_eq!(text_of(body), "{}");
        }
        assert_eq!(text_of(b"  "), "");
        assert_eq!(text_of(b""), "");
        assert_eq!(text_of(b"\"\xE4\xB8\""), "\"\u{FFFD}\"");
    }

    proptest! {
        #[test]
        fn mending_keeps_good_json(text in any::<String>()) {
            let json = serde_json::to_string(&[&text]).unwrap();
            let mended: Vec<String> = serde_json::from_str(&mend(&json)).unwrap();
            prop_assert_eq!(mended, vec![text]);
        }

        #[test]
        fn mended_strings_can_be_read(inner in r#"([^"\\]|\\[^"]|\\u[0-9a-fD]{0,5}){0,30}"#) {
            let raw = format!("\"{inner}\"");
            // A backslash before the closing quote leaves the string open.
            prop_assume!(!mend(&raw).ends_with("\\\""));
            prop_assert!(serde_json::from_str::<String>(&mend(&raw)).is_ok(), "{}", mend(&raw));
        }
    }
}
