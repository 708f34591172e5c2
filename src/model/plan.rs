//! Plans: the steps from what is to what the spec wants, before anything is done.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CloudName, ClusterId, ClusterSpec, Node, PlanId, RunKind, RunNo, Work};

/// What a plan is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanKind {
    Create,
    Scale,
    Repair,
    Delete,
    Playbook,
}

impl PlanKind {
    /// The kind of run that carries it out.
    pub fn run_kind(self) -> RunKind {
        match self {
            Self::Create => RunKind::Create,
            Self::Scale => RunKind::Scale,
            Self::Repair => RunKind::Repair,
            Self::Delete => RunKind::Delete,
            Self::Playbook => RunKind::Playbook,
        }
    }
}

impl fmt::Display for PlanKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.run_kind().fmt(f)
    }
}

/// One step of a plan. [`super::Step`] is the same once the engine has taken it up.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PlannedStep {
    pub title: String,
    pub work: Work,
    pub node: Option<String>,
    pub cloud: Option<CloudName>,
    /// Indexes of steps of this plan.
    pub after: Vec<u32>,
}

/// What a plan does to one quota.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuotaEffect {
    pub cloud: CloudName,
    pub name: String,
    pub used: u64,
    pub limit: Option<u64>,
    /// In use once the plan is carried out.
    pub after: u64,
}

impl QuotaEffect {
    /// The plan needs more than there is.
    pub fn exceeded(&self) -> bool {
        self.limit.is_some_and(|limit| self.after > limit && self.after > self.used)
    }
}

/// What a plan does, in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PlanCounts {
    pub create: u32,
    pub delete: u32,
    /// Servers that are switched on.
    #[serde(default)]
    pub start: u32,
    pub keep: u32,
    pub playbooks: u32,
}

/// The steps that lead from what is to what the spec wants.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Plan {
    pub id: PlanId,
    pub kind: PlanKind,
    pub cluster: ClusterId,
    pub cluster_name: String,
    /// Cloud of the groups that name no other.
    pub cloud: CloudName,
    /// Revision of the cluster that the plan saw; `None`: there was none of that name.
    pub saw_revision: Option<u64>,
    /// The spec that is wanted (for a delete: the last one).
    pub spec: ClusterSpec,
    /// Directory of the spec's relative paths.
    pub base_dir: String,
    /// User to log in as.
    pub ssh_user: String,
    /// Nodes as they shall be once the plan starts: new ones `planned`, leaving ones `deleting`.
    pub nodes: Vec<Node>,
    pub steps: Vec<PlannedStep>,
    pub counts: PlanCounts,
    pub quota: Vec<QuotaEffect>,
    /// SHA-256 of the playbooks and placed files, by path, frozen with the plan.
    #[serde(default)]
    pub frozen: BTreeMap<String, String>,
    /// What deserves a look before saying yes.
    pub warnings: Vec<String>,
    /// The run that it takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<RunNo>,
}

impl Plan {
    /// The clouds that it touches, in order of name.
    pub fn clouds(&self) -> BTreeSet<&CloudName> {
        let clouds: BTreeSet<&CloudName> = match self.kind {
            PlanKind::Playbook => self.nodes.iter().map(|node| &node.cloud).collect(),
            _ => self.steps.iter().filter_map(|step| step.cloud.as_ref()).collect(),
        };
        if clouds.is_empty() { BTreeSet::from([&self.cloud]) } else { clouds }
    }

    /// How many servers it touches: those that it makes, takes away or switches on; for playbooks, all nodes.
    pub fn touches(&self) -> u32 {
        match self.kind {
            PlanKind::Playbook => u32::try_from(self.nodes.len()).unwrap_or(u32::MAX),
            _ => self.counts.create.saturating_add(self.counts.delete).saturating_add(self.counts.start),
        }
    }
}
