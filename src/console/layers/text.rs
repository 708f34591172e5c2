//! A text to read, in the one viewer: a failure with its four parts or a result in a box, a console log or anything
//! longer in the place of the panes.

use ratatui::layout::Rect;

use crate::console::action::{Action, Offer};
use crate::console::detail::{self, Detail};
use crate::console::layout;
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::viewer;
use crate::console::widgets::canvas::{Canvas, cells, wrap_ranges};
use crate::console::widgets::log::{Line, LogView, Look};
use crate::model::Failure;
use crate::model::text::clean;

use super::frame;

/// Widest text of a box, cells.
const WIDE: u16 = 110;

/// A text over the panes.
pub struct TextLayer {
    pub title: String,
    pub view: LogView,
    edge: Role,
    /// In a box as large as it needs; else in the place of the panes.
    boxed: bool,
    /// It is about something, and made anew when that changes.
    detail: Option<Box<Detail>>,
}

impl TextLayer {
    /// A text from its beginning, in a box.
    pub fn new(title: impl Into<String>, text: impl AsRef<str>) -> Self {
        let lines = text.as_ref().lines().map(plain).collect();
        let mut view = LogView::whole(lines);
        view.wrapped = true;
        Self { title: title.into(), view, edge: Role::LayerEdge, boxed: true, detail: None }
    }

    /// A long text of which the end matters, in the place of the panes.
    pub fn at_end(title: impl Into<String>, text: impl AsRef<str>) -> Self {
        let mut layer = Self { boxed: false, ..Self::new(title, text) };
        layer.view.wrapped = false;
        layer.view.follow(true);
        layer
    }

    /// A text about something, in the place of the panes.
    pub fn of_detail(title: String, detail: Detail) -> Self {
        let mut layer = Self { boxed: false, ..Self::new(title, "") };
        layer.view.wrapped = detail.reads_as_text();
        layer.detail = Some(Box::new(detail));
        layer
    }

    /// What it is about.
    pub fn detail(&self) -> Option<&Detail> {
        self.detail.as_deref()
    }

    /// The same, to be changed.
    pub fn detail_mut(&mut self) -> Option<&mut Detail> {
        self.detail.as_deref_mut()
    }

    /// Brings it up to date, and asks for what is missing.
    pub fn refresh(&mut self, model: &mut Model) {
        let inside = self.inside(model.area);
        let Some(detail) = &mut self.detail else { return };
        detail.ask(model);
        let first = self.view.is_empty();
        let width = inside.width.saturating_sub(2);
        let Some(lines) = detail.sheet(model, width) else { return };
        self.title = detail.title(model);
        if self.view.reads(&lines) {
            return;
        }
        let link = detail.first_link(&lines).filter(|_| first);
        self.view.set_whole(lines);
        if let Some(line) = link {
            self.view.go_to_line(line);
        }
    }

    /// What failed.
    pub fn failure(failure: &Failure) -> Self {
        let mut text = String::new();
        for (name, part) in [("tried", &failure.tried), ("at", &failure.at), ("got", &failure.got), ("next", &failure.next)] {
            if !part.is_empty() {
                let indented = part.replace('\n', "\n        ");
                text.push_str(&format!("{name:<8}{indented}\n"));
            }
        }
        Self { edge: Role::Danger, ..Self::new("that did not work", text.trim_end()) }
    }

    /// What can be done with it.
    pub fn offers(&self, model: &Model) -> Vec<Offer> {
        let mut offers = match &self.detail {
            Some(detail) => detail.offers(model),
            None => vec![Offer::hint(Action::Copy)],
        };
        offers.extend(viewer::offers(&self.view, false));
        if self.boxed {
            offers.push(Offer::yes(Action::Open));
        }
        offers
    }

    /// Does what can be done with a text; false when it is none of that.
    pub fn act(model: &mut Model, action: Action) -> bool {
        match action {
            Action::Copy => viewer::copy(model),
            Action::Back => {
                if !viewer::viewer_mut(model).is_some_and(LogView::back) {
                    close(model);
                }
            }
            Action::Open => match model.text() {
                Some(text) if text.boxed => close(model),
                Some(text) => {
                    let jump = text.view.link().and_then(|link| text.detail()?.jump(link));
                    match jump {
                        Some(jump) => detail::follow(model, jump),
                        None => model.say("this line leads nowhere", Role::Dim),
                    }
                }
                None => {}
            },
            _ => {
                let detail = model.text_mut().and_then(TextLayer::detail_mut);
                return detail.is_some_and(|detail| detail.act(action)) || viewer::act(model, action);
            }
        }
        true
    }

