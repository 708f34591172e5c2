//! Which playbooks to run on a cluster, and how.

use ratatui::layout::Rect;

use crate::console::input::{Code, Key};
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::field::Field;
use crate::model::spec::PlaybookSpec;
use crate::model::{Cluster, ClusterId};
use crate::protocol::Command;

use super::{Flow, Layer, PlanLayer, frame};

/// The choice.
pub struct PlaybookLayer {
    cluster: ClusterId,
    cluster_name: String,
    base_dir: String,
    /// Those of the spec.
    of_spec: Vec<PlaybookSpec>,
    /// 0: all of the spec; then each; then another file.
    selected: usize,
    /// Row with the focus: 0 the list, then the fields.
    focus: usize,
    path: Field,
    limit: Field,
    tags: Field,
    check: bool,
}

const LIST: usize = 0;
const FILE: usize = 1;
const LIMIT: usize = 2;
const TAGS: usize = 3;
const CHECK: usize = 4;

impl PlaybookLayer {
    /// The choice for a cluster.
    pub fn new(cluster: &Cluster) -> Self {
        let of_spec: Vec<PlaybookSpec> = cluster.spec.playbooks.iter().map(|p| p.spec()).collect();
        Self {
            cluster: cluster.id,
            cluster_name: cluster.name.clone(),
            base_dir: cluster.base_dir.clone(),
            selected: 0,
            focus: if of_spec.is_empty() { FILE } else { LIST },
            of_spec,
            path: Field::default(),
            limit: Field::default(),
            tags: Field::default(),
            check: false,
        }
    }

    fn choices(&self) -> Vec<String> {
        let mut out = Vec::new();
        match self.of_spec.len() {
            0 => {}
            1 => out.push(self.of_spec[0].path.clone()),
            n => {
                out.push(format!("all {n} of the spec, in order"));
                out.extend(self.of_spec.iter().map(|p| p.path.clone()));
            }
        }
        out.push("another file".to_owned());
        out
    }

    fn another_file(&self) -> bool {
        self.selected + 1 == self.choices().len()
    }

    fn fields(&self) -> Vec<usize> {
        (LIST..=CHECK).filter(|f| *f != FILE || self.another_file()).collect()
    }

    /// Chooses, types, goes on.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        let fields = self.fields();
        let at = fields.iter().position(|f| *f == self.focus).unwrap_or(0);
        match key.code {
            Code::Esc => return Flow::Close,
            Code::Tab if key.shift => self.focus = fields[(at + fields.len() - 1) % fields.len()],
            Code::Tab => self.focus = fields[(at + 1) % fields.len()],
            Code::Up if self.focus == LIST => self.selected = self.selected.saturating_sub(1),
            Code::Down if self.focus == LIST && !self.another_file() => self.selected += 1,
            Code::Up => self.focus = fields[at.saturating_sub(1)],
            Code::Down => self.focus = fields[(at + 1).min(fields.len() - 1)],
            Code::Enter if self.another_file() && self.path.text().trim().is_empty() => self.focus = FILE,
            Code::Enter => self.go_on(model),
            Code::Char(' ') if self.focus == CHECK => self.check = !self.check,
            _ => {
                if let Some(field) = self.field() {
                    field.key(key);
                }
            }
        }
        Flow::Stay
    }

    fn field(&mut self) -> Option<&mut Field> {
        match self.focus {
            FILE => Some(&mut self.path),
            LIMIT => Some(&mut self.limit),
            TAGS => Some(&mut self.tags),
            _ => None,
        }
    }

    fn go_on(&mut self, model: &mut Model) {
        let mut playbooks = if self.another_file() {
            vec![PlaybookSpec { path: self.path.text().trim().to_owned(), ..PlaybookSpec::default() }]
        } else if self.of_spec.len() > 1 && self.selected > 0 {
            vec![self.of_spec[self.selected - 1].clone()]
        } else {
            self.of_spec.clone()
        };
        let limit = Some(self.limit.text().trim().to_owned()).filter(|l| !l.is_empty());
        let tags = self.tags.text().split([',', ' ']).filter(|t| !t.is_empty()).map(str::to_owned);
        let tags: Vec<String> = tags.collect();
        for playbook in &mut playbooks {
            if limit.is_some() {
                playbook.limit.clone_from(&limit);
            }
            if !tags.is_empty() {
                playbook.tags.clone_from(&tags);
            }
            playbook.check |= self.check;
        }
        let base_dir = if self.another_file() { model.me.cwd.clone() } else { self.base_dir.clone() };
        let command = Command::PlanPlaybook { cluster: self.cluster, playbooks, base_dir };
        let layer = PlanLayer::ask(model, format!("playbook on {}", self.cluster_name), command);
        model.layers.push(Layer::Plan(Box::new(layer)));
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        if let Some(field) = self.field() {
            field.insert(text);
        }
    }

    /// Draws the choice.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let choices = self.choices();
        let fields = self.fields();
        let height = choices.len() as u16 + fields.len() as u16 + 1;
        let hints = [("enter", "plan it"), ("tab", "next field"), ("esc", "back")];
        let title = format!("run a playbook on {}", self.cluster_name);
        let inside = frame::open(canvas, area, (area.width.saturating_sub(8).min(72), height), &title, Role::LayerEdge, &hints);
        let rows = choices.len().min(usize::from(inside.height.saturating_sub(fields.len() as u16)).max(1));
        let first = (self.selected + 1).saturating_sub(rows);
        for (row, (i, choice)) in choices.iter().enumerate().skip(first).take(rows).enumerate() {
            let y = inside.y + row as u16;
            if i == self.selected {
                let focused = self.focus == LIST;
                canvas.tint(Rect { y, height: 1, ..inside }, if focused { Role::Selected } else { Role::SelectedDim });
                canvas.glyph(inside.x, y, Glyph::Selected, if focused { Role::Accent } else { Role::Dim });
            }
            canvas.text(inside.x + 2, y, inside.width.saturating_sub(2), choice, Role::Text);
        }
        let below = inside.y + rows as u16 + 1..;
        for (y, &field) in below.zip(fields.iter().filter(|f| **f != LIST)) {
            if y >= inside.bottom() {
                break;
            }
            let label = ["", "file", "only hosts", "only tags", "check only"][field];
            let focused = self.focus == field;
            canvas.text(inside.x + 2, y, 12, label, if focused { Role::Accent } else { Role::Dim });
            let place = Rect { x: inside.x + 14, y, width: inside.width.saturating_sub(14), height: 1 };
            match field {
                FILE => self.path.draw(canvas, place, focused),
                LIMIT => self.limit.draw(canvas, place, focused),
                TAGS => self.tags.draw(canvas, place, focused),
                _ => {
                    let text = if self.check { "yes: change nothing, only report" } else { "no" };
                    canvas.text(place.x, y, place.width, text, if focused { Role::Strong } else { Role::Text });
                }
            }
        }
    }
}
