//! Looking for something in a view, and leaving out what it is not in.

use crate::model::Find;

use super::scan::{Next, Query, Scan};
use super::{Clock, LogView};

/// Most rows of a narrowed view.
const MOST: usize = 200_000;

/// A find that is gone to, once it is known where it is.
#[derive(Clone, Copy, Debug)]
pub struct Jump {
    /// From this line,
    line: u64,
    down: bool,
    /// which counts as well.
    here: bool,
}

/// How many were found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count {
    /// Which one the cursor is on, from 1.
    pub at: Option<u64>,
    pub all: u64,
    /// It is still being looked for, or there are more than are kept.
    pub more: bool,
}

impl LogView {
    /// What is looked for.
    pub fn find(&self) -> Option<&Find> {
        self.found.as_ref()?.query().find.as_ref()
    }

    /// Looks for something from a line on; `None`: no longer.
    ///
    /// # Errors
    /// It is no expression, in words; what was looked for before stays.
    pub fn search(&mut self, find: Option<Find>, from: u64) -> Result<Option<Next>, String> {
        let Some(find) = find.filter(|f| !f.text.is_empty()) else {
            (self.found, self.jump, self.around) = (None, None, None);
            self.arrange();
            return Ok(None);
        };
        let query = Query { find: Some(find), host: self.host().map(str::to_owned) };
        self.found = Some(Scan::new(query, from, self.total)?);
        self.searching = None;
        self.jump = Some(Jump { line: from, down: true, here: true });
        self.search_here();
        self.arrange();
        Ok(self.try_jump())
    }

    /// The line that a search begins at.
    pub fn origin(&self) -> u64 {
        self.line_of(self.looked_at()).unwrap_or(0)
    }

    /// Goes to the next line in which it is found.
    pub fn next_hit(&mut self, down: bool) -> Option<Next> {
        self.found.as_ref()?;
        // Without a cursor, what is in the window counts.
        let here = self.cursor.is_none();
        let row =
            if here && !down { (self.top() + self.height - 1).min(self.rows().saturating_sub(1)) } else { self.looked_at() };
        let line = self.line_of(row).unwrap_or(0);
        self.jump = Some(Jump { line, down, here });
        self.try_jump()
    }

    fn try_jump(&mut self) -> Option<Next> {
        let jump = self.jump?;
        let next = self.found.as_ref()?.next(jump.line, jump.down, jump.here);
        match next {
            Next::Wait => {}
            Next::Nowhere => self.jump = None,
            Next::At { line, .. } => {
                self.jump = None;
                self.go_to_line(line);
            }
        }
        Some(next)
    }

    /// How many were found.
    pub fn count(&self) -> Option<Count> {
        let scan = self.found.as_ref()?;
        let at = self.cursor_line().and_then(|line| scan.rank(line));
        Some(Count { at, all: scan.hits().len() as u64, more: !scan.complete() })
    }

    /// What is to be looked through next: what for, from which line, to which. At most one question is open.
    pub fn wants_search(&mut self) -> Option<(Query, u64, u64)> {
        if self.searching.is_some() || self.whole {
            return None;
        }
        let scan = [&self.host, &self.found].into_iter().flatten().find(|scan| scan.wants().is_some())?;
        let range = scan.wants()?;
        let query = scan.query().clone();
        self.searching = Some(query.clone());
        Some((query, range.start, range.end))
    }

    /// The answer: `from`…`upto` were looked at. Says where a search led that waited for it.
    pub fn searched(&mut self, from: u64, upto: u64, lines: &[u64]) -> Option<Next> {
        let query = self.searching.take()?;
        let scan = [&mut self.host, &mut self.found].into_iter().flatten().find(|scan| *scan.query() == query)?;
        scan.answer(from, upto, lines);
        self.arrange();
        self.try_jump()
    }

    /// The question could not be answered, or its answer is void: it may be asked again.
    pub fn search_failed(&mut self) {
        self.searching = None;
    }

    /// A whole text is looked through at once.
    pub(super) fn search_here(&mut self) {
        if !self.whole {
            return;
        }
        for scan in [&mut self.host, &mut self.found].into_iter().flatten() {
            while let Some(range) = scan.wants() {
                let finder = scan.finder().cloned();
                let is_in = |text: &str| finder.as_ref().is_none_or(|f| f.is_in(text));
                let hits: Vec<u64> =
                    self.lines.range(range.clone()).filter(|(_, line)| is_in(line.text())).map(|(n, _)| *n).collect();
                scan.answer(range.start, range.end, &hits);
            }
        }
    }

    // --- leaving out ---

    /// The host whose lines are shown, when only its are.
    pub fn host(&self) -> Option<&str> {
        self.host.as_ref()?.query().host.as_deref()
    }

