//! Watching a job that goes on without us: its end, and what we tell of it while it runs.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Ask, Question, StepCx};
use crate::ansible::events::Tail;
use crate::ansible::playbook::EVENTS as EVENTS_FILE;
use crate::ansible::question;
use crate::base::job::{self, Asked, JobExit, JobPrompt, JobState};
use crate::base::{Clock, SystemClock};
use crate::engine::runs::Order;
use crate::model::play::PlayBody;
use crate::model::{Failure, PlayEvent, PlayState};
use crate::protocol::{Live, Topic};
use crate::store::output::Pager;

/// Between two looks at what a job has written.
const LOOK: Duration = Duration::from_millis(80);
/// Events taken in at once.
const EVENTS: usize = 2000;
/// How long a job has to end after each of SIGINT, SIGTERM, SIGKILL.
const GRACE: Duration = Duration::from_secs(8);

/// Whether the job of `dir` is still to be started: no former engine did.
///
/// # Errors
/// It is, and the step is cancelled.
pub async fn is_new(cx: &StepCx, dir: &Path) -> Result<bool, Failure> {
    let dir = dir.to_path_buf();
    let new = blocking(move || job::state(&dir)).await? == JobState::Never;
    if new && cx.cancel.is_cancelled() { Err(Failure::cancelled(&cx.step.title)) } else { Ok(new) }
}

/// Does what waits for the disk on a thread that may wait.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Failure::broken("work with a job", e))
}

/// What is read of a job, on a thread that may wait for the disk.
struct Reader {
    dir: PathBuf,
    /// Of a playbook.
    tail: Option<Tail>,
    /// Of a program without events: when it had written how much, so that it can be replayed.
    marks: Option<Marks>,
    output: Option<Pager>,
}

/// What one look found.
struct Seen {
    state: JobState,
    /// At most [`EVENTS`]; `more`: there are others already.
    events: Vec<PlayEvent>,
    more: bool,
    /// Lines and bytes of the output.
    size: Option<(u64, u64)>,
    prompts: Vec<JobPrompt>,
}

/// Writes what a callback plugin writes for playbooks: how far the output was, and when.
struct Marks {
    path: PathBuf,
    bytes: u64,
}

impl Marks {
    fn note(&mut self, bytes: u64) {
        if bytes <= self.bytes {
            return;
        }
        self.bytes = bytes;
        let event = PlayEvent { at: SystemClock.now(), offset: bytes, body: PlayBody::Wrote };
        let line = serde_json::to_string(&event).unwrap_or_default() + "\n";
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path);
        if let Err(e) = file.and_then(|mut file| file.write_all(line.as_bytes())) {
            // A replay shows these lines a little later.
            tracing::debug!(file = %self.path.display(), error = %e, "a mark is lost");
        }
    }
}

impl Reader {
    fn look(&mut self) -> Seen {
        // The state first: what a job writes is whole by the time it has ended.
        let state = job::state(&self.dir);
        let events = self.tail.as_mut().map(|tail| tail.read(EVENTS)).unwrap_or_default();
        if self.output.is_none() {
            self.output = Pager::open(&self.dir.join("output")).ok();
        }
        let size = self.output.as_mut().and_then(|pager| pager.size().ok());
        if let (Some(marks), Some((_, bytes))) = (&mut self.marks, size) {
            marks.note(bytes);
        }
        Seen { state, more: events.len() == EVENTS, events, size, prompts: job::prompts(&self.dir) }
    }
}

/// Follows a job: its events, the growth of its output, its questions.
pub struct Watch<'a> {
    cx: &'a StepCx,
    dir: PathBuf,
    /// Away while it looks.
    reader: Option<Reader>,
    pub plays: PlayState,
    size: (u64, u64),
    /// Questions that were passed on.
    asked: u64,
}

