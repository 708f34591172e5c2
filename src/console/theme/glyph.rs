//! Signs: each state has one, in Unicode and in ASCII, one cell wide, so that colour is never the only sign.

use crate::config::Glyphs;

/// A sign.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Glyph {
    /// Up, running, fresh.
    On,
    /// Half way: creating, booting, running.
    Busy,
    /// Off, stopped.
    Off,
    /// Deserves a look.
    Warn,
    /// Done, ok.
    Done,
    /// Failed.
    Failed,
    /// Changed something.
    Changed,
    /// Not begun.
    Pending,
    /// Left out.
    Skipped,
    /// Waits.
    Waiting,
    /// Undone, given back.
    Undone,
    /// Asks.
    Asks,
    /// The selected row.
    Selected,
    /// A marked row.
    Mark,
    /// A thin rule.
    Rule,
    /// A thin vertical rule.
    Bar,
    /// A filled part of a gauge.
    Full,
    /// An empty part of a gauge.
    Empty,
    /// Text goes on.
    Ellipsis,
    /// Between two things of one kind.
    Dot,
    /// Sorted upward, downward.
    Up,
    Down,
    /// Leads to.
    Arrow,
    /// Nothing.
    None,
    /// Eighths of a bar, one to eight.
    Level1,
    Level2,
    Level3,
    Level4,
    Level5,
    Level6,
    Level7,
    Level8,
    /// The corners of a layer.
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
}

impl Glyph {
    /// The eighths of a bar, the lowest first.
    pub const LEVELS: [Self; 8] =
        [Self::Level1, Self::Level2, Self::Level3, Self::Level4, Self::Level5, Self::Level6, Self::Level7, Self::Level8];
}

/// Which set of signs is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum GlyphSet {
    #[default]
    Unicode,
    Ascii,
}

impl GlyphSet {
    /// What the settings want, or what the terminal can be expected to show.
    pub fn of(wanted: Glyphs, unicode: bool) -> Self {
        match wanted {
            Glyphs::Auto if unicode => Self::Unicode,
            Glyphs::Unicode => Self::Unicode,
            Glyphs::Auto | Glyphs::Ascii => Self::Ascii,
        }
    }

    /// The sign as text, one cell wide.
    pub fn get(self, glyph: Glyph) -> &'static str {
        let (unicode, ascii) = match glyph {
            Glyph::On => ("●", "*"),
            Glyph::Busy => ("◐", "%"),
            Glyph::Off => ("○", "o"),
            Glyph::Warn => ("▲", "!"),
            Glyph::Done => ("✔", "+"),
            Glyph::Failed => ("✘", "x"),
            Glyph::Changed => ("~", "~"),
            Glyph::Pending => ("·", "."),
            Glyph::Skipped => ("–", "-"),
            Glyph::Waiting => ("◌", "w"),
            Glyph::Undone => ("↩", "<"),
            Glyph::Asks => ("?", "?"),
            Glyph::Selected => ("▌", ">"),
            Glyph::Mark => ("■", "#"),
            Glyph::Rule => ("─", "-"),
            Glyph::Bar => ("│", "|"),
            Glyph::Full => ("▰", "#"),
            Glyph::Empty => ("▱", "."),
            Glyph::Ellipsis => ("…", "~"),
            Glyph::Dot => ("·", ","),
            Glyph::Up => ("↑", "^"),
            Glyph::Down => ("↓", "v"),
            Glyph::Arrow => ("→", ">"),
            Glyph::None => ("–", "-"),
            Glyph::Level1 => ("▁", "_"),
            Glyph::Level2 => ("▂", "."),
            Glyph::Level3 => ("▃", ":"),
            Glyph::Level4 => ("▄", "-"),
            Glyph::Level5 => ("▅", "="),
            Glyph::Level6 => ("▆", "+"),
            Glyph::Level7 => ("▇", "*"),
            Glyph::Level8 => ("█", "#"),
            Glyph::TopLeft => ("╭", "+"),
            Glyph::TopRight => ("╮", "+"),
            Glyph::BottomLeft => ("╰", "+"),
            Glyph::BottomRight => ("╯", "+"),
        };
        match self {
            Self::Unicode => unicode,
            Self::Ascii => ascii,
        }
    }
}
