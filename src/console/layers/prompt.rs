//! A run asks: a choice after a failure, a yes, a line of text, a secret.

use ratatui::layout::Rect;

use crate::console::input::{Code, Key};
use crate::console::msg::Slot;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::canvas::{Canvas, wrap};
use crate::console::widgets::field::Field;
use crate::model::text::clean;
use crate::model::{Prompt, PromptId, PromptKind};
use crate::protocol::Command;

use super::{Flow, frame};

/// The question that is open, and what is typed so far.
pub struct PromptLayer {
    pub id: PromptId,
    prompt: Prompt,
    field: Field,
}

impl PromptLayer {
    /// A question of a run.
    pub fn new(prompt: &Prompt) -> Self {
        let field = if prompt.kind == PromptKind::Secret { Field::secret() } else { Field::default() };
        Self { id: prompt.id, prompt: prompt.clone(), field }
    }

    fn typed_into(&self) -> bool {
        matches!(self.prompt.kind, PromptKind::Text | PromptKind::Secret)
    }

    /// Answers, types, or puts the question aside: it stays open.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        if key.code == Code::Esc {
            model.put_aside.insert(self.id);
            return Flow::Close;
        }
        let (word, text) = match (&self.prompt.kind, key.code) {
            (PromptKind::Text | PromptKind::Secret, Code::Enter) => (String::new(), Some(self.field.text().to_owned())),
            (PromptKind::Text | PromptKind::Secret, _) => {
                self.field.key(key);
                return Flow::Stay;
            }
            (PromptKind::Continue, Code::Enter) if self.prompt.choices.is_empty() => (String::new(), Some(String::new())),
            _ => match key.typed().and_then(|c| self.prompt.choices.iter().find(|w| w.key == c)) {
                Some(choice) => (choice.word.clone(), None),
                None => return Flow::Stay,
            },
        };
        if let Some(why) = model.why_only_looking() {
            model.say(why, Role::Warn);
            return Flow::Stay;
        }
        let about = if word.is_empty() { "answered".to_owned() } else { format!("answered: {word}") };
        model.put_aside.insert(self.id);
        model.request(Slot::Act(about), Command::Answer { prompt: self.id, word, text });
        Flow::Close
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        if self.typed_into() {
            self.field.insert(text);
        }
    }

    /// Draws the question, what was met, and the answers.
    pub fn draw(&self, _model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        let prompt = &self.prompt;
        let width = area.width.saturating_sub(8).min(76);
        let mut lines: Vec<(String, String, Role)> = Vec::new();
        for line in prompt.question.lines() {
            lines.extend(wrap(&clean(line), width).into_iter().map(|piece| (String::new(), piece, Role::Strong)));
        }
        if let PromptKind::Failure { failure } = &prompt.kind {
            let parts = [
                ("tried", &failure.tried, Role::Text),
                ("at", &failure.at, Role::Text),
                ("got", &failure.got, Role::Failed),
                ("next", &failure.next, Role::Text),
            ];
            for (name, text, role) in parts {
                let mut name = name.to_owned();
                for line in text.lines().filter(|l| !l.is_empty()) {
                    for piece in wrap(&clean(line), width.saturating_sub(8)) {
                        lines.push((std::mem::take(&mut name), piece, role));
                    }
                }
            }
        }
        let answers = if self.typed_into() || prompt.choices.is_empty() { 1 } else { prompt.choices.len() as u16 };
        let most = area.height.saturating_sub(5 + answers);
        lines.truncate(usize::from(most.max(1)));
        let hints: &[(&str, &str)] = if self.typed_into() || prompt.choices.is_empty() {
            &[("enter", "answer"), ("esc", "later")]
        } else {
            &[("esc", "later")]
        };
        let size = (width, lines.len() as u16 + 1 + answers);
        let inside = frame::open(canvas, area, size, &format!("run {} asks", prompt.run), Role::Accent, hints);
        for (row, (name, text, role)) in lines.iter().enumerate() {
            let y = inside.y + row as u16;
            let x = if *role == Role::Strong { 0 } else { 8 };
            canvas.text(inside.x, y, 8, name, Role::Dim);
            canvas.text(inside.x + x, y, inside.width.saturating_sub(x), text, *role);
        }
        let y = inside.y + lines.len() as u16 + 1;
        if self.typed_into() {
            self.field.draw(canvas, Rect { y, height: 1, ..inside }, true);
        } else if prompt.choices.is_empty() {
            canvas.text(inside.x, y, inside.width, "enter goes on", Role::Dim);
        }
        for (row, choice) in prompt.choices.iter().enumerate().filter(|_| !self.typed_into()) {
            let y = y + row as u16;
            if y < inside.bottom() {
                canvas.text(inside.x + 1, y, 2, &choice.key.to_string(), Role::Key);
                canvas.text(inside.x + 4, y, inside.width.saturating_sub(4), &choice.label, Role::Text);
            }
        }
    }
}
