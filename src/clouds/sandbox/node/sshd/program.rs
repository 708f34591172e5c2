//! Programs started for a client: with pipes, or on a terminal.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::Stdio;
use std::sync::{Arc, Weak};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::Winsize;
use russh::Sig;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::flow;
use super::modes;
use super::users::{self, User};
use crate::clouds::sandbox::node::console;

/// Bytes moved at once.
const CHUNK: usize = 32 * 1024;
/// How long a terminal is listened to after its program ended, while something else still holds it.
const LAST_WORDS: Duration = Duration::from_millis(100);
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The terminal that a client wants.
#[derive(Clone, Debug)]
pub struct Terminal {
    pub term: String,
    pub size: Winsize,
    pub modes: Vec<(russh::Pty, u32)>,
}

/// What is to be started.
pub struct Request {
    pub user: User,
    /// Where it starts with its own environment; the client's comes on top.
    pub env: Vec<(String, String)>,
    pub terminal: Option<Terminal>,
    /// `None`: a login shell.
    pub command: Option<Vec<u8>>,
    /// `SSH_CONNECTION`.
    pub connection: String,
    /// Whether the server has users beside root.
    pub many_users: bool,
}

/// A program that runs, as far as the session needs to know it.
#[derive(Clone)]
pub struct Running {
    pid: i32,
    /// Weak, so that the terminal ends with the program and not with the session's interest in it.
    terminal: Weak<AsyncFd<OwnedFd>>,
}

/// A program and its ends.
pub struct Program {
    child: Child,
    pid: i32,
    terminal: Option<Arc<AsyncFd<OwnedFd>>>,
}

/// How a program ended.
pub enum End {
    Status(u32),
    Signal(Sig, bool),
}

impl Program {
    /// Starts it.
    ///
    /// # Errors
    /// No terminal left, the shell is not there, no process left.
    pub fn start(request: &Request) -> io::Result<Self> {
        let user = &request.user;
        let mut command = Command::new(&user.shell);
        let shell_name = user.shell.rsplit('/').next().unwrap_or("sh");
        match &request.command {
            Some(text) => {
                use std::os::unix::ffi::OsStrExt;
                command.arg0(shell_name).arg("-c").arg(std::ffi::OsStr::from_bytes(text));
            }
            None => {
                command.arg0(format!("-{shell_name}"));
            }
        }
        environment(&mut command, request);
        let terminal = match &request.terminal {
            Some(wanted) => Some(open_terminal(wanted, user)?),
            None => None,
        };
        match &terminal {
            Some((_, slave)) => {
                for set in [Command::stdin, Command::stdout, Command::stderr] {
                    set(&mut command, Stdio::from(slave.try_clone()?));
                }
            }
            None => {
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            }
        }
        become_user(&mut command, request, terminal.is_some());
        let child = command.spawn()?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default();
        let terminal = match terminal {
            Some((master, _)) => {
                fcntl(&master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
                // SAFETY: the descriptor is owned by what is registered, and open until that is dropped.
                Some(Arc::new(unsafe { AsyncFd::register(master) }.map_err(io::Error::from)?))
            }
            None => None,
        };
        Ok(Self { child, pid, terminal })
    }

    /// The handle by which the session signals and resizes it.
    pub fn running(&self) -> Running {
        Running { pid: self.pid, terminal: self.terminal.as_ref().map(Arc::downgrade).unwrap_or_default() }
    }

    /// Moves input and output until the program ended and everything it wrote is sent, or `gone` fires.
    pub async fn attend<O, E>(mut self, input: flow::Receiver, out: O, err: E, gone: &CancellationToken) -> End
    where
        O: AsyncWrite + Unpin,
        E: AsyncWrite + Unpin,
    {
        match self.terminal.take() {
            Some(master) => self.attend_terminal(&master, input, out, gone).await,
            None => self.attend_pipes(input, out, err, gone).await,
        }
        // A program whose client went away may go on, as with any other SSH server; it is waited for all the same.
        match self.child.wait().await {
            Ok(status) => end(status),
            Err(_) => End::Status(255),
        }
    }

    async fn attend_pipes<O, E>(&mut self, mut input: flow::Receiver, mut out: O, mut err: E, gone: &CancellationToken)
    where
        O: AsyncWrite + Unpin,
        E: AsyncWrite + Unpin,
    {
        let (stdin, stdout, stderr) = (self.child.stdin.take(), self.child.stdout.take(), self.child.stderr.take());
        let feed = async {
            if let Some(mut stdin) = stdin {
                let _ = pump(&mut input, &mut stdin).await;
            }
            drop(input);
            std::future::pending::<()>().await;
        };
        let hear = async {
            if let (Some(mut stdout), Some(mut stderr)) = (stdout, stderr) {
                let _ = tokio::join!(pump(&mut stdout, &mut out), pump(&mut stderr, &mut err));
            }
            // Nobody can hear it any more, but it may still want its input.
            let _ = self.child.wait().await;
        };
        tokio::select! {
            () = feed => {}
            () = hear => {}
            () = gone.cancelled() => {}
        }
    }

    async fn attend_terminal<O>(&mut self, fd: &AsyncFd<OwnedFd>, input: flow::Receiver, out: O, gone: &CancellationToken)
    where
        O: AsyncWrite + Unpin,
    {
        let (mut input, mut out) = (input, out);
        let feed = async {
            let mut buffer = vec![0; CHUNK];
            while let Ok(n @ 1..) = input.read(&mut buffer).await {
                if write_terminal(fd, buffer.get(..n).unwrap_or_default()).await.is_err() {
                    break;
                }
            }
            std::future::pending::<()>().await;
        };
        let hear = async {
            let mut buffer = vec![0; CHUNK];
            let mut ended = false;
            loop {
                let read = tokio::select! {
                    biased;
                    read = read_terminal(fd, &mut buffer) => read,
                    _ = self.child.wait(), if !ended => { ended = true; continue }
                    () = tokio::time::sleep(LAST_WORDS), if ended => break,
                };
                match read {
                    Ok(n @ 1..) if out.write_all(buffer.get(..n).unwrap_or_default()).await.is_ok() => {}
                    _ => break,
                }
            }
        };
        tokio::select! {
            () = feed => {}
            () = hear => {}
            () = gone.cancelled() => {}
        }
    }
}

impl Running {
    /// Sends a signal to the program and all that it started in its session.
    pub fn signal(&self, signal: &Sig) {
        if let Some(number) = signal_number(signal).filter(|_| self.pid > 1) {
            // SAFETY: plain system call; a group that is gone is an error nobody needs.
            unsafe { libc::kill(-self.pid, number) };
        }
    }

