//! Tests of the parts together, and of the real binary. One test binary, one module a subject.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod ansible;
mod blueprints;
mod cli;
mod cloud_contract;
mod disk;
mod docker;
mod engine_process;
mod faults;
mod forward;
mod home;
mod job;
mod lab;
mod mending;
mod openstack;
mod pictures;
#[allow(dead_code, reason = "benches use more of it")]
mod pty;
mod rails;
mod sandbox;
mod secrets;
mod setup;
mod ssh;
#[allow(dead_code, reason = "benches use more of it")]
mod stage;
mod store;
mod support;
mod terminal;
mod wire;
