//! The one viewer of text: the output of a program of any length, of which only the lines around the window are here
//! and the rest is paged in, or a text that is here as a whole.
//!
//! It follows the end until somebody moves; then it stands still, whatever comes, and loses nothing. Lines that are
//! looked for stand out; those that are not can be left out, so a *row* of the view is not always the *line* of that
//! number.

mod draw;
mod find;
mod line;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use crate::model::Time;

pub use draw::Look;
pub use line::Line;
pub use scan::{Next, Query};

use draw::folded;
use scan::Scan;

/// Most lines that are kept of what is paged in.
const KEEP: usize = 3000;
/// Lines beyond the window that are asked for as well.
const MARGIN: u64 = 60;
/// Most lines that are asked for at once.
pub const PAGE: u32 = 400;

/// Lines that are to be asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wish {
    Page { from: u64, count: u32 },
    Pick(Vec<u64>),
}

/// Which times are shown before the lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Clock {
    #[default]
    Off,
    /// Since the beginning.
    Since,
    /// The time of day.
    Day,
}

/// A view of lines.
#[derive(Clone, Debug)]
pub struct LogView {
    /// Lines there are.
    total: u64,
    /// Whether `total` has been told. The engine tells of lines as they come; how many an ended step has is to be
    /// asked.
    known: bool,
    /// The lines that are here, by number.
    lines: BTreeMap<u64, Line>,
    /// All lines are here.
    whole: bool,
    following: bool,
    /// First row of the window; while following, the window ends with the last row that is here.
    top: u64,
    /// Cells scrolled to the right.
    left: u16,
    pub wrapped: bool,
    pub clock: Clock,
    height: u64,
    width: u16,
    /// The row that is looked at, once somebody moved.
    cursor: Option<u64>,
    /// Where a selection of rows began; it ends at the cursor.
    anchor: Option<u64>,
    /// Long lines that are shown in full.
    unfolded: BTreeSet<u64>,
    /// The question for lines that is open.
    asked: Option<Wish>,
    /// The question for hits that is open.
    searching: Option<Query>,
    /// Lines of one host: the others are left out.
    host: Option<Scan>,
    /// Lines in which something is found.
    found: Option<Scan>,
    /// Only lines in which it is found are shown, with so many around them.
    around: Option<u64>,
    /// The lines that are shown, when not all are.
    only: Option<Vec<u64>>,
    jump: Option<find::Jump>,
    /// The line whose find is to be brought into view sideways, once it is here.
    aside: Option<u64>,
}

impl Default for LogView {
    fn default() -> Self {
        Self {
            total: 0,
            known: false,
            lines: BTreeMap::new(),
            whole: false,
            following: true,
            top: 0,
            left: 0,
            wrapped: false,
            clock: Clock::Off,
            height: 1,
            width: 80,
            cursor: None,
            anchor: None,
            unfolded: BTreeSet::new(),
            asked: None,
            searching: None,
            host: None,
            found: None,
            around: None,
            only: None,
            jump: None,
            aside: None,
        }
    }
}

impl LogView {
    /// A text that is here as a whole, from its beginning.
    pub fn whole(lines: Vec<Line>) -> Self {
        let mut view = Self { whole: true, following: false, ..Self::default() };
        view.set_whole(lines);
        view
    }

    /// Other lines take the place of a whole text; who reads stays where they are.
    pub fn set_whole(&mut self, lines: Vec<Line>) {
        self.total = lines.len() as u64;
        self.known = true;
        self.lines = (0..).zip(lines).collect();
        for scan in [&mut self.host, &mut self.found].into_iter().flatten() {
            if let Ok(again) = Scan::new(scan.query().clone(), 0, self.total) {
                *scan = again;
            }
        }
        self.search_here();
        self.arrange();
        let last = self.rows().saturating_sub(1);
        for row in [&mut self.cursor, &mut self.anchor].into_iter().flatten() {
            *row = (*row).min(last);
        }
        self.clip();
    }

    /// Whether these are the lines of the whole text.
    pub fn reads(&self, lines: &[Line]) -> bool {
        self.whole && self.total == lines.len() as u64 && self.lines.values().eq(lines)
    }

    /// Where the line under the cursor leads.
    pub fn link(&self) -> Option<u32> {
        self.row(self.cursor?)?.link
    }

