//! Tables whose columns line up under Chinese text, coloured on a terminal only.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, TableStyle};
use std::io::IsTerminal;

/// One line under the names of the columns, and nothing else.
const ONE_RULE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Where a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Align {
    Left,
    Right,
}

/// What a cell means, shown as colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Tone {
    Plain,
    Good,
    Bad,
    Wait,
    Faint,
}

impl Tone {
    /// The tone of a verdict or an outcome.
    pub(in crate::cli) fn of(word: &str) -> Tone {
        match word {
            "agree" | "done" => Tone::Good,
            "refuse" | "failed" => Tone::Bad,
            "hold" | "held" | "planned" => Tone::Wait,
            "shadow" | "overtaken" | "delete" => Tone::Faint,
            _ => Tone::Plain,
        }
    }
}

/// A table under construction.
pub(in crate::cli) struct Table {
    inner: comfy_table::Table,
    align: Vec<Align>,
}

impl Table {
    /// Begins with the names of the columns.
    pub(in crate::cli) fn new(columns: &[(&str, Align)]) -> Table {
        let mut inner = comfy_table::Table::new();
        inner.load_style(ONE_RULE);
        inner.set_header(columns.iter().map(|(name, _)| Cell::new(name).add_attribute(Attribute::Bold)));
        match terminal_width() {
            Some(width) => {
                inner.set_content_arrangement(ContentArrangement::Dynamic);
                inner.set_width(width);
                if no_colour() {
                    inner.force_no_tty();
                } else {
                    inner.enforce_styling();
                }
            }
            None => {
                inner.force_no_tty();
                inner.set_content_arrangement(ContentArrangement::Disabled);
            }
        }
        Table { inner, align: columns.iter().map(|(_, align)| *align).collect() }
    }

    /// One row.
    pub(in crate::cli) fn row(&mut self, cells: Vec<(String, Tone)>) {
        let cells = cells.into_iter().zip(&self.align).map(|((text, tone), align)| {
            let cell = Cell::new(text).set_alignment(match align {
                Align::Left => CellAlignment::Left,
                Align::Right => CellAlignment::Right,
            });
            match tone {
                Tone::Plain => cell,
                Tone::Good => cell.fg(Color::Green),
                Tone::Bad => cell.fg(Color::Red),
                Tone::Wait => cell.fg(Color::Yellow),
                Tone::Faint => cell.add_attribute(Attribute::Dim),
            }
        });
        self.inner.add_row(cells.collect::<Vec<_>>());
    }

    /// As text, without spaces at the ends of lines.
    pub(in crate::cli) fn text(&self) -> String {
        self.inner.trim_fmt()
    }
}

fn terminal_width() -> Option<u16> {
    let out = std::io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(&out).ok()?;
    Some(if size.ws_col == 0 { 120 } else { size.ws_col })
}

fn no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}
