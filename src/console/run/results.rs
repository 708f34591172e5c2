//! The results of a playbook, as rows: plays → tasks, and below a task the hosts that are asked for. Whatever is left
//! out, the names of the tasks stay.

use std::cmp::Reverse;

use crate::console::theme::{Glyph, Role};
use crate::console::widgets::table::{Cell, Row, natural};
use crate::console::words;
use crate::model::play::{BUILD, HostResult, HostState, Outcome, PlayPart, TaskState};
use crate::model::time::work_duration;
use crate::model::{PlayState, Time};

use super::Facts;
use super::rows::host_row;

/// Most hosts that are listed below a task.
const LISTED: usize = 50;
/// Hosts below a task when the slowest come first.
const SLOWEST: usize = 3;

/// Which results are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Only {
    #[default]
    All,
    Failed,
    Changed,
}

/// How the results are looked at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Show {
    pub only: Only,
    /// The slowest come first.
    pub slowest: bool,
    /// Only those of one host.
    pub host: Option<String>,
}

impl Show {
    /// What is left out, in words.
    pub fn says(&self) -> Vec<String> {
        let only = match self.only {
            Only::All => None,
            Only::Failed => Some("failed only"),
            Only::Changed => Some("changed only"),
        };
        only.into_iter().chain(self.slowest.then_some("slowest first")).map(str::to_owned).collect()
    }

    fn wants(&self, outcome: Outcome) -> bool {
        match self.only {
            Only::All => true,
            Only::Failed => outcome.bad(),
            Only::Changed => outcome == Outcome::Changed,
        }
    }

    /// Whether any of a task is shown.
    fn wants_task(&self, task: &TaskState) -> bool {
        if let Some(host) = &self.host {
            let running = self.only == Only::All && task.running.contains_key(host);
            return running || task.results.get(host).is_some_and(|result| self.wants(result.outcome));
        }
        match self.only {
            Only::All => true,
            Only::Failed => task.totals.failed + task.totals.unreachable > 0,
            Only::Changed => task.totals.changed > 0,
        }
    }
}

/// Rows of plays, tasks and results; rows of hosts; the id of the task that runs.
pub fn play_parts(facts: &Facts<'_>, shown: Option<u32>, now: Time, show: &Show) -> (Vec<Row>, Vec<Row>, Option<String>) {
    let Some((_, play)) = facts.shown_play(shown) else { return (Vec::new(), Vec::new(), None) };
    let rows = if show.slowest { slowest(play, now, show) } else { in_order(play, now, show) };
    let last = play.plays.iter().flat_map(|p| &p.tasks).rfind(|task| show.wants_task(task));
    let last = last.filter(|_| !show.slowest).map(|task| format!("task {}", task.id));
    (rows, hosts(play, now, show), last)
}

fn in_order(play: &PlayState, now: Time, show: &Show) -> Vec<Row> {
    let mut rows = Vec::new();
    let whole = show.only == Only::All && show.host.is_none();
    for part in &play.plays {
        let tasks: Vec<&TaskState> = part.tasks.iter().filter(|task| show.wants_task(task)).collect();
        if whole || !tasks.is_empty() {
            rows.push(play_row(part, play));
        }
        for task in tasks {
            rows.push(task_row(part, task, now, show));
            if show.only != Only::All && show.host.is_none() {
                rows.extend(results(task, show));
            }
        }
    }
    rows
}

/// The hosts below a task, in order of their names.
fn results(task: &TaskState, show: &Show) -> Vec<Row> {
    let wanted = task.results.iter().filter(|(_, result)| show.wants(result.outcome));
    let mut hosts: Vec<(&String, &HostResult)> = wanted.take(LISTED + 1).collect();
    let more = hosts.len() > LISTED;
    hosts.truncate(LISTED);
    hosts.sort_by(|a, b| natural(a.0, b.0));
    let mut rows: Vec<Row> = hosts.into_iter().map(|(host, result)| result_row(task, host, result)).collect();
    if more {
        let count = match show.only {
            Only::Failed => task.totals.failed + task.totals.unreachable,
            _ => task.totals.changed,
        };
        let text = format!("and {} more", words::count(count.saturating_sub(LISTED as u64)));
        rows.push(Row {
            id: format!("more {}", task.id),
            cells: vec![Cell { indent: 6, ..Cell::new(text, Role::Faint) }, Cell::new("", Role::Dim), Cell::new("", Role::Dim)],
        });
    }
    rows
}

/// Tasks by how long they took, each with its slowest hosts.
fn slowest(play: &PlayState, now: Time, show: &Show) -> Vec<Row> {
    let tasks = play.plays.iter().flat_map(|part| part.tasks.iter().map(move |task| (part, task)));
    let mut tasks: Vec<(&PlayPart, &TaskState)> = tasks.filter(|(_, task)| show.wants_task(task)).collect();
    tasks.sort_by_key(|(_, task)| Reverse(took(task, now, show)));
    let mut rows = Vec::new();
    for (part, task) in tasks {
        rows.push(task_row(part, task, now, show));
        if show.host.is_some() {
            continue;
        }
        // One pass, however many hosts there are.
        let mut slow: Vec<(&String, &HostResult)> = Vec::new();
        for entry in task.results.iter().filter(|(_, result)| show.wants(result.outcome)) {
            let at = slow.partition_point(|(_, result)| result.took >= entry.1.took);
            if at < SLOWEST {
                slow.insert(at, entry);
                slow.truncate(SLOWEST);
            }
        }
        rows.extend(slow.into_iter().map(|(host, result)| result_row(task, host, result)));
    }
    rows
}

