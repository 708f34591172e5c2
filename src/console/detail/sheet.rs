//! Lines in the making: facts, titles, and lines that lead somewhere.

use crate::console::theme::Role;
use crate::console::widgets::canvas::cells;
use crate::console::widgets::log::Line;

use super::jump::Jump;

/// Cells of a fact's name.
const NAME: u16 = 12;

/// Lines, and where those lead that lead somewhere.
#[derive(Debug, Default)]
pub struct Sheet {
    pub lines: Vec<Line>,
    pub jumps: Vec<Jump>,
}

impl Sheet {
    /// A name and what it says; more lines stand below the first.
    pub fn fact(&mut self, name: &str, value: impl AsRef<str>, role: Role) {
        let mut name = name;
        for line in value.as_ref().lines() {
            self.lines.push(Line::rich([(pad(name, NAME).as_str(), Role::Title), (line, role)]));
            name = "";
        }
    }

    /// The same, when there is something to say.
    pub fn maybe(&mut self, name: &str, value: Option<impl AsRef<str>>, role: Role) {
        if let Some(value) = value {
            self.fact(name, value, role);
        }
    }

    /// A fact that leads to what it names.
    pub fn fact_to(&mut self, name: &str, value: impl AsRef<str>, jump: Jump) {
        let line = Line::rich([(pad(name, NAME).as_str(), Role::Title), ("→ ", Role::Dim), (value.as_ref(), Role::Accent)]);
        self.push(line, jump);
    }

    /// A heading, with an empty line above.
    pub fn title(&mut self, text: &str) {
        self.blank();
        self.lines.push(Line::rich([(text, Role::Title)]));
    }

    /// A line.
    pub fn text(&mut self, text: impl AsRef<str>, role: Role) {
        text.as_ref().lines().for_each(|line| self.lines.push(Line::rich([(line, role)])));
    }

    /// A line in pieces.
    pub fn rich<'a>(&mut self, pieces: impl IntoIterator<Item = (&'a str, Role)>) {
        self.lines.push(Line::rich(pieces));
    }

    /// A line in pieces that leads somewhere.
    pub fn rich_to<'a>(&mut self, pieces: impl IntoIterator<Item = (&'a str, Role)>, jump: Jump) {
        self.push(Line::rich(pieces), jump);
    }

    /// `→ the output where it happened`.
    pub fn link(&mut self, text: impl AsRef<str>, jump: Jump) {
        self.push(Line::rich([("→ ", Role::Dim), (text.as_ref(), Role::Accent)]), jump);
    }

    /// [`Sheet::link`] below a cause.
    pub fn sublink(&mut self, text: impl AsRef<str>, jump: Jump) {
        self.push(Line::rich([("    → ", Role::Dim), (text.as_ref(), Role::Accent)]), jump);
    }

    /// An empty line, but not at the top nor twice.
    pub fn blank(&mut self) {
        if self.lines.last().is_some_and(|line| !line.text().is_empty()) {
            self.lines.push(Line::default());
        }
    }

    fn push(&mut self, line: Line, jump: Jump) {
        let number = u32::try_from(self.jumps.len()).unwrap_or(u32::MAX);
        self.jumps.push(jump);
        self.lines.push(line.to(number));
    }
}

/// A text that takes at least so many cells, with two behind it.
pub fn pad(text: &str, width: u16) -> String {
    let spaces = width.saturating_sub(cells(text)).max(if text.is_empty() { 0 } else { 2 });
    format!("{text}{}", " ".repeat(usize::from(spaces)))
}

/// The end of a text in exactly so many cells, with an ellipsis before it when it is longer.
pub fn tail_column(text: &str, width: u16, ellipsis: &str) -> String {
    let mut rest = text;
    while cells(rest) + cells(ellipsis) > width
        && cells(text) > width
        && let Some(c) = rest.chars().next()
    {
        rest = &rest[c.len_utf8()..];
    }
    let cut = if rest.len() < text.len() { ellipsis } else { "" };
    column(&format!("{cut}{rest}"), width, ellipsis)
}

/// A text in exactly so many cells, with an ellipsis when it is longer.
pub fn column(text: &str, width: u16, ellipsis: &str) -> String {
    let text = crate::model::text::clean(text);
    let short = crate::console::widgets::canvas::fit(&text, width, ellipsis);
    let spaces = width.saturating_sub(cells(&short));
    format!("{short}{}", " ".repeat(usize::from(spaces)))
}
