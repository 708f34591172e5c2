//! Where things are drawn: a buffer, the theme, and the few strokes that every screen is made of.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::console::theme::{Glyph, Role, Theme};
use crate::model::text::clean;

/// Something that the mouse can point at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Spot {
    /// A part of the screen, by its name; what lies in it comes after it.
    Part(&'static str),
    /// A row of a part, by its id.
    Row(String),
    /// The title of a column.
    Title(usize),
    Tab(&'static str),
    /// A hint: keys as they are written, one after the other.
    Keys(String),
    /// Something lies over all that was here.
    Covered,
}

/// A buffer to draw on. All text is made harmless on its way in.
pub struct Canvas<'a> {
    pub buffer: &'a mut Buffer,
    pub theme: &'a Theme,
    /// Where the terminal's cursor goes, when something is being typed.
    pub cursor: Option<Position>,
    /// What can be pointed at, where somebody wants to know.
    spots: Option<Vec<(Rect, Spot)>>,
}

impl<'a> Canvas<'a> {
    /// A canvas over the whole buffer, filled with the theme's background.
    pub fn new(buffer: &'a mut Buffer, theme: &'a Theme) -> Self {
        let area = buffer.area;
        let mut canvas = Self { buffer, theme, cursor: None, spots: None };
        canvas.fill(area, Role::Text);
        canvas
    }

    /// A canvas that notes what can be pointed at.
    pub fn listening(buffer: &'a mut Buffer, theme: &'a Theme) -> Self {
        Self { spots: Some(Vec::new()), ..Self::new(buffer, theme) }
    }

    /// Something that can be pointed at is here. It is only made where somebody wants to know.
    pub fn spot(&mut self, area: Rect, spot: impl FnOnce() -> Spot) {
        if let Some(spots) = &mut self.spots {
            spots.push((area.intersection(self.buffer.area), spot()));
        }
    }

    /// What can be pointed at, what lies below first.
    pub fn spots(&self) -> &[(Rect, Spot)] {
        self.spots.as_deref().unwrap_or_default()
    }

    /// Clears an area to the look of a role.
    pub fn fill(&mut self, area: Rect, role: Role) {
        let style = self.theme.style(role);
        let area = area.intersection(self.buffer.area);
        if area.is_empty() {
            return;
        }
        for y in area.top()..area.bottom() {
            // A row at a time: a screen is filled many times a second.
            let from = self.buffer.index_of(area.x, y);
            for cell in &mut self.buffer.content[from..from + usize::from(area.width)] {
                let ground = cell.bg;
                cell.reset();
                cell.bg = ground;
                cell.set_style(style);
            }
        }
    }

    /// Puts a role's background under what is drawn already or will be.
    pub fn tint(&mut self, area: Rect, role: Role) {
        let style = self.theme.style(role);
        let ground = Style { fg: None, ..style };
        self.buffer.set_style(area.intersection(self.buffer.area), ground);
    }

    /// Writes `text` into at most `width` cells, with an ellipsis when it is longer. Returns the cells used.
    pub fn text(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        let mut style = self.theme.style(role);
        if !role_has_ground(role) {
            style.bg = None;
        }
        // What was there before leaves no modifier behind.
        let style = style.remove_modifier(Modifier::all() - style.add_modifier);
        let area = self.buffer.area;
        if width == 0 || y >= area.bottom() || x >= area.right() {
            return 0;
        }
        let width = width.min(area.right() - x);
        let text = clean(text);
        let short = fit(&text, width, self.theme.glyph(Glyph::Ellipsis));
        if short.bytes().all(|b| matches!(b, b' '..=b'~')) && x >= area.x && y >= area.y {
            // The most of all text: every byte has a cell of its own, and no clusters have to be looked for.
            let from = self.buffer.index_of(x, y);
            for (cell, c) in self.buffer.content[from..from + usize::from(width)].iter_mut().zip(short.chars()) {
                cell.set_char(c).set_style(style);
            }
            return width.min(short.len() as u16);
        }
        let (end, _) = self.buffer.set_stringn(x, y, short.as_ref(), usize::from(width), style);
        end - x
    }