    /// Shows only the lines about a host, or those of all; says whether that is something else.
    pub fn set_host(&mut self, host: Option<&str>) -> bool {
        if host == self.host() {
            return false;
        }
        let query = host.map(|host| Query { find: None, host: Some(host.to_owned()) });
        self.host = query.and_then(|query| Scan::new(query, 0, self.total).ok());
        self.searching = None;
        if let Some(find) = self.find().cloned() {
            let query = Query { find: Some(find), host: host.map(str::to_owned) };
            self.found = Scan::new(query, 0, self.total).ok();
        }
        self.search_here();
        self.arrange();
        true
    }

    /// Lines around each that are shown, when only those are shown in which it is found.
    pub fn context(&self) -> Option<u64> {
        self.around
    }

    /// Shows only lines in which it is found, or all.
    pub fn toggle_narrow(&mut self) {
        self.around = match self.around {
            Some(_) => None,
            None => self.found.is_some().then_some(0),
        };
        self.arrange();
    }

    /// More or fewer lines around each find; what is shown is narrowed by it.
    pub fn widen(&mut self, by: i64) {
        if self.found.is_some() {
            self.around = Some(self.around.unwrap_or(0).saturating_add_signed(by).min(99));
            self.arrange();
        }
    }

    /// Leaves nothing out.
    pub fn show_all(&mut self) {
        self.around = None;
        self.set_host(None);
        self.arrange();
    }

    /// Works out which lines are shown; who reads stays at their line.
    pub(super) fn arrange(&mut self) {
        // A row that is no longer there was the last one.
        let line_of = |row: u64| self.line_of(row).unwrap_or(u64::MAX);
        let (top, cursor, anchor) = (line_of(self.top), self.cursor.map(line_of), self.anchor.map(line_of));
        let host = self.host.as_ref().map(Scan::hits);
        self.only = match (self.around.zip(self.found.as_ref()), host) {
            (None, None) => None,
            (None, Some(host)) => Some(host.to_vec()),
            (Some((around, found)), host) => Some(neighbours(found.hits(), around, host, self.total)),
        };
        let last = self.rows().checked_sub(1);
        let row_of = |line: u64| last.map(|last| self.row_of(line).min(last));
        let (top, cursor, anchor) = (row_of(top), cursor.and_then(row_of), anchor.and_then(row_of));
        (self.top, self.cursor, self.anchor) = (top.unwrap_or(0), cursor, anchor);
        self.clip();
    }

    /// Brings the find of a line into view sideways.
    pub(super) fn turn_aside(&mut self) {
        let Some(line) = self.aside.and_then(|number| self.line(number)) else { return };
        let place = self.found.as_ref().and_then(|scan| scan.finder()?.places(line.text()).next());
        if let Some(place) = place.filter(|_| !self.wrapped) {
            let cells = |text: &str| super::super::canvas::cells(text);
            let (from, to) = (cells(&line.text()[..place.start]), cells(&line.text()[..place.end]));
            let width = self.text_width();
            if from < self.left || to > self.left + width.saturating_sub(1) {
                self.left = if to < width { 0 } else { from.saturating_sub(width / 3) };
            }
        }
        self.aside = None;
    }

    /// Cells that a line's text has.
    pub(super) fn text_width(&self) -> u16 {
        self.width.saturating_sub(self.gutter()).max(1)
    }

    /// Cells before a line's text: sign, time, number.
    pub(super) fn gutter(&self) -> u16 {
        let time = if self.clock == Clock::Off { 0 } else { super::draw::TIME + 2 };
        super::draw::SIGN + time + self.digits()
    }

    /// Cells that line numbers take; they are shown when lines are left out.
    pub(super) fn digits(&self) -> u16 {
        if self.only.is_some() { self.total.max(1).ilog10() as u16 + 3 } else { 0 }
    }
}

/// The hits with as many lines around each: of all lines, or of those that `among` holds.
fn neighbours(hits: &[u64], around: u64, among: Option<&[u64]>, total: u64) -> Vec<u64> {
    let mut rows: Vec<u64> = Vec::new();
    let (count, around) = (among.map_or(total, |a| a.len() as u64), around);
    for hit in hits {
        let place = among.map_or(*hit, |a| a.partition_point(|n| n < hit) as u64);
        let from = place.saturating_sub(around).max(rows.last().map_or(0, |last| last + 1));
        rows.extend(from..(place + around + 1).min(count));
        if rows.len() >= MOST {
            break;
        }
    }
    match among {
        Some(among) => rows.into_iter().filter_map(|row| among.get(usize::try_from(row).ok()?).copied()).collect(),
        None => rows,
    }
}
