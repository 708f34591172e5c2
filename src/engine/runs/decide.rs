//! What follows from what is known: which steps start, what a failure leads to, when the run has ended.

use std::time::Duration;

use super::task::{Asker, Launch, RunTask, Way};
use crate::engine::slots::Slot;
use crate::model::spec::OnFailure;
use crate::model::{
    Choice, Class, Ending, Failure, Node, NodeState, Prompt, PromptId, PromptKind, PromptState, RunKind, RunState, Step,
    StepState, Time, Wait, Work,
};
use crate::protocol::EventBody;

/// The answer to a missing Ansible.
pub(super) const INSTALL: &str = "install";

/// Attempts of a step whose failure may heal.
const ATTEMPTS: u32 = 6;
/// Pause before the second attempt; doubled with each further one.
const FIRST_PAUSE_MS: u64 = 500;
/// Longest pause between two attempts.
const LONGEST_PAUSE_MS: u64 = 30_000;

impl RunTask {
    /// Decides what is to happen next.
    pub(super) fn decide(&mut self) {
        self.slot_wait = None;
        self.room_wait = None;
        match self.run.state {
            RunState::Queued | RunState::Running | RunState::Waiting => self.forward(),
            RunState::Cancelling => self.end_early(),
            RunState::Undoing => self.unwind(),
            RunState::Done | RunState::Failed | RunState::Cancelled | RunState::Undone => {}
        }
    }

    fn forward(&mut self) {
        if self.run.started.is_none() {
            self.run.started = Some(self.now());
            self.run.state = RunState::Running;
        }
        self.start_ready();
        if self.nothing_left() {
            let bad = |s: &Step| matches!(s.state, StepState::Failed | StepState::UndoFailed | StepState::Pending);
            let bad = self.steps.iter().any(bad);
            self.finish(if bad { RunState::Failed } else { RunState::Done });
        }
    }

    /// Nothing runs, nothing waits, nothing can start.
    pub(super) fn nothing_left(&self) -> bool {
        !self.any_going()
            && self.prompts.is_empty()
            && self.slot_wait.is_none()
            && self.room_wait.is_none()
            && !self.steps.iter().any(|s| matches!(s.state, StepState::Waiting { .. }))
    }

    /// Starts every step that can start.
    pub(super) fn start_ready(&mut self) {
        let ready: Vec<u32> = self.steps.iter().filter(|s| self.can_start(s)).map(|s| s.index).collect();
        if ready.is_empty() {
            return;
        }
        if let Err(failure) = self.core.store.room() {
            self.room_wait = Some(failure.line());
            return;
        }
        let now = self.now();
        for index in ready {
            let Some(slot) = self.slot(index) else { continue };
            self.change_step(index, |s| {
                s.attempt += 1;
                s.state = StepState::Running;
                s.started = s.started.or(Some(now));
                s.ended = None;
            });
            self.mark_node(index);
            let again = self.steps.get(index as usize).is_some_and(|s| s.attempt > 1);
            self.launches.push(Launch { step: index, way: Way::Do, again, slot });
        }
    }

    fn can_start(&self, step: &Step) -> bool {
        let due = match &step.state {
            StepState::Pending => true,
            StepState::Waiting { on: Wait::Retry { at, .. } } => *at <= self.now(),
            _ => false,
        };
        let passed = |dep: &u32| {
            let state = self.steps.get(*dep as usize).map(|d| &d.state);
            matches!(state, Some(StepState::Done | StepState::Skipped | StepState::Undone | StepState::UndoFailed))
        };
        due && step.after.iter().all(passed)
    }

    /// `Some(None)`: the step needs no slot; `None`: it needs one and there is none.
    pub(super) fn slot(&mut self, index: u32) -> Option<Option<Slot>> {
        let step = self.steps.get(index as usize)?;
        let changes =
            matches!(step.work, Work::CreateServer { .. } | Work::StartServer | Work::PublicAddress | Work::DeleteServer { .. });
        let Some(cloud) = step.cloud.as_ref().filter(|_| changes || step.work.carries()) else { return Some(None) };
        let most = self.core.clouds.get(cloud).map_or(1, |c| c.manners().at_once);
        match self.core.slots.take(cloud, most) {
            Ok(slot) => Some(Some(slot)),
            Err(limit) => {
                self.slot_wait = Some((cloud.clone(), limit));
                None
            }
        }
    }

