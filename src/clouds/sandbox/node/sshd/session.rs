//! One SSH connection: who may log in, and what the channels ask for.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use nix::pty::Winsize;
use russh::keys::PublicKey;
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session as Russh, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, ChannelWriteHalf, Error, Pty, Sig};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::program::{End, Program, Request, Running, Terminal};
use super::users::{self, User};
use super::{Host, flow, forward, sftp};

/// One channel of the connection.
struct Line {
    /// Where output goes; taken when something starts.
    writer: Option<ChannelWriteHalf<Msg>>,
    env: Vec<(String, String)>,
    terminal: Option<Terminal>,
    input: Option<flow::Sender>,
    running: Option<Running>,
    /// What serves it; when that has ended nothing of the line is needed any more.
    task: Option<JoinHandle<()>>,
    /// Fires when the line is dropped: what runs on it hears that its client is gone.
    gone: CancellationToken,
    _guard: DropGuard,
}

impl Line {
    fn new(writer: ChannelWriteHalf<Msg>) -> Self {
        let gone = CancellationToken::new();
        let guard = gone.clone().drop_guard();
        Self {
            writer: Some(writer),
            env: Vec::new(),
            terminal: None,
            input: None,
            running: None,
            task: None,
            gone,
            _guard: guard,
        }
    }

    fn ended(&self) -> bool {
        self.task.as_ref().is_some_and(JoinHandle::is_finished)
    }
}

/// See the module.
pub struct Session {
    host: Arc<Host>,
    peer: SocketAddr,
    user: Option<User>,
    gate: Arc<flow::Gate>,
    lines: HashMap<ChannelId, Line>,
}

impl Session {
    pub fn new(host: Arc<Host>, peer: SocketAddr) -> Self {
        Self { host, peer, user: None, gate: Arc::default(), lines: HashMap::new() }
    }

    /// Adds a line. The client's word that one is closed does not come when the server closed it first: so those
    /// that have ended are let go of here.
    fn add(&mut self, id: ChannelId, line: Line) {
        self.lines.retain(|_, line| !line.ended());
        self.lines.insert(id, line);
    }

    fn accepts(&self, name: &str, key: &PublicKey) -> Option<User> {
        let user = users::find(name)?;
        ((self.host.many_users || user.uid == 0) && users::may_log_in(&user, key)).then_some(user)
    }

    /// Starts a command, or a login shell, on the channel.
    fn start(&mut self, id: ChannelId, command: Option<Vec<u8>>, session: &mut Russh) -> Result<(), Error> {
        let (Some(line), Some(user)) = (self.lines.get_mut(&id), self.user.clone()) else { return session.channel_failure(id) };
        let Some(writer) = line.writer.take() else { return session.channel_failure(id) };
        let request = Request {
            user,
            env: line.env.clone(),
            terminal: line.terminal.clone(),
            command,
            connection: format!("{} {} {}", self.peer.ip(), self.peer.port(), self.host.own),
            many_users: self.host.many_users,
        };
        let handle = session.handle();
        let program = match Program::start(&request) {
            Ok(program) => program,
            Err(error) => {
                session.channel_success(id)?;
                session.extended_data(id, 1, format!("{}: {error}\r\n", request.user.shell).into_bytes())?;
                session.exit_status_request(id, 127)?;
                return session.close(id);
            }
        };
        let (sender, receiver) = flow::input(&self.gate);
        line.input = Some(sender);
        line.running = Some(program.running());
        let gone = line.gone.clone();
        let mut out = flow::Output::new(writer.make_writer(), &self.gate);
        let err = flow::Output::new(writer.make_writer_ext(Some(1)), &self.gate);
        let greet = request.command.is_none() && request.terminal.is_some();
        line.task = Some(tokio::spawn(async move {
            if greet && let Ok(motd) = tokio::fs::read_to_string("/etc/motd").await {
                let _ = out.write_all(motd.replace('\n', "\r\n").as_bytes()).await;
            }
            let end = program.attend(receiver, out, err, &gone).await;
            let _ = match end {
                End::Status(status) => handle.exit_status_request(id, status).await,
                End::Signal(signal, core) => handle.exit_signal_request(id, signal, core, String::new(), String::new()).await,
            };
            let _ = handle.eof(id).await;
            let _ = handle.close(id).await;
        }));
        session.channel_success(id)
    }
}

