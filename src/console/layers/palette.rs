//! The palette: one line in which everything can be said, with what it may become below it.

use std::ops::Range;

use ratatui::layout::Rect;

use crate::console::input::{Code, Key};
use crate::console::recall::{PALETTE, Walk};
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::verbs::{self, Candidate, Deed, Takes};
use crate::console::widgets::canvas::{Canvas, cells};
use crate::console::widgets::field::Field;

use super::{Flow, frame};

/// A line being typed.
pub struct Palette {
    field: Field,
    candidates: Vec<Candidate>,
    /// Which candidate; `None`: what was typed itself.
    selected: usize,
    walk: Walk,
    /// What was wrong with the line when it was to be done.
    wrong: Option<(Range<usize>, String)>,
}

impl Palette {
    /// An empty line.
    pub fn new(model: &Model) -> Self {
        let mut palette =
            Self { field: Field::default(), candidates: Vec::new(), selected: 0, walk: Walk::default(), wrong: None };
        palette.look(model);
        palette
    }

    fn look(&mut self, model: &Model) {
        self.candidates = verbs::complete(model, self.field.text());
        self.selected = 0;
        self.wrong = None;
    }

    fn put(&mut self, model: &Model, line: &str) {
        self.field = Field::new(line);
        self.look(model);
    }

    fn chosen(&self) -> Option<&Candidate> {
        self.candidates.get(self.selected)
    }

