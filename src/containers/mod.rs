//! Docker engines and what they do: reading what is there, building images.

pub mod build;
pub mod engine;
mod wire;

pub use engine::DockerEngine;