impl Handler for Session {
    type Error = Error;

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Error> {
        Ok(if self.accepts(user, offer.public_key).is_some() { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Error> {
        self.user = self.accepts(user, key.public_key);
        if self.user.is_none() {
            eprintln!("sshd: refused a key for {user:?} from {}", self.peer);
            return Ok(Auth::reject());
        }
        eprintln!("sshd: accepted {} for {user:?} from {}", key.public_key.fingerprint(Default::default()), self.peer);
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Russh,
    ) -> Result<(), Error> {
        // Only the writing half is kept: what comes in arrives in `data`, where waiting is under our control.
        let (_, writer) = channel.split();
        self.add(writer.id(), Line::new(writer));
        reply.accept().await;
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        session: &mut Russh,
    ) -> Result<(), Error> {
        let (_, writer) = channel.split();
        let Ok(port) = u16::try_from(port) else {
            reply.reject(ChannelOpenFailure::ConnectFailed).await;
            return Ok(());
        };
        let id = writer.id();
        let mut line = Line::new(writer);
        let Some(writer) = line.writer.take() else { return Ok(()) };
        let (sender, receiver) = flow::input(&self.gate);
        line.input = Some(sender);
        let output = flow::Output::new(writer.make_writer(), &self.gate);
        let (gone, handle, host) = (line.gone.clone(), session.handle(), host.to_owned());
        line.task = Some(tokio::spawn(async move {
            match forward::connect(&host, port).await {
                Ok(stream) => {
                    reply.accept().await;
                    forward::run(stream, receiver, output, &gone).await;
                    let _ = handle.close(id).await;
                }
                Err(_) => reply.reject(ChannelOpenFailure::ConnectFailed).await,
            }
        }));
        self.add(id, line);
        Ok(())
    }

    async fn data(&mut self, id: ChannelId, data: &[u8], session: &mut Russh) -> Result<(), Error> {
        let Some(input) = self.lines.get(&id).and_then(|line| line.input.as_ref()) else { return Ok(()) };
        if input.send(data).await.is_err() {
            self.lines.remove(&id);
            return session.close(id);
        }
        Ok(())
    }

    async fn channel_eof(&mut self, id: ChannelId, _: &mut Russh) -> Result<(), Error> {
        if let Some(line) = self.lines.get_mut(&id) {
            line.input = None;
        }
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _: &mut Russh) -> Result<(), Error> {
        self.lines.remove(&id);
        Ok(())
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        term: &str,
        cols: u32,
        rows: u32,
        width: u32,
        height: u32,
        modes: &[(Pty, u32)],
        session: &mut Russh,
    ) -> Result<(), Error> {
        let Some(line) = self.lines.get_mut(&id) else { return session.channel_failure(id) };
        line.terminal = Some(Terminal { term: term.to_owned(), size: size(cols, rows, width, height), modes: modes.to_vec() });
        session.channel_success(id)
    }

    async fn env_request(&mut self, id: ChannelId, name: &str, value: &str, session: &mut Russh) -> Result<(), Error> {
        let Some(line) = self.lines.get_mut(&id) else { return session.channel_failure(id) };
        line.env.push((name.to_owned(), value.to_owned()));
        session.channel_success(id)
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Russh) -> Result<(), Error> {
        self.start(id, None, session)
    }

    async fn exec_request(&mut self, id: ChannelId, data: &[u8], session: &mut Russh) -> Result<(), Error> {
        self.start(id, Some(data.to_vec()), session)
    }

    async fn subsystem_request(&mut self, id: ChannelId, name: &str, session: &mut Russh) -> Result<(), Error> {
        let (Some(line), Some(user)) = (self.lines.get_mut(&id), self.user.clone()) else { return session.channel_failure(id) };
        let Some(writer) = line.writer.take().filter(|_| name == "sftp") else { return session.channel_failure(id) };
        let (sender, receiver) = flow::input(&self.gate);
        line.input = Some(sender);
        let output = flow::Output::new(writer.make_writer(), &self.gate);
        let (gone, handle, many) = (line.gone.clone(), session.handle(), self.host.many_users);
        line.task = Some(tokio::spawn(async move {
            let status = tokio::select! {
                served = sftp::serve(user, many, receiver, output) => u32::from(served.is_err()),
                () = gone.cancelled() => 255,
            };
            let _ = handle.exit_status_request(id, status).await;
            let _ = handle.eof(id).await;
            let _ = handle.close(id).await;
        }));
        session.channel_success(id)
    }

    async fn window_change_request(
        &mut self,
        id: ChannelId,
        cols: u32,
        rows: u32,
        w: u32,
        h: u32,
        _: &mut Russh,
    ) -> Result<(), Error> {
        let Some(line) = self.lines.get_mut(&id) else { return Ok(()) };
        if let Some(terminal) = &mut line.terminal {
            terminal.size = size(cols, rows, w, h);
        }
        if let Some(running) = &line.running {
            running.resize(size(cols, rows, w, h));
        }
        Ok(())
    }

    async fn signal(&mut self, id: ChannelId, signal: Sig, _: &mut Russh) -> Result<(), Error> {
        if let Some(running) = self.lines.get(&id).filter(|line| !line.ended()).and_then(|line| line.running.as_ref()) {
            running.signal(&signal);
        }
        Ok(())
    }
}

fn size(cols: u32, rows: u32, width: u32, height: u32) -> Winsize {
    let small = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
    Winsize { ws_row: small(rows), ws_col: small(cols), ws_xpixel: small(width), ws_ypixel: small(height) }
}
