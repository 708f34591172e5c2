//! The process that holds a job: starts the program, writes down what happens, outlives everybody else.
//!
//! One thread, one loop, woken by the program's terminal, by requests, by signals, and now and then to see
//! whether the program waits for an answer.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigHandler, SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use zeroize::Zeroizing;

use super::asking::{Asking, QUIET, Scene, Turn};
use super::child::{Echo, Terminal};
use super::control::{Desk, Request};
use super::files::PromptLine;
use super::tree::{self, Reader};
use super::{JobExit, JobSpec, child, files};
use crate::base::{Clock, SystemClock};

/// What the program left behind may take this long to end by itself.
const GRACE: Duration = Duration::from_secs(2);
/// After being killed; longer only when the kernel itself is stuck.
const KILL_GRACE: Duration = Duration::from_secs(5);
/// Longest time between two looks at a program that does nothing.
const SLOWEST_LOOK: Duration = Duration::from_millis(500);
/// How much of the end of terminal and output is looked at for a question.
const TAIL: usize = 2048;

pub(super) fn main(args: &[OsString]) -> i32 {
    let Some(call) = Call::parse(args) else {
        eprintln!("quarterdeck: __job is started by the engine, not by hand");
        return 2;
    };
    // SAFETY: no other thread exists yet.
    match unsafe { nix::unistd::fork() } {
        Ok(nix::unistd::ForkResult::Parent { .. }) => 0,
        Ok(nix::unistd::ForkResult::Child) => call.run(),
        Err(_) => 1,
    }
}

/// The arguments: `DIR --report=FD --secret=NAME=FD …`. The descriptors are inherited.
struct Call {
    dir: PathBuf,
    /// Closed once the program runs, or did not start; takes a message when not even that can be written.
    report: OwnedFd,
    secrets: Vec<(String, OwnedFd)>,
}

impl Call {
    fn parse(args: &[OsString]) -> Option<Self> {
        let (dir, options) = args.split_first()?;
        let mut report = None;
        let mut secrets = Vec::new();
        for option in options {
            let option = option.to_str()?;
            if let Some(fd) = option.strip_prefix("--report=") {
                report = Some(inherited(fd)?);
            } else {
                let (name, fd) = option.strip_prefix("--secret=")?.rsplit_once('=')?;
                secrets.push((name.to_owned(), inherited(fd)?));
            }
        }
        Some(Self { dir: dir.into(), report: report?, secrets })
    }

    /// In the process that stays: takes the lock, runs the job to its end.
    fn run(self) -> i32 {
        let lock = match detach(&self.dir).and_then(|()| files::take_lock()) {
            Ok(Some(lock)) => lock,
            // Another holder was first: whoever asked finds its job running.
            Ok(None) => return 0,
            Err(e) => {
                let _ = File::from(self.report).write_all(e.to_string().as_bytes());
                return 1;
            }
        };
        let Self { report, secrets, .. } = self;
        let exit = match Job::begin(&secrets) {
            Ok(mut job) => {
                drop((report, secrets));
                job.hold()
            }
            Err(error) => {
                let exit = JobExit { code: None, signal: None, at: SystemClock.now(), error: Some(error) };
                write_exit(&exit);
                drop(report);
                return 1;
            }
        };
        write_exit(&exit);
        drop(lock);
        0
    }
}

fn inherited(number: &str) -> Option<OwnedFd> {
    let fd: RawFd = number.parse().ok().filter(|fd| *fd > 2)?;
    // SAFETY: fcntl checks that the descriptor is open; it was inherited for us, nobody else owns it.
    unsafe { (libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) == 0).then(|| OwnedFd::from_raw_fd(fd)) }
}

/// Leaves behind what belongs to whoever started us: session, terminal, open files, signals, directory.
fn detach(dir: &Path) -> io::Result<()> {
    nix::unistd::setsid()?;
    std::env::set_current_dir(dir)?;
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    nix::sys::prctl::set_child_subreaper(true)?;
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGPIPE, Signal::SIGTSTP, Signal::SIGTTOU] {
        // SAFETY: ignoring a signal installs no handler.
        unsafe { nix::sys::signal::signal(signal, SigHandler::SigIgn) }?;
    }
    // A pipe that somebody waits on must not stay open because of us.
    for entry in std::fs::read_dir("/proc/self/fd")?.flatten() {
        let Some(fd) = entry.file_name().to_str().and_then(|n| n.parse::<RawFd>().ok()) else { continue };
        // SAFETY: fcntl and close take any integer; what we own is marked close-on-exec and stays.
        unsafe {
            let flags = libc::fcntl(fd, libc::F_GETFD);
            if fd > 2 && flags != -1 && flags & libc::FD_CLOEXEC == 0 {
                libc::close(fd);
            }
        }
    }
    Ok(())
}

/// Writes how the job ended. A full disk is waited for: until there is room the job counts as running.
fn write_exit(exit: &JobExit) {
    let Ok(text) = serde_json::to_vec(exit) else { return };
    while let Err(e) = files::write_whole(Path::new("."), files::EXIT, &text) {
        match e.raw_os_error() {
            Some(libc::ENOSPC | libc::EDQUOT) => std::thread::sleep(Duration::from_secs(1)),
            _ => return,
        }
    }
}

