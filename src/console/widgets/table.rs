//! The one table: typed columns that leave in order of least use, a filter, a sort order, marks. Selection and marks
//! go by id and survive every refresh; only the rows in the window are touched when it is drawn.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use ratatui::layout::Rect;

use crate::console::theme::{Glyph, Role};

use super::canvas::{Canvas, cells};
use super::filter::Filter;

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
}

impl Column {
    /// A text column.
    pub const fn text(id: &'static str, title: &'static str, min: u16, max: u16, leaves: u8) -> Self {
        Self { id, title, min, max, leaves, right: false }
    }

    /// A column of numbers.
    pub const fn number(id: &'static str, title: &'static str, min: u16, max: u16, leaves: u8) -> Self {
        Self { id, title, min, max, leaves, right: true }
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
const GAUGE: u16 = 10;

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
        Self::new("–", Role::Dim)
    }

    fn width(&self) -> u16 {
        cells(&self.text)
            + self.indent
            + if self.glyph.is_some() { 2 } else { 0 }
            + if self.gauge.is_some() { GAUGE + 1 } else { 0 }
    }
}

/// One row.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// Unique in the table and the same over refreshes.
    pub id: String,
    pub cells: Vec<Cell>,
}

/// The state of a table: what is in it, what is looked at.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
    /// Indices of the rows that the filter lets through, in sort order.
    order: Vec<u32>,
    /// Widest content of each column so far: it never shrinks while the table is open.
    natural: Vec<u16>,
    selected: Option<String>,
    /// Row to keep in view while nobody has chosen one.
    pub current: Option<String>,
    /// Where the selection was, for when its row goes away.
    place: usize,
    marks: BTreeSet<String>,
    filter: Filter,
    sort: Option<(usize, bool)>,
    offset: usize,
    /// Rows that fit the window when it was last drawn.
    window: usize,
    /// Nothing is selected until somebody selects.
    lazy: bool,
}

impl Table {
    /// A table in which nothing is selected until somebody selects.
    pub fn lazy() -> Self {
        Self { lazy: true, ..Self::default() }
    }

    /// Takes new rows; selection, marks, filter and sort order stay.
    pub fn set_rows(&mut self, columns: &[Column], rows: Vec<Row>) {
        self.natural.resize(columns.len(), 0);
        for (i, column) in columns.iter().enumerate() {
            let title = cells(column.title);
            let widest = rows.iter().filter_map(|r| r.cells.get(i)).map(Cell::width).max().unwrap_or(0);
            self.natural[i] = self.natural[i].max(widest.max(title)).min(column.max.max(column.min));
        }
        self.rows = rows;
        self.arrange(columns);
    }

    /// Sorts and filters anew.
    fn arrange(&mut self, columns: &[Column]) {
        let mut order: Vec<u32> = (0..self.rows.len() as u32).collect();
        if !self.filter.is_empty() {
            let rows = &self.rows;
            let mut matcher = self.filter.matcher(columns);
            order.retain(|&i| matcher.matches(&rows[i as usize]));
        }
        if let Some((column, descending)) = self.sort {
            let rows = &self.rows;
            order.sort_by(|&a, &b| {
                let by = compare(rows[a as usize].cells.get(column), rows[b as usize].cells.get(column));
                if descending { by.reverse() } else { by }
            });
        }
        self.order = order;
        let known: BTreeSet<&str> = self.rows.iter().map(|r| r.id.as_str()).collect();
        self.marks.retain(|id| known.contains(id.as_str()));
        if let Some(place) = self.place_of_selected() {
            self.place = place;
        } else if self.selected.is_some() || !self.lazy {
            // Its row is gone or filtered away: the one that took its place is next.
            self.place = self.place.min(self.order.len().saturating_sub(1));
            self.selected = self.id_at(self.place);
        }
        self.reveal();
    }

    fn place_of_selected(&self) -> Option<usize> {
        let id = self.selected.as_deref()?;
        if self.id_ref(self.place) == Some(id) {
            return Some(self.place);
        }
        self.order.iter().position(|&i| self.rows[i as usize].id == id)
    }

    fn id_ref(&self, place: usize) -> Option<&str> {
        self.order.get(place).map(|&i| self.rows[i as usize].id.as_str())
    }

    fn id_at(&self, place: usize) -> Option<String> {
        self.id_ref(place).map(str::to_owned)
    }

    /// Id of the selected row.
    pub fn selected(&self) -> Option<&str> {
        self.place_of_selected()?;
        self.selected.as_deref()
    }

    /// Id of the selected row, or of the one that is kept in view.
    pub fn looked_at(&self) -> Option<&str> {
        self.selected().or(self.current.as_deref())
    }

    /// Selects a row by id; `None`: none.
    pub fn select(&mut self, id: Option<&str>) {
        self.selected = id.map(str::to_owned);
        if let Some(place) = self.place_of_selected() {
            self.place = place;
        }
        self.reveal();
    }

