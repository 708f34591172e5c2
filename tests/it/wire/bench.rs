//! The daemon's sessions around a fake engine, reached through a pipe or a real socket by the same tests.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use quarterdeck::client::{self, Client, Dial, Incoming, Io, Mirror, Options};
use quarterdeck::config::Paths;
use quarterdeck::daemon::{Hall, Peer, serve};
use quarterdeck::model::Failure;
use quarterdeck::protocol::line::{Joiner, LineCodec};
use quarterdeck::protocol::{ClientContext, ClientKind, FromEngine, Hello, Role, VERSION};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::AbortHandle;
use tokio_util::codec::Framed;

use super::fake::Fake;

/// How clients get to the engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Via {
    Pipe,
    Socket,
}

struct Inner {
    hall: Mutex<Arc<Hall>>,
    sessions: Mutex<Vec<AbortHandle>>,
    via: Via,
    paths: Paths,
    _dir: tempfile::TempDir,
}

/// A fake engine that can be attached to.
#[derive(Clone)]
pub struct Bench {
    inner: Arc<Inner>,
    pub fake: Arc<Fake>,
}

impl Bench {
    pub fn new(via: Via) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::under(dir.path());
        paths.create().unwrap();
        let fake = Fake::new();
        let hall = Mutex::new(Hall::new(Arc::clone(&fake) as _));
        let bench = Self { inner: Arc::new(Inner { hall, sessions: Mutex::default(), via, paths, _dir: dir }), fake };
        if via == Via::Socket {
            let listener = UnixListener::bind(bench.inner.paths.socket()).unwrap();
            let weak = Arc::downgrade(&bench.inner);
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let Some(inner) = weak.upgrade() else { return };
                    let uid = stream.peer_cred().unwrap().uid();
                    inner.serve(stream, Peer { uid, role: Role::Operator });
                }
            });
        }
        bench
    }

    pub fn hall(&self) -> Arc<Hall> {
        Arc::clone(&self.inner.hall.lock().unwrap())
    }

    /// As if the engine had been executed anew.
    pub fn renew(&self) {
        *self.inner.hall.lock().unwrap() = Hall::new(Arc::clone(&self.fake) as _);
    }

    /// Cuts every line.
    pub fn cut(&self) {
        self.inner.sessions.lock().unwrap().drain(..).for_each(|session| session.abort());
    }

    pub fn options(&self) -> Options {
        Options { start_engine: false, ..Options::new(ClientKind::Test, self.inner.paths.clone()) }
    }

    /// Bytes to the engine.
    pub async fn io(&self) -> Box<dyn Io> {
        match self.inner.via {
            Via::Socket => Box::new(UnixStream::connect(self.inner.paths.socket()).await.unwrap()),
            Via::Pipe => self.pipe(Peer { uid: nix::unistd::geteuid().as_raw(), role: Role::Operator }),
        }
    }

    /// Bytes to the engine, from somebody else.
    pub fn pipe(&self, peer: Peer) -> Box<dyn Io> {
        let (ours, theirs) = tokio::io::duplex(65_536);
        self.inner.serve(theirs, peer);
        Box::new(ours)
    }

    pub async fn connect(&self, options: Options) -> Client {
        match self.inner.via {
            Via::Socket => client::connect(options).await.unwrap(),
            Via::Pipe => client::over(Dialer(self.clone()), &options).await.unwrap(),
        }
    }

    pub async fn raw(&self) -> Raw {
        Raw::over(self.io().await)
    }
}

impl Inner {
    fn serve<S: Io + 'static>(&self, io: S, peer: Peer) {
        let session = tokio::spawn(serve(Arc::clone(&self.hall.lock().unwrap()), io, peer));
        self.sessions.lock().unwrap().push(session.abort_handle());
    }
}

struct Dialer(Bench);

#[async_trait]
impl Dial for Dialer {
    async fn dial(&mut self, _start: bool) -> Result<Box<dyn Io>, Failure> {
        Ok(self.0.io().await)
    }
}

/// A client that speaks line by line.
pub struct Raw {
    pub lines: Framed<Box<dyn Io>, LineCodec>,
    joiner: Joiner,
}

impl Raw {
    pub fn over(io: Box<dyn Io>) -> Self {
        Self { lines: Framed::new(io, LineCodec::default()), joiner: Joiner::default() }
    }

    pub async fn send(&mut self, line: impl Into<String>) {
        let line: String = line.into();
        self.send_bytes(line.as_bytes()).await;
    }

    pub async fn send_bytes(&mut self, line: &[u8]) {
        // The engine may have closed the line already: then what it said last counts.
        let _ = self.lines.send(Bytes::from([line, b"\n"].concat())).await;
    }

    pub async fn hello(&mut self, change: impl FnOnce(&mut Hello)) {
        let mut hello = Hello {
            protocol: VERSION,
            program: "0".to_owned(),
            kind: ClientKind::Test,
            role: Role::Operator,
            context: ClientContext::default(),
            follow: false,
            since: None,
            home: None,
            stream: None,
        };
        change(&mut hello);
        self.send(serde_json::to_string(&hello).unwrap()).await;
    }

    /// The next message; `None` when the line is closed.
    pub async fn next(&mut self) -> Option<FromEngine> {
        loop {
            let line = self.lines.next().await?.ok()?;
            if let Some(message) = self.joiner.push(&line).unwrap() {
                return Some(message);
            }
        }
    }

    /// Reads up to the farewell: its reason and what to do.
    pub async fn bye(&mut self) -> (String, String) {
        loop {
            match self.next().await {
                Some(FromEngine::Bye(bye)) => return (bye.reason, bye.next),
                Some(_) => {}
                None => panic!("no farewell"),
            }
        }
    }
}

/// Applies what comes in until `done`; keeps what kinds of messages came.
pub async fn follow(
    incoming: &mut UnboundedReceiver<Incoming>,
    mirror: &mut Mirror,
    mut done: impl FnMut(&Mirror, &Incoming) -> bool,
) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    let work = async {
        loop {
            let message = incoming.recv().await.expect("the client is there");
            kinds.push(match &message {
                Incoming::Connected(_) => "connected",
                Incoming::Lost { .. } => "lost",
                Incoming::Engine(FromEngine::Snapshot { .. }) => "snapshot",
                Incoming::Engine(FromEngine::Events { .. }) => "events",
                Incoming::Engine(_) => "live",
            });
            match message.clone() {
                Incoming::Connected(welcome) => drop(mirror.apply(FromEngine::Welcome(welcome))),
                Incoming::Engine(message) => drop(mirror.apply(message)),
                Incoming::Lost { .. } => {}
            }
            if done(mirror, &message) {
                return;
            }
        }
    };
    let limit = std::time::Duration::from_secs(30);
    assert!(tokio::time::timeout(limit, work).await.is_ok(), "waited in vain; so far: {kinds:?}");
    kinds
}

/// Makes each test one over a pipe and one over a socket.
macro_rules! both_ways {
    ($($name:ident)*) => {
        mod over_a_pipe { $(#[tokio::test] async fn $name() { super::$name(super::Bench::new(super::Via::Pipe)).await; })* }
        mod over_a_socket { $(#[tokio::test] async fn $name() { super::$name(super::Bench::new(super::Via::Socket)).await; })* }
    };
}
pub(crate) use both_ways;
