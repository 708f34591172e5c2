//! What is removed in time: runs over the limits, the oldest first.

use super::Store;
use crate::model::{Failure, RunNo, Time};

/// How much is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    pub runs: u32,
    pub days: u32,
    /// Bytes of all run directories together.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { runs: 200, days: 90, bytes: 5_000_000_000 }
    }
}

/// Removes the runs that are over the limits, never pinned or unfinished ones. Answers which.
///
/// # Errors
/// The store cannot be read or written.
pub async fn sweep(_store: &Store, _limits: Limits, _now: Time) -> Result<Vec<RunNo>, Failure> {
    unimplemented!()
}
