//! What the terminal can do beside the screen: its bell, a message of the desktop, progress on the taskbar, the title.

use crate::model::text::clean;

use super::mux::Mux;

/// Something for the terminal beside the screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Beside {
    Bell,
    /// A message of the desktop.
    Message {
        title: String,
        text: String,
    },
    /// Progress on the taskbar; `None`: nothing is under way.
    Progress(Option<Progress>),
    /// The window's title.
    Title(String),
}

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// 0 to 100.
    pub percent: u8,
    /// Something failed or asks.
    pub trouble: bool,
}

/// Longest text, characters: longer ones are cut by desktops, or refused.
const LONGEST: usize = 200;

/// Keeps the title that was there: put before the first [`Beside::Title`].
pub const KEEP_TITLE: &[u8] = b"\x1b[22;0t";
/// Gives it back, and takes progress away; harmless when there was none.
pub const GIVE_BACK: &[u8] = b"\x1b[23;0t\x1b]9;4;0\x07";

impl Beside {
    /// Its bytes.
    pub fn bytes(&self, mux: Mux) -> Vec<u8> {
        match self {
            // tmux and screen have a bell of their own, and hand it on as they are set.
            Self::Bell => b"\x07".to_vec(),
            Self::Message { title, text } => {
                let (title, text) = (plain(title), plain(text));
                let mut bytes = mux.through(&format!("\x1b]9;{title}: {text}\x07"));
                bytes.extend(mux.through(&format!("\x1b]777;notify;{};{text}\x07", title.replace(';', ","))));
                bytes
            }
            Self::Progress(None) => mux.through("\x1b]9;4;0\x07"),
            Self::Progress(Some(at)) => {
                let state = if at.trouble { 2 } else { 1 };
                mux.through(&format!("\x1b]9;4;{state};{}\x07", at.percent.min(100)))
            }
            // Both have titles of their own.
            Self::Title(title) => format!("\x1b]2;{}\x07", plain(title)).into_bytes(),
        }
    }
}

/// One line without control characters.
fn plain(text: &str) -> String {
    let line: String = clean(text).chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_stays_text() {
        let signal = Beside::Message { title: "run 3; failed".into(), text: "a\x1b]52;c;x\x07b\nc\x07".into() };
        let text = String::from_utf8(signal.bytes(Mux::None)).unwrap();
        assert_eq!(text.matches('\x1b').count(), 2, "{text:?}");
        assert_eq!(text.matches('\x07').count(), 2, "{text:?}");
        assert!(text.contains("]777;notify;run 3, failed;"), "{text:?}");
        let title = String::from_utf8(Beside::Title("x\x1b[2Jy".into()).bytes(Mux::None)).unwrap();
        assert_eq!(title, "\x1b]2;xy\x07");
    }

    #[test]
    fn progress_is_a_number_and_a_state() {
        let bytes = |progress| String::from_utf8(Beside::Progress(progress).bytes(Mux::None)).unwrap();
        assert_eq!(bytes(Some(Progress { percent: 40, trouble: false })), "\x1b]9;4;1;40\x07");
        assert_eq!(bytes(Some(Progress { percent: 40, trouble: true })), "\x1b]9;4;2;40\x07");
        assert_eq!(bytes(None), "\x1b]9;4;0\x07");
    }
}
