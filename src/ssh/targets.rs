//! From a cluster's nodes to targets.

use std::path::Path;

use super::Target;
use crate::model::{Cluster, Failure, Node};

/// The target of `node`, with the chain of nodes that it is reached through.
///
/// # Errors
/// `NotFound` when the node, or one of its chain, is not there or has no address; `Refused` when the chain is a
/// circle.
pub fn target_for(
    _cluster: &Cluster,
    _nodes: &[Node],
    _node: &str,
    _key: &Path,
    _known_hosts: &Path,
    _agent: Option<&Path>,
) -> Result<Target, Failure> {
    unimplemented!()
}
