//! The rows of a run's tables.

use crate::console::theme::{Glyph, Role};
use crate::console::widgets::table::{Cell, Column, Row};
use crate::console::words;
use crate::model::play::HostState;
use crate::model::time::work_duration;
use crate::model::{PlayState, RunKind, Step, StepState, Time};

use super::Facts;
use super::results::{Only, Show};

pub const STEPS: &[Column] =
    &[Column::text("step", "STEPS", 20, 48, 0), Column::text("note", "NOTE", 8, 40, 2), Column::number("took", "TOOK", 6, 7, 1)];

const PLAYS: &[Column] = &[
    Column::text("task", "PLAYS", 20, 60, 0),
    Column::number("hosts", "HOSTS", 5, 9, 1),
    Column::number("took", "TOOK", 6, 7, 2),
];

const HOSTS: &[Column] = &[
    Column::text("host", "HOSTS", 8, 24, 0),
    Column::number("ok", "OK", 2, 5, 2),
    Column::number("changed", "CHG", 3, 5, 3),
    Column::number("failed", "BAD", 3, 5, 1),
    Column::text("now", "NOW", 12, 40, 0),
];

const BUILD: &[Column] = &[
    Column::text("task", "BUILD STEPS", 20, 60, 0),
    Column::text("how", "HOW", 6, 9, 1),
    Column::number("took", "TOOK", 6, 7, 2),
];

const BUILT_ON: &[Column] = &[
    Column::text("host", "DOCKER ENGINE", 8, 24, 0),
    Column::number("ok", "OK", 2, 5, 2),
    Column::number("changed", "BUILT", 3, 5, 3),
    Column::number("failed", "BAD", 3, 5, 1),
    Column::text("now", "NOW", 12, 40, 0),
];

/// The columns of what a run's steps consist of, and of where that happens.
pub fn columns(kind: RunKind) -> (&'static [Column], &'static [Column]) {
    if kind == RunKind::Build { (BUILD, BUILT_ON) } else { (PLAYS, HOSTS) }
}

/// The steps, in their order, or the slowest first.
pub fn steps(facts: &Facts<'_>, now: Time, show: &Show) -> Vec<Row> {
    let bad = |s: &Step| s.failure.is_some() || matches!(s.state, StepState::Failed | StepState::UndoFailed);
    let mut steps: Vec<&Step> = facts.steps.values().filter(|s| show.only != Only::Failed || bad(s)).collect();
    if show.slowest {
        let took = |s: &Step| s.started.map_or(0, |from| s.ended.unwrap_or(now).since(from));
        steps.sort_by_key(|s| std::cmp::Reverse(took(s)));
    }
    steps.into_iter().map(|s| step(s, now)).collect()
}

fn step(step: &Step, now: Time) -> Row {
    let (glyph, role) = words::step_state(&step.state);
    let quiet = matches!(step.state, StepState::Done | StepState::Running);
    let name_role = if quiet { Role::Text } else { role };
    let note = match (&step.state, &step.failure) {
        (StepState::Waiting { on }, _) => Cell::new(on.to_string(), Role::Waiting),
        (StepState::Failed | StepState::UndoFailed, Some(failure)) => {
            Cell::new(failure.got.lines().next().unwrap_or_default(), Role::Failed)
        }
        (StepState::Running, _) if step.attempt > 1 => Cell::new(format!("attempt {}", step.attempt), Role::Warn),
        (StepState::Done | StepState::Running, _) => Cell::new(&step.note, Role::Dim),
        (state, _) => Cell::new(if matches!(state, StepState::Pending) { String::new() } else { state.to_string() }, role),
    };
    let took = step.started.map(|from| step.ended.unwrap_or(now).since(from)).filter(|_| step.state != StepState::Pending);
    Row {
        id: step.index.to_string(),
        cells: vec![
            Cell { glyph: Some(glyph), ..Cell::new(&step.title, name_role) },
            note,
            took.map_or_else(|| Cell::new("", Role::Dim), |ms| Cell::number(work_duration(ms), ms as f64, Role::Dim)),
        ],
    }
}

/// A host with its counts and what it is at.
pub fn host_row(name: &str, host: &HostState, play: &PlayState, now: Time) -> Row {
    let t = &host.totals;
    let bad = t.failed + t.unreachable;
    let state = match (&host.now, &host.failure) {
        (Some((task, since)), _) => {
            Cell::state(Glyph::Busy, format!("{} {task}", work_duration(now.since(*since))), Role::Running)
        }
        (None, Some(_)) if t.unreachable > 0 => Cell::state(Glyph::Warn, "unreachable", Role::Unreachable),
        (None, Some((task, _))) => Cell::state(Glyph::Failed, format!("failed: {task}"), Role::Failed),
        (None, None) if play.ended => Cell::state(Glyph::Done, "done", Role::Ok),
        (None, None) => Cell::state(Glyph::Pending, "waiting", Role::Pending),
    };
    let number = |n: u64, role| Cell::number(words::count(n), n as f64, if n == 0 { Role::Faint } else { role });
    Row {
        id: name.to_owned(),
        cells: vec![
            Cell::new(name, if bad > 0 { Role::Failed } else { Role::Text }),
            number(t.ok + t.changed, Role::Ok),
            number(t.changed, Role::Changed),
            number(bad, Role::Failed),
            state,
        ],
    }
}
