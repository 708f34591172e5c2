//! Page 5: who may look, and what keeps the engine running.

use std::path::PathBuf;

use crate::config::setup::WatchAnswer;
use crate::console::input::{Code, Key};
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::field::Field;
use crate::model::CloudName;

use super::Wizard;
use super::form::{Line, RowId, below, field};

/// Where the socket for watchers is proposed to be.
const WATCH_DIR: &str = "/srv/quarterdeck";

/// A row that is being typed into.
pub struct Typing {
    pub row: RowId,
    pub field: Field,
    /// What up and down go through.
    suggestions: Vec<String>,
}

impl Typing {
    /// Whether up and down do something.
    pub fn suggests(&self) -> bool {
        !self.suggestions.is_empty()
    }
}

impl Wizard {
    pub(super) fn safety_lines(&self, model: &Model, width: u16) -> Vec<Line> {
        let mut lines = self.watch_lines(model, width);
        lines.push(Line::gap());
        lines.extend(self.service_lines(model, width));
        lines
    }

    fn watch_lines(&self, _model: &Model, width: u16) -> Vec<Line> {
        let group = matches!(self.answers.watch, Some(WatchAnswer::Group { .. }));
        let value = if group { "a group" } else { "nobody" };
        let says = if group { "from accounts of their own, and change nothing" } else { "but this account" };
        let mut lines = field(&RowId::Watch, "may look", (value, Role::Strong), says, width);
        if let Some(WatchAnswer::Group { dir, group }) = &self.answers.watch {
            lines.extend(field(&RowId::WatchGroup, "  group", (group, Role::Strong), "", width));
            lines.extend(field(&RowId::WatchDir, "  folder", (&dir.to_string_lossy(), Role::Strong), "", width));
            if let Some(facts) = &self.facts
                && !facts.groups.contains(group)
            {
                let all = facts.groups.join(", ");
                lines.extend(below(&format!("this account is not in the group {group}; it is in {all}"), Role::Warn, width));
            }
            let how = "They set QUARTERDECK_WATCH to the folder; their commands and consoles then show this home.";
            lines.extend(below(how, Role::Dim, width));
        }
        lines
    }

    fn service_lines(&self, model: &Model, width: u16) -> Vec<Line> {
        let unit = self.answers.unit == Some(true);
        let Some(facts) = &self.facts else { return vec![Line::text("looking at systemd…", Role::Dim)] };
        let service = &facts.service;
        let (value, says) = match (unit, service.installed) {
            (true, _) => ("user unit", "systemd starts the engine with your session and after a crash"),
            (false, true) => ("as it is", "there is a user unit already"),
            (false, false) => ("by itself", "the first command starts the engine, and it stays until it is stopped"),
        };
        let mut lines = field(&RowId::Unit, "engine", (value, Role::Strong), says, width);
        if unit {
            lines.extend(below(&service.unit.display().to_string(), Role::Dim, width));
        }
        if unit && !service.systemd {
            lines.extend(below("there is no systemd user manager here: the unit waits for one", Role::Warn, width));
        }
        if service.ends_at_logout() {
            let glyph = model.theme.glyph(Glyph::Warn);
            let text =
                format!("{glyph} logind ends the engine and its runs when you log out; this keeps it: loginctl enable-linger");
            lines.extend(below(&text, Role::Warn, width));
        } else if service.lingers {
            lines.extend(below("it stays after logout: lingering is on", Role::Dim, width));
        }
        lines
    }

    /// The next or previous value of a row of this page.
    pub(super) fn change_safety(&mut self, model: &mut Model, row: &RowId) {
        match row {
            RowId::Watch => {
                self.answers.watch = match &self.answers.watch {
                    Some(WatchAnswer::Group { .. }) if self.begin.now.watch.is_some() => Some(WatchAnswer::Nobody),
                    Some(WatchAnswer::Group { .. }) => None,
                    _ => Some(self.begin.now.watch.clone().unwrap_or_else(|| WatchAnswer::Group {
                        dir: PathBuf::from(WATCH_DIR),
                        group: self.facts.as_ref().and_then(|facts| facts.groups.first().cloned()).unwrap_or_default(),
                    })),
                };
            }
            RowId::Unit => self.answers.unit = if self.answers.unit == Some(true) { None } else { Some(true) },
            RowId::WatchDir | RowId::WatchGroup => self.begin_typing(model, row.clone()),
            _ => {}
        }
    }

    /// Begins to type into a row.
    pub(super) fn begin_typing(&mut self, model: &Model, row: RowId) {
        let (text, suggestions) = match (&row, &self.answers.watch) {
            (RowId::WatchDir, Some(WatchAnswer::Group { dir, .. })) => (dir.to_string_lossy().into_owned(), Vec::new()),
            (RowId::WatchGroup, Some(WatchAnswer::Group { group, .. })) => {
                (group.clone(), self.facts.as_ref().map(|facts| facts.groups.clone()).unwrap_or_default())
            }
            (RowId::Cloud(name), _) if self.entry(model, name).is_some_and(|entry| entry.chosen && !entry.configured) => {
                (name.to_string(), Vec::new())
            }
            _ => return,
        };
        self.typing = Some(Typing { row, field: Field::new(&text), suggestions });
    }

    /// Types, takes or leaves.
    pub(super) fn type_key(&mut self, model: &mut Model, key: Key) {
        let Some(mut typing) = self.typing.take() else { return };
        match key.code {
            Code::Esc => return,
            Code::Enter | Code::Tab => return self.typed(model, &typing.row, typing.field.text()),
            Code::Up | Code::Down if typing.suggests() => {
                let at = typing.suggestions.iter().position(|word| word == typing.field.text());
                let count = typing.suggestions.len();
                let next = match (at, key.code) {
                    (None, _) => 0,
                    (Some(at), Code::Down) => (at + 1) % count,
                    (Some(at), _) => (at + count - 1) % count,
                };
                typing.field = Field::new(&typing.suggestions[next]);
            }
            _ => drop(typing.field.key(key)),
        }
        self.typing = Some(typing);
    }

    fn typed(&mut self, model: &mut Model, row: &RowId, text: &str) {
        let text = text.trim();
        match (row, &mut self.answers.watch) {
            (RowId::WatchDir, Some(WatchAnswer::Group { dir, .. })) => {
                if text.starts_with('/') {
                    *dir = PathBuf::from(text);
                } else {
                    model.say("a folder's path begins with /", Role::Warn);
                }
            }
            (RowId::WatchGroup, Some(WatchAnswer::Group { group, .. })) if !text.is_empty() => *group = text.to_owned(),
            (RowId::Cloud(name), _) => {
                let name: CloudName = name.clone();
                self.rename_cloud(model, &name, text);
            }
            _ => {}
        }
    }
}
