//! Connections kept for reuse.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use russh::Channel;
use russh::client::Msg;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::connection::{Connection, EXEC, ExecResult, Unopened};
use super::dial::dial;
use super::failures::CONNECT;
use super::known::KnownHosts;
use super::put::put;
use super::target::Target;
use crate::base::Cx;
use crate::model::Failure;

/// How long a connection is kept after its last use.
const IDLE: Duration = Duration::from_secs(60);
/// A server's accept queue overflows when more knock at once, and each loses a second then.
const DIALS_AT_ONCE: usize = 64;
/// OpenSSH allows ten sessions on a connection.
const SESSIONS_EACH: usize = 8;

/// Keeps connections, each for 60 s after its last use. Clones share them.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    idle: Duration,
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
    dials: Semaphore,
    /// Whether a task is there that ends idle connections.
    sweeping: Mutex<bool>,
}

impl Default for Pool {
    fn default() -> Self {
        Self::keeping(IDLE)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("kept", &self.kept()).finish_non_exhaustive()
    }
}

/// What makes two targets the same.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    host: String,
    port: u16,
    user: String,
    keys: Vec<PathBuf>,
    key_data: Option<[u8; 32]>,
    agent: Option<PathBuf>,
    known: KnownHosts,
    via: Option<Box<Key>>,
}

impl Key {
    fn of(target: &Target) -> Self {
        let auth = &target.auth;
        Self {
            host: target.host.clone(),
            port: target.port,
            user: target.user.clone(),
            keys: auth.keys.clone(),
            key_data: auth.key_data.as_ref().map(|data| Sha256::digest(data.expose_secret()).into()),
            agent: auth.agent.clone(),
            known: target.known.clone(),
            via: target.via.as_deref().map(|via| Box::new(Self::of(via))),
        }
    }
}

/// The connections to one target.
#[derive(Default)]
struct Slot {
    kept: Mutex<Vec<Kept>>,
    /// Held while a connection is chosen or made, so that nobody makes a second one for nothing.
    choosing: tokio::sync::Mutex<()>,
}

struct Kept {
    connection: Arc<Connection>,
    used: Instant,
}