    /// A view of other lines, looked at in the same way: what was looked for is looked for in them.
    pub fn anew(&self) -> Self {
        let again = |scan: &Option<Scan>| scan.as_ref().and_then(|s| Scan::new(s.query().clone(), 0, 0).ok());
        let (host, found) = (again(&self.host), again(&self.found));
        let (wrapped, clock, around) = (self.wrapped, self.clock, self.around);
        let (height, width) = (self.height, self.width);
        let mut view = Self { wrapped, clock, around, host, found, height, width, ..Self::default() };
        view.arrange();
        view
    }

    // --- how much there is ---

    /// There are so many lines now.
    pub fn set_total(&mut self, total: u64) {
        self.known = true;
        self.total = self.total.max(total);
        for scan in [&mut self.host, &mut self.found].into_iter().flatten() {
            scan.grow(self.total);
        }
    }

    /// Lines there are.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// There are no lines, as far as has been told.
    pub fn is_empty(&self) -> bool {
        self.known && self.total == 0
    }

    /// Rows that are shown: all lines, or those that are not left out.
    pub fn rows(&self) -> u64 {
        self.only.as_ref().map_or(self.total, |only| only.len() as u64)
    }

    /// Whether lines are left out.
    pub fn narrowed(&self) -> bool {
        self.only.is_some()
    }

    /// Number of the line in a row.
    pub fn line_of(&self, row: u64) -> Option<u64> {
        match &self.only {
            Some(only) => only.get(usize::try_from(row).ok()?).copied(),
            None => (row < self.total).then_some(row),
        }
    }

    /// The row of a line, or of the next one that is shown.
    fn row_of(&self, line: u64) -> u64 {
        self.only.as_ref().map_or(line, |only| only.partition_point(|n| *n < line) as u64)
    }

    /// A line that is here.
    pub fn line(&self, number: u64) -> Option<&Line> {
        self.lines.get(&number)
    }

    /// What is in a row, when it is here.
    fn row(&self, row: u64) -> Option<&Line> {
        self.line(self.line_of(row)?)
    }

    /// The row behind the last one that is here.
    fn end(&self) -> u64 {
        if self.whole {
            return self.rows();
        }
        match &self.only {
            None => self.lines.last_key_value().map_or(0, |(number, _)| number + 1),
            Some(only) => {
                let here = only.iter().rposition(|number| self.lines.contains_key(number));
                here.map_or(only.len(), |at| at + 1) as u64
            }
        }
    }

    // --- paging ---

    /// What is to be asked for next. At most one question is open.
    pub fn wants(&mut self) -> Option<Wish> {
        if self.asked.is_some() || self.whole {
            return None;
        }
        if !self.known {
            self.asked = Some(Wish::Page { from: 0, count: 1 });
            return self.asked.clone();
        }
        let mut missing = self.needed().filter_map(|row| self.line_of(row)).filter(|number| !self.lines.contains_key(number));
        if self.only.is_some() {
            let numbers: Vec<u64> = missing.take(PAGE as usize).collect();
            self.asked = (!numbers.is_empty()).then_some(Wish::Pick(numbers));
        } else if let Some(first) = missing.next() {
            let last = missing.next_back().unwrap_or(first);
            let count = u32::try_from(last + 1 - first).unwrap_or(PAGE).min(PAGE);
            self.asked = Some(Wish::Page { from: first, count });
        }
        self.asked.clone()
    }

    /// The answer: lines from `from` on, or those that were picked.
    pub fn page(&mut self, from: u64, lines: &[String], times: &[Option<Time>], total: u64) {
        let asked = self.asked.take();
        self.set_total(total);
        let numbers: Vec<u64> = match asked {
            Some(Wish::Pick(numbers)) => numbers,
            _ => (from..from + lines.len() as u64).collect(),
        };
        for (at, (number, text)) in numbers.iter().zip(lines).enumerate() {
            self.lines.insert(*number, Line::output(text, times.get(at).copied().flatten()));
        }
        if lines.is_empty()
            && let Some(number) = numbers.first()
        {
            // It is not there: asking again would not help.
            self.lines.insert(*number, Line::default());
        }
        self.trim();
        self.turn_aside();
    }

    /// The question could not be answered: it may be asked again.
    pub fn failed(&mut self) {
        self.asked = None;
    }

    /// Times are wanted, or no longer: what is here is asked for again.
    pub fn next_clock(&mut self) {
        let had_times = self.clock != Clock::Off;
        self.clock = match self.clock {
            Clock::Off => Clock::Since,
            Clock::Since => Clock::Day,
            Clock::Day => Clock::Off,
        };
        if !had_times && !self.whole {
            self.lines.clear();
            self.asked = None;
        }
    }

