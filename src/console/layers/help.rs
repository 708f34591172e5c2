//! Help: every key that counts here, from the keymap as it is. What cannot be done now is grey and says why.

use ratatui::layout::Rect;

use crate::console::action::{Action, Group, Offer};
use crate::console::custom;
use crate::console::input::{Code, Key};
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::update::offers;
use crate::console::widgets::canvas::{Canvas, cells};

use super::{Flow, frame};

/// Help, scrolled down by so many lines.
#[derive(Default)]
pub struct Help {
    top: usize,
}

impl Help {
    /// Scrolls, or closes.
    pub fn key(&mut self, key: Key) -> Flow {
        match key.code {
            Code::Up | Code::Char('k') => self.top = self.top.saturating_sub(1),
            Code::Down | Code::Char('j') => self.top += 1,
            Code::PageUp => self.top = self.top.saturating_sub(10),
            Code::PageDown | Code::Char(' ') => self.top += 10,
            Code::Home => self.top = 0,
            _ => return Flow::Close,
        }
        Flow::Stay
    }

    /// Draws the keys in groups.
    pub fn draw(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        let lines = lines(model);
        let width = area.width.saturating_sub(8).min(84);
        let height = (lines.len() as u16).min(area.height.saturating_sub(4));
        let place = match (model.text(), &model.run) {
            (Some(_), _) => "a text",
            (None, _) if model.wizard().is_some() => "the set-up",
            (None, Some(_)) => "a run",
            (None, None) => model.tab.name(),
        };
        let hints = [("esc", "close"), ("down", "more")];
        let shown = if lines.len() as u16 > height { &hints[..] } else { &hints[..1] };
        let inside = frame::open(canvas, area, (width, height), &format!("keys for {place}"), Role::LayerEdge, shown);
        let top = self.top.min(lines.len().saturating_sub(usize::from(inside.height)));
        let key_width = lines.iter().map(|l| cells(&l.keys)).max().unwrap_or(0).clamp(8, 18);
        for (row, line) in lines.iter().skip(top).take(usize::from(inside.height)).enumerate() {
            let y = inside.y + row as u16;
            if line.title {
                canvas.text(inside.x, y, inside.width, &line.keys, Role::Title);
                continue;
            }
            let (key, what) = if line.why_not.is_some() { (Role::Disabled, Role::Disabled) } else { (Role::Key, Role::Text) };
            canvas.text(inside.x, y, key_width, &line.keys, key);
            let x = inside.x + key_width + 2;
            let room = inside.width.saturating_sub(key_width + 2);
            let used = canvas.text(x, y, room, &line.does, what);
            if let Some(why) = &line.why_not {
                canvas.text(x + used, y, room.saturating_sub(used), &format!("  {why}"), Role::Disabled);
            }
        }
    }
}

struct Line {
    keys: String,
    does: String,
    why_not: Option<String>,
    title: bool,
}

/// One's own commands that have a key.
fn own(model: &Model, contexts: &[&str]) -> Vec<Line> {
    let line = |fit: custom::Fit| {
        let keys = model.keymap.key_of_line(contexts, &custom::line(&fit.command))?;
        Some(Line { keys, does: format!("{}: {}", fit.command.name, fit.says()), why_not: fit.why_not, title: false })
    };
    custom::fitting(model).into_iter().filter_map(line).collect()
}

fn lines(model: &Model) -> Vec<Line> {
    let contexts = model.contexts();
    let offers = offers(model);
    let mut out = Vec::new();
    for (group, title) in
        [(Group::Here, "HERE"), (Group::List, "IN A LIST"), (Group::Output, "IN THE OUTPUT"), (Group::Everywhere, "EVERYWHERE")]
    {
        let here: Vec<&Offer> = offers.iter().filter(|o| o.action.group() == group).collect();
        let mut rows: Vec<Line> = here
            .into_iter()
            .filter_map(|offer| {
                let keys = model.keymap.keys_of(&contexts, offer.action);
                let does = Action::does(offer.action).to_owned();
                (!keys.is_empty()).then(|| Line { keys: keys.join("  "), does, why_not: offer.why_not.clone(), title: false })
            })
            .collect();
        if group == Group::Here {
            rows.extend(own(model, &contexts));
        }
        if rows.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(Line { keys: String::new(), does: String::new(), why_not: None, title: true });
        }
        out.push(Line { keys: title.to_owned(), does: String::new(), why_not: None, title: true });
        out.extend(rows);
    }
    out
}
