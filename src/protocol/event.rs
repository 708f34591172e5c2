//! Recorded events: numbered facts, in the order in which they became durable.
//!
//! Each carries the whole new state of one thing, so the newest event of a thing stands for all before it:
//! coalescing keeps the last one per [`EventBody::key`] and stays true.

use serde::{Deserialize, Serialize};

use crate::model::{AuditEntry, Cluster, ClusterId, Node, Prompt, Run, RunNo, Step, Time};

/// Version of the stored form; additive only.
pub const EVENT_VERSION: u32 = 1;

/// One recorded fact.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Version of the stored form.
    pub v: u32,
    /// Number in this home, from 1, without gaps.
    pub seq: u64,
    pub at: Time,
    #[serde(flatten)]
    pub body: EventBody,
}

/// What became true.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of", rename_all = "snake_case")]
pub enum EventBody {
    Run(Box<Run>),
    RunGone(RunNo),
    Step(Box<Step>),
    Cluster(Box<Cluster>),
    ClusterGone(ClusterId),
    Node(Box<Node>),
    NodeGone {
        cluster: ClusterId,
        name: String,
    },
    Prompt(Box<Prompt>),
    Audit(Box<AuditEntry>),
    /// A kind that a newer engine wrote; kept as it is.
    #[serde(untagged)]
    Unknown(serde_json::Value),
}

/// What an event is about; a later event of the same key replaces an earlier one.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Key {
    Run(RunNo),
    Step(RunNo, u32),
    Cluster(ClusterId),
    Node(ClusterId, String),
    Prompt(crate::model::PromptId),
    /// Never replaced.
    Single(u64),
}

impl Event {
    /// See [`Key`].
    pub fn key(&self) -> Key {
        match &self.body {
            EventBody::Run(run) => Key::Run(run.number),
            EventBody::RunGone(run) => Key::Run(*run),
            EventBody::Step(step) => Key::Step(step.run, step.index),
            EventBody::Cluster(cluster) => Key::Cluster(cluster.id),
            EventBody::ClusterGone(id) => Key::Cluster(*id),
            EventBody::Node(node) => Key::Node(node.cluster, node.name.clone()),
            EventBody::NodeGone { cluster, name } => Key::Node(*cluster, name.clone()),
            EventBody::Prompt(prompt) => Key::Prompt(prompt.id),
            EventBody::Audit(_) | EventBody::Unknown(_) => Key::Single(self.seq),
        }
    }

    /// The run whose topic an event belongs to; `None`: every client gets it.
    pub fn topic_run(&self) -> Option<RunNo> {
        match &self.body {
            EventBody::Step(step) => Some(step.run),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_kind_is_kept() {
        let line = r#"{"v":9,"seq":3,"at":7,"kind":"moon_phase","of":{"full":true}}"#;
        let event: Event = serde_json::from_str(line).unwrap();
        assert!(matches!(event.body, EventBody::Unknown(_)));
        let again = serde_json::to_value(&event).unwrap();
        assert_eq!(again["of"]["full"], true);
        assert_eq!(again["kind"], "moon_phase");
    }
}
