//! A text to read: a failure with its four parts, a console log, the results behind a row.

use ratatui::layout::Rect;

use crate::console::input::{Code, Key};
use crate::console::msg::Effect;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::canvas::{Canvas, cells, wrap};
use crate::model::Failure;
use crate::model::text::clean;

use super::{Flow, frame};

/// A text, scrolled down by so many lines.
pub struct TextLayer {
    pub title: String,
    pub text: String,
    pub edge: Role,
    top: usize,
    /// Begins at its end.
    from_end: bool,
}

impl TextLayer {
    /// A text from its beginning.
    pub fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { title: title.into(), text: text.into(), edge: Role::LayerEdge, top: 0, from_end: false }
    }

    /// A text of which the end matters.
    pub fn at_end(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { from_end: true, ..Self::new(title, text) }
    }

    /// What failed.
    pub fn failure(failure: &Failure) -> Self {
        let mut text = String::new();
        for (name, part) in [("tried", &failure.tried), ("at", &failure.at), ("got", &failure.got), ("next", &failure.next)] {
            if !part.is_empty() {
                let indented = part.replace('\n', "\n        ");
                text.push_str(&format!("{name:<8}{indented}\n"));
            }
        }
        Self { edge: Role::Danger, ..Self::new("that did not work", text.trim_end()) }
    }

    /// Scrolls, copies, closes.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        let step = |top: &mut usize, from_end: &mut bool, by: isize| {
            *top = top.saturating_add_signed(by);
            *from_end = false;
        };
        match (key.code, key.ctrl) {
            (Code::Up | Code::Char('k'), _) => step(&mut self.top, &mut self.from_end, -1),
            (Code::Down | Code::Char('j'), _) => step(&mut self.top, &mut self.from_end, 1),
            (Code::PageUp, _) | (Code::Char('u'), true) => step(&mut self.top, &mut self.from_end, -10),
            (Code::PageDown | Code::Char(' '), _) | (Code::Char('d'), true) => step(&mut self.top, &mut self.from_end, 10),
            (Code::Home, _) => self.top = 0,
            (Code::End, _) => self.from_end = true,
            (Code::Char('y'), _) => {
                model.effect(Effect::Copy(self.text.clone()));
                model.say("copied", Role::Ok);
            }
            (Code::Esc | Code::Enter | Code::Char('q') | Code::Backspace, _) => return Flow::Close,
            _ => {}
        }
        Flow::Stay
    }

    /// Draws the text.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let width = area.width.saturating_sub(8).min(110);
        let lines: Vec<String> = self.text.lines().flat_map(|l| wrap(&clean(l), width)).collect();
        let widest = lines.iter().map(|l| cells(l.trim_end())).max().unwrap_or(0);
        let width = widest.max(cells(&self.title) + 4).clamp(44.min(width), width);
        let height = (lines.len() as u16).min(area.height.saturating_sub(4)).max(1);
        let all: &[(&str, &str)] = &[("esc", "close"), ("y", "copy"), ("down", "more")];
        let hints = if lines.len() as u16 > height { all } else { &all[..2] };
        let inside = frame::open(canvas, area, (width, height), &self.title, self.edge, hints);
        let last = lines.len().saturating_sub(usize::from(inside.height));
        let top = if self.from_end { last } else { self.top.min(last) };
        for (row, line) in lines.iter().skip(top).take(usize::from(inside.height)).enumerate() {
            canvas.text(inside.x, inside.y + row as u16, inside.width, line, role_of(line));
        }
    }
}

/// Lines that tell how something went stand out.
fn role_of(line: &str) -> Role {
    let word = |w: &str| line.starts_with(w) || line.contains(&format!("   {w}   "));
    if word("failed") || word("got ") || word("unreachable") {
        Role::Failed
    } else if word("changed") {
        Role::Changed
    } else if word("next ") {
        Role::Strong
    } else {
        Role::Text
    }
}
