//! The world as a plan meets it: asked from the clouds now, all at once.

use std::collections::BTreeMap;

use futures::future::try_join_all;

use crate::base::Cx;
use crate::clusters::{CloudFacts, Facts};
use crate::engine::core::Core;
use crate::model::capability::names::{FLOATING_IPS, KEY_PAIRS, SERVER_GROUPS, ZONES};
use crate::model::spec::GroupSpec;
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
    let asked = names.iter().map(|name| {
        let groups = spec.groups.values().filter(|g| g.cloud.as_deref().unwrap_or(default.as_str()) == name.as_str());
        let wants = Wants::of(groups);
        async move { Ok::<_, Failure>((name.clone(), cloud(core, name, wants).await?)) }
    });
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

/// What a plan needs to know of a cloud beside what every plan needs.
#[derive(Clone, Copy)]
struct Wants {
    zones: bool,
    server_groups: bool,
    key_pairs: bool,
}

impl Wants {
    fn of<'g>(groups: impl Iterator<Item = &'g GroupSpec> + Clone) -> Self {
        Self {
            zones: groups.clone().any(|group| group.zone.is_some()),
            server_groups: groups.clone().any(|group| group.server_group.is_some()),
            key_pairs: groups.clone().any(|group| group.key_pair.is_some()),
        }
    }
}

async fn cloud(core: &Core, name: &CloudName, wants: Wants) -> Result<CloudFacts, Failure> {
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
        // What a driver cannot is refused by the plan, with the reason.
        let may = |wanted: bool, name| wanted && capabilities.check(name).is_ok();
        let zones = async { if may(wants.zones, ZONES) { cloud.zones(&cx).await } else { Ok(Vec::new()) } };
        let groups =
            async { if may(wants.server_groups, SERVER_GROUPS) { cloud.server_groups(&cx).await } else { Ok(Vec::new()) } };
        let pairs = async { if may(wants.key_pairs, KEY_PAIRS) { cloud.key_pairs(&cx).await } else { Ok(Vec::new()) } };
        let extras = async { tokio::try_join!(zones, groups, pairs) };
        let (flavors, images, networks, quota, usual_network, free_addresses, extras) = tokio::try_join!(
            cloud.flavors(&cx),
            cloud.images(&cx),
            cloud.networks(&cx),
            cloud.quota(&cx),
            cloud.usual_network(&cx),
            free,
            extras
        )?;
        let (zones, server_groups, key_pairs) = extras;
        Ok(CloudFacts {
            flavors,
            images,
            networks,
            zones,
            server_groups,
            key_pairs,
            quota,
            capabilities,
            defaults,
            usual_network,
            free_addresses,
        })
    };
    cx.run(&format!("ask cloud {name} what it has"), ask).await
}
