//! The runs, newest first.

use crate::console::action::{Action, Offer};
use crate::console::run::run_actions;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::table::{Cell, Column, Row};
use crate::console::words;
use crate::model::time::work_duration;
use crate::model::{Run, RunNo};

use super::Fact;

pub const COLUMNS: &[Column] = &[
    Column::number("run", "RUN", 4, 6, 0),
    Column::text("what", "WHAT", 22, 44, 0),
    Column::text("status", "STATUS", 12, 12, 0),
    Column::text("steps", "STEPS", 20, 22, 3),
    Column::text("result", "RESULT", 20, 120, 1),
    Column::number("took", "TOOK", 6, 7, 2).took(),
    Column::text("started", "STARTED", 10, 10, 4).time(),
    Column::text("by", "BY", 6, 12, 5),
    Column::text("cluster", "CLUSTER", 10, 24, 6).extra(),
    Column::text("kind", "KIND", 6, 10, 7).extra(),
];

pub fn rows(model: &Model) -> Vec<Row> {
    model.mirror.runs().values().rev().map(|run| row(model, run)).collect()
}

fn row(model: &Model, run: &Run) -> Row {
    let (glyph, role) = words::run_state(run.state);
    let done = run.steps.done + run.steps.skipped;
    let steps = Cell {
        gauge: (!run.state.ended()).then_some((done.into(), run.steps.total.into())),
        ..Cell::number(format!("{done} of {}", run.steps.total), done.into(), Role::Dim)
    };
    let started = run.started.unwrap_or(run.created);
    let took = run.started.map(|from| run.ended.unwrap_or(model.now).since(from));
    Row {
        id: run.number.to_string(),
        cells: vec![
            Cell::number(run.number.to_string(), run.number.0 as f64, Role::Dim),
            Cell::new(&run.title, Role::Strong),
            Cell::state(glyph, run.state.to_string(), role),
            steps,
            result(run),
            took.map_or_else(Cell::none, |ms| Cell::number(work_duration(ms), ms as f64, Role::Dim)),
            Cell::number(words::when(model.now, started, &model.zone), started.0 as f64, Role::Dim),
            Cell::new(&run.by, Role::Dim),
            run.cluster_name.as_ref().map_or_else(Cell::none, |name| Cell::new(name, Role::Text)),
            Cell::new(run.kind.to_string(), Role::Dim),
        ],
    }
}

/// Why it failed, what it waits for, what its playbooks did.
fn result(run: &Run) -> Cell {
    if let Some(failure) = run.failure.as_ref().filter(|_| run.state.ended()) {
        return Cell::new(failure.got.lines().next().unwrap_or_default(), Role::Failed);
    }
    if let Some(waits) = &run.waits {
        return Cell::new(waits, Role::Waiting);
    }
    if let Some(built) = run.built() {
        return Cell::new(built, Role::Dim);
    }
    let totals = &run.play_totals;
    if *totals != Default::default() {
        let bad = totals.failed + totals.unreachable;
        let role = if bad > 0 { Role::Failed } else { Role::Dim };
        return Cell::new(format!("ok {}  changed {}  failed {bad}", totals.ok + totals.changed, totals.changed), role);
    }
    Cell::none()
}

pub fn facts(model: &Model, id: &str) -> Vec<Fact> {
    let Some(run) = id.parse().ok().and_then(|n| model.mirror.runs().get(&RunNo(n))) else { return Vec::new() };
    let mut facts = Vec::new();
    if let Some(failure) = &run.failure {
        facts.push(("tried", failure.tried.clone(), Role::Text));
        facts.push(("got", failure.got.clone(), Role::Failed));
        if !failure.next.is_empty() {
            facts.push(("next", failure.next.clone(), Role::Text));
        }
    }
    if let Some(waits) = &run.waits {
        facts.push(("waits", waits.clone(), Role::Waiting));
    }
    if !run.in_flight.is_empty() {
        facts.push(("now", run.in_flight.join(" · "), Role::Text));
    }
    if let Some(cluster) = &run.cluster_name {
        facts.push(("cluster", cluster.clone(), Role::Text));
    }
    facts
}

pub fn offers(model: &Model) -> Vec<Offer> {
    let nothing = || model.current_run().is_none().then(|| "no run is selected".to_owned());
    let mut offers = vec![Offer::hint(Action::Open).unless(nothing())];
    offers.extend(run_actions(model));
    offers
}

pub fn lesson() -> (String, Vec<Action>) {
    ("No runs yet. Whatever the engine does becomes one.".to_owned(), vec![Action::ClusterNew, Action::Try])
}
