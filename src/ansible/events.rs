//! The events that the callback plugin writes.

use std::path::PathBuf;

use crate::model::PlayEvent;

/// Reads `events.jsonl` as it grows.
pub struct Tail {
    path: PathBuf,
}

impl Tail {
    /// Begins at the start of the file, which need not be there yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The next events, at most `max`; none when nothing new is there.
    pub fn read(&mut self, max: usize) -> Vec<PlayEvent> {
        let _ = (max, &self.path);
        unimplemented!()
    }
}
