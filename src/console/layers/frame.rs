//! The edge that every layer has: a title, a surface, a line of keys.

use ratatui::layout::Rect;

use crate::client::argv;
use crate::console::action::Action;
use crate::console::layout::centered;
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::{Canvas, Spot, cells};
use crate::protocol::Command;

/// Draws a box of this size in the middle and returns its inside; `hints` are keys with what they do.
pub fn open(canvas: &mut Canvas<'_>, area: Rect, size: (u16, u16), title: &str, edge: Role, hints: &[(&str, &str)]) -> Rect {
    let rect = centered(area, size.0 + 4, size.1 + 2);
    // Some air, so that what lies below does not touch the edge.
    let air = Rect { x: rect.x.saturating_sub(2), width: rect.width + 4, ..rect };
    canvas.fill(air.intersection(area), Role::Text);
    canvas.fill(rect, Role::Layer);
    let (left, right, top, bottom) = (rect.x, rect.right() - 1, rect.y, rect.bottom() - 1);
    let line = canvas.theme.glyph(Glyph::Rule).repeat(usize::from(rect.width.saturating_sub(2)));
    for (y, corners) in [(top, (Glyph::TopLeft, Glyph::TopRight)), (bottom, (Glyph::BottomLeft, Glyph::BottomRight))] {
        canvas.glyph(left, y, corners.0, edge);
        canvas.text(left + 1, y, rect.width - 2, &line, edge);
        canvas.glyph(right, y, corners.1, edge);
    }
    for y in top + 1..bottom {
        canvas.glyph(left, y, Glyph::Bar, edge);
        canvas.glyph(right, y, Glyph::Bar, edge);
    }
    let role = if edge == Role::Danger { Role::Danger } else { Role::Strong };
    canvas.text(left + 2, top, rect.width.saturating_sub(4), &format!(" {title} "), role);
    draw_hints(canvas, Rect::new(left + 2, bottom, rect.width.saturating_sub(4), 1), hints);
    Rect::new(left + 2, top + 1, rect.width.saturating_sub(4), rect.height.saturating_sub(2))
}

/// The command line that does the same, and the key that copies it; nothing where there is none.
pub fn same_as(model: &Model, canvas: &mut Canvas<'_>, area: Rect, commands: &[&Command]) {
    let Some(line) = commands.first().and_then(|command| argv::line(command, &model.mirror)) else { return };
    let more = commands.len().saturating_sub(1);
    let more = if more > 0 { format!("  and {more} more") } else { String::new() };
    let key = model.key_of(Action::CopyCommand).map_or_else(String::new, |key| format!("  {key} copies"));
    let tail = cells(&key) + cells(&more);
    let mut x = area.x + canvas.text(area.x, area.y, area.width, "$ ", Role::Faint);
    x += canvas.text(x, area.y, area.right().saturating_sub(x + tail), &line, Role::Dim);
    x += canvas.text(x, area.y, area.right().saturating_sub(x), &more, Role::Faint);
    canvas.right(x, area.y, area.right().saturating_sub(x), &key, Role::Hint);
}

/// Keys with what they do, at the right of a line; what does not fit is left out from the end.
fn draw_hints(canvas: &mut Canvas<'_>, area: Rect, hints: &[(&str, &str)]) {
    let width = |(key, what): &(&str, &str)| cells(key) + cells(what) + 4;
    let mut shown: Vec<&(&str, &str)> = Vec::new();
    let mut used = 0;
    for hint in hints {
        if used + width(hint) > area.width {
            break;
        }
        used += width(hint);
        shown.push(hint);
    }
    let mut x = area.right() - used;
    for hint in shown {
        let start = x;
        x += canvas.text(x, area.y, 40, " ", Role::Layer);
        x += canvas.text(x, area.y, 40, hint.0, Role::Key);
        x += canvas.text(x, area.y, 40, " ", Role::Layer);
        x += canvas.text(x, area.y, 40, hint.1, Role::Hint);
        canvas.text(x, area.y, 1, " ", Role::Layer);
        canvas.spot(Rect { x: start, width: width(hint).saturating_sub(2), ..area }, || Spot::Keys(hint.0.to_owned()));
        x = start + width(hint);
    }
}
