//! The console: the screen of the product. It is a client of the engine and nothing else; leaving it, or losing it,
//! never stops a run.
//!
//! Data flows one way: what comes in becomes a [`msg::Msg`], [`update`] changes the one model, [`draw`] makes cells out
//! of it, [`terminal`] makes bytes out of the difference.

mod act;
pub mod action;
mod app;
pub mod draw;
mod effects;
pub mod headless;
pub mod input;
mod layers;
mod layout;
mod msg;
mod painter;
mod panes;
mod pulse;
mod run;
mod setup;
mod state;
pub mod terminal;
pub mod theme;
mod update;
mod widgets;
mod words;

use crate::model::RunNo;

pub use app::run;

/// Where the console opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// The clusters.
    Home,
    /// The detail of one run.
    Run(RunNo),
}

#[cfg(test)]
mod tests;
