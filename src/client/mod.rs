//! The client: attaches to the engine of a home, starts it when there is none, comes back when the line is lost.
//!
//! Generic over the byte stream: [`over`] is the same client over whatever a [`Dial`] gets.

pub mod argv;
mod context;
mod dial;
mod launch;
pub mod mirror;
mod restart;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio_util::codec::Framed;

pub use self::context::{OPERATOR_VARIABLE, context};
pub use self::dial::{Dial, Io};
pub use self::mirror::{Change, Mirror};
pub use self::restart::restart;
use self::worker::{Ask, Worker};
use crate::config::Paths;
use crate::model::Failure;
use crate::protocol::frame::FrameCodec;
use crate::protocol::{
    Answer, ClientKind, Command, FromEngine, Hello, Refusal, Role, SOCKET, StreamRequest, VERSION, WATCH_SOCKET, Welcome,
};

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
    pub program: PathBuf,
    /// The folder of a socket for people who may only look at somebody else's home.
    pub watch: Option<PathBuf>,
}

/// Names the folder of a watchers' socket: every client of this environment then looks at that home.
pub const WATCH_VARIABLE: &str = "QUARTERDECK_WATCH";

impl Options {
    /// An operator's client that starts the engine and gets no recorded events; a watcher's where
    /// [`WATCH_VARIABLE`] says so.
    pub fn new(kind: ClientKind, paths: Paths) -> Self {
        let watch = std::env::var_os(WATCH_VARIABLE).filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let role = if watch.is_some() { Role::Watcher } else { Role::Operator };
        Self { kind, role, paths, start_engine: watch.is_none(), follow: false, program: program(), watch }
    }

    /// Folder and name of the socket.
    fn socket(&self) -> (&Path, &'static str) {
        match &self.watch {
            Some(dir) => (dir, WATCH_SOCKET),
            None => (&self.paths.state, SOCKET),
        }
    }

    /// The same with recorded events.
    #[must_use]
    pub fn following(mut self) -> Self {
        self.follow = true;
        self
    }

    fn hello(&self, stream: Option<StreamRequest>) -> Hello {
        Hello {
            protocol: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            kind: self.kind,
            role: self.role,
            context: context(),
            follow: self.follow,
            since: None,
            home: None,
            stream,
        }
    }
}

/// This program; after an upgrade, the one that took its place.
fn program() -> PathBuf {
    let path = std::env::current_exe().unwrap_or_else(|_| "quarterdeck".into());
    let renewed = path.to_str().and_then(|path| path.strip_suffix(" (deleted)")).map(PathBuf::from);
    renewed.filter(|path| path.exists()).unwrap_or(path)
}

/// What comes in by itself.
#[derive(Clone, PartialEq, Debug)]
pub enum Incoming {
    /// The line is there (again). Subscriptions of before are in force again.
    Connected(Welcome),
    /// The line is lost; it is tried again by itself after `retry_in`, or only when [`Client::reconnect`] asks.
    Lost { failure: Failure, retry_in: Option<Duration> },
    /// Events, snapshots and live state, for [`Mirror::apply`].
    Engine(FromEngine),
}

/// An attached client. Clones share the line; it closes with the last of them.
#[derive(Clone)]
pub struct Client {
    asks: mpsc::UnboundedSender<Ask>,
    incoming: Arc<Mutex<Option<mpsc::UnboundedReceiver<Incoming>>>>,
    welcome: Arc<Mutex<Welcome>>,
}

/// A stream connection, both ways.
pub type Stream<S = UnixStream> = Framed<S, FrameCodec>;

/// Attaches to the engine of a home; starts it when there is none and the options allow it.
///
/// # Errors
/// No engine answers (with the end of its log), it speaks another version, it refuses this client.
pub async fn connect(options: Options) -> Result<Client, Failure> {
    over(dial::Socket(options.clone()), &options).await
}

/// A client over whatever `dial` gets; it dials again when the line is lost.
///
/// # Errors
/// As [`connect`].
pub async fn over(mut dial: impl Dial + 'static, options: &Options) -> Result<Client, Failure> {
    let hello = options.hello(None);
    let (lines, welcome) = dial::attach(&mut dial, options.start_engine, &hello).await?;
    let (asks, incoming, welcome) = Worker::start(Box::new(dial), options.start_engine, hello, lines, welcome);
    Ok(Client { asks, incoming: Arc::new(Mutex::new(Some(incoming))), welcome })
}

/// Opens a stream: a shell, a command on many nodes.
///
/// # Errors
/// As [`connect`].
pub async fn stream(options: &Options, request: StreamRequest) -> Result<Stream, Failure> {
    stream_over(dial::dial(options, options.start_engine).await?, options, request).await
}

/// Opens a stream over any bytes.
///
/// # Errors
/// The engine refuses.
pub async fn stream_over<S: Io>(io: S, options: &Options, request: StreamRequest) -> Result<Stream<S>, Failure> {
    let (lines, _) = dial::greet(io, &options.hello(Some(request))).await?;
    Ok(lines.map_codec(|_| FrameCodec))
}

impl Client {
    /// Sends a command and waits for its answer. A command that acts gets an idempotency key: when the line is
    /// lost in between it is sent again, and done once.
    ///
    /// # Errors
    /// The engine's refusal, or [`Failed`](crate::protocol::command::RefusalCode::Failed) when the line does not
    /// come back, or not within half a minute.
    pub async fn request(&self, command: Command) -> Result<Answer, Refusal> {
        let (reply, answer) = oneshot::channel();
        // The worker lives as long as this handle; it answers everything that it takes.
        let _ = self.asks.send(Ask::Request { command, reply });
        answer.await.unwrap_or_else(|_| Err(Refusal::of(Failure::broken(dial::ATTACH, "the client's own line ended"))))
    }

    /// What comes in by itself, from the first message on. There is one consumer: another gets a receiver that is
    /// closed.
    pub fn incoming(&self) -> mpsc::UnboundedReceiver<Incoming> {
        let taken = self.incoming.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.unwrap_or_else(|| mpsc::unbounded_channel().1)
    }

    /// Tries a lost line again now, starting the engine when there is none and the options allow it.
    pub fn reconnect(&self) {
        let _ = self.asks.send(Ask::Reconnect);
    }

    /// The engine that was met last.
    pub fn welcome(&self) -> Welcome {
        self.welcome.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the whole recorded state is here; [`Client::incoming`] goes on after it. The options must say
    /// `follow`, and nobody else may consume what comes in.
    ///
    /// # Errors
    /// The line is lost before.
    pub async fn state(&self) -> Result<Mirror, Failure> {
        let mut incoming = self.incoming();
        let mut mirror = Mirror::default();
        let result = loop {
            match incoming.recv().await {
                Some(Incoming::Connected(welcome)) => {
                    mirror.apply(FromEngine::Welcome(welcome));
                }
                Some(Incoming::Lost { retry_in: Some(_), .. }) => {}
                Some(Incoming::Lost { failure, retry_in: None }) => break Err(failure),
                Some(Incoming::Engine(message)) => {
                    let whole = matches!(message, FromEngine::Snapshot { last: true, .. });
                    mirror.apply(message);
                    if whole {
                        break Ok(mirror);
                    }
                }
                None => break Err(Failure::broken(dial::ATTACH, "somebody else takes what comes in")),
            }
        };
        *self.incoming.lock().unwrap_or_else(PoisonError::into_inner) = Some(incoming);
        result
    }
}
