//! What a table is made of: columns, cells, rows, notices.

use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::cells;

/// What the numbers of a column count: decides which units a filter takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Words.
    Text,
    /// Plain numbers.
    Count,
    /// Bytes.
    Bytes,
    /// Milliseconds of work.
    Took,
    /// Points in time, milliseconds since 1970; filters speak of their age.
    Time,
}

/// A column.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Column {
    /// Its name in filters: `status=error`.
    pub id: &'static str,
    pub title: &'static str,
    /// Narrowest and widest it may be, cells.
    pub min: u16,
    pub max: u16,
    /// 0 stays always; the highest leaves first.
    pub leaves: u8,
    /// Numbers stand at the right.
    pub right: bool,
    pub kind: Kind,
    /// Another name in filters.
    pub alias: &'static str,
    /// Shown only when somebody chooses it.
    pub extra: bool,
}

impl Column {
    /// A text column.
    pub const fn text(id: &'static str, title: &'static str, min: u16, max: u16, leaves: u8) -> Self {
        Self { id, title, min, max, leaves, right: false, kind: Kind::Text, alias: "", extra: false }
    }

    /// A column of numbers.
    pub const fn number(id: &'static str, title: &'static str, min: u16, max: u16, leaves: u8) -> Self {
        Self { right: true, kind: Kind::Count, ..Self::text(id, title, min, max, leaves) }
    }

    /// Its numbers are bytes.
    #[must_use]
    pub const fn bytes(self) -> Self {
        Self { kind: Kind::Bytes, ..self }
    }

    /// Its numbers are milliseconds of work.
    #[must_use]
    pub const fn took(self) -> Self {
        Self { kind: Kind::Took, ..self }
    }

    /// Its numbers are points in time.
    #[must_use]
    pub const fn time(self) -> Self {
        Self { kind: Kind::Time, alias: "age", ..self }
    }

    /// Not shown until somebody chooses it.
    #[must_use]
    pub const fn extra(self) -> Self {
        Self { extra: true, ..self }
    }
}

/// What a cell is sorted and compared by.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub enum SortKey {
    /// By its text.
    Text,
    /// By a number: bytes, counts, times.
    Number(f64),
}

/// One cell.
#[derive(Clone, PartialEq, Debug)]
pub struct Cell {
    pub glyph: Option<Glyph>,
    pub text: String,
    pub role: Role,
    pub key: SortKey,
    /// Done and total: drawn as a gauge before the text.
    pub gauge: Option<(u64, u64)>,
    /// Cells to the right of where the column begins.
    pub indent: u16,
}

/// Cells that a gauge in a table takes.
pub const GAUGE: u16 = 10;

/// Stands where there is nothing to say.
const NOTHING: &str = "–";

impl Cell {
    /// Text.
    pub fn new(text: impl Into<String>, role: Role) -> Self {
        Self { glyph: None, text: text.into(), role, key: SortKey::Text, gauge: None, indent: 0 }
    }

    /// A state: sign, word and colour.
    pub fn state(glyph: Glyph, word: impl Into<String>, role: Role) -> Self {
        Self { glyph: Some(glyph), ..Self::new(word, role) }
    }

    /// Text that is sorted by a number.
    pub fn number(text: impl Into<String>, number: f64, role: Role) -> Self {
        Self { key: SortKey::Number(number), ..Self::new(text, role) }
    }

    /// Nothing to say.
    pub fn none() -> Self {
        Self::new(NOTHING, Role::Dim)
    }

    /// What filters look at: the text, or nothing where there is nothing to say.
    pub fn said(&self) -> &str {
        if self.text == NOTHING { "" } else { &self.text }
    }

    pub(super) fn width(&self) -> u16 {
        let text = if self.text.is_ascii() { u16::try_from(self.text.len()).unwrap_or(u16::MAX) } else { cells(&self.text) };
        text.saturating_add(self.indent)
            .saturating_add(if self.glyph.is_some() { 2 } else { 0 })
            .saturating_add(if self.gauge.is_some() { GAUGE + 1 } else { 0 })
    }
}

/// One row.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// Unique in the table and the same over refreshes.
    pub id: String,
    pub cells: Vec<Cell>,
}

/// Something that is to be said among the rows: part of the list is missing, and why. It stands above the rows
/// whatever the filter is, can be selected, and cannot be marked.
#[derive(Clone, PartialEq, Debug)]
pub struct Notice {
    /// Unique among rows and notices.
    pub id: String,
    pub title: String,
    pub text: String,
    pub glyph: Glyph,
    pub role: Role,
    /// Nothing is wrong: the selection begins below it.
    pub quiet: bool,
}
