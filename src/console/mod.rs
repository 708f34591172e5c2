//! The console: the screen of the product. It is a client of the engine and nothing else; leaving it, or losing it,
//! never stops a run.
//!
//! Data flows one way: what comes in becomes a [`msg::Msg`], [`update`] changes the one model, [`draw`] makes cells out
//! of it, [`terminal`] makes bytes out of the difference.

mod act;
pub mod action;
mod again;
mod app;
mod audit;
mod bulk;
mod change;
mod custom;
mod deeds;
mod detail;
pub mod draw;
mod effects;
mod faults;
mod favourites;
mod forward;
mod go;
mod head;
pub mod headless;
pub mod input;
mod keeper;
mod layers;
mod layout;
pub mod looks;
mod mouse;
mod msg;
mod painter;
mod panes;
mod people;
mod pulse;
mod rails;
mod recall;
mod reload;
mod remove;
mod resource;
mod run;
mod setup;
mod shell;
mod state;
mod tab;
mod take;
mod tell;
pub mod terminal;
pub mod theme;
mod update;
mod verbs;
mod viewer;
mod widgets;
mod wizard;
mod words;

use crate::model::RunNo;

pub use app::run;
pub use state::Tab;

/// Where the console opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// The tab of the settings; the wizard in a home that nobody has set up.
    Home,
    /// A tab; the wizard in a home that nobody has set up.
    At(Tab),
    /// The wizard.
    Setup,
    /// The detail of one run.
    Run(RunNo),
}

#[cfg(test)]
mod tests;
