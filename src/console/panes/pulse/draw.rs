//! How the pulse looks.

use ratatui::layout::Rect;

use crate::console::state::{Model, Tab};
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::{Canvas, Spot, cells, fit_words};
use crate::model::text::clean;

use super::place::{self, Placed, TITLES};
use super::{Line, Piece, REST, sections};

/// Cells of a gauge, and of a stack.
const GAUGE: u16 = 6;
const STACK: u16 = 16;
/// Most bars of a sparkline.
const SPARK: u16 = 12;

/// Draws all sections.
pub fn draw(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let selected = model.table(Tab::Pulse).selected();
    for placed in place::place(sections::all(model), area) {
        draw_section(canvas, &placed, selected);
    }
}

/// The title at the left, the lines beside it; the window follows the selection.
fn draw_section(canvas: &mut Canvas<'_>, placed: &Placed, selected: Option<&str>) {
    let Placed { section, area } = placed;
    canvas.text(area.x + 1, area.y, TITLES - 1, section.title, Role::Title);
    let body = Rect { x: area.x + TITLES, width: area.width.saturating_sub(TITLES + 1), ..*area };
    let rows = usize::from(area.height);
    if let Some(brief) = section.brief.as_ref().filter(|_| area.height < section.least.min(section.lines.len() as u16)) {
        return draw_line(canvas, body, brief, selected);
    }
    let at = section.lines.iter().position(|line| line.id.is_some() && line.id.as_deref() == selected).unwrap_or(0);
    let top = (at + 1).saturating_sub(rows);
    for (row, line) in section.lines.iter().skip(top).take(rows).enumerate() {
        draw_line(canvas, Rect { y: body.y + row as u16, height: 1, ..body }, line, selected);
    }
    let hidden = section.lines.len().saturating_sub(rows);
    if hidden > 0 && rows > 1 {
        canvas.text(area.x + 1, area.y + 1, TITLES - 2, &format!("{hidden} more"), Role::Faint);
    }
}

fn draw_line(canvas: &mut Canvas<'_>, area: Rect, line: &Line, selected: Option<&str>) {
    let chosen = line.id.is_some() && line.id.as_deref() == selected;
    if let Some(id) = &line.id {
        canvas.spot(area, || Spot::Row(id.clone()));
    }
    if chosen {
        let ground = Rect { x: area.x.saturating_sub(1), width: area.width + 2, ..area };
        canvas.tint(ground, Role::Selected);
        canvas.glyph(area.x.saturating_sub(1), area.y, Glyph::Selected, Role::Accent);
    }
    let flat = (chosen && canvas.theme.flat).then_some(Role::Selected);
    let role = |role: Role| flat.unwrap_or(role);
    let right = cells(&line.right.0);
    canvas.right(area.x, area.y, area.width, &line.right.0, role(line.right.1));
    let end = area.right().saturating_sub(if right > 0 { right + 2 } else { 0 });
    let mut x = area.x + 1;
    for (i, piece) in line.pieces.iter().enumerate() {
        // A sign stands with its word, or not at all.
        let alone = match (piece, line.pieces.get(i + 1)) {
            (Piece::Glyph(..), Some(Piece::Text(text, _, 0))) => x + 2 + cells(text) > end,
            (Piece::Glyph(..), Some(Piece::Text(_, _, REST))) => x + 8 > end,
            _ => false,
        };
        if x >= end || alone {
            break;
        }
        x += draw_piece(canvas, Rect { x, width: end - x, ..area }, piece, &role);
    }
}

/// Draws a piece; says how many cells it took, with the gap behind it.
fn draw_piece(canvas: &mut Canvas<'_>, area: Rect, piece: &Piece, role: &dyn Fn(Role) -> Role) -> u16 {
    let Rect { x, y, width: room, .. } = area;
    match piece {
        Piece::Glyph(glyph, as_role) => {
            canvas.glyph(x, y, *glyph, role(*as_role));
            2
        }
        Piece::Text(text, as_role, width) => {
            let wide = match *width {
                0 => cells(text),
                REST => room,
                // On narrow screens what comes behind wants its part too.
                width if room < 60 => width.min(room * 2 / 5).max(8),
                width => width,
            };
            // Text of its own width stands whole, or not at all.
            if *width == 0 && wide > room {
                return room;
            }
            if *width == REST {
                let text = clean(text);
                let short = fit_words(&text, room, canvas.theme.glyph(Glyph::Ellipsis));
                canvas.text(x, y, room, &short, role(*as_role));
                return room;
            }
            canvas.text(x, y, wide.min(room), text, role(*as_role));
            wide + if *width == 0 { 3 } else { 2 }
        }
        Piece::Gauge { name, used, limit, says, high } => {
            let name_width = if name.is_empty() { 0 } else { cells(name) + 1 };
            let need = name_width + GAUGE + 1 + cells(says).max(6);
            if need > room {
                return if name.is_empty() { 0 } else { room };
            }
            canvas.text(x, y, name_width, name, role(Role::Dim));
            canvas.gauge(x + name_width, y, GAUGE, *used, *limit, *high);
            canvas.text(x + name_width + GAUGE + 1, y, cells(says), says, role(Role::Text));
            need + 2
        }
        Piece::Stack(parts) => draw_stack(canvas, area, parts),
        Piece::Strip(signs) => {
            let (step, skip) = newest(signs.len(), room);
            for (i, (glyph, as_role)) in signs.iter().skip(skip).enumerate() {
                canvas.glyph(x + i as u16 * step, y, *glyph, *as_role);
            }
            room
        }
        Piece::Spark(bars, as_role) => {
            let width = SPARK.min(bars.len() as u16);
            if room < width {
                return room;
            }
            for (i, eighths) in bars.iter().skip(bars.len() - usize::from(width)).enumerate() {
                canvas.glyph(x + i as u16, y, Glyph::LEVELS[usize::from((*eighths).clamp(1, 8) - 1)], role(*as_role));
            }
            width + 2
        }
        Piece::Bars(bars, row) => {
            let (step, skip) = newest(bars.len(), room);
            for (i, (height, as_role)) in bars.iter().skip(skip).enumerate() {
                let eighths = height.saturating_sub(row * 8).min(8);
                if eighths > 0 {
                    canvas.glyph(x + i as u16 * step, y, Glyph::LEVELS[usize::from(eighths - 1)], *as_role);
                }
            }
            room
        }
    }
}

/// Cells from one to the next, and how many of the oldest do not fit.
fn newest(count: usize, room: u16) -> (u16, usize) {
    let room = usize::from(room);
    if count * 2 <= room { (2, 0) } else { (1, count.saturating_sub(room)) }
}

/// A bar in which every part has its share, at least one cell each.
fn draw_stack(canvas: &mut Canvas<'_>, area: Rect, parts: &[(u64, Role)]) -> u16 {
    let width = STACK.min(area.width * 2 / 5).max(4);
    let total: u64 = parts.iter().map(|(n, _)| n).sum();
    let mut x = area.x;
    let mut left = width;
    for (i, (count, role)) in parts.iter().enumerate() {
        let others = (parts.len() - i - 1) as u16;
        let share = (u128::from(*count) * u128::from(width) / u128::from(total.max(1))) as u16;
        let cells = if others == 0 { left } else { share.clamp(1, left.saturating_sub(others).max(1)) };
        let bar = canvas.theme.glyph(Glyph::Full).repeat(usize::from(cells));
        canvas.text(x, area.y, cells, &bar, *role);
        x += cells;
        left = left.saturating_sub(cells);
    }
    width + 3
}
