//! A question with a few answers, each on a key of its own.

use ratatui::layout::Rect;

use crate::console::input::{Code, Key};
use crate::console::msg::Slot;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::canvas::{Canvas, cells, wrap};
use crate::model::text::clean;
use crate::protocol::Command;

use super::{Flow, frame};

/// One answer.
pub struct Way {
    pub key: char,
    pub label: String,
    pub command: Command,
}

/// The question.
pub struct Choose {
    pub title: String,
    pub text: String,
    pub ways: Vec<Way>,
    /// What the commands are about, for the notice.
    pub about: String,
    pub danger: bool,
}

impl Choose {
    /// Sends the command of the key, or closes.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        if key.code == Code::Esc {
            return Flow::Close;
        }
        if let Some(way) = key.typed().and_then(|c| self.ways.iter().find(|w| w.key == c)) {
            model.request(Slot::Act(format!("{}: {}", self.about, way.label)), way.command.clone());
            return Flow::Close;
        }
        Flow::Stay
    }

    /// Draws the question and the answers.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let widest = self.ways.iter().map(|w| cells(&w.label) + 4).max().unwrap_or(0);
        let width = area.width.saturating_sub(8).min(widest.max(60));
        let text: usize = self.text.lines().map(|l| wrap(&clean(l), width).len()).sum();
        let height = text as u16 + self.ways.len() as u16 + 2;
        let edge = if self.danger { Role::Danger } else { Role::LayerEdge };
        let inside = frame::open(canvas, area, (width, height), &self.title, edge, &[("esc", "nothing of this")]);
        let used = canvas.paragraph(inside, &self.text, Role::Text);
        for (row, way) in self.ways.iter().enumerate() {
            let y = inside.y + used + 1 + row as u16;
            if y >= inside.bottom() {
                break;
            }
            canvas.text(inside.x + 1, y, 2, &way.key.to_string(), Role::Key);
            canvas.text(inside.x + 4, y, inside.width.saturating_sub(4), &way.label, Role::Text);
        }
    }
}
