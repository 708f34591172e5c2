//! The pulse: how everything is, on one screen that can stay open all day. What needs somebody stands first; enter
//! leads to it. Nothing here ticks by itself: with nothing under way the screen stands still.

mod attention;
mod draw;
mod history;
mod place;
mod sections;

use crate::console::action::{Action, Offer};
use crate::console::run::run_actions;
use crate::console::state::{Model, Tab};
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::table::Row;

pub use draw::draw;

/// A piece of a line.
#[derive(Clone, PartialEq, Debug)]
enum Piece {
    /// Text in so many cells; with 0, in as many as it needs; with [`REST`], in all that is left.
    Text(String, Role, u16),
    Glyph(Glyph, Role),
    /// Name, used, limit, and both in words.
    Gauge {
        name: &'static str,
        used: u64,
        limit: u64,
        says: String,
        high: bool,
    },
    /// Parts of a whole, one colour each.
    Stack(Vec<(u64, Role)>),
    /// One sign each, newest at the right.
    Strip(Vec<(Glyph, Role)>),
    /// One bar each, of so many eighths, newest at the right; the newest that fit, where any do.
    Spark(Vec<u16>, Role),
    /// Bars of so many eighths of a row, newest at the right; which row of the chart this is, from below.
    Bars(Vec<(u16, Role)>, u16),
}

/// Takes what is left of a line.
const REST: u16 = u16::MAX;

/// A line of a section.
#[derive(Clone, PartialEq, Debug)]
struct Line {
    /// The same over refreshes. Without one it cannot be selected.
    id: Option<String>,
    /// The line of the palette that leads to what it is about.
    goal: String,
    pieces: Vec<Piece>,
    /// At the right edge: when, or how long.
    right: (String, Role),
}

impl Line {
    fn new(id: impl Into<String>, goal: impl Into<String>, pieces: Vec<Piece>) -> Self {
        Self { id: Some(id.into()), goal: goal.into(), pieces, right: (String::new(), Role::Dim) }
    }

    fn plain(pieces: Vec<Piece>) -> Self {
        Self { id: None, goal: String::new(), pieces, right: (String::new(), Role::Dim) }
    }

    fn at(mut self, text: impl Into<String>, role: Role) -> Self {
        self.right = (text.into(), role);
        self
    }
}

/// Lines of one kind.
#[derive(Clone, PartialEq, Debug)]
struct Section {
    title: &'static str,
    lines: Vec<Line>,
    /// Rows that it has at least where it is shown at all.
    least: u16,
    /// What is said in one row when there is no room for the lines.
    brief: Option<Line>,
    /// The smallest number is served first.
    rank: u8,
    /// Stands in the right half where there are two.
    right: bool,
}

/// The lines that can be selected, for the table that keeps the selection.
pub fn rows(model: &Model) -> Vec<Row> {
    let width = model.area.width;
    let sections = place::in_order(sections::all(model), width);
    let lines = sections.into_iter().flat_map(|s| s.lines).filter_map(|line| line.id);
    lines.map(|id| Row { id, cells: Vec::new() }).collect()
}

/// The line of the palette that leads to what is selected.
pub fn goal(model: &Model) -> Option<String> {
    let selected = model.table(Tab::Pulse).selected()?;
    let mut lines = sections::all(model).into_iter().flat_map(|s| s.lines);
    lines.find(|line| line.id.as_deref() == Some(selected)).map(|line| line.goal)
}

/// The first line of the next section, or of the one before.
pub fn next_section(model: &Model, back: bool) -> Option<String> {
    let sections = place::in_order(sections::all(model), model.area.width);
    let firsts: Vec<Vec<String>> = sections
        .into_iter()
        .map(|s| s.lines.into_iter().filter_map(|line| line.id).collect::<Vec<String>>())
        .filter(|ids| !ids.is_empty())
        .collect();
    let selected = model.table(Tab::Pulse).selected();
    let at = firsts.iter().position(|ids| ids.iter().any(|id| Some(id.as_str()) == selected)).unwrap_or(0);
    let next = if back { at + firsts.len() - 1 } else { at + 1 };
    firsts.get(next % firsts.len().max(1))?.first().cloned()
}

/// What can be done here, what matters most first.
pub fn offers(model: &Model) -> Vec<Offer> {
    let nothing = model.table(Tab::Pulse).selected().is_none().then_some("there is nothing to go to");
    let asks = model.asks().next().is_some();
    let mut offers = vec![Offer::hint(Action::Open).unless(nothing)];
    if asks {
        offers.push(Offer::hint(Action::Answer).unless(model.why_only_looking()));
    }
    offers.push(Offer::hint(Action::NextPart));
    if model.current_run().is_some() {
        offers.extend(run_actions(model));
    }
    offers.push(Offer::hint(Action::GotoClusters));
    offers.push(Offer::hint(Action::GotoServers));
    offers.push(Offer::hint(Action::GotoRuns));
    offers
}
