//! Quarterdeck: a terminal console for people who run clusters of virtual machines.
//!
//! The rooms, and who may know whom, are checked by `tests/arch.rs`; CONTRIBUTING.md draws the map.

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
compile_error!("Quarterdeck runs on Linux, x86_64 and aarch64: its engine and sandbox stand on namespaces, pidfds and /proc");

pub mod ansible;
pub mod base;
pub mod cli;
pub mod client;
pub mod clouds;
pub mod clusters;
pub mod config;
pub mod console;
pub mod containers;
pub mod daemon;
pub mod engine;
pub mod facts;
pub mod model;
pub mod protocol;
pub mod ssh;
pub mod store;
