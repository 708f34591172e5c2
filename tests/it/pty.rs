//! The real program in a real terminal: keys go in; what comes out is looked at as bytes, as a screen, and in time.
//! Tests and benches share it.

use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::termios::{Termios, tcgetattr};
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// Longest wait for something to appear.
const PATIENCE: Duration = Duration::from_secs(90);
/// "Are you there": a terminal answers with [`ANSWER`] when it has shown everything before.
const QUESTION: &[u8] = b"\x1b[5n";
const ANSWER: &[u8] = b"\x1b[0n";

/// A terminal with a program in it. The program is killed with it.
pub struct Terminal {
    pub child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Arc<Mutex<Box<dyn Write + Send>>>,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    state: Mutex<Option<State>>,
    changed: Condvar,
}

struct State {
    screen: vt100::Parser,
    /// Everything that was written so far.
    bytes: Vec<u8>,
    wanted: Option<Wanted>,
    /// When the bytes came that met what was wanted.
    met: Option<Instant>,
    /// Nobody has the terminal open any more: nothing more will come.
    ended: bool,
}

/// Looks at the screen, and at the bytes since it began to look.
type Wanted = (usize, Box<dyn FnMut(&vt100::Screen, &[u8]) -> bool + Send>);

impl Seen {
    fn lock(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(self.lock().as_mut().unwrap())
    }

    fn take(&self, bytes: &[u8], at: Instant) {
        self.look(|state| {
            state.screen.process(bytes);
            state.bytes.extend_from_slice(bytes);
            if let Some((from, wanted)) = &mut state.wanted
                && wanted(state.screen.screen(), &state.bytes[*from..])
            {
                state.wanted = None;
                state.met = Some(at);
            }
        });
        self.changed.notify_all();
    }
}

