//! What the console is set to: theme, colours, signs, keys, from the settings and from the terminal.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use ratatui::layout::Rect;

use crate::client::{Options, context};
use crate::config::{self, Motion, Notify, Paths, Settings, Sourced, read_text};
use crate::facts;
use crate::model::{CustomCommand, Failure};
use crate::protocol::Role as Seat;

use super::Start;
use super::input::Keymap;
use super::panes;
use super::recall::Recall;
use super::state::{Me, Model, Tab};
use super::tell::Tell;
use super::theme::{GlyphSet, Kind, Profile, Role, Theme};
use super::verbs;
use super::wizard::{self, Begin};

/// The setting that leaves the choice of the theme to the terminal's background.
pub const AUTO: &str = "auto";

/// What a person has set of the look and the keys.
#[derive(Clone, Debug)]
pub struct Looks {
    /// All that can be chosen: those that ship, and those of the settings folder.
    pub themes: Vec<Theme>,
    /// The theme in the settings: a name, or [`AUTO`].
    pub wanted: String,
    pub keymap: Keymap,
    pub notify: Notify,
    pub motion: Motion,
    pub mouse: bool,
    /// The tab that is open at the beginning.
    pub open: &'static str,
    /// Columns by list, and lines by digit.
    pub columns: BTreeMap<String, Sourced<String>>,
    pub favourites: BTreeMap<u8, Sourced<String>>,
    /// What is wrong in keys, themes and their choice, each with its place.
    pub problems: Vec<String>,
}

impl Looks {
    /// Reads settings, keys and themes.
    ///
    /// # Errors
    /// The settings themselves, or the file of keys, cannot be read.
    pub fn read(paths: &Paths) -> Result<Self, Failure> {
        let settings = Settings::load(paths)?;
        let terminal = facts::terminal::look(variable);
        let profile = Profile::of(settings.colours.value, terminal.colours);
        let glyphs = GlyphSet::of(settings.glyphs.value, terminal.unicode);
        let mut problems = Vec::new();
        let themes = themes(paths, profile, glyphs, &mut problems);
        let wanted = settings.theme.value;
        if wanted != AUTO && !themes.iter().any(|t| t.name == wanted) {
            let names: Vec<&str> = themes.iter().map(|t| t.name.as_str()).collect();
            problems.push(format!("there is no theme `{wanted}`; there are {AUTO}, {}", names.join(", ")));
        }
        let (keymap, wrong) = keymap(paths, &settings.rules.commands)?;
        problems.extend(wrong);
        let (columns, favourites) = (settings.columns, settings.favourites);
        let (notify, motion, mouse, open) = (settings.notify, settings.motion.value, settings.mouse.value, settings.open.value);
        Ok(Self { themes, wanted, keymap, notify, motion, mouse, open, columns, favourites, problems })
    }

    /// The theme to begin with; the terminal may tell its background later.
    fn first_theme(&self) -> Theme {
        let named = |name: &str| self.themes.iter().find(|t| t.name == name).cloned();
        let guess = || named(background(variable).standard());
        named(&self.wanted).or_else(guess).unwrap_or_else(|| Theme::standard(Profile::Mono, GlyphSet::Ascii))
    }

    /// Gives lists their columns and digits their lines; what is wrong with them.
    pub fn lay_out(&self, model: &mut Model) -> Vec<String> {
        let mut problems = Vec::new();
        for tab in Tab::every() {
            let chosen = self.columns.get(tab.name()).and_then(|names| {
                let place = |name: &str| {
                    let known = panes::columns(tab).iter().position(|c| c.id == name);
                    known.ok_or_else(|| format!("{}: {} has no column {name}", names.origin, tab.name()))
                };
                names.split_whitespace().map(place).collect::<Result<Vec<usize>, String>>().map_err(|p| problems.push(p)).ok()
            });
            model.table_mut(tab).choose(chosen.filter(|chosen| !chosen.is_empty()));
        }
        for (list, names) in self.columns.iter().filter(|(list, _)| Tab::named(list).is_none()) {
            problems.push(format!("{}: there is no list {list}", names.origin));
        }
        model.favourites.clear();
        for (digit, line) in &self.favourites {
            match verbs::check(line) {
                Ok(()) => _ = model.favourites.insert(*digit, line.value.clone()),
                Err(why) => problems.push(format!("{}: {why}", line.origin)),
            }
        }
        problems
    }

