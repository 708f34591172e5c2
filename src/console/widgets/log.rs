//! The output of a program, of any length: only the lines around the window are here, the rest is paged in.
//!
//! It follows the end until somebody scrolls; then it stands still, whatever comes, and loses nothing.

use std::collections::VecDeque;

use ratatui::layout::Rect;

use crate::console::theme::Role;
use crate::model::text::clean;

use super::canvas::{Canvas, cells, wrap};

/// Most lines that are kept.
const KEEP: usize = 3000;
/// Lines beyond the window that are asked for as well.
const MARGIN: u64 = 60;
/// Most lines that are asked for at once.
pub const PAGE: u32 = 400;

/// A view of lines that live elsewhere.
#[derive(Clone, Debug)]
pub struct LogView {
    /// Lines there are.
    total: u64,
    /// Number of the first line that is here.
    first: u64,
    lines: VecDeque<String>,
    following: bool,
    /// First line of the window; while following, the window ends with the last line that is here.
    top: u64,
    /// Cells scrolled to the right.
    left: u16,
    pub wrapped: bool,
    height: u64,
    asked: bool,
}

impl Default for LogView {
    fn default() -> Self {
        Self {
            total: 0,
            first: 0,
            lines: VecDeque::new(),
            following: true,
            top: 0,
            left: 0,
            wrapped: false,
            height: 1,
            asked: false,
        }
    }
}

impl LogView {
    /// A view of other lines, looked at in the same way.
    pub fn anew(&self) -> Self {
        Self { wrapped: self.wrapped, ..Self::default() }
    }

    /// There are so many lines now.
    pub fn set_total(&mut self, total: u64) {
        self.total = self.total.max(total);
    }

    /// Lines there are.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Whether the end is followed.
    pub fn following(&self) -> bool {
        self.following
    }

    /// Lines below the window.
    pub fn below(&self) -> u64 {
        if self.following { 0 } else { self.total.saturating_sub(self.top + self.height) }
    }

    /// Number of the first line in the window, from 0.
    pub fn top(&self) -> u64 {
        if self.following { self.end().saturating_sub(self.height) } else { self.top }
    }

    fn end(&self) -> u64 {
        self.first + self.lines.len() as u64
    }

    /// Height of the window.
    pub fn set_window(&mut self, height: u16) {
        self.height = u64::from(height.max(1));
        if !self.following {
            self.top = self.top.min(self.total.saturating_sub(self.height));
        }
    }

    /// What is to be asked for next: first line and count. At most one question is open.
    pub fn wants(&mut self) -> Option<(u64, u32)> {
        if self.asked || self.total == 0 {
            return None;
        }
        let from = if self.following { self.total.saturating_sub(self.height + MARGIN) } else { self.top.saturating_sub(MARGIN) };
        let to = if self.following { self.total } else { (self.top + self.height + MARGIN).min(self.total) };
        let here = self.first..self.end();
        let (from, to) = if here.contains(&from) {
            (here.end, to)
        } else if here.contains(&to.saturating_sub(1)) || here.start == to {
            (from, here.start)
        } else {
            (from, to)
        };
        if from >= to {
            return None;
        }
        self.asked = true;
        Some((from, u32::try_from(to - from).unwrap_or(PAGE).min(PAGE)))
    }

    /// The answer: lines `from`…
    pub fn page(&mut self, from: u64, lines: Vec<String>, total: u64) {
        self.asked = false;
        self.set_total(total);
        let count = lines.len() as u64;
        if count == 0 {
            return;
        }
        if from == self.end() {
            self.lines.extend(lines);
        } else if from + count == self.first {
            self.first = from;
            lines.into_iter().rev().for_each(|line| self.lines.push_front(line));
        } else if from < self.first || from + count > self.end() {
            self.first = from;
            self.lines = lines.into();
        }
        self.trim();
    }

    /// The question could not be answered: it may be asked again.
    pub fn failed(&mut self) {
        self.asked = false;
    }

    /// Forgets what is far from the window.
    fn trim(&mut self) {
        while self.lines.len() > KEEP {
            let middle = self.top() + self.height / 2;
            if middle.saturating_sub(self.first) > self.end().saturating_sub(middle) {
                self.lines.pop_front();
                self.first += 1;
            } else {
                self.lines.pop_back();
            }
        }
    }

    /// Scrolls by so many lines; upward stops following, reaching the end does not start it.
    pub fn scroll(&mut self, by: i64) {
        let top = self.top();
        if self.following && by >= 0 {
            return;
        }
        self.following = false;
        self.top = top.saturating_add_signed(by).min(self.total.saturating_sub(self.height));
    }

    /// Scrolls by pages.
    pub fn scroll_pages(&mut self, by: i64) {
        self.scroll(by * i64::try_from(self.height.saturating_sub(1).max(1)).unwrap_or(1));
    }

    /// To the first line.
    pub fn go_to_start(&mut self) {
        self.following = false;
        self.top = 0;
    }

    /// Follows the end, or stands still.
    pub fn follow(&mut self, on: bool) {
        self.top = self.top();
        self.following = on;
    }

    /// Scrolls sideways by so many cells.
    pub fn scroll_sideways(&mut self, by: i16) {
        self.left = self.left.saturating_add_signed(by).min(16 * 1024);
    }

