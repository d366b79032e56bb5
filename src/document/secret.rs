//! What must not be shown of a line, found in the text itself.
//!
//! The tree knows the secrets it could read; a line with a syntax error has no
//! tree. So every shown line is looked at as text, too: whatever follows a key
//! that sounds secret, the user part and the query of an address, and any long run of letters
//! and digits (an AppSecret is 32 of them, an appid 18) is covered.

use std::ops::Range;

const SECRET_KEYS: [&str; 6] = ["secret", "password", "passwd", "access_token", "api_key", "aes_key"];

/// Stretches of one line (without its newline) that look like a secret.
pub(super) fn stretches(line: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = SECRET_KEYS.iter().flat_map(|key| after_key(line, key)).collect();
    found.extend(address_users(line));
    found.extend(address_queries(line));
    found.extend(long_runs(line));
    found
}

/// Letters and digits that go on for longer than any word does.
fn long_runs(line: &str) -> Vec<Range<usize>> {
    const LONG: usize = 24;
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in line.char_indices().filter(|(_, c)| c.is_ascii_alphanumeric()) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs.retain(|run| run.len() >= LONG && line[run.clone()].bytes().any(|b| b.is_ascii_digit()));
    runs
}

/// `…secret… = VALUE`, where VALUE is no table.
fn after_key(line: &str, key: &str) -> Vec<Range<usize>> {
    let lower = line.to_ascii_lowercase();
    lower.match_indices(key).filter_map(|(at, _)| value_after(line, at + key.len())).collect()
}

fn value_after(line: &str, from: usize) -> Option<Range<usize>> {
    let rest = &line[from..];
    let equals = rest.find('=')?;
    let between = rest[..equals].trim();
    if !between.chars().all(|c| c.is_ascii_alphanumeric() || "_-'\"".contains(c)) {
        return None;
    }
    let start = from + equals + 1 + leading_space(&rest[equals + 1..]);
    let value = &line[start..];
    (!value.starts_with('{') && !value.is_empty()).then(|| start..start + value_length(value))
}

fn leading_space(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// A quoted text up to its closing quote; anything else, and a text that is not closed, to the end of the line.
fn value_length(value: &str) -> usize {
    let quote = value.chars().next().filter(|c| *c == '"' || *c == '\'');
    let closing = quote.filter(|_| !value.starts_with("\"\"\"") && !value.starts_with("'''"));
    closing.and_then(|q| value[1..].find(q)).map_or(value.trim_end().len(), |end| end + 2)
}

/// What stands between quotes, also where the closing one is missing; nothing else can hold an address.
fn quoted(line: &str) -> Vec<Range<usize>> {
    let mut texts: Vec<Range<usize>> = Vec::new();
    let mut open: Option<(char, usize)> = None;
    for (at, c) in line.char_indices() {
        match open {
            Some((quote, start)) if c == quote => {
                texts.push(start..at);
                open = None;
            }
            None if c == '"' || c == '\'' => open = Some((c, at + 1)),
            _ => {}
        }
    }
    texts.extend(open.map(|(_, start)| start..line.len()));
    texts
}

/// `user:password` in `http://user:password@host`, also without the scheme, and whatever the password is made of.
fn address_users(line: &str) -> Vec<Range<usize>> {
    let user = |text: Range<usize>| {
        let written = &line[text.clone()];
        let end = written.rfind('@')?;
        let scheme_end = written[..end].find("://").map(|at| at + "://".len());
        let start = scheme_end.unwrap_or_default();
        let names_a_user = start < end && (scheme_end.is_some() || written[..end].contains(':'));
        names_a_user.then_some(text.start + start..text.start + end)
    };
    quoted(line).into_iter().filter_map(user).collect()
}

/// `key=…` in `https://host/path?key=…`.
fn address_queries(line: &str) -> Vec<Range<usize>> {
    let query = |text: Range<usize>| {
        let written = &line[text.clone()];
        let start = written.find("://")?;
        let start = start + written[start..].find('?')? + 1;
        (text.start + start < text.end).then_some(text.start + start..text.end)
    };
    quoted(line).into_iter().filter_map(query).collect()
}
