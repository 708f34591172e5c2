//! Connections from a port of this computer to a place behind a server.

use std::io::ErrorKind;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use super::connection::{Connection, connect};
use super::target::Target;
use crate::base::Cx;
use crate::model::Failure;

/// Longest wait for the server to let us in.
const LIMIT: Duration = Duration::from_secs(30);
/// SSH connections that are kept for the next who come, at most.
const KEPT: usize = 4;

/// Pause after a connection could not be taken: out of file descriptors, asking again at once would only burn the
/// processor.
const PAUSE: Duration = Duration::from_millis(100);

/// A port on the loopback address that takes connections.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    port: u16,
}

/// A connection that somebody made to the port.
#[derive(Debug)]
pub struct Caller(TcpStream);

impl Listener {
    /// Listens on this port, or on any that is free (0).
    ///
    /// # Errors
    /// `Refused`: the port is taken, or not for everybody.
    pub async fn bind(port: u16) -> Result<Self, Failure> {
        let refused = |e: std::io::Error| {
            let failure = Failure::refused("listen for connections to forward", &e).at(format!("127.0.0.1:{port}"));
            match e.kind() {
                ErrorKind::AddrInUse => failure.next("choose another local port (0: any): LOCAL:HOST:PORT"),
                ErrorKind::PermissionDenied => failure.next("choose a local port above 1023: LOCAL:HOST:PORT"),
                _ => failure,
            }
        };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(refused)?;
        let port = listener.local_addr().map_err(refused)?.port();
        Ok(Self { listener, port })
    }

    /// The port that it really has.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next who connects. Cancel-safe.
    pub async fn next(&self) -> Caller {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    // Small answers are not to wait for more.
                    let _ = stream.set_nodelay(true);
                    return Caller(stream);
                }
                Err(e) => {
                    tracing::warn!(port = self.port, %e, "a forwarded port does not take connections");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// Leads connections through one server. Each has an SSH connection of its own while it lasts: on a shared one, a
/// program that does not read would hold up the others.
#[derive(Debug, Default)]
pub struct Forwarder {
    idle: Mutex<Vec<Connection>>,
}

impl Forwarder {
    /// Carries one connection to `host:port`, as the server reaches it, until either side ends it. Bytes that went
    /// there and that came back.
    ///
    /// # Errors
    /// The server does not let us in, or cannot reach the place; `Transient` when the connection broke on the way.
    pub async fn carry(&self, target: &Target, host: &str, port: u16, caller: Caller) -> Result<(u64, u64), Failure> {
        let (connection, channel) = loop {
            let kept = self.take();
            let fresh = kept.is_none();
            let connection = match kept {
                Some(connection) => connection,
                None => connect(target, &Cx::quiet().within(LIMIT)).await?,
            };
            match connection.tunnel(host, port).await {
                Ok(channel) => break (connection, channel),
                // It was cut while nobody used it.
                Err(unopened) if unopened.worn && !fresh => {}
                Err(unopened) => {
                    if !unopened.worn {
                        self.keep(connection);
                    }
                    return Err(unopened.failure);
                }
            }
        };
        let (Caller(mut near), mut far) = (caller, channel.into_stream());
        let carried = copy_bidirectional(&mut near, &mut far).await;
        drop(far);
        self.keep(connection);
        carried.map_err(|e| Failure::transient(format!("carry a connection to {host}:{port}"), e))
    }

    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| !connection.is_closed());
        idle.pop()
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT && !connection.is_closed() {
            idle.push(connection);
        }
    }
}
