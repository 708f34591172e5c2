//! The process itself: its environment, its session, its end.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal};

use super::log::Log;
use crate::config::environment;
use crate::model::Failure;

/// The program and its arguments, as they were when the process began: after an upgrade the same path is the new
/// program.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    args: Vec<OsString>,
}

impl Program {
    /// This process's.
    ///
    /// # Errors
    /// `/proc` cannot be read.
    pub fn this() -> Result<Self, Failure> {
        let path =
            std::env::current_exe().map_err(|e| Failure::broken("find the program of the engine", e).at("/proc/self/exe"))?;
        Ok(Self { path, args: std::env::args_os().skip(1).collect() })
    }

    /// Replaces this process by the program anew, with a scrubbed environment. Returns only when that fails.
    ///
    /// # Errors
    /// The program is gone or cannot be executed.
    pub fn execute(&self) -> Result<Infallible, Failure> {
        let error = Command::new(&self.path).args(&self.args).env_clear().envs(environment::kept()).exec();
        Err(Failure::broken("execute the engine anew", error).at(self.path.display()).next("quarterdeck engine start"))
    }

    /// Removes from the environment what is none of the engine's business, which takes executing anew: so nothing
    /// of it is left in memory or in `/proc`.
    ///
    /// # Errors
    /// As [`Program::execute`].
    pub fn scrub(&self) -> Result<(), Failure> {
        if environment::is_scrubbed() { Ok(()) } else { self.execute().map(|never| match never {}) }
    }
}

/// Leaves the terminal and session that this process was started from; its streams lead to the log.
///
/// # Errors
/// The system refuses.
pub fn detach(log: &Log) -> io::Result<()> {
    // Refused for the first process of a session: then there is nothing to leave.
    let _ = nix::unistd::setsid();
    nix::unistd::dup2_stdin(File::open("/dev/null")?)?;
    log.take_streams()?;
    std::env::set_current_dir("/")
}

/// Takes note when children end that a former program of this process left behind, so that none stays a zombie.
pub fn reap_inherited() {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let mut children: Vec<Pid> = lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok().map(Pid::from_raw)).collect::<Vec<_>>())
        .collect();
    if children.is_empty() {
        return;
    }
    let Ok(mut ended) = signal(SignalKind::child()) else { return };
    tokio::spawn(async move {
        loop {
            children
                .retain(|pid| matches!(waitpid(*pid, Some(WaitPidFlag::WNOHANG)), Ok(nix::sys::wait::WaitStatus::StillAlive)));
            if children.is_empty() || ended.recv().await.is_none() {
                return;
            }
        }
    });
}
