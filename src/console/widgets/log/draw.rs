//! Drawing a view: the window, with what is looked for standing out.

use std::ops::Range;

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthChar as _;

use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::{Canvas, wrap_ranges};
use crate::console::words;
use crate::model::Time;

use super::line::Line;
use super::{Clock, LogView};

/// Cells of the sign before a line.
pub(super) const SIGN: u16 = 2;
/// Cells of a time.
pub(super) const TIME: u16 = 8;
/// Lines of the screen that a long line has when it is wrapped; the rest is folded.
const FOLD: usize = 6;

/// How a view is looked at.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// Keys go here.
    pub focused: bool,
    /// How a time reads, at most [`TIME`] cells.
    pub time: &'a dyn Fn(Time) -> String,
}

/// The pieces of a wrapped line that are shown, and how many characters are folded away.
pub(super) fn folded(text: &str, width: u16, unfolded: bool) -> (Vec<Range<usize>>, Option<usize>) {
    let mut pieces = wrap_ranges(text, width);
    if unfolded || pieces.len() <= FOLD + 1 {
        return (pieces, None);
    }
    let rest = text[pieces[FOLD].start..].chars().count();
    pieces.truncate(FOLD);
    pieces.push(text.len()..text.len());
    (pieces, Some(rest))
}

impl LogView {
    /// Draws the window; the first [`SIGN`] cells are for the sign of the line that is looked at.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, look: &Look<'_>) {
        if area.height == 0 || area.width < 4 {
            return;
        }
        let (mut row, mut y) = (self.top(), area.y);
        let mut skip = self.hidden_above(row, area.height);
        let mut time_above = None;
        while y < area.bottom() && row < self.rows() {
            let Some(number) = self.line_of(row) else { break };
            let line = self.line(number);
            let pieces = self.pieces_of(number, line);
            for (nth, piece) in pieces.0.iter().enumerate() {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                if y >= area.bottom() {
                    break;
                }
                let place = Rect { y, height: 1, ..area };
                self.draw_ground(canvas, place, row, look.focused);
                if nth == 0 {
                    self.draw_gutter(canvas, place, number, line, look, &mut time_above);
                }
                let last = nth + 1 == pieces.0.len();
                let rest = pieces.1.filter(|_| last);
                self.draw_piece(canvas, place, row, line, piece, rest);
                y += 1;
            }
            row += 1;
        }
    }

    fn pieces_of(&self, number: u64, line: Option<&Line>) -> (Vec<Range<usize>>, Option<usize>) {
        let text = line.map_or("", Line::text);
        if self.wrapped {
            folded(text, self.text_width(), self.unfolded.contains(&number))
        } else {
            (std::iter::once(0..text.len()).collect(), None)
        }
    }

    /// Pieces of the first row that do not fit: the end of what is followed is seen, however long its last line is.
    fn hidden_above(&self, row: u64, height: u16) -> u64 {
        if self.following && row + 1 == self.end() { self.high(row).saturating_sub(height.into()) } else { 0 }
    }

    fn is_selected(&self, row: u64) -> bool {
        self.cursor == Some(row) || self.selection().is_some_and(|rows| rows.contains(&row))
    }

    fn draw_ground(&self, canvas: &mut Canvas<'_>, area: Rect, row: u64, focused: bool) {
        if !self.is_selected(row) {
            return;
        }
        canvas.tint(area, if focused { Role::Selected } else { Role::SelectedDim });
        let role = if focused && self.cursor == Some(row) { Role::Accent } else { Role::Dim };
        canvas.glyph(area.x, area.y, Glyph::Selected, role);
    }

    fn draw_gutter(
        &self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        number: u64,
        line: Option<&Line>,
        look: &Look<'_>,
        above: &mut Option<String>,
    ) {
        let mut x = area.x + SIGN;
        let digits = self.digits();
        if digits > 0 {
            canvas.right(x, area.y, digits - 2, &(number + 1).to_string(), Role::Faint);
            x += digits;
        }
        if self.clock != Clock::Off {
            // The same time as above is not said again.
            let time = line.and_then(|line| line.at).map(look.time);
            if time.is_some() && time != *above {
                canvas.right(x, area.y, TIME, time.as_deref().unwrap_or_default(), Role::Dim);
                *above = time;
            }
        }
    }

    fn draw_piece(
        &self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        row: u64,
        line: Option<&Line>,
        piece: &Range<usize>,
        rest: Option<usize>,
    ) {
        let gutter = self.gutter();
        let (mut x, width) = (area.x + gutter, area.width.saturating_sub(gutter));
        let Some(line) = line else {
            canvas.glyph(x, area.y, Glyph::Ellipsis, Role::Faint);
            return;
        };
        if let Some(rest) = rest {
            let text = format!("{} {}", canvas.theme.glyph(Glyph::Ellipsis), words::many(rest as u64, "more character"));
            canvas.text(x, area.y, width, &text, Role::Faint);
            return;
        }
        let left = if self.wrapped { 0 } else { self.left };
        let (shown, cut) = visible(&line.text()[piece.clone()], left, width);
        let shown = piece.start + shown.start..piece.start + shown.end;
        let flat = canvas.theme.flat && self.is_selected(row);
        let finder = self.found.as_ref().and_then(|scan| scan.finder());
        for (text, role) in line.pieces(shown, finder) {
            let role = if flat && role != Role::Found { Role::Selected } else { role };
            x += canvas.text(x, area.y, area.right().saturating_sub(x), text, role);
        }
        if cut && x < area.right() {
            canvas.glyph(x, area.y, Glyph::Ellipsis, Role::Dim);
        }
    }
}

/// What is seen of a text that is scrolled to the right, in bytes, and whether it goes on behind; the last cell is left
/// for the sign that says so.
fn visible(text: &str, left: u16, width: u16) -> (Range<usize>, bool) {
    let (left, width) = (usize::from(left), usize::from(width));
    let (mut cells, mut from, mut fits) = (0, None, 0);
    for (at, c) in text.char_indices() {
        let begin = cells;
        cells += c.width().unwrap_or(0);
        if begin < left {
            continue;
        }
        let from = *from.get_or_insert((at, begin));
        if cells - from.1 > width {
            return (from.0..fits.max(from.0), true);
        }
        if cells - from.1 < width {
            fits = at + c.len_utf8();
        }
    }
    (from.map_or(text.len(), |(at, _)| at)..text.len(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_leaves_room_for_the_sign_that_it_goes_on() {
        let seen = |text: &'static str, left, width| {
            let (range, cut) = visible(text, left, width);
            (&text[range], cut)
        };
        assert_eq!(seen("hello", 0, 5), ("hello", false));
        assert_eq!(seen("hello!", 0, 5), ("hell", true));
        assert_eq!(seen("hello!", 2, 5), ("llo!", false));
        assert_eq!(seen("漢字漢字", 0, 5), ("漢字", true));
        assert_eq!(seen("漢字漢字", 1, 4), ("字", true));
        assert_eq!(seen("hello", 9, 5), ("", false));
    }

    #[test]
    fn long_lines_fold_when_they_wrap() {
        let text = "x".repeat(100);
        let (pieces, rest) = folded(&text, 10, false);
        assert_eq!((pieces.len(), rest), (FOLD + 1, Some(40)));
        assert_eq!(folded(&text, 10, true).0.len(), 10);
        assert_eq!(folded(&text[..70], 10, false).1, None, "nothing is folded to hide one line");
    }
}
