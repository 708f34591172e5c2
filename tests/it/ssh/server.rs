//! An SSH server inside the test: runs commands with the host's shell, and misbehaves on demand.

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::socket::{Shutdown, shutdown};
use quarterdeck::ssh::{Auth, KnownHosts, Target, keys};
use russh::keys::{Algorithm, PrivateKey, PublicKey, key::safe_rng};
use russh::server::{self, ChannelOpenHandle, Handle, Handler, Msg, Session};
use russh::{Channel, ChannelId, ChannelMsg, ChannelOpenFailure, Sig};
use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// How the server behaves.
#[derive(Clone, Debug)]
pub struct Manners {
    pub host_keys: Vec<PrivateKey>,
    /// Logins that are refused before any is accepted.
    pub refused_logins: usize,
    /// Sessions open at once on one connection.
    pub most_sessions: usize,
    /// Takes connections and says nothing.
    pub mute: bool,
    /// Answers commands itself, without a process.
    pub builtin: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self { host_keys: vec![host_key()], refused_logins: 0, most_sessions: usize::MAX, mute: false, builtin: false }
    }
}

pub fn host_key() -> PrivateKey {
    PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap()
}

/// What a test needs on our side: a key, a known-hosts file.
pub struct Home {
    pub dir: TempDir,
    pub public: PublicKey,
}

impl Home {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = keys::generate("test").unwrap();
        let home = Self { dir, public: PublicKey::from_openssh(&key.public).unwrap() };
        write_private(&home.key(), key.private.expose_secret());
        home
    }

    pub fn key(&self) -> PathBuf {
        self.dir.path().join("key")
    }

    pub fn known_hosts(&self) -> PathBuf {
        self.dir.path().join("known_hosts")
    }

    pub fn target(&self, at: SocketAddr) -> Target {
        Target {
            host: at.ip().to_string(),
            port: at.port(),
            user: "root".to_owned(),
            auth: Auth { keys: vec![self.key()], ..Auth::default() },
            known: KnownHosts::learn(self.known_hosts()),
            via: None,
        }
    }
}

pub fn write_private(path: &std::path::Path, text: &str) {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

pub struct Server {
    pub at: SocketAddr,
    state: Arc<State>,
    accepting: Option<AbortOnDropHandle<()>>,
}

struct State {
    manners: Manners,
    allowed: PublicKey,
    config: Arc<server::Config>,
    connections: AtomicUsize,
    refusals: AtomicUsize,
    wires: Mutex<Vec<OwnedFd>>,
    running: watch::Sender<usize>,
}

impl Server {
    pub async fn start(home: &Home, manners: Manners) -> Self {
        Self::start_at(home, manners, "127.0.0.1:0".parse().unwrap()).await
    }

    pub async fn start_at(home: &Home, manners: Manners, at: SocketAddr) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(at).unwrap();
        let listener = socket.listen(1024).unwrap();
        let at = listener.local_addr().unwrap();
        let config = server::Config {
            keys: manners.host_keys.clone(),
            auth_rejection_time: Duration::ZERO,
            nodelay: true,
            ..server::Config::default()
        };
        let state = Arc::new(State {
            manners,
            allowed: home.public.clone(),
            config: Arc::new(config),
            connections: AtomicUsize::new(0),
            refusals: AtomicUsize::new(0),
            wires: Mutex::default(),
            running: watch::channel(0).0,
        });
        let accepting = AbortOnDropHandle::new(tokio::spawn(accept(listener, state.clone())));
        Self { at, state, accepting: Some(accepting) }
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Waits until `count` commands are running.
    pub async fn running(&self, count: usize) {
        let mut running = self.state.running.subscribe();
        let waiting = running.wait_for(|n| *n == count);
        tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("commands start and end").unwrap();
    }

    /// Ends the server; its port is free afterwards.
    pub async fn stop(mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            drop(accepting.await);
        }
    }

    /// Cuts every connection without a word.
    pub fn cut(&self) {
        cut(&self.state);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.cut();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut mute = Vec::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        state.connections.fetch_add(1, Ordering::SeqCst);
        let wire = stream.as_fd().try_clone_to_owned().unwrap();
        state.wires.lock().unwrap().push(wire);
        if state.manners.mute {
            mute.push(stream);
            continue;
        }
        let state = state.clone();
        tokio::spawn(async move {
            let guest = Guest { state: state.clone(), sessions: Arc::default() };
            if let Ok(session) = server::run_stream(state.config.clone(), stream, guest).await {
                drop(session.await);
            }
        });
    }
}

/// One connection.
struct Guest {
    state: Arc<State>,
    sessions: Arc<AtomicUsize>,
}