/// A running job.
struct Job {
    spec: JobSpec,
    program: i32,
    ended: Option<(Option<i32>, Option<i32>)>,
    /// It was told to end: nothing of it is to live on.
    told_to_end: bool,
    terminal: Terminal,
    terminal_open: bool,
    /// The end of what came from the terminal since the last answer, without the echo of the answer.
    said: Vec<u8>,
    echo: Echo,
    output: File,
    output_size: u64,
    tty: File,
    /// Away only while it serves.
    desk: Option<Desk>,
    signals: SignalFd,
    asking: Asking,
    /// Number of the last question.
    number: u64,
    /// When something happened last.
    active: Instant,
    pause: Duration,
    next_look: Instant,
}

impl Job {
    fn begin(secrets: &[(String, OwnedFd)]) -> Result<Self, String> {
        let context = |what: &'static str| move |e: io::Error| format!("{what}: {e}");
        let text = std::fs::read(files::JOB).map_err(context(files::JOB))?;
        let spec: JobSpec = serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", files::JOB))?;
        let dir = std::env::current_dir().map_err(context("directory of the job"))?;
        let output = files::append(files::OUTPUT).map_err(context(files::OUTPUT))?;
        let tty = files::append(files::TTY).map_err(context(files::TTY))?;
        let desk = Desk::open().map_err(context(files::CONTROL))?;
        let terminal = Terminal::open().map_err(context("open a pseudo-terminal"))?;
        let signals = listen_to_signals().map_err(context("signals"))?;
        let program = child::spawn(&spec, &dir, secrets, &terminal, &output)?;
        let output = File::open(files::OUTPUT).map_err(context(files::OUTPUT))?;
        let now = Instant::now();
        Ok(Self {
            spec,
            program,
            ended: None,
            told_to_end: false,
            terminal,
            terminal_open: true,
            said: Vec::new(),
            echo: Echo::default(),
            output,
            output_size: 0,
            tty,
            desk: Some(desk),
            signals,
            asking: Asking::default(),
            number: 0,
            active: now,
            pause: QUIET,
            next_look: now + QUIET,
        })
    }

    fn hold(&mut self) -> JobExit {
        while self.ended.is_none() {
            self.wait(self.next_look);
            self.read_terminal();
            self.serve();
            self.collect();
            if Instant::now() >= self.next_look {
                self.look();
            }
        }
        self.clear_up();
        self.read_terminal();
        if self.asking.secret().is_some() {
            self.turn(&Turn::Withdraw);
        }
        let _ = self.output.sync_data();
        let (code, signal) = self.ended.unwrap_or_default();
        JobExit { code, signal, at: SystemClock.now(), error: None }
    }

