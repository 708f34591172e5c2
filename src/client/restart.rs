//! Putting this program's engine in the place of the one that runs.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::net::UnixStream;

use super::{Options, connect, dial};
use crate::model::{Class, Failure};
use crate::protocol::{Command, Welcome};

const TRIED: &str = "restart the engine";

/// How long the new engine may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// An engine that executes itself anew is back within this time; after it, one is started.
const GRACE: Duration = Duration::from_secs(3);

/// Restarts the engine of a home and waits until the new one answers; starts one when there is none. An engine
/// that speaks another version is stopped, and this program's is started.
///
/// # Errors
/// As [`connect`], or the engine refuses.
pub async fn restart(options: &Options) -> Result<Welcome, Failure> {
    let options = Options { start_engine: true, follow: false, ..options.clone() };
    let before = match dial::knock(&options).await? {
        Some(io) => end(&options, io).await?,
        None => None,
    };
    let started = Instant::now();
    loop {
        let attached = attach(&options, before.is_none() || started.elapsed() > GRACE).await;
        let late = started.elapsed() > PATIENCE;
        match attached {
            Ok(welcome) if before.as_ref() != Some(&welcome.instance) => return Ok(welcome),
            Ok(_) if late => {
                return Err(Failure::transient(TRIED, "the old engine is still there").next("quarterdeck engine stop"));
            }
            // Sent away: the old one is still there. Nobody: the new one is not there yet.
            Err(failure) if late || !(failure.heals() || matches!(failure.class, Class::NotFound | Class::Refused)) => {
                return Err(failure);
            }
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Asks the engine to end; its instance when it comes back by itself.
async fn end(options: &Options, io: UnixStream) -> Result<Option<String>, Failure> {
    let pid = io.peer_cred().ok().and_then(|peer| peer.pid());
    match dial::greet(io, &options.hello(None)).await {
        Ok((_, welcome)) => {
            let client = connect(Options { start_engine: false, ..options.clone() }).await?;
            client.request(Command::Restart).await.map_err(|refusal| refusal.failure)?;
            Ok(Some(welcome.instance))
        }
        // A version that does not understand commands of this one still understands a signal.
        Err(failure) if failure.class == Class::Refused => {
            let pid = pid.ok_or(failure)?;
            kill(Pid::from_raw(pid), Signal::SIGTERM).map_err(|e| Failure::broken(TRIED, e).at(format!("pid {pid}")))?;
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

async fn attach(options: &Options, start: bool) -> Result<Welcome, Failure> {
    let io = dial::dial(options, start).await?;
    Ok(dial::greet(io, &options.hello(None)).await?.1)
}
