//! After the review: writing, the engine with the new settings, Ansible, the first cluster.

use crate::config::setup::{AnsibleChoice, Change};
use crate::console::layers::{Layer, PlanLayer};
use crate::console::msg::Slot;
use crate::console::state::Model;
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::canvas::wrap;
use crate::model::text::clean;
use crate::model::{CloudName, Failure};
use crate::protocol::{Command, SpecSource};

use super::effects::Wish;
use super::form::Line;
use super::{Ask, Wizard};

/// How far the review and what follows it is.
#[derive(Clone, PartialEq, Debug)]
pub enum Stage {
    /// Nothing is known of what would be written.
    Asking,
    Shown(Vec<Change>),
    /// It cannot be so.
    Refused(Box<Failure>),
    Writing,
    /// Written; the engine begins anew, and the console attaches to it again. Whichever is told first.
    Restarting {
        done: Vec<String>,
        /// The engine serves again.
        restarted: bool,
        /// This console is connected to the new one.
        attached: bool,
    },
    /// Ansible is being installed, before the first cluster.
    Installing {
        done: Vec<String>,
    },
    /// All is done that can be done here; a failure of what followed the writing.
    Done {
        done: Vec<String>,
        failure: Option<Box<Failure>>,
    },
}

impl Wizard {
    /// Writes what was reviewed.
    pub(super) fn write(&mut self, model: &mut Model) {
        let Stage::Shown(changes) = &self.stage else { return };
        if changes.is_empty() {
            return self.go_on(model, vec!["all settings are so already".to_owned()]);
        }
        model.setup(Wish::Write(changes.clone()));
        self.stage = Stage::Writing;
        self.top = 0;
    }

    /// It was written, or not.
    pub(super) fn written(&mut self, model: &mut Model, result: Result<Vec<String>, Failure>) {
        match result {
            Err(failure) => self.stage = Stage::Refused(Box::new(failure)),
            Ok(done) => {
                model.setup(Wish::KeepDraft(None));
                model.setup(Wish::RestartEngine);
                self.stage = Stage::Restarting { done, restarted: false, attached: false };
            }
        }
    }

    /// The engine is back, or not.
    pub(super) fn restarted(&mut self, model: &mut Model, result: Result<(), Failure>) {
        let Stage::Restarting { done, restarted, .. } = &mut self.stage else { return };
        match result {
            Err(failure) => self.stage = Stage::Done { done: std::mem::take(done), failure: Some(Box::new(failure)) },
            Ok(()) => {
                *restarted = true;
                self.served_again(model);
            }
        }
    }

    /// The console is connected to an engine again.
    pub(super) fn attached(&mut self, model: &mut Model) {
        if let Stage::Restarting { attached, .. } = &mut self.stage {
            *attached = true;
            self.served_again(model);
        }
    }

    /// What is asked for before the line is up again would be lost.
    fn served_again(&mut self, model: &mut Model) {
        if let Stage::Restarting { done, restarted: true, attached: true } = &mut self.stage {
            let mut done = std::mem::take(done);
            done.push("the engine has read the settings".to_owned());
            self.go_on(model, done);
        }
    }

    /// What follows the writing.
    fn go_on(&mut self, model: &mut Model, done: Vec<String>) {
        let answers = self.final_answers();
        if answers.ansible == Some(AnsibleChoice::Managed) && !self.installed(model) && !self.found_managed() {
            if let Some(why) = model.why_only_looking() {
                let failure =
                    Failure::refused("install Ansible", why).next("install it when you may: quarterdeck ansible install");
                self.stage = Stage::Done { done, failure: Some(Box::new(failure)) };
                return;
            }
            // One may be going on already.
            if self.why_no_install(model).is_none() {
                model.request(Slot::Setup(Ask::Install), Command::AnsibleInstall);
            }
            self.stage = Stage::Installing { done };
            return;
        }
        self.first_cluster(model, done);
    }

    fn found_managed(&self) -> bool {
        self.finding("managed ansible").is_some_and(|found| found.verdict == crate::model::Verdict::Ok)
    }

    /// The installation has come to its end.
    pub(super) fn install_ended(&mut self, model: &mut Model) {
        let Stage::Installing { done } = &self.stage else { return };
        let mut done = done.clone();
        let Some(run) = self.install.and_then(|number| model.mirror.runs().get(&number)).filter(|run| run.state.ended()) else {
            return;
        };
        if self.installed(model) {
            done.push("Ansible is installed".to_owned());
            return self.first_cluster(model, done);
        }
        let failure = run.failure.clone().unwrap_or_else(|| Failure::broken("install Ansible", run.state));
        self.stage = Stage::Done { done, failure: Some(Box::new(failure)) };
    }

    /// Plans the first cluster, through the layer that shows every plan.
    fn first_cluster(&mut self, model: &mut Model, done: Vec<String>) {
        let answers = self.final_answers();
        self.stage = Stage::Done { done, failure: None };
        let Some(first) = answers.first_cluster else { return };
        let cloud = first.cloud.or(answers.default_cloud).map(|CloudName(name)| name);
        let source = SpecSource::Blueprint { blueprint: first.blueprint, text: None };
        let layer = PlanLayer::ask(model, "the first cluster", Command::PlanCreate { source, name: None, cloud });
        model.layers.push(Layer::Plan(Box::new(layer)));
    }

    pub(super) fn finish_lines(&self, model: &Model, width: u16) -> Vec<Line> {
        let glyph = |glyph| model.theme.glyph(glyph);
        let empty = Vec::new();
        let (done, now) = match &self.stage {
            Stage::Writing => (&empty, Some("writing…")),
            Stage::Restarting { done, .. } => (done, Some("the engine begins anew; runs go on…")),
            Stage::Installing { done } => (done, Some("Ansible is being installed…")),
            Stage::Done { done, .. } => (done, None),
            _ => (&empty, None),
        };
        let mut lines: Vec<Line> = Vec::new();
        for text in done {
            for (at, piece) in wrap(&clean(text), width.saturating_sub(2)).into_iter().enumerate() {
                let mark = if at == 0 { format!("{} ", glyph(Glyph::Done)) } else { "  ".to_owned() };
                lines.push(Line::rich(vec![(mark, Role::Ok), (piece.trim_end().to_owned(), Role::Text)]));
            }
        }
        if let Some(now) = now {
            lines.push(Line::rich(vec![(format!("{} ", glyph(Glyph::Busy)), Role::Running), (now.to_owned(), Role::Running)]));
        }
        if matches!(self.stage, Stage::Installing { .. }) {
            lines.push(Line::text(format!("  {}", self.install_line), Role::Dim));
        }
        let Stage::Done { failure, .. } = &self.stage else { return lines };
        if let Some(failure) = failure {
            for (mark, role, text) in
                [(glyph(Glyph::Failed), Role::Failed, failure.line()), (" ", Role::Text, failure.next.clone())]
            {
                for piece in text.lines().flat_map(|line| wrap(&clean(line), width.saturating_sub(2))) {
                    lines.push(Line::rich(vec![(format!("{mark} "), role), (piece.trim_end().to_owned(), role)]));
                }
            }
        }
        lines.push(Line::gap());
        let next = self.facts.as_ref().map(|facts| facts.service.next_steps(self.answers.unit == Some(true))).unwrap_or_default();
        for step in next {
            lines.push(Line::rich(vec![("next  ".to_owned(), Role::Dim), (step, Role::Text)]));
        }
        lines.push(Line::text("This home is set up. Come back at any time: quarterdeck setup", Role::Text));
        lines
    }
}