    /// The first problem in a line, and how many more there are.
    pub fn problem(&self) -> Option<String> {
        let first = self.problems.first()?;
        let more = self.problems.len() - 1;
        Some(if more > 0 { format!("{first} (and {more} more: quarterdeck keys --check, theme check)") } else { first.clone() })
    }
}

/// A model with everything that the settings say. What is wrong in keys and themes is told on the screen; the console
/// opens all the same.
///
/// # Errors
/// The settings themselves cannot be read.
pub fn model(options: &Options, area: Rect, start: Start) -> Result<Model, Failure> {
    let mut looks = Looks::read(&options.paths)?;
    let here = context();
    let me = Me {
        operator: here.operator,
        seat: options.role,
        cwd: here.cwd,
        term: variable("TERM").unwrap_or_else(|| "xterm".to_owned()),
    };
    let start = match start {
        Start::Home => Tab::named(looks.open).map_or(start, Start::At),
        start => start,
    };
    let mut model = Model::new(area, looks.first_theme(), me, TimeZone::system(), start);
    // What is said before the loop begins stays as long as anything else.
    model.now = super::app::now();
    match config::history::load(&options.paths) {
        Ok(typed) => model.recall = Recall::new(typed),
        Err(failure) => looks.problems.push(failure.line()),
    }
    let problems = looks.lay_out(&mut model);
    looks.problems.extend(problems);
    if let Some(problem) = looks.problem() {
        model.say(problem, Role::Warn);
    }
    model.themes = looks.themes;
    model.wanted_theme = looks.wanted;
    model.keymap = looks.keymap;
    model.tell = Tell::new(&looks.notify);
    model.motion = looks.motion;
    model.pointer.on = looks.mouse;
    model.terminal = facts::terminal::look(variable);
    let open = matches!(start, Start::Home | Start::At(_));
    if start == Start::Setup || (open && options.role == Seat::Operator) {
        let begin = Begin::read(&options.paths)?;
        if start == Start::Setup || begin.first() {
            wizard::open(&mut model, begin);
        }
    }
    Ok(model)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The keys as a user's file and commands change them, and what is wrong with those.
///
/// # Errors
/// The file cannot be read.
pub fn keymap(paths: &Paths, commands: &[CustomCommand]) -> Result<(Keymap, Vec<String>), Failure> {
    let mut keymap = Keymap::built_in();
    let mut problems = match read_text(&paths.keys())? {
        Some(text) => keymap.overlay(&text, &paths.keys().to_string_lossy()),
        None => Vec::new(),
    };
    problems.extend(keymap.lay_commands(commands));
    Ok((keymap, problems))
}

/// The themes that ship, and those in the settings folder; a user's theme of the same name goes first.
fn themes(paths: &Paths, profile: Profile, glyphs: GlyphSet, problems: &mut Vec<String>) -> Vec<Theme> {
    let (files, wrong) = config::themes::all(paths);
    problems.extend(wrong.iter().map(Failure::line));
    let mut themes: Vec<Theme> = Vec::new();
    for file in files {
        match Theme::parse(&file.name, &file.text, &file.path, profile, glyphs) {
            Ok(theme) => themes.push(theme),
            Err(failure) => {
                problems.push(failure.line());
                // A user's that cannot be used leaves the one of its name that ships.
                themes.extend(Theme::built_in(&file.name, profile, glyphs));
            }
        }
    }
    themes
}

/// What `COLORFGBG` says of the background (set by rxvt and others: the last number is its colour); dark without it.
fn background(var: impl Fn(&str) -> Option<String>) -> Kind {
    let number = var("COLORFGBG").and_then(|v| v.rsplit(';').next().and_then(|n| n.parse::<u8>().ok()));
    if matches!(number, Some(7 | 9..=15)) { Kind::Light } else { Kind::Dark }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_of_old_terminals_tells_the_background() {
        let with = |value: Option<&'static str>| background(move |_| value.map(str::to_owned));
        assert_eq!(with(None), Kind::Dark);
        assert_eq!(with(Some("15;0")), Kind::Dark);
        assert_eq!(with(Some("0;15")), Kind::Light);
        assert_eq!(with(Some("0;default;7")), Kind::Light);
        assert_eq!(with(Some("nonsense")), Kind::Dark);
    }
}