/// How long a task took: on the one host that is looked at, else from its first to its last.
fn took(task: &TaskState, now: Time, show: &Show) -> u64 {
    if let Some(host) = &show.host {
        let since = |from: &Time| now.since(*from);
        return task.results.get(host).map(|r| r.took).or_else(|| task.running.get(host).map(since)).unwrap_or(0);
    }
    task.ended.unwrap_or(now).since(task.started)
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
            match part.tasks.first() {
                Some(task) if task.action == BUILD => Cell::new("", Role::Dim),
                _ => Cell::number(words::count(part.hosts.len() as u64), part.hosts.len() as f64, Role::Dim),
            },
            Cell::new("", Role::Dim),
        ],
    }
}

/// Sign and role of an outcome.
pub fn outcome_sign(outcome: Outcome) -> (Glyph, Role) {
    match outcome {
        Outcome::Ok => (Glyph::Done, Role::Ok),
        Outcome::Changed => (Glyph::Changed, Role::Changed),
        Outcome::Failed => (Glyph::Failed, Role::Failed),
        Outcome::Ignored => (Glyph::Failed, Role::Dim),
        Outcome::Unreachable => (Glyph::Warn, Role::Unreachable),
        Outcome::Skipped => (Glyph::Skipped, Role::Skipped),
    }
}

fn task_row(part: &PlayPart, task: &TaskState, now: Time, show: &Show) -> Row {
    let t = &task.totals;
    let going = task.ended.is_none();
    let of_host = show.host.as_ref().and_then(|host| task.results.get(host));
    let (glyph, role) = if let Some(result) = of_host {
        outcome_sign(result.outcome)
    } else if show.host.is_some() || (going && t.failed + t.unreachable == 0) {
        (Glyph::Busy, Role::Running)
    } else if t.failed > 0 {
        (Glyph::Failed, Role::Failed)
    } else if t.unreachable > 0 {
        (Glyph::Warn, Role::Unreachable)
    } else if t.changed > 0 {
        (Glyph::Changed, Role::Changed)
    } else if t.ok + t.ignored == 0 && t.skipped > 0 {
        (Glyph::Skipped, Role::Skipped)
    } else {
        (Glyph::Done, Role::Ok)
    };
    let done = task.results.len();
    let hosts = match of_host {
        _ if task.action == BUILD => built(task, role),
        Some(result) => Cell::new(result.outcome.word(), role),
        None if going || done != part.hosts.len() => Cell::number(format!("{done}/{}", part.hosts.len()), done as f64, Role::Dim),
        None => Cell::number(done.to_string(), done as f64, Role::Dim),
    };
    let ms = took(task, now, show);
    let name = if task.handler { format!("{} (handler)", task.name) } else { task.name.clone() };
    let bad = matches!(role, Role::Failed | Role::Unreachable);
    // The sign stands under the play's name, so that tasks are seen to belong to it.
    Row {
        id: format!("task {}", task.id),
        cells: vec![
            Cell { glyph: Some(glyph), indent: 2, ..Cell::new(name, if bad { role } else { Role::Text }) },
            hosts,
            Cell::number(work_duration(ms), ms as f64, Role::Dim),
        ],
    }
}

/// How a step of a build came to be.
fn built(task: &TaskState, role: Role) -> Cell {
    let word = match task.results.values().next().map(|result| result.outcome) {
        None => "",
        Some(Outcome::Ok) => "cached",
        Some(Outcome::Changed) => "built",
        Some(Outcome::Skipped) => "cancelled",
        Some(_) => "failed",
    };
    Cell::new(word, if word == "failed" { role } else { Role::Dim })
}

fn result_row(task: &TaskState, host: &str, result: &HostResult) -> Row {
    let (glyph, role) = outcome_sign(result.outcome);
    let message = result.msg.lines().next().unwrap_or_default();
    let text = if message.is_empty() { host.to_owned() } else { format!("{host}   {message}") };
    Row {
        id: format!("result {} {host}", task.id),
        cells: vec![
            Cell { glyph: Some(glyph), indent: 4, ..Cell::new(text, role) },
            Cell::new("", Role::Dim),
            Cell::number(work_duration(result.took), result.took as f64, Role::Dim),
        ],
    }
}

fn hosts(play: &PlayState, now: Time, show: &Show) -> Vec<Row> {
    let wanted = |h: &HostState| match show.only {
        Only::All => true,
        Only::Failed => h.totals.failed + h.totals.unreachable > 0,
        Only::Changed => h.totals.changed > 0,
    };
    let mut hosts: Vec<(&String, &HostState)> = play.hosts.iter().filter(|(_, h)| wanted(h)).collect();
    hosts.sort_by(|a, b| natural(a.0, b.0));
    hosts.into_iter().map(|(name, host)| host_row(name, host, play, now)).collect()
}

/// The host that is meant when only one is to be shown: the selected one, else the first that failed, else the first.
pub fn meant_host(play: &PlayState, selected: Option<&str>) -> Option<String> {
    let known = selected.filter(|host| play.hosts.contains_key(*host)).map(str::to_owned);
    known.or_else(|| play.failed_hosts().into_iter().next()).or_else(|| play.hosts.keys().next().cloned())
}
