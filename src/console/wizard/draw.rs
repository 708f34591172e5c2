//! The wizard's screen: where one is, the page, and the keys that count.

use ratatui::layout::Rect;

use crate::console::action::Action;
use crate::console::draw::draw_hints;
use crate::console::layout;
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::{Canvas, cells};
use crate::console::words;
use crate::model::time::work_duration;

use super::act::CONTEXTS;
use super::finish::Stage;
use super::form::{self, Line, RowId};
use super::{Page, Wizard};

/// From this width on there are two columns.
const TWO: u16 = 118;
/// Widest text of a page.
const WIDEST: u16 = 96;

impl Wizard {
    /// Draws the wizard over the whole screen.
    pub fn draw(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        canvas.fill(area, Role::Text);
        let frame = layout::frame(area, false);
        self.draw_head(model, canvas, frame.pulse);
        self.draw_tabs(canvas, frame.head);
        canvas.rule(area, frame.head.y + 1);
        self.draw_page(model, canvas, frame.body);
        canvas.rule(area, frame.foot_rule);
        match (&self.picker, &self.typing) {
            (Some(_), _) => {}
            (None, Some(typing)) => {
                let take = if typing.suggests() { "take   up and down choose" } else { "take" };
                draw_keys(canvas, frame.foot, &[("enter", take), ("esc", "leave it as it was")]);
            }
            (None, None) => draw_hints(model, canvas, frame.foot),
        }
        if let Some(picker) = &self.picker {
            picker.draw(canvas, area);
        }
    }

    fn draw_head(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        let mut x = area.x + 1;
        x += canvas.text(x, area.y, 14, "quarterdeck", Role::Brand) + 3;
        x += canvas.text(x, area.y, 8, "set-up", Role::Strong) + 3;
        let mut right = vec![(format!("page {} of {}", self.page.number() + 1, Page::ALL.len()), Role::Dim)];
        if let Some((text, role)) = self.install_word(model) {
            right.insert(0, (format!("{text}   "), role));
        }
        let width: u16 = right.iter().map(|(text, _)| cells(text)).sum();
        let start = area.right().saturating_sub(width + 1).max(x);
        canvas.spans(start, area.y, area.right().saturating_sub(start), right.iter().map(|(t, r)| (t.as_str(), *r)));
    }

    /// How far the installation is that goes on behind the pages.
    fn install_word(&self, model: &Model) -> Option<(String, Role)> {
        let run = model.mirror.runs().get(&self.install?)?;
        let (glyph, role) = words::run_state(run.state);
        let time = run.started.map(|from| work_duration(run.ended.unwrap_or(model.now).since(from))).unwrap_or_default();
        let what = if run.state.ended() { "Ansible" } else { "installing Ansible" };
        Some((format!("{} {what} {time}", model.theme.glyph(glyph)), role))
    }

    fn draw_tabs(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let gap = if area.width >= 76 { 3 } else { 1 };
        let mut x = area.x + 1;
        for page in Page::ALL {
            let passed = page < self.page;
            let sign = if self.skipped.contains(&page) {
                Some((Glyph::Skipped, Role::Dim))
            } else {
                passed.then_some((Glyph::Done, Role::Ok))
            };
            if let Some((glyph, role)) = sign {
                canvas.glyph(x, area.y, glyph, role);
                x += 2;
            }
            let open = page == self.page;
            let (text, role) =
                if open { (page.name().to_uppercase(), Role::TabOpen) } else { (page.name().to_owned(), Role::Tab) };
            x += canvas.text(x, area.y, area.right().saturating_sub(x), &text, role) + gap;
        }
    }

    fn draw_page(&self, model: &Model, canvas: &mut Canvas<'_>, body: Rect) {
        let Places { left, right, note } = self.places(body);
        canvas.text(body.x + 1, body.y, body.width.saturating_sub(2), self.title(), Role::Strong);
        let lines = self.lines(model, left.width.saturating_sub(6));
        let selected = self.selected(&lines);
        let first = self.first_line(&lines, left.height);
        let marker = form::draw(canvas, left, &lines, selected.as_ref(), first);
        self.draw_aside(model, canvas, left, right, lines.len() as u16);
        if let (Some(typing), Some(y)) = (&self.typing, marker) {
            let x = left.x + 2 + if matches!(typing.row, RowId::Cloud(_)) { 2 } else { form::LABEL };
            typing.field.draw(canvas, Rect { x, y, width: left.right().saturating_sub(x + 2).min(40), height: 1 }, true);
        }
        if note && self.before_writing() && self.page != Page::Review {
            let anew = model.keymap.key_of(&CONTEXTS, Action::SetupAnew).unwrap_or_default();
            let text = match self.page {
                _ if self.begin.draft.is_some() => {
                    format!("Going on with the set-up of before; {anew} begins anew. Nothing is written yet.")
                }
                Page::Terminal => "Six pages, and each can be passed over. Nothing is written before the last.".to_owned(),
                _ => "Nothing is written before the last page.".to_owned(),
            };
            canvas.text(body.x + 1, body.bottom() - 1, body.width.saturating_sub(2), &text, Role::Dim);
        }
    }

