//! How an action on several things goes: each with its result, as it comes.

use ratatui::layout::Rect;

use crate::console::bulk::{self, Bulk, Item, State};
use crate::console::input::{Code, Key};
use crate::console::msg::{Effect, Goal, Source};
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::{Canvas, cells};
use crate::console::words;

use super::{Flow, TextLayer, frame};

/// Which result is looked at.
#[derive(Default)]
pub struct BulkLayer {
    selected: usize,
}

impl BulkLayer {
    /// Moves, explains a failure, tries again, leaves the rest out.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        let count = model.bulk.as_ref().map_or(0, |b| b.items.len());
        let last = count.saturating_sub(1);
        match key.code {
            Code::Esc | Code::Backspace | Code::Char('q') => return Flow::Close,
            Code::Up | Code::Char('k') => self.selected = self.selected.saturating_sub(1),
            Code::Down | Code::Char('j') => self.selected = (self.selected + 1).min(last),
            Code::PageUp => self.selected = self.selected.saturating_sub(10),
            Code::PageDown => self.selected = (self.selected + 10).min(last),
            Code::Home => self.selected = 0,
            Code::End => self.selected = last,
            Code::Char('n') => self.next_failed(model),
            Code::Char('r') => bulk::again(model),
            Code::Char('c') => bulk::stop(model),
            Code::Char('y') => {
                if let Some(bulk) = &model.bulk {
                    let lines: Vec<String> = bulk.items.iter().map(|i| format!("{}\t{}", i.name, said(i).2)).collect();
                    let (title, source) = (bulk.title.clone(), Source::Text(lines.join("\n")));
                    model.effect(Effect::Take { title, source, goal: Goal::Clipboard });
                }
            }
            Code::Enter => {
                let item = model.bulk.as_ref().and_then(|b| b.items.get(self.selected));
                if let Some(State::Failed(failure)) = item.map(|i| &i.state) {
                    let layer = TextLayer::failure(failure);
                    model.show_text(layer);
                }
            }
            _ => {}
        }
        Flow::Stay
    }

    fn next_failed(&mut self, model: &Model) {
        let Some(bulk) = &model.bulk else { return };
        let count = bulk.items.len();
        let places = (1..=count).map(|by| (self.selected + by) % count);
        if let Some(place) = places.into_iter().find(|&i| matches!(bulk.items[i].state, State::Failed(_))) {
            self.selected = place;
        }
    }

    /// Draws the results.
    pub fn draw(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        let Some(bulk) = &model.bulk else { return };
        let width = area.width.saturating_sub(8).min(100);
        let height = (bulk.items.len() as u16).saturating_add(2).min(area.height.saturating_sub(4)).max(4);
        let (_, failed) = bulk.counts();
        let mut hints = Vec::new();
        if matches!(bulk.items.get(self.selected).map(|i| &i.state), Some(State::Failed(_))) {
            hints.push(("enter", "why"));
        }
        if failed > 0 {
            hints.extend([("n", "next failed"), ("r", "try failed again")]);
        }
        if bulk.pending() > 0 {
            hints.push(("c", "leave the rest"));
        }
        hints.extend([("y", "copy"), ("esc", if bulk.ended.is_some() { "close" } else { "close, it goes on" })]);
        let edge = if failed > 0 { Role::Danger } else { Role::LayerEdge };
        let inside = frame::open(canvas, area, (width, height), &bulk.title, edge, &hints);
        draw_head(bulk, canvas, inside);
        let rows = usize::from(inside.height.saturating_sub(2));
        let top = (self.selected + 1).saturating_sub(rows);
        let widest = bulk.items.iter().map(|i| cells(&i.name)).max().unwrap_or(0).clamp(8, inside.width / 3);
        for (row, (i, item)) in bulk.items.iter().enumerate().skip(top).take(rows).enumerate() {
            let line = Rect { y: inside.y + 2 + row as u16, height: 1, ..inside };
            if i == self.selected {
                canvas.tint(line, Role::Selected);
                canvas.glyph(line.x, line.y, Glyph::Selected, Role::Accent);
            }
            let (glyph, role, text) = said(item);
            canvas.glyph(line.x + 2, line.y, glyph, role);
            canvas.text(line.x + 4, line.y, widest, &item.name, Role::Text);
            let x = line.x + 4 + widest + 2;
            let mut room = line.right().saturating_sub(x);
            // How it is by now, where the list knows it.
            if let Some(server) = model.server(&item.id).filter(|_| room > 40) {
                let (glyph, role) = words::server_status(&server.status);
                let status = format!("{} {}", canvas.theme.glyph(glyph), server.status);
                canvas.right(x, line.y, room, &status, role);
                room = room.saturating_sub(cells(&status) + 2);
            }
            canvas.text(x, line.y, room, &text, role);
        }
    }
}

/// `▰▰▰▰▱▱▱▱   7 of 12   2 failed`
fn draw_head(bulk: &Bulk, canvas: &mut Canvas<'_>, area: Rect) {
    let (done, failed) = bulk.counts();
    let total = bulk.items.len();
    canvas.gauge(area.x + 2, area.y, 16, done as u64, total as u64, false);
    let mut x = area.x + 20;
    x += canvas.text(x, area.y, 20, &format!("{done} of {total}"), Role::Text) + 3;
    if failed > 0 {
        x += canvas.text(x, area.y, 20, &format!("{failed} failed"), Role::Failed) + 3;
    }
    let skipped = bulk.items.iter().filter(|i| i.state == State::Skipped).count();
    if skipped > 0 {
        canvas.text(x, area.y, 20, &format!("{skipped} left out"), Role::Skipped);
    }
}

fn said(item: &Item) -> (Glyph, Role, String) {
    match &item.state {
        State::Pending => (Glyph::Pending, Role::Pending, "waiting".to_owned()),
        State::Running => (Glyph::Busy, Role::Running, "under way".to_owned()),
        State::Done(text) if text.is_empty() => (Glyph::Done, Role::Ok, "done".to_owned()),
        State::Done(text) => (Glyph::Done, Role::Ok, format!("done: {text}")),
        State::Failed(failure) => (Glyph::Failed, Role::Failed, failure.got.lines().next().unwrap_or_default().to_owned()),
        State::Skipped => (Glyph::Skipped, Role::Skipped, "left out".to_owned()),
    }
}
