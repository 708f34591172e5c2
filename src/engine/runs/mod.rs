//! Runs: one task each, the only owner of its run and steps while they are under way.
//!
//! The task goes round in a circle: decide what follows from what is known (`decide`), make that durable in one
//! write, start what was decided (`launch`), wait for the next thing to happen. A step is written down as running
//! before it starts and as ended after it did, so a new engine knows from the store alone where to go on.

mod decide;
mod ending;
mod orders;
mod recover;
mod task;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::core::{Core, lock};
use super::steps::Ask;
use crate::model::{Cluster, Ending, Failure, Node, PromptId, Run, RunNo, Step};
use crate::protocol::{EventBody, Refusal};

pub use orders::too_late;
pub use recover::recover;

/// Where an order's answer goes.
pub type Reply = oneshot::Sender<Result<(), Refusal>>;

/// What a run is told from outside.
pub enum Order {
    /// End early.
    Cancel { mode: Ending, done: Reply },
    /// An operator's answer to one of its prompts.
    Answer { prompt: PromptId, word: String, text: Option<secrecy::SecretString>, by: String, done: Reply },
    /// Keep it (or no longer) from retention.
    Pin { pinned: bool, done: Reply },
    /// A step asks something.
    Ask(Ask),
    /// The engine comes to rest: start nothing more.
    Rest,
}

/// A run that is to begin.
pub struct NewRun {
    pub run: Run,
    pub steps: Vec<Step>,
    /// The cluster as it is to be once the run begins.
    pub cluster: Option<Cluster>,
    pub nodes: Vec<Node>,
}

/// Makes a run durable, under the idempotency key of the request, and sets it going.
///
/// # Errors
/// The store cannot be written.
pub async fn begin(
    core: &Arc<Core>,
    new: NewRun,
    mut bodies: Vec<EventBody>,
    idem: Option<(Uuid, serde_json::Value)>,
) -> Result<(), Failure> {
    let number = new.run.number;
    // Orders may come as soon as the run is known to anybody.
    let (orders, inbox) = mpsc::unbounded_channel();
    lock(&core.running).insert(number, orders.clone());
    bodies.extend(new.cluster.iter().map(|c| EventBody::Cluster(Box::new(c.clone()))));
    bodies.extend(new.nodes.iter().map(|n| EventBody::Node(Box::new(n.clone()))));
    bodies.push(EventBody::Run(Box::new(new.run.clone())));
    bodies.extend(new.steps.iter().map(|s| EventBody::Step(Box::new(s.clone()))));
    if let Err(failure) = core.journal.commit_once(bodies, idem).await {
        lock(&core.running).remove(&number);
        return Err(failure);
    }
    task::spawn(Arc::clone(core), new, orders, inbox, false);
    Ok(())
}

/// Hands an order to a run; false when the run has ended.
pub fn order(core: &Core, run: RunNo, order: Order) -> bool {
    lock(&core.running).get(&run).is_some_and(|orders| orders.send(order).is_ok())
}
