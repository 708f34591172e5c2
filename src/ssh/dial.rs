//! From an address to a session that is logged in.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use russh::client::{self, ChannelOpenHandle, Config, DisconnectReason, Handle, Handler, Msg, Session};
use russh::keys::{Algorithm, PublicKeyOrCertificate};
use russh::{Channel, Preferred, SshId};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::connection::Connection;
use super::failures::{Broke, closed, handshake, reason, silent, unreachable};
use super::keys::Proofs;
use super::known::{Pins, plain_line};
use super::login::log_in;
use super::target::Target;
use crate::base::Cx;
use crate::model::Failure;
use crate::model::text::clean;

/// For the TCP connection, and again for banner and key exchange.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// For the login; an agent may ask a person to touch a key.
const LOGIN_LIMIT: Duration = Duration::from_secs(20);
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVES: usize = 3;

trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// A connection to another server, and a channel through it to the target.
pub(super) type Way = (Arc<Connection>, Channel<Msg>);

/// Connects to `target`, by `way` when it is given, and logs in.
pub(super) async fn dial(target: &Target, way: Option<Way>, cx: &Cx) -> Result<Connection, Failure> {
    let (via, channel) = way.unzip();
    let work = async {
        let proofs = Proofs::load(&target.auth).await?;
        let pins = target.known.pins(&target.host, target.port).await?;
        let wire: Box<dyn Wire> = match channel {
            Some(channel) => Box::new(channel.into_stream()),
            None => Box::new(tcp(target).await?),
        };
        let link = Arc::new(Link::default());
        let config = config(&pins);
        let client = Client { target: target.clone(), pins, link: link.clone(), _gone: link.gone.clone().drop_guard() };
        let session = timeout(CONNECT_LIMIT, client::connect_stream(config, wire, client)).await;
        let mut handle = session
            .map_err(|_| silent(target, "a connection was made, but no SSH server spoke", CONNECT_LIMIT))?
            .map_err(|broke| handshake(target, broke))?;
        timeout(LOGIN_LIMIT, log_in(&mut handle, &link, target, &proofs))
            .await
            .map_err(|_| silent(target, "the login was not answered", LOGIN_LIMIT))??;
        Ok((handle, link))
    };
    let (handle, link) = cx.run(super::failures::CONNECT, work).await.map_err(|f| located(f, target))?;
    Ok(Connection::new(target.address(), handle, link, via))
}

/// Failures of the context do not know where.
fn located(failure: Failure, target: &Target) -> Failure {
    if failure.at.is_empty() { failure.at(target.address()) } else { failure }
}

async fn tcp(target: &Target) -> Result<TcpStream, Failure> {
    let stream = timeout(CONNECT_LIMIT, TcpStream::connect((target.host.as_str(), target.port)))
        .await
        .map_err(|_| silent(target, "no answer", CONNECT_LIMIT))?
        .map_err(|e| unreachable(target, &e))?;
    // Else every small packet waits for the acknowledgement of the one before it.
    stream.set_nodelay(true).map_err(|e| unreachable(target, &e))?;
    Ok(stream)
}

fn config(pins: &Pins) -> Arc<Config> {
    Arc::new(Config {
        client_id: SshId::Standard(Cow::Borrowed(concat!("SSH-2.0-quarterdeck_", env!("CARGO_PKG_VERSION")))),
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: KEEPALIVES,
        // Answers to keepalives count as activity; this ends what never got as far as a login.
        inactivity_timeout: Some(KEEPALIVE * 5),
        preferred: preferred(pins),
        ..Config::default()
    })
}

/// Algorithms with a pinned key come first: a server with several keys shows the one that we know.
fn preferred(pins: &Pins) -> Preferred {
    let mut preferred = Preferred::default();
    let pinned = pins.algorithms();
    let mut key = preferred.key.to_vec();
    // Signatures with SHA-1 prove nothing any more.
    key.retain(|algorithm| *algorithm != Algorithm::Rsa { hash: None });
    let same = |a: &Algorithm, b: &Algorithm| a == b || matches!((a, b), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }));
    key.sort_by_key(|algorithm| !pinned.iter().any(|pinned| same(pinned, algorithm)));
    if pins.has_authorities() {
        preferred.host_key_certificates = Cow::Owned(key.clone());
    }
    preferred.key = Cow::Owned(key);
    preferred
}

/// What both a connection and its session's handler know.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// Fires when the session has ended.
    pub gone: CancellationToken,
    end: OnceLock<End>,
    host_key: OnceLock<String>,
}

/// How a session ended.
#[derive(Debug)]
enum End {
    /// The server's last words.
    Said(String),
    Broke(String),
}

impl Link {
    /// The host key, `ssh-ed25519 AAAA…`.
    pub fn host_key(&self) -> &str {
        self.host_key.get().map_or("", String::as_str)
    }

    /// What the server gave as its reason to end the session.
    pub fn last_words(&self) -> Option<&str> {
        match self.end.get() {
            Some(End::Said(words)) => Some(words),
            _ => None,
        }
    }

    /// The connection to `at` broke while `tried` was under way.
    pub fn lost(&self, at: &str, tried: &str) -> Failure {
        match self.end.get() {
            Some(End::Said(words)) => closed(at, tried, &format!("the server says: {words}")),
            Some(End::Broke(why)) => closed(at, tried, why),
            None => closed(at, tried, "the server closed the connection"),
        }
    }
}

/// Our side of a session: checks the host key, opens nothing that the server asks for.
pub(super) struct Client {
    target: Target,
    pins: Pins,
    link: Arc<Link>,
    _gone: DropGuard,
}

impl Handler for Client {
    type Error = Broke;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Broke> {
        let line = plain_line(&shown.public_key()).unwrap_or_default();
        if let Some(first) = self.link.host_key.get() {
            // A renewal of the session's keys.
            return Ok(*first == line);
        }
        let Target { host, port, known, .. } = &self.target;
        known.check(&self.pins, host, *port, shown).await.map_err(|failure| Broke::Refused(Box::new(failure)))?;
        Ok(self.link.host_key.set(line).is_ok())
    }

    async fn disconnected(&mut self, reason_given: DisconnectReason<Broke>) -> Result<(), Broke> {
        let end = match &reason_given {
            DisconnectReason::ReceivedDisconnect(info) => End::Said(clean(&info.message).into_owned()),
            DisconnectReason::Error(Broke::Wire(error)) => End::Broke(reason(error)),
            DisconnectReason::Error(Broke::Refused(failure)) => End::Broke(failure.got.clone()),
        };
        self.link.end.get_or_init(|| end);
        match reason_given {
            DisconnectReason::ReceivedDisconnect(_) => Ok(()),
            DisconnectReason::Error(error) => Err(error),
        }
    }

    // A handle that is dropped rejects the channel.

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _address: &str,
        _port: u32,
        _from: &str,
        _from_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Broke> {
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _path: &str,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Broke> {
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _channel: Channel<Msg>,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Broke> {
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Broke> {
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _host: &str,
        _port: u32,
        _from: &str,
        _from_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Broke> {
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _path: &str,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Broke> {
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _channel: Channel<Msg>,
        _from: &str,
        _from_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Broke> {
        Ok(())
    }
}

/// A session that is logged in.
pub(super) type SessionHandle = Handle<Client>;
