//! What clouds did for what was done to servers.

use serde_json::Value;

use crate::console::rails;
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::table::{Cell, Column, Row};
use crate::console::words;
use crate::model::time::work_duration;
use crate::model::{CloudName, ServerAction, ServerEvent};

pub const COLUMNS: &[Column] = &[
    Column::text("event", "EVENT", 24, 48, 0),
    Column::text("status", "RESULT", 10, 12, 0),
    Column::text("when", "WHEN", 10, 10, 1).time(),
    Column::number("took", "TOOK", 6, 8, 0).took(),
    Column::text("why", "WHY", 14, 60, 2),
    Column::text("what", "OF", 10, 20, 3),
    Column::text("server", "SERVER", 14, 40, 4),
    Column::text("cloud", "CLOUD", 9, 20, 5),
    Column::text("request", "REQUEST", 12, 40, 6),
];

/// An event with its place among those of its action, the row id and the name of its server, and the action.
type Told<'m> = (usize, &'m ServerEvent, &'m str, &'m str, &'m ServerAction);

fn each(model: &Model) -> impl Iterator<Item = Told<'_>> {
    model.deeds.each().flat_map(|(server, name, action)| {
        action.events.iter().enumerate().map(move |(at, event)| (at, event, server, name, action))
    })
}

fn id_of((at, _, server, _, action): &Told<'_>) -> String {
    format!("{server}/{}/{at}", action.id)
}

pub fn rows(model: &Model) -> Vec<Row> {
    let in_scope = |server: &str| model.scope.as_ref().is_none_or(|cloud| server.split('/').next() == Some(cloud.as_str()));
    each(model).filter(|(_, _, server, ..)| in_scope(server)).map(|told| row(model, &told)).collect()
}

fn row(model: &Model, told: &Told<'_>) -> Row {
    let (_, event, server, name, action) = told;
    let result = match event.result.as_deref() {
        Some(word) if word.eq_ignore_ascii_case("success") => Cell::state(Glyph::Done, "success", Role::Ok),
        Some(word) => Cell::state(Glyph::Failed, word.to_lowercase(), Role::Failed),
        None => Cell::state(Glyph::Busy, "under way", Role::Running),
    };
    let took = event.ended.map(|end| end.since(event.started));
    let why = event.details.as_deref().and_then(|text| text.lines().rfind(|line| !line.trim().is_empty()));
    Row {
        id: id_of(told),
        cells: vec![
            Cell::new(&event.event, Role::Strong),
            result,
            Cell::number(words::when(model.now, event.started, &model.zone), event.started.0 as f64, Role::Dim),
            took.map_or_else(Cell::none, |ms| Cell::number(work_duration(ms), ms as f64, Role::Dim)),
            why.map_or_else(Cell::none, |line| Cell::new(line.trim(), Role::Failed)),
            Cell::new(&action.action, Role::Text),
            Cell::new(*name, Role::Text),
            rails::cell(model, &CloudName::new(server.split('/').next().unwrap_or_default())),
            Cell::new(&action.id, Role::Faint),
        ],
    }
}

pub fn value(model: &Model, id: &str) -> Option<Value> {
    let (_, event, ..) = each(model).find(|told| id_of(told) == id)?;
    serde_json::to_value(event).ok()
}
