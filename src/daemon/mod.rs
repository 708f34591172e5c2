//! The daemon: the engine's process. Socket, sessions, roles, back-pressure, start and stop, signals.

mod assemble;
mod book;
mod hall;
mod idle;
mod lock;
mod log;
mod process;
mod session;
mod socket;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::UnixStream;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tracing_subscriber::EnvFilter;

pub use self::assemble::engine;
pub use self::book::Book;
pub use self::hall::{Ending, Hall, Peer};
use self::idle::Idle;
use self::lock::{Lock, NoLock};
use self::log::Log;
use self::process::Program;
pub use self::session::serve;
use self::socket::Sockets;
use crate::config::{Paths, Settings};
use crate::engine::door::{CloudBook, Door};
use crate::model::Failure;
use crate::protocol::Role;
use crate::protocol::command::StopMode;

/// A detached process ends with this status when another engine has the lock.
pub const HELD: i32 = 75;

/// Between two looks at whether anybody needs the engine, and whether its home is still there. Tests of a debug
/// build look sooner: `QUARTERDECK_TEST_LOOK` in milliseconds.
fn between_looks() -> Duration {
    let test = std::env::var("QUARTERDECK_TEST_LOOK").ok().filter(|_| cfg!(debug_assertions));
    test.and_then(|ms| ms.parse().ok()).map_or(Duration::from_secs(60), Duration::from_millis)
}

/// How long the engine may take to come to rest.
const DRAIN: Duration = Duration::from_secs(20);

/// How the process is to run.
#[derive(Clone, Debug)]
pub struct Options {
    pub paths: Paths,
    /// In a session of its own, with its log in a file; else in the foreground, with its log on stderr.
    pub detached: bool,
}

/// What the daemon hands to whoever builds the engine.
pub struct Lent {
    pub paths: Paths,
    pub settings: Settings,
    pub clouds: Arc<dyn CloudBook>,
}

/// Runs the engine of a home until it is stopped: takes the lock, lets `build` make the engine, serves clients.
/// Call it first thing in a process of its own: it may execute the program anew.
///
/// # Errors
/// Another engine serves this home (the failure names its pid), the folders are not fit, or `build` fails.
pub async fn run<F, B>(options: Options, build: B) -> Result<(), Failure>
where
    B: FnOnce(Lent) -> F,
    F: Future<Output = Result<Arc<dyn Door>, Failure>>,
{
    let program = Program::this()?;
    program.scrub()?;
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    let paths = options.paths;
    paths.create()?;
    let settings = Settings::load(&paths)?;
    let lock = match Lock::take(&paths.lock()) {
        Ok(lock) => lock,
        Err(NoLock::Held(_)) if options.detached => std::process::exit(HELD),
        Err(NoLock::Held(failure) | NoLock::Broken(failure)) => return Err(failure),
    };
    start_log(&paths, &settings, options.detached)?;
    process::reap_inherited();
    let idle = Idle::new(settings.idle_hours.value);
    let clouds = Arc::new(Book::of(&paths));
    let door = build(Lent { paths: paths.clone(), settings: settings.clone(), clouds }).await?;
    let sockets = Sockets::open(&paths, &settings)?;
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!(pid = std::process::id(), version, state = %paths.state.display(), "the engine serves this home");
    let ending = Daemon { hall: Hall::new(door), paths: &paths, lock: &lock, idle }.serve(sockets).await?;
    if lock.in_place() {
        let _ = std::fs::remove_file(paths.socket());
    }
    tracing::info!(?ending, "the engine ends");
    match ending {
        // The lock goes with this program and is taken again by the next, which has the same pid.
        Ending::Restart { .. } => program.execute().map(|never| match never {}),
        _ => Ok(()),
    }
}

