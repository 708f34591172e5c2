//! Tests of the parts together, and of the real binary. One test binary, one module a subject.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod ansible;
mod blueprints;
mod cli;
mod cloud_contract;
mod disk;
mod engine_process;
mod faults;
mod home;
mod job;
mod sandbox;
mod secrets;
mod ssh;
mod store;
mod support;
mod terminal;
mod wire;
