//! The rows of a run's tables.

use crate::console::theme::{Glyph, Role};
use crate::console::widgets::table::{Cell, Column, Row, natural};
use crate::console::words;
use crate::model::play::{HostState, PlayPart, TaskState};
use crate::model::time::work_duration;
use crate::model::{PlayState, Step, StepState, Time};

use super::Facts;

pub const STEPS: &[Column] =
    &[Column::text("step", "STEPS", 20, 48, 0), Column::text("note", "NOTE", 14, 40, 2), Column::number("took", "TOOK", 6, 7, 1)];

pub const PLAYS: &[Column] = &[
    Column::text("task", "PLAYS", 20, 60, 0),
    Column::number("hosts", "HOSTS", 5, 9, 1),
    Column::number("took", "TOOK", 6, 7, 2),
];

pub const HOSTS: &[Column] = &[
    Column::text("host", "HOSTS", 8, 24, 0),
    Column::number("ok", "OK", 2, 5, 2),
    Column::number("changed", "CHG", 3, 5, 3),
    Column::number("failed", "BAD", 3, 5, 1),
    Column::text("now", "NOW", 12, 40, 0),
];

/// The steps, in their order.
pub fn steps(facts: &Facts<'_>, now: Time, failed_only: bool) -> Vec<Row> {
    let steps = facts.steps.values();
    steps
        .filter(|s| !failed_only || s.failure.is_some() || matches!(s.state, StepState::Failed | StepState::UndoFailed))
        .map(|s| step(s, now))
        .collect()
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

/// Rows of plays and tasks, rows of hosts, and the id of the task that runs.
pub fn play_parts(facts: &Facts<'_>, shown: Option<u32>, now: Time, failed_only: bool) -> (Vec<Row>, Vec<Row>, Option<String>) {
    let Some((_, play)) = facts.shown_play(shown) else { return (Vec::new(), Vec::new(), None) };
    let mut rows = Vec::new();
    let mut last = None;
    for part in &play.plays {
        rows.push(play_row(part, play));
        for task in &part.tasks {
            if failed_only && task.totals.failed + task.totals.unreachable == 0 {
                continue;
            }
            let row = task_row(part, task, now);
            last = Some(row.id.clone());
            rows.push(row);
        }
    }
    (rows, hosts(play, now, failed_only), last)
}

fn play_row(part: &PlayPart, play: &PlayState) -> Row {
    let bad = part.tasks.iter().any(|t| t.totals.failed + t.totals.unreachable > 0);
    let going = !play.ended && play.plays.last().is_some_and(|last| last.id == part.id);
    let (glyph, role) = match (bad, going) {
        (true, _) => (Glyph::Failed, Role::Failed),
        (false, true) => (Glyph::Busy, Role::Running),
        (false, false) => (Glyph::Done, Role::Ok),
    };
    Row {
        id: format!("play {}", part.id),
        cells: vec![
            Cell { glyph: Some(glyph), ..Cell::new(&part.name, if bad { role } else { Role::Strong }) },
            Cell::number(words::count(part.hosts.len() as u64), part.hosts.len() as f64, Role::Dim),
            Cell::new("", Role::Dim),
        ],
    }
}

fn task_row(part: &PlayPart, task: &TaskState, now: Time) -> Row {
    let t = &task.totals;
    let going = task.ended.is_none();
    let (glyph, role) = if t.failed > 0 {
        (Glyph::Failed, Role::Failed)
    } else if t.unreachable > 0 {
        (Glyph::Warn, Role::Unreachable)
    } else if going {
        (Glyph::Busy, Role::Running)
    } else if t.changed > 0 {
        (Glyph::Changed, Role::Changed)
    } else if t.ok + t.ignored == 0 && t.skipped > 0 {
        (Glyph::Skipped, Role::Skipped)
    } else {
        (Glyph::Done, Role::Ok)
    };
    let done = task.results.len();
    let hosts = if going || done != part.hosts.len() { format!("{done}/{}", part.hosts.len()) } else { done.to_string() };
    let took = task.ended.unwrap_or(now).since(task.started);
    let name = if task.handler { format!("{} (handler)", task.name) } else { task.name.clone() };
    // The sign stands under the play's name, so that tasks are seen to belong to it.
    Row {
        id: format!("task {}", task.id),
        cells: vec![
            Cell {
                glyph: Some(glyph),
                indent: 2,
                ..Cell::new(name, if t.failed + t.unreachable > 0 { role } else { Role::Text })
            },
            Cell::number(hosts, done as f64, Role::Dim),
            Cell::number(work_duration(took), took as f64, Role::Dim),
        ],
    }
}

fn hosts(play: &PlayState, now: Time, failed_only: bool) -> Vec<Row> {
    let mut hosts: Vec<(&String, &HostState)> = play.hosts.iter().collect();
    hosts.sort_by(|a, b| natural(a.0, b.0));
    let bad = |h: &HostState| h.totals.failed + h.totals.unreachable;
    hosts.into_iter().filter(|(_, h)| !failed_only || bad(h) > 0).map(|(name, host)| host_row(name, host, play, now)).collect()
}

fn host_row(name: &str, host: &HostState, play: &PlayState, now: Time) -> Row {
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
