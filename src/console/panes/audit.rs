//! The audit: who changed what, when, and what came of it; newest first.

use std::collections::HashMap;

use crate::console::action::{Action, Offer};
use crate::console::rails;
use crate::console::state::{Model, Tab};
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::table::{Cell, Column, Row};
use crate::console::words;
use crate::model::AuditEntry;

use super::Fact;

pub const COLUMNS: &[Column] = &[
    Column::text("when", "WHEN", 10, 10, 0).time(),
    Column::text("who", "WHO", 6, 16, 0),
    Column::text("what", "WHAT", 22, 48, 0),
    Column::text("result", "RESULT", 9, 40, 1),
    Column::number("run", "RUN", 4, 6, 2),
    Column::text("cluster", "CLUSTER", 9, 24, 3),
    Column::text("cloud", "CLOUD", 9, 20, 4),
    Column::text("client", "BY", 7, 8, 5),
    Column::text("from", "FROM", 8, 24, 6),
    Column::text("uid", "UID", 4, 8, 7).extra(),
];

/// What a result says when all went well.
const OK: &str = "ok";

/// The entries with the ids of their rows: their time, and a number where several are of one time. An id stays while
/// newer entries come.
fn all(model: &Model) -> Vec<(String, &AuditEntry)> {
    let mut seen: HashMap<i64, u32> = HashMap::new();
    let mut out: Vec<_> = model
        .audit
        .entries()
        .iter()
        .rev()
        .map(|entry| {
            let count = seen.entry(entry.at.0).or_default();
            *count += 1;
            (format!("{}-{count}", entry.at.0), entry)
        })
        .collect();
    out.reverse();
    out
}

pub fn rows(model: &Model) -> Vec<Row> {
    let in_scope = |entry: &AuditEntry| model.scope.is_none() || entry.cloud == model.scope;
    all(model).into_iter().filter(|(_, entry)| in_scope(entry)).map(|(id, entry)| row(model, id, entry)).collect()
}

fn row(model: &Model, id: String, entry: &AuditEntry) -> Row {
    let text = |text: Option<&str>, role| text.map_or_else(Cell::none, |text| Cell::new(text, role));
    let result = match entry.result.as_str() {
        OK => Cell::state(Glyph::Done, OK, Role::Ok),
        // The reason alone: what was tried stands beside it.
        why => Cell::state(Glyph::Failed, why.split_once(": ").map_or(why, |(_, got)| got), Role::Failed),
    };
    Row {
        id,
        cells: vec![
            Cell::number(words::when(model.now, entry.at, &model.zone), entry.at.0 as f64, Role::Dim),
            Cell::new(&entry.who, Role::Strong),
            Cell::new(&entry.what, Role::Text),
            result,
            entry.run.map_or_else(Cell::none, |run| Cell::number(run.to_string(), run.0 as f64, Role::Text)),
            text(entry.cluster.as_deref(), Role::Text),
            entry.cloud.as_ref().map_or_else(Cell::none, |cloud| rails::cell(model, cloud)),
            Cell::new(&entry.client, Role::Dim),
            text(from(entry), Role::Faint),
            Cell::number(entry.uid.to_string(), entry.uid.into(), Role::Dim),
        ],
    }
}

/// The address that the client came from over SSH.
fn from(entry: &AuditEntry) -> Option<&str> {
    entry.from.as_deref().and_then(|line| line.split(' ').next())
}

/// The entry of a row.
pub fn entry<'m>(model: &'m Model, id: &str) -> Option<&'m AuditEntry> {
    all(model).into_iter().find(|(of, _)| of == id).map(|(_, entry)| entry)
}

pub fn facts(model: &Model, id: &str) -> Vec<Fact> {
    let Some(entry) = entry(model, id) else { return Vec::new() };
    let result = if entry.result == OK { Role::Ok } else { Role::Failed };
    let at = format!("{} {}", words::day(entry.at, &model.zone), words::time_of_day(entry.at, &model.zone));
    let from = from(entry).map(|address| format!(", over SSH from {address}")).unwrap_or_default();
    vec![
        ("what", entry.what.clone(), Role::Text),
        ("result", entry.result.clone(), result),
        ("at", at, Role::Dim),
        ("by", format!("{} (uid {}), {}{from}", entry.who, entry.uid, entry.client), Role::Dim),
    ]
}

pub fn offers(model: &Model) -> Vec<Offer> {
    let run = model.table(Tab::Audit).selected().and_then(|id| entry(model, id)).and_then(|entry| entry.run);
    let why = match run {
        None => Some("no run belongs to it".to_owned()),
        Some(run) if !model.mirror.runs().contains_key(&run) => Some(format!("run {run} is no longer kept")),
        Some(_) => None,
    };
    vec![Offer::hint(Action::Open).unless(why), Offer::hint(Action::Jump), Offer::hint(Action::CloudScope)]
}

pub fn lesson(model: &Model) -> (String, Vec<Action>) {
    if !model.audit.is_whole() {
        return ("Asking the engine…".to_owned(), Vec::new());
    }
    ("Nothing was changed so far. Whatever somebody changes stands here, with who it was.".to_owned(), Vec::new())
}
