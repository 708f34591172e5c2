//! A yes before something that cannot be taken back; what matters most wants its name typed.

use ratatui::layout::Rect;

use crate::console::bulk::{self, Bulk};
use crate::console::input::{Code, Key};
use crate::console::msg::Slot;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::canvas::{Canvas, wrap};
use crate::console::widgets::field::Field;
use crate::model::text::clean;
use crate::protocol::Command;

use super::{Flow, frame};

/// The question, and what happens after a yes.
pub struct Confirm {
    pub title: String,
    pub text: String,
    /// Word that must be typed; without one, `y` is enough.
    pub word: Option<String>,
    field: Field,
    commands: Vec<(Slot, Command)>,
    bulk: Option<Bulk>,
}

impl Confirm {
    /// Asks before `commands` are sent.
    pub fn new(title: impl Into<String>, text: impl Into<String>, word: Option<String>, commands: Vec<(Slot, Command)>) -> Self {
        Self { title: title.into(), text: text.into(), word, field: Field::default(), commands, bulk: None }
    }

    /// Asks before something is done to several things.
    pub fn several(text: impl Into<String>, word: Option<String>, bulk: Bulk) -> Self {
        Self { bulk: Some(bulk.clone()), ..Self::new(bulk.title, text, word, Vec::new()) }
    }

    /// What is sent after a yes.
    pub fn commands(&self) -> Vec<&Command> {
        self.commands.iter().map(|(_, command)| command).collect()
    }

    /// Types, says yes or no.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        let yes = match (&self.word, key.code) {
            (_, Code::Esc) => return Flow::Close,
            (None, Code::Char('n')) => return Flow::Close,
            (None, Code::Char('y')) => true,
            (Some(word), Code::Enter) => self.field.text() == word,
            (Some(_), _) => {
                self.field.key(key);
                false
            }
            (None, _) => false,
        };
        if !yes {
            return Flow::Stay;
        }
        for (slot, command) in std::mem::take(&mut self.commands) {
            model.request(slot, command);
        }
        if let Some(bulk) = self.bulk.take() {
            bulk::begin(model, bulk);
        }
        Flow::Close
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        if self.word.is_some() {
            self.field.insert(text);
        }
    }

    /// Draws the question.
    pub fn draw(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        let width = area.width.saturating_sub(8).min(72);
        let text: usize = self.text.lines().map(|l| wrap(&clean(l), width).len()).sum();
        let hints: &[(&str, &str)] = match self.word {
            Some(_) => &[("enter", "do it"), ("esc", "no")],
            None => &[("y", "yes"), ("n", "no")],
        };
        let height = text as u16 + if self.word.is_some() { 4 } else { 2 };
        let inside = frame::open(canvas, area, (width, height), &self.title, Role::Danger, hints);
        let used = canvas.paragraph(inside, &self.text, Role::Text);
        let place = Rect { y: inside.bottom().saturating_sub(1), height: 1, ..inside };
        frame::same_as(model, canvas, place, &self.commands());
        if let Some(word) = &self.word {
            let y = inside.y + used + 1;
            let label = format!("type {word}: ");
            let x = inside.x + canvas.text(inside.x, y, inside.width, &label, Role::Dim);
            self.field.draw(canvas, Rect { x, y, width: inside.right().saturating_sub(x), height: 1 }, true);
        }
    }
}
