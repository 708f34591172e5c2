//! The mouse, where the settings switch it on: a click goes where it points, a second one opens, the wheel scrolls what
//! is below the pointer.
//!
//! What is where is not kept: on a click the screen is drawn once more, beside the real one, and whatever it is made of
//! leaves its place there ([`Spot`]).

use ratatui::buffer::Buffer;

use crate::model::Time;

use super::act::act;
use super::action::Action;
use super::draw::draw_on;
use super::input::{Key, Mouse};
use super::layers::Layer;
use super::run::Part;
use super::state::{Model, Tab};
use super::update::key_pressed;
use super::widgets::canvas::{Canvas, Spot};
use super::widgets::table::{Sort, Table};

/// Two clicks on one place within so many milliseconds open what is there.
const DOUBLE: u64 = 400;
/// Lines that one notch of the wheel scrolls.
const NOTCH: isize = 3;

/// Names of the parts that have rows.
pub const LIST: &str = "list";
pub const NODES: &str = "nodes";
pub const TEXT: &str = "text";

/// Whether the mouse is listened to, and where it was pressed last.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Pointer {
    pub on: bool,
    last: Option<(u16, u16, Time)>,
}

/// What the mouse did; nothing where it is not listened to.
pub fn moved(model: &mut Model, mouse: Mouse) {
    if !model.pointer.on {
        return;
    }
    let (x, y) = mouse.place();
    let Some((part, spot)) = at(model, x, y) else { return };
    match mouse {
        Mouse::Wheel { down, .. } => wheel(model, part, if down { NOTCH } else { -NOTCH }),
        Mouse::Press { .. } => {
            let before = model.pointer.last.replace((x, y, model.now));
            let twice = before.is_some_and(|(bx, by, t)| (bx, by) == (x, y) && model.now.since(t) <= DOUBLE);
            if twice {
                model.pointer.last = None;
            }
            click(model, part, spot, twice);
        }
    }
}

/// The part below a place, and the innermost spot there.
fn at(model: &Model, x: u16, y: u16) -> Option<(&'static str, Option<Spot>)> {
    let mut buffer = Buffer::empty(model.area);
    let mut canvas = Canvas::listening(&mut buffer, &model.theme);
    draw_on(model, &mut canvas);
    let mut part = "";
    let mut spot = None;
    for (_, found) in canvas.spots().iter().filter(|(area, _)| area.contains((x, y).into())) {
        match found {
            Spot::Part(name) => (part, spot) = (name, None),
            Spot::Covered => (part, spot) = ("", None),
            other => spot = Some(other.clone()),
        }
    }
    Some((part, spot))
}

fn click(model: &mut Model, part: &'static str, spot: Option<Spot>, twice: bool) {
    match spot {
        Some(Spot::Keys(keys)) => {
            let keys: Result<Vec<Key>, _> = keys.split(' ').map(str::parse).collect();
            for key in keys.unwrap_or_default() {
                key_pressed(model, key);
            }
        }
        // Nothing else below a layer is meant.
        _ if covered(model) => {}
        Some(Spot::Tab(name)) => {
            if let Some(tab) = Tab::named(name) {
                act(model, tab.goto());
            }
        }
        Some(Spot::Title(column)) if part == LIST => {
            let table = model.table_mut(model.tab);
            let down = table.sort().is_some_and(|sort| sort.column == column && !sort.down);
            table.set_sort(Some(Sort { column, down }));
        }
        Some(Spot::Row(id)) => {
            focus(model, part);
            if let Some(table) = table_of(model, part) {
                table.select(Some(&id));
            }
            if part == LIST && model.tab == Tab::Clusters {
                model.nodes.select(None);
            }
            if twice {
                act(model, Action::Open);
            }
        }
        _ => focus(model, part),
    }
}

/// A layer is in the way of what lies below; a text is looked at like a pane.
fn covered(model: &Model) -> bool {
    model.layers.last().is_some_and(|layer| !matches!(layer, Layer::Text(_)))
}

fn focus(model: &mut Model, part: &str) {
    match (&mut model.run, Part::named(part)) {
        (Some(view), Some(part)) => view.part = part,
        (None, _) if part == LIST => model.lower = false,
        (None, _) if part == NODES => model.lower = true,
        _ => {}
    }
}

fn table_of<'m>(model: &'m mut Model, part: &str) -> Option<&'m mut Table> {
    if model.run.is_some() {
        let view = model.run.as_mut()?;
        return match Part::named(part)? {
            Part::Steps => Some(&mut view.steps),
            Part::Plays => Some(&mut view.plays),
            Part::Hosts => Some(&mut view.hosts),
            Part::Output => None,
        };
    }
    match part {
        NODES => Some(&mut model.nodes),
        LIST => {
            let tab = model.tab;
            Some(model.table_mut(tab))
        }
        _ => None,
    }
}

fn wheel(model: &mut Model, part: &'static str, by: isize) {
    if covered(model) {
        // What has a list or a page moves in it by one, as with the key.
        let key = if by < 0 { "up" } else { "down" };
        return key.parse().map_or((), |key| key_pressed(model, key));
    }
    if part == TEXT {
        if let Some(text) = model.text_mut() {
            text.view.scroll(by as i64);
        }
        return;
    }
    match &mut model.run {
        Some(view) if Part::named(part) == Some(Part::Output) => view.log.scroll(by as i64),
        _ => {
            if let Some(table) = table_of(model, part) {
                table.step(by);
            }
            if part == LIST && model.tab == Tab::Clusters {
                model.nodes.select(None);
            }
        }
    }
}
