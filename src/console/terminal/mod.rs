//! The terminal: its state, its bytes, its pace.

pub mod beside;
pub mod crash;
pub mod guard;
pub mod mux;
pub mod pacer;
pub mod sgr;
pub mod threads;
