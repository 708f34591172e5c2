//! What the engine knows: the fold of all recorded events, in memory.

use std::collections::{BTreeMap, VecDeque};

use crate::model::{Cluster, ClusterId, Node, Prompt, PromptId, PromptState, Run, RunNo, Step};
use crate::protocol::{Event, EventBody};

/// The fold of all recorded events.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The newest event that is in it.
    pub seq: u64,
    pub runs: BTreeMap<RunNo, Run>,
    /// Steps of runs that have not ended; those of ended runs are in the store.
    pub steps: BTreeMap<RunNo, BTreeMap<u32, Step>>,
    pub clusters: BTreeMap<ClusterId, Cluster>,
    pub nodes: BTreeMap<(ClusterId, String), Node>,
    /// Open prompts.
    pub prompts: BTreeMap<PromptId, Prompt>,
    /// The last prompts that were answered, and what whoever is late is told.
    pub answered: VecDeque<(PromptId, String)>,
}

/// Answered prompts that are remembered.
const ANSWERED: usize = 100;

impl State {
    /// Takes in the next event.
    pub fn apply(&mut self, event: &Event) {
        self.seq = self.seq.max(event.seq);
        match &event.body {
            EventBody::Run(run) => {
                if run.state.ended() {
                    self.steps.remove(&run.number);
                }
                self.runs.insert(run.number, (**run).clone());
            }
            EventBody::RunGone(run) => {
                self.runs.remove(run);
                self.steps.remove(run);
            }
            EventBody::Step(step) => {
                if self.runs.get(&step.run).is_some_and(|run| !run.state.ended()) {
                    self.steps.entry(step.run).or_default().insert(step.index, (**step).clone());
                }
            }
            EventBody::Cluster(cluster) => {
                self.clusters.insert(cluster.id, (**cluster).clone());
            }
            EventBody::ClusterGone(id) => {
                self.clusters.remove(id);
                self.nodes.retain(|(cluster, _), _| cluster != id);
            }
            EventBody::Node(node) => {
                self.nodes.insert((node.cluster, node.name.clone()), (**node).clone());
            }
            EventBody::NodeGone { cluster, name } => {
                self.nodes.remove(&(*cluster, name.clone()));
            }
            EventBody::Prompt(prompt) => {
                if prompt.state == PromptState::Open {
                    self.prompts.insert(prompt.id, (**prompt).clone());
                } else {
                    self.prompts.remove(&prompt.id);
                }
                if let Some(says) = prompt.state.too_late() {
                    self.answered.push_back((prompt.id, says));
                    if self.answered.len() > ANSWERED {
                        self.answered.pop_front();
                    }
                }
            }
            EventBody::Audit(_) | EventBody::Unknown(_) => {}
        }
    }

    /// Who answered a prompt that is no longer open, and what, for whoever is late.
    pub fn answered(&self, prompt: PromptId) -> Option<&str> {
        self.answered.iter().find(|(id, _)| *id == prompt).map(|(_, says)| says.as_str())
    }

    /// The cluster of this name.
    pub fn cluster_named(&self, name: &str) -> Option<&Cluster> {
        self.clusters.values().find(|c| c.name == name)
    }

    /// The nodes of a cluster, by name.
    pub fn nodes_of(&self, cluster: ClusterId) -> Vec<Node> {
        self.nodes.range((cluster, String::new())..).take_while(|((c, _), _)| *c == cluster).map(|(_, n)| n.clone()).collect()
    }

    /// The run that is under way on a cluster.
    pub fn busy(&self, cluster: ClusterId) -> Option<&Run> {
        self.runs.values().find(|run| run.cluster == Some(cluster) && !run.state.ended())
    }

    /// The whole state as events that make it again: what a client that comes new is sent.
    pub fn as_bodies(&self) -> Vec<EventBody> {
        let mut out = Vec::new();
        out.extend(self.clusters.values().map(|c| EventBody::Cluster(Box::new(c.clone()))));
        out.extend(self.nodes.values().map(|n| EventBody::Node(Box::new(n.clone()))));
        out.extend(self.runs.values().map(|r| EventBody::Run(Box::new(r.clone()))));
        out.extend(self.prompts.values().map(|p| EventBody::Prompt(Box::new(p.clone()))));
        out
    }
}
