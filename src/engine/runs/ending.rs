//! How a run ends: done, failed, cancelled, or undone.

use super::decide::choice;
use super::task::{Asker, Launch, RunTask, Way};
use crate::model::{
    ClusterState, Ending, Failure, NodeState, Prompt, PromptId, PromptKind, PromptState, RunKind, RunState, Step, StepState,
    Wait, Work,
};
use crate::protocol::EventBody;

impl RunTask {
    /// Somebody cancelled the run: stop what runs, then undo, keep, or ask.
    pub(super) fn end_early(&mut self) {
        self.stop_steps(|asker| !matches!(asker, Asker::Cancel), false);
        if self.any_going() {
            return;
        }
        let asked = self.run.ending.unwrap_or(Ending::Ask);
        // Half an image is no use to anybody: there is nothing to ask.
        let ending = if asked == Ending::Ask && self.uploads() { Ending::Undo } else { asked };
        match ending {
            Ending::Ask if self.created() == 0 && !self.made_networks() => self.finish(RunState::Cancelled),
            Ending::Ask => self.ask_how_to_end(),
            Ending::Undo => {
                self.begin_undo(None);
                self.unwind();
            }
            Ending::Keep | Ending::Force => self.finish(RunState::Cancelled),
        }
    }

    /// Cancels what runs, takes back prompts, and closes the steps that wait (and, when asked, those that never began).
    fn stop_steps(&mut self, prompts: impl Fn(&Asker) -> bool, pending_too: bool) {
        for cancel in self.cancels.values() {
            cancel.cancel();
        }
        self.withdraw(prompts);
        let now = self.now();
        let open: Vec<_> = self
            .steps
            .iter()
            .filter(|s| matches!(s.state, StepState::Waiting { .. }) || (pending_too && s.state == StepState::Pending))
            .map(|s| (s.index, matches!(s.state, StepState::Waiting { on: Wait::Prompt { .. } })))
            .collect();
        for (index, failed) in open {
            self.change_step(index, |s| {
                s.state = if failed { StepState::Failed } else { StepState::Cancelled };
                s.ended = Some(now);
            });
        }
    }

    /// A step that runs now is to stop: the run is being ended, and the step is no part of that.
    pub(super) fn stopping(&self, step: &Step) -> bool {
        matches!(self.run.state, RunState::Cancelling | RunState::Undoing) && !step.cleanup
    }

    /// How many steps have created something that was not given back.
    fn created(&self) -> usize {
        self.steps.iter().filter(|s| s.work.creates() && s.attempt > 0 && s.state != StepState::Undone).count()
    }

    /// An image was begun that was not taken away.
    fn uploads(&self) -> bool {
        let begun = |s: &Step| matches!(s.work, Work::UploadImage { .. }) && s.attempt > 0 && s.state != StepState::Undone;
        self.steps.iter().any(begun)
    }

    /// Steps have made networks or the like, which were not given back.
    fn made_networks(&self) -> bool {
        self.steps.iter().any(|s| s.work.carries() && s.attempt > 0 && s.state != StepState::Undone)
    }

    fn ask_how_to_end(&mut self) {
        if !self.prompts.is_empty() {
            return;
        }
        let (made, networks) = (self.created(), if self.made_networks() { " with networks" } else { "" });
        let prompt = Prompt {
            id: PromptId::new(),
            run: self.run.number,
            step: None,
            question: format!(
                "The run was cancelled. It has created up to {made} servers{networks}: give them back, or keep them?"
            ),
            kind: PromptKind::Approval,
            choices: vec![choice("undo", 'u', "give back what this run created"), choice("keep", 'k', "keep what is there")],
            opened: self.now(),
            state: PromptState::Open,
        };
        self.open_prompt(prompt, Asker::Cancel);
    }

    /// Takes back prompts that nobody needs to answer any more.
    pub(super) fn withdraw(&mut self, which: impl Fn(&Asker) -> bool) {
        let gone: Vec<_> = self.prompts.iter().filter(|(_, (_, asker))| which(asker)).map(|(id, _)| *id).collect();
        for id in gone {
            if let Some((mut prompt, _)) = self.prompts.remove(&id) {
                prompt.state = PromptState::Withdrawn;
                self.changes.push(EventBody::Prompt(Box::new(prompt)));
            }
        }
    }

    /// Starts to give everything back that this run created.
    pub(super) fn begin_undo(&mut self, why: Option<Failure>) {
        self.run.failure = self.run.failure.take().or(why);
        self.run.state = RunState::Undoing;
        self.run.ending = Some(Ending::Undo);
        self.stop_steps(|_| true, true);
    }

