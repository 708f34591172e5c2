//! What the console is set to: theme, colours, signs, keys, from the settings and from the terminal.

use jiff::tz::TimeZone;
use ratatui::layout::Rect;

use crate::client::{Options, context};
use crate::config::{Colours, Paths, Settings, read_text};
use crate::model::Failure;

use super::Start;
use super::input::Keymap;
use super::state::{Me, Model};
use super::theme::{BUILT_IN, GlyphSet, Profile, Role, Theme};

/// A model with everything that the settings say. What is wrong in keys and themes is told on the screen; the console
/// opens all the same.
///
/// # Errors
/// The settings themselves cannot be read.
pub fn model(options: &Options, area: Rect, start: Start) -> Result<Model, Failure> {
    let settings = Settings::load(&options.paths)?;
    let var = |name: &str| std::env::var(name).ok();
    let profile = match settings.colours.value {
        Colours::Auto => Profile::detect(var),
        Colours::True => Profile::TrueColour,
        Colours::C256 => Profile::Indexed,
        Colours::C16 => Profile::Ansi,
        Colours::None => Profile::Mono,
    };
    let mut problems = Vec::new();
    let themes = themes(&options.paths, profile, glyphs(var), &mut problems);
    let wanted = &settings.theme.value;
    let chosen = themes.iter().find(|t| t.name == *wanted).cloned();
    if chosen.is_none() {
        let names: Vec<&str> = themes.iter().map(|t| t.name.as_str()).collect();
        problems.push(format!("there is no theme `{wanted}`; there are {}", names.join(", ")));
    }
    let theme = chosen.or_else(|| themes.first().cloned()).unwrap_or_else(|| Theme::standard(profile, glyphs(var)));
    let here = context();
    let me = Me {
        operator: here.operator,
        seat: options.role,
        cwd: here.cwd,
        term: var("TERM").unwrap_or_else(|| "xterm".to_owned()),
    };
    let mut model = Model::new(area, theme, me, TimeZone::system(), start);
    model.themes = themes;
    match keymap(&options.paths) {
        Ok((keymap, wrong)) => {
            model.keymap = keymap;
            problems.extend(wrong);
        }
        Err(failure) => problems.push(failure.line()),
    }
    if let Some(first) = problems.first() {
        let more = if problems.len() > 1 { format!(" (and {} more)", problems.len() - 1) } else { String::new() };
        model.say(format!("{first}{more}"), Role::Warn);
    }
    Ok(model)
}

/// The keys as a user's file changes them, and what is wrong in that file.
fn keymap(paths: &Paths) -> Result<(Keymap, Vec<String>), Failure> {
    let mut keymap = Keymap::built_in();
    let problems = match read_text(&paths.keys())? {
        Some(text) => keymap.overlay(&text, &paths.keys().to_string_lossy()),
        None => Vec::new(),
    };
    Ok((keymap, problems))
}

/// The themes that ship, and those in the settings folder; a user's theme of the same name goes first.
fn themes(paths: &Paths, profile: Profile, glyphs: GlyphSet, problems: &mut Vec<String>) -> Vec<Theme> {
    let mut themes: Vec<Theme> = BUILT_IN.iter().filter_map(|(name, _)| Theme::built_in(name, profile, glyphs)).collect();
    let Ok(entries) = std::fs::read_dir(paths.themes()) else { return themes };
    let mut files: Vec<std::path::PathBuf> = entries.flatten().map(|e| e.path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    files.sort();
    for path in files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let read = read_text(&path).map(Option::unwrap_or_default);
        match read.and_then(|text| Theme::parse(&name, &text, &path.to_string_lossy(), profile, glyphs)) {
            Ok(theme) => {
                themes.retain(|t| t.name != name);
                themes.push(theme);
            }
            Err(failure) => problems.push(failure.line()),
        }
    }
    themes
}

/// Which signs the terminal has: Unicode where the language says so, but for the kernel's own console.
fn glyphs(var: impl Fn(&str) -> Option<String>) -> GlyphSet {
    let language = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| var(name).filter(|v| !v.is_empty())).unwrap_or_default();
    let unicode = language.to_ascii_lowercase().replace('-', "").contains("utf8");
    if unicode && var("TERM").as_deref() != Some("linux") { GlyphSet::Unicode } else { GlyphSet::Ascii }
}