/// The environment of a good terminal on this machine.
pub fn good_terminal(command: &mut CommandBuilder) {
    command.env("TERM", "xterm-256color");
    command.env("LC_ALL", "C.UTF-8");
    for name in ["NO_COLOR", "COLORTERM", "TMUX", "SSH_CONNECTION"] {
        command.env_remove(name);
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

/// What a screen shows. Blanks at the ends of lines do not count: written or left alone, they look the same.
pub fn text(screen: &vt100::Screen) -> String {
    let lines: Vec<String> = screen.contents().lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n").trim_end().to_owned()
}

impl Terminal {
    /// Starts a program in a terminal of this size.
    pub fn open(command: CommandBuilder, cols: u16, rows: u16) -> Self {
        let pair = native_pty_system().openpty(size(cols, rows)).unwrap();
        let seen = Arc::new(Seen::default());
        let screen = vt100::Parser::new(cells(rows), cells(cols), 0);
        *seen.lock() = Some(State { screen, bytes: Vec::new(), wanted: None, met: None, ended: false });
        let child = pair.slave.spawn_command(command).unwrap();
        let keys = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (shown, answers) = (Arc::clone(&seen), Arc::clone(&keys));
        std::thread::spawn(move || {
            let mut buffer = [0; 65_536];
            let mut tail = Vec::new();
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                shown.take(&buffer[..n], Instant::now());
                tail.extend_from_slice(&buffer[..n]);
                for _ in tail.windows(QUESTION.len()).filter(|w| *w == QUESTION) {
                    let _ = answers.lock().unwrap().write_all(ANSWER);
                }
                // The beginning of a question may be the end of what was read.
                tail.drain(..tail.len().saturating_sub(QUESTION.len() - 1));
            }
            shown.look(|state| state.ended = true);
            shown.changed.notify_all();
        });
        Self { master: pair.master, child, keys, seen }
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.process_id().unwrap()).unwrap()
    }

    /// Types.
    pub fn press(&self, keys: impl AsRef<[u8]>) {
        let mut writer = self.keys.lock().unwrap();
        writer.write_all(keys.as_ref()).unwrap();
        writer.flush().unwrap();
    }

    pub fn resize(&self, cols: u16, rows: u16) {
        self.seen.look(|state| state.screen.screen_mut().set_size(cells(rows), cells(cols)));
        self.master.resize(size(cols, rows)).unwrap();
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// The terminal's modes: echo, lines, signals.
    pub fn modes(&self) -> Termios {
        let fd = self.master.as_raw_fd().unwrap();
        // SAFETY: the descriptor belongs to `master`, which outlives the borrow.
        tcgetattr(unsafe { BorrowedFd::borrow_raw(fd) }).unwrap()
    }

    // --- what is seen ---

    /// What the screen shows.
    pub fn text(&self) -> String {
        self.screen(text)
    }

    pub fn screen<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        self.seen.look(|state| look(state.screen.screen()))
    }

    /// How many bytes the program has written.
    pub fn written(&self) -> usize {
        self.seen.look(|state| state.bytes.len())
    }

    /// Everything that the program has written, from some byte on.
    pub fn bytes(&self, from: usize) -> Vec<u8> {
        self.seen.look(|state| state.bytes[from..].to_vec())
    }

    /// The last frame came to its end.
    pub fn is_whole(&self) -> bool {
        self.seen.look(|state| {
            let last = |mode: &[u8]| state.bytes.windows(mode.len()).rposition(|w| w == mode);
            last(b"\x1b[?2026h") <= last(b"\x1b[?2026l")
        })
    }

    /// Why the terminal is not as a shell wants it, if so.
    pub fn disorder(&self) -> Option<&'static str> {
        self.seen.look(|state| {
            let last = |mode: &[u8]| state.bytes.windows(mode.len()).rposition(|w| w == mode);
            let screen = state.screen.screen();
            let wrong = [
                (screen.alternate_screen(), "the alternate screen is on"),
                (screen.hide_cursor(), "the cursor is hidden"),
                (screen.bracketed_paste(), "bracketed paste is on"),
                (screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None, "the mouse is captured"),
                (last(b"\x1b[?1006h") > last(b"\x1b[?1006l"), "the mouse speaks in another form"),
                (last(b"\x1b[?1004h") > last(b"\x1b[?1004l"), "focus is reported"),
                (last(b"\x1b[?2026h") > last(b"\x1b[?2026l"), "a frame is not finished"),
            ];
            wrong.into_iter().find(|(is, _)| *is).map(|(_, what)| what)
        })
    }

    // --- waiting ---

    /// From now on the terminal looks out for something: `met` sees the screen, and the bytes that came since.
    pub fn expect(&self, mut met: impl FnMut(&vt100::Screen, &[u8]) -> bool + Send + 'static) {
        self.seen.look(|state| {
            let now = met(state.screen.screen(), &[]);
            state.met = now.then(Instant::now);
            state.wanted = (!now).then(|| (state.bytes.len(), Box::new(met) as Box<_>));
        });
    }

    /// Waits for what is [`expect`](Self::expect)ed; when the bytes came that brought it.
    #[track_caller]
    pub fn met(&self, what: &str) -> Instant {
        let until = Instant::now() + PATIENCE;
        let mut state = self.seen.lock();
        loop {
            if let Some(met) = state.as_ref().unwrap().met {
                return met;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let shown = text(state.as_ref().unwrap().screen.screen());
                drop(state);
                panic!("{what:?} does not appear:\n{shown}");
            }
            state = self.seen.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the screen shows a text.
    #[track_caller]
    pub fn wait_for(&self, what: &str) {
        let text = what.to_owned();
        self.expect(move |screen, _| screen.contents().contains(&text));
        self.met(what);
    }

    /// Waits until the screen no longer shows a text.
    #[track_caller]
    pub fn wait_without(&self, what: &str) {
        let text = what.to_owned();
        self.expect(move |screen, _| !screen.contents().contains(&text));
        self.met(&format!("a screen without {what}"));
    }

    /// Waits until the program has ended and its last byte is here.
    #[track_caller]
    pub fn end(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "it does not end:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(5));
        };
        let _ = self
            .seen
            .changed
            .wait_timeout_while(self.seen.lock(), Duration::from_secs(5), |state| !state.as_ref().unwrap().ended);
        status
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
