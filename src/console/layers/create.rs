//! A new cluster: from a blueprint, from a spec in a file, or from a spec written here.

use ratatui::layout::Rect;

use crate::console::input::{Code, Key};
use crate::console::msg::{Effect, Slot};
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::field::Field;
use crate::model::CloudName;
use crate::protocol::command::BlueprintInfo;
use crate::protocol::{Command, SpecSource};

use super::{Editor, Flow, Layer, PlanLayer, frame};

/// What an empty spec begins with.
const TEMPLATE: &str = "\
name: my-cluster
groups:
  nodes:
    count: 2
    flavor: small
    image: host
";

/// What is typed into.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Focus {
    List,
    Name,
    Cloud,
    Path,
}

/// The choice of where the spec comes from.
pub struct Create {
    blueprints: Option<Vec<BlueprintInfo>>,
    selected: usize,
    focus: Focus,
    name: Field,
    clouds: Vec<CloudName>,
    cloud: usize,
    path: Field,
}

impl Create {
    /// Asks for the blueprints.
    pub fn new(model: &mut Model) -> Self {
        model.request(Slot::Blueprints, Command::Blueprints);
        let clouds: Vec<CloudName> = model.mirror.clouds.iter().map(|c| c.info.name.clone()).collect();
        let main = model.main_cloud();
        let cloud = clouds.iter().position(|c| Some(c) == main.as_ref()).unwrap_or(0);
        Self { blueprints: None, selected: 0, focus: Focus::List, name: Field::default(), clouds, cloud, path: Field::default() }
    }

    /// The blueprints came.
    pub fn show(&mut self, blueprints: Vec<BlueprintInfo>) {
        self.blueprints = Some(blueprints);
        self.suggest_name();
    }

    fn count(&self) -> usize {
        self.blueprints.as_ref().map_or(0, Vec::len)
    }

    fn blueprint(&self) -> Option<&BlueprintInfo> {
        self.blueprints.as_ref()?.get(self.selected)
    }

    fn suggest_name(&mut self) {
        let name = self.blueprint().map(|b| b.name.clone()).unwrap_or_default();
        self.name = Field::new(&name);
    }

    fn on_file(&self) -> bool {
        self.selected == self.count()
    }

