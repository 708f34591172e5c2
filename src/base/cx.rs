//! The context of a call to an adapter: plain traits, so that an adapter never knows the engine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::clock::{Clock, SystemClock};
use crate::model::Failure;

/// Hears how far a call is.
pub trait Progress: Send + Sync {
    /// `done` of `total` (bytes, servers, layers); `what` is for people.
    fn progress(&self, done: u64, total: Option<u64>, what: &str);
}

/// Hears what a call has to say, line by line.
pub trait Output: Send + Sync {
    /// One line, without its line feed.
    fn line(&self, text: &str);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn progress(&self, _done: u64, _total: Option<u64>, _what: &str) {}
}

impl Output for Silent {
    fn line(&self, _text: &str) {}
}

/// What an adapter is handed with every call.
#[derive(Clone)]
pub struct Cx {
    pub progress: Arc<dyn Progress>,
    pub output: Arc<dyn Output>,
    /// Fires when the call is to stop; every wait of an adapter ends then.
    pub cancel: CancellationToken,
    /// When the call is to give up.
    pub deadline: Option<Instant>,
    /// 1 for the first attempt.
    pub attempt: u32,
    pub clock: Arc<dyn Clock>,
}

impl Cx {
    /// A context that nobody listens to, without deadline.
    pub fn quiet() -> Self {
        Self {
            progress: Arc::new(Silent),
            output: Arc::new(Silent),
            cancel: CancellationToken::new(),
            deadline: None,
            attempt: 1,
            clock: Arc::new(SystemClock),
        }
    }

    /// The same with a deadline `limit` from now, unless an earlier one is set.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        let at = Instant::now() + limit;
        Self { deadline: Some(self.deadline.map_or(at, |d| d.min(at))), ..self.clone() }
    }

    /// Runs `work` until it ends, the call is cancelled, or the deadline passes.
    ///
    /// # Errors
    /// The work's own failure; `Cancelled`; `Transient` when the deadline passed.
    pub async fn run<T>(&self, tried: &str, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let deadline = async {
            match self.deadline {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Failure::cancelled(tried)),
            result = work => result,
            () = deadline => Err(Failure::transient(tried, "no answer within the time allowed")),
        }
    }

    /// Waits, unless cancelled or out of time.
    ///
    /// # Errors
    /// As [`Cx::run`].
    pub async fn sleep(&self, tried: &str, time: Duration) -> Result<(), Failure> {
        self.run(tried, async {
            tokio::time::sleep(time).await;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Class;

    #[tokio::test(start_paused = true)]
    async fn a_call_ends_at_its_deadline_or_when_cancelled() {
        let cx = Cx::quiet().within(Duration::from_secs(5));
        let late = cx.sleep("wait", Duration::from_secs(9)).await.unwrap_err();
        assert_eq!(late.class, Class::Transient);
        let cx = Cx::quiet();
        cx.cancel.cancel();
        let stopped = cx.sleep("wait", Duration::from_secs(9)).await.unwrap_err();
        assert_eq!(stopped.class, Class::Cancelled);
    }
}
