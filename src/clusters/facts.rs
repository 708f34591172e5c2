//! What a plan is made from: the world as it is told.

use std::collections::BTreeMap;

use crate::model::{Capabilities, CloudName, Cluster, Flavor, HomeId, Image, Network, Node, Quota, Server};

/// What one cloud offers.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct CloudFacts {
    pub flavors: Vec<Flavor>,
    pub images: Vec<Image>,
    pub networks: Vec<Network>,
    pub quota: Quota,
    pub capabilities: Capabilities,
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