impl Handler for Guest {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, _user: &str, key: server::VerifiedPublicKey<'_>) -> Result<server::Auth, russh::Error> {
        let refuse = key.public_key.key_data() != self.state.allowed.key_data()
            || self.state.refusals.fetch_add(1, Ordering::SeqCst) < self.state.manners.refused_logins;
        Ok(if refuse { server::Auth::reject() } else { server::Auth::Accept })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        if self.sessions.fetch_add(1, Ordering::SeqCst) >= self.state.manners.most_sessions {
            self.sessions.fetch_sub(1, Ordering::SeqCst);
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
            return Ok(());
        }
        reply.accept().await;
        let (handle, state, sessions) = (session.handle(), self.state.clone(), self.sessions.clone());
        tokio::spawn(async move {
            serve(channel, handle, &state).await;
            sessions.fetch_sub(1, Ordering::SeqCst);
        });
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _from: &str,
        _from_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        match TcpStream::connect((host, u16::try_from(port).unwrap())).await {
            Ok(mut there) => {
                reply.accept().await;
                tokio::spawn(async move {
                    drop(tokio::io::copy_bidirectional(&mut channel.into_stream(), &mut there).await);
                });
            }
            Err(_) => reply.reject(ChannelOpenFailure::ConnectFailed).await,
        }
        Ok(())
    }
}

/// One session channel: a terminal is only remembered, a command is run, a shell answers with what it is told.
async fn serve(mut channel: Channel<Msg>, handle: Handle, state: &State) {
    let id = channel.id();
    let mut terminal = None;
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::RequestPty { term, col_width, row_height, .. } => {
                terminal = Some(format!("{term} {col_width}x{row_height}"));
                handle.channel_success(id).await.unwrap();
            }
            ChannelMsg::Exec { command, .. } => {
                handle.channel_success(id).await.unwrap();
                let command = String::from_utf8(command).unwrap();
                if command == "cut" {
                    cut(state);
                } else if state.manners.builtin {
                    channel.data_bytes(command.into_bytes()).await.unwrap();
                    end(&handle, id, 0).await;
                } else {
                    state.running.send_modify(|n| *n += 1);
                    run(channel, &handle, &command).await;
                    state.running.send_modify(|n| *n -= 1);
                }
                return;
            }
            ChannelMsg::RequestShell { .. } => {
                handle.channel_success(id).await.unwrap();
                drop(shell(channel, terminal).await);
                return;
            }
            ChannelMsg::RequestSubsystem { .. } => handle.channel_failure(id).await.unwrap(),
            ChannelMsg::Close => return,
            _ => {}
        }
    }
}

fn cut(state: &State) {
    for wire in state.wires.lock().unwrap().drain(..) {
        let _ = shutdown(wire.as_raw_fd(), Shutdown::Both);
    }
}

async fn run(channel: Channel<Msg>, handle: &Handle, command: &str) {
    let id = channel.id();
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (mut read, write) = channel.split();
    // A task of its own: a command that does not read must not keep its output from being sent.
    let (feed, mut fed) = tokio::sync::mpsc::unbounded_channel::<bytes::Bytes>();
    let mut feed = Some(feed);
    let mut stdin = child.stdin.take().unwrap();
    tokio::spawn(async move {
        while let Some(data) = fed.recv().await {
            drop(stdin.write_all(&data).await);
        }
    });
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let said = async { drop(tokio::join!(write.data(&mut out), write.extended_data(1, &mut err))) };
    let mut said = std::pin::pin!(said);
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap());
    loop {
        tokio::select! {
            () = &mut said => break,
            message = read.wait() => match message {
                Some(ChannelMsg::Data { data }) => {
                    if let Some(feed) = &feed {
                        drop(feed.send(data));
                    }
                }
                Some(ChannelMsg::Eof) => feed = None,
                Some(ChannelMsg::Signal { signal: Sig::TERM }) => nix::sys::signal::kill(pid, nix::sys::signal::SIGTERM).unwrap(),
                // As sshd does, leave the command alone when its channel closes: only a signal ends it.
                Some(_) => {}
                None => return,
            },
        }
    }
    use std::os::unix::process::ExitStatusExt;
    let status = child.wait().await.unwrap();
    match (status.code(), status.signal()) {
        (Some(code), _) => end(handle, id, u32::try_from(code).unwrap()).await,
        (None, Some(_)) => {
            let _ = handle.exit_signal_request(id, Sig::TERM, false, String::new(), String::new()).await;
            let _ = handle.close(id).await;
        }
        (None, None) => unreachable!(),
    }
}

async fn end(handle: &Handle, id: ChannelId, status: u32) {
    let _ = handle.exit_status_request(id, status).await;
    let _ = handle.eof(id).await;
    let _ = handle.close(id).await;
}

async fn shell(mut channel: Channel<Msg>, terminal: Option<String>) -> Result<(), russh::Error> {
    let terminal = terminal.unwrap_or_else(|| "no terminal".to_owned());
    channel.data_bytes(format!("hello on {terminal}\r\n").into_bytes()).await?;
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } if data.as_ref() == b"exit 7\n" => {
                channel.exit_status(7).await?;
                channel.eof().await?;
                return channel.close().await;
            }
            ChannelMsg::Data { data } => channel.data_bytes([b"you said ", data.as_ref()].concat()).await?,
            ChannelMsg::WindowChange { col_width, row_height, .. } => {
                channel.data_bytes(format!("now {col_width}x{row_height}\r\n").into_bytes()).await?;
            }
            ChannelMsg::Close => return Ok(()),
            _ => {}
        }
    }
    Ok(())
}

/// A port that nobody listens on.
pub fn free_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A file's text, for assertions.
pub fn text_of(path: &std::path::Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
