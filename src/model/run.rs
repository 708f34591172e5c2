//! Runs: one execution by the engine.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ClusterId, Failure, RunNo, Time};

/// What a run is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    Create,
    Scale,
    Repair,
    Delete,
    Playbook,
    Command,
    Build,
}

impl fmt::Display for RunKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Scale => "scale",
            Self::Repair => "repair",
            Self::Delete => "delete",
            Self::Playbook => "playbook",
            Self::Command => "command",
            Self::Build => "build",
        })
    }
}

/// State of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Queued,
    Running,
    /// A prompt is open and nothing else can go on.
    Waiting,
    Cancelling,
    Undoing,
    Done,
    Failed,
    Cancelled,
    Undone,
}

impl RunState {
    /// Nothing more will happen.
    pub fn ended(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled | Self::Undone)
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Cancelling => "cancelling",
            Self::Undoing => "undoing",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Undone => "undone",
        })
    }
}

/// How a run that somebody ended early is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Stop what runs, then ask whether to undo or keep.
    Ask,
    /// Stop what runs, then give back what this run created.
    Undo,
    /// Stop what runs, leave the rest as it is.
    Keep,
    /// The same, and kill instead of stop.
    Force,
}

/// How many steps are in which state; rides in every change of a run, so that a late watcher is right at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct StepCounts {
    pub total: u32,
    pub done: u32,
    pub running: u32,
    pub waiting: u32,
    pub failed: u32,
    pub skipped: u32,
    pub undone: u32,
}

/// One execution by the engine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Run {
    pub number: RunNo,
    /// The same run, unique in the world.
    pub id: Uuid,
    pub kind: RunKind,
    /// For people: `create web-prod`, `site.yml on analytics`.
    pub title: String,
    pub state: RunState,
    pub cluster: Option<ClusterId>,
    /// Name of the cluster, kept when the cluster is gone.
    pub cluster_name: Option<String>,
    /// Who asked for it.
    pub by: String,
    pub created: Time,
    pub started: Option<Time>,
    pub ended: Option<Time>,
    pub steps: StepCounts,
    /// Titles of what runs now, at most five.
    #[serde(default)]
    pub in_flight: Vec<String>,
    /// Why it waits, when it does.
    pub waits: Option<String>,
    /// What ended it badly.
    pub failure: Option<Failure>,
    /// How it is to end, once somebody cancelled it or its failure decided so.
    #[serde(default)]
    pub ending: Option<Ending>,
    /// Never removed by retention.
    #[serde(default)]
    pub pinned: bool,
    /// Totals of its playbooks: ok, changed, failed, unreachable, skipped (of tasks on hosts).
    #[serde(default)]
    pub play_totals: super::play::Totals,
}

impl Run {
    /// What its build did so far, for people: `built 3   cached 5   failed 1`; nothing where it is no build.
    pub fn built(&self) -> Option<String> {
        let totals = &self.play_totals;
        if self.kind != RunKind::Build || *totals == Default::default() {
            return None;
        }
        let failed = if totals.failed > 0 { format!("   failed {}", totals.failed) } else { String::new() };
        Some(format!("built {}   cached {}{failed}", totals.changed, totals.ok))
    }
}
