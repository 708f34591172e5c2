//! Themes: what roles look like, in each of the four colour profiles.
//!
//! A theme's file names its colours once, in `[colours]`, each with its true colour and the one of the sixteen that
//! stands for it. Which role has which colour is said in [`ROLES`] for all themes; a theme's `[roles]` may differ from
//! it. The 256-colour form is derived; without colours the modifiers under `mono` are all there is.

pub mod check;
pub mod glyph;
pub mod profile;
pub mod role;
mod sight;

use std::collections::BTreeMap;
use std::sync::Arc;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use crate::model::Failure;

pub use crate::config::themes::BUILT_IN;
pub use glyph::{Glyph, GlyphSet};
pub use profile::Profile;
pub use role::Role;

/// The looks that a theme starts from.
const ROLES: &str = include_str!("roles.toml");

/// Whether a theme is for a dark or a bright background.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Dark,
    Light,
}

impl Kind {
    /// The kind that a background of this colour is of.
    pub fn of((r, g, b): (u8, u8, u8)) -> Self {
        let light = u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114 > 127_500;
        if light { Self::Light } else { Self::Dark }
    }

    /// The theme of this kind that is used when nothing is said.
    pub fn standard(self) -> &'static str {
        match self {
            Self::Dark => BUILT_IN[0].0,
            Self::Light => BUILT_IN[1].0,
        }
    }

    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
        }
    }
}

/// A theme in one profile: the look of every role.
#[derive(Clone, PartialEq, Debug)]
pub struct Theme {
    /// Its name.
    pub name: String,
    pub kind: Kind,
    /// It promises that states can be told apart with any kind of colour blindness.
    pub colour_blind_safe: bool,
    /// Signs.
    pub glyphs: GlyphSet,
    /// The colours it is made for.
    pub profile: Profile,
    /// Its file, to make it for other colours.
    text: Arc<str>,
    /// A selected row has one look only, since its background cannot be told from its signs' colours.
    pub flat: bool,
    styles: BTreeMap<Role, Style>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kind: Kind,
    #[serde(default)]
    colour_blind_safe: bool,
    colours: BTreeMap<String, Paint>,
    #[serde(default)]
    roles: BTreeMap<String, Look>,
}

/// `["#7fb069", "green"]`.
#[derive(Deserialize)]
struct Paint(String, String);

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Look {
    fg: Option<String>,
    bg: Option<String>,
    #[serde(default)]
    mods: Vec<String>,
    /// Modifiers when there is no colour.
    mono: Option<Vec<String>>,
}

impl Theme {
    /// The theme that ships under this name.
    pub fn built_in(name: &str, profile: Profile, glyphs: GlyphSet) -> Option<Self> {
        let (name, text) = BUILT_IN.iter().find(|(n, _)| *n == name)?;
        Self::parse(name, text, name, profile, glyphs).ok()
    }

    /// The theme that is used when nothing is said.
    pub fn standard(profile: Profile, glyphs: GlyphSet) -> Self {
        Self::built_in(BUILT_IN[0].0, profile, glyphs).unwrap_or(Self {
            name: String::new(),
            kind: Kind::Dark,
            colour_blind_safe: false,
            glyphs,
            profile,
            text: Arc::default(),
            flat: true,
            styles: BTreeMap::new(),
        })
    }

    /// The same theme for other colours or signs.
    #[must_use]
    pub fn with(&self, profile: Profile, glyphs: GlyphSet) -> Self {
        // What could be read once can be read again.
        Self::parse(&self.name, &self.text, &self.name, profile, glyphs).unwrap_or_else(|_| self.clone())
    }

    /// Reads a theme's file.
    ///
    /// # Errors
    /// The file is no theme: each message names the file and what is wrong.
    pub fn parse(name: &str, text: &str, path: &str, profile: Profile, glyphs: GlyphSet) -> Result<Self, Failure> {
        let wrong = |why: String| Failure::refused("read the theme", why).at(path);
        let file: File = toml::from_str(text).map_err(|e| wrong(e.to_string()))?;
        let mut colours = BTreeMap::new();
        for (name, Paint(hex, ansi)) in &file.colours {
            let rgb = hex_colour(hex).ok_or_else(|| wrong(format!("colours.{name}: `{hex}` is no colour like #7fb069")))?;
            let named = ansi_colour(ansi).ok_or_else(|| wrong(format!("colours.{name}: `{ansi}` is none of the sixteen")))?;
            colours.insert(name.as_str(), (rgb, named));
        }
        let common: BTreeMap<String, Look> = toml::from_str(ROLES).map_err(|e| wrong(e.to_string()))?;
        let mut styles = BTreeMap::new();
        // The file's own roles first: what is wrong in them is told before what it lacks.
        let others = common.iter().filter(|(role, _)| !file.roles.contains_key(*role));
        for (role_name, look) in file.roles.iter().chain(others) {
            let role = Role::ALL
                .iter()
                .find(|r| r.name() == role_name)
                .ok_or_else(|| wrong(format!("roles.{role_name}: there is no such role")))?;
            let style = look.style(&colours, profile, *role).map_err(|why| wrong(format!("roles.{role_name}: {why}")))?;
            styles.insert(*role, style);
        }
        if let Some(missing) = Role::ALL.iter().find(|r| !styles.contains_key(r)) {
            return Err(wrong(format!("roles.{} is missing", missing.name())));
        }
        let flat = matches!(profile, Profile::Ansi | Profile::Mono);
        let colour_blind_safe = file.colour_blind_safe;
        let (name, kind, text) = (name.to_owned(), file.kind, text.into());
        Ok(Self { name, kind, colour_blind_safe, glyphs, profile, text, flat, styles })
    }

