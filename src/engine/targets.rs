//! How a node or server is reached over SSH, and whether the guards let one.

use std::path::PathBuf;

use super::core::Core;
use super::planning::cluster_of;
use super::{keys, policy, requests};
use crate::base::Cx;
use crate::model::{ClusterId, Deed, Failure, Server, Thing};
use crate::ssh::Target;

/// Lets something be done over SSH on a node or server, which can change anything there. Its name. `doing` is for
/// messages: `open a shell on`.
///
/// # Errors
/// It is no node or server, there is no such server, or a guard is against it. Nodes are looked for by [`of`].
pub async fn allowed(core: &Core, deed: Deed, doing: &str, thing: &Thing) -> Result<String, Failure> {
    match located(core, thing).await? {
        Located::Node(cluster, node) => {
            let cluster = cluster_of(core, cluster)?;
            let nodes = core.journal.state().nodes_of(cluster.id);
            let clouds = nodes.iter().filter(|n| n.name == node).map(|n| &n.cloud);
            let tried = format!("{doing} {node}");
            policy::may(core, deed, clouds, Some(&cluster.name), 1, &tried).map_err(|refusal| refusal.failure)?;
            Ok(node)
        }
        Located::Server(server) => {
            let tried = format!("{doing} {}", server.name);
            policy::may(core, deed, [&server.cloud], None, 1, &tried).map_err(|refusal| refusal.failure)?;
            Ok(server.name)
        }
    }
}

/// The way to it; `agent` may hold keys.
///
/// # Errors
/// It is gone, has no address, or no key to it is known here.
pub async fn of(core: &Core, thing: &Thing, agent: Option<PathBuf>) -> Result<Target, Failure> {
    match located(core, thing).await? {
        Located::Node(cluster, node) => {
            let cluster = cluster_of(core, cluster)?;
            let nodes = core.journal.state().nodes_of(cluster.id);
            core.write_known_hosts(&cluster, &nodes)?;
            core.target(&cluster, &nodes, &node)
        }
        Located::Server(server) => {
            let driver = core.clouds.get(&server.cloud)?;
            keys::target(core, agent, driver.as_ref(), &server).await
        }
    }
}

enum Located {
    Node(ClusterId, String),
    Server(Box<Server>),
}

/// A server that belongs to a cluster is reached as its node.
async fn located(core: &Core, thing: &Thing) -> Result<Located, Failure> {
    match thing {
        Thing::Node { cluster, node } => Ok(Located::Node(*cluster, node.clone())),
        Thing::Server { cloud, server } => {
            let driver = core.clouds.get(cloud)?;
            let found = requests::find_server(&driver, &Cx::quiet(), server).await?;
            let tags = found.tags.clone().filter(|tags| core.journal.state().clusters.contains_key(&tags.cluster));
            Ok(match tags {
                Some(tags) => Located::Node(tags.cluster, tags.node),
                None => Located::Server(Box::new(found)),
            })
        }
        other => Err(Failure::refused("connect over SSH", format!("that is {}, no node or server", other.kind().one()))),
    }
}
