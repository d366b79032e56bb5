//! What must not be shown of a line, found in the text itself.
//!
//! The tree knows the secrets it could read; a line with a syntax error has no
//! tree. So every shown line is looked at as text, too: whatever follows a key
//! that sounds secret, the user part of an address, and any long run of letters
//! and digits (an AppSecret is 32 of them, an appid 18) is covered.

use std::ops::Range;

const SECRET_KEYS: [&str; 6] = ["secret", "password", "passwd", "access_token", "api_key", "aes_key"];

/// Stretches of one line (without its newline) that look like a secret.
pub(super) fn stretches(line: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = SECRET_KEYS.iter().flat_map(|key| after_key(line, key)).collect();
    found.extend(address_users(line));
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

/// `user:password` in `http://user:password@host`.
fn address_users(line: &str) -> Vec<Range<usize>> {
    let users = line.match_indices("://").filter_map(|(at, scheme_end)| {
        let start = at + scheme_end.len();
        let authority = line[start..].split(['/', '"', '\'', ' ']).next().unwrap_or_default();
        authority.rfind('@').map(|end| start..start + end)
    });
    users.filter(|user| !user.is_empty()).collect()
}