    /// Shows in the node what its step is about to do.
    fn mark_node(&mut self, index: u32) {
        let Some(step) = self.steps.get(index as usize) else { return };
        let Some(node) = step.node.clone() else { return };
        let token = step.token.clone();
        if step.work.creates() {
            self.change_node(&node, |n| {
                n.state = NodeState::Creating;
                n.token = Some(token);
                n.note = None;
            });
        }
    }

    /// A step failed: try again, go on without its node, or do what the spec says.
    pub(super) fn step_failed(&mut self, index: u32, failure: Failure) {
        let now = self.now();
        let Some(step) = self.steps.get(index as usize) else { return };
        if failure.class == Class::Cancelled {
            self.change_step(index, |s| {
                s.state = StepState::Cancelled;
                s.ended = Some(now);
                s.failure = Some(failure);
            });
            return;
        }
        if let (Class::Throttled, Some(cloud)) = (failure.class, &step.cloud) {
            self.core.slots.lower(cloud);
        }
        if failure.heals() && step.attempt < ATTEMPTS && self.run.state != RunState::Cancelling {
            let pause = pause_before(step.attempt + 1, failure.retry_after_ms);
            let at = Time(now.0.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)));
            let why = failure.got.clone();
            self.change_step(index, |s| {
                s.state = StepState::Waiting { on: Wait::Retry { at, why } };
                s.failure = Some(failure);
            });
            return;
        }
        self.failed_for_good(index, failure);
    }

    /// A step failed and trying again does not help.
    fn failed_for_good(&mut self, index: u32, failure: Failure) {
        let now = self.now();
        let failed = failure.clone();
        self.change_step(index, |s| {
            s.state = StepState::Failed;
            s.ended = Some(now);
            s.failure = Some(failed);
        });
        if matches!(self.run.state, RunState::Undoing | RunState::Cancelling) {
            // The end is decided: nobody is asked, the run says what went wrong on the way.
            self.run.failure = self.run.failure.take().or(Some(failure));
            return;
        }
        let node = self.steps.get(index as usize).and_then(|s| s.node.clone());
        if let Some(node) = node.filter(|n| self.can_spare(n, index)) {
            self.go_on_without(&node, &failure);
            return;
        }
        match self.on_failure(&failure) {
            OnFailure::Ask => self.ask_about(index, failure),
            OnFailure::Rollback => self.begin_undo(Some(failure)),
            OnFailure::Keep => self.run.failure = self.run.failure.take().or(Some(failure)),
        }
    }

    fn on_failure(&self, failure: &Failure) -> OnFailure {
        let of_spec = self.cluster.as_ref().map_or(OnFailure::Keep, |c| c.spec.on_failure);
        match self.run.kind {
            // One answer mends it.
            RunKind::Playbook if crate::ansible::is_missing(failure) && of_spec == OnFailure::Ask => OnFailure::Ask,
            // There is nothing to give back, and the message says all.
            RunKind::Playbook | RunKind::Command | RunKind::Build | RunKind::Delete => OnFailure::Keep,
            RunKind::Create | RunKind::Scale | RunKind::Repair => of_spec,
        }
    }

    /// The spec lets the cluster go on with fewer nodes, and enough would be left without this one.
    fn can_spare(&self, node: &str, index: u32) -> bool {
        let Some(ready) = self.cluster.as_ref().and_then(|c| c.spec.ready) else { return false };
        let birth = self.steps.get(index as usize).is_some_and(is_birth);
        if !birth || self.nodes.values().any(|n| n.via.as_deref() == Some(node)) {
            return false;
        }
        let lost = |n: &Node| matches!(n.state, NodeState::Failed | NodeState::Gone | NodeState::Deleting);
        self.nodes.values().filter(|n| n.name != node && !lost(n)).count() >= ready.at_least as usize
    }

    /// Gives up one node: its other steps are skipped, its server is given back.
    pub(super) fn go_on_without(&mut self, node: &str, failure: &Failure) {
        let note = failure.line();
        self.change_node(node, |n| {
            n.state = NodeState::Failed;
            n.note = Some(note);
        });
        let now = self.now();
        let of_node: Vec<_> = self.steps.iter().filter(|s| s.node.as_deref() == Some(node)).cloned().collect();
        for step in of_node {
            if step.work.can_undo() && step.attempt > 0 {
                self.change_step(step.index, |s| s.state = StepState::Undoing);
                self.launches.push(Launch { step: step.index, way: Way::Undo, again: true, slot: None });
            } else if step.state != StepState::Done {
                self.change_step(step.index, |s| {
                    s.state = StepState::Skipped;
                    s.ended = Some(now);
                });
            }
        }
    }

    /// Asks an operator what is to become of a failed step.
    pub(super) fn ask_about(&mut self, index: u32, failure: Failure) {
        let Some(step) = self.steps.get(index as usize) else { return };
        let mut choices = vec![choice("retry", 'r', "try again")];
        if crate::ansible::is_missing(&failure) {
            choices.insert(0, choice(INSTALL, 'i', "install it now, then go on"));
        }
        if let (Some(node), true) = (&step.node, is_birth(step)) {
            choices.push(choice("skip", 's', &format!("go on without {node}")));
        }
        choices.push(choice("undo", 'u', "undo the run"));
        choices.push(choice("keep", 'k', "keep what is there"));
        let prompt = Prompt {
            id: PromptId::new(),
            run: self.run.number,
            step: Some(step.id),
            question: format!("{} failed: {}", step.title, failure.got),
            kind: PromptKind::Failure { failure },
            choices,
            opened: self.now(),
            state: PromptState::Open,
        };
        let id = prompt.id;
        self.change_step(index, |s| s.state = StepState::Waiting { on: Wait::Prompt { prompt: id } });
        self.open_prompt(prompt, Asker::Failure { step: index });
    }

    /// Opens a prompt.
    pub(super) fn open_prompt(&mut self, prompt: Prompt, asker: Asker) {
        self.changes.push(EventBody::Prompt(Box::new(prompt.clone())));
        self.prompts.insert(prompt.id, (prompt, asker));
    }

    /// An operator wants the run's end; what it created is given back or kept.
    pub(super) fn set_ending(&mut self, ending: Ending) {
        self.run.ending = Some(ending);
        self.run.state = RunState::Cancelling;
    }
}

