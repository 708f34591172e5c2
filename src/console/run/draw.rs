//! Drawing the screen of a run.

use ratatui::layout::Rect;

use crate::console::layout;
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::viewer;
use crate::console::widgets::canvas::{Canvas, Spot, cells};
use crate::console::widgets::log::Look;
use crate::console::widgets::table::{self, Column, Table};
use crate::console::words;
use crate::model::time::work_duration;

use super::{Facts, Part, RunView, rows, texts};

/// Draws the run's line and everything below it.
pub fn draw(model: &Model, view: &RunView, canvas: &mut Canvas<'_>, head: Rect, body: Rect) {
    let known = view.with_facts(&model.mirror, |facts| {
        draw_head(model, view, facts, canvas, head);
        draw_body(model, view, facts, canvas, body);
    });
    if known.is_none() {
        canvas.text(head.x + 1, head.y, head.width, &format!("run {}", view.number), Role::Strong);
        let text = if model.ready { "There is no such run any more." } else { "Asking the engine…" };
        canvas.text(body.x + 3, body.y + 1, body.width.saturating_sub(3), text, Role::Dim);
    }
}

/// `run 43   site.yml on batch-test   by ana      ◐ running   ▰▰▰▱▱   3 of 7   now: …   41 s`
fn draw_head(model: &Model, view: &RunView, facts: &Facts<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let run = facts.run;
    let (glyph, role) = words::run_state(run.state);
    let mut right = String::new();
    if let Some(replay) = &view.replay {
        right = format!("replay {}   {}", replay.pace(), work_duration(replay.at().since(run.started.unwrap_or(run.created))));
    } else if let Some(started) = run.started {
        right = work_duration(run.ended.unwrap_or(model.now).since(started));
    }
    let right_width = cells(&right);
    let end = area.right().saturating_sub(right_width + 2);
    let right_role = if view.replay.is_some() { Role::Accent } else { Role::Dim };
    canvas.right(area.x, area.y, area.width - 1, &right, right_role);
    let mut x = area.x + 1;
    let mut put = |canvas: &mut Canvas<'_>, text: &str, role: Role| {
        if x < end {
            x += canvas.text(x, area.y, end - x, text, role);
        }
    };
    put(canvas, &format!("run {}  ", run.number), Role::Dim);
    put(canvas, &run.title, Role::Strong);
    if area.width >= 70 {
        put(canvas, &format!("   by {}", run.by), Role::Dim);
    }
    put(canvas, "   ", Role::Text);
    put(canvas, canvas.theme.glyph(glyph), role);
    put(canvas, &format!(" {}", run.state), role);
    let done = run.steps.done + run.steps.skipped;
    if !run.state.ended() && area.width >= 70 {
        put(canvas, "   ", Role::Text);
        if x + 10 < end {
            canvas.gauge(x, area.y, 10, done.into(), run.steps.total.into(), false);
            x += 10;
        }
    }
    let mut put = |canvas: &mut Canvas<'_>, text: &str, role: Role| {
        if x < end {
            x += canvas.text(x, area.y, end - x, text, role);
        }
    };
    put(canvas, &format!("   {done} of {}", run.steps.total), Role::Dim);
    if run.state.ended() {
        let totals = &run.play_totals;
        if let Some(built) = run.built() {
            put(canvas, &format!("   {built}"), Role::Dim);
        } else if *totals != Default::default() {
            let bad = totals.failed + totals.unreachable;
            put(canvas, &format!("   ok {}", totals.ok + totals.changed), Role::Dim);
            put(canvas, &format!("   changed {}", totals.changed), if totals.changed > 0 { Role::Changed } else { Role::Dim });
            put(canvas, &format!("   failed {bad}"), if bad > 0 { Role::Failed } else { Role::Dim });
        }
    } else if let Some(waits) = &run.waits {
        put(canvas, &format!("   waits: {waits}"), Role::Waiting);
    } else if !run.in_flight.is_empty() {
        put(canvas, &format!("   now: {}", run.in_flight.join(" · ")), Role::Text);
    }
}

fn draw_body(model: &Model, view: &RunView, facts: &Facts<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let failure = texts::failure(facts, view.steps.selected());
    let playbooks = view.has_playbooks(&model.mirror);
    let body = layout::run_body(area, failure.as_ref().map_or(0, texts::Shown::lines), playbooks);
    if let Some(failure) = failure.filter(|_| body.failure.height > 0) {
        draw_failure(canvas, body.failure, &failure);
    }
    let parts = view.parts(&model.mirror);
    if body.single {
        draw_titles(canvas, body.titles, parts, view.part);
        let host = view.log.host().map(|host| format!("{host} only"));
        let said = viewer::search_state(&view.log).into_iter().chain(host).chain(view.show.says());
        canvas.right(
            body.titles.x + 34,
            body.titles.y,
            body.titles.width.saturating_sub(35),
            &said.collect::<Vec<_>>().join("  "),
            Role::Warn,
        );
        match view.part {
            Part::Output => draw_output(model, view, facts, canvas, body.output),
            part => draw_part(canvas, body.parts[0], view, part, true),
        }
        return;
    }
    if body.side_by_side {
        for (part, area) in [Part::Steps, Part::Plays, Part::Hosts].into_iter().zip(body.parts) {
            draw_part(canvas, area, view, part, false);
        }
    } else if parts.len() > 2 {
        let part = if view.part == Part::Output { Part::Plays } else { view.part };
        draw_titles(canvas, body.titles, &parts[..3], part);
        draw_part(canvas, body.parts[0], view, part, true);
    } else {
        draw_part(canvas, Rect { y: body.titles.y, height: body.parts[0].height + 1, ..body.parts[0] }, view, Part::Steps, false);
    }
    canvas.rule(area, body.output_head.y.saturating_sub(1));
    draw_output_head(view, facts, canvas, body.output_head);
    if view.log.is_empty() {
        let text = if facts.run.state.ended() { "This step wrote nothing." } else { "Nothing has been written yet." };
        canvas.text(body.output.x + 3, body.output.y, body.output.width.saturating_sub(4), text, Role::Faint);
    }
    draw_output(model, view, facts, canvas, body.output);
}

