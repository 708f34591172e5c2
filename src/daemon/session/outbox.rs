//! What waits to be written to one client: bounded, so that a client that does not read costs little.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::protocol::line::{self, LineError};
use crate::protocol::{Bye, FromEngine};

/// A client that lets more than this pile up is sent away, bytes. Answers alone can get there: events and live
/// state are fetched only while less than [`ROOM`] waits.
pub const LIMIT: usize = 8 << 20;

/// Events and live state are added while less than this waits, bytes.
pub const ROOM: usize = 256 << 10;

#[derive(Default)]
struct State {
    lines: VecDeque<Bytes>,
    bytes: usize,
    closed: bool,
}

/// Lines that wait to be written.
#[derive(Default)]
pub struct Outbox {
    state: Mutex<State>,
    /// A line came, or it was closed.
    filled: Notify,
    /// Lines went.
    drained: Notify,
    closed: Notify,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message; when too much waits already, the client is sent away instead.
    ///
    /// # Errors
    /// The message is too long to be sent at all.
    pub fn push(&self, message: &FromEngine) -> Result<(), LineError> {
        let lines = line::lines(message)?;
        let mut state = self.lock();
        if state.closed {
            return Ok(());
        }
        if state.bytes > LIMIT {
            drop(state);
            self.close(&Bye {
                reason: format!("this client does not read: {} MiB were waiting for it", LIMIT >> 20),
                next: "attach again".to_owned(),
                again: true,
            });
            return Ok(());
        }
        state.bytes += lines.iter().map(Bytes::len).sum::<usize>();
        state.lines.extend(lines);
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Says good-bye: nothing is added any more. What waits is still written unless it is a lot.
    pub fn close(&self, bye: &Bye) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.closed = true;
        if state.bytes > ROOM {
            state.lines.clear();
            state.bytes = 0;
        }
        // A farewell is short; if it were not, the client would see the line end, which says enough.
        if let Ok(line) = line::one_line(&FromEngine::Bye(bye.clone())) {
            state.bytes += line.len();
            state.lines.push_back(line);
        }
        drop(state);
        self.filled.notify_one();
        self.drained.notify_waiters();
        self.closed.notify_waiters();
    }

    /// Waits until there is room for events and live state; never again once it is closed.
    pub async fn room(&self) {
        loop {
            let drained = self.drained.notified();
            let closed = {
                let state = self.lock();
                if !state.closed && state.bytes < ROOM {
                    return;
                }
                state.closed
            };
            if closed {
                std::future::pending::<()>().await;
            }
            drained.await;
        }
    }

    /// Waits until it is closed.
    pub async fn until_closed(&self) {
        loop {
            let closed = self.closed.notified();
            if self.lock().closed {
                return;
            }
            closed.await;
        }
    }

    /// The next line, and whether more wait; `None` when it is closed and all is fetched.
    pub async fn next(&self) -> Option<(Bytes, bool)> {
        loop {
            {
                let mut state = self.lock();
                if let Some(line) = state.lines.pop_front() {
                    state.bytes -= line.len();
                    let more = !state.lines.is_empty();
                    let room = state.bytes < ROOM;
                    drop(state);
                    if room {
                        self.drained.notify_waiters();
                    }
                    return Some((line, more));
                }
                if state.closed {
                    return None;
                }
            }
            self.filled.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Answer;
    use crate::protocol::message::Reply;

    fn text(bytes: usize) -> FromEngine {
        FromEngine::Reply { req: 1, result: Reply::Ok(Box::new(Answer::Text("x".repeat(bytes)))) }
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_sent_away_with_the_reason() {
        let outbox = Outbox::default();
        for _ in 0..40 {
            outbox.push(&text(1 << 19)).unwrap();
        }
        let (line, more) = outbox.next().await.unwrap();
        assert!(!more, "what waited is given up");
        let FromEngine::Bye(bye) = serde_json::from_slice(&line).unwrap() else { panic!("no farewell") };
        assert!(bye.again && bye.reason.contains("8 MiB"), "{bye:?}");
        assert!(outbox.next().await.is_none());
    }

    #[tokio::test]
    async fn room_comes_back_when_lines_go() {
        let outbox = Outbox::default();
        outbox.room().await;
        outbox.push(&text(ROOM)).unwrap();
        let mut waiting = Box::pin(outbox.room());
        assert!(futures::poll!(&mut waiting).is_pending());
        outbox.next().await.unwrap();
        waiting.await;
    }

    #[tokio::test]
    async fn a_farewell_comes_after_what_waits() {
        let outbox = Outbox::default();
        outbox.push(&text(1)).unwrap();
        outbox.close(&Bye { reason: "enough".into(), next: String::new(), again: false });
        outbox.push(&text(2)).unwrap();
        outbox.until_closed().await;
        assert!(outbox.next().await.unwrap().1);
        let (bye, more) = outbox.next().await.unwrap();
        assert!(!more && bye.starts_with(br#"{"is":"bye""#));
        assert!(outbox.next().await.is_none());
    }
}
