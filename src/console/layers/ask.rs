//! One line that is asked for: where to save, where to go in a replay. Takes the place of the last line.

use ratatui::layout::Rect;

use crate::console::forward::{self, Through};
use crate::console::input::{Code, Key};
use crate::console::layout;
use crate::console::msg::Goal;
use crate::console::run;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::viewer;
use crate::console::widgets::canvas::{Canvas, cells};
use crate::console::widgets::field::Field;

use super::Flow;

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
enum What {
    Save,
    Seek,
    Forward(Through),
}

/// A line being typed.
pub struct AskLine {
    what: What,
    field: Field,
}

impl AskLine {
    /// Where to save: a name that says what it is, in the folder one came from.
    pub fn save(model: &Model) -> Self {
        let name = match (model.text(), &model.run) {
            (Some(text), _) => text.title.clone(),
            (None, Some(run)) => format!("run {} step {}", run.number, run.log_of.map_or(0, |(step, _)| step)),
            (None, None) => "text".to_owned(),
        };
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '_' { c } else { '-' };
        let name: String = name.chars().map(plain).take(60).collect();
        let folder = model.me.cwd.trim_end_matches('/');
        Self { what: What::Save, field: Field::new(&format!("{folder}/{}.txt", name.trim_matches('-'))) }
    }

    /// Where to go in a replay.
    pub fn seek() -> Self {
        Self { what: What::Seek, field: Field::default() }
    }

    /// Which port is to be forwarded, and where to.
    pub fn forward(through: Through) -> Self {
        Self { what: What::Forward(through), field: Field::default() }
    }

    /// Types, does it or gives up.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        match key.code {
            Code::Esc => return Flow::Close,
            Code::Enter => return self.accept(model),
            _ => drop(self.field.key(key)),
        }
        Flow::Stay
    }

    fn accept(&self, model: &mut Model) -> Flow {
        let text = self.field.text();
        match &self.what {
            What::Save => {
                let rows = viewer::viewer(model).map(|view| view.selection().unwrap_or(0..view.rows()));
                if let Some(rows) = rows {
                    viewer::take(model, rows, Goal::File(text.to_owned()));
                }
                Flow::Close
            }
            What::Seek if run::seek_to(model, text) => Flow::Close,
            What::Seek => {
                model.say("write 1:30, 90, 50%, +10 or -10", Role::Warn);
                Flow::Stay
            }
            What::Forward(through) => match forward::open(model, through, text) {
                Ok(()) => Flow::Close,
                Err(why) => {
                    model.say(why, Role::Warn);
                    Flow::Stay
                }
            },
        }
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        self.field.insert(text);
    }

    /// Draws the line over the hints.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let (label, hint) = match &self.what {
            What::Save => ("save to  ", "enter save   esc give up"),
            What::Seek => ("go to  ", "1:30   50%   +10   -10   enter go   esc stay"),
            What::Forward(_) => ("forward  ", "8080   8080:80   9000:db:5432   enter open   esc give up"),
        };
        let foot = layout::frame(area, true).foot;
        canvas.fill(foot, Role::Text);
        let mut x = foot.x + 1;
        x += canvas.text(x, foot.y, cells(label), label, Role::Accent);
        let hint = if foot.width >= 70 { hint } else { "" };
        let field = Rect { x, width: foot.right().saturating_sub(x + cells(hint) + 3), ..foot };
        self.field.draw(canvas, field, true);
        canvas.right(foot.x, foot.y, foot.width - 1, hint, Role::Hint);
    }
}
