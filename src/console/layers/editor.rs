//! A spec being written, in the console or in the user's editor.

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget as _;
use tui_textarea::{Input as AreaInput, Key as AreaKey, TextArea};

use crate::console::input::{Code, Key};
use crate::console::msg::Effect;
use crate::console::state::Model;
use crate::console::theme::{Role, Theme};
use crate::console::widgets::canvas::Canvas;
use crate::model::text::clean_lines;
use crate::protocol::{Command, SpecSource};

use super::{Flow, Layer, PlanLayer, frame};

/// Longest text that is taken, bytes.
const MAX: usize = 256 * 1024;

/// The text and where its paths start.
pub struct Editor {
    area: TextArea<'static>,
    /// The blueprint whose spec it was, and whose files it goes with.
    blueprint: Option<String>,
    cloud: Option<String>,
    changed: bool,
    /// Escape was pressed once.
    leaving: bool,
}

impl Editor {
    /// An editor with this text, the spec of a blueprint or a new one.
    pub fn new(text: &str, blueprint: Option<String>, cloud: Option<String>, theme: &Theme) -> Self {
        let mut editor = Self { area: TextArea::default(), blueprint, cloud, changed: false, leaving: false };
        editor.fill(text, theme);
        editor
    }

    fn fill(&mut self, text: &str, theme: &Theme) {
        let text = clean_lines(&text.chars().take(MAX).collect::<String>());
        let mut area = TextArea::new(text.lines().map(str::to_owned).collect());
        area.set_style(theme.style(Role::Layer));
        area.set_cursor_line_style(Style::new());
        area.set_cursor_style(Style::new().add_modifier(Modifier::REVERSED));
        area.set_line_number_style(theme.style(Role::Faint));
        area.set_selection_style(theme.style(Role::Selected));
        area.set_tab_length(2);
        self.area = area;
    }

    fn path(&self) -> String {
        format!("{}.yml", self.blueprint.as_deref().unwrap_or("cluster"))
    }

    fn text(&self) -> String {
        self.area.lines().join("\n") + "\n"
    }

    /// The user's editor came back.
    pub fn edited(&mut self, text: &str, theme: &Theme) {
        self.fill(text, theme);
        self.changed = true;
    }

    /// Types, plans, leaves.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        if key.code != Code::Esc {
            self.leaving = false;
        }
        match key.code {
            Code::Esc if self.changed && !self.leaving => {
                self.leaving = true;
                model.say("esc again throws the text away", Role::Warn);
            }
            Code::Esc => return Flow::Close,
            Code::F(2) => self.plan(model),
            Code::F(4) => model.effect(Effect::Edit(self.text())),
            _ => {
                if let Some(input) = area_input(key)
                    && self.area.input(input)
                {
                    self.changed = true;
                }
            }
        }
        Flow::Stay
    }

    fn plan(&self, model: &mut Model) {
        let source = match &self.blueprint {
            Some(blueprint) => SpecSource::Blueprint { blueprint: blueprint.clone(), text: Some(self.text()) },
            None => SpecSource::Text { text: self.text(), path: self.path(), base_dir: model.me.cwd.clone() },
        };
        let command = Command::PlanCreate { source, name: None, cloud: self.cloud.clone() };
        let layer = PlanLayer::ask(model, "new cluster", command);
        model.layers.push(Layer::Plan(Box::new(layer)));
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        if text.len() + self.area.lines().iter().map(String::len).sum::<usize>() <= MAX {
            self.area.insert_str(clean_lines(text));
            self.changed = true;
        }
    }

    /// Draws the text.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let size = (area.width.saturating_sub(6).min(110), area.height.saturating_sub(4));
        let hints = [("f2", "plan it"), ("f4", "your editor"), ("esc", "back")];
        let inside = frame::open(canvas, area, size, &self.path(), Role::LayerEdge, &hints);
        self.area.render(inside, canvas.buffer);
    }
}

fn area_input(key: Key) -> Option<AreaInput> {
    let code = match key.code {
        Code::Char(c) => AreaKey::Char(c),
        Code::Enter => AreaKey::Enter,
        Code::Tab => AreaKey::Tab,
        Code::Backspace => AreaKey::Backspace,
        Code::Delete => AreaKey::Delete,
        Code::Up => AreaKey::Up,
        Code::Down => AreaKey::Down,
        Code::Left => AreaKey::Left,
        Code::Right => AreaKey::Right,
        Code::Home => AreaKey::Home,
        Code::End => AreaKey::End,
        Code::PageUp => AreaKey::PageUp,
        Code::PageDown => AreaKey::PageDown,
        Code::Esc | Code::Insert | Code::F(_) => return None,
    };
    Some(AreaInput { key: code, ctrl: key.ctrl, alt: key.alt, shift: key.shift })
}
