//! A command of one's own before it runs: its inputs, and what it will run on each thing.

use ratatui::layout::Rect;

use crate::console::custom::{self, Inputs, Target};
use crate::console::input::{Code, Key};
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::{Canvas, cells};
use crate::console::widgets::field::Field;
use crate::model::{CommandInput, CustomCommand, InputKind};

use super::{Flow, Layer, frame};

/// What one input is so far.
enum Value {
    Typed(Field),
    /// One of these, once it is chosen.
    Picked(Vec<String>, Option<usize>),
}

impl Value {
    fn new(input: &CommandInput) -> Self {
        let picked = |choices: Vec<String>| {
            let at = input.default.as_ref().and_then(|default| choices.iter().position(|c| c == default));
            Self::Picked(choices, at)
        };
        match input.kind {
            InputKind::Bool => picked(vec!["true".to_owned(), "false".to_owned()]),
            InputKind::Choice => picked(input.choices.clone()),
            InputKind::Secret => Self::Typed(Field::secret()),
            InputKind::String | InputKind::Number => Self::Typed(Field::new(input.default.as_deref().unwrap_or_default())),
        }
    }

    /// What is said; `None`: nothing.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Typed(field) => Some(field.text()).filter(|text| !text.is_empty()),
            Self::Picked(choices, at) => at.and_then(|at| choices.get(at)).map(String::as_str),
        }
    }

    fn key(&mut self, key: Key) {
        match self {
            Self::Typed(field) => _ = field.key(key),
            Self::Picked(choices, at) => {
                let count = choices.len().max(1);
                let next = |at: &Option<usize>| at.map_or(0, |at| (at + 1) % count);
                let first = |c: char| choices.iter().position(|choice| choice.starts_with(c));
                match key.code {
                    Code::Right | Code::Char(' ') => *at = Some(next(at)),
                    Code::Left => *at = Some(at.map_or(count - 1, |at| (at + count - 1) % count)),
                    // `y` and `n` mean what they always mean.
                    Code::Char('y') if first('t') == Some(0) && count == 2 => *at = Some(0),
                    Code::Char('n') if first('t') == Some(0) && count == 2 => *at = Some(1),
                    Code::Char(c) => *at = first(c).or(*at),
                    _ => {}
                }
            }
        }
    }
}

/// The form.
pub struct CommandForm {
    command: CustomCommand,
    targets: Vec<Target>,
    values: Vec<Value>,
    at: usize,
    /// What was wrong when it was to go on, and with which input; without one, with the things.
    wrong: Option<(Option<usize>, String)>,
}

impl CommandForm {
    /// The inputs of a command, with their defaults.
    pub fn new(command: CustomCommand, targets: Vec<Target>) -> Self {
        let values = command.inputs.iter().map(Value::new).collect();
        Self { command, targets, values, at: 0, wrong: None }
    }

    fn inputs(&self) -> Inputs {
        let said = self.command.inputs.iter().zip(&self.values);
        said.filter_map(|(input, value)| Some((input.name.clone(), value.text()?.to_owned()))).collect()
    }

    /// What is wrong with an input as it stands.
    fn fault(&self, at: usize) -> Option<String> {
        let input = &self.command.inputs[at];
        match self.values[at].text() {
            Some(text) => input.check(text).err(),
            // The run asks for a secret that nobody gave.
            None if input.kind == InputKind::Secret || input.default.is_some() => None,
            None => Some(format!("{} is needed", label(input))),
        }
    }

