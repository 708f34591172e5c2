//! The console without a terminal: messages and keys in, bytes out. Benches measure it, tests look at it.

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::client::Incoming;
use crate::model::Time;
use crate::protocol::{FromEngine, Role as Seat, Welcome};

use super::Start;
use super::input::Decoder;
use super::msg::{Effect, Msg};
use super::painter::Painter;
use super::state::{Me, Model};
use super::theme::{GlyphSet, Profile, Theme};
use super::update::{settle, update};

/// A console of a fixed size whose clock stands still.
pub struct Headless {
    pub(super) model: Model,
    painter: Painter,
    decoder: Decoder,
    effects: Vec<Effect>,
}

impl Headless {
    /// A console with the standard theme; `now` is the time it shows.
    pub fn new(width: u16, height: u16, profile: Profile, now: Time, start: Start) -> Self {
        let area = Rect::new(0, 0, width, height);
        let theme = Theme::standard(profile, GlyphSet::Unicode);
        let me = Me { operator: "ana".into(), seat: Seat::Operator, cwd: "/home/ana".into(), term: "xterm".into() };
        let mut model = Model::new(area, theme, me, TimeZone::UTC, start);
        model.now = now;
        Self { model, painter: Painter::new(area, true), decoder: Decoder::default(), effects: Vec::new() }
    }

    /// The engine answers the call.
    pub fn connect(&mut self, welcome: Welcome) {
        self.take(Msg::Incoming(Box::new(Incoming::Connected(welcome))));
    }

    /// The engine says something.
    pub fn message(&mut self, message: FromEngine) {
        self.take(Msg::Incoming(Box::new(Incoming::Engine(message))));
    }

    pub(super) fn take(&mut self, msg: Msg) {
        self.painter.touch();
        update(&mut self.model, msg);
        self.settle();
    }

    fn settle(&mut self) {
        let effects = settle(&mut self.model);
        self.effects.extend(effects);
    }

    /// What was wanted so far.
    #[cfg(test)]
    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Types these bytes; returns what the terminal gets at once.
    pub fn keys(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.press(bytes);
        self.painter.at_once(&self.model)
    }

    /// Types these bytes and draws nothing yet.
    pub(super) fn press(&mut self, bytes: &[u8]) {
        let mut inputs = self.decoder.push(bytes);
        inputs.extend(self.decoder.flush());
        for input in inputs {
            self.painter.remember(&mut self.model);
            update(&mut self.model, Msg::Input(input));
            self.settle();
        }
    }

    /// Everything that came in meanwhile, drawn whole.
    pub fn background(&mut self) -> Vec<u8> {
        if self.painter.whole() {
            return self.painter.at_once(&self.model);
        }
        self.painter.touch();
        self.painter.chunk(&self.model, usize::MAX).0
    }

    /// The terminal has another size.
    pub fn resize(&mut self, width: u16, height: u16) {
        let area = Rect::new(0, 0, width, height);
        self.take(Msg::Resize(area));
        self.painter.forget(area);
    }

    /// What the terminal shows once all bytes so far have arrived.
    pub fn shown(&self) -> &Buffer {
        self.painter.shown()
    }

    /// The same as lines of text.
    pub fn text(&self) -> String {
        let buffer = self.shown();
        let area = buffer.area;
        let line = |y: u16| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..area.height).map(|y| line(y).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }
}
