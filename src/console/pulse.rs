//! The pulse: the line at the top that says how things are. Which cloud, how full it is, what runs, who is here.

use ratatui::layout::Rect;

use crate::model::Quota;
use crate::protocol::Role as Seat;
use crate::protocol::live::{ListKind, Rows};

use super::state::{Link, Model};
use super::theme::{Glyph, Role};
use super::widgets::canvas::{Canvas, cells};
use super::words;

/// Text in pieces.
type Rich = Vec<(String, Role)>;

/// Draws the line: from the left what fits of cloud and quota, from the right runs and people.
pub fn draw(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let right = fit_right(model, canvas, area.width);
    let right_width: u16 = right.iter().map(|(t, _)| cells(t)).sum();
    let end = area.right().saturating_sub(right_width + 1);
    canvas.spans(end, area.y, right_width, right.iter().map(|(t, r)| (t.as_str(), *r)));
    let mut x = area.x + 1;
    if area.width >= 64 {
        x += canvas.text(x, area.y, 14, "quarterdeck", Role::Brand) + 3;
    }
    if let Some(following) = &model.people.following {
        // Comes first, for nothing else says why the screen moves.
        let text = format!("{} following {}", canvas.theme.glyph(Glyph::Arrow), following.name);
        x += canvas.text(x, area.y, end.saturating_sub(x + 1).min(34), &text, Role::Warn) + 3;
    }
    let scope = model.scope.as_ref().map_or_else(|| everything(model), ToString::to_string);
    x += canvas.text(x, area.y, end.saturating_sub(x + 1).min(24), &scope, Role::Strong) + 1;
    for (sign, role) in super::rails::signs(model) {
        x += canvas.text(x, area.y, end.saturating_sub(x + 1), sign, role) + 1;
    }
    x += 2;
    for (name, used, limit, amount) in gauges(model) {
        let width = if area.width >= 150 { 8 } else { 5 };
        let text = format!(" {amount}");
        let need = cells(name) + 1 + width + cells(&text);
        if x + need + 2 > end {
            break;
        }
        x += canvas.text(x, area.y, 8, name, Role::Dim) + 1;
        canvas.gauge(x, area.y, width, used, limit, true);
        x += width;
        x += canvas.text(x, area.y, 24, &text, Role::Text) + 3;
    }
}

fn everything(model: &Model) -> String {
    match model.mirror.clouds.as_slice() {
        [] => "no cloud".to_owned(),
        [only] => only.info.name.to_string(),
        many => format!("all {} clouds", many.len()),
    }
}

/// Quotas of the main cloud that are worth a gauge: short name, used, limit, and both as text.
fn gauges(model: &Model) -> Vec<(&'static str, u64, u64, String)> {
    let quota: Option<&Quota> = model.main_cloud().and_then(|cloud| match model.list(&cloud, ListKind::Quota) {
        Some((_, Some(Rows::Quota(quota)))) => Some(quota),
        _ => None,
    });
    let Some(quota) = quota else { return Vec::new() };
    let wanted = [("vcpu", "vcpus"), ("ram", "ram_mb"), ("servers", "servers"), ("ip", "floating_ips")];
    let gauge = |(short, name): (&'static str, &str)| {
        let item = quota.get(name)?;
        let limit = item.limit?;
        let text = if name == "ram_mb" {
            format!("{}/{} GiB", item.used.div_ceil(1024), limit / 1024)
        } else {
            format!("{}/{limit}", item.used)
        };
        Some((short, item.used, limit, text))
    };
    wanted.into_iter().filter_map(gauge).collect()
}

/// Runs, questions, people; people leave first when there is no room.
fn fit_right(model: &Model, canvas: &Canvas<'_>, width: u16) -> Rich {
    let glyph = |g| canvas.theme.glyph(g);
    let mut parts: Vec<Rich> = Vec::new();
    match &model.link {
        Link::Up => {}
        Link::Opening => parts.push(vec![("connecting…".to_owned(), Role::Dim)]),
        Link::Lost { again: Some(_), .. } => {
            parts.push(vec![(format!("{} engine lost, trying again", glyph(Glyph::Warn)), Role::Warn)])
        }
        Link::Lost { failure, again: None } => {
            parts.push(vec![(format!("{} {}", glyph(Glyph::Failed), failure.got), Role::Failed)])
        }
    }
    let asks = model.asks().count();
    if asks > 0 {
        let text = if asks == 1 { "a run asks".to_owned() } else { format!("{asks} runs ask") };
        parts.push(vec![(format!("{} {text}", glyph(Glyph::Asks)), Role::Waiting)]);
    }
    let runs = model.under_way().count() as u64;
    if runs > 0 {
        parts.push(vec![(format!("{} {}", glyph(Glyph::Busy), words::many(runs, "run")), Role::Running)]);
    } else if model.link == Link::Up && asks == 0 {
        parts.push(vec![("quiet".to_owned(), Role::Faint)]);
    }
    let people = people(model, glyph(Glyph::Dot));
    if !people.is_empty() && width >= 76 {
        parts.push(people);
    }
    let mut out: Rich = Vec::new();
    for part in parts {
        if !out.is_empty() {
            out.push(("   ".to_owned(), Role::Text));
        }
        out.extend(part);
    }
    out
}

/// Who is connected, oneself first; nobody when one is alone.
fn people(model: &Model, dot: &str) -> Rich {
    let mut names: Vec<(String, bool)> = Vec::new();
    for present in &model.mirror.present {
        let watching = present.role == Seat::Watcher;
        match names.iter_mut().find(|(name, _)| *name == present.operator) {
            Some(known) => known.1 &= watching,
            None => names.push((present.operator.clone(), watching)),
        }
    }
    if names.len() < 2 && model.me.seat == Seat::Operator {
        return Vec::new();
    }
    names.sort_by_key(|(name, watching)| (*name != model.me.operator, *watching, name.clone()));
    let more = names.len().saturating_sub(3);
    let mut out: Rich = Vec::new();
    for (name, watching) in names.into_iter().take(3) {
        if !out.is_empty() {
            out.push((format!(" {dot} "), Role::Faint));
        }
        out.push((name, Role::Text));
        if watching {
            out.push((" (watching)".to_owned(), Role::Dim));
        }
    }
    if more > 0 {
        out.push((format!(" +{more}"), Role::Dim));
    }
    out
}
