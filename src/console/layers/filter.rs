//! The filter line: takes the place of the last line, filters while one types.

use ratatui::layout::Rect;

use crate::console::input::{Code, Key};
use crate::console::layout;
use crate::console::panes;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::field::Field;

use super::Flow;

/// The filter being typed; what it was before comes back with esc.
pub struct FilterLine {
    field: Field,
    before: String,
}

impl FilterLine {
    /// The filter of the open tab, to be changed.
    pub fn new(model: &Model) -> Self {
        let before = model.table(model.tab).filter().to_owned();
        Self { field: Field::new(&before), before }
    }

    /// Types, keeps or gives up. Arrows move the selection while typing.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        let flow = match key.code {
            Code::Enter => Flow::Close,
            Code::Esc => {
                self.field = Field::new(&self.before);
                Flow::Close
            }
            Code::Up | Code::Down | Code::PageUp | Code::PageDown => return Flow::Pass,
            _ => {
                self.field.key(key);
                Flow::Stay
            }
        };
        self.apply(model);
        flow
    }

    /// Takes pasted text.
    pub fn paste(&mut self, model: &mut Model, text: &str) {
        self.field.insert(text);
        self.apply(model);
    }

    fn apply(&self, model: &mut Model) {
        let tab = model.tab;
        model.table_mut(tab).set_filter(panes::columns(tab), self.field.text());
    }

    /// Draws the line over the hints.
    pub fn draw(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        let foot = layout::frame(area, true).foot;
        canvas.fill(foot, Role::Text);
        let mut x = foot.x + 1;
        x += canvas.text(x, foot.y, 2, "/ ", Role::Accent);
        let (shown, all) = model.table(model.tab).counts();
        let tail = format!("{shown} of {all}   enter keep   esc give up");
        let tail_width = if foot.width >= 70 { tail.len() as u16 + 3 } else { 1 };
        let field = Rect { x, width: foot.width.saturating_sub(3 + tail_width), ..foot };
        self.field.draw(canvas, field, true);
        if foot.width >= 70 {
            canvas.right(foot.x, foot.y, foot.width - 1, &tail, Role::Hint);
        }
    }
}