/// The step is part of how a node comes into being.
pub(super) fn is_birth(step: &Step) -> bool {
    matches!(step.work, Work::CreateServer { .. } | Work::StartServer | Work::WaitServer | Work::PublicAddress | Work::WaitSsh)
}

/// One answer that a prompt offers.
pub(super) fn choice(word: &str, key: char, label: &str) -> Choice {
    Choice { word: word.to_owned(), key, label: label.to_owned() }
}

/// The pause before attempt number `attempt`: exponential, a quarter of jitter either way, and never shorter than
/// the other side asked for.
fn pause_before(attempt: u32, asked_ms: Option<u64>) -> Duration {
    let base = FIRST_PAUSE_MS.saturating_mul(1 << attempt.saturating_sub(2).min(10)).min(LONGEST_PAUSE_MS);
    let jittered = base * 3 / 4 + rand::random_range(0..=base / 2);
    Duration::from_millis(jittered.max(asked_ms.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_honour_what_was_asked() {
        for _ in 0..50 {
            let second = pause_before(2, None).as_millis();
            assert!((375..=750).contains(&second), "{second}");
            let late = pause_before(30, None).as_millis();
            assert!((22_500..=45_000).contains(&late), "{late}");
        }
        assert!(pause_before(2, Some(9_000)).as_millis() >= 9_000);
    }
}
