//! The first process of a server: sets the scene, starts the SSH server, reaps orphans, shuts down.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};

use super::boot::{Birth, set_stage};
use super::console::Terminal;
use super::provision::{hostname, provision};
use super::sshd;
use crate::clouds::sandbox::record::{Stage as Boot, append_state};

/// How long programs have to end when the server is shut down.
const GRACE: Duration = Duration::from_millis(1500);
/// The SSH server is started again at most this often within [`SPELL`].
const MAX_DEATHS: usize = 5;
const SPELL: Duration = Duration::from_secs(10);

/// Runs as process 1 of the server; its end is the end of all others.
pub fn main(mut birth: Birth) -> i32 {
    let boot = birth.record.boot;
    match set_up(&mut birth) {
        Ok(terminal) => {
            let mut init = match Init::new(birth, terminal) {
                Ok(init) => init,
                Err(_) => return 1,
            };
            match init.run() {
                Ok(()) => {
                    init.end("stopped", Boot::Stopped);
                    0
                }
                Err(error) => {
                    init.end(&format!("failed: {error}"), Boot::Failed { got: error.to_string() });
                    1
                }
            }
        }
        Err(error) => {
            birth.console.line(&format!("cannot boot: {error}"));
            append_state(&birth.state, boot, Boot::Failed { got: error.to_string() });
            1
        }
    }
}

/// Everything up to the point where the SSH server can start.
fn set_up(birth: &mut Birth) -> io::Result<Terminal> {
    // The name in the list of processes; it says nothing that matters when it cannot be set.
    let _ = nix::sys::prctl::set_name(c"sandbox-init");
    let record = &birth.record;
    let stage = match birth.stage.take() {
        Some(stage) => stage,
        None => set_stage(record)?,
    };
    let name = hostname(&record.name);
    nix::unistd::sethostname(&name)?;
    birth.notes.extend(stage.enter(record.kind, &uuid::Uuid::new_v4().to_string())?);
    provision(record, &name, birth.resolv.as_deref())?;
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard.min(65_536), hard);
    }
    let terminal = Terminal::open()?;
    for note in &birth.notes {
        birth.console.line(note);
    }
    birth.console.line(&format!("host name {name}, address {}", record.address));
    if record.boot_ms > 0 {
        std::thread::sleep(Duration::from_millis(record.boot_ms));
    }
    if record.boot_fails {
        return Err(io::Error::other("this boot fails because the knob boot_failure_rate says so"));
    }
    Ok(terminal)
}

struct Init {
    birth: Birth,
    terminal: Terminal,
    signals: SignalFd,
    sshd: Pid,
    deaths: Vec<Instant>,
}

/// What the loop is to do after a look at the signals.
enum Next {
    GoOn,
    ShutDown,
}

impl Init {
    fn new(birth: Birth, terminal: Terminal) -> io::Result<Self> {
        let mut mask = SigSet::empty();
        for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGUSR1] {
            mask.add(signal);
        }
        sigprocmask(SigmaskHow::SIG_SETMASK, Some(&mask), None)?;
        let signals = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self { birth, terminal, signals, sshd: Pid::from_raw(0), deaths: Vec::new() })
    }

    fn run(&mut self) -> io::Result<()> {
        self.start_sshd()?;
        self.birth.console.line(&format!("SSH server listens on {}:{}", self.birth.record.address, self.birth.record.port));
        append_state(&self.birth.state, self.birth.record.boot, Boot::Active { notes: self.birth.notes.clone() });
        loop {
            let mut fds = vec![
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.terminal.master.as_fd(), PollFlags::POLLIN),
            ];
            fds.extend(self.birth.home.as_ref().map(|home| PollFd::new(home.as_fd(), PollFlags::POLLIN)));
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(e) => return Err(e.into()),
            }
            self.terminal.drain(&self.birth.console);
            if matches!(self.hear_signals()?, Next::ShutDown) || self.is_homeless() {
                self.shut_down();
                return Ok(());
            }
        }
    }

    /// Whether the server's directory was removed from outside: nobody could ever find or end it again.
    fn is_homeless(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        if let Some(mut home) = self.birth.home.as_ref() {
            while let Ok(1..) = home.read(&mut [0; 1024]) {}
        }
        self.birth.lock.metadata().is_ok_and(|meta| meta.nlink() == 0)
    }

    fn hear_signals(&mut self) -> io::Result<Next> {
        while let Some(info) = self.signals.read_signal()? {
            match i32::try_from(info.ssi_signo) {
                Ok(libc::SIGTERM | libc::SIGINT) => return Ok(Next::ShutDown),
                Ok(libc::SIGUSR1) => {
                    let _ = kill(self.sshd, Signal::SIGUSR1);
                }
                _ => self.reap()?,
            }
        }
        Ok(Next::GoOn)
    }

    fn reap(&mut self) -> io::Result<()> {
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            match status {
                WaitStatus::StillAlive => break,
                _ if status.pid() == Some(self.sshd) => self.revive_sshd(&format!("{status:?}"))?,
                _ => {}
            }
        }
        Ok(())
    }

    fn revive_sshd(&mut self, how: &str) -> io::Result<()> {
        self.birth.console.line(&format!("the SSH server ended ({how})"));
        let now = Instant::now();
        self.deaths.retain(|death| now.duration_since(*death) < SPELL);
        self.deaths.push(now);
        if self.deaths.len() > MAX_DEATHS {
            return Err(io::Error::other(format!("the SSH server does not stay up ({how})")));
        }
        self.start_sshd()
    }

    /// Returns when it listens.
    fn start_sshd(&mut self) -> io::Result<()> {
        let (hear, say) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
        // SAFETY: this process has one thread.
        match unsafe { fork() }? {
            ForkResult::Parent { child } => self.sshd = child,
            ForkResult::Child => {
                drop(hear);
                let code = self.become_sshd(say);
                // SAFETY: ends the copy without the exit handlers of the original.
                unsafe { libc::_exit(code) }
            }
        }
        drop(say);
        let heard = File::from(hear).read(&mut [0])?;
        if heard == 1 { Ok(()) } else { Err(io::Error::other("the SSH server did not start; the console log says why")) }
    }

    fn become_sshd(&mut self, say: OwnedFd) -> i32 {
        let none = SigSet::empty();
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&none), None);
        let _ = nix::sys::prctl::set_name(c"sandbox-sshd");
        for fd in [1, 2] {
            // SAFETY: both are open; from here on this process speaks to the console terminal.
            unsafe { libc::dup2(self.terminal.slave.as_raw_fd(), fd) };
        }
        let ready = || {
            let _ = File::from(say).write_all(b"r");
        };
        match sshd::serve(&self.birth, ready) {
            Ok(()) => 0,
            Err(error) => {
                eprintln!("sshd: {error}");
                1
            }
        }
    }

    /// Tells everybody to end and waits for it a while; who stays ends with this process.
    fn shut_down(&mut self) {
        self.birth.console.line("shutting down");
        for signal in [Signal::SIGTERM, Signal::SIGCONT] {
            let _ = kill(Pid::from_raw(-1), signal);
        }
        let until = Instant::now() + GRACE;
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => {}
                Ok(_) => continue,
                Err(_) => break,
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let mut fds = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO));
            while let Ok(Some(_)) = self.signals.read_signal() {}
        }
        self.terminal.drain(&self.birth.console);
    }

    fn end(&mut self, text: &str, stage: Boot) {
        self.birth.console.line(text);
        append_state(&self.birth.state, self.birth.record.boot, stage);
    }
}
