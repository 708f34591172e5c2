//! Layers: what lies over the panes. The top one gets a key first; it uses it, closes, or passes it on.

pub mod ask;
pub mod bulk;
pub mod choose;
pub mod columns;
pub mod command;
pub mod confirm;
pub mod create;
pub mod editor;
pub mod favourites;
pub mod filter;
pub mod forwards;
pub mod frame;
pub mod help;
pub mod jump;
pub mod palette;
pub mod people;
pub mod plan;
pub mod playbook;
pub mod prompt;
pub mod scale;
pub mod search;
pub mod text;

use ratatui::layout::Rect;

use crate::protocol::Command;

use super::input::Key;
use super::state::Model;
use super::widgets::canvas::Canvas;
use super::wizard::Wizard;

pub use ask::AskLine;
pub use bulk::BulkLayer;
pub use choose::Choose;
pub use columns::Columns;
pub use command::CommandForm;
pub use confirm::Confirm;
pub use create::Create;
pub use editor::Editor;
pub use favourites::Favourites;
pub use filter::FilterLine;
pub use forwards::ForwardsLayer;
pub use help::Help;
pub use jump::Jump;
pub use palette::Palette;
pub use people::PeopleLayer;
pub use plan::PlanLayer;
pub use playbook::PlaybookLayer;
pub use prompt::PromptLayer;
pub use scale::Scale;
pub use search::SearchLine;
pub use text::TextLayer;

/// A layer.
pub enum Layer {
    Ask(AskLine),
    Bulk(BulkLayer),
    Columns(Columns),
    Command(Box<CommandForm>),
    Favourites(Favourites),
    Forwards(ForwardsLayer),
    Help(Help),
    Jump(Jump),
    Palette(Palette),
    People(PeopleLayer),
    Filter(FilterLine),
    Choose(Choose),
    Confirm(Confirm),
    Create(Box<Create>),
    Editor(Box<Editor>),
    Plan(Box<PlanLayer>),
    Playbook(Box<PlaybookLayer>),
    Prompt(Box<PromptLayer>),
    Scale(Box<Scale>),
    Search(SearchLine),
    Text(Box<TextLayer>),
    Wizard(Box<Wizard>),
}

/// What a layer did with a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// It used it.
    Stay,
    /// It is done.
    Close,
    /// It is for whoever is below.
    Pass,
}

impl Layer {
    /// Takes a key. The layer is not among the model's while it does.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        match self {
            Self::Bulk(layer) => layer.key(model, key),
            Self::Columns(layer) => layer.key(model, key),
            Self::Command(layer) => layer.key(model, key),
            Self::Favourites(layer) => layer.key(model, key),
            Self::Forwards(layer) => layer.key(model, key),
            Self::Help(layer) => layer.key(key),
            Self::Jump(layer) => layer.key(model, key),
            Self::Palette(layer) => layer.key(model, key),
            Self::People(layer) => layer.key(model, key),
            Self::Filter(layer) => layer.key(model, key),
            Self::Choose(layer) => layer.key(model, key),
            Self::Confirm(layer) => layer.key(model, key),
            Self::Create(layer) => layer.key(model, key),
            Self::Editor(layer) => layer.key(model, key),
            Self::Plan(layer) => layer.key(model, key),
            Self::Playbook(layer) => layer.key(model, key),
            Self::Prompt(layer) => layer.key(model, key),
            Self::Scale(layer) => layer.key(model, key),
            Self::Ask(layer) => layer.key(model, key),
            Self::Search(layer) => layer.key(model, key),
            Self::Wizard(layer) => layer.key(model, key),
            // Its keys are actions, as those of the panes.
            Self::Text(_) => Flow::Pass,
        }
    }

    /// The commands that it is about to send.
    pub fn commands(&self) -> Vec<&Command> {
        match self {
            Self::Plan(layer) => vec![layer.command()],
            Self::Confirm(layer) => layer.commands(),
            _ => Vec::new(),
        }
    }

    /// Takes pasted text.
    pub fn paste(&mut self, model: &mut Model, text: &str) {
        match self {
            Self::Palette(layer) => layer.paste(model, text),
            Self::Filter(layer) => layer.paste(model, text),
            Self::Confirm(layer) => layer.paste(text),
            Self::Command(layer) => layer.paste(text),
            Self::Create(layer) => layer.paste(text),
            Self::Editor(layer) => layer.paste(text),
            Self::Plan(layer) => layer.paste(text),
            Self::Playbook(layer) => layer.paste(text),
            Self::Prompt(layer) => layer.paste(text),
            Self::Ask(layer) => layer.paste(text),
            Self::Search(layer) => layer.paste(model, text),
            Self::Bulk(_) | Self::Columns(_) | Self::Favourites(_) | Self::Forwards(_) | Self::Jump(_) | Self::People(_) => {}
            Self::Wizard(layer) => layer.paste(text),
            Self::Help(_) | Self::Choose(_) | Self::Scale(_) | Self::Text(_) => {}
        }
    }

    /// Draws itself over what is there.
    pub fn draw(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        match self {
            Self::Bulk(layer) => layer.draw(model, canvas, area),
            Self::Columns(layer) => layer.draw(model, canvas, area),
            Self::Command(layer) => layer.draw(canvas, area),
            Self::Favourites(layer) => layer.draw(model, canvas, area),
            Self::Forwards(layer) => layer.draw(model, canvas, area),
            Self::Help(layer) => layer.draw(model, canvas, area),
            Self::Jump(layer) => layer.draw(canvas, area),
            Self::Palette(layer) => layer.draw(model, canvas, area),
            Self::People(layer) => layer.draw(model, canvas, area),
            Self::Filter(layer) => layer.draw(model, canvas, area),
            Self::Choose(layer) => layer.draw(canvas, area),
            Self::Confirm(layer) => layer.draw(model, canvas, area),
            Self::Create(layer) => layer.draw(model, canvas, area),
            Self::Editor(layer) => layer.draw(canvas, area),
            Self::Plan(layer) => layer.draw(model, canvas, area),
            Self::Playbook(layer) => layer.draw(canvas, area),
            Self::Prompt(layer) => layer.draw(model, canvas, area),
            Self::Scale(layer) => layer.draw(canvas, area),
            Self::Ask(layer) => layer.draw(canvas, area),
            Self::Search(layer) => layer.draw(model, canvas, area),
            Self::Text(layer) => layer.draw(model, canvas, area),
            Self::Wizard(layer) => layer.draw(model, canvas, area),
        }
    }
}
