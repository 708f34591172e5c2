//! What the command line tells of keys and themes.

use crate::config::{self, Paths, Settings, read_text};
use crate::model::Failure;

use super::input::keymap::{Binding, Keymap};
use super::setup::{self, Looks};
use super::theme::check::{Report, check};
use super::theme::{GlyphSet, Profile, Theme};

/// The keys as they count, and what is wrong in the user's file. With a preset: those of the preset alone.
///
/// # Errors
/// There is no such preset, or a file cannot be read.
pub fn keys(paths: &Paths, preset: Option<&str>) -> Result<(Vec<Binding>, Vec<String>), Failure> {
    if let Some(name) = preset {
        let keymap = Keymap::preset(name).ok_or_else(|| {
            let names: Vec<&str> = super::input::keymap::PRESETS.iter().map(|(name, _)| *name).collect();
            Failure::refused("list the keys", format!("there is no preset `{name}`"))
                .next(format!("there are {}", names.join(", ")))
        })?;
        return Ok((keymap.bindings(), Vec::new()));
    }
    let (keymap, problems) = setup::keymap(paths, &Settings::load(paths)?.rules.commands)?;
    Ok((keymap.bindings(), problems))
}

/// A theme and what was found of it.
#[derive(Debug)]
pub struct ThemeLook {
    pub name: String,
    /// `dark` or `light`; `None`: the file is no theme.
    pub kind: Option<&'static str>,
    pub colour_blind_safe: bool,
    /// Its file; `None`: it ships in the program.
    pub path: Option<String>,
    /// It is the one in the settings.
    pub wanted: bool,
    pub report: Result<Report, Failure>,
}

/// All themes, checked; with `file`, the theme in that file alone.
///
/// # Errors
/// Settings or the file cannot be read.
pub fn themes(paths: &Paths, file: Option<&str>) -> Result<Vec<ThemeLook>, Failure> {
    if let Some(file) = file {
        let path = std::path::Path::new(file);
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let missing = || Failure::refused("read the theme", "there is no such file").at(file);
        return Ok(vec![look(&name, &read_text(path)?.ok_or_else(missing)?, file, "")]);
    }
    let wanted = Looks::read(paths)?.wanted;
    let (files, wrong) = config::themes::all(paths);
    if let Some(failure) = wrong.into_iter().next() {
        return Err(failure);
    }
    Ok(files.iter().map(|file| look(&file.name, &file.text, &file.path, &wanted)).collect())
}

/// The path of a theme that ships is its name.
fn look(name: &str, text: &str, path: &str, wanted: &str) -> ThemeLook {
    let theme = Theme::parse(name, text, path, Profile::TrueColour, GlyphSet::Unicode).ok();
    ThemeLook {
        name: name.to_owned(),
        kind: theme.as_ref().map(|t| t.kind.word()),
        colour_blind_safe: theme.is_some_and(|t| t.colour_blind_safe),
        wanted: name == wanted,
        report: check(name, text, path),
        path: (path != name).then(|| path.to_owned()),
    }
}
