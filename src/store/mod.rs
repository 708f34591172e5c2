//! The durable state of a home: recorded events, what they add up to, and the output of steps.
//!
//! Events and their sum are in one SQLite file, `quarterdeck.db`; all SQL is in `sqlite`. Output is in files under
//! `runs/`, one directory a run, never in the database. One process at a time holds a store.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use uuid::Uuid;

use crate::model::{AuditEntry, Cluster, Failure, HomeId, Node, Plan, PlanId, Prompt, Run, RunNo, Step, Time};
use crate::protocol::{Event, EventBody};

mod faults;
pub mod output;
mod place;
mod recent;
mod record;
mod reserve;
pub mod retention;
#[cfg(test)]
mod sample;
mod sqlite;
#[cfg(test)]
mod tests;
mod trouble;
mod writer;

pub use place::ROOM;
pub use trouble::{is_full, is_repeat};

use faults::FullDisk;
use record::Record;
use reserve::Reserve;
use sqlite::{Journal, Keep, Reader, Write};
use writer::{News, Writer};

/// Name of the file with the state, in the data directory.
pub const FILE: &str = "quarterdeck.db";

/// All that an engine needs to go on where the last one ended.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Loaded {
    /// Number of the newest event; 0 in a new store.
    pub seq: u64,
    /// By number, oldest first.
    pub runs: Vec<Run>,
    pub clusters: Vec<Cluster>,
    pub nodes: Vec<Node>,
    /// Those that wait for an answer.
    pub prompts: Vec<Prompt>,
    /// All steps of the runs that have not ended.
    pub unfinished_steps: Vec<Step>,
}

/// The events after a number.
#[derive(Clone, PartialEq, Debug)]
pub enum Since {
    /// In order, without gaps, at most as many as asked for.
    Events(Vec<Event>),
    /// Some of them were trimmed, or the number is not of this store: a snapshot is needed.
    Gone,
}

/// What tests set smaller.
#[derive(Clone, Debug)]
struct Tuning {
    keep: Keep,
    /// Events and bytes in memory.
    recent: (usize, usize),
    /// How long to wait for another process to let go of the store.
    patience: Duration,
    full: FullDisk,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            keep: Keep { events: 50_000, bytes: 256 << 20 },
            recent: (4096, 8 << 20),
            patience: Duration::from_secs(2),
            full: FullDisk::from_env(),
        }
    }
}

/// The durable state. A clone is another handle of the same store; the last one dropped closes it.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    home: HomeId,
    next_run: AtomicU64,
    news: Arc<News>,
    full: FullDisk,
    reserve: Reserve,
    reader: Arc<Reader>,
    writer: Writer,
    // Dropped last: nobody else may open the store before the writer has ended.
    _held: place::Held,
}

impl Store {
    /// Opens the store in `dir`; both are made when missing. It blocks: at most two seconds while another engine
    /// ends, and as long as a change of the schema takes.
    ///
    /// # Errors
    /// The directory is on a network file system; another engine has the store open; a newer program or another one
    /// wrote the file; it is damaged; there is no room; it may not be written. The file is left as it is.
    pub fn open(dir: &Path) -> Result<Self, Failure> {
        Self::open_with(dir, Tuning::default())
    }

    fn open_with(dir: &Path, tuning: Tuning) -> Result<Self, Failure> {
        place::refuse_network(dir)?;
        place::make(dir)?;
        let held = place::hold(dir, tuning.patience)?;
        let path = dir.join(FILE);
        let journal = Journal::open(&path, tuning.keep)?;
        let reader = Reader::new(&path);
        let (home, last_run) = reader.home()?;
        let recorded = reader.runs_seen()?.iter().map(|run| run.number).collect();
        retention::put_aside_orphans(dir, &recorded)?;
        let news = Arc::new(News {
            recent: Mutex::new(recent::Recent::new(tuning.recent.0, tuning.recent.1)),
            seq: watch::Sender::new(journal.last()),
        });
        let reserve = Reserve::of(dir);
        let writer = Writer::start(journal, Arc::clone(&news), tuning.full.clone(), reserve.clone(), path)?;
        Ok(Self {
            inner: Arc::new(Inner {
                dir: dir.to_owned(),
                home,
                next_run: AtomicU64::new(last_run + 1),
                news,
                full: tuning.full,
                reserve,
                reader: Arc::new(reader),
                writer,
                _held: held,
            }),
        })
    }

    /// The id of this home.
    pub fn home_id(&self) -> HomeId {
        self.inner.home
    }

    /// Number of the newest durable event; 0 when there is none.
    pub fn seq(&self) -> u64 {
        *self.inner.news.seq.borrow()
    }

    /// The same, to wait on. With [`Store::events_since`] this is the feed of a client: wait for a change, read what
    /// is new after the own number, in order and without gaps.
    pub fn watch_seq(&self) -> watch::Receiver<u64> {
        self.inner.news.seq.subscribe()
    }

