//! What a step says goes into its output, and those who look at the run hear that there is more.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::StepCx;
use crate::base::{Output, Progress};
use crate::engine::core::lock;
use crate::engine::feeds::Hub;
use crate::model::RunNo;
use crate::protocol::{Live, Topic};
use crate::store::output::OutputLog;

/// The output of one attempt of a step.
pub struct Talk {
    path: std::path::PathBuf,
    /// Opened with the first line.
    log: Mutex<Option<OutputLog>>,
    hub: Arc<Hub>,
    run: RunNo,
    step: u32,
    attempt: u32,
    lines: AtomicU64,
    bytes: AtomicU64,
    /// Percent last told.
    told: AtomicU64,
}

impl Talk {
    /// The output of this attempt; the file is made when something is said.
    pub fn new(cx: &StepCx) -> Self {
        Self {
            path: cx.dir().join("output"),
            log: Mutex::new(None),
            hub: Arc::clone(&cx.core.hub),
            run: cx.step.run,
            step: cx.step.index,
            attempt: cx.step.attempt,
            lines: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            told: AtomicU64::new(u64::MAX),
        }
    }

    fn open(&self) -> Option<OutputLog> {
        let dir = self.path.parent()?;
        let made = crate::base::files::private_dir(dir).and_then(|()| OutputLog::append(&self.path));
        made.inspect_err(|failure| tracing::warn!(%failure, "a step's output is lost")).ok()
    }
}

impl Output for Talk {
    fn line(&self, text: &str) {
        let mut log = lock(&self.log);
        if log.is_none() {
            *log = self.open();
        }
        let Some(open) = log.as_ref() else { return };
        if let Err(failure) = open.line(text) {
            tracing::warn!(%failure, "a line of a step's output is lost");
            return;
        }
        let lines = self.lines.fetch_add(1, Ordering::Relaxed) + 1;
        let bytes = self.bytes.fetch_add(text.len() as u64 + 1, Ordering::Relaxed) + text.len() as u64 + 1;
        let (run, step, attempt) = (self.run, self.step, self.attempt);
        self.hub.publish(&Topic::Run { run }, Live::Output { run, step, attempt, lines, bytes });
    }
}

impl Progress for Talk {
    fn progress(&self, done: u64, total: Option<u64>, what: &str) {
        let Some(total) = total.filter(|t| *t > 0) else { return };
        // A line for each tenth: enough for a log, few enough for a disk.
        let tenth = done.saturating_mul(10) / total;
        if self.told.swap(tenth, Ordering::Relaxed) != tenth {
            self.line(&format!("{what}: {}0 %", tenth.min(10)));
        }
    }
}
