//! How much may be used: Nova's limits and Neutron's quotas, in our words.

use std::collections::BTreeMap;

use super::catalog::Service;
use super::convert::quota as item;
use super::session::{Call, Session};
use super::wire;
use crate::base::Cx;
use crate::model::{Failure, Quota, QuotaItem};

/// Ours, Nova's for what is used, Nova's for the limit.
const COMPUTE: &[(&str, &str, &str)] = &[
    ("servers", "totalInstancesUsed", "maxTotalInstances"),
    ("vcpus", "totalCoresUsed", "maxTotalCores"),
    ("ram_mb", "totalRAMUsed", "maxTotalRAMSize"),
    ("server_groups", "totalServerGroupsUsed", "maxServerGroups"),
];

/// The same of Cinder.
const VOLUME: &[(&str, &str, &str)] =
    &[("volumes", "totalVolumesUsed", "maxTotalVolumes"), ("volume_gb", "totalGigabytesUsed", "maxTotalVolumeGigabytes")];

/// Ours and Neutron's.
const NETWORK: &[(&str, &str)] = &[
    ("floating_ips", "floatingip"),
    ("networks", "network"),
    ("subnets", "subnet"),
    ("routers", "router"),
    ("ports", "port"),
    ("security_groups", "security_group"),
    ("security_group_rules", "security_group_rule"),
];

/// All quotas of the project. Neutron's are left out where it does not tell them.
///
/// # Errors
/// Nova does not tell.
pub async fn read(session: &Session, cx: &Cx) -> Result<Quota, Failure> {
    let token = session.token(cx).await?;
    let limits = Call::get(Service::Compute, "/limits", "read the quota");
    let details = token
        .project()
        .map(|project| Call::get(Service::Network, format!("/quotas/{project}/details.json"), "read the quota of networks"));
    let volume = async {
        // A cloud without block storage has no quota of it.
        let volumes = Call::get(Service::Volume, "/limits", "read the quota of volumes");
        session.place(cx, Service::Volume).await.ok()?;
        Some(session.ask::<wire::Limits>(cx, &volumes).await)
    };
    let network = async {
        match &details {
            Some(call) => session.ask::<wire::QuotaDetails>(cx, call).await.map(|details| details.quota),
            None => Ok(BTreeMap::new()),
        }
    };
    let (limits, network, volume) = tokio::join!(session.ask::<wire::Limits>(cx, &limits), network, volume);
    let mut items = absolute(COMPUTE, &limits?);
    match network {
        Ok(network) => items.extend(NETWORK.iter().filter_map(|(name, theirs)| {
            let detail = network.get(*theirs)?;
            let used = detail.used.unwrap_or(0) + detail.reserved.unwrap_or(0);
            Some(item(name, used, detail.limit.unwrap_or(-1)))
        })),
        // What passes is told, since a plan counts on it; a cloud without the extension is no failure.
        Err(failure) if failure.heals() => return Err(failure),
        Err(_) => {}
    }
    match volume {
        Some(Ok(limits)) => items.extend(absolute(VOLUME, &limits)),
        Some(Err(failure)) if failure.heals() => return Err(failure),
        _ => {}
    }
    Ok(Quota { items })
}

fn absolute(names: &[(&str, &str, &str)], limits: &wire::Limits) -> Vec<QuotaItem> {
    let told = &limits.limits.absolute;
    let of =
        |(name, used, limit): &(&str, &str, &str)| Some(item(name, told.get(*used).copied().unwrap_or(0), *told.get(*limit)?));
    names.iter().filter_map(of).collect()
}
