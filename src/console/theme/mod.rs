//! Themes: what roles look like, in each of the four colour profiles.
//!
//! A theme's file names colours once, in `[colours]`, each with its true colour and the one of the sixteen that stands
//! for it, and says in `[roles]` which role has which. The 256-colour form is derived; without colours the modifiers
//! under `mono` are all there is.

pub mod glyph;
pub mod profile;
pub mod role;

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use crate::model::Failure;

pub use glyph::{Glyph, GlyphSet};
pub use profile::Profile;
pub use role::Role;

/// The themes that ship in the program; the first is the default.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("quarterdeck", include_str!("../../../themes/quarterdeck.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
];

/// A theme in one profile: the look of every role.
#[derive(Clone, PartialEq, Debug)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// Signs.
    pub glyphs: GlyphSet,
    /// A selected row has one look only, since its background cannot be told from its signs' colours.
    pub flat: bool,
    styles: BTreeMap<Role, Style>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    colours: BTreeMap<String, Paint>,
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
            glyphs,
            flat: true,
            styles: BTreeMap::new(),
        })
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
        let mut styles = BTreeMap::new();
        for (role_name, look) in &file.roles {
            let role = Role::ALL
                .iter()
                .find(|r| r.name() == role_name)
                .ok_or_else(|| wrong(format!("roles.{role_name}: there is no such role")))?;
            let colour = |name: &Option<String>, ground: bool| -> Result<Option<Color>, Failure> {
                let Some(name) = name else { return Ok(None) };
                if name == "none" {
                    return Ok(Some(Color::Reset));
                }
                let (rgb, named) = colours
                    .get(name.as_str())
                    .ok_or_else(|| wrong(format!("roles.{role_name}: there is no colour `{name}` in [colours]")))?;
                Ok(in_profile(*rgb, *named, profile, ground))
            };
            let mut style = Style::new();
            style.fg = colour(&look.fg, false)?;
            style.bg = colour(&look.bg, true)?;
            let mods = if profile == Profile::Mono { look.mono.as_ref().unwrap_or(&look.mods) } else { &look.mods };
            for word in mods {
                let m = modifier(word).ok_or_else(|| wrong(format!("roles.{role_name}: `{word}` is no modifier")))?;
                style = style.add_modifier(m);
            }
            if profile == Profile::Ansi && role_is_ground(*role) && style.bg.is_some_and(|bg| bg == Color::Reset) {
                style = style.add_modifier(Modifier::REVERSED);
            }
            styles.insert(*role, style);
        }
        if let Some(missing) = Role::ALL.iter().find(|r| !styles.contains_key(r)) {
            return Err(wrong(format!("roles.{} is missing", missing.name())));
        }
        let flat = matches!(profile, Profile::Ansi | Profile::Mono);
        Ok(Self { name: name.to_owned(), glyphs, flat, styles })
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
    fn text_can_be_read() {
        for (name, text) in BUILT_IN {
            let theme = Theme::parse(name, text, name, Profile::TrueColour, GlyphSet::Unicode).unwrap();
            let rgb = |c: Option<Color>| match c {
                Some(Color::Rgb(r, g, b)) => (r, g, b),
                other => panic!("{name}: {other:?}"),
            };
            let ground = rgb(theme.style(Role::Text).bg);
            for role in Role::ALL {
                let style = theme.style(*role);
                let least = match role {
                    Role::Faint | Role::Rule | Role::Disabled | Role::Pending | Role::LayerEdge => 1.4,
                    Role::Dim | Role::Hint | Role::Tab | Role::Skipped | Role::Title => 3.5,
                    _ => 4.5,
                };
                let bg = style.bg.map_or(ground, |_| rgb(style.bg));
                let got = profile::contrast(rgb(style.fg), bg);
                assert!(got >= least, "{name} {}: contrast {got:.1}, wanted {least}", role.name());
            }
        }
    }

    #[test]
    fn a_wrong_theme_says_what_is_wrong() {
        for (text, want) in [
            ("", "missing field"),
            ("[colours]\na=[\"#12\",\"red\"]\n[roles]", "is no colour like"),
            ("[colours]\n[roles]\nfoo={}", "no such role"),
            ("[colours]\n[roles]\ntext={fg=\"x\"}", "no colour `x`"),
            ("[colours]\n[roles]\ntext={mods=[\"loud\"]}", "no modifier"),
        ] {
            let failure = Theme::parse("t", text, "t.toml", Profile::TrueColour, GlyphSet::Unicode).unwrap_err();
            assert!(failure.got.contains(want), "{}", failure.got);
        }
    }
}
