//! The daemon: the engine's process. Socket, sessions, roles, back-pressure, start and stop, signals.

mod assemble;

use std::sync::Arc;

use crate::config::{Paths, Settings};
use crate::engine::door::{CloudBook, Door};
use crate::model::Failure;

pub use assemble::engine;

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
///
/// # Errors
/// Another engine serves this home (the failure names its pid), the folders are not fit, or `build` fails.
pub async fn run<F, B>(_options: Options, _build: B) -> Result<(), Failure>
where
    B: FnOnce(Lent) -> F,
    F: Future<Output = Result<Arc<dyn Door>, Failure>>,
{
    unimplemented!("the first land shows only the shape")
}
