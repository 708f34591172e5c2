//! What happened to a node: the steps that touched it, what playbooks changed on it.

use crate::console::run::outcome_sign;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::words;
use crate::model::play::Outcome;
use crate::model::time::work_duration;
use crate::model::timeline::{Happened, Moment};

use super::jump::Jump;
use super::sheet::{Sheet, pad};
use super::subject::Subject;

/// The text, newest first, a heading for each day.
pub fn sheet(model: &Model, subject: &Subject, moments: Option<&[Moment]>, changes: bool) -> Sheet {
    let mut sheet = Sheet::default();
    if let Some(node) = subject.node(model)
        && let Some(id) = &node.server
    {
        let (cloud, server, name) = (node.cloud.clone(), id.clone(), node.name.clone());
        sheet.link("its console log", Jump::ConsoleLog { cloud, server, name });
        sheet.blank();
    }
    let Some(moments) = moments else {
        sheet.text("Asking the engine…", Role::Dim);
        return sheet;
    };
    let mut day = String::new();
    let mut any = false;
    for moment in moments.iter().filter(|moment| !changes || changed(moment)) {
        let of = words::day(moment.at, &model.zone);
        if of != day {
            sheet.title(&of);
            day = of;
        }
        any = true;
        line(model, moment, &mut sheet);
    }
    if !any {
        let text =
            if changes { "Nothing was changed on it in the runs that are kept." } else { "No run that is kept has touched it." };
        sheet.text(text, Role::Dim);
    }
    sheet
}

/// Whether something is different afterwards, or was to be.
fn changed(moment: &Moment) -> bool {
    match &moment.what {
        Happened::Step { .. } => true,
        Happened::Task { outcome, .. } => *outcome != Outcome::Ignored,
        Happened::Quiet { .. } => false,
    }
}

fn line(model: &Model, moment: &Moment, sheet: &mut Sheet) {
    let at = pad(&words::time_of_day(moment.at, &model.zone), 10);
    let run = pad(&format!("run {}", moment.run), 8);
    let (run_no, step) = (moment.run, moment.step);
    let (word, role, text, note, jump) = match &moment.what {
        Happened::Step { title, state, took, note } => {
            let (_, role) = words::step_state(state);
            let took = took.map_or_else(String::new, |ms| format!("   {}", work_duration(ms)));
            let jump = Jump::Describe(Subject::Step(run_no, step));
            (state.to_string(), role, format!("{title}{took}"), note.clone(), jump)
        }
        Happened::Task { playbook, name, outcome, took, msg, byte } => {
            let (_, role) = outcome_sign(*outcome);
            let text = format!("{name}   {playbook}   {}", work_duration(*took));
            let jump = Jump::Output { run: run_no, step, byte: *byte };
            (outcome.word().to_owned(), role, text, msg.clone(), jump)
        }
        Happened::Quiet { playbook, ok, skipped } => {
            let skipped = if *skipped > 0 { format!(", {} skipped", words::count(*skipped)) } else { String::new() };
            let text = format!("{playbook}: {} as they should be{skipped}", words::many(*ok, "task"));
            (String::from("ok"), Role::Dim, text, String::new(), Jump::Output { run: run_no, step, byte: 0 })
        }
    };
    let note_role = if matches!(role, Role::Failed | Role::Unreachable) { Role::Failed } else { Role::Dim };
    let note = if note.is_empty() { note } else { format!("   {note}") };
    let pieces = [
        (at, Role::Dim),
        (run, Role::Dim),
        (pad(&word, 12), role),
        (text, if role == Role::Dim { Role::Dim } else { Role::Text }),
        (note, note_role),
    ];
    sheet.rich_to(pieces.iter().map(|(text, role)| (text.as_str(), *role)), jump);
}
