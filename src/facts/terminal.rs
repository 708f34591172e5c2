//! The terminal, as far as the environment tells: colours, signs, what lies in between.

use crate::config::Colours;
use crate::model::{Finding, Part};

/// A terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terminal {
    /// `TERM`.
    pub term: String,
    /// Never `Auto`.
    pub colours: Colours,
    /// What says so: `COLORTERM=truecolor`.
    pub colours_from: String,
    /// Signs beyond ASCII can be expected to work.
    pub unicode: bool,
    pub unicode_from: String,
    /// `tmux` or `screen`, when it runs in one.
    pub multiplexer: Option<&'static str>,
    /// The other end of an SSH line.
    pub remote: bool,
}

/// What the variables say.
pub fn look(var: impl Fn(&str) -> Option<String>) -> Terminal {
    let (colours, colours_from) = colours(&var);
    let (unicode, unicode_from) = unicode(&var);
    let set = |name: &str| var(name).is_some_and(|value| !value.is_empty());
    let multiplexer = match (set("TMUX"), set("STY")) {
        (true, _) => Some("tmux"),
        (false, true) => Some("screen"),
        _ => None,
    };
    Terminal {
        term: var("TERM").unwrap_or_default(),
        colours,
        colours_from,
        unicode,
        unicode_from,
        multiplexer,
        remote: set("SSH_CONNECTION"),
    }
}

/// How many colours the terminal has: `NO_COLOR`, `COLORTERM`, `TERM`.
fn colours(var: &impl Fn(&str) -> Option<String>) -> (Colours, String) {
    let set = |name: &str| var(name).unwrap_or_default();
    let (term, colorterm) = (set("TERM"), set("COLORTERM"));
    let by_term = format!("TERM={term}");
    if !set("NO_COLOR").is_empty() {
        (Colours::None, "NO_COLOR is set".to_owned())
    } else if term.is_empty() || term == "dumb" || term.starts_with("vt1") || term.starts_with("vt2") {
        (Colours::None, by_term)
    } else if colorterm == "truecolor" || colorterm == "24bit" {
        (Colours::True, format!("COLORTERM={colorterm}"))
    } else if term.ends_with("-direct") {
        (Colours::True, by_term)
    } else if term.contains("256color") || term.contains("kitty") || term.contains("alacritty") {
        (Colours::C256, by_term)
    } else if !colorterm.is_empty() {
        (Colours::C256, format!("COLORTERM={colorterm}"))
    } else {
        (Colours::C16, by_term)
    }
}

/// Unicode where the language says so, but for the kernel's own console.
fn unicode(var: &impl Fn(&str) -> Option<String>) -> (bool, String) {
    let set = |name: &str| var(name).filter(|value| !value.is_empty());
    if set("TERM").as_deref() == Some("linux") {
        return (false, "TERM=linux".to_owned());
    }
    let said = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| Some((*name, set(name)?)));
    match said {
        Some((name, language)) => {
            let utf8 = language.to_ascii_lowercase().replace('-', "").contains("utf8");
            (utf8, format!("{name}={language}"))
        }
        None => (false, "LANG is not set".to_owned()),
    }
}

/// The word for a number of colours.
pub fn colours_word(colours: Colours) -> &'static str {
    match colours {
        Colours::Auto => "as found",
        Colours::True => "true colour",
        Colours::C256 => "256 colours",
        Colours::C16 => "16 colours",
        Colours::None => "no colours",
    }
}

impl Terminal {
    /// The same for reading.
    pub fn findings(&self) -> Vec<Finding> {
        const PART: Part = Part::Terminal;
        let mut findings = Vec::new();
        findings.push(match self.term.as_str() {
            "" | "dumb" => Finding::note(PART, "terminal", format!("TERM={}: no colours, no console", self.term))
                .next("use a terminal with cursor control"),
            term => {
                let mut text = format!("TERM={term}");
                if let Some(name) = self.multiplexer {
                    text.push_str(&format!(", in {name}"));
                }
                if self.remote {
                    text.push_str(", over SSH");
                }
                Finding::ok(PART, "terminal", text)
            }
        });
        findings.push(Finding::ok(PART, "colours", format!("{} ({})", colours_word(self.colours), self.colours_from)));
        findings.push(if self.unicode {
            Finding::ok(PART, "signs", format!("unicode ({})", self.unicode_from))
        } else {
            Finding::note(PART, "signs", format!("ASCII ({})", self.unicode_from))
                .next("export LANG=C.UTF-8, or set glyphs = \"unicode\" in [console] of settings.toml")
        });
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &'static [(&'static str, &'static str)]) -> Terminal {
        look(move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn the_environment_decides_on_colours() {
        assert_eq!(with(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]).colours, Colours::True);
        assert_eq!(with(&[("TERM", "tmux-256color")]).colours, Colours::C256);
        assert_eq!(with(&[("TERM", "linux")]).colours, Colours::C16);
        assert_eq!(with(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]).colours, Colours::None);
        assert_eq!(with(&[("TERM", "vt220")]).colours, Colours::None);
        assert_eq!(with(&[]).colours, Colours::None);
    }

    #[test]
    fn the_language_decides_on_signs() {
        assert!(with(&[("TERM", "xterm"), ("LANG", "de_DE.UTF-8")]).unicode);
        assert!(!with(&[("TERM", "xterm"), ("LANG", "en_US.UTF-8"), ("LC_ALL", "C")]).unicode);
        assert!(!with(&[("TERM", "linux"), ("LANG", "C.utf8")]).unicode);
        assert!(!with(&[("TERM", "xterm")]).unicode);
    }
}
