//! The trace for people: rules, conditions, and marks under what matched in the original text.
//!
//! Promises that marks stand under what they mean, also under Chinese text and
//! escaped characters, and that colour is seen on a terminal only.

use super::{Tone, visible};
use crate::policy::{Application, ConditionWhy, Found, RuleWhy, Truth};
use clap::builder::styling::{AnsiColor, Effects, Style};
use unicode_width::UnicodeWidthStr;

/// Columns of a text shown in one line.
const WIDTH: usize = 72;
/// Columns shown before the first match of a longer text.
const BEFORE: usize = 16;
/// Excerpts shown of one text.
const EXCERPTS_MAX: usize = 3;

/// A rule and its conditions, each in a line; below them the text with marks where something matched.
pub(in crate::cli) fn rule_lines(rule: &RuleWhy, application: &Application) -> Vec<String> {
    let place = rule.place.as_deref().map(|place| format!(" ({place})")).unwrap_or_default();
    let shadow = if rule.shadow { ", shadow: shown, not counted" } else { "" };
    let limit = rule.limit.as_deref().map(|limit| format!(", at most {limit}")).unwrap_or_default();
    let name = visible(&rule.rule);
    let head = format!("{} {} \"{name}\"{place}{limit}{shadow}", sign(rule.truth), rule.action);
    let conditions = rule.conditions.iter().flat_map(|condition| condition_lines(condition, application));
    std::iter::once(paint(&head, tone_of(rule))).chain(conditions).collect()
}

/// Text in the colour of a tone.
pub(in crate::cli) fn paint(text: &str, tone: Tone) -> String {
    let style = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Bad => AnsiColor::Red.on_default(),
        Tone::Wait => AnsiColor::Yellow.on_default(),
        Tone::Faint => Style::new().effects(Effects::DIMMED),
    };
    format!("{style}{text}{style:#}")
}

fn tone_of(rule: &RuleWhy) -> Tone {
    match rule.truth {
        Truth::True if rule.shadow => Tone::Faint,
        Truth::True => Tone::of(rule.action.word()),
        Truth::False => Tone::Faint,
        Truth::Unknown => Tone::Wait,
    }
}

fn sign(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "✓",
        Truth::False => "✗",
        Truth::Unknown => "?",
    }
}

fn condition_lines(condition: &ConditionWhy, application: &Application) -> Vec<String> {
    let tone = match condition.truth {
        Truth::True => Tone::Good,
        Truth::False => Tone::Plain,
        Truth::Unknown => Tone::Wait,
    };
    let line = format!("    {} {}: {}", paint(sign(condition.truth), tone), condition.path, visible(&condition.words));
    let mut lines = vec![line];
    if let Some(text) = text_of(&condition.path, application) {
        for (text, marks) in marked(text, &condition.found) {
            lines.push(format!("        {text}"));
            lines.push(format!("        {}", paint(&marks, Tone::Bad)));
        }
    }
    lines
}

/// The text a condition looks at.
fn text_of<'a>(path: &str, application: &'a Application) -> Option<&'a str> {
    match path.rsplit('.').nth(1)? {
        "reason" => Some(&application.reason),
        "nickname" => Some(&application.nickname),
        _ => None,
    }
}

/// One character as it is shown.
struct Cell {
    shown: String,
    width: usize,
    marked: bool,
}

/// Excerpts of a text around what was found, each with the line of marks that goes under it.
fn marked(text: &str, found: &[Found]) -> Vec<(String, String)> {
    let mut places: Vec<(usize, usize)> = found.iter().map(|found| (found.start, found.end)).collect();
    places.sort_unstable();
    let (mut places, mut marked_until) = (places.into_iter().peekable(), 0);
    let cells: Vec<Cell> = text
        .char_indices()
        .map(|(at, c)| {
            while let Some((_, end)) = places.next_if(|(start, _)| *start <= at) {
                marked_until = marked_until.max(end);
            }
            let shown = visible(c.encode_utf8(&mut [0; 4]));
            Cell { width: shown.width(), shown, marked: at < marked_until }
        })
        .collect();
    let mut excerpts = Vec::new();
    let mut next = 0;
    while let Some(first) = (next..cells.len()).find(|&at| cells[at].marked).filter(|_| excerpts.len() < EXCERPTS_MAX) {
        let window = window(&cells, next, first);
        let rest = &cells[window.end..];
        next = window.end + rest.iter().take_while(|cell| cell.marked && cells[window.end - 1].marked).count();
        excerpts.push(excerpt(&cells, window));
    }
    excerpts
}

