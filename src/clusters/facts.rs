//! What a plan is made from: the world as it is told.

use std::collections::BTreeMap;

use crate::model::{
    Belonging, BelongingKind, Capabilities, CloudName, Cluster, ClusterSpec, Defaults, Flavor, HomeId, Image, KeyPair, Network,
    Node, Quota, Server, ServerGroup, UsualNetwork, Zone,
};

/// What one cloud offers.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct CloudFacts {
    pub flavors: Vec<Flavor>,
    pub images: Vec<Image>,
    pub networks: Vec<Network>,
    pub quota: Quota,
    pub capabilities: Capabilities,
    /// These three are known where a group asks for one.
    pub zones: Vec<Zone>,
    pub server_groups: Vec<ServerGroup>,
    pub key_pairs: Vec<KeyPair>,
    /// What groups have that name no flavor or image.
    pub defaults: Defaults,
    /// What groups have that name no network.
    pub usual_network: UsualNetwork,
    /// Floating IPs that wait for a server.
    pub free_addresses: u64,
}

/// The world as a plan sees it.
#[derive(Clone, PartialEq, Debug)]
pub struct Facts {
    pub home: HomeId,
    /// The configured clouds that matter here.
    pub clouds: BTreeMap<CloudName, CloudFacts>,
    /// The cluster of that name, when there is one.
    pub cluster: Option<Cluster>,
    /// Its nodes as recorded.
    pub nodes: Vec<Node>,
    /// Its servers, as the clouds tell now.
    pub servers: Vec<Server>,
    /// What it has beside its servers, as the clouds tell now.
    pub belongings: Vec<Belonging>,
}

impl Facts {
    /// What the cluster has on a cloud of one kind.
    pub fn belongings_on(&self, cloud: &CloudName, kind: BelongingKind) -> impl Iterator<Item = &Belonging> {
        self.belongings.iter().filter(move |found| found.cloud == *cloud && found.kind == kind)
    }

    /// Whether the cluster has a network of its own on a cloud.
    pub fn has_network(&self, cloud: &CloudName) -> bool {
        self.belongings_on(cloud, BelongingKind::Network).next().is_some()
    }

    /// Fills in the flavor, image and network of every group that names none, from what its cloud usually takes: what
    /// is recorded of a cluster does not change when that does. What has no default stays empty, and is refused by the
    /// plan; a cluster without a network gets its own.
    pub fn fill_in(&self, spec: &mut ClusterSpec, cloud: &CloudName) {
        for group in spec.groups.values_mut() {
            let cloud = group.cloud.as_ref().map_or_else(|| cloud.clone(), CloudName::new);
            let Some(offer) = self.clouds.get(&cloud) else { continue };
            for (word, default) in [(&mut group.flavor, &offer.defaults.flavor), (&mut group.image, &offer.defaults.image)] {
                if word.is_empty() {
                    word.clone_from(default.as_ref().unwrap_or(&String::new()));
                }
            }
            if let UsualNetwork::Is(network) = &offer.usual_network
                && group.networks.is_empty()
                && !self.has_network(&cloud)
            {
                let alone = offer.networks.iter().filter(|other| other.name == network.name).count() < 2;
                group.networks.push(if alone { network.name.clone() } else { network.id.clone() });
            }
        }
    }
}