    /// Ids to act on: the marked rows, else the selected one.
    pub fn targets(&self) -> Vec<String> {
        if self.marks.is_empty() {
            self.selected().map(str::to_owned).into_iter().collect()
        } else {
            self.marks.iter().cloned().collect()
        }
    }

    /// How many rows are shown, and how many there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.order.len(), self.rows.len())
    }

    /// Place of the selection among the shown rows, from 0.
    pub fn place(&self) -> Option<usize> {
        self.place_of_selected()
    }

    /// How many rows are marked.
    pub fn marked(&self) -> usize {
        self.marks.len()
    }

    /// Moves the selection by so many rows.
    pub fn step(&mut self, by: isize) {
        if self.order.is_empty() {
            return;
        }
        let from = match self.place_of_selected() {
            Some(place) => place,
            None => self.place_of_current().unwrap_or(0),
        };
        self.place = from.saturating_add_signed(by).min(self.order.len() - 1);
        self.selected = self.id_at(self.place);
        self.reveal();
    }

    /// Moves the selection by pages.
    pub fn page(&mut self, by: isize) {
        self.step(by * self.window.saturating_sub(1).max(1) as isize);
    }

    /// Selects the first or the last row.
    pub fn end(&mut self, last: bool) {
        self.step(if last { isize::MAX / 2 } else { isize::MIN / 2 });
    }

    /// Marks the selected row, or takes its mark away, and goes one down.
    pub fn toggle_mark(&mut self) {
        if let Some(id) = self.selected().map(str::to_owned) {
            if !self.marks.remove(&id) {
                self.marks.insert(id);
            }
            self.step(1);
        }
    }

    /// Marks all shown rows.
    pub fn mark_all(&mut self) {
        self.marks = self.order.iter().map(|&i| self.rows[i as usize].id.clone()).collect();
    }

    /// Takes all marks away; says whether there were any.
    pub fn unmark(&mut self) -> bool {
        !std::mem::take(&mut self.marks).is_empty()
    }

    /// The filter as typed.
    pub fn filter(&self) -> &str {
        self.filter.text()
    }

    /// Filters by what is typed.
    pub fn set_filter(&mut self, columns: &[Column], text: &str) {
        if text != self.filter.text() {
            self.filter = Filter::new(text);
            self.arrange(columns);
        }
    }

    /// Sorts by the next column: upward first.
    pub fn sort_next(&mut self, columns: &[Column]) -> &'static str {
        let next = self.sort.map_or(0, |(column, _)| column + 1);
        self.sort = (next < columns.len()).then_some((next, false));
        self.arrange(columns);
        self.sort.map_or("as it comes", |(column, _)| columns[column].title)
    }

    /// Turns the sort order round.
    pub fn sort_reverse(&mut self, columns: &[Column]) {
        self.sort = Some(self.sort.map_or((0, true), |(column, down)| (column, !down)));
        self.arrange(columns);
    }

    /// A cell of a row, for copying.
    pub fn cell(&self, id: &str, column: usize) -> Option<&str> {
        self.rows.iter().find(|r| r.id == id)?.cells.get(column).map(|c| c.text.as_str())
    }

    fn place_of_current(&self) -> Option<usize> {
        let id = self.current.as_deref()?;
        self.order.iter().position(|&i| self.rows[i as usize].id == id)
    }

    /// Moves the window so that the selection is in it.
    fn reveal(&mut self) {
        let window = self.window.max(1);
        let count = self.order.len();
        if let Some(place) = self.place_of_selected() {
            if place < self.offset {
                self.offset = place;
            } else if place >= self.offset + window {
                self.offset = place + 1 - window;
            }
        } else if let Some(place) = self.place_of_current()
            && !(self.offset..self.offset + window).contains(&place)
        {
            // What goes on by itself stays in the upper two thirds, so that what follows is seen.
            self.offset = place.saturating_sub(window * 2 / 3);
        }
        self.offset = self.offset.min(count.saturating_sub(window));
    }

    /// Tells the height of the window, without its title line; the selection stays in view.
    pub fn set_window(&mut self, rows: u16) {
        self.window = usize::from(rows);
        self.reveal();
    }
}

fn compare(a: Option<&Cell>, b: Option<&Cell>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => match (a.key, b.key) {
            (SortKey::Number(x), SortKey::Number(y)) => x.total_cmp(&y),
            (SortKey::Number(_), SortKey::Text) => Ordering::Less,
            (SortKey::Text, SortKey::Number(_)) => Ordering::Greater,
            (SortKey::Text, SortKey::Text) => natural(&a.text, &b.text),
        },
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// Order of names in which `node-9` comes before `node-10`.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.chars().peekable(), b.chars().peekable());
    loop {
        match (a.peek().copied(), b.peek().copied()) {
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let number = |it: &mut std::iter::Peekable<std::str::Chars<'_>>| {
                    let mut n = 0u64;
                    while let Some(d) = it.peek().and_then(|c| c.to_digit(10)) {
                        n = n.saturating_mul(10).saturating_add(u64::from(d));
                        it.next();
                    }
                    n
                };
                match number(&mut a).cmp(&number(&mut b)) {
                    Ordering::Equal => {}
                    other => return other,
                }
            }
            (Some(x), Some(y)) => match x.to_lowercase().cmp(y.to_lowercase()) {
                Ordering::Equal => {
                    a.next();
                    b.next();
                }
                other => return other,
            },
            (a, b) => return a.is_some().cmp(&b.is_some()),
        }
    }
}

