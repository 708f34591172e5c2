//! Clouds and what they list: flavors, images, networks, key pairs, floating IPs.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Capabilities, CloudName, Time, Token};

/// The code that speaks one kind of cloud.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// The embedded cloud: servers are namespaced processes on this computer.
    Sandbox,
    /// Servers are containers of a Docker engine.
    Docker,
    /// Keystone, Nova, Glance, Neutron.
    Openstack,
    /// Astakos, Cyclades, Plankton, Pithos+.
    Synnefo,
    /// A provider of Apache Libcloud.
    Libcloud,
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sandbox => "sandbox",
            Self::Docker => "docker",
            Self::Openstack => "openstack",
            Self::Synnefo => "synnefo",
            Self::Libcloud => "libcloud",
        })
    }
}

/// A configured cloud as people see it; no secret in it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CloudInfo {
    /// Its name in this home.
    pub name: CloudName,
    /// Its driver.
    pub driver: Driver,
    /// Where it is: a URL, or a path for a cloud on this computer.
    pub endpoint: String,
    /// The file (with line, when known) or variable that configures it.
    pub source: String,
    /// Commands that name no cloud go here.
    pub default: bool,
    /// Nothing on it may be changed: `FILE:LINE` that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<String>,
    /// Others live from what runs on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prod: bool,
    /// What its driver can do.
    pub capabilities: Capabilities,
    /// Used where nobody names another.
    #[serde(default)]
    pub defaults: Defaults,
}

/// Names that a cloud's settings give for where nobody names any.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Defaults {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

/// Who we are on a cloud: what an identity check answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Identity {
    /// The account or user name.
    pub user: String,
    /// The project, where the cloud has projects.
    pub project: Option<String>,
    /// What a reader may want to know: versions, limits, a warning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A size of server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Flavor {
    pub cloud: CloudName,
    pub id: String,
    pub name: String,
    pub vcpus: u32,
    /// Memory, MiB.
    pub ram_mb: u64,
    /// Disk, GiB.
    pub disk_gb: u64,
    /// What else is worth knowing, for instance "memory limit is advisory".
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// State of an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageStatus {
    Active,
    Saving,
    Error,
}

/// Something that servers boot from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Image {
    pub cloud: CloudName,
    pub id: String,
    pub name: String,
    pub status: ImageStatus,
    /// Size in bytes, where the cloud says it.
    pub size: Option<u64>,
    pub created: Option<Time>,
    /// The user to log in as, where the image says it.
    pub ssh_user: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

/// An image to be made of a file of this computer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewImage {
    pub name: String,
    /// The file of a disk image.
    pub path: std::path::PathBuf,
    /// In the cloud's words (`qcow2`, `raw` …); seen in the file when left out.
    #[serde(default)]
    pub disk_format: Option<String>,
    /// Smallest disk that it fits on, GiB; 0: any.
    #[serde(default)]
    pub min_disk_gb: u64,
    /// Least memory that it runs with, MiB; 0: any.
    #[serde(default)]
    pub min_ram_mb: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    /// What makes it findable again.
    pub token: Token,
}

/// A network that servers can be on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Network {
    pub cloud: CloudName,
    pub id: String,
    pub name: String,
    pub cidr: Option<String>,
    /// Addresses on it can be reached from outside.
    pub external: bool,
}

/// A public key known to the cloud.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyPair {
    pub cloud: CloudName,
    pub name: String,
    pub fingerprint: String,
    pub public_key: Option<String>,
}

/// A public address that can be moved between servers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FloatingIp {
    pub cloud: CloudName,
    pub id: String,
    pub address: String,
    pub server: Option<String>,
    /// The port that it leads to: it is in use, also where no server is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

impl FloatingIp {
    /// Nobody uses it, and nobody has put it aside.
    pub fn is_free(&self) -> bool {
        self.server.is_none() && self.port.is_none() && self.description.is_empty()
    }
}
