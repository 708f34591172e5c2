//! Brings recorded events to one client, at the client's pace.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::outbox::Outbox;
use super::ranges;
use crate::engine::door::Door;
use crate::engine::feeds::{Recorded, RecordedFeed};
use crate::model::{Failure, RunNo};
use crate::protocol::message::Reply;
use crate::protocol::{Answer, FromEngine, Refusal};

/// Events that are fetched at once, at most. Those of a client that lags are many: what came later replaces most.
const BATCH: usize = 4_096;

/// A change of the runs whose steps the client wants.
pub struct Change {
    /// The request that is answered when the change is in force.
    pub req: u64,
    pub runs: Vec<RunNo>,
    pub wanted: bool,
}

/// One client's place among the recorded events.
pub struct Follow {
    door: Arc<dyn Door>,
    outbox: Arc<Outbox>,
    runs: BTreeSet<RunNo>,
    feed: RecordedFeed,
    /// The client has everything up to here.
    sent: u64,
    /// The client has to start from a snapshot.
    behind: bool,
    /// The client waits to hear how far the first range goes, even when nothing in it is for this client.
    waits: bool,
}

impl Follow {
    /// From the client's last event on, or from a snapshot when it has none.
    pub fn new(door: Arc<dyn Door>, outbox: Arc<Outbox>, since: Option<u64>) -> Self {
        let sent = since.unwrap_or(0);
        let feed = door.recorded(sent);
        Self { door, outbox, runs: BTreeSet::new(), feed, sent, behind: since.is_none(), waits: since.is_some() }
    }

    /// Sends events until the session ends.
    ///
    /// # Errors
    /// The engine cannot read its own state.
    pub async fn run(mut self, mut changes: mpsc::Receiver<Change>) -> Result<(), Failure> {
        loop {
            if self.behind {
                self.send_snapshot().await?;
            }
            let outbox = Arc::clone(&self.outbox);
            let recorded = async {
                outbox.room().await;
                self.feed.next(BATCH).await
            };
            tokio::select! {
                biased;
                change = changes.recv() => match change {
                    Some(change) => self.change(change).await?,
                    None => return Ok(()),
                },
                recorded = recorded => match recorded {
                    Recorded::Events { upto, events, .. } => self.send_events(upto, &events).await,
                    Recorded::Behind => self.behind = true,
                },
            }
        }
    }

    async fn send_events(&mut self, upto: u64, events: &[Arc<crate::protocol::Event>]) {
        let mut messages = ranges::ranges(self.sent, upto, events, &self.runs);
        if std::mem::take(&mut self.waits) && messages.is_empty() {
            messages.push(FromEngine::Events { after: self.sent, upto, events: Vec::new() });
        }
        if !messages.is_empty() {
            self.sent = upto;
        }
        self.send(messages).await;
    }

    async fn send_snapshot(&mut self) -> Result<(), Failure> {
        let state = self.door.snapshot().await?;
        self.feed = self.door.recorded(state.seq);
        self.sent = state.seq;
        (self.behind, self.waits) = (false, false);
        self.send(ranges::snapshot(state.seq, state.events)).await;
        for run in self.runs.clone() {
            self.send_steps(run).await?;
        }
        Ok(())
    }

    /// From now on the run's steps come with the other events; first, as they are.
    async fn send_steps(&mut self, run: RunNo) -> Result<(), Failure> {
        let state = self.door.snapshot_run(run).await?;
        self.send(ranges::beside(self.sent, state.events)).await;
        Ok(())
    }

    async fn change(&mut self, change: Change) -> Result<(), Failure> {
        let mut result = Reply::Ok(Box::new(Answer::Done));
        for run in change.runs {
            if !change.wanted {
                self.runs.remove(&run);
            } else if self.runs.insert(run)
                && let Err(failure) = self.send_steps(run).await
            {
                self.runs.remove(&run);
                result = Reply::Refused(Refusal::of(failure));
            }
        }
        self.send(vec![FromEngine::Reply { req: change.req, result }]).await;
        Ok(())
    }

    async fn send(&self, messages: Vec<FromEngine>) {
        for message in messages {
            self.outbox.room().await;
            if let Err(error) = self.outbox.push(&message) {
                tracing::error!(%error, "events cannot be sent");
                self.outbox.close(&super::broken_bye());
            }
        }
    }
}
