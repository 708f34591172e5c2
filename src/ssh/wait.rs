//! Whether a node answers, and waiting until it does.

use std::time::{Duration, Instant};

use super::{Connection, Target, connect};
use crate::base::Cx;
use crate::model::{Class, Failure};

/// What a probe found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Probe {
    /// The server's host key, `ssh-ed25519 AAAA…`.
    pub host_key: String,
    /// Milliseconds from the first packet to the end of the login.
    pub took_ms: u64,
}

/// One attempt to connect and log in.
///
/// # Errors
/// As [`super::connect`].
pub async fn probe(target: &Target, cx: &Cx) -> Result<Probe, Failure> {
    let start = Instant::now();
    let connection = connect(target, cx).await?;
    Ok(found(&connection, start))
}

fn found(connection: &Connection, start: Instant) -> Probe {
    let took_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    Probe { host_key: connection.host_key().to_owned(), took_ms }
}

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A server that has just booted may start its SSH server before our key is in place.
const GRACE: Duration = Duration::from_secs(30);

/// Probes again and again until the node lets us in: after 50 ms first, then ever more seldom, at most every 2 s.
/// Reports the number of attempts as progress.
///
/// # Errors
/// `Transient` with the last probe's answer when the deadline passes; `Cancelled`; what cannot heal, such as a wrong
/// host key, at once; `Credentials` once the node has refused our keys for 30 s.
pub async fn wait(target: &Target, cx: &Cx) -> Result<Probe, Failure> {
    wait_with_grace(target, cx, GRACE).await
}

async fn wait_with_grace(target: &Target, cx: &Cx, grace: Duration) -> Result<Probe, Failure> {
    let mut refused_since = None;
    let mut last: Option<Failure> = None;
    for attempt in 0.. {
        let failure = match probe(target, cx).await {
            Ok(probe) => return Ok(probe),
            Err(failure) => failure,
        };
        if cx.cancel.is_cancelled() {
            return Err(failure);
        }
        if cx.deadline.is_some_and(|at| Instant::now() >= at) {
            return Err(too_late(target, last.unwrap_or(failure)));
        }
        match failure.class {
            Class::Transient | Class::Throttled => refused_since = None,
            Class::Credentials if refused_since.get_or_insert_with(Instant::now).elapsed() < grace => {}
            _ => return Err(failure),
        }
        cx.progress.progress(u64::from(attempt) + 1, None, &format!("waiting for {}: {}", target.address(), failure.got));
        if let Err(stopped) = cx.sleep("wait for SSH", pause(attempt, rand::random())).await {
            let at = target.address();
            return Err(if stopped.class == Class::Cancelled { stopped.at(at) } else { too_late(target, failure) });
        }
        last = Some(failure);
    }
    unreachable!("attempts do not run out")
}

fn too_late(target: &Target, last: Failure) -> Failure {
    let got = format!("it was not ready in time; at last: {}", last.got);
    Failure { got, class: Class::Transient, ..Failure::transient("wait for SSH", "").at(target.address()).next(last.next) }
}

/// Doubles from pause to pause; `chance` (0 to 1) takes up to a quarter off, so that many do not knock in step.
fn pause(attempt: u32, chance: f64) -> Duration {
    let full = FIRST_PAUSE.saturating_mul(1 << attempt.min(10)).min(LONGEST_PAUSE);
    full.mul_f64(1.0 - chance / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_two_seconds_and_differ() {
        assert_eq!(pause(0, 0.0), Duration::from_millis(50));
        assert_eq!(pause(3, 0.0), Duration::from_millis(400));
        assert_eq!(pause(1000, 0.0), LONGEST_PAUSE);
        assert_eq!(pause(1000, 1.0), Duration::from_millis(1500));
    }
}
