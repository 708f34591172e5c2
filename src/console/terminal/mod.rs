//! The terminal: its state, its bytes, its pace.

pub mod guard;
pub mod pacer;
pub mod sgr;
pub mod threads;
