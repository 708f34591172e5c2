//! The one table: typed columns that leave in order of least use, a filter, a sort order, marks. Selection and marks
//! go by id and survive every refresh; rows are indices, and only those in the window are touched when it is drawn.

mod column;
mod draw;
mod marks;
mod order;
mod view;

use std::collections::{BTreeSet, HashSet};

use super::filter::{Filter, Sayings};

pub use column::{Cell, Column, Kind, Notice, Row, SortKey};
pub use draw::draw;
pub use order::natural;
pub use view::Sort;

/// The state of a table: what is in it, what is looked at.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: &'static [Column],
    rows: Vec<Row>,
    /// What stands above the rows.
    notices: Vec<Notice>,
    /// All rows in sort order.
    sorted: Vec<u32>,
    /// Those of them that the filter lets through.
    order: Vec<u32>,
    /// What the rows say, made when a filter wants it.
    sayings: Option<Sayings>,
    /// Widest content of each column so far: it never shrinks while the table is open.
    natural: Vec<u16>,
    /// Columns that somebody chose, in their order.
    chosen: Option<Vec<usize>>,
    selected: Option<String>,
    /// Row to keep in view while nobody has chosen one.
    pub current: Option<String>,
    /// Where the selection was, for when its row goes away.
    place: usize,
    marks: BTreeSet<String>,
    /// The row that was marked last: where a range begins.
    anchor: Option<String>,
    filter: Filter,
    sort: Option<Sort>,
    /// What ages are reckoned from, milliseconds since 1970.
    now: i64,
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
    pub fn set_rows(&mut self, columns: &'static [Column], rows: Vec<Row>) {
        if self.columns != columns {
            self.columns = columns;
            self.filter = Filter::new(self.filter.text(), columns);
        }
        self.natural.resize(columns.len(), 0);
        for (i, column) in columns.iter().enumerate() {
            let title = super::canvas::cells(column.title);
            let widest = rows.iter().filter_map(|r| r.cells.get(i)).map(Cell::width).max().unwrap_or(0);
            self.natural[i] = self.natural[i].max(widest.max(title)).min(column.max.max(column.min));
        }
        self.rows = rows;
        self.sayings = None;
        if !self.marks.is_empty() {
            let known: HashSet<&str> = self.rows.iter().map(|r| r.id.as_str()).collect();
            self.marks.retain(|id| known.contains(id.as_str()));
        }
        self.arrange();
    }

    /// Says what stands above the rows, and what time it is.
    pub fn set_notices(&mut self, notices: Vec<Notice>, now: i64) {
        self.notices = notices;
        self.now = now;
    }

    /// Sorts and filters anew.
    fn arrange(&mut self) {
        self.sorted = match self.sort {
            Some(Sort { column, down }) => order::sorted(&self.rows, column, down),
            None => (0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX)).collect(),
        };
        self.sift();
    }

    /// Filters anew.
    fn sift(&mut self) {
        self.order.clone_from(&self.sorted);
        self.sift_more();
    }

    /// Filters what an earlier filter has let through.
    fn sift_more(&mut self) {
        if !self.filter.is_empty() {
            let shown = self.shown();
            let sayings = self.sayings.get_or_insert_with(|| Sayings::of(&self.rows, &shown));
            let mut ready = self.filter.ready(self.columns, &shown, self.now);
            self.order.retain(|&i| ready.passes(&self.rows[i as usize], sayings.row(i as usize)));
        }
        if let Some(place) = self.place_of_selected() {
            self.place = place;
        } else if self.selected.is_some() || !self.lazy {
            // Its row is gone or filtered away: the one that took its place is next.
            let quiet = self.notices.iter().take_while(|notice| notice.quiet).count();
            let first = if self.selected.is_none() { quiet } else { 0 };
            self.place = self.place.max(first).min(self.len().saturating_sub(1));
            // Rows may still come: the first of them is selected then.
            self.selected = if self.place < quiet { None } else { self.id_at(self.place) };
        }
        self.reveal();
    }

    // --- places: notices first, then rows ---

    fn len(&self) -> usize {
        self.notices.len() + self.order.len()
    }

    fn id_ref(&self, place: usize) -> Option<&str> {
        match self.notices.get(place) {
            Some(notice) => Some(&notice.id),
            None => self.order.get(place - self.notices.len()).map(|&i| self.rows[i as usize].id.as_str()),
        }
    }

    fn id_at(&self, place: usize) -> Option<String> {
        self.id_ref(place).map(str::to_owned)
    }

    fn place_of(&self, id: &str) -> Option<usize> {
        let notice = self.notices.iter().position(|n| n.id == id);
        let row = || self.order.iter().position(|&i| self.rows[i as usize].id == id).map(|at| at + self.notices.len());
        notice.or_else(row)
    }

    fn place_of_selected(&self) -> Option<usize> {
        let id = self.selected.as_deref()?;
        if self.id_ref(self.place) == Some(id) {
            return Some(self.place);
        }
        self.place_of(id)
    }

    // --- the selection ---

    /// Id of the selected row or notice.
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

    /// How many rows are shown, and how many there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.order.len(), self.rows.len())
    }

    /// Nothing is shown: no row and no notice.
    pub fn is_blank(&self) -> bool {
        self.len() == 0
    }

    /// Place of the selected row among the shown rows, from 0.
    pub fn place(&self) -> Option<usize> {
        self.place_of_selected()?.checked_sub(self.notices.len())
    }

    /// Moves the selection by so many rows.
    pub fn step(&mut self, by: isize) {
        if self.is_blank() {
            return;
        }
        let from = match self.place_of_selected() {
            Some(place) => place,
            None => self.current.as_deref().and_then(|id| self.place_of(id)).unwrap_or(0),
        };
        self.place = from.saturating_add_signed(by).min(self.len() - 1);
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

    /// A cell of a row, for copying.
    pub fn cell(&self, id: &str, column: usize) -> Option<&str> {
        self.rows.iter().find(|r| r.id == id)?.cells.get(column).map(|c| c.text.as_str())
    }

    /// All rows, shown or not.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The columns that there are.
    pub fn columns(&self) -> &'static [Column] {
        self.columns
    }

    // --- the filter ---

    /// The filter as typed.
    pub fn filter(&self) -> &str {
        self.filter.text()
    }

    /// The filter, read.
    pub fn filter_read(&self) -> &Filter {
        &self.filter
    }

    /// Filters by what is typed.
    pub fn set_filter(&mut self, text: &str) {
        if text != self.filter.text() {
            let filter = Filter::new(text, self.columns);
            let before = std::mem::replace(&mut self.filter, filter);
            if self.filter.narrows(&before) { self.sift_more() } else { self.sift() }
        }
    }

    // --- the window ---

    /// Moves the window so that the selection is in it.
    fn reveal(&mut self) {
        let window = self.window.max(1);
        if let Some(place) = self.place_of_selected() {
            if place < self.offset {
                self.offset = place;
            } else if place >= self.offset + window {
                self.offset = place + 1 - window;
            }
        } else if let Some(place) = self.current.as_deref().and_then(|id| self.place_of(id))
            && !(self.offset..self.offset + window).contains(&place)
        {
            // What goes on by itself stays in the upper two thirds, so that what follows is seen.
            self.offset = place.saturating_sub(window * 2 / 3);
        }
        self.offset = self.offset.min(self.len().saturating_sub(window));
    }

    /// Tells the height of the window, without its title line; the selection stays in view.
    pub fn set_window(&mut self, rows: u16) {
        self.window = usize::from(rows);
        self.reveal();
    }
}
