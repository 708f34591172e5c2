//! The favourites: a digit leads to its view, `s` and a digit keep the open one.

use ratatui::layout::Rect;

use crate::console::favourites;
use crate::console::input::{Code, Key};
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::console::widgets::canvas::{Canvas, cells};
use crate::console::words;

use super::{Flow, frame};

/// What the next digit does.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Next {
    #[default]
    Go,
    Keep,
    Forget,
}

/// The digits with their views.
#[derive(Default)]
pub struct Favourites {
    next: Next,
    /// Rows of each view, counted when the layer opened.
    counts: [Option<usize>; 10],
}

/// In the order of the keys on a keyboard.
const DIGITS: [u8; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0];

impl Favourites {
    /// The favourites as they are.
    pub fn new(model: &Model) -> Self {
        let count = |digit: usize| {
            let line = model.favourites.get(&u8::try_from(digit).ok()?)?;
            favourites::count(model, line)
        };
        Self { next: Next::Go, counts: std::array::from_fn(count) }
    }

    /// Goes, keeps, forgets.
    pub fn key(&mut self, model: &mut Model, key: Key) -> Flow {
        match (key.code, key.typed().and_then(|c| c.to_digit(10))) {
            (Code::Esc, _) if self.next == Next::Go => return Flow::Close,
            (Code::Esc, _) => self.next = Next::Go,
            (Code::Char('s' | '+'), _) => self.next = Next::Keep,
            (Code::Char('x' | '-'), _) => self.next = Next::Forget,
            (_, Some(digit)) => return self.digit(model, digit as u8),
            _ => {}
        }
        Flow::Stay
    }

    fn digit(&mut self, model: &mut Model, digit: u8) -> Flow {
        match self.next {
            Next::Go => {
                if let Err(why) = favourites::go(model, digit) {
                    model.say(why, Role::Warn);
                    return Flow::Stay;
                }
            }
            Next::Keep => {
                let line = favourites::here(model);
                favourites::keep(model, digit, Some(line));
            }
            Next::Forget => {
                favourites::keep(model, digit, None);
                self.next = Next::Go;
                return Flow::Stay;
            }
        }
        Flow::Close
    }

    /// Draws the digits.
    pub fn draw(&self, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
        let width = area.width.saturating_sub(8).min(64);
        let (title, hints): (String, &[(&str, &str)]) = match self.next {
            Next::Go => {
                ("favourites".to_owned(), &[("1", "go there"), ("s", "keep this view"), ("x", "forget one"), ("esc", "close")])
            }
            Next::Keep => {
                (format!("keep `{}` on which digit?", favourites::here(model)), &[("1", "keep it here"), ("esc", "do not")])
            }
            Next::Forget => ("forget which digit?".to_owned(), &[("1", "forget it"), ("esc", "do not")]),
        };
        let edge = if self.next == Next::Forget { Role::Danger } else { Role::LayerEdge };
        let inside = frame::open(canvas, area, (width, 11), &title, edge, hints);
        for (row, digit) in DIGITS.into_iter().enumerate().take(usize::from(inside.height)) {
            let y = inside.y + row as u16;
            let line = model.favourites.get(&digit);
            canvas.text(inside.x + 1, y, 1, &digit.to_string(), if line.is_some() { Role::Key } else { Role::Disabled });
            let count = self.counts[usize::from(digit)].map(|n| words::count(n as u64)).unwrap_or_default();
            canvas.right(inside.x, y, inside.width, &count, Role::Dim);
            let room = inside.width.saturating_sub(6 + cells(&count));
            match line {
                Some(line) => canvas.text(inside.x + 4, y, room, line, Role::Text),
                None => canvas.text(inside.x + 4, y, room, "free", Role::Faint),
            };
        }
    }
}
