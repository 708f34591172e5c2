//! What comes in for the wizard: results of its wishes, answers of the engine, changes of the installation.

use crate::client::mirror::Change as Changed;
use crate::config::setup::{AnsibleChoice, Change};
use crate::console::layers::TextLayer;
use crate::console::msg::Slot;
use crate::console::state::Model;
use crate::console::theme::Role;
use crate::facts::Facts;
use crate::model::text::clean;
use crate::model::{Failure, Verdict};
use crate::protocol::command::Refusal;
use crate::protocol::{Answer, Command};

use super::finish::Stage;
use super::{Ask, Begin, Examined, Page, Tried, Wizard, with};

/// What came of a wish.
#[derive(Debug)]
pub enum Heard {
    Begin(Box<Result<Begin, Failure>>),
    Facts(Box<Facts>),
    Proposed(Result<Vec<Change>, Failure>),
    Written(Result<Vec<String>, Failure>),
    Restarted(Result<(), Failure>),
}

/// Takes in what came of a wish.
pub fn heard(model: &mut Model, heard: Heard) {
    match heard {
        Heard::Begin(begin) => match *begin {
            Ok(begin) if model.wizard().is_none() => super::open(model, begin),
            Ok(_) => {}
            Err(failure) => model.show_text(TextLayer::failure(&failure)),
        },
        Heard::Facts(facts) => with(model, |wizard, _| wizard.facts = Some(facts)),
        Heard::Proposed(result) => with(model, |wizard, _| {
            if wizard.stage == Stage::Asking && wizard.page == Page::Review {
                wizard.stage = result.map_or_else(|failure| Stage::Refused(Box::new(failure)), Stage::Shown);
            }
        }),
        Heard::Written(result) => with(model, |wizard, model| wizard.written(model, result)),
        Heard::Restarted(result) => with(model, |wizard, model| wizard.restarted(model, result)),
    }
}

/// Takes in an answer of the engine.
pub fn replied(model: &mut Model, ask: Ask, result: Result<Box<Answer>, Box<Refusal>>) {
    with(model, |wizard, model| {
        let result = result.map(|answer| *answer).map_err(|refusal| Box::new(refusal.failure));
        match (ask, result) {
            (Ask::Examine, Ok(Answer::Examined { findings, drivers })) => {
                wizard.examined = Examined::Done { findings, drivers };
                wizard.prefer_path();
                if matches!(wizard.page, Page::Clouds | Page::Defaults) {
                    wizard.try_clouds(model);
                }
            }
            (Ask::Examine, Err(failure)) => wizard.examined = Examined::Failed(failure),
            (Ask::Trial(name), Ok(Answer::Trial(trial))) => {
                wizard.trials.insert(name.clone(), Tried::Answers(trial));
                wizard.propose_defaults(&name);
            }
            (Ask::Trial(name), Err(failure)) => drop(wizard.trials.insert(name, Tried::Failed(failure))),
            (Ask::Install, Ok(Answer::Run(run))) => {
                wizard.install = Some(run);
                wizard.install_line = "beginning…".to_owned();
                // With everything there it may have ended before its number is known here.
                wizard.install_ended(model);
            }
            (Ask::Install, Err(failure)) => match &wizard.stage {
                Stage::Installing { done } => {
                    wizard.stage = Stage::Done { done: done.clone(), failure: Some(failure) };
                }
                _ => model.say(failure.line(), Role::Warn),
            },
            (Ask::InstallLine, Ok(Answer::Output(page))) => {
                if let Some(line) = page.lines.last() {
                    wizard.install_line = clean(line).trim().to_owned();
                }
            }
            _ => {}
        }
    });
}

/// The console is connected, for the first time or again.
pub fn connected(model: &mut Model) {
    with(model, |wizard, model| wizard.attached(model));
}

/// Something changed in the home: the installation goes on, or has ended.
pub fn changed(model: &mut Model, change: &Changed) {
    let Some(install) = model.wizard().and_then(|wizard| wizard.install) else { return };
    match change {
        Changed::Output(run, step) if *run == install => {
            let lines = model.mirror.outputs.get(&(*run, *step)).map_or(0, |size| size.lines);
            let slot = Slot::Setup(Ask::InstallLine);
            if lines > 0 && model.is_idle(&slot) {
                let command = Command::OutputPage {
                    run: *run,
                    step: *step,
                    attempt: 0,
                    from: lines - 1,
                    count: 1,
                    pick: Vec::new(),
                    times: false,
                };
                model.request(slot, command);
            }
        }
        Changed::Run(run) if *run == install => with(model, |wizard, model| wizard.install_ended(model)),
        Changed::All => with(model, |wizard, model| wizard.install_ended(model)),
        _ => {}
    }
}

impl Wizard {
    /// Where nobody has chosen and only the PATH has an Ansible, that one is proposed.
    fn prefer_path(&mut self) {
        let good = |name: &str| self.finding(name).is_some_and(|found| found.verdict == Verdict::Ok);
        let chosen = self.begin.draft.is_some() || self.at.contains_key(&Page::Tools);
        if !chosen
            && self.answers.ansible == Some(AnsibleChoice::Managed)
            && good("ansible on the path")
            && !good("managed ansible")
        {
            self.answers.ansible = Some(AnsibleChoice::Path);
        }
    }
}
