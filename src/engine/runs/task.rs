//! The task of one run: its circle, and how steps are started and taken in.

use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{NewRun, Order, Reply};
use crate::engine::core::{Core, lock};
use crate::engine::forwards;
use crate::engine::slots::Slot;
use crate::engine::steps::{self, Bad, Change, Done, StepCx};
use crate::model::{CloudName, Cluster, Failure, Node, Prompt, PromptId, Run, RunState, Step, StepCounts, StepState, Time, Wait};
use crate::protocol::{EventBody, Refusal, Topic};

/// Between two looks for room on a full disk.
const ROOM_PAUSE: Duration = Duration::from_millis(500);
/// Titles of steps under way that a run tells of.
const IN_FLIGHT: usize = 5;

/// What a step was started for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    Do,
    Undo,
}

/// A step to be started once the decision is durable.
pub(super) struct Launch {
    pub step: u32,
    pub way: Way,
    /// A former engine was killed while it ran.
    pub again: bool,
    pub slot: Option<Slot>,
}

/// A step that came back.
pub(super) struct Ended {
    pub step: u32,
    pub way: Way,
    pub result: Result<Done, Bad>,
}

/// Where an answer goes.
pub(super) enum Asker {
    /// The run's own question about a failed step.
    Failure { step: u32 },
    /// The run's own question how to end.
    Cancel,
    /// A step that waits for it.
    Step(oneshot::Sender<SecretString>),
    /// A job's terminal, where it is this question's number.
    Job { dir: PathBuf, number: u64 },
}

/// One run under way.
pub(super) struct RunTask {
    pub core: Arc<Core>,
    pub run: Run,
    pub steps: Vec<Step>,
    pub cluster: Option<Cluster>,
    pub nodes: BTreeMap<String, Node>,
    pub prompts: HashMap<PromptId, (Prompt, Asker)>,
    /// What has changed and is to be made durable next.
    pub changes: Vec<EventBody>,
    pub launches: Vec<Launch>,
    pub going: JoinSet<Ended>,
    pub cancels: HashMap<u32, CancellationToken>,
    pub orders: mpsc::UnboundedSender<Order>,
    pub inbox: mpsc::UnboundedReceiver<Order>,
    /// Answers that are sent once what they confirm is durable.
    pub replies: Vec<(Reply, Result<(), Refusal>)>,
    /// A cloud's limit stands in the way of something.
    pub slot_wait: Option<(CloudName, u32)>,
    /// The disk is too full to start anything.
    pub room_wait: Option<String>,
    /// The run as it was last made durable.
    told: Option<Run>,
}

/// Starts the task of a run; `resumed`: a former engine had it before.
pub(super) fn spawn(
    core: Arc<Core>,
    new: NewRun,
    orders: mpsc::UnboundedSender<Order>,
    inbox: mpsc::UnboundedReceiver<Order>,
    resumed: bool,
) {
    let number = new.run.number;
    let task = RunTask {
        core: Arc::clone(&core),
        told: Some(new.run.clone()),
        run: new.run,
        steps: new.steps,
        cluster: new.cluster,
        nodes: new.nodes.into_iter().map(|n| (n.name.clone(), n)).collect(),
        prompts: HashMap::new(),
        changes: Vec::new(),
        launches: Vec::new(),
        going: JoinSet::new(),
        cancels: HashMap::new(),
        orders,
        inbox,
        replies: Vec::new(),
        slot_wait: None,
        room_wait: None,
    };
    tokio::spawn(async move {
        // A broken run must not take the others with it; the next engine takes it up again.
        match AssertUnwindSafe(task.drive(resumed)).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => tracing::error!(run = %number, %failure, "the run stands still"),
            Err(_) => tracing::error!(run = %number, "the run's task panicked"),
        }
        lock(&core.running).remove(&number);
        lock(&core.secrets).remove(&number);
        core.hub.forget(&Topic::Run { run: number });
    });
}

/// Why the circle goes round once more.
enum Wake {
    Ended(Vec<Ended>),
    Order(Order),
    Again,
    Rest,
}

