//! What a run has to say in words: what failed, and the results behind a row.

use crate::console::widgets::table::natural;
use crate::model::play::{HostResult, TaskState};
use crate::model::time::work_duration;
use crate::model::{Failure, PlayState, StepState};

use super::{Facts, Part, RunView};

/// The failure that is shown first: of a host, of a step, of the run.
pub struct Shown {
    pub title: String,
    pub text: String,
    /// What to do.
    pub next: String,
}

impl Shown {
    /// Lines that it takes, with an empty one below.
    pub fn lines(&self) -> u16 {
        if self.next.is_empty() { 3 } else { 4 }
    }
}

/// What failed first and is most telling: a host's message before a step's, a step's before the run's.
pub fn failure(facts: &Facts<'_>, selected: Option<&str>) -> Option<Shown> {
    let shown = facts.shown_play(facts.shown_step(selected));
    if let Some((_, play)) = shown
        && let Some((host, task, message)) = first_bad_host(play)
    {
        let others = play.failed_hosts().len().saturating_sub(1);
        let more = if others > 0 { format!("   and {others} more") } else { String::new() };
        return Some(Shown { title: format!("{host} failed: {task}{more}"), text: message.to_owned(), next: String::new() });
    }
    let of_step = facts
        .steps
        .values()
        .filter(|s| matches!(s.state, StepState::Failed | StepState::UndoFailed))
        .find_map(|s| s.failure.as_ref());
    of_step.or(facts.run.failure.as_ref()).map(of_failure)
}

fn of_failure(failure: &Failure) -> Shown {
    let at = if failure.at.is_empty() { String::new() } else { format!("   {}", failure.at) };
    Shown { title: format!("{}{at}", failure.tried), text: failure.got.clone(), next: failure.next.clone() }
}

/// The host that failed first, by task and then by name.
fn first_bad_host(play: &PlayState) -> Option<(&str, &str, &str)> {
    let tasks = play.plays.iter().flat_map(|p| &p.tasks);
    for task in tasks.filter(|t| t.totals.failed + t.totals.unreachable > 0) {
        if let Some((host, result)) = task.results.iter().find(|(_, r)| r.outcome.bad()) {
            return Some((host, &task.name, &result.msg));
        }
    }
    None
}

/// Title and text behind what is selected: a step's failure, a task's results, a host's results.
pub fn result_text(view: &RunView, facts: &Facts<'_>) -> Option<(String, String)> {
    let play = facts.shown_play(facts.shown_step(view.steps.selected())).map(|(_, play)| play);
    match view.part {
        Part::Steps => {
            let index = facts.shown_step(view.steps.selected())?;
            let step = facts.steps.get(&index)?;
            let mut text = format!("{}   attempt {}", step.state, step.attempt);
            if !step.note.is_empty() {
                text.push_str(&format!("\n{}", step.note));
            }
            if let Some(f) = &step.failure {
                text.push_str(&format!("\n\ntried   {}\nat      {}\ngot     {}", f.tried, f.at, f.got));
                if !f.next.is_empty() {
                    text.push_str(&format!("\nnext    {}", f.next));
                }
            }
            Some((step.title.clone(), text))
        }
        Part::Plays => {
            let row = view.plays.looked_at()?;
            let (id, host) = match row.strip_prefix("result ").and_then(|rest| rest.split_once(' ')) {
                Some((id, host)) => (id, Some(host)),
                None => (row.strip_prefix("task ")?, view.show.host.as_deref()),
            };
            let task = play?.plays.iter().flat_map(|p| &p.tasks).find(|t| t.id == id)?;
            Some((task.name.clone(), task_text(task, host)))
        }
        Part::Hosts => {
            let host = view.hosts.selected()?;
            Some((host.to_owned(), host_text(play?, host)))
        }
        Part::Output => None,
    }
}

/// The step and the byte of its output where the lines of what is selected begin.
pub fn result_place(view: &RunView, facts: &Facts<'_>) -> Option<(u32, u64)> {
    let (step, play) = facts.shown_play(facts.shown_step(view.steps.selected()))?;
    let tasks = || play.plays.iter().flat_map(|p| &p.tasks);
    match view.part {
        Part::Plays => {
            let row = view.plays.looked_at()?;
            let (id, host) = match row.strip_prefix("result ").and_then(|rest| rest.split_once(' ')) {
                Some((id, host)) => (id, Some(host)),
                None => (row.strip_prefix("task ")?, view.show.host.as_deref()),
            };
            let task = tasks().find(|t| t.id == id)?;
            let result = host.and_then(|host| task.results.get(host));
            Some((step, result.map_or(task.offset.saturating_sub(1), HostResult::place)))
        }
        Part::Hosts => {
            let host = view.hosts.selected()?;
            let results: Vec<&HostResult> = tasks().filter_map(|t| t.results.get(host)).collect();
            let result = results.iter().find(|r| r.outcome.bad()).or(results.last())?;
            Some((step, result.place()))
        }
        Part::Steps | Part::Output => None,
    }
}

/// The results of a task, those that failed first; of one host only where one is asked for.
fn task_text(task: &TaskState, only: Option<&str>) -> String {
    let wanted = |host: &str| only.is_none_or(|only| only == host);
    let mut results: Vec<(&String, &HostResult)> = task.results.iter().filter(|(host, _)| wanted(host)).collect();
    results.sort_by(|a, b| b.1.outcome.bad().cmp(&a.1.outcome.bad()).then_with(|| natural(a.0, b.0)));
    let mut text = format!("{}   {}\n", task.action, task.path);
    for (host, result) in results {
        text.push_str(&format!("\n{host}   {}   {}", result.outcome.word(), work_duration(result.took)));
        push_result(&mut text, result);
    }
    for host in task.running.keys().filter(|host| wanted(host)) {
        text.push_str(&format!("\n{host}   at work"));
    }
    text
}

fn host_text(play: &PlayState, host: &str) -> String {
    let mut bad = String::new();
    let mut text = String::new();
    for part in &play.plays {
        for task in &part.tasks {
            let Some(result) = task.results.get(host) else { continue };
            let line = format!("\n{}   {}   {}", result.outcome.word(), task.name, work_duration(result.took));
            let into = if result.outcome.bad() { &mut bad } else { &mut text };
            into.push_str(&line);
            push_result(into, result);
        }
    }
    if bad.is_empty() { text.trim_start().to_owned() } else { format!("{}\n{text}", bad.trim_start()) }
}

fn push_result(text: &mut String, result: &HostResult) {
    for part in [&result.msg, &result.detail] {
        for line in part.lines() {
            text.push_str("\n    ");
            text.push_str(line);
        }
    }
}