    /// Sleeps until something comes, at most until `end`.
    fn wait(&self, end: Instant) {
        let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        if self.terminal_open {
            fds.push(PollFd::new(self.terminal.master.as_fd(), PollFlags::POLLIN));
        }
        fds.extend(self.desk.iter().flat_map(Desk::fds).map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        // Rounded up, since waking a moment early would mean looping until the time has come.
        let left = end.saturating_duration_since(Instant::now()).as_millis() + 1;
        let _ = poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
    }

    fn read_terminal(&mut self) {
        let mut chunk = [0; 4096];
        while self.terminal_open {
            match self.terminal.master.read(&mut chunk) {
                Ok(n) if n > 0 => {
                    let _ = self.tty.write_all(&chunk[..n]);
                    let echo = &mut self.echo;
                    self.said.extend(chunk[..n].iter().filter(|byte| !echo.takes(**byte)));
                    let surplus = self.said.len().saturating_sub(TAIL);
                    self.said.drain(..surplus);
                    self.happened();
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // EIO: nobody has it open any more.
                _ => self.terminal_open = false,
            }
        }
    }

    fn happened(&mut self) {
        self.active = Instant::now();
        self.pause = QUIET;
        self.next_look = self.active + QUIET;
    }

    fn serve(&mut self) {
        if let Some(mut desk) = self.desk.take() {
            desk.serve(|request| self.carry_out(request));
            self.desk = Some(desk);
        }
    }

    fn carry_out(&mut self, request: Request) -> Result<(), String> {
        match request {
            Request::Signal { signal } => {
                let signal = Signal::try_from(signal).map_err(|_| format!("there is no signal {signal}"))?;
                self.signal(signal);
                Ok(())
            }
            Request::Answer { number, line } => self.type_line(number, &Zeroizing::new(line)),
        }
    }

    fn signal(&mut self, signal: Signal) {
        use Signal::{SIGCONT, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGSTOP, SIGTERM};
        self.told_to_end |= matches!(signal, SIGHUP | SIGINT | SIGKILL | SIGQUIT | SIGTERM);
        let everybody = matches!(signal, SIGKILL | SIGSTOP | SIGCONT);
        let all = tree::all();
        let below = if everybody { tree::below(&all, self.program) } else { Vec::new() };
        let in_session = all.iter().filter(|p| p.session == self.program && !p.zombie);
        // The program first, so that it does not start another one meanwhile.
        tree::send(self.program, signal);
        for process in in_session.chain(&below).filter(|p| p.pid != self.program) {
            tree::send(process.pid, signal);
        }
    }

    fn type_line(&mut self, number: u64, line: &str) -> Result<(), String> {
        let Some(secret) = self.asking.secret().filter(|_| number == self.number) else {
            return Err(format!("question {number} is not open"));
        };
        let Some((echo, line_mode)) = self.terminal.modes() else { return Err("the terminal is gone".to_owned()) };
        if secret && echo {
            return Err("the program no longer waits for a secret".to_owned());
        }
        let mut typed = Zeroizing::new(line.as_bytes().to_vec());
        // What the Enter key sends; in line mode that may be left untranslated.
        typed.push(if line_mode { b'\n' } else { b'\r' });
        (&self.terminal.master).write_all(&typed).map_err(|e| e.to_string())?;
        self.write_prompt(&PromptLine::Answered { number }).map_err(|e| e.to_string())?;
        self.asking.answered();
        self.said.clear();
        self.echo = if echo { Echo::of(line) } else { Echo::default() };
        self.happened();
        Ok(())
    }

    /// Looks whether the program waits for an answer.
    fn look(&mut self) {
        let size = self.output.metadata().map_or(self.output_size, |m| m.len());
        if size != self.output_size {
            self.output_size = size;
            self.happened();
            return;
        }
        let open = self.asking.secret().is_some();
        self.pause = if open { QUIET } else { (self.pause * 2).min(SLOWEST_LOOK) };
        self.next_look = Instant::now() + self.pause;
        let Some(scene) = self.scene() else { return };
        if let Some(turn) = self.asking.judge(&scene, &self.spec.not_questions) {
            self.turn(&turn);
        }
    }

    fn scene(&self) -> Option<Scene> {
        let (echo, line_mode) = self.terminal.modes()?;
        let reader = if echo && line_mode { tree::reader(self.program, &self.terminal.name) } else { Reader::Reads };
        let from = self.output_size.saturating_sub(TAIL as u64);
        let mut tail = [0; TAIL];
        let got = self.output.read_at(&mut tail, from).unwrap_or(0);
        Some(Scene {
            echo,
            line_mode,
            reader,
            tty: String::from_utf8_lossy(&self.said).into_owned(),
            output: String::from_utf8_lossy(&tail[..got]).into_owned(),
            quiet: self.active.elapsed(),
            drained: self.terminal.drained(),
        })
    }

    /// Writes a turn down; what cannot be written is tried again at the next look.
    fn turn(&mut self, turn: &Turn) {
        let number = self.number + u64::from(matches!(turn, Turn::Ask { .. }));
        let line = match turn {
            Turn::Ask { text, secret } => PromptLine::Open { number, text: text.clone(), secret: *secret, at: SystemClock.now() },
            Turn::Withdraw => PromptLine::Withdrawn { number },
        };
        if self.write_prompt(&line).is_ok() {
            self.number = number;
            self.asking.take(turn);
        }
    }

    fn write_prompt(&self, line: &PromptLine) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        files::append(files::PROMPTS)?.write_all(&text)
    }

    /// Takes in signals and the ends of processes, adopted ones included.
    fn collect(&mut self) {
        while let Ok(Some(signal)) = self.signals.read_signal() {
            if signal.ssi_signo == Signal::SIGTERM as u32 {
                self.signal(Signal::SIGTERM);
            }
        }
        loop {
            match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) if pid.as_raw() == self.program => self.ended = Some((Some(code), None)),
                Ok(WaitStatus::Signaled(pid, signal, _)) if pid.as_raw() == self.program => {
                    self.ended = Some((None, Some(signal as i32)));
                }
                Ok(WaitStatus::StillAlive) => return,
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return,
            }
        }
    }

    /// Ends what the program left behind, so that nothing is written after its end is told.
    fn clear_up(&mut self) {
        let polite = Instant::now() + GRACE;
        let mut told = !self.told_to_end;
        loop {
            let left = self.left_behind();
            if left.is_empty() || Instant::now() > polite + KILL_GRACE {
                return;
            }
            let signal = if Instant::now() > polite { Signal::SIGKILL } else { Signal::SIGTERM };
            if signal == Signal::SIGKILL || !told {
                left.iter().for_each(|pid| tree::send(*pid, signal));
                told = true;
            }
            self.wait(Instant::now() + Duration::from_millis(20));
            self.read_terminal();
            if let Some(desk) = &mut self.desk {
                desk.serve(|_| Err("the job is ending".to_owned()));
            }
            self.collect();
        }
    }

    fn left_behind(&self) -> Vec<i32> {
        let me = nix::unistd::getpid().as_raw();
        let below = tree::below(&tree::all(), me);
        below.iter().filter(|p| self.told_to_end || p.session == self.program).map(|p| p.pid).collect()
    }
}

fn listen_to_signals() -> io::Result<SignalFd> {
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGCHLD);
    mask.add(Signal::SIGTERM);
    mask.thread_block()?;
    Ok(SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}
