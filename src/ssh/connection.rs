//! A connection to one server.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use russh::client::Msg;
use russh::{Channel, Disconnect};
use tokio::time::timeout;

use super::dial::{Link, SessionHandle, dial};
use super::failures::{CONNECT, closed, not_opened};
use super::put::put;
use super::shell::{Output, Pty, Shell};
use super::target::{Target, host_port};
use crate::base::Cx;
use crate::model::Failure;

/// Until the server opens a channel, or starts a command.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// What is kept of a command's output, bytes for each of its two streams.
const KEPT_OUTPUT: usize = 16 << 20;

pub(super) const EXEC: &str = "run a command over SSH";

/// How a command ended and what it said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ExecResult {
    /// Exit status; none when a signal ended it, or the server does not say.
    pub status: Option<i32>,
    /// Name of the signal that ended it, without `SIG`.
    pub signal: Option<String>,
    pub stdout: Bytes,
    pub stderr: Bytes,
    /// Bytes of both that came after what is kept (16 MiB each).
    pub dropped: u64,
}

impl ExecResult {
    /// Whether the command ended with status 0.
    pub fn ok(&self) -> bool {
        self.status == Some(0)
    }
}

/// A connection that is logged in. Dropping it hangs up.
pub struct Connection {
    at: String,
    handle: SessionHandle,
    link: Arc<Link>,
    /// The connection that this one goes through.
    via: Option<Arc<Connection>>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("at", &self.at).field("via", &self.via).finish_non_exhaustive()
    }
}

/// Connects and logs in, through `via` when there is one.
///
/// # Errors
/// `Transient` when the server does not answer (yet), `Credentials` when it does not let us in, `Refused` when its
/// host key is not the one we know or a key file is of no use, `NotFound` when a key file is not there.
pub async fn connect(target: &Target, cx: &Cx) -> Result<Connection, Failure> {
    let Some(via) = &target.via else { return dial(target, None, cx).await };
    let via = Arc::new(Box::pin(connect(via, cx)).await?);
    let opening = async { via.tunnel(&target.host, target.port).await.map_err(|unopened| unopened.failure) };
    let channel = via.located(cx.run(CONNECT, opening).await)?;
    dial(target, Some((via, channel)), cx).await
}

/// A channel that was not opened.
pub(super) struct Unopened {
    pub failure: Failure,
    /// Whether another connection to the same server may do better.
    pub worn: bool,
}

impl Connection {
    pub(super) fn new(at: String, handle: SessionHandle, link: Arc<Link>, via: Option<Arc<Connection>>) -> Self {
        Self { at, handle, link, via }
    }

