//! Keys: what a person pressed, and how it is written in keys.toml.

use std::fmt;
use std::str::FromStr;

/// Which key, without its modifiers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Code {
    /// A character; letters come as typed (`D` is shift and `d`).
    Char(char),
    /// F1 to F12.
    F(u8),
    Enter,
    Esc,
    Tab,
    Backspace,
    Delete,
    Insert,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
}

/// One key press.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Key {
    pub code: Code,
    pub ctrl: bool,
    pub alt: bool,
    /// Never set for characters: their case says it.
    pub shift: bool,
}

impl Key {
    /// A key without modifiers.
    pub const fn plain(code: Code) -> Self {
        Self { code, ctrl: false, alt: false, shift: false }
    }

    /// A character as typed.
    pub const fn char(c: char) -> Self {
        Self::plain(Code::Char(c))
    }

    /// A character with the control key.
    pub const fn ctrl(c: char) -> Self {
        Self { code: Code::Char(c), ctrl: true, alt: false, shift: false }
    }

    /// The character that this key types into a text, if it types one.
    pub fn typed(self) -> Option<char> {
        match self.code {
            Code::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

const NAMED: &[(&str, Code)] = &[
    ("enter", Code::Enter),
    ("esc", Code::Esc),
    ("tab", Code::Tab),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("insert", Code::Insert),
    ("up", Code::Up),
    ("down", Code::Down),
    ("left", Code::Left),
    ("right", Code::Right),
    ("home", Code::Home),
    ("end", Code::End),
    ("pageup", Code::PageUp),
    ("pagedown", Code::PageDown),
    ("space", Code::Char(' ')),
];

impl fmt::Display for Key {
    /// As in keys.toml: `ctrl-z`, `shift-tab`, `space`, `f5`, `D`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (set, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if set {
                f.write_str(name)?;
            }
        }
        match self.code {
            Code::F(n) => write!(f, "f{n}"),
            code => match (NAMED.iter().find(|(_, c)| *c == code), code) {
                (Some((name, _)), _) => f.write_str(name),
                (None, Code::Char(c)) => write!(f, "{c}"),
                (None, _) => Ok(()),
            },
        }
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut key = Key::plain(Code::Esc);
        let mut rest = text;
        while let Some((head, tail)) = rest.split_once('-').filter(|(_, tail)| !tail.is_empty()) {
            match head {
                "ctrl" => key.ctrl = true,
                "alt" => key.alt = true,
                "shift" => key.shift = true,
                _ => return Err(format!("`{text}`: a modifier is ctrl, alt or shift, not `{head}`")),
            }
            rest = tail;
        }
        let lower = rest.to_ascii_lowercase();
        let mut chars = rest.chars();
        key.code = match (NAMED.iter().find(|(name, _)| *name == lower), chars.next(), chars.next()) {
            (Some((_, code)), _, _) => *code,
            (None, Some(c), None) if key.ctrl => Code::Char(c.to_ascii_lowercase()),
            (None, Some(c), None) if key.shift && c.is_ascii_alphabetic() => Code::Char(c.to_ascii_uppercase()),
            (None, Some(c), None) => Code::Char(c),
            (None, Some('f' | 'F'), Some(_)) => match lower[1..].parse() {
                Ok(n @ 1..=12) => Code::F(n),
                _ => return Err(format!("`{text}`: there are f1 to f12")),
            },
            _ => return Err(format!("`{text}` is no key; examples: q, D, ctrl-z, shift-tab, space, f5")),
        };
        if matches!(key.code, Code::Char(_)) {
            key.shift = false;
        }
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_as_they_are_written() {
        for text in ["q", "D", "ctrl-z", "shift-tab", "space", "f5", "alt-x", "-", "ctrl--", "/", "?", "enter", "ctrl-alt-delete"]
        {
            let key: Key = text.parse().unwrap();
            assert_eq!(key.to_string(), text);
        }
        assert_eq!("shift-d".parse::<Key>().unwrap(), Key::char('D'));
        for bad in ["", "hyper-x", "f13", "word", "ctrl-"] {
            assert!(bad.parse::<Key>().is_err(), "{bad:?} was taken");
        }
    }
}
