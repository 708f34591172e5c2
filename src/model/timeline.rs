//! What happened to one node: the steps that touched it, and what playbooks did on it.

use serde::{Deserialize, Serialize};

use super::play::Outcome;
use super::{RunNo, StepState, Time};

/// One thing that happened to a node.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Moment {
    /// When it ended; when it began, as long as it has not.
    pub at: Time,
    pub run: RunNo,
    pub step: u32,
    pub attempt: u32,
    #[serde(flatten)]
    pub what: Happened,
}

/// What happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Happened {
    /// A step worked on the node.
    Step {
        title: String,
        state: StepState,
        /// Milliseconds, once it has ended.
        took: Option<u64>,
        /// What it says of itself, or why it failed.
        note: String,
    },
    /// A task changed something on it, or failed.
    Task {
        playbook: String,
        name: String,
        outcome: Outcome,
        /// Milliseconds.
        took: u64,
        /// First line of its message.
        msg: String,
        /// A byte of its lines in the step's output.
        byte: u64,
    },
    /// How many tasks of a playbook found all as it should be, or were left out.
    Quiet { playbook: String, ok: u64, skipped: u64 },
}