impl Kept {
    /// How many use it now, connections that go through it included.
    fn users(&self) -> usize {
        Arc::strong_count(&self.connection) - 1
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Slot {
    fn pick(&self, most_users: usize) -> Option<Arc<Connection>> {
        let mut kept = locked(&self.kept);
        kept.retain(|kept| !kept.connection.is_closed());
        let free = kept.iter_mut().find(|kept| kept.users() < most_users)?;
        free.used = Instant::now();
        Some(free.connection.clone())
    }

    fn keep(&self, connection: &Arc<Connection>) {
        locked(&self.kept).push(Kept { connection: connection.clone(), used: Instant::now() });
    }

    fn discard(&self, worn: &Arc<Connection>) {
        locked(&self.kept).retain(|kept| !Arc::ptr_eq(&kept.connection, worn));
    }
}

/// What a connection is wanted for.
#[derive(Clone, Copy)]
enum Use<'a> {
    Session,
    Tunnel { host: &'a str, port: u16 },
}

impl Pool {
    /// A pool that keeps connections for `idle`.
    pub fn keeping(idle: Duration) -> Self {
        let (slots, sweeping) = Default::default();
        Self(Arc::new(Shared { idle, slots, dials: Semaphore::new(DIALS_AT_ONCE), sweeping }))
    }

    /// As [`Connection::exec`], over a kept connection when there is one. A kept connection that turns out broken
    /// before the command was sent is replaced once.
    ///
    /// # Errors
    /// As [`super::connect`] and [`Connection::exec`].
    pub async fn exec(&self, target: &Target, command: &str, stdin: Option<Bytes>, cx: &Cx) -> Result<ExecResult, Failure> {
        let (connection, channel) = self.open(target, Use::Session, cx).await?;
        connection.located(cx.run(EXEC, connection.exec_on(channel, command, stdin)).await)
    }

    /// As [`Connection::put`], over a kept connection when there is one.
    ///
    /// # Errors
    /// As [`super::connect`] and [`Connection::put`].
    pub async fn put(&self, target: &Target, path: &str, content: &[u8], mode: u32, cx: &Cx) -> Result<(), Failure> {
        let (connection, channel) = self.open(target, Use::Session, cx).await?;
        connection.located(cx.run("write a file over SSH", put(&connection, channel, path, content, mode)).await)
    }

    /// How many connections are kept now.
    pub fn kept(&self) -> usize {
        locked(&self.0.slots).values().map(|slot| locked(&slot.kept).len()).sum()
    }

    /// Lets go of all connections to a target: its server is gone or another one.
    pub fn forget(&self, target: &Target) {
        locked(&self.0.slots).remove(&Key::of(target));
    }

    /// A channel over a kept or new connection.
    async fn open(&self, target: &Target, wanted: Use<'_>, cx: &Cx) -> Result<(Arc<Connection>, Channel<Msg>), Failure> {
        let slot = locked(&self.0.slots).entry(Key::of(target)).or_default().clone();
        let (connection, was_kept) = self.connection(&slot, target, wanted, false, cx).await?;
        let first = opened(&connection, wanted, cx).await?;
        let worn = match first {
            Ok(channel) => return Ok((connection, channel)),
            Err(unopened) if unopened.worn && was_kept => connection,
            Err(unopened) => return Err(unopened.failure),
        };
        slot.discard(&worn);
        let (connection, _) = self.connection(&slot, target, wanted, true, cx).await?;
        let channel = opened(&connection, wanted, cx).await?.map_err(|unopened| unopened.failure)?;
        Ok((connection, channel))
    }

    /// A connection to `target`, and whether it had been kept.
    async fn connection(
        &self,
        slot: &Slot,
        target: &Target,
        wanted: Use<'_>,
        new: bool,
        cx: &Cx,
    ) -> Result<(Arc<Connection>, bool), Failure> {
        let _choosing = cx.run(CONNECT, async { Ok(slot.choosing.lock().await) }).await?;
        let most_users = if matches!(wanted, Use::Session) { SESSIONS_EACH } else { usize::MAX };
        if !new && let Some(connection) = slot.pick(most_users) {
            return Ok((connection, true));
        }
        let connection = Arc::new(self.dial(target, cx).await?);
        slot.keep(&connection);
        self.sweep_later();
        Ok((connection, false))
    }

    async fn dial(&self, target: &Target, cx: &Cx) -> Result<Connection, Failure> {
        let way = match &target.via {
            Some(via) => {
                let there = Use::Tunnel { host: &target.host, port: target.port };
                Some(Box::pin(self.open(via, there, cx)).await?)
            }
            None => None,
        };
        // Taken after the way is there: those who wait for the way must not keep it from being made.
        let _one = cx.run(CONNECT, async { Ok(self.0.dials.acquire().await.ok()) }).await?;
        dial(target, way, cx).await
    }

    /// Sees to it that idle connections end. No task is there while nothing is kept.
    fn sweep_later(&self) {
        let mut sweeping = locked(&self.0.sweeping);
        if !*sweeping {
            *sweeping = true;
            tokio::spawn(sweep(Arc::downgrade(&self.0), self.0.idle));
        }
    }
}

async fn opened(connection: &Connection, wanted: Use<'_>, cx: &Cx) -> Result<Result<Channel<Msg>, Unopened>, Failure> {
    let opening = async {
        Ok(match wanted {
            Use::Session => connection.session().await,
            Use::Tunnel { host, port } => connection.tunnel(host, port).await,
        })
    };
    connection.located(cx.run(EXEC, opening).await)
}

async fn sweep(pool: Weak<Shared>, idle: Duration) {
    let mut next = Instant::now() + idle;
    loop {
        tokio::time::sleep_until(next).await;
        let Some(pool) = pool.upgrade() else { return };
        match pool.drop_idle() {
            Some(earliest) => next = earliest,
            None => return,
        }
    }
}

impl Shared {
    /// Ends what has been idle for long enough; tells when to look again, if anything is left.
    fn drop_idle(&self) -> Option<Instant> {
        let mut sweeping = locked(&self.sweeping);
        let mut slots = locked(&self.slots);
        let now = Instant::now();
        let mut earliest = None;
        slots.retain(|_, slot| {
            let mut kept = locked(&slot.kept);
            for kept in kept.iter_mut().filter(|kept| kept.users() > 0) {
                kept.used = now;
            }
            kept.retain(|kept| !kept.connection.is_closed() && kept.used + self.idle > now);
            earliest = kept.iter().map(|kept| kept.used + self.idle).chain(earliest).min();
            // Somebody may be about to keep a connection here.
            !kept.is_empty() || Arc::strong_count(slot) > 1
        });
        *sweeping = earliest.is_some();
        earliest
    }
}