    /// The look of a role, on the background of whatever it is written on.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }

    /// The sign as text.
    pub fn glyph(&self, glyph: Glyph) -> &'static str {
        self.glyphs.get(glyph)
    }
}

impl Look {
    fn style(&self, colours: &BTreeMap<&str, ((u8, u8, u8), Color)>, profile: Profile, role: Role) -> Result<Style, String> {
        let colour = |name: &Option<String>, ground: bool| -> Result<Option<Color>, String> {
            let Some(name) = name else { return Ok(None) };
            if name == "none" {
                return Ok(Some(Color::Reset));
            }
            let found = colours.get(name.as_str()).ok_or_else(|| format!("there is no colour `{name}` in [colours]"))?;
            Ok(in_profile(found.0, found.1, profile, ground))
        };
        let mut style = Style::new();
        style.fg = colour(&self.fg, false)?;
        style.bg = colour(&self.bg, true)?;
        let mods = if profile == Profile::Mono { self.mono.as_ref().unwrap_or(&self.mods) } else { &self.mods };
        for word in mods {
            style = style.add_modifier(modifier(word).ok_or_else(|| format!("`{word}` is no modifier"))?);
        }
        if profile == Profile::Ansi && role_is_ground(role) && style.bg.is_some_and(|bg| bg == Color::Reset) {
            style = style.add_modifier(Modifier::REVERSED);
        }
        Ok(style)
    }
}

/// Roles that are told from others by their background alone.
fn role_is_ground(role: Role) -> bool {
    matches!(role, Role::Selected | Role::Found)
}

fn in_profile((r, g, b): (u8, u8, u8), named: Color, profile: Profile, ground: bool) -> Option<Color> {
    match profile {
        Profile::TrueColour => Some(Color::Rgb(r, g, b)),
        Profile::Indexed => Some(profile::nearest_256(r, g, b)),
        // Sixteen colours are the terminal's own: its background stays.
        Profile::Ansi if ground => Some(Color::Reset),
        Profile::Ansi => Some(named),
        Profile::Mono => None,
    }
}

fn hex_colour(text: &str) -> Option<(u8, u8, u8)> {
    let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.is_ascii())?;
    let part = |i: usize| u8::from_str_radix(&digits[i..i + 2], 16).ok();
    Some((part(0)?, part(2)?, part(4)?))
}

fn ansi_colour(name: &str) -> Option<Color> {
    Some(match name {
        "default" => Color::Reset,
        "black" => Color::Black,
        "red" => Color::Red,
        "green" => Color::Green,
        "yellow" => Color::Yellow,
        "blue" => Color::Blue,
        "magenta" => Color::Magenta,
        "cyan" => Color::Cyan,
        "white" => Color::Gray,
        "bright-black" => Color::DarkGray,
        "bright-red" => Color::LightRed,
        "bright-green" => Color::LightGreen,
        "bright-yellow" => Color::LightYellow,
        "bright-blue" => Color::LightBlue,
        "bright-magenta" => Color::LightMagenta,
        "bright-cyan" => Color::LightCyan,
        "bright-white" => Color::White,
        _ => return None,
    })
}

fn modifier(name: &str) -> Option<Modifier> {
    Some(match name {
        "bold" => Modifier::BOLD,
        "dim" => Modifier::DIM,
        "italic" => Modifier::ITALIC,
        "underline" => Modifier::UNDERLINED,
        "reverse" => Modifier::REVERSED,
        "strike" => Modifier::CROSSED_OUT,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILES: [Profile; 4] = [Profile::TrueColour, Profile::Indexed, Profile::Ansi, Profile::Mono];

    #[test]
    fn every_theme_that_ships_is_whole_in_every_profile() {
        for (name, text) in BUILT_IN {
            for profile in PROFILES {
                Theme::parse(name, text, name, profile, GlyphSet::Unicode).unwrap();
            }
        }
    }

    #[test]
    fn without_colours_there_is_no_colour() {
        for (name, _) in BUILT_IN {
            let theme = Theme::built_in(name, Profile::Mono, GlyphSet::Ascii).unwrap();
            for role in Role::ALL {
                let style = theme.style(*role);
                assert_eq!((style.fg, style.bg), (None, None), "{name} {}", role.name());
            }
            assert!(theme.style(Role::Selected).add_modifier.contains(Modifier::REVERSED), "{name}");
        }
    }

    #[test]
    fn a_wrong_theme_says_what_is_wrong() {
        for (text, want) in [
            ("", "missing field `kind`"),
            ("kind=\"dark\"\n[colours]\n", "roles.accent: there is no colour `focus`"),
            ("kind=\"dark\"\n[colours]\na=[\"#12\",\"red\"]\n[roles]", "is no colour like"),
            ("kind=\"dark\"\n[colours]\n[roles]\nfoo={}", "no such role"),
            ("kind=\"dark\"\n[colours]\n[roles]\ntext={fg=\"x\"}", "no colour `x`"),
            ("kind=\"dark\"\n[colours]\n[roles]\ntext={mods=[\"loud\"]}", "no modifier"),
        ] {
            let failure = Theme::parse("t", text, "t.toml", Profile::TrueColour, GlyphSet::Unicode).unwrap_err();
            assert!(failure.got.contains(want), "{}", failure.got);
        }
    }
}
