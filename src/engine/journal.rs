//! The one way in which anything becomes true: written to the store first, then folded into the state, then told.
//!
//! One task does it, so the state and every listener see events in the order of their numbers; what waits in
//! the queue meanwhile goes into the same transaction.

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::feeds::{Recent, RecordedFeed};
use super::state::State;
use crate::model::Failure;
use crate::protocol::{Event, EventBody};
use crate::store::Store;

/// Events kept in memory for listeners; one that is further behind takes a snapshot.
const RECENT: usize = 8192;
/// Most events of one transaction.
const BATCH: usize = 2000;
/// Between two tries when the disk is full.
const FULL_PAUSE: Duration = Duration::from_millis(500);

struct Entry {
    bodies: Vec<EventBody>,
    idem: Option<(Uuid, serde_json::Value)>,
    done: oneshot::Sender<Result<(), Failure>>,
}

/// See the module.
#[derive(Clone)]
pub struct Journal {
    state: Arc<RwLock<State>>,
    queue: mpsc::UnboundedSender<Entry>,
    recent: Arc<Recent>,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Journal {
    /// Starts the task; `state` is what the store holds, `last` the newest events in it.
    pub fn start(store: Store, state: State, last: Vec<Event>) -> Self {
        let (queue, entries) = mpsc::unbounded_channel();
        let recent = Recent::new(state.seq, last, RECENT);
        let journal = Self { state: Arc::new(RwLock::new(state)), queue, recent, trouble: Arc::new(Mutex::new(None)) };
        tokio::spawn(journal.clone().write(store, entries));
        journal
    }

    /// Makes `bodies` true, all or none; returns once they are durable.
    ///
    /// # Errors
    /// The store cannot write. A full disk is no error: the call waits until there is room.
    pub async fn commit(&self, bodies: Vec<EventBody>) -> Result<(), Failure> {
        self.commit_once(bodies, None).await
    }

    /// The same, and remembers the answer to a request under its idempotency key in the same transaction.
    ///
    /// # Errors
    /// As [`Journal::commit`].
    pub async fn commit_once(&self, bodies: Vec<EventBody>, idem: Option<(Uuid, serde_json::Value)>) -> Result<(), Failure> {
        if bodies.is_empty() && idem.is_none() {
            return Ok(());
        }
        let (done, answer) = oneshot::channel();
        let gone = || Failure::broken("write to the store", "the engine is stopping");
        self.queue.send(Entry { bodies, idem, done }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// The state now.
    pub fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader of all events after `after`.
    pub fn feed(&self, after: u64) -> RecordedFeed {
        self.recent.feed(after)
    }

    /// What keeps the journal from writing, when something does.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn write(self, store: Store, mut entries: mpsc::UnboundedReceiver<Entry>) {
        while let Some(first) = entries.recv().await {
            let mut batch = vec![first];
            let mut size = batch[0].bodies.len();
            // A request's key goes into a transaction of its own.
            while batch[0].idem.is_none() && size < BATCH {
                match entries.try_recv() {
                    Ok(entry) if entry.idem.is_none() => {
                        size += entry.bodies.len();
                        batch.push(entry);
                    }
                    Ok(entry) => {
                        self.append(&store, std::mem::take(&mut batch)).await;
                        batch.push(entry);
                        break;
                    }
                    Err(_) => break,
                }
            }
            self.append(&store, batch).await;
        }
    }

    async fn append(&self, store: &Store, batch: Vec<Entry>) {
        let mut bodies = Vec::new();
        let mut idem = None;
        let mut waiting = Vec::with_capacity(batch.len());
        for entry in batch {
            bodies.extend(entry.bodies);
            idem = idem.or(entry.idem);
            waiting.push(entry.done);
        }
        let result = self.append_when_there_is_room(store, bodies, idem).await;
        for done in waiting {
            // The caller may have gone away; what it wanted is true all the same.
            let _ = done.send(result.clone());
        }
    }

    async fn append_when_there_is_room(
        &self,
        store: &Store,
        bodies: Vec<EventBody>,
        idem: Option<(Uuid, serde_json::Value)>,
    ) -> Result<(), Failure> {
        loop {
            match store.append(bodies.clone(), idem.clone()).await {
                Ok(events) => {
                    self.set_trouble(None);
                    {
                        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                        for event in &events {
                            state.apply(event);
                        }
                    }
                    self.recent.publish(events);
                    return Ok(());
                }
                Err(failure) if crate::store::is_full(&failure) => {
                    tracing::error!(%failure, "no room for the journal; waiting");
                    self.set_trouble(Some(failure.line()));
                    tokio::time::sleep(FULL_PAUSE).await;
                }
                Err(failure) => {
                    tracing::error!(%failure, "the journal cannot be written");
                    self.set_trouble(Some(failure.line()));
                    return Err(failure);
                }
            }
        }
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}
