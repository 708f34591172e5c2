//! What a plan does to the quotas of the clouds.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{AddressKind, BelongingKind, Class, CloudName, Failure, Flavor, QuotaEffect, Server, ServerStatus};

use super::super::Facts;
use super::change::{Change, Changes, Fate};
use super::choice::Choices;

/// Quotas that a cluster counts against, in the order of showing.
const NAMES: [&str; 12] = [
    "servers",
    "vcpus",
    "ram_mb",
    "disk_gb",
    "floating_ips",
    "ports",
    "networks",
    "subnets",
    "routers",
    "security_groups",
    "volumes",
    "volume_gb",
];
/// Places of some of them.
const FLOATING_IPS: usize = 4;
const PORTS: usize = 5;
const NETWORKS: usize = 6;
const SUBNETS: usize = 7;
const ROUTERS: usize = 8;
const SECURITY_GROUPS: usize = 9;
const VOLUMES: usize = 10;
const VOLUME_GB: usize = 11;

/// What is used of each quota, in the order of [`NAMES`].
type Amounts = [u64; 12];

/// What a plan does to the quotas.
pub struct Effects {
    pub list: Vec<QuotaEffect>,
    /// Clouds without room for the old servers beside the new ones: there, servers are deleted first.
    pub tight: BTreeSet<CloudName>,
}

/// Adds up the servers that come and go.
pub fn effects(changes: &Changes<'_>, facts: &Facts, choices: &Choices<'_>) -> Result<Effects, Failure> {
    let mut comes: BTreeMap<&CloudName, Amounts> = BTreeMap::new();
    let mut goes: BTreeMap<&CloudName, Amounts> = BTreeMap::new();
    for change in &changes.all {
        if change.creates() {
            let choice = choices.get(&change.node.group)?;
            let cloud = &change.node.cloud;
            let mut has = facts.belongings_on(cloud, BelongingKind::FloatingIp);
            let address = choice.public_address && !has.any(|ip| ip.what_for() == change.node.name);
            let networks = choice.networks.len().max(1) as u64;
            let mut wanted = amounts(Some(choice.flavor), address, networks);
            if let Some(volume) = choice.extras.volume {
                (wanted[VOLUMES], wanted[VOLUME_GB]) = (1, volume.size_gb.into());
            }
            add(comes.entry(cloud).or_default(), wanted);
        }
        if let (true, Some(server)) = (change.deletes(), change.server) {
            add(goes.entry(&server.cloud).or_default(), freed(change, server, facts));
        }
    }
    let mut effects = Effects { list: Vec::new(), tight: BTreeSet::new() };
    for (cloud, offer) in &facts.clouds {
        let mut comes = comes.get(cloud).copied().unwrap_or_default();
        if comes[0] > 0 {
            add(&mut comes, ground(cloud, facts, choices));
            comes[FLOATING_IPS] = comes[FLOATING_IPS].saturating_sub(offer.free_addresses);
        }
        let goes = goes.get(cloud).copied().unwrap_or_default();
        for (at, name) in NAMES.iter().enumerate() {
            let Some(item) = offer.quota.get(name).filter(|_| comes[at] + goes[at] > 0) else { continue };
            if item.limit.is_some_and(|limit| item.used.saturating_add(comes[at]) > limit) {
                effects.tight.insert(cloud.clone());
            }
            let after = item.used.saturating_add(comes[at]).saturating_sub(goes[at]);
            let (name, used, limit) = ((*name).to_owned(), item.used, item.limit);
            effects.list.push(QuotaEffect { cloud: cloud.clone(), name, used, limit, after });
        }
    }
    Ok(effects)
}

/// `Ok` when there is enough of everything.
pub fn check(list: &[QuotaEffect], cluster: &str) -> Result<(), Failure> {
    let lines: Vec<String> = list.iter().filter(|effect| effect.exceeded()).map(line).collect();
    if lines.is_empty() {
        return Ok(());
    }
    let clouds: BTreeSet<&str> = list.iter().filter(|effect| effect.exceeded()).map(|effect| effect.cloud.as_str()).collect();
    let at = clouds.into_iter().collect::<Vec<_>>().join(", ");
    let next = "lower the counts, take smaller flavors, delete what is not needed, or ask for more quota; nothing was made";
    Err(Failure::new(Class::Quota, format!("plan cluster {cluster}"), lines.join("; ")).at(at).next(next))
}

fn line(effect: &QuotaEffect) -> String {
    let QuotaEffect { name, used, after, .. } = effect;
    let limit = effect.limit.unwrap_or_default();
    format!("{name}: {after} wanted, {limit} allowed ({used} in use now)")
}

fn amounts(flavor: Option<&Flavor>, public_address: bool, ports: u64) -> Amounts {
    let (vcpus, ram, disk) = flavor.map_or((0, 0, 0), |f| (u64::from(f.vcpus), f.ram_mb, f.disk_gb));
    [1, vcpus, ram, disk, u64::from(public_address), ports, 0, 0, 0, 0, 0, 0]
}

/// What servers stand on and is not there so far.
fn ground(cloud: &CloudName, facts: &Facts, choices: &Choices<'_>) -> Amounts {
    let mut amounts = Amounts::default();
    let has = |kind, what_for: &str| facts.belongings_on(cloud, kind).any(|found| found.what_for() == what_for);
    let here = || choices.iter().filter(|(_, choice)| choice.cloud == *cloud);
    if here().any(|(_, choice)| choice.own_network) {
        if !has(BelongingKind::Network, "") {
            (amounts[NETWORKS], amounts[SUBNETS]) = (1, 1);
        }
        if !has(BelongingKind::Router, "") {
            // It has a port on the network.
            (amounts[ROUTERS], amounts[PORTS]) = (1, 1);
        }
    }
    if here().any(|(_, choice)| choice.ports.is_some()) && !has(BelongingKind::SecurityGroup, "") {
        amounts[SECURITY_GROUPS] += 1;
    }
    let groups = here().filter(|(_, choice)| choice.ports.as_ref().is_some_and(|ports| !ports.is_empty()));
    amounts[SECURITY_GROUPS] += groups.filter(|(name, _)| !has(BelongingKind::SecurityGroup, name)).count() as u64;
    amounts
}

/// What a server gives back when it is deleted.
fn freed(change: &Change<'_>, server: &Server, facts: &Facts) -> Amounts {
    if server.status == ServerStatus::Deleting {
        return Amounts::default();
    }
    let flavors = || facts.clouds.get(&server.cloud).into_iter().flat_map(|cloud| &cloud.flavors);
    let recorded = change.old.map(|node| &node.flavor);
    let flavor = flavors()
        .find(|flavor| flavor.name == server.flavor || flavor.id == server.flavor)
        .or_else(|| flavors().find(|flavor| Some(&flavor.name) == recorded));
    // One that is made anew keeps its address.
    let address = change.fate == Fate::Leave && server.addresses.iter().any(|address| address.kind == AddressKind::Public);
    amounts(flavor, address, 1)
}

fn add(sum: &mut Amounts, more: Amounts) {
    for (total, one) in sum.iter_mut().zip(more) {
        *total = total.saturating_add(one);
    }
}
