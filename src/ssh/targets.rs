//! From a cluster's nodes to targets.

use std::path::{Path, PathBuf};

use super::{Auth, KnownHosts, Target};
use crate::model::{Cluster, Failure, Node};

/// The target of `node`, with the chain of nodes that it is reached through. `key` is the cluster's own private key;
/// the spec's `ssh.identity` takes its place. New host keys are learnt into `known_hosts`.
///
/// # Errors
/// `NotFound` when the node, or one on its way, is not there or has no address; `Refused` when the way is a circle.
pub fn target_for(
    cluster: &Cluster,
    nodes: &[Node],
    node: &str,
    key: &Path,
    known_hosts: &Path,
    agent: Option<&Path>,
) -> Result<Target, Failure> {
    let way = way_to(cluster, nodes, node)?;
    let auth = Auth { keys: vec![identity(cluster, key)], key_data: None, agent: agent.map(Path::to_owned) };
    let mut target = None;
    for (node, address) in way.into_iter().rev() {
        target = Some(Target {
            host: address.to_owned(),
            port: node.ssh_port,
            user: cluster.ssh_user.clone(),
            auth: auth.clone(),
            known: KnownHosts::learn(known_hosts),
            via: target.map(Box::new),
        });
    }
    target.ok_or_else(|| missing(cluster, node))
}

/// The node, then those it is reached through, the nearest to us last; each with its address.
fn way_to<'a>(cluster: &Cluster, nodes: &'a [Node], name: &str) -> Result<Vec<(&'a Node, &'a str)>, Failure> {
    let mut way: Vec<(&Node, &str)> = Vec::new();
    let mut next = Some(name);
    while let Some(name) = next {
        if way.iter().any(|(node, _)| node.name == name) {
            let mut names: Vec<_> = way.iter().map(|(node, _)| node.name.as_str()).collect();
            names.push(name);
            return Err(Failure::refused(
                format!("find the way to {}", names[0]),
                format!("it is a circle: {}", names.join(" via ")),
            )
            .at(&cluster.name)
            .next("correct `via` in the spec's groups"));
        }
        let node = nodes.iter().find(|n| n.cluster == cluster.id && n.name == name).ok_or_else(|| missing(cluster, name))?;
        let address = node.address.as_deref().ok_or_else(|| {
            Failure::not_found(format!("find the way to {}", node.name), format!("it has no address; it is {}", node.state))
                .at(&cluster.name)
                .next("wait until it is up, or repair the cluster")
        })?;
        way.push((node, address));
        next = node.via.as_deref();
    }
    Ok(way)
}

fn missing(cluster: &Cluster, name: &str) -> Failure {
    Failure::not_found(format!("find the node {name}"), "the cluster has no such node")
        .at(&cluster.name)
        .next("see its nodes with `quarterdeck cluster show`")
}

/// Relative to the spec; `~/` stays, for whoever reads the file.
fn identity(cluster: &Cluster, key: &Path) -> PathBuf {
    match &cluster.spec.ssh.identity {
        Some(path) if path.starts_with("~/") => path.into(),
        Some(path) => Path::new(&cluster.base_dir).join(path),
        None => key.to_owned(),
    }
}
