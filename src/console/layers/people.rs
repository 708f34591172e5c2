//! Who is connected, since when, and what each looks at; `enter` follows one of them.

use ratatui::layout::Rect;

use crate::console::input::{Code, Key};
use crate::console::people;
use crate::console::rails;
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::{Canvas, cells};
use crate::console::words;
use crate::protocol::live::Present;
use crate::protocol::{ClientKind, Role as Seat};

use super::{Flow, frame};

/// The people, and who of them is selected.
pub struct PeopleLayer {
    /// Number of a session.
    selected: u64,
}

/// Everybody: oneself last, operators before watchers, who came first before who came later.
fn everybody(model: &Model) -> Vec<&Present> {
    let mut all: Vec<&Present> = model.mirror.present.iter().collect();
    all.sort_by_key(|one| (one.session == model.people.me, one.role == Seat::Watcher, one.since, one.session));
    all
}

impl PeopleLayer {
    /// The first of them, or who is followed, is selected.
    pub fn new(model: &Model) -> Self {
        let followed = model.people.following.as_ref().map(|following| following.session);
        let first = || everybody(model).first().map_or(0, |one| one.session);
        Self { selected: followed.unwrap_or_else(first) }
    }

    fn place(&self, all: &[&Present]) -> usize {
        all.iter().position(|one| one.session == self.selected).unwrap_or(0)
    }

    /// Moves, follows, no longer follows.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        let all = everybody(model);
        let (place, last) = (self.place(&all), all.len().saturating_sub(1));
        let to = match key.code {
            Code::Esc | Code::Backspace | Code::Char('q') => return Flow::Close,
            Code::Up | Code::Char('k') => place.saturating_sub(1),
            Code::Down | Code::Char('j') => (place + 1).min(last),
            Code::Home => 0,
            Code::End => last,
            Code::Char('u') => {
                people::unfollow(model);
                return Flow::Stay;
            }
            Code::Enter | Code::Char('f') => {
                let Some(session) = all.get(place).map(|one| one.session) else { return Flow::Stay };
                return match people::follow(model, session) {
                    Ok(()) => Flow::Close,
                    Err(why) => {
                        model.say(why, Role::Warn);
                        Flow::Stay
                    }
                };
            }
            _ => place,
        };
        self.selected = all.get(to).map_or(0, |one| one.session);
        Flow::Stay
    }

    /// Draws one line for each.
    pub fn draw(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        let all = everybody(model);
        let place = self.place(&all);
        let width = area.width.saturating_sub(8).min(110);
        let height = (all.len() as u16).clamp(1, area.height.saturating_sub(6).max(1));
        let mut hints = vec![("enter", "follow")];
        if model.people.following.is_some() {
            hints.push(("u", "follow no longer"));
        }
        hints.push(("esc", "close"));
        let title = format!("{} here", if all.len() == 1 { "1 is".to_owned() } else { format!("{} are", all.len()) });
        let inside = frame::open(canvas, area, (width, height), &title, Role::LayerEdge, &hints);
        let rows = usize::from(inside.height);
        let top = (place + 1).saturating_sub(rows);
        let widest = all.iter().map(|one| cells(&name(model, one))).max().unwrap_or(0).min(inside.width / 3);
        for (row, (i, one)) in all.iter().enumerate().skip(top).take(rows).enumerate() {
            let line = Rect { y: inside.y + row as u16, height: 1, ..inside };
            if i == place {
                canvas.tint(line, Role::Selected);
                canvas.glyph(line.x, line.y, Glyph::Selected, Role::Accent);
            }
            draw_one(model, canvas, line, widest, one);
        }
    }
}

fn name(model: &Model, one: &Present) -> String {
    if one.session == model.people.me { format!("{} (you)", one.operator) } else { one.operator.clone() }
}

/// `ana   operator  console  14:50   runs/43/output   follows ben   10.0.0.7`
fn draw_one(model: &Model, canvas: &mut Canvas<'_>, line: Rect, widest: u16, one: &Present) {
    let wide = line.width >= 90;
    let mut x = line.x + 2;
    let role = if one.session == model.people.me { Role::Text } else { Role::Strong };
    canvas.text(x, line.y, widest, &name(model, one), role);
    x += widest + 2;
    let (seat, role) = match (one.role, one.read_only) {
        (Seat::Watcher, _) => ("watches", Role::Dim),
        (Seat::Operator, true) => ("read-only", Role::Dim),
        (Seat::Operator, false) => ("operator", Role::Text),
    };
    canvas.text(x, line.y, 9, seat, role);
    x += 11;
    if wide {
        let kind = match one.kind {
            ClientKind::Console => "console",
            ClientKind::Cli => "command",
            ClientKind::Test => "test",
        };
        canvas.text(x, line.y, 8, kind, Role::Dim);
        x += 9;
        // As wide as the longest form of a time.
        canvas.text(x, line.y, 10, &words::when(model.now, one.since, &model.zone), Role::Dim);
        x += 12;
    }
    let end = line.right();
    let from = one.from.as_deref().filter(|_| wide).unwrap_or_default();
    canvas.right(line.x, line.y, line.width, from, Role::Faint);
    let end = end.saturating_sub(if from.is_empty() { 0 } else { cells(from) + 2 });
    let Some(view) = &one.view else { return };
    x += canvas.text(x, line.y, end.saturating_sub(x), &view.to_string(), Role::Text) + 2;
    if rails::view_is_prod(model, view) {
        x += canvas.text(x, line.y, end.saturating_sub(x), "PROD", Role::Danger) + 2;
    }
    if let Some(other) = view.follows.and_then(|other| model.mirror.present.iter().find(|one| one.session == other)) {
        let text = format!("follows {}", if other.session == model.people.me { "you" } else { &other.operator });
        canvas.text(x, line.y, end.saturating_sub(x), &text, Role::Accent);
    }
}
