//! How much of a cloud may be used.

use serde::{Deserialize, Serialize};

/// One quota.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuotaItem {
    /// `servers`, `vcpus`, `ram_mb`, `disk_gb`, `floating_ips` …
    pub name: String,
    pub used: u64,
    /// `None`: without limit.
    pub limit: Option<u64>,
}

/// All quotas of a cloud that it tells of.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Quota {
    pub items: Vec<QuotaItem>,
}

impl Quota {
    /// The quota called `name`.
    pub fn get(&self, name: &str) -> Option<&QuotaItem> {
        self.items.iter().find(|i| i.name == name)
    }
}
