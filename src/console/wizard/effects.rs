//! What the wizard wants done outside of the model: looking around, the draft, files, the engine.

use std::time::Duration;

use crate::client;
use crate::config::foreign::Place;
use crate::config::setup::{self, Answers, Change, Draft};
use crate::console::app::App;
use crate::console::msg::Msg;
use crate::facts;
use crate::model::Failure;

use super::{Begin, Heard};

/// Asks for the background's colour; terminals that do not know the question say nothing.
const ASK_BACKGROUND: &[u8] = b"\x1b]11;?\x07";

/// How long the engine may take to come back with the new settings.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is to be done.
#[derive(Clone, PartialEq, Debug)]
pub enum Wish {
    /// Read settings and draft, and open.
    Open,
    /// Find out what this computer has.
    Survey,
    AskBackground,
    /// Keep the draft; `None`: there is none any more.
    KeepDraft(Option<Box<Draft>>),
    /// Say what would be written.
    Propose(Box<Answers>),
    Write(Vec<Change>),
    /// Let the engine read the settings; runs go on.
    RestartEngine,
}

/// Does it; what comes of it is told as a message.
pub fn carry_out(app: &mut App, wish: Wish) {
    let (paths, program, results) = (app.options.paths.clone(), app.options.program.clone(), app.results.clone());
    // Slow things happen beside the loop. A console that is gone needs no answer.
    let aside = |work: Box<dyn FnOnce() -> Heard + Send>| {
        tokio::task::spawn_blocking(move || drop(results.send(Msg::Setup(Box::new(work())))));
    };
    match wish {
        Wish::Open => aside(Box::new(move || Heard::Begin(Box::new(Begin::read(&paths))))),
        Wish::Survey => aside(Box::new(move || Heard::Facts(Box::new(facts::gather(&paths, &Place::here()))))),
        Wish::AskBackground => app.push_extra(ASK_BACKGROUND),
        Wish::KeepDraft(draft) => app.keeper.keep(move |paths| match &draft {
            Some(draft) => draft.save(paths),
            None => {
                Draft::forget(paths);
                Ok(())
            }
        }),
        Wish::Propose(answers) => {
            aside(Box::new(move || Heard::Proposed(setup::propose(&paths, &Place::here(), &program, &answers))));
        }
        Wish::Write(changes) => aside(Box::new(move || Heard::Written(setup::write(&changes)))),
        Wish::RestartEngine => {
            let (options, results) = (app.options.clone(), app.results.clone());
            tokio::spawn(async move {
                let restarted = tokio::time::timeout(PATIENCE, client::restart(&options)).await;
                let result = restarted.unwrap_or_else(|_| {
                    Err(Failure::transient("restart the engine", "it does not come back").next("quarterdeck engine restart"))
                });
                let _ = results.send(Msg::Setup(Box::new(Heard::Restarted(result.map(drop)))));
            });
        }
    }
}
