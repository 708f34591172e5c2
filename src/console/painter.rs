//! From the model to bytes: what a key changed goes out at once, what came in meanwhile goes out as the line can take
//! it. Both are the difference to what the terminal shows, so nothing is ever written twice.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::draw::draw;
use super::state::Model;
use super::terminal::sgr::Screen;

/// Frames shorter than this arrive in one piece anyway and need no begin and end.
const SYNC_FROM: usize = 1000;
const SYNC_BEGIN: &[u8] = b"\x1b[?2026h";
const SYNC_END: &[u8] = b"\x1b[?2026l";

/// What is shown and what is to be shown.
#[derive(Debug)]
pub struct Painter {
    screen: Screen,
    target: Buffer,
    /// What was to be seen before the keys that are not drawn yet.
    before: Option<Buffer>,
    /// Something may be different that no key changed.
    background: bool,
    /// The whole screen is to be drawn, at once.
    whole: bool,
}

impl Painter {
    /// Nothing is known of the terminal. `bce`: see [`erases_with_background`](super::terminal::sgr::erases_with_background).
    pub fn new(area: Rect, bce: bool) -> Self {
        Self { screen: Screen::new(area, bce), target: Buffer::empty(area), before: None, background: true, whole: true }
    }

    /// Nothing is known of the terminal any more, or it has another size.
    pub fn forget(&mut self, area: Rect) {
        self.screen.forget(area);
        self.target = Buffer::empty(area);
        self.before = None;
        self.background = true;
        self.whole = true;
    }

    /// Something came in that was no key.
    pub fn touch(&mut self) {
        self.background = true;
    }

    /// The whole screen is still to be drawn.
    pub fn whole(&self) -> bool {
        self.whole
    }

    /// A key is waiting to be drawn, or the whole screen.
    pub fn urgent(&self) -> bool {
        self.whole || self.before.is_some()
    }

    /// There may be something to draw that no key changed.
    pub fn pending(&self) -> bool {
        self.background
    }

    /// To be called before a key changes the model: keeps what was to be seen, so that what the key changes can be
    /// told from what came meanwhile.
    pub fn remember(&mut self, model: &mut Model) {
        if self.before.is_none() {
            if self.background {
                model.make_rows();
                draw(model, &mut self.target);
            }
            self.before = Some(self.target.clone());
        }
    }

    /// What the keys changed, or all of a new screen.
    pub fn at_once(&mut self, model: &Model) -> Vec<u8> {
        let cursor = self.compose(model);
        let before = self.before.take();
        let whole = std::mem::take(&mut self.whole);
        let mut out = Vec::new();
        let target = &self.target;
        let by_key = |x: u16, y: u16| whole || before.as_ref().is_none_or(|b| b[(x, y)] != target[(x, y)]);
        self.screen.paint(target, cursor, usize::MAX, &by_key, &mut out);
        framed(out)
    }

    /// At most about `limit` bytes of what came in meanwhile; whether that was all.
    pub fn chunk(&mut self, model: &Model, limit: usize) -> (Vec<u8>, bool) {
        let cursor = self.compose(model);
        let mut out = Vec::new();
        let done = self.screen.paint(&self.target, cursor, limit, &|_, _| true, &mut out);
        self.background = !done;
        (framed(out), done)
    }

    fn compose(&mut self, model: &Model) -> Option<Position> {
        draw(model, &mut self.target)
    }

    /// What the terminal shows once all bytes so far have arrived.
    pub fn shown(&self) -> &Buffer {
        self.screen.shown()
    }
}

/// A frame that the terminal shows at once, not piece by piece.
fn framed(bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() >= SYNC_FROM { [SYNC_BEGIN, &bytes, SYNC_END].concat() } else { bytes }
}
