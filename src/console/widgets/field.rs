//! One line that is typed into. A secret one shows dots and wipes its memory.

use ratatui::layout::Rect;
use zeroize::Zeroizing;

use crate::console::input::{Code, Key};
use crate::console::theme::Role;

use super::canvas::{Canvas, cells};

/// Longest text of a field, bytes.
const MAX: usize = 4096;

/// A line being typed.
#[derive(Clone, Debug, Default)]
pub struct Field {
    text: Zeroizing<String>,
    /// Byte offset, always between two characters.
    at: usize,
    secret: bool,
}

impl Field {
    /// A field with this text, the cursor behind it.
    pub fn new(text: &str) -> Self {
        Self { text: Zeroizing::new(text.to_owned()), at: text.len(), secret: false }
    }

    /// A field that shows dots.
    pub fn secret() -> Self {
        // Room from the start: growing would leave copies behind.
        Self { text: Zeroizing::new(String::with_capacity(MAX)), at: 0, secret: true }
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The cursor is behind the last character.
    pub fn at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// Puts `text` in the place of these bytes; the cursor goes behind it.
    pub fn replace(&mut self, span: std::ops::Range<usize>, text: &str) {
        if self.text.get(span.clone()).is_some() && self.text.len() - span.len() + text.len() <= MAX {
            self.text.replace_range(span.clone(), text);
            self.at = span.start + text.len();
        }
    }

    /// Cells at the left that do not fit.
    fn skip(&self, area: Rect) -> u16 {
        let before = if self.secret { self.text[..self.at].chars().count() as u16 } else { cells(&self.text[..self.at]) };
        before.saturating_sub(area.width.saturating_sub(1))
    }

    /// Makes these bytes of the text stand out, where they are to be seen; returns where they begin.
    pub fn mark(&self, canvas: &mut Canvas<'_>, area: Rect, span: std::ops::Range<usize>, role: Role) -> u16 {
        let x = |at: usize| cells(self.text.get(..at).unwrap_or_default()).saturating_sub(self.skip(area)).min(area.width);
        // What is missing has one cell.
        let (from, to) = (x(span.start), x(span.end).max(x(span.start) + 1));
        let style = canvas.theme.style(role);
        let look = ratatui::style::Style { bg: None, ..style }.add_modifier(ratatui::style::Modifier::UNDERLINED);
        let marked = Rect { x: area.x + from, width: to - from, height: 1, ..area };
        canvas.buffer.set_style(marked.intersection(area), look);
        area.x + from
    }

    /// Shows how the text may go on, behind it.
    pub fn ghost(&self, canvas: &mut Canvas<'_>, area: Rect, rest: &str) {
        let used = cells(&self.text).saturating_sub(self.skip(area));
        if self.at_end() && used < area.width {
            canvas.text(area.x + used, area.y, area.width - used, rest, Role::Faint);
        }
    }

    /// Takes text in at the cursor; line feeds and other control characters are left out.
    pub fn insert(&mut self, text: &str) {
        for c in text.chars().filter(|c| !c.is_control()) {
            if self.text.len() + c.len_utf8() > MAX {
                return;
            }
            self.text.insert(self.at, c);
            self.at += c.len_utf8();
        }
    }

    /// Takes a key; says whether it was one for a field.
    pub fn key(&mut self, key: Key) -> bool {
        if let Some(c) = key.typed() {
            self.insert(c.encode_utf8(&mut [0; 4]));
            return true;
        }
        match (key.code, key.ctrl || key.alt) {
            (Code::Backspace, false) => {
                let from = self.before();
                self.cut(from, self.at);
            }
            (Code::Backspace, true) | (Code::Char('w'), true) => {
                let from = self.word_before();
                self.cut(from, self.at);
            }
            (Code::Delete, _) => {
                let to = self.behind();
                self.cut(self.at, to);
            }
            (Code::Left, false) => self.at = self.before(),
            (Code::Right, false) => self.at = self.behind(),
            (Code::Left, true) => self.at = self.word_before(),
            (Code::Right, true) => self.at = self.text[self.at..].find(' ').map_or(self.text.len(), |i| self.at + i + 1),
            (Code::Home, _) | (Code::Char('a'), true) => self.at = 0,
            (Code::End, _) | (Code::Char('e'), true) => self.at = self.text.len(),
            (Code::Char('u'), true) => self.cut(0, self.at),
            (Code::Char('k'), true) => self.cut(self.at, self.text.len()),
            _ => return false,
        }
        true
    }

    fn before(&self) -> usize {
        self.text[..self.at].char_indices().next_back().map_or(0, |(i, _)| i)
    }

    fn behind(&self) -> usize {
        self.text[self.at..].chars().next().map_or(self.at, |c| self.at + c.len_utf8())
    }

    fn word_before(&self) -> usize {
        self.text[..self.at].trim_end().rfind(' ').map_or(0, |i| i + 1)
    }

    fn cut(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.at = from;
    }

    /// Draws the field on one line; the part around the cursor is shown when it is too long. `focused`: the cursor
    /// is here.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, focused: bool) {
        let area = Rect { height: 1, ..area };
        canvas.fill(area, Role::Field);
        let shown = if self.secret { "•".repeat(self.text.chars().count()) } else { self.text.to_string() };
        let before = if self.secret { self.text[..self.at].chars().count() as u16 } else { cells(&self.text[..self.at]) };
        let room = area.width.saturating_sub(1);
        let skip = self.skip(area);
        let mut left = skip;
        let tail: String = shown
            .chars()
            .skip_while(|c| {
                let mut bytes = [0; 4];
                let width = cells(c.encode_utf8(&mut bytes));
                let skipped = left > 0;
                left = left.saturating_sub(width);
                skipped
            })
            .collect();
        canvas.text(area.x, area.y, area.width, &tail, Role::Field);
        if focused {
            canvas.cursor = Some((area.x + before.saturating_sub(skip).min(room), area.y).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_edit_the_line() {
        let mut field = Field::new("one two");
        field.key(Key::ctrl('w'));
        assert_eq!(field.text(), "one ");
        field.key(Key::plain(Code::Left));
        field.key(Key::char('ä'));
        assert_eq!(field.text(), "oneä ");
        field.key(Key::plain(Code::Backspace));
        field.key(Key::plain(Code::Home));
        field.key(Key::plain(Code::Delete));
        assert_eq!(field.text(), "ne ");
        field.insert("a\u{1b}b\nc");
        assert_eq!(field.text(), "abcne ");
    }

    proptest! {
        #[test]
        fn no_key_breaks_it(keys in proptest::collection::vec((0usize..9, any::<char>(), any::<bool>()), 0..60)) {
            let mut field = Field::new("grüße 漢字");
            for (which, c, ctrl) in keys {
                let code = [Code::Char(c), Code::Left, Code::Right, Code::Backspace, Code::Delete, Code::Home, Code::End, Code::Char('w'), Code::Char('k')][which];
                field.key(Key { ctrl, ..Key::plain(code) });
                prop_assert!(field.text.is_char_boundary(field.at));
            }
        }
    }
}
