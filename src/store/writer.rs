//! The writer: one thread that takes whatever waits, writes it in one transaction, and answers all when it is durable.
//! So a thousand steps that are recorded at once cost a few syncs of the disk, not a thousand.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::faults::{FullDisk, KillPoint};
use super::recent::Recent;
use super::reserve::Reserve;
use super::sqlite::{Journal, Outcome, Write};
use super::trouble;
use crate::base::{Clock, SystemClock};
use crate::model::{Failure, Time};
use crate::protocol::Event;
use crate::protocol::event::EVENT_VERSION;

/// Writes that go into one transaction at most.
const BATCH: usize = 1024;

/// How long a batch may wait to become as large as the one before: tasks that were answered together come back
/// together, and half of them would else wait for a sync of their own. Who appends alone never waits.
const TOGETHER: Duration = Duration::from_micros(300);

/// The events that a write became; none for what is no event.
type Written = Result<Vec<Event>, Failure>;

struct Job {
    write: Write,
    answer: oneshot::Sender<Written>,
}

/// What the writer tells to everybody once it is durable.
#[derive(Debug)]
pub(super) struct News {
    pub(super) recent: Mutex<Recent>,
    pub(super) seq: watch::Sender<u64>,
}

/// The way to the writer's thread. The thread ends when this is dropped, with all that waited written.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        journal: Journal,
        news: Arc<News>,
        full: FullDisk,
        reserve: Reserve,
        path: PathBuf,
    ) -> Result<Self, Failure> {
        let (queue, jobs) = channel();
        let desk = Desk { journal, jobs, news, full, reserve, path, kill: KillPoint::from_env() };
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || desk.work());
        let thread = thread.map_err(|e| Failure::broken("start the store's thread", e))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Writes; durable when it returns. Dropping the future does not take the write back.
    pub(super) async fn write(&self, write: Write) -> Written {
        let gone = || Failure::broken("write to the store", "the store's thread has ended");
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        queue.send(Job { write, answer }).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // It panicked: there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

struct Desk {
    journal: Journal,
    jobs: Receiver<Job>,
    news: Arc<News>,
    full: FullDisk,
    reserve: Reserve,
    path: PathBuf,
    kill: KillPoint,
}

impl Desk {
    fn work(mut self) {
        let mut expected = 1;
        while let Ok(first) = self.jobs.recv() {
            let batch = self.gather(first, expected);
            expected = batch.len();
            let at = SystemClock.now();
            let mut outcome = self.commit(&batch, at);
            if outcome.as_ref().is_err_and(trouble::is_full) && self.reserve.give() {
                outcome = self.commit(&batch, at);
            }
            match outcome {
                Ok(outcomes) => self.publish(batch, &outcomes, at),
                Err(failure) => {
                    tracing::error!(%failure, "the store did not take {} writes", batch.len());
                    for job in batch {
                        let _ = job.answer.send(Err(failure.clone()));
                    }
                }
            }
        }
    }

    fn gather(&self, first: Job, expected: usize) -> Vec<Job> {
        let until = Instant::now() + TOGETHER;
        let mut batch = vec![first];
        while batch.len() < BATCH {
            let patience = if batch.len() < expected { until.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
            match self.jobs.recv_timeout(patience) {
                Ok(job) => batch.push(job),
                Err(_) => break,
            }
        }
        batch
    }

    fn commit(&mut self, batch: &[Job], at: Time) -> Result<Vec<Outcome>, Failure> {
        if self.full.full(&self.reserve) {
            return Err(trouble::full("write to the store", &self.path, "simulated"));
        }
        let outcomes = self.journal.stage(batch.iter().map(|job| &job.write), at)?;
        let appends = batch.iter().any(|job| matches!(job.write, Write::Append { .. }));
        if appends {
            self.kill.before_commit();
        }
        self.journal.commit()?;
        if appends {
            self.kill.after_commit();
        }
        Ok(outcomes)
    }

    /// Tells first what can be read, then each caller that its write is done.
    fn publish(&self, batch: Vec<Job>, outcomes: &[Outcome], at: Time) {
        let mut answers = Vec::with_capacity(batch.len());
        {
            let mut recent = self.news.recent.lock().unwrap_or_else(PoisonError::into_inner);
            for (job, outcome) in batch.into_iter().zip(outcomes) {
                let result = match outcome {
                    Outcome::Repeat => Err(trouble::repeat()),
                    Outcome::Written { first } => Ok(events(job.write, *first, at, &mut recent)),
                };
                answers.push((job.answer, result));
            }
        }
        self.news.seq.send_if_modified(|seq| std::mem::replace(seq, self.journal.last()) != self.journal.last());
        for (answer, result) in answers {
            // Whoever asked may be gone; the write stands.
            let _ = answer.send(result);
        }
    }
}

fn events(write: Write, first: u64, at: Time, recent: &mut Recent) -> Vec<Event> {
    let Write::Append { records, .. } = write else { return Vec::new() };
    let numbered = (first..).zip(records).map(|(seq, record)| {
        let event = Event { v: EVENT_VERSION, seq, at, body: record.body };
        recent.push(event.clone(), record.json.len());
        event
    });
    numbered.collect()
}
