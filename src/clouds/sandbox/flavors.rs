//! The sizes of servers, and how much of them there may be.

use super::knobs::Knobs;
use super::record::Record;
use crate::model::{CloudName, Flavor, Quota, QuotaItem};

struct Size {
    name: &'static str,
    vcpus: u32,
    ram_mb: u64,
    disk_gb: u64,
}

const SIZES: &[Size] = &[
    Size { name: "tiny", vcpus: 1, ram_mb: 256, disk_gb: 1 },
    Size { name: "small", vcpus: 1, ram_mb: 512, disk_gb: 5 },
    Size { name: "medium", vcpus: 2, ram_mb: 1024, disk_gb: 10 },
    Size { name: "large", vcpus: 4, ram_mb: 2048, disk_gb: 20 },
];

/// All flavors; `limited` tells whether the memory limit is the kernel's.
pub fn all(cloud: &CloudName, limited: &Result<(), String>) -> Vec<Flavor> {
    let note = match limited {
        Ok(()) => "vcpus and disk are advisory".to_owned(),
        Err(why) => format!("all sizes are advisory: {why}"),
    };
    SIZES
        .iter()
        .map(|size| Flavor {
            cloud: cloud.clone(),
            id: size.name.to_owned(),
            name: size.name.to_owned(),
            vcpus: size.vcpus,
            ram_mb: size.ram_mb,
            disk_gb: size.disk_gb,
            note: note.clone(),
        })
        .collect()
}

/// Virtual CPUs and MiB of a flavor.
pub fn size(name: &str) -> Option<(u32, u64)> {
    SIZES.iter().find(|s| s.name == name).map(|s| (s.vcpus, s.ram_mb))
}

/// The names, for messages.
pub fn names() -> String {
    SIZES.iter().map(|s| s.name).collect::<Vec<_>>().join(", ")
}

/// What the servers use of what the knobs allow.
pub fn quota(records: &[Record], knobs: &Knobs) -> Quota {
    let vcpus = records.iter().filter_map(|r| size(&r.flavor)).map(|(vcpus, _)| u64::from(vcpus)).sum();
    let item = |name: &str, used, limit| QuotaItem { name: name.to_owned(), used, limit: Some(limit) };
    Quota {
        items: vec![
            item("servers", records.len() as u64, knobs.quota_servers),
            item("vcpus", vcpus, knobs.quota_vcpus),
            item("ram_mb", records.iter().map(|r| r.ram_mb).sum(), knobs.quota_ram_mb),
        ],
    }
}

/// Whether one more server of this flavor fits; else what is exceeded, for people.
///
/// # Errors
/// The quota that it would exceed.
pub fn fits(records: &[Record], knobs: &Knobs, flavor: &str) -> Result<(), String> {
    let (vcpus, ram_mb) = size(flavor).unwrap_or_default();
    let quota = quota(records, knobs);
    for (name, more) in [("servers", 1), ("vcpus", u64::from(vcpus)), ("ram_mb", ram_mb)] {
        let Some(QuotaItem { used, limit: Some(limit), .. }) = quota.get(name) else { continue };
        if used + more > *limit {
            return Err(format!("quota of {name} is {limit}, {used} are in use, {more} more are asked for"));
        }
    }
    Ok(())
}
