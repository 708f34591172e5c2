//! Names of nodes and the `/etc/hosts` that they share.

use crate::model::{Cluster, Node};

/// Name of a node: its group and its number in the group, from 1.
pub fn node_name(group: &str, index: u32) -> String {
    format!("{group}-{index}")
}

/// The text of `/etc/hosts` for every node of the cluster.
pub fn etc_hosts(_cluster: &Cluster, _nodes: &[Node]) -> String {
    unimplemented!()
}
