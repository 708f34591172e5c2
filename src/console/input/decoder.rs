//! Raw bytes of the terminal → keys, pastes, focus, and the answer to our own question (`CSI 0 n`).
//!
//! Whatever comes in, nothing panics and nothing is kept without bound: a sequence that makes no sense is dropped.

use super::key::{Code, Key};

/// Longest control sequence that is waited for, bytes.
const MAX_SEQUENCE: usize = 64;
/// Longest paste that is taken, bytes; the rest is dropped.
pub const MAX_PASTE: usize = 1 << 20;
const PASTE_END: &[u8] = b"\x1b[201~";

/// What the mouse did, and in which cell, both from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mouse {
    /// The left button went down.
    Press { x: u16, y: u16 },
    /// One notch of the wheel.
    Wheel { x: u16, y: u16, down: bool },
}

impl Mouse {
    /// Column and line.
    pub fn place(self) -> (u16, u16) {
        match self {
            Self::Press { x, y } | Self::Wheel { x, y, .. } => (x, y),
        }
    }
}

/// What the terminal sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    Key(Key),
    /// Pasted text; carriage returns are line feeds.
    Paste(String),
    /// The window got (true) or lost the focus.
    Focus(bool),
    /// The terminal says that it has worked off everything sent before `CSI 5 n`.
    Answer,
    /// What the mouse did.
    Mouse(Mouse),
    /// The terminal's background, as it answers to `OSC 11 ; ?`.
    Background((u8, u8, u8)),
}

/// Turns bytes into [`Input`]; sequences may arrive in pieces.
#[derive(Debug, Default)]
pub struct Decoder {
    pending: Vec<u8>,
    paste: Option<Vec<u8>>,
}

enum Step {
    /// So many bytes are used up, with what they mean.
    Took(usize, Option<Input>),
    /// A paste begins after so many bytes.
    PasteStarts(usize),
    /// The sequence goes on.
    More,
}

impl Decoder {
    /// Takes bytes; returns what is complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Input> {
        self.pending.extend_from_slice(bytes);
        let mut out = Vec::new();
        self.run(&mut out, false);
        out
    }

    /// Whether bytes wait for more: after a short time without any, call [`Decoder::flush`].
    pub fn waits(&self) -> bool {
        !self.pending.is_empty() && self.paste.is_none()
    }

    /// Nothing more came: an escape byte was the escape key.
    pub fn flush(&mut self) -> Vec<Input> {
        let mut out = Vec::new();
        if self.paste.is_none() {
            self.run(&mut out, true);
        }
        out
    }

    fn run(&mut self, out: &mut Vec<Input>, last: bool) {
        let bytes = std::mem::take(&mut self.pending);
        let mut at = 0;
        while at < bytes.len() {
            if self.paste.is_some() {
                at += self.take_paste(&bytes[at..], out);
                if self.paste.is_some() {
                    break;
                }
                continue;
            }
            match step(&bytes[at..], last) {
                Step::Took(used, input) => {
                    at += used.max(1);
                    out.extend(input);
                }
                Step::PasteStarts(used) => {
                    at += used;
                    self.paste = Some(Vec::new());
                }
                Step::More => break,
            }
        }
        self.pending.extend_from_slice(&bytes[at..]);
    }

    /// Moves bytes into the paste; what could be the beginning of its end stays pending. Returns how many it used.
    fn take_paste(&mut self, bytes: &[u8], out: &mut Vec<Input>) -> usize {
        let Some(paste) = &mut self.paste else { return 0 };
        let end = bytes.windows(PASTE_END.len()).position(|w| w == PASTE_END);
        let keep = match end {
            Some(at) => at,
            None => bytes.len() - (1..PASTE_END.len()).rev().find(|&n| bytes.ends_with(&PASTE_END[..n])).unwrap_or(0),
        };
        let room = MAX_PASTE.saturating_sub(paste.len());
        paste.extend_from_slice(&bytes[..keep.min(room)]);
        if end.is_none() {
            return keep;
        }
        let text = String::from_utf8_lossy(paste).replace("\r\n", "\n").replace('\r', "\n");
        out.push(Input::Paste(text));
        self.paste = None;
        keep + PASTE_END.len()
    }
}