    /// Reads the state. It blocks; for the start of an engine.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn load(&self) -> Result<Loaded, Failure> {
        self.inner.reader.load()
    }

    /// A number for a new run. It is taken for good once an event of the run is recorded.
    pub fn next_run(&self) -> RunNo {
        RunNo(self.inner.next_run.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether there is room for new work: [`ROOM`] bytes free. What is under way can be recorded with less.
    ///
    /// # Errors
    /// A failure for which [`is_full`] holds.
    pub fn room(&self) -> Result<(), Failure> {
        let dir = &self.inner.dir;
        let free = if self.inner.full.low() { 0 } else { place::free(dir)? };
        if free < ROOM {
            let detail = format!("{} MiB free, {} MiB needed", free >> 20, ROOM >> 20);
            return Err(trouble::full("start new work", dir, detail));
        }
        Ok(())
    }

    /// Free bytes on the disk that the store is on.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn free(&self) -> Result<u64, Failure> {
        place::free(&self.inner.dir)
    }

    /// Keeps some room for a full disk, where there is room enough; whether it is kept now. It blocks for a moment.
    pub fn keep_reserve(&self) -> bool {
        self.inner.reserve.there() || !self.inner.full.low() && self.inner.reserve.keep()
    }

    /// Changes each time the disk was so full that the reserve was given away: old runs should leave now.
    pub fn reserve_given(&self) -> watch::Receiver<u64> {
        self.inner.reserve.given()
    }

    /// Directory of a run: `<data>/runs/42`.
    pub fn run_dir(&self, run: RunNo) -> PathBuf {
        retention::runs_dir(&self.inner.dir).join(run.to_string())
    }

    /// Directory of one attempt of a step: `<data>/runs/42/steps/3-1`. Its output is the file `output` in it.
    pub fn step_dir(&self, run: RunNo, index: u32, attempt: u32) -> PathBuf {
        self.run_dir(run).join("steps").join(format!("{index}-{attempt}"))
    }

    /// Records events: durable when it returns. All or none. With `idem`, the answer to the request of that key is
    /// recorded with them; a key that was used before refuses the whole (see [`is_repeat`]). Dropping the future does
    /// not take the events back.
    ///
    /// # Errors
    /// Nothing was recorded: the disk is full ([`is_full`]), the key is used, the file broke.
    pub async fn append(&self, bodies: Vec<EventBody>, idem: Option<(Uuid, Value)>) -> Result<Vec<Event>, Failure> {
        let records = bodies.into_iter().map(Record::new).collect::<Result<_, _>>()?;
        let idem = idem.map(|(key, answer)| (key, answer.to_string()));
        self.inner.writer.write(Write::Append { records, idem }).await
    }

    /// The steps of a run, in order.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn steps(&self, run: RunNo) -> Result<Vec<Step>, Failure> {
        self.read(move |reader| reader.steps(run)).await
    }

    /// The events after `after`, at most `limit`. The newest few thousand come out of memory.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn events_since(&self, after: u64, limit: usize) -> Result<Since, Failure> {
        let newest = self.seq();
        if after >= newest {
            return Ok(if after > newest { Since::Gone } else { Since::Events(Vec::new()) });
        }
        let recent = self.inner.news.recent.lock().unwrap_or_else(PoisonError::into_inner).since(after, limit);
        match recent {
            Some(events) => Ok(Since::Events(events)),
            None => self.read(move |reader| reader.events_since(after, limit)).await,
        }
    }

    /// The newest `count` entries of the audit, newest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn audit(&self, count: u32) -> Result<Vec<AuditEntry>, Failure> {
        self.read(move |reader| reader.audit(count)).await
    }

    /// The answer that was recorded under an idempotency key; kept for [`retention::FORGET_DAYS`] days.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn idem(&self, key: Uuid) -> Result<Option<Value>, Failure> {
        self.read(move |reader| reader.idem(key)).await
    }

    /// Keeps a plan that was shown to somebody.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub async fn plan_put(&self, plan: &Plan) -> Result<(), Failure> {
        let body = json("keep a plan", plan)?;
        self.inner.writer.write(Write::Plan { id: plan.id, body }).await.map(drop)
    }

    /// A plan that was kept; for [`retention::FORGET_DAYS`] days.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn plan_get(&self, id: PlanId) -> Result<Option<Plan>, Failure> {
        self.read(move |reader| reader.plan(id)).await
    }

    /// Keeps a value for the next start (last known lists).
    ///
    /// # Errors
    /// As [`Store::append`].
    pub async fn cache_put(&self, key: &str, value: Value) -> Result<(), Failure> {
        let (key, body) = (key.to_owned(), value.to_string());
        self.inner.writer.write(Write::Cache { key, body }).await.map(drop)
    }

    /// A value that was kept.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn cache_get(&self, key: &str) -> Result<Option<Value>, Failure> {
        let key = key.to_owned();
        self.read(move |reader| reader.cache(&key)).await
    }

    async fn forget_before(&self, before: Time) -> Result<(), Failure> {
        self.inner.writer.write(Write::Tidy { before }).await.map(drop)
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let reader = Arc::clone(&self.inner.reader);
        let done = tokio::task::spawn_blocking(move || work(&reader)).await;
        done.unwrap_or_else(|e| Err(Failure::broken("read the store", e)))
    }
}

fn json(tried: &str, value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|e| Failure::broken(tried, e))
}