    /// [`Canvas::text`] that ends at the right edge of its cells.
    pub fn right(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) {
        let text = clean(text);
        let used = cells(&text).min(width);
        self.text(x + width - used, y, used, &text, role);
    }

    /// Writes spans one after the other; returns the cells used.
    pub fn spans<'s>(&mut self, x: u16, y: u16, width: u16, spans: impl IntoIterator<Item = (&'s str, Role)>) -> u16 {
        let mut used = 0;
        for (text, role) in spans {
            used += self.text(x + used, y, width.saturating_sub(used), text, role);
        }
        used
    }

    /// Makes these characters (by place) of a text stand out that was written into `width` cells before.
    pub fn found(&mut self, x: u16, y: u16, width: u16, text: &str, places: &[u32]) {
        if places.is_empty() {
            return;
        }
        let look = self.theme.style(Role::Match);
        let whole = cells(text) <= width;
        let mut used = 0;
        for (place, c) in (0u32..).zip(text.chars()) {
            let wide = u16::try_from(c.width().unwrap_or(0)).unwrap_or(0);
            // The last cell of a text that was cut has the ellipsis.
            if used + wide > width.saturating_sub(u16::from(!whole)) {
                return;
            }
            if places.binary_search(&place).is_ok() {
                let area = Rect::new(x + used, y, wide, 1).intersection(self.buffer.area);
                self.buffer.set_style(area, look);
            }
            used += wide;
        }
    }

    /// A sign; always one cell.
    pub fn glyph(&mut self, x: u16, y: u16, glyph: Glyph, role: Role) {
        self.text(x, y, 1, self.theme.glyph(glyph), role);
    }

    /// A thin rule across `area`'s width at `y`.
    pub fn rule(&mut self, area: Rect, y: u16) {
        if y >= area.bottom() {
            return;
        }
        let line = self.theme.glyph(Glyph::Rule).repeat(usize::from(area.width));
        self.text(area.x, y, area.width, &line, Role::Rule);
    }

    /// A thin vertical rule.
    pub fn bar(&mut self, x: u16, top: u16, height: u16) {
        for y in top..top.saturating_add(height) {
            self.glyph(x, y, Glyph::Bar, Role::Rule);
        }
    }

    /// A gauge of `width` cells.
    pub fn gauge(&mut self, x: u16, y: u16, width: u16, used: u64, limit: u64, high: bool) {
        let full = filled(width, used, limit);
        let (on, off) = (self.theme.glyph(Glyph::Full), self.theme.glyph(Glyph::Empty));
        let role =
            if high && limit > 0 && used.saturating_mul(10) >= limit.saturating_mul(9) { Role::GaugeHigh } else { Role::Gauge };
        self.text(x, y, full, &on.repeat(usize::from(full)), role);
        self.text(x + full, y, width - full, &off.repeat(usize::from(width - full)), Role::Faint);
    }

    /// Several lines of plain text, wrapped at words; returns the rows used.
    pub fn paragraph(&mut self, area: Rect, text: &str, role: Role) -> u16 {
        let mut y = area.y;
        for line in text.split('\n') {
            for piece in wrap(&clean(line), area.width) {
                if y >= area.bottom() {
                    return area.height;
                }
                self.text(area.x, y, area.width, &piece, role);
                y += 1;
            }
        }
        y - area.y
    }
}

fn role_has_ground(role: Role) -> bool {
    matches!(role, Role::Found | Role::TabOpen | Role::Notice | Role::Field)
}

/// How many of `width` cells a gauge fills: nothing only for nothing, all only for all.
fn filled(width: u16, used: u64, limit: u64) -> u16 {
    if used == 0 || limit == 0 || width == 0 {
        return 0;
    }
    if used >= limit {
        return width;
    }
    let cells = (u128::from(used) * u128::from(width) / u128::from(limit)) as u16;
    cells.clamp(1, width.saturating_sub(1).max(1))
}

