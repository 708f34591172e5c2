//! How a table is looked at: which columns in which order, sorted by which.

use super::Table;

/// A sort order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sort {
    pub column: usize,
    /// The largest first.
    pub down: bool,
}

impl Table {
    /// The columns that are shown where there is room, in their order.
    pub fn shown(&self) -> Vec<usize> {
        match &self.chosen {
            Some(chosen) => chosen.iter().copied().filter(|&i| i < self.columns.len()).collect(),
            None => (0..self.columns.len()).filter(|&i| !self.columns[i].extra).collect(),
        }
    }

    /// Somebody chose the columns.
    pub fn is_chosen(&self) -> bool {
        self.chosen.is_some()
    }

    /// Shows these columns in this order; `None`: as at the beginning.
    pub fn choose(&mut self, columns: Option<Vec<usize>>) {
        if self.chosen != columns {
            self.chosen = columns;
            // Words are looked for in what is shown.
            self.sayings = None;
            self.sift();
        }
    }

    /// What the rows are sorted by; `None`: as they come.
    pub fn sort(&self) -> Option<Sort> {
        self.sort
    }

    /// Sorts by a column, or as the rows come.
    pub fn set_sort(&mut self, sort: Option<Sort>) {
        if self.sort != sort {
            self.sort = sort;
            self.arrange();
        }
    }

    /// Sorts by the shown column that is so many to the right of the one that it is sorted by now; beyond the last
    /// stands the order in which the rows come.
    pub fn sort_beside(&mut self, by: isize) {
        let shown = self.shown();
        let places = shown.len() as isize + 1;
        let now = self.sort.and_then(|s| shown.iter().position(|&c| c == s.column)).map_or(-1, |at| at as isize);
        let next = (now + 1 + by).rem_euclid(places) - 1;
        let column = usize::try_from(next).ok().and_then(|at| shown.get(at));
        let down = self.sort.is_some_and(|s| s.down);
        self.set_sort(column.map(|&column| Sort { column, down }));
    }

    /// Turns the sort order round.
    pub fn sort_reverse(&mut self) {
        let now = self.sort.or_else(|| self.shown().first().map(|&column| Sort { column, down: false }));
        self.set_sort(now.map(|sort| Sort { down: !sort.down, ..sort }));
    }
}
