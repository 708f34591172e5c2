//! What every adapter stands on: the context of a call, the clock, external programs and jobs.

pub mod clock;
pub mod cx;
pub mod docker;
pub mod files;
pub mod http;
pub mod job;
pub mod lately;
pub mod process;
pub mod venv;

pub use clock::{Clock, SystemClock};
pub use cx::{Cx, Output, Progress};
