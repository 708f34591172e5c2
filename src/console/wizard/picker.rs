//! One of many names, found by typing a part of it.

use ratatui::layout::Rect;

use crate::console::input::{Code, Key};
use crate::console::layers::frame;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::field::Field;

use super::form::RowId;

/// The list that is picked from.
pub struct Picker {
    row: RowId,
    title: String,
    /// Names, and what is known of each.
    items: Vec<(String, String)>,
    field: Field,
    selected: usize,
    done: bool,
}

impl Picker {
    /// A list for a row, on what it has now.
    pub fn new(row: RowId, title: String, items: Vec<(String, String)>, now: Option<&str>) -> Self {
        let selected = items.iter().position(|(name, _)| Some(name.as_str()) == now).unwrap_or(0);
        Self { row, title, items, field: Field::default(), selected, done: false }
    }

    fn shown(&self) -> Vec<&(String, String)> {
        let typed = self.field.text().to_lowercase();
        let words: Vec<&str> = typed.split_whitespace().collect();
        let fits = |(name, says): &&(String, String)| {
            let text = format!("{name} {says}").to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        self.items.iter().filter(fits).collect()
    }

    /// Takes a key; whether it stays open.
    pub fn key(&mut self, key: Key) -> bool {
        let last = self.shown().len().saturating_sub(1);
        match key.code {
            Code::Esc => return false,
            Code::Enter => {
                self.done = !self.shown().is_empty();
                return !self.done;
            }
            Code::Up => self.selected = self.selected.saturating_sub(1),
            Code::Down => self.selected = (self.selected + 1).min(last),
            Code::PageUp => self.selected = self.selected.saturating_sub(10),
            Code::PageDown => self.selected = (self.selected + 10).min(last),
            _ => {
                if self.field.key(key) {
                    self.selected = 0;
                }
            }
        }
        true
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        self.field.insert(text);
        self.selected = 0;
    }

    /// What was picked, and for which row.
    pub fn picked(&self) -> Option<(RowId, String)> {
        let shown = self.shown();
        let (name, _) = shown.get(self.selected.min(shown.len().saturating_sub(1))).filter(|_| self.done)?;
        Some((self.row.clone(), name.clone()))
    }

    /// Draws the list over the page.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let hints = [("enter", "take"), ("esc", "leave it as it was")];
        let rows = (self.items.len() as u16 + 2).min(area.height.saturating_sub(6)).max(4);
        let size = (area.width.saturating_sub(8).min(72), rows);
        let inside = frame::open(canvas, area, size, &self.title, Role::LayerEdge, &hints);
        self.field.draw(canvas, Rect { height: 1, ..inside }, true);
        let shown = self.shown();
        let height = usize::from(inside.height.saturating_sub(2));
        let selected = self.selected.min(shown.len().saturating_sub(1));
        let first = selected.saturating_sub(height.saturating_sub(1));
        if shown.is_empty() {
            canvas.text(inside.x, inside.y + 2, inside.width, "nothing matches", Role::Dim);
        }
        for (at, (name, says)) in shown.iter().skip(first).take(height).enumerate() {
            let y = inside.y + 2 + at as u16;
            if first + at == selected {
                canvas.tint(Rect { y, height: 1, ..inside }, Role::Selected);
                canvas.glyph(inside.x, y, Glyph::Selected, Role::Accent);
            }
            canvas.text(inside.x + 2, y, 24, name, Role::Strong);
            canvas.text(inside.x + 28, y, inside.width.saturating_sub(28), says, Role::Dim);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_finds_and_enter_takes() {
        let items = ["tiny", "small", "large"].map(|name| (name.to_owned(), format!("{name} one"))).to_vec();
        let mut picker = Picker::new(RowId::Theme, "x".into(), items, Some("small"));
        assert!(picker.key(Key::plain(Code::Down)));
        for c in "smal".chars() {
            assert!(picker.key(Key::char(c)));
        }
        assert!(!picker.key(Key::plain(Code::Enter)));
        assert_eq!(picker.picked(), Some((RowId::Theme, "small".to_owned())));
        picker.paste("zzz");
        picker.done = false;
        assert!(picker.key(Key::plain(Code::Enter)), "nothing is there to be taken");
        assert!(!picker.key(Key::plain(Code::Esc)));
        assert_eq!(picker.picked(), None);
    }
}
