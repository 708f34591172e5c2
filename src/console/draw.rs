//! The whole screen, out of the model. Pure: the same model gives the same cells.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::model::Run;
use crate::model::time::work_duration;

use super::action::{Action, Offer};
use super::head;
use super::layers::Layer;
use super::layout::{self, LEAST};
use super::mouse;
use super::panes;
use super::pulse;
use super::run;
use super::state::{Model, Tab};
use super::theme::{Glyph, Role};
use super::update::{detail_lines, offers};
use super::widgets::canvas::{Canvas, Spot, cells};
use super::widgets::table;
use super::words;

/// Draws the model; returns where the cursor goes, when something is being typed.
pub fn draw(model: &Model, buffer: &mut Buffer) -> Option<Position> {
    let mut canvas = Canvas::new(buffer, &model.theme);
    draw_on(model, &mut canvas);
    canvas.cursor
}

/// Draws the model on a canvas.
pub fn draw_on(model: &Model, canvas: &mut Canvas<'_>) {
    let area = canvas.buffer.area;
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return draw_too_small(model, canvas, area);
    }
    let frame = layout::frame(area, model.run.is_none() && model.tab != Tab::Pulse);
    pulse::draw(model, canvas, frame.pulse);
    canvas.rule(area, frame.head.y + 1);
    match &model.run {
        Some(view) => run::draw(model, view, canvas, frame.head, frame.body),
        None => {
            head::draw(model, canvas, frame.head);
            match model.tab {
                Tab::Pulse => {
                    canvas.spot(frame.body, || Spot::Part(mouse::LIST));
                    panes::pulse::draw(model, canvas, frame.body);
                }
                _ => draw_list(model, canvas, frame.body),
            }
        }
    }
    if frame.activity.height > 0 {
        canvas.rule(area, frame.activity.y - 1);
        draw_activity(model, canvas, frame.activity);
    }
    canvas.rule(area, frame.foot_rule);
    draw_hints(model, canvas, frame.foot);
    if model.shows_continuations() {
        draw_continuations(model, canvas, frame.body);
    }
    for layer in &model.layers {
        canvas.cursor = None;
        // A text is looked at like a pane: the hints of the last line are about it.
        let text = matches!(layer, Layer::Text(_));
        canvas.spot(Rect { height: if text { frame.foot_rule } else { area.height }, ..area }, || Spot::Covered);
        if text {
            canvas.spot(frame.body, || Spot::Part(mouse::TEXT));
        }
        layer.draw(model, canvas, area);
    }
    draw_notice(model, canvas, area, frame.foot_rule);
}

fn draw_too_small(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let runs = model.under_way().count() as u64;
    let lines = [
        format!("{}×{} is too small", area.width, area.height),
        format!("{} under way", words::many(runs, "run")),
        format!("{} leaves", model.key_of(Action::Quit).unwrap_or_default()),
    ];
    for (y, line) in lines.iter().enumerate() {
        canvas.text(area.x, area.y + y as u16, area.width, line, Role::Text);
    }
}

fn draw_list(model: &Model, canvas: &mut Canvas<'_>, body: Rect) {
    let tab = model.tab;
    let list = layout::list_body(body, detail_lines(tab));
    let table = model.table(tab);
    if table.is_blank() {
        draw_lesson(model, canvas, body);
        return;
    }
    canvas.spot(list.table, || Spot::Part(mouse::LIST));
    table::draw(canvas, list.table, table, !model.lower);
    let Some(rule) = list.rule else { return };
    canvas.rule(body, rule);
    if tab == Tab::Clusters {
        canvas.spot(list.detail, || Spot::Part(mouse::NODES));
        table::draw(canvas, list.detail, &model.nodes, model.lower);
        return;
    }
    let facts = panes::facts(model, tab);
    for (row, (name, value, role)) in facts.iter().take(usize::from(list.detail.height)).enumerate() {
        let y = list.detail.y + row as u16;
        canvas.text(body.x + 3, y, 9, name, Role::Title);
        canvas.text(body.x + 13, y, body.width.saturating_sub(14), value.lines().next().unwrap_or_default(), *role);
    }
}

