//! The terminal's state: taken when the console starts, given back on every way out.

use std::io::{self, Write as _};
use std::os::fd::BorrowedFd;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::termios::{self, FlushArg, SetArg, Termios};
use ratatui::layout::Rect;

use crate::model::Failure;

/// Alternate screen, bracketed paste, focus reports, no cursor.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?2004h\x1b[?1004h\x1b[?25l";
/// Buttons and wheel of the mouse, in the form that has no limit of columns. What moves is not asked for.
const MOUSE: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const NO_MOUSE: &[u8] = b"\x1b[?1006l\x1b[?1000l";
/// Undoes all of it but the alternate screen, and a half-written frame; harmless when nothing is on.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[0m\x1b[?1004l\x1b[?2004l\x1b[?1006l\x1b[?1000l\x1b[?25h";
/// Back from the alternate screen. Outside of it, this would move the cursor to where it was long ago.
const LEAVE_ALTERNATE: &[u8] = b"\x1b[?1049l";

static TAKEN: AtomicBool = AtomicBool::new(false);
static ALTERNATE: AtomicBool = AtomicBool::new(false);
/// The mouse is wanted whenever the terminal is ours.
static MOUSE_WANTED: AtomicBool = AtomicBool::new(false);
/// What else is to be undone, once somebody did it.
static LATER: Mutex<&[u8]> = Mutex::new(b"");
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Holds the terminal; dropping it gives the terminal back.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Takes the terminal: raw mode, alternate screen.
    ///
    /// # Errors
    /// Standard input or output is no terminal.
    pub fn take() -> Result<Self, Failure> {
        if !(nix::unistd::isatty(stdin()).unwrap_or(false) && nix::unistd::isatty(stdout()).unwrap_or(false)) {
            return Err(Failure::refused("open the console", "standard input or output is not a terminal")
                .next("use the commands instead: `quarterdeck run list`, `quarterdeck run tail`"));
        }
        enter().map_err(|e| Failure::broken("take the terminal", e))?;
        Ok(Self(()))
    }

    /// Gives the terminal back for a while: for a shell, an editor, a suspend.
    pub fn leave(&self) {
        restore();
    }

    /// Takes it again.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn enter(&self) -> Result<(), Failure> {
        enter().map_err(|e| Failure::broken("take the terminal again", e))
    }

    /// Raw mode without the alternate screen: for a shell on a node.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn raw(&self) -> Result<(), Failure> {
        TAKEN.store(true, Ordering::SeqCst);
        raw().map_err(|e| Failure::broken("put the terminal into raw mode", e))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

fn stdin() -> BorrowedFd<'static> {
    // SAFETY: descriptor 0 is open for the whole life of the process; nothing here closes it.
    unsafe { BorrowedFd::borrow_raw(0) }
}

fn stdout() -> BorrowedFd<'static> {
    // SAFETY: as above, descriptor 1.
    unsafe { BorrowedFd::borrow_raw(1) }
}

fn raw() -> nix::Result<()> {
    let mut modes = termios::tcgetattr(stdin())?;
    if let Ok(mut before) = BEFORE.lock()
        && before.is_none()
    {
        *before = Some(modes.clone());
    }
    termios::cfmakeraw(&mut modes);
    termios::tcsetattr(stdin(), SetArg::TCSADRAIN, &modes)
}

fn enter() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    raw()?;
    ALTERNATE.store(true, Ordering::SeqCst);
    write_all(ENTER)?;
    if MOUSE_WANTED.load(Ordering::SeqCst) { write_all(MOUSE) } else { Ok(()) }
}

/// Takes the mouse, or leaves it to the terminal, from here on.
pub fn want_mouse(wanted: bool) {
    if MOUSE_WANTED.swap(wanted, Ordering::SeqCst) != wanted {
        let _ = write_frame(if wanted { MOUSE } else { NO_MOUSE });
    }
}

/// Gives the terminal back. Can be called any number of times, from any thread, from a panic.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // What the terminal still answers must not land in the shell's line; what is typed from here on must.
    let _ = termios::tcflush(stdin(), FlushArg::TCIFLUSH);
    let _ = write_all(LEAVE);
    if let Ok(later) = LATER.lock() {
        let _ = write_all(&later);
    }
    if ALTERNATE.swap(false, Ordering::SeqCst) {
        let _ = write_all(LEAVE_ALTERNATE);
    }
    let before = BEFORE.lock().map(|b| b.clone()).unwrap_or_default();
    if let Some(modes) = before {
        let _ = termios::tcsetattr(stdin(), SetArg::TCSADRAIN, &modes);
    }
}

/// Bytes that go out as well whenever the terminal is given back.
pub fn give_back_later(bytes: &'static [u8]) {
    if let Ok(mut later) = LATER.lock() {
        *later = bytes;
    }
}

/// Whether the terminal is ours now.
pub fn is_taken() -> bool {
    TAKEN.load(Ordering::SeqCst)
}

/// Writes a frame, unless the terminal was given back meanwhile: a frame that was on its way then belongs nowhere.
pub fn write_frame(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if !is_taken() {
        return Ok(());
    }
    out.write_all(bytes)?;
    out.flush()
}

/// Writes to the terminal past every buffer.
pub fn write_all(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// The terminal's size; 80×24 when it does not say.
pub fn size() -> Rect {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ fills the winsize that the pointer names.
    let told = unsafe { libc::ioctl(1, libc::TIOCGWINSZ, &raw mut size) } == 0;
    if told && size.ws_col > 0 && size.ws_row > 0 { Rect::new(0, 0, size.ws_col, size.ws_row) } else { Rect::new(0, 0, 80, 24) }
}