fn step(bytes: &[u8], last: bool) -> Step {
    match bytes[0] {
        0x1b => escape(bytes, last),
        b'\r' | b'\n' => key(1, Key::plain(Code::Enter)),
        b'\t' => key(1, Key::plain(Code::Tab)),
        0x7f | 0x08 => key(1, Key::plain(Code::Backspace)),
        0 => key(1, Key::ctrl(' ')),
        c @ 1..=26 => key(1, Key::ctrl(char::from(c - 1 + b'a'))),
        c @ 28..=31 => key(1, Key::ctrl(char::from(c - 28 + b'\\'))),
        c if c < 0x80 => key(1, Key::char(char::from(c))),
        _ => match utf8(bytes, last) {
            Some((used, Some(c))) => key(used, Key::char(c)),
            Some((used, None)) => Step::Took(used, None),
            None => Step::More,
        },
    }
}

fn key(used: usize, key: Key) -> Step {
    Step::Took(used, Some(Input::Key(key)))
}

/// One character in several bytes; `None`: more bytes are needed.
fn utf8(bytes: &[u8], last: bool) -> Option<(usize, Option<char>)> {
    let len = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Some((1, None)),
    };
    if bytes.len() < len {
        let good = bytes[1..].iter().all(|b| b & 0xc0 == 0x80);
        return if good && !last { None } else { Some((1, None)) };
    }
    match std::str::from_utf8(&bytes[..len]) {
        Ok(text) => Some((len, text.chars().next().filter(|c| !c.is_control()))),
        Err(_) => Some((1, None)),
    }
}

fn escape(bytes: &[u8], last: bool) -> Step {
    match bytes.get(1) {
        None if last => key(1, Key::plain(Code::Esc)),
        None => Step::More,
        Some(b'[') => csi(bytes, last),
        Some(b'O') => match bytes.get(2) {
            None if last => key(2, Key { alt: true, ..Key::char('O') }),
            None => Step::More,
            Some(&c) => Step::Took(3, letter_key(c).map(|code| Input::Key(Key::plain(code)))),
        },
        Some(b']' | b'P' | b'_' | b'^' | b'X') => string(bytes, last),
        Some(0x1b) => key(1, Key::plain(Code::Esc)),
        Some(_) => match step(&bytes[1..], last) {
            Step::Took(used, Some(Input::Key(k))) => key(used + 1, Key { alt: true, ..k }),
            Step::Took(used, other) => Step::Took(used + 1, other),
            other => other,
        },
    }
}

/// An answer that is a string: the background's colour is taken, anything else is skipped whole.
fn string(bytes: &[u8], last: bool) -> Step {
    for (i, pair) in bytes.iter().enumerate().skip(2) {
        match pair {
            0x07 => return Step::Took(i + 1, background(&bytes[2..i])),
            0x1b if bytes.get(i + 1) == Some(&b'\\') => return Step::Took(i + 2, background(&bytes[2..i])),
            _ => {}
        }
    }
    if last && bytes.len() == 2 {
        return key(2, Key { alt: true, ..Key::char(char::from(bytes[1])) });
    }
    if last || bytes.len() > 16 * MAX_SEQUENCE { Step::Took(bytes.len(), None) } else { Step::More }
}

/// `11;rgb:1010/1515/1c1c`, each part with one to four digits.
fn background(string: &[u8]) -> Option<Input> {
    let text = std::str::from_utf8(string).ok()?.strip_prefix("11;")?;
    let colour = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
    let mut parts = colour.split('/').map(|digits| {
        let most = (1u32 << (4 * u32::try_from(digits.len()).ok().filter(|n| (1..=4).contains(n))?)) - 1;
        u8::try_from(u32::from_str_radix(digits, 16).ok()? * 255 / most).ok()
    });
    let mut part = || parts.next().flatten();
    Some(Input::Background((part()?, part()?, part()?)))
}

