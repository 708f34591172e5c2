//! A command or shell whose input and output go on while it runs.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio_util::sync::CancellationToken;

use super::connection::EXEC;
use super::dial::Link;
use crate::model::Failure;

/// A terminal for the other side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pty {
    /// Type, as in `TERM`.
    pub term: String,
    pub cols: u16,
    pub rows: u16,
}

/// What comes out of a shell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    Stdout(Bytes),
    Stderr(Bytes),
    /// The end. Nothing follows. The signal is named without `SIG`.
    Exit {
        status: Option<i32>,
        signal: Option<String>,
    },
}

/// A running shell or command. Its two halves may be used by two tasks; its output must be read for its input to
/// go on.
#[derive(Debug)]
pub struct Shell {
    pub input: ShellInput,
    pub output: ShellOutput,
}

/// What both halves know.
struct Ends {
    at: String,
    link: Arc<Link>,
    write: ChannelWriteHalf<Msg>,
    /// Fires when nothing reads the input any more.
    over: CancellationToken,
}

impl Ends {
    fn lost(&self) -> Failure {
        self.link.lost(&self.at, EXEC)
    }

    /// Sends something, unless the shell or the connection ends first: then nobody would ever take it.
    async fn send(&self, sending: impl Future<Output = Result<(), russh::Error>>) -> Result<(), Failure> {
        tokio::select! {
            biased;
            () = self.over.cancelled() => Err(Failure::refused(EXEC, "it has ended").at(&self.at)),
            () = self.link.gone.cancelled() => Err(self.lost()),
            sent = sending => sent.map_err(|_| self.lost()),
        }
    }
}

impl Shell {
    pub(super) async fn start(
        channel: Channel<Msg>,
        at: String,
        link: Arc<Link>,
        pty: Option<Pty>,
        command: Option<&str>,
    ) -> Result<Self, Failure> {
        let (read, write) = channel.split();
        let ends = Arc::new(Ends { at, link, write, over: CancellationToken::new() });
        // From here on the channel is closed on every way out.
        let mut output = ShellOutput { ends: ends.clone(), read, early: VecDeque::new(), eof: false, exit: None };
        let write = &ends.write;
        // One request at a time: there are servers that answer only the last of several.
        if let Some(Pty { term, cols, rows }) = &pty {
            ends.send(write.request_pty(true, term, (*cols).into(), (*rows).into(), 0, 0, &[])).await?;
            output.agreed("a terminal").await?;
        }
        match command {
            Some(command) => {
                ends.send(write.exec(true, command)).await?;
                output.agreed("a command").await?;
            }
            None => {
                ends.send(write.request_shell(true)).await?;
                output.agreed("a shell").await?;
            }
        }
        Ok(Self { input: ShellInput { ends }, output })
    }
}

/// The way in. Dropping it does not end the input; see [`ShellInput::eof`].
pub struct ShellInput {
    ends: Arc<Ends>,
}

impl fmt::Debug for ShellInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShellInput").field("at", &self.ends.at).finish_non_exhaustive()
    }
}

impl ShellInput {
    /// Sends bytes; waits while the other side takes none.
    ///
    /// # Errors
    /// `Refused` when the shell has ended, `Transient` when the connection is gone.
    pub async fn write(&self, bytes: Bytes) -> Result<(), Failure> {
        self.ends.send(self.ends.write.data_bytes(bytes)).await
    }

    /// Tells the end of the input.
    ///
    /// # Errors
    /// As [`ShellInput::write`].
    pub async fn eof(&self) -> Result<(), Failure> {
        self.ends.send(self.ends.write.eof()).await
    }

    /// Tells the new size of the terminal.
    ///
    /// # Errors
    /// As [`ShellInput::write`].
    pub async fn resize(&self, cols: u16, rows: u16) -> Result<(), Failure> {
        self.ends.send(self.ends.write.window_change(cols.into(), rows.into(), 0, 0)).await
    }
}

/// The way out. Dropping it before the end hangs up: with a terminal the other side ends; without one the command
/// is sent TERM (which OpenSSH passes on for every user but root) and fails when it next reads or writes.
pub struct ShellOutput {
    ends: Arc<Ends>,
    read: ChannelReadHalf,
    /// What came before the server said yes.
    early: VecDeque<ChannelMsg>,
    eof: bool,
    exit: Option<(Option<i32>, Option<String>)>,
}

impl fmt::Debug for ShellOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShellOutput").field("at", &self.ends.at).finish_non_exhaustive()
    }
}

impl ShellOutput {
    /// The next output; [`Output::Exit`] is the last, and comes again when asked again. Safe to drop while waiting.
    ///
    /// # Errors
    /// `Transient` when the connection broke before the end.
    pub async fn next(&mut self) -> Result<Output, Failure> {
        loop {
            if self.ends.over.is_cancelled() || (self.eof && self.exit.is_some()) {
                return Ok(self.end());
            }
            let message = match self.early.pop_front() {
                Some(message) => Some(message),
                None => self.read.wait().await,
            };
            match message {
                Some(ChannelMsg::Data { data }) => return Ok(Output::Stdout(data)),
                Some(ChannelMsg::ExtendedData { data, ext: 1 }) => return Ok(Output::Stderr(data)),
                Some(ChannelMsg::ExitStatus { exit_status }) => self.exit = Some((i32::try_from(exit_status).ok(), None)),
                Some(ChannelMsg::ExitSignal { signal_name, .. }) => self.exit = Some((None, Some(name(&signal_name)))),
                Some(ChannelMsg::Eof) => self.eof = true,
                Some(ChannelMsg::Close) => return Ok(self.end()),
                Some(_) => {}
                None if self.exit.is_some() => return Ok(self.end()),
                None => return Err(self.ends.lost()),
            }
        }
    }

    fn end(&mut self) -> Output {
        self.ends.over.cancel();
        let (status, signal) = self.exit.clone().unwrap_or_default();
        Output::Exit { status, signal }
    }

    /// Waits until the server has said yes to what was asked.
    async fn agreed(&mut self, what: &str) -> Result<(), Failure> {
        loop {
            match self.read.wait().await {
                Some(ChannelMsg::Success) => return Ok(()),
                Some(ChannelMsg::Failure | ChannelMsg::Close) => {
                    return Err(Failure::refused(EXEC, format!("the server does not give us {what}"))
                        .at(&self.ends.at)
                        .next("check what its SSH server allows this user (PermitTTY, ForceCommand, the login shell)"));
                }
                Some(other) => self.early.push_back(other),
                None => return Err(self.ends.lost()),
            }
        }
    }
}

impl Drop for ShellOutput {
    fn drop(&mut self) {
        let ended = self.ends.over.is_cancelled();
        self.ends.over.cancel();
        let ends = self.ends.clone();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if !ended {
                // Closing alone would leave a command running that neither reads nor writes.
                let _ = ends.write.signal(Sig::TERM).await;
            }
            let _ = ends.write.close().await;
        });
    }
}

fn name(signal: &Sig) -> String {
    match signal {
        Sig::Custom(name) => crate::model::text::clean(name).into_owned(),
        known => format!("{known:?}"),
    }
}
