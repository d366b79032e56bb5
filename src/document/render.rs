//! Draws problems the way rustc does: the line, a caret under the place, help below. Secrets are covered.

use super::problem::{Problem, Problems, Severity, Source, Spot};
use super::secret;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::ops::Range;

/// Stands for each character that must not be shown: what comes after it keeps its column.
const COVER: &str = "*";

pub(super) fn render(problems: &Problems, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut drawn: Vec<String> = problems.problems.iter().map(|p| draw(problems, p, &renderer)).collect();
    if problems.count() > 1 {
        let (level, what) = match problems.problems.iter().any(|p| p.severity == Severity::Error) {
            true => (Level::ERROR, "problems"),
            false => (Level::WARNING, "warnings"),
        };
        let summary = format!("{} {what} found", problems.count());
        drawn.push(renderer.render(&[Group::with_title(level.primary_title(summary))]));
    }
    drawn.join("\n\n")
}

fn draw(problems: &Problems, problem: &Problem, renderer: &Renderer) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(problem.message.as_str()).id(problem.code);
    let group = match problem.spot {
        Some(spot) => {
            let line = ShownLine::new(&problems.sources[spot.file.0], spot);
            let snippet = Snippet::source(line.text).line_start(problem.line as usize).path(&*problem.file);
            title.element(snippet.annotation(AnnotationKind::Primary.span(line.caret)))
        }
        None if problem.file.is_empty() => Group::with_title(title),
        None => title.element(Origin::path(&*problem.file)),
    };
    let help = problem.help.as_deref().map(|h| Group::with_title(Level::HELP.secondary_title(h)));
    renderer.render(&[Some(group), help].into_iter().flatten().collect::<Vec<_>>())
}

/// The first line of a spot, covered where needed, and where the caret goes in it.
struct ShownLine {
    text: String,
    caret: Range<usize>,
}

impl ShownLine {
    fn new(source: &Source, spot: Spot) -> ShownLine {
        let start = source.boundary(spot.start);
        let line = line_around(&source.text, start);
        let text = &source.text[line.clone()];
        let end = source.boundary(spot.end).clamp(start, line.end.max(start));
        let caret = start - line.start..end - line.start;
        let (text, caret) = cover(text, masks_of(source, &line), caret);
        ShownLine { text, caret }
    }
}

/// The line a byte stands on, without its line end.
fn line_around(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |n| n + 1);
    let end = text[at..].find('\n').map_or(text.len(), |n| at + n);
    start..start + text[start..end].trim_end_matches('\r').len()
}

/// What is to be covered on a line, sorted, without overlaps, relative to it.
fn masks_of(source: &Source, line: &Range<usize>) -> Vec<Range<usize>> {
    let marked = source.masks.iter().filter(|m| m.start < line.end && m.end > line.start);
    let mut masks: Vec<Range<usize>> =
        marked.map(|m| m.start.max(line.start) - line.start..m.end.min(line.end) - line.start).collect();
    masks.extend(secret::stretches(&source.text[line.clone()]));
    masks.sort_by_key(|m| m.start);
    let mut apart: Vec<Range<usize>> = Vec::new();
    for mask in masks {
        match apart.last_mut() {
            Some(last) if mask.start <= last.end => last.end = last.end.max(mask.end),
            _ => apart.push(mask),
        }
    }
    apart
}

fn cover(text: &str, masks: Vec<Range<usize>>, caret: Range<usize>) -> (String, Range<usize>) {
    let mut shown = String::new();
    let mut done = 0;
    let (mut from, mut to) = (None, None);
    for mask in masks.iter().chain(std::iter::once(&(text.len()..text.len()))) {
        let offset = shown.len();
        let place = |at: usize| (at < mask.start).then(|| offset + at.saturating_sub(done));
        from = from.or_else(|| place(caret.start));
        to = to.or_else(|| place(caret.end));
        shown.push_str(&text[done..mask.start]);
        if !mask.is_empty() {
            from = from.or_else(|| (caret.start < mask.end).then_some(shown.len()));
            shown.push_str(&COVER.repeat(text[mask.clone()].chars().count()));
            to = to.or_else(|| (caret.end <= mask.end).then_some(shown.len()));
        }
        done = mask.end;
    }
    let start = from.unwrap_or(shown.len());
    let end = to.unwrap_or(shown.len()).max(start);
    (shown, start..end)
}
