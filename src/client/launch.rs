//! Starting the engine of a home.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use super::{Options, dial};
use crate::config::environment;
use crate::config::paths::HOME_VARIABLE;
use crate::model::Failure;

/// How long an engine may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// The status of an engine that found another one in its place (`daemon::HELD`).
const HELD: i32 = 75;

/// After this long without a socket an engine is started again: the one that had the lock was on its way out.
const ANEW: Duration = Duration::from_millis(300);

/// How many engines may be killed while they start before that is a failure.
const KILLS: u32 = 2;

/// Lines of the log that a failure shows.
const TAIL: usize = 8;

/// Starts the engine and waits until it listens. Two clients that do this at once end up on one engine.
///
/// # Errors
/// It died (with the end of its log), or does not listen in time.
pub async fn launch(options: &Options) -> Result<UnixStream, Failure> {
    options.paths.create()?;
    let log = options.paths.log();
    let log_start = std::fs::metadata(&log).map_or(0, |meta| meta.len());
    let started = Instant::now();
    let mut child = Some(spawn(options)?);
    let mut spawned = Instant::now();
    let mut pause = Duration::from_millis(2);
    let mut kills = 0;
    loop {
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_millis(50));
        if let Some(stream) = dial::knock(options).await? {
            return Ok(stream);
        }
        match child.as_mut().map(Child::try_wait) {
            Some(Ok(Some(status))) if status.code() == Some(HELD) => child = None,
            // Somebody killed it: that says nothing against the next one.
            Some(Ok(Some(status))) if status.signal() == Some(libc::SIGKILL) && kills < KILLS => {
                kills += 1;
                child = Some(spawn(options)?);
                spawned = Instant::now();
            }
            Some(Ok(Some(status))) => return Err(died(options, status, log_start)),
            _ => {}
        }
        if started.elapsed() > PATIENCE {
            return Err(Failure::transient("start the engine", format!("it does not listen after {} s", PATIENCE.as_secs()))
                .at(options.paths.socket().display())
                .next(format!("see {}", log.display())));
        }
        if child.is_none() && spawned.elapsed() > ANEW {
            child = Some(spawn(options)?);
            spawned = Instant::now();
        }
    }
}

/// In a session of its own, so that nothing that happens to this terminal reaches it.
fn spawn(options: &Options) -> Result<Child, Failure> {
    let program = &options.program;
    let fail = |e: io::Error| Failure::broken("start the engine", e).at(program.display());
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(options.paths.log()).map_err(fail)?;
    let mut command = Command::new(program);
    command.env_clear().envs(environment::kept());
    command.args(["engine", "run", "--detached"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    // SAFETY: between fork and exec only these two system calls are made; they touch no memory of this process.
    unsafe { command.pre_exec(leave) };
    if let Some(home) = &options.paths.home {
        command.env(HOME_VARIABLE, home);
    }
    command.spawn().map_err(fail)
}

/// Leaves the session, and whatever descriptors somebody passed on to this process.
fn leave() -> io::Result<()> {
    nix::unistd::setsid()?;
    // Kernels before 5.11 do not know the flag: then descriptors are passed on, which costs little.
    // SAFETY: marks descriptors to be closed by exec; none is closed here.
    let _ = unsafe { libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC as libc::c_int) };
    Ok(())
}

fn died(options: &Options, status: ExitStatus, log_start: u64) -> Failure {
    let log = options.paths.log();
    let said = tail(&log, log_start).unwrap_or_default();
    let got = if said.is_empty() { format!("it ended at once ({status})") } else { said };
    Failure::broken("start the engine", got).at(log.display()).next("quarterdeck engine run shows it in the foreground")
}

/// The last lines of the log that came after `start`, safe to show.
fn tail(log: &std::path::Path, start: u64) -> io::Result<String> {
    const MOST: u64 = 8_192;
    let mut file = File::open(log)?;
    let end = file.metadata()?.len();
    let start = if start > end { 0 } else { start };
    file.seek(SeekFrom::Start(start.max(end.saturating_sub(MOST))))?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(TAIL)..];
    Ok(crate::model::text::clean_lines(&last.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_what_came_after_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "old\nnew \u{1b}[31m1\nnew 2\n\n").unwrap();
        assert_eq!(tail(&path, 4).unwrap(), "new 1\nnew 2");
        assert_eq!(tail(&path, 999).unwrap(), "old\nnew 1\nnew 2", "the log began anew");
        let long: String = (0..99).map(|n| format!("line {n}\n")).collect();
        std::fs::write(&path, long).unwrap();
        assert_eq!(tail(&path, 0).unwrap().lines().next(), Some("line 91"));
    }
}
