//! Tables of text: columns as wide as they need, cut only where a terminal is too narrow.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::text::clean;

/// Between two columns.
const GAP: usize = 2;
/// No column is cut below this.
const LEAST: usize = 8;

/// A heading and rows of cells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
    columns: usize,
}

impl Table {
    /// A table with these headings.
    pub fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.iter().map(|h| h.to_uppercase()).collect()], columns: N }
    }

    /// Adds a row. Cells may hold text from outside.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.columns);
        self.rows.push(cells.iter().map(|cell| clean(cell).into_owned()).collect());
    }

    /// There are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.len() < 2
    }

    /// The lines, the heading first; at most `width` columns wide where that is possible.
    pub fn render(&self, width: Option<usize>) -> Vec<String> {
        let widths = self.widths(width);
        self.rows.iter().map(|row| line(row, &widths)).collect()
    }

    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> =
            (0..self.columns).map(|column| self.rows.iter().map(|row| row[column].width()).max().unwrap_or(0)).collect();
        let Some(limit) = limit else { return widths };
        let room = limit.saturating_sub(GAP * (self.columns.saturating_sub(1)));
        while widths.iter().sum::<usize>() > room {
            let Some(widest) = widths.iter_mut().filter(|w| **w > LEAST).max() else { break };
            *widest -= 1;
        }
        widths
    }
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let mut text = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        let cell = cut(cell, *width);
        let pad = width - cell.width() + GAP;
        text.push_str(&cell);
        text.extend(std::iter::repeat_n(' ', pad));
    }
    text.truncate(text.trim_end().len());
    text
}

/// `text` in at most `width` columns, with `…` where something is missing.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(["name", "state", "note"]);
        table.row(["web-1".into(), "active".into(), "a note that is rather long for its place".into()]);
        table.row(["日本語".into(), "build".into(), String::new()]);
        table
    }

    #[test]
    fn columns_are_as_wide_as_they_need() {
        let lines = sample().render(None);
        assert_eq!(lines[0], "NAME    STATE   NOTE");
        assert_eq!(lines[1], "web-1   active  a note that is rather long for its place");
        assert_eq!(lines[2], "日本語  build");
    }

    #[test]
    fn a_narrow_terminal_cuts_the_widest_column() {
        for width in [30, 40, 60] {
            let lines = sample().render(Some(width));
            assert!(lines.iter().all(|l| l.width() <= width), "{width}: {lines:?}");
        }
        assert_eq!(sample().render(Some(30))[1], "web-1   active  a note that i…");
    }

    #[test]
    fn wide_characters_are_never_halved() {
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("日本語", 6), "日本語");
    }

    #[test]
    fn cells_are_cleaned() {
        let mut table = Table::new(["name"]);
        table.row(["a\x1b[2Jb".into()]);
        assert_eq!(table.render(None)[1], "ab");
    }
}