fn csi(bytes: &[u8], last: bool) -> Step {
    let Some(end) = bytes.iter().skip(2).position(|b| !(0x20..=0x3f).contains(b)).map(|i| i + 2) else {
        return match (last, bytes.len()) {
            (true, 2) => key(2, Key { alt: true, ..Key::char('[') }),
            (true, n) => Step::Took(n, None),
            (false, n) if n > MAX_SEQUENCE => Step::Took(n, None),
            _ => Step::More,
        };
    };
    let last_byte = bytes[end];
    if bytes[2] == b'<' {
        // Only the mouse speaks so: what it says is never a key, even where nobody asked for it.
        return Step::Took(end + 1, mouse(&bytes[3..end], last_byte).map(Input::Mouse));
    }
    if last_byte == b'M' && end == 2 {
        // The mouse of a terminal that knows only the old form: three bytes follow, which are no keys.
        return if bytes.len() >= 6 || last { Step::Took(bytes.len().min(6), None) } else { Step::More };
    }
    if !(0x40..=0x7e).contains(&last_byte) {
        // Cut short by something else: that something is read on its own.
        return Step::Took(end, None);
    }
    let params: Vec<u32> = std::str::from_utf8(&bytes[2..end])
        .unwrap_or_default()
        .split(';')
        .map(|p| p.split(':').next().unwrap_or_default().parse().unwrap_or(0))
        .collect();
    let used = end + 1;
    let first = params.first().copied().unwrap_or(0);
    match last_byte {
        b'~' if first == 200 => Step::PasteStarts(used),
        b'n' if first == 0 => Step::Took(used, Some(Input::Answer)),
        b'I' | b'O' if end == 2 => Step::Took(used, Some(Input::Focus(last_byte == b'I'))),
        _ => Step::Took(used, csi_key(last_byte, &params).map(Input::Key)),
    }
}

/// `CSI < button ; column ; line M` (`m`: it went up), both from 1: the form 1006 of xterm. Buttons with a modifier, and
/// what moves, are left to the terminal.
fn mouse(params: &[u8], last: u8) -> Option<Mouse> {
    let mut numbers = std::str::from_utf8(params).ok()?.split(';').map(|number| number.parse::<u16>().ok());
    let (button, x, y) = (numbers.next()??, numbers.next()??.checked_sub(1)?, numbers.next()??.checked_sub(1)?);
    match (button, last, numbers.next()) {
        (0, b'M', None) => Some(Mouse::Press { x, y }),
        (64 | 65, b'M', None) => Some(Mouse::Wheel { x, y, down: button == 65 }),
        _ => None,
    }
}

fn csi_key(last: u8, params: &[u32]) -> Option<Key> {
    let first = params.first().copied().unwrap_or(0);
    let second = params.get(1).copied().unwrap_or(1);
    match last {
        b'Z' => Some(Key { shift: true, ..Key::plain(Code::Tab) }),
        b'u' => coded(first, second),
        b'~' if first == 27 => coded(params.get(2).copied()?, second),
        b'~' => Some(modified(tilde_key(first)?, second)),
        _ => Some(modified(letter_key(last)?, second)),
    }
}

/// A key that says its own code point (`CSI code ; modifiers u`).
fn coded(code: u32, modifiers: u32) -> Option<Key> {
    let code = match code {
        9 => Code::Tab,
        13 => Code::Enter,
        27 => Code::Esc,
        8 | 127 => Code::Backspace,
        n => Code::Char(char::from_u32(n).filter(|c| !c.is_control())?),
    };
    let mut key = modified(code, modifiers);
    if let Code::Char(c) = key.code {
        if key.shift && c.is_ascii_lowercase() {
            key.code = Code::Char(c.to_ascii_uppercase());
        }
        key.shift = false;
    }
    Some(key)
}

fn modified(code: Code, modifiers: u32) -> Key {
    let bits = modifiers.saturating_sub(1);
    Key { code, shift: bits & 1 != 0, alt: bits & 2 != 0, ctrl: bits & 4 != 0 }
}

fn letter_key(c: u8) -> Option<Code> {
    Some(match c {
        b'A' => Code::Up,
        b'B' => Code::Down,
        b'C' => Code::Right,
        b'D' => Code::Left,
        b'H' => Code::Home,
        b'F' => Code::End,
        b'M' => Code::Enter,
        b'P'..=b'S' => Code::F(c - b'P' + 1),
        _ => return None,
    })
}