impl<'a> Watch<'a> {
    /// Watches the job of `dir`; `playbook`: a plugin writes what happens in it.
    pub fn new(cx: &'a StepCx, dir: &Path, playbook: bool) -> Self {
        let events = dir.join(EVENTS_FILE);
        let tail = playbook.then(|| Tail::new(&events));
        let marks = (!playbook).then_some(Marks { path: events, bytes: 0 });
        let reader = Reader { dir: dir.to_path_buf(), tail, marks, output: None };
        Self { cx, dir: dir.to_path_buf(), reader: Some(reader), plays: PlayState::default(), size: (0, 0), asked: 0 }
    }

    /// Until the job has ended. When the step is cancelled, the job is ended: first as Ctrl-C would, then harder.
    pub async fn until_end(&mut self) -> Result<JobExit, Failure> {
        let mut ladder = [libc::SIGINT, libc::SIGTERM, libc::SIGKILL].into_iter();
        let mut next_rung = None;
        loop {
            let state = self.look().await?;
            match state {
                JobState::Running { .. } => {}
                _ if next_rung.is_some() => return Err(Failure::cancelled(&self.cx.step.title)),
                JobState::Ended(exit) => return Ok(exit),
                JobState::Lost | JobState::Never => {
                    // Ansible's workers leave its session, so they may outlive it: not beside the next attempt.
                    let dir = self.dir.clone();
                    blocking(move || job::end_leftovers(&dir)).await?;
                    return Err(Failure::transient(&self.cx.step.title, "the process that held it was killed"));
                }
            }
            let now = tokio::time::Instant::now();
            if next_rung.is_some_and(|at| now >= at) || (next_rung.is_none() && self.cx.cancel.is_cancelled()) {
                if let Some(signal) = ladder.next() {
                    let dir = self.dir.clone();
                    if let Err(failure) = blocking(move || job::signal(&dir, signal)).await? {
                        tracing::info!(%failure, "the job could not be told to end");
                    }
                }
                next_rung = Some(now + GRACE);
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.cx.cancel.cancelled(), if next_rung.is_none() => {}
            }
        }
    }

    /// Takes in what is new and tells it to those who look at the run; the state that the job was in before.
    async fn look(&mut self) -> Result<JobState, Failure> {
        let (run, step, attempt) = (self.cx.step.run, self.cx.step.index, self.cx.step.attempt);
        let topic = Topic::Run { run };
        let hub = &self.cx.core.hub;
        let mut first_state = None;
        loop {
            let gone = || Failure::broken(&self.cx.step.title, "the reader of its job is gone");
            let mut reader = self.reader.take().ok_or_else(gone)?;
            let (reader, seen) = blocking(move || {
                let seen = reader.look();
                (reader, seen)
            })
            .await?;
            self.reader = Some(reader);
            let first = self.plays.events;
            seen.events.iter().for_each(|e| self.plays.apply(e));
            if !seen.events.is_empty() {
                hub.publish(&topic, Live::Plays { run, step, attempt, first, events: seen.events });
            }
            if let Some((lines, bytes)) = seen.size.filter(|size| *size != self.size) {
                self.size = (lines, bytes);
                hub.publish(&topic, Live::Output { run, step, attempt, lines, bytes });
            }
            let state = first_state.get_or_insert(seen.state);
            if !seen.more {
                let last = !matches!(state, JobState::Running { .. });
                let state = state.clone();
                self.questions(seen.prompts, last);
                return Ok(state);
            }
        }
    }

    fn questions(&mut self, prompts: Vec<JobPrompt>, last: bool) {
        let send = |question| {
            // The run may have ended: then nobody is to be asked any more.
            let _ = self.cx.orders.send(Order::Ask(Ask { step: self.cx.step.index, question }));
        };
        let open = prompts.iter().rev().find(|p| p.state == Asked::Open).filter(|_| !last);
        match open {
            Some(prompt) if prompt.number > self.asked => {
                self.asked = prompt.number;
                let (text, kind) = question::read(prompt);
                send(Question::Job { text, kind, dir: self.dir.clone(), number: prompt.number });
            }
            None if self.asked > 0 && (last || prompts.iter().any(|p| p.number == self.asked && p.state == Asked::Withdrawn)) => {
                send(Question::Withdraw { dir: self.dir.clone() });
            }
            _ => {}
        }
    }
}
