//! The durable state of a home: recorded events, what they add up to, and the output of steps.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::sync::watch;
use uuid::Uuid;

use crate::model::{AuditEntry, Cluster, Failure, HomeId, Node, Plan, PlanId, Prompt, Run, RunNo, Step};
use crate::protocol::{Event, EventBody};

pub mod output;
pub mod retention;

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
    /// In order, without gaps, as many as asked for.
    Events(Vec<Event>),
    /// Some of them were trimmed: a snapshot is needed.
    Gone,
}

/// The durable state. A clone is another handle of the same store.
#[derive(Clone, Debug)]
pub struct Store {}

impl Store {
    /// Opens the store in `dir` (made when missing).
    ///
    /// # Errors
    /// See the module.
    pub fn open(_dir: &Path) -> Result<Self, Failure> {
        unimplemented!()
    }

    /// The id of this home.
    pub fn home_id(&self) -> HomeId {
        unimplemented!()
    }

    /// Number of the newest durable event; 0 when there is none.
    pub fn seq(&self) -> u64 {
        unimplemented!()
    }

    /// The same, to wait on. With [`Store::events_since`] this is the feed of a client: wait for a change, read what
    /// is new after the own number, in order and without gaps.
    pub fn watch_seq(&self) -> watch::Receiver<u64> {
        unimplemented!()
    }

    /// Reads the state. Blocks; for the start of an engine.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn load(&self) -> Result<Loaded, Failure> {
        unimplemented!()
    }

    /// A number for a new run.
    pub fn next_run(&self) -> RunNo {
        unimplemented!()
    }

    /// Whether there is room for new work: 64 MiB free.
    ///
    /// # Errors
    /// A failure for which [`is_full`] holds.
    pub fn room(&self) -> Result<(), Failure> {
        unimplemented!()
    }

    /// Directory of a run: `<data>/runs/42`.
    pub fn run_dir(&self, _run: RunNo) -> PathBuf {
        unimplemented!()
    }

    /// Directory of one attempt of a step: `<data>/runs/42/steps/3-1`. Its output is the file `output` in it.
    pub fn step_dir(&self, _run: RunNo, _index: u32, _attempt: u32) -> PathBuf {
        unimplemented!()
    }

    /// Records events: durable when it returns. All or none. With `idem`, the answer to the request of that key is
    /// recorded with them; a key that was used before refuses the whole (see [`is_repeat`]).
    ///
    /// # Errors
    /// Nothing was recorded: the disk is full ([`is_full`]), the key is used, the file broke.
    pub async fn append(&self, _bodies: Vec<EventBody>, _idem: Option<(Uuid, Value)>) -> Result<Vec<Event>, Failure> {
        unimplemented!()
    }

    /// The steps of a run, in order.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn steps(&self, _run: RunNo) -> Result<Vec<Step>, Failure> {
        unimplemented!()
    }

    /// The events after `after`, at most `limit`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn events_since(&self, _after: u64, _limit: usize) -> Result<Since, Failure> {
        unimplemented!()
    }

    /// The newest `count` entries of the audit, newest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn audit(&self, _count: u32) -> Result<Vec<AuditEntry>, Failure> {
        unimplemented!()
    }

    /// The answer that was recorded under an idempotency key.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn idem(&self, _key: Uuid) -> Result<Option<Value>, Failure> {
        unimplemented!()
    }

    /// Keeps a plan that was shown to somebody.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub async fn plan_put(&self, _plan: &Plan) -> Result<(), Failure> {
        unimplemented!()
    }

    /// A plan that was kept; for seven days.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn plan_get(&self, _id: PlanId) -> Result<Option<Plan>, Failure> {
        unimplemented!()
    }

    /// Keeps a value for the next start (last known lists).
    ///
    /// # Errors
    /// As [`Store::append`].
    pub async fn cache_put(&self, _key: &str, _value: Value) -> Result<(), Failure> {
        unimplemented!()
    }

    /// A value that was kept.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn cache_get(&self, _key: &str) -> Result<Option<Value>, Failure> {
        unimplemented!()
    }
}

/// Whether a failure says that the disk is full.
pub fn is_full(_failure: &Failure) -> bool {
    unimplemented!()
}

/// Whether a failure says that the idempotency key was used before: the first answer is in [`Store::idem`].
pub fn is_repeat(_failure: &Failure) -> bool {
    unimplemented!()
}