    /// The fields that can have the focus for what is selected.
    fn fields(&self) -> &'static [Focus] {
        if self.blueprint().is_some() {
            &[Focus::List, Focus::Name, Focus::Cloud]
        } else if self.on_file() {
            &[Focus::List, Focus::Path, Focus::Cloud]
        } else {
            &[Focus::List, Focus::Cloud]
        }
    }

    /// Chooses, types, goes on.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        let fields = self.fields();
        let at = fields.iter().position(|f| *f == self.focus).unwrap_or(0);
        match key.code {
            Code::Esc if self.focus == Focus::List => return Flow::Close,
            Code::Esc => self.focus = Focus::List,
            Code::Tab if key.shift => self.focus = fields[(at + fields.len() - 1) % fields.len()],
            Code::Tab => self.focus = fields[(at + 1) % fields.len()],
            Code::Up if self.focus == Focus::List => {
                self.selected = self.selected.saturating_sub(1);
                self.suggest_name();
            }
            Code::Down if self.focus == Focus::List => {
                self.selected = (self.selected + 1).min(self.count() + 1);
                self.suggest_name();
            }
            Code::Up => self.focus = fields[at.saturating_sub(1)],
            Code::Down => self.focus = fields[(at + 1).min(fields.len() - 1)],
            Code::Left | Code::Right | Code::Char(' ') if self.focus == Focus::Cloud => {
                let count = self.clouds.len().max(1);
                let step = if key.code == Code::Left { count - 1 } else { 1 };
                self.cloud = (self.cloud + step) % count;
            }
            Code::Enter if self.on_file() && self.path.text().trim().is_empty() => self.focus = Focus::Path,
            Code::Enter => self.go_on(model),
            Code::Char('e') if self.focus == Focus::List => self.edit(model),
            _ => match self.focus {
                Focus::Name => _ = self.name.key(key),
                Focus::Path => _ = self.path.key(key),
                Focus::List | Focus::Cloud => {}
            },
        }
        Flow::Stay
    }

    fn chosen_cloud(&self) -> Option<String> {
        self.clouds.get(self.cloud).map(ToString::to_string)
    }

    fn go_on(&mut self, model: &mut Model) {
        if let Some(blueprint) = self.blueprint() {
            let source = SpecSource::Blueprint { blueprint: blueprint.name.clone(), text: None };
            let name = Some(self.name.text().trim().to_owned()).filter(|n| !n.is_empty());
            let command = Command::PlanCreate { source, name, cloud: self.chosen_cloud() };
            let layer = PlanLayer::ask(model, "new cluster", command);
            model.layers.push(Layer::Plan(Box::new(layer)));
        } else if self.on_file() {
            model.effect(Effect::ReadFile(self.path.text().trim().to_owned()));
        } else {
            self.edit(model);
        }
    }

    fn edit(&mut self, model: &mut Model) {
        let (text, of) = match self.blueprint() {
            Some(blueprint) => (blueprint.spec.clone(), Some(blueprint.name.clone())),
            None => (TEMPLATE.to_owned(), None),
        };
        let editor = Editor::new(&text, of, self.chosen_cloud(), &model.theme);
        model.layers.push(Layer::Editor(Box::new(editor)));
    }

    /// The file that was asked for: its text is planned.
    pub fn file(&self, model: &mut Model, path: &str, text: String) {
        let base_dir = match path.rsplit_once('/') {
            Some(("", _)) => "/".to_owned(),
            Some((dir, _)) if path.starts_with('/') => dir.to_owned(),
            Some((dir, _)) => format!("{}/{dir}", model.me.cwd),
            None => model.me.cwd.clone(),
        };
        let source = SpecSource::Text { text, path: path.to_owned(), base_dir };
        let layer = PlanLayer::ask(model, "new cluster", Command::PlanCreate { source, name: None, cloud: self.chosen_cloud() });
        model.layers.push(Layer::Plan(Box::new(layer)));
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        match self.focus {
            Focus::Name => self.name.insert(text),
            Focus::List if self.on_file() => {
                self.focus = Focus::Path;
                self.path.insert(text);
            }
            Focus::Path => self.path.insert(text),
            Focus::List | Focus::Cloud => {}
        }
    }

    /// Draws the list, the fields, and the spec where there is room.
    pub fn draw(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        let hints = [("enter", "plan it"), ("tab", "next field"), ("e", "edit the spec"), ("esc", "back")];
        let size = (area.width.saturating_sub(8).min(100), area.height.saturating_sub(6).min(22));
        let inside = frame::open(canvas, area, size, "new cluster", Role::LayerEdge, &hints);
        let rows = self.rows();
        let list_height = (rows.len() as u16 + 1).min(inside.height.saturating_sub(4)).max(1);
        for (i, (name, says)) in rows.iter().enumerate().take(usize::from(list_height)) {
            let y = inside.y + i as u16;
            let line = Rect { y, height: 1, ..inside };
            if i == self.selected {
                let focused = self.focus == Focus::List;
                canvas.tint(line, if focused { Role::Selected } else { Role::SelectedDim });
                canvas.glyph(line.x, y, Glyph::Selected, if focused { Role::Accent } else { Role::Dim });
            }
            canvas.text(line.x + 2, y, 16, name, Role::Strong);
            canvas.text(line.x + 19, y, line.width.saturating_sub(19), says, Role::Dim);
        }
        let mut y = inside.y + list_height;
        y = self.draw_fields(canvas, Rect { y, height: inside.bottom().saturating_sub(y), ..inside });
        if let Some(blueprint) = self.blueprint() {
            let spec = Rect { y: y + 1, height: inside.bottom().saturating_sub(y + 1), ..inside };
            for (row, line) in blueprint.spec.lines().take(usize::from(spec.height)).enumerate() {
                let role = if line.trim_start().starts_with('#') { Role::Faint } else { Role::Dim };
                canvas.text(spec.x + 2, spec.y + row as u16, spec.width.saturating_sub(2), line, role);
            }
        } else if model.mirror.clouds.is_empty() {
            canvas.text(
                inside.x + 2,
                y + 1,
                inside.width - 2,
                "there is no cloud yet: t in the list of clusters makes a sandbox",
                Role::Warn,
            );
        }
    }

    fn rows(&self) -> Vec<(String, String)> {
        let mut rows: Vec<(String, String)> = match &self.blueprints {
            Some(all) => all.iter().map(|b| (b.name.clone(), b.summary.clone())).collect(),
            None => Vec::new(),
        };
        rows.push(("from a file".to_owned(), "a spec on this computer".to_owned()));
        rows.push(("write one".to_owned(), "a spec, here and now".to_owned()));
        rows
    }

    fn draw_fields(&self, canvas: &mut Canvas<'_>, area: Rect) -> u16 {
        let mut y = area.y;
        for field in self.fields().iter().filter(|f| **f != Focus::List) {
            if y >= area.bottom() {
                break;
            }
            let label = match field {
                Focus::Name => "name",
                Focus::Path => "file",
                _ => "cloud",
            };
            let focused = self.focus == *field;
            canvas.text(area.x + 2, y, 8, label, if focused { Role::Accent } else { Role::Dim });
            let place = Rect { x: area.x + 10, y, width: area.width.saturating_sub(10).min(60), height: 1 };
            match field {
                Focus::Name => self.name.draw(canvas, place, focused),
                Focus::Path => self.path.draw(canvas, place, focused),
                _ => {
                    let name = self.clouds.get(self.cloud).map_or("none", |c| c.as_str());
                    let used = canvas.text(place.x, y, place.width, name, if focused { Role::Strong } else { Role::Text });
                    if focused && self.clouds.len() > 1 {
                        canvas.text(place.x + used, y, place.width - used, "   left and right choose", Role::Hint);
                    }
                }
            }
            y += 1;
        }
        y
    }
}