impl RunTask {
    async fn drive(mut self, resumed: bool) -> Result<(), Failure> {
        if resumed {
            self.resume();
        }
        loop {
            self.decide();
            self.commit().await?;
            self.launch();
            if self.run.state.ended() {
                crate::ansible::playbook::remove_control_dir(&steps::control_dir(&self.core, self.run.number));
                return Ok(());
            }
            match self.wait().await {
                Wake::Ended(ended) => ended.into_iter().for_each(|e| self.take_in(e)),
                Wake::Order(Order::Rest) | Wake::Rest => return Ok(()),
                Wake::Order(order) => self.order(order),
                Wake::Again => {}
            }
        }
    }

    async fn wait(&mut self) -> Wake {
        let core = Arc::clone(&self.core);
        let next_try = self.next_retry();
        let (waits_for_room, waits_for_slot) = (self.room_wait.is_some(), self.slot_wait.is_some());
        tokio::select! {
            Some(ended) = self.going.join_next(), if !self.going.is_empty() => {
                let mut all: Vec<_> = ended.ok().into_iter().collect();
                while let Some(more) = self.going.try_join_next() {
                    all.extend(more.ok());
                }
                Wake::Ended(all)
            }
            order = self.inbox.recv() => order.map_or(Wake::Rest, Wake::Order),
            () = core.slots.freed(), if waits_for_slot => Wake::Again,
            () = async { tokio::time::sleep(next_try.unwrap_or_default()).await }, if next_try.is_some() => Wake::Again,
            () = tokio::time::sleep(ROOM_PAUSE), if waits_for_room => Wake::Again,
        }
    }

    /// How long until the next waiting step tries again.
    fn next_retry(&self) -> Option<Duration> {
        let now = self.now();
        let times = self.steps.iter().filter_map(|s| match s.state {
            StepState::Waiting { on: Wait::Retry { at, .. } } => Some(at),
            _ => None,
        });
        times.min().map(|at| Duration::from_millis(at.since(now)))
    }

    /// Makes everything durable that was decided, then tells those who wait for it.
    async fn commit(&mut self) -> Result<(), Failure> {
        self.count();
        if self.told.as_ref() != Some(&self.run) {
            self.changes.push(EventBody::Run(Box::new(self.run.clone())));
            self.told = Some(self.run.clone());
        }
        self.core.journal.commit(std::mem::take(&mut self.changes)).await?;
        for (reply, answer) in self.replies.drain(..) {
            // The client may be gone; what it asked for is done all the same.
            let _ = reply.send(answer);
        }
        Ok(())
    }

    /// Brings what the run tells of itself up to date.
    fn count(&mut self) {
        let mut counts = StepCounts { total: u32::try_from(self.steps.len()).unwrap_or(u32::MAX), ..StepCounts::default() };
        let mut in_flight = Vec::new();
        for step in &self.steps {
            match step.state {
                StepState::Done => counts.done += 1,
                StepState::Running | StepState::Undoing => {
                    counts.running += 1;
                    if in_flight.len() < IN_FLIGHT {
                        in_flight.push(step.title.clone());
                    }
                }
                StepState::Waiting { .. } => counts.waiting += 1,
                StepState::Failed | StepState::UndoFailed => counts.failed += 1,
                StepState::Skipped | StepState::Cancelled => counts.skipped += 1,
                StepState::Undone => counts.undone += 1,
                StepState::Pending => {}
            }
        }
        self.run.steps = counts;
        self.run.in_flight = in_flight;
        self.run.waits = self.why_it_waits();
        let asks_job = self.prompts.values().any(|(_, asker)| matches!(asker, Asker::Job { .. } | Asker::Step(_)));
        let stuck = !self.prompts.is_empty() && (counts.running == 0 || asks_job);
        match self.run.state {
            RunState::Running if stuck => self.run.state = RunState::Waiting,
            RunState::Waiting if !stuck => self.run.state = RunState::Running,
            _ => {}
        }
    }

    fn why_it_waits(&self) -> Option<String> {
        if let Some(why) = &self.room_wait {
            return Some(why.clone());
        }
        if let Some((prompt, _)) = self.prompts.values().next() {
            return Some(prompt.question.lines().next().unwrap_or_default().to_owned());
        }
        if let Some((cloud, limit)) = &self.slot_wait {
            return Some(format!("{cloud}: limit {limit} at once"));
        }
        self.steps.iter().find_map(|s| match &s.state {
            StepState::Waiting { on } => Some(format!("{}: {on}", s.title)),
            _ => None,
        })
    }