    /// Tells the terminal, if there is one, its new size.
    pub fn resize(&self, size: Winsize) {
        if let Some(fd) = self.terminal.upgrade() {
            // SAFETY: the descriptor is open, `size` outlives the call.
            unsafe { libc::ioctl(fd.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
        }
    }
}

/// Moves bytes as they come, unlike a copy that fills its buffer first.
async fn pump(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let n = from.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        to.write_all(buffer.get(..n).unwrap_or_default()).await?;
    }
}

fn environment(command: &mut Command, request: &Request) {
    let user = &request.user;
    command.env_clear();
    command.env("PATH", PATH).env("HOME", &user.home).env("SHELL", &user.shell);
    command.env("USER", &user.name).env("LOGNAME", &user.name);
    let client: Vec<&str> = request.connection.split(' ').collect();
    if let [ip, port, _, own] = client.as_slice() {
        command.env("SSH_CLIENT", format!("{ip} {port} {own}"));
    }
    command.env("SSH_CONNECTION", &request.connection);
    for (name, value) in request.env.iter().filter(|(name, _)| may_set(name)) {
        command.env(name, value);
    }
    if let Some(terminal) = &request.terminal {
        command.env("TERM", &terminal.term);
    }
    command.current_dir(if std::path::Path::new(&user.home).is_dir() { &user.home } else { "/" });
}

/// Variables that a client may set: all but those that make the user's session what it is.
fn may_set(name: &str) -> bool {
    !["PATH", "HOME", "SHELL", "USER", "LOGNAME"].contains(&name)
        && !name.starts_with("LD_")
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// What happens between fork and exec; only system calls are allowed there.
fn become_user(command: &mut Command, request: &Request, on_terminal: bool) {
    let (uid, gid) = (request.user.uid, request.user.gid);
    let groups = users::groups(&request.user);
    let many = request.many_users;
    let step = move || {
        // SAFETY: system calls on values that were made before the fork.
        unsafe {
            if libc::setsid() < 0 || (on_terminal && libc::ioctl(0, libc::TIOCSCTTY, 0) != 0) {
                return Err(io::Error::last_os_error());
            }
            // Under memory pressure programs go before the SSH server.
            let file = libc::open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
            if file >= 0 {
                libc::write(file, c"500".as_ptr().cast(), 3);
                libc::close(file);
            }
            if many && libc::setgroups(groups.len(), groups.as_ptr()) != 0 {
                return Err(io::Error::last_os_error());
            }
            if libc::setresgid(gid, gid, gid) != 0 || libc::setresuid(uid, uid, uid) != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: the closure keeps to what is allowed after a fork.
    unsafe { command.pre_exec(step) };
}

fn open_terminal(wanted: &Terminal, user: &User) -> io::Result<(OwnedFd, OwnedFd)> {
    let (master, slave) = console::pty()?;
    // SAFETY: the descriptor is open, the size outlives the call.
    unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSWINSZ, &raw const wanted.size) };
    modes::apply(slave.as_fd(), &wanted.modes);
    if user.uid != 0 {
        nix::unistd::fchown(&slave, Some(user.uid.into()), Some(user.gid.into()))?;
    }
    Ok((master, slave))
}

async fn read_terminal(fd: &AsyncFd<OwnedFd>, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        let mut ready = fd.readable().await?;
        if let Ok(result) = ready.try_io(|fd| nix::unistd::read(fd.get_ref(), buffer).map_err(Into::into)) {
            return result;
        }
    }
}

async fn write_terminal(fd: &AsyncFd<OwnedFd>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let mut ready = fd.writable().await?;
        if let Ok(result) = ready.try_io(|fd| nix::unistd::write(fd.get_ref(), bytes).map_err(Into::into)) {
            bytes = bytes.get(result?..).unwrap_or_default();
        }
    }
    Ok(())
}

/// The signals that have a name in the protocol.
fn signal_number(signal: &Sig) -> Option<libc::c_int> {
    Some(match signal {
        Sig::ABRT => libc::SIGABRT,
        Sig::ALRM => libc::SIGALRM,
        Sig::FPE => libc::SIGFPE,
        Sig::HUP => libc::SIGHUP,
        Sig::ILL => libc::SIGILL,
        Sig::INT => libc::SIGINT,
        Sig::KILL => libc::SIGKILL,
        Sig::PIPE => libc::SIGPIPE,
        Sig::QUIT => libc::SIGQUIT,
        Sig::SEGV => libc::SIGSEGV,
        Sig::TERM => libc::SIGTERM,
        Sig::USR1 => libc::SIGUSR1,
        Sig::Custom(name) if name == "USR2" => libc::SIGUSR2,
        Sig::Custom(_) => return None,
    })
}

fn signal_name(number: libc::c_int) -> Option<Sig> {
    use Sig::{ABRT, ALRM, FPE, HUP, ILL, INT, KILL, PIPE, QUIT, SEGV, TERM, USR1};
    let named = [ABRT, ALRM, FPE, HUP, ILL, INT, KILL, PIPE, QUIT, SEGV, TERM, USR1, Sig::Custom("USR2".to_owned())];
    named.into_iter().find(|signal| signal_number(signal) == Some(number))
}

fn end(status: std::process::ExitStatus) -> End {
    use std::os::unix::process::ExitStatusExt;
    if let Some(code) = status.code() {
        return End::Status(u32::try_from(code).unwrap_or(255));
    }
    let number = status.signal().unwrap_or_default();
    match signal_name(number) {
        Some(signal) => End::Signal(signal, status.core_dumped()),
        None => End::Status(128 + u32::try_from(number).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_change_what_a_session_stands_on() {
        for name in ["PATH", "HOME", "LD_PRELOAD", "", "A=B", "A\0"] {
            assert!(!may_set(name), "{name:?}");
        }
        assert!(may_set("LANG") && may_set("LC_ALL") && may_set("QUARTERDECK_RUN"));
    }

    #[test]
    fn signals_have_numbers() {
        assert_eq!(signal_number(&Sig::TERM), Some(libc::SIGTERM));
        assert_eq!(signal_number(&Sig::Custom("USR2".into())), Some(libc::SIGUSR2));
        assert_eq!(signal_number(&Sig::Custom("WHAT".into())), None);
        assert!(matches!(signal_name(libc::SIGKILL), Some(Sig::KILL)));
        assert!(signal_name(libc::SIGWINCH).is_none());
    }
}
