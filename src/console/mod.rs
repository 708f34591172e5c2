//! The console: the screen of the product. It is a client of the engine and nothing else; leaving it, or losing it,
//! never stops a run.

pub mod input;
pub mod terminal;
pub mod theme;

use crate::model::RunNo;

/// Where the console opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// The clusters.
    Home,
    /// The detail of one run.
    Run(RunNo),
}