    /// Types, completes, moves, or does it.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        match (key.code, key.ctrl) {
            (Code::Esc, _) => return Flow::Close,
            (Code::Up, _) => self.selected = self.selected.saturating_sub(1),
            (Code::Down, _) => self.selected = (self.selected + 1).min(self.candidates.len().saturating_sub(1)),
            (Code::PageUp, _) => self.selected = self.selected.saturating_sub(10),
            (Code::PageDown, _) => self.selected = (self.selected + 10).min(self.candidates.len().saturating_sub(1)),
            (Code::Char('p' | 'n'), true) => {
                let older = key.code == Code::Char('p');
                if let Some(line) = self.walk.step(&model.recall, PALETTE, self.field.text(), older) {
                    self.put(model, &line);
                }
            }
            (Code::Tab, _) => self.complete(model),
            (Code::Right, false) if self.field.at_end() && !self.rest(model).is_empty() => {
                let line = format!("{}{}", self.field.text(), self.rest(model));
                self.put(model, &line);
            }
            (Code::Enter, _) => return self.enter(model),
            _ => {
                if self.field.key(key) {
                    self.walk.stop();
                    self.look(model);
                }
            }
        }
        Flow::Stay
    }

    /// Takes pasted text.
    pub fn paste(&mut self, model: &Model, text: &str) {
        self.field.insert(text);
        self.look(model);
    }

    /// Takes over the candidate; what wants more behind it gets its space.
    fn complete(&mut self, model: &Model) {
        let Some(candidate) = self.chosen() else { return };
        let several = |takes| matches!(takes, Takes::Counts | Takes::Playbooks | Takes::Columns | Takes::Keep);
        let takes = match candidate.verb {
            Some(verb) => verb.takes != Takes::Nothing,
            None => verbs::split(&candidate.line).is_some_and(|line| several(line.verb.takes)),
        };
        let line = if takes { format!("{} ", candidate.line) } else { candidate.line.clone() };
        self.put(model, &line);
    }

    fn enter(&mut self, model: &mut Model) -> Flow {
        let typed = self.field.text().trim().to_owned();
        let line = match self.chosen() {
            // What was typed whole is meant, unless another line was picked.
            _ if self.selected == 0 && verbs::check(&typed).is_ok() && self.is_whole(&typed) => typed,
            Some(candidate) if candidate.open => {
                self.complete(model);
                return Flow::Stay;
            }
            Some(candidate) => candidate.line.clone(),
            None => typed,
        };
        match verbs::run(model, &line) {
            Ok(()) => {
                model.remember(PALETTE, &line);
                Flow::Close
            }
            Err(wrong) => {
                if self.field.text().trim() != line {
                    self.put(model, &line);
                }
                self.wrong = Some((wrong.span, wrong.text));
                Flow::Stay
            }
        }
    }

    /// The typed line names what it needs, not only the beginning of a name.
    fn is_whole(&self, typed: &str) -> bool {
        let Some(line) = verbs::split(typed) else { return false };
        let free = matches!(
            line.verb.takes,
            Takes::Filter(_) | Takes::FilterHere | Takes::Counts | Takes::Playbooks | Takes::Keep | Takes::Columns
        );
        let known = self.candidates.iter().any(|c| c.line == typed && !c.open);
        let plain = line.argument.is_empty() && matches!(line.verb.deed, Deed::Act(_)) && line.verb.name == typed;
        known || (free && !line.argument.is_empty()) || plain
    }

    /// What stands faintly behind the text: the rest of the candidate, else of an earlier line.
    fn rest(&self, model: &Model) -> String {
        let text = self.field.text();
        if text.is_empty() {
            return String::new();
        }
        let of = |line: &str| line.strip_prefix(text).map(str::to_owned).filter(|rest| !rest.is_empty());
        let earlier = || model.recall.lines(PALETTE).find_map(of);
        self.chosen().and_then(|c| of(&c.line)).or_else(earlier).unwrap_or_default()
    }

    /// Draws the line and what it may become.
    pub fn draw(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        let height = area.height.saturating_sub(6).min(18);
        let hints = [("tab", "complete"), ("enter", "do it"), ("ctrl-p", "earlier"), ("esc", "close")];
        let width = area.width.saturating_sub(8).min(92);
        let title = "type what to do, or a name";
        let inside = frame::open(canvas, area, (width, height), title, Role::LayerEdge, &hints);
        canvas.text(inside.x, inside.y, 1, ":", Role::Accent);
        let field = Rect { x: inside.x + 2, width: inside.width.saturating_sub(2), ..inside };
        self.field.draw(canvas, field, true);
        self.field.ghost(canvas, field, &self.rest(model));
        if let Some((span, text)) = &self.wrong {
            self.field.mark(canvas, field, span.clone(), Role::Failed);
            canvas.glyph(inside.x, inside.y + 1, Glyph::Warn, Role::Failed);
            canvas.text(inside.x + 2, inside.y + 1, inside.width.saturating_sub(2), text, Role::Failed);
        }
        let rows = usize::from(inside.height.saturating_sub(2));
        let top = (self.selected + 1).saturating_sub(rows);
        let widest = self.candidates.iter().skip(top).take(rows).map(|c| cells(&c.line)).max().unwrap_or(0);
        let name = widest.clamp(20, (inside.width / 2).max(20));
        for (row, (i, candidate)) in self.candidates.iter().enumerate().skip(top).take(rows).enumerate() {
            let line = Rect { y: inside.y + 2 + row as u16, height: 1, ..inside };
            draw_candidate(model, canvas, line, candidate, i == self.selected, name);
        }
        if self.candidates.is_empty() && self.wrong.is_none() {
            canvas.text(inside.x + 2, inside.y + 2, inside.width - 2, "nothing is called like that", Role::Dim);
        }
    }
}

fn draw_candidate(model: &Model, canvas: &mut Canvas<'_>, line: Rect, candidate: &Candidate, selected: bool, name: u16) {
    if selected {
        canvas.tint(line, Role::Selected);
        canvas.glyph(line.x, line.y, Glyph::Selected, Role::Accent);
    }
    let role = if candidate.why_not.is_some() { Role::Disabled } else { Role::Text };
    canvas.text(line.x + 2, line.y, name, &candidate.line, role);
    let key = match candidate.verb.map(|v| v.deed) {
        Some(Deed::Act(action)) => model.key_of(action).unwrap_or_default(),
        _ => model.keymap.key_of_line(&model.contexts(), &candidate.line).unwrap_or_default(),
    };
    canvas.right(line.x, line.y, line.width, &key, Role::Key);
    let room = line.width.saturating_sub(name + 6 + cells(&key));
    let (says, role) = match &candidate.why_not {
        Some(why) => (why, Role::Disabled),
        None => (&candidate.says, candidate.role),
    };
    canvas.text(line.x + name + 4, line.y, room, says, role);
}