    /// Tells the viewer how much room it has.
    pub fn fit(&mut self, area: Rect) {
        let inside = self.inside(area);
        self.view.set_window(inside.width, inside.height);
    }

    /// Size of the box's text.
    fn size(&self, area: Rect) -> (u16, u16) {
        let most = area.width.saturating_sub(8).min(WIDE);
        let (mut widest, mut high) = (0, 0);
        for row in 0..self.view.rows() {
            let text = self.view.line(row).map_or("", Line::text);
            let pieces = wrap_ranges(text, most - 2);
            high += pieces.len() as u64;
            widest = pieces.into_iter().map(|piece| cells(text[piece].trim_end())).max().unwrap_or(0).max(widest);
            if high > u64::from(area.height) {
                widest = most;
                break;
            }
        }
        let width = (widest + 2).max(cells(&self.title) + 4).clamp(44.min(most), most);
        (width, (high as u16).clamp(1, area.height.saturating_sub(4).max(1)))
    }

    fn inside(&self, area: Rect) -> Rect {
        if self.boxed {
            let (width, height) = self.size(area);
            let rect = layout::centered(area, width + 4, height + 2);
            return Rect::new(rect.x + 1, rect.y + 1, rect.width.saturating_sub(3), rect.height.saturating_sub(2));
        }
        let body = layout::frame(area, false).body;
        Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body }
    }

    /// Draws the text.
    pub fn draw(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        if self.boxed {
            let key = |action| model.key_of(action).unwrap_or_default();
            let more = if self.view.rows() > u64::from(area.height) { key(Action::Down) } else { String::new() };
            let keys =
                [(key(Action::Back), "close"), (key(Action::Copy), "copy"), (key(Action::Search), "search"), (more, "more")];
            let hints: Vec<(&str, &str)> = keys.iter().filter(|(k, _)| !k.is_empty()).map(|(k, w)| (k.as_str(), *w)).collect();
            frame::open(canvas, area, self.size(area), &self.title, self.edge, &hints);
        } else {
            let frame = layout::frame(area, false);
            let place = Rect { height: frame.foot_rule.saturating_sub(frame.head.y), ..frame.head };
            canvas.fill(place, Role::Text);
            self.draw_head(canvas, frame.head);
            canvas.rule(area, frame.head.y + 1);
        }
        let look = Look { focused: true, time: &|_| String::new() };
        self.view.draw(canvas, self.inside(area), &look);
    }

    /// `console of app-9      3 of 17 fatal   120 lines`
    fn draw_head(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let mut right = crate::console::words::many(self.view.rows(), "line");
        if let Some(state) = viewer::search_state(&self.view) {
            right = format!("{state}   {right}");
        }
        canvas.glyph(area.x + 1, area.y, Glyph::Arrow, Role::Dim);
        let said = self.detail().map(Detail::said).unwrap_or_default();
        let said_width: u16 = said.iter().map(|(text, _)| cells(text) + 3).sum();
        let room = area.width.saturating_sub(cells(&right) + 6);
        let title = room.saturating_sub(if room > said_width + 20 { said_width } else { 0 });
        let mut x = area.x + 3 + canvas.text(area.x + 3, area.y, title, &self.title, Role::Strong);
        for (text, on) in said {
            x += 3;
            let left = (area.x + 3 + room).saturating_sub(x);
            // The open one is told by more than its colour.
            let text = if on { text.to_uppercase() } else { text };
            x += canvas.text(x, area.y, left, &text, if on { Role::TabOpen } else { Role::Tab });
        }
        canvas.right(area.x, area.y, area.width - 1, &right, Role::Dim);
    }
}

fn close(model: &mut Model) {
    if let Some(at) = model.layers.iter().rposition(|layer| matches!(layer, super::Layer::Text(_))) {
        model.layers.remove(at);
    }
}

/// Lines that tell how something went stand out.
fn plain(raw: &str) -> Line {
    let line = clean(raw);
    let word = |w: &str| line.starts_with(w) || line.contains(&format!("   {w}   "));
    let role = if word("failed") || word("got ") || word("unreachable") {
        Role::Failed
    } else if word("changed") {
        Role::Changed
    } else if word("next ") {
        Role::Strong
    } else {
        Role::Text
    };
    Line::rich([(line.as_ref(), role)])
}