/// An empty list says why, and which key does something about it.
fn draw_lesson(model: &Model, canvas: &mut Canvas<'_>, body: Rect) {
    let (text, actions) = panes::lesson(model, model.tab);
    let y = body.y + body.height.saturating_sub(4) / 3;
    let used = canvas.paragraph(Rect { x: body.x + 3, y, width: body.width.saturating_sub(6), height: 3 }, &text, Role::Text);
    let mut x = body.x + 3;
    for action in actions {
        let Some(key) = model.key_of(action) else { continue };
        let from = x;
        x += canvas.text(x, y + used + 1, 12, &key, Role::Key) + 1;
        x += canvas.text(x, y + used + 1, body.right().saturating_sub(x), action.hint(), Role::Hint) + 4;
        canvas.spot(Rect::new(from, y + used + 1, x - from - 4, 1), || Spot::Keys(key));
    }
}

/// Runs under way, then those that ended last: always the same lines, so that nothing jumps.
fn draw_activity(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let ended = model.mirror.runs().values().rev().filter(|r| r.state.ended());
    let runs: Vec<&Run> = model.under_way().chain(ended).take(usize::from(area.height)).collect();
    if runs.is_empty() {
        canvas.text(area.x + 1, area.y, area.width, "no runs yet", Role::Faint);
    }
    for (row, run) in runs.into_iter().enumerate() {
        draw_run_line(model, canvas, Rect { y: area.y + row as u16, height: 1, ..area }, run);
    }
}

/// `run 42  create web-prod      ◐ running  ▰▰▰▰▱▱▱▱▱▱   7 of 12   create server app-9 · …      41 s`
fn draw_run_line(model: &Model, canvas: &mut Canvas<'_>, area: Rect, run: &Run) {
    let (glyph, role) = words::run_state(run.state);
    let live = !run.state.ended();
    let wide = area.width >= 90;
    let time = match (run.started, run.ended) {
        (Some(from), None) => work_duration(model.now.since(from)),
        (_, Some(end)) => words::when(model.now, end, &model.zone),
        (None, None) => String::new(),
    };
    canvas.right(area.x, area.y, area.width - 1, &time, Role::Dim);
    let end = area.right().saturating_sub(12);
    let mut x = area.x + 1;
    x += canvas.text(x, area.y, 10, &format!("run {:<4}", run.number.to_string()), Role::Dim) + 1;
    let title = if wide { 32 } else { 22 };
    canvas.text(x, area.y, title, &run.title, if live { Role::Strong } else { Role::Text });
    x += title + 2;
    canvas.glyph(x, area.y, glyph, role);
    canvas.text(x + 2, area.y, 10, &run.state.to_string(), role);
    x += 13;
    if live && wide {
        canvas.gauge(x, area.y, 10, (run.steps.done + run.steps.skipped).into(), run.steps.total.into(), false);
        x += 12;
    }
    let (text, text_role) = if live {
        let count = format!("{} of {}", run.steps.done + run.steps.skipped, run.steps.total);
        match &run.waits {
            Some(waits) => (format!("{count}   waits: {waits}"), Role::Waiting),
            None => (format!("{count}   {}", run.in_flight.join(" · ")), Role::Dim),
        }
    } else if let Some(failure) = &run.failure {
        (failure.got.lines().next().unwrap_or_default().to_owned(), Role::Failed)
    } else if let Some(built) = run.built() {
        (built, Role::Dim)
    } else if run.play_totals != Default::default() {
        let t = &run.play_totals;
        (format!("ok {}   changed {}   failed {}", t.ok + t.changed, t.changed, t.failed + t.unreachable), Role::Dim)
    } else {
        (words::many(run.steps.total.into(), "step"), Role::Dim)
    };
    canvas.text(x, area.y, end.saturating_sub(x), &text, text_role);
}