/// Cells before the first column: mark, marker, space.
const GUTTER: u16 = 3;

/// The columns that fit into `width`, with their widths: the rest has left.
pub fn layout(columns: &[Column], natural: &[u16], width: u16) -> Vec<(usize, u16)> {
    let gap = gap(width);
    let room = width.saturating_sub(GUTTER + 1);
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let least = |kept: &[usize]| {
        kept.iter().map(|&i| columns[i].min.min(natural[i].max(1))).sum::<u16>() + gap * kept.len().saturating_sub(1) as u16
    };
    while least(&kept) > room {
        let Some(leaver) = kept.iter().copied().filter(|&i| columns[i].leaves > 0).max_by_key(|&i| (columns[i].leaves, i)) else {
            break;
        };
        kept.retain(|&i| i != leaver);
    }
    let mut spare = room.saturating_sub(least(&kept));
    let mut widths: Vec<(usize, u16)> = kept.iter().map(|&i| (i, columns[i].min.min(natural[i].max(1)))).collect();
    let mut by_use: Vec<usize> = (0..widths.len()).collect();
    by_use.sort_by_key(|&w| columns[widths[w].0].leaves);
    for w in by_use {
        let (i, width) = widths[w];
        let more = natural[i].saturating_sub(width).min(spare);
        widths[w].1 += more;
        spare -= more;
    }
    widths
}

fn gap(width: u16) -> u16 {
    if width >= 100 { 3 } else { 2 }
}

/// Draws the table: a title line, then the window.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, columns: &[Column], table: &Table, focused: bool) {
    if area.height == 0 || table.natural.len() != columns.len() {
        return;
    }
    let widths = layout(columns, &table.natural, area.width);
    let gap = gap(area.width);
    let mut x = area.x + GUTTER;
    for &(i, width) in &widths {
        let column = &columns[i];
        let sorted = table.sort.filter(|(c, _)| *c == i).map(|(_, down)| if down { Glyph::Down } else { Glyph::Up });
        let role = if sorted.is_some() { Role::Accent } else { Role::Title };
        if column.right {
            canvas.right(x, area.y, width, column.title, role);
        } else {
            let used = canvas.text(x, area.y, width, column.title, role);
            if let Some(glyph) = sorted {
                // There is a gap behind every column.
                canvas.glyph(x + used, area.y, glyph, role);
            }
        }
        x += width + gap;
    }
    for (line, &index) in table.order.iter().skip(table.offset).take(usize::from(area.height - 1)).enumerate() {
        let row = &table.rows[index as usize];
        let y = area.y + 1 + line as u16;
        draw_row(canvas, Rect { y, height: 1, ..area }, columns, &widths, row, table, focused);
    }
}

fn draw_row(
    canvas: &mut Canvas<'_>,
    area: Rect,
    columns: &[Column],
    widths: &[(usize, u16)],
    row: &Row,
    table: &Table,
    focused: bool,
) {
    let selected = table.selected.as_deref() == Some(row.id.as_str());
    let ground = if focused { Role::Selected } else { Role::SelectedDim };
    if selected {
        canvas.tint(area, ground);
        canvas.glyph(area.x + 1, area.y, Glyph::Selected, if focused { Role::Accent } else { Role::Dim });
    }
    if table.marks.contains(&row.id) {
        canvas.glyph(area.x, area.y, Glyph::Mark, Role::Mark);
    }
    let gap = gap(area.width);
    let mut x = area.x + GUTTER;
    for &(i, width) in widths {
        if let Some(cell) = row.cells.get(i) {
            let flat = selected && canvas.theme.flat;
            let role = if flat {
                ground
            } else if selected && focused && matches!(cell.role, Role::Text | Role::Dim) {
                Role::Text
            } else {
                cell.role
            };
            draw_cell(canvas, x, area.y, width, cell, columns[i].right, role);
        }
        x += width + gap;
    }
}

fn draw_cell(canvas: &mut Canvas<'_>, x: u16, y: u16, width: u16, cell: &Cell, right: bool, role: Role) {
    let (mut x, mut width) = (x + cell.indent.min(width), width.saturating_sub(cell.indent));
    if let Some((done, total)) = cell.gauge
        && width > GAUGE + 4
    {
        canvas.gauge(x, y, GAUGE, done, total, false);
        x += GAUGE + 1;
        width -= GAUGE + 1;
    }
    if let Some(glyph) = cell.glyph {
        canvas.glyph(x, y, glyph, role);
        x += 2;
        width = width.saturating_sub(2);
    }
    if right {
        canvas.right(x, y, width, &cell.text, role);
    } else {
        canvas.text(x, y, width, &cell.text, role);
    }
}
