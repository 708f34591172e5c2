//! Clusters, nodes, servers and runs by the name that a person typed.

use crate::client::Mirror;
use crate::model::{CloudInfo, Cluster, Failure, Node, Run, RunNo, Server};
use crate::protocol::{ListKind, Rows};

use super::exit::Stop;
use super::names;
use super::session::{Session, odd};

/// The cluster of this name or id.
///
/// # Errors
/// There is none; the nearest name is suggested.
pub fn cluster<'a>(mirror: &'a Mirror, name: &str) -> Result<&'a Cluster, Failure> {
    let found = mirror.clusters().values().find(|c| c.name == name || c.id.to_string() == name);
    found.ok_or_else(|| names::unknown("cluster", name, mirror.clusters().values().map(|c| c.name.as_str())))
}

/// The nodes of a cluster: by group, then by number.
pub fn nodes<'a>(mirror: &'a Mirror, cluster: &Cluster) -> Vec<&'a Node> {
    let mut nodes: Vec<&Node> = mirror.nodes_of(cluster.id).collect();
    nodes.sort_by(|a, b| (&a.group, a.index).cmp(&(&b.group, b.index)));
    nodes
}

/// What `quarterdeck ssh` was pointed at.
#[derive(Debug)]
pub enum Place<'a> {
    Node(&'a Cluster, &'a Node),
    Cluster(&'a Cluster),
}

/// A node as `cluster/node` or by a name that only one cluster has; else a cluster.
///
/// # Errors
/// There is neither, or several clusters have such a node.
pub fn place<'a>(mirror: &'a Mirror, name: &str) -> Result<Place<'a>, Failure> {
    if let Some((of, node)) = name.split_once('/') {
        let cluster = cluster(mirror, of)?;
        let found = nodes(mirror, cluster).into_iter().find(|n| n.name == node);
        let known = || names::unknown("node", node, nodes(mirror, cluster).into_iter().map(|n| n.name.as_str()));
        return Ok(Place::Node(cluster, found.ok_or_else(known)?));
    }
    if let Some(cluster) = mirror.clusters().values().find(|c| c.name == name) {
        return Ok(Place::Cluster(cluster));
    }
    let found: Vec<(&Cluster, &Node)> = mirror
        .nodes()
        .values()
        .filter(|node| node.name == name)
        .filter_map(|node| Some((mirror.clusters().get(&node.cluster)?, node)))
        .collect();
    match found[..] {
        [(cluster, node)] => Ok(Place::Node(cluster, node)),
        [] => {
            let clusters = mirror.clusters().values().map(|c| c.name.as_str());
            Err(names::unknown("node or cluster", name, mirror.nodes().values().map(|n| n.name.as_str()).chain(clusters)))
        }
        _ => {
            let full: Vec<String> = found.iter().map(|(c, n)| format!("{}/{}", c.name, n.name)).collect();
            Err(Failure::refused(format!("find node {name}"), "several clusters have a node of that name")
                .next(format!("name one: {}", full.join(", "))))
        }
    }
}

/// The run of this number.
///
/// # Errors
/// There is none.
pub fn run(mirror: &Mirror, number: RunNo) -> Result<&Run, Failure> {
    mirror.runs().get(&number).ok_or_else(|| {
        let next = match mirror.runs().keys().next_back() {
            Some(newest) => format!("the newest is run {newest}; quarterdeck run list shows them"),
            None => "there is no run so far".to_owned(),
        };
        Failure::not_found(format!("find run {number}"), "there is no run of that number").next(next)
    })
}

/// The server of this id or name.
///
/// # Errors
/// There is none, or several have the name.
pub async fn server(session: &Session, cloud: &CloudInfo, name: &str) -> Result<Server, Stop> {
    let Rows::Servers(servers) = session.list(cloud, ListKind::Servers).await? else { return Err(odd()) };
    if let Some(server) = servers.iter().find(|s| s.id == name) {
        return Ok(server.clone());
    }
    let found: Vec<&Server> = servers.iter().filter(|s| s.name == name).collect();
    match found[..] {
        [server] => Ok(server.clone()),
        [] => Err(names::unknown("server", name, servers.iter().map(|s| s.name.as_str())).at(&cloud.name).into()),
        _ => {
            let ids: Vec<&str> = found.iter().map(|s| s.id.as_str()).collect();
            Err(Failure::refused(format!("find server {name}"), format!("{} servers have that name", found.len()))
                .at(&cloud.name)
                .next(format!("give the id instead: {}", ids.join(", ")))
                .into())
        }
    }
}
