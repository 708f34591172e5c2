//! The sockets that clients come through.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use nix::unistd::{Group, chown, geteuid};
use tokio::net::{UnixListener, UnixStream};

use crate::config::paths::SocketPath;
use crate::config::{Paths, Settings};
use crate::model::Failure;
use crate::protocol::{Role, SOCKET, WATCH_SOCKET};

/// What clients are let in by.
pub struct Sockets {
    operators: UnixListener,
    /// For people of other accounts, who may only look.
    watchers: Option<UnixListener>,
}

impl Sockets {
    /// Opens the operators' socket, and the watchers' where the settings name a folder.
    ///
    /// # Errors
    /// A socket cannot be bound; the watchers' folder is not fit.
    pub fn open(paths: &Paths, settings: &Settings) -> Result<Self, Failure> {
        let watchers = match (&settings.watch_dir.value, &settings.watch_group.value) {
            (Some(dir), Some(group)) => Some(for_watchers(dir, group).map_err(|failure| match failure.at.is_empty() {
                true => failure.at(&settings.watch_dir.origin),
                false => failure,
            })?),
            _ => None,
        };
        // Last: a client that finds this socket finds an engine that is going to serve.
        let operators = bind(&paths.state, SOCKET, 0o600)?;
        Ok(Self { operators, watchers })
    }

    /// The next client, and the most that its socket lets it do. Cancel-safe.
    ///
    /// # Errors
    /// The system has no room for it.
    pub async fn accept(&self) -> io::Result<(UnixStream, Role)> {
        let watcher = async {
            match &self.watchers {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = self.operators.accept() => accepted.map(|(stream, _)| (stream, Role::Operator)),
            accepted = watcher => accepted.map(|(stream, _)| (stream, Role::Watcher)),
        }
    }
}

/// Whoever holds the lock owns the path: a socket that is there is a dead engine's.
fn bind(dir: &Path, name: &str, mode: u32) -> Result<UnixListener, Failure> {
    let bind = || -> io::Result<UnixListener> {
        let short = SocketPath::of(dir, name)?;
        match fs::remove_file(short.path()) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let listener = UnixListener::bind(short.path())?;
        fs::set_permissions(short.path(), Permissions::from_mode(mode))?;
        Ok(listener)
    };
    bind().map_err(|e| Failure::broken("open the engine's socket", e).at(dir.join(name).display()))
}

fn for_watchers(dir: &Path, group: &str) -> Result<UnixListener, Failure> {
    const TRIED: &str = "open the watchers' socket";
    let refused = |got: String, next: String| Failure::refused(TRIED, got).at(dir.display()).next(next);
    let gid = match Group::from_name(group) {
        Ok(Some(group)) => group.gid,
        _ => return Err(Failure::refused(TRIED, format!("there is no group {group}")).next("correct watch.group")),
    };
    let meta = fs::metadata(dir).map_err(|e| refused(e.to_string(), "make the folder, or correct watch.dir".to_owned()))?;
    // Whoever can replace the socket could pose as the engine.
    if ![0, geteuid().as_raw()].contains(&meta.uid()) || meta.mode() & 0o022 != 0 {
        return Err(refused("other accounts can write there".to_owned(), format!("chmod go-w {}", dir.display())));
    }
    let listener = bind(dir, WATCH_SOCKET, 0o660)?;
    let failed =
        |e: nix::Error| Failure::refused(TRIED, e.desc()).at(dir.display()).next(format!("be a member of the group {group}"));
    chown(&dir.join(WATCH_SOCKET), None, Some(gid)).map_err(failed)?;
    Ok(listener)
}
