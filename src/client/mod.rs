//! The client: attaches to the engine of a home, starts it when there is none, comes back when the line is lost.
//!
//! Generic over the byte stream: [`over`] is the same client over anything that carries bytes.

pub mod mirror;

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_util::codec::Framed;

use crate::config::Paths;
use crate::model::Failure;
use crate::protocol::frame::FrameCodec;
use crate::protocol::{Answer, ClientKind, Command, FromEngine, Refusal, Role, StreamRequest, Welcome};

pub use mirror::{Change, Mirror};

/// How to attach.
#[derive(Clone, Debug)]
pub struct Options {
    pub kind: ClientKind,
    pub role: Role,
    pub paths: Paths,
    /// Start an engine when there is none.
    pub start_engine: bool,
    /// Get recorded events (and first a snapshot): see [`Client::incoming`]. Commands need none of it.
    pub follow: bool,
    /// The program that is started as the engine.
    pub program: std::path::PathBuf,
}

impl Options {
    /// An operator's client that starts the engine and gets no events.
    pub fn new(kind: ClientKind, paths: Paths) -> Self {
        let program = std::env::current_exe().unwrap_or_else(|_| "quarterdeck".into());
        Self { kind, role: Role::Operator, paths, start_engine: true, follow: false, program }
    }

    /// The same with recorded events.
    #[must_use]
    pub fn following(mut self) -> Self {
        self.follow = true;
        self
    }
}

/// What comes in by itself.
#[derive(Clone, PartialEq, Debug)]
pub enum Incoming {
    /// The line is there (again). Subscriptions of before are in force again.
    Connected(Welcome),
    /// The line is lost; it is tried again by itself after `retry_in`, or not at all.
    Lost { failure: Failure, retry_in: Option<Duration> },
    /// Events, snapshots and live state, for [`Mirror::apply`].
    Engine(FromEngine),
}

/// An attached client. Clones share the line; it closes with the last of them.
#[derive(Clone)]
pub struct Client {}

/// A stream connection, both ways.
pub type Stream = Framed<tokio::net::UnixStream, FrameCodec>;

/// Attaches to the engine of a home; starts it when there is none and the options allow it.
///
/// # Errors
/// No engine answers (with the end of its log), it speaks another version, it refuses this client.
pub async fn connect(_options: Options) -> Result<Client, Failure> {
    unimplemented!("the first land shows only the shape")
}

/// A client over any byte stream; it cannot come back when the stream ends.
///
/// # Errors
/// As [`connect`].
pub async fn over<S>(_io: S, _options: Options) -> Result<Client, Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    unimplemented!("the first land shows only the shape")
}

/// Opens a stream: a shell, a command on many nodes.
///
/// # Errors
/// As [`connect`].
pub async fn stream(_options: &Options, _request: StreamRequest) -> Result<Stream, Failure> {
    unimplemented!("the first land shows only the shape")
}

/// Restarts the engine of a home, whichever version it speaks; starts it when there is none.
///
/// # Errors
/// As [`connect`], or the engine refuses.
pub async fn restart(_options: &Options) -> Result<Welcome, Failure> {
    unimplemented!("the first land shows only the shape")
}

impl Client {
    /// Sends a command and waits for its answer. A command that acts gets an idempotency key: when the line is
    /// lost in between it is sent again, and done once.
    ///
    /// # Errors
    /// The engine's refusal, or [`Failed`](crate::protocol::command::RefusalCode::Failed) when the line is lost
    /// for longer than half a minute.
    pub async fn request(&self, _command: Command) -> Result<Answer, Refusal> {
        unimplemented!("the first land shows only the shape")
    }

    /// What comes in by itself, from the first message on. There is one consumer: a second call gets a receiver
    /// that is closed.
    pub fn incoming(&self) -> mpsc::UnboundedReceiver<Incoming> {
        unimplemented!("the first land shows only the shape")
    }

    /// Tries a lost line again now, starting the engine when there is none and the options allow it.
    pub fn reconnect(&self) {
        unimplemented!("the first land shows only the shape")
    }

    /// The engine that was met last.
    pub fn welcome(&self) -> Welcome {
        unimplemented!("the first land shows only the shape")
    }

    /// Waits until the whole recorded state is here (the options must say `follow`).
    ///
    /// # Errors
    /// The line is lost before.
    pub async fn state(&self) -> Result<Mirror, Failure> {
        unimplemented!("the first land shows only the shape")
    }
}
