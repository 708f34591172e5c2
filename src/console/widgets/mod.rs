//! Pieces that screens are made of. They know data and style, and nothing of clouds or runs.

pub mod canvas;
pub mod field;
pub mod filter;
pub mod log;
pub mod table;