    /// Starts what was decided; it is durable by now.
    fn launch(&mut self) {
        for Launch { step: index, way, again, slot } in std::mem::take(&mut self.launches) {
            let Some(step) = self.steps.get(index as usize).cloned() else { continue };
            let cancel = CancellationToken::new();
            // Taken up again only to be stopped: its job may still be alive.
            if way == Way::Do && self.stopping(&step) {
                cancel.cancel();
            }
            self.cancels.insert(index, cancel.clone());
            let cx = StepCx {
                core: Arc::clone(&self.core),
                again,
                step,
                cluster: self.cluster.clone(),
                nodes: self.nodes.values().cloned().collect(),
                orders: self.orders.clone(),
                cancel,
            };
            self.going.spawn(async move {
                let work = async {
                    match way {
                        Way::Do => steps::perform(&cx).await,
                        Way::Undo => steps::undo(&cx).await,
                    }
                };
                let result = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
                    let failure = Failure::broken(&cx.step.title, "a fault in the program");
                    Err(failure.next("the engine's log says more; `quarterdeck engine status` names it").into())
                });
                drop(slot);
                Ended { step: index, way, result }
            });
        }
    }

    /// Takes in what a step did.
    fn take_in(&mut self, ended: Ended) {
        self.cancels.remove(&ended.step);
        let now = self.now();
        let Some(step) = self.steps.get(ended.step as usize) else { return };
        if let (Some(cloud), true) = (&step.cloud, ended.result.is_ok()) {
            self.core.slots.succeeded(cloud);
            self.core.pokes.servers(cloud);
        }
        match (ended.way, ended.result) {
            (Way::Do, Ok(done)) => {
                self.apply(done.changes);
                self.change_step(ended.step, |s| {
                    s.state = StepState::Done;
                    s.ended = Some(now);
                    s.failure = None;
                    s.note = done.note;
                });
            }
            (Way::Undo, Ok(done)) => {
                self.apply(done.changes);
                self.change_step(ended.step, |s| {
                    s.state = StepState::Undone;
                    s.ended = Some(now);
                });
            }
            (way, Err(bad)) => {
                self.apply(bad.changes);
                match way {
                    Way::Do => self.step_failed(ended.step, bad.failure),
                    Way::Undo => self.undo_failed(ended.step, bad.failure),
                }
            }
        }
    }

    /// Takes in what a step changed in the cluster.
    fn apply(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Node { name, change } => self.change_node(&name, change),
                Change::NodeGone { name } => self.drop_node(&name),
                Change::Cluster(change) => self.change_cluster(change),
                Change::ClusterGone => {
                    if let Some(cluster) = self.cluster.take() {
                        self.nodes.clear();
                        self.changes.push(EventBody::ClusterGone(cluster.id));
                        tokio::spawn(forwards::cluster_gone(Arc::clone(&self.core), cluster.id));
                    }
                }
                Change::Totals(totals) => self.run.play_totals.add(&totals),
            }
        }
    }

    /// Changes a step and notes that it is to be made durable.
    pub(super) fn change_step(&mut self, index: u32, change: impl FnOnce(&mut Step)) {
        if let Some(step) = self.steps.get_mut(index as usize) {
            change(step);
            self.changes.push(EventBody::Step(Box::new(step.clone())));
        }
    }

    /// Changes a node and notes that it is to be made durable.
    pub(super) fn change_node(&mut self, name: &str, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(name) {
            change(node);
            self.changes.push(EventBody::Node(Box::new(node.clone())));
        }
    }

    /// Removes a node and notes that it is to be made durable.
    pub(super) fn drop_node(&mut self, name: &str) {
        if let Some(node) = self.nodes.remove(name) {
            self.changes.push(EventBody::NodeGone { cluster: node.cluster, name: node.name });
        }
    }

    /// Changes the cluster and notes that it is to be made durable.
    pub(super) fn change_cluster(&mut self, change: impl FnOnce(&mut Cluster)) {
        if let Some(cluster) = &mut self.cluster {
            change(cluster);
            self.changes.push(EventBody::Cluster(Box::new(cluster.clone())));
        }
    }

    /// Steps are running, or are about to.
    pub(super) fn any_going(&self) -> bool {
        !self.cancels.is_empty() || !self.launches.is_empty()
    }

    /// Now.
    pub(super) fn now(&self) -> Time {
        self.core.now()
    }
}
