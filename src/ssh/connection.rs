//! A connection to one server.

use bytes::Bytes;

use super::{Pty, Shell, Target};
use crate::base::Cx;
use crate::model::Failure;

/// How a command ended and what it said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ExecResult {
    /// Exit status; none when a signal ended it.
    pub status: Option<i32>,
    /// Name of the signal that ended it, without `SIG`.
    pub signal: Option<String>,
    pub stdout: Bytes,
    pub stderr: Bytes,
    /// Bytes beyond what is kept, of both together.
    pub dropped: u64,
}

/// A connection that is logged in.
#[derive(Debug)]
pub struct Connection {}

/// Connects and logs in, through `via` when there is one.
///
/// # Errors
/// `Transient` when the server does not answer (yet), `Credentials` when it does not let us in, `Refused` when its
/// host key is not the one we know.
pub async fn connect(_target: &Target, _cx: &Cx) -> Result<Connection, Failure> {
    unimplemented!()
}

impl Connection {
    /// The server's host key, `ssh-ed25519 AAAA…`.
    pub fn host_key(&self) -> &str {
        unimplemented!()
    }

    /// Runs `command` in the user's shell, gives it `stdin`, and collects what it says (at most 16 MiB a stream).
    ///
    /// # Errors
    /// `Transient` when the connection broke or the deadline passed (the command is told to end), `Cancelled`.
    pub async fn exec(&self, _command: &str, _stdin: Option<Bytes>, _cx: &Cx) -> Result<ExecResult, Failure> {
        unimplemented!()
    }

    /// Opens a shell, or runs `command` with its input and output as they come; with a terminal when `pty` is given.
    ///
    /// # Errors
    /// `Refused` when the server does not allow it, `Transient` when the connection broke.
    pub async fn shell(&self, _pty: Option<Pty>, _command: Option<&str>) -> Result<Shell, Failure> {
        unimplemented!()
    }

    /// Writes a file with the permission bits `mode`, whole or not at all.
    ///
    /// # Errors
    /// `NotFound` when the directory is not there, `Refused` when the user may not write it.
    pub async fn put(&self, _path: &str, _content: &[u8], _mode: u32, _cx: &Cx) -> Result<(), Failure> {
        unimplemented!()
    }

    /// Says good-bye and closes the connection.
    pub async fn close(&self) {}
}