    /// The server's host key, `ssh-ed25519 AAAA…`.
    pub fn host_key(&self) -> &str {
        self.link.host_key()
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// Runs `command` in the user's shell, gives it `stdin`, and collects what it says.
    ///
    /// # Errors
    /// `Transient` when the connection broke or the deadline passed, `Cancelled`; the command is then told to end, as
    /// far as the server passes that on (see [`super::ShellOutput`]).
    pub async fn exec(&self, command: &str, stdin: Option<Bytes>, cx: &Cx) -> Result<ExecResult, Failure> {
        let work = async { self.exec_on(self.session().await.map_err(|u| u.failure)?, command, stdin).await };
        self.located(cx.run(EXEC, work).await)
    }

    /// Opens a shell, or runs `command`, with its input and output as they come; with a terminal when `pty` is given.
    ///
    /// # Errors
    /// `Refused` when the server does not allow it, `Transient` when the connection broke.
    pub async fn shell(&self, pty: Option<Pty>, command: Option<&str>) -> Result<Shell, Failure> {
        let channel = self.session().await.map_err(|unopened| unopened.failure)?;
        self.start(channel, pty, command).await
    }

    /// Writes a file with the permission bits `mode`, by SFTP or, where there is none, by a command. The new file
    /// takes the old one's place in one go, but for mounted files, which can only be written in place.
    ///
    /// # Errors
    /// `NotFound` when the directory is not there, `Refused` when the user may not write it.
    pub async fn put(&self, path: &str, content: &[u8], mode: u32, cx: &Cx) -> Result<(), Failure> {
        let work = async { put(self, self.session().await.map_err(|u| u.failure)?, path, content, mode).await };
        self.located(cx.run("write a file over SSH", work).await)
    }

    /// Says good-bye and closes the connection.
    pub async fn close(&self) {
        let goodbye = self.handle.disconnect(Disconnect::ByApplication, "", "");
        if timeout(ANSWER_LIMIT, goodbye).await.is_err() {
            tracing::debug!("{} does not take a good-bye", self.at);
        }
    }

    /// A channel for one command, shell or subsystem.
    pub(super) async fn session(&self) -> Result<Channel<Msg>, Unopened> {
        match timeout(ANSWER_LIMIT, self.handle.channel_open_session()).await {
            Ok(Ok(channel)) => Ok(channel),
            // As many sessions as the server allows on one connection may be open already.
            Ok(Err(russh::Error::ChannelOpenFailure(reason))) => {
                Err(Unopened { failure: not_opened(&self.at, "open an SSH session", &reason), worn: true })
            }
            Ok(Err(_)) => Err(Unopened { failure: self.link.lost(&self.at, "open an SSH session"), worn: true }),
            Err(_) => Err(Unopened { failure: closed(&self.at, "open an SSH session", "no answer"), worn: true }),
        }
    }

    /// A channel to `host:port`, as the server reaches it.
    pub(super) async fn tunnel(&self, host: &str, port: u16) -> Result<Channel<Msg>, Unopened> {
        let tried = || format!("connect through {}", self.at);
        let at = host_port(host, port);
        match timeout(ANSWER_LIMIT, self.handle.channel_open_direct_tcpip(host, port.into(), "127.0.0.1", 0)).await {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(russh::Error::ChannelOpenFailure(reason))) => {
                Err(Unopened { failure: not_opened(&at, &tried(), &reason), worn: false })
            }
            Ok(Err(_)) => Err(Unopened { failure: self.link.lost(&at, &tried()), worn: true }),
            Err(_) => Err(Unopened { failure: closed(&at, &tried(), "no answer"), worn: false }),
        }
    }

    pub(super) async fn start(&self, channel: Channel<Msg>, pty: Option<Pty>, command: Option<&str>) -> Result<Shell, Failure> {
        let starting = Shell::start(channel, self.at.clone(), self.link.clone(), pty, command);
        timeout(ANSWER_LIMIT, starting).await.unwrap_or_else(|_| Err(closed(&self.at, EXEC, "no answer")))
    }

    pub(super) async fn exec_on(
        &self,
        channel: Channel<Msg>,
        command: &str,
        stdin: Option<Bytes>,
    ) -> Result<ExecResult, Failure> {
        let Shell { input, mut output } = self.start(channel, None, Some(command)).await?;
        let mut feeding = pin!(async {
            if let Some(bytes) = stdin {
                input.write(bytes).await?;
            }
            input.eof().await
        });
        let mut fed = false;
        let (mut stdout, mut stderr, mut dropped) = (BytesMut::new(), BytesMut::new(), 0);
        loop {
            let said = tokio::select! {
                // A command that ends without reading its input is no failure.
                _ = &mut feeding, if !fed => {
                    fed = true;
                    continue;
                }
                said = output.next() => said?,
            };
            match said {
                Output::Stdout(bytes) => dropped += keep(&mut stdout, &bytes),
                Output::Stderr(bytes) => dropped += keep(&mut stderr, &bytes),
                Output::Exit { status, signal } => {
                    return Ok(ExecResult { status, signal, stdout: stdout.freeze(), stderr: stderr.freeze(), dropped });
                }
            }
        }
    }

    /// Says where, for failures that do not know.
    pub(super) fn located<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        result.map_err(|failure| if failure.at.is_empty() { failure.at(&self.at) } else { failure })
    }

    pub(super) fn at(&self) -> &str {
        &self.at
    }
}

/// Appends what still fits; the rest is counted.
fn keep(kept: &mut BytesMut, bytes: &[u8]) -> u64 {
    let room = KEPT_OUTPUT.saturating_sub(kept.len()).min(bytes.len());
    kept.extend_from_slice(&bytes[..room]);
    (bytes.len() - room) as u64
}
