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

const WAIT: &str = "wait for SSH";
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
    let mut refused_since = None;
    let mut last: Option<Failure> = None;
    let mut attempt = 0;
    loop {
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
        if failure.class == Class::Credentials {
            refused_since.get_or_insert_with(Instant::now);
        }
        if lasts(failure.class, refused_since.map_or(Duration::ZERO, |since: Instant| since.elapsed())) {
            return Err(failure);
        }
        cx.progress.progress(u64::from(attempt) + 1, None, &format!("waiting for {}: {}", target.address(), failure.got));
        if let Err(stopped) = cx.sleep(WAIT, pause(attempt, rand::random())).await {
            let at = target.address();
            return Err(if stopped.class == Class::Cancelled { stopped.at(at) } else { too_late(target, failure) });
        }
        last = Some(failure);
        attempt = attempt.saturating_add(1);
    }
}

/// Whether waiting cannot help: what is wrong is wrong for good, or our keys have been refused for long enough.
fn lasts(class: Class, refused_for: Duration) -> bool {
    match class {
        Class::Transient | Class::Throttled => false,
        Class::Credentials => refused_for >= GRACE,
        _ => true,
    }
}

fn too_late(target: &Target, last: Failure) -> Failure {
    Failure::transient(WAIT, format!("it was not ready in time; at last: {}", last.got)).at(target.address()).next(last.next)
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

    #[test]
    fn only_what_may_pass_is_waited_for() {
        assert!(!lasts(Class::Transient, GRACE * 9));
        assert!(!lasts(Class::Credentials, GRACE / 2));
        assert!(lasts(Class::Credentials, GRACE));
        assert!(lasts(Class::Refused, Duration::ZERO));
        assert!(lasts(Class::NotFound, Duration::ZERO));
    }
}
