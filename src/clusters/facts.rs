//! What a plan is made from: the world as it is told.

use std::collections::BTreeMap;

use crate::model::{
    Capabilities, CloudName, Cluster, ClusterSpec, Defaults, Flavor, HomeId, Image, Network, Node, Quota, Server,
};

/// What one cloud offers.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct CloudFacts {
    pub flavors: Vec<Flavor>,
    pub images: Vec<Image>,
    pub networks: Vec<Network>,
    pub quota: Quota,
    pub capabilities: Capabilities,
    /// What groups have that name no flavor or image.
    pub defaults: Defaults,
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
}

impl Facts {
    /// Fills in the flavor and image of every group that names none, from its cloud's defaults: what is recorded of a
    /// cluster does not change when the defaults do. What has no default stays empty, and is refused by the plan.
    pub fn fill_in(&self, spec: &mut ClusterSpec, cloud: &CloudName) {
        for group in spec.groups.values_mut() {
            let cloud = group.cloud.as_ref().map_or_else(|| cloud.clone(), CloudName::new);
            let Some(offer) = self.clouds.get(&cloud) else { continue };
            for (word, default) in [(&mut group.flavor, &offer.defaults.flavor), (&mut group.image, &offer.defaults.image)] {
                if word.is_empty() {
                    word.clone_from(default.as_ref().unwrap_or(&String::new()));
                }
            }
        }
    }
}
