//! Lines to choose from, each on a key: where one can go from the selected thing (its owner, its parts, its runs), and
//! what one's own commands can do with it.

use ratatui::layout::Rect;

use crate::console::go::{self, Related};
use crate::console::input::{Code, Key};
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::verbs;
use crate::console::widgets::canvas::{Canvas, cells};

use super::{Flow, frame};

/// The ways, each on a key of its own.
pub struct Jump {
    title: &'static str,
    ways: Vec<Related>,
    selected: usize,
}

impl Jump {
    /// The ways from what is selected.
    pub fn new(model: &Model) -> Self {
        Self::of("go to what belongs to it", go::related(model))
    }

    /// These ways.
    pub fn of(title: &'static str, ways: Vec<Related>) -> Self {
        Self { title, ways, selected: 0 }
    }

    /// Chooses, or goes at once.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        let way = key.typed().and_then(|c| self.ways.iter().position(|w| w.key == c));
        match key.code {
            _ if way.is_some() => self.selected = way.unwrap_or(0),
            Code::Esc => return Flow::Close,
            Code::Up | Code::Char('k') => {
                self.selected = self.selected.saturating_sub(1);
                return Flow::Stay;
            }
            Code::Down | Code::Char('j') => {
                self.selected = (self.selected + 1).min(self.ways.len().saturating_sub(1));
                return Flow::Stay;
            }
            Code::Enter => {}
            _ => return Flow::Stay,
        }
        if let Some(way) = self.ways.get(self.selected)
            && let Err(wrong) = verbs::run(model, &way.line.clone())
        {
            model.say(wrong.text, Role::Warn);
        }
        Flow::Close
    }

    /// Draws the ways, each with the line that leads there.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let what = self.ways.iter().map(|w| cells(&w.what)).max().unwrap_or(0);
        let line = self.ways.iter().map(|w| cells(w.why_not.as_ref().unwrap_or(&w.line))).max().unwrap_or(0);
        let width = (what + line + 9).max(40).min(area.width.saturating_sub(8));
        let height = self.ways.len() as u16 + 1;
        let hints = [("enter", "go"), ("esc", "stay")];
        let inside = frame::open(canvas, area, (width, height), self.title, Role::LayerEdge, &hints);
        for (row, way) in self.ways.iter().enumerate().take(usize::from(inside.height)) {
            let rect = Rect { y: inside.y + row as u16, height: 1, ..inside };
            if row == self.selected {
                canvas.tint(rect, Role::Selected);
                canvas.glyph(rect.x, rect.y, Glyph::Selected, Role::Accent);
            }
            canvas.text(rect.x + 2, rect.y, 2, &way.key.to_string(), Role::Key);
            let room = rect.width.saturating_sub(5);
            let (role, says) = match &way.why_not {
                Some(why) => (Role::Disabled, why),
                None => (Role::Text, &way.line),
            };
            let used = canvas.text(rect.x + 5, rect.y, room, &way.what, role).max(what) + 3;
            let role = if way.why_not.is_some() { Role::Disabled } else { Role::Hint };
            // A line that would be cut says less than none; a reason still says something.
            if way.why_not.is_some() || cells(says) <= room.saturating_sub(used) {
                canvas.text(rect.x + 5 + used, rect.y, room.saturating_sub(used), says, role);
            }
        }
    }
}
