//! What a run is told from outside: cancel, answers, questions of its steps.

use secrecy::{ExposeSecret, SecretString};

use super::Order;
use super::decide::INSTALL;
use super::task::{Asker, RunTask};
use crate::base::job;
use crate::engine::core::Core;
use crate::engine::steps::{Ask, Question};
use crate::model::{Ending, Failure, Prompt, PromptId, PromptKind, PromptState, RunState, Step, StepState, Work};
use crate::protocol::{EventBody, Refusal};

/// The refusal for an answer to a prompt that is no longer open; `new`: what is said where its answer is not recorded.
pub fn too_late(core: &Core, prompt: PromptId, new: Option<String>) -> Refusal {
    let says = new.or_else(|| core.journal.state().answered(prompt).map(str::to_owned));
    let failure = match says {
        Some(says) => Failure::refused("answer a prompt", says).next("the run goes on with that answer"),
        None => Failure::not_found("answer a prompt", "it is no longer open").next("the run went on, or has ended"),
    };
    Refusal::of(failure)
}

impl RunTask {
    /// Takes an order; the reply goes out once what it says is durable.
    pub(super) fn order(&mut self, order: Order) {
        match order {
            Order::Cancel { mode, done } => {
                let answer = self.cancel(mode);
                self.replies.push((done, answer));
            }
            Order::Answer { prompt, word, text, by, done } => {
                let answer = self.answer(prompt, &word, text, by);
                self.replies.push((done, answer));
            }
            Order::Pin { pinned, done } => {
                self.run.pinned = pinned;
                self.replies.push((done, Ok(())));
            }
            Order::Ask(ask) => self.asked(ask),
            Order::Rest => {}
        }
    }

    fn cancel(&mut self, mode: Ending) -> Result<(), Refusal> {
        if self.run.state == RunState::Undoing && mode != Ending::Force {
            let tried = format!("cancel run {}", self.run.number);
            let failure = Failure::refused(tried, "the run is already giving back what it created")
                .next("wait for it, or end it by force: then `quarterdeck cluster delete` takes away what is left");
            return Err(Refusal::of(failure));
        }
        // A second cancel that says how to end answers the question that the first one raised.
        self.withdraw(|asker| matches!(asker, Asker::Cancel));
        self.set_ending(mode);
        Ok(())
    }

    fn answer(&mut self, id: PromptId, word: &str, text: Option<SecretString>, by: String) -> Result<(), Refusal> {
        let tried = "answer a prompt";
        let Some((mut prompt, asker)) = self.prompts.remove(&id) else {
            // The first answer may not be durable yet.
            let new = self.changes.iter().rev().find_map(|change| match change {
                EventBody::Prompt(prompt) if prompt.id == id => prompt.state.too_late(),
                _ => None,
            });
            return Err(too_late(&self.core, id, new));
        };
        if !prompt.choices.is_empty() && !prompt.choices.iter().any(|c| c.word == word) {
            let words: Vec<_> = prompt.choices.iter().map(|c| c.word.as_str()).collect();
            let failure = Failure::refused(tried, format!("{word:?} is no answer to it"))
                .next(format!("the answers are: {}", words.join(", ")));
            self.prompts.insert(id, (prompt, asker));
            return Err(Refusal::bad(failure));
        }
        let text = text.unwrap_or_else(|| SecretString::from(String::new()));
        let shown = match prompt.kind {
            PromptKind::Text => text.expose_secret().to_owned(),
            _ => word.to_owned(),
        };
        match asker {
            Asker::Failure { step } => self.decided(step, word),
            Asker::Cancel => self.set_ending(if word == "undo" { Ending::Undo } else { Ending::Keep }),
            // A step that is gone does not need its answer any more.
            Asker::Step(step) => drop(step.send(text)),
            Asker::Job { dir, number } => {
                if let Err(failure) = job::answer(&dir, number, &text) {
                    self.prompts.insert(id, (prompt, Asker::Job { dir, number }));
                    return Err(Refusal::of(failure));
                }
            }
        }
        prompt.state = PromptState::Answered { by, at: self.now(), word: shown };
        self.changes.push(EventBody::Prompt(Box::new(prompt)));
        Ok(())
    }

    /// What an operator decided about a failed step.
    fn decided(&mut self, index: u32, word: &str) {
        let Some(step) = self.steps.get(index as usize) else { return };
        let failure = step.failure.clone().unwrap_or_else(|| Failure::broken(&step.title, "it failed"));
        match (word, step.node.clone()) {
            ("retry", node) => {
                // A server that came up broken is made anew, so its whole birth is repeated.
                let whole = step.work == Work::WaitServer;
                let part = |s: &Step| whole && s.node == node && s.work.can_undo();
                let again: Vec<u32> = self.steps.iter().filter(|s| s.index == index || part(s)).map(|s| s.index).collect();
                for index in again {
                    self.change_step(index, |s| s.state = StepState::Pending);
                }
            }
            (INSTALL, _) => self.install_ansible(index),
            ("skip", Some(node)) => self.go_on_without(&node, &failure),
            ("undo", _) => self.begin_undo(Some(failure)),
            _ => {
                self.run.failure = self.run.failure.take().or(Some(failure));
                self.change_step(index, |s| s.state = StepState::Failed);
            }
        }
    }

    /// Adds a step that installs Ansible, and lets the step that missed it wait for that.
    fn install_ansible(&mut self, index: u32) {
        let new = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        let step = Step::new(self.run.number, new, "install Ansible".to_owned(), Work::InstallAnsible, self.core.token());
        self.changes.push(EventBody::Step(Box::new(step.clone())));
        self.steps.push(step);
        self.change_step(index, |s| {
            s.state = StepState::Pending;
            s.after.push(new);
        });
    }

    /// A step asks something.
    fn asked(&mut self, ask: Ask) {
        let Some(step) = self.steps.get(ask.step as usize) else { return };
        let step_id = step.id;
        let (question, kind, asker) = match ask.question {
            Question::Secret { text, reply } => (text, PromptKind::Secret, Asker::Step(reply)),
            Question::Job { text, kind, dir, number } => (text, kind, Asker::Job { dir, number }),
            Question::Withdraw { dir } => {
                self.withdraw(|asker| matches!(asker, Asker::Job { dir: of, .. } if *of == dir));
                return;
            }
        };
        let prompt = Prompt {
            id: PromptId::new(),
            run: self.run.number,
            step: Some(step_id),
            question,
            kind,
            choices: Vec::new(),
            opened: self.now(),
            state: PromptState::Open,
        };
        self.open_prompt(prompt, asker);
    }
}