fn tilde_key(number: u32) -> Option<Code> {
    Some(match number {
        1 | 7 => Code::Home,
        2 => Code::Insert,
        3 => Code::Delete,
        4 | 8 => Code::End,
        5 => Code::PageUp,
        6 => Code::PageDown,
        11..=15 => Code::F((number - 10) as u8),
        17..=21 => Code::F((number - 11) as u8),
        23 | 24 => Code::F((number - 12) as u8),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(bytes: &[u8]) -> String {
        let mut decoder = Decoder::default();
        let mut all = decoder.push(bytes);
        all.extend(decoder.flush());
        all.iter()
            .map(|i| match i {
                Input::Key(k) => k.to_string(),
                other => format!("{other:?}"),
            })
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn what_terminals_send_is_understood() {
        for (bytes, want) in [
            (&b"a"[..], "a"),
            (b"\x1b[A\x1bOB", "up down"),
            (b"\x1b[1;5C", "ctrl-right"),
            (b"\x1b[1;2P", "shift-f1"),
            (b"\x1b[15~\x1b[24~", "f5 f12"),
            (b"\x1b[Z", "shift-tab"),
            (b"\x03\x1a\r\x7f\t", "ctrl-c ctrl-z enter backspace tab"),
            (b"\x1bx", "alt-x"),
            (b"\x1b", "esc"),
            (b"\x1b\x1b", "esc esc"),
            ("ä€😀".as_bytes(), "ä € 😀"),
            (b"\x1b[100;6u", "ctrl-D"),
            (b"\x1b[27;5;9~", "ctrl-tab"),
            (b"\x1b[0n", "Answer"),
            (b"\x1b[I\x1b[O", "Focus(true) Focus(false)"),
            (b"\x1b[200~a\rb\x1b[201~c", "Paste(\"a\\nb\") c"),
            (b"\x1b]11;rgb:0000/8000/ffff\x07q", "Background((0, 127, 255)) q"),
            (b"\x1b]11;rgb:zz/0/0\x07q", "q"),
            (b"\x1b]11;rgb:12345/0/0\x1b\\q", "q"),
            (b"\x1b[?62;4cq", "q"),
            (b"\x1b[12\x1b[A", "up"),
            (b"\x1b[<0;5;7M\x1b[<0;5;7mq", "Mouse(Press { x: 4, y: 6 }) q"),
            (b"\x1b[<65;1;1M", "Mouse(Wheel { x: 0, y: 0, down: true })"),
            (b"\x1b[<0;0;7Mq", "q"),
            (b"\x1b[<0;99999;7Mq", "q"),
            (b"\x1b[<32;5;7M\x1b[<2;5;7M\x1b[<4;5;7M\x1b[<0;1M\x1b[<0;1;2;3Mq", "q"),
            (b"\x1b[M !!q", "q"),
        ] {
            assert_eq!(keys(bytes), want, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn an_escape_that_comes_in_pieces_is_one_key() {
        let mut decoder = Decoder::default();
        assert!(decoder.push(b"\x1b").is_empty());
        assert!(decoder.waits());
        assert!(decoder.push(b"[").is_empty());
        assert_eq!(decoder.push(b"A"), [Input::Key(Key::plain(Code::Up))]);
        assert!(!decoder.waits());
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_mean_the_same_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..200) {
            let mut whole = Decoder::default();
            let mut want = whole.push(&bytes);
            want.extend(whole.flush());
            let mut pieces = Decoder::default();
            let cut = cut.min(bytes.len());
            let mut got = pieces.push(&bytes[..cut]);
            got.extend(pieces.push(&bytes[cut..]));
            got.extend(pieces.flush());
            prop_assert_eq!(want, got);
            prop_assert!(pieces.pending.len() <= 200);
        }

        #[test]
        fn what_a_mouse_says_is_never_a_key(params in "[0-9;:<=>?]{0,40}", last in proptest::sample::select(b"MmABHZu~n".to_vec()), cut in 0usize..50) {
            let mut bytes = b"\x1b[<".to_vec();
            bytes.extend_from_slice(params.as_bytes());
            bytes.push(last);
            let cut = cut.min(bytes.len());
            let mut decoder = Decoder::default();
            let mut got = decoder.push(&bytes[..cut]);
            got.extend(decoder.push(&bytes[cut..]));
            prop_assert!(got.iter().all(|input| matches!(input, Input::Mouse(_))), "{:?}", got);
            prop_assert!(got.len() <= 1 && !decoder.waits());
        }

        #[test]
        fn a_paste_comes_whole(text in "[ -~äöü]{0,300}", cut in 0usize..300) {
            let mut bytes = b"\x1b[200~".to_vec();
            bytes.extend_from_slice(text.as_bytes());
            bytes.extend_from_slice(PASTE_END);
            let cut = cut.min(bytes.len());
            let mut decoder = Decoder::default();
            let mut got = decoder.push(&bytes[..cut]);
            got.extend(decoder.push(&bytes[cut..]));
            prop_assert_eq!(got, vec![Input::Paste(text)]);
        }
    }
}
