//! How a table looks.

use ratatui::layout::Rect;

use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::{Canvas, Spot, cells};
use crate::console::widgets::filter::Ready;
use crate::model::text::clean;

use super::column::GAUGE;
use super::{Cell, Column, Notice, Row, Table};

/// Cells before the first column: mark, marker, space.
const GUTTER: u16 = 3;

/// The columns that fit into `width`, with their widths: the rest has left. `shown` are those that are wanted.
fn layout(columns: &[Column], shown: &[usize], natural: &[u16], width: u16) -> Vec<(usize, u16)> {
    let gap = gap(width);
    let room = width.saturating_sub(GUTTER + 1);
    let mut kept = shown.to_vec();
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

/// What drawing a row needs to know.
struct Pen<'t> {
    table: &'t Table,
    widths: Vec<(usize, u16)>,
    gap: u16,
    focused: bool,
    /// The filter, for what it found.
    ready: Option<Ready<'t>>,
}

/// Draws the table: a title line, then the window.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, table: &Table, focused: bool) {
    let columns = table.columns;
    if area.height == 0 || table.natural.len() != columns.len() {
        return;
    }
    let shown = table.shown();
    let ready = (!table.filter.is_empty()).then(|| table.filter.ready(columns, &shown, table.now));
    let widths = layout(columns, &shown, &table.natural, area.width);
    let mut pen = Pen { table, widths, gap: gap(area.width), focused, ready };
    pen.titles(canvas, area);
    for line in 0..usize::from(area.height - 1) {
        let place = table.offset + line;
        let area = Rect { y: area.y + 1 + line as u16, height: 1, ..area };
        match (table.notices.get(place), place.checked_sub(table.notices.len()).and_then(|at| table.order.get(at))) {
            (Some(notice), _) => pen.notice(canvas, area, notice),
            (None, Some(&index)) => pen.row(canvas, area, &table.rows[index as usize]),
            (None, None) => break,
        }
    }
}

impl Pen<'_> {
    fn titles(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let mut x = area.x + GUTTER;
        for &(i, width) in &self.widths {
            let column = &self.table.columns[i];
            let sorted = self.table.sort.filter(|s| s.column == i).map(|s| if s.down { Glyph::Down } else { Glyph::Up });
            let role = if sorted.is_some() { Role::Accent } else { Role::Title };
            canvas.spot(Rect { x, width: width + 1, height: 1, ..area }, || Spot::Title(i));
            // There is a gap behind every column.
            let behind = if column.right {
                canvas.right(x, area.y, width, column.title, role);
                x + width
            } else {
                x + canvas.text(x, area.y, width, column.title, role)
            };
            if let Some(glyph) = sorted {
                canvas.glyph(behind, area.y, glyph, role);
            }
            x += width + self.gap;
        }
    }

    /// Ground and sign of the selected line; whether it is this one, and the role that its text has to have.
    fn select(&self, canvas: &mut Canvas<'_>, area: Rect, id: &str) -> (bool, Option<Role>) {
        canvas.spot(area, || Spot::Row(id.to_owned()));
        if self.table.selected.as_deref() != Some(id) {
            return (false, None);
        }
        let ground = if self.focused { Role::Selected } else { Role::SelectedDim };
        canvas.tint(area, ground);
        canvas.glyph(area.x + 1, area.y, Glyph::Selected, if self.focused { Role::Accent } else { Role::Dim });
        (true, canvas.theme.flat.then_some(ground))
    }

    fn notice(&self, canvas: &mut Canvas<'_>, area: Rect, notice: &Notice) {
        let (_, flat) = self.select(canvas, area, &notice.id);
        let role = flat.unwrap_or(notice.role);
        let mut x = area.x + GUTTER;
        canvas.glyph(x, area.y, notice.glyph, role);
        x += 2;
        let first = self.widths.first().map_or(0, |(_, width)| *width).max(8);
        let end = area.right().saturating_sub(1);
        let used = canvas.text(x, area.y, first.max(cells(&notice.title)).min(end.saturating_sub(x)), &notice.title, role);
        x += used.max(first.saturating_sub(2)) + self.gap;
        canvas.text(x, area.y, end.saturating_sub(x), &notice.text, role);
    }

    fn row(&mut self, canvas: &mut Canvas<'_>, area: Rect, row: &Row) {
        let (selected, flat) = self.select(canvas, area, &row.id);
        if self.table.marks.contains(&row.id) {
            canvas.glyph(area.x, area.y, Glyph::Mark, Role::Mark);
        }
        let mut x = area.x + GUTTER;
        for at in 0..self.widths.len() {
            let (i, width) = self.widths[at];
            if let Some(cell) = row.cells.get(i) {
                let role = match flat {
                    Some(role) => role,
                    None if selected && self.focused && matches!(cell.role, Role::Text | Role::Dim) => Role::Text,
                    None => cell.role,
                };
                self.cell(canvas, Rect { x, width, ..area }, i, cell, role);
            }
            x += width + self.gap;
        }
    }

    fn cell(&mut self, canvas: &mut Canvas<'_>, area: Rect, column: usize, cell: &Cell, role: Role) {
        let (mut x, y) = (area.x + cell.indent.min(area.width), area.y);
        let mut width = area.width.saturating_sub(cell.indent);
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
        if self.table.columns[column].right {
            let used = cells(&clean(&cell.text)).min(width);
            (x, width) = (x + width - used, used);
        }
        canvas.text(x, y, width, &cell.text, role);
        if let Some(ready) = &mut self.ready {
            let text = clean(&cell.text);
            let found = ready.found(column, cell, &text);
            canvas.found(x, y, width, &text, &found);
        }
    }
}
