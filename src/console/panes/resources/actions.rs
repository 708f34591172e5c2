//! What was done to servers. `enter` leads to what the cloud did for it.

use serde_json::Value;

use crate::console::rails;
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::table::{Cell, Column, Row};
use crate::console::words;
use crate::model::time::work_duration;
use crate::model::{CloudName, ServerAction, Time};

use super::maybe;

pub const COLUMNS: &[Column] = &[
    Column::text("what", "WHAT", 14, 24, 0),
    Column::text("status", "STATUS", 10, 10, 0),
    Column::text("when", "WHEN", 10, 10, 0).time(),
    Column::number("took", "TOOK", 6, 8, 1).took(),
    Column::text("server", "SERVER", 14, 40, 0),
    Column::text("message", "MESSAGE", 12, 60, 2),
    Column::text("by", "BY", 8, 32, 4),
    Column::text("cloud", "CLOUD", 9, 20, 3),
    Column::text("request", "REQUEST", 12, 40, 5),
];

/// How an action went: what failed in it, or is not told to have ended.
fn status(action: &ServerAction) -> Cell {
    let bad = |result: &String| !result.eq_ignore_ascii_case("success");
    let failed = action.message.is_some() || action.events.iter().any(|event| event.result.as_ref().is_some_and(bad));
    match (failed, action.events.iter().all(|event| event.ended.is_some())) {
        (true, _) => Cell::state(Glyph::Failed, "failed", Role::Failed),
        (false, false) => Cell::state(Glyph::Busy, "under way", Role::Running),
        // Without events nobody knows more than that it was asked for.
        (false, true) if action.events.is_empty() => Cell::state(Glyph::Dot, "asked for", Role::Dim),
        (false, true) => Cell::state(Glyph::Done, "done", Role::Ok),
    }
}

/// Its id in the table.
fn id_of(server: &str, action: &ServerAction) -> String {
    format!("{server}/{}", action.id)
}

pub fn rows(model: &Model) -> Vec<Row> {
    let in_scope = |server: &str| model.scope.as_ref().is_none_or(|cloud| server.split('/').next() == Some(cloud.as_str()));
    let all = model.deeds.each().filter(|(server, ..)| in_scope(server));
    all.map(|(server, name, action)| row(model, server, name, action)).collect()
}

fn row(model: &Model, server: &str, name: &str, action: &ServerAction) -> Row {
    let ended: Option<Vec<Time>> = action.events.iter().map(|event| event.ended).collect();
    let took = ended.and_then(|ends| ends.into_iter().max()).map(|end| end.since(action.at));
    let cloud = CloudName::new(server.split('/').next().unwrap_or_default());
    Row {
        id: id_of(server, action),
        cells: vec![
            Cell::new(&action.action, Role::Strong),
            status(action),
            Cell::number(words::when(model.now, action.at, &model.zone), action.at.0 as f64, Role::Dim),
            took.map_or_else(Cell::none, |ms| Cell::number(work_duration(ms), ms as f64, Role::Dim)),
            Cell::new(name, Role::Text),
            maybe(action.message.as_ref(), Role::Failed),
            maybe(action.by.as_ref(), Role::Dim),
            rails::cell(model, &cloud),
            Cell::new(&action.id, Role::Faint),
        ],
    }
}

pub fn value(model: &Model, id: &str) -> Option<Value> {
    let (_, _, action) = model.deeds.each().find(|(server, _, action)| id_of(server, action) == id)?;
    serde_json::to_value(action).ok()
}
