//! Can it be read, and can its states be told apart: what `quarterdeck theme check` tells of a theme.

use ratatui::style::Color;

use crate::model::Failure;

use super::sight::{Rgb, Sight, contrast, difference};
use super::{GlyphSet, Profile, Role, Theme};

/// States that stand side by side in tables; a theme that is safe for the colour blind keeps every two of them apart.
const STATES: [Role; 5] = [Role::Ok, Role::Changed, Role::Warn, Role::Failed, Role::Running];
/// The least difference of two states, see [`difference`]: four times what is just noticeable.
const APART: f64 = 8.0;

/// One role's contrast.
#[derive(Clone, PartialEq, Debug)]
pub struct Contrast {
    pub role: &'static str,
    /// On the ground it is written on, 1 to 21.
    pub contrast: f64,
    /// What it must have at least.
    pub least: f64,
}

/// What was found of a theme.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    pub contrasts: Vec<Contrast>,
    /// The least difference of two states for every kind of sight.
    pub apart: Vec<(&'static str, f64)>,
    /// What is wrong, each in a sentence.
    pub problems: Vec<String>,
}

impl Report {
    /// The least contrast of text that has to be read; `None` without colours.
    pub fn least_contrast(&self) -> Option<f64> {
        self.contrasts.iter().filter(|c| c.least >= 4.5).map(|c| c.contrast).min_by(f64::total_cmp)
    }
}

/// The contrast that a role must have: 4.5 where text has to be read (WCAG 2, level AA), less for what may step back.
fn least(role: Role) -> f64 {
    match role {
        Role::Faint | Role::Rule | Role::Disabled | Role::Pending | Role::LayerEdge => 1.4,
        Role::Dim | Role::Hint | Role::Tab | Role::Skipped | Role::Title => 3.5,
        _ => 4.5,
    }
}

/// Looks at a theme's file in every profile. `path` is for messages.
///
/// # Errors
/// It is no theme.
pub fn check(name: &str, text: &str, path: &str) -> Result<Report, Failure> {
    let in_profile = |profile| Theme::parse(name, text, path, profile, GlyphSet::Unicode);
    let theme = in_profile(Profile::TrueColour)?;
    let mut problems = Vec::new();
    let contrasts = contrasts(&theme, &mut problems);
    let mut apart = Vec::new();
    for sight in Sight::ALL {
        let (distance, a, b) = nearest(&theme, sight);
        if theme.colour_blind_safe && distance < APART {
            problems.push(format!(
                "{} and {} look alike with {}: {distance:.1} apart, wanted {APART}",
                a.name(),
                b.name(),
                sight.name()
            ));
        }
        apart.push((sight.name(), distance));
    }
    for profile in [Profile::Indexed, Profile::Ansi, Profile::Mono] {
        let theme = in_profile(profile)?;
        if theme.style(Role::Selected) == theme.style(Role::Text) {
            problems.push(format!("a selected row looks like any other with {}", profile.name()));
        }
    }
    Ok(Report { contrasts, apart, problems })
}

fn contrasts(theme: &Theme, problems: &mut Vec<String>) -> Vec<Contrast> {
    let ground = rgb(theme.style(Role::Text).bg);
    let mut found = Vec::new();
    for role in Role::ALL {
        let style = theme.style(*role);
        let (Some(fg), Some(bg)) = (rgb(style.fg), rgb(style.bg).or(ground)) else { continue };
        let (contrast, least) = (contrast(fg, bg), least(*role));
        if contrast < least {
            problems.push(format!("{} is hard to read: contrast {contrast:.1}, wanted {least}", role.name()));
        }
        found.push(Contrast { role: role.name(), contrast, least });
    }
    // States are read on the selected row too.
    if let Some(row) = rgb(theme.style(Role::Selected).bg) {
        for role in STATES {
            let contrast = rgb(theme.style(role).fg).map_or(21.0, |fg| contrast(fg, row));
            if contrast < 3.0 {
                problems.push(format!("{} is hard to read on the selected row: contrast {contrast:.1}, wanted 3", role.name()));
            }
        }
    }
    found
}

/// The two states that are hardest to tell apart.
fn nearest(theme: &Theme, sight: Sight) -> (f64, Role, Role) {
    let mut nearest = (f64::INFINITY, STATES[0], STATES[0]);
    for (i, a) in STATES.iter().enumerate() {
        for b in &STATES[i + 1..] {
            let (Some(x), Some(y)) = (rgb(theme.style(*a).fg), rgb(theme.style(*b).fg)) else { continue };
            let distance = difference(x, y, sight);
            if distance < nearest.0 {
                nearest = (distance, *a, *b);
            }
        }
    }
    nearest
}

fn rgb(colour: Option<Color>) -> Option<Rgb> {
    match colour {
        Some(Color::Rgb(r, g, b)) => Some((r, g, b)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::BUILT_IN;
    use super::*;

    #[test]
    fn every_theme_that_ships_can_be_read() {
        for (name, text) in BUILT_IN {
            let report = check(name, text, name).unwrap();
            assert_eq!(report.problems, Vec::<String>::new(), "{name}");
            // What a filter found keeps the colour of its cell.
            assert_eq!(report.contrasts.len(), Role::ALL.len() - 1, "{name}");
        }
        assert!(BUILT_IN.iter().filter(|(_, text)| text.contains("colour_blind_safe = true")).count() >= 2);
    }

    #[test]
    fn a_bad_theme_is_told_what_is_bad_in_it() {
        let text = include_str!("../../../themes/colour-blind.toml").replace("#ff5a1f", "#f0d040").replace("#95a1ae", "#20262c");
        let problems = check("bad", &text, "bad.toml").unwrap().problems;
        assert!(problems.iter().any(|p| p.starts_with("hint is hard to read")), "{problems:?}");
        assert!(problems.iter().any(|p| p.contains("look alike with deuteranopia")), "{problems:?}");
    }
}