fn start_log(paths: &Paths, settings: &Settings, detached: bool) -> Result<(), Failure> {
    let fail = |e: std::io::Error| Failure::broken("open the engine's log", e).at(paths.log().display());
    let (filter, odd) = match EnvFilter::try_new(&settings.log.value) {
        Ok(filter) => (filter, None),
        Err(e) => (EnvFilter::new("info"), Some(e)),
    };
    let format = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_target(true);
    // One subscriber a process: in a test there may be one already.
    let _ = if detached {
        let log = Arc::new(Log::open(&paths.log()).map_err(fail)?);
        process::detach(&log).map_err(fail)?;
        format.with_writer(log).try_init()
    } else {
        format.with_writer(std::io::stderr).try_init()
    };
    std::panic::set_hook(Box::new(|panic| {
        let trace = std::backtrace::Backtrace::force_capture();
        tracing::error!("{panic}\n{trace}");
    }));
    if let Some(e) = odd {
        tracing::warn!(origin = %settings.log.origin, "the log filter makes no sense, info is used: {e}");
    }
    Ok(())
}

struct Daemon<'a> {
    hall: Arc<Hall>,
    paths: &'a Paths,
    lock: &'a Lock,
    idle: Idle,
}

impl Daemon<'_> {
    /// Serves clients until the end.
    async fn serve(mut self, sockets: Sockets) -> Result<Ending, Failure> {
        let hear = |kind| signal(kind).map_err(|e| Failure::broken("listen to signals", e));
        let (mut terminate, mut interrupt) = (hear(SignalKind::terminate())?, hear(SignalKind::interrupt())?);
        // A terminal that closes is no reason to end; neither is it left to the default, which would.
        let mut hangup = hear(SignalKind::hangup())?;
        let pause = between_looks();
        let mut look = tokio::time::interval_at(tokio::time::Instant::now() + pause, pause);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sessions = JoinSet::new();
        let ending = loop {
            tokio::select! {
                accepted = sockets.accept() => match accepted {
                    Ok((stream, role)) => self.let_in(stream, role, &mut sessions),
                    Err(error) => {
                        tracing::warn!(%error, "a client could not be let in");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
                Some(session) = sessions.join_next() => note(session),
                ending = self.hall.ended() => break ending,
                () = first(&mut terminate, &mut interrupt) => self.drain(Ending::Stop { by: "a signal".to_owned() }),
                _ = hangup.recv() => tracing::info!("a hang-up is ignored"),
                _ = look.tick() => self.look(),
            }
        };
        drop(sockets);
        let farewell = async {
            while let Some(session) = sessions.join_next().await {
                note(session)
            }
        };
        if tokio::time::timeout(Duration::from_secs(3), farewell).await.is_err() {
            tracing::info!("some clients did not leave");
        }
        Ok(ending)
    }

    fn let_in(&self, stream: UnixStream, role: Role, sessions: &mut JoinSet<()>) {
        match stream.peer_cred() {
            Ok(peer) => {
                let peer = Peer { uid: peer.uid(), role };
                sessions.spawn(serve(Arc::clone(&self.hall), stream, peer));
            }
            Err(error) => tracing::warn!(%error, "a client without an account"),
        }
    }

    /// Brings the engine to rest beside the loop, then ends.
    fn drain(&self, ending: Ending) {
        let hall = Arc::clone(&self.hall);
        tokio::spawn(async move {
            match tokio::time::timeout(DRAIN, hall.door.drain(None, StopMode::Now)).await {
                Ok(Ok(())) => {}
                Ok(Err(refusal)) => tracing::warn!(failure = %refusal.failure, "the engine did not come to rest"),
                Err(_) => tracing::warn!("the engine did not come to rest in time"),
            }
            hall.end(ending);
        });
    }

    fn look(&mut self) {
        if !self.lock.in_place() || !is_dir(&self.paths.data) {
            return self.hall.end(Ending::Vanished);
        }
        let quiet = self.hall.clients() == 0 && !self.hall.door.busy();
        if self.idle.look(quiet, Instant::now()) {
            self.drain(Ending::Idle);
        }
    }
}

fn is_dir(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.is_dir())
}

async fn first(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

/// An error in one session ends that session only.
fn note(session: Result<(), tokio::task::JoinError>) {
    if let Err(error) = session
        && error.is_panic()
    {
        tracing::error!(%error, "a session met an error");
    }
}