    /// Types, chooses, goes on.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        let last = self.values.len() - 1;
        match (key.code, key.shift) {
            (Code::Esc, _) => return Flow::Close,
            (Code::Tab, true) | (Code::Up, _) => self.at = self.at.checked_sub(1).unwrap_or(last),
            (Code::Tab, false) | (Code::Down, _) => self.at = if self.at == last { 0 } else { self.at + 1 },
            (Code::Enter, _) => return self.go_on(model),
            _ => {
                self.values[self.at].key(key);
                self.wrong = None;
            }
        }
        Flow::Stay
    }

    fn go_on(&mut self, model: &mut Model) -> Flow {
        let wrong = (0..self.values.len()).find_map(|at| Some((at, self.fault(at)?)));
        if let Some((at, text)) = wrong {
            self.at = at;
            self.wrong = Some((Some(at), text));
            return Flow::Stay;
        }
        // It stays below the question: a no leads back to what was typed.
        match custom::run_it(model, &self.command, &self.targets, &self.inputs()) {
            Ok(()) if matches!(model.layers.last(), Some(Layer::Confirm(_))) => Flow::Stay,
            Ok(()) => Flow::Close,
            Err(why) => {
                self.wrong = Some((None, why));
                Flow::Stay
            }
        }
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        if let Some(Value::Typed(field)) = self.values.get_mut(self.at) {
            field.insert(text);
            self.wrong = None;
        }
    }

    /// Draws the inputs, and what will run.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let hints = [("enter", "go on"), ("tab", "next field"), ("esc", "back")];
        let about = self.command.about.iter().count() as u16;
        let (fields, things) = (self.values.len() as u16, self.targets.len() as u16);
        let height = (about + fields + things + 4).min(area.height.saturating_sub(4));
        let title = match self.targets.as_slice() {
            [only] => format!("{} on {}", self.command.name, only.known.name()),
            several => format!("{} on {} {}s", self.command.name, several.len(), self.command.on),
        };
        let inside = frame::open(canvas, area, (area.width.saturating_sub(8).min(92), height), &title, Role::LayerEdge, &hints);
        let mut y = inside.y;
        if let Some(about) = &self.command.about {
            canvas.text(inside.x, y, inside.width, about, Role::Dim);
            y += 1;
        }
        // What will run always has two lines, and what is wrong has one.
        let room = inside.bottom().saturating_sub(y + 4).clamp(1, fields);
        let top = (self.at as u16 + 1).saturating_sub(room);
        let name = self.command.inputs.iter().map(|input| cells(label(input))).max().unwrap_or(0).min(inside.width / 2);
        for row in 0..room {
            let line = Rect { y: y + row, height: 1, ..inside };
            self.draw_input(canvas, line, usize::from(top + row), name);
        }
        y += room;
        if let Some((_, text)) = &self.wrong {
            canvas.glyph(inside.x, y, Glyph::Warn, Role::Failed);
            canvas.text(inside.x + 2, y, inside.width.saturating_sub(2), text, Role::Failed);
        }
        self.draw_lines(canvas, Rect { y: y + 1, height: inside.bottom().saturating_sub(y + 1), ..inside });
    }

    fn draw_input(&self, canvas: &mut Canvas<'_>, line: Rect, at: usize, name: u16) {
        let (input, focused) = (&self.command.inputs[at], at == self.at);
        let wrong = self.wrong.as_ref().is_some_and(|(of, _)| *of == Some(at));
        if focused {
            canvas.glyph(line.x, line.y, Glyph::Selected, Role::Accent);
        }
        let role = match (wrong, focused) {
            (true, _) => Role::Failed,
            (false, true) => Role::Accent,
            (false, false) => Role::Dim,
        };
        canvas.text(line.x + 2, line.y, name, label(input), role);
        let place = Rect { x: line.x + name + 4, width: line.width.saturating_sub(name + 4).min(48), ..line };
        match &self.values[at] {
            Value::Typed(field) => {
                field.draw(canvas, place, focused);
                if field.text().is_empty() && input.kind == InputKind::Secret && !focused {
                    canvas.text(place.x, place.y, place.width, "the run asks for it", Role::Hint);
                }
            }
            Value::Picked(choices, picked) => {
                let mut x = place.x;
                for (i, choice) in choices.iter().enumerate() {
                    let role = if *picked == Some(i) { Role::Selected } else { Role::Dim };
                    let text = if *picked == Some(i) { format!("[{choice}]") } else { format!(" {choice} ") };
                    x += canvas.text(x, line.y, line.right().saturating_sub(x), &text, role);
                }
            }
        }
    }

    /// What will run, one line a thing.
    fn draw_lines(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let inputs: Inputs = self.inputs();
        let filled = self.command.inputs_of(&inputs);
        let rows = usize::from(area.height.saturating_sub(1));
        let shown = if self.targets.len() > rows { rows.saturating_sub(1) } else { self.targets.len() };
        canvas.text(area.x, area.y, area.width, "runs", Role::Title);
        for (row, target) in self.targets.iter().take(shown).enumerate() {
            let y = area.y + 1 + row as u16;
            match filled.as_ref().map_err(Clone::clone).and_then(|inputs| target.line(&self.command, inputs)) {
                Ok(line) => {
                    let used = canvas.text(area.x, y, area.width, "$ ", Role::Faint);
                    canvas.text(area.x + used, y, area.width.saturating_sub(used), &line, Role::Text);
                }
                Err(why) => _ = canvas.text(area.x, y, area.width, &format!("nothing yet: {why}"), Role::Hint),
            }
        }
        if shown < self.targets.len() && rows > 0 {
            let more = format!("and {} more", self.targets.len() - shown);
            canvas.text(area.x, area.y + 1 + shown as u16, area.width, &more, Role::Faint);
        }
    }
}

fn label(input: &CommandInput) -> &str {
    input.label.as_deref().unwrap_or(&input.name)
}
