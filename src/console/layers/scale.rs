//! More or fewer nodes: the groups of a cluster with their counts.

use std::collections::BTreeMap;

use ratatui::layout::Rect;

use crate::console::input::{Code, Key};
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::Canvas;
use crate::model::{Cluster, ClusterId};
use crate::protocol::Command;

use super::{Flow, Layer, PlanLayer, frame};

/// Most nodes of a group.
const MOST: u32 = 1000;

struct Group {
    name: String,
    now: u32,
    want: u32,
}

/// The counts being chosen.
pub struct Scale {
    cluster: ClusterId,
    cluster_name: String,
    groups: Vec<Group>,
    selected: usize,
}

impl Scale {
    /// The counts of a cluster.
    pub fn new(cluster: &Cluster) -> Self {
        let groups = cluster.spec.groups.iter().map(|(name, g)| Group { name: name.clone(), now: g.count, want: g.count });
        Self { cluster: cluster.id, cluster_name: cluster.name.clone(), groups: groups.collect(), selected: 0 }
    }

    /// Chooses and goes on.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        let last = self.groups.len().saturating_sub(1);
        let want = self.groups.get_mut(self.selected).map(|g| &mut g.want);
        match (key.code, want) {
            (Code::Esc, _) => return Flow::Close,
            (Code::Up, _) => self.selected = self.selected.saturating_sub(1),
            (Code::Down | Code::Tab, _) => self.selected = (self.selected + 1).min(last),
            (Code::Right | Code::Char('+' | '='), Some(want)) => *want = (*want + 1).min(MOST),
            (Code::Left | Code::Char('-'), Some(want)) => *want = want.saturating_sub(1),
            (Code::Backspace, Some(want)) => *want /= 10,
            (Code::Char(c), Some(want)) if c.is_ascii_digit() => {
                *want = (*want * 10 + c.to_digit(10).unwrap_or(0)).min(MOST);
            }
            (Code::Enter, _) => self.go_on(model),
            _ => {}
        }
        Flow::Stay
    }

    fn go_on(&mut self, model: &mut Model) {
        let counts: BTreeMap<String, u32> =
            self.groups.iter().filter(|g| g.want != g.now).map(|g| (g.name.clone(), g.want)).collect();
        if counts.is_empty() {
            model.say("nothing is different", Role::Dim);
            return;
        }
        let command = Command::PlanScale { cluster: self.cluster, counts };
        let layer = PlanLayer::ask(model, format!("scale {}", self.cluster_name), command);
        model.layers.push(Layer::Plan(Box::new(layer)));
    }

    /// Draws the groups.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let hints = [("enter", "plan it"), ("+ -", "more, fewer"), ("esc", "back")];
        let size = (area.width.saturating_sub(8).min(58), self.groups.len() as u16 + 1);
        let inside = frame::open(canvas, area, size, &format!("scale {}", self.cluster_name), Role::LayerEdge, &hints);
        for (i, group) in self.groups.iter().enumerate().take(usize::from(inside.height)) {
            let y = inside.y + i as u16;
            if i == self.selected {
                canvas.tint(Rect { y, height: 1, ..inside }, Role::Selected);
                canvas.glyph(inside.x, y, Glyph::Selected, Role::Accent);
            }
            canvas.text(inside.x + 2, y, inside.width.saturating_sub(30), &group.name, Role::Text);
            let at = inside.right().saturating_sub(28);
            canvas.right(at, y, 6, &group.now.to_string(), Role::Dim);
            canvas.glyph(at + 8, y, Glyph::Arrow, Role::Dim);
            let role = if group.want == group.now { Role::Text } else { Role::Strong };
            canvas.right(at + 10, y, 6, &group.want.to_string(), role);
            let difference = i64::from(group.want) - i64::from(group.now);
            if difference != 0 {
                let role = if difference > 0 { Role::Ok } else { Role::Warn };
                canvas.right(at + 18, y, 8, &format!("{difference:+}"), role);
            }
        }
    }
}
