//! Text from outside is data: no control sequence of it reaches a terminal.

use std::borrow::Cow;

/// Makes `text` safe to show: escape sequences (CSI, OSC, DCS and the like) are removed whole, tabs become
/// spaces up to the next multiple of eight, other control characters and bidirectional overrides become `·`.
/// Line feeds are control characters too: hand in single lines, or use [`clean_lines`].
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c.is_control() || is_override(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_csi(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut chars),
            '\t' => {
                let spaces = 8 - column % 8;
                out.extend(std::iter::repeat_n(' ', spaces));
                column += spaces;
            }
            '\r' if chars.peek().is_none() => {}
            c if c.is_control() || is_override(c) => {
                out.push('·');
                column += 1;
            }
            c => {
                out.push(c);
                column += 1;
            }
        }
    }
    Cow::Owned(out)
}

/// [`clean`] for text of several lines.
pub fn clean_lines(text: &str) -> String {
    text.split('\n').map(clean).collect::<Vec<_>>().join("\n")
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn skip_escape(chars: &mut Chars<'_>) {
    match chars.next() {
        Some('[') => skip_csi(chars),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(chars),
        // `ESC ( B` and its like: intermediate bytes, then a final one.
        Some(' '..='/') => while matches!(chars.next(), Some(' '..='/')) {},
        _ => {}
    }
}

fn skip_csi(chars: &mut Chars<'_>) {
    while let Some(&c) = chars.peek() {
        match c {
            ' '..='?' => {
                chars.next();
            }
            '@'..='~' => {
                chars.next();
                return;
            }
            // Not a control sequence after all: what follows is text again.
            _ => return,
        }
    }
}

fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                if chars.peek() == Some(&'\\') {
                    chars.next();
                }
                return;
            }
            _ => {}
        }
    }
}

fn is_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
}

/// Words that make a name that of a secret.
const SECRET: &[&str] = &["password", "passwd", "passphrase", "passcode", "secret", "token", "credential", "auth_key"];

/// Ends of names that are about a secret, and of which the value is none.
const ABOUT: &[&str] = &["_endpoint", "_url", "_type", "_id", "_name"];

/// Whether what goes by this name (a key of a file, a setting) is a secret.
pub fn names_a_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    !ABOUT.iter().any(|end| name.ends_with(end)) && SECRET.iter().any(|word| name.contains(word))
}

/// A word as a POSIX shell reads it: as it is where every character is plain, else between single quotes.
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:=@%+,-".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(shell_word("web-prod"), "web-prod");
        assert_eq!(shell_word("a b"), "'a b'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
        assert_eq!(shell_word("slaves=5"), "slaves=5");
        assert_eq!(shell_word("$(reboot)"), "'$(reboot)'");
    }

    #[test]
    fn sequences_vanish_and_text_stays() {
        assert_eq!(clean("plain äöü"), "plain äöü");
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m"), "red");
        assert_eq!(clean("a\u{1b}]52;c;ZXZpbA==\u{7}b"), "ab");
        assert_eq!(clean("a\u{1b}]0;title\u{1b}\\b"), "ab");
        assert_eq!(clean("x\u{1b}[2J\u{1b}[10;10Hy"), "xy");
        assert_eq!(clean("a\tb"), "a       b");
        assert_eq!(clean("bell\u{7}"), "bell·");
        assert_eq!(clean("line\r"), "line");
        assert_eq!(clean("\u{202e}txt.exe"), "·txt.exe");
        assert_eq!(clean("\u{1b}(Bplain"), "plain");
    }
}
