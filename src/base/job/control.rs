//! The control socket: one JSON object a line each way.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use zeroize::{Zeroize, Zeroizing};

use super::files::CONTROL;
use crate::model::Failure;

/// How long the holder may take to answer; it does nothing else that lasts while its program runs.
const LIMIT: Duration = Duration::from_secs(5);
/// Longest line that a terminal in line mode takes is 4095 bytes.
const LONGEST_LINE: usize = 4000;
/// Most lines at once, and longest request.
const MAX_LINES: usize = 64;
const MAX_REQUEST: usize = 64 * 1024;

/// What can be asked of a holder.
#[derive(Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Request {
    /// Send a signal.
    Signal { signal: i32 },
    /// Type a line.
    Answer { number: u64, line: String },
}

#[derive(Serialize, Deserialize)]
struct Reply {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Why a request did not get through.
pub(super) enum Trouble {
    /// Nobody listens.
    Gone(io::Error),
    /// The holder, or we for it, said no.
    Refused(String),
}

impl Trouble {
    pub(super) fn failure(self, tried: &str, dir: &Path) -> Failure {
        match self {
            Self::Gone(e) => Failure::not_found(tried, format!("no job runs here ({e})")),
            Self::Refused(why) => Failure::refused(tried, why),
        }
        .at(dir.display())
    }
}

/// Runs `with` on a path to the socket that is short enough for a socket address however long `dir` is.
fn with_socket<T>(dir: &Path, with: impl FnOnce(&str) -> io::Result<T>) -> io::Result<T> {
    let at = File::options().read(true).custom_flags(libc::O_PATH | libc::O_DIRECTORY).open(dir)?;
    with(&format!("/proc/self/fd/{}/{CONTROL}", at.as_raw_fd()))
}

/// Sends a request and waits for the answer.
pub(super) fn ask(dir: &Path, request: &Request) -> Result<(), Trouble> {
    let mut line = Zeroizing::new(serde_json::to_vec(request).map_err(|e| Trouble::Refused(e.to_string()))?);
    line.push(b'\n');
    let reply = exchange(dir, &line).map_err(Trouble::Gone)?;
    match reply.error {
        None => Ok(()),
        Some(why) => Err(Trouble::Refused(why)),
    }
}

fn exchange(dir: &Path, line: &[u8]) -> io::Result<Reply> {
    let mut stream = with_socket(dir, |path| UnixStream::connect(path))?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    stream.write_all(line)?;
    let mut answer = Vec::new();
    let mut chunk = [0; 512];
    while !answer.ends_with(b"\n") {
        match stream.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => answer.extend_from_slice(&chunk[..n]),
        }
    }
    Ok(serde_json::from_slice(&answer)?)
}

pub(super) fn answer(dir: &Path, number: u64, line: &SecretString) -> Result<(), Trouble> {
    let text = line.expose_secret();
    if text.len() > LONGEST_LINE {
        return Err(Trouble::Refused(format!("a terminal takes no line longer than {LONGEST_LINE} bytes")));
    }
    if text.chars().any(char::is_control) {
        return Err(Trouble::Refused("the answer holds control characters, which a terminal would act upon".to_owned()));
    }
    let mut request = Request::Answer { number, line: text.to_owned() };
    let result = ask(dir, &request);
    if let Request::Answer { line, .. } = &mut request {
        line.zeroize();
    }
    result
}

/// Returns when the holder has gone, or cannot be reached.
pub(super) async fn until_gone(dir: &Path) {
    let Ok(stream) = with_socket(dir, |path| UnixStream::connect(path)) else { return };
    let opened = stream.set_nonblocking(true).and_then(|()| tokio::net::UnixStream::from_std(stream));
    if let Ok(mut stream) = opened {
        let mut chunk = [0; 64];
        while stream.read(&mut chunk).await.is_ok_and(|n| n > 0) {}
    }
}

/// The holder's side.
pub(super) struct Desk {
    listener: UnixListener,
    lines: Vec<Line>,
}

struct Line {
    stream: UnixStream,
    /// What came of a request that is not whole yet; may be an answer, hence a secret.
    got: Zeroizing<Vec<u8>>,
}

impl Desk {
    /// Listens in the current directory.
    pub(super) fn open() -> io::Result<Self> {
        let listener = UnixListener::bind(CONTROL)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, lines: Vec::new() })
    }

    /// What to wait on for reading.
    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        std::iter::once(self.listener.as_fd()).chain(self.lines.iter().map(|l| l.stream.as_fd()))
    }

    /// Takes in what has come, answers whole requests with what `handle` says, forgets lines that were closed.
    pub(super) fn serve(&mut self, mut handle: impl FnMut(Request) -> Result<(), String>) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.lines.len() < MAX_LINES && stream.set_nonblocking(true).is_ok() && is_ours(&stream) {
                self.lines.push(Line { stream, got: Zeroizing::default() });
            }
        }
        self.lines.retain_mut(|line| line.serve(&mut handle));
    }
}

/// Only the same user (or root) may ask, whatever the permissions of the directory.
fn is_ours(stream: &UnixStream) -> bool {
    use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
    let me = nix::unistd::geteuid().as_raw();
    getsockopt(stream, PeerCredentials).is_ok_and(|peer| peer.uid() == me || peer.uid() == 0)
}

impl Line {
    /// Whether the line stays.
    fn serve(&mut self, handle: &mut impl FnMut(Request) -> Result<(), String>) -> bool {
        let mut chunk = Zeroizing::new([0; 4096]);
        loop {
            match self.stream.read(&mut *chunk) {
                Ok(0) => return false,
                Ok(n) if self.got.len() + n <= MAX_REQUEST => self.got.extend_from_slice(&chunk[..n]),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                _ => return false,
            }
        }
        while let Some(end) = self.got.iter().position(|b| *b == b'\n') {
            let line = Zeroizing::new(self.got.drain(..=end).collect::<Vec<u8>>());
            let result = match serde_json::from_slice(&line) {
                Ok(request) => handle(request),
                Err(_) => Err("this is no request that a job's holder knows".to_owned()),
            };
            let mut reply = serde_json::to_vec(&Reply { error: result.err() }).unwrap_or_default();
            reply.push(b'\n');
            if self.stream.write_all(&reply).is_err() {
                return false;
            }
        }
        true
    }
}
