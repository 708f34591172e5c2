//! How many colours the terminal has, decided by us and nobody else, and how a colour is brought down to that.

use ratatui::style::Color;

use crate::config::Colours;

/// The colours a terminal has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    TrueColour,
    Indexed,
    Ansi,
    /// No colour at all: bold, dim, reverse and underline stay.
    Mono,
}

impl Profile {
    /// What the settings want, or what the terminal was found to have.
    pub fn of(wanted: Colours, found: Colours) -> Self {
        match if wanted == Colours::Auto { found } else { wanted } {
            Colours::True => Self::TrueColour,
            Colours::C256 => Self::Indexed,
            Colours::Auto | Colours::C16 => Self::Ansi,
            Colours::None => Self::Mono,
        }
    }

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::TrueColour => "true colour",
            Self::Indexed => "256 colours",
            Self::Ansi => "16 colours",
            Self::Mono => "no colours",
        }
    }
}

/// The nearest of the 256 colours: of the cube or of the greys.
pub fn nearest_256(r: u8, g: u8, b: u8) -> Color {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let level = |v: u8| (0..6).min_by_key(|&i| LEVELS[i].abs_diff(v)).unwrap_or(0);
    let (ri, gi, bi) = (level(r), level(g), level(b));
    let cube = [LEVELS[ri], LEVELS[gi], LEVELS[bi]];
    let average = (u16::from(r) + u16::from(g) + u16::from(b)) / 3;
    let step = (average.saturating_sub(3) / 10).min(23) as u8;
    let grey = 8 + 10 * step;
    let distance = |c: [u8; 3]| {
        let d = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
        d(c[0], r) + d(c[1], g) + d(c[2], b)
    };
    if distance([grey; 3]) < distance(cube) {
        Color::Indexed(232 + step)
    } else {
        Color::Indexed((16 + 36 * ri + 6 * gi + bi) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_goes_before_what_was_found() {
        assert_eq!(Profile::of(Colours::Auto, Colours::C256), Profile::Indexed);
        assert_eq!(Profile::of(Colours::None, Colours::C256), Profile::Mono);
    }

    #[test]
    fn colours_come_down_to_near_ones() {
        assert_eq!(nearest_256(255, 0, 0), Color::Indexed(196));
        assert_eq!(nearest_256(0x80, 0x80, 0x80), Color::Indexed(244));
    }
}
