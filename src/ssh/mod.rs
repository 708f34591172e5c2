//! SSH to the nodes: probe, exec, shell, files, jumps through other nodes, pinned host keys.
//!
//! [`connect`] opens a [`Connection`]; [`pool::Pool`] keeps connections for reuse, which is what repeated commands
//! and [`fan_out`] go through. Shells and forwards take a connection of their own: one that is not read from holds
//! up everything else on its connection.

mod connection;
mod dial;
mod failures;
mod fan_out;
pub mod forward;
pub mod keys;
pub mod known;
mod login;
pub mod pool;
mod put;
mod shell;
mod target;
pub mod targets;
mod wait;

pub use connection::{Connection, ExecResult, connect};
pub use fan_out::{Answer, fan_out};
pub use known::KnownHosts;
pub use shell::{Output, Pty, Shell, ShellInput, ShellOutput};
pub use target::{Auth, Target};
pub use wait::{Probe, probe, wait};
