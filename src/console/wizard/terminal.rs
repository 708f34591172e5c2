//! Page 1: colours, signs, theme and clipboard, each shown live.

use crate::config::settings::{COLOURS, Colours, GLYPHS, Glyphs};
use crate::console::setup::AUTO;
use crate::console::state::Model;
use crate::console::theme::{Glyph, GlyphSet, Kind, Profile, Role};
use crate::facts::terminal::colours_word;
use crate::model::text::clean;

use super::Wizard;
use super::form::{Art, LABEL, Line, RowId, VALUE, below, field, padded};

/// Signs that are shown for comparison.
const SHOWN: [Glyph; 16] = [
    Glyph::On,
    Glyph::Busy,
    Glyph::Off,
    Glyph::Warn,
    Glyph::Done,
    Glyph::Failed,
    Glyph::Undone,
    Glyph::Full,
    Glyph::Full,
    Glyph::Empty,
    Glyph::Arrow,
    Glyph::Ellipsis,
    Glyph::TopLeft,
    Glyph::Rule,
    Glyph::TopRight,
    Glyph::Bar,
];

/// What is known of copying through this terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Clipboard {
    Untested,
    /// This word was copied, and is waited for.
    Copied(String),
    Works,
    /// Something else came.
    Differs(String),
}

impl Clipboard {
    /// Something was pasted.
    pub fn came(&mut self, text: &str) {
        if let Self::Copied(word) = self {
            let text = text.trim();
            *self = if text == word { Self::Works } else { Self::Differs(clean(text).chars().take(30).collect()) };
        }
    }
}

impl Wizard {
    pub(super) fn terminal_lines(&self, model: &Model, width: u16) -> Vec<Line> {
        let mut lines = self.colours_lines(model, width);
        lines.extend(self.glyphs_lines(model, width));
        lines.extend(self.theme_lines(model, width));
        lines.extend(self.clipboard_lines(model, width));
        lines
    }

    fn colours_lines(&self, model: &Model, width: u16) -> Vec<Line> {
        let chosen = self.answers.colours.unwrap_or(Colours::Auto);
        let word = COLOURS.iter().find(|(_, c)| *c == chosen).map_or("", |(word, _)| word);
        let says = match chosen {
            Colours::Auto => format!("{} ({})", colours_word(model.terminal.colours), model.terminal.colours_from),
            other => colours_word(other).to_owned(),
        };
        let profile = Profile::of(chosen, model.terminal.colours);
        let question = match profile {
            Profile::TrueColour => "One smooth band, without steps?",
            Profile::Indexed => "From blue to green, in sixteen steps?",
            Profile::Ansi => "Sixteen colours, all different?",
            Profile::Mono => "Bold, dim, underlined, turned round?",
        };
        let art = Line { art: Some(Art::Colours(profile)), ..Line::text(padded("", LABEL), Role::Text) };
        let mut lines = field(&RowId::Colours, "colours", (word, Role::Strong), &says, width);
        lines.push(art.of(RowId::Colours));
        lines.extend(below(question, Role::Dim, width).into_iter().map(|line| line.of(RowId::Colours)));
        lines
    }

    fn glyphs_lines(&self, model: &Model, width: u16) -> Vec<Line> {
        let chosen = self.answers.glyphs.unwrap_or(Glyphs::Auto);
        let word = GLYPHS.iter().find(|(_, g)| *g == chosen).map_or("", |(word, _)| word);
        let found = if model.terminal.unicode { "unicode" } else { "ascii" };
        let says = match chosen {
            Glyphs::Auto => format!("{found} ({})", model.terminal.unicode_from),
            _ => "take the one whose signs are all clear".to_owned(),
        };
        let now = GlyphSet::of(chosen, model.terminal.unicode);
        let signs = |name: &str, set: GlyphSet| {
            let all: Vec<&str> = SHOWN.iter().map(|glyph| set.get(*glyph)).collect();
            let role = if set == now { Role::Text } else { Role::Dim };
            Line::rich(vec![(padded("", LABEL), Role::Dim), (padded(name, VALUE), Role::Dim), (all.join(" "), role)])
                .of(RowId::Glyphs)
        };
        let mut lines = field(&RowId::Glyphs, "signs", (word, Role::Strong), &says, width);
        lines.extend([signs("unicode", GlyphSet::Unicode), signs("ascii", GlyphSet::Ascii)]);
        lines
    }

