//! The line of tabs: where one is, and at the right what the list shows. Where both do not fit, tabs far from the open
//! one leave.

use ratatui::layout::Rect;

use super::favourites;
use super::panes;
use super::state::{Model, Tab};
use super::theme::{Glyph, Role};
use super::widgets::canvas::{Canvas, Spot, cells};
use super::words;

/// Text in pieces.
type Rich = Vec<(String, Role)>;

/// Draws the line.
pub fn draw(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let room = area.width.saturating_sub(2);
    let digits = area.width >= 90;
    let gap = if area.width >= 76 { 3 } else { 1 };
    let tabs = |range: &[Tab]| range.iter().map(|t| cells(t.name()) + gap + if digits { 2 } else { 0 }).sum::<u16>();
    // What matters least leaves first: how old the list is, then tabs, then the rest from the left.
    let mut right = parts(model);
    let width = |right: &Rich| right.iter().map(|(text, _)| cells(text) + 3).sum::<u16>();
    let mut all = Tab::ALL.to_vec();
    if !all.contains(&model.tab) {
        all.push(model.tab);
    }
    if tabs(&all) + width(&right) > room
        && let Some((text, Role::Stale)) = right.first_mut()
    {
        // Without the name of the cloud.
        *text = text.find("as of").map_or_else(String::new, |at| text[at..].to_owned());
    }
    let open = all.iter().position(|t| *t == model.tab).unwrap_or(0);
    let (mut from, mut to) = (0, all.len());
    while tabs(&all[from..to]) + 4 + width(&right) > room && to - from > 3 {
        // The farther end gives way.
        if open - from > to - 1 - open { from += 1 } else { to -= 1 }
    }
    while tabs(&all[from..to]) + width(&right) > room && right.len() > 1 {
        right.remove(0);
    }
    let mut x = area.x + 1;
    if from > 0 {
        x += canvas.text(x, area.y, 1, canvas.theme.glyph(Glyph::Ellipsis), Role::Faint) + 1;
    }
    for tab in &all[from..to] {
        let left = x;
        if digits {
            let digit = tab.digit().map_or_else(|| "  ".to_owned(), |digit| format!("{digit} "));
            x += canvas.text(x, area.y, 2, &digit, Role::Faint);
        }
        let (text, role) =
            if *tab == model.tab { (tab.name().to_uppercase(), Role::TabOpen) } else { (tab.name().to_owned(), Role::Tab) };
        x += canvas.text(x, area.y, area.right().saturating_sub(x), &text, role) + gap;
        canvas.spot(Rect { x: left, width: x - left - gap, ..area }, || Spot::Tab(tab.name()));
    }
    if to < all.len() {
        canvas.text(x, area.y, 1, canvas.theme.glyph(Glyph::Ellipsis), Role::Faint);
        x += 2;
    }
    let mut end = area.right().saturating_sub(1);
    for (text, role) in right.iter().rev() {
        let width = cells(text).min(end.saturating_sub(x));
        canvas.text(end - width, area.y, width, text, *role);
        end = end.saturating_sub(width + 3).max(x);
    }
}

/// How old the list is, marks, the filter, counts.
fn parts(model: &Model) -> Rich {
    let table = model.table(model.tab);
    let mut out = Rich::new();
    if model.tab == Tab::Pulse {
        return out;
    }
    if let Some((text, _)) = panes::staleness(model, model.tab) {
        out.push((text, Role::Stale));
    }
    if let Some(docker) = model.docker_scope.as_ref().filter(|_| matches!(model.tab, Tab::Held(_))) {
        out.push((format!("on {docker}"), Role::Accent));
    }
    match table.marked() {
        (0, _) => {}
        (marked, 0) => out.push((format!("{marked} marked"), Role::Mark)),
        (marked, hidden) => out.push((format!("{marked} marked, {hidden} hidden"), Role::Mark)),
    }
    let filter = table.filter().trim();
    let kept = favourites::digit(model).map(|digit| format!("'{digit}")).unwrap_or_default();
    match (filter.is_empty(), kept.is_empty()) {
        (true, true) => {}
        (true, false) => out.push((kept, Role::Accent)),
        (false, true) => out.push((format!("/ {filter}"), Role::Accent)),
        (false, false) => out.push((format!("{kept} / {filter}"), Role::Accent)),
    }
    let (shown, all) = table.counts();
    let text = match table.place() {
        Some(place) if shown == all => format!("{} of {}", words::count(place as u64 + 1), words::count(all as u64)),
        _ if shown == all => words::count(all as u64),
        _ => format!("{} of {}", words::count(shown as u64), words::count(all as u64)),
    };
    out.push((text, Role::Dim));
    out
}
