//! Tables whose columns line up under Chinese text, coloured on a terminal only.

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, LineStyle, TableStyle, Width,
};
use std::io::IsTerminal;

/// One line under the names of the columns, and nothing else.
const ONE_RULE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Columns that are copied or read at a glance; on a narrow terminal the others are broken into lines.
const WHOLE: [&str; 14] = [
    "id", "left", "decided", "applied", "asked", "since", "appid", "plugin", "verdict", "outcome", "status", "kind",
    "day", "account",
];
/// What is longer is broken all the same.
const WHOLE_MAX: u16 = 32;
/// Characters a broken column keeps, even where the table becomes wider than the terminal.
const BROKEN_MIN: u16 = 10;
/// Spaces beside a cell.
const PADDING: u16 = 2;

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
    whole: Vec<bool>,
    /// Of the terminal.
    width: Option<u16>,
}

impl Table {
    /// Begins with the names of the columns.
    pub(in crate::cli) fn new(columns: &[(&str, Align)]) -> Table {
        let mut inner = comfy_table::Table::new();
        inner.load_style(ONE_RULE);
        inner.set_header(columns.iter().map(|(name, _)| Cell::new(name).add_attribute(Attribute::Bold)));
        let width = terminal_width();
        match width {
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
        let align = columns.iter().map(|(_, align)| *align).collect();
        Table { inner, align, whole: columns.iter().map(|(name, _)| WHOLE.contains(name)).collect(), width }
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
    pub(in crate::cli) fn text(&mut self) -> String {
        let natural = self.inner.column_max_content_widths().into_iter().map(|width| width.saturating_add(PADDING));
        let natural: Vec<u16> = natural.collect();
        let wanted = natural.iter().map(|width| u32::from(*width)).sum::<u32>();
        if self.width.is_some_and(|width| wanted > u32::from(width)) {
            let columns = self.inner.column_iter_mut().zip(&natural).zip(&self.whole);
            for ((column, natural), whole) in columns {
                column.set_constraint(match *whole && *natural <= WHOLE_MAX {
                    true => ColumnConstraint::ContentWidth,
                    false => ColumnConstraint::LowerBoundary(Width::Fixed(BROKEN_MIN.min(*natural))),
                });
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: u16 = 60;

    fn on_a_narrow_terminal(columns: &[(&str, Align)], row: &[&str]) -> String {
        let mut table = Table::new(columns);
        table.width = Some(WIDTH);
        table.inner.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH).force_no_tty();
        table.row(row.iter().map(|text| ((*text).to_owned(), Tone::Plain)).collect());
        table.text()
    }

    #[test]
    fn what_is_copied_stays_whole() {
        let appid = "wx0123456789abcdef";
        let words = "我们是长沙的四季车品，想在订单页显示配件的物流进度，请审核。";
        let columns = [("id", Align::Right), ("appid", Align::Left), ("outcome", Align::Left), ("note", Align::Left)];
        let text = on_a_narrow_terminal(&columns, &["4711", appid, "overtaken", words]);
        assert!(text.contains(appid) && text.contains("overtaken") && text.lines().count() > 3, "{text}");
        let endless = "x".repeat(usize::from(WIDTH));
        assert!(!on_a_narrow_terminal(&columns, &["1", &endless, "held", ""]).contains(&endless));
    }
}
