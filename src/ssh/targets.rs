//! From a cluster's nodes to targets.

use std::path::{Path, PathBuf};

use super::{Auth, KnownHosts, Target};
use crate::model::{Cluster, Failure, Node};

/// The target of `node`, with the chain of nodes that it is reached through. `key` is the cluster's own private key;
/// the spec's `ssh.identity` takes its place. The host key of a node that has been met must be in `known_hosts`; that of
/// a new one is learnt into it.
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
            known: if node.host_key.is_some() { KnownHosts::file(known_hosts) } else { KnownHosts::learn(known_hosts) },
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::spec::SshSpec;
    use crate::model::{Class, CloudName, ClusterId, ClusterSpec, ClusterState, NodeState, Time};

    fn cluster(identity: Option<&str>) -> Cluster {
        let spec = ClusterSpec {
            name: "c".to_owned(),
            cloud: None,
            ssh: SshSpec { identity: identity.map(str::to_owned), ..SshSpec::default() },
            groups: BTreeMap::new(),
            files: vec![],
            vars: BTreeMap::new(),
            hosts: BTreeMap::new(),
            playbooks: vec![],
            on_failure: Default::default(),
            ready: None,
        };
        Cluster {
            id: ClusterId::new(),
            name: "c".to_owned(),
            revision: 1,
            state: ClusterState::Running,
            cloud: CloudName::new("lab"),
            spec,
            base_dir: "/specs".to_owned(),
            created: Time(0),
            ssh_user: "ubuntu".to_owned(),
            public_key: None,
            last_run: None,
            last_playbook: None,
            belongings: Vec::new(),
        }
    }

    fn node(cluster: &Cluster, name: &str, address: Option<&str>, via: Option<&str>) -> Node {
        Node {
            cluster: cluster.id,
            name: name.to_owned(),
            group: "g".to_owned(),
            index: 1,
            cloud: cluster.cloud.clone(),
            flavor: "f".to_owned(),
            image: "i".to_owned(),
            state: NodeState::Up,
            server: None,
            token: None,
            address: address.map(str::to_owned),
            inner_address: None,
            ssh_port: 2222,
            via: via.map(str::to_owned),
            host_key: None,
            created: None,
            note: None,
        }
    }

    fn target(cluster: &Cluster, nodes: &[Node], name: &str) -> Result<Target, Failure> {
        target_for(cluster, nodes, name, Path::new("/keys/own"), Path::new("/keys/known"), Some(Path::new("/agent")))
    }

    #[test]
    fn a_node_is_reached_through_those_before_it() {
        let c = cluster(None);
        let mut nodes = [
            node(&c, "inner", Some("10.0.0.3"), Some("middle")),
            node(&c, "middle", Some("10.0.0.2"), Some("edge")),
            node(&c, "edge", Some("192.0.2.1"), None),
        ];
        nodes[2].host_key = Some("ssh-ed25519 AAAA".to_owned());
        let inner = target(&c, &nodes, "inner").unwrap();
        let middle = inner.via.as_deref().unwrap();
        let edge = middle.via.as_deref().unwrap();
        assert_eq!([&inner, middle, edge].map(Target::address), ["10.0.0.3:2222", "10.0.0.2:2222", "192.0.2.1:2222"]);
        assert!(edge.via.is_none());
        for hop in [&inner, middle, edge] {
            assert_eq!((hop.user.as_str(), &hop.auth.keys[..]), ("ubuntu", &[PathBuf::from("/keys/own")][..]));
            assert_eq!(hop.auth.agent.as_deref(), Some(Path::new("/agent")));
        }
        assert_eq!(edge.known, KnownHosts::file("/keys/known"), "it has been met");
        assert_eq!(inner.known, KnownHosts::learn("/keys/known"));
    }

    #[test]
    fn an_identity_of_the_spec_takes_the_place_of_the_own_key() {
        for (identity, file) in [("keys/id", "/specs/keys/id"), ("/abs/id", "/abs/id"), ("~/.ssh/id", "~/.ssh/id")] {
            let c = cluster(Some(identity));
            let found = target(&c, &[node(&c, "a", Some("::1"), None)], "a").unwrap();
            assert_eq!(found.auth.keys, [PathBuf::from(file)]);
            assert_eq!(found.address(), "[::1]:2222");
        }
    }

    #[test]
    fn a_way_that_leads_nowhere_says_why() {
        let c = cluster(None);
        let other = cluster(None);
        let nodes = [
            node(&c, "a", Some("10.0.0.1"), Some("b")),
            node(&c, "b", Some("10.0.0.2"), Some("a")),
            node(&c, "lost", Some("10.0.0.3"), Some("gone")),
            node(&c, "young", None, None),
            node(&other, "elsewhere", Some("10.0.0.4"), None),
        ];
        let circle = target(&c, &nodes, "a").unwrap_err();
        assert_eq!((circle.class, circle.got.as_str()), (Class::Refused, "it is a circle: a via b via a"));
        for (name, missing) in [("lost", "gone"), ("young", "young"), ("elsewhere", "elsewhere"), ("none", "none")] {
            let failure = target(&c, &nodes, name).unwrap_err();
            assert_eq!(failure.class, Class::NotFound);
            assert!(failure.tried.ends_with(missing) && !failure.next.is_empty(), "{failure}");
        }
    }
}