fn draw_output(model: &Model, view: &RunView, facts: &Facts<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    canvas.spot(area, || Spot::Part(Part::Output.name()));
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let began = view.log_of.and_then(|(step, _)| facts.steps.get(&step)).and_then(|step| step.started);
    let time = |at| viewer::time_of(model, view.log.clock, began, at);
    view.log.draw(canvas, area, &Look { focused: view.part == Part::Output, time: &time });
}

fn draw_failure(canvas: &mut Canvas<'_>, area: Rect, failure: &texts::Shown) {
    canvas.glyph(area.x + 1, area.y, Glyph::Failed, Role::Failed);
    canvas.text(area.x + 3, area.y, area.width.saturating_sub(4), &failure.title, Role::Failed);
    let text = failure.text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    canvas.text(area.x + 3, area.y + 1, area.width.saturating_sub(4), text, Role::Text);
    if !failure.next.is_empty() {
        canvas.text(area.x + 3, area.y + 2, area.width.saturating_sub(4), &format!("next: {}", failure.next), Role::Dim);
    }
}

/// Titles of parts that share one place.
fn draw_titles(canvas: &mut Canvas<'_>, area: Rect, parts: &[Part], open: Part) {
    let mut x = area.x + 3;
    for part in parts {
        let (name, left) = (part.name(), x);
        let (text, role) = if *part == open { (name.to_uppercase(), Role::TabOpen) } else { (name.to_owned(), Role::Tab) };
        x += canvas.text(x, area.y, area.right().saturating_sub(x), &text, role) + 3;
        canvas.spot(Rect { x: left, width: x - left - 3, height: 1, ..area }, || Spot::Part(part.name()));
    }
}

fn draw_part(canvas: &mut Canvas<'_>, area: Rect, view: &RunView, part: Part, titled: bool) {
    let (columns, table): (&[Column], &Table) = match part {
        Part::Steps => (rows::STEPS, &view.steps),
        Part::Plays => (view.plays.columns(), &view.plays),
        Part::Hosts => (view.hosts.columns(), &view.hosts),
        Part::Output => return,
    };
    let focused = view.part == part;
    canvas.spot(area, || Spot::Part(part.name()));
    table::draw(canvas, area, table, focused);
    // The focused part's title stands out; below a line of titles it would say the same twice.
    let title = columns.first().map_or("", |column| column.title);
    if titled {
        canvas.text(area.x + 3, area.y, area.width.saturating_sub(3), &" ".repeat(title.len()), Role::Title);
    } else if focused {
        canvas.text(area.x + 3, area.y, area.width.saturating_sub(3), title, Role::Accent);
    }
    if table.counts().0 == 0 {
        let text = match part {
            Part::Steps => "no steps yet",
            Part::Plays => "nothing has begun",
            _ => "no host yet",
        };
        canvas.text(area.x + 3, area.y + 1, area.width.saturating_sub(3), text, Role::Faint);
    }
}

/// `output   ansible-playbook site.yml   following   1,204 lines`
fn draw_output_head(view: &RunView, facts: &Facts<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let focused = view.part == Part::Output;
    let mut x = area.x + 3;
    let end = area.right().saturating_sub(1);
    let mut put = |canvas: &mut Canvas<'_>, text: &str, role: Role| {
        if x < end {
            x += canvas.text(x, area.y, end - x, text, role);
        }
    };
    put(canvas, "OUTPUT", if focused { Role::Accent } else { Role::Title });
    let step = view.log_of.and_then(|(step, _)| facts.steps.get(&step));
    let said = view.show.says();
    // Where there is little room, what is looked for says more than the title that is shown above.
    let busy = view.log.find().is_some() || view.log.host().is_some() || !said.is_empty();
    if let Some(step) = step.filter(|_| area.width >= if busy { 110 } else { 60 }) {
        put(canvas, &format!("   {}", step.title), Role::Text);
        if step.attempt > 1 {
            put(canvas, &format!(" (attempt {})", step.attempt), Role::Dim);
        }
    }
    if view.log.following() {
        put(canvas, if facts.run.state.ended() { "   at the end" } else { "   following" }, Role::Running);
    } else {
        put(canvas, "   standing still", Role::Waiting);
        let below = view.log.below();
        if below > 0 {
            put(canvas, &format!(", {} below", words::many(below, "line")), Role::Waiting);
        }
    }
    if let Some(state) = viewer::search_state(&view.log) {
        put(canvas, &format!("   {state}"), Role::Accent);
    }
    if let Some(host) = view.log.host() {
        put(canvas, &format!("   {host} only"), Role::Warn);
    }
    for text in said {
        put(canvas, &format!("   {text}"), Role::Warn);
    }
    put(canvas, &format!("   {}", words::many(view.log.total(), "line")), Role::Dim);
    if view.log.wrapped {
        put(canvas, "   wrapped", Role::Dim);
    }
}