/// The keys that matter here, at most six of them, then help.
pub fn draw_hints(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let contexts = model.contexts();
    let all = offers(model);
    let here = all.iter().filter(|o| o.hinted).take(6);
    let tail: &[Action] = if model.wizard().is_some() {
        &[Action::Help]
    } else if model.run.is_some() || model.text().is_some() {
        &[Action::Back, Action::Help]
    } else {
        &[Action::Filter, Action::Palette, Action::Help]
    };
    let tail = tail.iter().filter_map(|a| all.iter().find(|o| o.action == *a));
    // What cannot be done now stays in its place and is grey: the line does not jump.
    let hint = |o: &Offer| Some((model.keymap.key_of(&contexts, o.action)?, o.action.hint(), o.why_not.is_none()));
    let hints: Vec<(String, &str, bool)> = here.chain(tail).filter_map(hint).collect();
    let gap = if area.width >= 100 { 4 } else { 2 };
    let width = |(key, what, _): &(String, &str, bool)| cells(key) + 1 + cells(what) + gap;
    // Help is always there; what does not fit leaves from the middle.
    let help = hints.last().map_or(0, width);
    let mut x = area.x + 1;
    for (i, hint) in hints.iter().enumerate() {
        let last = i + 1 == hints.len();
        let reserved = if last { 0 } else { help };
        if x + width(hint) - gap + reserved > area.right() {
            continue;
        }
        let (key, what) = if hint.2 { (Role::Key, Role::Hint) } else { (Role::Disabled, Role::Disabled) };
        let from = x;
        x += canvas.text(x, area.y, 16, &hint.0, key) + 1;
        x += canvas.text(x, area.y, area.right().saturating_sub(x), hint.1, what) + gap;
        canvas.spot(Rect { x: from, width: x - from - gap, ..area }, || Spot::Keys(hint.0.clone()));
    }
}

/// After the first key of a sequence: how it goes on.
fn draw_continuations(model: &Model, canvas: &mut Canvas<'_>, body: Rect) {
    const WIDTH: u16 = 34;
    let rows = model.keymap.continuations(&model.contexts(), &model.keys);
    let count = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    // As many beside each other as it takes to show all, where there is room.
    let columns = count.div_ceil(body.height.saturating_sub(1).max(1)).clamp(1, (body.width / WIDTH).max(1));
    let height = (count.div_ceil(columns) + 1).min(body.height);
    let width = (WIDTH * columns).min(body.width);
    let area = Rect::new(body.right() - width, body.bottom() - height, width, height);
    canvas.fill(area, Role::Layer);
    let keys: Vec<String> = model.keys.iter().map(ToString::to_string).collect();
    canvas.text(area.x + 1, area.y, width - 1, &format!("{} …", keys.join(" ")), Role::Title);
    let (column, lines) = (width / columns, height - 1);
    for (at, (key, does)) in (0..lines * columns).zip(&rows) {
        let (x, y) = (area.x + at / lines * column, area.y + 1 + at % lines);
        canvas.text(x + 1, y, 8, key, Role::Key);
        canvas.text(x + 10, y, column.saturating_sub(11), does, Role::Text);
    }
}

/// A short message, on the rule above the hints.
fn draw_notice(model: &Model, canvas: &mut Canvas<'_>, area: Rect, y: u16) {
    let Some(notice) = &model.notice else { return };
    let width = (cells(&notice.text) + 4).min(area.width.saturating_sub(2));
    let rect = Rect::new(area.right() - width - 1, y, width, 1);
    canvas.fill(rect, Role::Layer);
    let (glyph, role) = match notice.role {
        Role::Ok => (Glyph::Done, Role::Ok),
        Role::Warn => (Glyph::Warn, Role::Warn),
        Role::Failed => (Glyph::Failed, Role::Failed),
        _ => (Glyph::Dot, Role::Text),
    };
    canvas.glyph(rect.x + 1, y, glyph, role);
    canvas.text(rect.x + 3, y, width.saturating_sub(4), &notice.text, Role::Text);
}
