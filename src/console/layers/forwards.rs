//! The ports that are forwarded, and closing one.

use ratatui::layout::Rect;

use crate::console::input::{Code, Key};
use crate::console::msg::{Effect, Goal, Slot, Source};
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::{Canvas, cells};
use crate::console::words;
use crate::model::Forward;
use crate::model::text::clean;
use crate::protocol::Command;

use super::{Flow, frame};

/// The forwards, and which of them is selected.
pub struct ForwardsLayer {
    /// Its number.
    selected: u64,
}

impl ForwardsLayer {
    /// The newest is selected.
    pub fn new(model: &Model) -> Self {
        Self { selected: model.mirror.forwards.last().map_or(0, |forward| forward.number) }
    }

    fn place(&self, all: &[Forward]) -> usize {
        // One that was closed leaves its place to the next.
        all.iter().position(|forward| forward.number >= self.selected).unwrap_or(all.len().saturating_sub(1))
    }

    /// Moves, closes, copies.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        let place = self.place(&model.mirror.forwards);
        let last = model.mirror.forwards.len().saturating_sub(1);
        let to = match key.code {
            Code::Esc | Code::Backspace | Code::Char('q') => return Flow::Close,
            Code::Up | Code::Char('k') => place.saturating_sub(1),
            Code::Down | Code::Char('j') => (place + 1).min(last),
            Code::Home => 0,
            Code::End => last,
            Code::Char('y') | Code::Enter => {
                if let Some(forward) = model.mirror.forwards.get(place) {
                    let source = Source::Text(forward.address());
                    model.effect(Effect::Take { title: "forward".to_owned(), source, goal: Goal::Clipboard });
                }
                place
            }
            Code::Char('D' | 'x') | Code::Delete => {
                close(model, place);
                place
            }
            _ => place,
        };
        self.selected = model.mirror.forwards.get(to).map_or(0, |forward| forward.number);
        Flow::Stay
    }

    /// Draws one line for each, and why the selected one does not do.
    pub fn draw(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        let all = &model.mirror.forwards;
        let place = self.place(all);
        let width = area.width.saturating_sub(8).min(110);
        let why = all.get(place).and_then(|forward| forward.failure.as_ref()).map(|failure| clean(&failure.line()).into_owned());
        let more = if why.is_some() { 2 } else { 0 };
        let height = (all.len().max(1) as u16 + more).min(area.height.saturating_sub(6).max(1));
        let title = format!("{} forwarded", words::many(all.len() as u64, "port"));
        let hints: &[(&str, &str)] =
            if all.is_empty() { &[("esc", "close")] } else { &[("y", "copy the address"), ("D", "close it"), ("esc", "back")] };
        let inside = frame::open(canvas, area, (width, height), &title, Role::LayerEdge, hints);
        if all.is_empty() {
            canvas.text(inside.x + 2, inside.y, inside.width - 2, "F on a node or server forwards a port to it", Role::Dim);
            return;
        }
        let rows = usize::from(inside.height.saturating_sub(more).max(1));
        let top = (place + 1).saturating_sub(rows);
        let widest =
            |text: fn(&Forward) -> String| all.iter().map(|one| cells(&text(one))).max().unwrap_or(0).min(inside.width / 3);
        let widths = (widest(name), widest(far));
        for (row, (i, one)) in all.iter().enumerate().skip(top).take(rows).enumerate() {
            let line = Rect { y: inside.y + row as u16, height: 1, ..inside };
            if i == place {
                canvas.tint(line, Role::Selected);
                canvas.glyph(line.x, line.y, Glyph::Selected, Role::Accent);
            }
            draw_one(model, canvas, line, widths, one);
        }
        if let Some(why) = why
            && inside.height > 2
        {
            canvas.text(inside.x + 2, inside.bottom() - 1, inside.width - 2, &why, Role::Failed);
        }
    }
}

/// The one at this place is closed; what is connected through it is cut.
fn close(model: &mut Model, place: usize) {
    let Some(forward) = model.mirror.forwards.get(place) else { return };
    let (number, address) = (forward.number, forward.address());
    match model.why_only_looking() {
        Some(why) => model.say(why, Role::Warn),
        None => model.request(Slot::Act(format!("close {address}")), Command::ForwardClose { number }),
    }
}

fn name(one: &Forward) -> String {
    clean(&one.name).into_owned()
}

fn far(one: &Forward) -> String {
    clean(&one.route.far()).into_owned()
}

/// `● 127.0.0.1:8080  lab/node-1  localhost:80   2 open  14 in all   12 MiB in  1 MiB out   ana`
fn draw_one(model: &Model, canvas: &mut Canvas<'_>, line: Rect, widths: (u16, u16), one: &Forward) {
    let (glyph, role) = match (&one.failure, one.open) {
        (Some(_), _) => (Glyph::Failed, Role::Failed),
        (None, 0) => (Glyph::On, Role::Dim),
        (None, _) => (Glyph::Busy, Role::Running),
    };
    let end = line.right();
    let mut x = line.x + 2;
    canvas.glyph(x, line.y, glyph, role);
    x += 2;
    canvas.text(x, line.y, 15, &one.address(), Role::Strong);
    x += 17;
    canvas.text(x, line.y, widths.0.min(end.saturating_sub(x)), &name(one), Role::Text);
    x += widths.0 + 2;
    canvas.text(x, line.y, widths.1.min(end.saturating_sub(x)), &far(one), Role::Text);
    x += widths.1 + 2;
    let mut says = match one.total {
        0 => "not used so far".to_owned(),
        total => format!("{} open, {} in all", one.open, words::count(total)),
    };
    if one.total > 0 && line.width >= 90 {
        says = format!("{says}   {} in, {} out", words::bytes(one.received), words::bytes(one.sent));
    }
    x += canvas.text(x, line.y, end.saturating_sub(x), &says, Role::Dim) + 2;
    if line.width >= 100 {
        let by = format!("{} {}", clean(&one.by), words::when(model.now, one.since, &model.zone));
        canvas.right(x, line.y, end.saturating_sub(x), &by, Role::Faint);
    }
}
