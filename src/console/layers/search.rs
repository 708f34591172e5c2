//! The search line: takes the place of the last line, finds while one types.

use ratatui::layout::Rect;

use crate::console::input::{Code, Key};
use crate::console::layout;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::viewer;
use crate::console::widgets::canvas::{Canvas, cells};
use crate::console::widgets::field::Field;
use crate::console::words;
use crate::model::Find;

use super::Flow;

/// What is being looked for; what it was before comes back with esc.
pub struct SearchLine {
    field: Field,
    regex: bool,
    case: bool,
    before: Option<Find>,
    /// The line that one looked at.
    from: u64,
    /// Why it is no expression.
    wrong: Option<String>,
}

impl SearchLine {
    /// Looks for something new from where one is.
    pub fn new(model: &Model) -> Self {
        let view = viewer::viewer(model);
        let before = view.and_then(|view| view.find()).cloned();
        let (regex, case) = before.as_ref().map_or((false, false), |find| (find.regex, find.case));
        Self { field: Field::default(), regex, case, before, from: view.map_or(0, |view| view.origin()), wrong: None }
    }

    /// Types, keeps or gives up. Enter with nothing typed looks for the same again.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        match (key.code, key.alt) {
            (Code::Enter, _) => {
                if self.field.text().is_empty() && self.before.is_some() {
                    let next = viewer::viewer_mut(model).and_then(|view| view.next_hit(true));
                    viewer::tell(model, next);
                } else if let Some(why) = &self.wrong {
                    model.say(why.clone(), Role::Warn);
                    return Flow::Stay;
                }
                return Flow::Close;
            }
            (Code::Esc, _) => {
                self.look(model, self.before.clone());
                return Flow::Close;
            }
            (Code::Up | Code::Down | Code::PageUp | Code::PageDown, _) => return Flow::Pass,
            (Code::Char('r'), true) => self.regex = !self.regex,
            (Code::Char('c'), true) => self.case = !self.case,
            _ => {
                if !self.field.key(key) {
                    return Flow::Stay;
                }
            }
        }
        self.apply(model);
        Flow::Stay
    }

    /// Takes pasted text.
    pub fn paste(&mut self, model: &mut Model, text: &str) {
        self.field.insert(text);
        self.apply(model);
    }

    fn apply(&mut self, model: &mut Model) {
        let text = self.field.text().to_owned();
        self.look(model, Some(Find { text, regex: self.regex, case: self.case }));
    }

    fn look(&mut self, model: &mut Model, find: Option<Find>) {
        let Some(view) = viewer::viewer_mut(model) else { return };
        match view.search(find, self.from) {
            Ok(_) => self.wrong = None,
            Err(why) => self.wrong = Some(why),
        }
    }

    /// Draws the line over the hints.
    pub fn draw(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        let foot = layout::frame(area, true).foot;
        canvas.fill(foot, Role::Text);
        let mut x = foot.x + 1;
        x += canvas.text(x, foot.y, 2, "/ ", Role::Accent);
        let on = |on: bool| if on { "yes" } else { "no" };
        let switches = format!("alt-c case: {}   alt-r expression: {}", on(self.case), on(self.regex));
        let switches = if foot.width >= 76 { switches } else { String::new() };
        let (state, role) = match (&self.wrong, viewer::viewer(model).and_then(|view| view.count())) {
            (Some(wrong), _) => (wrong.clone(), Role::Warn),
            (None, Some(count)) => {
                let more = if count.more { "+" } else { "" };
                let role = if count.all == 0 && !count.more { Role::Warn } else { Role::Text };
                let at = count.at.map_or_else(String::new, |at| format!("{} of ", words::count(at)));
                (format!("{at}{}{more}", words::count(count.all)), role)
            }
            (None, None) => (String::new(), Role::Text),
        };
        let tail = cells(&switches) + cells(&state).min(foot.width / 3) + if switches.is_empty() { 2 } else { 5 };
        let field = Rect { x, width: foot.right().saturating_sub(x + tail), ..foot };
        self.field.draw(canvas, field, true);
        let at = field.right() + 1;
        let used = canvas.text(at, foot.y, foot.right().saturating_sub(at + 1), &state, role);
        canvas.right(at + used, foot.y, foot.right().saturating_sub(at + used + 1), &switches, Role::Hint);
    }
}
