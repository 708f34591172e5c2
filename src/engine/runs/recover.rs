//! Taking up what a former engine left.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::task::{Launch, RunTask, Way};
use super::{NewRun, task};
use crate::engine::core::{Core, lock};
use crate::model::{Failure, PromptState, RunState, Step, StepState, Wait};
use crate::protocol::EventBody;

/// Sets every run going again that had not ended. What a step had done by the time the former engine ended is found
/// by its token (or in its job's directory) and taken over.
pub async fn recover(core: &Arc<Core>) {
    let (left, prompts) = {
        let state = core.journal.state();
        let left: Vec<_> = state
            .runs
            .values()
            .filter(|run| !run.state.ended())
            .map(|run| {
                let steps: Vec<Step> = state.steps.get(&run.number).map(|s| s.values().cloned().collect()).unwrap_or_default();
                let cluster = run.cluster.and_then(|id| state.clusters.get(&id).cloned());
                let nodes = run.cluster.map(|id| state.nodes_of(id)).unwrap_or_default();
                NewRun { run: run.clone(), steps, cluster, nodes }
            })
            .collect();
        (left, state.prompts.values().cloned().collect::<Vec<_>>())
    };
    let mut changes: Vec<EventBody> = Vec::new();
    for mut prompt in prompts {
        prompt.state = PromptState::Withdrawn;
        changes.push(EventBody::Prompt(Box::new(prompt)));
    }
    if let Err(failure) = core.journal.commit(changes).await {
        tracing::error!(%failure, "runs cannot be taken up");
        return;
    }
    for new in left {
        tracing::info!(run = %new.run.number, steps = new.steps.len(), "taking up a run");
        let (orders, inbox) = mpsc::unbounded_channel();
        lock(&core.running).insert(new.run.number, orders.clone());
        task::spawn(Arc::clone(core), new, orders, inbox, true);
    }
}

impl RunTask {
    /// Starts again what was under way when the former engine ended, each with the attempt it was in, and asks the
    /// questions that were open.
    pub(super) fn resume(&mut self) {
        let forward = !matches!(self.run.state, RunState::Cancelling | RunState::Undoing);
        if self.run.state == RunState::Waiting {
            self.run.state = RunState::Running;
        }
        for step in self.steps.clone() {
            match step.state {
                StepState::Running => {
                    // Over the limit for a moment rather than standing still: the call may be under way over there.
                    let slot = self.slot(step.index).flatten();
                    self.launches.push(Launch { step: step.index, way: Way::Do, again: true, slot });
                }
                StepState::Undoing => {
                    let slot = self.slot(step.index).flatten();
                    self.launches.push(Launch { step: step.index, way: Way::Undo, again: true, slot });
                }
                StepState::Waiting { on: Wait::Prompt { .. } } => {
                    let failure = step.failure.unwrap_or_else(|| Failure::broken(&step.title, "it failed"));
                    if forward {
                        self.ask_about(step.index, failure);
                    } else {
                        self.change_step(step.index, |s| s.state = StepState::Failed);
                    }
                }
                _ => {}
            }
        }
    }
}