    /// The rows that are to be here: the window, and some around it.
    fn needed(&self) -> Range<u64> {
        let rows = self.rows();
        if self.following {
            return rows.saturating_sub(self.height + MARGIN)..rows;
        }
        self.top.saturating_sub(MARGIN)..(self.top + self.height + MARGIN).min(rows)
    }

    /// Forgets what is far from the window, but nothing of it: where only some lines are shown, those lie far apart.
    fn trim(&mut self) {
        let Some(over) = self.lines.len().checked_sub(KEEP + 1) else { return };
        let middle = self.line_of(self.top() + self.height / 2).unwrap_or(self.total);
        let needed: HashSet<u64> = self.needed().filter_map(|row| self.line_of(row)).collect();
        let mut spare: Vec<u64> = self.lines.keys().copied().filter(|number| !needed.contains(number)).collect();
        spare.sort_unstable_by_key(|number| std::cmp::Reverse(number.abs_diff(middle)));
        for number in spare.iter().take(over + 1) {
            self.lines.remove(number);
        }
    }

    // --- moving ---

    /// Whether the end is followed.
    pub fn following(&self) -> bool {
        self.following
    }

    /// Rows below the window.
    pub fn below(&self) -> u64 {
        if self.following { 0 } else { self.rows().saturating_sub(self.top + self.height) }
    }

    /// Size of the window, in cells.
    pub fn set_window(&mut self, width: u16, height: u16) {
        self.height = u64::from(height.max(1));
        self.width = width.max(1);
        self.clip();
    }

    fn clip(&mut self) {
        if !self.following {
            self.top = self.top.min(self.last_top());
            self.reveal();
        }
    }

    /// How many lines of the screen a row takes.
    fn high(&self, row: u64) -> u64 {
        if !self.wrapped {
            return 1;
        }
        let Some(number) = self.line_of(row) else { return 1 };
        let Some(line) = self.line(number) else { return 1 };
        folded(line.text(), self.text_width(), self.unfolded.contains(&number)).0.len() as u64
    }

    /// The first row of a window that shows the rows before `end`.
    fn top_for(&self, end: u64) -> u64 {
        if !self.wrapped {
            return end.saturating_sub(self.height);
        }
        let mut room = self.height;
        let mut top = end;
        while let Some(above) = top.checked_sub(1) {
            let high = self.high(above);
            if high > room {
                break;
            }
            room -= high;
            top = above;
        }
        top.min(end.saturating_sub(1))
    }

    fn last_top(&self) -> u64 {
        self.top_for(self.rows())
    }

    /// First row of the window.
    pub fn top(&self) -> u64 {
        if self.following { self.top_for(self.end()) } else { self.top }
    }

    fn stand_still(&mut self) {
        if self.following {
            self.top = self.top();
            self.following = false;
        }
    }

    /// The row that is looked at: where the cursor is, else the first of the window.
    fn looked_at(&self) -> u64 {
        self.cursor.unwrap_or_else(|| self.top())
    }

    /// Number of the line that the cursor is on.
    pub fn cursor_line(&self) -> Option<u64> {
        self.line_of(self.cursor?)
    }

    /// Moves the cursor by so many rows; it comes in from the side that it moves away from. Nobody gets beyond the
    /// end that is followed.
    pub fn step(&mut self, by: i64) {
        if self.rows() == 0 || (self.following && by >= 0) {
            return;
        }
        let following = self.following;
        self.stand_still();
        let last = self.rows() - 1;
        self.cursor = Some(match self.cursor {
            Some(cursor) => cursor.saturating_add_signed(by).min(last),
            None if following => self.end().saturating_sub(1),
            None if by > 0 => self.top.min(last),
            None => (self.top + self.height - 1).min(last),
        });
        self.reveal();
    }

    /// Moves by pages.
    pub fn page_by(&mut self, by: i64) {
        self.scroll(by * i64::try_from(self.height.saturating_sub(1).max(1)).unwrap_or(1));
    }

    /// Moves the window by so many rows, and the cursor with it.
    pub fn scroll(&mut self, step: i64) {
        if self.following && step >= 0 {
            return;
        }
        self.stand_still();
        self.top = self.top.saturating_add_signed(step).min(self.last_top());
        if let Some(cursor) = self.cursor {
            let cursor = cursor.saturating_add_signed(step).min(self.rows().saturating_sub(1));
            self.cursor = Some(cursor);
            self.reveal();
        }
    }

