//! The world as a plan meets it: asked from the clouds now, all at once.

use std::collections::BTreeMap;

use futures::future::try_join_all;

use crate::base::Cx;
use crate::clusters::{CloudFacts, Facts};
use crate::engine::core::Core;
use crate::model::capability::names::FLOATING_IPS;
use crate::model::{CloudName, Cluster, ClusterSpec, Failure};

/// How long a cloud may take to tell what it has.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(30);

/// Asks every cloud that the spec or the cluster's nodes name.
pub async fn gather(core: &Core, spec: &ClusterSpec, default: &CloudName, cluster: Option<Cluster>) -> Result<Facts, Failure> {
    let nodes = cluster.as_ref().map(|c| core.journal.state().nodes_of(c.id)).unwrap_or_default();
    let mut names: Vec<CloudName> = spec.groups.values().filter_map(|g| g.cloud.clone()).map(CloudName::new).collect();
    names.extend(nodes.iter().map(|n| n.cloud.clone()));
    if names.is_empty() || spec.groups.values().any(|g| g.cloud.is_none()) {
        names.push(default.clone());
    }
    names.sort();
    names.dedup();
    let asked = names.iter().map(|name| async move { Ok::<_, Failure>((name.clone(), cloud(core, name).await?)) });
    let clouds: BTreeMap<_, _> = try_join_all(asked).await?.into_iter().collect();
    let (servers, belongings) = match &cluster {
        None => (Vec::new(), Vec::new()),
        Some(cluster) => {
            let cx = Cx::quiet().within(LIMIT);
            let home = core.store.home_id();
            let asked = names.iter().map(|name| {
                let cx = &cx;
                async move {
                    let cloud = core.clouds.get(name)?;
                    tokio::try_join!(cloud.servers_of_cluster(cx, home, cluster.id), cloud.belongings(cx, home, cluster.id))
                }
            });
            let (servers, belongings): (Vec<_>, Vec<_>) = try_join_all(asked).await?.into_iter().unzip();
            (servers.concat(), belongings.concat())
        }
    };
    Ok(Facts { home: core.store.home_id(), clouds, cluster, nodes, servers, belongings })
}

async fn cloud(core: &Core, name: &CloudName) -> Result<CloudFacts, Failure> {
    let cloud = core.clouds.get(name)?;
    let cx = Cx::quiet().within(LIMIT);
    let ask = async {
        let (capabilities, defaults) = (cloud.capabilities(), core.clouds.defaults(name));
        let free = async {
            match capabilities.check(FLOATING_IPS) {
                Ok(()) => Ok(cloud.floating_ips(&cx).await?.iter().filter(|ip| ip.is_free()).count() as u64),
                Err(_) => Ok(0),
            }
        };
        let (flavors, images, networks, quota, usual_network, free_addresses) = tokio::try_join!(
            cloud.flavors(&cx),
            cloud.images(&cx),
            cloud.networks(&cx),
            cloud.quota(&cx),
            cloud.usual_network(&cx),
            free
        )?;
        Ok(CloudFacts { flavors, images, networks, quota, capabilities, defaults, usual_network, free_addresses })
    };
    cx.run(&format!("ask cloud {name} what it has"), ask).await
}
