//! What sits between us and the terminal, and how a sequence gets through it.

/// The longest piece that screen lets through, bytes.
const SCREEN: usize = 256;

/// A program that holds terminals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mux {
    None,
    Tmux,
    Screen,
}

impl Mux {
    /// As the environment says.
    pub fn here() -> Self {
        Self::of(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// As these variables say.
    pub fn of(var: impl Fn(&str) -> Option<String>) -> Self {
        let term = var("TERM").unwrap_or_default();
        if var("TMUX").is_some() || term.starts_with("tmux") {
            Self::Tmux
        } else if var("STY").is_some() || term.starts_with("screen") {
            Self::Screen
        } else {
            Self::None
        }
    }

    /// A sequence for the terminal on the other side. tmux lets it through where `allow-passthrough` is on.
    pub fn through(self, sequence: &str) -> Vec<u8> {
        match self {
            Self::None => sequence.as_bytes().to_vec(),
            Self::Tmux => format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")).into_bytes(),
            Self::Screen => {
                let pieces = sequence.as_bytes().chunks(SCREEN);
                pieces.flat_map(|piece| [b"\x1bP".as_slice(), piece, b"\x1b\\"].concat()).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_between_is_found() {
        let mux = |pairs: &'static [(&'static str, &'static str)]| {
            Mux::of(move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
        };
        assert_eq!(mux(&[("TERM", "xterm-256color")]), Mux::None);
        assert_eq!(mux(&[("TERM", "screen-256color"), ("TMUX", "/tmp/tmux-0/default,1,0")]), Mux::Tmux);
        assert_eq!(mux(&[("TERM", "tmux-256color")]), Mux::Tmux, "tmux on the other side of SSH");
        assert_eq!(mux(&[("TERM", "screen")]), Mux::Screen);
    }

    #[test]
    fn sequences_are_wrapped() {
        let text = |mux: Mux| String::from_utf8(mux.through("\x1b]9;hi\x07")).unwrap();
        assert_eq!(text(Mux::None), "\x1b]9;hi\x07");
        assert_eq!(text(Mux::Tmux), "\x1bPtmux;\x1b\x1b]9;hi\x07\x1b\\");
        assert_eq!(text(Mux::Screen), "\x1bP\x1b]9;hi\x07\x1b\\");
    }
}
