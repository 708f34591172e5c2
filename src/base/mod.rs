//! What every adapter stands on: the context of a call, the clock, external programs and jobs.

pub mod clock;
pub mod cx;

pub use clock::{Clock, SystemClock};
pub use cx::{Cx, Output, Progress};