/// The cells around the first marked one that fit into a line.
fn window(cells: &[Cell], from: usize, first: usize) -> std::ops::Range<usize> {
    let whole = cells.iter().map(|cell| cell.width).sum::<usize>() <= WIDTH;
    let before = cells[from..first].iter().rev();
    let start = if whole { from } else { first - fitting(before, BEFORE) };
    let end = start + fitting(cells[start..].iter(), WIDTH);
    start..end.max(first + 1)
}

/// How many cells fit into so many columns.
fn fitting<'c>(cells: impl Iterator<Item = &'c Cell>, columns: usize) -> usize {
    let mut used = 0;
    let fits = |cell: &&Cell| {
        used += cell.width;
        used <= columns
    };
    cells.take_while(fits).count()
}

fn excerpt(cells: &[Cell], window: std::ops::Range<usize>) -> (String, String) {
    let (mut text, mut marks) = (String::new(), String::new());
    if window.start > 0 {
        text.push('…');
        marks.push(' ');
    }
    for cell in &cells[window.clone()] {
        text.push_str(&cell.shown);
        marks.push_str(&if cell.marked { "^" } else { " " }.repeat(cell.width));
    }
    if window.end < cells.len() {
        text.push('…');
    }
    (text, marks.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `pieces` are sought in the text; the lines shown are joined by `|`.
    #[track_caller]
    fn check(text: &str, pieces: &[&str], expected: &str) {
        let place = |piece: &&str| {
            let start = text.find(*piece).expect("a piece of the text");
            Found { keyword: String::new(), start, end: start + piece.len() }
        };
        let found: Vec<Found> = pieces.iter().map(place).collect();
        let lines: Vec<String> = marked(text, &found).into_iter().flat_map(|(text, marks)| [text, marks]).collect();
        assert_eq!(lines.join("|"), expected);
        for line in lines {
            assert!(line.width() <= WIDTH + 2, "{line}");
        }
    }

    #[test]
    fn marks_stand_under_what_they_mean() {
        check("do a test now", &["test"], "do a test now|     ^^^^");
        check("博彩平台", &["博彩"], "博彩平台|^^^^");
        check("某店 博\u{200b}彩", &["博\u{200b}彩"], "某店 博\\u{200b}彩|     ^^^^^^^^^^^^");
        check("\u{1b}[31m彩票", &["彩票"], "\\u{1b}[31m彩票|          ^^^^");
        check("彩票和博彩", &["博彩", "彩票"], "彩票和博彩|^^^^  ^^^^");
        check("nothing", &[], "");
        check("e\u{301}x", &["x"], "e\u{301}x| ^");
        check("博彩平台 彩", &["彩平", "博彩平台", "平"], "博彩平台 彩|^^^^^^^^");
        check("abcdef", &["bcd", "cde"], "abcdef| ^^^^");
    }

    #[test]
    fn long_texts_are_cut_around_what_matched() {
        let long = format!("{}博彩{}", "快".repeat(100), "递".repeat(100));
        let expected = format!("…{}博彩{}…|{}^^^^", "快".repeat(8), "递".repeat(26), " ".repeat(17));
        check(&long, &["博彩"], &expected);
        let spaced = format!("博{}彩", " ".repeat(200));
        check(&spaced, &[&spaced], &format!("博{}…|{}", " ".repeat(70), "^".repeat(72)));
        let far = format!("博彩{}彩票", "递".repeat(100));
        check(
            &far,
            &["博彩", "彩票"],
            &format!("博彩{}…|^^^^|…{}彩票|{}^^^^", "递".repeat(34), "递".repeat(8), " ".repeat(17)),
        );
    }
}
