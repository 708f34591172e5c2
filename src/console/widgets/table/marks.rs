//! Marks: rows that an action is about.

use super::Table;

impl Table {
    /// Ids to act on: the marked rows in the order in which they stand, else the selected one.
    pub fn targets(&self) -> Vec<String> {
        if self.marks.is_empty() {
            let row = self.place().and_then(|_| self.selected());
            return row.map(str::to_owned).into_iter().collect();
        }
        let shown = self.sorted.iter().map(|&i| &self.rows[i as usize].id);
        shown.filter(|id| self.marks.contains(*id)).cloned().collect()
    }

    /// How many rows are marked, and how many of them the filter hides.
    pub fn marked(&self) -> (usize, usize) {
        if self.marks.is_empty() {
            return (0, 0);
        }
        let shown = self.order.iter().filter(|&&i| self.marks.contains(&self.rows[i as usize].id)).count();
        (self.marks.len(), self.marks.len() - shown)
    }

    /// Marks the selected row, or takes its mark away, and goes one down.
    pub fn toggle_mark(&mut self) {
        if self.place().is_some()
            && let Some(id) = self.selected().map(str::to_owned)
        {
            if !self.marks.remove(&id) {
                self.marks.insert(id.clone());
            }
            self.anchor = Some(id);
        }
        self.step(1);
    }

    /// Marks everything from the row that was marked last, or the first one, to the selected row.
    pub fn mark_range(&mut self) {
        let Some(to) = self.place() else { return };
        let skip = self.notices.len();
        let from = self.anchor.as_deref().and_then(|id| self.place_of(id)).map_or(to, |place| place - skip);
        let range = from.min(to)..=from.max(to);
        let ids: Vec<String> = self.order[range].iter().map(|&i| self.rows[i as usize].id.clone()).collect();
        self.marks.extend(ids);
        self.anchor = self.selected.clone();
    }

    /// Marks all shown rows.
    pub fn mark_all(&mut self) {
        self.marks = self.order.iter().map(|&i| self.rows[i as usize].id.clone()).collect();
    }

    /// Marks the shown rows that are not marked, and takes the marks of the others away.
    pub fn mark_invert(&mut self) {
        for &i in &self.order {
            let id = &self.rows[i as usize].id;
            if !self.marks.remove(id) {
                self.marks.insert(id.clone());
            }
        }
    }

    /// Takes all marks away; says whether there were any.
    pub fn unmark(&mut self) -> bool {
        self.anchor = None;
        !std::mem::take(&mut self.marks).is_empty()
    }
}