    /// A line that is here.
    pub fn line(&self, number: u64) -> Option<&str> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.lines.get(at).map(String::as_str)
    }

    /// Lines that are here, from `number`.
    pub fn lines_from(&self, number: u64) -> impl Iterator<Item = (u64, &str)> {
        let skip = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let first = self.first.max(number);
        self.lines.iter().skip(skip).enumerate().map(move |(i, line)| (first + i as u64, line.as_str()))
    }

    /// Draws the window.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        if area.height == 0 || area.width < 4 {
            return;
        }
        if self.wrapped {
            self.draw_wrapped(canvas, area);
            return;
        }
        let height = u64::from(area.height);
        let top = if self.following { self.end().saturating_sub(height) } else { self.top };
        for row in 0..area.height {
            let number = top + u64::from(row);
            if number >= self.total.max(self.end()) {
                break;
            }
            let y = area.y + row;
            match self.line(number) {
                Some(line) => {
                    let line = clean(line);
                    let role = role_of(&line);
                    canvas.text(area.x, y, area.width, skip_cells(&line, self.left), role);
                }
                None => {
                    canvas.text(area.x, y, area.width, "…", Role::Faint);
                }
            }
        }
    }

    fn draw_wrapped(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let height = usize::from(area.height);
        let mut rows: VecDeque<(String, Role)> = VecDeque::new();
        let pieces = |number: u64| -> Vec<(String, Role)> {
            let line = clean(self.line(number).unwrap_or("…")).into_owned();
            let role = role_of(&line);
            wrap(&line, area.width).into_iter().map(|piece| (piece, role)).collect()
        };
        if self.following {
            let mut number = self.end();
            while rows.len() < height && number > self.first {
                number -= 1;
                pieces(number).into_iter().rev().for_each(|p| rows.push_front(p));
            }
            while rows.len() > height {
                rows.pop_front();
            }
        } else {
            let mut number = self.top;
            while rows.len() < height && number < self.total {
                rows.extend(pieces(number));
                number += 1;
            }
        }
        for (row, (text, role)) in rows.into_iter().take(height).enumerate() {
            canvas.text(area.x, area.y + row as u16, area.width, &text, role);
        }
    }
}

fn skip_cells(line: &str, skip: u16) -> &str {
    if skip == 0 {
        return line;
    }
    let mut used = 0;
    for (at, c) in line.char_indices() {
        if used >= skip {
            return &line[at..];
        }
        used += cells(c.encode_utf8(&mut [0; 4]));
    }
    ""
}

/// What a line of Ansible's output is about, by how it begins.
fn role_of(line: &str) -> Role {
    let starts = |words: &[&str]| words.iter().any(|w| line.starts_with(w));
    if starts(&["TASK [", "PLAY [", "PLAY RECAP", "RUNNING HANDLER [", "HANDLER ["]) {
        Role::OutputTitle
    } else if starts(&["ok: ", "included: "]) {
        Role::Ok
    } else if starts(&["changed: "]) {
        Role::Changed
    } else if starts(&["fatal: ", "failed: ", "ERROR", "[ERROR]", "error:"]) {
        Role::Failed
    } else if starts(&["skipping: "]) {
        Role::Skipped
    } else if starts(&["[WARNING]", "[DEPRECATION", "warning:"]) {
        Role::Warn
    } else if starts(&["...ignoring"]) {
        Role::Dim
    } else {
        Role::Output
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Answers questions from a file of `total` lines, as the engine does.
    fn serve(view: &mut LogView, total: u64) {
        for _ in 0..20 {
            let Some((from, count)) = view.wants() else { return };
            let to = (from + u64::from(count)).min(total);
            view.page(from, (from..to).map(|n| format!("line {n}")).collect(), total);
        }
        panic!("it asks without end");
    }

    fn window(view: &LogView) -> Vec<String> {
        let top = view.top();
        (top..top + view.height).filter_map(|n| view.line(n)).map(str::to_owned).collect()
    }

    #[test]
    fn it_follows_the_end_until_somebody_scrolls() {
        let mut view = LogView::default();
        view.set_window(10);
        view.set_total(1000);
        serve(&mut view, 1000);
        assert_eq!(window(&view).last().unwrap(), "line 999");
        view.scroll(-5);
        assert!(!view.following());
        let seen = window(&view);
        view.set_total(50_000);
        serve(&mut view, 50_000);
        assert_eq!(window(&view), seen, "it moved although it stands still");
        assert_eq!(view.below(), 50_000 - 995);
        view.follow(true);
        serve(&mut view, 50_000);
        assert_eq!(window(&view).last().unwrap(), "line 49999");
    }

    #[test]
    fn while_new_lines_come_the_old_ones_stay_on_the_screen() {
        let mut view = LogView::default();
        view.set_window(10);
        view.set_total(100);
        serve(&mut view, 100);
        let seen = window(&view);
        view.set_total(90_000);
        assert_eq!(window(&view), seen);
        assert!(view.wants().is_some());
        assert!(view.wants().is_none(), "two questions are open");
    }

    proptest! {
        /// Whatever is pressed while lines come: the window shows consecutive lines, and no more are kept than allowed.
        #[test]
        fn nothing_is_lost(steps in proptest::collection::vec((0u8..7, 0u64..5000), 1..60), height in 1u16..80) {
            let mut view = LogView::default();
            let mut total = 0u64;
            view.set_window(height);
            for (what, n) in steps {
                match what {
                    0 => total += n,
                    1 => view.scroll(-(n as i64 % 200)),
                    2 => view.scroll(n as i64 % 200),
                    3 => view.go_to_start(),
                    4 => view.follow(true),
                    5 => view.scroll_pages(-1),
                    _ => view.follow(false),
                }
                view.set_total(total);
                serve(&mut view, total);
                prop_assert!(view.lines.len() <= KEEP);
                let top = view.top();
                let want: Vec<String> = (top..(top + u64::from(height)).min(total)).map(|n| format!("line {n}")).collect();
                prop_assert_eq!(window(&view), want);
                if view.following() {
                    prop_assert_eq!(top + u64::from(height).min(total), total);
                }
            }
        }
    }
}
