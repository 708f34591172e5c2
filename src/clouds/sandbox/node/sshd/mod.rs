//! The SSH server of a server: exec, shell, terminal, SFTP, forwarding; one small runtime, one thread.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::socket::{Backlog, Shutdown, listen, shutdown};
use russh::keys::PrivateKey;
use russh::server::Config;
use russh::{MethodKind, MethodSet, SshId};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::boot::Birth;
use crate::clouds::sandbox::faults::{SshFaults, share};

mod flow;
mod forward;
mod modes;
mod program;
mod session;
mod sftp;
pub mod users;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 512;

/// What every session of the server needs.
pub struct Host {
    pub config: Arc<Config>,
    /// The server's own `address port`, as in `SSH_CONNECTION`.
    pub own: String,
    pub many_users: bool,
}

/// Serves until the process ends; calls `ready` when clients can connect.
///
/// # Errors
/// The host key cannot be read, or the kernel refuses the listener.
pub fn serve(birth: &Birth, ready: impl FnOnce()) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(2).build()?;
    let key = PrivateKey::from_openssh(&birth.host_key).map_err(io::Error::other)?;
    let config = Config {
        server_id: SshId::Standard("SSH-2.0-Quarterdeck_sandbox".into()),
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        auth_rejection_time: Duration::from_millis(20),
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![key],
        max_auth_attempts: 20,
        inactivity_timeout: None,
        nodelay: true,
        ..Config::default()
    };
    let record = &birth.record;
    let host = Arc::new(Host {
        config: Arc::new(config),
        own: format!("{} {}", record.address, record.port),
        many_users: record.ids.many(),
    });
    let (listener, faults) = (birth.listener.try_clone()?, birth.faults.as_ref().map(File::try_clone).transpose()?);
    runtime.block_on(accept(listener, faults, host, ready))
}

async fn accept(listener: OwnedFd, faults: Option<File>, host: Arc<Host>, ready: impl FnOnce()) -> io::Result<()> {
    let mut cuts = signal(SignalKind::user_defined1())?;
    listen(&listener, Backlog::new(BACKLOG)?)?;
    let listener = std::net::TcpListener::from(listener);
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    ready();
    let (cut_all, cut) = watch::channel(());
    let mut count = 0;
    loop {
        tokio::select! {
            _ = cuts.recv() => {
                let _ = cut_all.send(());
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    count += 1;
                    let faults = faults.as_ref().map(SshFaults::read).unwrap_or_default();
                    let cut_at = (faults.cut_ms > 0 && share(faults.seed, &host.own, count) < faults.cut_rate)
                        .then(|| Duration::from_millis(faults.cut_ms));
                    tokio::spawn(connection(stream, peer, host.clone(), cut_at, cut.clone()));
                }
                // Out of descriptors, most likely: those who wait stay in the queue.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
}

/// One connection, until it ends or a fault cuts it.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    host: Arc<Host>,
    cut_after: Option<Duration>,
    mut cut: watch::Receiver<()>,
) {
    cut.mark_unchanged();
    let _ = stream.set_nodelay(true);
    let Ok(line) = nix::unistd::dup(&stream) else { return };
    let config = host.config.clone();
    let serve = async {
        if let Ok(session) = russh::server::run_stream(config, stream, session::Session::new(host, peer)).await {
            let _ = session.await;
        }
    };
    let timer = async {
        match cut_after {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(serve);
    tokio::select! {
        () = &mut serve => return,
        () = timer => {}
        Ok(()) = cut.changed() => {}
    }
    // Both sides see the line end; the session cleans up as after any other lost line.
    let _ = shutdown(line.as_raw_fd(), Shutdown::Both);
    serve.await;
}
