//! The inventory of a cluster.

use std::path::PathBuf;

use serde_json::Value;

use crate::model::{Cluster, Node};

/// Files of a cluster that its inventory names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClusterPaths {
    /// The private key to log in with.
    pub key: PathBuf,
    /// The cluster's own known hosts.
    pub known_hosts: PathBuf,
}

/// The inventory in the form of a dynamic inventory's `--list`, with `_meta.hostvars`.
pub fn render(cluster: &Cluster, nodes: &[Node], paths: &ClusterPaths) -> Value {
    let _ = (cluster, nodes, paths);
    unimplemented!()
}
