//! The engine: owns every side effect.

pub mod door;
pub mod feeds;
