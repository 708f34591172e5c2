//! The palette: find an action, a cluster or a run by its name.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::layout::Rect;

use crate::console::action::Action;
use crate::console::input::{Code, Key};
use crate::console::state::{Model, Tab};
use crate::console::theme::{Glyph, Role};
use crate::console::update::{act, offers, open_run};
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::field::Field;
use crate::model::{ClusterId, RunNo};

use super::{Flow, frame};

/// What is being looked for.
#[derive(Default)]
pub struct Palette {
    field: Field,
    selected: usize,
}

/// Something that can be found.
enum Target {
    Action(Action),
    Cluster(ClusterId),
    Run(RunNo),
}

struct Entry {
    name: String,
    says: String,
    why_not: Option<String>,
    target: Target,
}

impl Palette {
    /// Types, moves, or does what is selected.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        match (key.code, key.ctrl) {
            (Code::Esc, _) => return Flow::Close,
            (Code::Up, _) | (Code::Char('p'), true) => self.selected = self.selected.saturating_sub(1),
            (Code::Down, _) | (Code::Char('n'), true) => self.selected += 1,
            (Code::Enter, _) => {
                let entries = self.entries(model);
                let Some(entry) = entries.get(self.selected.min(entries.len().saturating_sub(1))) else { return Flow::Stay };
                match entry.target {
                    Target::Action(action) => act(model, action),
                    Target::Run(number) => open_run(model, number),
                    Target::Cluster(id) => {
                        model.run = None;
                        model.tab = Tab::Clusters;
                        model.touch(Tab::Clusters);
                        model.make_rows();
                        model.table_mut(Tab::Clusters).select(Some(&id.to_string()));
                    }
                }
                return Flow::Close;
            }
            _ => {
                self.field.key(key);
                self.selected = 0;
            }
        }
        Flow::Stay
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        self.field.insert(text);
        self.selected = 0;
    }

    /// What matches, best first; without words, the actions as they are offered.
    fn entries(&self, model: &Model) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for offer in offers(model) {
            if matches!(offer.action, Action::Palette | Action::Back) {
                continue;
            }
            let (name, says) = (offer.action.name().to_owned(), offer.action.does().to_owned());
            entries.push(Entry { name, says, why_not: offer.why_not, target: Target::Action(offer.action) });
        }
        if self.field.text().trim().is_empty() {
            return entries;
        }
        for (id, cluster) in model.mirror.clusters() {
            let name = format!("cluster {}", cluster.name);
            entries.push(Entry { name, says: cluster.state.to_string(), why_not: None, target: Target::Cluster(*id) });
        }
        for (number, run) in model.mirror.runs().iter().rev() {
            let name = format!("run {number} {}", run.title);
            entries.push(Entry { name, says: run.state.to_string(), why_not: None, target: Target::Run(*number) });
        }
        let pattern = Pattern::parse(self.field.text(), CaseMatching::Smart, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut letters = Vec::new();
        let mut scored: Vec<(u32, Entry)> = entries
            .into_iter()
            .filter_map(|e| pattern.score(Utf32Str::new(&e.name, &mut letters), &mut matcher).map(|score| (score, e)))
            .collect();
        scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        scored.into_iter().map(|(_, e)| e).collect()
    }

    /// Draws the line and what matches.
    pub fn draw(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        let height = area.height.saturating_sub(6).min(16);
        let hints = [("enter", "do it"), ("esc", "close")];
        let inside = frame::open(
            canvas,
            area,
            (area.width.saturating_sub(8).min(76), height),
            "find an action, a cluster, a run",
            Role::LayerEdge,
            &hints,
        );
        self.field.draw(canvas, inside, true);
        let entries = self.entries(model);
        let rows = usize::from(inside.height.saturating_sub(2));
        let selected = self.selected.min(entries.len().saturating_sub(1));
        let top = (selected + 1).saturating_sub(rows);
        let contexts = model.contexts();
        for (row, (i, entry)) in entries.iter().enumerate().skip(top).take(rows).enumerate() {
            let y = inside.y + 2 + row as u16;
            let line = Rect { y, height: 1, ..inside };
            if i == selected {
                canvas.tint(line, Role::Selected);
                canvas.glyph(line.x, y, Glyph::Selected, Role::Accent);
            }
            let role = if entry.why_not.is_some() { Role::Disabled } else { Role::Text };
            let name = line.width.saturating_sub(2).min(26);
            canvas.text(line.x + 2, y, name, &entry.name, role);
            let key = match entry.target {
                Target::Action(action) => model.keymap.key_of(&contexts, action).unwrap_or_default(),
                _ => String::new(),
            };
            canvas.right(line.x, y, line.width, &key, Role::Key);
            let room = line.width.saturating_sub(name + 6 + key.len() as u16);
            canvas.text(line.x + name + 4, y, room, entry.why_not.as_ref().unwrap_or(&entry.says), Role::Hint);
        }
        if entries.is_empty() {
            canvas.text(inside.x + 2, inside.y + 2, inside.width - 2, "nothing is called like that", Role::Dim);
        }
    }
}
