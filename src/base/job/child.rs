//! The program of a job: its terminal and its start.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, Termios, tcgetattr};

use super::{JobSpec, MARK};

nix::ioctl_read_bad!(bytes_waiting, libc::FIONREAD, libc::c_int);

/// A pseudo-terminal.
pub(super) struct Terminal {
    /// Our side; does not block.
    pub master: File,
    /// The program's side, kept open so that the terminal's state can be read at any time.
    slave: OwnedFd,
    /// `/dev/pts/N`.
    pub name: String,
}

impl Terminal {
    pub(super) fn open() -> io::Result<Self> {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(Some(&size), None)?;
        for fd in [&pair.master, &pair.slave] {
            fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        }
        fcntl(&pair.master, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK))?;
        let name = nix::unistd::ttyname(&pair.slave)?.to_string_lossy().into_owned();
        Ok(Self { master: pair.master.into(), slave: pair.slave, name })
    }

    /// Whether it echoes, and whether it hands over whole lines.
    pub(super) fn modes(&self) -> Option<(bool, bool)> {
        let modes: Termios = tcgetattr(&self.master).ok()?;
        Some((modes.local_flags.contains(LocalFlags::ECHO), modes.local_flags.contains(LocalFlags::ICANON)))
    }

    /// Whether the program has read all that was typed.
    pub(super) fn drained(&self) -> bool {
        let mut count = 0;
        // SAFETY: the request writes one int to the address given.
        unsafe { bytes_waiting(self.slave.as_raw_fd(), &raw mut count) }.map_or(true, |_| count == 0)
    }
}

/// The part of an answer that the terminal has not echoed yet. A secret is not echoed and never stands here.
#[derive(Default)]
pub(super) struct Echo {
    text: VecDeque<u8>,
    end: EchoEnd,
}

/// The end of an echoed line: `\r\n`, or `^M` from a terminal that hands over single keys.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum EchoEnd {
    #[default]
    Over,
    ToCome,
    AfterReturn,
    AfterCaret,
}

impl Echo {
    pub(super) fn of(line: &str) -> Self {
        Self { text: line.bytes().collect(), end: EchoEnd::ToCome }
    }

    /// Whether the next byte from the terminal belongs to the echo.
    pub(super) fn takes(&mut self, byte: u8) -> bool {
        if self.text.front() == Some(&byte) {
            self.text.pop_front();
            return true;
        }
        let (takes, next) = match (self.text.is_empty(), self.end, byte) {
            (true, EchoEnd::ToCome, b'\r') => (true, EchoEnd::AfterReturn),
            (true, EchoEnd::ToCome, b'^') => (true, EchoEnd::AfterCaret),
            (true, EchoEnd::ToCome | EchoEnd::AfterReturn, b'\n') | (true, EchoEnd::AfterCaret, b'M') => (true, EchoEnd::Over),
            _ => (false, EchoEnd::Over),
        };
        self.text.clear();
        self.end = next;
        takes
    }
}

/// Starts the program in a session of its own with the terminal as its controlling one.
pub(super) fn spawn(
    spec: &JobSpec,
    dir: &Path,
    secrets: &[(String, OwnedFd)],
    terminal: &Terminal,
    output: &File,
) -> Result<i32, String> {
    let argv = spec.argv.iter().map(|arg| with_secrets(arg, secrets)).collect::<Result<Vec<_>, _>>()?;
    let [program, args @ ..] = argv.as_slice() else { return Err("the job names no program".to_owned()) };
    if !spec.cwd.is_dir() {
        return Err(format!("{} is not a directory", spec.cwd.display()));
    }
    let mut command = Command::new(program);
    command.args(args).envs(spec.env.iter().map(|(n, v)| (n, v))).env(MARK, dir).current_dir(&spec.cwd);
    if std::env::var_os("TERM").is_none() && spec.env.iter().all(|(name, _)| name != "TERM") {
        command.env("TERM", "dumb");
    }
    let io = |e: io::Error| e.to_string();
    command
        .stdin(Stdio::from(terminal.slave.try_clone().map_err(io)?))
        .stdout(Stdio::from(output.try_clone().map_err(io)?))
        .stderr(Stdio::from(output.try_clone().map_err(io)?));
    let inherited: Vec<RawFd> = secrets.iter().map(|(_, fd)| fd.as_raw_fd()).collect();
    let holder = nix::unistd::getpid().as_raw();
    // SAFETY: `become_program` makes system calls only.
    unsafe { command.pre_exec(move || become_program(&inherited, holder)) };
    let child = command.spawn().map_err(|e| format!("cannot run {program}: {e}"))?;
    i32::try_from(child.id()).map_err(|e| e.to_string())
}

/// Between fork and exec.
fn become_program(inherited: &[RawFd], holder: i32) -> io::Result<()> {
    let check = |result: libc::c_int| if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) };
    // SAFETY: system calls on integers; the signal set is initialised before it is used.
    unsafe {
        // What the holder ignores is not to be ignored by the program. Two numbers cannot be set, some are the C
        // library's own.
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        check(libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()))?;
        check(libc::setsid())?;
        check(libc::ioctl(0, libc::TIOCSCTTY, 0))?;
        check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
        if libc::getppid() != holder {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        for fd in inherited {
            check(libc::fcntl(*fd, libc::F_SETFD, 0))?;
        }
    }
    Ok(())
}

/// Puts paths in the place of `{secret:NAME}`.
fn with_secrets(arg: &str, secrets: &[(String, OwnedFd)]) -> Result<String, String> {
    const OPEN: &str = "{secret:";
    let mut out = String::new();
    let mut rest = arg;
    while let Some(at) = rest.find(OPEN) {
        let (name, after) = rest[at + OPEN.len()..].split_once('}').ok_or("a {secret:…} without an end")?;
        let (_, fd) = secrets.iter().find(|(n, _)| n == name).ok_or_else(|| format!("the secret {name} was not given"))?;
        out.push_str(&rest[..at]);
        out.push_str(&format!("/dev/fd/{}", fd.as_raw_fd()));
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stand_in_for_secrets() {
        let fd: OwnedFd = File::open("/dev/null").unwrap().into();
        let path = format!("/dev/fd/{}", fd.as_raw_fd());
        let secrets = [("vault".to_owned(), fd)];
        assert_eq!(with_secrets("--file={secret:vault}", &secrets).unwrap(), format!("--file={path}"));
        assert_eq!(with_secrets("plain {brace}", &secrets).unwrap(), "plain {brace}");
        assert!(with_secrets("{secret:other}", &secrets).unwrap_err().contains("other"));
        assert!(with_secrets("{secret:vault", &secrets).is_err());
    }

    #[test]
    fn the_echo_of_an_answer_is_no_question() {
        let left_of = |answer: &str, came: &str| -> String {
            let mut echo = Echo::of(answer);
            came.bytes().filter(|b| !echo.takes(*b)).map(char::from).collect()
        };
        assert_eq!(left_of("1.2", "1.2\r\nPassword: "), "Password: ");
        assert_eq!(left_of("y", "y^MNext: "), "Next: ");
        assert_eq!(left_of("", "\r\nMore? "), "More? ");
        assert_eq!(left_of("y", "Really? "), "Really? ");
        assert_eq!(left_of("", "Menu: "), "Menu: ");
    }
}
