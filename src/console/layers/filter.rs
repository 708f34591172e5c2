//! The filter line: takes the place of the last line, filters while one types. The rule above it says what is wrong,
//! and how the text can go on.

use ratatui::layout::Rect;

use crate::console::input::{Code, Key};
use crate::console::layout;
use crate::console::recall::Walk;
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::{Canvas, cells};
use crate::console::widgets::field::Field;
use crate::console::widgets::filter::{Candidate, Completion, complete};
use crate::console::words;

use super::Flow;

/// The filter being typed; what it was before comes back with esc.
pub struct FilterLine {
    field: Field,
    before: String,
    walk: Walk,
    /// How the text was completed last, and which candidate stands there.
    taken: Option<(Completion, usize)>,
    /// How the text at its end can go on.
    goes_on: Completion,
}

impl FilterLine {
    /// The filter of the open tab, to be changed.
    pub fn new(model: &Model) -> Self {
        let before = model.table(model.tab).filter().to_owned();
        let mut line =
            Self { field: Field::new(&before), before, walk: Walk::default(), taken: None, goes_on: Completion::default() };
        line.look(model);
        line
    }

    /// Types, keeps or gives up. Arrows move the selection while typing.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        let kind = model.tab.name();
        match (key.code, key.ctrl) {
            (Code::Enter, _) => {
                let faults = model.table(model.tab).filter_read().faults();
                if let Some(fault) = faults.first() {
                    model.say(fault.text.clone(), Role::Warn);
                    return Flow::Stay;
                }
                model.remember(kind, self.field.text());
                return Flow::Close;
            }
            (Code::Esc, _) => {
                self.field = Field::new(&self.before);
                self.apply(model);
                return Flow::Close;
            }
            (Code::Up | Code::Down | Code::PageUp | Code::PageDown, _) => return Flow::Pass,
            (Code::Tab, _) => return self.take(model, if key.shift { -1 } else { 1 }),
            (Code::Right, false) if self.field.at_end() && !self.rest(model).is_empty() => {
                let rest = self.rest(model);
                self.field.insert(&rest);
            }
            (Code::Char('p' | 'n'), true) => {
                let older = key.code == Code::Char('p');
                if let Some(line) = self.walk.step(&model.recall, kind, self.field.text(), older) {
                    self.field = Field::new(&line);
                }
                self.taken = None;
                self.apply(model);
                return Flow::Stay;
            }
            _ => {
                self.field.key(key);
            }
        }
        self.walk.stop();
        self.taken = None;
        self.apply(model);
        Flow::Stay
    }

    /// Takes pasted text.
    pub fn paste(&mut self, model: &mut Model, text: &str) {
        self.field.insert(text);
        self.taken = None;
        self.apply(model);
    }

    /// Puts the next candidate in, or the one before.
    fn take(&mut self, model: &mut Model, by: isize) -> Flow {
        let (mut completion, next) = match self.taken.take() {
            Some((completion, at)) => {
                let count = completion.candidates.len() as isize;
                (completion, (at as isize + by).rem_euclid(count.max(1)) as usize)
            }
            None if self.field.at_end() => (self.goes_on.clone(), 0),
            None => return Flow::Stay,
        };
        let Some(candidate) = completion.candidates.get(next) else { return Flow::Stay };
        let text = candidate.text.clone();
        self.field.replace(completion.span.clone(), &text);
        completion.span.end = completion.span.start + text.len();
        // The only way to go on has been taken: what comes next is new.
        self.taken = (completion.candidates.len() > 1).then_some((completion, next));
        self.apply(model);
        Flow::Stay
    }

    fn apply(&mut self, model: &mut Model) {
        let tab = model.tab;
        model.table_mut(tab).set_filter(self.field.text());
        self.look(model);
    }

    fn look(&mut self, model: &Model) {
        let table = model.table(model.tab);
        self.goes_on = complete(self.field.text(), table.columns(), table.rows());
    }

    /// What stands faintly behind the text: the rest of the first candidate, else of an earlier filter.
    fn rest(&self, model: &Model) -> String {
        let text = self.field.text();
        let part = &text[self.goes_on.span.clone()];
        if text.is_empty() {
            return String::new();
        }
        let first = self
            .goes_on
            .candidates
            .first()
            .filter(|_| !part.is_empty() || !self.goes_on.span.is_empty() || text.ends_with(['=', ',']));
        if let Some(rest) = first.and_then(|c| c.text.get(part.len()..).filter(|_| c.text.is_char_boundary(part.len()))) {
            return rest.to_owned();
        }
        let earlier = model.recall.lines(model.tab.name()).find(|line| line.len() > text.len() && line.starts_with(text));
        earlier.map(|line| line[text.len()..].to_owned()).unwrap_or_default()
    }

    /// Draws the line over the hints.
    pub fn draw(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        let frame = layout::frame(area, true);
        let foot = frame.foot;
        canvas.fill(foot, Role::Text);
        let x = foot.x + 1 + canvas.text(foot.x + 1, foot.y, 2, "/ ", Role::Accent);
        let table = model.table(model.tab);
        let (shown, all) = table.counts();
        let count = format!("{} of {}", words::count(shown as u64), words::count(all as u64));
        let tail = match foot.width {
            100.. => format!("{count}   tab complete   ctrl-p earlier   enter keep   esc give up"),
            70.. => format!("{count}   tab complete   enter keep   esc give up"),
            _ => count,
        };
        let field = Rect { x, width: foot.width.saturating_sub(5 + cells(&tail)), ..foot };
        self.field.draw(canvas, field, true);
        canvas.right(foot.x, foot.y, foot.width - 1, &tail, Role::Hint);
        self.field.ghost(canvas, field, &self.rest(model));
        let above = Rect { y: frame.foot_rule, ..foot };
        let faults = table.filter_read().faults();
        let mut first = None;
        for fault in faults {
            let role = if fault.unfinished { Role::Warn } else { Role::Failed };
            let place = self.field.mark(canvas, field, fault.span.clone(), role);
            if first.is_none() || !fault.unfinished {
                first = first.or(Some((place, fault, role)));
            }
        }
        match first {
            Some((place, fault, role)) if !fault.unfinished || self.goes_on.candidates.is_empty() => {
                draw_fault(canvas, above, place, &fault.text, role);
            }
            _ if self.field.at_end() => self.draw_candidates(canvas, above),
            _ => {}
        }
    }

    /// The ways to go on, with the number of rows that each stands for.
    fn draw_candidates(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let (candidates, at): (&[Candidate], Option<usize>) = match &self.taken {
            Some((completion, at)) => (&completion.candidates, Some(*at)),
            None => (&self.goes_on.candidates, None),
        };
        if candidates.is_empty() {
            return;
        }
        canvas.fill(area, Role::Text);
        let end = area.right().saturating_sub(1);
        let mut x = area.x + 3;
        // The one that was taken is always to be seen.
        let from = at.map_or(0, |at| at.saturating_sub(3));
        for (i, candidate) in candidates.iter().enumerate().skip(from) {
            let count = candidate.rows.map(|n| format!(" {}", words::count(n as u64))).unwrap_or_default();
            let need = cells(&candidate.text) + cells(&count);
            if x + need + 2 > end {
                canvas.glyph(x, area.y, Glyph::Ellipsis, Role::Faint);
                break;
            }
            let role = if at == Some(i) { Role::Accent } else { Role::Text };
            x += canvas.text(x, area.y, need, &candidate.text, role);
            x += canvas.text(x, area.y, need, &count, Role::Dim) + 3;
        }
    }
}

/// What is wrong, above the place where it is.
fn draw_fault(canvas: &mut Canvas<'_>, area: Rect, place: u16, text: &str, role: Role) {
    let width = (cells(text) + 4).min(area.width.saturating_sub(2));
    let x = place.saturating_sub(2).min(area.right().saturating_sub(width + 1)).max(area.x + 1);
    let rect = Rect { x, width, ..area };
    canvas.fill(rect, Role::Text);
    canvas.glyph(x + 1, area.y, Glyph::Warn, role);
    canvas.text(x + 3, area.y, width.saturating_sub(3), text, role);
}