    fn theme_lines(&self, model: &Model, width: u16) -> Vec<Line> {
        let wanted = self.answers.theme.as_deref().unwrap_or(AUTO);
        let (kind, safe) = (model.theme.kind.word(), model.theme.colour_blind_safe);
        let ground = match model.background {
            Some((r, g, b)) => format!("the terminal's background is #{r:02x}{g:02x}{b:02x}"),
            None => "the terminal does not tell its background".to_owned(),
        };
        let says = match (wanted, safe) {
            (AUTO, _) => format!("{kind}: {ground}"),
            (_, true) => format!("{kind}, for any kind of colour vision"),
            (_, false) => kind.to_owned(),
        };
        let all = model.themes.iter().position(|theme| theme.name == wanted).map_or(0, |at| at + 1);
        let says = format!("{says}; {} of {}", all + 1, model.themes.len() + 1);
        field(&RowId::Theme, "theme", (wanted, Role::Strong), &says, width)
    }

    fn clipboard_lines(&self, model: &Model, width: u16) -> Vec<Line> {
        let glyph = |glyph| model.theme.glyph(glyph);
        let (value, role, says) = match &self.clipboard {
            Clipboard::Untested => ("not tested".to_owned(), Role::Strong, "y copies a word; then paste it here".to_owned()),
            Clipboard::Copied(_) => {
                ("copied".to_owned(), Role::Waiting, "now paste it here: ctrl-shift-v, or the middle button".to_owned())
            }
            Clipboard::Works => (format!("{} works", glyph(Glyph::Done)), Role::Ok, "what was copied came back".to_owned()),
            Clipboard::Differs(came) => {
                let why = match model.terminal.multiplexer {
                    Some("tmux") => "in tmux: set -g set-clipboard on",
                    Some(_) => "screen passes little on: use the terminal's own selection",
                    None => "allow OSC 52 in the terminal's settings, or use its own selection",
                };
                (format!("{} other", glyph(Glyph::Failed)), Role::Failed, format!("this came instead: {came}. {why}"))
            }
        };
        field(&RowId::Clipboard, "clipboard", (&value, role), &says, width)
    }

    /// The next or previous value of a row of this page.
    pub(super) fn change_look(&mut self, model: &mut Model, row: &RowId, forward: bool) {
        match row {
            RowId::Colours => self.answers.colours = Some(turn(COLOURS, self.answers.colours.unwrap_or(Colours::Auto), forward)),
            RowId::Glyphs => self.answers.glyphs = Some(turn(GLYPHS, self.answers.glyphs.unwrap_or(Glyphs::Auto), forward)),
            RowId::Theme => {
                let mut names = vec![AUTO.to_owned()];
                names.extend(model.themes.iter().map(|theme| theme.name.clone()));
                let at = names.iter().position(|name| Some(name) == self.answers.theme.as_ref()).unwrap_or(0);
                let next = (at + if forward { 1 } else { names.len() - 1 }) % names.len();
                self.answers.theme = Some(names.swap_remove(next));
            }
            _ => return,
        }
        self.look(model);
    }

    /// The console looks as the answers say.
    pub(super) fn look(&self, model: &mut Model) {
        let profile = Profile::of(self.answers.colours.unwrap_or(Colours::Auto), model.terminal.colours);
        let glyphs = GlyphSet::of(self.answers.glyphs.unwrap_or(Glyphs::Auto), model.terminal.unicode);
        let wanted = self.answers.theme.clone().unwrap_or_else(|| AUTO.to_owned());
        model.themes = model.themes.iter().map(|theme| theme.with(profile, glyphs)).collect();
        let kind = model.background.map_or(self.kind, Kind::of);
        let name = if wanted == AUTO { kind.standard().to_owned() } else { wanted.clone() };
        let theme = model.themes.iter().find(|theme| theme.name == name).cloned();
        model.theme = theme.unwrap_or_else(|| model.theme.with(profile, glyphs));
        model.wanted_theme = wanted;
    }
}

/// The word after or before, around the end.
pub fn turn<T: Copy + PartialEq>(words: &[(&str, T)], now: T, forward: bool) -> T {
    let at = words.iter().position(|(_, value)| *value == now).unwrap_or(0);
    words[(at + if forward { 1 } else { words.len() - 1 }) % words.len()].1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_copied_is_the_answer() {
        let mut clipboard = Clipboard::Untested;
        clipboard.came("anything");
        assert_eq!(clipboard, Clipboard::Untested, "nothing is waited for");
        clipboard = Clipboard::Copied("word-1".into());
        clipboard.came(" word-1\n");
        assert_eq!(clipboard, Clipboard::Works);
        clipboard = Clipboard::Copied("word-1".into());
        clipboard.came("\x1b[31mother");
        assert_eq!(clipboard, Clipboard::Differs("other".into()));
    }

    #[test]
    fn values_go_round() {
        assert_eq!(turn(GLYPHS, Glyphs::Ascii, true), Glyphs::Auto);
        assert_eq!(turn(GLYPHS, Glyphs::Auto, false), Glyphs::Ascii);
    }
}
