//! Clusters and nodes as the store records them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Belonging, CloudName, ClusterId, ClusterSpec, Plan, RunNo, Time, Token};

/// State of a cluster.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterState {
    Creating,
    Running,
    /// Some nodes are lost, or its last run failed part of the way.
    Degraded,
    Deleting,
    /// Its creation failed and was kept.
    Failed,
}

impl fmt::Display for ClusterState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Creating => "creating",
            Self::Running => "running",
            Self::Degraded => "degraded",
            Self::Deleting => "deleting",
            Self::Failed => "failed",
        })
    }
}

/// A cluster.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Cluster {
    pub id: ClusterId,
    pub name: String,
    /// Counts up with every change; a plan names the revision that it saw.
    pub revision: u64,
    pub state: ClusterState,
    /// Cloud of the groups that name no other.
    pub cloud: CloudName,
    pub spec: ClusterSpec,
    /// Directory that the spec's relative paths start from.
    pub base_dir: String,
    pub created: Time,
    /// User to log in as.
    pub ssh_user: String,
    /// OpenSSH line of the cluster's own public key, once made.
    pub public_key: Option<String>,
    /// The last run that touched it.
    pub last_run: Option<RunNo>,
    /// The last playbook's outcome, for lists.
    pub last_playbook: Option<LastPlaybook>,
    /// Networks and security groups that new servers of it get.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub belongings: Vec<Belonging>,
}

impl Cluster {
    /// The cluster that a plan is about to make.
    pub fn planned(plan: &Plan, created: Time) -> Self {
        Self {
            id: plan.cluster,
            name: plan.cluster_name.clone(),
            revision: 0,
            state: ClusterState::Creating,
            cloud: plan.cloud.clone(),
            spec: plan.spec.clone(),
            base_dir: plan.base_dir.clone(),
            created,
            ssh_user: plan.ssh_user.clone(),
            public_key: None,
            last_run: None,
            last_playbook: None,
            belongings: Vec::new(),
        }
    }
}

/// How the last playbook on a cluster went.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LastPlaybook {
    pub run: RunNo,
    pub name: String,
    pub ok: bool,
    pub failed_hosts: Vec<String>,
    pub at: Time,
}

/// State of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Wanted, no server yet.
    Planned,
    Creating,
    Booting,
    /// Reachable over SSH.
    Up,
    Stopped,
    /// Its server went away behind our back.
    Gone,
    /// Its creation failed; the cluster goes on without it.
    Failed,
    Deleting,
}

impl fmt::Display for NodeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Planned => "planned",
            Self::Creating => "creating",
            Self::Booting => "booting",
            Self::Up => "up",
            Self::Stopped => "stopped",
            Self::Gone => "gone",
            Self::Failed => "failed",
            Self::Deleting => "deleting",
        })
    }
}

/// One server as a member of a cluster.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Node {
    pub cluster: ClusterId,
    /// `group-1`, `group-2` …; also its host name.
    pub name: String,
    pub group: String,
    /// 1, 2 … within the group.
    pub index: u32,
    pub cloud: CloudName,
    pub flavor: String,
    pub image: String,
    pub state: NodeState,
    /// The provider's id of its server.
    pub server: Option<String>,
    /// Token of the step that created the server.
    pub token: Option<Token>,
    /// Address for SSH.
    pub address: Option<String>,
    /// Address for its neighbours on the same cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner_address: Option<String>,
    pub ssh_port: u16,
    /// Name of the node it is reached through.
    pub via: Option<String>,
    /// `ssh-ed25519 AAAA…`, learnt at first contact, pinned after.
    pub host_key: Option<String>,
    pub created: Option<Time>,
    /// Why it is failed or gone.
    pub note: Option<String>,
}
