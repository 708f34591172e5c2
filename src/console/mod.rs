//! The console: the screen of the product. It is a client of the engine and nothing else; leaving it, or losing it,
//! never stops a run.

pub mod input;
pub mod terminal;