/// Cells that a text takes.
pub fn cells(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// The text, or its beginning and an ellipsis, in at most `width` cells.
pub fn fit<'t>(text: &'t str, width: u16, ellipsis: &str) -> std::borrow::Cow<'t, str> {
    let width = usize::from(width);
    // Bytes are never fewer than half the cells: a short text needs no measuring.
    if text.len() <= width && text.is_ascii() {
        return text.into();
    }
    let mut used = 0;
    let mut cut = 0;
    for (at, c) in text.char_indices() {
        let w = c.width().unwrap_or(0);
        if used + w > width {
            return if width == 0 { "".into() } else { format!("{}{ellipsis}", &text[..cut]).into() };
        }
        used += w;
        if used < width {
            cut = at + c.len_utf8();
        }
    }
    text.into()
}

/// The text, or as many of its words as there is room for and an ellipsis; a word that takes more than half of the room
/// is cut all the same.
pub fn fit_words<'t>(text: &'t str, width: u16, ellipsis: &str) -> std::borrow::Cow<'t, str> {
    let short = fit(text, width, ellipsis);
    let kept = match &short {
        std::borrow::Cow::Owned(cut) => cut.len().saturating_sub(ellipsis.len()),
        std::borrow::Cow::Borrowed(_) => return short,
    };
    let whole = text[kept..].starts_with(' ');
    let end = if whole { Some(kept) } else { text[..kept].rfind(' ') };
    let words = end.map(|end| text[..end].trim_end_matches([' ', ',', ';', ':', '(', '-'])).unwrap_or_default();
    if cells(words) * 2 < width { short } else { format!("{words}{ellipsis}").into() }
}

/// A line in pieces of at most `width` cells, broken between words where there are any.
pub fn wrap(line: &str, width: u16) -> Vec<String> {
    wrap_ranges(line, width).into_iter().map(|piece| line[piece].to_owned()).collect()
}

/// Where the pieces of [`wrap`] stand, in bytes; spaces at which a line is broken may be in none.
pub fn wrap_ranges(line: &str, width: u16) -> Vec<Range<usize>> {
    let width = usize::from(width.max(1));
    let mut out: Vec<Range<usize>> = std::iter::once(0..0).collect();
    let (mut used, mut at) = (0, 0);
    for word in line.split_inclusive(' ') {
        let length = word.trim_end().width();
        if used > 0 && used + length > width {
            out.push(at..at);
            used = 0;
        }
        for c in word.chars() {
            let w = c.width().unwrap_or(0);
            let end = at + c.len_utf8();
            if used + w > width {
                if c == ' ' {
                    at = end;
                    continue;
                }
                out.push(at..at);
                used = 0;
            }
            if let Some(last) = out.last_mut() {
                if last.start == last.end {
                    last.start = at;
                }
                last.end = end;
            }
            used += w;
            at = end;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_words() {
        assert_eq!(fit_words("no valid host was found", 23, "…"), "no valid host was found");
        assert_eq!(fit_words("no valid host was found", 20, "…"), "no valid host was…");
        assert_eq!(fit_words("no valid host, was found", 17, "…"), "no valid host…");
        assert_eq!(fit_words("no valid host was found", 14, "…"), "no valid host…");
        assert_eq!(fit_words("https://example.org/very/long/path it", 16, "…"), "https://example…");
        assert_eq!(fit_words("grüße 漢字漢字漢字漢字", 12, "…"), "grüße 漢字…");
        assert_eq!(fit_words("abc", 0, "…"), "");
    }

    #[test]
    fn long_text_ends_in_an_ellipsis() {
        assert_eq!(fit("hello", 5, "…"), "hello");
        assert_eq!(fit("hello!", 5, "…"), "hell…");
        assert_eq!(fit("漢字漢字", 5, "…"), "漢字…");
        assert_eq!(fit("漢字漢字", 4, "…"), "漢…");
        assert_eq!(fit("abc", 0, "…"), "");
    }

    #[test]
    fn lines_wrap_at_words() {
        assert_eq!(wrap("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn a_gauge_is_empty_only_for_nothing_and_full_only_for_all() {
        assert_eq!(filled(8, 0, 10), 0);
        assert_eq!(filled(8, 1, 1000), 1);
        assert_eq!(filled(8, 999, 1000), 7);
        assert_eq!(filled(8, 10, 10), 8);
        assert_eq!(filled(8, 20, 10), 8);
    }
}
