//! The columns of a list: which are shown, in which order, and which one it is sorted by.

use ratatui::layout::Rect;

use crate::console::go;
use crate::console::input::{Code, Key};
use crate::console::panes;
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::table::{Column, Sort};

use super::{Flow, frame};

/// The columns, those that are shown first.
pub struct Columns {
    order: Vec<usize>,
    /// How many of them are shown.
    shown: usize,
    selected: usize,
}

impl Columns {
    /// The columns of the open list; the one that it is sorted by is selected.
    pub fn new(model: &Model) -> Self {
        let mut layer = Self { order: Vec::new(), shown: 0, selected: 0 };
        layer.read(model);
        let sort = model.table(model.tab).sort();
        layer.selected = sort.and_then(|s| layer.order.iter().position(|&c| c == s.column)).unwrap_or(0);
        layer
    }

    fn read(&mut self, model: &Model) {
        let shown = model.table(model.tab).shown();
        let all = panes::columns(model.tab).len();
        let hidden = (0..all).filter(|i| !shown.contains(i));
        self.order = shown.iter().copied().chain(hidden).collect();
        self.shown = shown.len();
    }

    /// Chooses, shows, moves, sorts.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        let tab = model.tab;
        let last = self.order.len().saturating_sub(1);
        let Some(&column) = self.order.get(self.selected) else { return Flow::Close };
        match (key.code, key.shift || key.alt) {
            (Code::Esc, _) => return Flow::Close,
            (Code::Up, true) | (Code::Char('K'), _) => self.move_by(model, -1),
            (Code::Down, true) | (Code::Char('J'), _) => self.move_by(model, 1),
            (Code::Up | Code::Char('k'), _) => self.selected = self.selected.saturating_sub(1),
            (Code::Down | Code::Char('j'), _) => self.selected = (self.selected + 1).min(last),
            (Code::Char(' '), _) => self.toggle(model),
            (Code::Char('x'), _) => {
                let table = model.table_mut(tab);
                table.choose(None);
                table.set_sort(None);
                self.read(model);
                go::keep_columns(model);
            }
            (Code::Enter, _) => {
                let table = model.table_mut(tab);
                let down = table.sort().is_some_and(|s| s.column == column && !s.down);
                table.set_sort(Some(Sort { column, down }));
                return Flow::Close;
            }
            _ => {}
        }
        Flow::Stay
    }

    fn toggle(&mut self, model: &mut Model) {
        let column = self.order.remove(self.selected);
        if self.selected < self.shown {
            // One at least stays.
            if self.shown == 1 {
                self.order.insert(self.selected, column);
                return;
            }
            self.shown -= 1;
            self.order.insert(self.shown, column);
        } else {
            self.order.insert(self.shown, column);
            self.selected = self.shown;
            self.shown += 1;
        }
        self.apply(model);
    }

    fn move_by(&mut self, model: &mut Model, by: isize) {
        let Some(to) = self.selected.checked_add_signed(by).filter(|to| *to < self.shown) else { return };
        if self.selected < self.shown {
            self.order.swap(self.selected, to);
            self.selected = to;
            self.apply(model);
        }
    }

    fn apply(&self, model: &mut Model) {
        let chosen = self.order[..self.shown].to_vec();
        let as_built = default_columns(panes::columns(model.tab));
        let tab = model.tab;
        model.table_mut(tab).choose((chosen != as_built).then_some(chosen));
        go::keep_columns(model);
    }

    /// Draws the columns.
    pub fn draw(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        let columns = panes::columns(model.tab);
        let sort = model.table(model.tab).sort();
        let width = area.width.saturating_sub(8).min(60);
        let height = (self.order.len() as u16 + 1).min(area.height.saturating_sub(4));
        let hints = [("enter", "sort"), ("space", "show"), ("J K", "move"), ("x", "as built"), ("esc", "close")];
        let title = format!("columns of {}", model.tab.name());
        let inside = frame::open(canvas, area, (width, height), &title, Role::LayerEdge, &hints);
        let rows = usize::from(inside.height.saturating_sub(1));
        let top = (self.selected + 1).saturating_sub(rows);
        for (row, (i, &column)) in self.order.iter().enumerate().skip(top).take(rows).enumerate() {
            let line = Rect { y: inside.y + row as u16, height: 1, ..inside };
            if i == self.selected {
                canvas.tint(line, Role::Selected);
                canvas.glyph(line.x, line.y, Glyph::Selected, Role::Accent);
            }
            let shown = i < self.shown;
            let (glyph, role) = if shown { (Glyph::Done, Role::Ok) } else { (Glyph::Pending, Role::Faint) };
            canvas.glyph(line.x + 2, line.y, glyph, role);
            let Column { title, id, .. } = &columns[column];
            canvas.text(line.x + 4, line.y, 20, title, if shown { Role::Text } else { Role::Dim });
            canvas.text(line.x + 22, line.y, line.width.saturating_sub(34), id, Role::Hint);
            if let Some(sort) = sort.filter(|s| s.column == column) {
                let word = if sort.down { "largest first" } else { "smallest first" };
                canvas.right(line.x, line.y, line.width, word, Role::Accent);
            }
        }
    }
}

fn default_columns(columns: &[Column]) -> Vec<usize> {
    (0..columns.len()).filter(|&i| !columns[i].extra).collect()
}
