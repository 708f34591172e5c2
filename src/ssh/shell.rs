//! A command or shell whose input and output go on while it runs.

use bytes::Bytes;

use super::ExecResult;
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
    /// The end. Nothing follows.
    Exit {
        status: Option<i32>,
        signal: Option<String>,
    },
}

/// A running shell or command. Dropping it hangs it up.
#[derive(Debug)]
pub struct Shell {
    pub input: ShellInput,
    pub output: ShellOutput,
}

/// The way in.
#[derive(Debug)]
pub struct ShellInput {}

/// The way out.
#[derive(Debug)]
pub struct ShellOutput {}

impl ShellInput {
    /// Sends bytes; waits while the other side takes none.
    ///
    /// # Errors
    /// `Transient` when the shell or the connection is gone.
    pub async fn write(&self, _bytes: Bytes) -> Result<(), Failure> {
        unimplemented!()
    }

    /// Tells the end of the input.
    ///
    /// # Errors
    /// As [`ShellInput::write`].
    pub async fn eof(&self) -> Result<(), Failure> {
        unimplemented!()
    }

    /// Tells the new size of the terminal.
    ///
    /// # Errors
    /// As [`ShellInput::write`].
    pub async fn resize(&self, _cols: u16, _rows: u16) -> Result<(), Failure> {
        unimplemented!()
    }
}

impl ShellOutput {
    /// The next output; [`Output::Exit`] is the last.
    ///
    /// # Errors
    /// `Transient` when the connection broke before the end.
    pub async fn next(&mut self) -> Result<Output, Failure> {
        unimplemented!()
    }
}

impl ExecResult {
    /// Whether the command ended with status 0.
    pub fn ok(&self) -> bool {
        self.status == Some(0)
    }
}