    /// To the first row.
    pub fn go_to_start(&mut self) {
        self.following = false;
        self.top = 0;
        self.left = 0;
        if self.cursor.is_some() {
            self.cursor = Some(0);
        }
    }

    /// Follows the end, or stands still.
    pub fn follow(&mut self, on: bool) {
        if on {
            (self.cursor, self.anchor, self.following) = (None, None, true);
        } else {
            self.stand_still();
        }
    }

    /// Looks at a line: the cursor goes there.
    pub fn go_to_line(&mut self, line: u64) {
        let rows = self.rows();
        if rows == 0 {
            return;
        }
        self.stand_still();
        let row = self.row_of(line).min(rows - 1);
        self.cursor = Some(row);
        if row < self.top || row >= self.top + self.height {
            self.top = row.saturating_sub(self.height / 3);
        }
        self.top = self.top.min(self.last_top());
        self.reveal();
        self.aside = Some(line);
        self.turn_aside();
    }

    /// Moves the window so that the cursor is in it.
    fn reveal(&mut self) {
        let Some(cursor) = self.cursor else { return };
        if cursor < self.top {
            self.top = cursor;
        } else {
            self.top = self.top.max(self.top_for(cursor + 1));
        }
    }

    /// Scrolls sideways by so many cells.
    pub fn scroll_sideways(&mut self, by: i16) {
        self.left = self.left.saturating_add_signed(by).min(16 * 1024);
    }

    /// Wraps long lines, or no longer.
    pub fn toggle_wrap(&mut self) {
        self.wrapped = !self.wrapped;
        self.left = 0;
        self.clip();
    }

    /// Shows the long line under the cursor in full, or folds it again; without a cursor, the first long one.
    pub fn toggle_fold(&mut self) -> bool {
        let bottom = (self.top() + self.height).min(self.rows());
        let long = |row: &u64| {
            let number = self.line_of(*row)?;
            let line = self.line(number)?;
            folded(line.text(), self.text_width(), false).1.map(|_| number)
        };
        let looked = self.cursor.filter(|row| long(row).is_some());
        let Some(number) = looked.or_else(|| (self.top()..bottom).find(|row| long(row).is_some())).and_then(|r| long(&r)) else {
            return false;
        };
        if !self.unfolded.remove(&number) {
            self.unfolded.insert(number);
        }
        self.wrapped = true;
        self.clip();
        true
    }

    // --- selecting ---

    /// Begins a selection of rows, or ends it.
    pub fn toggle_select(&mut self) {
        if self.anchor.take().is_none() && self.rows() > 0 {
            if self.cursor.is_none() {
                self.step(if self.following { -1 } else { 1 });
            }
            self.anchor = self.cursor;
        }
    }

    /// The selected rows.
    pub fn selection(&self) -> Option<Range<u64>> {
        let (from, to) = (self.anchor?, self.cursor?);
        Some(from.min(to)..from.max(to) + 1)
    }

    /// What is meant by copying: the selected rows, else the one under the cursor, else those in the window.
    pub fn meant(&self) -> Range<u64> {
        let window = || self.top()..(self.top() + self.height).min(self.rows());
        self.selection().or_else(|| self.cursor.map(|row| row..row + 1)).unwrap_or_else(window)
    }

    /// The text of rows, when all of them are here.
    pub fn text(&self, rows: Range<u64>) -> Option<String> {
        let mut text = String::new();
        for (at, row) in rows.enumerate() {
            if at > 0 {
                text.push('\n');
            }
            text.push_str(self.row(row)?.text());
        }
        Some(text)
    }

    /// The numbers of the lines in rows, in spans.
    pub fn spans(&self, rows: Range<u64>) -> Vec<Range<u64>> {
        let Some(only) = &self.only else { return std::iter::once(rows.start..rows.end.min(self.total)).collect() };
        let place = |row: u64| usize::try_from(row).unwrap_or(usize::MAX).min(only.len());
        let mut spans: Vec<Range<u64>> = Vec::new();
        for number in &only[place(rows.start)..place(rows.end)] {
            match spans.last_mut() {
                Some(last) if last.end == *number => last.end += 1,
                _ => spans.push(*number..number + 1),
            }
        }
        spans
    }

    /// One step back: the selection, then what is left out, then what was looked for. False: there was nothing.
    pub fn back(&mut self) -> bool {
        if self.anchor.take().is_some() {
            return true;
        }
        if self.around.take().is_some() {
            self.arrange();
            return true;
        }
        if self.found.take().is_some() {
            self.jump = None;
            return true;
        }
        self.host.is_some() && self.set_host(None)
    }
}
