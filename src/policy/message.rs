//! The message that goes with a refusal: a text with placeholders, read once and filled often.
//!
//! Promises one pass (what an applicant wrote is never read as a placeholder), no
//! control or bidi characters, and no more characters than allowed. Does not
//! choose the words that are filled in.

use super::text::is_ignorable;

/// A word that is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placeholder {
    Keyword,
    Category,
    Nickname,
    Appid,
    Rule,
}

const PLACEHOLDERS: [(&str, Placeholder); 5] = [
    ("keyword", Placeholder::Keyword),
    ("category", Placeholder::Category),
    ("nickname", Placeholder::Nickname),
    ("appid", Placeholder::Appid),
    ("rule", Placeholder::Rule),
];

/// A message as written in a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Word(Placeholder),
}

impl Template {
    /// Reads a message; every problem of it in words.
    pub(super) fn read(written: &str) -> Result<Template, Vec<String>> {
        let (mut parts, mut text, mut problems) = (Vec::new(), String::new(), Vec::new());
        let mut rest = written;
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                text.push_str(brace);
                rest = after;
            } else if brace == "}" {
                problems.push("a `}` without its `{`; a brace itself is written `}}`".to_owned());
            } else {
                match placeholder(&mut rest) {
                    Ok(word) => parts.extend([Part::Text(std::mem::take(&mut text)), Part::Word(word)]),
                    Err(problem) => problems.push(problem),
                }
            }
        }
        text.push_str(rest);
        parts.push(Part::Text(text));
        if problems.is_empty() { Ok(Template { parts }) } else { Err(problems) }
    }

    /// The words it asks for.
    pub(super) fn placeholders(&self) -> impl Iterator<Item = Placeholder> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Word(placeholder) => Some(*placeholder),
        })
    }

    /// How many characters it has, when each word has as many as `word` says.
    pub(super) fn chars(&self, word: impl Fn(Placeholder) -> usize) -> usize {
        let chars = |part: &Part| match part {
            Part::Text(text) => text.chars().count(),
            Part::Word(placeholder) => word(*placeholder),
        };
        self.parts.iter().map(chars).sum()
    }

    /// Fills it in. `word` appends what stands for a placeholder.
    pub(super) fn fill(&self, max_chars: usize, mut word: impl FnMut(Placeholder, &mut String)) -> String {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Word(placeholder) => word(*placeholder, &mut filled),
            }
        }
        clean_message(&filled, max_chars)
    }
}

/// Reads a placeholder after its `{`.
fn placeholder(rest: &mut &str) -> Result<Placeholder, String> {
    let Some((name, after)) = rest.split_once('}') else {
        *rest = "";
        return Err("a `{` without its `}`; a brace itself is written `{{`".to_owned());
    };
    *rest = after;
    match PLACEHOLDERS.iter().find(|known| known.0 == name) {
        Some(known) => Ok(known.1),
        None => {
            let known = PLACEHOLDERS.map(|known| format!("{{{}}}", known.0)).join(", ");
            Err(format!("unknown placeholder {{{name}}}; known are {known}, and {{{{ and }}}} for braces"))
        }
    }
}

/// A text as it may be sent: without control and bidi characters, cut; empty when nothing of it could be seen.
pub fn clean_message(text: &str, max_chars: usize) -> String {
    let kept = text.chars().filter(|c| !c.is_control() && !is_bidi_control(*c));
    let cut: String = kept.take(max_chars).collect();
    if cut.chars().all(|c| c.is_whitespace() || is_ignorable(c)) { String::new() } else { cut }
}

/// Bidi_Control of Unicode's `PropList.txt`.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests;
