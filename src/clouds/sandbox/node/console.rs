//! The console of a server: `/dev/console` is a terminal whose other end goes to the log file.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::Instant;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use super::mounts;

/// The log starts anew when it is longer than this.
const MAX_LOG: u64 = 4 << 20;

/// The log, and the time since the boot began.
pub struct Console {
    log: File,
    started: Instant,
}

impl Console {
    pub fn new(log: File) -> Self {
        Self { log, started: Instant::now() }
    }

    /// Writes one line as a kernel would.
    pub fn line(&self, text: &str) {
        let line = format!("[{:>9.3}] {}\n", self.started.elapsed().as_secs_f64(), text.replace('\n', " "));
        self.bytes(line.as_bytes());
    }

    /// Writes what a program wrote. A console that cannot be written is no reason to stop a server.
    pub fn bytes(&self, bytes: &[u8]) {
        if self.log.metadata().is_ok_and(|m| m.len() > MAX_LOG) {
            let _ = self.log.set_len(0);
        }
        let _ = (&self.log).write_all(bytes);
    }

    pub fn log(&self) -> &File {
        &self.log
    }
}

/// Both ends of the terminal behind `/dev/console`.
pub struct Terminal {
    pub master: File,
    pub slave: OwnedFd,
}

impl Terminal {
    /// Opens it in the server's own `/dev/pts`, raw, and binds it to `/dev/console`.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn open() -> io::Result<Self> {
        let (master, slave) = pty()?;
        let mut settings = nix::sys::termios::tcgetattr(&slave)?;
        nix::sys::termios::cfmakeraw(&mut settings);
        nix::sys::termios::tcsetattr(&slave, nix::sys::termios::SetArg::TCSANOW, &settings)?;
        nix::fcntl::fcntl(&master, nix::fcntl::FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        mounts::bind_console(pty_number(&master)?)?;
        Ok(Self { master: File::from(master), slave })
    }

    /// Moves what was written to the log.
    pub fn drain(&mut self, console: &Console) {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = self.master.read(&mut buffer) {
            console.bytes(buffer.get(..n).unwrap_or_default());
        }
    }
}

/// A new pair of terminal ends, neither of them anybody's controlling terminal.
///
/// # Errors
/// There is no `/dev/ptmx`, or no terminal left.
pub fn pty() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let master = open("/dev/ptmx", flags, Mode::empty())?;
    let unlock: libc::c_int = 0;
    // SAFETY: the descriptor is a terminal's master end; the second call returns a new descriptor or -1.
    let slave = unsafe {
        if libc::ioctl(master.as_raw_fd(), libc::TIOCSPTLCK, &raw const unlock) != 0 {
            return Err(io::Error::last_os_error());
        }
        libc::ioctl(master.as_raw_fd(), libc::TIOCGPTPEER, flags.bits())
    };
    if slave < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just opened, owned by nobody else.
    Ok((master, unsafe { OwnedFd::from_raw_fd(slave) }))
}

fn pty_number(master: impl AsFd) -> io::Result<u32> {
    let mut number: libc::c_uint = 0;
    // SAFETY: the descriptor is a terminal's master end; `number` outlives the call.
    let asked = unsafe { libc::ioctl(master.as_fd().as_raw_fd(), libc::TIOCGPTN, &raw mut number) };
    if asked == 0 { Ok(number) } else { Err(io::Error::last_os_error()) }
}