    /// Divides the body of the screen.
    fn places(&self, body: Rect) -> Places {
        let air = u16::from(body.height >= 14);
        let top = body.y + 1 + air;
        let note = body.height >= 12;
        let foot = if note { 1 + air } else { 0 };
        let area = Rect { y: top, height: body.bottom().saturating_sub(top + foot), ..body };
        if body.width < TWO || !matches!(self.page, Page::Terminal | Page::Clouds | Page::Defaults) {
            return Places { left: Rect { width: body.width.min(WIDEST + 8), ..area }, right: None, note };
        }
        let left = (body.width * 11 / 20).min(WIDEST);
        let right = Rect { x: body.x + left + 2, width: body.width - left - 3, ..area };
        Places { left: Rect { width: left, ..area }, right: Some(right), note }
    }

    /// Lines and width of the page on this screen, and how many of them are seen at once.
    pub(super) fn shown_lines(&self, model: &Model) -> (Vec<Line>, u16) {
        let left = self.places(layout::frame(model.area, false).body).left;
        (self.lines(model, left.width.saturating_sub(6)), left.height)
    }

    /// The first line that is shown in `height` rows.
    fn first_line(&self, lines: &[Line], height: u16) -> usize {
        let height = usize::from(height);
        let first = if self.scrolls() { 0 } else { form::first_shown(lines, self.selected(lines).as_ref(), height) };
        (first + self.top).min(lines.len().saturating_sub(height))
    }

    /// Beside the page where there is room, else below what it has said.
    fn draw_aside(&self, model: &Model, canvas: &mut Canvas<'_>, left: Rect, right: Option<Rect>, used: u16) {
        let area = match right {
            Some(area) => area,
            None => Rect { y: left.y + used + 1, height: left.height.saturating_sub(used + 1), ..left },
        };
        let lines = self.aside(model, area.width.saturating_sub(6));
        // Half of it says little.
        if lines.is_empty() || area.height < 4 || (right.is_none() && usize::from(area.height) < lines.len().min(6)) {
            return;
        }
        if right.is_some() {
            canvas.bar(area.x - 1, area.y, area.height.min(used.max(lines.len() as u16)));
        }
        form::draw(canvas, area, &lines, None, 0);
    }

    fn title(&self) -> &'static str {
        match &self.stage {
            Stage::Done { .. } => "Set up",
            _ if self.before_writing() => self.page.question(),
            _ => "Setting up",
        }
    }

    /// The lines of the page that is open.
    pub(super) fn lines(&self, model: &Model, width: u16) -> Vec<Line> {
        match self.page {
            Page::Terminal => self.terminal_lines(model, width),
            Page::Tools => self.tools_lines(model, width),
            Page::Clouds => self.clouds_lines(model, width),
            Page::Defaults => self.defaults_lines(model, width),
            Page::Safety => self.safety_lines(model, width),
            Page::Review => self.review_lines(model, width),
        }
    }

    fn aside(&self, model: &Model, width: u16) -> Vec<Line> {
        match self.page {
            Page::Terminal => terminal_sample(model),
            Page::Clouds => self.cloud_aside(model, width),
            Page::Defaults => self.defaults_aside(model),
            Page::Tools | Page::Safety | Page::Review => Vec::new(),
        }
    }
}

/// Where things stand.
struct Places {
    left: Rect,
    right: Option<Rect>,
    /// There is room for a line at the foot.
    note: bool,
}

/// Keys with what they do, from the left.
fn draw_keys(canvas: &mut Canvas<'_>, area: Rect, keys: &[(&str, &str)]) {
    let mut x = area.x + 1;
    for (key, what) in keys {
        x += canvas.text(x, area.y, 16, key, Role::Key) + 1;
        x += canvas.text(x, area.y, area.right().saturating_sub(x), what, Role::Hint) + 3;
    }
}

/// A piece of the console as it looks with this theme.
fn terminal_sample(model: &Model) -> Vec<Line> {
    let glyph = |glyph| model.theme.glyph(glyph);
    let row = |mark: &str, name: &str, state: (Glyph, &str, Role), nodes: &str, last: (Option<Glyph>, &str, Role)| {
        let sign = last.0.map(|g| format!("{} ", glyph(g))).unwrap_or_default();
        Line::rich(vec![
            (format!("{mark:<2}"), Role::Accent),
            (format!("{name:<12}"), Role::Strong),
            (format!("{} {:<11}", glyph(state.0), state.1), state.2),
            (format!("{nodes:>5}   "), Role::Text),
            (format!("{sign}{}", last.1), last.2),
        ])
    };
    vec![
        Line::text(format!("  {:<12}{:<13}{:>5}   {}", "NAME", "STATUS", "NODES", "LAST PLAYBOOK"), Role::Title),
        row(
            glyph(Glyph::Selected),
            "analytics",
            (Glyph::On, "running", Role::Ok),
            "4/4",
            (Some(Glyph::Done), "site.yml", Role::Ok),
        ),
        row("", "web", (Glyph::Busy, "creating", Role::Running), "7/12", (None, "waits for web-8", Role::Waiting)),
        row("", "batch", (Glyph::Warn, "degraded", Role::Warn), "2/3", (Some(Glyph::Failed), "1 failed", Role::Failed)),
        row("", "old", (Glyph::Off, "stopped", Role::Skipped), "0/2", (Some(Glyph::Changed), "6 changed", Role::Changed)),
    ]
}
