//! How many colours the terminal has, decided by us and nobody else, and how a colour is brought down to that.

use ratatui::style::Color;

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
    /// From the environment: `NO_COLOR`, `COLORTERM`, `TERM`.
    pub fn detect(var: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| var(name).unwrap_or_default();
        let term = set("TERM");
        let colorterm = set("COLORTERM");
        if !set("NO_COLOR").is_empty() || term == "dumb" || term.starts_with("vt1") || term.starts_with("vt2") {
            Self::Mono
        } else if colorterm == "truecolor" || colorterm == "24bit" || term.ends_with("-direct") {
            Self::TrueColour
        } else if term.contains("256color") || term.contains("kitty") || term.contains("alacritty") || !colorterm.is_empty() {
            Self::Indexed
        } else {
            Self::Ansi
        }
    }

    /// The profile called so in settings: `true`, `256`, `16`, `none`.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "true" | "truecolor" => Self::TrueColour,
            "256" => Self::Indexed,
            "16" => Self::Ansi,
            "none" | "mono" => Self::Mono,
            _ => return None,
        })
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

/// Contrast of two colours as the WCAG defines it, 1 to 21.
pub fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    let part = |v: u8| {
        let v = f64::from(v) / 255.0;
        if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    };
    let light = |c: (u8, u8, u8)| 0.2126 * part(c.0) + 0.7152 * part(c.1) + 0.0722 * part(c.2);
    let (a, b) = (light(a), light(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides() {
        let with = |pairs: &'static [(&'static str, &'static str)]| {
            Profile::detect(move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
        };
        assert_eq!(with(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Profile::TrueColour);
        assert_eq!(with(&[("TERM", "tmux-256color")]), Profile::Indexed);
        assert_eq!(with(&[("TERM", "linux")]), Profile::Ansi);
        assert_eq!(with(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]), Profile::Mono);
        assert_eq!(with(&[("TERM", "vt220")]), Profile::Mono);
    }

    #[test]
    fn colours_come_down_to_near_ones() {
        assert_eq!(nearest_256(255, 0, 0), Color::Indexed(196));
        assert_eq!(nearest_256(0x80, 0x80, 0x80), Color::Indexed(244));
        assert!((contrast((0, 0, 0), (255, 255, 255)) - 21.0).abs() < 0.01);
    }
}
