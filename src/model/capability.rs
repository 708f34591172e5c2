//! What a driver can do, and why not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Whether one thing can be done on a cloud.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "can", rename_all = "snake_case")]
pub enum Capability {
    /// It can.
    Yes,
    /// It can, with a difference worth knowing.
    Limited {
        /// The difference, for people.
        note: String,
    },
    /// It cannot.
    No {
        /// The reason, for people.
        reason: String,
    },
}

/// The names of capabilities; the screen greys out what is missing, with the reason.
pub mod names {
    pub const POWER: &str = "power";
    pub const CONSOLE_LOG: &str = "console_log";
    /// New disks from an image, for servers that are there.
    pub const REBUILD: &str = "rebuild";
    /// Other flavors, for servers that are there.
    pub const RESIZE: &str = "resize";
    /// What was done to a server.
    pub const ACTIONS: &str = "server_actions";
    pub const NETWORKS: &str = "networks";
    /// Networks, subnets and routers for clusters.
    pub const NETWORK_CREATE: &str = "network_create";
    pub const SECURITY_GROUPS: &str = "security_groups";
    pub const FLOATING_IPS: &str = "floating_ips";
    pub const KEY_PAIRS: &str = "key_pairs";
    /// Disks that live without their server.
    pub const VOLUMES: &str = "volumes";
    pub const SERVER_GROUPS: &str = "server_groups";
    /// Servers whose disk is a volume.
    pub const BOOT_VOLUME: &str = "boot_volume";
    /// Hints for the scheduler.
    pub const HINTS: &str = "scheduler_hints";
    /// Availability zones.
    pub const ZONES: &str = "zones";
    pub const IMAGE_UPLOAD: &str = "image_upload";
    pub const IMAGE_REGISTER: &str = "image_register";
    pub const QUOTA: &str = "quota";
    pub const MEMORY_LIMIT: &str = "memory_limit";
    pub const USERS: &str = "users";
    pub const FAULTS: &str = "faults";
    pub const FILES: &str = "files";
}

/// What a cloud can do, by name (see [`names`]). A name that is not listed cannot be done.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Capabilities(pub BTreeMap<String, Capability>);

impl Capabilities {
    /// Adds one.
    #[must_use]
    pub fn with(mut self, name: &str, capability: Capability) -> Self {
        self.0.insert(name.to_owned(), capability);
        self
    }

    /// `Ok` when it can be done, else the reason.
    pub fn check(&self, name: &str) -> Result<(), String> {
        match self.0.get(name) {
            Some(Capability::Yes | Capability::Limited { .. }) => Ok(()),
            Some(Capability::No { reason }) => Err(reason.clone()),
            None => Err(format!("this driver has no {}", name.replace('_', " "))),
        }
    }
}
