//! Writes what is to outlive the session beside the loop: one thing after the other, and all of it before the end.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::config::Paths;
use crate::model::Failure;

use super::msg::Msg;

/// The end waits so long for what is still to be written.
const PATIENCE: Duration = Duration::from_secs(1);

type Write = Box<dyn FnOnce(&Paths) -> Result<(), Failure> + Send>;

/// Takes things to write.
pub struct Keeper {
    writes: mpsc::UnboundedSender<Write>,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Writes into the folders of a home; what goes wrong is told.
    pub fn new(paths: Paths, results: mpsc::UnboundedSender<Msg>) -> Self {
        let (writes, mut wanted) = mpsc::unbounded_channel::<Write>();
        let task = tokio::spawn(async move {
            while let Some(write) = wanted.recv().await {
                let paths = paths.clone();
                let result = tokio::task::spawn_blocking(move || write(&paths)).await;
                let result = result.unwrap_or_else(|e| Err(Failure::broken("keep it for the next session", e)));
                if result.is_err() {
                    let _ = results.send(Msg::Kept(result));
                }
            }
        });
        Self { writes, task }
    }

    /// Writes something soon.
    pub fn keep(&self, write: impl FnOnce(&Paths) -> Result<(), Failure> + Send + 'static) {
        let _ = self.writes.send(Box::new(write));
    }

    /// Waits until everything is written.
    pub async fn end(self) {
        drop(self.writes);
        let _ = tokio::time::timeout(PATIENCE, self.task).await;
    }
}
