//! Processes by pidfd: what is signalled and waited for is that process and no other.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// A process that is known for sure.
pub struct Process(OwnedFd);

impl Process {
    /// The process `pid`, if it is still the one that started at `start`.
    pub fn find(pid: i32, start: u64) -> Option<Self> {
        // SAFETY: takes two numbers, returns a new descriptor or -1.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let fd = i32::try_from(fd).ok().filter(|fd| *fd >= 0)?;
        // SAFETY: just opened, owned by nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // Asked after the descriptor is open: now the number cannot change hands any more.
        (start_time(pid) == Some(start)).then_some(Self(fd))
    }

    /// # Errors
    /// The process is gone, or not ours.
    pub fn signal(&self, signal: libc::c_int) -> io::Result<()> {
        let none = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: the descriptor is open; no signal information is passed.
        let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, self.0.as_raw_fd(), signal, none, 0) };
        if sent == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Whether it ended within `limit`. The first process of a server ends after all others of it.
    pub fn wait(&self, limit: Duration) -> bool {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        matches!(poll(&mut fds, limit), Ok(1..))
    }
}

/// When the process started, in the kernel's ticks since its own start.
pub fn start_time(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; after it the state is field 3, the start time field 22.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_is_found_killed_and_seen_to_end() {
        let mut child = Command::new("sleep").arg("100").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let start = start_time(pid).unwrap();
        assert!(Process::find(pid, start + 1).is_none(), "another process of that number");
        let process = Process::find(pid, start).unwrap();
        assert!(!process.wait(Duration::ZERO));
        process.signal(libc::SIGKILL).unwrap();
        assert!(process.wait(Duration::from_secs(10)));
        child.wait().unwrap();
        assert!(Process::find(pid, start).is_none());
    }
}