    /// Gives back: first what steps created, newest first; then a sweep and, for a cluster that this run began,
    /// its record.
    pub(super) fn unwind(&mut self) {
        // What was running when the decision fell comes to its end first: it may have created something by then.
        if self.steps.iter().any(|s| s.state == StepState::Running && !s.cleanup) {
            return;
        }
        let given_back = |s: &&Step| matches!(s.state, StepState::Undone | StepState::Undoing | StepState::UndoFailed);
        let made = |s: &&Step| s.work.can_undo() && s.attempt > 0 && !given_back(s);
        // What others stand on goes last.
        let on_it = |s: &Step| s.work.can_undo() && !s.work.carries() && (made(&s) || s.state == StepState::Undoing);
        let later = self.steps.iter().any(on_it);
        let now = self.steps.iter().rev().filter(|s| made(s) && !(later && s.work.carries()));
        for index in now.map(|s| s.index).collect::<Vec<_>>() {
            let Some(slot) = self.slot(index) else { continue };
            self.change_step(index, |s| s.state = StepState::Undoing);
            self.launches.push(Launch { step: index, way: Way::Undo, again: true, slot });
        }
        if self.steps.iter().any(|s| s.state == StepState::Undoing) || self.slot_wait.is_some() {
            return;
        }
        if !self.steps.iter().any(|s| s.cleanup) {
            self.add_cleanup();
        }
        self.start_ready();
        if self.nothing_left() {
            let bad = |s: &Step| s.state == StepState::UndoFailed || (s.cleanup && s.state != StepState::Done);
            let bad = self.steps.iter().any(bad);
            self.finish(if bad { RunState::Failed } else { RunState::Undone });
        }
    }

    /// The engine could not take back what a step made: the run ends badly and names it.
    pub(super) fn undo_failed(&mut self, index: u32, failure: Failure) {
        let now = self.now();
        self.run.failure = Some(failure.clone());
        self.change_step(index, |s| {
            s.state = StepState::UndoFailed;
            s.ended = Some(now);
            s.failure = Some(failure);
        });
    }

    fn add_cleanup(&mut self) {
        let Some(name) = self.cluster.as_ref().map(|c| c.name.clone()) else { return };
        let made = |s: &&Step| s.work.creates() || s.work.carries();
        let mut clouds: Vec<_> = self.steps.iter().filter(made).filter_map(|s| s.cloud.clone()).collect();
        clouds.sort();
        clouds.dedup();
        let fresh = self.began_the_cluster();
        let mut wanted = Vec::new();
        for cloud in clouds {
            wanted.push((Work::Sweep, format!("sweep {cloud}"), Some(cloud.clone())));
            let networks = |s: &Step| s.cloud.as_ref() == Some(&cloud) && (s.work.carries() || s.work == Work::PublicAddress);
            if fresh && self.steps.iter().any(networks) {
                let title = format!("give back networks and addresses on {cloud}");
                wanted.push((Work::GiveBack, title, Some(cloud.clone())));
            }
            if fresh {
                wanted.push((Work::VerifyGone, format!("check that nothing is left on {cloud}"), Some(cloud)));
            }
        }
        if fresh {
            wanted.push((Work::Forget, format!("forget {name}"), None));
        } else {
            self.drop_undone_nodes();
        }
        for (n, (work, title, cloud)) in wanted.into_iter().enumerate() {
            let index = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
            let step = Step {
                cluster: self.run.cluster,
                cloud,
                after: if n == 0 { Vec::new() } else { vec![index - 1] },
                cleanup: true,
                ..Step::new(self.run.number, index, format!("clean up: {title}"), work, self.core.token())
            };
            self.changes.push(EventBody::Step(Box::new(step.clone())));
            self.steps.push(step);
        }
    }

    /// Nodes that this run was to add are no longer wanted; those it was to repair are as they were found.
    fn drop_undone_nodes(&mut self) {
        let undone: Vec<_> = self.steps.iter().filter(|s| s.work.creates()).filter_map(|s| s.node.clone()).collect();
        for name in undone {
            if self.run.kind == RunKind::Repair {
                self.change_node(&name, |n| n.state = NodeState::Gone);
            } else {
                self.drop_node(&name);
            }
        }
    }

    /// The cluster did not exist before this run.
    fn began_the_cluster(&self) -> bool {
        self.run.kind == RunKind::Create && self.cluster.as_ref().is_some_and(|c| c.revision == 1)
    }

    /// The run has ended: says so, and brings the cluster's state in line.
    pub(super) fn finish(&mut self, state: RunState) {
        let now = self.now();
        self.withdraw(|_| true);
        let open: Vec<_> = self.steps.iter().filter(|s| !s.state.ended()).map(|s| s.index).collect();
        for index in open {
            self.change_step(index, |s| {
                s.state = StepState::Cancelled;
                s.ended = Some(now);
            });
        }
        if state == RunState::Failed && self.run.failure.is_none() {
            self.run.failure = self.steps.iter().filter(|s| s.state == StepState::Failed).find_map(|s| s.failure.clone());
        }
        self.run.state = state;
        self.run.ended = Some(now);
        let (number, cluster_state) = (self.run.number, self.cluster_state(state));
        self.change_cluster(|c| {
            c.last_run = Some(number);
            c.state = cluster_state.unwrap_or(c.state);
        });
    }

    fn cluster_state(&self, ended: RunState) -> Option<ClusterState> {
        let all_up = self.nodes.values().all(|n| n.state == NodeState::Up);
        match (self.run.kind, ended) {
            (RunKind::Playbook | RunKind::Command | RunKind::Build, _) => None,
            (RunKind::Delete, _) => Some(ClusterState::Degraded),
            (_, RunState::Failed | RunState::Cancelled) if self.began_the_cluster() => Some(ClusterState::Failed),
            (_, RunState::Done | RunState::Undone) if all_up => Some(ClusterState::Running),
            _ => Some(ClusterState::Degraded),
        }
    }
}
